"""Deep Boltzmann machines against sums over all states, and a stack of machines, unrolled."""

import importlib

import numpy as np
import pytest
import torch
from boltzmann_helpers import IMAGES, X, dbm, dbm_energies, entropy, logsumexp, parts, sigmoid, states

from aetutor import testing
from aetutor import torch as ae
from aetutor.torch.bipartite import gibbs
from aetutor.training_plan import TrainingDiverged

# ---------------------------------------------------------------- the deep machine


def test_the_deep_partition_is_the_sum_over_all_states():
    model = dbm()
    expected = logsumexp(-dbm_energies(model))
    assert ae.log_partition(model, method="exact").value == pytest.approx(expected, abs=1e-5)
    assert abs(ae.log_partition(model, steps=500, chains=200).value - expected) < 0.1


def test_the_variational_free_energy_is_its_formula_and_a_bound():
    model = dbm(iterations=50)
    w1, w2, b, c1, c2 = parts(model)
    v = states(6)
    m1, m2 = (m.detach().double().numpy() for m in model.mean_field(torch.from_numpy(v.astype("float32"))))
    np.testing.assert_allclose(ae.encode(model, v.astype("float32")), m2, rtol=1e-6)
    energy = -v @ b - m1 @ c1 - m2 @ c2 - ((v @ w1.T) * m1).sum(1) - ((m1 @ w2.T) * m2).sum(1)
    found = ae.free_energy(model, v.astype("float32"))
    np.testing.assert_allclose(found, energy - entropy(m1) - entropy(m2), atol=1e-4)
    exact = -np.logaddexp.reduce(-dbm_energies(model), axis=(1, 2))
    assert (found >= exact - 1e-5).all() and (found - exact).max() > 1e-3


def test_without_a_second_kernel_the_bound_is_exact():
    model = dbm()
    with torch.no_grad():
        model.encoder[2].weight.zero_()
    v = states(6).astype("float32")
    np.testing.assert_allclose(ae.free_energy(model, v), -np.logaddexp.reduce(-dbm_energies(model), axis=(1, 2)), atol=1e-5)


def test_mean_field_never_raises_the_free_energy_and_converges():
    model = dbm(scale=1.5)
    values, codes = [], []
    for model.iterations in (1, 2, 4, 8, 16, 32, 400, 401):
        values.append(ae.free_energy(model, X))
        codes.append(ae.encode(model, X))
    assert (np.diff(values, axis=0) < 1e-5).all() and (values[0] - values[-1]).max() > 1e-3
    np.testing.assert_allclose(codes[-1], codes[-2], atol=1e-6)
    _, w2, _, c1, c2 = parts(model)
    w1 = parts(model)[0]
    m1 = sigmoid(X @ w1.T + c1 + codes[-1] @ w2)
    np.testing.assert_allclose(codes[-1], sigmoid(m1 @ w2.T + c2), atol=1e-5)


def test_the_deep_loss_has_its_gradient():
    model = dbm()
    w1, w2, _, c1, _ = parts(model)
    x = torch.from_numpy(X)
    out = model(x)
    terms = model.loss_terms(x, out)
    sum(terms.values()).mean().backward()
    m1, m2 = (m.detach().double().numpy() for m in model.mean_field(x))
    m1 = sigmoid(X @ w1.T + c1 + m2 @ w2)
    u = out["negative"].double().numpy()
    v, h2 = u[:, :6], u[:, 6:]
    h1 = sigmoid(v @ w1.T + c1 + h2 @ w2)
    expected = [
        h1.T @ v / 100 - m1.T @ X / 40,
        h2.T @ h1 / 100 - m2.T @ m1 / 40,
        v.mean(0) - X.mean(0),
        h1.mean(0) - m1.mean(0),
        h2.mean(0) - m2.mean(0),
    ]
    first, second = model.encoder[0], model.encoder[2]
    for parameter, value in zip((first.weight, second.weight, model.decoder.bias, first.bias, second.bias), expected):  # noqa: B905
        np.testing.assert_allclose(parameter.grad, value, rtol=1e-4, atol=1e-5)
    assert not terms["reconstruction"].requires_grad


