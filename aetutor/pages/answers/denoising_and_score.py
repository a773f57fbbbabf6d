"""Checkers of the page on denoising and the score."""

import numpy as np

from ..exercises import compare, define


@define("denoising_and_score.1")
def _(answer):
    compare(answer(), 0.8, of="the factor", reveal=False)


@define("denoising_and_score.2")
def _(answer):
    epsilon_hat = np.array([[1.0, -0.5], [0.0, 2.0]])
    compare(answer(epsilon_hat, 0.1), np.array([[-10.0, 5.0], [0.0, -20.0]]), of="the score")


@define("denoising_and_score.3")
def _(answer):
    rng = np.random.default_rng(0)
    x_noisy, samples = rng.normal(size=(4, 2)), rng.normal(size=(6, 2))
    weights = np.exp(-((x_noisy[:, None] - samples) ** 2).sum(axis=2) / (2 * 0.5**2))  # (4, 6)
    expected = weights @ samples / weights.sum(axis=1, keepdims=True)
    compare(answer(x_noisy, samples, 0.5), expected, of="the denoised points")


@define("denoising_and_score.4")
def _(answer):
    x, score, noise = np.array([[0.0, 1.0]]), np.array([[2.0, -4.0]]), np.array([[1.0, -1.0]])
    compare(answer(x, score, noise, 0.02), np.array([[0.24, 0.72]]), of="the next point")
