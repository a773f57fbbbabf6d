"""Loss functions: one value per sample, (B,), summed over the data or latent axes, in nats where they are likelihoods.

No mean is taken here. The mean over the batch is taken in one place, the training step, so that the weight of a term is the
weight that is trained.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SERIES = 1.0  # nearer to 0 than this the continuous Bernoulli's quotients are computed by their series


def _sum(values: Tensor) -> Tensor:
    """Sum over all axes but the first: (B, *D) -> (B,)."""
    return values.flatten(start_dim=1).sum(dim=1)


def squared_error(x: Tensor, x_hat: Tensor) -> Tensor:
    """Squared error, sum_j (x_j - x_hat_j)^2.

    Args:
        x: data, (B, *D).
        x_hat: reconstruction, (B, *D).

    Returns:
        (B,), in squared units of the data.
    """
    return _sum(F.mse_loss(x_hat, x, reduction="none"))  # (x_hat - x)^2 in one kernel


def bernoulli(x: Tensor, logits: Tensor) -> Tensor:
    """Cross-entropy, -sum_j [x_j log p_j + (1 - x_j) log(1 - p_j)] with p = sigmoid(logits).

    It is -log p(x) only where every x_j is 0 or 1; for grey values between them it is no likelihood, and its
    minimum over p is not 0 but the entropy of x.

    Args:
        x: data in [0, 1], (B, *D).
        logits: (B, *D).

    Returns:
        (B,), in nats.
    """
    return _sum(F.binary_cross_entropy_with_logits(logits, x, reduction="none"))


def continuous_bernoulli(x: Tensor, logits: Tensor) -> Tensor:
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
    half = logits.abs() / 2
    far = torch.where(2 * half < SERIES, 1.0, half)
    h2 = half**2
    series = h2 * (1 / 6 - h2 * (1 / 180 - h2 * (1 / 2835 - h2 * (1 / 37800 - h2 * (1 / 467775 - h2 * 691 / 3831077250)))))
    quotient = far + torch.log1p(-torch.exp(-2 * far)) - torch.log(2 * far)  # log(sinh(far) / far)
    return _sum(logits * (0.5 - x) + torch.where(2 * half < SERIES, series, quotient))


def continuous_bernoulli_mean(logits: Tensor) -> Tensor:
    """Mean of the continuous Bernoulli density, 1 / (1 - exp(-l)) - 1 / l, and 1/2 at l = 0.

    Args:
        logits: l, of any shape.

    Returns:
        As `logits`, in (0, 1).

    Source: Loaiza-Ganem and Cunningham (2019).
    """
    far = torch.where(logits.abs() < SERIES, 1.0, logits)
    even = logits**2
    series = 0.5 + logits * (1 / 12 - even * (1 / 720 - even * (1 / 30240 - even * (1 / 1209600 - even / 47900160))))
    return torch.where(logits.abs() < SERIES, series, -1 / torch.expm1(-far) - 1 / far)


def gaussian(x: Tensor, mean: Tensor, log_sigma: Tensor | float = 0.0) -> Tensor:
    """Negative log-likelihood of N(mean, sigma^2), sum_j [(x_j - mean_j)^2 / (2 sigma^2) + log sigma + log(2 pi) / 2].

    Args:
        x: data, (B, *D).
        mean: (B, *D).
        log_sigma: logarithm of the standard deviation, a scalar or (B, *D).

    Returns:
        (B,), in nats of a density: it may be negative.
    """
    log_sigma = torch.as_tensor(log_sigma, dtype=x.dtype, device=x.device)
    return _sum(0.5 * (mean - x) ** 2 * torch.exp(-2 * log_sigma) + log_sigma + 0.5 * math.log(2 * math.pi))


def kl_standard_normal(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, sigma^2) || N(0, I)) = sum_k (mu_k^2 + sigma_k^2 - 1 - log sigma_k^2) / 2.

    Args:
        mu: (B, K).
        log_var: logarithm of the variance sigma^2, not of sigma, (B, K).

    Returns:
        (B,), in nats.

    Source: Kingma and Welling (2014), appendix B.
    """
    return _sum(0.5 * (mu**2 + torch.exp(log_var) - 1 - log_var))


def log_prior_ratio(z: Tensor, noise: Tensor, log_var: Tensor) -> Tensor:
    """log p(z) / q(z | x) of draws z = mu + sigma * noise from q: sum_k (noise_k^2 - z_k^2 + log sigma_k^2) / 2.

    Its mean over draws is -KL(q || p); the logarithm of an importance weight is log p(x | z) plus it.

    Args:
        z: draws, (B, k, K).
        noise: what they were made of, (B, k, K).
        log_var: logarithm of the variance sigma^2, (B, K).

    Returns:
        (B, k), in nats.
    """
    return 0.5 * (noise**2 - z**2 + log_var[:, None]).sum(dim=-1)


