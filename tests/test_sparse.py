"""The sparse autoencoder of both frameworks: penalties against NumPy, the choice of k units, features of unit length."""

import importlib
import os
import subprocess
import sys

import numpy as np
import pytest

from aetutor import keras as keras_ae
from aetutor import torch as torch_ae

RNG = np.random.default_rng(0)
Z = RNG.random((7, 5)).astype("float32")


@pytest.fixture(params=["torch", "keras"])
def side(request):
    """A framework's package, its tensor and its array function."""
    if request.param == "torch":
        import torch

        return torch_ae, torch.as_tensor, lambda t: t.detach().numpy()
    from keras import ops

    return keras_ae, ops.convert_to_tensor, ops.convert_to_numpy


def sparse(ae, **options):
    return ae.SparseAutoencoder.mlp(6, **dict(latent_dim=9, hidden=(), seed=1) | options)


def top_k_of(ae):
    return importlib.import_module(f"{ae.__name__}.models.sparse").top_k


def test_l1_is_a_sum_over_units(side):
    ae, tensor, array = side
    assert array(ae.losses.l1(tensor(Z - 0.5))) == pytest.approx(np.abs(Z - 0.5).sum(1), rel=1e-6)


def test_kl_is_of_the_batch_mean(side):
    ae, tensor, array = side
    mean, rho = Z.mean(0).astype(float), 0.1
    expected = (rho * np.log(rho / mean) + (1 - rho) * np.log((1 - rho) / (1 - mean))).sum()
    found = array(ae.losses.kl_sparsity(tensor(Z), rho))
    assert found.shape == (7,) and found == pytest.approx(np.full(7, expected), rel=1e-5)
    each = (rho * np.log(rho / Z) + (1 - rho) * np.log((1 - rho) / (1 - Z))).sum(1)
    assert abs(each.mean() - expected) > 0.1  # the common mistake is another number


def test_kl_is_zero_where_the_means_are_met_however_the_samples_differ(side):
    ae, tensor, array = side
    z = np.zeros((10, 3), "float32")
    z[:2] = 0.5  # mean 0.1
    assert array(ae.losses.kl_sparsity(tensor(z), 0.1)) == pytest.approx(np.zeros(10), abs=1e-6)
    saturated = array(ae.losses.kl_sparsity(tensor(np.stack([np.zeros(4), np.ones(4)], 1).astype("float32")), 0.1))
    assert np.isfinite(saturated).all() and saturated[0] > 10


def test_the_mean_of_parts_is_at_least_the_kl_of_the_whole(side):
    """What a smaller batch, a validation block or another process' share does to the term."""
    ae, tensor, array = side
    z = np.random.default_rng(1).random((4096, 5)).astype("float32") ** 4  # means near 0.2
    whole = array(ae.losses.kl_sparsity(tensor(z), 0.2))[0]
    parts = [array(ae.losses.kl_sparsity(tensor(z[start::64]), 0.2))[0] for start in range(64)]
    expected = (z.var(0) / (2 * 64 * 0.2 * 0.8)).sum()  # second order, parts of 64
    assert np.mean(parts) - whole == pytest.approx(expected, rel=0.3)


@pytest.mark.parametrize("k", [1, 3, 9])
def test_top_k_keeps_the_k_largest(side, k):
    ae, tensor, array = side
    z = RNG.standard_normal((20, 9)).astype("float32")
    kept = array(top_k_of(ae)(tensor(z), k))
    threshold = np.sort(z, axis=1)[:, -k][:, None]
    assert np.array_equal(kept, np.where(z >= threshold, z, 0))


def test_top_k_of_equal_values_keeps_the_first(side):
    ae, tensor, array = side
    z = np.array([[2.0, 2, 2, 2, 2], [1, 3, 1, 1, 0], [0, 0, 0, 0, 0], [-1, -1, -2, -1, -1]], "float32")
    expected = [[2.0, 2, 0, 0, 0], [1, 3, 0, 0, 0], [0, 0, 0, 0, 0], [-1, -1, 0, 0, 0]]
    assert array(top_k_of(ae)(tensor(z), 2)).tolist() == expected


