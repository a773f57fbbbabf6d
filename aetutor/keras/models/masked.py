"""Masked autoencoder: the Keras twin of aetutor/torch/models/masked.py, where the formula and the pitfalls are."""

import keras
from keras import ops

from ... import validation
from ...convenience import Convenience
from .. import losses
from ..autoencoder import Autoencoder
from ..transformer import transformer


@keras.saving.register_keras_serializable("aetutor")
class MaskedAutoencoder(Autoencoder):
    """Autoencoder that is shown a few patches of an image and trained to draw the others.

    Arguments and shapes as in aetutor.torch.MaskedAutoencoder.

    Attributes:
        visible: V, the number of patches that the encoder sees in training.

    Example:
        >>> model = MaskedAutoencoder.transformer((28, 28, 1), patch=4, width=16, depth=1, seed=0)
        >>> x = keras.random.uniform((2, 28, 28, 1))
        >>> tuple(model(x)["z"].shape), ops.sum(model(x)["mask"], axis=1).numpy().tolist(), tuple(model.encode(x).shape)
        ((2, 192), [37.0, 37.0], (2, 784))
    """

    transformer = Convenience(transformer)

    def __init__(self, encoder, decoder, *, likelihood="squared_error", sigma=1.0, mask_ratio=0.75):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        validation.patch_encoder(encoder)
        self.mask_ratio = validation.fraction("mask_ratio", mask_ratio)
        self.visible = encoder.patches.count - validation.masked_patches(mask_ratio, encoder.patches.count)

    def call(self, x, noise=None):
        """Tokens of the visible patches, (B, V width), the mask, (B, P), 1 for masked, and the decoder's output, (B, *D).

        `noise`, (B, P), is uniform in [0, 1); the V patches with the smallest are visible.
        """
        if noise is None:
            noise = self.uniform_like(
                ops.cast(self.encoder.patches(x)[..., 0], "float32")
            )  # (B, P); bfloat16 would have ties
        elif tuple(noise.shape[1:]) != (self.encoder.patches.count,):
            raise ValueError(f"noise must be (B, {self.encoder.patches.count}), a number a patch; got {tuple(noise.shape)}.")
        order = ops.argsort(noise, axis=1)  # (B, P)
        z = self.encoder(x, order[:, : self.visible])  # (B, V width)
        mask = ops.cast(ops.argsort(order, axis=1) >= self.visible, x.dtype)  # (B, P)
        return {"z": z, "mask": mask, "x_hat": self.decoder(z, order)}

    def loss_terms(self, x, out):
        """The reconstruction term, summed over the masked patches, (B,)."""
        cut = self.encoder.patches
        pairs = (ops.reshape(cut(values), (-1, cut.size)) for values in (x, out["x_hat"]))  # (B P, numbers in a patch)
        each = losses.reconstruction(self.likelihood, *pairs, self.log_sigma)  # (B P,)
        return {"reconstruction": ops.sum(out["mask"] * ops.reshape(each, (-1, cut.count)), axis=1)}

    def inpaint(self, x, kept, masked):
        """x, (B, *D), with its patches `masked`, indices (B, M), drawn anew from the patches `kept`, (B, V), V + M = P.

        Patches that are kept come back as they were.
        """
        order, cut = ops.concatenate([kept, masked], axis=1), self.encoder.patches  # (B, P)
        x_hat = self.mean(self.decoder(self.encoder(x, kept), order))  # (B, *D)
        drawn = ops.argsort(order, axis=1)[:, :, None] >= kept.shape[1]  # (B, P, 1)
        return cut.join(ops.where(drawn, cut(x_hat), cut(x)))
