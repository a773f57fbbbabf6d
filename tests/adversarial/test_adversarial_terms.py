"""Adversarial, Wasserstein and VAE-GAN: the values of the terms against NumPy, and which of them trains whom."""

import numpy as np
import pytest
from adversarial_helpers import PARTS, RNG, ROUTES, X, build, discriminate, noise_for, softplus

from aetutor import metrics

# ---------------------------------------------------------------- values


def mmd_by_loops(z, p, scales):
    def k(a, b):
        return sum(2 * len(a) * s / (2 * len(a) * s + ((a - b) ** 2).sum()) for s in scales)

    n = len(z)
    return [
        sum(k(z[i], z[j]) + k(p[i], p[j]) for j in range(n) if j != i) / max(n - 1, 1)
        - sum(k(z[i], p[j]) + k(z[j], p[i]) for j in range(n)) / n
        for i in range(n)
    ]


@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("scales", [(1.0,), (0.1, 2.0)])
def test_mmd_is_the_unbiased_estimate_row_by_row(side, n, scales):
    z, p = 2 * RNG.normal(size=(n, 3)) + 1, RNG.normal(size=(n, 3))
    found = side.array(side.ae.losses.mmd(side.tensor(z), side.tensor(p), scales))
    assert found == pytest.approx(mmd_by_loops(z, p, scales), rel=1e-4, abs=1e-5)
    if n > 1:
        assert found.mean() == pytest.approx(metrics.maximum_mean_discrepancy(z, p, scales=scales), abs=1e-5)


