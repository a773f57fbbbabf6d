"""What an anomaly score has to beat."""

import numpy as np

from .. import validation
from ._arrays import flat


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
        return -self._fitted.score_samples(flat(validation.array("x", x, shape=self.shape)))

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
    return IsolationForest(forest.fit(flat(x_train)), x_train.shape[1:])


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
        distances, _ = self._fitted.kneighbors(flat(validation.array("x", x, shape=self.shape)))
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
    return NearestNeighbors(Fitted(n_neighbors=k, algorithm="brute").fit(flat(x_train)), x_train.shape[1:])
