"""Checkers of the dense pages' exercises."""

import numpy as np

from ..exercises import compare, define


@define("dense.1")
def _(answer):
    compare(answer(), 784 * 10 + 10 + 10 * 784 + 784, of="the number of weights and biases", reveal=False)


@define("dense.2")
def _(answer):
    rng = np.random.default_rng(0)
    x, x_hat = rng.random((3, 4, 5, 1)), rng.random((3, 4, 5, 1))
    compare(answer(x, x_hat), ((x - x_hat) ** 2).sum(axis=(1, 2, 3)), of="the error of each sample")


@define("dense.3")
def _(answer):
    z = np.array([[0.0, 0.0, 1.5, 0.0], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.3, 0.0]])
    compare(answer(z), 2, of="the number of dead units among four, two of which are never active")
    compare(answer(z + 1), 0, of="the number of dead units where every unit is active")


@define("dense.4")
def _(answer):
    eigenvalues = np.array([4.0, 2.0, 1.0, 0.5, 0.25])
    compare(answer(eigenvalues, 2), 1.75, of="the error that two components leave")
    compare(answer(eigenvalues, 5), 0.0, of="the error that all components leave")
