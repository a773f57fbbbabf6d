"""Contractive: the penalty is the Jacobian's squared norm, by formula and by probes; nothing is added to the input."""

import importlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SIDES = ("torch", "keras")
SHAPE = (5, 4, 3)  # three different sides: an image in the wrong order would show
X = np.random.default_rng(0).random((6, *SHAPE)).astype("float32")
ACTIVATIONS = {
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "leaky_relu": lambda a: np.where(a > 0, a, 0.01 * a),
    "linear": lambda a: a,
}


def package(side):
    return importlib.import_module(f"aetutor.{side}")


def build(side, shape=SHAPE, **options):
    """A small model whose biases are not 0."""
    model = package(side).ContractiveAutoencoder.mlp(shape, **dict(latent_dim=4, hidden=(), seed=1) | options)
    rng = np.random.default_rng(5)
    inner = inside(side)
    moved = {k: v + 0.3 * rng.standard_normal(v.shape).astype("float32") for k, v in inner.weights(model).items()}
    inner.set_weights(model, moved)
    return model


def inside(side):
    from aetutor import testing

    return {"torch": testing._TorchSide, "keras": testing._KerasSide}[side]()


def run(side, model, x, noise=None):
    """Outputs and loss terms as NumPy arrays in NumPy's order of axes."""
    return inside(side).call(model, x, noise)


def numerical_jacobian(function, x, step=1e-5):
    """dz / dx of one sample, (K, D), by central differences in float64."""
    flat = x.astype(float).reshape(-1)
    columns = [function(flat + step * e) - function(flat - step * e) for e in np.eye(len(flat))]
    return np.stack(columns, axis=1) / (2 * step)


def encoder_in_numpy(side, model, hidden, last):
    """The dense encoder as a function of a flat float64 sample, from the model's own weights in Keras layout."""
    arrays = list(inside(side).weights(model).values())
    layers = len(arrays) // 4 if not model.tied else 1
    pairs = [(arrays[2 * i].astype(float), arrays[2 * i + 1].astype(float)) for i in range(layers)]
    names = [hidden] * (layers - 1) + [last]

    def encode(h):
        for (kernel, bias), name in zip(pairs, names, strict=True):
            h = ACTIVATIONS[name](h @ kernel + bias)
        return h

    return encode


@pytest.mark.parametrize("side", SIDES)
def test_the_loss_of_given_slopes_and_kernels(side):
    """Three layers, against the product of the matrices."""
    rng = np.random.default_rng(1)
    sizes = (7, 6, 5, 4)
    kernels = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(sizes)]
    slopes = [rng.standard_normal((9, b)) for b in sizes[1:]]
    for first in (0, 1, 2):  # three, two and one layer
        jacobian = np.eye(sizes[first])
        for slope, kernel in zip(slopes[first:], kernels[first:], strict=True):
            jacobian = slope[:, :, None] * (kernel @ jacobian)  # (9, H_l, D)
        expected = (jacobian**2).sum((1, 2))
        given = [[tensor(side, a) for a in arrays[first:]] for arrays in (slopes, kernels)]
        assert np.asarray(package(side).losses.squared_jacobian(*given)) == pytest.approx(expected, rel=1e-5)


