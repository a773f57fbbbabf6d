"""Checkers of the exercises on the pages about the deep autoencoder of 2006."""

import itertools

import numpy as np

from ..exercises import compare, define


@define("deep.1")
def _(answer):
    sizes = (784, 1000, 500, 250, 30)
    weights = 2 * sum(a * b for a, b in itertools.pairwise(sizes))
    compare(answer(), weights + sum(sizes[1:]) + sum(sizes[:-1]), of="the number of weights and biases", reveal=False)


@define("deep.2")
def _(answer):
    errors = np.array([13.87, 3.0, 0.784])
    compare(answer(errors, 784), 10 * np.log10(784 / errors), of="the peak signal-to-noise ratio of three images")


@define("deep.3")
def _(answer):
    compare(answer(7, 1.0), 4.0**-7, of="the share after seven layers whose kernels change nothing")
    compare(answer(2, 4.0), 1.0, of="the share after two layers whose kernels make up for it")
