"""What `fit` means in both frameworks, without a framework: a stand-in engine plays the model."""

import math

import numpy as np
import pytest

from aetutor import training_plan
from aetutor.history import History
from aetutor.training_plan import Plan, Run, TrainingDiverged, learning_rate

DEFAULTS = {
    "epochs": 4,
    "batch_size": 8,
    "lr": 0.1,
    "seed": 0,
    "weight_decay": 0.0,
    "clip_norm": None,
    "schedule": "constant",
    "warmup": 0.0,
    "early_stopping": None,
    "monitor": "loss",
    "callbacks": (),
    "checkpoint": None,
    "resume": None,
    "precision": "float32",
    "progress": False,
}


def plan(**options):
    return Plan(**DEFAULTS | options)


IDENTITY = {"framework": "none", "class": "Engine", "samples": 3}


class Engine:
    """Stands in for a framework: its only weight is the number of the epoch that was trained last."""

    is_main = True

    def __init__(self):
        self.weight, self.moment = 0.0, 0.0
        self.identity = dict(IDENTITY)

    def weights(self):
        return {"w": np.array([self.weight])}

    def set_weights(self, arrays):
        self.weight = float(arrays["w"][0])

    def state(self):
        return {"m": np.array([self.moment])}

    def set_state(self, arrays):
        self.moment = float(arrays["m"][0])


def train(values, engine=None, **options):
    """Run through the given validation losses, one an epoch; returns the run and its engine."""
    engine = engine or Engine()
    run = Run(plan(**{"epochs": len(values), "validated": True} | options), "the model", engine)
    run.resume()
    while not run.over:
        epoch = run.epoch + 1
        engine.weight, engine.moment = float(epoch), epoch / 2
        record = {"epoch": epoch, "loss": 1.0, "lr": run.plan.lr * run.rate_scale, "seconds": 0.0}
        run.end_epoch(record | {"val_loss": values[epoch - 1], "val_kl": -values[epoch - 1]})
    run.finish()
    return run, engine


def test_learning_rates_are_the_documented_numbers():
    assert [learning_rate("constant", t, total=4, lr=0.1) for t in range(4)] == [0.1] * 4
    assert [learning_rate("plateau", t, total=4, lr=0.1) for t in range(4)] == [0.1] * 4
    cosine = [learning_rate("cosine", t, total=4, lr=1.0) for t in range(4)]
    assert cosine == pytest.approx([1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2])
    warm = [learning_rate("cosine", t, total=6, lr=1.0, warmup=1 / 3) for t in range(6)]
    assert warm == pytest.approx([0.5, 1.0, *cosine])


BAD = [
    ("epochs", 0, ValueError, "epochs must be an integer of at least 1; got 0"),
    ("epochs", 1.5, TypeError, "epochs must be an integer"),
    ("batch_size", 0, ValueError, "batch_size must be an integer of at least 1; got 0"),
    ("batch_size", None, TypeError, "batch_size must be an integer"),
    ("lr", 0, ValueError, "lr must be a finite number greater than 0; got 0"),
    ("lr", -1e-3, ValueError, "lr must be .* got -0.001"),
    ("lr", math.inf, ValueError, "lr must be a finite number"),
    ("lr", "fast", TypeError, "lr must be a number .* got 'fast'"),
    ("seed", -1, ValueError, "seed must be an integer from 0 to .*; got -1"),
    ("seed", 2**31, ValueError, "seed must be an integer from 0"),
    ("weight_decay", -0.1, ValueError, "weight_decay must be .* of at least 0; got -0.1"),
    ("clip_norm", 0.0, ValueError, "clip_norm must be .* greater than 0; got 0"),
    ("schedule", "cosin", ValueError, "schedule='cosin' is not known; accepted: .* Did you mean 'cosine'"),
    ("warmup", 0.1, ValueError, "warmup=0.1 needs schedule=\"cosine\"; got schedule='constant'"),
    ("warmup", 1.1, ValueError, "warmup must be .* from 0 to 1; got 1.1"),
    ("early_stopping", 0, ValueError, "early_stopping must be an integer of at least 1; got 0"),
    ("early_stopping", 3, ValueError, "early_stopping=3 watches the validation loss; pass val="),
    ("schedule", "plateau", ValueError, "schedule='plateau' watches the validation loss; pass val="),
    ("monitor", "kl", ValueError, "monitor='kl' watches the validation loss; pass val="),
    ("monitor", 3, TypeError, "monitor must be 'loss' or the name of a loss term; got 3"),
    ("callbacks", "print", TypeError, r"callbacks must be functions f\(record, model\).*got 'print'"),
    ("callbacks", [print, 3], TypeError, "callbacks must be functions .* got 3"),
    ("checkpoint", "run.pt", ValueError, r"checkpoint must end in \.safetensors; got 'run\.pt'"),
    ("checkpoint", 3, TypeError, "checkpoint must be a path; got 3"),
    ("resume", "run", ValueError, r"resume must end in \.safetensors; got 'run'"),
    ("precision", "float16", ValueError, "precision='float16' is not known; accepted: 'float32', 'bfloat16'"),
    ("progress", "yes", ValueError, "progress must be True, False or 'auto'; got 'yes'"),
]


