"""Using a model: NumPy arrays in, NumPy arrays out. Nothing here changes the model or advances its noise."""

import functools

import keras
import numpy as np

from .. import sampling, validation
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


def sample(model, n=16, *, condition=None, seed=0):
    """Draw codes from the model's prior and decode them.

        z ~ p(z),   x = mean of p(x | z)

    The same seed draws the same codes in both frameworks.

    Args:
        model: of a class with a prior, such as VAE.
        n: number of draws.
        condition: for a ConditionalVAE, (C,) for all draws or (n, C); none for other classes.
        seed: of the codes.

    Returns:
        (n, *D) float32: means, without the noise that p(x | z) adds to each entry.

    Raises:
        TypeError: the model has no prior, so its codes may lie anywhere; or `condition` is given to a class that takes none.
        ValueError: the size of its codes is not known yet: a model of one's own parts that was never fitted; or `condition`
            is missing, of another shape, or not finite.
    """
    sampling.check_prior(model_of(model))
    z = sampling.prior_codes(model, sampling.latent_shape(model, code_shape(model)), n, seed)
    return decode(model, sampling.with_condition(model, z, condition))


def inpaint(model, x, mask, *, batch_size=1024):
    """Draw the masked patches of images anew from the others.

    Args:
        model: a MaskedAutoencoder.
        x: images, (N, H, W, C); what they hold where the mask is True has no influence.
        mask: True for each patch that is masked, (P,) for all images alike or (N, P), patches row by row; the same number in
            each image, which need not be that of the training.
        batch_size: images at a time.

    Returns:
        (N, H, W, C) float32: x with the masked patches replaced by the mean of p(x | z). The others are as given.
    """
    validation.inpainter(model_of(model))
    x = validation.array("x", x, shape=sample_shape(model))
    kept, masked = validation.patch_mask(mask, len(x), model.encoder.patches.count)
    starts = range(0, len(x), validation.integer("batch_size", batch_size, low=1))
    build(model, x)
    call = compiled(model, _inpaint(kept.shape[1]))
    slices = (slice(start, start + batch_size) for start in starts)
    order = np.concatenate([kept, masked], axis=1)
    return np.concatenate([call((np.asarray(x[s], np.float32), order[s])) for s in slices])


def interpolate(model, a, b, *, steps=8):
    """Decode codes on the straight lines between the codes of a and those of b.

        z_t = (1 - t) encode(a) + t encode(b),   t = 0, ..., 1

    Args:
        model: the model.
        a: where the lines begin, (N, *D).
        b: where they end, of the same shape.
        steps: points on each line, ends included, at least 2.

    Returns:
        (N, steps, *D) float32; the first and the last point are the reconstructions of a and b.
    """
    z = sampling.lines(encode(model, a), encode(model, b), steps)  # (N, steps, *K)
    x_hat = decode(model, z.reshape(-1, *z.shape[2:]))  # (N steps, *D)
    return x_hat.reshape(*z.shape[:2], *x_hat.shape[1:])


def traverse(model, x, *, dims=None, values=(-3, -2, -1, 0, 1, 2, 3)):
    """Decode the code of one sample with one of its units at a time set to each of the given values.

    Args:
        model: of a class whose codes are vectors, (N, K).
        x: one sample, (*D).
        dims: the units to move, from 0 to K - 1; None moves each.
        values: what the unit is set to, in the units of the code; under a standard normal prior most codes lie in [-3, 3].

    Returns:
        (K', V, *D) float32 for K' units and V values.
    """
    z = sampling.axes(encode(model, sampling.one_sample(x))[0], dims, values)  # (K', V, K)
    x_hat = decode(model, z.reshape(-1, z.shape[2]))  # (K' V, *D)
    return x_hat.reshape(*z.shape[:2], *x_hat.shape[1:])


