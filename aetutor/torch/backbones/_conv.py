"""Convolutional encoder and decoder, for images and for signals, and their layers."""

import itertools
import math

import torch
from torch import Tensor, nn

from ... import constants, validation
from ...initializers import WeightStream
from ._parts import Flatten, Unflatten, activate, dense, fill


def conv(
    shape,
    *,
    latent_dim: int,
    channels=(32, 64),
    upsampling: str = "nearest",
    activation: str = "relu",
    code_activation: str = "linear",
    output_activation: str = "linear",
    initializer: str = "glorot_uniform",
    seed: int = 0,
    code_factor: int = 1,
):
    """Convolutional encoder that halves the sides at each stage, and a decoder that doubles them.

    Any sides work: a side of n becomes ceil(n / 2), and the decoder crops back to what the encoder had. Upsampling
    followed by a convolution gives all pixels the same kernel; a transposed convolution gives each of the 2 x 2 pixels
    that come from one its own, which shows as a checkerboard (Odena et al., 2016), for less than half the work.

    Args:
        shape: (height, width, channels) of one image, or (length, channels) of one signal. A grey image without its
            channel axis is a signal whose channels are the columns.
        latent_dim: size K of the code.
        channels: of each stage, outermost first.
        upsampling: "nearest" (repeat each value, then convolve) or "transposed" (kernel 4, stride 2).
        activation: of the hidden layers, one of aetutor.constants.ACTIVATIONS.
        code_activation: of the code layer.
        output_activation: of the last layer; keep "linear" with likelihood="bernoulli", whose decoder gives logits.
        initializer: "glorot_uniform" or "he_normal".
        seed: of the initial weights.
        code_factor: numbers the encoder gives for each latent dimension (2 for a VAE); set by the class.

    Returns:
        encoder, (B, C, H, W) or (B, T, C) -> (B, code_factor K), and decoder, (B, K) -> (B, C, H, W) or (B, T, C).
    """
    *sides, depth = validation.grid_shape("shape", shape)
    latent_dim = validation.integer("latent_dim", latent_dim, low=1)
    channels = validation.sizes("channels", channels)
    if not channels:
        raise ValueError("channels must name at least one stage, such as (32, 64); got (). Without one use .mlp.")
    validation.one_of("upsampling", upsampling, constants.UPSAMPLINGS)
    for name, value in (
        ("activation", activation),
        ("code_activation", code_activation),
        ("output_activation", output_activation),
    ):
        validation.one_of(name, value, constants.ACTIVATIONS)
    weights = WeightStream(seed, initializer)
    sides = constants.halved_sides(sides, len(channels))
    inner, widths = (*sides[-1], channels[-1]), (depth, *channels)
    swap = [SwapAxes()] if len(inner) == 2 else []  # images come as (B, C, H, W), signals as (B, T, C)

    encoder = [*swap]
    for fan_in, fan_out in itertools.pairwise(widths):
        layer = convolution(fan_in, fan_out, weights, stride=constants.CONV_STRIDE, axes=len(sides[0]))
        encoder += [layer, *activate(activation)]
    encoder += [*swap, Flatten(), dense(math.prod(inner), code_factor * latent_dim, weights), *activate(code_activation)]

    decoder = [dense(latent_dim, math.prod(inner), weights), *activate(activation), Unflatten(inner), *swap]
    for stage in reversed(range(len(channels))):
        decoder += [
            *doubling(widths[stage + 1], widths[stage], weights, sides=sides[stage], upsampling=upsampling),
            *activate(activation if stage else output_activation),
        ]
    return nn.Sequential(*encoder), nn.Sequential(*decoder, *swap)


def convolution(fan_in: int, fan_out: int, weights: WeightStream, *, stride: int, axes: int = 2):
    """Convolution over 1 or 2 axes, (B, in, H, W) -> (B, out, H', W'), with explicit padding, never "same"."""
    layer = {1: nn.Conv1d, 2: nn.Conv2d}[axes]
    k = constants.CONV_KERNEL
    kernel = torch.from_numpy(weights.kernel((*[k] * axes, fan_in, fan_out)))  # (k, k, in, out)
    kernel = kernel.movedim((-1, -2), (0, 1))  # (out, in, k, k)
    return fill(layer(fan_in, fan_out, k, stride=stride, padding=constants.CONV_PADDING), kernel)


def transposed_convolution(fan_in: int, fan_out: int, weights: WeightStream, *, axes: int = 2):
    """Transposed convolution over 1 or 2 axes that doubles them, (B, in, H, W) -> (B, out, 2 H, 2 W)."""
    layer = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}[axes]
    k, stride = constants.TRANSPOSED_KERNEL, constants.CONV_STRIDE
    kernel = torch.from_numpy(weights.kernel((*[k] * axes, fan_in, fan_out)))  # (k, k, in, out)
    kernel = kernel.movedim((-2, -1), (0, 1))  # (in, out, k, k)
    return fill(layer(fan_in, fan_out, k, stride=stride, padding=(k - stride) // 2), kernel)


def doubling(fan_in: int, fan_out: int, weights: WeightStream, *, sides: tuple[int, ...], upsampling: str):
    """Layers from sides of ceil(n / 2) to sides of n: (B, in, ...) -> (B, out, *sides)."""
    if upsampling == "transposed":
        return [transposed_convolution(fan_in, fan_out, weights, axes=len(sides)), Crop(*sides)]
    after = convolution(fan_in, fan_out, weights, stride=1, axes=len(sides))
    return [nn.Upsample(scale_factor=2, mode="nearest"), Crop(*sides), after]


class Crop(nn.Module):
    """Keep the first values of each side: (B, C, >= H, >= W) -> (B, C, H, W), or (B, C, >= T) -> (B, C, T)."""

    def __init__(self, *sides: int):
        super().__init__()
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        """Crop."""
        return x[(..., *map(slice, self.sides))]


class SwapAxes(nn.Module):
    """(B, T, C) -> (B, C, T), and back."""

    def forward(self, x: Tensor) -> Tensor:
        """Swap the last two axes."""
        return x.transpose(1, 2)
