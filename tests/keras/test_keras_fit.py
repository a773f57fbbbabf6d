"""fit: what it learns, that it is reproducible, and what stops it."""

import math
from pathlib import Path

import keras
import numpy as np
import pytest
from keras_helpers import arrays, digest, plain, run_python, same, vae

from aetutor import batching, constants, training_plan
from aetutor import keras as ae
from aetutor.keras import data, noise, training


@pytest.fixture(scope="module")
def reference(x):
    """A stochastic model after 4 epochs of 3 steps, and its history."""
    model = vae()
    return model, ae.fit(model, x, val=x[:40], epochs=4, batch_size=32, lr=1e-2, seed=5)


def interrupt_in(epoch):
    """A callback that does what Ctrl-C does, in `epoch`."""

    def interrupt(record, model):
        if record["epoch"] == epoch:
            raise KeyboardInterrupt

    return interrupt


def test_training_decreases_the_loss(reference):
    history = reference[1]
    assert history["loss"][-1] < history["loss"][0] and history["val_loss"][-1] < history["val_loss"][0]
    assert history.columns == [
        "epoch", "loss", "reconstruction", "kl", "val_loss", "val_reconstruction", "val_kl", "lr", "seconds",
    ]  # fmt: skip
    for record in history.records:
        assert record["loss"] == pytest.approx(record["reconstruction"] + record["kl"], rel=1e-5)


def test_validation_is_evaluate(reference, x):
    model, history = reference
    value = ae.evaluate(model, x[:40], seed=5)
    assert history["val_loss"][-1] == value["loss"] and history["val_kl"][-1] == value["kl"]


def test_validating_does_not_disturb_training(shipped, reference, x):
    model = vae()
    ae.fit(model, x, epochs=4, batch_size=32, lr=1e-2, seed=5)
    assert same(model, reference[0])


def test_the_last_smaller_batch_counts_right(x):
    model = plain()
    history = ae.fit(model, x[:50], val=x[:50], epochs=1, batch_size=32, lr=1e-12)
    assert history["loss"][0] == pytest.approx(history["val_loss"][0], rel=1e-5)


def test_compile_and_fit_by_hand_give_the_same_weights(shipped, reference, x):
    model = vae()
    model.compile(keras.optimizers.Adam(1e-2, epsilon=constants.ADAM_EPSILON), **training.compile_flags(steps=1))
    noise.seed_training(model, 5)
    model.fit(ae.batches(x, batch_size=32, seed=5), epochs=4, verbose=0)
    assert same(model, reference[0])


def test_a_new_model_by_hand_starts_at_seed_0(x):
    a, b = vae(), vae()
    ae.fit(a, x, epochs=1, batch_size=96)
    b.compile(keras.optimizers.Adam(1e-3, epsilon=constants.ADAM_EPSILON), **training.compile_flags(steps=1))
    b.fit(ae.batches(x, batch_size=96), epochs=1, verbose=0)
    assert same(a, b)


def test_streamed_data_give_the_same_weights(shipped, reference, x, tmp_path):
    np.save(tmp_path / "x.npy", x)
    model = vae()
    ae.fit(model, np.load(tmp_path / "x.npy", mmap_mode="r"), epochs=4, batch_size=32, lr=1e-2, seed=5)
    assert same(model, reference[0])


