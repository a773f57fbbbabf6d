"""How good a code is."""

import numpy as np

from .. import coding, validation


def active_units(mu, *, threshold: float = 0.01) -> int:
    """Number of code units that the data move.

        unit k is active  <=>  Var_n(mu_k(x_n)) > threshold

    Args:
        mu: posterior means (or codes), (N, K), of at least 2 samples.
        threshold: >= 0, in squared units of the code; 0.01 suits a standard normal prior.

    Returns:
        Number of active units, 0 to K.

    Source: Burda, Grosse and Salakhutdinov (2016), section 5.

    Example:
        >>> active_units(np.array([[1.0, 0.001], [-1.0, 0.0]]))
        1
    """
    mu = validation.array("mu", mu)
    if mu.ndim != 2 or len(mu) < 2:
        raise ValueError(f"mu must have shape (N, K) with at least 2 samples; got {mu.shape}.")
    threshold = validation.real("threshold", threshold, low=0)
    return int((mu.var(axis=0, dtype=np.float64) > threshold).sum())


def codebook_use(index, codebook_size: int) -> float:
    """Share of the codewords that occur at all among tokens.

    Args:
        index: tokens of many samples, integers from 0 to codebook_size - 1, of any shape. Fewer tokens than codewords cannot
            show them all: use held-out data, not one batch.
        codebook_size: number of codewords.

    Returns:
        Share in (0, 1].

    Example:
        >>> codebook_use([[0, 2], [2, 2]], 4)
        0.5
    """
    return float((_token_shares(index, codebook_size) > 0).mean())


def perplexity(index, codebook_size: int) -> float:
    """Number of codewords that would be as hard to predict, one by one, if all were used alike.

        2^H,   H = -sum_j p_j log2 p_j,   p_j: share of codeword j among the tokens

    Args:
        index: tokens, integers from 0 to codebook_size - 1, of any shape. From few tokens it comes out too small.
        codebook_size: number of codewords.

    Returns:
        From 1, one codeword is used, to codebook_size.

    Example:
        >>> perplexity([0, 1, 0, 1], 8)
        2.0
    """
    return float(2 ** coding.entropy(_token_shares(index, codebook_size)))


def mean_activity(z, *, threshold: float | None = None) -> np.ndarray:
    """Mean of each code unit over the samples, or how often it is active.

        r_k = mean_n z_nk,   with a threshold   r_k = mean_n [|z_nk| > threshold]

    The mean over the units of 1 - r_k with threshold=0 is the share of exact zeros, which a code called sparse should have.

    Args:
        z: codes, (N, K).
        threshold: >= 0, in units of the code; None for the mean of the values, which is what "kl" compares with rho.

    Returns:
        (K,) float64.

    Example:
        >>> mean_activity(np.array([[0.0, -3.0], [0.5, 1.0]]))
        array([ 0.25, -1.  ])
        >>> mean_activity(np.array([[0.0, -3.0], [0.5, 1.0]]), threshold=0)
        array([0.5, 1. ])
    """
    z = _codes("z", z)
    if threshold is None:
        return z.mean(axis=0, dtype=np.float64)
    return (np.abs(z) > validation.real("threshold", threshold, low=0)).mean(axis=0)


def dead_units(z, *, tolerance: float = 0.0) -> int:
    """Number of code units whose value is the same for all samples, which therefore carry nothing.

        unit k is dead  <=>  max_n z_nk - min_n z_nk <= tolerance

    Args:
        z: codes of many samples, at least 2, (N, K): a rarely active unit looks dead in a small sample.
        tolerance: >= 0, in units of the code; 0 suits codes with exact zeros, a sigmoid's need about 0.01.

    Returns:
        Number of dead units, 0 to K.

    Example:
        >>> dead_units(np.array([[0.0, 0.0, 7.0], [0.0, 1.0, 7.0]]))
        2
    """
    z = _codes("z", z)
    if len(z) < 2:
        raise ValueError(f"z must hold at least 2 samples; got {len(z)}.")
    return int((np.ptp(z, axis=0) <= validation.real("tolerance", tolerance, low=0)).sum())


