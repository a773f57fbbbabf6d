"""Arrays and iterables of batches; what is larger than memory is read in chunks."""

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ._values import describe

CHUNK_BYTES = 64 * 2**20  # a check reads a memory-mapped file in pieces of this size

#: Support of each likelihood: what data it accepts. The squared error and the Gaussian accept every finite number.
SUPPORT = {
    "squared_error": (-math.inf, math.inf),
    "gaussian": (-math.inf, math.inf),
    "bernoulli": (0.0, 1.0),
    "continuous_bernoulli": (0.0, 1.0),
}


def array(name: str, x, *, shape: tuple[int, ...] | None = None, likelihood: str | None = None) -> np.ndarray:
    """`x` as an array of finite floating-point samples, first axis the batch.

    Args:
        name: the argument's name, for the error.
        x: array or memory map, (N, *D).
        shape: expected D; None accepts any.
        likelihood: a key of SUPPORT; values outside its support are refused.

    Returns:
        The same array, not a copy: a memory map stays on disk.
    """
    x = _as_array(name, x)
    if x.size == 0:
        raise ValueError(f"{name} is empty: its shape is {x.shape}; at least one sample is needed.")
    if shape is not None and tuple(x.shape[1:]) != tuple(shape):
        raise ValueError(f"{name} must have the shape (N, {_commas(shape)}); got {x.shape}.{_hint_shape(x, shape)}")
    low, high = SUPPORT[likelihood] if likelihood is not None else (-math.inf, math.inf)
    rows = max(1, CHUNK_BYTES // max(1, x[:1].nbytes))
    for start in range(0, len(x), rows):
        values(name, x[start : start + rows], low=low, high=high, likelihood=likelihood, offset=start)
    return x


def images(name: str, x, *, likelihood: str | None = None) -> np.ndarray:
    """`x` as `array` gives it, if it holds images, (N, H, W, C) with C = 1 or 3."""
    x = array(name, x, likelihood=likelihood)
    if x.ndim != 4 or x.shape[-1] not in (1, 3):
        raise ValueError(f"{name} must be images (N, H, W, C) with C = 1 or 3; got {x.shape}.")
    return x


def values(name: str, x: np.ndarray, *, low: float = -math.inf, high: float = math.inf, likelihood: str | None, offset=0):
    """Refuse a chunk with a value that is not finite or outside [low, high], naming the first one."""
    lowest, highest = x.min(), x.max()  # NaN and infinity survive both, without a temporary of the chunk's size
    if np.isfinite(lowest) and np.isfinite(highest) and low <= lowest and highest <= high:
        return
    bad = ~np.isfinite(x)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} holds {x[index]} at index {_shifted(index, offset)}; only finite values are accepted. "
            "Remove or impute such samples first."
        )
    index = tuple(int(i) for i in np.argwhere((x < low) | (x > high))[0])
    hint = " Divide by 255 first." if 1 < highest <= 255 and lowest >= 0 else ' Use likelihood="gaussian".'
    raise ValueError(
        f"{name} holds {x[index]:g} at index {_shifted(index, offset)}, outside the support [{low:g}, {high:g}] "
        f"of likelihood={likelihood!r}.{hint}"
    )


def samples(name: str, x, *, shape: tuple[int, ...] | None = None, likelihood: str | None = None):
    """An array or memory map (checked now), or an iterable of batches (each checked when it comes).

    An iterable must give the same batches each time it is iterated, so a generator, which ends after one pass, is refused.
    """
    if isinstance(x, Iterator):
        raise TypeError(
            f"{name} is a generator or iterator, which ends after one epoch; pass an object whose __iter__ starts anew "
            "(a list of batches, a class with __iter__), an array or a memory map."
        )
    if hasattr(x, "__array__") or not isinstance(x, Iterable) or _is_nested_numbers(x):
        return array(name, x, shape=shape, likelihood=likelihood)
    return Batches(name, x, shape=shape, likelihood=likelihood)


class Batches:
    """An iterable of batches whose every batch is checked on the way."""

    def __init__(self, name, batches, *, shape, likelihood):
        self.name, self.batches, self.shape, self.likelihood = name, batches, shape, likelihood

    def __iter__(self):
        """Yield each batch as an array, (B, *D)."""
        count = 0
        for i, batch in enumerate(self.batches):
            count += 1
            yield array(f"{self.name} (batch {i})", batch, shape=self.shape, likelihood=self.likelihood)
        if count == 0:
            raise ValueError(f"{self.name} gave no batch; at least one is needed in each epoch.")


def _as_array(name, x) -> np.ndarray:
    if not isinstance(x, np.ndarray):
        if not (hasattr(x, "__array__") or isinstance(x, Sequence)) or isinstance(x, str):
            raise TypeError(f"{name} must be a NumPy array of floats, (N, ...); got {describe(x)}.")
        try:
            x = np.asarray(x)
        except ValueError:  # NumPy's words for samples of different shapes name no argument
            x = np.empty(0, dtype=object)
    if x.dtype == object:
        raise TypeError(
            f"{name} has dtype object: its samples have different shapes or are no numbers; "
            "a rectangular array of floats is accepted."
        )
    if np.issubdtype(x.dtype, np.integer) or x.dtype == bool:
        hint = (
            "scale to [0, 1] first: x.astype('float32') / 255" if x.dtype == np.uint8 else "convert it: x.astype('float32')"
        )
        raise TypeError(f"{name} has dtype {x.dtype}; floats are accepted. {hint[0].upper()}{hint[1:]}.")
    if not np.issubdtype(x.dtype, np.floating):
        raise TypeError(f"{name} has dtype {x.dtype}; float32 is accepted (float16 and float64 are converted).")
    if x.ndim < 2:
        raise ValueError(f"{name} must have at least two axes, (samples, features...); got shape {x.shape}.")
    return x


def _is_nested_numbers(x) -> bool:
    """A list of lists of numbers is an array; a list of arrays is a sequence of batches."""
    return isinstance(x, list | tuple) and not any(hasattr(v, "__array__") for v in x)


def _hint_shape(x, shape) -> str:
    if len(shape) > 1 and x.shape[1:] == (shape[-1], *shape[:-1]):  # a reshape would fit too, and mix up the pixels
        return " Channels come last here: np.moveaxis(x, 1, -1)."
    if math.prod(x.shape[1:]) == math.prod(shape):
        return f" The sizes agree: x.reshape(-1, {_commas(shape)}) would fit."
    if x.shape == tuple(shape):
        return " The batch axis is missing: x[None]."
    return ""


def _shifted(index, offset):
    return (index[0] + offset, *index[1:])


def _commas(shape) -> str:
    return ", ".join(map(str, shape)) + ("," if len(shape) == 0 else "")
