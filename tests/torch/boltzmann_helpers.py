"""Small Boltzmann machines with random weights, and sums over all their states, by NumPy."""

import itertools

import numpy as np
import torch

from aetutor import torch as ae

RNG = np.random.default_rng(0)
X = (RNG.random((40, 1)) * 0.8 + 0.1 > RNG.random((40, 6))).astype("float32")
IMAGES = (RNG.random((50, 5, 4, 3)) > 0.6).astype("float32")  # three different sides: a wrong order would show


def states(units):
    """All states of so many units, (2^units, units)."""
    return np.array(list(itertools.product((0.0, 1.0), repeat=units)))


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def logsumexp(a):
    return np.logaddexp.reduce(np.ravel(a))


def entropy(m):
    return -(m * np.log(m) + (1 - m) * np.log(1 - m)).sum(axis=1)


def randomised(model, scale=1.0, seed=1):
    """The model with all weights and biases drawn anew."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    return model


def rbm(visible=6, hidden=4, *, scale=1.0, seed=1, **options):
    return randomised(ae.RBM.mlp(visible, latent_dim=hidden, seed=0, **options), scale, seed)


def dbm(visible=6, hidden=4, top=3, *, scale=1.0, seed=1, **options):
    return randomised(ae.DBM.mlp(visible, latent_dim=top, hidden=(hidden,), seed=0, **options), scale, seed)


def parts(model):
    """W, b, c of an RBM in float64; of a DBM W1, W2, b, c1, c2."""
    dense = [m for m in model.encoder if isinstance(m, torch.nn.Linear)]
    found = [d.weight for d in dense], [model.decoder.bias], [d.bias for d in dense]
    return [p.detach().double().numpy() for part in found for p in part]


def rbm_energies(model):
    """E of all states, (2^D, 2^K)."""
    w, b, c = parts(model)
    v, h = states(len(b)), states(len(c))
    return -(v @ b)[:, None] - h @ c - v @ w.T @ h.T


def dbm_energies(model):
    """E of all states, (2^D, 2^K1, 2^K2)."""
    w1, w2, b, c1, c2 = parts(model)
    v, h1, h2 = states(len(b)), states(len(c1)), states(len(c2))
    below = -(v @ b)[:, None] - h1 @ c1 - v @ w1.T @ h1.T
    return below[:, :, None] - (h2 @ c2 + h1 @ w2.T @ h2.T)
