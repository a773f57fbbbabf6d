"""Checkers of the adversarial pages' exercises."""

import numpy as np

from ... import metrics
from ..exercises import compare, define


@define("adversarial.1")
def _(answer):
    compare(answer(), 2 * np.log(2), of="the discriminator's term", rtol=2e-3, reveal=False)


@define("adversarial.2")
def _(answer):
    rng = np.random.default_rng(0)
    for n, k in ((5, 2), (9, 3)):
        z, p = 2 * rng.normal(size=(n, k)) + 1, rng.normal(size=(n, k))
        compare(answer(z, p), metrics.maximum_mean_discrepancy(z, p), of=f"the estimate for {n} codes of {k} numbers")


@define("adversarial.3")
def _(answer):
    z = np.linspace(-3, 3, 13).reshape(-1, 1)
    for mean, std in ((0.0, 1.0), (1.0, 1.0), (-0.5, 2.0)):
        expected = -(z**2) / 2 + (z - mean) ** 2 / (2 * std**2) + np.log(std)
        compare(answer(z, mean, std), expected, of=f"the logit for codes from N({mean:g}, {std:g}^2)")


@define("adversarial.4")
def _(answer):
    rng = np.random.default_rng(1)
    x = rng.random((4, 6, 5, 1))
    compare(answer(x), metrics.sharpness(x), of="the sharpness of each image")
