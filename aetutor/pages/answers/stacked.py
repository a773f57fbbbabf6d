"""Checkers of the stacked pages' exercises."""

import numpy as np

from ..exercises import compare, define


@define("stacked.1")
def _(answer):
    compare(answer(), 128 * 64 + 64 + 64 * 128 + 128, of="the number of weights and biases", reveal=False)


@define("stacked.2")
def _(answer):
    rng = np.random.default_rng(0)
    h, kernel, bias = rng.normal(size=(3, 5)), rng.normal(size=(7, 5)), rng.normal(size=7)
    compare(answer(h, kernel, bias), h @ kernel.T + bias, of="what the tied decoder layer gives")


@define("stacked.3")
def _(answer):
    compare(answer((784, 16)), 5 * 784 * 16, of="the multiplications of a net of one layer on each side")
    compare(answer((784, 128, 16)), 6 * (784 * 128 + 128 * 16) - 784 * 128, of="the multiplications of two layers")
    compare(answer((3, 5, 4, 2)), 6 * (15 + 20 + 8) - 15, of="the multiplications of the net 3-5-4-2")


@define("stacked.4")
def _(answer):
    down = [lambda h: 2 * h, lambda h: h + 3, lambda h: h**2]
    up = [lambda h: h / 2, lambda h: h - 3, np.sqrt]
    x = np.linspace(0.1, 1.0, 6).reshape(2, 3)
    compare(answer(x, down, up), x, of="the output of a stack whose layers undo each other exactly")
    compare(answer(x, down[:2], [lambda h: h + 1, lambda h: 5 * h]), 5 * (2 * x + 3) + 1, of="the output of two layers")
