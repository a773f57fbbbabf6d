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


def log_prior_ratio(z, noise, log_var):
    """log p(z) / q(z | x) of draws z = mu + sigma * noise from q: sum_k (noise_k^2 - z_k^2 + log sigma_k^2) / 2.

    Its mean over draws is -KL(q || p); the logarithm of an importance weight is log p(x | z) plus it.

    Args:
        z: draws, (B, k, K).
        noise: what they were made of, (B, k, K).
        log_var: logarithm of the variance sigma^2, (B, K).

    Returns:
        (B, k), in nats.
    """
    return 0.5 * ops.sum(ops.square(noise) - ops.square(z) + log_var[:, None], axis=-1)


def importance_bound(log_weights):
    """The importance-weighted bound with its sign turned, -log (1/k) sum_i w_i: at least -log p(x) on average.

    Args:
        log_weights: log w_i = log p(x, z_i) / q(z_i | x) of k draws, (B, k).

    Returns:
        (B,), in nats.

    Source: Burda, Grosse and Salakhutdinov (2016), equation 8.
    """
    return math.log(log_weights.shape[1]) - ops.logsumexp(log_weights, axis=1)


def codebook(z_e, z_q):
    """Codebook term of vector quantisation, sum_k (sg(z_e)_k - z_q,k)^2: its gradient reaches the codewords only.

    Args:
        z_e: what the encoder gave, (B, K).
        z_q: the codewords that replace it, (B, K).

    Returns:
        (B,), in squared units of the code.

    Source: van den Oord, Vinyals and Kavukcuoglu (2017), equation 3.
    """
    return squared_error(ops.stop_gradient(z_e), z_q)


def commitment(z_e, z_q):
    """Commitment term of vector quantisation, sum_k (z_e,k - sg(z_q)_k)^2: its gradient reaches the encoder only.

    Its value is the codebook term's; beta belongs here, where the codeword is stopped.

    Args:
        z_e: what the encoder gave, (B, K).
        z_q: the codewords that replace it, (B, K).

    Returns:
        (B,), in squared units of the code, not weighted.

    Source: van den Oord, Vinyals and Kavukcuoglu (2017), equation 3.
    """
    return squared_error(ops.stop_gradient(z_q), z_e)


def l1(z):
    """L1 norm of a code, sum_k |z_k|.

    Args:
        z: (B, K).

    Returns:
        (B,), in units of the code.
    """
    return _sum(ops.abs(z))


def kl_sparsity(z, rho):
    """KL of a target activity from each unit's mean activity over the batch, summed over the units.

        sum_k [rho log(rho / r_k) + (1 - rho) log((1 - rho) / (1 - r_k))],   r_k = mean_n z_nk

    A property of the batch, not of a sample: each sample carries the batch's value, so that the mean over the batch is that
    value, and so is its gradient.

    Args:
        z: activities in [0, 1], (B, K); means within 1e-7 of 0 or 1 count as 1e-7 away.
        rho: target, in (0, 1).

    Returns:
        (B,), in nats; all equal.

    Source: Ng (2011).
    """
    mean = ops.clip(ops.mean(z, axis=0), 1e-7, 1 - 1e-7)  # (K,)
    kl = rho * ops.log(rho / mean) + (1 - rho) * ops.log((1 - rho) / (1 - mean))  # (K,)
    return ops.sum(kl) + 0 * _sum(z)


def mmd(z, prior, scales=(1.0,)):
    """Squared maximum mean discrepancy between codes and draws from a prior: the unbiased estimate, row by row.

        m_i = 1 / (B - 1) sum_(j != i) [k(z_i, z_j) + k(p_i, p_j)] - 1 / B sum_j [k(z_i, p_j) + k(z_j, p_i)]
        k(a, b) = sum_s C_s / (C_s + |a - b|^2),   C_s = 2 K s          inverse multiquadratic

    The mean of m over the batch is the estimate. Where z and p have one distribution it is 0 on average, whatever the batch
    size, and so often negative. It is a property of the batch: a sample's value depends on the others. A batch of one has no
    pairs; the first sum is then taken as 0.

    Args:
        z: codes, (B, K).
        prior: draws from the prior, (B, K).
        scales: widths s of the kernel, over 2 K, the mean squared distance of two draws from N(0, I).

    Returns:
        (B,), without unit.

    Source: Gretton et al. (2012), lemma 6; Tolstikhin, Bousquet, Gelly and Schoelkopf (2018), algorithm 2, for the kernel.
    """
    n = ops.shape(z)[0]
    index = ops.arange(n)
    others = ops.cast(index[:, None] != index, z.dtype) / ops.cast(ops.maximum(n - 1, 1), z.dtype)  # (B, B)
    within = others * (_inverse_multiquadratic(z, z, scales) + _inverse_multiquadratic(prior, prior, scales))
    between = _inverse_multiquadratic(z, prior, scales)  # (B, B)
    return ops.sum(within, axis=1) - ops.mean(between, axis=1) - ops.mean(between, axis=0)


def _inverse_multiquadratic(a, b, scales):
    """k(a_i, b_j), (B, K) and (B, K) -> (B, B)."""
    squared = ops.sum(a**2, axis=1)[:, None] + ops.sum(b**2, axis=1) - 2 * ops.matmul(a, ops.transpose(b))
    squared = ops.relu(squared)  # rounding may give less than 0
    widths = [2 * a.shape[1] * scale for scale in scales]
    return sum(width / (width + squared) for width in widths)


def squared_jacobian(slopes, kernels):
    """Squared Frobenius norm of the Jacobian of a stack of dense layers, sum_kd (dz_k / dx_d)^2.

        J = D_L W_L ... D_1 W_1,   D_l = diag(slope of layer l),   |J|_F^2 = tr(R W_1 W_1^T R^T),   J = R W_1

    Only R, (B, K, H_1), is computed, never J, (B, K, D). One layer needs neither: sum_k slope_k^2 |W_k|^2.

    Args:
        slopes: derivatives of the activations at a sample, (B, H_l), the first layer's first; H_L = K.
        kernels: W_l, (H_l, H_(l-1)), in the same order; H_0 = D. A Keras kernel is its transpose.

    Returns:
        (B,), in squared units of the code over those of the data.

    Source: Rifai, Vincent, Muller, Glorot and Bengio (2011), equation 7, for one sigmoid layer.
    """
    if len(kernels) == 1:
        return ops.matmul(ops.square(slopes[0]), ops.sum(ops.square(kernels[0]), axis=1))
    rows = slopes[-1][:, :, None] * kernels[-1]  # (B, K, H_(L-1))
    for slope, kernel in zip(slopes[-2:0:-1], kernels[-2:0:-1], strict=True):
        rows = ops.matmul(rows * slope[:, None], kernel)
    rows = rows * slopes[0][:, None]  # (B, K, H_1)
    return _sum(ops.matmul(rows, ops.matmul(kernels[0], ops.transpose(kernels[0]))) * rows)


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
