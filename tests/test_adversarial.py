"""Adversarial, Wasserstein and VAE-GAN: values against NumPy, which term trains whom, players with their own rates."""

import importlib
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest

from aetutor import metrics, training_plan

SIDES = ("torch", "keras")
RNG = np.random.default_rng(0)
X = RNG.random((40, 12)).astype("float32")
SMALL = dict(latent_dim=3, hidden=(10,), discriminator_hidden=(7, 6), seed=3)
PARTS = ("encoder", "decoder", "discriminator")
#: Term of each class: the parts that its gradient reaches.
ROUTES = {
    "AdversarialAutoencoder": {
        "reconstruction": {"encoder", "decoder"},
        "adversarial": {"encoder"},
        "discriminator": {"discriminator"},
    },
    "VAEGAN": {
        "reconstruction": {"encoder", "decoder"},
        "features": {"encoder", "decoder"},
        "kl": {"encoder"},
        "adversarial": {"decoder"},
        "discriminator": {"discriminator"},
    },
}
WIDTH = {"AdversarialAutoencoder": 3, "VAEGAN": 6}  # of the noise


class Side:
    """What the tests say differently to the two frameworks."""

    def __init__(self, name):
        self.name, self.ae = name, importlib.import_module(f"aetutor.{name}")
        self.layers = importlib.import_module(f"aetutor.{name}.layers")
        if name == "torch":
            import torch

            self.softplus, self.mean, self.concat = torch.nn.functional.softplus, torch.mean, torch.cat
        else:
            from keras import ops

            self.softplus, self.mean, self.concat = ops.softplus, ops.mean, ops.concatenate

    def tensor(self, array):
        if self.name == "torch":
            import torch

            return torch.from_numpy(np.array(array, "float32"))
        from keras import ops

        return ops.convert_to_tensor(np.array(array, "float32"))

    def array(self, tensor):
        if self.name == "torch":
            return tensor.detach().numpy()
        from keras import ops

        return np.array(ops.convert_to_numpy(tensor))

    def weights(self, part):
        return list(part.parameters() if self.name == "torch" else part.trainable_variables)

    def gradients(self, function, weights):
        """Gradients of `function()`, a scalar, by the weights; zeros where there is none."""
        if self.name == "torch":
            import torch

            found = torch.autograd.grad(function(), weights, allow_unused=True)
        else:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                value = function()
            found = tape.gradient(value, [w.value for w in weights])
        return [np.zeros(tuple(w.shape)) if g is None else self.array(g) for w, g in zip(weights, found, strict=True)]


@pytest.fixture(params=SIDES)
def side(request):
    return Side(request.param)


def build(side, name, **options):
    return getattr(side.ae, name).mlp(12, **SMALL | options)


def noise_for(name):
    return np.random.default_rng(1).standard_normal((len(X), WIDTH[name])).astype("float32")


def softplus(values):
    return np.logaddexp(0, values)


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


def discriminate(side, model, x):
    """Last hidden layer and logit of a dense discriminator with leaky ReLU, in NumPy."""
    arrays = [side.array(w) for w in side.weights(model.discriminator)]
    for kernel, bias in zip(arrays[:-2:2], arrays[1:-2:2], strict=True):
        x = x @ (kernel.T if side.name == "torch" else kernel) + bias
        x = np.where(x > 0, x, 0.01 * x)
    return x, (x @ (arrays[-2].T if side.name == "torch" else arrays[-2]) + arrays[-1])[:, 0]


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


# ---------------------------------------------------------------- players


@pytest.mark.parametrize("name", ROUTES)
def test_players_share_out_the_weights(side, name):
    model = build(side, name, discriminator_rate=0.25, likelihood="gaussian", sigma="learned")
    players = model.players()
    own, rate = players["discriminator"]
    assert [id(w) for w in own] == [id(w) for w in side.weights(model.discriminator)] and rate == 0.25
    rest, rate = players["autoencoder"]
    assert rate == 1 and len(rest) == 8 + 1 and {id(w) for w in rest + own} == {id(w) for w in side.weights(model)}


