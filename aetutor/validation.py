"""Every check of an argument or an array, once.

Each function returns the accepted value, or raises an error that names the argument, what came and what is accepted.
A wrong kind of object is a TypeError, a wrong value a ValueError. Arrays larger than memory are read in chunks.
"""

import difflib
import math
import numbers
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

CHUNK_BYTES = 64 * 2**20  # a check reads a memory-mapped file in pieces of this size

#: Support of each likelihood: what data it accepts. The squared error and the Gaussian accept every finite number.
SUPPORT = {
    "squared_error": (-math.inf, math.inf),
    "gaussian": (-math.inf, math.inf),
    "bernoulli": (0.0, 1.0),
    "continuous_bernoulli": (0.0, 1.0),
}


def nearest(value: str, accepted: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the accepted name closest to `value`, or an empty string."""
    found = difflib.get_close_matches(str(value).lower(), list(accepted), n=1, cutoff=0.4)
    return f" Did you mean {found[0]!r}?" if found else ""


def one_of(name: str, value, accepted: Sequence[str]) -> str:
    """`value` if it is one of the accepted names."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {', '.join(map(repr, accepted))}; got {describe(value)}.")
    if value not in accepted:
        raise ValueError(
            f"{name}={value!r} is not known; accepted: {', '.join(map(repr, accepted))}.{nearest(value, accepted)}"
        )
    return value


def integer(name: str, value, *, low: int | None = None, high: int | None = None) -> int:
    """`value` as an int within [low, high]."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer{_interval(low, high)}; got {describe(value)}.")
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(f"{name} must be an integer{_interval(low, high)}; got {value}.")
    return int(value)


def real(name: str, value, *, low: float | None = None, high: float | None = None, above: float | None = None) -> float:
    """`value` as a finite float within [low, high], or greater than `above`."""
    bounds = f" greater than {above:g}" if above is not None else _interval(low, high)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number{bounds}; got {describe(value)}.")
    value = float(value)
    if (
        not math.isfinite(value)
        or (low is not None and value < low)
        or (high is not None and value > high)
        or (above is not None and value <= above)
    ):
        raise ValueError(f"{name} must be a finite number{bounds}; got {value:g}.")
    return value


def reals(name: str, value, *, above: float) -> tuple[float, ...]:
    """A sequence of finite numbers greater than `above` as a tuple, at least one."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence of numbers greater than {above:g}; got {describe(value)}.")
    found = tuple(real(f"{name}[{i}]", v, above=above) for i, v in enumerate(value))
    if not found:
        raise ValueError(f"{name} must hold at least one number; got ().")
    return found


def fraction(name: str, value) -> float:
    """`value` as a float greater than 0 and less than 1."""
    value = real(name, value, low=0, high=1)
    if value in (0, 1):
        raise ValueError(f"{name} must be a number greater than 0 and less than 1; got {value:g}.")
    return value


