"""Bad input to aetutor.torch: each is refused before training, by an error that names the argument, what came and what is
accepted; the model is as it was."""

import math

import numpy as np
import pytest
from torch import nn
from torch_toys import same, table, weights

from aetutor import torch as ae

X = table(20)


def spoilt(value):
    x = X.copy()
    x[7, 2] = value
    return x


DATA = {
    "NaN": (spoilt(np.nan), ValueError, r"NAME holds nan at index \(7, 2\); only finite values are accepted"),
    "infinity": (spoilt(np.inf), ValueError, r"NAME holds inf at index \(7, 2\); only finite"),
    "empty": (X[:0], ValueError, r"NAME is empty: its shape is \(0, 12\); at least one sample"),
    "one axis": (X[0], ValueError, r"NAME must have at least two axes, .*; got shape \(12,\)"),
    "too many axes": (
        X.reshape(20, 3, 4),
        ValueError,
        r"NAME must have the shape \(N, 12\); got \(20, 3, 4\).*reshape\(-1, 12\)",
    ),
    "another width": (X[:, :5], ValueError, r"NAME must have the shape \(N, 12\); got \(20, 5\)"),
    "object": (np.array([[1.0], [None]], object), TypeError, r"NAME has dtype object.*array of floats is accepted"),
    "ragged": ([[1.0, 2.0], [3.0]], TypeError, r"NAME has dtype object.*array of floats is accepted"),
    "uint8": ((X * 255).astype(np.uint8), TypeError, r"NAME has dtype uint8; floats are accepted.*Scale to \[0, 1\]"),
    "integers": (np.ones((20, 12), int), TypeError, r"NAME has dtype int64; floats are accepted"),
    "0..255": (X * 255, ValueError, r"NAME holds .* outside the support \[0, 1\].*'bernoulli'\. Divide by 255"),
    "negative": (
        X - 0.5,
        ValueError,
        r"NAME holds -0\.\d+ at index .* outside the support \[0, 1\] of likelihood='bernoulli'",
    ),
    "no data": (None, TypeError, r"NAME must be a NumPy array of floats, .*; got None"),
    "a number": (3.0, TypeError, r"NAME must be a NumPy array of floats, .*; got 3\.0"),
}


def model():
    return ae.VAE.mlp(12, latent_dim=3, hidden=(8,), likelihood="bernoulli")


def refused(error, pattern, given, function, *args, **options):
    before = weights(given)
    with pytest.raises(error, match=f"^{pattern}"):
        function(*args, **options)
    assert same(given, before)


@pytest.mark.parametrize("kind", DATA)
def test_data_that_fit_refuses(kind):
    x, error, pattern = DATA[kind]
    given = model()
    refused(error, pattern.replace("NAME", "x"), given, ae.fit, given, x)
    refused(error, pattern.replace("NAME", "x"), given, ae.evaluate, given, x)
    if x is not None:
        refused(error, pattern.replace("NAME", "val"), given, ae.fit, given, X, val=x)


@pytest.mark.parametrize("kind", [k for k in DATA if k not in ("0..255", "negative")])
def test_data_that_encode_and_reconstruct_refuse(kind):
    x, error, pattern = DATA[kind]
    given = model()
    refused(error, pattern.replace("NAME", "x"), given, ae.encode, given, x)
    refused(error, pattern.replace("NAME", "x"), given, ae.reconstruct, given, x)


def test_codes_that_decode_refuses():
    given, z = model(), np.zeros((4, 3), np.float32)
    assert ae.decode(given, z).shape == (4, 12)
    refused(ValueError, r"z must have the shape \(N, 3\); got \(4, 5\)", given, ae.decode, given, np.zeros((4, 5)))
    refused(ValueError, r"z must have at least two axes", given, ae.decode, given, z[0])
    refused(ValueError, r"z holds nan at index \(0, 0\)", given, ae.decode, given, z * np.nan)
    refused(TypeError, r"z has dtype int64", given, ae.decode, given, z.astype(int))
    refused(ValueError, r"batch_size must be an integer of at least 1; got 0", given, ae.decode, given, z, batch_size=0)


