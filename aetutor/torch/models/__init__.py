"""One variant a file; the Keras twin of each has the same file name. The Boltzmann machines have none: see boltzmann.py."""

from .adversarial import AdversarialAutoencoder
from .boltzmann import RBM
from .boltzmann_stack import pretrain_boltzmann
from .conditional import ConditionalVAE
from .contractive import ContractiveAutoencoder
from .deep_boltzmann import DBM
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
    "DBM",
    "RBM",
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
    "pretrain_boltzmann",
    "pretrain_stack",
]
