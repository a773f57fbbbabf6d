"""`fit` of aetutor.torch: what it trains, and what happens when something goes wrong."""

import math
import subprocess
import sys
from pathlib import Path

import accelerate
import numpy as np
import pytest
import torch
from torch import nn
from torch_toys import Masking, by_hand, dropout_parts, images, records, same, table, weights

from aetutor import torch as ae
from aetutor.batching import batch_order
from aetutor.torch.training import Objective, place
from aetutor.training_plan import TrainingDiverged

X, VAL = table(70), table(30, seed=1)
SIZES = {"latent_dim": 3, "hidden": (16,), "seed": 1}


def autoencoder(**options):
    return ae.Autoencoder.mlp(12, **SIZES, **options)


def vae(**options):
    return ae.VAE.mlp(12, **SIZES, likelihood="bernoulli", **options)


def test_training_lowers_the_loss():
    model = autoencoder()
    before = ae.evaluate(model, X)["loss"]
    history = ae.fit(model, X, val=VAL, epochs=20, batch_size=16, lr=1e-2)
    assert history["loss"][-1] < 0.2 * before
    assert history["val_loss"][-1] == ae.evaluate(model, VAL)["loss"]
    assert history.stopped == "finished" and len(history) == 20
    assert list(history.records[0]) == ["epoch", "loss", "reconstruction", "val_loss", "val_reconstruction", "lr", "seconds"]


def test_recorded_terms_are_means_over_the_samples():
    """With a rate of almost zero the weights stand still, so the epoch's mean is the mean over all samples."""
    model = autoencoder()
    history = ae.fit(model, X, epochs=1, batch_size=16, lr=1e-30)
    x_hat = ae.reconstruct(model, X)
    assert history["loss"][0] == pytest.approx(((X - x_hat) ** 2).sum(1).mean(), rel=1e-6)
    record = ae.fit(vae(beta=3.0), X, val=X, epochs=1, batch_size=16).records[0]
    assert record["loss"] == pytest.approx(record["reconstruction"] + record["kl"])
    assert record["val_loss"] == pytest.approx(record["val_reconstruction"] + record["val_kl"])


def test_two_processes_end_at_the_same_bytes():
    worker = Path(__file__).with_name("determinism_worker.py")
    runs = [subprocess.run([sys.executable, worker, seed], capture_output=True, text=True, check=True) for seed in "12"]
    assert runs[0].stdout == runs[1].stdout
    digests = [line.split()[-1] for line in runs[0].stdout.splitlines()]
    assert len(digests) == len(set(digests)) == 5  # and nothing else was printed: a script in a pipe is silent
    assert runs[0].stderr == ""


def test_the_seed_of_fit_matters_and_initial_weights_are_kept():
    first, second, third = vae(), vae(), vae()
    start = weights(first)
    ae.fit(first, X, epochs=1, seed=0)
    ae.fit(second, X, epochs=1, seed=0)
    ae.fit(third, X, epochs=1, seed=1)
    assert same(first, second) and not same(first, third)
    ae.fit(first, X, epochs=1, lr=1e-30)
    assert same(first, second) and not same(first, start)  # a second fit goes on from where the first ended


@pytest.mark.parametrize(("batch_size", "clip_norm"), [(16, None), (7, None), (70, None), (16, 0.05)])
def test_a_loop_of_ones_own_over_batches_ends_at_the_same_bytes(batch_size, clip_norm):
    own, fitted = autoencoder(), autoencoder()
    ae.fit(fitted, X, epochs=3, batch_size=batch_size, seed=5, clip_norm=clip_norm)
    by_hand(own, X, epochs=3, batch_size=batch_size, seed=5, clip_norm=clip_norm)
    assert same(own, fitted)


