"""Which samples come in which batch, and which random stream serves them: the same in both frameworks.

Batch order and noise are named by (seed, epoch, step), never by what was drawn before; so a resumed run, the twin in the
other framework and several processes all see the same.
"""

from collections.abc import Iterator

import numpy as np

NOISE, VALIDATION, DROPOUT = 1, 2, 3  # random streams below the seed of `fit`: (seed, NOISE, epoch, step) and so on


def batch_order(n: int, *, seed: int, epoch: int) -> np.ndarray:
    """Permutation of range(n) for one epoch (counted from 0), int64 (n,)."""
    return np.random.default_rng([seed, epoch]).permutation(n)


def steps_per_epoch(n: int, batch_size: int) -> int:
    """Number of batches of an epoch, the last and smaller one included."""
    return -(-n // batch_size)


def stream_seed(seed: int, *path: int) -> int:
    """A 63-bit seed of the random stream named by (seed, *path), for example (seed, epoch, step)."""
    return int(np.random.SeedSequence([seed, *path]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def blocks(x, size: int) -> Iterator[np.ndarray]:
    """Successive blocks of `size` samples, float32 (size, *D); the last may be smaller.

    Args:
        x: array or memory map, (N, *D), read block by block; or an iterable of batches of any sizes.
        size: samples in a block.
    """
    if isinstance(x, np.ndarray):
        yield from (np.asarray(x[start : start + size], np.float32) for start in range(0, len(x), size))
        return
    rest = None
    for batch in x:
        batch = np.asarray(batch, np.float32)
        rest = batch if rest is None else np.concatenate([rest, batch])
        while len(rest) >= size:
            yield rest[:size]
            rest = rest[size:]
    if rest is not None and len(rest):
        yield rest
