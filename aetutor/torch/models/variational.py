"""Variational autoencoder.

    -ELBO(x) = E_q[-log p(x | z)] + beta KL(q(z | x) || N(0, I)),   q(z | x) = N(mu(x), diag(sigma(x)^2))

The expectation is estimated with one draw, z = mu + sigma * noise. For beta = 1 it bounds -log p(x) from above, in nats.

Pitfalls: a mean over pixels beside a sum over latents trains another beta (see metrics.effective_beta); log_var is the
logarithm of the variance, not of sigma; a decoder that can ignore z will (watch metrics.active_units).

Source: Kingma and Welling (2014); Rezende, Mohamed and Wierstra (2014).
"""

import torch
from torch import Tensor, nn

from ... import validation
from .. import losses
from ..autoencoder import Autoencoder


class VAE(Autoencoder):
    """Autoencoder whose code is a Gaussian distribution.

    Args:
        encoder: maps x, (B, *D), to [mean | log-variance], (B, 2 K).
        decoder: maps z, (B, K), to the parameters of p(x | z), (B, *D).
        likelihood: "bernoulli" (logits; x in [0, 1]) or "gaussian" (mean), or "squared_error", which is not a likelihood.
        sigma: standard deviation of "gaussian", a number > 0, or "learned".
        beta: weight of the KL term, >= 0.

    Example:
        >>> model = VAE.mlp(784, latent_dim=16, hidden=(256,), likelihood="bernoulli", seed=0)
        >>> model(torch.rand(4, 784))["z"].shape
        torch.Size([4, 16])
    """

    code_factor = 2

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        likelihood: str = "gaussian",
        sigma: float | str = 1.0,
        beta: float = 1.0,
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.beta = validation.real("beta", beta, low=0)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x), each (B, K)."""
        mu, log_var = self.encoder(x).chunk(2, dim=-1)  # (B, K), (B, K)
        return mu, log_var

    def encode(self, x: Tensor) -> Tensor:
        """Posterior mean, (B, K): deterministic, unlike a draw."""
        return self.posterior(x)[0]

    def forward(self, x: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """One draw z = mu + sigma * noise and its decoding; `noise` is standard normal, (B, K)."""
        mu, log_var = self.posterior(x)
        noise = self.normal_like(mu) if noise is None else noise  # (B, K)
        z = mu + torch.exp(0.5 * log_var) * noise
        return {"z": z, "mu": mu, "log_var": log_var, "x_hat": self.decode(z)}

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """The reconstruction term and beta times the KL term, each (B,)."""
        kl = losses.kl_standard_normal(out["mu"], out["log_var"])  # (B,)
        return super().loss_terms(x, out) | {"kl": self.beta * kl}