@pytest.mark.parametrize(("name", "value", "error", "pattern"), BAD, ids=[f"{b[0]}={b[1]}" for b in BAD])
def test_a_plan_refuses(name, value, error, pattern):
    with pytest.raises(error, match=f"^{pattern}"):
        plan(**{name: value})


def test_every_argument_is_refused_somewhere():
    assert {b[0] for b in BAD} == set(training_plan.FIT_ARGUMENTS)


def test_early_stopping_waits_its_patience_and_restores_the_best():
    run, engine = train([5, 4, 3, 3, 3.5, 1], early_stopping=2)
    assert (len(run.history), run.history.stopped, run.history.best_epoch, run.history.restored) == (5, "early", 3, True)
    assert engine.weight == 3


def test_early_stopping_restores_even_when_patience_never_ran_out():
    run, engine = train([5, 3, 4], early_stopping=2)
    assert (run.history.stopped, engine.weight, run.history.restored) == ("finished", 2, True)


def test_without_early_stopping_the_last_weights_stay_and_the_best_epoch_is_known():
    run, engine = train([5, 3, 4])
    assert (run.history.best_epoch, engine.weight, run.history.restored) == (2, 3, False)


def test_monitor_chooses_the_term():
    run, engine = train([5, 4, 3, 2], early_stopping=2, monitor="kl")  # the stand-in's val_kl rises
    assert (run.history.stopped, run.history.best_epoch, engine.weight) == ("early", 1, 1)


def test_an_unknown_monitor_names_what_was_recorded_and_puts_the_weights_back():
    engine = Engine()
    with pytest.raises(ValueError, match=r"^monitor='kll' was not recorded; accepted: 'loss', 'kl'\. Did you mean 'kl'\?"):
        train([5, 4], engine, monitor="kll")
    assert engine.weight == 0


def test_plateau_halves_after_five_epochs_without_a_better_value():
    values = [5] + [5] * 5 + [4] + [4] * 10 + [4]
    run, _ = train(values, schedule="plateau")
    assert run.history["lr"] == pytest.approx([0.1] * 6 + [0.05] * 6 + [0.025] * 5 + [0.0125])


def test_callbacks_get_record_and_model_and_true_stops():
    calls = []

    def stop_at_two(record, model):
        calls.append((record["epoch"], model))
        return record["epoch"] == 2

    run, _ = train([3, 2, 1], callbacks=[stop_at_two, lambda record, model: calls.append("second")])
    assert calls == [(1, "the model"), "second", (2, "the model"), "second"]
    assert (run.history.stopped, len(run.history)) == ("callback", 2)
    run, _ = train([3, 2, 1], callbacks=stop_at_two)  # one function alone
    assert len(run.history) == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_divergence_keeps_the_best_weights_and_the_history(bad):
    engine = Engine()
    with pytest.raises(
        TrainingDiverged, match=rf"^val_kl became {-bad} in epoch 4; the model holds the weights of epoch 2\."
    ) as e:
        train([5, 3, 4, bad], engine)
    assert "smaller lr than 0.1" in str(e.value) and "clip_norm" in str(e.value)
    assert engine.weight == 2
    assert [r["epoch"] for r in e.value.history.records] == [1, 2, 3]


def test_divergence_in_the_first_epoch_keeps_the_start():
    engine = Engine()
    with pytest.raises(TrainingDiverged, match="in epoch 1; the model holds the weights of the start"):
        train([math.nan], engine)
    assert engine.weight == 0


def test_weights_spoilt_by_the_last_step_of_an_epoch_are_never_the_best():
    """The loss is computed before the step, so it may be finite while the weights already are not."""
    engine = Engine()
    run = Run(plan(), None, engine)
    engine.weight = 1.0
    run.end_epoch({"epoch": 1, "loss": 1.0})
    engine.weight = math.nan
    with pytest.raises(TrainingDiverged, match=r"^the weights w became NaN or infinite in epoch 2.* weights of epoch 1\."):
        run.end_epoch({"epoch": 2, "loss": 1.0})
    assert engine.weight == 1


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5])
def test_a_resumed_run_goes_on_as_if_nothing_had_happened(tmp_path, cut, capsys):
    values = [5, 4, 6, 7, 8, 3]
    options = {"early_stopping": 3, "schedule": "plateau"}
    whole, engine = train(values, **options)
    path = tmp_path / "run.safetensors"
    train(values, epochs=cut, checkpoint=path, **options)
    resumed, other = train(values, resume=path, **options)
    assert resumed.history == whole.history
    assert (other.weight, other.moment) == (engine.weight, engine.moment)
    assert resumed.progress_of_monitor == whole.progress_of_monitor
    assert f"resume: {min(cut, 5)} of 6 epochs are done in {path}" in capsys.readouterr().out


