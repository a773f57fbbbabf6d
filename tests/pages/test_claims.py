import json
import math

import numpy as np
import pytest

from aetutor.pages import claims


class Tensor:
    """Stands for a 0-d tensor of any framework."""

    shape = ()
    dtype = "float32"

    def __init__(self, value):
        self.value = value

    def __float__(self):
        return float(self.value)


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.array(1.0), Tensor(1.0)])
def test_scalars_pass_and_print_no_value(value, capsys):
    claims.check("error is small", value, below=1.02)
    assert capsys.readouterr().out == "PASS error is small (< 1.02)\n"


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_tensors_of_the_frameworks(framework, capsys):
    if framework == "torch":
        value = pytest.importorskip("torch").tensor(1.0, requires_grad=True)
    else:
        value = pytest.importorskip("keras").ops.convert_to_tensor(1.0)
    claims.check("close to one", value, between=(0.9, 1.1))
    assert capsys.readouterr().out == "PASS close to one (0.9 to 1.1)\n"


def test_unit_is_shown(capsys):
    claims.check("KL is active", 2, above=0.5, unit="nats")
    assert capsys.readouterr().out == "PASS KL is active (> 0.5 nats)\n"


@pytest.mark.parametrize(
    ("value", "threshold", "shown"),
    [
        (1.5, {"below": 1.02}, "< 1.02"),
        (1.02, {"below": 1.02}, "< 1.02"),
        (0.5, {"above": 0.5}, "> 0.5"),
        (1.2, {"between": (0.9, 1.1)}, "0.9 to 1.1"),
    ],
)
def test_failure_names_claim_value_and_threshold(value, threshold, shown):
    with pytest.raises(claims.ClaimFailed, match=f"my claim: measured {value}, claimed {shown}"):
        claims.check("my claim", value, **threshold)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_non_finite_is_refused(value):
    with pytest.raises(ValueError, match=r"'c': value: got -?(nan|inf); accepted"):
        claims.check("c", value, below=1)


@pytest.mark.parametrize("value", [np.zeros(1), np.zeros((2, 3)), "1", True, np.bool_(True), None, [1.0], 1j])
def test_non_scalars_are_refused(value):
    with pytest.raises(TypeError, match=r"'c': value: got .*accepted: a finite real number"):
        claims.check("c", value, below=1)


@pytest.mark.parametrize(
    "thresholds",
    [{}, {"below": 1, "above": 0}, {"between": (1, 0)}, {"between": 1}, {"between": (0, 1, 2)}, {"below": math.nan}],
)
def test_senseless_thresholds_are_refused(thresholds):
    with pytest.raises(ValueError, match="accepted"):
        claims.check("c", 0.5, **thresholds)


@pytest.mark.parametrize("text", ["", " ", "two\nlines", 3])
def test_text_is_one_line(text):
    with pytest.raises(ValueError, match="text: got"):
        claims.check(text, 0.5, below=1)


def test_measurements_are_collected(tmp_path, monkeypatch, capsys):
    file = tmp_path / "claims.jsonl"
    monkeypatch.setenv("AETUTOR_CLAIMS_FILE", str(file))
    claims.check("good", 1, below=2)
    with pytest.raises(claims.ClaimFailed):
        claims.check("bad", 3, below=2)
    monkeypatch.setenv("AETUTOR_CLAIMS_COLLECT", "1")
    claims.check("bad", 3, below=2)
    assert "FAIL bad" in capsys.readouterr().out
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(row["text"], row["value"], row["passed"]) for row in rows] == [
        ("good", 1, True),
        ("bad", 3, False),
        ("bad", 3, False),
    ]


def test_metadata_schema_under_ipython(monkeypatch):
    shown = []
    monkeypatch.setattr(claims, "in_ipython", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda data, **options: shown.append((data, options)))
    claims.check("beta", np.float64(1), between=(0.9, 1.1), unit="nats")
    ((data, options),) = shown
    assert data == {"text/plain": "PASS beta (0.9 to 1.1 nats)"}
    claim = {"text": "beta", "value": 1.0, "below": 1.1, "above": 0.9, "unit": "nats"}
    assert options == {"raw": True, "metadata": {"aetutor": {"claim": claim}}}
