"""`save` and `load` of aetutor.torch."""

import numpy as np
import pytest
from torch import nn
from torch_toys import Masking, images, same, table, weights

from aetutor import checkpoints
from aetutor import torch as ae

BUILDS = {
    "autoencoder": lambda: ae.Autoencoder.mlp(12, latent_dim=3, hidden=[16, 8], likelihood="bernoulli"),
    "sigma": lambda: ae.Autoencoder.mlp((4, 3), latent_dim=3, hidden=(), likelihood="gaussian", sigma=0.3),
    "vae": lambda: ae.VAE.mlp(12, latent_dim=3, likelihood="gaussian", sigma="learned", beta=2.5, norm="layer"),
    "conv": lambda: ae.VAE.conv((6, 5, 2), latent_dim=3, channels=(4, 8), activation="tanh", seed=3),
}


def data(model):
    return images(20, model.sample_shape)


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_what_a_constructor_built_is_rebuilt_from_the_file(build, tmp_path):
    model, path = build(), tmp_path / "model.safetensors"
    x = data(model)
    ae.fit(model, x, epochs=1)
    ae.save(model, path)
    loaded = ae.load(path)
    assert type(loaded) is type(model) and loaded is not model
    assert same(loaded, model)
    assert np.array_equal(ae.reconstruct(loaded, x), ae.reconstruct(model, x))
    assert ae.evaluate(loaded, x) == ae.evaluate(model, x)  # likelihood, sigma and beta came along
    assert loaded.sample_shape == model.sample_shape
    ae.save(loaded, tmp_path / "again.safetensors")
    assert same(ae.load(tmp_path / "again.safetensors"), model)


def test_numbers_of_numpy_can_be_saved(tmp_path):
    model = ae.VAE.mlp(
        np.int64(12),
        latent_dim=np.int32(3),
        hidden=np.array([8, 4]),
        seed=np.uint8(1),
        beta=np.float32(0.5),
        sigma=np.float32(2),
    )
    ae.save(model, tmp_path / "model.safetensors")
    loaded = ae.load(tmp_path / "model.safetensors")
    assert same(loaded, model) and (loaded.beta, loaded.sigma) == (0.5, 2.0)
    lazy = ae.VAE.mlp(12, latent_dim=3, hidden=(n for n in (8, 4)))
    ae.save(lazy, tmp_path / "model.safetensors")
    assert same(ae.load(tmp_path / "model.safetensors"), lazy)


def test_a_model_of_ones_own_parts_is_loaded_into_a_given_one(tmp_path):
    def build():
        return ae.Autoencoder(nn.Linear(12, 3), nn.Linear(3, 12))

    model, path = build(), tmp_path / "model.safetensors"
    ae.save(model, path)
    other = build()
    assert not same(model, other)
    assert ae.load(path, model=other) is other
    assert same(model, other)
    with pytest.raises(
        ValueError, match=r"^path: .* holds a Autoencoder that was not made by a convenience .*load\(path, model=model\)"
    ):
        ae.load(path)


def test_a_class_of_ones_own_needs_a_model_too(tmp_path):
    model, path = Masking.mlp(12, latent_dim=3), tmp_path / "model.safetensors"
    ae.save(model, path)
    with pytest.raises(ValueError, match=r"^path: .* holds a Masking that was not made by .*load\(path, model=model\)"):
        ae.load(path)
    assert same(ae.load(path, model=Masking.mlp(12, latent_dim=3, seed=9)), model)


def refused(path, pattern, model=None, error=ValueError):
    """Loading fails with this message and leaves the given model as it was."""
    before = None if model is None else weights(model)
    with pytest.raises(error, match=pattern):
        ae.load(path, model=model)
    assert model is None or same(model, before)


def test_a_file_of_another_model_changes_nothing(tmp_path):
    path = tmp_path / "model.safetensors"
    ae.save(ae.Autoencoder.mlp(12, latent_dim=3, hidden=(16,)), path)
    refused(path, r"^path: .* holds a Autoencoder; model is a VAE", ae.VAE.mlp(12, latent_dim=3, hidden=(16,)))
    for sizes in ({"hidden": (20,)}, {"hidden": (16, 4)}, {"hidden": ()}):
        refused(path, r"^path: .* belongs to another model: '", ae.Autoencoder.mlp(12, latent_dim=3, **sizes))
    refused(
        path,
        r"belongs to another model: 'log_sigma' is missing in the file",
        ae.Autoencoder.mlp(12, latent_dim=3, hidden=(16,), likelihood="gaussian", sigma="learned"),
    )


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\x80\x04\x95\x10"], ids=["empty", "text", "pickle"])
def test_a_file_that_is_no_checkpoint(content, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    refused(path, r"^path: '.*model\.safetensors' is no aetutor file, or was cut", ae.Autoencoder.mlp(12, latent_dim=3))


def test_a_truncated_file(tmp_path):
    path, model = tmp_path / "model.safetensors", ae.Autoencoder.mlp(12, latent_dim=3)
    ae.save(model, path)
    whole = path.read_bytes()
    for length in (4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(path, r"^path: .* was cut or altered", model)


def test_other_wrong_files(tmp_path):
    model = ae.Autoencoder.mlp(12, latent_dim=3)
    refused(tmp_path / "none.safetensors", r"^path: there is no file", model, FileNotFoundError)
    refused(tmp_path / "model.keras", r"^path must end in \.safetensors; got '.*model\.keras'", model)
    refused(3, r"^path must be a path; got 3 \(int\)", model, TypeError)
    path = tmp_path / "model.safetensors"
    checkpoints.write(path, weights(model), {"kind": "model", "framework": "keras", "class": "Autoencoder"})
    refused(path, r"^path: .* was written by aetutor\.keras; load it there", model)
    ae.fit(model, table(8), epochs=1, checkpoint=path)
    refused(path, r"^path: .* holds a 'training checkpoint'; a 'model' is accepted here", model)
    ae.save(model, path)
    with pytest.raises(ValueError, match=r"^resume: .* holds a 'model'; a 'training checkpoint' is accepted here"):
        ae.fit(model, table(8), epochs=1, resume=path)


def test_save_refuses(tmp_path):
    model = ae.Autoencoder.mlp(12, latent_dim=3)
    for name in ("model.pt", "model.keras", "model"):
        with pytest.raises(ValueError, match=rf"^path must end in \.safetensors; got '.*{name}'"):
            ae.save(model, tmp_path / name)
    with pytest.raises(TypeError, match=r"^model must be an aetutor\.torch\.Autoencoder; got Linear"):
        ae.save(nn.Linear(2, 2), tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []
    ae.save(model, tmp_path / "new" / "model.safetensors")  # folders are made
    assert same(ae.load(tmp_path / "new" / "model.safetensors"), model)
