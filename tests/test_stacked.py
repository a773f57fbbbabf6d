"""Stacks pretrained layer by layer: what each stage is trained on, what the deep net then holds, both frameworks alike."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aetutor import keras as keras_ae
from aetutor import testing
from aetutor import torch as torch_ae

SHAPE, SIZES = (5, 4, 3), (9, 6, 4)  # three different sides: an image in the wrong order would show
X = np.random.default_rng(0).random((50, *SHAPE)).astype("float32")
VAL = np.random.default_rng(1).random((20, *SHAPE)).astype("float32")
STAGES = dict(latent_dim=SIZES[-1], hidden=SIZES[:-1], activation="sigmoid", epochs=2, batch_size=16, lr=1e-2, seed=3)
BACKBONE = dict(latent_dim=SIZES[-1], hidden=SIZES[:-1], activation="sigmoid", seed=3)
SETTINGS = {
    "untied": {},
    "tied": dict(tied=True),
    "ReLU, cross-entropy": dict(activation="relu", likelihood="bernoulli"),
    "tied, sigmoid code and output": dict(tied=True, code_activation="sigmoid", output_activation="sigmoid"),
}


@pytest.fixture(autouse=True)
def uncompiled(monkeypatch):
    """Keras takes the steps of these small nets uncompiled: compiling takes longer than they do."""
    from aetutor.keras import training

    monkeypatch.setattr(training, "compile_flags", lambda steps: {"run_eagerly": True})


@pytest.fixture(params=["torch", "keras"])
def ae(request):
    return {"torch": torch_ae, "keras": keras_ae}[request.param]


def weights(model):
    """Kernels (in, out) and biases in the order of the layers, from either framework."""
    return list(testing._side_of(model).weights(model).values())


def set_weights(model, arrays):
    side = testing._side_of(model)
    side.set_weights(model, dict(zip(side.weights(model), arrays, strict=True)))


def layers_of(model):
    """[(W_l, b_l, V_l, c_l)] of a deep net with the layers 1 ... L, 'V_l' undoing 'W_l'."""
    pairs = list(zip(weights(model)[::2], weights(model)[1::2], strict=True))
    down, up = pairs[: len(SIZES)], pairs[len(SIZES) :][::-1]
    return [(*d, *u) for d, u in zip(down, up, strict=True)]


def activate(name, values):
    return {"relu": lambda v: np.maximum(v, 0), "sigmoid": lambda v: 1 / (1 + np.exp(-v)), "linear": lambda v: v}[name](
        values
    )


def activations(options, layer):
    """Names of the activations of W_l's layer and of the one that undoes it."""
    inner = options.get("activation", "sigmoid")
    encoder = options.get("code_activation", "linear") if layer == len(SIZES) - 1 else inner
    return encoder, options.get("output_activation", "linear") if layer == 0 else inner