def test_bad_batches_of_an_iterable_are_named():
    given = model()
    for batches, error, pattern in [
        ([X, spoilt(np.nan)], ValueError, r"x \(batch 1\) holds nan at index \(7, 2\)"),
        ([X[:, :5]], ValueError, r"x \(batch 0\) must have the shape \(N, 12\); got \(20, 5\)"),
        ([(X * 255).astype(np.uint8)], TypeError, r"x \(batch 0\) has dtype uint8"),
        ([X * 2], ValueError, r"x \(batch 0\) holds .* outside the support"),
    ]:
        with pytest.raises(error, match=f"^{pattern}"):
            ae.fit(given, batches, epochs=1)
    refused(TypeError, "x is a generator or iterator, which ends after one epoch", given, ae.fit, given, (b for b in [X]))
    refused(TypeError, "val is a generator or iterator", given, ae.fit, given, X, val=iter([X]))
    refused(
        ValueError,
        "schedule='cosine' needs the number of steps; x is an iterable",
        given,
        ae.fit,
        given,
        [X],
        schedule="cosine",
    )


OPTIONS = [
    ({"epochs": 0}, ValueError, "epochs must be an integer of at least 1; got 0"),
    ({"epochs": 2.5}, TypeError, "epochs must be an integer .* got 2.5"),
    ({"batch_size": 0}, ValueError, "batch_size must be an integer of at least 1; got 0"),
    ({"batch_size": "16"}, TypeError, "batch_size must be an integer .* got '16'"),
    ({"lr": 0}, ValueError, "lr must be a finite number greater than 0; got 0"),
    ({"lr": math.nan}, ValueError, "lr must be a finite number .* got nan"),
    ({"seed": -1}, ValueError, "seed must be an integer from 0 .* got -1"),
    ({"seed": None}, TypeError, "seed must be an integer .* got None"),
    ({"schedule": "cosinus"}, ValueError, "schedule='cosinus' is not known; accepted: .* Did you mean 'cosine'"),
    ({"schedule": "plateau"}, ValueError, "schedule='plateau' watches the validation loss; pass val="),
    ({"warmup": 0.1}, ValueError, 'warmup=0.1 needs schedule="cosine"'),
    ({"early_stopping": 2}, ValueError, "early_stopping=2 watches the validation loss; pass val="),
    ({"monitor": "kl"}, ValueError, "monitor='kl' watches the validation loss; pass val="),
    ({"monitor": "kll", "val": X}, ValueError, "monitor='kll' was not recorded; accepted: 'loss', 'reconstruction', 'kl'"),
    ({"callbacks": 3}, TypeError, r"callbacks must be functions f\(record, model\).* got 3"),
    ({"checkpoint": "run.pt"}, ValueError, r"checkpoint must end in \.safetensors; got 'run\.pt'"),
    ({"device": "gpu"}, ValueError, r"device='gpu' is not available here: .* Accepted: 'auto', 'cpu'"),
    ({"device": "cuda:99"}, ValueError, r"device='cuda:99' is not available here"),
    ({"device": 0}, TypeError, r"device must be 'auto' or a torch device; got 0"),
    ({"precision": "half"}, ValueError, "precision='half' is not known; accepted: 'float32', 'bfloat16'"),
    ({"progress": 2}, ValueError, "progress must be True, False or 'auto'; got 2"),
]


@pytest.mark.parametrize(("options", "error", "pattern"), OPTIONS, ids=[str(next(iter(o[0].items()))) for o in OPTIONS])
def test_options_that_fit_refuses(options, error, pattern):
    given = model()
    refused(error, pattern, given, ae.fit, given, X, **options)


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="epoch"):
        ae.fit(model(), X, epoch=3)
    with pytest.raises(TypeError, match=r"^VAE\.mlp has no argument 'latent_dims'; accepted: .* Did you mean 'latent_dim'"):
        ae.VAE.mlp(12, latent_dims=3)
    with pytest.raises(TypeError, match=r"^Autoencoder\.mlp has no argument 'beta'; accepted: "):
        ae.Autoencoder.mlp(12, latent_dim=3, beta=1.0)
    with pytest.raises(TypeError, match="latent_dim"):
        ae.VAE.mlp(12)


def test_a_model_that_is_none_of_ours():
    for function in (ae.fit, ae.encode, ae.reconstruct, ae.evaluate, ae.decode):
        with pytest.raises(TypeError, match=r"^model must be an aetutor\.torch\.Autoencoder; got Linear"):
            function(nn.Linear(12, 12), X)
        with pytest.raises(TypeError, match=r"^model must be an aetutor\.torch\.Autoencoder; got None"):
            function(None, X)


