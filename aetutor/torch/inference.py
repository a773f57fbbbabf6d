"""Using a model: NumPy arrays in, NumPy arrays out. Nothing here draws noise or changes the model."""

from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from .. import validation
from ..batching import VALIDATION, blocks
from ..constants import EVALUATION_BLOCK
from .autoencoder import Autoencoder
from .data import to_array, to_tensor


def encode(model: Autoencoder, x, *, batch_size: int = 1024) -> np.ndarray:
    """Codes of x, (N, *D) -> (N, K), float32; deterministic (a VAE gives its posterior mean)."""
    return _map(model, model_of(model).encode, "x", x, batch_size, shape=model.sample_shape)


def decode(model: Autoencoder, z, *, batch_size: int = 1024) -> np.ndarray:
    """Mean of p(x | z) for codes z, (N, K) -> (N, *D), float32."""
    built = model_of(model).built_with
    shape = (built["arguments"]["latent_dim"],) if built else None
    return _map(model, lambda z: model.mean(model.decode(z)), "z", z, batch_size, shape=shape)


def reconstruct(model: Autoencoder, x, *, batch_size: int = 1024) -> np.ndarray:
    """Decoded codes of x, (N, *D) -> (N, *D), float32: decode(model, encode(model, x))."""
    return _map(
        model, lambda x: model.mean(model.decode(model.encode(x))), "x", x, batch_size, shape=model_of(model).sample_shape
    )


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
