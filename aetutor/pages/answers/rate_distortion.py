"""Checkers of the page on rate and distortion."""

import numpy as np

from ..exercises import compare, define


@define("rate_distortion.1")
def _(answer):
    compare(answer(), 6.0, of="the number of bits", reveal=False)


@define("rate_distortion.2")
def _(answer):
    variances = np.array([4.0, 1.0, 0.25])
    for distortion, level in ((0.3, 0.1), (1.05, 0.4), (3.25, 2.0)):
        compare(answer(variances, distortion), level, of=f"the water level at distortion {distortion}")


@define("rate_distortion.3")
def _(answer):
    variances = np.array([4.0, 1.0, 0.1])
    for beta, noise, level in ((0.5, 1.0, 0.5), (2.0, 0.01, 0.02), (4.0, 0.5, 2.0)):
        expected = [0.5 * np.log(variance / level) if variance > level else 0.0 for variance in variances]
        compare(answer(variances, beta, noise), expected, of=f"the KL of each unit at beta {beta}, noise {noise}")


@define("rate_distortion.4")
def _(answer):
    q, mean, scale = np.array([[0.0, 2.0], [-1.0, 0.0], [3.0, 1.0]]), np.array([0.2, 1.0]), np.array([0.3, 2.0])
    bins = 0.5 * (np.tanh((q + 0.5 - mean) / (2 * scale)) - np.tanh((q - 0.5 - mean) / (2 * scale)))
    compare(answer(q, mean, scale), -np.log2(bins).sum(axis=1), of="the bits of each sample")
