"""Small models and data that the tests of the PyTorch side share."""

import numpy as np
import torch
from torch import nn

from aetutor import torch as ae


def images(n, shape=(6, 5, 1), seed=0):
    """Images in [0, 1] with something to learn: few patterns, mixed."""
    rng = np.random.default_rng(seed)
    patterns = rng.random((3, *shape))
    return np.clip(np.tensordot(rng.dirichlet(np.ones(3), n), patterns, 1), 0, 1).astype(np.float32)


def table(n, width=12, seed=0):
    """Rows in [0, 1]."""
    return images(n, (width,), seed)


class Masking(ae.Autoencoder):
    """A stochastic class of a reader's own: denoising, with a penalty beside it."""

    def forward(self, x, noise=None):
        noise = self.uniform_like(x) if noise is None else noise  # (B, *D)
        z = self.encode(x * (noise > 0.3))
        return {"z": z, "x_hat": self.decode(z)}

    def loss_terms(self, x, out):
        return super().loss_terms(x, out) | {"size": 0.01 * (out["z"] ** 2).sum(dim=1)}


def dropout_parts(width=12, seed=0):
    """Encoder and decoder of one's own, with dropout: all randomness that is not the model's noise."""
    torch.manual_seed(seed)
    encoder = nn.Sequential(nn.Linear(width, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))
    return encoder, nn.Linear(3, width)


def weights(model):
    return {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}


def same(first, second):
    """Whether two models (or what `weights` gave) agree in every bit."""
    first, second = (m if isinstance(m, dict) else weights(m) for m in (first, second))
    return first.keys() == second.keys() and all(first[k].tobytes() == second[k].tobytes() for k in first)


def records(history):
    """The records without the time they took."""
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history.records]


def by_hand(model, x, *, epochs, batch_size, seed=0, lr=1e-3, clip_norm=None, steps=None):
    """The loop that a reader would write, over the batches that `fit` takes."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0, fused=True)
    data = ae.batches(x, batch_size=batch_size, seed=seed)
    done = 0
    for _ in range(epochs):
        for batch in data:
            if done == steps:
                return model
            optimizer.zero_grad()
            sum(model.loss_terms(batch, model(batch)).values()).mean().backward()
            if clip_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
            optimizer.step()
            done += 1
    return model
