"""Checkers of the page on quantisation."""

import numpy as np

from ..exercises import compare, define


@define("quantisation.1")
def _(answer):
    compare(answer(), 64 * np.log2(7 * 5**4), of="the number of bits", rtol=1e-3, reveal=False)


@define("quantisation.2")
def _(answer):
    compare(answer(np.array([0, 1, 2, 3]), 8), 4.0, of="the perplexity of four words used alike")
    compare(answer(np.array([0, 0, 0, 5]), 8), 0.75**-0.75 * 0.25**-0.25, of="the perplexity of two words at 3 to 1")


@define("quantisation.3")
def _(answer):
    levels = np.array([4, 3, 5])
    digits = np.array([[0, 0, 0], [3, 0, 0], [0, 1, 0], [0, 0, 4], [2, 2, 3]])
    index = digits[:, 0] + 4 * digits[:, 1] + 12 * digits[:, 2]
    compare(answer(index, levels), digits / ((levels - 1) / 2) - 1, of="the code of each token")