def test_terms_are_weighted_and_named_after_the_penalty(side):
    ae, tensor, array = side
    x = tensor(RNG.random((8, 6)).astype("float32"))
    for penalty, function in (("l1", ae.losses.l1), ("kl", lambda z: ae.losses.kl_sparsity(z, 0.2))):
        options = {"rho": 0.2} if penalty == "kl" else {}
        model = sparse(ae, penalty=penalty, strength=0.7, **options)
        out = model(x)
        terms = model.loss_terms(x, out)
        assert list(terms) == ["reconstruction", penalty]
        assert array(terms[penalty]) == pytest.approx(0.7 * array(function(out["z"])), rel=1e-5)
    model = sparse(ae, penalty="topk", k=2)
    assert list(model.loss_terms(x, model(x))) == ["reconstruction"]


def test_codes(side):
    ae, _, _ = side
    x = RNG.standard_normal((30, 6)).astype("float32")
    z = ae.encode(sparse(ae, penalty="kl"), x)
    assert z.min() > 0 and z.max() < 1
    model = sparse(ae, penalty="topk", k=2)
    z = ae.encode(model, x)
    assert ((z != 0).sum(1) == 2).all()
    model.k = 4  # twice as many at test
    more = ae.encode(model, x)
    assert ((more != 0).sum(1) == 4).all() and np.array_equal(more[z != 0], z[z != 0])
    model.k = 10
    with pytest.raises(ValueError, match="k must be an integer from 1 to 9; got 10"):
        ae.encode(model, x)
    with pytest.raises(ValueError, match="k must be an integer from 1 to 9"):
        ae.encode(sparse(ae, penalty="topk", k=10), x)
    assert np.array_equal(ae.encode(sparse(ae, penalty="topk", k=9), x), ae.encode(sparse(ae, penalty="l1"), x))


def test_features_of_unit_length(side):
    ae, _, array = side
    z, plain = RNG.random((4, 9)).astype("float32"), sparse(ae)
    unit = sparse(ae, unit_norm=True)
    assert array(plain.features()).shape == (9, 6)
    assert ae.decode(plain, z) == pytest.approx(z @ array(plain.features()), rel=1e-4, abs=1e-6)  # biases start at 0
    assert np.linalg.norm(array(unit.features()), axis=1) == pytest.approx(np.ones(9), rel=1e-5)
    lengths = np.linalg.norm(array(plain.features()), axis=1)
    assert ae.decode(unit, z) == pytest.approx(z / lengths @ array(plain.features()), rel=1e-4, abs=1e-6)


def test_a_free_decoder_evades_l1_and_one_of_unit_length_cannot(side):
    """Codes halved and features doubled are the same map at half the penalty, where the length of the features is free."""
    x, change = RNG.random((16, 6)).astype("float32"), {}
    for unit_norm in (False, True):
        model = sparse(side[0], unit_norm=unit_norm)
        before = side[0].evaluate(model, x)
        encoder, encoder_bias, decoder, decoder_bias = weights_of(model)
        set_weights(model, [encoder / 2, encoder_bias, decoder * 2, decoder_bias])
        after = side[0].evaluate(model, x)
        change[unit_norm] = {name: after[name] / before[name] for name in after}
    assert change[False]["l1"] == pytest.approx(0.5, rel=1e-4)
    assert change[False]["reconstruction"] == pytest.approx(1, rel=1e-4)
    assert abs(change[True]["reconstruction"] - 1) > 0.01


def weights_of(model):
    if hasattr(model, "get_weights"):
        return model.get_weights()
    return [p.detach().numpy().copy() for p in model.parameters()]


