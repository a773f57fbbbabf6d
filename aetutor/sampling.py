"""Codes to decode, and the noise behind a likelihood: what the inference of both frameworks draws, in NumPy and so alike."""

from collections.abc import Iterable

import numpy as np

from . import validation
from .batching import blocks

LIKELIHOOD = 4  # random stream below a seed, beside those of aetutor.batching
BLOCK_ELEMENTS = 2**20  # numbers that a decoder gives for one block of importance samples: 4 MB in float32
BLOCK_ROWS = 64  # data samples that share a block


def prior_codes(model, shape: tuple[int, ...], n: int, seed: int) -> np.ndarray:
    """n codes from the model's prior, (n, *shape) float32."""
    n, seed = validation.integer("n", n, low=1), validation.integer("seed", seed, low=0)
    if model.prior != "standard_normal":
        raise ValueError(f"{type(model).__name__}.prior={model.prior!r} is not known; accepted: 'standard_normal' or None.")
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype(np.float32)


def conditions_of(model) -> int:
    """How many numbers of a code are given, not drawn: 0 but for a conditional model."""
    return getattr(model, "conditions", 0)


def latent_shape(model, code_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of what the prior draws: a code without its condition."""
    return (*code_shape[:-1], code_shape[-1] - conditions_of(model))


def with_condition(model, z: np.ndarray, condition) -> np.ndarray:
    """Codes from the prior, (n, K), followed by the condition that was given, (n, K + C)."""
    count, kind = conditions_of(model), type(model).__name__
    if not count:
        if condition is not None:
            raise TypeError(f"condition has no effect on a {kind}, whose samples depend on its code alone; leave it out.")
        return z
    if condition is None:
        raise ValueError(f"condition is needed to sample from a {kind}: an array ({count},) or ({len(z)}, {count}).")
    condition = np.asarray(condition, np.float32)
    if condition.shape not in ((count,), (len(z), count)) or not np.isfinite(condition).all():
        raise ValueError(
            f"condition must be finite numbers of shape ({count},), the same for all, or ({len(z)}, {count}); got "
            f"{validation.describe(condition)}."
        )
    return np.concatenate([z, np.broadcast_to(condition, (len(z), count))], axis=1)


def check_prior(model) -> None:
    """Refuse a model without a prior."""
    if model.prior is None:
        raise TypeError(
            f"model is of class {type(model).__name__}, which has no prior to draw codes from; use a class that has one, "
            "such as VAE, or fit a density to encode(model, x) and pass its draws to decode(model, z)."
        )


def lines(a: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    """Points on the lines from codes a to codes b, both (N, *K), ends included: (N, steps, *K) float32."""
    if len(a) != len(b):
        raise ValueError(f"b must hold as many samples as a, {len(a)}; got {len(b)}.")
    t = np.linspace(0, 1, validation.integer("steps", steps, low=2)).reshape(1, -1, *[1] * (a.ndim - 1))  # (1, steps, 1...)
    return ((1 - t) * a[:, None] + t * b[:, None]).astype(np.float32)


def one_sample(x) -> np.ndarray:
    """One sample, (*D), as a batch of one, (1, *D)."""
    if not hasattr(x, "__array__"):
        raise TypeError(f"x must be one sample as a NumPy array, such as x_test[0]; got {validation.describe(x)}.")
    return np.asarray(x)[None]


def axes(z: np.ndarray, dims, values) -> np.ndarray:
    """Copies of one code, (K,), in each of which one unit is set to one value: (len(dims), len(values), K) float32."""
    if z.ndim != 1:
        raise ValueError(f"model must have codes that are vectors, (N, K), to move along their units; a code is {z.shape}.")
    dims = range(len(z)) if dims is None else _numbers("dims", dims, validation.integer, low=0, high=len(z) - 1)
    values = _numbers("values", values, validation.real)
    moved = np.tile(z.astype(np.float32), (len(dims), len(values), 1))  # (K', V, K)
    for row, dim in enumerate(dims):
        moved[row, :, dim] = values
    return moved


def check_likelihood(model, x: np.ndarray) -> None:
    """Refuse what has no log-likelihood: a model without a bound, the squared error, grey values under a Bernoulli."""
    if model.prior is None or not hasattr(model, "log_weights"):
        raise TypeError(
            f"model is of class {type(model).__name__}, which gives x no likelihood: that needs a prior and an approximate "
            "posterior. Use a VAE, or compare models by metrics.squared_error."
        )
    if model.likelihood == "squared_error":
        raise ValueError(
            'model: likelihood="squared_error" is no likelihood; train with likelihood="gaussian", whose loss with '
            "sigma=0.5**0.5 differs from it by a constant."
        )
    for block in blocks(x, 1024) if model.likelihood == "bernoulli" else ():
        grey = block[(block != 0) & (block != 1)]
        if grey.size:
            raise ValueError(
                f'x holds {grey[0]:g}, and likelihood="bernoulli" gives probability to 0 and 1 only. Binarise the data, or '
                'train with likelihood="continuous_bernoulli".'
            )


def log_mean_weights(x: np.ndarray, log_weights, code_shape: tuple[int, ...], *, samples: int, seed: int) -> np.ndarray:
    """log 1/S sum_s w_s of each row, in blocks of bounded size.

    Args:
        x: data, (N, *D).
        log_weights: function (x, noise) -> log w, for a block x, (B, *D), and noise, (B, s, *code_shape): (B, s).
        code_shape: shape of one code, without a condition.
        samples: S.
        seed: the noise of row i depends on (seed, i) only, so the first rows of x give the same values alone.

    Returns:
        (N,) float64.
    """
    samples, seed = validation.integer("samples", samples, low=1), validation.integer("seed", seed, low=0)
    size = x[0].size
    rows = max(1, min(BLOCK_ROWS, BLOCK_ELEMENTS // size))
    most = max(1, BLOCK_ELEMENTS // (size * rows))  # importance samples in a block
    found = []
    for start, block in zip(range(0, len(x), rows), blocks(x, rows), strict=True):
        streams = [np.random.default_rng([seed, LIKELIHOOD, start + i]) for i in range(len(block))]
        total = np.full(len(block), -np.inf)  # (B,)
        for done in range(0, samples, most):
            shape = (min(most, samples - done), *code_shape)
            noise = np.stack([stream.standard_normal(shape, dtype=np.float32) for stream in streams])  # (B, s, *code_shape)
            values = np.asarray(log_weights(block, noise), np.float64)  # (B, s)
            total = np.logaddexp(total, np.logaddexp.reduce(values, axis=1))
        found.append(total - np.log(samples))
    return np.concatenate(found)


def _numbers(name, given, check, **limits) -> list:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{name} must be a sequence of numbers; got {validation.describe(given)}.")
    checked = [check(f"{name}[{i}]", value, **limits) for i, value in enumerate(given)]
    if not checked:
        raise ValueError(f"{name} must hold at least one number; got none.")
    return checked
