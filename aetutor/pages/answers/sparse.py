"""Checkers of the sparse pages' exercises."""

import numpy as np

from ..exercises import compare, define


@define("sparse.1")
def _(answer):
    compare(answer(), 0.0, of="the KL of the batch mean", reveal=False)


@define("sparse.2")
def _(answer):
    rng = np.random.default_rng(0)
    a = rng.standard_normal((6, 8))
    for k in (1, 3, 8):
        threshold = np.sort(np.abs(a), axis=1)[:, -k][:, None]
        compare(answer(a, k), np.where(np.abs(a) >= threshold, a, 0), of=f"the code with {k} units kept")


@define("sparse.3")
def _(answer):
    features = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    learned = np.array([[5.0, 0.0, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, -1.0]])
    compare(answer(features, learned), 0.5, of="the share found, of four features two of which have a near neighbour")
    compare(answer(features, features[::-1].copy()), 1.0, of="the share found where all were learned")