def sizes(name: str, value) -> tuple[int, ...]:
    """A sequence of positive layer sizes as a tuple; the empty sequence is legal."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence of positive integers such as (256, 128); got {describe(value)}.")
    return tuple(integer(f"{name}[{i}]", v, low=1) for i, v in enumerate(value))


def per_stage(name: str, value, count: int) -> tuple[int, ...]:
    """A positive integer for each of `count` stages of training, given as one for all or as a sequence."""
    if isinstance(value, numbers.Integral):
        return (integer(name, value, low=1),) * count
    values = sizes(name, value)
    if len(values) != count:
        raise ValueError(f"{name} must be one integer, or one for each of the {count} stages; got {values}.")
    return values


def sample_shape(name: str, value, *, ndim: int | None = None) -> tuple[int, ...]:
    """Shape of one sample: an int for flat data, or a shape without the batch axis."""
    shape = (integer(name, value, low=1),) if isinstance(value, numbers.Integral) else sizes(name, value)
    if not shape:
        raise ValueError(f"{name} must have at least one axis; got (). Pass x.shape[1:], not x.shape of one number.")
    if ndim is not None and len(shape) != ndim:
        raise ValueError(
            f"{name} must have {ndim} axes (height, width, channels); got {shape}. "
            "Grey images need a channel axis: x[..., None]."
        )
    return shape


def grid_shape(name: str, value) -> tuple[int, ...]:
    """Shape of one sample of a convolution: (length, channels) or (height, width, channels)."""
    shape = sample_shape(name, value)
    if len(shape) not in (2, 3):
        raise ValueError(
            f"{name} must be (length, channels) or (height, width, channels); got {shape}. "
            "Data of one channel need a channel axis too: x[..., None]."
        )
    return shape


def sequence_shape(name: str, value) -> tuple[int, int]:
    """Shape of one sequence: (length, channels)."""
    shape = sample_shape(name, value)
    if len(shape) != 2:
        raise ValueError(
            f"{name} must be (length, channels); got {shape}. "
            "Sequences of one channel need a channel axis too: x[..., None]."
        )
    return shape


def layer_sizes(name: str, value) -> tuple[int, ...]:
    """A sequence of positive layer sizes as a tuple, at least one."""
    found = sizes(name, value)
    if not found:
        raise ValueError(f"{name} must name at least one layer, such as (64,); got ().")
    return found


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


def sigma(name: str, value, *, likelihood: str) -> float | str:
    """Standard deviation of the Gaussian likelihood: a number > 0 or "learned"; other likelihoods have none."""
    if likelihood != "gaussian" and value != 1.0:
        raise ValueError(f'{name}={value!r} has no effect with likelihood={likelihood!r}; it needs likelihood="gaussian".')
    if isinstance(value, str):
        return one_of(name, value, ("learned",))
    return real(name, value, above=0)


def importance_weighted(model) -> None:
    """Refuse several draws a sample (`samples` > 1) where their bound is not defined."""
    if model.samples > 1 and model.likelihood == "squared_error":
        raise ValueError(
            f'samples={model.samples} weighs draws by their likelihood, and likelihood="squared_error" is none; use '
            'likelihood="gaussian", whose loss with sigma=0.5**0.5 differs from it by a constant.'
        )
    if model.samples > 1 and model.beta != 1:
        raise ValueError(
            f"beta={model.beta:g} has no meaning with samples={model.samples}: their bound has no KL term to weigh; "
            "use beta=1, or samples=1."
        )


def conditioned_shape(shape, conditions) -> tuple[int]:
    """Shape of flat samples [x | c] of which the last `conditions` numbers are c."""
    shape, conditions = sample_shape("shape", shape), integer("conditions", conditions, low=1)
    if len(shape) > 1 or shape[0] <= conditions:
        raise ValueError(
            f"shape must be the number of entries of flat samples [x | c], more than conditions={conditions}; got {shape}. "
            "Flatten x and put the condition behind it."
        )
    return shape


def left_alone(because: str, given: dict, defaults: dict):
    """Refuse arguments that have no effect and still are not left at their default; both dicts have the same names."""
    for name, value in given.items():
        if value != defaults[name]:
            raise ValueError(f"{name}={value!r} has no effect with {because}; leave it out.")


def given(name: str, value, *, instead: str):
    """`value` if it is not None; without it there would have to be another argument."""
    if value is None:
        raise ValueError(f"{name} is needed to make a {instead}; pass it, or a {instead} of your own.")
    return value


def patch_grid(shape: tuple[int, ...], patch) -> tuple[int, int]:
    """Rows and columns of square patches that cut images of `shape`, (height, width, channels), without a rest."""
    patch, (height, width, _) = integer("patch", patch, low=1), sample_shape("shape", shape, ndim=3)
    if height % patch or width % patch:
        fitting = [n for n in range(1, math.gcd(height, width) + 1) if height % n == width % n == 0]
        raise ValueError(
            f"patch={patch} does not divide the sides of {height} x {width} images; accepted: "
            f"{', '.join(map(str, fitting))}. Or pad the images."
        )
    return height // patch, width // patch


def attention_width(name: str, width, heads) -> int:
    """Numbers in a token: a multiple of 4, for the positions, and of the number of heads."""
    width, heads = integer(name, width, low=4), integer("heads", heads, low=1)
    if width % 4 or width % heads:
        raise ValueError(f"{name} must be a multiple of 4 and of heads={heads}; got {width}.")
    return width


def masked_patches(mask_ratio: float, count: int) -> int:
    """How many of `count` patches are masked: at least one, and at least one is not."""
    masked = round(mask_ratio * count)
    if not 0 < masked < count:
        raise ValueError(
            f"mask_ratio={mask_ratio:g} masks {masked} of {count} patches; at least one must be masked and one visible."
        )
    return masked


def patch_encoder(encoder) -> None:
    """Refuse an encoder that cannot be given some of the patches only."""
    if not hasattr(encoder, "patches"):
        raise TypeError(
            "encoder must take the patches that are kept and name them in `patches`, as MaskedAutoencoder.transformer's; "
            f"got {describe(encoder)}. Dense, convolutional and recurrent nets cannot leave patches out."
        )


def inpainter(model) -> None:
    """Refuse a model that cannot draw masked patches."""
    if not hasattr(model, "inpaint"):
        raise TypeError(f"model must be a MaskedAutoencoder, which draws masked patches; got a {type(model).__name__}.")


def patch_mask(mask, samples: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the visible and of the masked patches, (N, V) and (N, M) int32, from True where a patch is masked.

    `mask` is (count,), the same for all samples, or (samples, count) with the same number of True in each row.
    """
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise TypeError(f"mask must be bool, True where a patch is masked; got {mask.dtype}.")
    if mask.shape not in ((count,), (samples, count)):
        raise ValueError(
            f"mask must have the shape ({count},) or ({samples}, {count}), patches row by row; got {mask.shape}."
        )
    mask = np.broadcast_to(mask, (samples, count))
    masked = mask.sum(axis=1)
    if masked.min() != masked.max() or not 0 < masked[0] < count:
        raise ValueError(
            f"mask must hide the same number of patches in each sample, at least one and not all {count}; got "
            f"{masked.min()} to {masked.max()}."
        )
    return tuple(np.nonzero(chosen)[1].reshape(samples, -1).astype(np.int32) for chosen in (~mask, mask))


def file_path(name: str, value, *, suffixes: Sequence[str]) -> Path:
    """A path that ends in one of the suffixes."""
    path = Path(value) if isinstance(value, str | Path) else None
    if path is None:
        raise TypeError(f"{name} must be a path; got {describe(value)}.")
    if path.suffix not in suffixes:
        raise ValueError(f"{name} must end in {' or '.join(suffixes)}; got {str(path)!r}.")
    return path


def describe(value) -> str:
    """A short description of a received value: its repr if short, else its type and shape."""
    if hasattr(value, "shape"):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    text = repr(value)
    return f"{text} ({type(value).__name__})" if len(text) <= 60 else f"a {type(value).__name__}"


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


def _interval(low, high) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    return f" of at least {low:g}" if low is not None else f" of at most {high:g}" if high is not None else ""


def _shifted(index, offset):
    return (index[0] + offset, *index[1:])


def _commas(shape) -> str:
    return ", ".join(map(str, shape)) + ("," if len(shape) == 0 else "")
