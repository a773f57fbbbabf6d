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