@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.5, "weight_decay": 0.3}])
def test_fit_is_one_adam_a_player(options):
    """Written out in PyTorch with two optimisers; the Keras twin is compared with it below."""
    import torch

    side = Side("torch")
    model, twin = (build(side, "AdversarialAutoencoder", discriminator_rate=0.25) for _ in range(2))
    side.ae.fit(model, X, epochs=5, batch_size=len(X), lr=1e-2, **options)
    parts = [*twin.encoder.parameters(), *twin.decoder.parameters()], list(twin.discriminator.parameters())
    decay = options.get("weight_decay", 0.0)
    optimisers = [
        torch.optim.AdamW(own, lr=rate, weight_decay=decay, fused=True)
        for own, rate in zip(parts, (1e-2, 2.5e-3), strict=True)
    ]
    order = side.ae.batches(X, batch_size=len(X), seed=0)
    for epoch in range(5):
        twin.noise.begin((0, 1, epoch, 0), total=len(X))
        (batch,) = order
        loss = sum(twin.loss_terms(batch, twin(batch)).values()).mean()
        twin.zero_grad()
        loss.backward()
        for own, optimiser in zip(parts, optimisers, strict=True):
            if "clip_norm" in options:
                torch.nn.utils.clip_grad_norm_(own, options["clip_norm"])
            optimiser.step()
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert a.detach().numpy() == pytest.approx(b.detach().numpy(), abs=1e-6)


def test_keras_optimizer_of_players_is_one_adam_a_player():
    import keras

    from aetutor.keras.training import AdamOfPlayers

    options = dict(epsilon=1e-8, weight_decay=0.3, global_clipnorm=0.5)
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape).astype("float32") for shape in ((3, 2), (4,), (2,))]
    together, apart = ([keras.Variable(start) for start in starts] for _ in range(2))
    optimizer = AdamOfPlayers(1e-2, **options)
    with pytest.raises(ValueError, match=r"call optimizer\.set_players"):
        optimizer.apply([keras.ops.zeros(start.shape) for start in starts], together)
    optimizer = AdamOfPlayers(1e-2, **options)
    optimizer.set_players([([together[0], together[2]], 1.0), ([together[1]], 0.25)])
    optimizer.build(together)
    pair = [keras.optimizers.Adam(rate, **options) for rate in (1e-2, 2.5e-3)]
    for step in range(4):
        found = [(10.0 if step % 2 else 0.1) * rng.normal(size=start.shape).astype("float32") for start in starts]
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in found], together)
        for adam, own in zip(pair, ([0, 2], [1]), strict=True):
            adam.apply([keras.ops.convert_to_tensor(found[i]) for i in own], [apart[i] for i in own])
    for a, b, start in zip(together, apart, starts, strict=True):
        assert np.array(a) == pytest.approx(np.array(b), abs=1e-6) and np.abs(np.array(a) - start).max() > 1e-3


@pytest.mark.parametrize("name", ROUTES)
def test_both_frameworks_train_alike(name):
    """The noise differs, so its place is taken by zeros: the same first weights, batches and steps, terms stay together."""
    records = []
    for side in map(Side, SIDES):
        model = build(side, name, discriminator_rate=0.25)
        model.normal_like = lambda tensor: 0 * tensor
        options = dict(epochs=4, batch_size=10, lr=1e-2, clip_norm=0.5, weight_decay=0.1)
        records.append(side.ae.fit(model, X, val=X[:20], **options))
    for term in (*ROUTES[name], "val_reconstruction", "val_discriminator"):
        assert records[0][term] == pytest.approx(np.array(records[1][term]), rel=2e-3), term


def test_a_rate_of_its_own_slows_the_discriminator(side):
    moved = []
    for rate in (1.0, 0.01):
        model = build(side, "AdversarialAutoencoder", discriminator_rate=rate)
        before = [side.array(w).copy() for w in side.weights(model)]
        side.ae.fit(model, X, epochs=1, batch_size=len(X), lr=1e-2)
        change = [np.abs(side.array(w) - b).max() for w, b in zip(side.weights(model), before, strict=True)]
        moved.append((max(change[:8]), max(change[8:])))
    assert moved[0] == pytest.approx((0.01, 0.01), rel=1e-3)  # the size of Adam's first step is the rate
    assert moved[1] == pytest.approx((0.01, 0.0001), rel=1e-2)


