"""Random numbers of a Keras model: its own noise and its layers' (dropout), each a stream that is named and can be put back.

A keras.random.SeedGenerator is a pair (stream, number of draws); each draw counts up, in compiled code too. Training starts
them from the seed of `fit`, so that a draw is a function of (seed, global step). Validation starts them from (seed, block of
samples) and puts back what stood before, so that it neither varies nor disturbs training.
"""

import contextlib

import keras
import numpy as np

from ..batching import DROPOUT, NOISE, VALIDATION, stream_seed


def states(model):
    """The state variables of all seed generators of `model`, its own first; each (2,): stream, draws."""
    own = model.seed_generator.state
    return [own, *(v for v in model.non_trainable_variables if v.name == own.name and v is not own)]


def seed_training(model, seed):
    """Start all generators as `fit(seed=seed)` does; for a training loop of one's own, after the model is built."""
    for i, state in enumerate(states(model)):
        _start(state, seed, DROPOUT if i else NOISE, i)


def seed_block(model, seed, block):
    """Start all generators for one block of validation samples."""
    for i, state in enumerate(states(model)):
        _start(state, seed, VALIDATION, block, i)


@contextlib.contextmanager
def kept(model):
    """Put the generators back afterwards to where they stood."""
    before = [(state, keras.ops.convert_to_numpy(state).copy()) for state in states(model)]
    try:
        yield
    finally:
        for state, value in before:
            state.assign(value)


@contextlib.contextmanager
def kept_global():
    """Put PyTorch's global generator back afterwards, where Keras runs on it; see `seed_epoch`."""
    if keras.backend.backend() != "torch":
        yield
        return
    import torch

    with torch.random.fork_rng():
        yield


def seed_epoch(seed, epoch):
    """On the torch backend, Keras' Dropout without a seed of its own draws from PyTorch's global generator: start that."""
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(stream_seed(seed, DROPOUT, epoch))


def _start(state, *path):
    stream = stream_seed(*path) % 2**30  # fits the 32 bits that some backends have, with room for the draws
    state.assign(np.array([stream, 0], dtype=state.dtype))
