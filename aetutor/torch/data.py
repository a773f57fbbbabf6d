"""From NumPy arrays to tensors and back, and from data of any size to batches."""

import numpy as np
import torch
from torch import Tensor

from .. import validation
from ..batching import batch_order, steps_per_epoch

RESIDENT_SHARE = 0.5  # arrays that need at most this share of the free device memory are copied there once


def to_tensor(x: np.ndarray, device="cpu") -> Tensor:
    """Float32 tensor of an array; images (N, H, W, C) become (N, C, H, W), all else keeps its axes."""
    return _channels_first(_put(x, device))


def to_array(x: Tensor) -> np.ndarray:
    """Float32 array of a tensor; (N, C, H, W) becomes (N, H, W, C), and (N, k, C, H, W), k draws each, (N, k, H, W, C)."""
    x = x.detach().float().cpu()
    return np.ascontiguousarray((x.movedim(-3, -1) if x.ndim in (4, 5) else x).numpy())


def batches(x, *, batch_size: int = 256, seed: int = 0):
    """The batches that `fit` takes, for a training loop of one's own.

    Each pass over the result is one epoch, shuffled by (seed, epoch); the last batch of an epoch may be smaller.

    Args:
        x: array or memory map, (N, *D), or an iterable of batches.
        batch_size: samples in a batch.
        seed: of the order.

    Returns:
        An iterable of float32 tensors on the CPU, (B, *D), images as (B, C, H, W).
    """
    validation.integer("batch_size", batch_size, low=1)
    validation.integer("seed", seed, low=0)
    return Batches(validation.samples("x", x), batch_size=batch_size, seed=seed)


class Batches:
    """Data of any size as batches on a device; with several processes, this process' rows of each global batch.

    Args:
        x: what aetutor.validation.samples returns.
        batch_size: samples in a global batch.
        seed: of the order.
        device: where the batches are put.
        rank, world: this process takes rows rank, rank + world, ... of each batch.
    """

    def __init__(self, x, *, batch_size: int, seed: int, device="cpu", rank: int = 0, world: int = 1):
        self.batch_size, self.seed, self.rank, self.world = batch_size, seed, rank, world
        self.device, self.passes = torch.device(device), 0
        self.streamed = isinstance(x, validation.Batches)
        resident = not self.streamed and fits(x, self.device)
        self.x = _put(x, self.device) if resident else x

    def __iter__(self):
        """Yield the next epoch's batches."""
        self.passes += 1
        for batch, _ in self.epoch(self.passes - 1):
            yield batch

    @property
    def steps(self) -> int | None:
        """Number of batches in an epoch, None if unknown."""
        return None if self.streamed else steps_per_epoch(len(self.x), self.batch_size)

    def epoch(self, epoch: int):
        """Yield (our rows of the batch, number of rows in the global batch) in the order of `epoch`, counted from 0.

        A process whose share of the last batch is empty gets its first row all the same, so that all processes take the same
        steps; the caller gives it no weight.
        """
        if self.streamed:
            for batch in self.x:
                yield to_tensor(batch[self.share(len(batch))], self.device), len(batch)
            return
        order = batch_order(len(self.x), seed=self.seed, epoch=epoch)
        resident = isinstance(self.x, Tensor)
        order = torch.from_numpy(order).to(self.device) if resident else order
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            ours = rows[self.share(len(rows))]
            if resident:  # index_select takes half the time of x[ours]
                yield _channels_first(self.x.index_select(0, ours)), len(rows)
            else:
                yield to_tensor(self.x[ours], self.device), len(rows)

    def share(self, count: int) -> slice:
        """Our rows of a global batch of `count`."""
        return slice(self.rank, None, self.world) if self.rank < count else slice(0, 1)


def fits(x: np.ndarray, device: torch.device) -> bool:
    """Whether a float32 copy of x is to be held on the device; a memory map is always streamed."""
    if isinstance(x, np.memmap):
        return False
    if device.type != "cuda":
        return True
    return 4 * x.size <= RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]


def _put(x: np.ndarray, device) -> Tensor:
    return torch.from_numpy(np.require(x, np.float32, "CW")).to(device)  # a read-only array is copied


def _channels_first(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2) if x.ndim == 4 else x  # a view: (N, C, H, W)