def test_a_memory_map_and_what_does_not_fit_are_streamed(x, tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", x)
    assert not data.resident(np.load(tmp_path / "x.npy", mmap_mode="r"))
    monkeypatch.setattr(data, "free_memory", lambda: 4 * x.nbytes - 1)
    assert not data.resident(x)
    monkeypatch.setattr(data, "free_memory", lambda: 4 * x.nbytes)
    assert data.resident(x) == (keras.backend.backend() == "tensorflow")


def test_batches_are_the_plans(x):
    taken = ae.batches(x, batch_size=40, seed=3)
    for epoch in range(2):
        order = batching.batch_order(96, seed=3, epoch=epoch)
        assert np.array_equal(np.concatenate(list(taken)), x[order])
    if keras.backend.backend() == "tensorflow":
        resident = data.ResidentBatches(x, batch_size=40, seed=3)
        resident.shuffle(1)
        got = [np.array(b) for b in resident.dataset]
        assert [len(b) for b in got] == [40, 40, 16]
        assert np.array_equal(np.concatenate(got), x[order])
        assert resident.dataset.element_spec.shape.as_list() == [None, *x.shape[1:]]
        whole = data.ResidentBatches(x, batch_size=48, seed=3)
        assert whole.dataset.element_spec.shape.as_list() == [48, *x.shape[1:]]


def test_an_iterable_of_batches(x):
    class Once:
        def __iter__(self):
            return iter([x[:64], x[64:]])

    model = vae()
    history = ae.fit(model, Once(), val=[x[:10], x[10:40]], epochs=3, lr=1e-2, seed=5)
    assert len(history) == 3 and history["loss"][-1] < history["loss"][0]
    assert history["val_loss"][-1] == ae.evaluate(model, x[:40], seed=5)["loss"]
    assert int(model.optimizer.iterations) == 6
    with pytest.raises(ValueError, match=r"^x \(batch 2\) holds nan at index"):
        ae.fit(model, [x[:64], x[64:], np.full_like(x, np.nan)])
    with pytest.raises(TypeError, match="generator or iterator"):
        ae.fit(model, iter([x]))
    with pytest.raises(ValueError, match="schedule='cosine' needs the number of steps"):
        ae.fit(model, Once(), schedule="cosine")
    with pytest.raises(TypeError, match="pass it to fit"):
        ae.batches(Once())


def test_two_processes_agree_byte_for_byte(reference):
    code = """
        import sys
        sys.path.insert(0, {folder!r})
        from conftest import images
        from keras_helpers import digest, vae
        from aetutor import keras as ae
        x, model = images(), vae()
        history = ae.fit(model, x, val=x[:40], epochs=4, batch_size=32, lr=1e-2, seed=5)
        print(digest(model), history["val_loss"])
    """
    model, history = reference
    said = run_python(code.format(folder=str(Path(__file__).parent)))
    assert said.strip() == f"{digest(model)} {history['val_loss']}"


def test_resumed_run_equals_the_uninterrupted_one(shipped, x, tmp_path):
    def build():
        encoder = keras.Sequential(
            [keras.layers.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dropout(0.2), keras.layers.Dense(4)]
        )
        encoder.set_weights([np.full((16, 4), 0.1, "float32"), np.zeros(4, "float32")])
        return ae.VAE(encoder, ae.backbones.mlp((4, 4, 1), latent_dim=2)[1], likelihood="bernoulli")

    options = dict(val=x[:40], epochs=4, batch_size=48, seed=5, schedule="cosine")
    whole, parts, path = build(), build(), tmp_path / "run.safetensors"
    history = ae.fit(whole, x, **options)
    ae.fit(parts, x, **options, checkpoint=path, callbacks=interrupt_in(3))
    resumed = build()
    again = ae.fit(resumed, x, **options, resume=path)
    assert same(whole, resumed) and not same(whole, parts)
    assert again["val_loss"] == history["val_loss"] and again["lr"] == history["lr"]


def test_resume_says_when_there_is_nothing_and_refuses_another_run(x, tmp_path, capsys):
    path = tmp_path / "run.safetensors"
    ae.fit(plain(), x, epochs=1, batch_size=96, resume=path, checkpoint=path)
    assert "training starts from zero" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"lr=0.5 differs from the 0.001"):
        ae.fit(plain(), x, epochs=2, batch_size=96, resume=path, lr=0.5)
    model = ae.Autoencoder.mlp((4, 4, 1), latent_dim=3, hidden=(8,))
    before = arrays(model)
    with pytest.raises(ValueError, match="belongs to another model"):
        ae.fit(model, x, epochs=2, batch_size=96, resume=path)
    assert all((a == b).all() for a, b in zip(before, arrays(model), strict=True))
    with pytest.raises(ValueError, match="written with class='Autoencoder'"):
        ae.fit(vae(), x, epochs=2, batch_size=96, resume=path)
    path.write_bytes(b"no checkpoint")
    with pytest.raises(ValueError, match="no aetutor file"):
        ae.fit(plain(), x, resume=path)


def test_cosine_schedule_equals_the_plan():
    cosine = training.Cosine(0.1, 40, 0.2)
    for step in (0, 3, 7, 8, 20, 39):
        expected = training_plan.learning_rate("cosine", step, total=40, lr=0.1, warmup=0.2)
        assert float(cosine(step)) == pytest.approx(expected, abs=1e-7)
    assert training.Cosine.from_config(cosine.get_config()).total == 40


def test_recorded_rates(x):
    history = ae.fit(plain(), x, epochs=3, batch_size=48, lr=0.1, schedule="cosine", warmup=0.5)
    expected = [training_plan.learning_rate("cosine", s, total=6, lr=0.1, warmup=0.5) for s in (1, 3, 5)]
    assert history["lr"] == pytest.approx(expected)