def set_weights(model, arrays):
    if hasattr(model, "set_weights"):
        model.set_weights(arrays)
        return
    import torch

    with torch.no_grad():
        for parameter, array in zip(model.parameters(), arrays, strict=True):
            parameter.copy_(torch.as_tensor(array))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(penalty="l2"), "penalty='l2' is not known; accepted: 'l1', 'kl', 'topk'"),
        (dict(strength=-1), "strength must be a finite number of at least 0; got -1"),
        (dict(penalty="kl", rho=0), "rho must be a number greater than 0 and less than 1"),
        (dict(penalty="kl", rho=1.5), "rho"),
        (dict(penalty="topk"), "k must be an integer of at least 1; got None"),
        (dict(penalty="topk", k=0), "k must be an integer of at least 1; got 0"),
        (dict(penalty="topk", k=2.5), "k must be an integer"),
        (dict(penalty="topk", k=2, strength=1.0), "strength=1.0 has no effect with penalty='topk'; leave it out"),
        (dict(penalty="topk", k=2, rho=0.2), "rho=0.2 has no effect"),
        (dict(penalty="l1", k=3), "k=3 has no effect with penalty='l1'"),
        (dict(penalty="l1", rho=0.2), "rho=0.2 has no effect"),
        (dict(penalty="kl", k=3), "k=3 has no effect"),
        (
            dict(hidden=(4,), unit_norm=True),
            "decoder must have one dense layer for unit_norm, tied_start and features; it has",
        ),
        (dict(hidden=(4,), tied_start=True), "must have one dense layer"),
        (dict(tied_start=1), "tied_start must be True or False; got 1"),
        (dict(unit_norm="yes"), "unit_norm must be True or False; got 'yes'"),
    ],
)
def test_bad_arguments(side, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        sparse(side[0], **options)


def test_tied_start_copies_the_encoder_and_then_trains_apart(side):
    ae, *_ = side
    model = sparse(ae, tied_start=True)
    encoder, _, decoder, _ = weights_of(model)
    assert np.array_equal(decoder, encoder.T)
    ae.fit(model, RNG.random((40, 6)).astype("float32"), epochs=2)
    encoder, _, decoder, _ = weights_of(model)
    assert not np.allclose(decoder, encoder.T, atol=1e-4)


def test_features_of_a_deep_decoder_are_refused(side):
    with pytest.raises(ValueError, match="decoder must have one dense layer"):
        sparse(side[0], hidden=(4,)).features()


BACKEND = """
    import numpy as np, keras
    from keras import ops
    from aetutor import keras as ae
    from aetutor.keras.models.sparse import top_k
    assert keras.backend.backend() == "{backend}"
    z = np.array([[2.0, 2, 2, 2], [1, 3, 1, 1], [0, 5, 4, 7]], "float32")
    assert ops.convert_to_numpy(top_k(ops.convert_to_tensor(z), 2)).tolist() == [[2, 2, 0, 0], [1, 3, 0, 0], [0, 5, 0, 7]]
    x = np.random.default_rng(0).random((64, 6)).astype("float32")
    for options in (dict(penalty="topk", k=2, unit_norm=True), dict(penalty="kl"), dict(penalty="l1", unit_norm=True)):
        model = ae.SparseAutoencoder.mlp(6, latent_dim=9, hidden=(), seed=0, **options)
        model.compile(keras.optimizers.Adam(1e-2), jit_compile={jit})
        losses = model.fit(x, epochs=5, verbose=0).history["loss"]
        assert losses[-1] < losses[0], losses
        z = ae.encode(model, x)
        assert options["penalty"] != "topk" or ((z != 0).sum(1) == 2).all()
    print("passed")
"""


@pytest.mark.parametrize(("backend", "jit"), [("tensorflow", True), ("tensorflow", False), ("torch", False), ("jax", True)])
def test_backends_and_compilation(backend, jit):
    pytest.importorskip(backend)
    program = "\n".join(line[4:] for line in BACKEND.format(backend=backend, jit=jit).splitlines())
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "passed" in done.stdout, done.stderr[-2000:]
