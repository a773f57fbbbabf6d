"""Adversarial classes in use: parts of one's own, files, refusals, draws and likelihoods."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from adversarial_helpers import ROUTES, X, build, network, parts


def test_batch_norm_is_refused(side):
    for name, factor in (("AdversarialAutoencoder", 1), ("VAEGAN", 2)):
        with pytest.raises(ValueError, match=r"is a BatchNorm.*Use layer norm or none"):
            getattr(side.ae, name)(*parts(side, factor), network(side, batch_norm=True))


def test_a_discriminator_of_ones_own(side):
    for name, factor in (("AdversarialAutoencoder", 1), ("VAEGAN", 2)):
        cls = getattr(side.ae, name)
        model = cls(*parts(side, factor), network(side))
        history = side.ae.fit(model, X[:, :3], epochs=2)
        assert math.isfinite(history["discriminator"][-1])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.safetensors")
            side.ae.save(model, path)
            other = cls(*parts(side, factor), network(side))
            if side.name == "keras":
                other.build((None, 3))
                assert np.array_equal(side.ae.encode(side.ae.load(path), X[:, :3]), side.ae.encode(model, X[:, :3]))
            side.ae.load(path, model=other)
        for a, b in zip(side.weights(model), side.weights(other), strict=True):
            assert np.array_equal(side.array(a), side.array(b))
        with pytest.raises(ValueError, match="is needed to make a discriminator; pass it, or a discriminator of your own"):
            cls(*parts(side, factor))


def test_what_convenience_constructors_made_is_rebuilt(side, tmp_path):
    for name in (*ROUTES, "WassersteinAutoencoder"):
        options = {"scales": (0.5, 2.0)} if name.startswith("W") else {"discriminator_hidden": (7, 6), "strength": 0.3}
        model = getattr(side.ae, name).mlp(12, latent_dim=3, hidden=(10,), seed=3, **options)
        path = tmp_path / f"{name}.safetensors"
        side.ae.save(model, path)
        other = side.ae.load(path)
        assert all(getattr(other, key) == value for key, value in options.items())
        assert np.array_equal(side.ae.sample(other, 3), side.ae.sample(model, 3))
        if side.name == "keras":
            import keras

            side.ae.save(model, tmp_path / "model.keras")
            again = keras.saving.load_model(tmp_path / "model.keras")
            assert np.array_equal(side.ae.sample(again, 3), side.ae.sample(model, 3))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("AdversarialAutoencoder", {"strength": -1.0}, "strength must be a finite number of at least 0"),
        ("AdversarialAutoencoder", {"discriminator_rate": 0.0}, "discriminator_rate must be a finite number greater than 0"),
        ("AdversarialAutoencoder", {"discriminator_hidden": ()}, "discriminator_hidden must name at least one layer"),
        ("WassersteinAutoencoder", {"scales": ()}, r"scales must hold at least one number; got \(\)"),
        ("WassersteinAutoencoder", {"scales": (1.0, 0.0)}, r"scales\[1\] must be a finite number greater than 0; got 0"),
        ("WassersteinAutoencoder", {"strength": float("nan")}, "strength must be a finite number of at least 0; got nan"),
        ("VAEGAN", {"features": -0.1}, "features must be a finite number of at least 0; got -0.1"),
        ("VAEGAN", {"pixels": 0.0, "sigma": "learned"}, "sigma='learned' is trained by the reconstruction term"),
        ("VAEGAN", {"samples": 5}, "VAEGAN.mlp has no argument 'samples'"),
    ],
)
def test_bad_arguments(side, name, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(side.ae, name).mlp(12, latent_dim=3, **options)
    with pytest.raises(TypeError, match=r"scales must be a sequence of numbers greater than 0; got 1\.0"):
        side.ae.WassersteinAutoencoder.mlp(12, latent_dim=3, scales=1.0)


def test_features_need_a_sequential(side):
    dense = side.weights  # any object that is no module of the framework's
    with pytest.raises(TypeError, match="discriminator must be a Sequential of at least two layers"):
        side.ae.VAEGAN(*parts(side, 2), dense)


def test_prior_and_lines(side):
    for name in (*ROUTES, "WassersteinAutoencoder"):
        model = getattr(side.ae, name).mlp(12, latent_dim=3, seed=0)
        codes = np.random.default_rng(5).standard_normal((4, 3)).astype("float32")
        assert side.ae.sample(model, 4, seed=5) == pytest.approx(side.ae.decode(model, codes), abs=1e-6)
        assert side.ae.interpolate(model, X[:2], X[2:4], steps=3).shape == (2, 3, 12)


def test_a_vae_gan_has_the_likelihood_of_its_vae(side):
    model = build(side, "VAEGAN", likelihood="bernoulli")
    plain = side.ae.VAE(model.encoder, model.decoder, likelihood="bernoulli")
    binary = (X > 0.5).astype("float32")
    plain.sample_shape = (12,)
    found = side.ae.log_likelihood(model, binary, samples=20)
    assert found == pytest.approx(side.ae.log_likelihood(plain, binary, samples=20), abs=1e-4)
