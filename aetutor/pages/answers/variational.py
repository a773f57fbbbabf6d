"""Checkers of the page on the variational bound (1 to 4) and of the pages on variational autoencoders (5 to 8)."""

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


@define("variational.5")
def _(answer):
    compare(answer(), 0.392, of="the beta", rtol=1e-3, reveal=False)


@define("variational.6")
def _(answer):
    log_w = np.array([[0.0, 1.0, -2.0, 0.5], [-1000.0, -1001.0, -1002.0, -999.0]])  # (B, n + m)
    a, b, all_of_them = (
        np.logaddexp.reduce(part, axis=1) - np.log(part.shape[1]) for part in (log_w[:, :1], log_w[:, 1:], log_w)
    )
    compare(answer(a, 1, b, 3), all_of_them, of="the estimate from one draw and three others")


@define("variational.7")
def _(answer):
    mu, log_var = np.array([[1.0, 0.0], [3.0, 0.0]]), np.array([[0.0, 0.0], [0.0, np.log(4.0)]])
    compare(answer(mu, log_var), [2.5, 0.25 * (3 - np.log(4.0))], of="the KL of each unit")


@define("variational.8")
def _(answer):
    compare(answer(), 254.87, of="the loss in nats", rtol=1e-3, reveal=False)
