import sys

import numpy as np
import pytest

from aetutor.pages import exercises

X = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.fixture(autouse=True)
def checkers(monkeypatch):
    """Exercises of a page that exists for these tests only."""
    monkeypatch.setattr(exercises, "_checkers", {})
    exercises.define("toy.1", lambda answer: exercises.compare(answer(), 7, of="the code size", reveal=False))

    @exercises.define("toy.2")
    def _(answer):
        exercises.compare(answer(X), X.sum(axis=1), of="the sum of each row")

    exercises.define("toy.3", lambda answer: exercises.compare(answer(), "blurred", reveal=False))


def said(capsys, *arguments, **options):
    exercises.check(*arguments, **options)
    return capsys.readouterr().out.strip()


@pytest.mark.parametrize("answer", [None, lambda *x: None])
@pytest.mark.parametrize("exercise", ["toy.1", "toy.2", "toy.3"])
def test_stub_is_not_attempted(exercise, answer, capsys):
    assert said(capsys, exercise, answer) == f"{exercise}: not attempted"


@pytest.mark.parametrize(
    ("exercise", "answer"), [("toy.1", 7), ("toy.1", lambda: 7), ("toy.2", lambda x: x.sum(1)), ("toy.3", " Blurred")]
)
def test_right_answers(exercise, answer, capsys):
    assert said(capsys, exercise, answer) == f"{exercise}: correct"
    exercises.check(exercise, answer, solution=True)


@pytest.mark.parametrize(
    ("exercise", "answer", "message"),
    [
        ("toy.1", 5, "the code size is 5, which is too small"),
        ("toy.1", 8, "the code size is 8, which is too large"),
        ("toy.2", lambda x: x.sum(0), "the sum of each row is 4 at (0,), expected 3"),
        ("toy.2", lambda x: x, "has shape (2, 2), expected (2,)"),
        ("toy.2", lambda x: x.sum(1) * np.nan, "is nan"),
        ("toy.2", lambda x: "text", "is a str, expected numbers"),
        ("toy.2", lambda x: x.nothing, "your function raised AttributeError"),
        ("toy.3", "sharp", "'sharp', which is not it"),
    ],
)
def test_wrong_answers_say_what_differs(exercise, answer, message, capsys):
    text = said(capsys, exercise, answer)
    assert text.startswith(f"{exercise}: not yet: ") and message in text


def test_hidden_answers_are_not_given_away(capsys):
    assert "7" not in said(capsys, "toy.1", 5) and "blurred" not in said(capsys, "toy.3", "sharp")


@pytest.mark.parametrize("answer", [None, 5])
def test_a_wrong_solution_raises(answer):
    with pytest.raises(exercises.ExerciseFailed, match=r"toy\.1: the solution is not"):
        exercises.check("toy.1", answer, solution=True)


def test_a_solution_that_raises_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        exercises.check("toy.2", lambda x: 1 / 0, solution=True)


def test_tensors_are_converted(capsys):
    torch = pytest.importorskip("torch")
    assert said(capsys, "toy.2", lambda x: x.sum(dim=1), tensor=torch.as_tensor) == "toy.2: correct"


def test_unknown_exercise_names_the_nearest():
    with pytest.raises(ValueError, match=r"no checker for 'toy\.4'; did you mean 'toy\.[123]'"):
        exercises.check("toy.4", None)
    with pytest.raises(ValueError, match=r"accepted: page\.number"):
        exercises.check("toy", None)


def test_no_exercise_is_defined_twice():
    with pytest.raises(ValueError, match="defined twice"):
        exercises.define("toy.1", print)


def test_checkers_are_found_by_page(tmp_path, monkeypatch, capsys):
    from aetutor.pages import answers

    text = "from aetutor.pages.exercises import compare, define\ndefine('found.1', lambda answer: compare(answer(), 1))\n"
    (tmp_path / "found.py").write_text(text)
    monkeypatch.setattr(answers, "__path__", [*answers.__path__, str(tmp_path)])
    assert said(capsys, "found.1", 1) == "found.1: correct"
    del sys.modules["aetutor.pages.answers.found"]
