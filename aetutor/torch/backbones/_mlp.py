"""Dense encoder and decoder, those that also read a condition, and a net that tells two kinds of samples apart."""

import itertools
import math

from torch import nn

from ... import constants, validation
from ...batching import stream_seed
from ...initializers import DISCRIMINATOR, WeightStream
from ._parts import Flatten, Unflatten, activate, dense


def mlp(
    shape,
    *,
    latent_dim: int,
    hidden=(256,),
    activation: str = "relu",
    code_activation: str = "linear",
    output_activation: str = "linear",
    norm: str | None = None,
    initializer: str = "glorot_uniform",
    seed: int = 0,
    code_factor: int = 1,
):
    """Dense encoder and its mirror image.

        shape -> hidden[0] -> ... -> latent_dim -> ... -> hidden[0] -> shape

    Args:
        shape: of one sample, or an int for flat data.
        latent_dim: size K of the code; may exceed the data's.
        hidden: sizes of the encoder's hidden layers; the decoder reverses them; () gives one layer each.
        activation: of the hidden layers, one of aetutor.constants.ACTIVATIONS.
        code_activation: of the code layer.
        output_activation: of the last layer; keep "linear" with likelihood="bernoulli", whose decoder gives logits.
        norm: None, or "layer" for layer normalisation before each hidden activation.
        initializer: "glorot_uniform" or "he_normal".
        seed: of the initial weights.
        code_factor: numbers the encoder gives for each latent dimension (2 for a VAE); set by the class.

    Returns:
        encoder, (B, *shape) -> (B, code_factor K), and decoder, (B, K) -> (B, *shape).
    """
    shape = validation.sample_shape("shape", shape)
    latent_dim = validation.integer("latent_dim", latent_dim, low=1)
    hidden = validation.sizes("hidden", hidden)
    for name, value in (
        ("activation", activation),
        ("code_activation", code_activation),
        ("output_activation", output_activation),
    ):
        validation.one_of(name, value, constants.ACTIVATIONS)
    if norm is not None:
        validation.one_of("norm", norm, ("layer",))
    weights, n_data = WeightStream(seed, initializer), math.prod(shape)

    def stack(widths):
        """Hidden layers from widths[0] to widths[-1]."""
        for fan_in, fan_out in itertools.pairwise(widths):
            yield dense(fan_in, fan_out, weights)
            if norm == "layer":
                yield nn.LayerNorm(fan_out, eps=constants.LAYER_NORM_EPSILON)
            yield from activate(activation)

    widths = (n_data, *hidden)
    encoder = nn.Sequential(
        *([Flatten()] if len(shape) > 1 else []),
        *stack(widths),
        dense(widths[-1], code_factor * latent_dim, weights),
        *activate(code_activation),
    )
    widths = (latent_dim, *reversed(hidden))
    decoder = nn.Sequential(
        *stack(widths),
        dense(widths[-1], n_data, weights),
        *activate(output_activation),
        *([Unflatten(shape)] if len(shape) > 1 else []),
    )
    return encoder, decoder


def conditional_mlp(
    shape,
    *,
    conditions: int,
    latent_dim: int,
    hidden=(256,),
    activation: str = "relu",
    output_activation: str = "linear",
    norm: str | None = None,
    initializer: str = "glorot_uniform",
    seed: int = 0,
    code_factor: int = 1,
):
    """As `mlp`, for samples [x | c] that end with a condition: both nets read it, and only x is drawn.

        [x | c] -> hidden[0] -> ... -> latent_dim,      [z | c] -> ... -> hidden[0] -> x

    Args:
        shape: numbers in one sample, D + C, an int: x, flat, and its condition behind it.
        conditions: C, how many of them are the condition.
        latent_dim: size K of the code that is inferred.
        hidden, activation, output_activation, norm, initializer, seed: as in `mlp`.
        code_factor: numbers the encoder gives for each latent dimension; set by the class.

    Returns:
        encoder, (B, D + C) -> (B, code_factor K), and decoder, (B, K + C) -> (B, D).
    """
    shape = validation.conditioned_shape(shape, conditions)
    net = {
        "hidden": hidden,
        "activation": activation,
        "output_activation": output_activation,
        "norm": norm,
        "initializer": initializer,
        "seed": seed,
    }
    encoder = mlp(shape, latent_dim=latent_dim, code_factor=code_factor, **net)[0]
    return encoder, mlp(shape[0] - conditions, latent_dim=latent_dim + conditions, **net)[1]


def discriminator(shape, *, hidden=(128,), seed: int = 0) -> nn.Sequential:
    """Dense net that tells two kinds of samples apart: shape -> hidden[0] -> ... -> one logit, with leaky ReLU and no norm.

    Args:
        shape: of one sample, or an int for flat data such as codes.
        hidden: sizes of the hidden layers, at least one.
        seed: of the constructor; the weights come from a stream of their own below it.

    Returns:
        (B, *shape) -> (B, 1).
    """
    hidden = validation.layer_sizes("hidden", hidden)
    seed = stream_seed(validation.integer("seed", seed, low=0), DISCRIMINATOR)
    return mlp(shape, latent_dim=1, hidden=hidden, activation="leaky_relu", seed=seed)[0]
