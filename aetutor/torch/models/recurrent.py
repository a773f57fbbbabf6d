"""Autoencoder of sequences, which may end at different steps.

    z = W h_L + b,   h_t = cell(x_t, h_(t-1)),      x_hat_t = V s_t + c,   s_t = cell(z, s_(t-1))
    loss(x) = sum_(t <= L) -log p(x_t | z),         L(x) = the last step that is not padding

A batch is a rectangle: shorter sequences are filled up with one value, `padding`, behind their end. The mask m_t = 1 for
t <= L, else 0, keeps these steps out of the code and out of the loss: their values and their number change neither.

Pitfalls: a loss over all steps rewards drawing the padding, which is easy, and the state after all T steps has read it. A
mean over steps instead of the sum makes a step of a short sequence count more than one of a long sequence. A sequence that
ends with the padding's value loses its end: choose a value that no data have. The decoder is not told L and writes T steps;
those behind L mean nothing. At equal lengths nothing here differs from Autoencoder, and a dense net often does better there.

Source: Sutskever, Vinyals and Le (2014); Srivastava, Mansimov and Salakhutdinov (2015).
"""

import torch
from torch import Tensor, nn

from ... import validation
from .. import losses
from ..autoencoder import Autoencoder
from ..backbones import step_mask


class SequenceAutoencoder(Autoencoder):
    """Autoencoder whose loss leaves out the padding behind the end of each sequence.

    Args:
        encoder: maps x, (B, T, C), to the code z, (B, K). That of `.recurrent` stops at the last step that is not padding;
            those of `.mlp` and `.conv` take the padding's values for data.
        decoder: maps z, (B, K), to the parameters of p(x | z), (B, T, C).
        likelihood: as in Autoencoder. `fit` wants the padding within its support too.
        sigma: as in Autoencoder.
        padding: value of all channels behind a sequence's end, or None: every sequence has T steps.

    Example:
        >>> model = SequenceAutoencoder.recurrent((48, 1), latent_dim=4, units=(8,), padding=-9.0, seed=0)
        >>> x = torch.randn(2, 48, 1)
        >>> x[1, 30:] = -9.0
        >>> model.mask(x).sum(dim=1).tolist()
        [48.0, 30.0]
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        likelihood: str = "squared_error",
        sigma: float | str = 1.0,
        padding: float | None = None,
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.padding = None if padding is None else validation.real("padding", padding)

    def mask(self, x: Tensor) -> Tensor:
        """1 for each step up to a sequence's last, 0 behind it, (B, T, C) -> (B, T)."""
        return torch.ones_like(x[..., 0]) if self.padding is None else step_mask(x, self.padding)

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """The reconstruction term, summed over the steps that are no padding, (B,)."""
        x_hat, (batch, steps) = out["x_hat"], x.shape[:2]
        if tuple(x_hat.shape[1:]) != tuple(x.shape[1:]):  # they would broadcast
            raise ValueError(f"decoder gives samples of shape {tuple(x_hat.shape[1:])} for data of {tuple(x.shape[1:])}.")
        each = losses.reconstruction(self.likelihood, x.flatten(0, 1), x_hat.flatten(0, 1), self.log_sigma)  # (B T,)
        return {"reconstruction": (self.mask(x) * each.view(batch, steps)).sum(dim=1)}
