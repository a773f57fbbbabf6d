"""Corruption of data: what a denoising autoencoder is trained against.

Each function takes x, (N, ...), and gives a corrupted copy of the same shape and dtype; x is never changed. The same
seed gives the same corruption. To corrupt anew in each epoch pass a `numpy.random.Generator`, which moves on with every
call.

Source: Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010), section 3.
"""

import numpy as np

from . import validation

__all__ = ["gaussian", "masking", "salt_and_pepper"]


def gaussian(x, *, sigma: float, clip: tuple[float, float] | None = None, seed: int | np.random.Generator = 0) -> np.ndarray:
    """Add white Gaussian noise.

        x_tilde = x + sigma * noise,   noise ~ N(0, I)

    Args:
        x: floats, (N, ...).
        sigma: standard deviation of the noise, >= 0, in the units of x: 25 / 255 is the usual "sigma 25" of photographs.
        clip: (low, high) cuts the result into that range; None leaves it. Clipping makes the noise neither Gaussian nor of
            zero mean near the ends, which are where MNIST's pixels lie: clip to look at images, not to test theory.
        seed: integer >= 0, or a Generator.

    Returns:
        A new array of x's shape and dtype; outside [0, 1] in places unless clipped.

    Example:
        >>> gaussian(np.zeros((2, 3)), sigma=0.5, seed=0).round(2)
        array([[ 0.06, -0.07,  0.32],
               [ 0.05, -0.27,  0.18]])
    """
    x = validation.array("x", x)
    sigma = validation.real("sigma", sigma, low=0)
    noise = _generator(seed).standard_normal(x.shape)
    noisy = x + sigma * noise
    return (noisy if clip is None else np.clip(noisy, *_interval(clip))).astype(x.dtype)


def masking(x, *, fraction: float, seed: int | np.random.Generator = 0) -> np.ndarray:
    """Set entries to 0, each with probability `fraction`, independently.

        x_tilde = m * x,   m_i ~ Bernoulli(1 - fraction)

    Vincent et al. mask an exact share of each sample; here the share is right on average.

    Args:
        x: floats, (N, ...). An entry is one number: the channels of a pixel are masked independently.
        fraction: in [0, 1].
        seed: integer >= 0, or a Generator.

    Returns:
        A new array of x's shape and dtype, within the range of x and 0.

    Example:
        >>> masking(np.ones((2, 4)), fraction=0.5, seed=0)
        array([[1., 0., 0., 0.],
               [1., 1., 1., 1.]])
    """
    x = validation.array("x", x)
    fraction = validation.real("fraction", fraction, low=0, high=1)
    return np.where(_generator(seed).random(x.shape) < fraction, 0, x).astype(x.dtype)


def salt_and_pepper(
    x, *, fraction: float, low: float = 0.0, high: float = 1.0, seed: int | np.random.Generator = 0
) -> np.ndarray:
    """Set entries to `low` or `high`, with even odds, each with probability `fraction`, independently.

    Args:
        x: floats, (N, ...). An entry is one number: the channels of a pixel are hit independently.
        fraction: in [0, 1]; half of it becomes salt, half pepper, on average.
        low: value of pepper.
        high: value of salt, above `low`.
        seed: integer >= 0, or a Generator.

    Returns:
        A new array of x's shape and dtype, within the range of x, `low` and `high`.

    Example:
        >>> salt_and_pepper(np.full((2, 4), 0.5), fraction=0.6, seed=0)
        array([[0.5, 0. , 0. , 0. ],
               [0.5, 0.5, 0.5, 0.5]])
    """
    x = validation.array("x", x)
    fraction = validation.real("fraction", fraction, low=0, high=1)
    low, high = _interval((low, high))
    draw = _generator(seed).random(x.shape)
    return np.select([draw < fraction / 2, draw < fraction], [low, high], x).astype(x.dtype)


def _generator(seed) -> np.random.Generator:
    return seed if isinstance(seed, np.random.Generator) else np.random.default_rng(validation.integer("seed", seed, low=0))


def _interval(pair) -> tuple[float, float]:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise TypeError(f"clip must be None or a pair (low, high); got {validation.describe(pair)}.")
    low = validation.real("low", pair[0])
    return low, validation.real("high", pair[1], above=low)