@pytest.mark.parametrize("name", SETTINGS)
def test_each_stage_has_the_value_of_its_layers_on_the_codes_below(ae, name):
    """In NumPy, from the deep net that came out: had a later stage moved an earlier layer, or seen other codes, no value
    of an earlier stage, or of this one, would come out."""
    options = SETTINGS[name]
    model, histories = ae.pretrain_stack(X, val=VAL, **STAGES | options)
    assert [len(history) for history in histories] == [2, 2, 2]
    h = VAL.reshape(len(VAL), -1).astype(float)
    for layer, (w, b, v, c) in enumerate(layers_of(model)):
        encoder, decoder = activations(options, layer)
        code = activate(encoder, h @ w + b)
        found = activate(decoder, code @ v + c)
        expected = ((h - found) ** 2).sum(1).mean()
        if layer == 0 and options.get("likelihood") == "bernoulli":
            expected = (np.logaddexp(0, found) - h * found).sum(1).mean()
        assert histories[layer]["val_loss"][-1] == pytest.approx(expected, rel=1e-5)
        if options.get("tied"):
            np.testing.assert_array_equal(v, w.T)
        h = code
    np.testing.assert_allclose(ae.encode(model, VAL), h, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_unrolled_net_is_the_composition_of_the_stages(ae, name):
    options = SETTINGS[name]
    model, _ = ae.pretrain_stack(X, **STAGES | options)
    h, layers = VAL.reshape(len(VAL), -1).astype(float), layers_of(model)
    for layer, (w, b, _, _) in enumerate(layers):
        h = activate(activations(options, layer)[0], h @ w + b)
    for layer, (_, _, v, c) in reversed(list(enumerate(layers))):
        h = activate(activations(options, layer)[1], h @ v + c)
    h = activate("sigmoid", h) if options.get("likelihood") == "bernoulli" else h
    np.testing.assert_allclose(ae.reconstruct(model, VAL), h.reshape(VAL.shape), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("corruption", [{}, dict(corruption="masking", level=0.4), dict(corruption="gaussian", level=0.1)])
def test_the_same_weights_as_separate_autoencoders_trained_by_hand(ae, corruption):
    model, histories = ae.pretrain_stack(X, val=VAL, **STAGES | dict(epochs=(1, 3, 2)), **corruption)
    start = layers_of(ae.Autoencoder.mlp(SHAPE, **BACKBONE))
    x, val, shape = X, VAL, SHAPE
    for layer, (trained, first) in enumerate(zip(layers_of(model), start, strict=True)):
        encoder, decoder = activations({}, layer)
        cls = ae.DenoisingAutoencoder if corruption else ae.Autoencoder
        stage = cls.mlp(
            shape, latent_dim=SIZES[layer], hidden=(), code_activation=encoder, output_activation=decoder, **corruption
        )
        set_weights(stage, first)
        history = ae.fit(stage, x, val=val, epochs=(1, 3, 2)[layer], batch_size=16, lr=1e-2, seed=3)
        for ours, by_hand in zip(trained, weights(stage), strict=True):
            np.testing.assert_array_equal(ours, by_hand)
        assert history["val_loss"] == histories[layer]["val_loss"]
        x, val, shape = ae.encode(stage, x), ae.encode(stage, val), SIZES[layer]  # codes of clean input


def test_same_seed_same_weights_other_seed_others(ae):
    runs = [ae.pretrain_stack(X, **STAGES | dict(tied=True, seed=seed)) for seed in (3, 3, 4)]
    for first, second, other in zip(*(weights(model) for model, _ in runs), strict=True):
        np.testing.assert_array_equal(first, second)
        assert not np.array_equal(first, other)
    assert runs[0][1][-1]["loss"] == runs[1][1][-1]["loss"]


def test_the_data_are_left_alone(ae):
    x = X.copy()
    ae.pretrain_stack(x, **STAGES)
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("tied", [False, True])
def test_both_frameworks_train_the_same_stack(tied):
    (first, theirs), (second, ours) = (
        side.pretrain_stack(X, val=VAL, **STAGES | dict(tied=tied)) for side in (torch_ae, keras_ae)
    )
    for a, b in zip(weights(first), weights(second), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(a["val_loss"], b["val_loss"], rtol=1e-3)
    errors = testing.check_parity(first, second, VAL)  # copies the first's weights
    assert {"z", "x_hat", "reconstruction", "gradients"} <= errors.keys()


def test_it_is_an_ordinary_autoencoder(ae, tmp_path):
    """Conforms, saved and loaded without being told its sizes; and fine-tuning is an ordinary fit."""
    model, _ = ae.pretrain_stack(X, **STAGES | dict(tied=True))
    assert type(model) is ae.Autoencoder
    path = tmp_path / "stack.safetensors"
    ae.save(model, path)
    np.testing.assert_array_equal(ae.reconstruct(ae.load(path), X), ae.reconstruct(model, X))
    assert "resumed" in testing.check_autoencoder(lambda: ae.load(path), X)
    before = ae.evaluate(model, X)["loss"]
    ae.fit(model, X, epochs=3, lr=1e-2)
    assert ae.evaluate(model, X)["loss"] < before
    assert any(np.abs(v - w.T).max() > 1e-3 for w, _, v, _ in layers_of(model))  # no longer tied


def test_keras_own_file_of_a_stack(tmp_path):
    model, _ = keras_ae.pretrain_stack(X, **STAGES)
    keras_ae.save(model, tmp_path / "stack.keras")
    loaded = keras_ae.load(tmp_path / "stack.keras")
    np.testing.assert_array_equal(keras_ae.reconstruct(loaded, X), keras_ae.reconstruct(model, X))


def test_on_keras_torch_backend(tmp_path):
    """The deep net as on TensorFlow, from one weight stream; in a process of its own, since a backend is chosen once."""
    program = (
        "import sys, numpy as np, keras; from aetutor import keras as ae; from test_stacked import STAGES, X, weights\n"
        "assert keras.backend.backend() == 'torch'\n"
        "model, _ = ae.pretrain_stack(X, **STAGES | dict(tied=True))\n"
        "np.savez(sys.argv[1], *weights(model))\n"
    )
    path = tmp_path / "weights.npz"
    environment = os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", program, str(path)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    model, _ = torch_ae.pretrain_stack(X, **STAGES | dict(tied=True))
    with np.load(path) as found:
        for name, expected in zip(found.files, weights(model), strict=True):
            np.testing.assert_allclose(found[name], expected, rtol=1e-3, atol=1e-4)


def test_an_interrupted_stage_ends_the_stack(ae, monkeypatch):
    module = importlib.import_module(f"{ae.__name__}.models.stacked")

    def interrupted(*args, **options):
        history = ae.fit(*args, **options)
        history.stopped = "interrupted"
        return history

    monkeypatch.setattr(module, "fit", interrupted)
    assert len(ae.pretrain_stack(X, **STAGES)[1]) == 1


def test_a_diverging_stage_is_named(ae):
    from aetutor.training_plan import TrainingDiverged

    with pytest.raises(TrainingDiverged, match=r"^stage 1: .*became"):
        ae.pretrain_stack(X, **STAGES | dict(lr=1e38, activation="relu"))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (dict(epochs=(2, 2)), ValueError, r"epochs must be one integer, or one for each of the 3 stages; got \(2, 2\)"),
        (dict(epochs=0), ValueError, "epochs must be an integer of at least 1"),
        (dict(epochs=(1, 0, 1)), ValueError, r"epochs\[1\] must be an integer of at least 1"),
        (dict(epochs=2.5), TypeError, "epochs must be a sequence of positive integers"),
        (dict(epochs=True), TypeError, "epochs must be an integer"),
        (dict(tied="yes"), TypeError, "tied must be True or False"),
        (dict(level=0.4), ValueError, "level=0.4 has no effect with corruption=None"),
        (dict(corruption="mask"), ValueError, "corruption='mask' is not known.*Did you mean 'masking'"),
        (dict(hidden=9), TypeError, "hidden must be a sequence"),
        (dict(likelihood="poisson"), ValueError, "likelihood='poisson' is not known"),
        (dict(activation="elu"), ValueError, "activation='elu' is not known"),
        (dict(val=X[:, :4]), ValueError, r"val must have the shape \(N, 5, 4, 3\)"),
        (dict(lr=-1.0), ValueError, "lr must be a finite number greater than 0"),
    ],
)
def test_bad_arguments_are_named(ae, options, error, message):
    with pytest.raises(error, match=message):
        ae.pretrain_stack(X, **STAGES | options)


def test_bad_data_are_refused(ae):
    with pytest.raises(TypeError, match="x must be a NumPy array"):
        ae.pretrain_stack(iter([X]), **STAGES)
    with pytest.raises(ValueError, match="outside the support"):
        ae.pretrain_stack(3 * X, **STAGES | dict(likelihood="bernoulli"))
    with pytest.raises(ValueError, match="only finite values"):
        ae.pretrain_stack(np.where(X > 0.99, np.nan, X), **STAGES)
