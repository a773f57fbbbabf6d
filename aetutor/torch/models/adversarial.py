"""Adversarial autoencoder: a discriminator keeps the codes distributed like N(0, I). Also named AAE.

    z = encode(x),   p ~ N(0, I),   D: discriminator of codes, a logit

    reconstruction  -log p(x | z)                            trains encoder and decoder
    adversarial     strength * -log sigmoid(sg[D](z))        trains the encoder: make D take z for a draw from the prior
    discriminator   -log sigmoid(D(p)) - log sigmoid(-D(sg[z]))   trains D

sg[.] is a constant to the gradient: sg[D] the discriminator with its weights frozen, through which the gradient reaches z.
So the sum of the terms has one gradient for each player, and both step at once. Where D cannot tell codes from draws, it
says 0 to both: the discriminator's term is 2 log 2 and the adversarial one strength * log 2.

Pitfalls: without the frozen call the encoder's term trains D to be fooled; without sg[z] the discriminator's term trains the
encoder to be recognised. A sum of the terms that falls says nothing: watch the reconstruction, and the codes. The prior is
matched by all codes together, not by each, as a VAE's KL wants it; a strength that is too small loses to the reconstruction.
A discriminator that wins early need only separate: its gradient then says little about where codes should go.

Source: Makhzani, Shlens, Jaitly, Goodfellow and Frey (2015), with the deterministic encoder; there the players take turns.
"""

import torch
from torch import Tensor, nn

from ... import validation
from ...training_plan import two_players
from .. import backbones, losses
from ..autoencoder import Autoencoder
from ..layers import frozen, refuse_batch_norm


class AdversarialAutoencoder(Autoencoder):
    """Autoencoder whose codes a discriminator cannot tell from draws of a standard normal distribution.

    Args:
        encoder: maps x, (B, *D), to the code z, (B, K).
        decoder: maps z, (B, K), to the parameters of p(x | z), (B, *D).
        discriminator: maps codes, (B, K), to logits, (B, 1), without batch norm; None: a dense one of the sizes below.
        likelihood: as in Autoencoder.
        sigma: as in Autoencoder.
        strength: weight of the encoder's adversarial term, >= 0.
        discriminator_rate: the discriminator's learning rate over that of `fit`, > 0.
        latent_dim: K; needed only where no discriminator is given.
        discriminator_hidden: sizes of its hidden layers, at least one; used only where no discriminator is given.
        seed: of its first weights; used only where no discriminator is given.

    Example:
        >>> model = AdversarialAutoencoder.mlp(784, latent_dim=8, hidden=(128,), strength=2.0, seed=0)
        >>> x = torch.rand(4, 784)
        >>> sorted(model.loss_terms(x, model(x)))
        ['adversarial', 'discriminator', 'reconstruction']
    """

    prior = "standard_normal"

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module | None = None,
        *,
        likelihood: str = "squared_error",
        sigma: float | str = 1.0,
        strength: float = 1.0,
        discriminator_rate: float = 1.0,
        latent_dim: int | None = None,
        discriminator_hidden: tuple[int, ...] = (128, 128),
        seed: int = 0,
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.strength = validation.real("strength", strength, low=0)
        self.discriminator_rate = validation.real("discriminator_rate", discriminator_rate, above=0)
        self.discriminator_hidden = validation.layer_sizes("discriminator_hidden", discriminator_hidden)
        self.latent_dim, self.seed = latent_dim, seed
        if discriminator is None:
            validation.given("latent_dim", latent_dim, instead="discriminator")
            discriminator = backbones.discriminator(latent_dim, hidden=discriminator_hidden, seed=seed)
        refuse_batch_norm(discriminator)
        self.discriminator = discriminator

    def players(self) -> dict[str, tuple[list[nn.Parameter], float]]:
        """The autoencoder with the learning rate of `fit`, and the discriminator with its own."""
        return two_players(self.parameters(), self.discriminator.parameters(), self.discriminator_rate)

    def forward(self, x: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Code, decoder output, and three logits, each (B, 1); `noise`, (B, K), is standard normal: the prior's draws."""
        z = self.encode(x)  # (B, K)
        noise = self.normal_like(z) if noise is None else noise
        return {
            "z": z,
            "x_hat": self.decode(z),
            "logit": frozen(self.discriminator, z),  # trains the encoder
            "logit_code": self.discriminator(z.detach()),  # this and the next train the discriminator
            "logit_prior": self.discriminator(noise),
        }

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """Reconstruction, strength times the encoder's and the discriminator's cross-entropy, each (B,)."""
        one, zero = torch.ones_like(out["logit"]), torch.zeros_like(out["logit"])
        told = losses.bernoulli(one, out["logit_prior"]) + losses.bernoulli(zero, out["logit_code"])  # (B,)
        fooled = losses.bernoulli(one, out["logit"])
        return super().loss_terms(x, out) | {"adversarial": self.strength * fooled, "discriminator": told}
