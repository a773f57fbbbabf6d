"""The VAE's terms against NumPy, its importance samples, and what both frameworks do with codes: sample, move, weigh."""

import numpy as np
import pytest
from cases import CASES
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from aetutor import keras as keras_ae
from aetutor import metrics, sampling, testing
from aetutor import torch as torch_ae

SIDES = {"torch": torch_ae, "keras": keras_ae}
D, K, SIGMA = 6, 2, 0.4


@pytest.fixture(params=SIDES)
def ae(request):
    return SIDES[request.param]


def linear(ae, **options):
    """A linear-Gaussian VAE with random weights, and these: x = W z + m + noise, q(z | x) = N(V x + c, diag s^2)."""
    model = ae.VAE.mlp(D, latent_dim=K, hidden=(), likelihood="gaussian", sigma=SIGMA, seed=0, **options)
    side, rng = testing._side_of(model), np.random.default_rng(0)
    values = {name: rng.normal(0, 0.5, value.shape).astype("float32") for name, value in side.weights(model).items()}
    encoder, bias, W, m = values.values()  # Keras layout: (D, 2 K), (2 K,), (K, D), (D,)
    precision = np.eye(K) + W @ W.T / SIGMA**2
    mean = np.linalg.solve(precision, W / SIGMA**2)  # (K, D): the exact posterior's mean is mean @ (x - m)
    encoder[:, :K], encoder[:, K:] = mean.T, 0
    bias[:K], bias[K:] = -mean @ m + 0.2, -np.log(np.diag(precision))  # 0.2: q is not the posterior
    side.set_weights(model, values)
    return model, W.astype(float), m.astype(float)


def data(n=20):
    return np.random.default_rng(1).normal(size=(n, D)).astype("float32")


def outputs(model, x, noise):
    return testing._side_of(model).call(model, x, noise)


def log_weights(x, out, W, m):
    """log p(x | z) + log p(z) - log q(z | x) by SciPy, (B, k)."""
    scale = np.exp(0.5 * out["log_var"])[:, None]
    likelihood = norm(out["z"] @ W + m, SIGMA).logpdf(x[:, None]).sum(2)
    return likelihood + norm(0, 1).logpdf(out["z"]).sum(2) - norm(out["mu"][:, None], scale).logpdf(out["z"]).sum(2)


# ---------------------------------------------------------------- the terms


