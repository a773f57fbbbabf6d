"""What an autoencoder must beat.

>>> from aetutor import datasets, metrics
>>> data = datasets.load("digits", seed=0)
>>> linear = pca(data.x_train, 8)
>>> float(metrics.squared_error(data.x_test, linear.reconstruct(data.x_test)).mean()) < 2.0
True
"""

import io
import sys

import numpy as np

from . import validation

__all__ = [
    "PCA",
    "UMAP",
    "IsolationForest",
    "KMeans",
    "MeanImage",
    "NearestNeighbors",
    "RoundedPCA",
    "isolation_forest",
    "jpeg",
    "kmeans",
    "mean_image",
    "nearest_neighbors",
    "non_local_means",
    "pca",
    "rounded_pca",
    "umap",
]


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


class KMeans:
    """k-means: each sample belongs to the nearest of k centres, and each centre is the mean of its samples.

        c(x) = argmin_j ||x - m_j||^2

    Made by `kmeans`.

    Attributes:
        centers: (k, *D) float32.
    """

    def __init__(self, centers):
        self.centers = centers

    def assign(self, x) -> np.ndarray:
        """Index of each sample's centre, (N,) int64, of data x, (N, *D)."""
        from sklearn.metrics import pairwise_distances_argmin

        x = validation.array("x", x, shape=self.centers.shape[1:])
        return pairwise_distances_argmin(_flat(x), _flat(self.centers)).astype(np.int64)

    def __repr__(self):
        return f"KMeans(clusters={len(self.centers)}, shape={self.centers.shape[1:]})"


def kmeans(x_train, clusters: int, *, starts: int = 5, seed: int = 0) -> KMeans:
    """Fit k-means, the best of several starts.

    Args:
        x_train: training data or codes, (N, *D).
        clusters: k, from 1 to N.
        starts: number of starts, each by k-means++; the one with the smallest distortion is kept.
        seed: of the starts.

    Source: Lloyd (1982); Arthur and Vassilvitskii (2007) for the starts.

    Example:
        >>> two = kmeans(np.array([[0.0], [0.5], [5.0], [5.5]]), 2)
        >>> sorted(two.centers.ravel().tolist())
        [0.25, 5.25]
    """
    from sklearn.cluster import KMeans as Fitted

    x_train = validation.array("x_train", x_train)
    clusters = validation.integer("clusters", clusters, low=1, high=len(x_train))
    starts, seed = validation.integer("starts", starts, low=1), validation.integer("seed", seed, low=0)
    fitted = Fitted(clusters, n_init=starts, random_state=seed).fit(_flat(x_train))
    return KMeans(fitted.cluster_centers_.reshape(-1, *x_train.shape[1:]).astype(np.float32))


class IsolationForest:
    """Isolation forest: what few random splits separate from the rest is unusual.

        s(x) = 2^(-E[h(x)] / c),   h: depth at which x is alone in a random tree, c: the mean depth

    Made by `isolation_forest`.
    """

    def __init__(self, fitted, shape):
        self.shape = tuple(shape)
        self._fitted = fitted

    def score(self, x) -> np.ndarray:
        """Score of each sample, (N,) float64 in (0, 1], higher is more unusual, of data x, (N, *D)."""
        return -self._fitted.score_samples(_flat(validation.array("x", x, shape=self.shape)))

    def __repr__(self):
        return f"IsolationForest(trees={len(self._fitted.estimators_)}, shape={self.shape})"


def isolation_forest(x_train, *, trees: int = 100, samples: int = 256, seed: int = 0) -> IsolationForest:
    """Fit an isolation forest to data that are normal, or nearly all so.

    Args:
        x_train: training data, (N, *D). Their columns need no common scale.
        trees: number of trees.
        samples: training samples that each tree sees, at least 2; all of them where there are fewer.
        seed: of the trees.

    Source: Liu, Ting and Zhou (2008), whose trees and samples are the defaults.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 2))
        >>> near, far = isolation_forest(x).score(np.array([[0.0, 0.0], [6.0, 6.0]]))
        >>> bool(far > near)
        True
    """
    from sklearn.ensemble import IsolationForest as Forest

    x_train = validation.array("x_train", x_train)
    trees, samples = validation.integer("trees", trees, low=1), validation.integer("samples", samples, low=2)
    seed = validation.integer("seed", seed, low=0)
    forest = Forest(n_estimators=trees, max_samples=min(samples, len(x_train)), random_state=seed)
    return IsolationForest(forest.fit(_flat(x_train)), x_train.shape[1:])


class NearestNeighbors:
    """Distance to the k-th nearest training sample: what lies far from all that is known is unusual.

        s(x) = ||x - x_(k)||,   x_(k): the k-th nearest training sample

    Made by `nearest_neighbors`.
    """

    def __init__(self, fitted, shape):
        self.shape = tuple(shape)
        self._fitted = fitted

    def score(self, x) -> np.ndarray:
        """Distance of each sample, (N,) float64 in units of x, of data x, (N, *D)."""
        distances, _ = self._fitted.kneighbors(_flat(validation.array("x", x, shape=self.shape)))
        return distances[:, -1].astype(np.float64)

    def __repr__(self):
        return f"NearestNeighbors(k={self._fitted.n_neighbors}, shape={self.shape})"


def nearest_neighbors(x_train, *, k: int = 1) -> NearestNeighbors:
    """Keep the training data as a detector of outliers.

    Args:
        x_train: training data, (N, *D).
        k: which neighbour, from 1 to N.

    Source: Ramaswamy, Rastogi and Shim (2000).

    Example:
        >>> nearest_neighbors(np.array([[0.0, 0.0], [1.0, 0.0]])).score(np.array([[4.0, 4.0]]))
        array([5.])
    """
    from sklearn.neighbors import NearestNeighbors as Fitted

    x_train = validation.array("x_train", x_train)
    k = validation.integer("k", k, low=1, high=len(x_train))
    return NearestNeighbors(Fitted(n_neighbors=k, algorithm="brute").fit(_flat(x_train)), x_train.shape[1:])


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
        return np.asarray(self._fitted.transform(_flat(validation.array("x", x, shape=self.shape))), np.float32)

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
    return UMAP(model.fit(_flat(x_train)), x_train.shape[1:])


