"""How alike two sets of samples are, and how sharp images are."""

import numpy as np

from .. import validation
from ._arrays import sum_per_sample

FOLDS = 5
BLOCK = 1024  # rows of a matrix of pairs that are held at a time


def two_sample_accuracy(a, b, *, seed: int = 0) -> float:
    """Accuracy of a classifier that tells samples of one set from samples of another: 0.5 where nothing tells them apart.

    The sets are cut to one size, mixed, and split into five folds. A sample of the fold left out is said to belong to the
    set of most of its k nearest neighbours among the n others, k = sqrt(n), rounded down and made odd; all units are scaled
    to variance 1 first. With m samples a set, two sets of one distribution score 0.5, give or take 1 / sqrt(8 m) or more.

    Args:
        a: samples, (N, *D), at least 10; shuffled here, so their order does not matter.
        b: samples, (M, *D), at least 10.
        seed: of the subset, where the sizes differ, and of the folds.

    Returns:
        Accuracy in [0, 1]. Many dimensions hide differences from nearest neighbours: reduce images first, by PCA for one.

    Source: Lopez-Paz and Oquab (2017).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> round(two_sample_accuracy(rng.normal(size=(500, 2)), rng.normal(3, 1, size=(500, 2))), 1)
        1.0
    """
    from sklearn.neighbors import KNeighborsClassifier

    a, b = _two_sets(a, b, least=2 * FOLDS)
    rng = np.random.default_rng(validation.integer("seed", seed, low=0))
    n = min(len(a), len(b))
    x = np.concatenate([own[rng.permutation(len(own))[:n]] for own in (a, b)])  # (2 n, D)
    x = x / np.maximum(x.std(axis=0), 1e-12)
    y = np.repeat([0, 1], n)
    folds = np.tile(rng.permutation(n) % FOLDS, 2)  # the same number of each set in each fold
    right = 0
    for fold in range(FOLDS):
        held = folds == fold
        k = int(np.sqrt((~held).sum()))
        model = KNeighborsClassifier(k - 1 + k % 2).fit(x[~held], y[~held])
        right += int((model.predict(x[held]) == y[held]).sum())
    return right / len(x)


def maximum_mean_discrepancy(a, b, *, scales=(1.0,)) -> float:
    """Squared maximum mean discrepancy of two sets of samples, its unbiased estimate.

        MMD^2 = E k(a, a') + E k(b, b') - 2 E k(a, b),   k(u, v) = sum_s C_s / (C_s + |u - v|^2),   C_s = 2 K s

    Args:
        a: samples, (N, K), at least 2.
        b: samples, (M, K), at least 2.
        scales: widths s of the inverse multiquadratic kernel, > 0, over the mean squared distance of two draws from N(0, I).

    Returns:
        0 on average, and so often negative, where both sets have one distribution; at most twice the number of scales.

    Source: Gretton et al. (2012), lemma 6.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=(2, 500, 3))
        >>> abs(maximum_mean_discrepancy(a, b)) < 0.005 < maximum_mean_discrepancy(a, b + 1)
        True
    """
    a, b = _two_sets(a, b, least=2)
    scales = validation.reals("scales", scales, above=0)
    within = [(_kernel_sum(own, own, scales) - len(own) * len(scales)) / (len(own) * (len(own) - 1)) for own in (a, b)]
    return sum(within) - 2 * _kernel_sum(a, b, scales) / (len(a) * len(b))


def sharpness(x) -> np.ndarray:
    """How fast an image changes from pixel to pixel, for its contrast.

        sum over neighbours (x_i - x_j)^2 / sum_i (x_i - mean)^2

    neighbours above, below and beside one another, each pair once: the Rayleigh quotient of the grid's Laplacian, a mean
    squared spatial frequency. A factor or a shift of the grey values changes nothing. Noise is sharp, near 4: only between
    images without it does the larger value mean the sharper image.

    Args:
        x: images, (N, H, W, C), none of them constant.

    Returns:
        (N,) float64, greater than 0.

    Example:
        >>> edge = np.zeros((1, 8, 8, 1)); edge[:, :, 4:] = 1
        >>> ramp = np.linspace(0, 1, 8).reshape(1, 1, 8, 1).repeat(8, axis=1)
        >>> sharpness(edge)[0], sharpness(ramp)[0].round(2)
        (np.float64(0.5), np.float64(0.17))
    """
    x = validation.images("x", x).astype(np.float64)
    spread = sum_per_sample((x - x.mean(axis=(1, 2), keepdims=True)) ** 2)
    if not spread.all():
        raise ValueError(f"x holds a constant image at index {int(np.flatnonzero(spread == 0)[0])}; it has no contrast.")
    return (sum_per_sample(np.diff(x, axis=1) ** 2) + sum_per_sample(np.diff(x, axis=2) ** 2)) / spread


def _two_sets(a, b, *, least) -> tuple[np.ndarray, np.ndarray]:
    a = validation.array("a", a)
    b = validation.array("b", b, shape=a.shape[1:])
    for name, x in (("a", a), ("b", b)):
        if len(x) < least:
            raise ValueError(f"{name} must hold at least {least} samples; got {len(x)}.")
    return a.reshape(len(a), -1).astype(np.float64), b.reshape(len(b), -1).astype(np.float64)


def _kernel_sum(a, b, scales) -> float:
    """Sum of k over all pairs."""
    total = 0.0
    for start in range(0, len(a), BLOCK):
        rows = a[start : start + BLOCK]
        squared = (rows**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * rows @ b.T  # (B, M)
        squared = np.maximum(squared, 0)
        total += sum((c / (c + squared)).sum() for c in (2 * a.shape[1] * s for s in scales))
    return float(total)
