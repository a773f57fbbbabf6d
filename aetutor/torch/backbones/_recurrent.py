"""Encoder and decoder for sequences, recurrent or of causal convolutions, and their layers."""

import itertools

import torch
from torch import Tensor, nn

from ... import constants, validation
from ...initializers import WeightStream
from ._parts import activate, dense, fill


def recurrent(
    shape,
    *,
    latent_dim: int,
    cell: str = "gru",
    units=(64,),
    padding: float | None = None,
    code_activation: str = "linear",
    output_activation: str = "linear",
    initializer: str = "glorot_uniform",
    seed: int = 0,
    code_factor: int = 1,
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

    layers = nn.Sequential(*stack((depth, *units)))
    code = nn.Sequential(dense(units[-1], code_factor * latent_dim, weights), *activate(code_activation))
    decoder = nn.Sequential(
        Repeat(steps),
        *stack((latent_dim, *reversed(units))),
        dense(units[0], depth, weights),
        *activate(output_activation),
    )
    return SequenceEncoder(layers, code, padding=padding), decoder


def over_time(fan_in: int, fan_out: int, weights: WeightStream, *, cell: str, steps: int) -> list[nn.Module]:
    """Layers (B, T, in) -> (B, T, out) in which each of T = `steps` steps sees itself and all before it."""
    if cell == "tcn":
        return causal_convolutions(fan_in, fan_out, weights, steps=steps)
    return [States(recurrent_layer(fan_in, fan_out, weights, cell=cell))]


def recurrent_layer(fan_in: int, fan_out: int, weights: WeightStream, *, cell: str) -> nn.RNNBase:
    """nn.GRU or nn.LSTM, (B, T, in) -> (B, T, out), with the next two kernels of the weight stream.

    They are drawn in the order of Keras' gates: update, reset, new for the GRU, where PyTorch has reset, update, new; input,
    forget, new, output for the LSTM in both. The LSTM's forget gate starts with a bias of 1. Its second bias, which Keras
    does not have, stays 0.
    """
    gates = constants.CELL_GATES[cell]
    layer = {"gru": nn.GRU, "lstm": nn.LSTM}[cell](fan_in, fan_out, batch_first=True)
    kernels = (weights.kernel((fan_in, len(gates) * fan_out)), weights.orthogonal(fan_out, len(gates)))
    with torch.no_grad():
        for parameter, kernel in zip((layer.weight_ih_l0, layer.weight_hh_l0), kernels, strict=True):
            blocks = torch.from_numpy(kernel).T.unflatten(0, (len(gates), fan_out))  # (gates, out, in)
            parameter.copy_(blocks[list(gates)].flatten(0, 1))
        layer.bias_ih_l0.zero_()
        layer.bias_hh_l0.zero_()
        if cell == "lstm":
            layer.bias_ih_l0[fan_out : 2 * fan_out] = 1
            layer.bias_hh_l0.requires_grad_(False)
    return layer


class Repeat(nn.Module):
    """(B, K) -> (B, T, K): the same numbers at each of T steps."""

    def __init__(self, steps: int):
        super().__init__()
        self.steps = steps

    def forward(self, z: Tensor) -> Tensor:
        """Repeat."""
        return z[:, None].expand(-1, self.steps, -1)


class States(nn.Module):
    """What a recurrent layer, nn.GRU or nn.LSTM, gives at each step: (B, T, in) -> (B, T, out)."""

    def __init__(self, layer: nn.RNNBase):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """The states, without the last one that PyTorch returns beside them."""
        return self.layer(x)[0]


class CausalConvolution(nn.Module):
    """y_t = relu(b + sum_d W_d x_(t - d dilation)), plus x_t where the sizes agree: (B, T, in) -> (B, T, out)."""

    def __init__(self, layer: nn.Conv1d):
        super().__init__()
        self.layer, self.reach = layer, layer.dilation[0] * (layer.kernel_size[0] - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve over zeros before the first step, so that no step sees a later one."""
        before = nn.functional.pad(x.transpose(1, 2), (self.reach, 0))  # (B, in, reach + T)
        y = torch.relu(self.layer(before)).transpose(1, 2)  # (B, T, out)
        return x + y if y.shape == x.shape else y


def causal_convolutions(fan_in: int, fan_out: int, weights: WeightStream, *, steps: int) -> list[CausalConvolution]:
    """Causal convolutions (B, T, in) -> (B, T, out) with dilations 1, 2, 4, ...: the last of `steps` sees the first."""
    layers, k = [], constants.CAUSAL_KERNEL
    for dilation in constants.dilations(steps):
        kernel = torch.from_numpy(weights.kernel((k, fan_in, fan_out))).movedim(0, 2).transpose(0, 1)  # (out, in, k)
        layers.append(CausalConvolution(fill(nn.Conv1d(fan_in, fan_out, k, dilation=dilation), kernel)))
        fan_in = fan_out
    return layers


class SequenceEncoder(nn.Module):
    """(B, T, C) -> (B, K): a dense layer on what causal layers give at a sequence's last step.

    Causal layers make this step's features from it and the steps before it. So the padding behind it has no influence.

    Args:
        layers: (B, T, C) -> (B, T, H), each step made of itself and of earlier ones.
        code: (B, H) -> (B, K).
        padding: value of the steps behind a sequence's end, or None: all T steps count.
    """

    def __init__(self, layers: nn.Module, code: nn.Module, *, padding: float | None = None):
        super().__init__()
        self.layers, self.code, self.padding = layers, code, padding

    def forward(self, x: Tensor) -> Tensor:
        """The code."""
        features = self.layers(x)  # (B, T, H)
        if self.padding is None:
            return self.code(features[:, -1])
        last = step_mask(x, self.padding).sum(dim=1).long().clamp(min=1) - 1  # (B,)
        return self.code(features[torch.arange(len(x), device=x.device), last])


def step_mask(x: Tensor, padding: float) -> Tensor:
    """1 for each step of a sequence and 0 for the padding behind it, (B, T, C) -> (B, T) float.

    A step is padding if all its channels, and those of all steps behind it, are equal to `padding`.
    """
    kept = (x != padding).any(dim=-1).flip(1)  # (B, T), the last step first
    return (kept.cumsum(dim=1) > 0).flip(1).to(x.dtype)
