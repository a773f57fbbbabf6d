"""Numbers, names, paths, and arguments that exclude each other."""

import difflib
import math
import numbers
from collections.abc import Iterable, Sequence
from pathlib import Path


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


def _interval(low, high) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    return f" of at least {low:g}" if low is not None else f" of at most {high:g}" if high is not None else ""
