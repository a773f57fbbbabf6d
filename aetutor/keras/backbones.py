"""Encoders and decoders to pass to a model, or to get through `Class.mlp(...)` and `Class.conv(...)`.

The twin of aetutor/torch/backbones.py: the same layers, the same constants (aetutor.constants) and, for the same seed, the
same initial weights (aetutor.initializers). They are ordinary `keras.Sequential` models, channels last on every backend.
"""

import itertools
import math

import keras
from keras import layers

from .. import constants, validation
from ..initializers import WeightStream


def mlp(
    shape,
    *,
    latent_dim,
    hidden=(256,),
    activation="relu",
    code_activation="linear",
    output_activation="linear",
    norm=None,
    initializer="glorot_uniform",
    seed=0,
    code_factor=1,
):
    """Dense encoder and its mirror image.

        shape -> hidden[0] -> ... -> latent_dim -> ... -> hidden[0] -> shape

    Args:
        shape: of one sample, or an int for flat data.
        latent_dim: size K of the code; may exceed the data's.
        hidden: sizes of the encoder's hidden layers; the decoder reverses them; () gives one layer each.
        activation: of the hidden layers, one of aetutor.constants.ACTIVATIONS.
        code_activation: of the code layer.
        output_activation: of the last layer; keep "linear" with likelihood="bernoulli", whose decoder gives logits.
        norm: None, or "layer" for layer normalisation before each hidden activation.
        initializer: "glorot_uniform" or "he_normal".
        seed: of the initial weights.
        code_factor: numbers the encoder gives for each latent dimension (2 for a VAE); set by the class.

    Returns:
        encoder, (B, *shape) -> (B, code_factor K), and decoder, (B, K) -> (B, *shape).
    """
    shape = validation.sample_shape("shape", shape)
    latent_dim = validation.integer("latent_dim", latent_dim, low=1)
    hidden = validation.sizes("hidden", hidden)
    for name, value in (
        ("activation", activation),
        ("code_activation", code_activation),
        ("output_activation", output_activation),
    ):
        validation.one_of(name, value, constants.ACTIVATIONS)
    if norm is not None:
        validation.one_of("norm", norm, ("layer",))
    weights, n_data = WeightStream(seed, initializer), math.prod(shape)

    def stack(widths):
        """Hidden layers from widths[0] to widths[-1]."""
        for fan_in, fan_out in itertools.pairwise(widths):
            yield dense(fan_in, fan_out, weights)
            if norm == "layer":
                yield layers.LayerNormalization(epsilon=constants.LAYER_NORM_EPSILON)
            yield from activate(activation)

    widths = (n_data, *hidden)
    encoder = [
        *([layers.Reshape((n_data,))] if len(shape) > 1 else []),
        *stack(widths),
        dense(widths[-1], code_factor * latent_dim, weights),
        *activate(code_activation),
    ]
    widths = (latent_dim, *reversed(hidden))
    decoder = [
        *stack(widths),
        dense(widths[-1], n_data, weights),
        *activate(output_activation),
        *([layers.Reshape(shape)] if len(shape) > 1 else []),
    ]
    return sequential(shape, encoder, "encoder"), sequential((latent_dim,), decoder, "decoder")


def conv(
    shape,
    *,
    latent_dim,
    channels=(32, 64),
    activation="relu",
    code_activation="linear",
    output_activation="linear",
    initializer="glorot_uniform",
    seed=0,
    code_factor=1,
):
    """Convolutional encoder that halves the sides at each stage, and a decoder that upsamples and convolves.

    Any height and width work: a side of n becomes ceil(n / 2), and the decoder crops back to what the encoder had.
    Upsampling followed by a convolution avoids the checkerboard of a strided transposed one (Odena et al., 2016).

    Args:
        shape: (height, width, channels) of one image.
        latent_dim: size K of the code.
        channels: of each stage, outermost first.
        activation: of the hidden layers, one of aetutor.constants.ACTIVATIONS.
        code_activation: of the code layer.
        output_activation: of the last layer; keep "linear" with likelihood="bernoulli", whose decoder gives logits.
        initializer: "glorot_uniform" or "he_normal".
        seed: of the initial weights.
        code_factor: numbers the encoder gives for each latent dimension (2 for a VAE); set by the class.

    Returns:
        encoder, (B, H, W, C) -> (B, code_factor K), and decoder, (B, K) -> (B, H, W, C).
    """
    height, width, depth = validation.sample_shape("shape", shape, ndim=3)
    latent_dim = validation.integer("latent_dim", latent_dim, low=1)
    channels = validation.sizes("channels", channels)
    if not channels:
        raise ValueError("channels must name at least one stage, such as (32, 64); got (). Without one use .mlp.")
    for name, value in (
        ("activation", activation),
        ("code_activation", code_activation),
        ("output_activation", output_activation),
    ):
        validation.one_of(name, value, constants.ACTIVATIONS)
    weights = WeightStream(seed, initializer)
    sides = constants.halved_sides(height, width, len(channels))
    (inner_height, inner_width), widths = sides[-1], (depth, *channels)
    n_inner = inner_height * inner_width * channels[-1]

    encoder = []
    for fan_in, fan_out in itertools.pairwise(widths):
        encoder += [*convolution(fan_in, fan_out, weights, stride=constants.CONV_STRIDE), *activate(activation)]
    encoder += [
        layers.Reshape((n_inner,)),
        dense(n_inner, code_factor * latent_dim, weights),
        *activate(code_activation),
    ]

    decoder = [
        dense(latent_dim, n_inner, weights),
        *activate(activation),
        layers.Reshape((inner_height, inner_width, channels[-1])),
    ]
    for stage in reversed(range(len(channels))):
        extra = tuple((0, 2 * small - big) for small, big in zip(sides[stage + 1], sides[stage], strict=True))
        decoder += [
            layers.UpSampling2D(2, interpolation="nearest", data_format="channels_last"),
            layers.Cropping2D(extra, data_format="channels_last"),  # keeps the first `big` rows and columns
            *convolution(widths[stage + 1], widths[stage], weights, stride=1),
            *activate(activation if stage else output_activation),
        ]
    return sequential((height, width, depth), encoder, "encoder"), sequential((latent_dim,), decoder, "decoder")


def dense(fan_in, fan_out, weights):
    """Dense layer (B, in) -> (B, out) with the next kernel of the weight stream and zero biases."""
    layer = layers.Dense(fan_out, kernel_initializer=weights.initializer)
    return _fill(layer, (None, fan_in), weights.kernel((fan_in, fan_out)))


def convolution(fan_in, fan_out, weights, *, stride):
    """Convolution (B, H, W, in) -> (B, H', W', out) as two layers: explicit padding, never "same"."""
    k = constants.CONV_KERNEL
    layer = layers.Conv2D(
        fan_out, k, strides=stride, padding="valid", data_format="channels_last", kernel_initializer=weights.initializer
    )
    return [
        layers.ZeroPadding2D(constants.CONV_PADDING, data_format="channels_last"),
        _fill(layer, (None, None, None, fan_in), weights.kernel((k, k, fan_in, fan_out))),
    ]


def activate(name):
    """The activation as a list of no or one layer."""
    if name == "linear":
        return []
    return [layers.LeakyReLU(constants.LEAKY_SLOPE) if name == "leaky_relu" else layers.Activation(name)]


def sequential(shape, parts, name):
    """The layers as one built model."""
    return keras.Sequential([layers.Input(shape), *parts], name=name)


def _fill(layer, input_shape, kernel):
    layer.build(input_shape)
    layer.kernel.assign(kernel)
    return layer
