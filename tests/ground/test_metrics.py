"""Metrics against hand computations, autodiff-free oracles and limits."""

import itertools
import math

import numpy as np
import pytest

from aetutor import metrics

RNG = np.random.default_rng(0)
X = RNG.random((5, 4, 3, 2), dtype=np.float32)
Y = RNG.random((5, 4, 3, 2), dtype=np.float32)


def test_squared_error_sums_over_everything_but_the_batch():
    by_hand = [
        sum((float(a) - float(b)) ** 2 for a, b in zip(x.flat, y.flat, strict=True)) for x, y in zip(X, Y, strict=True)
    ]
    assert metrics.squared_error(X, Y) == pytest.approx(by_hand, rel=1e-12)
    assert metrics.mean_squared_error(X, Y) == pytest.approx(np.array(by_hand) / 24, rel=1e-12)


def test_psnr():
    x = np.zeros((3, 100))
    noisy = np.stack([np.full(100, 25 / 255), np.full(100, 1.0), np.zeros(100)])
    assert metrics.psnr(x, noisy)[:2] == pytest.approx([20 * math.log10(255 / 25), 0])
    assert metrics.psnr(x, noisy)[2] == math.inf
    assert metrics.psnr(255 * x, 255 * noisy, data_range=255)[0] == pytest.approx(20.1720, abs=1e-4)


def ssim_by_hand(x, y):
    """The formula written out, position by position, for one channel."""
    offsets = np.arange(11) - 5
    w = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(w, w) / w.sum() ** 2
    values = []
    for i, j in itertools.product(range(x.shape[0] - 10), range(x.shape[1] - 10)):
        a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
        ma, mb = (window * a).sum(), (window * b).sum()
        va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
        cov = (window * (a - ma) * (b - mb)).sum()
        values.append((2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4)))
    return np.mean(values)


def test_ssim_is_the_published_formula():
    x, y = RNG.random((2, 14, 13, 2)), RNG.random((2, 14, 13, 2))
    y[1] = x[1] + 0.05 * y[1]
    by_hand = [np.mean([ssim_by_hand(x[n, ..., c], y[n, ..., c]) for c in range(2)]) for n in range(2)]
    assert metrics.ssim(x, y) == pytest.approx(by_hand, rel=1e-9)
    assert metrics.ssim(x, x) == pytest.approx([1, 1])
    assert metrics.ssim(255 * x, 255 * y, data_range=255) == pytest.approx(by_hand, rel=1e-9)
    with pytest.raises(ValueError, match="at least 11"):
        metrics.ssim(np.zeros((1, 8, 8, 1)), np.zeros((1, 8, 8, 1)))


def test_cross_entropy_from_probabilities_and_from_logits_agree():
    logits = 4 * RNG.standard_normal((6, 7))
    x = RNG.random((6, 7))
    p = 1 / (1 + np.exp(-logits))
    by_hand = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)
    assert metrics.cross_entropy(x, probabilities=p) == pytest.approx(by_hand, rel=1e-12)
    assert metrics.cross_entropy(x, logits=logits) == pytest.approx(by_hand, rel=1e-12)


def test_cross_entropy_at_the_ends():
    one, zero = np.ones((1, 1)), np.zeros((1, 1))
    assert metrics.cross_entropy(one, logits=1e4 * one) == [0]
    assert metrics.cross_entropy(zero, logits=1e4 * one) == [1e4]
    assert metrics.cross_entropy(one, probabilities=one) == [0]  # 0 log 0 = 0, not NaN
    assert metrics.cross_entropy(one, probabilities=zero) == [math.inf]
    grey = np.full((1, 1), 0.5)
    assert metrics.cross_entropy(grey, probabilities=grey) == pytest.approx([math.log(2)])  # the minimum is not 0


def test_bernoulli_nll_refuses_grey():
    binary = (RNG.random((3, 5)) < 0.5).astype(float)
    p = RNG.random((3, 5))
    assert np.array_equal(metrics.bernoulli_nll(binary, probabilities=p), metrics.cross_entropy(binary, probabilities=p))
    with pytest.raises(ValueError, match=r"binary.*0\.5.*cross_entropy"):
        metrics.bernoulli_nll(np.full((3, 5), 0.5), probabilities=p)


def test_gaussian_nll_is_the_density():
    from scipy.stats import norm

    assert metrics.gaussian_nll(X, Y, sigma=0.3) == pytest.approx(
        -norm.logpdf(X.reshape(5, -1).astype(float), Y.reshape(5, -1).astype(float), 0.3).sum(axis=1), rel=1e-10
    )


