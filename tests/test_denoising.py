"""Denoising: the corruption is aetutor.corruption's, the target is the clean x, encode and reconstruct corrupt nothing."""

import importlib

import numpy as np
import pytest

from aetutor import corruption

SIDES = ("torch", "keras")
SHAPE = (5, 4, 3)  # three different sides: an image in the wrong order would show
X = np.random.default_rng(0).random((6, *SHAPE)).astype("float32")
LEVELS = {"gaussian": 0.7, "masking": 0.4, "salt_and_pepper": 0.5}


def build(side, **options):
    ae = importlib.import_module(f"aetutor.{side}")
    return ae.DenoisingAutoencoder.mlp(SHAPE, latent_dim=4, hidden=(8,), seed=1, **options)


def run(side, model, x, noise):
    """Outputs and loss terms as NumPy arrays in NumPy's order of axes."""
    from aetutor import testing

    return {"torch": testing._TorchSide, "keras": testing._KerasSide}[side]().call(model, x, noise)


def with_numpy(kind, x, seed):
    """What aetutor.corruption makes of x, and the noise that it drew for it."""
    rng, level = np.random.default_rng(seed), LEVELS[kind]
    if kind == "gaussian":
        return corruption.gaussian(x, sigma=level, seed=seed), rng.standard_normal(x.shape).astype("float32")
    return getattr(corruption, kind)(x, fraction=level, seed=seed), rng.random(x.shape).astype("float32")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", LEVELS)
def test_same_noise_same_values_as_in_numpy(side, kind):
    expected, noise = with_numpy(kind, X, seed=3)
    out = run(side, build(side, corruption=kind, level=LEVELS[kind]), X, noise)
    np.testing.assert_allclose(out["x_tilde"], expected, rtol=1e-6, atol=1e-6)
    assert (out["x_tilde"] != X).mean() > 0.25


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", LEVELS)
def test_the_target_is_clean(side, kind):
    _, noise = with_numpy(kind, X, seed=4)
    out = run(side, build(side, corruption=kind, level=LEVELS[kind]), X, noise)
    expected = ((X.astype(float) - out["x_hat"]) ** 2).sum((1, 2, 3))
    noisy = ((out["x_tilde"].astype(float) - out["x_hat"]) ** 2).sum((1, 2, 3))
    assert out["reconstruction"] == pytest.approx(expected, rel=1e-5)
    assert np.abs(noisy / expected - 1).min() > 1e-3  # the two can be told apart


@pytest.mark.parametrize("side", SIDES)
def test_the_cross_entropy_is_that_of_the_clean_x(side):
    _, noise = with_numpy("gaussian", X, seed=5)
    out = run(side, build(side, likelihood="bernoulli", level=0.7), X, noise)
    p = 1 / (1 + np.exp(-out["x_hat"].astype(float)))
    expected = -(X * np.log(p) + (1 - X) * np.log(1 - p)).sum((1, 2, 3))
    assert out["reconstruction"] == pytest.approx(expected, rel=1e-5)
    assert out["x_tilde"].min() < 0  # outside the likelihood's support, which is that of the target


@pytest.mark.parametrize("side", SIDES)
def test_encode_and_reconstruct_take_x_as_it_is(side):
    ae = importlib.import_module(f"aetutor.{side}")
    model = build(side, corruption="masking", level=1.0)
    plain = ae.Autoencoder.mlp(SHAPE, latent_dim=4, hidden=(8,), seed=1)
    np.testing.assert_array_equal(ae.encode(model, X), ae.encode(plain, X))
    np.testing.assert_array_equal(ae.reconstruct(model, X), ae.reconstruct(plain, X))
    assert not run(side, model, X, np.zeros_like(X))["x_tilde"].any()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", LEVELS)
def test_level_zero_trains_the_plain_autoencoder(side, kind):
    ae = importlib.import_module(f"aetutor.{side}")
    plain = ae.Autoencoder.mlp(SHAPE, latent_dim=4, hidden=(8,), seed=1)
    model = build(side, corruption=kind, level=0)
    assert ae.evaluate(model, X)["loss"] == pytest.approx(ae.evaluate(plain, X)["loss"], rel=1e-6)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", LEVELS)
def test_own_noise_has_the_stated_level(side, kind):
    """Drawn by the model itself: moments and shares of 60,000 entries."""
    model, x = build(side, corruption=kind, level=0.4), np.full((1000, *SHAPE), 0.5, "float32")
    tilde = run(side, model, x, None)["x_tilde"]
    if kind == "gaussian":
        assert (tilde - x).mean() == pytest.approx(0, abs=0.01) and (tilde - x).std() == pytest.approx(0.4, rel=0.02)
    else:
        salt = 0.2 if kind == "salt_and_pepper" else 0.0
        assert (tilde == 1).mean() == pytest.approx(salt, abs=0.01)
        assert (tilde == 0).mean() == pytest.approx(0.4 - salt, abs=0.01)
        assert (tilde == 0.5).mean() == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("side", SIDES)
def test_saved_with_its_corruption(side, tmp_path):
    ae = importlib.import_module(f"aetutor.{side}")
    model = build(side, corruption="salt_and_pepper", level=0.25)
    ae.fit(model, np.concatenate([X] * 4), epochs=1)
    ae.save(model, tmp_path / ("model.safetensors" if side == "torch" else "model.keras"))
    loaded = ae.load(tmp_path / ("model.safetensors" if side == "torch" else "model.keras"))
    assert (loaded.corruption, loaded.level) == ("salt_and_pepper", 0.25)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (dict(corruption="salt"), ValueError, r"corruption='salt' is not known.*Did you mean 'salt_and_pepper'"),
        (dict(corruption=0.3), TypeError, "corruption must be one of"),
        (dict(level=-0.1), ValueError, r"level must be a finite number.*got -0\.1"),
        (dict(corruption="masking", level=1.5), ValueError, r"level must be a finite number from 0 to 1; got 1\.5"),
        (dict(corruption="salt_and_pepper", level="0.3"), TypeError, "level must be a number"),
        (dict(sigma=0.5), ValueError, r"sigma=0\.5 has no effect"),
    ],
)
def test_bad_arguments_are_named(side, options, error, message):
    with pytest.raises(error, match=message):
        build(side, **options)


@pytest.mark.parametrize("side", SIDES)
def test_noise_of_another_shape_is_refused(side):
    """(6, 5, 4, 1) would broadcast: one draw for the three channels."""
    with pytest.raises(ValueError, match="noise must have the shape of x"):
        run(side, build(side), X, np.zeros((6, 5, 4, 1), "float32"))
