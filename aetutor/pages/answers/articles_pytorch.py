"""Checkers of the exercises on the articles' PyTorch listings."""

import numpy as np

from ..exercises import Wrong, compare, define


@define("articles_pytorch.1")
def _(answer):
    compare(answer(), 245 * 64 // 784, of="the number of rows", reveal=False)


@define("articles_pytorch.2")
def _(answer):
    parts = answer(50, 40)
    if not isinstance(parts, tuple) or len(parts) != 2:
        raise Wrong("the result is not a pair of arrays")
    compare([len(parts[0]), len(parts[1])], [40, 10], of="the pair of sizes for 50 samples, 40 of them first")
    compare(np.sort(np.concatenate(parts)), np.arange(50), of="all indices, sorted")
    if (np.diff(parts[0]) > 0).all():
        raise Wrong("the first part is in the order of the samples, which may be sorted by class")


@define("articles_pytorch.3")
def _(answer):
    compare(answer(2.0, 0.1, 1), -0.2, of="the way after one step")
    compare(answer(2.0, 0.1, 4), -2.0, of="the way after four steps")
