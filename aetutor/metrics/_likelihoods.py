"""Negative log-likelihoods and what is added to them, in nats per sample."""

import numpy as np

from .. import validation
from ._arrays import pair, sum_per_sample


def cross_entropy(x, *, probabilities=None, logits=None) -> np.ndarray:
    """Cross-entropy of each sample, from probabilities or from logits.

        CE_n = -sum_i [x_ni log p_ni + (1 - x_ni) log(1 - p_ni)],   p = 1 / (1 + exp(-logit))

    For grey values it is a loss whose minimum, at p = x, is not 0 but the entropy of x; it is a likelihood for binary data
    only: see `bernoulli_nll`.

    Args:
        x: data in [0, 1], (N, ...).
        probabilities: in [0, 1], of the same shape. Exactly 0 or 1 gives an infinite value where x disagrees, as it should;
            float32 sigmoids reach them, so pass logits where you have them.
        logits: any finite number, of the same shape; exact at any size.

    Returns:
        (N,) float64, in nats.

    Example:
        >>> cross_entropy(np.array([[1.0, 0.0]]), probabilities=np.array([[0.5, 0.5]])).round(4)
        array([1.3863])
        >>> cross_entropy(np.array([[1.0, 0.0]]), logits=np.array([[0.0, 800.0]])).round(4)
        array([800.6931])
    """
    if (probabilities is None) == (logits is None):
        raise TypeError("exactly one of probabilities and logits must be given.")
    if logits is not None:
        x, logits = pair("x", x, "logits", logits, likelihood="bernoulli")
        return sum_per_sample(np.logaddexp(0, logits) - x * logits)
    from scipy.special import xlog1py, xlogy  # 0 log 0 = 0

    x, p = pair("x", x, "probabilities", probabilities, likelihood="bernoulli")
    validation.array("probabilities", p, likelihood="bernoulli")
    with np.errstate(divide="ignore"):
        return sum_per_sample(-xlogy(x, p) - xlog1py(1 - x, -p))


def bernoulli_nll(x, *, probabilities=None, logits=None) -> np.ndarray:
    """Negative log-likelihood of each binary sample: `cross_entropy` that refuses grey values.

    Args:
        x: data, each entry 0 or 1, (N, ...).
        probabilities: in [0, 1], of the same shape.
        logits: any finite number, of the same shape.

    Returns:
        (N,) float64, in nats.

    Raises:
        ValueError: x is not binary.

    Example:
        >>> bernoulli_nll(np.array([[1.0, 0.0]]), probabilities=np.array([[0.25, 0.0]])).round(4)
        array([1.3863])
    """
    x = validation.array("x", x)
    grey = (x != 0) & (x != 1)
    if grey.any():
        raise ValueError(
            f"x must be binary (0 or 1) for a Bernoulli likelihood; got {x[grey][0]:g} ({grey.mean():.1%} are neither). "
            "Binarise the data, or report metrics.cross_entropy under its own name."
        )
    return cross_entropy(x, probabilities=probabilities, logits=logits)


def gaussian_nll(x, mean, *, sigma: float = 1.0) -> np.ndarray:
    """Negative log-likelihood of each sample under independent Gaussians of one standard deviation.

        NLL_n = sum_i [(x_ni - mean_ni)^2 / (2 sigma^2) + log sigma + log(2 pi) / 2]

    The density of continuous data: it may be negative, and depends on the units of x.

    Args:
        x: data, (N, ...).
        mean: of the same shape.
        sigma: standard deviation, > 0, in the units of x.

    Returns:
        (N,) float64, in nats.

    Example:
        >>> gaussian_nll(np.zeros((1, 2)), np.zeros((1, 2))).round(4)
        array([1.8379])
    """
    sigma = validation.real("sigma", sigma, above=0)
    x, mean = pair("x", x, "mean", mean)
    return sum_per_sample(0.5 * ((x - mean) / sigma) ** 2 + np.log(sigma) + 0.5 * np.log(2 * np.pi))


def kl_standard_normal(mu, log_var) -> np.ndarray:
    """Kullback-Leibler divergence of a diagonal Gaussian from the standard normal, per sample.

        KL(N(mu, diag(exp(log_var))) || N(0, I)) = 1/2 sum_k (mu_k^2 + exp(log_var_k) - 1 - log_var_k)

    Args:
        mu: means, (N, K).
        log_var: logarithms of the variances (not of sigma), (N, K).

    Returns:
        (N,) float64, in nats.

    Source: Kingma and Welling (2014), appendix B.

    Example:
        >>> kl_standard_normal(np.array([[0.0, 2.0]]), np.zeros((1, 2)))
        array([2.])
    """
    mu, log_var = pair("mu", mu, "log_var", log_var)
    return sum_per_sample(0.5 * (mu**2 + np.expm1(log_var) - log_var))
