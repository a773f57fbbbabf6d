"""UMAP, what a code of two units has to beat as a map."""

import sys

import numpy as np

from .. import validation
from .._extras import library
from ._arrays import flat


class UMAP:
    """UMAP: a map in which each sample stays near the samples that were near it. Made by `umap`.

    Attributes:
        embedding: place of each training sample, (N, K) float32.
    """

    def __init__(self, fitted, shape):
        self.shape = tuple(shape)
        self.embedding = np.asarray(fitted.embedding_, np.float32)
        self._fitted = fitted

    def encode(self, x) -> np.ndarray:
        """Places z, (N, K) float32, of new data x, (N, *D), among the training data."""
        return np.asarray(self._fitted.transform(flat(validation.array("x", x, shape=self.shape))), np.float32)

    def __repr__(self):
        return f"UMAP(code_size={self.embedding.shape[1]}, shape={self.shape})"


def umap(x_train, code_size: int = 2, *, neighbors: int = 15, epochs: int = 200, seed: int = 0) -> UMAP:
    """Fit UMAP. Needs umap-learn: pip install "aetutor[umap]". The first call in a process compiles, for 15 s or more;
    train networks before it, since PyTorch was measured to train many times slower in the same process afterwards.

    Args:
        x_train: training data, (N, *D). Reduce many columns to about 50 by `pca` first.
        code_size: K, at least 1.
        neighbors: how many count as near, from 2 to N - 1.
        epochs: passes of the optimisation, at least 1.
        seed: of the optimisation, which therefore runs on one thread.

    Raises:
        ModuleNotFoundError: umap-learn is not installed.

    Source: McInnes, Healy and Melville (2018).
    """
    x_train = validation.array("x_train", x_train)
    code_size, epochs = validation.integer("code_size", code_size, low=1), validation.integer("epochs", epochs, low=1)
    neighbors = validation.integer("neighbors", neighbors, low=2, high=len(x_train) - 1)
    seed = validation.integer("seed", seed, low=0)
    model = _umap_learn()(neighbors, code_size, n_epochs=epochs, random_state=seed, n_jobs=1)
    return UMAP(model.fit(flat(x_train)), x_train.shape[1:])


def _umap_learn():
    """The class of umap-learn. Its import would load TensorFlow too, where that is installed, for a model not used here."""
    hidden = "tensorflow" not in sys.modules
    try:
        if hidden:
            sys.modules["tensorflow"] = None
        return library("umap", extra="umap", needed_by="baselines.umap").UMAP
    finally:
        if hidden:
            del sys.modules["tensorflow"]