def test_plateau_halves_the_rate(x):
    model = plain()  # a rate too small to change a loss in float32: every epoch after the first is without a better one
    history = ae.fit(model, x, val=x, epochs=8, batch_size=96, lr=1e-12, schedule="plateau")
    assert history["lr"] == pytest.approx([1e-12] * 6 + [5e-13] * 2)
    assert float(model.optimizer.learning_rate) == pytest.approx(5e-13)


def test_weight_decay_is_decoupled(x):
    shrunk, free = plain(), plain()
    ae.fit(shrunk, x, epochs=1, batch_size=96, lr=0.01, weight_decay=0.5)
    ae.fit(free, x, epochs=1, batch_size=96, lr=0.01)
    for a, b, start in zip(arrays(shrunk), arrays(free), arrays(plain()), strict=True):
        np.testing.assert_allclose(a, b - 0.01 * 0.5 * start, atol=1e-6)


def test_clip_norm_bounds_the_whole_gradient(x):

    model, start = plain(), arrays(plain())
    engine = training.Engine(model, x, training.Plan(**(defaults() | dict(clip_norm=1e-3))))
    assert engine.optimizer.global_clipnorm == 1e-3
    model.compile(keras.optimizers.SGD(1.0, global_clipnorm=engine.optimizer.global_clipnorm))
    model.fit(x, batch_size=96, epochs=1, verbose=0)
    moved = math.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(arrays(model), start, strict=True)))
    assert moved == pytest.approx(1e-3, rel=1e-3)


def test_adam_has_the_constants(x):
    optimizer = training.Engine(plain(), x, training.Plan(**defaults())).optimizer
    assert (optimizer.beta_1, optimizer.beta_2) == constants.ADAM_BETAS and optimizer.epsilon == constants.ADAM_EPSILON


def test_early_stopping_restores_the_best(x):
    model, seen = plain(), {}
    val = -10 * np.ones_like(x[:4])
    history = ae.fit(
        model, x, val=val, epochs=50, batch_size=96, lr=1e-2, early_stopping=2,
        callbacks=lambda record, model: seen.update({record["epoch"]: arrays(model)}),
    )  # fmt: skip
    assert history.stopped == "early" and history.restored and len(history) == history.best_epoch + 2
    assert history["val_loss"][history.best_epoch - 1] == min(history["val_loss"])
    assert all((a == b).all() for a, b in zip(arrays(model), seen[history.best_epoch], strict=True))


def test_divergence_stops_and_keeps_the_best_weights(x):
    class Breaks(ae.Autoencoder):
        def loss_terms(self, x, out):
            return super().loss_terms(x, out) | {"penalty": keras.ops.log(1e-3 - keras.ops.mean(out["z"] ** 2, axis=1))}

    model, seen = Breaks.mlp((4, 4, 1), latent_dim=2, hidden=()), {}
    model.encoder.set_weights([1e-4 * w for w in model.encoder.get_weights()])
    with pytest.raises(training_plan.TrainingDiverged, match=r"penalty became nan in epoch (\d+).*smaller lr") as stopped:
        ae.fit(
            model, x, epochs=300, batch_size=96, lr=1e-2,
            callbacks=lambda record, model: seen.update({record["epoch"]: arrays(model)}),
        )  # fmt: skip
    last = len(stopped.value.history)
    assert last >= 1 and all((a == b).all() for a, b in zip(arrays(model), seen[last], strict=True))


def test_ctrl_c_returns_what_there_is(x, capsys):
    model = plain()
    history = ae.fit(model, x, epochs=5, batch_size=96, callbacks=[interrupt_in(2)])
    assert history.stopped == "interrupted" and len(history) == 2 and not same(model, plain())
    assert "interrupted" in capsys.readouterr().out


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the rule is TensorFlow's")
@pytest.mark.parametrize(("gpus", "steps", "jit"), [([], 1000, False), ([], None, False), (["gpu:0"], 99, False),
                                                    (["gpu:0"], 100, True), (["gpu:0"], None, True)])  # fmt: skip
def test_xla_compiles_long_epochs_on_a_gpu_only(shipped, monkeypatch, gpus, steps, jit):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: gpus if kind == "gpu" else ["cpu:0"])
    assert training.compile_flags(steps)["jit_compile"] is jit


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the rule is TensorFlow's")
def test_with_xla_training_is_the_same_but_for_rounding(shipped, x, monkeypatch):
    without = ae.fit(plain(), x, epochs=2, batch_size=24)["loss"]
    monkeypatch.setattr(training, "compile_flags", lambda steps: {"jit_compile": True})
    np.testing.assert_allclose(ae.fit(plain(), x, epochs=2, batch_size=24)["loss"], without, rtol=1e-4)


