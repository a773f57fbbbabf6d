"""One variant a file; the PyTorch twin of each has the same file name."""

from .contractive import ContractiveAutoencoder
from .denoising import DenoisingAutoencoder
from .masked import MaskedAutoencoder
from .recurrent import SequenceAutoencoder
from .sparse import SparseAutoencoder
from .stacked import pretrain_stack
from .variational import VAE
from .vector_quantised import VQVAE

__all__ = [
    "VAE",
    "VQVAE",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "MaskedAutoencoder",
    "SequenceAutoencoder",
    "SparseAutoencoder",
    "pretrain_stack",
]
