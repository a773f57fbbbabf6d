"""One variant a file; the Keras twin of each has the same file name."""

from .variational import VAE

__all__ = ["VAE"]
