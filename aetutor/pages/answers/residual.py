"""Checkers of the residual pages' exercises."""

import numpy as np

from ..exercises import compare, define


@define("residual.1")
def _(answer):
    compare(answer(), 20 * 16, of="how many numbers the last layer reads", reveal=False)


@define("residual.2")
def _(answer):
    for x, t, s, w in ((2.0, 1.0, 0.5, 3.0), (2.0, 1.0, 0.0, 3.0), (2.0, 1.0, 0.5, 0.0), (2.0, 1.0, 0.0, 0.0)):
        error = x + s * w * x - t
        expected = np.array([2 * error * w * x, 2 * error * s * x])
        compare(answer(x, t, s, w), expected, of=f"the pair of derivatives for x={x:g}, t={t:g}, s={s:g}, w={w:g}")


@define("residual.3")
def _(answer):
    compare(answer(0.4, 0), 0.4, of="the cosine after no layer")
    compare(answer(0.0, 1), 1 / np.pi, of="the cosine of two orthogonal inputs after one layer")
    compare(answer(-1.0, 1), 0.0, of="the cosine of two opposite inputs after one layer")
    rho = 0.4
    for _ in range(20):
        angle = np.arccos(rho)
        rho = (np.sin(angle) + (np.pi - angle) * rho) / np.pi
    compare(answer(0.4, 20), rho, of="a cosine of 0.4 after twenty layers")


@define("residual.4")
def _(answer):
    compare(answer(1.0, 19), 2.0**19, of="the factor for s = 1 and 19 branches")
    compare(answer(0.5, 2), 1.5625, of="the factor for s = 0.5 and 2 branches")
