"""The two sides of a restricted Boltzmann machine: the layers between them, its free energy and its Gibbs sampling.

The kernel is W, (K, D), and the biases are b, (D,), of the side that is given, and c, (K,), of the other. A deep machine is
one of these too, with v and h2 on one side and h1 on the other.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from . import backbones


def mlp(shape, *, latent_dim: int, initializer: str = "glorot_uniform", seed: int = 0, code_factor: int = 1):
    """One dense layer with a sigmoid, and its way back.

    Args:
        shape: of one sample, or an int for flat data.
        latent_dim: number K of hidden units.
        initializer: "glorot_uniform" or "he_normal".
        seed: of the initial weights, and of the chains' first states.
        code_factor: 1; set by the class.
    """
    sizes = dict(latent_dim=latent_dim, hidden=(), code_factor=code_factor)
    return backbones.mlp(shape, **sizes, code_activation="sigmoid", initializer=initializer, seed=seed)


def free_energy(v: Tensor, kernel: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """-b.v - sum_k log(1 + exp(c_k + W_k.v)) of (B, D), (K, D), (D,), (K,): (B,)."""
    return -v @ b - F.softplus(F.linear(v, kernel, c)).sum(dim=1)


def conditional(states: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """p(unit = 1) of each unit of the other side: (B, D), (K, D) and c, (K,), give (B, K); (B, K), W^T and b give (B, D)."""
    return torch.sigmoid(F.linear(states, kernel, bias))


def gibbs(v: Tensor, noise: Tensor, kernel: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Draw h given v, then v given h, k times: (B, D) and uniform noise (B, k, K + D) -> (B, D) of 0 and 1."""
    for uniform in noise.unbind(dim=1):
        for_h, for_v = uniform.split([len(c), len(b)], dim=1)  # (B, K), (B, D)
        h = (for_h < conditional(v, kernel, c)).to(v.dtype)
        v = (for_v < conditional(h, kernel.T, b)).to(v.dtype)
    return v


def smoothed_mean(total: Tensor, n: int) -> Tensor:
    """Means of n binary samples from their sum, (D,): half a 0 and half a 1 more keep them from 0 and 1."""
    return (total + 0.5) / (n + 1)
