"""The model: a keras.Model with a loss of its own, and its building blocks."""

import math

import keras
import numpy as np
import pytest
from keras import ops
from keras_helpers import arrays, plain, same, vae

from aetutor import constants
from aetutor import keras as ae
from aetutor.initializers import WeightStream


def test_losses_equal_their_formulas():
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 3, 4, 5)).astype("float32")
    p = 1 / (1 + np.exp(-y))
    expected = {
        "squared_error": ((x - y) ** 2).sum((1, 2)),
        "bernoulli": -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum((1, 2)),
        "gaussian": ((x - y) ** 2 / (2 * 0.25) + math.log(0.5) + 0.5 * math.log(2 * math.pi)).sum((1, 2)),
    }
    for likelihood, value in expected.items():
        got = ae.losses.reconstruction(likelihood, ops.convert_to_tensor(x), ops.convert_to_tensor(y), math.log(0.5))
        np.testing.assert_allclose(ops.convert_to_numpy(got), value, rtol=1e-5)
    kl = ae.losses.kl_standard_normal(ops.convert_to_tensor(x[:, 0]), ops.convert_to_tensor(y[:, 0]))
    mu, log_var = x[:, 0], y[:, 0]
    np.testing.assert_allclose(kl, 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(1), rtol=1e-5)


def test_continuous_bernoulli_is_the_twin_of_the_other_framework():
    torch_losses = pytest.importorskip("aetutor.torch").losses
    import torch

    logits = np.linspace(-9, 9, 181, dtype="float32")[:, None]
    x = np.full_like(logits, 0.3)
    for name, arguments in (("continuous_bernoulli", (x, logits)), ("continuous_bernoulli_mean", (logits,))):
        ours = getattr(ae.losses, name)(*map(ops.convert_to_tensor, arguments))
        theirs = getattr(torch_losses, name)(*map(torch.from_numpy, arguments))
        np.testing.assert_allclose(ops.convert_to_numpy(ours), theirs.numpy(), rtol=1e-5, atol=1e-6)


def test_bernoulli_is_finite_at_large_logits():
    x, logits = np.array([[1.0, 0.0]], "float32"), np.array([[200.0, -200.0]], "float32")
    assert float(ae.losses.bernoulli(ops.convert_to_tensor(x), ops.convert_to_tensor(logits))[0]) == pytest.approx(0)


def test_initial_weights_come_from_the_weight_stream():
    model, stream = vae(seed=7, hidden=(8, 4)), WeightStream(7)
    kernels = [w for w in arrays(model) if w.ndim == 2]
    assert [k.shape for k in kernels] == [(16, 8), (8, 4), (4, 4), (2, 4), (4, 8), (8, 16)]
    assert all((k == stream.kernel(k.shape)).all() for k in kernels)
    assert all((w == 0).all() for w in arrays(model) if w.ndim == 1)


@pytest.mark.parametrize("shape", [(7, 9, 2), (8, 8, 1), (1, 5, 3)])
def test_conv_fits_any_size(shape):
    model = ae.Autoencoder.conv(shape, latent_dim=3, channels=(4, 6), seed=0)
    assert ae.reconstruct(model, np.ones((2, *shape), "float32")).shape == (2, *shape)
    assert ae.encode(model, np.ones((2, *shape), "float32")).shape == (2, 3)


def test_layers_use_the_page_of_constants():
    encoder, _ = ae.backbones.mlp(6, latent_dim=2, hidden=(4,), norm="layer", activation="leaky_relu")
    norm = next(layer for layer in encoder.layers if isinstance(layer, keras.layers.LayerNormalization))
    leaky = next(layer for layer in encoder.layers if isinstance(layer, keras.layers.LeakyReLU))
    assert (norm.epsilon, leaky.negative_slope) == (constants.LAYER_NORM_EPSILON, constants.LEAKY_SLOPE)


def test_linear_and_wide_models_are_legal():
    model = ae.Autoencoder.mlp(3, latent_dim=10, hidden=())
    assert len(model.weights) == 4
    assert ae.encode(model, np.zeros((2, 3), "float32")).shape == (2, 10)


def test_encode_is_deterministic_and_call_is_not(x):
    model = vae()
    assert (ae.encode(model, x) == ae.encode(model, x)).all()
    noise = np.ones((96, 2), "float32")
    drawn, drawn_again, given, given_again = (
        ops.convert_to_numpy(model(x, noise=n)["z"]) for n in (None, None, noise, noise)
    )
    assert not np.array_equal(drawn, drawn_again) and np.array_equal(given, given_again)


def test_means_are_means(x):
    model = vae()
    x_hat = ae.reconstruct(model, x)
    assert 0 < x_hat.min() < x_hat.max() < 1 and x_hat.dtype == np.float32
    np.testing.assert_allclose(ae.decode(model, ae.encode(model, x)), x_hat, rtol=1e-6)


