"""Conditional variational autoencoder: a VAE that is told something about each sample, such as its class.

    -ELBO(x | c) = E_q[-log p(x | z, c)] + beta KL(q(z | x, c) || N(0, I)) >= -log p(x | c)   for beta = 1

A sample is [x | c]: the data, flat, with the condition behind it. See the PyTorch twin for why, and for the pitfalls.

Source: Sohn, Lee and Yan (2015); Kingma, Rezende, Mohamed and Welling (2014), for classes.
"""

import keras
from keras import ops

from ... import validation
from ...convenience import Convenience, NotOffered
from .. import backbones
from .variational import VAE

ONLY_MLP = "its decoder would not read the condition; use .mlp, or pass an encoder and a decoder that do."


@keras.saving.register_keras_serializable("aetutor")
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
        >>> x = keras.random.uniform((4, 794))
        >>> tuple(model(x)["x_hat"].shape), tuple(model.encode(x).shape), tuple(model.decode(model.encode(x)).shape)
        ((4, 784), (4, 12), (4, 794))
    """

    mlp = Convenience(backbones.conditional_mlp)
    conv, recurrent, residual = NotOffered(ONLY_MLP), NotOffered(ONLY_MLP), NotOffered(ONLY_MLP)

    def __init__(self, encoder, decoder, *, conditions, likelihood="gaussian", sigma=1.0, beta=1.0, samples=1):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma, beta=beta, samples=samples)
        self.conditions = validation.integer("conditions", conditions, low=1)

    def encode(self, x):
        """Posterior mean and condition, (B, D + C) -> (B, K + C): what `decode` needs."""
        return ops.concatenate([super().encode(x), x[:, -self.conditions :]], axis=1)

    def decode(self, z):
        """Parameters of p(x | z, c) and the condition unchanged, (B, K + C) -> (B, D + C)."""
        return ops.concatenate([self.decoder(z), z[:, -self.conditions :]], axis=1)

    def mean(self, params):
        """Mean of p(x | z, c) and the condition, (B, D + C) -> (B, D + C)."""
        return ops.concatenate([super().mean(params[:, : -self.conditions]), params[:, -self.conditions :]], axis=1)

    def decode_draws(self, z, x):
        """Parameters of p(x | z, c) alone for draws z, (B, K) -> (B, D) or (B, k, K) -> (B, k, D)."""
        c = x[:, -self.conditions :]  # (B, C)
        if len(z.shape) == 3:
            c = ops.repeat(c[:, None], ops.shape(z)[1], axis=1)  # (B, k, C)
        return super().decode_draws(ops.concatenate([z, c], axis=-1), x)[..., : -self.conditions]

    def log_weights(self, x, out):
        """As in VAE, of x given c, (B, k)."""
        return super().log_weights(self.drawn_part(x, out), out)

    def loss_terms(self, x, out):
        """As in VAE: the condition is not scored."""
        return super().loss_terms(self.drawn_part(x, out), out)

    def drawn_part(self, x, out):
        """x of [x | c], (B, D); once it is cut off nothing more is, since `loss_terms` may call `log_weights`."""
        return x[:, : out["x_hat"].shape[-1]]
