"""Images cut into patches, some of them masked."""

import math

import numpy as np

from ._shapes import sample_shape
from ._values import describe, integer


def patch_grid(shape: tuple[int, ...], patch) -> tuple[int, int]:
    """Rows and columns of square patches that cut images of `shape`, (height, width, channels), without a rest."""
    patch, (height, width, _) = integer("patch", patch, low=1), sample_shape("shape", shape, ndim=3)
    if height % patch or width % patch:
        fitting = [n for n in range(1, math.gcd(height, width) + 1) if height % n == width % n == 0]
        raise ValueError(
            f"patch={patch} does not divide the sides of {height} x {width} images; accepted: "
            f"{', '.join(map(str, fitting))}. Or pad the images."
        )
    return height // patch, width // patch


def attention_width(name: str, width, heads) -> int:
    """Numbers in a token: a multiple of 4, for the positions, and of the number of heads."""
    width, heads = integer(name, width, low=4), integer("heads", heads, low=1)
    if width % 4 or width % heads:
        raise ValueError(f"{name} must be a multiple of 4 and of heads={heads}; got {width}.")
    return width


def masked_patches(mask_ratio: float, count: int) -> int:
    """How many of `count` patches are masked: at least one, and at least one is not."""
    masked = round(mask_ratio * count)
    if not 0 < masked < count:
        raise ValueError(
            f"mask_ratio={mask_ratio:g} masks {masked} of {count} patches; at least one must be masked and one visible."
        )
    return masked


def patch_encoder(encoder) -> None:
    """Refuse an encoder that cannot be given some of the patches only."""
    if not hasattr(encoder, "patches"):
        raise TypeError(
            "encoder must take the patches that are kept and name them in `patches`, as MaskedAutoencoder.transformer's; "
            f"got {describe(encoder)}. Dense, convolutional and recurrent nets cannot leave patches out."
        )


def inpainter(model) -> None:
    """Refuse a model that cannot draw masked patches."""
    if not hasattr(model, "inpaint"):
        raise TypeError(f"model must be a MaskedAutoencoder, which draws masked patches; got a {type(model).__name__}.")


def patch_mask(mask, samples: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the visible and of the masked patches, (N, V) and (N, M) int32, from True where a patch is masked.

    `mask` is (count,), the same for all samples, or (samples, count) with the same number of True in each row.
    """
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise TypeError(f"mask must be bool, True where a patch is masked; got {mask.dtype}.")
    if mask.shape not in ((count,), (samples, count)):
        raise ValueError(
            f"mask must have the shape ({count},) or ({samples}, {count}), patches row by row; got {mask.shape}."
        )
    mask = np.broadcast_to(mask, (samples, count))
    masked = mask.sum(axis=1)
    if masked.min() != masked.max() or not 0 < masked[0] < count:
        raise ValueError(
            f"mask must hide the same number of patches in each sample, at least one and not all {count}; got "
            f"{masked.min()} to {masked.max()}."
        )
    return tuple(np.nonzero(chosen)[1].reshape(samples, -1).astype(np.int32) for chosen in (~mask, mask))
