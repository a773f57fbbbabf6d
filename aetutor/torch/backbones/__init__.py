"""Encoders and decoders to pass to a model, or to get through `Class.mlp(...)`, `.conv`, `.recurrent`, `.residual`.

The Keras twins have the same layers, the same constants (aetutor.constants) and, for the same seed, the same initial weights
(aetutor.initializers): both frameworks start from identical bytes. Images are flattened in the order height, width, channel
in both, although PyTorch stores them as NCHW, so a dense kernel is transposed but never permuted between the frameworks.
Signals come and go as (B, T, C), as recurrent nets want them; PyTorch's convolutions over time swap the axes inside.
"""

from ._conv import Crop, SwapAxes, conv, convolution, doubling, transposed_convolution
from ._mlp import conditional_mlp, discriminator, mlp
from ._parts import Flatten, Unflatten, activate, dense
from ._recurrent import (
    CausalConvolution,
    Repeat,
    SequenceEncoder,
    States,
    causal_convolutions,
    over_time,
    recurrent,
    recurrent_layer,
    step_mask,
)
from ._residual import Bypass, Scale, residual

__all__ = [
    "Bypass",
    "CausalConvolution",
    "Crop",
    "Flatten",
    "Repeat",
    "Scale",
    "SequenceEncoder",
    "States",
    "SwapAxes",
    "Unflatten",
    "activate",
    "causal_convolutions",
    "conditional_mlp",
    "conv",
    "convolution",
    "dense",
    "discriminator",
    "doubling",
    "mlp",
    "over_time",
    "recurrent",
    "recurrent_layer",
    "residual",
    "step_mask",
    "transposed_convolution",
]
