"""Encoders and decoders to pass to a model, or to get through `Class.mlp(...)`, `.conv`, `.recurrent`, `.residual`.

The twin of aetutor/torch/backbones/: the same layers, the same constants (aetutor.constants) and, for the same seed, the
same initial weights (aetutor.initializers). They are ordinary Keras models, channels last on every backend.
"""

from ._conv import conv, convolution, doubling, transposed_convolution
from ._mlp import conditional_mlp, discriminator, mlp
from ._parts import activate, dense, sequential
from ._recurrent import CausalConvolution, LastStep, causal_convolutions, over_time, recurrent, recurrent_layer, step_mask
from ._residual import Scale, residual

__all__ = [
    "CausalConvolution",
    "LastStep",
    "Scale",
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
    "sequential",
    "step_mask",
    "transposed_convolution",
]
