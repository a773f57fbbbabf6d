"""Encoder and decoder for sequences, recurrent or of causal convolutions, and their layers."""

import itertools

import keras
from keras import layers, ops

from ... import constants, validation
from ...initializers import WeightStream
from ._parts import activate, dense, sequential

UNROLLED_STEPS = 32  # 24 steps take a second more to build, which two epochs of 250 batches earn back


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
    layer = recurrent_layer(fan_in, fan_out, weights, cell=cell)
    layer.unroll = unrolled(steps)
    return [layer]


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


def unrolled(steps):
    """Whether so many steps are laid out one behind the other in the graph, instead of a loop that is run so often.

    TensorFlow's loop takes longer than a small cell's step. On a GPU all steps are one call of cuDNN, which wants the loop.
    """
    looped = keras.backend.backend() != "tensorflow" or keras.distribution.list_devices("gpu")
    return steps <= UNROLLED_STEPS and not looped


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


def step_mask(x, padding):
    """1 for each step of a sequence and 0 for the padding behind it, (B, T, C) -> (B, T) float.

    A step is padding if all its channels, and those of all steps behind it, are equal to `padding`.
    """
    kept = ops.cast(ops.flip(ops.any(ops.not_equal(x, padding), axis=-1), axis=1), "int32")  # (B, T), the last step first
    return ops.cast(ops.flip(ops.cumsum(kept, axis=1) > 0, axis=1), x.dtype)
