"""Checkers of the masked pages' exercises."""

import numpy as np

from ..exercises import compare, define


@define("masked.1")
def _(answer):
    compare(answer(), 12 / 49, of="the share that has vanished", reveal=False)


@define("masked.2")
def _(answer):
    x = np.random.default_rng(0).random((3, 8, 12, 2)).astype("float32")
    cut = [x[:, i : i + 4, j : j + 4].reshape(3, -1) for i in (0, 4) for j in (0, 4, 8)]
    compare(answer(x, 4), np.stack(cut, axis=1), of="the patches, (3, 6, 32)")


@define("masked.3")
def _(answer):
    rng = np.random.default_rng(1)
    patches, drawn = rng.random((4, 6, 5)), rng.random((4, 6, 5))
    mask = rng.permuted(np.tile([1.0, 1.0, 0.0, 0.0, 1.0, 0.0], (4, 1)), axis=1)
    expected = [sum(((patches[n, p] - drawn[n, p]) ** 2).sum() for p in range(6) if mask[n, p]) for n in range(4)]
    compare(answer(patches, drawn, mask), np.array(expected), of="the loss of each sample")


@define("masked.4")
def _(answer):
    rng = np.random.default_rng(2)
    basis = rng.normal(size=(6, 6))
    covariance, mean = basis @ basis.T, rng.normal(size=6)
    x, hidden = rng.normal(size=6), np.array([True, False, False, True, False, True])
    precision = np.linalg.inv(covariance)  # another way: the conditional mean from the precision matrix
    shift = np.linalg.solve(precision[np.ix_(hidden, hidden)], precision[np.ix_(hidden, ~hidden)] @ (x - mean)[~hidden])
    compare(answer(x, hidden, mean, covariance), mean[hidden] - shift, of="the mean of the hidden numbers")
