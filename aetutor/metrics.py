"""How good a reconstruction, a likelihood or a code is.

All functions take NumPy arrays with the samples on the first axis. "Per sample" means: summed over all other axes, never
averaged over them, so that values are comparable with a loss and with the literature. Sums are taken in float64.
"""

import numpy as np

from . import validation

__all__ = [
    "active_units",
    "bernoulli_nll",
    "cross_entropy",
    "effective_beta",
    "gaussian_nll",
    "kl_standard_normal",
    "linear_probe",
    "mean_squared_error",
    "psnr",
    "squared_error",
    "ssim",
]


# --- reconstructions -------------------------------------------------------------------------------------------------


def squared_error(x, x_hat) -> np.ndarray:
    """Squared error of each sample, summed over all its entries.

        SE_n = sum_i (x_ni - x_hat_ni)^2

    Args:
        x: data, (N, ...).
        x_hat: reconstructions, of the same shape.

    Returns:
        (N,) float64, in squared units of x. Its mean over test images in [0, 1] is the number that Hinton and
        Salakhutdinov (2006) print for MNIST.

    Example:
        >>> squared_error(np.zeros((2, 3)), np.ones((2, 3)))
        array([3., 3.])
    """
    x, x_hat = _pair("x", x, "x_hat", x_hat)
    return _sum((x - x_hat) ** 2)


def mean_squared_error(x, x_hat) -> np.ndarray:
    """Squared error of each sample, averaged over its entries: squared_error / D.

    Args:
        x: data, (N, ...).
        x_hat: reconstructions, of the same shape.

    Returns:
        (N,) float64, in squared units of x.

    Example:
        >>> mean_squared_error(np.zeros((2, 3)), np.full((2, 3), 0.5))
        array([0.25, 0.25])
    """
    return squared_error(x, x_hat) / np.prod(np.shape(x)[1:])


def psnr(x, x_hat, *, data_range: float = 1.0) -> np.ndarray:
    """Peak signal-to-noise ratio of each sample.

        PSNR_n = 10 log10(data_range^2 / MSE_n)

    A mean over images is the mean of their PSNRs, as in the denoising literature, not the PSNR of the mean error.

    Args:
        x: data, (N, ...).
        x_hat: reconstructions, of the same shape.
        data_range: highest possible value minus lowest, > 0.

    Returns:
        (N,) float64 in dB; infinite for an exact reconstruction.

    Example:
        >>> psnr(np.zeros((1, 4)), np.full((1, 4), 0.1)).round(6)
        array([20.])
    """
    data_range = validation.real("data_range", data_range, above=0)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(data_range**2 / mean_squared_error(x, x_hat))


def ssim(x, x_hat, *, data_range: float = 1.0) -> np.ndarray:
    """Structural similarity of each image, with the published Gaussian window.

        SSIM = (2 m_x m_y + c1) (2 s_xy + c2) / ((m_x^2 + m_y^2 + c1) (s_x^2 + s_y^2 + c2))

    m, s^2 and s_xy are local means, variances and the covariance under an 11 x 11 Gaussian window of sigma 1.5;
    c1 = (0.01 L)^2, c2 = (0.03 L)^2 with L = data_range. Averaged over all positions where the window fits, and channels.

    Args:
        x: images, (N, H, W, C), with H and W at least 11.
        x_hat: reconstructions, of the same shape.
        data_range: highest possible value minus lowest, > 0.

    Returns:
        (N,) float64 in [-1, 1]; 1 for an exact reconstruction.

    Source: Wang, Bovik, Sheikh and Simoncelli (2004).

    Example:
        >>> ssim(np.ones((1, 16, 16, 1)), np.ones((1, 16, 16, 1)))
        array([1.])
    """
    from scipy.ndimage import gaussian_filter1d

    x, y = _pair("x", x, "x_hat", x_hat)
    if x.ndim != 4 or min(x.shape[1:3]) < 11:
        raise ValueError(f"x must be images (N, H, W, C) with H and W at least 11, the size of the window; got {x.shape}.")
    data_range = validation.real("data_range", data_range, above=0)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2

    def local_mean(image):  # (N, H, W, C) -> (N, H - 10, W - 10, C)
        rows = gaussian_filter1d(image, 1.5, axis=1, radius=5)
        return gaussian_filter1d(rows, 1.5, axis=2, radius=5)[:, 5:-5, 5:-5]

    mean_x, mean_y = local_mean(x), local_mean(y)
    var_x = local_mean(x * x) - mean_x**2
    var_y = local_mean(y * y) - mean_y**2
    cov = local_mean(x * y) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return similarity.mean(axis=(1, 2, 3))


# --- likelihoods -----------------------------------------------------------------------------------------------------


