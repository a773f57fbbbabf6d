"""The conditional VAE: what is given is neither drawn nor scored, its likelihood is that of x given c, and bad input."""

import importlib

import numpy as np
import pytest

from aetutor import testing

D, C, K = 6, 2, 3
X = np.random.default_rng(0).random((5, D), "float32")
GIVEN = np.eye(C, dtype="float32")[[0, 1, 0, 1, 1]]
BOTH = np.concatenate([X, GIVEN], axis=1)  # (5, D + C)


@pytest.fixture(params=["torch", "keras"])
def ae(request):
    return importlib.import_module(f"aetutor.{request.param}")


def build(ae, **options):
    return ae.ConditionalVAE.mlp(**{"shape": D + C, "conditions": C, "latent_dim": K, "hidden": (8,), "seed": 3} | options)


def affine(net, width):
    """Matrix (width, out) and offset (out,) of a net without hidden layers, (B, width) -> (B, out), found by calling it."""
    rows = np.concatenate([np.zeros((1, width)), np.eye(width)]).astype("float32")
    if type(net).__module__.startswith("torch"):
        import torch

        out = net(torch.from_numpy(rows)).detach().numpy()
    else:
        from keras import ops

        out = ops.convert_to_numpy(net(ops.convert_to_tensor(rows)))
    return out[1:].astype(float) - out[0], out[0].astype(float)


def test_the_condition_goes_through_unchanged_and_is_read_by_both_nets(ae):
    model = build(ae)
    z = ae.encode(model, BOTH)
    assert z.shape == (5, K + C)
    assert np.array_equal(z[:, K:], GIVEN)
    assert np.array_equal(ae.reconstruct(model, BOTH)[:, D:], GIVEN)
    swapped = np.concatenate([X, GIVEN[:, ::-1]], axis=1)
    assert not np.allclose(ae.encode(model, swapped)[:, :K], z[:, :K], atol=1e-3)
    moved = np.concatenate([z[:, :K], GIVEN[:, ::-1]], axis=1)
    assert not np.allclose(ae.decode(model, moved)[:, :D], ae.decode(model, z)[:, :D], atol=1e-3)


@pytest.mark.parametrize("likelihood", ["squared_error", "bernoulli", "gaussian"])
def test_the_loss_scores_x_and_not_the_condition(ae, likelihood):
    """Against NumPy, from the outputs: with c counted it would be larger, or for the squared error the mean over more."""
    model = build(ae, likelihood=likelihood, beta=0.5)
    side = testing._side_of(model)
    out = side.call(model, BOTH, np.random.default_rng(1).standard_normal((5, K)).astype("float32"))
    assert out["x_hat"].shape == (5, D)
    params = out["x_hat"].astype(float)
    expected = {
        "squared_error": ((X - params) ** 2).sum(1),
        "bernoulli": (np.logaddexp(0, params) - X * params).sum(1),
        "gaussian": (0.5 * (X - params) ** 2 + 0.5 * np.log(2 * np.pi)).sum(1),
    }[likelihood]
    assert np.allclose(out["reconstruction"], expected, rtol=1e-5)
    mu, log_var = out["mu"].astype(float), out["log_var"].astype(float)
    assert np.allclose(out["kl"], 0.5 * 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(1), rtol=1e-4)


def test_log_likelihood_is_that_of_x_given_c(ae):
    """A linear decoder with Gaussian noise has log p(x | c) in closed form: N(x; A c + b, W W' + sigma^2 I)."""
    sigma = 0.7
    model = build(ae, hidden=(), likelihood="gaussian", sigma=sigma)
    side = testing._side_of(model)  # an encoder of zeros proposes from the prior, whose draws all count
    arrays = side.weights(model).items()  # the encoder's kernel and bias come first
    side.set_weights(model, {name: value * (place >= 2) for place, (name, value) in enumerate(arrays)})
    weights, offset = affine(model.decoder, K + C)  # (K + C, D), (D,)
    mean = offset + GIVEN @ weights[K:]  # (5, D)
    covariance = weights[:K].T @ weights[:K] + sigma**2 * np.eye(D)  # (D, D)
    off = X - mean
    exact = -0.5 * (
        (off @ np.linalg.inv(covariance) * off).sum(1) + np.linalg.slogdet(covariance)[1] + D * np.log(2 * np.pi)
    )
    estimate = ae.log_likelihood(model, BOTH, samples=20000)
    assert np.abs(estimate - exact).max() < 0.05
    swapped = ae.log_likelihood(model, np.concatenate([X, GIVEN[:, ::-1]], axis=1), samples=20000)
    assert np.abs(swapped - exact).max() > 0.15  # the test would see another c


def test_samples_of_a_condition(ae):
    model = build(ae)
    one = ae.sample(model, 4, condition=GIVEN[0], seed=1)
    assert one.shape == (4, D + C)
    assert np.array_equal(one[:, D:], np.tile(GIVEN[0], (4, 1)))
    each = ae.sample(model, 4, condition=GIVEN[:4], seed=1)
    assert np.array_equal(each[:, D:], GIVEN[:4])
    assert np.allclose(each[0], one[0], atol=1e-6)  # the same z and c
    assert not np.allclose(each[1, :D], one[1, :D], atol=1e-3)  # the same z, another c


def test_both_frameworks_sample_alike():
    draws = []
    for side in ("torch", "keras"):
        ae = importlib.import_module(f"aetutor.{side}")
        draws.append(ae.sample(build(ae), 3, condition=(0.5, -1.0), seed=2))
    assert np.allclose(*draws, atol=1e-6)


def test_more_draws_give_a_tighter_bound(ae):
    one, ten = (build(ae, samples=k, likelihood="gaussian") for k in (1, 10))
    x = np.tile(BOTH, (200, 1))
    assert ae.evaluate(ten, x)["loss"] < ae.evaluate(one, x)["loss"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"shape": (D, C)}, ValueError, r"flat samples \[x \| c\], more than conditions=2; got \(6, 2\)"),
        ({"shape": C}, ValueError, r"more than conditions=2; got \(2,\)"),
        ({"conditions": 0}, ValueError, "conditions must be an integer of at least 1"),
        ({"conditions": 1.5}, TypeError, "conditions"),
        ({"samples": 5, "beta": 2.0}, ValueError, "no meaning with samples=5"),
        ({"hiden": (3,)}, TypeError, "ConditionalVAE.mlp has no argument 'hiden'.*hidden"),
    ],
)
def test_bad_arguments_are_refused(ae, options, error, message):
    with pytest.raises(error, match=message):
        build(ae, **options)


@pytest.mark.parametrize("name", ["conv", "recurrent", "residual"])
def test_other_backbones_say_that_they_are_not_offered(ae, name):
    with pytest.raises(TypeError, match=f"ConditionalVAE.{name} is not offered: its decoder would not read the condition"):
        getattr(ae.ConditionalVAE, name)((8, 8, 1), latent_dim=2)


def test_bad_conditions_are_refused(ae):
    model = build(ae)
    with pytest.raises(
        ValueError, match=r"condition is needed to sample from a ConditionalVAE: an array \(2,\) or \(4, 2\)"
    ):
        ae.sample(model, 4)
    for wrong in (np.zeros(3), np.zeros((3, 2)), [np.nan, 0.0]):
        with pytest.raises(ValueError, match=r"condition must be finite numbers of shape \(2,\)"):
            ae.sample(model, 4, condition=wrong)
    with pytest.raises(TypeError, match="condition has no effect on a VAE"):
        ae.sample(ae.VAE.mlp(D, latent_dim=K), 4, condition=GIVEN[0])