def test_clip_norm_caps_the_norm_of_the_whole_gradient():
    norms = []

    def note(record, model):
        norms.append(math.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters())))

    free, clipped = autoencoder(), autoencoder()
    ae.fit(free, X, epochs=2, batch_size=16, callbacks=note)
    ae.fit(clipped, X, epochs=2, batch_size=16, callbacks=note, clip_norm=0.05)
    assert min(norms[:2]) > 0.1 and norms[2:] == pytest.approx([0.05, 0.05], rel=1e-3)
    assert not same(free, clipped)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_one_step_is_the_step_of_adamw(weight_decay):
    lr, (beta1, beta2), epsilon = 0.01, (0.9, 0.999), 1e-8
    model, trained = autoencoder(), autoencoder()
    x = torch.from_numpy(X)
    sum(model.loss_terms(x, model(x)).values()).mean().backward()
    ae.fit(trained, X, epochs=1, batch_size=len(X), lr=lr, weight_decay=weight_decay)
    for p, result in zip(model.parameters(), trained.parameters(), strict=True):
        m, v = (1 - beta1) * p.grad, (1 - beta2) * p.grad**2
        step = (m / (1 - beta1)) / (torch.sqrt(v / (1 - beta2)) + epsilon)
        assert torch.allclose(result, p * (1 - lr * weight_decay) - lr * step, atol=2e-5)


def rates(monkeypatch, **options):
    """Learning rate of every step that the optimiser took."""
    seen = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW, "step", lambda self, *a: (seen.append(self.param_groups[0]["lr"]), step(self, *a))[1]
    )
    history = ae.fit(autoencoder(), table(16), batch_size=8, lr=0.1, **options)
    return seen, history


def test_cosine_with_warmup_sets_each_step(monkeypatch):
    seen, history = rates(monkeypatch, epochs=3, schedule="cosine", warmup=1 / 3)
    quarter = math.sqrt(0.5)
    assert seen == pytest.approx([0.05, 0.1, 0.1, 0.05 * (1 + quarter), 0.05, 0.05 * (1 - quarter)])
    assert history["lr"] == pytest.approx(seen[1::2])


def test_plateau_halves(monkeypatch):
    constant = table(8)
    seen, history = rates(monkeypatch, epochs=13, schedule="plateau", val=[constant], weight_decay=0)
    values = history["val_loss"]
    best, flat, scale, expected = math.inf, 0, 1.0, []
    for value in values:
        expected += [0.1 * scale] * 2
        best, flat = (value, 0) if value < best else (best, flat + 1)
        if flat == 5:
            scale, flat = scale / 2, 0
    assert seen == pytest.approx(expected)


class Worsening(ae.Autoencoder):
    """A model whose validation term rises after a while, whatever it learns."""

    passes = 0

    def loss_terms(self, x, out):
        if not self.training:
            self.passes += 1
        late = 0.0 if self.training else float(max(0, self.passes - 3))
        return super().loss_terms(x, out) | {"worse": torch.full((len(x),), late)}


def test_early_stopping_restores_the_best_weights():
    best = {}

    def keep(record, model):
        best[record["epoch"]] = weights(model)

    model = Worsening.mlp(12, **SIZES)
    history = ae.fit(model, X, val=VAL, epochs=20, batch_size=16, early_stopping=2, callbacks=keep)
    assert (history.stopped, len(history), history.best_epoch, history.restored) == ("early", 5, 3, True)
    assert same(model, best[3]) and not same(model, best[5])
    model.passes = 0
    assert ae.evaluate(model, VAL)["loss"] == min(history["val_loss"]) == history["val_loss"][2]


def test_monitor_watches_a_term():
    history = ae.fit(Worsening.mlp(12, **SIZES), X, val=VAL, epochs=6, early_stopping=4, monitor="worse")
    assert (history.best_epoch, history.stopped) == (1, "early")


def test_callbacks_get_the_record_and_the_model_and_stop_the_run():
    model, seen = autoencoder(), []

    def callback(record, given):
        seen.append((record["epoch"], given is model, set(record) >= {"loss", "val_loss", "lr", "seconds"}))
        return record["epoch"] == 2

    history = ae.fit(model, X, val=VAL, epochs=9, callbacks=[callback])
    assert seen == [(1, True, True), (2, True, True)]
    assert (history.stopped, len(history)) == ("callback", 2)


def test_a_callback_may_evaluate_without_changing_the_run():
    plain, watched = vae(), vae()
    ae.fit(plain, X, epochs=3, batch_size=16)
    ae.fit(watched, X, epochs=3, batch_size=16, callbacks=lambda record, model: ae.evaluate(model, VAL) and None)
    assert same(plain, watched)


