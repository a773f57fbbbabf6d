"""Variational autoencoder: the Keras twin of aetutor/torch/models/variational.py, where the formula and the pitfalls are."""

import keras
from keras import ops

from ... import validation
from .. import losses
from ..autoencoder import Autoencoder


@keras.saving.register_keras_serializable("aetutor")
class VAE(Autoencoder):
    """Autoencoder whose code is a Gaussian distribution. Arguments and shapes as in aetutor.torch.VAE.

    Example:
        >>> model = VAE.mlp(784, latent_dim=16, hidden=(256,), likelihood="bernoulli", seed=0)
        >>> tuple(model(keras.random.uniform((4, 784)))["z"].shape)
        (4, 16)
    """

    code_factor = 2

    def __init__(self, encoder, decoder, *, likelihood="gaussian", sigma=1.0, beta=1.0):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.beta = validation.real("beta", beta, low=0)

    def posterior(self, x):
        """Mean and log-variance of q(z | x), each (B, K)."""
        return ops.split(self.encoder(x), 2, axis=-1)

    def encode(self, x):
        """Posterior mean, (B, K): deterministic, unlike a draw."""
        return self.posterior(x)[0]

    def call(self, x, noise=None):
        """One draw z = mu + sigma * noise and its decoding; `noise` is standard normal, (B, K)."""
        mu, log_var = self.posterior(x)
        noise = self.normal_like(mu) if noise is None else noise  # (B, K)
        z = mu + ops.exp(0.5 * log_var) * noise
        return {"z": z, "mu": mu, "log_var": log_var, "x_hat": self.decode(z)}

    def loss_terms(self, x, out):
        """The reconstruction term and beta times the KL term, each (B,)."""
        kl = losses.kl_standard_normal(out["mu"], out["log_var"])  # (B,)
        return super().loss_terms(x, out) | {"kl": self.beta * kl}
