"""One variant a file; the Keras twin of each has the same file name."""

from .denoising import DenoisingAutoencoder
from .sparse import SparseAutoencoder
from .variational import VAE
from .vector_quantised import VQVAE

__all__ = ["VAE", "VQVAE", "DenoisingAutoencoder", "SparseAutoencoder"]
