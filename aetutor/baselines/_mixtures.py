"""Mixture of independent binary entries: the likelihood that a deep model of binary data must beat."""

import numpy as np

from .. import validation
from ._arrays import flat
from ._clusters import kmeans


class BernoulliMixture:
    """Mixture of C products of Bernoulli distributions. With C = 1 all entries are independent.

        p(x) = sum_c w_c prod_i p_ci^x_i (1 - p_ci)^(1 - x_i)

    Made by `bernoulli_mixture`.

    Attributes:
        weights: w, (C,), sums to 1.
        probabilities: p, (C, *D), between 0 and 1.
    """

    def __init__(self, weights, probabilities):
        self.weights, self.probabilities = weights, probabilities

    def log_likelihood(self, x) -> np.ndarray:
        """log p(x) in nats, (N,) float64, exact, of binary data x, (N, *D)."""
        x = _binary("x", x, shape=self.probabilities.shape[1:])
        return np.logaddexp.reduce(_joint(flat(x), self.weights, flat(self.probabilities)), axis=1)

    def sample(self, n: int = 16, *, seed: int = 0) -> np.ndarray:
        """n draws, (n, *D) float32, binary."""
        rng = np.random.default_rng(validation.integer("seed", seed, low=0))
        component = rng.choice(len(self.weights), validation.integer("n", n, low=1), p=self.weights)
        return (rng.random((n, *self.probabilities.shape[1:])) < self.probabilities[component]).astype(np.float32)

    def __repr__(self):
        return f"BernoulliMixture(components={len(self.weights)}, shape={self.probabilities.shape[1:]})"


def bernoulli_mixture(x_train, components: int, *, rounds: int = 25, seed: int = 0) -> BernoulliMixture:
    """Fit a mixture of Bernoulli products by expectation and maximisation, from k-means.

    Args:
        x_train: binary training data, (N, *D): 0 and 1 only.
        components: C, from 1 to N.
        rounds: of expectation and maximisation, at least 1.
        seed: of k-means.

    Each p is estimated as if its component held one sample more, the mean of all data, and that mean as if there were one 0
    and one 1 more: nothing is ever impossible. A round does N C D products.

    Source: Bishop (2006), section 9.3.3; the added samples are ours.

    Example:
        >>> x = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
        >>> two = bernoulli_mixture(x, 2)
        >>> bool(two.log_likelihood(x).sum() > bernoulli_mixture(x, 1).log_likelihood(x).sum())
        True
    """
    x_train = _binary("x_train", x_train)
    components = validation.integer("components", components, low=1, high=len(x_train))
    rounds = validation.integer("rounds", rounds, low=1)
    v = flat(x_train).astype(np.float64)  # (N, D)
    mean = (v.sum(axis=0) + 1) / (len(v) + 2)  # (D,)
    r = np.eye(components)[kmeans(v, components, starts=1, seed=seed).assign(v)]  # (N, C): how far c explains x
    for _ in range(rounds if components > 1 else 1):  # one component explains all from the start
        p = (r.T @ v + mean) / (r.sum(axis=0)[:, None] + 1)  # (C, D)
        w = (r.sum(axis=0) + 1) / (len(v) + components)  # (C,)
        log_r = _joint(v, w, p)
        r = np.exp(log_r - np.logaddexp.reduce(log_r, axis=1, keepdims=True))
    return BernoulliMixture(w, p.reshape(components, *x_train.shape[1:]))


def _joint(v, w, p) -> np.ndarray:
    """log p(v, c), for (N, D), (C,) and (C, D): (N, C)."""
    return v @ (np.log(p) - np.log1p(-p)).T + np.log1p(-p).sum(axis=1) + np.log(w)


def _binary(name, x, shape=None) -> np.ndarray:
    x = validation.array(name, x, shape=shape)
    grey = x[(x != 0) & (x != 1)]
    if grey.size:
        raise ValueError(f"{name} must hold 0 and 1 only; got {grey[0]:g}. Binarise it first.")
    return x