def test_resume_on_a_missing_path_says_so_and_starts_from_zero(tmp_path, capsys):
    run, _ = train([3, 2], resume=tmp_path / "none.safetensors")
    assert len(run.history) == 2
    assert (
        f"resume: there is no checkpoint at {tmp_path / 'none.safetensors'}; training starts from zero"
        in capsys.readouterr().out
    )


def test_leftovers_of_a_killed_write_are_swept(tmp_path):
    path = tmp_path / "run.safetensors"
    left = tmp_path / ".run.safetensors.0a1b2c3d.tmp"
    left.write_bytes(b"half")
    train([3], checkpoint=path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "value"),
    [("lr", 0.2), ("seed", 1), ("batch_size", 4), ("weight_decay", 0.1), ("clip_norm", 1.0), ("precision", "bfloat16")],
)
def test_a_resumed_run_keeps_its_arguments(tmp_path, name, value):
    path = tmp_path / "run.safetensors"
    train([3, 2], epochs=1, checkpoint=path)
    pattern = rf"^{name}={value!r} differs from the .* of the checkpoint '.*run\.safetensors'; a resumed run keeps it"
    with pytest.raises(ValueError, match=pattern):
        train([3, 2], resume=path, **{name: value})


def test_a_cosine_schedule_cannot_be_prolonged_and_a_constant_one_can(tmp_path):
    path = tmp_path / "run.safetensors"
    train([3, 2], epochs=1, checkpoint=path)
    assert len(train([3, 2, 1], resume=path)[0].history) == 3
    train([3, 2], epochs=1, checkpoint=path, schedule="cosine")
    with pytest.raises(ValueError, match=r"^epochs=3 differs from the 1 of the checkpoint"):
        train([3, 2, 1], resume=path, schedule="cosine")


def test_a_checkpoint_of_another_run_changes_nothing(tmp_path):
    path = tmp_path / "run.safetensors"
    train([3, 2], epochs=1, checkpoint=path)
    for name, value in (("class", "VAE"), ("framework", "keras"), ("samples", 99)):
        engine = Engine()
        engine.identity[name] = value
        with pytest.raises(ValueError, match=rf"^resume: .* was written with {name}={IDENTITY[name]!r}; this run has"):
            train([3, 2], engine, resume=path)
        assert (engine.weight, engine.moment) == (0, 0)
    engine = Engine()
    engine.weights = lambda: {"w": np.zeros(2)}
    with pytest.raises(ValueError, match=r"^resume: .* belongs to another model: 'w' is \(1,\) in the file and \(2,\)"):
        train([3, 2], engine, resume=path)


def test_interruption_returns_what_there_is(capsys):
    run = Run(plan(early_stopping=2, validated=True), None, Engine())
    run.end_epoch({"epoch": 1, "loss": 1.0, "val_loss": 1.0})
    history = run.finish(interrupted=True)
    assert (history.stopped, len(history), history.restored) == ("interrupted", 1, False)
    assert "interrupted in epoch 2" in capsys.readouterr().out


def test_progress_is_for_people(monkeypatch):
    assert training_plan.show_progress(True) and not training_plan.show_progress(False)
    assert not training_plan.show_progress("auto")  # under a test
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.setattr("sys.stderr", type("Terminal", (), {"isatty": lambda self: True})())
    assert training_plan.show_progress("auto")
    monkeypatch.setenv("AETUTOR_QUIET", "1")
    assert not training_plan.show_progress("auto")


def test_history_is_a_table():
    records = [{"epoch": i, "loss": 1 / i, "kl": 2.0, "val_loss": 0.5, "lr": 1e-3, "seconds": 0.1} for i in range(1, 8)]
    history = History(records, best_epoch=3)
    assert len(history) == 7
    assert history["loss"] == [1 / i for i in range(1, 8)]
    assert history.columns == ["epoch", "loss", "kl", "val_loss", "lr", "seconds"]
    assert history.terms == ["kl"]
    with pytest.raises(KeyError, match="'val_kl' was not recorded; recorded: epoch, loss"):
        history["val_kl"]
    lines = history.table().splitlines()
    assert len(lines) == 8 and lines[0].split() == history.columns
    assert len({len(line) for line in lines}) == 1
    assert [line.split()[0] for line in history.table(every=3).splitlines()[1:]] == ["3", "6", "7"]
    assert "7 epochs, finished" in repr(history)
    assert History().table() == "no epoch was finished" and "no epoch" in repr(History())
