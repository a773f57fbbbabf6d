"""Checkers of the exercises of the page on Boltzmann machines."""

import numpy as np

from ..exercises import compare, define


@define("boltzmann.1")
def _(answer):
    compare(answer(), [6.0, 2 / 3, 3 / 4], of="Z, p(v = 1) and p(h = 1 | v = 1)", reveal=False)


@define("boltzmann.2")
def _(answer):
    def free_energy(v):
        return -v @ np.array([0.5, -1.0, 2.0]) - np.logaddexp(0, v @ np.array([1.0, 2.0, -1.0]))

    v = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    given = v.copy()
    for pixel in range(3):
        both = [free_energy(np.insert(np.delete(v, pixel, 1), pixel, value, axis=1)) for value in (0.0, 1.0)]
        total = np.logaddexp(-both[0], -both[1])  # (2,)
        compare(answer(given, pixel, free_energy), -free_energy(v) - total, of=f"log p of pixel {pixel} given the others")
    compare(given, v, of="the array that was passed, which must stay as it was")


@define("boltzmann.3")
def _(answer):
    compare(answer(np.log([1.0, 2.0, 3.0, 6.0]), 0.0), np.log(3.0), of="log Z from the weights 1, 2, 3 and 6")
    compare(answer(np.array([1000.0, 1000.0]), 5.0), 1005.0, of="log Z from log-weights of 1000")


@define("boltzmann.4")
def _(answer):
    compare(answer(), "contrast", of="the term that is 0 for chains that do not move", reveal=False)
