"""Every check of an argument or an array, once.

Each function returns the accepted value, or raises an error that names the argument, what came and what is accepted.
A wrong kind of object is a TypeError, a wrong value a ValueError. Arrays larger than memory are read in chunks.
"""

from ._arrays import SUPPORT, Batches, array, images, samples, values
from ._likelihoods import importance_weighted, sigma
from ._patches import attention_width, inpainter, masked_patches, patch_encoder, patch_grid, patch_mask
from ._shapes import conditioned_shape, grid_shape, layer_sizes, per_stage, sample_shape, sequence_shape, sizes
from ._values import describe, file_path, fraction, given, integer, left_alone, nearest, one_of, real, reals

__all__ = [
    "SUPPORT",
    "Batches",
    "array",
    "attention_width",
    "conditioned_shape",
    "describe",
    "file_path",
    "fraction",
    "given",
    "grid_shape",
    "images",
    "importance_weighted",
    "inpainter",
    "integer",
    "layer_sizes",
    "left_alone",
    "masked_patches",
    "nearest",
    "one_of",
    "patch_encoder",
    "patch_grid",
    "patch_mask",
    "per_stage",
    "real",
    "reals",
    "sample_shape",
    "samples",
    "sequence_shape",
    "sigma",
    "sizes",
    "values",
]
