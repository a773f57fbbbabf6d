"""Wasserstein autoencoder: the Keras twin of aetutor/torch/models/wasserstein.py, where the formula and the pitfalls are."""

import keras

from ... import validation
from .. import losses
from ..autoencoder import Autoencoder


@keras.saving.register_keras_serializable("aetutor")
class WassersteinAutoencoder(Autoencoder):
    """Autoencoder whose codes are kept near a standard normal distribution, all together, by the maximum mean discrepancy.

    Arguments and shapes as in aetutor.torch.WassersteinAutoencoder.

    Example:
        >>> model = WassersteinAutoencoder.mlp(784, latent_dim=8, hidden=(128,), strength=100.0, seed=0)
        >>> x = keras.random.uniform((4, 784))
        >>> sorted(model.loss_terms(x, model(x)))
        ['mmd', 'reconstruction']
    """

    prior = "standard_normal"

    def __init__(
        self,
        encoder,
        decoder,
        *,
        likelihood="squared_error",
        sigma=1.0,
        strength=100.0,
        scales=(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.strength = validation.real("strength", strength, low=0)
        self.scales = validation.reals("scales", scales, above=0)

    def call(self, x, noise=None):
        """Code, decoder output and the prior's draws; `noise`, (B, K), is standard normal: these draws."""
        z = self.encode(x)  # (B, K)
        noise = self.normal_like(z) if noise is None else noise
        return {"z": z, "x_hat": self.decode(z), "noise": noise}

    def loss_terms(self, x, out):
        """The reconstruction term and strength times a sample's share of the batch's MMD, each (B,)."""
        mmd = losses.mmd(out["z"], out["noise"], self.scales)  # (B,)
        return super().loss_terms(x, out) | {"mmd": self.strength * mmd}