def cross_entropy(x, *, probabilities=None, logits=None) -> np.ndarray:
    """Cross-entropy of each sample, from probabilities or from logits.

        CE_n = -sum_i [x_ni log p_ni + (1 - x_ni) log(1 - p_ni)],   p = 1 / (1 + exp(-logit))

    For grey values it is a loss whose minimum, at p = x, is not 0 but the entropy of x; it is a likelihood for binary data
    only: see `bernoulli_nll`.

    Args:
        x: data in [0, 1], (N, ...).
        probabilities: in [0, 1], of the same shape. Exactly 0 or 1 gives an infinite value where x disagrees, as it should;
            float32 sigmoids reach them, so pass logits where you have them.
        logits: any finite number, of the same shape; exact at any size.

    Returns:
        (N,) float64, in nats.

    Example:
        >>> cross_entropy(np.array([[1.0, 0.0]]), probabilities=np.array([[0.5, 0.5]])).round(4)
        array([1.3863])
        >>> cross_entropy(np.array([[1.0, 0.0]]), logits=np.array([[0.0, 800.0]])).round(4)
        array([800.6931])
    """
    if (probabilities is None) == (logits is None):
        raise TypeError("exactly one of probabilities and logits must be given.")
    if logits is not None:
        x, logits = _pair("x", x, "logits", logits, likelihood="bernoulli")
        return _sum(np.logaddexp(0, logits) - x * logits)
    from scipy.special import xlog1py, xlogy  # 0 log 0 = 0

    x, p = _pair("x", x, "probabilities", probabilities, likelihood="bernoulli")
    validation.array("probabilities", p, likelihood="bernoulli")
    with np.errstate(divide="ignore"):
        return _sum(-xlogy(x, p) - xlog1py(1 - x, -p))


def bernoulli_nll(x, *, probabilities=None, logits=None) -> np.ndarray:
    """Negative log-likelihood of each binary sample: `cross_entropy` that refuses grey values.

    Args:
        x: data, each entry 0 or 1, (N, ...).
        probabilities: in [0, 1], of the same shape.
        logits: any finite number, of the same shape.

    Returns:
        (N,) float64, in nats.

    Raises:
        ValueError: x is not binary.

    Example:
        >>> bernoulli_nll(np.array([[1.0, 0.0]]), probabilities=np.array([[0.25, 0.0]])).round(4)
        array([1.3863])
    """
    x = validation.array("x", x)
    grey = (x != 0) & (x != 1)
    if grey.any():
        raise ValueError(
            f"x must be binary (0 or 1) for a Bernoulli likelihood; got {x[grey][0]:g} ({grey.mean():.1%} are neither). "
            "Binarise the data, or report metrics.cross_entropy under its own name."
        )
    return cross_entropy(x, probabilities=probabilities, logits=logits)


def gaussian_nll(x, mean, *, sigma: float = 1.0) -> np.ndarray:
    """Negative log-likelihood of each sample under independent Gaussians of one standard deviation.

        NLL_n = sum_i [(x_ni - mean_ni)^2 / (2 sigma^2) + log sigma + log(2 pi) / 2]

    The density of continuous data: it may be negative, and depends on the units of x.

    Args:
        x: data, (N, ...).
        mean: of the same shape.
        sigma: standard deviation, > 0, in the units of x.

    Returns:
        (N,) float64, in nats.

    Example:
        >>> gaussian_nll(np.zeros((1, 2)), np.zeros((1, 2))).round(4)
        array([1.8379])
    """
    sigma = validation.real("sigma", sigma, above=0)
    x, mean = _pair("x", x, "mean", mean)
    return _sum(0.5 * ((x - mean) / sigma) ** 2 + np.log(sigma) + 0.5 * np.log(2 * np.pi))


def kl_standard_normal(mu, log_var) -> np.ndarray:
    """Kullback-Leibler divergence of a diagonal Gaussian from the standard normal, per sample.

        KL(N(mu, diag(exp(log_var))) || N(0, I)) = 1/2 sum_k (mu_k^2 + exp(log_var_k) - 1 - log_var_k)

    Args:
        mu: means, (N, K).
        log_var: logarithms of the variances (not of sigma), (N, K).

    Returns:
        (N,) float64, in nats.

    Source: Kingma and Welling (2014), appendix B.

    Example:
        >>> kl_standard_normal(np.array([[0.0, 2.0]]), np.zeros((1, 2)))
        array([2.])
    """
    mu, log_var = _pair("mu", mu, "log_var", log_var)
    return _sum(0.5 * (mu**2 + np.expm1(log_var) - log_var))


# --- objectives ------------------------------------------------------------------------------------------------------

