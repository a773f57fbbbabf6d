"""Checkers of the exercises of the page on linear autoencoders."""

import numpy as np

from ..exercises import compare, define


@define("linear.1")
def _(answer):
    compare(answer(), 0.75, of="the factor", reveal=False)


@define("linear.2")
def _(answer):
    eigenvalues = np.array([2.0, 0.5, 0.1, 0.05])
    compare(answer(eigenvalues, 2, 0.1), 2.0 * 0.05**2 + 0.5 * 0.2**2 + 0.15, of="the error")
    compare(answer(eigenvalues, 3, 0.25), 2.0 * 0.125**2 + 0.5 * 0.5**2 + 0.15, of="the error where a component is dropped")


@define("linear.3")
def _(answer):
    rng = np.random.default_rng(0)
    u, o = (np.linalg.qr(rng.normal(size=(size, 3)))[0] for size in (6, 3))
    expected = np.array([1.5, 0.8, 0.3])
    compare(answer(u * np.sqrt(1 - 0.1 / expected) @ o.T, 0.1), expected, of="the variance of each component")


@define("linear.4")
def _(answer):
    x = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    compare(answer(x), 1 / 9, of="the learning rate")
