"""Convolutional encoder and decoder, for images and for signals, and their layers."""

import itertools
import math

from keras import layers

from ... import constants, validation
from ...initializers import WeightStream
from ._parts import activate, dense, fill, sequential


def conv(
    shape,
    *,
    latent_dim,
    channels=(32, 64),
    upsampling="nearest",
    activation="relu",
    code_activation="linear",
    output_activation="linear",
    initializer="glorot_uniform",
    seed=0,
    code_factor=1,
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
        encoder, (B, H, W, C) or (B, T, C) -> (B, code_factor K), and decoder, (B, K) -> (B, H, W, C) or (B, T, C).
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
    n_inner = math.prod(inner)

    encoder = []
    for fan_in, fan_out in itertools.pairwise(widths):
        layer = convolution(fan_in, fan_out, weights, stride=constants.CONV_STRIDE, axes=len(sides[0]))
        encoder += [*layer, *activate(activation)]
    encoder += [
        layers.Reshape((n_inner,)),
        dense(n_inner, code_factor * latent_dim, weights),
        *activate(code_activation),
    ]

    decoder = [dense(latent_dim, n_inner, weights), *activate(activation), layers.Reshape(inner)]
    for stage in reversed(range(len(channels))):
        decoder += [
            *doubling(widths[stage + 1], widths[stage], weights, sides=sides[stage], upsampling=upsampling),
            *activate(activation if stage else output_activation),
        ]
    return sequential((*sides[0], depth), encoder, "encoder"), sequential((latent_dim,), decoder, "decoder")


def convolution(fan_in, fan_out, weights, *, stride, axes=2):
    """Convolution over 1 or 2 axes, (B, H, W, in) -> (B, H', W', out), as two layers: explicit padding, never "same"."""
    pad = {1: layers.ZeroPadding1D, 2: layers.ZeroPadding2D}[axes]
    layer = {1: layers.Conv1D, 2: layers.Conv2D}[axes](
        fan_out,
        constants.CONV_KERNEL,
        strides=stride,
        padding="valid",
        data_format="channels_last",
        kernel_initializer=weights.initializer,
    )
    kernel = weights.kernel((*[constants.CONV_KERNEL] * axes, fan_in, fan_out))  # (k, k, in, out)
    return [
        pad(constants.CONV_PADDING, data_format="channels_last"),
        fill(layer, (*[None] * (axes + 1), fan_in), kernel),
    ]


def transposed_convolution(fan_in, fan_out, weights, *, axes=2):
    """Transposed convolution over 1 or 2 axes, (B, H, W, in) -> (B, 2 H + 2, 2 W + 2, out); one value a side to cut off."""
    layer = {1: layers.Conv1DTranspose, 2: layers.Conv2DTranspose}[axes](
        fan_out,
        constants.TRANSPOSED_KERNEL,
        strides=constants.CONV_STRIDE,
        padding="valid",
        data_format="channels_last",
        kernel_initializer=weights.initializer,
    )
    kernel = weights.kernel((*[constants.TRANSPOSED_KERNEL] * axes, fan_in, fan_out)).swapaxes(-1, -2)  # (k, k, out, in)
    return fill(layer, (*[None] * (axes + 1), fan_in), kernel)


def doubling(fan_in, fan_out, weights, *, sides, upsampling):
    """Layers from sides of ceil(n / 2) to sides of n: (B, ..., in) -> (B, *sides, out)."""
    axes = len(sides)
    odd = [side % 2 for side in sides]  # doubled, such a side is one too long
    if upsampling == "transposed":
        return [transposed_convolution(fan_in, fan_out, weights, axes=axes), _crop([(1, 1 + extra) for extra in odd])]
    after = convolution(fan_in, fan_out, weights, stride=1, axes=axes)
    double = layers.UpSampling1D(2) if axes == 1 else layers.UpSampling2D(2, data_format="channels_last")
    return [double, _crop([(0, extra) for extra in odd]), *after]


def _crop(cut):
    """Cut (first, last) values off each axis."""
    return layers.Cropping1D(cut[0]) if len(cut) == 1 else layers.Cropping2D(cut, data_format="channels_last")
