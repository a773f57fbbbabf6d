"""k-means, the code of one symbol."""

import numpy as np

from .. import validation
from ._arrays import flat


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
        return pairwise_distances_argmin(flat(x), flat(self.centers)).astype(np.int64)

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
    fitted = Fitted(clusters, n_init=starts, random_state=seed).fit(flat(x_train))
    return KMeans(fitted.cluster_centers_.reshape(-1, *x_train.shape[1:]).astype(np.float32))
