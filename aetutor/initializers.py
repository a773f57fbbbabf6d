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

CODEBOOK, DISCRIMINATOR = 1, 2  # random streams below the seed of a constructor
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


def sine_cosine_positions(grid: tuple[int, int], width: int) -> np.ndarray:
    """Where each cell of a grid is, as `width` fixed numbers: (rows * columns, width) float32, row by row.

        sin(w_i r), cos(w_i r), sin(w_i c), cos(w_i c),   i = 1 ... width / 4

    The frequencies w are evenly spaced from pi / (the longer side), which tells all places apart, to pi, one change of sign
    a cell. The usual powers of 10000 are made for thousands of places; on a grid of 7 by 7 most of them would be constant.

    Args:
        grid: rows and columns.
        width: a multiple of 4.

    Source: Vaswani et al. (2017) for one axis; He et al. (2022) take half of the numbers for each of two.

    Example:
        >>> sine_cosine_positions((2, 3), 4)[0].tolist(), sine_cosine_positions((2, 3), 4).shape
        ([0.0, 1.0, 0.0, 1.0], (6, 4))
    """
    rows, columns = np.indices(grid).reshape(2, -1, 1)  # (P, 1) each
    waves = np.pi * np.linspace(1 / max(grid), 1, width // 4)
    angles = [axis * waves for axis in (rows, columns)]
    return np.concatenate([f(angle) for angle in angles for f in (np.sin, np.cos)], axis=1).astype(np.float32)
