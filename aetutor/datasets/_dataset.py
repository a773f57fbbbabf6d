"""What `load` returns: arrays and where they come from. And the one way in which a data set is split."""

import html
from dataclasses import dataclass

import numpy as np

_PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class About:
    """Where a data set comes from.

    Attributes:
        title: the name a reader would search for.
        source: address of the publisher, or the package that ships the data.
        licence: terms of use, in words.
        citation: key of the publication in the book's bibliography.
        sha256: pairs (file name, SHA-256); for data shipped inside a package, of the bytes of its arrays.
        shape: shape of one sample, (H, W, C).
        sizes: number of samples for training, validation and test.
        split: how the parts were made.
        classes: name of each label, in the order of the labels; () where `y` holds no classes.
    """

    title: str
    source: str
    licence: str
    citation: str
    sha256: tuple[tuple[str, str], ...]
    shape: tuple[int, ...]
    sizes: tuple[int, int, int]
    split: str
    classes: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Samples, most often images (N, H, W, C) in [0, 1], float32, and labels (N,) int64 in three parts, all read-only."""

    name: str
    x_train: np.ndarray
    x_val: np.ndarray
    x_test: np.ndarray
    y_train: np.ndarray
    y_val: np.ndarray
    y_test: np.ndarray
    about: About

    def __post_init__(self):
        for part in _PARTS:
            getattr(self, f"x_{part}").flags.writeable = False
            getattr(self, f"y_{part}").flags.writeable = False

    def _rows(self):
        low = min(float(getattr(self, f"x_{part}").min()) for part in _PARTS)
        high = max(float(getattr(self, f"x_{part}").max()) for part in _PARTS)
        train, val, test = self.about.sizes
        return (
            ("shape", f"{' x '.join(map(str, self.about.shape))}, float32"),
            ("range", f"[{low:g}, {high:g}]"),
            ("split", f"{train:,} training, {val:,} validation, {test:,} test ({self.about.split})"),
            *([("classes", f"{len(self.about.classes)}: {', '.join(self.about.classes)}")] if self.about.classes else []),
            ("source", self.about.source),
            ("licence", self.about.licence),
        )

    def __repr__(self):
        lines = [f"{key:<8} {value}" for key, value in self._rows()]
        return "\n".join([f"{self.name}: {self.about.title}", *lines])

    def _repr_html_(self):
        left = 'style="text-align:left"'
        rows = "".join(
            f'<tr><th scope="row" {left}>{key}</th><td {left}>{html.escape(value)}</td></tr>' for key, value in self._rows()
        )
        title = html.escape(f"{self.name}: {self.about.title}")
        return f"<table><caption {left}>{title}</caption><tbody>{rows}</tbody></table>"


def to_unit_range(images: np.ndarray, maximum: int) -> np.ndarray:
    """Scale (N, H, W) integers in [0, maximum] to (N, H, W, 1) float32 in [0, 1]."""
    return np.divide(images, maximum, dtype=np.float32)[..., None]


def stratified_parts(labels: np.ndarray, sizes: tuple[int, ...], *, seed: int) -> list[np.ndarray]:
    """Shuffle the indices of `labels`, (N,), and cut them into parts of the given sizes, whose sum is N.

    In each part every class has its share of the whole, to within two samples. The order inside a part is random: a file
    sorted by class does not stay sorted.
    """
    if sum(sizes) != len(labels):
        raise ValueError(f"sizes: got {sizes}, which sum to {sum(sizes)}; must sum to {len(labels)}")
    rng = np.random.default_rng(seed)
    rank = np.empty(len(labels))  # random position of each sample within its class, scaled to (0, 1)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = (rng.permutation(len(members)) + 0.5) / len(members)
    order = np.argsort(rank, kind="stable")  # any prefix holds the classes in proportion
    return [rng.permutation(part) for part in np.split(order, np.cumsum(sizes)[:-1])]
