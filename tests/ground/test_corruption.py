"""Corruption: shares, ranges, seeds and untouched input."""

import numpy as np
import pytest

from aetutor import corruption

X = np.random.default_rng(0).uniform(0.2, 0.8, (40, 20, 20, 1)).astype(np.float32)
EACH = [
    lambda x, **kw: corruption.gaussian(x, sigma=0.3, **kw),
    lambda x, **kw: corruption.masking(x, fraction=0.3, **kw),
    lambda x, **kw: corruption.salt_and_pepper(x, fraction=0.3, **kw),
]


@pytest.mark.parametrize("corrupt", EACH)
def test_seed_shape_dtype_and_no_mutation(corrupt):
    x = X.copy()
    first = corrupt(x, seed=1)
    assert np.array_equal(x, X) and not np.shares_memory(first, x)
    assert first.shape == x.shape and first.dtype == np.float32
    assert np.array_equal(first, corrupt(x, seed=1))
    assert not np.array_equal(first, corrupt(x, seed=2))
    generator = np.random.default_rng(1)
    assert np.array_equal(first, corrupt(x, seed=generator))
    assert not np.array_equal(first, corrupt(x, seed=generator))  # the generator has moved on


def test_gaussian_has_the_stated_moments():
    noise = corruption.gaussian(X, sigma=0.3) - X
    assert abs(noise.mean()) < 0.01 and noise.std() == pytest.approx(0.3, rel=0.02)
    assert corruption.gaussian(X, sigma=0.3).max() > 1
    clipped = corruption.gaussian(X, sigma=0.3, clip=(0, 1))
    assert clipped.min() == 0 and clipped.max() == 1
    assert np.array_equal(corruption.gaussian(X, sigma=0), X)


def test_masking_keeps_or_clears():
    masked = corruption.masking(X, fraction=0.3)
    assert (masked == 0).mean() == pytest.approx(0.3, abs=0.02)
    assert np.array_equal(masked[masked != 0], X[masked != 0])
    assert not corruption.masking(X, fraction=1).any()
    assert np.array_equal(corruption.masking(X, fraction=0), X)


def test_salt_and_pepper_come_in_equal_shares():
    noisy = corruption.salt_and_pepper(X, fraction=0.3, low=-1, high=2)
    assert (noisy == -1).mean() == pytest.approx(0.15, abs=0.02)
    assert (noisy == 2).mean() == pytest.approx(0.15, abs=0.02)
    kept = (noisy != -1) & (noisy != 2)
    assert np.array_equal(noisy[kept], X[kept])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: corruption.gaussian(X, sigma=-1), ValueError, "sigma"),
        (lambda: corruption.gaussian(X, sigma="0.1"), TypeError, "sigma"),
        (lambda: corruption.gaussian(X, sigma=1, clip=(1, 0)), ValueError, "high"),
        (lambda: corruption.gaussian(X, sigma=1, clip=1), TypeError, "clip"),
        (lambda: corruption.masking(X, fraction=1.5), ValueError, r"fraction.*1\.5"),
        (lambda: corruption.masking(X, fraction=0.5, seed=-1), ValueError, "seed"),
        (lambda: corruption.masking((255 * X).astype(np.uint8), fraction=0.5), TypeError, "uint8"),
        (lambda: corruption.salt_and_pepper(X, fraction=-0.1), ValueError, "fraction"),
        (lambda: corruption.salt_and_pepper(X, fraction=0.1, low=1, high=0), ValueError, "high"),
        (lambda: corruption.salt_and_pepper(X * np.inf, fraction=0.1), ValueError, "inf"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
