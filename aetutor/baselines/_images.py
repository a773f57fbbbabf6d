"""JPEG, what a code of images has to beat, and non-local means, what a denoiser has to beat."""

import io

import numpy as np

from .. import validation
from .._extras import library


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

    x = validation.images("x", x, likelihood="bernoulli")
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
    x = validation.images("x", x)
    sigma, h = validation.real("sigma", sigma, above=0), validation.real("h", h, above=0)
    patch, distance = validation.integer("patch", patch, low=1), validation.integer("distance", distance, low=1)
    if patch % 2 == 0:
        raise ValueError(f"patch must be odd, so that it has a middle; got {patch}.")
    denoise = library("skimage.restoration", extra="images", needed_by="baselines.non_local_means").denoise_nl_means
    settings = dict(patch_size=patch, patch_distance=distance, h=h * sigma, sigma=sigma, fast_mode=True, channel_axis=-1)
    found = [denoise(image.astype(np.float64), **settings) for image in x]  # drops an axis of one channel
    return np.reshape(found, x.shape).astype(np.float32)
