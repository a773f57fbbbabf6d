"""One variant a file; the PyTorch twin of each has the same file name."""

from .adversarial import AdversarialAutoencoder
from .conditional import ConditionalVAE
from .contractive import ContractiveAutoencoder
from .denoising import DenoisingAutoencoder
from .masked import MaskedAutoencoder
from .recurrent import SequenceAutoencoder
from .sparse import SparseAutoencoder
from .stacked import pretrain_stack
from .vae_gan import VAEGAN
from .variational import VAE
from .vector_quantised import VQVAE
from .wasserstein import WassersteinAutoencoder

__all__ = [
    "VAE",
    "VAEGAN",
    "VQVAE",
    "AdversarialAutoencoder",
    "ConditionalVAE",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "MaskedAutoencoder",
    "SequenceAutoencoder",
    "SparseAutoencoder",
    "WassersteinAutoencoder",
    "pretrain_stack",
]