CONSTRUCTORS = [
    ("mlp", {"shape": 0}, ValueError, "shape must be an integer of at least 1; got 0"),
    ("mlp", {"shape": ()}, ValueError, r"shape must have at least one axis; got \(\)"),
    ("mlp", {"shape": "784"}, TypeError, "shape must be a sequence of positive integers .* got '784'"),
    ("mlp", {"shape": (4, -1)}, ValueError, r"shape\[1\] must be an integer of at least 1; got -1"),
    ("mlp", {"latent_dim": 0}, ValueError, "latent_dim must be an integer of at least 1; got 0"),
    ("mlp", {"latent_dim": 2.0}, TypeError, "latent_dim must be an integer of at least 1; got 2.0"),
    ("mlp", {"hidden": 128}, TypeError, "hidden must be a sequence of positive integers .* got 128"),
    ("mlp", {"hidden": (8, 0)}, ValueError, r"hidden\[1\] must be an integer of at least 1; got 0"),
    ("mlp", {"activation": "rely"}, ValueError, "activation='rely' is not known; accepted: .* Did you mean 'relu'"),
    ("mlp", {"code_activation": "softmax"}, ValueError, "code_activation='softmax' is not known; accepted: 'relu'"),
    ("mlp", {"output_activation": None}, TypeError, "output_activation must be one of 'relu', .* got None"),
    ("mlp", {"norm": "batch"}, ValueError, "norm='batch' is not known; accepted: 'layer'"),
    (
        "mlp",
        {"initializer": "zeros"},
        ValueError,
        "initializer='zeros' is not known; accepted: 'glorot_uniform', 'he_normal'",
    ),
    ("mlp", {"seed": -1}, ValueError, "seed must be an integer of at least 0; got -1"),
    ("mlp", {"likelihood": "bernouli"}, ValueError, "likelihood='bernouli' is not known; .* Did you mean 'bernoulli'"),
    ("mlp", {"sigma": 0.0}, ValueError, "sigma must be a finite number greater than 0; got 0"),
    (
        "mlp",
        {"sigma": 0.5, "likelihood": "bernoulli"},
        ValueError,
        'sigma=0.5 has no effect with .* needs likelihood="gaussian"',
    ),
    ("mlp", {"beta": -1.0}, ValueError, "beta must be a finite number of at least 0; got -1"),
    ("mlp", {"beta": "1"}, TypeError, "beta must be a number of at least 0; got '1'"),
    (
        "conv",
        {"shape": (4, 28, 28, 1)},
        ValueError,
        r"shape must be \(length, channels\) or \(height, width, channels\); got \(4, 28, 28, 1\)",
    ),
    (
        "conv",
        {"shape": 784},
        ValueError,
        r"shape must be .*; got \(784,\)\. Data of one channel need a channel axis too: x\[\.\.\., None\]",
    ),
    (
        "conv",
        {"upsampling": "bilinear"},
        ValueError,
        "upsampling='bilinear' is not known; accepted: 'nearest', 'transposed'",
    ),
    ("conv", {"channels": ()}, ValueError, r"channels must name at least one stage, such as \(32, 64\); got \(\)"),
    ("conv", {"channels": 32}, TypeError, "channels must be a sequence of positive integers .* got 32"),
    ("conv", {"latent_dim": -2}, ValueError, "latent_dim must be an integer of at least 1; got -2"),
    ("conv", {"activation": "swish"}, ValueError, "activation='swish' is not known; accepted: 'relu'"),
]


@pytest.mark.parametrize(
    ("backbone", "options", "error", "pattern"), CONSTRUCTORS, ids=[f"{c[0]} {c[1]}" for c in CONSTRUCTORS]
)
def test_what_constructors_refuse(backbone, options, error, pattern):
    good = {"shape": 12 if backbone == "mlp" else (6, 5, 1), "latent_dim": 3}
    with pytest.raises(error, match=f"^{pattern}"):
        getattr(ae.VAE, backbone)(**good | options)


def test_parts_that_are_no_modules():
    with pytest.raises(TypeError, match=r"^encoder must be a torch\.nn\.Module; got None"):
        ae.Autoencoder(None, nn.Linear(3, 12))
    with pytest.raises(TypeError, match=r"^decoder must be a torch\.nn\.Module; got <ufunc 'tanh'>"):
        ae.VAE(nn.Linear(12, 6), np.tanh)


def test_batches_refuses():
    with pytest.raises(ValueError, match=r"^batch_size must be an integer of at least 1; got 0"):
        ae.batches(X, batch_size=0)
    with pytest.raises(ValueError, match=r"^seed must be an integer of at least 0; got -1"):
        ae.batches(X, seed=-1)
    with pytest.raises(ValueError, match=r"^x holds nan at index \(7, 2\)"):
        ae.batches(spoilt(np.nan))
