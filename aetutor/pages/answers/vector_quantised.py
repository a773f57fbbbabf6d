"""Checkers of the vector-quantised pages' exercises."""

import numpy as np

from ..exercises import compare, define


@define("vector_quantised.1")
def _(answer):
    compare(answer(), [2.15, -0.6], of="the pair of derivatives", reveal=False)


@define("vector_quantised.2")
def _(answer):
    compare(answer(), "commitment", of="the term that pulls the encoder", reveal=False)


@define("vector_quantised.3")
def _(answer):
    words, share = np.array([[0.0, 0.0], [1.0, 1.0], [9.0, 9.0]]), np.array([0.5, 0.25, 0.25])
    groups = np.array([[0.2, 0.0], [0.0, 0.4], [1.2, 1.0], [0.8, 1.4]])
    expected = [[0.05 / 1.0, 0.1 / 1.0], [1.0, 1.2 * 0.25 / 0.375 + 0.125 / 0.375], [9.0, 9.0]]
    compare(answer(words, share, groups, 0.5), expected, of="the new codewords")


@define("vector_quantised.4")
def _(answer):
    index = np.array([[0, 3], [1, 3], [0, 3], [1, 3]])
    compare(answer(index, 4), 1.0, of="the bits of two places, one a fair coin, the other constant")
    compare(answer(np.array([[0, 1], [1, 2], [2, 3], [3, 0]]), 4), 4.0, of="the bits of two places with four tokens alike")
