"""One variant a file; the Keras twin of each has the same file name. The Boltzmann machines have none: see boltzmann.py."""

from .boltzmann import RBM, pretrain_boltzmann
from .contractive import ContractiveAutoencoder
from .deep_boltzmann import DBM
from .denoising import DenoisingAutoencoder
from .masked import MaskedAutoencoder
from .recurrent import SequenceAutoencoder
from .sparse import SparseAutoencoder
from .stacked import pretrain_stack
from .variational import VAE
from .vector_quantised import VQVAE

__all__ = [
    "DBM",
    "RBM",
    "VAE",
    "VQVAE",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "MaskedAutoencoder",
    "SequenceAutoencoder",
    "SparseAutoencoder",
    "pretrain_boltzmann",
    "pretrain_stack",
]
