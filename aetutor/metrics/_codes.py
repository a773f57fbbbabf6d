"""How good a code is."""

import numpy as np

from .. import validation


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


def _labels(name, y, n) -> np.ndarray:
    y = np.asarray(y)
    if y.shape != (n,):
        raise ValueError(f"{name} must have the shape ({n},), one label a sample; got {y.shape}.")
    return y
