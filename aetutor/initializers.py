"""Initial weights, drawn with NumPy: the same seed gives PyTorch and Keras models the same bytes.

    glorot_uniform: U(-a, a), a = sqrt(6 / (fan_in + fan_out))      (Glorot and Bengio, 2010)
    he_normal:      N(0, 2 / fan_in)                                (He et al., 2015)
    orthogonal:     uniform over the orthogonal matrices            (Saxe et al., 2014); recurrent kernels

Kernels are drawn in the Keras layout, (in, out) or (height, width, in, out); the torch side transposes. Biases start at 0.
"""

import math

import numpy as np

from . import validation
from .batching import stream_seed

CODEBOOK = 1  # random stream below the seed of a constructor
NAMES = ("glorot_uniform", "he_normal")


class WeightStream:
    """Draws one kernel after another from one seed; the order of the calls is part of the result.

    Args:
        seed: of the model's constructor, >= 0.
        initializer: one of NAMES.
    """

    def __init__(self, seed: int, initializer: str = "glorot_uniform"):
        self.rng = np.random.default_rng(validation.integer("seed", seed, low=0))
        self.initializer = validation.one_of("initializer", initializer, NAMES)

    def kernel(self, shape: tuple[int, ...]) -> np.ndarray:
        """Float32 kernel of the given Keras shape: (in, out) or (*window, in, out)."""
        window = math.prod(shape[:-2])
        fan_in, fan_out = window * shape[-2], window * shape[-1]
        if self.initializer == "glorot_uniform":
            limit = math.sqrt(6 / (fan_in + fan_out))
            return self.rng.uniform(-limit, limit, shape).astype(np.float32)
        return (self.rng.standard_normal(shape) * math.sqrt(2 / fan_in)).astype(np.float32)

    def orthogonal(self, units: int, gates: int) -> np.ndarray:
        """Float32 kernel from state to state, (units, gates * units): an orthogonal matrix for each gate, side by side."""
        matrices = []
        for _ in range(gates):
            q, r = np.linalg.qr(self.rng.standard_normal((units, units)))
            matrices.append(q * np.sign(np.diag(r)))  # the signs make it uniform over the orthogonal matrices
        return np.concatenate(matrices, axis=1).astype(np.float32)


def codebook(seed: int, size: int, dim: int) -> np.ndarray:
    """First codewords of a vector quantiser, (size, dim) float32, Glorot uniform, from a stream of their own."""
    return WeightStream(stream_seed(validation.integer("seed", seed, low=0), CODEBOOK)).kernel((size, dim))
