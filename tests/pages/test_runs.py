import dataclasses
import subprocess
import sys

import pytest

from aetutor.pages import runs, source


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    for name in ("AETUTOR_PROFILE", "AETUTOR_SEED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def test_quick_without_gpu_full_with(monkeypatch):
    assert runs.profile() == "quick"
    monkeypatch.setattr(runs, "gpu", lambda: "Some GPU")
    assert runs.profile() == "full" and runs.device() == "Some GPU"


def test_environment_decides(monkeypatch, capsys):
    monkeypatch.setenv("AETUTOR_PROFILE", "full")
    monkeypatch.setenv("AETUTOR_SEED", "3")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert runs.start() == runs.Run("full", 3)
    line = capsys.readouterr().out
    assert line.startswith("full profile, seed 3, ") and line.endswith("1 thread\n")
    assert runs.pick(quick=dict(epochs=1), full=dict(epochs=9)).epochs == 9


@pytest.mark.parametrize(("name", "value"), [("AETUTOR_PROFILE", "fast"), ("AETUTOR_SEED", "-1"), ("AETUTOR_SEED", "one")])
def test_bad_environment(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name}: got '{value}'; accepted"):
        runs.start()


def test_pick_is_frozen_and_needs_the_same_names():
    cfg = runs.pick(quick=dict(data="digits", epochs=2), full=dict(data="mnist", epochs=3))
    assert (cfg.data, cfg.epochs) == ("digits", 2) and runs.facts()["dataset"] == "digits"
    with pytest.raises(dataclasses.FrozenInstanceError):
        cfg.epochs = 3
    with pytest.raises(ValueError, match="epochs set in one profile only"):
        runs.pick(quick=dict(data="digits", epochs=2), full=dict(data="mnist"))


def test_threads_that_are_not_pinned_are_named(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert "threads not pinned" in runs.device()


def test_nothing_here_imports_a_framework():
    code = "import sys\nfrom aetutor.pages import claims, exercises, runs, source\nruns.report()\n"
    code += "print(sorted({'torch', 'keras', 'tensorflow', 'nbformat', 'IPython'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


def test_source_is_shown_with_its_file(capsys):
    source.show(runs.pick)
    shown = capsys.readouterr().out
    assert shown.startswith("# aetutor/pages/runs.py\ndef pick(*, quick, full):\n") and '"""The sizes' in shown


def test_source_without_docstring_still_parses():
    for obj in (runs.pick, runs.Run, runs.report):
        text = source.text(obj, docstring=False)
        compile(text.replace("@dataclass(frozen=True)\n", ""), "shown", "exec")
        assert obj.__doc__ not in text and '"""' not in text


def test_source_of_something_else():
    with pytest.raises(TypeError, match="obj: got 3; accepted: a class or function"):
        source.show(3)
