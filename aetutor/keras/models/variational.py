"""Variational autoencoder: the Keras twin of aetutor/torch/models/variational.py, with the formulas and the pitfalls."""

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
        >>> model = VAE.mlp(784, latent_dim=16, hidden=(256,), likelihood="bernoulli", samples=5, seed=0)
        >>> tuple(model(keras.random.uniform((4, 784)))["z"].shape)
        (4, 5, 16)
    """

    code_factor = 2
    prior = "standard_normal"

    def __init__(self, encoder, decoder, *, likelihood="gaussian", sigma=1.0, beta=1.0, samples=1):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.beta = validation.real("beta", beta, low=0)
        self.samples = validation.integer("samples", samples, low=1)
        validation.importance_weighted(self)

    def posterior(self, x):
        """Mean and log-variance of q(z | x), each (B, K)."""
        return ops.split(self.encoder(x), 2, axis=-1)

    def encode(self, x):
        """Posterior mean, (B, K): deterministic, unlike a draw."""
        return self.posterior(x)[0]

    def call(self, x, noise=None):
        """Draws z = mu + sigma * noise and their decodings.

        `noise` is standard normal: (B, K) for one draw, which gives z (B, K) and x_hat (B, *D); (B, k, K) for k draws, which
        give z (B, k, K) and x_hat (B, k, *D). Without it, `samples` decides.
        """
        mu, log_var = self.posterior(x)
        if noise is None:
            several = ops.repeat(mu[:, None], self.samples, axis=1)  # (B, k, K)
            noise = self.normal_like(mu if self.samples == 1 else several)
        out = {"mu": mu, "log_var": log_var, "noise": noise}
        if len(noise.shape) == 3:
            mu, log_var = mu[:, None], log_var[:, None]  # (B, 1, K): the same for k draws
        z = mu + ops.exp(0.5 * log_var) * noise  # (B, K) or (B, k, K)
        return out | {"z": z, "x_hat": self.decode_draws(z, x)}

    def decode_draws(self, z, x):
        """Decoder output for draws z of the code of x, (B, K) -> (B, *D) or (B, k, K) -> (B, k, *D)."""
        if len(z.shape) == 2:
            return self.decode(z)
        x_hat = self.decode(ops.reshape(z, (-1, z.shape[2])))  # (B k, *D)
        return ops.reshape(x_hat, (-1, ops.shape(z)[1], *x_hat.shape[1:]))

    def log_weights(self, x, out):
        """log w_i = log p(x | z_i) + log p(z_i) - log q(z_i | x) of each of k draws, (B, k), in nats."""
        k = ops.shape(out["noise"])[1]
        x_hat = ops.reshape(out["x_hat"], (-1, *out["x_hat"].shape[2:]))  # (B k, *D)
        nll = losses.reconstruction(self.likelihood, ops.repeat(x, k, axis=0), x_hat, self.log_sigma)  # (B k,)
        return losses.log_prior_ratio(out["z"], out["noise"], out["log_var"]) - ops.reshape(nll, (-1, k))

    def loss_terms(self, x, out):
        """The reconstruction term and beta times the KL term, or for k > 1 draws the one term of their bound, each (B,)."""
        if len(out["noise"].shape) == 3:
            validation.importance_weighted(self)  # a callback may have changed beta
            return {"negative_bound": losses.importance_bound(self.log_weights(x, out))}
        kl = losses.kl_standard_normal(out["mu"], out["log_var"])  # (B,)
        return super().loss_terms(x, out) | {"kl": self.beta * kl}