def tensor(side, array):
    if side == "torch":
        import torch

        return torch.tensor(array, dtype=torch.float32)
    from keras import ops

    return ops.convert_to_tensor(array, "float32")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("hidden", "activation", "code"),
    [((), "relu", "sigmoid"), ((), "relu", "linear"), ((8,), "tanh", "leaky_relu"), ((9, 7), "sigmoid", "tanh")],
)
def test_exact_is_the_numerical_jacobian(side, hidden, activation, code):
    model = build(side, hidden=hidden, activation=activation, code_activation=code, strength=0.25)
    out = run(side, model, X)
    encode = encoder_in_numpy(side, model, activation, code)
    expected = [(numerical_jacobian(encode, x) ** 2).sum() for x in X]
    assert out["squared_jacobian"] == pytest.approx(expected, rel=1e-4)
    assert out["contraction"] == pytest.approx(0.25 * np.array(expected), rel=1e-4)
    np.testing.assert_allclose(out["z"], [encode(x.astype(float).reshape(-1)) for x in X], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("side", SIDES)
def test_one_sigmoid_layer_is_the_formula_of_the_paper(side):
    model = build(side, code_activation="sigmoid", tied=True)
    out = run(side, model, X)
    kernel = next(iter(inside(side).weights(model).values())).astype(float)  # (D, K)
    z = out["z"].astype(float)
    assert out["squared_jacobian"] == pytest.approx((z * (1 - z)) ** 2 @ (kernel**2).sum(0), rel=1e-5)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("likelihood", ["squared_error", "bernoulli"])
def test_the_reconstruction_is_the_plain_autoencoders(side, likelihood):
    """Same weights, same input: no noise is added, and the term is not touched by the penalty."""
    ae = package(side)
    options = dict(latent_dim=4, hidden=(8,), likelihood=likelihood, seed=1)
    plain, model = ae.Autoencoder.mlp(SHAPE, **options), ae.ContractiveAutoencoder.mlp(SHAPE, strength=3.0, **options)
    terms, other = (ae.evaluate(m, X) for m in (model, plain))
    assert terms["reconstruction"] == pytest.approx(other["reconstruction"], rel=1e-6)
    assert terms["contraction"] > 0 and set(terms) == {"loss", "reconstruction", "contraction"}
    np.testing.assert_array_equal(ae.reconstruct(model, X), ae.reconstruct(plain, X))


@pytest.mark.parametrize("side", SIDES)
def test_strength_zero_trains_the_plain_autoencoder(side):
    ae, x = package(side), np.concatenate([X] * 8)
    options = dict(latent_dim=4, hidden=(8,), seed=1)
    models = [ae.Autoencoder.mlp(SHAPE, **options), ae.ContractiveAutoencoder.mlp(SHAPE, strength=0, **options)]
    for model in models:
        ae.fit(model, x, epochs=2, batch_size=16)
    np.testing.assert_allclose(ae.encode(models[0], X), ae.encode(models[1], X), atol=1e-6)


@pytest.mark.parametrize("side", SIDES)
def test_a_probe_measures_the_jacobian_along_it(side):
    """Unit vectors as probes give the columns' squared lengths; their sum is the exact value."""
    options = dict(hidden=(7,), activation="sigmoid", code_activation="tanh")
    exact, model = build(side, **options), build(side, jacobian="probe", **options)
    encode = encoder_in_numpy(side, model, "sigmoid", "tanh")
    jacobian = numerical_jacobian(encode, X[0])  # (K, D)
    units = np.eye(X[0].size, dtype="float32").reshape(-1, *SHAPE)
    out = run(side, model, np.repeat(X[:1], len(units), axis=0), units)
    assert out["squared_jacobian"] == pytest.approx((jacobian**2).sum(0), rel=1e-3, abs=1e-6)
    assert out["squared_jacobian"].sum() == pytest.approx(run(side, exact, X[:1])["squared_jacobian"][0], rel=1e-4)


@pytest.mark.parametrize("side", SIDES)
def test_own_probes_estimate_the_exact_value(side):
    """Mean and standard deviation of 4,000 single probes."""
    options = dict(hidden=(7,), activation="tanh", code_activation="sigmoid")
    exact, model = build(side, **options), build(side, jacobian="probe", **options)
    jacobian = numerical_jacobian(encoder_in_numpy(side, exact, "tanh", "sigmoid"), X[0])
    expected, spread = (jacobian**2).sum(), np.sqrt(2 * ((jacobian @ jacobian.T) ** 2).sum())
    found = run(side, model, np.repeat(X[:1], 4000, axis=0))["squared_jacobian"]
    assert found.mean() == pytest.approx(expected, abs=5 * spread / np.sqrt(4000))
    assert found.std() == pytest.approx(spread, rel=0.2)


@pytest.mark.parametrize("side", SIDES)
def test_probes_train_a_convolutional_encoder_to_a_smaller_jacobian(side):
    """The gradient passes through the derivative: trained with the penalty the Jacobian is smaller than without."""
    ae, found = package(side), {}
    probes = np.random.default_rng(2).standard_normal((6, *SHAPE)).astype("float32")
    for strength in (0.0, 0.3):
        model = ae.ContractiveAutoencoder.conv(
            SHAPE, latent_dim=4, channels=(4,), activation="tanh", jacobian="probe", strength=strength, seed=1
        )
        ae.fit(model, np.concatenate([X] * 8), epochs=10, batch_size=8, lr=1e-2)
        found[strength] = run(side, model, X, probes)["squared_jacobian"].mean()
    assert found[0.3] < 0.5 * found[0.0]


@pytest.mark.parametrize("side", SIDES)
def test_tied_decodes_with_the_transposed_kernel(side):
    model = build(side, code_activation="sigmoid", output_activation="sigmoid", tied=True)
    arrays = [a.astype(float) for a in inside(side).weights(model).values()]
    assert [a.shape for a in arrays] == [(60, 4), (4,), (60,)]
    kernel, _, bias = arrays
    out = run(side, model, X)
    expected = ACTIVATIONS["sigmoid"](out["z"].astype(float) @ kernel.T + bias).reshape(X.shape)
    np.testing.assert_allclose(out["x_hat"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(package(side).decode(model, out["z"]), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("suffix", [".safetensors", ".keras"])
def test_tied_is_saved_and_rebuilt(side, suffix, tmp_path):
    if (side, suffix) == ("torch", ".keras"):
        pytest.skip("Keras' own format")
    ae = package(side)
    model = build(side, code_activation="sigmoid", likelihood="bernoulli", tied=True, strength=0.3)
    ae.fit(model, np.concatenate([X] * 8), epochs=1)
    ae.save(model, tmp_path / f"model{suffix}")
    loaded = ae.load(tmp_path / f"model{suffix}")
    assert (loaded.tied, loaded.strength, loaded.jacobian) == (True, 0.3, "exact")
    np.testing.assert_array_equal(ae.reconstruct(loaded, X), ae.reconstruct(model, X))
    ae.fit(loaded, np.concatenate([X] * 8), epochs=1)
    assert len(inside(side).weights(loaded)) == 3


def test_keras_activations_inside_the_dense_layers():
    import keras

    ae = package("keras")
    parts = [
        keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, "tanh"), keras.layers.Dense(3, "sigmoid")]),
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(6, "sigmoid")]),
    ]
    x = np.random.default_rng(3).random((4, 6)).astype("float32")
    model = ae.ContractiveAutoencoder(*parts)
    arrays = list(inside("keras").weights(model).values())[:4]

    def encode(h):
        h = np.tanh(h @ arrays[0].astype(float) + arrays[1])
        return ACTIVATIONS["sigmoid"](h @ arrays[2].astype(float) + arrays[3])

    exact = run("keras", model, x)["squared_jacobian"]
    assert exact == pytest.approx([(numerical_jacobian(encode, row) ** 2).sum() for row in x], rel=1e-4)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (dict(strength=-0.1), ValueError, r"strength must be a finite number.*got -0\.1"),
        (dict(strength="0.1"), TypeError, "strength must be a number"),
        (dict(jacobian="probes"), ValueError, r"jacobian='probes' is not known.*Did you mean 'probe'"),
        (dict(tied=1), TypeError, "tied must be True or False; got 1"),
        (dict(tied=True, hidden=(8,)), ValueError, "tied=True needs"),
        (dict(activation="gelu", hidden=(8,)), ValueError, r"takes an encoder of dense layers.*Use jacobian='probe'"),
        (dict(norm="layer", hidden=(8,)), ValueError, r"takes an encoder of dense layers.*got LayerNorm.*'probe'"),
        (dict(sigma=0.5), ValueError, r"sigma=0\.5 has no effect"),
    ],
)
def test_bad_arguments_are_named(side, options, error, message):
    with pytest.raises(error, match=message):
        build(side, **options)


