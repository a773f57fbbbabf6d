"""Checkers of the exercises on the articles' Keras listings."""

import numpy as np

from ..exercises import compare, define


@define("articles_keras.1")
def _(answer):
    compare(answer(), 28 * 10, of="the number of code values", reveal=False)


@define("articles_keras.2")
def _(answer):
    z = np.array([[0.0, 0.0, 1.5, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.3, 0.0], [0.0, 1.0, 0.2, 0.0]])
    compare(answer(z), 3 / 8, of="the share of zeros of two live units among four")
    compare(answer(z + 1), 0.0, of="the share of zeros where every value is positive")


@define("articles_keras.3")
def _(answer):
    a = np.array([-2.0, -0.5, 0.0, 0.3, 1.0, 3.0])
    compare(answer(a, 0.5), [-1.5, 0.0, 0.0, 0.0, 0.5, 2.5], of="the minimiser for t = 0.5")
    compare(answer(a, 1.0), [-1.0, 0.0, 0.0, 0.0, 0.0, 2.0], of="the minimiser for t = 1")
