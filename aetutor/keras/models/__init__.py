"""One variant a file; the PyTorch twin of each has the same file name."""

from .variational import VAE

__all__ = ["VAE"]