class Breaking(ae.Autoencoder):
    """One of its two terms becomes NaN in a chosen training step."""

    steps, breaks = 0, 10**9

    def loss_terms(self, x, out):
        self.steps += self.training
        size = 0.01 * (out["z"] ** 2).sum(dim=1)
        return super().loss_terms(x, out) | {"size": size * (math.nan if self.steps >= self.breaks else 1.0)}


@pytest.mark.parametrize("val", [None, VAL])
def test_nan_stops_with_epoch_term_and_hint_and_keeps_the_best_weights(val):
    model, kept = Breaking.mlp(12, **SIZES), {}
    model.breaks = 2 * 5 + 3  # in the third of five steps of epoch 3
    with pytest.raises(
        TrainingDiverged, match=r"\bsize\b.* became nan in epoch 3; the model holds the weights of epoch 2\."
    ) as e:
        ae.fit(
            model, X, val=val, epochs=9, batch_size=16, callbacks=lambda r, m: kept.update({r["epoch"]: weights(m)}) or None
        )
    assert "Try a smaller lr than 0.001, or clip_norm=1.0" in str(e.value)
    assert [r["epoch"] for r in e.value.history.records] == [1, 2]
    assert same(model, kept[2])
    assert np.isfinite(ae.encode(model, X)).all()


def test_nan_in_the_first_epoch_keeps_the_initial_weights():
    model = Breaking.mlp(12, **SIZES)
    model.breaks, start = 2, weights(model)
    with pytest.raises(TrainingDiverged, match=r"in epoch 1; the model holds the weights of the start"):
        ae.fit(model, X, batch_size=16)
    assert same(model, start)


def test_a_rate_that_is_too_large_is_the_real_thing():
    model = autoencoder()
    with pytest.raises(TrainingDiverged, match=r"reconstruction became (inf|nan) in epoch \d.*smaller lr than 1e\+15"):
        ae.fit(model, X, epochs=3, batch_size=16, lr=1e15)
    assert all(np.isfinite(value).all() for value in weights(model).values())


class RootAtZero(ae.Autoencoder):
    """A finite loss with a gradient that is not: the square root at 0."""

    def loss_terms(self, x, out):
        return super().loss_terms(x, out) | {"root": torch.sqrt((0.0 * out["z"]).sum(dim=1))}


def test_weights_that_the_last_step_spoilt_are_refused():
    model = RootAtZero.mlp(12, **SIZES)
    start = weights(model)
    with pytest.raises(
        TrainingDiverged, match=r"^the weights .* became NaN or infinite in epoch 1; .* weights of the start"
    ):
        ae.fit(model, X, epochs=1, batch_size=len(X))
    assert same(model, start)


class Interrupting(ae.Autoencoder):
    """Ctrl-C comes in a chosen forward pass."""

    calls, comes = 0, 10**9

    def forward(self, x):
        self.calls += 1
        if self.calls == self.comes:
            raise KeyboardInterrupt
        return super().forward(x)


def test_ctrl_c_returns_the_history_and_the_weights_so_far(capsys):
    model = Interrupting.mlp(12, **SIZES)
    model.comes = 5 + 3  # the third step of epoch 2
    history = ae.fit(model, X, epochs=9, batch_size=16)
    assert (history.stopped, len(history)) == ("interrupted", 1)
    assert same(model, by_hand(autoencoder(), X, epochs=2, batch_size=16, steps=7))
    assert "interrupted in epoch 2" in capsys.readouterr().out
    ae.fit(model, X, epochs=1)  # and it can be trained on


def test_ctrl_c_leaves_a_checkpoint_to_go_on_from(tmp_path, capsys):
    whole, path = Interrupting.mlp(12, **SIZES), tmp_path / "run.safetensors"
    ae.fit(whole, X, epochs=3, batch_size=16)
    cut = Interrupting.mlp(12, **SIZES)
    cut.comes = 13
    ae.fit(cut, X, epochs=3, batch_size=16, checkpoint=path)
    resumed = Interrupting.mlp(12, **SIZES)
    history = ae.fit(resumed, X, epochs=3, batch_size=16, resume=path)
    assert same(whole, resumed) and len(history) == 3
    assert "resume: 2 of 3 epochs are done" in capsys.readouterr().out


