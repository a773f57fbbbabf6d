"""Masked autoencoder: most of an image is left out, and asked for.

    z = encoder(visible patches),   x_hat = decoder(z, mask tokens),   loss(x) = sum over masked patches of |x_p - x_hat_p|^2

Which patches are masked is random: visible are those with the V smallest of P uniform numbers, V = P - round(ratio P), the
same number in each sample, so that shapes never change. The encoder sees no trace of the others. The decoder sees V tokens
and, at every other place, one learned mask token; positions are fixed sines and cosines, added in both.

The loss of a sample is a sum over its masked patches' pixels, not a mean: divide by their number, (P - V) patch^2 C, to
compare with other ratios, and with He et al., who average.

Pitfalls: a loss over all patches is mostly a loss for copying, and falls while nothing is learnt; few masked patches can be
interpolated from their neighbours; without positions all masked patches get the same pixels; the mean over the tokens throws
away where things are (concatenate them); what the decoder gives for visible patches is never trained, so `reconstruct` of a
whole image means nothing: see `inpaint`.

Source: He, Chen, Xie, Li, Dollar and Girshick (2022).
"""

import torch
from torch import Tensor, nn

from ... import validation
from ...convenience import Convenience
from .. import losses
from ..autoencoder import Autoencoder
from ..transformer import transformer


class MaskedAutoencoder(Autoencoder):
    """Autoencoder that is shown a few patches of an image and trained to draw the others.

    Made by `.transformer`; the parts of `.mlp`, `.conv` and `.recurrent` cannot leave patches out and are refused.

    Args:
        encoder: maps x, (B, *D), and indices of patches, (B, V), to their tokens one after another, (B, V width); without
            indices it takes all P. Has an attribute `patches`, as aetutor.torch.transformer.PatchEncoder has.
        decoder: maps tokens, (B, V width), and the places of all patches, (B, P), those of the tokens first, to the
            parameters of p(x | z), (B, *D); without places the tokens are those of all patches.
        likelihood: as in Autoencoder.
        sigma: as in Autoencoder.
        mask_ratio: share of the patches that is masked, in (0, 1), rounded to a number of patches.

    Attributes:
        visible: V, the number of patches that the encoder sees in training.

    Example:
        >>> model = MaskedAutoencoder.transformer((28, 28, 1), patch=4, width=16, depth=1, seed=0)
        >>> x = torch.rand(5, 1, 28, 28)
        >>> model(x)["z"].shape, model(x)["mask"].sum(dim=1).tolist(), model.encode(x).shape
        (torch.Size([5, 192]), [37.0, 37.0, 37.0, 37.0, 37.0], torch.Size([5, 784]))
    """

    transformer = Convenience(transformer)

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        likelihood: str = "squared_error",
        sigma: float | str = 1.0,
        mask_ratio: float = 0.75,
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        validation.patch_encoder(encoder)
        self.mask_ratio = validation.fraction("mask_ratio", mask_ratio)
        self.visible = encoder.patches.count - validation.masked_patches(mask_ratio, encoder.patches.count)

    def forward(self, x: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Tokens of the visible patches, (B, V width), the mask, (B, P), 1 for masked, and the decoder's output, (B, *D).

        `noise`, (B, P), is uniform in [0, 1); the V patches with the smallest are visible.
        """
        if noise is None:
            noise = self.uniform_like(self.encoder.patches(x)[..., 0])  # (B, P)
        elif noise.shape[1:] != (self.encoder.patches.count,):
            raise ValueError(f"noise must be (B, {self.encoder.patches.count}), a number a patch; got {tuple(noise.shape)}.")
        order = noise.argsort(dim=1, stable=True)  # (B, P)
        z = self.encoder(x, order[:, : self.visible])  # (B, V width)
        mask = (order.argsort(dim=1) >= self.visible).to(x.dtype)  # (B, P)
        return {"z": z, "mask": mask, "x_hat": self.decoder(z, order)}

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """The reconstruction term, summed over the masked patches, (B,)."""
        cut = self.encoder.patches
        pairs = (cut(values).flatten(0, 1) for values in (x, out["x_hat"]))  # (B P, numbers in a patch)
        each = losses.reconstruction(self.likelihood, *pairs, self.log_sigma)  # (B P,)
        return {"reconstruction": (out["mask"] * each.view(-1, cut.count)).sum(dim=1)}

    def inpaint(self, x: Tensor, kept: Tensor, masked: Tensor) -> Tensor:
        """x, (B, *D), with its patches `masked`, indices (B, M), drawn anew from the patches `kept`, (B, V), V + M = P.

        Patches that are kept come back as they were.
        """
        order, cut = torch.cat([kept, masked], dim=1), self.encoder.patches  # (B, P)
        x_hat = self.mean(self.decoder(self.encoder(x, kept), order))  # (B, *D)
        drawn = order.argsort(dim=1)[:, :, None] >= kept.shape[1]  # (B, P, 1)
        return cut.join(torch.where(drawn, cut(x_hat), cut(x)))
