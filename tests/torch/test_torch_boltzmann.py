"""Boltzmann machines: every formula against a sum over all states, chains against the distribution they must have."""

import importlib
import itertools

import numpy as np
import pytest
import torch

from aetutor import testing
from aetutor import torch as ae
from aetutor.torch.bipartite import gibbs
from aetutor.training_plan import TrainingDiverged

RNG = np.random.default_rng(0)
X = (RNG.random((40, 1)) * 0.8 + 0.1 > RNG.random((40, 6))).astype("float32")
IMAGES = (RNG.random((50, 5, 4, 3)) > 0.6).astype("float32")  # three different sides: a wrong order would show


def states(units):
    """All states of so many units, (2^units, units)."""
    return np.array(list(itertools.product((0.0, 1.0), repeat=units)))


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def logsumexp(a):
    return np.logaddexp.reduce(np.ravel(a))


def entropy(m):
    return -(m * np.log(m) + (1 - m) * np.log(1 - m)).sum(axis=1)


def randomised(model, scale=1.0, seed=1):
    """The model with all weights and biases drawn anew."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    return model


def rbm(visible=6, hidden=4, *, scale=1.0, seed=1, **options):
    return randomised(ae.RBM.mlp(visible, latent_dim=hidden, seed=0, **options), scale, seed)


def dbm(visible=6, hidden=4, top=3, *, scale=1.0, seed=1, **options):
    return randomised(ae.DBM.mlp(visible, latent_dim=top, hidden=(hidden,), seed=0, **options), scale, seed)


def parts(model):
    """W, b, c of an RBM in float64; of a DBM W1, W2, b, c1, c2."""
    dense = [m for m in model.encoder if isinstance(m, torch.nn.Linear)]
    found = [d.weight for d in dense], [model.decoder.bias], [d.bias for d in dense]
    return [p.detach().double().numpy() for part in found for p in part]


def rbm_energies(model):
    """E of all states, (2^D, 2^K)."""
    w, b, c = parts(model)
    v, h = states(len(b)), states(len(c))
    return -(v @ b)[:, None] - h @ c - v @ w.T @ h.T


def dbm_energies(model):
    """E of all states, (2^D, 2^K1, 2^K2)."""
    w1, w2, b, c1, c2 = parts(model)
    v, h1, h2 = states(len(b)), states(len(c1)), states(len(c2))
    below = -(v @ b)[:, None] - h1 @ c1 - v @ w1.T @ h1.T
    return below[:, :, None] - (h2 @ c2 + h1 @ w2.T @ h2.T)


# ---------------------------------------------------------------- the restricted machine


def test_free_energy_is_the_sum_over_the_hidden_states():
    model = rbm()
    v = states(6).astype("float32")
    expected = -np.logaddexp.reduce(-rbm_energies(model), axis=1)
    np.testing.assert_allclose(ae.free_energy(model, v), expected, rtol=1e-5, atol=1e-5)


def test_free_energy_is_that_of_a_library():
    from sklearn.neural_network import BernoulliRBM

    other = BernoulliRBM(4, n_iter=1, random_state=0).fit(X)
    model = rbm()
    other.components_, other.intercept_visible_, other.intercept_hidden_ = parts(model)
    np.testing.assert_allclose(ae.free_energy(model, X), other._free_energy(X.astype(float)), rtol=1e-5)
    np.testing.assert_allclose(ae.encode(model, X), other.transform(X), rtol=1e-5)


@pytest.mark.parametrize(("visible", "hidden"), [(6, 4), (4, 6)])
def test_the_exact_partition_is_the_sum_over_all_states(visible, hidden):
    model = rbm(visible, hidden)
    assert ae.log_partition(model, method="exact").value == pytest.approx(logsumexp(-rbm_energies(model)), abs=1e-6)


def test_encode_and_decode_are_the_conditional_probabilities():
    model = rbm()
    joint = np.exp(-rbm_energies(model))  # (2^D, 2^K)
    v, h = states(6).astype("float32"), states(4).astype("float32")
    np.testing.assert_allclose(ae.encode(model, v), joint @ h / joint.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(ae.decode(model, h), joint.T @ v / joint.sum(0)[:, None], rtol=1e-5)


def statistics(v, w, c):
    """Means of the derivatives of -F with respect to W, b, c over rows of v."""
    h = sigmoid(v @ w.T + c)
    return h.T @ v / len(v), v.mean(0), h.mean(0)


def found_gradients(model, loss):
    loss.backward()
    kernel, b, c = model.encoder[0].weight, model.decoder.bias, model.encoder[0].bias
    return [p.grad.double().numpy() for p in (kernel, b, c)]


@pytest.mark.parametrize("chains", [0, 9])
def test_the_loss_has_the_gradient_of_contrastive_divergence(chains):
    model = rbm(chains=chains)
    w, _, c = parts(model)
    x = torch.from_numpy(X)
    out = model(x)
    gradients = found_gradients(model, sum(model.loss_terms(x, out).values()).mean())
    assert len(out["negative"]) == (chains or len(X))
    data, draws = statistics(X.astype(float), w, c), statistics(out["negative"].double().numpy(), w, c)
    for found, positive, negative in zip(gradients, data, draws, strict=True):
        np.testing.assert_allclose(found, negative - positive, rtol=1e-5, atol=1e-6)


def test_with_exact_draws_it_has_the_gradient_of_the_likelihood():
    """Every state of v, as often as the machine has it, against central differences of -log p over the exact sum."""
    model = rbm()
    w, b, c = parts(model)
    v, p = states(6), np.exp(logsumexp_rows(-rbm_energies(model)) - logsumexp(-rbm_energies(model)))
    x, every = torch.from_numpy(X), torch.from_numpy(v.astype("float32"))
    loss = (model.free_energy(x)).mean() - (torch.from_numpy(p.astype("float32")) * model.free_energy(every)).sum()
    found = found_gradients(model, loss)

    def nll(w, b, c):
        free = lambda v: -v @ b - np.logaddexp(0, v @ w.T + c).sum(1)  # noqa: E731
        return free(X.astype(float)).mean() + logsumexp(-free(v))

    for place, gradient in enumerate(found):
        for index in np.ndindex(gradient.shape):
            sides = []
            for step in (1e-5, -1e-5):
                moved = [a.copy() for a in (w, b, c)]
                moved[place][index] += step
                sides.append(nll(*moved))
            assert gradient[index] == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=1e-5)


def logsumexp_rows(a):
    return np.logaddexp.reduce(a, axis=1)


def test_the_terms_have_the_values_of_the_formulas():
    model = rbm()
    w, b, c = parts(model)
    x = torch.from_numpy(X)
    out = model(x)
    terms = model.loss_terms(x, out)
    free = lambda v: -v @ b - np.logaddexp(0, v @ w.T + c).sum(1)  # noqa: E731
    np.testing.assert_allclose(terms["contrast"].detach(), free(X) - free(out["negative"].numpy()), rtol=1e-4, atol=1e-5)
    logits = sigmoid(X @ w.T + c) @ w + b
    expected = (np.logaddexp(0, logits) - X * logits).sum(1)
    np.testing.assert_allclose(terms["reconstruction"], expected, rtol=1e-5)
    assert not terms["reconstruction"].requires_grad and terms["contrast"].requires_grad


def test_one_step_of_gibbs_by_hand():
    model = rbm()
    w, b, c = parts(model)
    noise = RNG.random((40, 2, 10)).astype("float32")
    v = X.astype(float)
    for step in range(2):
        h = (noise[:, step, :4] < sigmoid(v @ w.T + c)).astype(float)
        v = (noise[:, step, 4:] < sigmoid(h @ w + b)).astype(float)
    model.steps = 2
    np.testing.assert_array_equal(model(torch.from_numpy(X), noise=torch.from_numpy(noise))["negative"], v)


def test_long_chains_have_the_distribution_of_the_machine():
    model = rbm(4, 3, scale=0.7)
    energies = rbm_energies(model)
    p = np.exp(logsumexp_rows(-energies) - logsumexp(-energies))
    noise = torch.rand(20000, 40, 7, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        v = gibbs(torch.zeros(20000, 4), noise, *model.bipartite())
    found = np.bincount((v.numpy() @ [8, 4, 2, 1]).astype(int), minlength=16) / 20000
    np.testing.assert_allclose(found, p, atol=4 * np.sqrt(0.25 / 20000))
    shown = ae.draw_chains(model, 4000, steps=30)
    np.testing.assert_allclose(shown.mean(0), p @ states(4), atol=0.04)


def test_chains_begin_where_they_are_told():
    model = rbm(scale=0.0)
    np.testing.assert_array_equal(ae.draw_chains(model, 3, steps=5), np.full((3, 6), 0.5, "float32"))
    model = rbm(scale=3.0)
    with torch.no_grad():
        h = (torch.rand(40, 4, generator=torch.Generator().manual_seed(2)) < model.encode(torch.from_numpy(X))).float()
        expected = model.mean(model.decode(h))
    np.testing.assert_allclose(ae.draw_chains(model, 40, steps=0, start=X, seed=2), expected, rtol=1e-5)


def test_persistent_chains_move_in_training_only_and_are_saved(tmp_path):
    model = ae.RBM.mlp(6, latent_dim=4, chains=5, seed=3)
    first = model.particles.clone()
    assert set(first.unique().tolist()) <= {0.0, 1.0}
    ae.evaluate(model, X)
    assert torch.equal(model.particles, first)
    out = model.train()(torch.from_numpy(X))
    assert torch.equal(model.particles, out["negative"])
    ae.fit(model, X, epochs=3, lr=1e-2)
    assert not torch.equal(model.particles, first)
    ae.save(model, tmp_path / "rbm.safetensors")
    loaded = ae.load(tmp_path / "rbm.safetensors")
    assert torch.equal(loaded.particles, model.particles) and (loaded.chains, loaded.steps) == (5, 1)
    assert ae.evaluate(loaded, X) == ae.evaluate(model, X)


def test_training_can_begin_at_the_means():
    """Without connections, the machine has the means of the data, and so have its chains; images in the usual order."""
    x = torch.from_numpy(IMAGES).permute(0, 3, 1, 2)
    means = (IMAGES.sum(0) + 0.5) / 51
    for model in (
        ae.RBM.mlp((5, 4, 3), latent_dim=4, chains=2000, seed=0),
        ae.DBM.mlp((5, 4, 3), latent_dim=4, hidden=(6,), chains=2000, seed=0),
    ):
        rest = model.particles[:, 60:].clone()
        model.start_at(x)
        with torch.no_grad():
            model.encoder[1].weight.zero_()
        np.testing.assert_allclose(ae.draw_chains(model, 2, steps=1), [means, means], rtol=1e-5)
        np.testing.assert_allclose(model.particles[:, :60].mean(0), means.ravel(), atol=4 * np.sqrt(0.25 / 2000))
        assert torch.equal(model.particles[:, 60:], rest) and set(model.particles.unique().tolist()) == {0.0, 1.0}


def test_two_seeds_start_two_sets_of_chains():
    sets = [ae.RBM.mlp(30, latent_dim=4, chains=5, seed=seed).particles for seed in (0, 0, 1)]
    assert torch.equal(sets[0], sets[1]) and not torch.equal(sets[0], sets[2])


@pytest.mark.parametrize("options", [dict(steps=10), dict(steps=2, chains=200)])
def test_training_finds_the_distribution(options):
    """Exact log-likelihood of two patterns with noise: near that of the data's own frequencies, and far above that of
    independent pixels, which an RBM that learnt only its biases would have."""
    rng = np.random.default_rng(5)
    patterns = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], float)[rng.integers(0, 2, 2000)]
    x = np.abs(patterns - (rng.random(patterns.shape) < 0.1)).astype("float32")
    model = ae.RBM.mlp(6, latent_dim=4, seed=0, **options)
    ae.fit(model, x, epochs=30, batch_size=100, lr=1e-2, schedule="cosine", seed=0)
    found = (-ae.free_energy(model, x) - ae.log_partition(model, method="exact").value).mean()
    counts = np.unique(x, axis=0, return_counts=True)[1]
    best, p = (counts / 2000 * np.log(counts / 2000)).sum(), x.mean(0)
    independent = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(1).mean()
    assert independent < best - 1 and best - 0.15 < found <= best + 1e-6


def test_images_are_flattened_as_elsewhere():
    model = ae.RBM.mlp((5, 4, 3), latent_dim=7, seed=0)
    flat = ae.RBM.mlp(60, latent_dim=7, seed=0)
    np.testing.assert_allclose(ae.free_energy(model, IMAGES), ae.free_energy(flat, IMAGES.reshape(50, 60)), rtol=1e-6)
    z = ae.encode(model, IMAGES)
    np.testing.assert_allclose(ae.decode(model, z).reshape(50, 60), ae.decode(flat, z), rtol=1e-5)
    drawn, other = (ae.draw_chains(m, 5, steps=3, seed=1) for m in (model, flat))
    np.testing.assert_allclose(drawn.reshape(5, 60), other, rtol=1e-5)


# ---------------------------------------------------------------- annealed importance sampling


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("base", [None, X])
def test_annealing_finds_log_z(seed, base):
    model = rbm(6, 10, seed=seed)
    found = ae.log_partition(model, steps=500, chains=200, base=base, seed=seed)
    exact = ae.log_partition(model, method="exact").value
    assert abs(found.value - exact) < 0.1
    assert 0 < found.error < 0.1


def test_its_standard_error_is_the_spread_of_repetitions():
    model = rbm(6, 10, scale=1.5)
    runs = [ae.log_partition(model, steps=100, chains=100, seed=seed) for seed in range(40)]
    spread = np.std([run.value for run in runs])
    assert 0.6 < np.mean([run.error for run in runs]) / spread < 1.6


def test_without_connections_it_is_exact():
    model = rbm()
    with torch.no_grad():
        model.encoder[0].weight.zero_()
        model.encoder[0].bias.zero_()
    found = ae.log_partition(model, steps=1, chains=2)
    exact = ae.log_partition(model, method="exact")
    assert found.value == pytest.approx(exact.value, abs=1e-5) and found.error == exact.error == 0


def test_it_draws_from_its_seed_alone():
    model = rbm()
    torch.manual_seed(0)
    values = [ae.log_partition(model, steps=20, seed=seed).value for seed in (0, 0, 1)]
    after = torch.rand(1)
    torch.manual_seed(0)
    assert values[0] == values[1] != values[2] and torch.equal(after, torch.rand(1))


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


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: ae.RBM.mlp(6, latent_dim=2, steps=0), ValueError, "steps must be an integer of at least 1; got 0"),
        (lambda: ae.RBM.mlp(6, latent_dim=2, chains=-1), ValueError, "chains must be an integer of at least 0"),
        (lambda: ae.RBM.mlp(6, latent_dim=2, chains=0.5), TypeError, "chains must be an integer"),
        (lambda: ae.RBM.mlp(6, latent_dim=2, hidden=(3,)), TypeError, "RBM.mlp has no argument 'hidden'"),
        (lambda: ae.RBM.mlp(6, latent_dim=2, likelihood="gaussian"), TypeError, "has no argument 'likelihood'"),
        (lambda: ae.RBM.conv((8, 8, 1), latent_dim=2), ValueError, r"encoder of a RBM has 1 dense layer.*got Conv2d"),
        (lambda: ae.RBM(*ae.backbones.mlp(6, latent_dim=2, hidden=())), ValueError, "each with a sigmoid.*got Linear"),
        (lambda: ae.DBM.mlp(6, latent_dim=2, hidden=(4, 3)), ValueError, r"hidden must name one layer.*got \(4, 3\)"),
        (lambda: ae.DBM.mlp(6, latent_dim=2, hidden=(4,), chains=0), ValueError, "chains must be an integer of at least 1"),
        (lambda: ae.DBM.mlp(6, latent_dim=2, hidden=(4,), iterations=0), ValueError, "iterations must be an integer"),
        (lambda: ae.fit(rbm(), 3 * X), ValueError, r"outside the support \[0, 1\]"),
        (lambda: rbm()(torch.zeros(3, 6), noise=torch.zeros(3, 6)), ValueError, r"noise must have the shape \(3, 1, 10\)"),
        (lambda: ae.log_partition(rbm(30, 26), method="exact"), ValueError, "at most 25 units on one side.*26"),
        (lambda: ae.log_partition(rbm(), method="exact", chains=5), ValueError, "chains=5 has no effect with method"),
        (lambda: ae.log_partition(rbm(), method="annealed"), ValueError, "method='annealed' is not known"),
        (lambda: ae.log_partition(rbm(), steps=0), ValueError, "steps must be an integer of at least 1"),
        (lambda: ae.log_partition(rbm(), base=X[:, :3]), ValueError, r"base must have the shape \(N, 6\)"),
        (lambda: ae.log_partition(ae.Autoencoder.mlp(6, latent_dim=2)), TypeError, "model must be an RBM or a DBM"),
        (lambda: ae.free_energy(rbm(), X[:, :3]), ValueError, r"x must have the shape \(N, 6\)"),
        (lambda: ae.draw_chains(rbm(), 3, start=X), ValueError, "start must hold n=3 samples; got 40"),
        (lambda: ae.pretrain_boltzmann(3 * X, latent_dim=2), ValueError, "outside the support"),
        (lambda: ae.pretrain_boltzmann(X, latent_dim=2, epochs=(1,)), ValueError, "one for each of the 2 stages"),
        (lambda: ae.pretrain_boltzmann(X, latent_dim=2, steps=0), ValueError, "steps must be an integer of at least 1"),
    ],
)
def test_bad_arguments_are_named(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_persistent_chains_refuse_several_processes(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    x = torch.from_numpy(X)
    rbm(chains=3).eval()(x)
    rbm()(x)
    with pytest.raises(RuntimeError, match="persistent chains belong to one process"):
        rbm(chains=3)(x)
