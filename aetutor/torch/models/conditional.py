"""Conditional variational autoencoder: a VAE that is told something about each sample, such as its class.

    -ELBO(x | c) = E_q[-log p(x | z, c)] + beta KL(q(z | x, c) || N(0, I)) >= -log p(x | c)   for beta = 1

A sample is [x | c]: the data, flat, with the condition behind it, so that it is shuffled, batched, saved and resumed as
any other. Both nets read c; only x is drawn. The prior of z does not depend on c: z need not say what c says already, and
the same z with another c keeps the rest, as far as the training data let the two be told apart.

Pitfalls: a class is one number for each class, 1 for its own and 0 elsewhere; as a single number 0 to 9 it says that a
three lies between a two and a four. A likelihood of x given c is no likelihood of x: it lies higher where c helps. Nothing
forces z to be independent of c; the KL term only makes it cheaper, and a small code has no room for c.

Source: Sohn, Lee and Yan (2015); Kingma, Rezende, Mohamed and Welling (2014), for classes.
"""

import torch
from torch import Tensor, nn

from ... import validation
from ...convenience import Convenience, NotOffered
from .. import backbones
from .variational import VAE

ONLY_MLP = "its decoder would not read the condition; use .mlp, or pass an encoder and a decoder that do."


class ConditionalVAE(VAE):
    """VAE of samples [x | c] whose last C entries are given, not drawn.

    Args:
        encoder: maps [x | c], (B, D + C), to [mean | log-variance], (B, 2 K).
        decoder: maps [z | c], (B, K + C), to the parameters of p(x | z, c), (B, D).
        conditions: C.
        likelihood: as in VAE. `fit` wants c within its support too; classes as 0 and 1 are in all.
        sigma, beta, samples: as in VAE.

    Example:
        >>> model = ConditionalVAE.mlp(794, conditions=10, latent_dim=2, hidden=(64,), likelihood="bernoulli", seed=0)
        >>> x = torch.rand(4, 794)
        >>> model(x)["x_hat"].shape, model.encode(x).shape, model.decode(model.encode(x)).shape
        (torch.Size([4, 784]), torch.Size([4, 12]), torch.Size([4, 794]))
    """

    mlp = Convenience(backbones.conditional_mlp)
    conv, recurrent, residual = NotOffered(ONLY_MLP), NotOffered(ONLY_MLP), NotOffered(ONLY_MLP)

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        conditions: int,
        likelihood: str = "gaussian",
        sigma: float | str = 1.0,
        beta: float = 1.0,
        samples: int = 1,
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma, beta=beta, samples=samples)
        self.conditions = validation.integer("conditions", conditions, low=1)

    def encode(self, x: Tensor) -> Tensor:
        """Posterior mean and condition, (B, D + C) -> (B, K + C): what `decode` needs."""
        return torch.cat([super().encode(x), x[:, -self.conditions :]], dim=1)

    def decode(self, z: Tensor) -> Tensor:
        """Parameters of p(x | z, c) and the condition unchanged, (B, K + C) -> (B, D + C)."""
        return torch.cat([self.decoder(z), z[:, -self.conditions :]], dim=1)

    def mean(self, params: Tensor) -> Tensor:
        """Mean of p(x | z, c) and the condition, (B, D + C) -> (B, D + C)."""
        return torch.cat([super().mean(params[:, : -self.conditions]), params[:, -self.conditions :]], dim=1)

    def decode_draws(self, z: Tensor, x: Tensor) -> Tensor:
        """Parameters of p(x | z, c) alone for draws z, (B, K) -> (B, D) or (B, k, K) -> (B, k, D)."""
        c = x[:, -self.conditions :] if z.ndim == 2 else x[:, None, -self.conditions :].expand(-1, z.shape[1], -1)
        return super().decode_draws(torch.cat([z, c], dim=-1), x)[..., : -self.conditions]

    def log_weights(self, x: Tensor, out: dict[str, Tensor]) -> Tensor:
        """As in VAE, of x given c, (B, k)."""
        return super().log_weights(self.drawn_part(x, out), out)

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """As in VAE: the condition is not scored."""
        return super().loss_terms(self.drawn_part(x, out), out)

    def drawn_part(self, x: Tensor, out: dict[str, Tensor]) -> Tensor:
        """x of [x | c], (B, D); once it is cut off nothing more is, since `loss_terms` may call `log_weights`."""
        return x[:, : out["x_hat"].shape[-1]]