def test_a_callback_may_change_beta(x, monkeypatch):
    monkeypatch.setattr(
        training, "compile_flags", lambda steps: {"jit_compile": False}
    )  # a graph, which holds beta as a constant

    def anneal(record, model):
        model.beta = 100.0

    history = ae.fit(vae(beta=1.0), x, epochs=2, batch_size=96, lr=1e-6, callbacks=anneal)
    assert history["kl"][1] == pytest.approx(100 * history["kl"][0], rel=0.5)


def test_bfloat16_computes_in_it_and_keeps_float32_weights(shipped, x):
    model, full = plain(), plain()
    history = ae.fit(model, x, val=x, epochs=2, batch_size=96, lr=1e-2, precision="bfloat16")
    ae.fit(full, x, epochs=2, batch_size=96, lr=1e-2)
    assert history["loss"][1] < history["loss"][0]
    assert {str(w.dtype) for w in arrays(model)} == {"float32"} and not same(model, full)
    assert {layer.dtype_policy.name for layer in model._flatten_layers()} == {"float32"}
    np.testing.assert_allclose(ae.reconstruct(model, x), ae.reconstruct(full, x), atol=0.02)


def several_steps():
    """The option that makes Keras report several steps at once, where it can."""
    return {"steps_per_execution": 16} if keras.backend.backend() == "tensorflow" else {}


def test_progress_bar(x, capsys, monkeypatch):
    monkeypatch.setattr(training, "compile_flags", lambda steps: {"jit_compile": False} | several_steps())
    ae.fit(plain(), x, val=x, epochs=2, batch_size=12, progress=True)
    shown = capsys.readouterr().err
    assert "16/16" in shown and "val_loss" in shown
    ae.fit(plain(), x, epochs=1, batch_size=96)
    assert capsys.readouterr().err == ""


def defaults():
    return dict(
        epochs=1, batch_size=96, lr=1e-3, seed=0, weight_decay=0.0, clip_norm=None, schedule="constant", warmup=0.0,
        early_stopping=None, monitor="loss", callbacks=(), checkpoint=None, resume=None, precision="float32", progress=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(epochs=0), "epochs must be an integer of at least 1; got 0"),
        (dict(batch_size=0), "batch_size"),
        (dict(lr=-1.0), "lr must be a finite number greater than 0"),
        (dict(lr=math.nan), "lr"),
        (dict(seed=-1), "seed"),
        (dict(schedule="cosin"), "Did you mean 'cosine'"),
        (dict(warmup=0.1), 'needs schedule="cosine"'),
        (dict(early_stopping=3), "pass val="),
        (dict(monitor="kl", val="x"), "monitor='kl' was not recorded"),
        (dict(monitor="kl"), "pass val="),
        (dict(callbacks=3), "callbacks must be functions"),
        (dict(checkpoint="a.pkl"), "must end in .safetensors"),
        (dict(device="gpu:77"), "device='gpu:77' is not available"),
        (dict(device=3), "device must be"),
        (dict(precision="float16"), "precision='float16' is not known"),
        (dict(val=np.ones((2, 5), "float32")), r"val must have the shape"),
        (dict(val=np.full((2, 4, 4, 1), np.inf, "float32")), "val holds inf"),
    ],
)
def test_bad_arguments_of_fit(x, change, message):
    model = plain()
    change = {k: x if isinstance(v, str) and v == "x" else v for k, v in change.items()}
    with pytest.raises((TypeError, ValueError), match=message):
        ae.fit(model, x, **(dict(epochs=1, batch_size=96) | change))
    assert same(model, plain()) or "monitor" in change


@pytest.mark.parametrize(
    "bad, message",
    [
        (np.full((3, 4, 4, 1), np.nan, "float32"), "x holds nan"),
        (np.full((3, 4, 4, 1), 7.0, "float32"), "outside the support"),
        (np.zeros((3, 4, 4, 1), "uint8"), "[Ss]cale to"),
        (np.ones((3, 16), "float32"), r"x must have the shape \(N, 4, 4, 1\)"),
        (np.ones((0, 4, 4, 1), "float32"), "x is empty"),
    ],
)
def test_bad_data_for_fit(bad, message):
    model = vae()
    with pytest.raises((TypeError, ValueError), match=message):
        ae.fit(model, bad)
    assert same(model, vae())
