"""What the metrics share: checked pairs of arrays, and the sum over a sample."""

import numpy as np

from .. import validation


def pair(name_a, a, name_b, b, *, likelihood=None) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays of one shape, checked, in float64."""
    a = validation.array(name_a, a, likelihood=likelihood)
    b = validation.array(name_b, b, shape=a.shape[1:])
    if len(a) != len(b):
        raise ValueError(f"{name_b} must have as many samples as {name_a}, {len(a)}; got {len(b)}.")
    return a.astype(np.float64), b.astype(np.float64)


def sum_per_sample(values: np.ndarray) -> np.ndarray:
    """Sum over all axes but the first: (N, ...) -> (N,)."""
    return values.reshape(len(values), -1).sum(axis=1)
