"""What the backbones share: dense layers with weights from one stream, activations, and shapes."""

import keras
from keras import layers

from ... import constants


def dense(fan_in, fan_out, weights):
    """Dense layer (B, in) -> (B, out) with the next kernel of the weight stream and zero biases."""
    layer = layers.Dense(fan_out, kernel_initializer=weights.initializer)
    return fill(layer, (None, fan_in), weights.kernel((fan_in, fan_out)))


def activate(name):
    """The activation as a list of no or one layer."""
    if name == "linear":
        return []
    return [layers.LeakyReLU(constants.LEAKY_SLOPE) if name == "leaky_relu" else layers.Activation(name)]


def sequential(shape, parts, name):
    """The layers as one built model."""
    return keras.Sequential([layers.Input(shape), *parts], name=name)


def fill(layer, input_shape, kernel):
    layer.build(input_shape)
    layer.kernel.assign(kernel)
    return layer
