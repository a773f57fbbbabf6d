"""Checkers of the page on losses."""

import numpy as np

from ..exercises import compare, define


@define("losses.1")
def _(answer):
    compare(answer(), 784 / 2, of="the effective beta", reveal=False)


@define("losses.2")
def _(answer):
    x, logits = np.array([[0.0, 1.0, 0.3], [1.0, 0.0, 0.5]]), np.array([[-2.0, 0.5, 1.0], [-800.0, 800.0, 0.0]])
    expected = (np.logaddexp(0, logits) - x * logits).sum(axis=1)
    compare(answer(x, logits), expected, of="the cross-entropy of each sample")


@define("losses.3")
def _(answer):
    x = np.array([[0.0, 1.0, 0.5], [0.25, 0.25, 1.0]])
    expected = np.array([np.log(2), 2 * (0.25 * np.log(4) + 0.75 * np.log(4 / 3))])
    compare(answer(x), expected, of="the floor of each image")
