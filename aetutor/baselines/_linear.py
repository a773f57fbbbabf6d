"""Linear codes: PCA, PCA rounded to a number of bits, and no code at all, the mean."""

import numpy as np

from .. import validation
from ._arrays import flat


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
        x = flat(validation.array("x", x, shape=self.shape))
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
    columns = flat(x_train)  # (N, D)
    validation.integer("code_size", code_size, low=1, high=min(columns.shape))
    fitted = Fitted(code_size, random_state=validation.integer("seed", seed, low=0)).fit(columns)
    return PCA(fitted.mean_, fitted.components_, fitted.explained_variance_ratio_, x_train.shape[1:])


class RoundedPCA:
    """PCA whose code is rounded to so many bits a sample: what a code of tokens has to beat. Made by `rounded_pca`.

        z_hat_k = s_k (i_k - (L_k - 1) / 2),   i_k = round(z_k / s_k + (L_k - 1) / 2), cut to 0 ... L_k - 1,   L_k = 2^b_k

    Attributes:
        bits: b, (K,) integers: the bits of each component.
        steps: s, (K,): the distance of two levels.
    """

    def __init__(self, pca, bits, steps):
        self.bits, self.steps, self._pca = bits, steps, pca

    def encode(self, x) -> np.ndarray:
        """Indices i, (N, K) int64, of data x, (N, *D)."""
        return _indices(self._pca.encode(x), self.steps, 2**self.bits)

    def decode(self, index) -> np.ndarray:
        """Data x_hat, (N, *D) float32, of indices i, (N, K). Not clipped."""
        return self._pca.decode(((np.asarray(index) - (2**self.bits - 1) / 2) * self.steps).astype(np.float32))

    def reconstruct(self, x) -> np.ndarray:
        """decode(encode(x)): (N, *D) to (N, *D) float32."""
        return self.decode(self.encode(x))

    def __repr__(self):
        return f"RoundedPCA(bits={int(self.bits.sum())}, components={len(self.bits)})"


def rounded_pca(x_train, bits: int, *, seed: int = 0) -> RoundedPCA:
    """Fit PCA and share out bits among its components.

    Each bit goes to the component with the largest remaining variance, of which it is said to leave a quarter; each step is
    the best of sixty on the training data.

    Args:
        x_train: training data, (N, *D).
        bits: of one sample, from 1 to min(N, D).
        seed: as in `pca`.

    Source: Gersho and Gray (1992), chapter 8, for the sharing out.

    Example:
        >>> corners = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]) * [2, 1.5]
        >>> rounded_pca(corners, 2).reconstruct(corners).round(1)[0].tolist()
        [-2.0, -1.5]
    """
    x_train = validation.array("x_train", x_train)
    bits = validation.integer("bits", bits, low=1, high=min(len(x_train), x_train[0].size))
    z = pca(x_train, bits, seed=seed).encode(x_train)  # (N, bits): no more components can have a bit
    share, variance = np.zeros(bits, np.int64), z.var(axis=0)
    for _ in range(bits):
        share[np.argmax(variance / 4.0**share)] += 1
    share = share[share > 0]
    steps = np.empty(len(share))
    for k, levels in enumerate(2**share):
        tried = z[:, k].std() * np.linspace(0.05, 3, 60)
        errors = [((z[:, k] - s * (_indices(z[:, k], s, levels) - (levels - 1) / 2)) ** 2).mean() for s in tried]
        steps[k] = tried[int(np.argmin(errors))]
    return RoundedPCA(pca(x_train, len(share), seed=seed), share, steps)


def _indices(z, steps, levels) -> np.ndarray:
    """Number of the nearest of `levels` levels, `steps` apart and even about 0."""
    return np.clip(np.rint(z / steps + (levels - 1) / 2), 0, levels - 1).astype(np.int64)


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
