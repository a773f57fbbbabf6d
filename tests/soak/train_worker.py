"""Trains one model and stores its weights and history: the process that the kill tests kill.

python train_worker.py FRAMEWORK FOLDER EPOCHS HIDDEN SLOWNESS
"""

import json
import os
import sys
import time
from pathlib import Path

from soak_models import build, rows, side

framework, folder, epochs, hidden = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
WIDTH = 256
fsync = os.fsync


def slow_fsync(handle):
    """A slow disk: leaves the killer time to hit a write, and to see an epoch end, on a busy machine too."""
    time.sleep(float(sys.argv[5]))
    fsync(handle)


os.fsync = slow_fsync
model = build(framework, "vae", WIDTH, hidden=(hidden,))
path = folder / "run.safetensors"
history = side(framework).fit(
    model,
    rows(97, WIDTH),
    val=rows(40, WIDTH, seed=1),
    epochs=epochs,
    batch_size=16,
    seed=3,
    weight_decay=0.01,
    schedule="plateau",
    early_stopping=epochs,
    checkpoint=path,
    resume=path,
)
side(framework).save(model, folder / "model.safetensors")
records = [{k: v for k, v in record.items() if k != "seconds"} for record in history.records]
(folder / "history.json").write_text(json.dumps(records))
