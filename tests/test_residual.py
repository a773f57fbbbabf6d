"""The residual backbone of both frameworks against its definition; gradient norms against gradients worked out by hand."""

import importlib
import math

import numpy as np
import pytest

from aetutor import constants, testing

RNG = np.random.default_rng(0)
D, K = 10, 3


@pytest.fixture(params=["torch", "keras"])
def ae(request):
    return importlib.import_module(f"aetutor.{request.param}")


def moved(model):
    """The model with every weight moved: scales not at their start, biases not 0. What it has then, in Keras layout."""
    side = testing._side_of(model)
    weights = {n: v + 0.3 * RNG.standard_normal(v.shape).astype("float32") for n, v in side.weights(model).items()}
    side.set_weights(model, weights)
    return list(weights.values())


def kernels(model):
    return [value for value in testing._side_of(model).weights(model).values() if value.ndim == 2]


def scales(model):
    return [float(value) for value in testing._side_of(model).weights(model).values() if value.ndim == 0]


def half(x, weights, *, depth, connection, norm):
    """The docstring's formulas for an encoder or a decoder; takes its weights from the front of the list."""

    def layer(h):
        if norm == "layer":
            gain, shift = weights.pop(0), weights.pop(0)
            spread = np.sqrt(h.var(axis=1, keepdims=True) + constants.LAYER_NORM_EPSILON)
            h = (h - h.mean(axis=1, keepdims=True)) / spread * gain + shift
        return np.maximum(h, 0) @ weights.pop(0) + weights.pop(0)

    h = x @ weights.pop(0) + weights.pop(0)
    for _ in range(depth - 1):
        added = layer(h)
        h = h + added * weights.pop(0) if connection == "residual" else np.concatenate([h, added], axis=1)
    return layer(h)


# ---------------------------------------------------------------- the definition


@pytest.mark.parametrize("norm", [None, "layer"])
@pytest.mark.parametrize("connection", constants.CONNECTIONS)
def test_it_is_its_definition(ae, connection, norm):
    options = dict(depth=4, connection=connection, norm=norm)
    model = ae.Autoencoder.residual(D, latent_dim=K, width=6, seed=1, **options)
    weights = moved(model)
    x = RNG.standard_normal((5, D)).astype("float32")
    z = half(x.astype(float), weights, **options)
    np.testing.assert_allclose(ae.encode(model, x), z, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ae.reconstruct(model, x), half(z, weights, **options), rtol=1e-4, atol=1e-4)
    assert not weights  # the formula used all there are


@pytest.mark.parametrize("norm", [None, "layer"])
def test_the_first_kernels_are_those_of_the_plain_net_as_deep(ae, norm):
    build = dict(latent_dim=K, norm=norm, seed=4)
    deep = ae.Autoencoder.residual(D, width=7, depth=5, branch_start="one", **build)
    plain = ae.Autoencoder.mlp(D, hidden=(7,) * 5, **build)
    for a, b in zip(kernels(deep), kernels(plain), strict=True):
        np.testing.assert_array_equal(a, b)


def test_one_layer_has_no_branch(ae):
    x = RNG.random((6, D), "float32")
    single, plain = (
        ae.Autoencoder.residual(D, latent_dim=K, width=7, depth=1),
        ae.Autoencoder.mlp(D, latent_dim=K, hidden=(7,)),
    )
    assert not scales(single)
    np.testing.assert_array_equal(ae.reconstruct(single, x), ae.reconstruct(plain, x))


@pytest.mark.parametrize(("start", "value"), [("zero", 0), ("scaled", 1 / math.sqrt(4)), ("one", 1)])
def test_starts(ae, start, value):
    model = ae.Autoencoder.residual(D, latent_dim=K, width=6, depth=5, branch_start=start)
    assert scales(model) == [value] * 8
    assert not scales(ae.Autoencoder.residual(D, latent_dim=K, width=6, depth=5, connection="dense"))


def test_at_zero_the_branches_say_nothing_yet(ae):
    """Branches with other kernels give the same codes; once their scales are not zero, they do not."""
    model = ae.Autoencoder.residual(D, latent_dim=K, width=6, depth=4)
    side, x = testing._side_of(model), RNG.random((5, D), "float32")
    weights, before = side.weights(model), ae.reconstruct(model, x)
    branch = [name for name in weights if weights[name].ndim == 2][1:4]
    side.set_weights(model, weights | {name: weights[name] + 1 for name in branch})
    np.testing.assert_array_equal(ae.reconstruct(model, x), before)
    side.set_weights(model, {name: v + 0.1 if v.ndim == 0 else v for name, v in weights.items()})
    assert np.abs(ae.reconstruct(model, x) - before).max() > 1e-4


def test_densely_connected_layers_see_all_before_them(ae):
    model = ae.Autoencoder.residual(D, latent_dim=K, width=6, depth=4, connection="dense")
    shapes = [kernel.shape for kernel in kernels(model)]
    assert shapes == [(D, 6), (6, 6), (12, 6), (18, 6), (24, K), (K, 6), (6, 6), (12, 6), (18, 6), (24, D)]


