"""Checkers of the contractive pages' exercises."""

import numpy as np

from ..exercises import compare, define


@define("contractive.1")
def _(answer):
    compare(answer(), (0.95 * 0.05 / 0.25) ** 2, of="the quotient of the two contributions", reveal=False)


@define("contractive.2")
def _(answer):
    rng = np.random.default_rng(0)
    slopes, kernels = [rng.random((5, n)) for n in (4, 3)], [rng.standard_normal(shape) for shape in ((4, 6), (3, 4))]
    jacobian = np.einsum("bk,kh,bh,hd->bkd", slopes[1], kernels[1], slopes[0], kernels[0])
    compare(answer(*slopes, *kernels), (jacobian**2).sum(axis=(1, 2)), of="the squared norm of the Jacobian")


@define("contractive.3")
def _(answer):
    for singular in (np.array([3.0, 1.0, 0.5]), np.ones(50)):
        expected = np.sqrt(2 * (singular**4).sum()) / (singular**2).sum()
        compare(answer(singular), expected, of="the standard deviation of one probe's estimate over its mean")


@define("contractive.4")
def _(answer):
    compare(answer(), 0.01, of="the factor", reveal=False)
