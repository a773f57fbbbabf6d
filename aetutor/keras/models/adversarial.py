"""Adversarial autoencoder: the Keras twin of aetutor/torch/models/adversarial.py, where the formula and the pitfalls are."""

import keras
from keras import ops

from ... import validation
from ...training_plan import two_players
from .. import backbones, losses
from ..autoencoder import Autoencoder
from ..layers import frozen, refuse_batch_norm


@keras.saving.register_keras_serializable("aetutor")
class AdversarialAutoencoder(Autoencoder):
    """Autoencoder whose codes a discriminator cannot tell from draws of a standard normal distribution.

    Arguments and shapes as in aetutor.torch.AdversarialAutoencoder; a discriminator of one's own must be built.

    Example:
        >>> model = AdversarialAutoencoder.mlp(784, latent_dim=8, hidden=(128,), strength=2.0, seed=0)
        >>> x = keras.random.uniform((4, 784))
        >>> sorted(model.loss_terms(x, model(x)))
        ['adversarial', 'discriminator', 'reconstruction']
    """

    prior = "standard_normal"

    def __init__(
        self,
        encoder,
        decoder,
        discriminator=None,
        *,
        likelihood="squared_error",
        sigma=1.0,
        strength=1.0,
        discriminator_rate=1.0,
        latent_dim=None,
        discriminator_hidden=(128, 128),
        seed=0,
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

    def players(self):
        """The autoencoder with the learning rate of `fit`, and the discriminator with its own."""
        return two_players(self.trainable_variables, self.discriminator.trainable_variables, self.discriminator_rate)

    def call(self, x, noise=None):
        """Code, decoder output, and three logits, each (B, 1); `noise`, (B, K), is standard normal: the prior's draws."""
        z = self.encode(x)  # (B, K)
        noise = self.normal_like(z) if noise is None else noise
        return {
            "z": z,
            "x_hat": self.decode(z),
            "logit": frozen(self.discriminator, z),  # trains the encoder
            "logit_code": self.discriminator(ops.stop_gradient(z)),  # this and the next train the discriminator
            "logit_prior": self.discriminator(noise),
        }

    def loss_terms(self, x, out):
        """Reconstruction, strength times the encoder's and the discriminator's cross-entropy, each (B,)."""
        one, zero = ops.ones_like(out["logit"]), ops.zeros_like(out["logit"])
        told = losses.bernoulli(one, out["logit_prior"]) + losses.bernoulli(zero, out["logit_code"])  # (B,)
        fooled = losses.bernoulli(one, out["logit"])
        return super().loss_terms(x, out) | {"adversarial": self.strength * fooled, "discriminator": told}
