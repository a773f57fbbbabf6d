"""What the backbones share: dense layers with weights from one stream, activations, and shapes."""

import torch
from torch import Tensor, nn

from ... import constants
from ...initializers import WeightStream

_ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(constants.LEAKY_SLOPE),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "linear": None,
}


class Flatten(nn.Module):
    """(B, C, H, W) -> (B, H W C), in NHWC order; (B, T, C) -> (B, T C)."""

    def forward(self, x: Tensor) -> Tensor:
        """Flatten all axes but the first."""
        x = x.permute(0, 2, 3, 1) if x.ndim == 4 else x  # (B, H, W, C)
        return x.flatten(start_dim=1)


class Unflatten(nn.Module):
    """(B, H W C) -> (B, C, H, W) for a shape (H, W, C); otherwise (B, *shape)."""

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """Undo Flatten."""
        x = x.reshape(-1, *self.shape)
        return x.permute(0, 3, 1, 2) if len(self.shape) == 3 else x  # (B, C, H, W)


def dense(fan_in: int, fan_out: int, weights: WeightStream) -> nn.Linear:
    """Dense layer (B, in) -> (B, out) with the next kernel of the weight stream and zero biases."""
    return fill(nn.Linear(fan_in, fan_out), torch.from_numpy(weights.kernel((fan_in, fan_out))).T)


def activate(name: str) -> list[nn.Module]:
    """The activation as a list of no or one module."""
    return [] if _ACTIVATIONS[name] is None else [_ACTIVATIONS[name]()]


def fill(layer, kernel: Tensor):
    with torch.no_grad():
        layer.weight.copy_(kernel)
        layer.bias.zero_()
    return layer