def importance_bound(log_weights: Tensor) -> Tensor:
    """The importance-weighted bound with its sign turned, -log (1/k) sum_i w_i: at least -log p(x) on average.

    Args:
        log_weights: log w_i = log p(x, z_i) / q(z_i | x) of k draws, (B, k).

    Returns:
        (B,), in nats.

    Source: Burda, Grosse and Salakhutdinov (2016), equation 8.
    """
    return math.log(log_weights.shape[1]) - torch.logsumexp(log_weights, dim=1)


def codebook(z_e: Tensor, z_q: Tensor) -> Tensor:
    """Codebook term of vector quantisation, sum_k (sg(z_e)_k - z_q,k)^2: its gradient reaches the codewords only.

    Args:
        z_e: what the encoder gave, (B, K).
        z_q: the codewords that replace it, (B, K).

    Returns:
        (B,), in squared units of the code.

    Source: van den Oord, Vinyals and Kavukcuoglu (2017), equation 3.
    """
    return squared_error(z_e.detach(), z_q)


def commitment(z_e: Tensor, z_q: Tensor) -> Tensor:
    """Commitment term of vector quantisation, sum_k (z_e,k - sg(z_q)_k)^2: its gradient reaches the encoder only.

    Its value is the codebook term's; beta belongs here, where the codeword is stopped.

    Args:
        z_e: what the encoder gave, (B, K).
        z_q: the codewords that replace it, (B, K).

    Returns:
        (B,), in squared units of the code, not weighted.

    Source: van den Oord, Vinyals and Kavukcuoglu (2017), equation 3.
    """
    return squared_error(z_q.detach(), z_e)


def l1(z: Tensor) -> Tensor:
    """L1 norm of a code, sum_k |z_k|.

    Args:
        z: (B, K).

    Returns:
        (B,), in units of the code.
    """
    return _sum(z.abs())


def kl_sparsity(z: Tensor, rho: float) -> Tensor:
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
    mean = z.mean(0).clamp(1e-7, 1 - 1e-7)  # (K,)
    kl = rho * torch.log(rho / mean) + (1 - rho) * torch.log((1 - rho) / (1 - mean))  # (K,)
    return kl.sum().expand(len(z))


def mmd(z: Tensor, prior: Tensor, scales: tuple[float, ...] = (1.0,)) -> Tensor:
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
    n = len(z)
    others = (1 - torch.eye(n, dtype=z.dtype, device=z.device)) / max(n - 1, 1)  # (B, B)
    within = others * (_inverse_multiquadratic(z, z, scales) + _inverse_multiquadratic(prior, prior, scales))
    between = _inverse_multiquadratic(z, prior, scales)  # (B, B)
    return within.sum(dim=1) - between.mean(dim=1) - between.mean(dim=0)


def _inverse_multiquadratic(a: Tensor, b: Tensor, scales: tuple[float, ...]) -> Tensor:
    """k(a_i, b_j), (B, K) and (B, K) -> (B, B)."""
    squared = F.relu((a**2).sum(dim=1)[:, None] + (b**2).sum(dim=1) - 2 * a @ b.T)  # rounding may give less than 0
    widths = [2 * a.shape[1] * scale for scale in scales]
    return sum(width / (width + squared) for width in widths)


def squared_jacobian(slopes: list[Tensor], kernels: list[Tensor]) -> Tensor:
    """Squared Frobenius norm of the Jacobian of a stack of dense layers, sum_kd (dz_k / dx_d)^2.

        J = D_L W_L ... D_1 W_1,   D_l = diag(slope of layer l),   |J|_F^2 = tr(R W_1 W_1^T R^T),   J = R W_1

    Only R, (B, K, H_1), is computed, never J, (B, K, D). One layer needs neither: sum_k slope_k^2 |W_k|^2.

    Args:
        slopes: derivatives of the activations at a sample, (B, H_l), the first layer's first; H_L = K.
        kernels: W_l, (H_l, H_(l-1)), in the same order; H_0 = D.

    Returns:
        (B,), in squared units of the code over those of the data.

    Source: Rifai, Vincent, Muller, Glorot and Bengio (2011), equation 7, for one sigmoid layer.
    """
    if len(kernels) == 1:
        return slopes[0] ** 2 @ (kernels[0] ** 2).sum(1)
    rows = slopes[-1][:, :, None] * kernels[-1]  # (B, K, H_(L-1))
    for slope, kernel in zip(slopes[-2:0:-1], kernels[-2:0:-1], strict=True):
        rows = (rows * slope[:, None]) @ kernel
    rows = rows * slopes[0][:, None]  # (B, K, H_1)
    return _sum((rows @ (kernels[0] @ kernels[0].T)) * rows)


def reconstruction(likelihood: str, x: Tensor, params: Tensor, log_sigma: Tensor | float = 0.0) -> Tensor:
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
