"""Checkers of the page on regularisation."""

import numpy as np

from ..exercises import compare, define


@define("regularisation.1")
def _(answer):
    x, atoms = np.array([1.0, -2.0, 0.5]), np.array([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8], [0.0, 1.0, 0.0]])
    compare(answer(x, atoms), 2.0, of="the largest useful weight")
    compare(answer(-x, atoms), 2.0, of="the largest useful weight of the negative sample")


@define("regularisation.2")
def _(answer):
    v = np.array([-3.0, -0.5, 0.0, 0.9, 1.0, 2.5])
    compare(answer(v, 1.0, 0.5), np.array([-4 / 3, 0.0, 0.0, 0.0, 0.0, 1.0]), of="the best z")
    compare(answer(v, 0.0, 1.0), v / 2, of="the best z without L1")


@define("regularisation.3")
def _(answer):
    rng = np.random.default_rng(0)
    h, rows = np.tanh(rng.normal(size=(4, 3))), rng.normal(size=(3, 5))
    jacobians = (1 - h**2)[:, :, None] * rows
    compare(answer(h, rows), (jacobians**2).sum(axis=(1, 2)), of="the squared norm of each Jacobian")


@define("regularisation.4")
def _(answer):
    compare(answer(), 0.8, of="the probability of keeping a unit", reveal=False)
