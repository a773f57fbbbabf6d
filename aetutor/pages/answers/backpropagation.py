"""Checkers of the exercises of the page on backpropagation."""

import numpy as np

from ..exercises import compare, define


@define("backpropagation.1")
def _(answer):
    compare(answer(), 2 * (64 * 16 + 16 + 16 * 64 + 64), of="the number of evaluations", reveal=False)


@define("backpropagation.2")
def _(answer):
    x, logits = np.array([[0.0, 1.0], [0.3, 0.5], [1.0, 0.0]]), np.array([[-2.0, 0.5], [1.0, 0.0], [0.0, 3.0]])

    def loss(logits):
        return (np.logaddexp(0, logits) - x * logits).sum() / len(x)

    expected = np.empty_like(logits)
    for place in np.ndindex(logits.shape):
        change = np.zeros_like(logits)
        change[place] = 1e-5
        expected[place] = (loss(logits + change) - loss(logits - change)) / 2e-5
    compare(answer(x, logits), expected, of="the gradient of the logits")


@define("backpropagation.3")
def _(answer):
    gradients, rates = np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.1, 0.1, 0.01, 0.01])
    decays = 0.9 ** np.maximum(np.arange(4)[:, None] - np.arange(4), 0) * np.tri(4)  # (T, T), lower triangle
    compare(answer(gradients, rates), np.cumsum(decays @ (-rates * gradients)), of="the weight after each step")
