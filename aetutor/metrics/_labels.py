"""Scores that need labels, or another space to compare with: detection, grouping, neighbourhoods."""

import numpy as np

from .. import validation
from ._codes import _labels


def auroc(scores, positive) -> float:
    """Area under the receiver operating characteristic: how well a score ranks, without a threshold.

        AUROC = P(s(a) > s(b)) + P(s(a) = s(b)) / 2,   a a random positive sample, b a random negative one

    Args:
        scores: higher means more positive, (N,), finite.
        positive: whether the sample is positive (an outlier, say), (N,) bool, some True and some False.

    Returns:
        Share in [0, 1]; 0.5 is chance. Papers print 100 times it.

    Raises:
        TypeError, ValueError: another shape or type, or one kind of sample only.

    Source: Hanley and McNeil (1982).

    Example:
        >>> auroc([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
        0.75
    """
    from sklearn.metrics import roc_auc_score

    scores = validation.array("scores", np.asarray(scores)[..., None])[..., 0]
    positive = _labels("positive", positive, len(scores))
    if positive.dtype != bool:
        raise TypeError(f"positive must be bool; got {positive.dtype}. For labels write y != normal_class.")
    if positive.all() or not positive.any():
        raise ValueError(f"positive must hold True and False; got only {bool(positive[0])}.")
    return float(roc_auc_score(positive, scores))


def normalized_mutual_information(labels, clusters) -> float:
    """How much a grouping says about the labels, whatever the groups are called.

        NMI = 2 I(y; c) / (H(y) + H(c))

    Args:
        labels: classes y, (N,) integers.
        clusters: groups c, (N,) integers; as many as you like.

    Returns:
        In [0, 1]: 0 where they are independent, 1 where each determines the other. For few samples and many groups it
        is above 0 by chance.

    Raises:
        TypeError, ValueError: no integers, or another shape.

    Source: Strehl and Ghosh (2002), here with the arithmetic mean of the entropies.

    Example:
        >>> normalized_mutual_information([0, 0, 1, 1], [7, 7, 3, 3])
        1.0
    """
    from sklearn.metrics import normalized_mutual_info_score

    labels = _integer_labels("labels", labels, np.size(labels))
    return float(normalized_mutual_info_score(labels, _integer_labels("clusters", clusters, len(labels))))


def knn_accuracy(z_train, y_train, z_test, y_test, *, k: int = 10) -> float:
    """Share of held-out samples whose label most of the k nearest training codes have.

        accuracy = mean_n [majority of y over the k nearest z_train of z_n = y_n]

    Args:
        z_train: codes, (N, K); more axes are flattened.
        y_train: labels, (N,).
        z_test: codes of held-out data, (M, K).
        y_test: labels, (M,).
        k: number of neighbours, from 1 to N; a tie goes to the smallest label.

    Returns:
        Share in [0, 1].

    Example:
        >>> z = np.array([[0.0], [0.1], [1.0], [1.1]])
        >>> knn_accuracy(z, [0, 0, 1, 1], np.array([[0.2], [0.9]]), [0, 0], k=2)
        0.5
    """
    from sklearn.neighbors import KNeighborsClassifier

    z_train = validation.array("z_train", z_train)
    z_test = validation.array("z_test", z_test, shape=z_train.shape[1:])
    y_train, y_test = _labels("y_train", y_train, len(z_train)), _labels("y_test", y_test, len(z_test))
    k = validation.integer("k", k, low=1, high=len(z_train))
    fitted = KNeighborsClassifier(k).fit(z_train.reshape(len(z_train), -1), y_train)
    return float(np.mean(fitted.predict(z_test.reshape(len(z_test), -1)) == y_test))


def trustworthiness(x, z, *, k: int = 10) -> float:
    """Whether neighbours in a map were neighbours in the data.

        T = 1 - 2 / (N k (2 N - 3 k - 1)) sum_n sum_{m in U_n} (r(n, m) - k)

    U_n: the k nearest of n in the map that are not among its k nearest in the data; r(n, m): rank of m among n's
    neighbours in the data. It says nothing about neighbours that the map tore apart.

    Args:
        x: data, (N, *D).
        z: their places in the map, (N, K).
        k: number of neighbours, from 1 to less than N / 2.

    Returns:
        In [0, 1]; 1 where all neighbours in the map are neighbours in the data, about 0.5 for a random map. Memory grows
        with N^2.

    Source: Venna and Kaski (2001).

    Example:
        >>> x = 2.0 ** np.arange(8)[:, None]
        >>> trustworthiness(x, -2 * x, k=3)
        1.0
    """
    from sklearn.manifold import trustworthiness as score

    x, z = validation.array("x", x), validation.array("z", z)
    if len(x) != len(z):
        raise ValueError(f"z must have as many samples as x, {len(x)}; got {len(z)}.")
    k = validation.integer("k", k, low=1, high=(len(x) - 1) // 2)
    return float(score(x.reshape(len(x), -1), z.reshape(len(z), -1), n_neighbors=k))


def _integer_labels(name, values, n) -> np.ndarray:
    values = _labels(name, values, n)
    if not np.issubdtype(values.dtype, np.integer):
        raise TypeError(f"{name} must be integers; got {values.dtype}.")
    return values
