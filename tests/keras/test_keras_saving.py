"""save and load in both formats, and the files that are refused."""

import keras
import numpy as np
import pytest
from keras_helpers import arrays, plain, same, vae

from aetutor import checkpoints
from aetutor import keras as ae

FORMATS = ("model.keras", "model.safetensors")


@pytest.mark.parametrize("name", FORMATS)
def test_round_trip(x, tmp_path, name):
    model = vae(likelihood="gaussian", sigma="learned", beta=0.5)
    ae.fit(model, x, epochs=1, batch_size=96)
    ae.save(model, tmp_path / name)
    loaded = ae.load(tmp_path / name)
    assert type(loaded) is ae.VAE and same(model, loaded)
    assert (ae.encode(loaded, x) == ae.encode(model, x)).all()
    assert (loaded.likelihood, loaded.sigma, loaded.beta) == ("gaussian", "learned", 0.5)
    assert loaded.sample_shape == (4, 4, 1) and loaded.built_with["constructor"] == "mlp"
    assert [p.name for p in tmp_path.iterdir()] == [name]  # nothing temporary is left
    given = vae(seed=3, likelihood="gaussian", sigma="learned")
    assert ae.load(tmp_path / name, model=given) is given and same(given, model)
    ae.fit(loaded, x, epochs=1, batch_size=96)  # and goes on training


def test_keras_own_functions_work(x, tmp_path):
    model = vae()
    ae.fit(model, x, epochs=1, batch_size=96, schedule="cosine")
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert same(model, loaded) and (ae.encode(loaded, x) == ae.encode(model, x)).all()
    assert (loaded.beta, loaded.sample_shape) == (1.0, (4, 4, 1)) and loaded.built_with["arguments"]["latent_dim"] == 2
    loaded.fit(x, epochs=1, batch_size=96, verbose=0)  # with the optimizer it was saved with
    assert int(loaded.optimizer.iterations) == 2


@pytest.mark.parametrize("name", FORMATS)
def test_parts_of_ones_own(x, tmp_path, name):
    class Half(keras.layers.Layer):
        def call(self, x):
            return 0.5 * x

    def build(scale):
        parts = [keras.Sequential([Half(), keras.layers.Dense(n, kernel_initializer=scale)]) for n in (2, 16)]
        model = ae.Autoencoder(*parts)
        model(np.ones((1, 16), "float32"))
        return model

    model, other = build("ones"), build("zeros")
    ae.save(model, tmp_path / name)
    with pytest.raises(ValueError, match=r"load\(path, model=model\)"):
        ae.load(tmp_path / name)
    assert same(ae.load(tmp_path / name, model=other), model)


@pytest.mark.parametrize("name", FORMATS)
def test_another_model_is_refused_and_left_as_it_was(tmp_path, name):
    ae.save(vae(), tmp_path / name)
    for other, message in ((vae(hidden=(9,)), "another model"), (plain(), "holds a VAE; model is a Autoencoder")):
        before = arrays(other)
        with pytest.raises(ValueError, match=message):
            ae.load(tmp_path / name, model=other)
        assert all((a == b).all() for a, b in zip(before, arrays(other), strict=True))


@pytest.mark.parametrize("name", FORMATS)
def test_cut_and_foreign_files_are_refused(tmp_path, name):
    path = tmp_path / name
    ae.save(vae(), path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"not a model", b""):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"no \.keras file|no aetutor file"):
            ae.load(path)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        ae.load(tmp_path / f"missing{path.suffix}")


def test_altered_keras_file_is_refused(tmp_path):
    path = tmp_path / "m.keras"
    ae.save(vae(), path)
    content = bytearray(path.read_bytes())
    place = content.index(b"model.weights.h5") + 1000
    content[place] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"altered|no \.keras file"):
        ae.load(path)


def test_files_of_other_kinds_are_refused(x, tmp_path):
    path = tmp_path / "run.safetensors"
    ae.fit(plain(), x, epochs=1, batch_size=96, checkpoint=path)
    with pytest.raises(ValueError, match="holds a 'training checkpoint'"):
        ae.load(path)
    checkpoints.write(path, {}, {"kind": "model", "framework": "torch", "class": "VAE"})
    with pytest.raises(ValueError, match=r"written by aetutor\.torch"):
        ae.load(path)
    keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "plain.keras")
    with pytest.raises(TypeError, match=r"aetutor.keras.Autoencoder"):
        ae.load(tmp_path / "plain.keras")
    with pytest.raises(ValueError, match="must end in"):
        ae.save(plain(), tmp_path / "model.h5")
    with pytest.raises(TypeError, match="path must be a path"):
        ae.save(plain(), 3)


def test_unbuilt_model_is_refused(tmp_path):
    model = ae.Autoencoder(keras.Sequential([keras.layers.Dense(1)]), keras.Sequential([keras.layers.Dense(2)]))
    with pytest.raises(ValueError, match="no weights yet"):
        ae.save(model, tmp_path / "m.keras")
