"""Wasserstein autoencoder: a penalty keeps the codes distributed like N(0, I). Also named WAE-MMD.

    z = encode(x),   p ~ N(0, I),   loss = -log p(x | z) + strength MMD^2(z, p)

    MMD^2 = E k(z, z') + E k(p, p') - 2 E k(z, p),   k(a, b) = sum_s C_s / (C_s + |a - b|^2),   C_s = 2 K s

The maximum mean discrepancy is 0 where codes and draws have one distribution, and only there. It is estimated from the pairs
of a batch (losses.mmd); nobody plays against anybody. With the squared error, the least loss over all
random encoders is never above the optimal transport cost between the data and what the decoder makes of the prior, and tends
to it as the strength grows: hence the name.

Pitfalls: the estimate is a property of the batch, unbiased but noisy: below about 100 samples in a batch it says little, and
several processes each see their own rows only. It may be negative. Its gradient fades where no pair is at a distance near
sqrt(C_s): scales far too small or too large see nothing, and the loss does not say so. It is at most twice the
number of scales, where the reconstruction is a sum over pixels: strengths of 10 to 1000 are usual. The weight acts on all
codes together: single codes may lie anywhere, unlike in a VAE.

Source: Tolstikhin, Bousquet, Gelly and Schoelkopf (2018); Gretton, Borgwardt, Rasch, Schoelkopf and Smola (2012), the MMD.
"""

from torch import Tensor, nn

from ... import validation
from .. import losses
from ..autoencoder import Autoencoder


class WassersteinAutoencoder(Autoencoder):
    """Autoencoder whose codes are kept near a standard normal distribution, all together, by the maximum mean discrepancy.

    Args:
        encoder: maps x, (B, *D), to the code z, (B, K).
        decoder: maps z, (B, K), to the parameters of p(x | z), (B, *D).
        likelihood: as in Autoencoder.
        sigma: as in Autoencoder.
        strength: weight of the MMD, >= 0.
        scales: widths s of the kernel, > 0, over the mean squared distance of two draws from the prior.

    Example:
        >>> import torch
        >>> model = WassersteinAutoencoder.mlp(784, latent_dim=8, hidden=(128,), strength=100.0, seed=0)
        >>> x = torch.rand(4, 784)
        >>> sorted(model.loss_terms(x, model(x)))
        ['mmd', 'reconstruction']
    """

    prior = "standard_normal"

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        likelihood: str = "squared_error",
        sigma: float | str = 1.0,
        strength: float = 100.0,
        scales: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.strength = validation.real("strength", strength, low=0)
        self.scales = validation.reals("scales", scales, above=0)

    def forward(self, x: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Code, decoder output and the prior's draws; `noise`, (B, K), is standard normal: these draws."""
        z = self.encode(x)  # (B, K)
        noise = self.normal_like(z) if noise is None else noise
        return {"z": z, "x_hat": self.decode(z), "noise": noise}

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """The reconstruction term and strength times a sample's share of the batch's MMD, each (B,)."""
        mmd = losses.mmd(out["z"], out["noise"], self.scales)  # (B,)
        return super().loss_terms(x, out) | {"mmd": self.strength * mmd}
