"""Encoders and decoders to pass to a model, or to get through `Class.mlp(...)`, `Class.conv(...)`, `Class.recurrent(...)`.

The twin of aetutor/torch/backbones.py: the same layers, the same constants (aetutor.constants) and, for the same seed, the
same initial weights (aetutor.initializers). They are ordinary Keras models, channels last on every backend.
"""

import itertools
import math

import keras
from keras import layers, ops

from .. import constants, validation
from ..initializers import WeightStream


@keras.saving.register_keras_serializable("aetutor")
class CausalConvolution(layers.Layer):
    """y_t = relu(b + sum_d W_d x_(t - d dilation)), plus x_t where the sizes agree: (B, T, in) -> (B, T, out)."""

    def __init__(self, units, dilation, *, initializer="glorot_uniform", name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.units, self.dilation, self.initializer = units, dilation, initializer
        self.reach = dilation * (constants.CAUSAL_KERNEL - 1)
        self.pad = layers.ZeroPadding1D((self.reach, 0))
        self.layer = layers.Conv1D(
            units, constants.CAUSAL_KERNEL, dilation_rate=dilation, padding="valid", data_format="channels_last",
            kernel_initializer=initializer,
        )  # fmt: skip

    def build(self, input_shape):
        """Create the kernel."""
        self.layer.build((None, None, input_shape[-1]))  # the steps before padding may be fewer than the kernel spans
        self.built = True

    def call(self, x):
        """Convolve over zeros before the first step, so that no step sees a later one."""
        y = ops.relu(self.layer(self.pad(x)))  # (B, T, out)
        return x + y if y.shape[-1] == x.shape[-1] else y

    def get_config(self):
        """The constructor's arguments."""
        names = ("units", "dilation", "initializer")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable("aetutor")
class LastStep(layers.Layer):
    """What causal layers give at a sequence's last step: x, (B, T, C), and features, (B, T, H), -> (B, H).

    Causal layers make this step's features from it and the steps before it. So the padding behind it has no influence.

    Args:
        padding: value of the steps behind a sequence's end, or None: all T steps count.
    """

    def __init__(self, padding=None, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype, autocast=False)  # x is compared with the padding
        self.padding = padding

    def call(self, x, features):
        """The features of the last step."""
        if self.padding is None:
            return features[:, -1]
        steps = ops.sum(step_mask(x, self.padding), axis=1)  # (B,)
        last = ops.cast(ops.clip(steps, 1, x.shape[1]), "int32")[:, None, None] - 1  # (B, 1, 1)
        return ops.take_along_axis(features, last, axis=1)[:, 0]

    def get_config(self):
        """The constructor's argument."""
        return super().get_config() | {"padding": self.padding}


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


def recurrent(
    shape,
    *,
    latent_dim,
    cell="gru",
    units=(64,),
    padding=None,
    code_activation="linear",
    output_activation="linear",
    initializer="glorot_uniform",
    seed=0,
    code_factor=1,
):
    """Sequence to sequence: an encoder that reads step by step, a decoder that writes step by step from the code alone.

        h_t = cell(x_t, h_(t-1)),   z = W h_T + b;      s_t = cell(z, s_(t-1)),   x_hat_t = V s_t + c

    The weights of "gru" and "lstm" do not depend on the length, and fit a model of any other. "tcn" replaces the cell by
    causal convolutions, whose dilation doubles from layer to layer until the last step sees the first; its decoder is given
    the same z at every step, and tells the steps apart by the zeros that it sees before the first.

    Args:
        shape: (length, channels) of one sequence; of the longest, with `padding`.
        latent_dim: size K of the code.
        cell: "gru", "lstm", or "tcn", a temporal convolutional net.
        units: width of each layer; the decoder reverses them. With "tcn" each is a stack of convolutions.
        padding: value of all channels of the steps behind a sequence's end: the encoder then stops at the last step that
            differs from it. For classes that leave such steps out of the loss: SequenceAutoencoder. None: there are none.
        code_activation: of the code layer, one of aetutor.constants.ACTIVATIONS.
        output_activation: of the last layer; keep "linear" with likelihood="bernoulli", whose decoder gives logits.
        initializer: "glorot_uniform" or "he_normal"; kernels from state to state are orthogonal, one a gate.
        seed: of the initial weights.
        code_factor: numbers the encoder gives for each latent dimension (2 for a VAE); set by the class.

    Returns:
        encoder, (B, T, C) -> (B, code_factor K), and decoder, (B, K) -> (B, T, C).

    Source: Sutskever, Vinyals and Le (2014); Srivastava, Mansimov and Salakhutdinov (2015); Bai, Kolter and Koltun (2018)
    for causal convolutions.
    """
    steps, depth = validation.sequence_shape("shape", shape)
    latent_dim = validation.integer("latent_dim", latent_dim, low=1)
    validation.one_of("cell", cell, constants.CELLS)
    units = validation.layer_sizes("units", units)
    padding = None if padding is None else validation.real("padding", padding)
    for name, value in (("code_activation", code_activation), ("output_activation", output_activation)):
        validation.one_of(name, value, constants.ACTIVATIONS)
    weights = WeightStream(seed, initializer)

    def stack(widths):
        """Layers over time from widths[0] to widths[-1]."""
        for fan_in, fan_out in itertools.pairwise(widths):
            yield from over_time(fan_in, fan_out, weights, cell=cell, steps=steps)

    x = features = layers.Input((steps, depth))
    for layer in stack((depth, *units)):
        features = layer(features)  # (B, T, H)
    code = LastStep(padding)(x, features)  # (B, H)
    for layer in (dense(units[-1], code_factor * latent_dim, weights), *activate(code_activation)):
        code = layer(code)
    decoder = [
        layers.RepeatVector(steps),
        *stack((latent_dim, *reversed(units))),
        dense(units[0], depth, weights),
        *activate(output_activation),
    ]
    return keras.Model(x, code, name="encoder"), sequential((latent_dim,), decoder, "decoder")


def over_time(fan_in, fan_out, weights, *, cell, steps):
    """Layers (B, T, in) -> (B, T, out) in which each of T = `steps` steps sees itself and all before it."""
    if cell == "tcn":
        return causal_convolutions(fan_in, fan_out, weights, steps=steps)
    return [recurrent_layer(fan_in, fan_out, weights, cell=cell)]


def recurrent_layer(fan_in, fan_out, weights, *, cell):
    """layers.GRU or layers.LSTM, (B, T, in) -> (B, T, out), with the next two kernels of the weight stream.

    The GRU applies its reset gate after the recurrent product, as PyTorch does, and so has two biases. The LSTM's forget
    gate starts with a bias of 1.
    """
    options = {"reset_after": True} if cell == "gru" else {"unit_forget_bias": True}
    layer = {"gru": layers.GRU, "lstm": layers.LSTM}[cell](
        fan_out, return_sequences=True, kernel_initializer=weights.initializer, **options
    )
    layer.build((None, None, fan_in))
    gates = len(constants.CELL_GATES[cell])
    layer.cell.kernel.assign(weights.kernel((fan_in, gates * fan_out)))
    layer.cell.recurrent_kernel.assign(weights.orthogonal(fan_out, gates))
    return layer


def causal_convolutions(fan_in, fan_out, weights, *, steps):
    """Causal convolutions (B, T, in) -> (B, T, out) with dilations 1, 2, 4, ...: the last of `steps` sees the first."""
    found = []
    for dilation in constants.dilations(steps):
        convolution = CausalConvolution(fan_out, dilation, initializer=weights.initializer)
        convolution.build((None, steps, fan_in))
        convolution.layer.kernel.assign(weights.kernel((constants.CAUSAL_KERNEL, fan_in, fan_out)))
        found.append(convolution)
        fan_in = fan_out
    return found


def step_mask(x, padding):
    """1 for each step of a sequence and 0 for the padding behind it, (B, T, C) -> (B, T) float.

    A step is padding if all its channels, and those of all steps behind it, are equal to `padding`.
    """
    kept = ops.cast(ops.flip(ops.any(ops.not_equal(x, padding), axis=-1), axis=1), "int32")  # (B, T), the last step first
    return ops.cast(ops.flip(ops.cumsum(kept, axis=1) > 0, axis=1), x.dtype)


def dense(fan_in, fan_out, weights):
    """Dense layer (B, in) -> (B, out) with the next kernel of the weight stream and zero biases."""
    layer = layers.Dense(fan_out, kernel_initializer=weights.initializer)
    return _fill(layer, (None, fan_in), weights.kernel((fan_in, fan_out)))


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
        _fill(layer, (*[None] * (axes + 1), fan_in), kernel),
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
    return _fill(layer, (*[None] * (axes + 1), fan_in), kernel)


def doubling(fan_in, fan_out, weights, *, sides, upsampling):
    """Layers from sides of ceil(n / 2) to sides of n: (B, ..., in) -> (B, *sides, out)."""
    axes = len(sides)
    odd = [side % 2 for side in sides]  # doubled, such a side is one too long
    if upsampling == "transposed":
        return [transposed_convolution(fan_in, fan_out, weights, axes=axes), _crop([(1, 1 + extra) for extra in odd])]
    after = convolution(fan_in, fan_out, weights, stride=1, axes=axes)
    double = layers.UpSampling1D(2) if axes == 1 else layers.UpSampling2D(2, data_format="channels_last")
    return [double, _crop([(0, extra) for extra in odd]), *after]


def activate(name):
    """The activation as a list of no or one layer."""
    if name == "linear":
        return []
    return [layers.LeakyReLU(constants.LEAKY_SLOPE) if name == "leaky_relu" else layers.Activation(name)]


def sequential(shape, parts, name):
    """The layers as one built model."""
    return keras.Sequential([layers.Input(shape), *parts], name=name)


def _crop(cut):
    """Cut (first, last) values off each axis."""
    return layers.Cropping1D(cut[0]) if len(cut) == 1 else layers.Cropping2D(cut, data_format="channels_last")


def _fill(layer, input_shape, kernel):
    layer.build(input_shape)
    layer.kernel.assign(kernel)
    return layer
