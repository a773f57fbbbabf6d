"""Digits: 1,797 grey images of 8 x 8 pixels, shipped with scikit-learn."""

import hashlib

import numpy as np

from ._dataset import About, Dataset, stratified_parts, to_unit_range


def load(seed: int) -> Dataset:
    """70 % training, 10 % validation, 20 % test, (N, 8, 8, 1), stratified."""
    from sklearn.datasets import load_digits

    raw = load_digits()
    pixels, y = raw.images.astype(np.uint8), raw.target.astype(np.int64)  # whole numbers in [0, 16]
    x = to_unit_range(pixels, 16)
    n_val, n_test = round(0.1 * len(y)), round(0.2 * len(y))
    train, val, test = stratified_parts(y, (len(y) - n_val - n_test, n_val, n_test), seed=seed)
    about = About(
        title="optical recognition of handwritten digits, 8 x 8 pixels",
        source="UCI Machine Learning Repository (Alpaydin, Kaynak), its test part, as shipped with scikit-learn",
        licence="CC BY 4.0",
        citation="alpaydin1998optical",
        sha256=(("pixels, labels", hashlib.sha256(pixels.tobytes() + y.astype("<i8").tobytes()).hexdigest()),),
        shape=x.shape[1:],
        sizes=(len(train), len(val), len(test)),
        split=f"stratified, seed {seed}",
        classes=tuple("0123456789"),
    )
    return Dataset("digits", x[train], x[val], x[test], y[train], y[val], y[test], about)