def test_one_draw_is_the_evidence_lower_bound(ae):
    x, noise = data(), np.random.default_rng(2).normal(size=(20, K)).astype("float32")
    model, W, m = linear(ae, beta=0.5)
    out = outputs(model, x, noise)
    np.testing.assert_allclose(out["z"], out["mu"] + np.exp(0.5 * out["log_var"]) * noise, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(out["reconstruction"], -norm(out["z"] @ W + m, SIGMA).logpdf(x).sum(1), rtol=1e-5)
    np.testing.assert_allclose(out["kl"], 0.5 * metrics.kl_standard_normal(out["mu"], out["log_var"]), rtol=1e-5)


def test_several_draws_are_the_importance_weighted_bound(ae):
    x, noise = data(), np.random.default_rng(2).normal(size=(20, 7, K)).astype("float32")
    model, W, m = linear(ae, samples=7)
    out = outputs(model, x, noise)
    assert out["z"].shape == (20, 7, K) and out["x_hat"].shape == (20, 7, D)
    expected = np.log(7) - logsumexp(log_weights(x, out, W, m), axis=1)
    np.testing.assert_allclose(out["negative_bound"], expected, rtol=1e-5)
    assert set(ae.evaluate(model, x)) == {"loss", "negative_bound"}


def test_images_keep_their_axes(ae):
    case = CASES["VAE, conv, three importance samples, learned sigma"]
    model, x = case.build(ae), case.data(4)
    out = outputs(model, x, case.draw_noise(4))
    single = ae.decode(model, out["z"][:, 1])  # the mean of a Gaussian is its parameter
    np.testing.assert_allclose(out["x_hat"][:, 1], single, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("beta", [0.0, 0.3, 4.0])
def test_the_declared_beta_is_trained(ae, beta):
    """The gradient of the loss with respect to the encoder's biases, less that of beta = 0, is beta times the KL's."""
    x, noise = data(), np.random.default_rng(2).normal(size=(20, K)).astype("float32")
    found = []
    for weight in (0.0, beta):
        model, _, _ = linear(ae, beta=weight)
        out, gradients = testing._side_of(model).outputs_and_gradients(model, x, noise)
        found.append(list(gradients.values())[1])  # (2 K,)
    kl = np.concatenate([out["mu"], 0.5 * (np.exp(out["log_var"]) - 1)], axis=1).mean(0)  # its gradient
    np.testing.assert_allclose(found[1] - found[0], beta * kl, atol=2e-5)


def test_the_bound_of_one_weight_is_minus_its_logarithm(ae):
    from_numpy = {torch_ae: "torch", keras_ae: "keras.ops"}[ae]
    import importlib

    module = importlib.import_module(from_numpy)
    tensor = module.from_numpy if ae is torch_ae else module.convert_to_tensor
    values = np.array([[-800.0], [3.0]], "float32")
    np.testing.assert_allclose(np.asarray(ae.losses.importance_bound(tensor(values))), [800, -3])
    same = np.asarray(ae.losses.importance_bound(tensor(np.full((1, 9), -800.0, "float32"))))
    np.testing.assert_allclose(same, [800])  # exp(-800) is 0, the logarithm of a mean of equal weights is not


# ---------------------------------------------------------------- log-likelihood


def test_log_likelihood_of_a_linear_model_is_the_exact_one(ae):
    """Within 0.02 nats on average for S = 2,000, and 0.25 for each sample; the bound is above 0.5 nats away."""
    x, (model, W, m) = data(100), linear(ae)
    exact = multivariate_normal(m, W.T @ W + SIGMA**2 * np.eye(D)).logpdf(x)
    found = ae.log_likelihood(model, x, samples=2000)
    assert found.shape == (100,) and found.dtype == np.float64
    assert abs((found - exact).mean()) < 0.02 and np.abs(found - exact).max() < 0.25
    means = [ae.log_likelihood(model, x, samples=s).mean() for s in (1, 5, 50)]
    assert exact.mean() - means[0] > 0.3 and means[0] < means[1] < means[2] < exact.mean() + 0.02


def test_log_likelihood_is_the_same_in_both_frameworks():
    case = CASES["VAE, conv, three importance samples, learned sigma"]
    both = [ae.log_likelihood(case.build(ae), case.data(10), samples=30, seed=3) for ae in SIDES.values()]
    np.testing.assert_allclose(*both, rtol=1e-5)


def test_log_likelihood_depends_on_seed_and_index_only(ae, monkeypatch):
    model, x = linear(ae)[0], data(10)
    whole = ae.log_likelihood(model, x, samples=50, seed=1)
    np.testing.assert_allclose(ae.log_likelihood(model, x[:3], samples=50, seed=1), whole[:3], rtol=1e-6)
    assert not np.allclose(ae.log_likelihood(model, x, samples=50, seed=2), whole, rtol=1e-6)
    monkeypatch.setattr(sampling, "BLOCK_ELEMENTS", 4 * D * 7)
    monkeypatch.setattr(sampling, "BLOCK_ROWS", 4)
    np.testing.assert_allclose(ae.log_likelihood(model, x, samples=50, seed=1), whole, rtol=1e-6)


def test_importance_samples_come_in_blocks(monkeypatch):
    monkeypatch.setattr(sampling, "BLOCK_ELEMENTS", 60)
    seen = []

    def log_weights(x, noise):
        seen.append((len(x), noise.shape[1]))
        return noise[..., 0]

    found = sampling.log_mean_weights(np.zeros((7, 5), "float32"), log_weights, (2,), samples=10, seed=0)
    assert max(b * s * 5 for b, s in seen) <= 60 and sum(b * s for b, s in seen) == 70
    noise = np.stack([np.random.default_rng([0, 4, i]).standard_normal((10, 2), dtype="float32") for i in range(7)])
    np.testing.assert_allclose(found, logsumexp(noise[..., 0].astype(float), axis=1) - np.log(10), rtol=1e-6)


def test_a_huge_sample_is_weighed_one_draw_at_a_time(monkeypatch):
    monkeypatch.setattr(sampling, "BLOCK_ELEMENTS", 3)
    seen = []
    sampling.log_mean_weights(
        np.zeros((2, 5), "float32"), lambda x, e: seen.append(e.shape) or e[..., 0], (2,), samples=3, seed=0
    )
    assert seen == [(1, 1, 2)] * 6


# ---------------------------------------------------------------- codes


def test_samples_are_decoded_draws_from_the_prior(ae):
    model = CASES["VAE, mlp, binary"].build(ae)
    drawn = ae.sample(model, 5, seed=3)
    codes = np.random.default_rng(3).standard_normal((5, 3)).astype("float32")
    assert drawn.shape == (5, 9, 10, 2) and 0 < drawn.min() < drawn.max() < 1
    np.testing.assert_allclose(drawn, ae.decode(model, codes), rtol=1e-6)
    assert ae.sample(model).shape[0] == 16


def test_samples_of_a_model_of_ones_own_parts(ae):
    parts = ae.backbones.mlp(D, latent_dim=K, code_factor=2)
    model = ae.VAE(*parts)
    if ae is torch_ae:  # Keras knows the shapes of models that begin with an Input
        with pytest.raises(ValueError, match="size of its codes is not known before it is fitted"):
            ae.sample(model)
    ae.fit(model, data(40), epochs=1)
    assert ae.sample(model, 3).shape == (3, D) and ae.log_likelihood(model, data(4), samples=3).shape == (4,)


def test_interpolation_runs_from_one_reconstruction_to_the_other(ae):
    case = CASES["VAE, conv, learned sigma"]
    model, x = case.build(ae), case.data(6)
    path = ae.interpolate(model, x[:3], x[3:], steps=5)
    assert path.shape == (3, 5, *x.shape[1:]) and path.dtype == np.float32
    np.testing.assert_allclose(path[:, 0], ae.reconstruct(model, x[:3]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(path[:, -1], ae.reconstruct(model, x[3:]), rtol=1e-5, atol=1e-6)
    middle = ae.decode(model, (ae.encode(model, x[:3]) + ae.encode(model, x[3:])) / 2)
    np.testing.assert_allclose(path[:, 2], middle, rtol=1e-5, atol=1e-6)


def test_a_traversal_moves_one_unit_at_a_time(ae):
    case = CASES["VAE, conv, learned sigma"]
    model, x = case.build(ae), case.data(1)[0]
    moved = ae.traverse(model, x, dims=(2, 0), values=(-1.5, 0, 4))
    assert moved.shape == (2, 3, *x.shape)
    z = ae.encode(model, x[None])
    z[0, 2] = 4.0
    np.testing.assert_allclose(moved[0, 2], ae.decode(model, z)[0], rtol=1e-5, atol=1e-6)
    assert ae.traverse(model, x).shape == (3, 7, *x.shape)
    assert ae.traverse(ae.Autoencoder.mlp(D, latent_dim=K), data(1)[0]).shape == (2, 7, D)  # no prior is needed


# ---------------------------------------------------------------- what is refused


REFUSED = {
    "no prior": (TypeError, "Autoencoder, which has no prior", lambda ae, vae, plain: ae.sample(plain)),
    "no such number": (ValueError, "n must be an integer of at least 1", lambda ae, vae, plain: ae.sample(vae, 0)),
    "no likelihood of x": (TypeError, "gives x no likelihood", lambda ae, vae, plain: ae.log_likelihood(plain, data())),
    "no draws": (ValueError, "samples must be an integer", lambda ae, vae, plain: ae.log_likelihood(vae, data(), samples=0)),
    "another shape": (ValueError, "x must have the shape", lambda ae, vae, plain: ae.log_likelihood(vae, data()[:, 1:])),
    "one end missing": (
        ValueError, "b must hold as many samples as a, 3; got 2",
        lambda ae, vae, plain: ae.interpolate(vae, data(3), data(2)),
    ),
    "one step": (ValueError, "steps must be", lambda ae, vae, plain: ae.interpolate(vae, data(2), data(2), steps=1)),
    "a unit too many": (ValueError, r"dims\[1\]", lambda ae, vae, plain: ae.traverse(vae, data()[0], dims=(0, 2))),
    "no values": (ValueError, "values must hold", lambda ae, vae, plain: ae.traverse(vae, data()[0], values=())),
    "a number for a sequence": (TypeError, "dims must be a seq", lambda ae, vae, plain: ae.traverse(vae, data()[0], dims=1)),
    "a list": (TypeError, "x must be one sample", lambda ae, vae, plain: ae.traverse(vae, [1.0] * D)),
    "samples 0": (ValueError, "samples must be an integer", lambda ae, vae, plain: ae.VAE.mlp(D, latent_dim=K, samples=0)),
    "beta beside samples": (
        ValueError, "beta=2 has no meaning with samples=3",
        lambda ae, vae, plain: ae.VAE.mlp(D, latent_dim=K, samples=3, beta=2.0),
    ),
    "weights without a likelihood": (
        ValueError, "samples=3 weighs draws by their likelihood",
        lambda ae, vae, plain: ae.VAE.mlp(D, latent_dim=K, samples=3, likelihood="squared_error"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(ae, name):
    error, message, call = REFUSED[name]
    with pytest.raises(error, match=message):
        call(ae, linear(ae)[0], ae.Autoencoder.mlp(D, latent_dim=K))


def test_what_is_no_likelihood_is_refused(ae):
    squared = ae.VAE.mlp(D, latent_dim=K, likelihood="squared_error")
    with pytest.raises(ValueError, match='likelihood="squared_error" is no likelihood'):
        ae.log_likelihood(squared, data())
    grey = np.full((3, D), 0.25, "float32")
    bernoulli = ae.VAE.mlp(D, latent_dim=K, likelihood="bernoulli")
    with pytest.raises(ValueError, match=r"x holds 0\.25"):
        ae.log_likelihood(bernoulli, grey)
    assert (ae.log_likelihood(bernoulli, np.round(grey), samples=2) < 0).all()


def test_a_callback_cannot_weigh_what_the_bound_has_not(ae):
    model = linear(ae, samples=2)[0]

    def warm_up(record, model):
        model.beta = 0.5

    with pytest.raises(ValueError, match=r"beta=0\.5 has no meaning"):
        ae.fit(model, data(64), epochs=2, callbacks=warm_up)


def test_a_prior_of_another_name_is_refused(ae):
    class Unknown(ae.VAE):
        prior = "cauchy"

    with pytest.raises(ValueError, match="prior='cauchy' is not known"):
        ae.sample(Unknown.mlp(D, latent_dim=K))
