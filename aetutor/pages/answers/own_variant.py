"""Checkers of the exercises on writing a variant."""

import numpy as np

from ..exercises import compare, define


@define("own_variant.1")
def _(answer):
    compare(answer(), 8.0, of="how many times smaller the pull on the code is", reveal=False)


@define("own_variant.2")
def _(answer):
    z = np.array([[3.0, -4.0], [0.0, 1.0], [0.5, 0.5]])
    compare(answer(z, 2.0), [14.0, 2.0, 2.0], of="the term of three samples")
    compare(answer(z, 0.0), [0.0, 0.0, 0.0], of="the term of strength 0")


@define("own_variant.3")
def _(answer):
    z, noise = np.array([[1.0, -2.0], [0.0, 4.0]]), np.array([[0.0, 0.25], [0.5, 0.999]])
    compare(answer(z, noise, 0.3), [[0.0, 0.0], [0.0, 4.0]], of="the code with level 0.3")
    compare(answer(z, noise, 0.0), z, of="the code with level 0")
