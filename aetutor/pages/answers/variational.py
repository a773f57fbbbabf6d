"""Checkers of the page on the variational bound."""

import numpy as np

from ..exercises import compare, define


@define("variational.1")
def _(answer):
    eigenvalues = np.array([4.0, 2.0, 1.0, 0.5, 0.25])
    compare(answer(eigenvalues, 0.4, 1.0), 4, of="the number of active units at beta = 1")
    compare(answer(eigenvalues, 0.4, 4.0), 2, of="the number of active units at beta = 4")


@define("variational.2")
def _(answer):
    log_w = np.array([[0.0, 0.0], [np.log(1.0), np.log(3.0)]])
    compare(answer(log_w), [0.0, np.log(2.0)], of="the bound of each image")
    compare(answer(log_w + 1000.0), [1000.0, 1000.0 + np.log(2.0)], of="the bound where every log-weight is 1,000 larger")
    compare(answer(log_w - 1000.0), [-1000.0, np.log(2.0) - 1000.0], of="the bound where every log-weight is 1,000 smaller")


@define("variational.3")
def _(answer):
    rng = np.random.default_rng(0)
    mu, log_var, mean, prior = rng.normal(size=(4, 3, 5))
    expected = 0.5 * (prior - log_var - 1 + (np.exp(log_var) + (mu - mean) ** 2) / np.exp(prior)).sum(axis=1)
    compare(answer(mu, log_var, mean, prior), expected, of="the divergence of each sample")


@define("variational.4")
def _(answer):
    compare(answer(), -784 * np.log(255), of="the change in nats", rtol=1e-3, reveal=False)
