"""Checkers of the recurrent pages' exercises."""

import numpy as np

from ..exercises import compare, define


@define("recurrent.1")
def _(answer):
    compare(answer(), 4_480, of="the number of weights", reveal=False)


@define("recurrent.2")
def _(answer):
    padding = -2.0
    x = np.random.default_rng(0).random((4, 6, 2))
    ends = np.array([6, 3, 1, 5])
    x[np.arange(6) >= ends[:, None]] = padding
    x[3, 2] = padding  # a gap, not the end
    x[1, 2, 0] = padding  # one channel of a last step
    compare(answer(x, padding), (np.arange(6) < ends[:, None]).astype(float), of="the mask")


@define("recurrent.3")
def _(answer):
    rng = np.random.default_rng(1)
    x, x_hat = rng.normal(size=(2, 3, 5, 2))
    mask = (np.arange(5) < np.array([[5], [2], [1]])).astype(float)
    expected = [((a[:n] - b[:n]) ** 2).sum() for a, b, n in zip(x, x_hat, (5, 2, 1), strict=True)]
    compare(answer(x, x_hat, mask), expected, of="the masked loss")


@define("recurrent.4")
def _(answer):
    right = {(1, 3): 0, (2, 2): 1, (3, 3): 1, (4, 3): 2, (7, 3): 2, (12, 3): 3, (48, 3): 5, (48, 2): 6}
    for (steps, kernel), layers in right.items():
        compare(answer(steps, kernel), layers, of=f"the layers for {steps} steps and a kernel of {kernel}", reveal=False)
