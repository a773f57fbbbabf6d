"""Boltzmann machines: every formula against a sum over all states, chains against the distribution they must have."""

import numpy as np
import pytest
import torch
from boltzmann_helpers import IMAGES, RNG, X, logsumexp, parts, rbm, rbm_energies, sigmoid, states

from aetutor import torch as ae
from aetutor.torch.bipartite import gibbs

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
