"""Checkers of the page that measures an autoencoder against the classical methods."""

import numpy as np

from ..exercises import compare, define


@define("classical_methods.1")
def _(answer):
    compare(answer(), 0.7, of="the area of the negative score", reveal=False)


@define("classical_methods.2")
def _(answer):
    for arguments, images in (((1000, 16, 10, 90), 200.0), ((50, 32, 4, 8), 400.0), ((50, 32, 8, 8), np.inf)):
        compare(answer(*arguments), images, of=f"the number of images for {arguments}")


@define("classical_methods.3")
def _(answer):
    labels, groups = np.array([0, 0, 1, 1, 2, 2]), np.array([5, 5, 5, 3, 3, 3])
    compare(answer(labels, groups), 4 / 6, of="the purity of two groups")
    compare(answer(labels, np.arange(6)), 1.0, of="the purity of one group a sample")