def max_cosine_similarity(features, learned) -> np.ndarray:
    """How well each true feature was found: its cosine with the nearest learned one.

        c_i = max_j (f_i . d_j) / (|f_i| |d_j|);   the mean over i is the MMCS, mean maximum cosine similarity

    It forgives learned features that are no true one, and counts one that lies between two true ones twice. The sign counts.

    Args:
        features: true features, (F, D), none of them 0.
        learned: learned ones, (K, D); a zero vector has cosine 0 with all.

    Returns:
        (F,) float64, in [-1, 1].

    Source: Sharkey, Braun and Millidge (2022).

    Example:
        >>> max_cosine_similarity(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [3.0, 4.0]]))
        array([1. , 0.8])
    """
    features, learned = (_codes(*pair).astype(np.float64) for pair in (("features", features), ("learned", learned)))
    learned = validation.array("learned", learned, shape=features.shape[1:])
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    if not lengths.all():
        raise ValueError(
            f"features holds a zero vector at index {int(np.flatnonzero(lengths == 0)[0])}; it has no direction."
        )
    others = np.linalg.norm(learned, axis=1, keepdims=True)
    cosines = (features / lengths) @ (learned / np.where(others == 0, 1, others)).T  # (F, K)
    return cosines.max(axis=1)


def _codes(name, z) -> np.ndarray:
    z = validation.array(name, z)
    if z.ndim != 2:
        raise ValueError(f"{name} must have two axes, (N, K); got {z.shape}.")
    return z


def linear_probe(z_train, y_train, z_test, y_test) -> float:
    """Error rate of a linear classifier on frozen codes: what of the label can be read off linearly.

        error = mean_n [argmax_c (w_c . s(z_n) + b_c) != y_n]

    w and b are fitted by logistic regression (L2, C = 1) on the training codes; s scales each unit to mean 0 and variance 1
    over the training codes, so that the result does not depend on the units of the code.

    Args:
        z_train: codes, (N, K); more axes are flattened.
        y_train: labels, (N,), at least two classes.
        z_test: codes of held-out data, (M, K).
        y_test: labels, (M,).

    Returns:
        Error rate in [0, 1]. Compare with the error of the same probe on the raw data and on PCA codes.

    Example:
        >>> z = np.array([[-1.0], [-0.9], [0.9], [1.0]])
        >>> linear_probe(z, np.array([0, 0, 1, 1]), z, np.array([0, 0, 1, 0]))
        0.25
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    z_train = validation.array("z_train", z_train)
    z_test = validation.array("z_test", z_test, shape=z_train.shape[1:])
    y_train, y_test = _labels("y_train", y_train, len(z_train)), _labels("y_test", y_test, len(z_test))
    if len(np.unique(y_train)) < 2:
        raise ValueError(f"y_train must hold at least two classes; got only {y_train[0]!r}.")
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probe.fit(z_train.reshape(len(z_train), -1).astype(np.float64), y_train)
    return float(np.mean(probe.predict(z_test.reshape(len(z_test), -1).astype(np.float64)) != y_test))


def _token_shares(index, codebook_size) -> np.ndarray:
    """Share of each codeword, (codebook_size,)."""
    codebook_size, index = validation.integer("codebook_size", codebook_size, low=1), np.asarray(index)
    if not np.issubdtype(index.dtype, np.integer) or index.size == 0:
        raise TypeError(f"index must hold integers, at least one; got {index.dtype} of shape {index.shape}.")
    if index.min() < 0 or index.max() >= codebook_size:
        raise ValueError(f"index must be from 0 to {codebook_size - 1}; got {index.min()} to {index.max()}.")
    return np.bincount(index.ravel(), minlength=codebook_size) / index.size


def _labels(name, y, n) -> np.ndarray:
    y = np.asarray(y)
    if y.shape != (n,):
        raise ValueError(f"{name} must have the shape ({n},), one label a sample; got {y.shape}.")
    return y
