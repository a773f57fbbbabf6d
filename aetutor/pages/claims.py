"""Claims: what a page says about numbers, checked when the page runs.

    claims.check("linear autoencoder reaches PCA's error", mse_ae / mse_pca, below=1.02)

prints `PASS linear autoencoder reaches PCA's error (< 1.02)`: the same text on every machine and in every profile, so that
the stored output can be compared. The measured value goes into the output's metadata only, in a fixed schema:

    {"aetutor": {"claim": {"text": str, "value": float, "below": float | None, "above": float | None, "unit": str | None}}}

Two environment variables serve `make seeds`: AETUTOR_CLAIMS_FILE names a file to which each measurement is appended as one
line of JSON; with AETUTOR_CLAIMS_COLLECT=1 a failed claim prints FAIL and does not raise, so that a page runs to its end.
"""

import json
import math
import os
import sys
from pathlib import Path


class ClaimFailed(AssertionError):
    """A measured value is on the wrong side of its claim's threshold."""


def check(text, value, *, below=None, above=None, between=None, unit=None):
    """Check one measured number against a threshold; exactly one of below, above and between is given.

    Args:
        text: the claim, one line; it identifies the claim in the ledger and in the twin page.
        value: the measured number: a Python or NumPy scalar, or a tensor without axes.
        below: value < below.
        above: value > above.
        between: a pair (low, high); low <= value <= high.
        unit: shown after the threshold, e.g. "nats".

    Raises:
        ClaimFailed: with the claim, the measured value and the threshold.
        TypeError, ValueError: for a value that is no finite scalar, or thresholds that make no sense.
    """
    if not isinstance(text, str) or not text.strip() or "\n" in text:
        raise ValueError(f"text: got {text!r}; accepted: one non-empty line that states the claim")
    below, above = _bounds(text, below, above, between)
    value = _scalar(text, value)
    passed = passes(value, below, above)
    claim = {"text": text, "value": value, "below": below, "above": above, "unit": unit}
    _append(claim, passed)
    if passed:
        _show(line(text, below, above, unit), claim)
        return
    failure = f"{text}: measured {value:.6g}, claimed {threshold(below, above, unit)}"
    if os.environ.get("AETUTOR_CLAIMS_COLLECT") != "1":
        raise ClaimFailed(failure)
    print(f"FAIL {failure}")


def line(text, below=None, above=None, unit=None):
    """The line that a passed claim prints."""
    return f"PASS {text} ({threshold(below, above, unit)})"


def threshold(below=None, above=None, unit=None):
    """A threshold as it is displayed: `< 1.02`, `> 0.5 nats`, `0.9 to 1.1`."""
    if below is not None and above is not None:
        shown = f"{above:.12g} to {below:.12g}"
    else:
        shown = f"< {below:.12g}" if below is not None else f"> {above:.12g}"
    return f"{shown} {unit}" if unit else shown


def passes(value, below=None, above=None):
    """Whether a value satisfies a threshold: strictly below or above one bound, or between two, the bounds included."""
    if below is not None and above is not None:
        return above <= value <= below
    return value < below if below is not None else value > above


def _bounds(text, below, above, between):
    given = {name: bound for name, bound in (("below", below), ("above", above), ("between", between)) if bound is not None}
    if len(given) != 1:
        raise ValueError(f"claim {text!r}: got {sorted(given) or 'no threshold'}; accepted: one of below, above, between")
    if between is None:
        ((name, bound),) = given.items()
        bound = _scalar(text, bound, name)
        return (bound, None) if name == "below" else (None, bound)
    try:
        low, high = between
    except (TypeError, ValueError):
        raise ValueError(f"claim {text!r}: between: got {between!r}; accepted: a pair (low, high)") from None
    low, high = _scalar(text, low, "between"), _scalar(text, high, "between")
    if low >= high:
        raise ValueError(f"claim {text!r}: between: got {between!r}; accepted: a pair with low < high")
    return high, low


def _scalar(text, value, name="value"):
    """A finite Python float from any framework's scalar; duck typed, so that none is imported."""
    accepted = "accepted: a finite real number, or a tensor without axes that holds one"
    shape = getattr(value, "shape", ())
    is_bool = isinstance(value, bool) or "bool" in str(getattr(value, "dtype", ""))
    if is_bool or isinstance(value, str | bytes) or len(shape) > 0:
        what = f"shape {tuple(shape)}" if len(shape) > 0 else f"{value!r}"
        raise TypeError(f"claim {text!r}: {name}: got {type(value).__name__} {what}; {accepted}")
    value = value.detach() if hasattr(value, "detach") else value
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"claim {text!r}: {name}: got {type(value).__name__}; {accepted}") from None
    if not math.isfinite(number):
        raise ValueError(f"claim {text!r}: {name}: got {number}; {accepted}")
    return number


def _append(claim, passed):
    if path := os.environ.get("AETUTOR_CLAIMS_FILE"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(claim | {"passed": passed}) + "\n")


def _show(shown, claim):
    if in_ipython():
        from IPython.display import display

        display({"text/plain": shown}, raw=True, metadata={"aetutor": {"claim": claim}})
    else:
        print(shown)


def in_ipython():
    """Whether this code runs in IPython, where outputs can carry metadata."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None