def test_mmd_is_zero_on_average_for_one_distribution_and_grows_with_a_shift():
    values = [metrics.maximum_mean_discrepancy(*RNG.normal(size=(2, 20, 3))) for _ in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / 20 and min(values) < 0
    a, b = RNG.normal(size=(2, 1500, 3))  # more rows than a block holds
    shifted = [metrics.maximum_mean_discrepancy(a, b + shift) for shift in (0, 0.5, 1, 100)]
    assert shifted == sorted(shifted) and abs(shifted[0]) < 0.005 and 1 < shifted[-1] < 2


def test_wasserstein_terms(side):
    model = side.ae.WassersteinAutoencoder.mlp(12, latent_dim=3, hidden=(10,), strength=5.0, scales=(0.5, 1.0), seed=3)
    noise = noise_for("AdversarialAutoencoder")
    out = model(side.tensor(X), noise=side.tensor(noise))
    terms = {name: side.array(term) for name, term in model.loss_terms(side.tensor(X), out).items()}
    z, x_hat = side.ae.encode(model, X), side.ae.reconstruct(model, X)
    assert terms["mmd"] == pytest.approx(5 * np.array(mmd_by_loops(z, noise, (0.5, 1.0))), rel=1e-3, abs=1e-4)
    assert terms["reconstruction"] == pytest.approx(((X - x_hat) ** 2).sum(axis=1), rel=1e-5)


def test_adversarial_terms(side):
    model, noise = build(side, "AdversarialAutoencoder", strength=0.7), noise_for("AdversarialAutoencoder")
    out = model(side.tensor(X), noise=side.tensor(noise))
    terms = {name: side.array(term) for name, term in model.loss_terms(side.tensor(X), out).items()}
    z, x_hat = side.ae.encode(model, X), side.ae.reconstruct(model, X)
    of_code, of_prior = discriminate(side, model, z)[1], discriminate(side, model, noise)[1]
    assert np.abs(of_code - of_prior).max() > 0.1
    assert terms["adversarial"] == pytest.approx(0.7 * softplus(-of_code), rel=1e-4)
    assert terms["discriminator"] == pytest.approx(softplus(-of_prior) + softplus(of_code), rel=1e-4)
    assert terms["reconstruction"] == pytest.approx(((X - x_hat) ** 2).sum(axis=1), rel=1e-5)


def test_vae_gan_terms(side):
    options = dict(likelihood="bernoulli", beta=0.3, pixels=0.6, features=0.4, strength=2.0)
    model, noise = build(side, "VAEGAN", **options), noise_for("VAEGAN")
    out = model(side.tensor(X), noise=side.tensor(noise))
    terms = {name: side.array(term) for name, term in model.loss_terms(side.tensor(X), out).items()}
    mu, log_var = (side.array(out[name]) for name in ("mu", "log_var"))
    made_z, made_p = (side.ae.decode(model, z) for z in (mu + np.exp(log_var / 2) * noise[:, :3], noise[:, 3:]))
    (features, of_x), (features_hat, of_z), (_, of_p) = (discriminate(side, model, x) for x in (X, made_z, made_p))
    cross_entropy = -(X * np.log(made_z) + (1 - X) * np.log(1 - made_z)).sum(axis=1)
    expected = {
        "reconstruction": 0.6 * cross_entropy,
        "features": 0.4 * ((features - features_hat) ** 2).sum(axis=1),
        "kl": 0.3 * 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1),
        "adversarial": 2.0 * (softplus(-of_z) + softplus(-of_p)) / 2,
        "discriminator": softplus(-of_x) + (softplus(of_z) + softplus(of_p)) / 2,
    }
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        assert terms[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name


# ---------------------------------------------------------------- which term trains whom


@pytest.mark.parametrize(("name", "term"), [(name, term) for name, routes in ROUTES.items() for term in routes])
def test_each_term_reaches_its_player_only(side, name, term):
    model, noise = build(side, name), side.tensor(noise_for(name))
    x = side.tensor(X)
    weights = [w for part in PARTS for w in side.weights(getattr(model, part))]
    found = side.gradients(lambda: side.mean(model.loss_terms(x, model(x, noise=noise))[term]), weights)
    reached = set()
    for part in PARTS:
        own, found = found[: len(side.weights(getattr(model, part)))], found[len(side.weights(getattr(model, part))) :]
        reached |= {part} if all(np.abs(g).max() > 1e-9 for g in own) else set()
        assert part in reached or not any(g.any() for g in own), f"{term} reaches a part of the {part}"
    assert reached == ROUTES[name][term] and not found


def test_the_gradients_of_the_sum_are_those_of_losses_written_by_hand(side):
    """Each player's gradient from its own loss alone, in which nothing is stopped or frozen."""
    name = "AdversarialAutoencoder"
    model, noise, x = build(side, name, strength=0.7), side.tensor(noise_for(name)), side.tensor(X)
    encoder, decoder, judge = model.encoder, model.decoder, model.discriminator

    def autoencoder():
        error = side.mean((x - decoder(encoder(x))) ** 2) * 12
        return error + 0.7 * side.mean(side.softplus(-judge(encoder(x))))

    def discriminator():
        return side.mean(side.softplus(-judge(noise))) + side.mean(side.softplus(judge(encoder(x))))

    def together():
        return side.mean(sum(model.loss_terms(x, model(x, noise=noise)).values()))

    for own, parts in ((autoencoder, (encoder, decoder)), (discriminator, (judge,))):
        weights = [w for part in parts for w in side.weights(part)]
        for found, expected in zip(side.gradients(together, weights), side.gradients(own, weights), strict=True):
            assert found == pytest.approx(expected, rel=1e-4, abs=1e-6) and np.abs(expected).max() > 1e-4


def test_the_gradients_of_the_vae_gan_are_those_of_losses_written_by_hand(side):
    model, noise, x = build(side, "VAEGAN", pixels=0.0, features=0.4, strength=2.0), noise_for("VAEGAN"), side.tensor(X)
    first, second = side.tensor(noise[:, :3]), side.tensor(noise[:, 3:])
    layers = list(model.discriminator) if side.name == "torch" else model.discriminator.layers

    def features(x):
        for layer in layers[:-1]:
            x = layer(x)
        return x

    def made(prior=True):
        mu, log_var = model.posterior(x)
        drawn = mu + (log_var / 2).exp() * first if side.name == "torch" else mu + np.e ** (log_var / 2) * first
        return mu, log_var, model.decoder(drawn), model.decoder(second)

    def similar():
        _, _, x_hat, _ = made()
        return 0.4 * side.mean((features(x) - features(x_hat)) ** 2) * 6

    def encoder():
        mu, log_var, _, _ = made()
        spread = log_var.exp() if side.name == "torch" else np.e**log_var
        return similar() + side.mean(mu**2 + spread - 1 - log_var) * 3 / 2

    def fake(sign):
        _, _, *images = made()
        return sum(side.mean(side.softplus(sign * model.discriminator(image))) for image in images) / 2

    def discriminator():
        return side.mean(side.softplus(-model.discriminator(x))) + fake(1)

    def together():
        return side.mean(sum(model.loss_terms(x, model(x, noise=side.tensor(noise))).values()))

    own = {"encoder": encoder, "decoder": lambda: similar() + 2 * fake(-1), "discriminator": discriminator}
    for part, loss in own.items():
        weights = side.weights(getattr(model, part))
        for found, expected in zip(side.gradients(together, weights), side.gradients(loss, weights), strict=True):
            assert found == pytest.approx(expected, rel=1e-3, abs=1e-6) and np.abs(expected).max() > 1e-5


def test_a_frozen_call_leaves_the_layer_trainable(side):
    model = build(side, "AdversarialAutoencoder")
    weights = side.weights(model.discriminator)
    z = side.tensor(X[:, :3])
    assert side.array(side.layers.frozen(model.discriminator, z)) == pytest.approx(side.array(model.discriminator(z)))
    assert not any(
        g.any()
        for g in side.gradients(lambda: side.mean(side.layers.frozen(model.discriminator, z) + 0 * weights[-1]), weights)
    )
    assert all(g.any() for g in side.gradients(lambda: side.mean(model.discriminator(z)), weights))
