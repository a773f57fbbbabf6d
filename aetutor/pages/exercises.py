"""Exercises that check themselves and give nothing away.

A page asks; the reader fills in a stub that returns None; the page calls the checker, and so does the folded solution:

    exercises.check("dense.2", my_error)                        # not attempted | correct | what differs
    exercises.check("dense.2", solution, solution=True)         # raises unless correct, so solutions are tested

Checkers live in aetutor/pages/answers/, one small file a page, found by the id's first part:

    @define("dense.2")
    def _(answer):
        x = np.array([[0.0, 1.0]])
        compare(answer(x, 0.5 * x), [0.25], of="the error of one sample")

A checker calls `answer` with NumPy arrays and compares NumPy arrays. A page whose functions take tensors passes the
conversion: `exercises.check("dense.2", my_error, tensor=torch.as_tensor)`.
"""

import difflib
import importlib

import numpy as np

_checkers = {}


class ExerciseFailed(AssertionError):
    """A solution that its own checker does not accept."""


class Wrong(Exception):
    """An answer that is not right; the message says how it differs."""


class NotAttempted(Exception):
    """A stub that still returns None."""


def define(exercise, checker=None):
    """Register a checker for an exercise; also usable as a decorator."""
    if checker is None:
        return lambda function: define(exercise, function)
    if exercise in _checkers:
        raise ValueError(f"exercise: {exercise!r} is defined twice; accepted: one checker an exercise")
    _checkers[exercise] = checker
    return checker


def check(exercise, answer, *, tensor=None, solution=False):
    """Print `not attempted`, `correct`, or how the answer differs from what is expected.

    Args:
        exercise: the id, `page.number`.
        answer: a function, or a plain value for a question without arguments.
        tensor: turns a NumPy array into what the function takes; by default nothing is converted.
        solution: True for the folded solution: anything but correct raises ExerciseFailed.
    """
    checker = _find(exercise)
    try:
        checker(_numpy_in_and_out(answer, tensor))
        verdict = "correct"
    except NotAttempted:
        verdict = "not attempted"
    except Wrong as wrong:
        verdict = f"not yet: {wrong}"
    except Exception as error:
        if solution:
            raise
        verdict = f"not yet: your function raised {type(error).__name__}: {error}"
    if solution and verdict != "correct":
        raise ExerciseFailed(f"{exercise}: the solution is {verdict}")
    print(f"{exercise}: {verdict}")


def compare(given, expected, *, of="the result", rtol=1e-4, atol=1e-6, reveal=True):
    """Raise Wrong unless `given` equals `expected` in shape and, within the tolerance, in value.

    reveal=False tells the direction only; use it where the expected value is itself the answer.
    """
    if given is None:
        raise NotAttempted
    if isinstance(expected, str):
        if str(given).strip().lower() != expected.lower():
            raise Wrong(f"{of} is {given!r}" + (f", expected {expected!r}" if reveal else ", which is not it"))
        return
    expected = np.asarray(expected)
    try:
        given = np.asarray(given, dtype=expected.dtype if expected.dtype.kind == "b" else float)
    except (TypeError, ValueError):
        raise Wrong(f"{of} is a {type(given).__name__}, expected numbers of shape {expected.shape}") from None
    if given.shape != expected.shape:
        raise Wrong(f"{of} has shape {given.shape}, expected {expected.shape}")
    wrong = ~np.isclose(given, expected, rtol=rtol, atol=atol)
    if not wrong.any():
        return
    if given.dtype.kind == "b":
        raise Wrong(f"{of} is {given.tolist()}, " + (f"expected {expected.tolist()}" if reveal else "which is not it"))
    worst = np.unravel_index(np.nanargmax(np.where(np.isnan(given), np.inf, np.abs(given - expected))), given.shape)
    place = f" at {tuple(map(int, worst))}" if worst else ""
    found, wanted = float(given[worst]), float(expected[worst])
    if reveal:
        raise Wrong(f"{of} is {found:.6g}{place}, expected {wanted:.6g}")
    raise Wrong(f"{of} is {found:.6g}{place}, which is too {'small' if found < wanted else 'large'}")


def _find(exercise):
    page, dot, number = str(exercise).partition(".")
    if not (page.isidentifier() and dot and number.isdecimal()):
        raise ValueError(f"exercise: got {exercise!r}; accepted: page.number, such as 'dense.2'")
    module = f"{__package__}.answers.{page}"
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
    if exercise not in _checkers:
        known = sorted(_checkers)
        near = difflib.get_close_matches(exercise, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; aetutor/pages/answers/{page}.py defines them"
        raise ValueError(f"exercise: no checker for {exercise!r}{hint}")
    return _checkers[exercise]


def _numpy_in_and_out(answer, tensor):
    """A function of NumPy arrays around the reader's function or value."""

    def call(*arrays, **options):
        convert = tensor or (lambda array: array)
        arrays = (convert(array) if isinstance(array, np.ndarray) else array for array in arrays)
        given = answer(*arrays, **options) if callable(answer) else answer
        if given is None:
            raise NotAttempted
        return _numpy(given)

    return call


def _numpy(value):
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, tuple):
        return tuple(_numpy(part) for part in value)
    value = value.detach().cpu() if hasattr(value, "detach") else value
    return np.asarray(value)
