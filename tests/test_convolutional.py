"""The convolutional backbone of both frameworks: against its definition, in every shape, from the same first bytes."""

import hashlib
import importlib
import itertools

import numpy as np
import pytest

from aetutor import constants
from aetutor.initializers import WeightStream

RNG = np.random.default_rng(0)


@pytest.fixture(params=["torch", "keras"])
def ae(request):
    return importlib.import_module(f"aetutor.{request.param}")


def apply(ae, layers, x):
    """Layers of a backbone on an array in NumPy layout, (B, *sides, C), and their result in the same layout."""
    layers = layers if isinstance(layers, list) else [layers]
    if ae.__name__.endswith("keras"):
        import keras

        for layer in layers:
            x = layer(x)
        return keras.ops.convert_to_numpy(x)
    import torch

    x = torch.from_numpy(x).movedim(-1, 1)  # (B, C, *sides)
    for layer in layers:
        x = layer(x)
    return x.movedim(1, -1).detach().numpy()


def convolved(x, kernel, *, stride):
    """The definition: y[i] = sum_d x[stride i + d - 1] kernel[d], with zeros outside."""
    axes = x.ndim - 2
    x = np.pad(x, [(0, 0), *[(1, 1)] * axes, (0, 0)])
    sides = [(n - 3) // stride + 1 for n in x.shape[1:-1]]
    y = np.zeros((len(x), *sides, kernel.shape[-1]))
    for place in itertools.product(*map(range, sides)):
        window = x[(slice(None), *(slice(stride * i, stride * i + 3) for i in place))]
        y[(slice(None), *place)] = np.tensordot(window, kernel, axes=axes + 1)
    return y


def transposed(x, kernel):
    """The definition: each x[i] adds x[i] kernel[d] to y[2 i + d - 1]."""
    sides = x.shape[1:-1]
    y = np.zeros((len(x), *(2 * n + 2 for n in sides), kernel.shape[-1]))
    for place in itertools.product(*map(range, sides)):
        window = (slice(None), *(slice(2 * i, 2 * i + 4) for i in place))
        y[window] += np.moveaxis(np.tensordot(x[(slice(None), *place)], kernel, axes=(1, -2)), 0, 0)
    return y[(slice(None), *[slice(1, -1)] * len(sides))]


@pytest.mark.parametrize("sides", [(7,), (6,), (5, 4)], ids=str)
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_is_its_definition(ae, sides, stride):
    x = RNG.standard_normal((2, *sides, 3)).astype("float32")
    layers = ae.backbones.convolution(3, 5, WeightStream(4), stride=stride, axes=len(sides))
    kernel = WeightStream(4).kernel((*[3] * len(sides), 3, 5))
    np.testing.assert_allclose(apply(ae, layers, x), convolved(x, kernel, stride=stride), atol=1e-5)


@pytest.mark.parametrize("sides", [(7,), (6,), (5, 8)], ids=str)
def test_a_transposed_convolution_is_its_definition(ae, sides):
    """Odd sides lose what doubling gave them too much, at the end."""
    x = RNG.standard_normal((2, *(-(-n // 2) for n in sides), 3)).astype("float32")
    layers = ae.backbones.doubling(3, 5, WeightStream(4), sides=sides, upsampling="transposed")
    kernel = WeightStream(4).kernel((*[4] * len(sides), 3, 5))
    expected = transposed(x, kernel)[(slice(None), *map(slice, sides))]
    np.testing.assert_allclose(apply(ae, layers, x), expected, atol=1e-5)


@pytest.mark.parametrize("sides", [(7,), (5, 8)], ids=str)
def test_nearest_upsampling_repeats_each_value(ae, sides):
    x = RNG.standard_normal((2, *(-(-n // 2) for n in sides), 3)).astype("float32")
    layers = ae.backbones.doubling(3, 5, WeightStream(4), sides=sides, upsampling="nearest")
    repeated = x
    for axis in range(1, x.ndim - 1):
        repeated = repeated.repeat(2, axis=axis)
    kernel = WeightStream(4).kernel((*[3] * len(sides), 3, 5))
    expected = convolved(repeated[(slice(None), *map(slice, sides))], kernel, stride=1)
    np.testing.assert_allclose(apply(ae, layers, x), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (29, 1), (48, 2), (1, 5, 3), (7, 9, 2)], ids=str)
@pytest.mark.parametrize("upsampling", constants.UPSAMPLINGS)
def test_any_shape_comes_back(ae, shape, upsampling):
    model = ae.Autoencoder.conv(shape, latent_dim=2, channels=(3, 4, 5), upsampling=upsampling)
    x = RNG.random((2, *shape), "float32")
    assert ae.reconstruct(model, x).shape == x.shape
    assert ae.encode(model, x).shape == (2, 2)


def test_one_convolution_serves_every_place(ae):
    """A signal moved by four steps has, after two halvings, features moved by one: the convolution runs over time."""
    encoder, _ = ae.backbones.conv((64, 2), latent_dim=16 * 6, channels=(4, 6), seed=1)
    parts = list(encoder.layers if hasattr(encoder, "layers") else encoder)
    until = next(i for i, part in enumerate(parts) if type(part).__name__ in ("Flatten", "Reshape"))
    x = np.zeros((2, 64, 2), "float32")
    x[0, 20:30] = x[1, 24:34] = RNG.standard_normal((10, 2))
    if ae.__name__.endswith("torch"):
        import torch

        features = torch.from_numpy(x)
    else:
        features = x
    for part in parts[:until]:
        features = part(features)
    first, second = (np.array(features[i].detach() if hasattr(features, "detach") else features[i]) for i in range(2))
    assert first.shape == (16, 6) and np.abs(first).max() > 0.1
    np.testing.assert_allclose(first[4:9], second[5:10], atol=1e-6)


def test_first_weights_and_their_names_are_those_of_earlier_versions():
    """Saved models and stored pages depend on both."""
    ae = importlib.import_module("aetutor.torch")
    model = ae.Autoencoder.conv((9, 10, 2), latent_dim=5, channels=(4, 6, 3), initializer="he_normal", seed=5)
    seen = hashlib.sha256()
    for name, value in model.state_dict().items():
        seen.update(name.encode() + value.contiguous().numpy().tobytes())
    assert seen.hexdigest().startswith("ca0a2c51630691ec")


def test_an_image_with_its_channels_first_is_refused(ae):
    model = ae.Autoencoder.conv((6, 5, 3), latent_dim=2, channels=(4,))
    first = RNG.random((4, 3, 6, 5), "float32")
    expected = (
        r"x must have the shape \(N, 6, 5, 3\); got \(4, 3, 6, 5\)\. Channels come last here: np\.moveaxis\(x, 1, -1\)\."
    )
    with pytest.raises(ValueError, match=expected):
        ae.fit(model, first, epochs=1)
    with pytest.raises(ValueError, match=expected):
        ae.encode(model, first)
    assert ae.encode(model, np.moveaxis(first, 1, -1)).shape == (4, 2)


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"shape": (4, 9, 9, 1)}, ValueError, r"^shape must be \(length, channels\) or .*; got \(4, 9, 9, 1\)"),
        ({"shape": 81}, ValueError, r"^shape must be .*; got \(81,\)\. Data of one channel need a channel axis"),
        ({"upsampling": "bilinear"}, ValueError, "^upsampling='bilinear' is not known; accepted: 'nearest', 'transposed'"),
        ({"upsampling": None}, TypeError, "^upsampling must be one of 'nearest', 'transposed'; got None"),
    ],
)
def test_what_is_refused(ae, options, error, pattern):
    with pytest.raises(error, match=pattern):
        ae.VAE.conv(**{"shape": (9, 9, 1), "latent_dim": 2} | options)