def log_likelihood(model, x, *, samples=500, seed=0):
    """Log-likelihood of each sample, estimated with S importance samples.

        log p(x) ~ log 1/S sum_s p(x | z_s) p(z_s) / q(z_s | x),   z_s ~ q(z | x)

    On average it lies below log p(x), less so the larger S: state S beside the number. It works in blocks, so S costs time
    and no memory. The noise depends on (seed, index of the sample), the same in both frameworks.

    Args:
        model: a VAE, trained with any `beta` and `samples`.
        x: data, (N, *D); 0 and 1 only with likelihood="bernoulli".
        samples: S.
        seed: of the noise.

    Returns:
        (N,) float64, in nats; of a density, which may be above 0, unless the data are discrete.

    Raises:
        TypeError, ValueError: the model gives no likelihood ("squared_error"), or x has none under it (grey values under
            "bernoulli").

    Source: Burda, Grosse and Salakhutdinov (2016), section 5.
    """
    x = validation.array("x", x, shape=sample_shape(model_of(model)), likelihood=model.likelihood)
    sampling.check_likelihood(model, x)
    shape = sampling.latent_shape(model, code_shape(model))
    build(model, x)
    call = compiled(model, _log_weights)

    def log_weights(block, noise):
        return call((block, noise))  # (B, *D) and (B, s, K) to (B, s)

    return sampling.log_mean_weights(x, log_weights, shape, samples=samples, seed=seed)


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
            terms = compiled(model, _terms)(block)  # {name: (B,)}
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


def code_shape(model):
    """Shape of one code that the decoder takes."""
    if model.built_with and "latent_dim" in model.built_with["arguments"]:
        return (model.built_with["arguments"]["latent_dim"] + sampling.conditions_of(model),)
    shape = sample_shape(model)
    if shape is None:
        raise ValueError("model: the size of its codes is not known before it is fitted; fit it, or decode(model, z).")
    return encode(model, np.zeros((1, *shape), np.float32)).shape[1:]


def build(model, x):
    """Create what is not created before the first batch, (B, *D), is seen."""
    if not model.built:
        model.build((None, *x.shape[1:]))


def compiled(model, function):
    """`function(model, x)` compiled by Keras, kept until a setting of the model changes: NumPy arrays in and out.

    Numbers such as beta are constants of compiled code, so code made for another value must not be used.
    """
    settings = (model.dtype_policy.name, *model.settings().items())
    cache = model.compiled_functions.entries
    if function not in cache or cache[function][0] != settings:
        entry = Function(model, function)
        in_tensorflow = keras.backend.backend() == "tensorflow"
        cache[function] = (settings, TracedOnce(entry) if in_tensorflow else entry.predict_on_batch)
    return cache[function][1]


class Function(keras.Model):
    """A function of a model and a batch as a Keras model, whose `predict_on_batch` is compiled on every backend."""

    def __init__(self, model, function):
        super().__init__()
        self.model, self.function = model, function

    def call(self, x):
        """The function's value for the batch x."""
        return self.function(self.model, x)


class TracedOnce:
    """`predict_on_batch` for TensorFlow, traced once for batches of all sizes.

    Keras' own is traced for the first size, and again for a last batch that is smaller, which takes twice as long.
    """

    def __init__(self, entry):
        self.entry, self.traced = entry, {}

    def __call__(self, x):
        """The function's value for the batch x, NumPy arrays."""
        import tensorflow as tf

        kinds = keras.tree.map_structure(lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), x)
        if str(kinds) not in self.traced:
            call = functools.partial(self.entry, training=False)
            self.traced[str(kinds)] = tf.function(call, input_signature=[kinds], autograph=False)
        return keras.tree.map_structure(keras.ops.convert_to_numpy, self.traced[str(kinds)](x))


def _encode(model, x):
    return model.encode(x)


def _decode(model, z):
    return model.mean(model.decode(z))


def _reconstruct(model, x):
    return model.mean(model.decode(model.encode(x)))


def _log_weights(model, inputs):
    x, noise = inputs
    return model.log_weights(x, model(x, noise=noise))


@functools.cache
def _inpaint(kept):
    """One function for each number of kept patches: as a shape that changes, TensorFlow would no longer know it."""

    def inpaint(model, inputs):
        x, order = inputs
        return model.inpaint(x, order[:, :kept], order[:, kept:])

    return inpaint


def _terms(model, x):
    return model.objective(x, model(x))


def _map(model, function, name, x, batch_size):
    x = validation.array(name, x, shape=sample_shape(model_of(model), "decoder" if name == "z" else "encoder"))
    batch_size = validation.integer("batch_size", batch_size, low=1)
    if name == "x":
        build(model, x)
    call = compiled(model, function)
    return np.concatenate([np.asarray(call(part), np.float32) for part in blocks(x, batch_size)])
