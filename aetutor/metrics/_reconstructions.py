"""How good a reconstruction is."""

import numpy as np

from .. import validation
from ._arrays import pair, sum_per_sample


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
    x, x_hat = pair("x", x, "x_hat", x_hat)
    return sum_per_sample((x - x_hat) ** 2)


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

    x, y = pair("x", x, "x_hat", x_hat)
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
