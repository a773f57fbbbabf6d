"""Trains a few models, alone or under torchrun, and stores each rank's histories and weights.

python -m torch.distributed.run --nproc-per-node 2 processes_worker.py FOLDER EPOCHS
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from soak_models import build, rows

from aetutor import checkpoints
from aetutor import torch as ae

WIDTH, BATCH = 12, 16
CASES = {
    "autoencoder": ("autoencoder", {}),
    "vae, cosine, clipped": ("vae", {"schedule": "cosine", "warmup": 0.2, "clip_norm": 0.5, "weight_decay": 0.01}),
    "stochastic toy": ("masking", {"early_stopping": 3}),
    "memory map": ("vae", {}),
    "batches": ("vae", {}),
}


def train(folder, epochs, rank):
    """Each case on data whose last batch has one sample, validation included."""
    x, val = rows(5 * BATCH + 1, WIDTH), rows(3 * 256 + 5, WIDTH, seed=1)
    forms = {
        "memory map": on_disk(folder / f"x{rank}.npy", x),
        "batches": [x[i : i + BATCH] for i in range(0, len(x), BATCH)],
    }
    options = {"val": val, "epochs": epochs, "batch_size": BATCH, "lr": 1e-2, "seed": 3}
    histories = {}
    for name, (kind, own) in CASES.items():
        model = build("torch", kind, WIDTH)
        torch.manual_seed(rank)  # no process may lean on the global generator
        history = ae.fit(model, forms.get(name, x), checkpoint=folder / "run.safetensors", **options, **own)
        histories[name] = [{k: v for k, v in record.items() if k != "seconds"} for record in history.records]
        weights = {k: v.detach().numpy().copy() for k, v in model.state_dict().items()}
        checkpoints.write(folder / f"{name} {rank}.safetensors", weights, {"kind": "model"})
    (folder / f"histories {rank}.json").write_text(json.dumps(histories))


def on_disk(path, x):
    np.save(path, x)
    return np.load(path, mmap_mode="r")


if __name__ == "__main__":
    train(Path(sys.argv[1]), int(sys.argv[2]), int(os.environ["RANK"]))