@pytest.mark.parametrize("options", [{"early_stopping": 2}, {"schedule": "plateau"}])
def test_the_sum_of_opposing_losses_is_not_watched(side, options):
    model = build(side, "AdversarialAutoencoder")
    with pytest.raises(ValueError, match="monitor='loss' adds up what the players of AdversarialAutoencoder"):
        side.ae.fit(model, X, val=X[:20], epochs=1, **options)
    history = side.ae.fit(model, X, val=X[:20], epochs=2, monitor="reconstruction", **options)
    assert len(history) == 2
    side.ae.fit(side.ae.WassersteinAutoencoder.mlp(12, latent_dim=3), X, val=X[:20], epochs=1, **options)


def test_players_must_have_each_weight_once():
    class Model:
        monitor, early_stopping, schedule = "loss", None, "constant"

    weights = [object() for _ in range(3)]
    training_plan.check_players(Model, Model(), weights, [weights[:1], weights[1:]])
    for wrong in ([weights[:2]], [weights, weights[:1]], [weights[:2], [object()]]):
        with pytest.raises(ValueError, match=r"players\(\) of Model gives \d weights, of 3"):
            training_plan.check_players(Model, Model(), weights, wrong)


# ---------------------------------------------------------------- arguments, and use


def network(side, *, batch_norm=False):
    """A discriminator of 3 numbers."""
    if side.name == "torch":
        from torch import nn

        norm = [nn.BatchNorm1d(4)] if batch_norm else []
        return nn.Sequential(nn.Linear(3, 4), *norm, nn.Tanh(), nn.Linear(4, 1))
    import keras

    norm = [keras.layers.BatchNormalization()] if batch_norm else []
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4), *norm, keras.layers.Activation("tanh"), keras.layers.Dense(1)]
    )


def parts(side, code_factor=1):
    return side.ae.backbones.mlp(3, latent_dim=3, hidden=(4,), seed=1, code_factor=code_factor)


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


# ---------------------------------------------------------------- metrics


def test_two_sample_accuracy():
    accuracies = [metrics.two_sample_accuracy(*RNG.normal(size=(2, 250, 3)), seed=i) for i in range(20)]
    assert abs(np.mean(accuracies) - 0.5) < 0.02 and np.std(accuracies) < 0.06
    a, b = RNG.normal(size=(300, 4)), 0.5 * RNG.normal(size=(200, 4))
    assert metrics.two_sample_accuracy(a, b) > 0.65
    assert metrics.two_sample_accuracy(a, a + 20) == 1
    units = np.array([1e-3, 1, 10, 1e4])
    assert metrics.two_sample_accuracy(a * units, b * units) == metrics.two_sample_accuracy(a, b)
    labels = np.sort(a[:, :1], axis=0)  # ordered samples: the folds must not be blocks of them
    assert abs(metrics.two_sample_accuracy(labels, np.sort(RNG.normal(size=(300, 1)), axis=0)) - 0.5) < 0.1
    with pytest.raises(ValueError, match="b must hold at least 10 samples; got 9"):
        metrics.two_sample_accuracy(a, b[:9])
    with pytest.raises(ValueError, match=r"b must have the shape \(N, 4\)"):
        metrics.two_sample_accuracy(a, b[:, :3])


def test_sharpness():
    rng = np.random.default_rng(0)
    x = rng.random((3, 9, 8, 1))
    expected = [
        sum((i[r, c] - i[r + 1, c]) ** 2 for r in range(8) for c in range(8))
        + sum((i[r, c] - i[r, c + 1]) ** 2 for r in range(9) for c in range(7))
        for i in x[..., 0]
    ] / ((x - x.mean(axis=(1, 2), keepdims=True)) ** 2).sum(axis=(1, 2, 3))
    assert metrics.sharpness(x) == pytest.approx(expected)
    assert metrics.sharpness(3 * x + 1) == pytest.approx(expected)
    with pytest.raises(ValueError, match="x holds a constant image at index 1"):
        metrics.sharpness(np.stack([x[0], np.full_like(x[0], 0.3)]))
