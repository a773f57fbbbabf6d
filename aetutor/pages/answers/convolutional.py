"""Checkers of the convolutional pages' exercises."""

import numpy as np

from ..exercises import compare, define


@define("convolutional.1")
def _(answer):
    compare(answer(), 3 * 3 * 16 * 32 + 32, of="the number of weights and biases", reveal=False)


@define("convolutional.2")
def _(answer):
    compare(answer([3], [2]), 3, of="the receptive field of one layer of kernel 3")
    compare(answer([3, 3, 3], [2, 2, 2]), 15, of="the receptive field of three layers of kernel 3 and stride 2")
    compare(answer([5, 1, 3], [1, 3, 1]), 11, of="the receptive field of kernels 5, 1, 3 with strides 1, 3, 1")


@define("convolutional.3")
def _(answer):
    compare(
        np.asarray(answer(28, 3)), [0, 0, 1], of="what is cut off from a side of 28 after three halvings, outermost first"
    )
    compare(np.asarray(answer(9, 2)), [1, 1], of="what is cut off from a side of 9 after two halvings")


@define("convolutional.4")
def _(answer):
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((2, 5, 3)), rng.standard_normal((4, 3, 2))
    painted = np.zeros((2, 12, 2))
    for t in range(5):
        painted[:, 2 * t : 2 * t + 4] += np.einsum("bc,dco->bdo", x[:, t], kernel)
    compare(answer(x, kernel), painted[:, 1:-1], of="a transposed convolution of a signal, kernel 4, stride 2")
