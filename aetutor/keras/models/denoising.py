"""Denoising autoencoder: the Keras twin of aetutor/torch/models/denoising.py, where the formulas and the pitfalls are."""

import keras
from keras import ops

from ... import validation
from ..autoencoder import Autoencoder


@keras.saving.register_keras_serializable("aetutor")
class DenoisingAutoencoder(Autoencoder):
    """Autoencoder that is given corrupted data and trained to return the clean ones.

    Arguments and shapes as in aetutor.torch.DenoisingAutoencoder.

    Example:
        >>> model = DenoisingAutoencoder.mlp(784, latent_dim=32, hidden=(128,), corruption="masking", level=0.5, seed=0)
        >>> noise = ops.tile(ops.linspace(0.0, 0.999, 784)[None], (4, 1))
        >>> ops.convert_to_numpy(ops.mean(model(ops.ones((4, 784)), noise=noise)["x_tilde"], axis=1)).tolist()
        [0.5, 0.5, 0.5, 0.5]
    """

    def __init__(self, encoder, decoder, *, likelihood="squared_error", sigma=1.0, corruption="gaussian", level=0.5):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.corruption = validation.one_of("corruption", corruption, ("gaussian", "masking", "salt_and_pepper"))
        self.level = validation.real("level", level, low=0, high=None if corruption == "gaussian" else 1)

    def corrupt(self, x, noise=None):
        """x_tilde, (B, *D), of x, (B, *D); `noise`, (B, *D), is standard normal for "gaussian", else uniform in [0, 1)."""
        if noise is None:
            noise = self.normal_like(x) if self.corruption == "gaussian" else self.uniform_like(x)  # (B, *D)
        elif tuple(noise.shape[1:]) != tuple(x.shape[1:]):  # it would broadcast
            raise ValueError(f"noise must have the shape of x, (B, {tuple(x.shape[1:])}); got {tuple(noise.shape)}.")
        if self.corruption == "gaussian":
            return x + self.level * noise
        if self.corruption == "masking":
            return ops.where(noise < self.level, 0.0, x)
        return ops.where(noise < self.level / 2, 0.0, ops.where(noise < self.level, 1.0, x))

    def call(self, x, noise=None):
        """Code and decoder output of the corrupted x; `noise` as in `corrupt`, (B, *D). The loss compares x_hat with x."""
        x_tilde = self.corrupt(x, noise)  # (B, *D)
        z = self.encode(x_tilde)  # (B, K)
        return {"z": z, "x_tilde": x_tilde, "x_hat": self.decode(z)}
