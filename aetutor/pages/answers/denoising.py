"""Checkers of the denoising pages' exercises."""

import numpy as np

from ... import metrics
from ..exercises import compare, define


@define("denoising.1")
def _(answer):
    compare(answer(), 0.15, of="the share of black pixels that change", reveal=False)


@define("denoising.2")
def _(answer):
    rng = np.random.default_rng(0)
    x, noise = rng.random((3, 4, 4, 1)) + 0.1, rng.random((3, 4, 4, 1))
    for level in (0.0, 0.3, 1.0):
        compare(answer(x, noise, level), np.where(noise < level, 0.0, x), of=f"the masked x at the level {level:g}")


@define("denoising.3")
def _(answer):
    rng = np.random.default_rng(1)
    x = rng.random((4, 5, 5, 1))
    x_noisy = x + rng.normal(size=x.shape) * np.array([0.1, 0.2, 0.4, 0.8]).reshape(4, 1, 1, 1)
    x_hat = x + 0.1 * rng.normal(size=x.shape)
    expected = (metrics.psnr(x, x_hat) - metrics.psnr(x, x_noisy)).mean()
    compare(answer(x, x_noisy, x_hat), expected, of="the mean gain in dB")


@define("denoising.4")
def _(answer):
    x_noisy = np.linspace(-1.5, 2.5, 9).reshape(3, 3)
    for sigma in (0.3, 1.0):
        ones, zeros = (np.exp(-((x_noisy - value) ** 2) / (2 * sigma**2)) for value in (1.0, 0.0))
        compare(answer(x_noisy, sigma), ones / (ones + zeros), of=f"the mean of the clean pixel for sigma {sigma:g}")
