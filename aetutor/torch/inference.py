"""Using a model: NumPy arrays in, NumPy arrays out. Nothing here changes the model or advances a random generator."""

from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from .. import sampling, validation
from ..batching import VALIDATION, blocks
from ..constants import EVALUATION_BLOCK
from .autoencoder import Autoencoder
from .data import to_array, to_tensor


def encode(model: Autoencoder, x, *, batch_size: int = 1024) -> np.ndarray:
    """Codes of x, (N, *D) -> (N, K), float32; deterministic (a VAE gives its posterior mean)."""
    return _map(model, model_of(model).encode, "x", x, batch_size, shape=model.sample_shape)


def decode(model: Autoencoder, z, *, batch_size: int = 1024) -> np.ndarray:
    """Mean of p(x | z) for codes z, (N, K) -> (N, *D), float32."""
    shape = code_shape(model) if model_of(model).built_with else None
    return _map(model, lambda z: model.mean(model.decode(z)), "z", z, batch_size, shape=shape)


def reconstruct(model: Autoencoder, x, *, batch_size: int = 1024) -> np.ndarray:
    """Decoded codes of x, (N, *D) -> (N, *D), float32: decode(model, encode(model, x))."""
    return _map(
        model, lambda x: model.mean(model.decode(model.encode(x))), "x", x, batch_size, shape=model_of(model).sample_shape
    )


def sample(model: Autoencoder, n: int = 16, *, condition=None, seed: int = 0) -> np.ndarray:
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


def inpaint(model: Autoencoder, x, mask, *, batch_size: int = 1024) -> np.ndarray:
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
    x = validation.array("x", x, shape=model.sample_shape)
    kept, masked = validation.patch_mask(mask, len(x), model.encoder.patches.count)
    starts, parts = range(0, len(x), validation.integer("batch_size", batch_size, low=1)), []
    with still(model):
        for rows in (slice(start, start + batch_size) for start in starts):
            places = [torch.from_numpy(index[rows]).to(device_of(model)) for index in (kept, masked)]
            parts.append(to_array(model.inpaint(to_tensor(x[rows], device_of(model)), *places)))
    return np.concatenate(parts)


def interpolate(model: Autoencoder, a, b, *, steps: int = 8) -> np.ndarray:
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


def traverse(model: Autoencoder, x, *, dims=None, values=(-3, -2, -1, 0, 1, 2, 3)) -> np.ndarray:
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


def log_likelihood(model: Autoencoder, x, *, samples: int = 500, seed: int = 0) -> np.ndarray:
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
    x = validation.array("x", x, shape=model_of(model).sample_shape, likelihood=model.likelihood)
    sampling.check_likelihood(model, x)
    shape = sampling.latent_shape(model, code_shape(model))

    def log_weights(block, noise):
        batch = to_tensor(block, device_of(model))
        out = model(batch, torch.from_numpy(noise).to(batch.device))  # noise (B, s, K)
        return model.log_weights(batch, out).cpu().numpy()  # (B, s)

    with still(model):
        return sampling.log_mean_weights(x, log_weights, shape, samples=samples, seed=seed)


def evaluate(model: Autoencoder, x, *, seed: int = 0) -> dict[str, float]:
    """Mean over the samples of the loss and of each of its terms: the objective that `fit` validates with.

    A stochastic model draws its noise from (seed, sample index), so two calls agree exactly.

    Args:
        model: the model.
        x: data, (N, *D), or an iterable of batches.
        seed: of the noise.

    Returns:
        {"loss": float, and each term's name: float}.
    """
    x = validation.samples("x", x, shape=model_of(model).sample_shape, likelihood=model.likelihood)
    sums, count = evaluation_sums(model, x, seed=validation.integer("seed", seed, low=0))
    return means(sums, count)


def evaluation_sums(model: Autoencoder, x, *, seed: int, rank: int = 0, world: int = 1) -> tuple[dict[str, Tensor], int]:
    """Sum of each term over the blocks of samples that fall to this process, on the model's device, and how many."""
    sums, count = {}, 0
    with still(model):
        try:
            for index, block in enumerate(blocks(x, EVALUATION_BLOCK)):
                ours = index % world == rank
                if not (ours or index == 0):  # the first block tells every process the names of the terms
                    continue
                model.noise.begin((seed, VALIDATION, index), total=EVALUATION_BLOCK)
                batch = to_tensor(block, device_of(model))
                for name, term in model.loss_terms(batch, model(batch)).items():
                    sums[name] = sums.get(name, 0) + term.double().sum() * ours
                count += len(block) * ours
        finally:
            model.noise.begin(None)
    return sums, count


def means(sums: dict[str, Tensor], count: int) -> dict[str, float]:
    """Mean terms and their total from sums over `count` samples."""
    terms = {name: float(value) / count for name, value in sums.items()}
    return {"loss": sum(terms.values())} | terms


def model_of(model) -> Autoencoder:
    """The model, if it is one of ours."""
    if not isinstance(model, Autoencoder):
        raise TypeError(f"model must be an aetutor.torch.Autoencoder; got {validation.describe(model)}.")
    return model


def code_shape(model: Autoencoder) -> tuple[int, ...]:
    """Shape of one code that the decoder takes."""
    if model.built_with and "latent_dim" in model.built_with["arguments"]:
        return (model.built_with["arguments"]["latent_dim"] + sampling.conditions_of(model),)
    if model.sample_shape is None:
        raise ValueError("model: the size of its codes is not known before it is fitted; fit it, or decode(model, z).")
    return encode(model, np.zeros((1, *model.sample_shape), np.float32)).shape[1:]


def device_of(model: torch.nn.Module) -> torch.device:
    """Device of the model's weights."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))


@contextmanager
def still(model: Autoencoder):
    """Evaluation mode without gradients; the mode the model was in comes back."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def _map(model, function, name, x, batch_size, shape=None) -> np.ndarray:
    model_of(model)
    x = validation.array(name, x, shape=shape)
    batch_size = validation.integer("batch_size", batch_size, low=1)
    with still(model):
        parts = [to_array(function(to_tensor(part, device_of(model)))) for part in blocks(x, batch_size)]
    return np.concatenate(parts)