BUILDS = {
    "autoencoder": autoencoder,
    "vae": vae,
    "learned sigma": lambda: ae.VAE.mlp(12, **SIZES, sigma="learned"),
    "stochastic toy": lambda: Masking.mlp(12, **SIZES),
    "dropout": lambda: ae.Autoencoder(*dropout_parts()),
}


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_a_resumed_run_ends_at_the_same_bytes(build, tmp_path):
    """With everything that has a state: best weights, patience, schedule, moments, noise, dropout."""
    path = tmp_path / "run.safetensors"
    options = {"val": VAL, "batch_size": 16, "lr": 1e-2, "schedule": "plateau", "early_stopping": 30, "seed": 2}
    whole, resumed = build(), build()
    history = ae.fit(whole, X, epochs=6, **options)
    for epochs in (2, 4):
        torch.manual_seed(epochs)  # the caller's generator must not matter
        ae.fit(build(), X, epochs=epochs, checkpoint=path, resume=path, **options)
    again = ae.fit(resumed, X, epochs=6, resume=path, **options)
    assert same(whole, resumed)
    assert records(history) == records(again)
    ae.fit(again_whole := build(), X, epochs=6, **options)
    assert same(whole, again_whole)


def test_a_checkpoint_of_another_model_is_refused_and_changes_nothing(tmp_path):
    path = tmp_path / "run.safetensors"
    ae.fit(autoencoder(), X, epochs=1, checkpoint=path)
    wider = ae.Autoencoder.mlp(12, latent_dim=3, hidden=(20,), seed=1)
    for other, pattern in [
        (vae(), r"written with class='Autoencoder'; this run has 'VAE'"),
        (wider, "belongs to another model"),
    ]:
        start = weights(other)
        with pytest.raises(ValueError, match=rf"^resume: .*{pattern}"):
            ae.fit(other, X, resume=path)
        assert same(other, start)
    with pytest.raises(ValueError, match=r"^resume: .* was written with samples=70; this run has 60"):
        ae.fit(autoencoder(), X[:60], resume=path)


def test_the_callers_random_state_and_mode_are_left_alone():
    model = ae.Autoencoder(*dropout_parts())
    model.eval()
    torch.manual_seed(5)
    before, legacy = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    ae.fit(model, X, val=VAL, epochs=2)
    ae.encode(model, X)
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(legacy, np.random.get_state()[1])  # noqa: NPY002
    assert not model.training


class InOrder:
    """Batches in the order that `fit` takes for an array, from a source that could be of any size."""

    def __init__(self, x, batch_size):
        self.x, self.batch_size, self.epoch = x, batch_size, 0

    def __iter__(self):
        order = batch_order(len(self.x), seed=0, epoch=self.epoch)
        self.epoch += 1
        return iter([self.x[order[i : i + self.batch_size]] for i in range(0, len(order), self.batch_size)])


@pytest.mark.parametrize("shape", [(12,), (6, 5, 2)], ids=["mlp", "conv"])
def test_an_array_a_memory_map_and_an_iterable_give_the_same_bytes(shape, tmp_path):
    def build():
        sizes = {"hidden": (16,)} if len(shape) == 1 else {"channels": (4, 8)}
        return (ae.VAE.mlp if len(shape) == 1 else ae.VAE.conv)(shape, latent_dim=3, likelihood="bernoulli", **sizes)

    x = images(70, shape)
    np.save(tmp_path / "x.npy", x)
    memmap = np.load(tmp_path / "x.npy", mmap_mode="r")
    forms = {
        "array": (x, x[:30]),
        "memory map": (memmap, memmap[:30]),
        "iterable": (InOrder(x, 16), [x[:7], x[7:30]]),
        "float64": (x.astype(np.float64), x[:30].astype(np.float64)),
        "nested lists": (x.tolist(), x[:30].tolist()),
        "not contiguous": (np.stack([x, x], axis=-1)[..., 0], x[:30]),
    }
    results = {}
    for name, (data, val) in forms.items():
        model = build()
        results[name] = (weights(model), records(ae.fit(model, data, val=val, epochs=3, batch_size=16)), weights(model))
    for name, (start, history, end) in results.items():
        assert same(end, results["array"][2]), name
        assert history == results["array"][1], name
        assert not same(start, end)