def test_using_a_model_does_not_change_it(x):
    model = vae()
    ae.fit(model, x, epochs=1, batch_size=96)
    variables = [ops.convert_to_numpy(v).copy() for v in model.variables + model.optimizer.variables]
    ae.encode(model, x), ae.reconstruct(model, x), ae.decode(model, np.zeros((1, 2), "float32")), ae.evaluate(model, x)
    after = [ops.convert_to_numpy(v) for v in model.variables + model.optimizer.variables]
    assert all((a == b).all() for a, b in zip(variables, after, strict=True))


def test_evaluate_follows_a_changed_setting(x):
    model = vae(beta=1.0)
    before = ae.evaluate(model, x)["kl"]
    model.beta = 3.0
    assert ae.evaluate(model, x)["kl"] == pytest.approx(3 * before, rel=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow's code is traced")
def test_a_smaller_last_block_is_not_traced_again(x):
    from aetutor.keras import inference

    traced = []

    def codes(model, block):
        traced.append(block.shape)
        return model.encode(block)

    model = plain(seed=0)
    call = inference.compiled(model, codes)
    parts = [call(x[:64]), call(x[64:])]
    assert len(traced) == 1
    np.testing.assert_allclose(np.concatenate(parts), ops.convert_to_numpy(model.encode(x)), rtol=1e-5, atol=1e-6)


def test_evaluate_depends_on_the_seed_only(x):
    model = vae()
    assert ae.evaluate(model, x, seed=1) == ae.evaluate(model, x, seed=1) != ae.evaluate(model, x, seed=2)
    halves = [x[:10], x[10:]]
    assert ae.evaluate(model, halves, seed=1) == ae.evaluate(model, x, seed=1)


def test_config_round_trip():
    model = vae(beta=0.25, likelihood="gaussian", sigma="learned")
    twin = type(model).from_config(model.get_config())
    assert (twin.beta, twin.sigma, twin.sample_shape) == (0.25, "learned", (4, 4, 1))
    twin.set_weights(model.get_weights())
    assert same(model, twin)


def test_own_parts_regularisers_and_dropout(x):
    flat = x.reshape(96, 16)
    encoder = keras.Sequential([keras.layers.Dropout(0.5), keras.layers.Dense(2, kernel_regularizer="l2")])
    model = ae.Autoencoder(encoder, keras.Sequential([keras.layers.Dense(16)]))
    history = ae.fit(model, flat, epochs=1, batch_size=96)
    assert history.terms == ["reconstruction", "regularization"]
    assert model.sample_shape == (16,)
    out = [ops.convert_to_numpy(model(flat, training=True)["z"]) for _ in range(2)]
    assert not np.array_equal(*out)  # dropout is on, although `call` has no argument `training`
    assert (ae.encode(model, flat) == ae.encode(model, flat)).all()


def test_y_is_the_target(x):
    model = plain()
    model.compile(optimizer="adam")
    own = model.evaluate(x, verbose=0, return_dict=True)["loss"]
    other = model.evaluate(x, x + 1, verbose=0, return_dict=True)["loss"]
    assert other > own + 1


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(likelihood="bernouli"), "Did you mean 'bernoulli'"),
        (dict(latent_dim=0), "latent_dim must be an integer of at least 1; got 0"),
        (dict(latent_dim=1.5), "latent_dim must be an integer"),
        (dict(hidden=(8, -1)), r"hidden\[1\]"),
        (dict(activation="swish"), "activation='swish' is not known"),
        (dict(beta=-1), "beta"),
        (dict(sigma=2.0), "sigma=2.0 has no effect"),
        (dict(widths=(3,)), "has no argument 'widths'"),
    ],
)
def test_bad_arguments_of_a_constructor(change, message):
    with pytest.raises((TypeError, ValueError), match=message):
        vae(**change)


@pytest.mark.parametrize(
    "bad, message",
    [
        (np.ones((3, 4, 4), "float32"), r"x must have the shape \(N, 4, 4, 1\); got \(3, 4, 4\)"),
        (np.ones((0, 4, 4, 1), "float32"), "x is empty"),
        (np.full((3, 4, 4, 1), np.nan, "float32"), "x holds nan"),
        (np.full((3, 4, 4, 1), 255, "uint8"), "[Ss]cale to"),
        (np.array([[1], [1, 2]], dtype=object), "dtype object"),
        ("image.png", "must be"),
    ],
)
def test_bad_data_for_encode(bad, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ae.encode(vae(), bad)


def test_bad_model_and_bad_code():
    with pytest.raises(TypeError, match=r"model must be an aetutor.keras.Autoencoder"):
        ae.encode(keras.Sequential(), np.ones((2, 3), "float32"))
    with pytest.raises(ValueError, match=r"z must have the shape \(N, 2\)"):
        ae.decode(vae(), np.ones((2, 3), "float32"))


def test_a_term_called_loss_is_refused(x):
    class Wrong(ae.Autoencoder):
        def loss_terms(self, x, out):
            return {"loss": super().loss_terms(x, out)["reconstruction"]}

    with pytest.raises(ValueError, match='must not name a term "loss"'):
        Wrong.mlp(4, latent_dim=1)