_REDUCTIONS = ("sum", "mean", "total")


def effective_beta(
    *,
    likelihood: str,
    reconstruction: str,
    kl: str,
    n_data: int | None = None,
    n_latent: int | None = None,
    batch_size: int | None = None,
    weight: float = 1.0,
    reconstruction_factor: float = 1.0,
    kl_factor: float = 1.0,
    sigma: float = 1.0,
) -> float:
    """The beta that a code base trains, whatever weight it declares.

    The reference objective is, per sample and with the batch mean outside,

        -log p(x | z) + beta KL(q(z | x) || N(0, I)) + constant

    where -log p is half the summed squared error (a Gaussian of sigma 1) or the summed cross-entropy, and KL is summed
    over the code. A code base that minimises

        a * -log p(x | z) + b * KL,     beta = b / a

    has the same minimum, up to the learning rate, with

        a = reconstruction_factor * (2 | 1 / sigma^2 | 1) / (n_data if "mean") * (batch_size if "total")
        b = weight * kl_factor                            / (n_latent if "mean") * (batch_size if "total")

    where 2 stands for likelihood "squared_error" (no factor 1/2), 1 / sigma^2 for "gaussian", 1 for "bernoulli".
    A larger beta means: more KL, blurrier reconstructions, fewer active units.

    Args:
        likelihood: what is reduced: "squared_error" (x - x_hat)^2, "gaussian" (x - x_hat)^2 / (2 sigma^2), "bernoulli"
            the cross-entropy.
        reconstruction: "sum" over a sample's entries, then mean over the batch; "mean" over entries and batch; "total",
            summed over entries and batch.
        kl: the same three, over the code's units.
        n_data: number of entries the reconstruction term is averaged over; needed for "mean". Where code averages over
            some axes and sums over others it is the product of the averaged ones.
        n_latent: number of code units the KL term is averaged over; needed for "mean".
        batch_size: needed where one term is "total".
        weight: the weight of the KL term that the code declares, >= 0.
        reconstruction_factor: any other factor before the reconstruction term, > 0.
        kl_factor: any other factor before the KL term: 2 where the code forgot the 1/2 of the formula.
        sigma: standard deviation of the "gaussian" likelihood, > 0.

    Returns:
        beta >= 0 as a float; 1 is the variational lower bound.

    Example:
        Summed squared error without the 1/2, summed KL; mean squared error of a 3 x 64 x 64 image beside a summed KL;
        the cross-entropy averaged over 784 pixels, the KL over 20 units.

        >>> effective_beta(likelihood="squared_error", reconstruction="sum", kl="sum")
        0.5
        >>> effective_beta(likelihood="squared_error", reconstruction="mean", kl="sum", n_data=3 * 64 * 64)
        6144.0
        >>> effective_beta(likelihood="bernoulli", reconstruction="mean", kl="mean", n_data=784, n_latent=20)
        39.2
    """
    validation.one_of("likelihood", likelihood, ("squared_error", "gaussian", "bernoulli"))
    for name, reduction in (("reconstruction", reconstruction), ("kl", kl)):
        validation.one_of(name, reduction, _REDUCTIONS)
    for name, factor in (("reconstruction_factor", reconstruction_factor), ("kl_factor", kl_factor), ("sigma", sigma)):
        validation.real(name, factor, above=0)
    validation.real("weight", weight, low=0)

    def reduced(reduction, name, count):
        if reduction == "mean":
            return 1.0 / validation.integer(name, count, low=1)
        return 1.0 if reduction == "sum" else validation.integer("batch_size", batch_size, low=1)

    unit = {"squared_error": 2.0, "gaussian": 1.0 / sigma**2, "bernoulli": 1.0}[likelihood]
    a = reconstruction_factor * unit * reduced(reconstruction, "n_data", n_data)
    b = weight * kl_factor * reduced(kl, "n_latent", n_latent)
    return b / a


# --- codes -----------------------------------------------------------------------------------------------------------


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


# --- helpers ---------------------------------------------------------------------------------------------------------


def _pair(name_a, a, name_b, b, *, likelihood=None) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays of one shape, checked, in float64."""
    a = validation.array(name_a, a, likelihood=likelihood)
    b = validation.array(name_b, b, shape=a.shape[1:])
    if len(a) != len(b):
        raise ValueError(f"{name_b} must have as many samples as {name_a}, {len(a)}; got {len(b)}.")
    return a.astype(np.float64), b.astype(np.float64)


def _sum(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1).sum(axis=1)


def _labels(name, y, n) -> np.ndarray:
    y = np.asarray(y)
    if y.shape != (n,):
        raise ValueError(f"{name} must have the shape ({n},), one label a sample; got {y.shape}.")
    return y
