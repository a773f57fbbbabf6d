"""Variational autoencoder, and the importance-weighted one.

    -ELBO(x) = E_q[-log p(x | z)] + beta KL(q(z | x) || N(0, I)),   q(z | x) = N(mu(x), diag(sigma(x)^2))

The expectation is estimated with one draw, z = mu + sigma * noise. For beta = 1 it bounds -log p(x) from above, in nats.
With k > 1 draws (`samples`) the bound is tighter, because a mean of weights comes before the logarithm:

    -L_k(x) = -E log (1/k) sum_i w_i,   w_i = p(x | z_i) p(z_i) / q(z_i | x),   L_1 = ELBO <= L_k <= L_{k+1} <= log p(x)

Pitfalls: a mean over pixels beside a sum over latents trains another beta (see metrics.effective_beta); log_var is the
logarithm of the variance, not of sigma; a decoder that can ignore z will (watch metrics.active_units); the mean of the
log-weights in place of the logarithm of their mean is the ELBO again, at k times its cost.

Source: Kingma and Welling (2014); Rezende, Mohamed and Wierstra (2014); Burda, Grosse and Salakhutdinov (2016) for L_k.
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
        samples: draws k a sample of data. One gives the terms "reconstruction" and "kl"; more give the importance-weighted
            bound as one term, "negative_bound", and need a likelihood and beta = 1.

    Example:
        >>> model = VAE.mlp(784, latent_dim=16, hidden=(256,), likelihood="bernoulli", seed=0)
        >>> model(torch.rand(4, 784))["z"].shape
        torch.Size([4, 16])
        >>> model = VAE.mlp(784, latent_dim=16, hidden=(256,), likelihood="bernoulli", samples=5, seed=0)
        >>> model(torch.rand(4, 784))["z"].shape
        torch.Size([4, 5, 16])
    """

    code_factor = 2
    prior = "standard_normal"

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        likelihood: str = "gaussian",
        sigma: float | str = 1.0,
        beta: float = 1.0,
        samples: int = 1,
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.beta = validation.real("beta", beta, low=0)
        self.samples = validation.integer("samples", samples, low=1)
        validation.importance_weighted(self)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x), each (B, K)."""
        mu, log_var = self.encoder(x).chunk(2, dim=-1)  # (B, K), (B, K)
        return mu, log_var

    def encode(self, x: Tensor) -> Tensor:
        """Posterior mean, (B, K): deterministic, unlike a draw."""
        return self.posterior(x)[0]

    def forward(self, x: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Draws z = mu + sigma * noise and their decodings.

        `noise` is standard normal: (B, K) for one draw, which gives z (B, K) and x_hat (B, *D); (B, k, K) for k draws, which
        give z (B, k, K) and x_hat (B, k, *D). Without it, `samples` decides.
        """
        mu, log_var = self.posterior(x)
        if noise is None:
            several = mu[:, None].expand(-1, self.samples, -1)  # (B, k, K)
            noise = self.normal_like(mu if self.samples == 1 else several)
        out = {"mu": mu, "log_var": log_var, "noise": noise}
        if noise.ndim == 3:
            mu, log_var = mu[:, None], log_var[:, None]  # (B, 1, K): the same for k draws
        z = mu + torch.exp(0.5 * log_var) * noise  # (B, K) or (B, k, K)
        return out | {"z": z, "x_hat": self.decode_draws(z, x)}

    def decode_draws(self, z: Tensor, x: Tensor) -> Tensor:
        """Decoder output for draws z of the code of x, (B, K) -> (B, *D) or (B, k, K) -> (B, k, *D)."""
        return self.decode(z) if z.ndim == 2 else self.decode(z.flatten(0, 1)).unflatten(0, z.shape[:2])

    def log_weights(self, x: Tensor, out: dict[str, Tensor]) -> Tensor:
        """log w_i = log p(x | z_i) + log p(z_i) - log q(z_i | x) of each of k draws, (B, k), in nats."""
        batch, k = out["noise"].shape[:2]
        x = x[:, None].expand(-1, k, *x.shape[1:]).flatten(0, 1)  # (B k, *D)
        nll = losses.reconstruction(self.likelihood, x, out["x_hat"].flatten(0, 1), self.log_sigma)  # (B k,)
        return losses.log_prior_ratio(out["z"], out["noise"], out["log_var"]) - nll.unflatten(0, (batch, k))

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """The reconstruction term and beta times the KL term, or for k > 1 draws the one term of their bound, each (B,)."""
        if out["noise"].ndim == 3:
            validation.importance_weighted(self)  # a callback may have changed beta
            return {"negative_bound": losses.importance_bound(self.log_weights(x, out))}
        kl = losses.kl_standard_normal(out["mu"], out["log_var"])  # (B,)
        return super().loss_terms(x, out) | {"kl": self.beta * kl}
