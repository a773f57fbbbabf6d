"""Metrics of samples: two samples told apart, sharpness."""

import numpy as np
import pytest
from adversarial_helpers import RNG

from aetutor import metrics


def test_two_sample_accuracy():
    accuracies = [metrics.two_sample_accuracy(*RNG.normal(size=(2, 250, 3)), seed=i) for i in range(20)]
    assert abs(np.mean(accuracies) - 0.5) < 0.02 and np.std(accuracies) < 0.06
    a, b = RNG.normal(size=(300, 4)), 0.5 * RNG.normal(size=(200, 4))
    assert metrics.two_sample_accuracy(a, b) > 0.65
    assert metrics.two_sample_accuracy(a, a + 20) == 1
    units = np.array([1e-3, 1, 10, 1e4])
    assert metrics.two_sample_accuracy(a * units, b * units) == metrics.two_sample_accuracy(a, b)
    labels = np.sort(a[:, :1], axis=0)  # ordered samples: the folds must not be blocks of them
    assert abs(metrics.two_sample_accuracy(labels, np.sort(RNG.normal(size=(300, 1)), axis=0)) - 0.5) < 0.1
    with pytest.raises(ValueError, match="b must hold at least 10 samples; got 9"):
        metrics.two_sample_accuracy(a, b[:9])
    with pytest.raises(ValueError, match=r"b must have the shape \(N, 4\)"):
        metrics.two_sample_accuracy(a, b[:, :3])


def test_sharpness():
    rng = np.random.default_rng(0)
    x = rng.random((3, 9, 8, 1))
    expected = [
        sum((i[r, c] - i[r + 1, c]) ** 2 for r in range(8) for c in range(8))
        + sum((i[r, c] - i[r, c + 1]) ** 2 for r in range(9) for c in range(7))
        for i in x[..., 0]
    ] / ((x - x.mean(axis=(1, 2), keepdims=True)) ** 2).sum(axis=(1, 2, 3))
    assert metrics.sharpness(x) == pytest.approx(expected)
    assert metrics.sharpness(3 * x + 1) == pytest.approx(expected)
    with pytest.raises(ValueError, match="x holds a constant image at index 1"):
        metrics.sharpness(np.stack([x[0], np.full_like(x[0], 0.3)]))
