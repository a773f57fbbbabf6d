"""Boltzmann machines in use: log Z, free energies and draws. NumPy arrays in and out; nothing here changes the model.

    log p(x) = -F(x) - log Z:      -free_energy(model, x) - log_partition(model).value       an RBM's log-likelihood in nats

For a DBM it is a lower bound of it. Z is a sum over all states, known exactly for small machines only.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from .. import validation
from ..batching import blocks
from .bipartite import conditional, smoothed_mean
from .data import to_array, to_tensor
from .inference import device_of, still
from .models.boltzmann import RBM

LARGEST = 25  # units of the smaller side whose states are enumerated: 2^25 take minutes
BLOCK = 2**12  # states at a time


class LogPartition(NamedTuple):
    """log Z in nats, and the standard error of an estimate; 0 if exact."""

    value: float
    error: float


def free_energy(model: RBM, x, *, batch_size: int = 1024) -> np.ndarray:
    """Free energy of each sample, (N, *D) -> (N,) float64, in nats; of a DBM the variational one, which is not below it."""
    x = validation.array("x", x, shape=_machine(model).sample_shape, likelihood="bernoulli")
    with still(model):
        parts = [model.free_energy(to_tensor(part, device_of(model))).double() for part in blocks(x, batch_size)]
    return torch.cat(parts).cpu().numpy()


def log_partition(
    model: RBM, *, method: str = "ais", steps: int = 1000, chains: int = 100, base=None, seed: int = 0
) -> LogPartition:
    """log Z of an RBM or a DBM.

    "exact" sums over all states of the side with fewer units. "ais", annealed importance sampling, moves chains from a
    machine without connections, whose Z_0 is known, to the model in small steps of beta:

        f_beta(v) = exp(((1 - beta) a + beta b).v) prod_k (1 + exp(beta (c_k + W_k.v)))
        log w = sum_i log f_(beta_i)(v_i) - log f_(beta_(i-1))(v_i),       Z ~ Z_0 mean w

    with v_i from a step of Gibbs sampling under beta_(i-1). The mean of w is right on average, its logarithm therefore too
    low, and chains that all miss what is likely give far too low a value with a small error: likelihoods then come out too
    high. More steps help, and a base close to the data.

    Args:
        model: RBM or DBM.
        method: "ais" or "exact", for at most 25 units on one side.
        steps: of beta from 0 to 1, equal; "ais" only, as the rest.
        chains: number of independent chains.
        base: data, (N, *D), whose means give the biases a of the first machine; None takes the model's own, b.
        seed: of the chains.

    Returns:
        LogPartition: value and standard error.

    Source: Neal (2001); Salakhutdinov and Murray (2008).
    """
    validation.one_of("method", method, ("ais", "exact"))
    given = {"steps": steps, "chains": chains, "base": base, "seed": seed}
    steps = validation.integer("steps", steps, low=1)
    chains = validation.integer("chains", chains, low=2)
    seed = validation.integer("seed", seed, low=0)
    kernel, b, c = (part.detach() for part in _machine(model).bipartite())
    if method == "exact":
        defaults = {"steps": 1000, "chains": 100, "base": None, "seed": 0}
        validation.left_alone("method='exact'", given, defaults)
        return LogPartition(_enumerate(kernel, b, c), 0.0)
    a = b if base is None else _biases(model, base)
    log_w = _anneal(a, kernel, b, c, steps=steps, chains=chains, seed=seed)  # (chains,), float64
    log_mean = float(torch.logsumexp(log_w, dim=0)) - math.log(chains)
    spread = float(torch.exp(log_w - log_w.max()).std() / torch.exp(log_w - log_w.max()).mean())
    log_z0 = float(F.softplus(a.double()).sum()) + len(c) * math.log(2)
    return LogPartition(log_z0 + log_mean, spread / math.sqrt(chains))


def draw_chains(model: RBM, n: int = 16, *, steps: int = 1000, start=None, seed: int = 0) -> np.ndarray:
    """Run chains of Gibbs sampling and show where they are.

    Args:
        model: RBM or DBM.
        n: number of chains.
        steps: of each chain.
        start: data, (n, *D), at which the chains begin; None: fair coins.
        seed: of the chains.

    Returns:
        (n, *D) float32: p(v = 1) given the other side's last state.
    """
    n, steps = validation.integer("n", n, low=1), validation.integer("steps", steps, low=0)
    generator = torch.Generator(device_of(_machine(model))).manual_seed(validation.integer("seed", seed, low=0))
    kernel, b, c = model.bipartite()
    with still(model):
        if start is None:
            u = _coins(torch.full((n, len(b)), 0.5, device=b.device), generator)
        else:
            start = validation.array("start", start, shape=model.sample_shape, likelihood="bernoulli")
            if len(start) != n:
                raise ValueError(f"start must hold n={n} samples; got {len(start)}.")
            u = model.visible(to_tensor(start, b.device))
        for _ in range(steps):
            h = _coins(conditional(u, kernel, c), generator)
            u = _coins(conditional(h, kernel.T, b), generator)
        h = _coins(conditional(u, kernel, c), generator)
        v = conditional(h, kernel.T, b)[:, : len(model.decoder.bias)]  # (n, D)
        return to_array(model.decoder.after(v))


def _machine(model) -> RBM:
    if not isinstance(model, RBM):
        raise TypeError(f"model must be an RBM or a DBM; got {validation.describe(model)}.")
    return model


def _coins(p, generator):
    return (torch.rand(p.shape, generator=generator, device=p.device) < p).to(p.dtype)


def _biases(model, base):
    """log p / (1 - p) of each unit's smoothed mean over the data."""
    base = validation.array("base", base, shape=model.sample_shape, likelihood="bernoulli")
    with still(model):
        total = sum(model.visible(to_tensor(part, device_of(model))).sum(dim=0) for part in blocks(base, 1024))
    return torch.logit(smoothed_mean(total, len(base)))


def _anneal(a, kernel, b, c, *, steps, chains, seed):
    generator = torch.Generator(a.device).manual_seed(seed)
    log_w = torch.zeros(chains, dtype=torch.float64, device=a.device)
    v = _coins(torch.sigmoid(a).expand(chains, -1), generator)  # (chains, D), from the first machine
    for low, high in itertools.pairwise(np.linspace(0, 1, steps + 1).tolist()):
        inputs = F.linear(v, kernel, c)  # (chains, K)
        log_w += (high - low) * (v @ (b - a)).double()
        log_w += (F.softplus(high * inputs) - F.softplus(low * inputs)).sum(dim=1).double()
        h = _coins(torch.sigmoid(high * inputs), generator)
        v = _coins(torch.sigmoid((1 - high) * a + high * F.linear(h, kernel.T, b)), generator)
    return log_w


def _enumerate(kernel, b, c) -> float:
    """Sum over all states of the smaller side, the other summed out, in float64."""
    kernel, b, c = kernel.double(), b.double(), c.double()
    if len(b) < len(c):
        kernel, b, c = kernel.T, c, b
    units = len(c)
    if units > LARGEST:
        raise ValueError(f"method='exact' takes at most {LARGEST} units on one side; the smaller side has {units}.")
    sums = []
    for first in range(0, 2**units, BLOCK):
        index = torch.arange(first, min(first + BLOCK, 2**units), device=c.device)
        h = (index[:, None] >> torch.arange(units, device=c.device) & 1).double()  # (S, K)
        sums.append(torch.logsumexp(h @ c + F.softplus(F.linear(h, kernel.T, b)).sum(dim=1), dim=0))
    return float(torch.logsumexp(torch.stack(sums), dim=0))
