"""From data of any size to batches, in the order of batching.batch_order, for `keras.Model.fit`."""

from pathlib import Path

import keras
import numpy as np

from .. import validation
from ..batching import batch_order, steps_per_epoch

RESIDENT_SHARE = 0.25  # TensorFlow gets a copy of arrays that need at most this share of the free memory


def batches(x, *, batch_size=256, seed=0):
    """The batches that `fit` takes, for `keras.Model.fit` or a training loop of one's own.

    Each pass over the result is one epoch, shuffled by (seed, epoch); the last batch of an epoch may be smaller. With the
    same compile flags, `model.fit(batches(x), epochs=...)` on a new model gives the weights that `aetutor.keras.fit` gives;
    a model that draws noise starts its streams where `fit(seed=0)` does (another seed: noise.seed_training(model, seed)).

    Args:
        x: array or memory map, (N, *D).
        batch_size: samples in a batch.
        seed: of the order.

    Returns:
        A keras.utils.PyDataset of float32 batches, (B, *D).
    """
    validation.integer("batch_size", batch_size, low=1)
    validation.integer("seed", seed, low=0)
    x = validation.samples("x", x)
    if isinstance(x, validation.Batches):
        raise TypeError(
            "x is an iterable, which brings its own batches: pass it to fit; an array or a memory map is accepted."
        )
    return Batches(x, batch_size=batch_size, seed=seed)


class Batches(keras.utils.PyDataset):
    """Shuffled batches read from an array or a memory map one by one, in bounded memory.

    Args:
        x: (N, *D).
        batch_size: samples in a batch.
        seed: of the order.
        epoch: the first epoch, counted from 0.
    """

    def __init__(self, x, *, batch_size, seed, epoch=0):
        super().__init__()
        self.x, self.batch_size, self.seed, self.next_epoch = x, batch_size, seed, epoch
        self.order = batch_order(len(x), seed=seed, epoch=epoch)  # Keras looks at two batches before the first epoch

    def __len__(self):
        return steps_per_epoch(len(self.x), self.batch_size)

    def __getitem__(self, index):
        """Batch number `index` of the epoch as a tuple of one array, (B, *D), as Keras wants it."""
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return (np.asarray(self.x[rows], dtype=np.float32),)

    def __iter__(self):
        """Yield the next epoch's batches."""
        self.on_epoch_begin()
        for index in range(len(self)):
            yield self[index][0]

    def on_epoch_begin(self):
        """Shuffle; called by Keras."""
        self.order = batch_order(len(self.x), seed=self.seed, epoch=self.next_epoch)
        self.next_epoch += 1

    def dataset(self):
        """The same as a tf.data.Dataset: each pass over it is the next epoch."""
        import tensorflow as tf

        spec = tf.TensorSpec(batch_shape(self.x, self.batch_size), tf.float32)
        epoch = tf.data.Dataset.from_generator(self.__iter__, output_signature=spec)
        return epoch.apply(tf.data.experimental.assert_cardinality(len(self))).prefetch(2)


class ResidentBatches:
    """The same batches gathered by TensorFlow from a copy that it holds, which takes half the time for small models.

    `dataset` gives the batches of one epoch, in the order set last by `shuffle`. Arguments as for `Batches`.
    """

    def __init__(self, x, *, batch_size, seed):
        import tensorflow as tf

        self.n, self.seed = len(x), seed
        with tf.device("CPU"):
            values = tf.constant(np.asarray(x, dtype=np.float32))  # (N, *D)
            self.order = tf.Variable(np.arange(self.n))  # (N,)
        self.dataset = (
            tf.data.Dataset.range(0, self.n, batch_size)
            .map(lambda start: tf.gather(values, self.order[start : start + batch_size]))
            .map(lambda batch: tf.ensure_shape(batch, batch_shape(x, batch_size)))
            .prefetch(2)
        )

    def shuffle(self, epoch):
        """Set the order of `epoch`, counted from 0, before its first batch is read."""
        self.order.assign(batch_order(self.n, seed=self.seed, epoch=epoch))


def batch_shape(x, batch_size) -> tuple:
    """(B, *D) as TensorFlow is to know it: B is None if the last batch is smaller.

    A known B spares it the operations that compare shapes: an LSTM of 24 steps is built in 2.8 s and not in 4.7, and a step
    of training takes a fifth less. It changes the rounding too, so that all ways to feed a model must agree on it.
    """
    return (None if len(x) % batch_size else batch_size, *x.shape[1:])


def resident(x) -> bool:
    """Whether TensorFlow is to hold a copy of x; a memory map, or what needs more than its share of memory, is streamed."""
    if keras.backend.backend() != "tensorflow" or isinstance(x, validation.Batches | np.memmap):
        return False
    free = free_memory()
    return free is None or 4 * x.size <= RESIDENT_SHARE * free


def free_memory() -> int | None:
    """Bytes that programs may still take without swapping, where the system tells (Linux)."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), None)
