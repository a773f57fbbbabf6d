"""Using a model: NumPy arrays in, NumPy arrays out. Nothing here changes the model or advances its noise."""

import keras
import numpy as np

from .. import validation
from ..batching import blocks
from ..constants import EVALUATION_BLOCK
from . import noise
from .autoencoder import Autoencoder


def encode(model, x, *, batch_size=1024):
    """Codes of x, (N, *D) -> (N, K), float32; deterministic (a VAE gives its posterior mean)."""
    return _map(model, _encode, "x", x, batch_size)


def decode(model, z, *, batch_size=1024):
    """Mean of p(x | z) for codes z, (N, K) -> (N, *D), float32."""
    return _map(model, _decode, "z", z, batch_size)


def reconstruct(model, x, *, batch_size=1024):
    """Decoded codes of x, (N, *D) -> (N, *D), float32: decode(model, encode(model, x))."""
    return _map(model, _reconstruct, "x", x, batch_size)


def evaluate(model, x, *, seed=0):
    """Mean over the samples of the loss and of each of its terms: the objective that `fit` validates with.

    A stochastic model draws its noise from (seed, block of samples), so two calls agree exactly.

    Args:
        model: the model.
        x: data, (N, *D), or an iterable of batches.
        seed: of the noise.

    Returns:
        {"loss": float, and each term's name: float}.
    """
    x = validation.samples("x", x, shape=sample_shape(model_of(model)), likelihood=model.likelihood)
    return evaluation(model, x, seed=validation.integer("seed", seed, low=0))


def evaluation(model, x, *, seed):
    """`evaluate` without its checks."""
    sums, count = {}, 0
    for index, block in enumerate(blocks(x, EVALUATION_BLOCK)):
        build(model, block)
        with noise.kept(model):
            noise.seed_block(model, seed, index)
            terms = compiled(model, _terms).predict_on_batch(block)  # {name: (B,)}
        for name in model.term_means:
            sums[name] = sums.get(name, 0.0) + float(terms[name].sum(dtype=np.float64))
        count += len(block)
    means = {name: value / count for name, value in sums.items()}
    return {"loss": sum(means.values())} | means


def model_of(model):
    """The model, if it is one of ours."""
    if not isinstance(model, Autoencoder):
        raise TypeError(f"model must be an aetutor.keras.Autoencoder; got {validation.describe(model)}.")
    return model


def sample_shape(model, part="encoder"):
    """Shape of one sample that the model, or one of its parts, accepts; None if it is not known."""
    if part == "encoder" and model.sample_shape is not None:
        return model.sample_shape
    shape = getattr(getattr(model, part), "input_shape", None)  # Keras knows it of models that start with an Input
    return tuple(shape[1:]) if isinstance(shape, tuple) and None not in shape[1:] else None


def build(model, x):
    """Create what is not created before the first batch, (B, *D), is seen."""
    if not model.built:
        model.build((None, *x.shape[1:]))


def compiled(model, function):
    """`function(model, x)` compiled by Keras, kept until a setting of the model changes.

    Numbers such as beta are constants of compiled code, so code made for another value must not be used.
    """
    settings = (model.dtype_policy.name, *model.settings().items())
    cache = model.compiled_functions.entries
    if function not in cache or cache[function][0] != settings:
        entry = Function(model, function)
        entry.make_predict_function()
        if keras.backend.backend() == "tensorflow":  # it would warn that the same code is traced often: for other models
            entry.predict_function._omit_frequent_tracing_warning = True
        cache[function] = (settings, entry)
    return cache[function][1]


class Function(keras.Model):
    """A function of a model and a batch as a Keras model, whose `predict_on_batch` is compiled on every backend."""

    def __init__(self, model, function):
        super().__init__()
        self.model, self.function = model, function

    def call(self, x):
        """The function's value for the batch x."""
        return self.function(self.model, x)


def _encode(model, x):
    return model.encode(x)


def _decode(model, z):
    return model.mean(model.decode(z))


def _reconstruct(model, x):
    return model.mean(model.decode(model.encode(x)))


def _terms(model, x):
    return model.objective(x, model(x))


def _map(model, function, name, x, batch_size):
    x = validation.array(name, x, shape=sample_shape(model_of(model), "decoder" if name == "z" else "encoder"))
    batch_size = validation.integer("batch_size", batch_size, low=1)
    if name == "x":
        build(model, x)
    call = compiled(model, function).predict_on_batch
    return np.concatenate([np.asarray(call(part), np.float32) for part in blocks(x, batch_size)])
