"""Trains a few models, alone or under torchrun, and stores each rank's histories and weights.

python processes_worker.py FOLDER EPOCHS          (or through torch.distributed.run)
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

folder, epochs = Path(sys.argv[1]), int(sys.argv[2])
rank = int(os.environ.get("RANK", 0))
WIDTH, BATCH = 12, 16
CASES = {
    "autoencoder": ("autoencoder", {}),
    "vae, cosine, clipped": ("vae", {"schedule": "cosine", "warmup": 0.2, "clip_norm": 0.5, "weight_decay": 0.01}),
    "stochastic toy": ("masking", {"early_stopping": 3}),
    "memory map": ("vae", {}),
    "batches": ("vae", {}),
}
x, val = rows(5 * BATCH + 1, WIDTH), rows(3 * 256 + 5, WIDTH, seed=1)  # the last batch has one sample
histories = {}
for name, (kind, options) in CASES.items():
    model, data = build("torch", kind, WIDTH), x
    torch.manual_seed(rank)  # no process may lean on the global generator
    if name == "memory map":
        np.save(folder / f"x{rank}.npy", x)
        data = np.load(folder / f"x{rank}.npy", mmap_mode="r")
    elif name == "batches":
        data = [x[i : i + BATCH] for i in range(0, len(x), BATCH)]
    history = ae.fit(
        model,
        data,
        val=val,
        epochs=epochs,
        batch_size=BATCH,
        lr=1e-2,
        seed=3,
        checkpoint=folder / "run.safetensors",
        **options,
    )
    histories[name] = [{k: v for k, v in record.items() if k != "seconds"} for record in history.records]
    weights = {k: v.detach().numpy().copy() for k, v in model.state_dict().items()}
    checkpoints.write(folder / f"{name} {rank}.safetensors", weights, {"kind": "model"})
(folder / f"histories {rank}.json").write_text(json.dumps(histories))