def jpeg(x, quality: int) -> tuple[int, np.ndarray]:
    """Compress images as one JPEG file and decompress it.

    The images are tiled into one sheet, as square as possible, so that the file's header (some hundred bytes) is paid once.
    Huffman tables are fitted to the sheet; they are in the file.

    Args:
        x: images in [0, 1], (N, H, W, C), C = 1 or 3. They are rounded to 256 values first.
        quality: 1 to 95, libjpeg's scale; the smaller, the coarser its steps.

    Returns:
        Size of the file in bytes, and what it decodes to, (N, H, W, C) float32 in [0, 1].

    Raises:
        ValueError: x has another shape or range, or its sheet would have a side above 65,500 pixels, JPEG's limit.

    Source: Wallace (1991).

    Example:
        >>> size, x_hat = jpeg(np.full((4, 8, 8, 1), 0.5, np.float32), 75)
        >>> size < 400, bool(np.abs(x_hat - 0.5).max() < 0.01)
        (True, True)
    """
    from PIL import Image

    x = validation.array("x", x, likelihood="bernoulli")
    if x.ndim != 4 or x.shape[-1] not in (1, 3):
        raise ValueError(f"x must be images (N, H, W, C) with C = 1 or 3; got {x.shape}.")
    quality = validation.integer("quality", quality, low=1, high=95)
    n, height, width, depth = x.shape
    columns = int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    if max(rows * height, columns * width) > 65_500:
        raise ValueError(f"x must tile into a sheet of at most 65,500 pixels a side; got {n} images of {height} x {width}.")
    tiles = np.zeros((rows * columns, height, width, depth), np.uint8)
    tiles[:n] = np.rint(x * 255)
    sheet = tiles.reshape(rows, columns, height, width, depth).swapaxes(1, 2).reshape(rows * height, columns * width, depth)
    file = io.BytesIO()
    Image.fromarray(sheet[..., 0] if depth == 1 else sheet).save(file, "JPEG", quality=quality, optimize=True)
    with Image.open(file) as image:
        decoded = np.asarray(image).reshape(rows, height, columns, width, depth).swapaxes(1, 2)
    return len(file.getvalue()), decoded.reshape(-1, height, width, depth)[:n].astype(np.float32) / 255


def non_local_means(x, sigma: float, *, h: float = 0.6, patch: int = 5, distance: int = 6) -> np.ndarray:
    """Denoise images by non-local means. Needs scikit-image: pip install "aetutor[images]".

        x_hat_i = sum_j w_ij x_j / sum_j w_ij,   w_ij = exp(-max(d_ij - 2 sigma^2, 0) / (h sigma)^2)

    d_ij is the mean squared difference of the patches around the pixels i and j of the same image, so that a pixel becomes
    the mean of those whose surroundings look like its own. Nothing is trained. The result depends most on
    h: choose it on validation images. This is the fast mode of scikit-image, which computes d_ij approximately.

    Args:
        x: noisy images, (N, H, W, C), C = 1 or 3; not cut to [0, 1].
        sigma: standard deviation of the noise, > 0, in the units of x.
        h: strength in units of sigma, > 0; more is smoother.
        patch: side of a patch, odd.
        distance: how far j may lie from i, in pixels, at least 1.

    Returns:
        (N, H, W, C) float32. Not cut to the range of the clean images.

    Raises:
        ModuleNotFoundError: scikit-image is not installed.

    Source: Buades, Coll and Morel (2005); Darbon, Cunha, Chan, Osher and Jensen (2008) for the fast mode.
    """
    x = validation.array("x", x)
    if x.ndim != 4 or x.shape[-1] not in (1, 3):
        raise ValueError(f"x must be images (N, H, W, C) with C = 1 or 3; got {x.shape}.")
    sigma, h = validation.real("sigma", sigma, above=0), validation.real("h", h, above=0)
    patch, distance = validation.integer("patch", patch, low=1), validation.integer("distance", distance, low=1)
    if patch % 2 == 0:
        raise ValueError(f"patch must be odd, so that it has a middle; got {patch}.")
    try:
        from skimage.restoration import denoise_nl_means
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("skimage"):
            raise
        raise ModuleNotFoundError(
            'baselines.non_local_means needs scikit-image: pip install "aetutor[images]"', name="skimage"
        ) from None
    settings = dict(patch_size=patch, patch_distance=distance, h=h * sigma, sigma=sigma, fast_mode=True, channel_axis=-1)
    found = [denoise_nl_means(image.astype(np.float64), **settings) for image in x]  # drops an axis of one channel
    return np.reshape(found, x.shape).astype(np.float32)


def _umap_learn():
    """The class of umap-learn. Its import would load TensorFlow too, where that is installed, for a model not used here."""
    hidden = "tensorflow" not in sys.modules
    try:
        if hidden:
            sys.modules["tensorflow"] = None
        import umap as library
    except ModuleNotFoundError as error:
        if error.name != "umap":
            raise
        raise ModuleNotFoundError('baselines.umap needs umap-learn: pip install "aetutor[umap]"', name="umap") from None
    finally:
        if hidden:
            del sys.modules["tensorflow"]
    return library.UMAP


def _flat(x) -> np.ndarray:
    """(N, *D) as (N, D)."""
    return x.reshape(len(x), -1)