def test_an_iterable_leaves_the_shape_of_the_model_alone():
    model = autoencoder()
    ae.fit(model, [X[:20], X[20:]], epochs=1)
    assert model.sample_shape == (12,)
    assert ae.encode(model, X).shape == (70, 3)


def test_parts_of_ones_own_learn_their_shape_from_data_that_fit():
    model = ae.Autoencoder(nn.Linear(12, 3), nn.Linear(3, 12))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        ae.fit(model, table(20, width=9), epochs=1)
    assert model.sample_shape is None
    ae.fit(model, X, epochs=1)
    assert model.sample_shape == (12,)
    with pytest.raises(ValueError, match=r"^x must have the shape \(N, 12\); got \(20, 9\)"):
        ae.encode(model, table(20, width=9))


@pytest.mark.filterwarnings("error")
def test_data_are_not_touched():
    x, val = X.copy(), VAL.copy()
    x.flags.writeable = val.flags.writeable = False
    ae.fit(autoencoder(), x, val=val, epochs=2)
    ae.reconstruct(autoencoder(), x)
    assert np.array_equal(x, X) and np.array_equal(val, VAL)


def test_bfloat16_trains_with_float32_weights_and_losses():
    seen = []

    class Noting(ae.VAE):
        def forward(self, x, noise=None):
            out = super().forward(x, noise)
            if self.training:
                seen.append(out["mu"].dtype)
            return out

        def loss_terms(self, x, out):
            terms = super().loss_terms(x, out)
            seen.extend(term.dtype for term in terms.values())
            return terms

    model, reference = Noting.mlp(12, **SIZES), ae.VAE.mlp(12, **SIZES)
    options = {"epochs": 8, "batch_size": 16, "lr": 1e-2}
    history, exact = ae.fit(model, X, precision="bfloat16", **options), ae.fit(reference, X, **options)
    assert seen[0] == torch.bfloat16 and set(seen[1:]) == {torch.bfloat16, torch.float32}
    assert seen.count(torch.float32) == 2 * seen.count(torch.bfloat16)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert history["loss"] == pytest.approx(exact["loss"], rel=0.02) and history["loss"] != exact["loss"]


def test_terms_are_computed_in_float32_in_any_precision():
    x = torch.from_numpy(X)
    for precision in ("float32", "bfloat16"):
        terms = Objective(vae(), precision, torch.device("cpu"))(x)
        assert {term.dtype for term in terms.values()} == {torch.float32}


def test_auto_asks_for_the_device_anew(monkeypatch):
    """Accelerate remembers the device of its first use; a run on the CPU must not decide for the next one."""
    assert place("cpu")[0] == torch.device("cpu")
    monkeypatch.setattr(accelerate.PartialState, "default_device", torch.device("meta"))
    assert place("auto") == (torch.device("meta"), 0, 1)


def test_processes_that_did_not_join_are_refused(monkeypatch):
    """Each would train alone and overwrite the other's checkpoint."""
    place("cpu")
    monkeypatch.setenv("WORLD_SIZE", "2")
    model = autoencoder()
    start = weights(model)
    with pytest.raises(ValueError, match=r"^device='auto': 2 processes were started but 1 joined.* such as device='cpu'"):
        ae.fit(model, X)
    assert same(model, start)


def test_progress_is_silent_here_and_shown_when_asked_for(capfd):
    ae.fit(autoencoder(), X, epochs=2)
    assert capfd.readouterr() == ("", "")
    ae.fit(autoencoder(), X, val=VAL, epochs=2, batch_size=16, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "epoch 2/2" in err and "loss=" in err and "val_loss=" in err and "10/10" in err
    ae.fit(autoencoder(), [X], epochs=2, progress=True)  # of unknown length
    assert "epoch 2/2" in capfd.readouterr().err


def test_batches_are_epochs_in_the_documented_order():
    data = ae.batches(X, batch_size=16, seed=3)
    for epoch in range(2):
        passed = list(data)
        assert [len(b) for b in passed] == [16, 16, 16, 16, 6]
        assert np.array_equal(torch.cat(passed).numpy(), X[batch_order(70, seed=3, epoch=epoch)])
    assert next(iter(ae.batches(images(4), batch_size=2))).shape == (2, 1, 6, 5)