@pytest.mark.parametrize("shape", [(4, 3, 2), (5, 2), 7])
def test_shapes_and_every_class(ae, shape):
    x = RNG.random((3, *((shape,) if isinstance(shape, int) else shape)), "float32")
    model = ae.VAE.residual(shape, latent_dim=K, width=6, depth=2, beta=0.5)
    assert ae.encode(model, x).shape == (3, K) and ae.reconstruct(model, x).shape == x.shape
    assert model.beta == 0.5 and model.built_with["constructor"] == "residual"


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (dict(connection="skip"), ValueError, "connection='skip' is not known; accepted: 'residual', 'dense'"),
        (dict(branch_start="zeros"), ValueError, "branch_start='zeros' is not known.*Did you mean 'zero'"),
        (dict(branch_start=0.0), TypeError, "branch_start must be one of"),
        (dict(connection="dense", branch_start="one"), ValueError, "branch_start.*connection='dense'"),
        (dict(norm="batch"), ValueError, "norm='batch' is not known; accepted: 'layer'"),
        (dict(depth=0), ValueError, r"depth must be an integer of at least 1; got 0"),
        (dict(width=2.5), TypeError, "width must be an integer"),
        (dict(activation="swish"), ValueError, "activation='swish' is not known"),
        (dict(hidden=(3,)), TypeError, "residual has no argument 'hidden'"),
    ],
)
def test_bad_arguments(ae, wrong, error, message):
    with pytest.raises(error, match=message):
        ae.Autoencoder.residual(D, **dict(latent_dim=K) | wrong)


@pytest.mark.parametrize("name", ["m.safetensors", "m.keras"])
@pytest.mark.parametrize("connection", constants.CONNECTIONS)
def test_saved_and_rebuilt(ae, connection, name, tmp_path):
    if name.endswith("keras") and ae.__name__.endswith("torch"):
        pytest.skip("Keras' own format")
    build = dict(latent_dim=K, width=6, depth=3, connection=connection, norm="layer")
    model = ae.Autoencoder.residual((4, 3), **build, seed=3)
    x = RNG.random((40, 4, 3), "float32")
    ae.fit(model, x, epochs=1)
    ae.save(model, tmp_path / name)
    np.testing.assert_array_equal(ae.reconstruct(ae.load(tmp_path / name), x), ae.reconstruct(model, x))


# ---------------------------------------------------------------- gradients


def test_gradient_norms_by_hand(ae):
    """x_hat = x A C: with e = 2 (x_hat - x) / B the gradients are x' e C' and (x A)' e."""
    model = ae.Autoencoder.mlp(D, latent_dim=K, hidden=(), seed=0)
    a, c = kernels(model)
    x = RNG.random((7, D), "float32")
    before = testing._side_of(model).weights(model)
    e = 2 * (x @ a @ c - x) / 7
    found = testing.gradient_norms(model, x)
    np.testing.assert_allclose(found, [np.linalg.norm(x.T @ e @ c.T), np.linalg.norm((x @ a).T @ e)], rtol=1e-4)
    for first, second in zip(before.values(), testing._side_of(model).weights(model).values(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_gradient_norms_take_noise_and_leave_no_gradients():
    from aetutor import torch as ae

    model = ae.VAE.mlp(D, latent_dim=K, hidden=(6,))
    x, noise = RNG.random((7, D), "float32"), RNG.standard_normal((7, K)).astype("float32")
    first, second = (testing.gradient_norms(model, x, noise=noise) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len(first) == 4 and all(p.grad is None for p in model.parameters()) and model.training
    assert not np.allclose(first, testing.gradient_norms(model, x, noise=noise[::-1].copy()))


def test_gradient_norms_of_the_scales_are_slopes_of_the_loss(ae):
    model = ae.Autoencoder.residual(D, latent_dim=K, width=6, depth=3, seed=2)
    side, x = testing._side_of(model), RNG.random((16, D), "float32")
    weights, slopes = side.weights(model), []
    found = testing.gradient_norms(model, x, axes=0)
    for name in [name for name in weights if weights[name].ndim == 0]:
        losses = []
        for step in (-0.01, 0.01):
            side.set_weights(model, weights | {name: weights[name] + np.float32(step)})
            losses.append(ae.evaluate(model, x)["loss"])
        slopes.append(abs(losses[1] - losses[0]) / 0.02)
    np.testing.assert_allclose(found, slopes, rtol=2e-2, atol=2e-3)
    with pytest.raises(ValueError, match="axes must be an integer of at least 0"):
        testing.gradient_norms(model, x, axes=-1)


def test_at_zero_a_branch_learns_its_scale_first_and_then_its_weights(ae):
    model = ae.Autoencoder.residual(D, latent_dim=K, width=6, depth=4)
    x = RNG.random((16, D), "float32")
    norms = testing.gradient_norms(model, x)  # 5 kernels a side: first, three branches, last
    branches = np.r_[1:4, 6:9]
    assert (norms[branches] == 0).all() and (np.delete(norms, branches) > 0).all()
    ae.fit(model, x, epochs=1)  # one step
    assert all(abs(s) > 1e-4 for s in scales(model)) and (testing.gradient_norms(model, x) > 0).all()


def test_at_zero_twice_a_branch_never_learns(ae):
    """The scale and the kernel at 0: each waits for the other."""
    model = ae.Autoencoder.residual(D, latent_dim=K, width=6, depth=4)
    side, x = testing._side_of(model), RNG.random((16, D), "float32")
    weights = side.weights(model)
    assert (testing.gradient_norms(model, x, axes=0) > 0).all()
    names = [name for name in weights if weights[name].ndim == 2]
    zeroed = [names[i] for i in (1, 2, 3, 6, 7, 8)]
    side.set_weights(model, weights | {name: np.zeros_like(weights[name]) for name in zeroed})
    assert (testing.gradient_norms(model, x, axes=0) == 0).all()
    ae.fit(model, x, epochs=5, batch_size=4, lr=1e-2)
    after = side.weights(model)
    assert not any(after[name].any() for name in zeroed) and not any(scales(model))
    assert all(np.abs(after[name] - weights[name]).max() > 1e-3 for name in set(names) - set(zeroed))
