"""Players that step together: who has which weights and rate, against one Adam a player."""

import numpy as np
import pytest
from adversarial_helpers import ROUTES, SIDES, Side, X, build

from aetutor import training_plan


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
