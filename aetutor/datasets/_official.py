"""Data sets published as four idx files: 60,000 images for training and 10,000 for test."""

from dataclasses import dataclass

import numpy as np

from ._dataset import About, Dataset, stratified_parts, to_unit_range
from ._fetch import fetch
from ._idx import read_idx

_VALIDATION = 5_000


@dataclass(frozen=True)
class Publication:
    """Four files, in the order training images, training labels, test images, test labels, and where to get them."""

    name: str
    title: str
    source: str
    licence: str
    citation: str
    mirrors: tuple[str, ...]
    files: tuple[tuple[str, str], ...]  # (file name, SHA-256)
    classes: tuple[str, ...]

    def load(self, seed: int) -> Dataset:
        """Fetch, check and split; 5,000 images of the official training part, stratified, become the validation part."""
        x, y, x_test, y_test = (read_idx(fetch(self.name, *file, self.mirrors)) for file in self.files)
        for part, images, labels in (("training", x, y), ("test", x_test, y_test)):
            if images.ndim != 3 or labels.shape != images.shape[:1] or images.shape[1:] != x.shape[1:]:
                raise ValueError(f"{self.name}: {part} images {images.shape} and labels {labels.shape} do not fit together")
        train, val = stratified_parts(y, (len(y) - _VALIDATION, _VALIDATION), seed=seed)
        about = About(
            title=self.title,
            source=self.source,
            licence=self.licence,
            citation=self.citation,
            sha256=self.files,
            shape=(*x.shape[1:], 1),
            sizes=(len(train), len(val), len(y_test)),
            split=f"official test; validation from the official training part, stratified, seed {seed}",
            classes=self.classes,
        )
        return Dataset(
            self.name,
            *(to_unit_range(images, 255) for images in (x[train], x[val], x_test)),
            *(labels.astype(np.int64) for labels in (y[train], y[val], y_test)),
            about,
        )