def test_kl_is_the_integral():
    from scipy.integrate import quad
    from scipy.stats import norm

    mu, log_var = np.array([[0.7, -1.2]]), np.array([[-0.5, 0.9]])

    def kl(m, s):
        return quad(lambda z: norm.pdf(z, m, s) * (norm.logpdf(z, m, s) - norm.logpdf(z)), -15, 15)[0]

    expected = sum(kl(m, math.exp(v / 2)) for m, v in zip(mu[0], log_var[0], strict=True))
    assert metrics.kl_standard_normal(mu, log_var) == pytest.approx([expected], rel=1e-7)
    assert metrics.kl_standard_normal(np.zeros((2, 3)), np.zeros((2, 3))).tolist() == [0, 0]


# --- effective beta --------------------------------------------------------------------------------------------------

REDUCE = {
    "sum": lambda v: v.reshape(len(v), -1).sum(axis=1).mean(),
    "mean": lambda v: v.mean(),
    "total": lambda v: v.sum(),
}


@pytest.mark.parametrize("likelihood", ["squared_error", "gaussian", "bernoulli"])
@pytest.mark.parametrize(("reconstruction", "kl"), list(itertools.product(REDUCE, REDUCE)))
def test_effective_beta_makes_the_objectives_proportional(likelihood, reconstruction, kl):
    """What such code computes is a multiple of the reference objective at the returned beta, on any data."""
    rng = np.random.default_rng(1)
    ratios = []
    beta = metrics.effective_beta(
        likelihood=likelihood,
        reconstruction=reconstruction,
        kl=kl,
        n_data=12,
        n_latent=3,
        batch_size=5,
        weight=0.7,
        reconstruction_factor=1.3,
        kl_factor=2.0,
        sigma=0.4,
    )
    for _ in range(4):
        x, p = rng.random((5, 4, 3)), rng.random((5, 4, 3))
        mu, log_var = rng.standard_normal((2, 5, 3))
        elements = {
            "squared_error": (x - p) ** 2,
            "gaussian": (x - p) ** 2 / (2 * 0.4**2),
            "bernoulli": -(x * np.log(p) + (1 - x) * np.log(1 - p)),
        }[likelihood]
        kl_elements = 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var)
        theirs = 1.3 * REDUCE[reconstruction](elements) + 0.7 * 2.0 * REDUCE[kl](kl_elements)
        nll = metrics.cross_entropy(x, probabilities=p) if likelihood == "bernoulli" else 0.5 * metrics.squared_error(x, p)
        ours = (nll + beta * metrics.kl_standard_normal(mu, log_var)).mean()
        ratios.append(theirs / ours)
    assert ratios == pytest.approx([ratios[0]] * 4, rel=1e-10)


def test_effective_beta_asks_for_the_sizes_it_needs():
    for arguments, name in (
        (dict(reconstruction="mean", kl="sum"), "n_data"),
        (dict(reconstruction="sum", kl="mean"), "n_latent"),
        (dict(reconstruction="total", kl="sum"), "batch_size"),
    ):
        with pytest.raises(TypeError, match=name):
            metrics.effective_beta(likelihood="bernoulli", **arguments)
    with pytest.raises(ValueError, match="Did you mean 'mean'"):
        metrics.effective_beta(likelihood="bernoulli", reconstruction="means", kl="sum")
    assert metrics.effective_beta(likelihood="bernoulli", reconstruction="sum", kl="sum", weight=0.0) == 0


# --- codes -----------------------------------------------------------------------------------------------------------


def test_active_units_counts_variance_of_the_mean():
    mu = RNG.standard_normal((2000, 4)) * np.array([1.0, 0.2, 0.05, 0.0]) + 3  # variances 1, 0.04, 0.0025, 0
    assert metrics.active_units(mu) == 2
    assert metrics.active_units(mu, threshold=0.001) == 3
    assert isinstance(metrics.active_units(mu), int)
    with pytest.raises(ValueError, match="at least 2 samples"):
        metrics.active_units(mu[:1])


