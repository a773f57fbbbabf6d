"""VAE-GAN: the Keras twin of aetutor/torch/models/vae_gan.py, where the formula and the pitfalls are."""

import keras
from keras import ops

from ... import validation
from ...training_plan import two_players
from .. import backbones, losses
from ..layers import frozen, refuse_batch_norm
from .variational import VAE


@keras.saving.register_keras_serializable("aetutor")
class VAEGAN(VAE):
    """Variational autoencoder with a discriminator of images: sharper, at a price in squared error.

    Arguments and shapes as in aetutor.torch.VAEGAN; a discriminator of one's own must be a built keras.Sequential.

    Example:
        >>> model = VAEGAN.mlp(784, latent_dim=8, hidden=(128,), likelihood="bernoulli", seed=0)
        >>> x = keras.random.uniform((4, 784))
        >>> sorted(model.loss_terms(x, model(x)))
        ['adversarial', 'discriminator', 'features', 'kl', 'reconstruction']
    """

    def __init__(
        self,
        encoder,
        decoder,
        discriminator=None,
        *,
        likelihood="gaussian",
        sigma=1.0,
        beta=1.0,
        pixels=1.0,
        features=0.5,
        strength=1.0,
        discriminator_rate=1.0,
        shape=None,
        discriminator_hidden=(128, 128),
        seed=0,
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
        if not isinstance(discriminator, keras.Sequential) or len(discriminator.layers) < 2:
            raise TypeError(
                "discriminator must be a Sequential of at least two layers, whose last but one gives the features; got "
                f"{type(discriminator).__name__}."
            )
        refuse_batch_norm(discriminator)
        self.discriminator = discriminator

    def players(self):
        """The autoencoder with the learning rate of `fit`, and the discriminator with its own."""
        return two_players(self.trainable_variables, self.discriminator.trainable_variables, self.discriminator_rate)

    def call(self, x, noise=None):
        """Draws and decodings as in VAE, F of x and of G(z), (B, F), and logits of x, G(z) and G(p), each (B, 1).

        `noise`, (B, 2 K), is standard normal: K numbers that make z of the posterior, and the prior's draw p. With
        (B, k, K), k draws of the posterior, it does what VAE does and no more.
        """
        mu, log_var = self.posterior(x)  # (B, K), (B, K)
        noise = self.normal_like(ops.concatenate([mu, mu], axis=1)) if noise is None else noise
        if len(noise.shape) == 3:
            return super().call(x, noise)
        noise, p = ops.split(noise, 2, axis=1)  # (B, K), (B, K)
        z = mu + ops.exp(0.5 * log_var) * noise
        x_hat = self.decode(z)
        made = self.mean(self.decode(ops.concatenate([ops.stop_gradient(z), p])))  # (2 B, *D)
        fooled = ops.split(frozen(self.discriminator, made), 2)  # trains the decoder
        told = ops.split(self.discriminator(ops.concatenate([x, ops.stop_gradient(made)])), 3)  # trains the discriminator
        return {
            **{"mu": mu, "log_var": log_var, "noise": noise, "z": z, "x_hat": x_hat},
            **{"features": self._frozen_features(x), "features_hat": self._frozen_features(self.mean(x_hat))},
            **{"logit_z": fooled[0], "logit_p": fooled[1]},
            **{"logit_x": told[0], "logit_made_z": told[1], "logit_made_p": told[2]},
        }

    def loss_terms(self, x, out):
        """The five terms, weighted, each (B,); for k draws a sample, the bound of VAE."""
        terms = super().loss_terms(x, out)
        if "features" not in out:
            return terms
        one, zero = ops.ones_like(out["logit_x"]), ops.zeros_like(out["logit_x"])
        fooled = losses.bernoulli(one, out["logit_z"]) + losses.bernoulli(one, out["logit_p"])  # (B,)
        told = losses.bernoulli(zero, out["logit_made_z"]) + losses.bernoulli(zero, out["logit_made_p"])
        return {
            "reconstruction": self.pixels * terms["reconstruction"],
            "features": self.features * losses.squared_error(out["features"], out["features_hat"]),
            "kl": terms["kl"],
            "adversarial": self.strength * fooled / 2,
            "discriminator": losses.bernoulli(one, out["logit_x"]) + told / 2,
        }

    def _frozen_features(self, x):
        for layer in self.discriminator.layers[:-1]:
            x = frozen(layer, x)
        return x
