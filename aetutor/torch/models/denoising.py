"""Denoising autoencoder: the input is damaged, the target is not.

    x_tilde = C(x, noise),   z = encode(x_tilde),   x_hat = decode(z),   loss(x) = -log p(x | z), of the clean x

    gaussian          x_tilde = x + level * noise                       noise ~ N(0, I)
    masking           x_tilde = 0 where noise < level, else x           noise ~ U[0, 1)
    salt_and_pepper   x_tilde = 0 where noise < level / 2,
                                1 where level / 2 <= noise < level, else x   noise ~ U[0, 1)

Copying the input no longer minimises the loss, however wide the code. With the squared error and Gaussian noise the best
x_hat is the mean of x given x_tilde, and (x_hat - x_tilde) / level^2 the score of the noisy density.

Pitfalls: only the input is corrupted; with x_tilde as the target too, the noise is learnt. `reconstruct(model, x)` corrupts
nothing: pass noisy arrays, since on clean ones any autoencoder looks like a denoiser. The level of the training is part of
the model, which is worse at any other. Clipping x_tilde to [0, 1], in training or in use only, makes it another noise.
Normal `noise` where a uniform one is meant is not refused: it hits another share of the entries.

Source: Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010); Alain and Bengio (2014) for the score.
"""

import torch
from torch import Tensor, nn

from ... import validation
from ..autoencoder import Autoencoder


class DenoisingAutoencoder(Autoencoder):
    """Autoencoder that is given corrupted data and trained to return the clean ones.

    The corruption is that of aetutor.corruption, drawn anew in each step of training. `encode` takes its input as it is.

    Args:
        encoder: maps x, (B, *D), to the code z, (B, K).
        decoder: maps z, (B, K), to the parameters of p(x | z), (B, *D).
        likelihood: as in Autoencoder; its support is that of the clean data.
        sigma: standard deviation of "gaussian", the likelihood, a number > 0, or "learned". It is not the noise's.
        corruption: "gaussian", "masking" or "salt_and_pepper" (pepper is 0, salt is 1).
        level: standard deviation of the Gaussian noise, >= 0, or the probability in [0, 1] with which an entry is hit.

    Example:
        >>> model = DenoisingAutoencoder.mlp(784, latent_dim=32, hidden=(128,), corruption="masking", level=0.5, seed=0)
        >>> out = model(torch.ones(4, 784), noise=torch.linspace(0, 0.999, 784).repeat(4, 1))
        >>> out["x_tilde"].mean(dim=1).tolist()
        [0.5, 0.5, 0.5, 0.5]
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        likelihood: str = "squared_error",
        sigma: float | str = 1.0,
        corruption: str = "gaussian",
        level: float = 0.5,
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.corruption = validation.one_of("corruption", corruption, ("gaussian", "masking", "salt_and_pepper"))
        self.level = validation.real("level", level, low=0, high=None if corruption == "gaussian" else 1)

    def corrupt(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """x_tilde, (B, *D), of x, (B, *D); `noise`, (B, *D), is standard normal for "gaussian", else uniform in [0, 1)."""
        if noise is None:
            noise = self.normal_like(x) if self.corruption == "gaussian" else self.uniform_like(x)  # (B, *D)
        elif tuple(noise.shape[1:]) != tuple(x.shape[1:]):  # it would broadcast
            raise ValueError(f"noise must have the shape of x, (B, {tuple(x.shape[1:])}); got {tuple(noise.shape)}.")
        if self.corruption == "gaussian":
            return x + self.level * noise
        if self.corruption == "masking":
            return torch.where(noise < self.level, 0.0, x)
        return torch.where(noise < self.level / 2, 0.0, torch.where(noise < self.level, 1.0, x))

    def forward(self, x: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Code and decoder output of the corrupted x; `noise` as in `corrupt`, (B, *D). The loss compares x_hat with x."""
        x_tilde = self.corrupt(x, noise)  # (B, *D)
        z = self.encode(x_tilde)  # (B, K)
        return {"z": z, "x_tilde": x_tilde, "x_hat": self.decode(z)}
