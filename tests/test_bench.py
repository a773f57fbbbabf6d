"""The benchmark, in seconds: its contenders train the same thing, its table and its verdicts say what was measured."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
IMAGES, EPOCHS = 2_048, 12


@pytest.fixture(scope="module")
def run():
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module("run")
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def results(run):
    ours = ["hand-written torch", "aetutor.torch", "tuned Keras", "aetutor.keras"]
    return run.measure(ours, images=IMAGES, rounds=EPOCHS - run.WARM_UP, threads=1)


def test_contenders_reach_a_comparable_loss(run, results):
    x = run.images(IMAGES)
    mean_image = ((x - x.mean(0)) ** 2).sum(1).mean()
    losses = {name: result.loss for name, result in results.items()}
    assert max(losses.values()) < 0.9 * mean_image, (losses, mean_image)  # more than the bias of the last layer was trained
    assert max(losses.values()) < 1.2 * min(losses.values()), losses


def test_every_contender_is_timed(run, results):
    for name, result in results.items():
        assert len(result.seconds) == EPOCHS - run.WARM_UP and min(result.seconds) > 0, name
        assert result.imports > 0 and result.first > 0
    lines = run.table(results, IMAGES).splitlines()
    assert [line.startswith(name) for line, name in zip(lines[1:], results, strict=True)] == [True] * 4
    rates = [float(line[20:30].replace(",", "")) for line in lines[1:]]
    assert rates == pytest.approx([IMAGES / result.epoch for result in results.values()], rel=0.01)


def test_verdicts_compare_neighbouring_epochs(run):
    """A machine that is three times slower in two of the rounds changes no ratio."""
    load = [1, 1, 3, 3, 1]

    def result(seconds):
        return run.Result(seconds=[seconds * factor for factor in load])

    measured = {"aetutor.torch": result(1.0), "hand-written torch": result(0.96)}
    ((line, holds),) = run.verdicts(measured)
    assert holds and line.startswith("PASS aetutor.torch / hand-written torch: 0.96 (>= 0.95")
    measured["hand-written torch"] = result(0.94)
    ((line, holds),) = run.verdicts(measured)
    assert not holds and line.startswith("FAIL")
    assert not list(run.verdicts({"aetutor.torch": result(1.0)}))


@pytest.mark.parametrize(("seconds", "code"), [(1.0, 0), (0.9, 1)])
def test_exit_code_follows_the_verdicts(run, monkeypatch, capsys, seconds, code):
    def measure(names, *, images, rounds, threads):
        return {name: run.Result(seconds=[seconds if name == "hand-written torch" else 1.0] * rounds) for name in names}

    monkeypatch.setattr(run, "measure", measure)
    monkeypatch.setattr(run, "installed", lambda module: module not in ("pythae", "lightning", "skorch"))
    assert run.main(["--rounds", "5"]) == code
    out = capsys.readouterr().out
    assert "pythae              not installed" in out and "load average" in out


def test_too_few_rounds_are_refused(run, capsys):
    with pytest.raises(SystemExit):
        run.main(["--rounds", "4"])
    assert "at least 5" in capsys.readouterr().err
