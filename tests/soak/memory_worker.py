"""Trains one epoch on a memory map and prints, as JSON, the memory that it took and the order in which it read.

python memory_worker.py FRAMEWORK FILE WIDTH WARM_UP
"""

import json
import sys
import threading
import time

import numpy as np
from soak_models import build, rows, side

framework, file, width, warm_up = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "yes"


class Watched(np.memmap):
    """A memory map that notes which rows a batch takes; slices (the checks read those) are only counted."""

    def __getitem__(self, index):
        if isinstance(index, np.ndarray) and self.ndim == 2 and hasattr(self, "seen"):
            np.add.at(self.seen, index, 1)
            self.batches.append((len(index), int(index.min()), int(index.max()), float(np.mean(np.diff(index) == 1))))
            return np.asarray(super().__getitem__(index))
        if isinstance(index, slice) and hasattr(self, "seen"):
            self.checked += len(range(*index.indices(len(self))))
        return super().__getitem__(index)


def anonymous():
    """Anonymous memory of this process in MB."""
    with open("/proc/self/status") as status:  # noqa: PTH123 (called every 20 ms)
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024


class Sampler(threading.Thread):
    """Notes the highest anonymous memory, every 20 ms."""

    def __init__(self):
        super().__init__(daemon=True)
        self.highest, self.samples, self.over = 0.0, 0, False

    def run(self):
        while not self.over:
            self.highest, self.samples = max(self.highest, anonymous()), self.samples + 1
            time.sleep(0.02)


model = build(framework, "vae", width, hidden=(32,))
if warm_up:  # a small file shows little beside what the framework itself takes for its first step, so that is taken before
    side(framework).fit(build(framework, "vae", width, hidden=(32,)), rows(600, width), val=rows(20, width), epochs=1)
x = np.memmap(file, np.float32, mode="r").reshape(-1, width).view(Watched)
x.seen, x.batches, x.checked = np.zeros(len(x), np.uint8), [], 0
before, sampler = anonymous(), Sampler()
sampler.start()
start = time.perf_counter()
history = side(framework).fit(model, x, val=x[:300], epochs=1, batch_size=256, seed=0)
seconds = time.perf_counter() - start
sampler.over = True
sampler.join()
full = [b for b in x.batches if b[0] == 256]
result = {
    "before": before,
    "highest": sampler.highest,
    "samples": sampler.samples,
    "seconds": seconds,
    "rows": len(x),
    "bytes": x.nbytes,
    "loss": history["loss"][0],
    "checked": x.checked,
    "never read": int((x.seen == 0).sum()),
    "batches": len(x.batches),
    "full batches": len(full),
    "greatest minimum": max(b[1] for b in full) / len(x),
    "least maximum": min(b[2] for b in full) / len(x),
    "neighbours": float(np.mean([b[3] for b in full])),
}
print(json.dumps(result))
