"""Sizes of layers and shapes of samples."""

import numbers
from collections.abc import Iterable

from ._values import describe, integer


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


def layer_sizes(name: str, value) -> tuple[int, ...]:
    """A sequence of positive layer sizes as a tuple, at least one."""
    found = sizes(name, value)
    if not found:
        raise ValueError(f"{name} must name at least one layer, such as (64,); got ().")
    return found


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


def conditioned_shape(shape, conditions) -> tuple[int]:
    """Shape of flat samples [x | c] of which the last `conditions` numbers are c."""
    shape, conditions = sample_shape("shape", shape), integer("conditions", conditions, low=1)
    if len(shape) > 1 or shape[0] <= conditions:
        raise ValueError(
            f"shape must be the number of entries of flat samples [x | c], more than conditions={conditions}; got {shape}. "
            "Flatten x and put the condition behind it."
        )
    return shape
