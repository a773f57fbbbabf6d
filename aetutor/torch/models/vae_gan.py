"""VAE-GAN: a variational autoencoder whose decoder a discriminator of images judges, and whose errors it measures.

    z ~ q(z | x),   p ~ N(0, I),   G: the decoder's mean,   D: discriminator of data, a logit,   F: its last hidden layer

    reconstruction  pixels * -log p(x | z)                                     trains encoder and decoder
    features        features * |sg[F](x) - sg[F](G(z))|^2                      trains encoder and decoder
    kl              beta * KL(q(z | x) || N(0, I))                             trains the encoder
    adversarial     strength * mean over u in {sg[z], p} of -log sigmoid(sg[D](G(u)))         trains the decoder
    discriminator   -log sigmoid(D(x)) - mean over u in {z, p} of log sigmoid(-D(sg[G(u)]))   trains D

sg[.] is a constant to the gradient; sg[D] and sg[F] have frozen weights, through which the gradient reaches the images. So
the sum of the terms has one gradient for each player, and both step at once. pixels=0, features=0.5 is the
original, which sums over the two made images where the mean stands here, so that its D counts each like a datum.

Pitfalls: `sharp` is not `right`: details that fool D need not be those of x, so the squared error grows with the strength;
compare both. The features are D's to change, so a falling feature term may be a D that looks away. The encoder must not get
the adversarial gradient (sg[z]), nor D the features' (sg[F]). A D that wins gives a gradient that
says little; its learning rate is the first thing to lower. The sum of the terms says nothing: watch single ones.

Source: Larsen, Soenderby, Larochelle and Winther (2016), there with the decoder's loss log(1 - D) in place of -log D.
"""

import torch
from torch import Tensor, nn

from ... import validation
from ...training_plan import two_players
from .. import backbones, losses
from ..layers import frozen, refuse_batch_norm
from .variational import VAE


class VAEGAN(VAE):
    """Variational autoencoder with a discriminator of images: sharper, at a price in squared error.

    Args:
        encoder: maps x, (B, *D), to [mean | log-variance], (B, 2 K).
        decoder: maps z, (B, K), to the parameters of p(x | z), (B, *D).
        discriminator: an nn.Sequential that maps data, (B, *D), to logits, (B, 1), without batch norm; F is all of it but
            its last layer. None: a dense one of the sizes below.
        likelihood: as in Autoencoder.
        sigma: as in Autoencoder.
        beta: weight of the KL term, >= 0.
        pixels: weight of the reconstruction term, >= 0.
        features: weight of the squared error between the discriminator's features, >= 0.
        strength: weight of the decoder's adversarial term, >= 0.
        discriminator_rate: the discriminator's learning rate over that of `fit`, > 0.
        shape: of one sample; needed only where no discriminator is given.
        discriminator_hidden: sizes of its hidden layers, at least one; used only where no discriminator is given.
        seed: of its first weights; used only where no discriminator is given.

    Example:
        >>> model = VAEGAN.mlp(784, latent_dim=8, hidden=(128,), likelihood="bernoulli", seed=0)
        >>> x = torch.rand(4, 784)
        >>> sorted(model.loss_terms(x, model(x)))
        ['adversarial', 'discriminator', 'features', 'kl', 'reconstruction']
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Sequential | None = None,
        *,
        likelihood: str = "gaussian",
        sigma: float | str = 1.0,
        beta: float = 1.0,
        pixels: float = 1.0,
        features: float = 0.5,
        strength: float = 1.0,
        discriminator_rate: float = 1.0,
        shape=None,
        discriminator_hidden: tuple[int, ...] = (128, 128),
        seed: int = 0,
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma, beta=beta)
        self.pixels = validation.real("pixels", pixels, low=0)
        self.features = validation.real("features", features, low=0)
        self.strength = validation.real("strength", strength, low=0)
        self.discriminator_rate = validation.real("discriminator_rate", discriminator_rate, above=0)
        self.discriminator_hidden = validation.layer_sizes("discriminator_hidden", discriminator_hidden)
        self.shape, self.seed = shape, seed
        if sigma == "learned" and not pixels:
            raise ValueError("sigma='learned' is trained by the reconstruction term; it needs pixels > 0.")
        if discriminator is None:
            validation.given("shape", shape, instead="discriminator")
            discriminator = backbones.discriminator(shape, hidden=discriminator_hidden, seed=seed)
        if not isinstance(discriminator, nn.Sequential) or len(discriminator) < 2:
            raise TypeError(
                "discriminator must be a Sequential of at least two layers, whose last but one gives the features; got "
                f"{type(discriminator).__name__}."
            )
        refuse_batch_norm(discriminator)
        self.discriminator = discriminator

    def players(self) -> dict[str, tuple[list[nn.Parameter], float]]:
        """The autoencoder with the learning rate of `fit`, and the discriminator with its own."""
        return two_players(self.parameters(), self.discriminator.parameters(), self.discriminator_rate)

    def forward(self, x: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Draws and decodings as in VAE, F of x and of G(z), (B, F), and logits of x, G(z) and G(p), each (B, 1).

        `noise`, (B, 2 K), is standard normal: K numbers that make z of the posterior, and the prior's draw p. With
        (B, k, K), k draws of the posterior, it does what VAE does and no more.
        """
        mu, log_var = self.posterior(x)  # (B, K), (B, K)
        noise = self.normal_like(torch.cat([mu, mu], dim=1)) if noise is None else noise
        if noise.ndim == 3:
            return super().forward(x, noise)
        noise, p = noise.chunk(2, dim=1)  # (B, K), (B, K)
        z = mu + torch.exp(0.5 * log_var) * noise
        x_hat, body = self.decode(z), self.discriminator[:-1]
        made = self.mean(self.decode(torch.cat([z.detach(), p])))  # (2 B, *D)
        fooled = frozen(self.discriminator, made).chunk(2)  # trains the decoder
        told = self.discriminator(torch.cat([x, made.detach()])).chunk(3)  # trains the discriminator
        return {
            **{"mu": mu, "log_var": log_var, "noise": noise, "z": z, "x_hat": x_hat},
            **{"features": frozen(body, x), "features_hat": frozen(body, self.mean(x_hat))},
            **{"logit_z": fooled[0], "logit_p": fooled[1]},
            **{"logit_x": told[0], "logit_made_z": told[1], "logit_made_p": told[2]},
        }

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """The five terms above, weighted, each (B,); for k draws a sample, the bound of VAE."""
        terms = super().loss_terms(x, out)
        if "features" not in out:
            return terms
        one, zero = torch.ones_like(out["logit_x"]), torch.zeros_like(out["logit_x"])
        fooled = losses.bernoulli(one, out["logit_z"]) + losses.bernoulli(one, out["logit_p"])  # (B,)
        told = losses.bernoulli(zero, out["logit_made_z"]) + losses.bernoulli(zero, out["logit_made_p"])
        return {
            "reconstruction": self.pixels * terms["reconstruction"],
            "features": self.features * losses.squared_error(out["features"], out["features_hat"]),
            "kl": terms["kl"],
            "adversarial": self.strength * fooled / 2,
            "discriminator": losses.bernoulli(one, out["logit_x"]) + told / 2,
        }
