"""Autoencoder of sequences: the Keras twin of aetutor/torch/models/recurrent.py, with the formulas and the pitfalls."""

import keras
from keras import ops

from ... import validation
from .. import losses
from ..autoencoder import Autoencoder
from ..backbones import step_mask


@keras.saving.register_keras_serializable("aetutor")
class SequenceAutoencoder(Autoencoder):
    """Autoencoder whose loss leaves out the padding behind the end of each sequence.

    Arguments and shapes as in aetutor.torch.SequenceAutoencoder.

    Example:
        >>> model = SequenceAutoencoder.recurrent((48, 1), latent_dim=4, units=(8,), padding=-9.0, seed=0)
        >>> x = ops.concatenate([ops.ones((1, 30, 1)), ops.full((1, 18, 1), -9.0)], axis=1)
        >>> float(ops.sum(model.mask(x)))
        30.0
    """

    def __init__(self, encoder, decoder, *, likelihood="squared_error", sigma=1.0, padding=None):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.padding = None if padding is None else validation.real("padding", padding)

    def mask(self, x):
        """1 for each step up to a sequence's last, 0 behind it, (B, T, C) -> (B, T)."""
        return ops.ones_like(x[..., 0]) if self.padding is None else step_mask(x, self.padding)

    def loss_terms(self, x, out):
        """The reconstruction term, summed over the steps that are no padding, (B,)."""
        x_hat, (steps, channels) = out["x_hat"], x.shape[1:]
        if tuple(x_hat.shape[1:]) != tuple(x.shape[1:]):  # they would broadcast
            raise ValueError(f"decoder gives samples of shape {tuple(x_hat.shape[1:])} for data of {tuple(x.shape[1:])}.")
        flat = (-1, channels)
        each = losses.reconstruction(
            self.likelihood, ops.reshape(x, flat), ops.reshape(x_hat, flat), self.log_sigma
        )  # (B T,)
        return {"reconstruction": ops.sum(self.mask(x) * ops.reshape(each, (-1, steps)), axis=1)}