def test_linear_probe_does_not_depend_on_units_and_beats_chance_only_with_information():
    y = np.arange(600) % 3
    z = RNG.standard_normal((600, 5))
    z[:, 0] += 4 * y
    error = metrics.linear_probe(z[:400], y[:400], z[400:], y[400:])
    assert error < 0.1
    scaled = z * np.array([1e-3, 1e3, 1, 1, 1]) + 7
    assert metrics.linear_probe(scaled[:400], y[:400], scaled[400:], y[400:]) == pytest.approx(error, abs=0.01)
    assert metrics.linear_probe(z[:400, 1:], y[:400], z[400:, 1:], y[400:]) > 0.5
    with pytest.raises(ValueError, match="two classes"):
        metrics.linear_probe(z[:5], np.zeros(5), z[:5], np.zeros(5))
    with pytest.raises(ValueError, match="y_test"):
        metrics.linear_probe(z, y, z, y[:5])


# --- labels and neighbours -------------------------------------------------------------------------------------------


def test_auroc_counts_pairs_and_halves_ties():
    scores, positive = RNG.integers(0, 6, size=80).astype(float), RNG.random(80) < 0.3
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[positive] for b in scores[~positive]]
    assert metrics.auroc(scores, positive) == pytest.approx(np.mean(pairs))
    assert metrics.auroc(-scores, positive) == pytest.approx(1 - np.mean(pairs))
    assert metrics.auroc(positive.astype(float), positive) == 1


def test_auroc_refuses():
    for scores, positive, kind, match in (
        (np.zeros(3), np.ones(3, bool), ValueError, "only True"),
        (np.zeros(3), np.array([0, 1, 1]), TypeError, "bool"),
        (np.zeros(3), np.array([True, False]), ValueError, "positive"),
        (np.array([0.0, np.nan]), np.array([True, False]), ValueError, "nan"),
    ):
        with pytest.raises(kind, match=match):
            metrics.auroc(scores, positive)


def test_mutual_information_from_counts():
    labels, clusters = RNG.integers(0, 3, size=200), RNG.integers(0, 5, size=200)
    clusters[:120] = labels[:120]
    joint = np.zeros((3, 5))
    np.add.at(joint, (labels, clusters), 1 / 200)
    y, c = joint.sum(1, keepdims=True), joint.sum(0, keepdims=True)
    information = (joint * np.log(np.where(joint > 0, joint, 1) / (y * c))).sum()
    expected = 2 * information / -((y * np.log(y)).sum() + (c * np.log(c)).sum())
    assert metrics.normalized_mutual_information(labels, clusters) == pytest.approx(expected)
    assert metrics.normalized_mutual_information(labels, 7 - 2 * labels) == pytest.approx(1)
    with pytest.raises(TypeError, match="clusters must be integers"):
        metrics.normalized_mutual_information(labels, clusters / 2)
    with pytest.raises(ValueError, match="clusters"):
        metrics.normalized_mutual_information(labels, clusters[1:])


def test_knn_accuracy_takes_the_majority():
    z, y = RNG.standard_normal((60, 2, 2)), np.arange(60) % 3
    new, labels = RNG.standard_normal((20, 2, 2)), np.arange(20) % 3
    order = ((new[:, None] - z[None]) ** 2).sum(axis=(2, 3)).argsort(axis=1)[:, :5]
    expected = np.mean([np.bincount(y[near]).argmax() == label for near, label in zip(order, labels, strict=True)])
    assert metrics.knn_accuracy(z, y, new, labels, k=5) == pytest.approx(expected)
    assert metrics.knn_accuracy(z, y, z, y, k=1) == 1
    with pytest.raises(ValueError, match=r"k must be .* from 1 to 60; got 61"):
        metrics.knn_accuracy(z, y, new, labels, k=61)
    with pytest.raises(ValueError, match="y_test"):
        metrics.knn_accuracy(z, y, new, y)


def test_trustworthiness_by_its_formula():
    n, k = 40, 6
    x, z = RNG.standard_normal((n, 3)), RNG.standard_normal((n, 2))
    rank = [((x[i] - x) ** 2).sum(1).argsort().argsort() for i in range(n)]  # 0 is the sample itself
    near = [((z[i] - z) ** 2).sum(1).argsort()[1 : k + 1] for i in range(n)]
    penalty = sum(max(rank[i][j] - k, 0) for i in range(n) for j in near[i])
    assert metrics.trustworthiness(x, z, k=k) == pytest.approx(1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1)))
    assert metrics.trustworthiness(x, 3 * x, k=k) == 1
    with pytest.raises(ValueError, match="as many samples"):
        metrics.trustworthiness(x, z[1:])
    with pytest.raises(ValueError, match=r"k must be .* got 20"):
        metrics.trustworthiness(x, z, k=20)