def test_deep_chains_have_the_distribution_of_the_machine():
    model = dbm(3, 3, 2, scale=0.7)
    energies = dbm_energies(model)
    p = np.exp(np.logaddexp.reduce(-energies, axis=(1, 2)) - logsumexp(-energies))
    noise = torch.rand(20000, 40, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        u = gibbs(torch.zeros(20000, 5), noise, *model.bipartite())
    found = np.bincount((u.numpy()[:, :3] @ [4, 2, 1]).astype(int), minlength=8) / 20000
    np.testing.assert_allclose(found, p, atol=4 * np.sqrt(0.25 / 20000))


def test_a_deep_machine_of_images(tmp_path):
    model = ae.DBM.mlp((5, 4, 3), latent_dim=4, hidden=(7,), chains=10, seed=0)
    ae.fit(model, IMAGES, epochs=2)
    assert ae.draw_chains(model, 3, steps=2, start=IMAGES[:3]).shape == (3, 5, 4, 3)
    ae.save(model, tmp_path / "dbm.safetensors")
    loaded = ae.load(tmp_path / "dbm.safetensors")
    np.testing.assert_array_equal(ae.reconstruct(loaded, IMAGES), ae.reconstruct(model, IMAGES))
    assert torch.equal(loaded.particles, model.particles) and model.particles.shape == (10, 64)
    flat = ae.DBM.mlp(60, latent_dim=4, hidden=(7,), chains=10, seed=0)
    flat.load_state_dict(dict(zip(flat.state_dict(), model.state_dict().values(), strict=True)))
    np.testing.assert_allclose(ae.encode(flat, IMAGES.reshape(50, 60)), ae.encode(model, IMAGES), rtol=1e-5)


# ---------------------------------------------------------------- a stack, unrolled


def test_a_stack_is_the_machines_trained_by_hand():
    options = dict(epochs=2, batch_size=16, lr=1e-2, seed=3)
    model, histories = ae.pretrain_boltzmann(IMAGES, latent_dim=4, hidden=(9, 6), val=IMAGES[:20], steps=2, **options)
    start = [m for m in ae.Autoencoder.mlp((5, 4, 3), latent_dim=4, hidden=(9, 6), seed=3).modules()]
    start = [m for m in start if isinstance(m, torch.nn.Linear)][:3]
    trained = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    x, val, shape = IMAGES, IMAGES[:20], (5, 4, 3)
    for layer, (first, down, up) in enumerate(zip(start, trained[:3], trained[:2:-1], strict=True)):
        stage = ae.RBM.mlp(shape, latent_dim=len(first.bias), steps=2, seed=3)
        stage.encoder.load_state_dict(dict(zip(stage.encoder.state_dict(), (first.weight, first.bias), strict=True)))
        stage.start_at(torch.from_numpy(np.moveaxis(x, -1, 1) if x.ndim == 4 else x))
        history = ae.fit(stage, x, val=val, **options)
        kernel, b, c = stage.bipartite()
        for found, expected in ((down.weight, kernel), (down.bias, c), (up.weight, kernel.T), (up.bias, b)):
            assert torch.equal(found, expected)
        assert histories[layer]["val_loss"] == history["val_loss"]
        x, val, shape = ae.encode(stage, x), ae.encode(stage, val), len(first.bias)
    np.testing.assert_allclose(ae.encode(model, IMAGES), x, rtol=1e-6)
    h = torch.from_numpy(x)
    for up in trained[3:]:
        h = torch.sigmoid(up(h))
    np.testing.assert_allclose(ae.reconstruct(model, IMAGES).reshape(50, 60), h.detach(), rtol=1e-5)


def test_the_stack_is_an_ordinary_autoencoder(tmp_path):
    model, histories = ae.pretrain_boltzmann(IMAGES, latent_dim=4, hidden=(9,), chains=5, epochs=(1, 2))
    assert type(model) is ae.Autoencoder and [len(history) for history in histories] == [1, 2]
    path = tmp_path / "stack.safetensors"
    ae.save(model, path)
    assert "resumed" in testing.check_autoencoder(lambda: ae.load(path), IMAGES)


def test_an_interrupted_machine_ends_the_stack(monkeypatch):
    module = importlib.import_module("aetutor.torch.models.boltzmann_stack")

    def interrupted(*args, **options):
        history = ae.fit(*args, **options)
        history.stopped = "interrupted"
        return history

    monkeypatch.setattr(module, "fit", interrupted)
    assert len(ae.pretrain_boltzmann(IMAGES, latent_dim=4, hidden=(9,), epochs=1)[1]) == 1


def test_a_diverging_machine_is_named():
    with pytest.raises(TrainingDiverged, match=r"^stage 1: .*became"):
        ae.pretrain_boltzmann(IMAGES, latent_dim=4, hidden=(9,), epochs=3, lr=1e38)
