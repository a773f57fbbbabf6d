"""Loss functions: the Keras twin of aetutor/torch/losses.py. One value per sample, (B,), summed over the other axes.

No mean is taken here. The mean over the batch is taken in one place, Autoencoder.compute_loss, so that the weight of a term
is the weight that is trained.
"""

import math

from keras import ops

SERIES = 1.0  # nearer to 0 than this the continuous Bernoulli's quotients are computed by their series


def _sum(values):
    """Sum over all axes but the first: (B, *D) -> (B,)."""
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


def squared_error(x, x_hat):
    """Squared error, sum_j (x_j - x_hat_j)^2.

    Args:
        x: data, (B, *D).
        x_hat: reconstruction, (B, *D).

    Returns:
        (B,), in squared units of the data.
    """
    return _sum(ops.square(x - x_hat))


def bernoulli(x, logits):
    """Cross-entropy, -sum_j [x_j log p_j + (1 - x_j) log(1 - p_j)] with p = sigmoid(logits).

    It is -log p(x) only where every x_j is 0 or 1; for grey values between them it is no likelihood, and its
    minimum over p is not 0 but the entropy of x.

    Args:
        x: data in [0, 1], (B, *D).
        logits: (B, *D).

    Returns:
        (B,), in nats.
    """
    return _sum(ops.softplus(logits) - x * logits)


def continuous_bernoulli(x, logits):
    """Negative log-likelihood of grey values in [0, 1] under the density that the cross-entropy lacks only a factor to be.

        sum_j [CE_j - log C(l_j)] = sum_j [l_j (1/2 - x_j) + log(sinh(l_j / 2) / (l_j / 2))],   C(l) = l / tanh(l / 2)

    C makes exp(-loss) integrate to 1 over x in [0, 1]. The mean of x is not sigmoid(l) but `continuous_bernoulli_mean`.

    Args:
        x: data in [0, 1], (B, *D).
        logits: l, (B, *D).

    Returns:
        (B,), in nats of a density: it may be negative.

    Source: Loaiza-Ganem and Cunningham (2019).
    """
    half = ops.abs(logits) / 2
    far = ops.where(2 * half < SERIES, 1.0, half)
    h2 = half**2
    series = h2 * (1 / 6 - h2 * (1 / 180 - h2 * (1 / 2835 - h2 * (1 / 37800 - h2 * (1 / 467775 - h2 * 691 / 3831077250)))))
    quotient = far + ops.log1p(-ops.exp(-2 * far)) - ops.log(2 * far)  # log(sinh(far) / far)
    return _sum(logits * (0.5 - x) + ops.where(2 * half < SERIES, series, quotient))


def continuous_bernoulli_mean(logits):
    """Mean of the continuous Bernoulli density, 1 / (1 - exp(-l)) - 1 / l, and 1/2 at l = 0.

    Args:
        logits: l, of any shape.

    Returns:
        As `logits`, in (0, 1).

    Source: Loaiza-Ganem and Cunningham (2019).
    """
    far = ops.where(ops.abs(logits) < SERIES, 1.0, logits)
    even = logits**2
    series = 0.5 + logits * (1 / 12 - even * (1 / 720 - even * (1 / 30240 - even * (1 / 1209600 - even / 47900160))))
    return ops.where(ops.abs(logits) < SERIES, series, -1 / ops.expm1(-far) - 1 / far)


def gaussian(x, mean, log_sigma=0.0):
    """Negative log-likelihood of N(mean, sigma^2), sum_j [(x_j - mean_j)^2 / (2 sigma^2) + log sigma + log(2 pi) / 2].

    Args:
        x: data, (B, *D).
        mean: (B, *D).
        log_sigma: logarithm of the standard deviation, a scalar or (B, *D).

    Returns:
        (B,), in nats of a density: it may be negative.
    """
    log_sigma = ops.convert_to_tensor(log_sigma, dtype=x.dtype)
    return _sum(0.5 * ops.square(x - mean) * ops.exp(-2 * log_sigma) + log_sigma + 0.5 * math.log(2 * math.pi))


def kl_standard_normal(mu, log_var):
    """KL(N(mu, sigma^2) || N(0, I)) = sum_k (mu_k^2 + sigma_k^2 - 1 - log sigma_k^2) / 2.

    Args:
        mu: (B, K).
        log_var: logarithm of the variance sigma^2, not of sigma, (B, K).

    Returns:
        (B,), in nats.

    Source: Kingma and Welling (2014), appendix B.
    """
    return _sum(0.5 * (ops.square(mu) + ops.exp(log_var) - 1 - log_var))


def reconstruction(likelihood, x, params, log_sigma=0.0):
    """The loss that a likelihood's name stands for, (B,); `params` is what the decoder gives, (B, *D)."""
    if tuple(params.shape[1:]) != tuple(x.shape[1:]):  # they would broadcast
        raise ValueError(f"decoder gives samples of shape {tuple(params.shape[1:])} for data of {tuple(x.shape[1:])}.")
    if likelihood == "squared_error":
        return squared_error(x, params)
    if likelihood == "bernoulli":
        return bernoulli(x, params)
    if likelihood == "continuous_bernoulli":
        return continuous_bernoulli(x, params)
    return gaussian(x, params, log_sigma)