@pytest.mark.parametrize(
    "function",
    [metrics.squared_error, metrics.psnr, metrics.gaussian_nll, metrics.kl_standard_normal],
    ids=lambda f: f.__name__,
)
def test_bad_input_is_named(function):
    good = np.ones((3, 4))
    with pytest.raises(ValueError, match=r"nan at index \(1, 2\)"):
        bad = good.copy()
        bad[1, 2] = np.nan
        function(bad, good)
    with pytest.raises(ValueError, match="must have the shape"):
        function(good, np.ones((3, 5)))
    with pytest.raises(ValueError, match="as many samples"):
        function(good, np.ones((2, 4)))
    with pytest.raises(TypeError, match="uint8"):
        function(good.astype(np.uint8), good)
    with pytest.raises(ValueError, match="empty"):
        function(np.ones((0, 4)), np.ones((0, 4)))


def test_arguments_are_not_changed():
    x, y = X.copy(), Y.copy()
    for function in (metrics.squared_error, metrics.gaussian_nll, metrics.kl_standard_normal):
        function(x, y)
    metrics.cross_entropy(x, probabilities=y)
    assert np.array_equal(x, X) and np.array_equal(y, Y)


def test_use_and_perplexity_of_tokens():
    tokens = np.array([[0, 0, 0, 0], [3, 3, 1, 1]])
    assert metrics.codebook_use(tokens, 4) == 0.75
    p = np.array([0.5, 0.25, 0.25])
    assert metrics.perplexity(tokens, 4) == pytest.approx(math.exp(-(p * np.log(p)).sum()))
    assert metrics.perplexity(np.arange(64).reshape(8, 8), 64) == pytest.approx(64)
    assert metrics.perplexity([5], 64) == 1
    for function in (metrics.codebook_use, metrics.perplexity):
        with pytest.raises(ValueError, match="index must be from 0 to 3; got 0 to 4"):
            function([0, 4], 4)
        with pytest.raises(TypeError, match="index must hold integers, at least one; got float64"):
            function([0.0], 4)
        with pytest.raises(TypeError, match=r"at least one; got .* of shape \(0,\)"):
            function([], 4)


def test_mean_activity_of_values_and_of_zeros():
    z = np.array([[0.0, -3.0, 0.2], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert metrics.mean_activity(z) == pytest.approx([0.125, -0.25, 0.05])
    assert metrics.mean_activity(z, threshold=0).tolist() == [0.25, 0.75, 0.25]
    assert metrics.mean_activity(z, threshold=0.5).tolist() == [0, 0.75, 0]
    with pytest.raises(ValueError, match="threshold must be a finite number of at least 0"):
        metrics.mean_activity(z, threshold=-1)
    with pytest.raises(ValueError, match=r"z must have two axes, \(N, K\); got \(5, 4, 3, 2\)"):
        metrics.mean_activity(X)


def test_dead_units_are_constant_units():
    z = np.array([[0.0, 0.300, 1.0, -2.0], [0.0, 0.305, 1.0, 2.0], [0.0, 0.299, 1.0, 0.0]])
    assert metrics.dead_units(z) == 2  # one at 0 and one at 1
    assert metrics.dead_units(z, tolerance=0.01) == 3
    assert isinstance(metrics.dead_units(z), int)
    with pytest.raises(ValueError, match="at least 2 samples"):
        metrics.dead_units(z[:1])


def test_max_cosine_similarity():
    features = RNG.normal(size=(6, 4))
    order = [3, 0, 5, 1, 2, 4]
    assert metrics.max_cosine_similarity(features, 7 * features[order]) == pytest.approx(np.ones(6))
    learned = np.vstack([RNG.normal(size=(3, 4)), np.zeros(4)])
    by_hand = [
        max(f @ d / np.sqrt((f @ f) * (d @ d)) if d.any() else 0.0 for d in learned) for f in features
    ]  # fmt: skip
    assert metrics.max_cosine_similarity(features, learned) == pytest.approx(by_hand)
    assert metrics.max_cosine_similarity(np.eye(2), -np.eye(2)).tolist() == [0, 0]  # the sign counts
    with pytest.raises(ValueError, match="features holds a zero vector at index 1"):
        metrics.max_cosine_similarity(np.array([[1.0, 0.0], [0.0, 0.0]]), np.eye(2))
    with pytest.raises(ValueError, match=r"learned must have the shape \(N, 2\)"):
        metrics.max_cosine_similarity(np.eye(2), np.eye(3))