@pytest.mark.parametrize("side", SIDES)
def test_an_exact_jacobian_of_convolutions_is_refused(side):
    with pytest.raises(ValueError, match=r"got .*Conv2[dD].*Use jacobian='probe'"):
        package(side).ContractiveAutoencoder.conv(SHAPE, latent_dim=4, channels=(4,))


@pytest.mark.parametrize("side", SIDES)
def test_noise_is_refused_where_it_means_nothing_or_would_broadcast(side):
    with pytest.raises(ValueError, match="noise has no effect with jacobian='exact'"):
        run(side, build(side), X, X)
    with pytest.raises(ValueError, match="noise must have the shape of x"):
        run(side, build(side, jacobian="probe"), X, X[:, :, :, :1])


def test_conforms_on_keras_torch_backend():
    """In a process of its own: a backend is chosen once, at Keras' import. Probes are differentiated by that backend."""
    program = (
        "from cases import CASES; from aetutor import keras as ae, testing; import keras\n"
        "assert keras.backend.backend() == 'torch'\n"
        "for name in CASES:\n"
        "    if name.startswith('contractive'):\n"
        "        testing.check_autoencoder(lambda: CASES[name].build(ae), CASES[name].data()); print('conforms:', name)\n"
    )
    environment = os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("conforms:") == 4
