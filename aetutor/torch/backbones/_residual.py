"""Residual and densely connected encoder and decoder: layers of one width, each with a way around it."""

import math

import torch
from torch import Tensor, nn

from ... import constants, validation
from ...initializers import WeightStream
from ._parts import Flatten, Unflatten, activate, dense


def residual(
    shape,
    *,
    latent_dim: int,
    width: int = 128,
    depth: int = 4,
    connection: str = "residual",
    branch_start: str = "zero",
    activation: str = "relu",
    code_activation: str = "linear",
    output_activation: str = "linear",
    norm: str | None = None,
    initializer: str = "glorot_uniform",
    seed: int = 0,
    code_factor: int = 1,
):
    """Deep dense encoder and decoder in which each hidden layer but the first is a branch beside the way through.

        h_1 = W_0 x + b_0,    f_l(h) = W_l a(norm(h)) + b_l,    z = W_L a(norm(h_L)) + b_L
        h_(l+1) = h_l + s_l f_l(h_l)        connection="residual"
        h_(l+1) = [h_l, f_l(h_l)]           connection="dense": each layer sees all before it

    Each s_l is one trained number. With s_l = 0 the way through is all there is at the start: a net of one hidden layer,
    whatever the depth. Activation and norm stand before the layer, so that nothing cuts the way through. With no way around,
    h_(l+1) = f_l(h_l), this is `mlp(shape, hidden=(width,) * depth)`, from the same first weights.

    Images are flattened: the layers are dense ones, not convolutions.

    Args:
        shape: of one sample, or an int for flat data.
        latent_dim: size K of the code; may exceed the data's.
        width: of each hidden layer; with connection="dense" what each adds, so that h_l has l width numbers.
        depth: hidden layers L of the encoder, and as many of the decoder.
        connection: "residual" (the branch is added) or "dense" (it is appended).
        branch_start: first value of each s_l: "zero", "scaled" (1 / sqrt(L - 1), for L - 1 branches) or "one". Not with
            connection="dense": a ReLU gives numbers that are appended as 0 no gradient, so that they would stay 0.
        activation: a, one of aetutor.constants.ACTIVATIONS.
        code_activation: of the code layer.
        output_activation: of the last layer; keep "linear" with likelihood="bernoulli", whose decoder gives logits.
        norm: None, or "layer" for layer normalisation before each hidden activation.
        initializer: "glorot_uniform" or "he_normal".
        seed: of the initial weights.
        code_factor: numbers the encoder gives for each latent dimension (2 for a VAE); set by the class.

    Returns:
        encoder, (B, *shape) -> (B, code_factor K), and decoder, (B, K) -> (B, *shape).

    Source: He et al. (2016), with activations before the layers; Huang et al. (2017) for "dense"; Bachlechner et al. (2021)
    and De and Smith (2020) for a trained s_l that starts at 0.
    """
    shape = validation.sample_shape("shape", shape)
    latent_dim = validation.integer("latent_dim", latent_dim, low=1)
    width = validation.integer("width", width, low=1)
    depth = validation.integer("depth", depth, low=1)
    validation.one_of("connection", connection, constants.CONNECTIONS)
    validation.one_of("branch_start", branch_start, constants.BRANCH_STARTS)
    for name, value in (
        ("activation", activation),
        ("code_activation", code_activation),
        ("output_activation", output_activation),
    ):
        validation.one_of(name, value, constants.ACTIVATIONS)
    if norm is not None:
        validation.one_of("norm", norm, ("layer",))
    if connection == "dense":
        validation.left_alone("connection='dense'", {"branch_start": branch_start}, {"branch_start": "zero"})
    weights, n_data = WeightStream(seed, initializer), math.prod(shape)
    start = constants.branch_scale(branch_start, depth - 1)

    def layer(features, fan_out):
        """Norm, activation and weights, (B, features) -> (B, fan_out)."""
        before = [nn.LayerNorm(features, eps=constants.LAYER_NORM_EPSILON)] if norm == "layer" else []
        return [*before, *activate(activation), dense(features, fan_out, weights)]

    def stack(fan_in, fan_out):
        """The hidden layers and one after them."""
        yield dense(fan_in, width, weights)
        features = width
        for _ in range(depth - 1):
            scale = [] if connection == "dense" else [Scale(start)]
            yield Bypass(nn.Sequential(*layer(features, width), *scale), connection=connection)
            features += width if connection == "dense" else 0
        yield from layer(features, fan_out)

    encoder = nn.Sequential(
        *([Flatten()] if len(shape) > 1 else []),
        *stack(n_data, code_factor * latent_dim),
        *activate(code_activation),
    )
    decoder = nn.Sequential(
        *stack(latent_dim, n_data),
        *activate(output_activation),
        *([Unflatten(shape)] if len(shape) > 1 else []),
    )
    return encoder, decoder


class Bypass(nn.Module):
    """The way around a branch f: h + f(h), or [h, f(h)]; (B, H) -> (B, H) or (B, H + H').

    Args:
        branch: (B, H) -> (B, H'); H' = H to be added.
        connection: "residual" or "dense".
    """

    def __init__(self, branch: nn.Module, *, connection: str):
        super().__init__()
        self.branch, self.connection = branch, connection

    def forward(self, h: Tensor) -> Tensor:
        """Add or append."""
        added = self.branch(h)  # (B, H')
        return torch.cat([h, added], dim=-1) if self.connection == "dense" else h + added


class Scale(nn.Module):
    """Multiply by one trained number: x -> s x, of any shape.

    Args:
        start: first value of s.
    """

    def __init__(self, start: float):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(start))

    def forward(self, x: Tensor) -> Tensor:
        """Scale."""
        return self.scale * x
