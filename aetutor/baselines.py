"""What an autoencoder must beat.

>>> from aetutor import datasets, metrics
>>> data = datasets.load("digits", seed=0)
>>> linear = pca(data.x_train, 8)
>>> float(metrics.squared_error(data.x_test, linear.reconstruct(data.x_test)).mean()) < 2.0
True
"""

import numpy as np

from . import validation

__all__ = ["PCA", "MeanImage", "mean_image", "pca"]


class PCA:
    """Principal component analysis, the best linear autoencoder, for arrays of any rank.

        z = W (x - m),   x_hat = W^T z + m,   W: the first `code_size` eigenvectors of the covariance as rows, (K, D)

    Among all linear codes of that size it has the smallest squared error on the data it was fitted on (Baldi and Hornik,
    1989): the sum of the discarded eigenvalues. Made by `pca`.

    Attributes:
        code_size: K.
        shape: shape of one sample, *D.
        explained_variance_ratio: share of the variance along each component, (K,), decreasing.
    """

    def __init__(self, mean, components, explained_variance_ratio, shape):
        self.shape = tuple(shape)
        self.code_size = len(components)
        self.explained_variance_ratio = explained_variance_ratio
        self._mean = mean  # (D,)
        self._components = components  # (K, D)

    def encode(self, x) -> np.ndarray:
        """Codes z, (N, K) float32, of data x, (N, *D)."""
        x = validation.array("x", x, shape=self.shape).reshape(len(x), -1)
        return ((x - self._mean) @ self._components.T).astype(np.float32)

    def decode(self, z) -> np.ndarray:
        """Data x_hat, (N, *D) float32, of codes z, (N, K). Not clipped: it may leave the range of the data."""
        z = validation.array("z", z, shape=(self.code_size,))
        return (z @ self._components + self._mean).reshape(-1, *self.shape).astype(np.float32)

    def reconstruct(self, x) -> np.ndarray:
        """decode(encode(x)): (N, *D) to (N, *D) float32."""
        return self.decode(self.encode(x))

    def __repr__(self):
        return f"PCA(code_size={self.code_size}, shape={self.shape}, explains {self.explained_variance_ratio.sum():.1%})"


def pca(x_train, code_size: int, *, seed: int = 0) -> PCA:
    """Fit PCA with the code size of the autoencoder beside it.

    Args:
        x_train: training data, (N, *D).
        code_size: K, from 1 to min(N, D).
        seed: for scikit-learn's randomised solver, where the size of the data makes it choose that one.

    Returns:
        A fitted `PCA`.

    Example:
        >>> line = np.outer(np.arange(5.0), [3.0, 4.0])
        >>> pca(line, 1).reconstruct(line).round(4)[-1]
        array([12., 16.], dtype=float32)
    """
    from sklearn.decomposition import PCA as Fitted

    x_train = validation.array("x_train", x_train)
    flat = x_train.reshape(len(x_train), -1)  # (N, D)
    validation.integer("code_size", code_size, low=1, high=min(flat.shape))
    fitted = Fitted(code_size, random_state=validation.integer("seed", seed, low=0)).fit(flat)
    return PCA(fitted.mean_, fitted.components_, fitted.explained_variance_ratio_, x_train.shape[1:])


class MeanImage:
    """The mean of the training data for every input: a reconstruction that knows nothing of its input.

    A model that does no better has learnt nothing but the mean (dead units, a posterior equal to the prior).
    Made by `mean_image`.

    Attributes:
        mean: (*D) float32.
    """

    def __init__(self, mean):
        self.mean = mean

    def reconstruct(self, x) -> np.ndarray:
        """(N, *D) to (N, *D): the mean, N times, as a read-only view."""
        x = validation.array("x", x, shape=self.mean.shape)
        return np.broadcast_to(self.mean, (len(x), *self.mean.shape))

    def __repr__(self):
        return f"MeanImage(shape={self.mean.shape})"


def mean_image(x_train) -> MeanImage:
    """Fit `MeanImage` to training data, (N, *D).

    Example:
        >>> mean_image(np.array([[0.0, 1.0], [1.0, 1.0]])).reconstruct(np.zeros((3, 2)))[0]
        array([0.5, 1. ], dtype=float32)
    """
    x_train = validation.array("x_train", x_train)
    return MeanImage(x_train.mean(axis=0, dtype=np.float64).astype(np.float32))
