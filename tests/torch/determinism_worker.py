"""Trains a few models and prints a digest of each one's weights and history; run in processes of their own."""

import hashlib
import sys

import torch
from torch_toys import Masking, dropout_parts, images, records, table, weights

from aetutor import torch as ae

torch.manual_seed(int(sys.argv[1]))  # the caller's generator must not matter
x, pictures = table(70), images(40)
models = {
    "autoencoder": (ae.Autoencoder.mlp(12, latent_dim=3, hidden=(16,), seed=1), x),
    "vae": (ae.VAE.mlp(12, latent_dim=3, hidden=(16,), likelihood="bernoulli", seed=1), x),
    "conv": (ae.VAE.conv((6, 5, 1), latent_dim=3, channels=(4, 8), sigma="learned", seed=1), pictures),
    "stochastic toy": (Masking.mlp(12, latent_dim=3, hidden=(16,), seed=1), x),
    "dropout": (ae.Autoencoder(*dropout_parts()), x),
}
for name, (model, data) in models.items():
    history = ae.fit(model, data, val=data[:30], epochs=3, batch_size=16, seed=3, schedule="cosine", warmup=0.2)
    content = b"".join(value.tobytes() for value in weights(model).values()) + repr(records(history)).encode()
    print(name, hashlib.sha256(content).hexdigest())
