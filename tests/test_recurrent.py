"""The recurrent backbone and SequenceAutoencoder of both frameworks: their definitions, and what padding must not change."""

import importlib

import numpy as np
import pytest

from aetutor import constants, testing
from aetutor.initializers import WeightStream

RNG = np.random.default_rng(0)
PADDING = -9.0


@pytest.fixture(params=["torch", "keras"])
def ae(request):
    return importlib.import_module(f"aetutor.{request.param}")


def native(ae, x):
    """A tensor of the framework."""
    if ae.__name__.endswith("torch"):
        import torch

        return torch.from_numpy(x)
    import keras

    return keras.ops.convert_to_tensor(x)


def array(tensor):
    return tensor.detach().numpy() if hasattr(tensor, "detach") else np.array(tensor)


def run(ae, layers, x):
    """Layers one after the other on an array (B, T, C)."""
    x = native(ae, x)
    for layer in layers:
        x = layer(x)
    return array(x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(x, kernel, recurrent, bias):
    """Cho et al. (2014), the reset gate behind the recurrent product; kernels and biases in the order update, reset, new."""
    h, states = np.zeros((len(x), recurrent.shape[0])), []
    for x_t in x.swapaxes(0, 1):
        (u_x, r_x, n_x), (u_h, r_h, n_h) = (np.split(a, 3, 1) for a in (x_t @ kernel + bias[0], h @ recurrent + bias[1]))
        u, r = sigmoid(u_x + u_h), sigmoid(r_x + r_h)
        h = u * h + (1 - u) * np.tanh(n_x + r * n_h)
        states.append(h)
    return np.stack(states, 1)


def lstm(x, kernel, recurrent, bias):
    """Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000); input, forget, new, output."""
    h = c = np.zeros((len(x), recurrent.shape[0]))
    states = []
    for x_t in x.swapaxes(0, 1):
        i, f, g, o = np.split(x_t @ kernel + h @ recurrent + bias, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, 1)


def causal(x, kernel, bias, dilation):
    """y_t = relu(b + sum_d W_d x_(t - (k - 1 - d) dilation)), plus x_t where the sizes agree."""
    k = len(kernel)
    y = np.tile(bias.astype(float), (*x.shape[:2], 1))
    for t in range(x.shape[1]):
        for d in range(k):
            if (earlier := t - (k - 1 - d) * dilation) >= 0:
                y[:, t] += x[:, earlier] @ kernel[d]
    y = np.maximum(y, 0)
    return x + y if y.shape == x.shape else y


# ---------------------------------------------------------------- layers


@pytest.mark.parametrize("steps", [7, 40])  # Keras on TensorFlow computes the second with a loop, the first without one
@pytest.mark.parametrize(("cell", "definition"), [("gru", gru), ("lstm", lstm)])
def test_a_cell_is_its_definition(ae, cell, definition, steps):
    """With weights that are all different from 0, which would hide a swapped gate or a lost bias."""
    model = ae.Autoencoder.recurrent((steps, 3), latent_dim=2, cell=cell, units=(5,), seed=1)
    side = testing._side_of(model)
    moved = {name: value + 0.3 * RNG.standard_normal(value.shape) for name, value in side.weights(model).items()}
    side.set_weights(model, {name: value.astype("float32") for name, value in moved.items()})
    kernel, recurrent, bias, *_ = side.weights(model).values()
    x = RNG.standard_normal((2, steps, 3)).astype("float32")
    layers = model.encoder.layers if ae.__name__.endswith("torch") else [model.encoder.layers[1]]
    np.testing.assert_allclose(run(ae, layers, x), definition(x, kernel, recurrent, bias), atol=1e-5)


@pytest.mark.parametrize(("steps", "unroll"), [(32, True), (33, False)])
def test_only_short_sequences_are_unrolled_and_only_by_tensorflow_on_processors(steps, unroll):
    keras = pytest.importorskip("keras")
    ae = importlib.import_module("aetutor.keras")
    (layer,) = ae.backbones.over_time(2, 3, WeightStream(0), cell="gru", steps=steps)
    here = keras.backend.backend() == "tensorflow" and not keras.distribution.list_devices("gpu")
    assert layer.unroll is (unroll and here)


def test_causal_convolutions_are_their_definition(ae):
    layers = ae.backbones.causal_convolutions(2, 4, WeightStream(3), steps=9)
    x = expected = RNG.standard_normal((2, 9, 2)).astype("float32")
    weights = WeightStream(3)
    assert len(layers) == len(constants.dilations(9)) == 3
    for dilation in (1, 2, 4):
        expected = causal(expected, weights.kernel((3, expected.shape[-1], 4)), np.zeros(4), dilation)
    np.testing.assert_allclose(run(ae, layers, x), expected, atol=1e-5)


@pytest.mark.parametrize("cell", constants.CELLS)
def test_a_step_sees_itself_and_all_before_it_and_nothing_behind(ae, cell):
    layers = ae.backbones.over_time(2, 6, WeightStream(0), cell=cell, steps=11)
    x = RNG.standard_normal((1, 11, 2)).astype("float32")
    before = run(ae, layers, x)
    for changed in (0, 6):
        other = x.copy()
        other[0, changed] += 3
        differs = np.abs(run(ae, layers, other) - before).max(axis=(0, 2)) > 0
        assert differs.tolist() == [t >= changed for t in range(11)] or (cell == "tcn" and not differs[:changed].any())
        assert differs[changed] and (changed or differs[-1])  # the last step sees the first


def test_dilations_reach_back_to_the_first_step_and_no_further_than_needed():
    for steps in range(1, 200):
        found = constants.dilations(steps)
        assert sum(found) * 2 + 1 >= steps and (len(found) == 1 or sum(found[:-1]) * 2 + 1 < steps)


def test_first_weights(ae):
    model = ae.Autoencoder.recurrent((5, 2), latent_dim=3, cell="lstm", units=(6,), seed=8)
    kernel, recurrent, bias, *_ = testing._side_of(model).weights(model).values()
    stream = WeightStream(8)
    np.testing.assert_array_equal(kernel, stream.kernel((2, 24)))
    np.testing.assert_array_equal(recurrent, stream.orthogonal(6, 4))
    np.testing.assert_array_equal(bias, np.repeat([0.0, 1.0, 0.0, 0.0], 6))
    for gate in np.split(recurrent, 4, axis=1):
        np.testing.assert_allclose(gate @ gate.T, np.eye(6), atol=1e-6)


def test_pytorchs_second_lstm_bias_stays_zero():
    from aetutor import torch as torch_ae

    model = torch_ae.Autoencoder.recurrent((5, 2), latent_dim=2, cell="lstm", units=(4,), seed=0)
    torch_ae.fit(model, RNG.random((20, 5, 2), "float32"), epochs=2, lr=1e-2)
    biases = {name: value for name, value in model.state_dict().items() if "bias_hh" in name}
    assert len(biases) == 2 and all((value == 0).all() for value in biases.values())


def test_a_layer_with_both_biases_trained_has_no_twin():
    import torch

    from aetutor import keras as keras_ae
    from aetutor import torch as torch_ae

    build = dict(latent_dim=2, cell="lstm", units=(4,), seed=0)
    model, twin = (side.Autoencoder.recurrent((5, 2), **build) for side in (torch_ae, keras_ae))
    testing.transplant_weights(model, twin)
    for module in model.modules():
        if isinstance(module, torch.nn.LSTM):
            module.bias_hh_l0.requires_grad_(True)
    with pytest.raises(ValueError, match="they are no twins"):
        testing.transplant_weights(model, twin)


# ---------------------------------------------------------------- padding


def padded(ends, steps, channels=2):
    x = RNG.standard_normal((len(ends), steps, channels)).astype("float32")
    for sequence, end in zip(x, ends, strict=True):
        sequence[end:] = PADDING
    return x


@pytest.mark.parametrize("likelihood", ["squared_error", "gaussian", "bernoulli"])
def test_the_loss_is_the_sum_over_the_steps_that_are_there(ae, likelihood):
    ends = [6, 1, 4]
    x, x_hat = padded(ends, 6), RNG.standard_normal((3, 6, 2)).astype("float32")
    if likelihood == "bernoulli":
        x = np.where(x == PADDING, PADDING, sigmoid(x)).astype("float32")
    options = {"sigma": 0.5} if likelihood == "gaussian" else {}
    model = ae.SequenceAutoencoder.mlp((6, 2), latent_dim=2, padding=PADDING, likelihood=likelihood, **options)
    terms = model.loss_terms(native(ae, x), {"x_hat": native(ae, x_hat)})
    assert list(terms) == ["reconstruction"]
    for i, end in enumerate(ends):
        a, b = x[i, :end].astype(float), x_hat[i, :end].astype(float)
        expected = {
            "squared_error": (a - b) ** 2,
            "gaussian": (a - b) ** 2 / (2 * 0.25) + np.log(0.5) + np.log(2 * np.pi) / 2,
            "bernoulli": np.log1p(np.exp(b)) - a * b,
        }[likelihood]
        np.testing.assert_allclose(array(terms["reconstruction"])[i], expected.sum(), rtol=1e-5)


def test_a_mask_ends_with_the_last_step_that_differs(ae):
    x = np.full((4, 5, 2), PADDING, "float32")
    x[0, :3], x[1, 2], x[2, 4, 1] = 1, 1, 1  # 3 steps; a gap before the third; one channel of the last
    model = ae.SequenceAutoencoder.recurrent((5, 2), latent_dim=2, units=(3,), padding=PADDING)
    expected = [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]
    assert array(model.mask(native(ae, x))).tolist() == expected
    terms = ae.evaluate(model, x[3:])
    assert terms["loss"] == 0 and np.isfinite(ae.encode(model, x[3:])).all()  # nothing to see, nothing to lose
    whole = ae.SequenceAutoencoder.recurrent((5, 2), latent_dim=2, units=(3,))
    assert array(whole.mask(native(ae, x))).min() == 1


@pytest.mark.parametrize("cell", constants.CELLS)
def test_more_padding_changes_neither_code_nor_loss(ae, cell):
    """A model of 8 steps gives its weights to one of 8 or 13, and a sequence of 5 is the same sequence in each."""
    options = dict(latent_dim=3, cell=cell, units=(6, 4), padding=PADDING, seed=2)
    x = padded([5, 8, 2], 8)
    longer = np.concatenate([x, np.full((3, 5, 2), PADDING, "float32")], axis=1)
    model, long_model = (ae.SequenceAutoencoder.recurrent((steps, 2), **options) for steps in (8, 13))
    if cell != "tcn":  # longer sequences want more dilations, so that its number of weights follows the length
        long_model = ae.SequenceAutoencoder.recurrent((13, 2), **options | {"seed": 77})
        testing.transplant_weights(model, long_model)
        np.testing.assert_allclose(ae.encode(model, x), ae.encode(long_model, longer), atol=1e-6)
        np.testing.assert_allclose(ae.evaluate(model, x)["loss"], ae.evaluate(long_model, longer)["loss"], rtol=1e-5)
    alone = np.concatenate([ae.encode(ae_model(ae, model, end, options), x[i : i + 1, :end]) for i, end in ((0, 5), (1, 8))])
    np.testing.assert_allclose(ae.encode(model, x)[:2], alone, atol=1e-6)


def ae_model(ae, model, steps, options):
    """The same weights in a model of so many steps, which has no padding to leave out; its layers are those of `model`."""
    if options["cell"] != "tcn":
        short = ae.SequenceAutoencoder.recurrent((steps, 2), **options | {"padding": None, "seed": 99})
        testing.transplant_weights(model, short)
        return short
    encoder, decoder = model.encoder, model.decoder
    if ae.__name__.endswith("torch"):
        encoder = ae.backbones.SequenceEncoder(encoder.layers, encoder.code)
    else:
        import keras

        x = features = keras.Input((steps, 2))
        *layers, _, code = encoder.layers[1:]
        for layer in layers:
            features = layer(features)
        encoder = keras.Model(x, code(ae.backbones.LastStep()(x, features)))
        decoder = keras.Sequential([keras.layers.Dense(2 * steps), keras.layers.Reshape((steps, 2))])
    return ae.SequenceAutoencoder(encoder, decoder)


def test_without_a_mask_the_padding_changes_the_code(ae):
    """What the test above would not see if nothing did."""
    options = dict(latent_dim=3, units=(6,), seed=2)
    x = padded([5], 8)
    other = np.where(x == PADDING, 0.5, x).astype("float32")
    blind = ae.SequenceAutoencoder.recurrent((8, 2), **options)
    assert np.abs(ae.encode(blind, x) - ae.encode(blind, other)).max() > 1e-2


@pytest.mark.parametrize("cell", constants.CELLS)
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_short_sequences(ae, cell, steps):
    model = ae.Autoencoder.recurrent((steps, 1), latent_dim=2, cell=cell, units=(3,))
    x = RNG.standard_normal((2, steps, 1)).astype("float32")
    assert ae.reconstruct(model, x).shape == x.shape and ae.encode(model, x).shape == (2, 2)


@pytest.mark.parametrize("cell", constants.CELLS)
def test_saved_and_rebuilt(ae, cell, tmp_path):
    model = ae.SequenceAutoencoder.recurrent((9, 2), latent_dim=3, cell=cell, units=(4, 3), padding=PADDING, seed=4)
    x = padded([9, 3, 5], 9)
    for suffix in (".safetensors", ".keras") if ae.__name__.endswith("keras") else (".safetensors",):
        ae.save(model, tmp_path / f"model{suffix}")
        loaded = ae.load(tmp_path / f"model{suffix}")
        assert type(loaded).__name__ == "SequenceAutoencoder" and loaded.padding == PADDING
        np.testing.assert_array_equal(ae.encode(loaded, x), ae.encode(model, x))


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"shape": 48}, ValueError, r"^shape must be \(length, channels\); got \(48,\)\. Sequences of one channel need"),
        ({"shape": (6, 5, 3)}, ValueError, r"^shape must be \(length, channels\); got \(6, 5, 3\)"),
        ({"cell": "rnn"}, ValueError, "^cell='rnn' is not known; accepted: 'gru', 'lstm', 'tcn'"),
        ({"units": ()}, ValueError, r"^units must name at least one layer, such as \(64,\); got \(\)"),
        ({"units": 64}, TypeError, r"^units must be a sequence of positive integers"),
        ({"padding": float("nan")}, ValueError, "^padding must be a finite number; got nan"),
        ({"padding": "zero"}, TypeError, "^padding must be a number; got 'zero'"),
    ],
)
def test_what_is_refused(ae, options, error, pattern):
    with pytest.raises(error, match=pattern):
        ae.SequenceAutoencoder.recurrent(**{"shape": (9, 1), "latent_dim": 2} | options)


@pytest.mark.parametrize("name", ["Autoencoder", "VAE", "DenoisingAutoencoder"])
def test_padding_is_refused_where_the_loss_would_count_it(ae, name):
    with pytest.raises(TypeError, match=f"{name}.recurrent has no argument 'padding'"):
        getattr(ae, name).recurrent((9, 1), latent_dim=2, padding=0.0)


def test_a_decoder_of_another_length_is_refused(ae):
    encoder, _ = ae.backbones.recurrent((6, 1), latent_dim=2, units=(3,), padding=0.0)
    _, decoder = ae.backbones.recurrent((1, 1), latent_dim=2, units=(3,))
    with pytest.raises(ValueError, match=r"decoder gives samples of shape \(1, 1\) for data of \(6, 1\)"):
        ae.fit(ae.SequenceAutoencoder(encoder, decoder, padding=0.0), RNG.random((20, 6, 1), "float32"), epochs=1)
