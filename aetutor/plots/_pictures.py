"""Rows of images. All images of a figure share one scale, and no pixel is interpolated."""

from collections.abc import Mapping, Sequence

import numpy as np

from .. import metrics, validation
from ._style import INK, MIN_POINTS, WIDTH, styled

_GAP = 0.06  # inches between two images
_LINE = 1.5 * MIN_POINTS / 72  # inches of one line of text
_MARGIN = 0.08


@styled
def images(x, *, titles: Sequence[str] | None = None, columns: int = 8):
    """Draw images in rows.

    Args:
        x: images, (N, H, W, C), C = 1 or 3.
        titles: a short text above each image; None for none.
        columns: images in a row, 1 to 12.

    Returns:
        Figure.
    """
    x = validation.images("x", x)
    columns = min(validation.integer("columns", columns, low=1, high=12), len(x))
    titles = _texts("titles", titles, len(x))
    grid = _Grid(columns=columns, aspect=x.shape[1] / x.shape[2], scale=_scale(x))
    for start in range(0, len(x), columns):
        grid.row(x[start : start + columns], above=titles and titles[start : start + columns])
    return grid.figure()


@styled
def reconstructions(
    x,
    x_hat,
    *,
    n: int = 8,
    which: str = "both",
    baseline: Mapping | None = None,
    label: str = "model",
    seed: int = 0,
):
    """Draw inputs above their reconstructions, and a baseline's below, with the squared error of each image.

    Args:
        x: images, (N, H, W, C), C = 1 or 3.
        x_hat: the model's reconstructions, of the same shape.
        n: images in a row, 1 to 12 (at most N).
        which: "random", "worst" (largest squared error of x_hat) or "both".
        baseline: dict from a name to its reconstructions of x, of the same shape; None for none.
        label: name of the model's row.
        seed: of the random choice.

    Returns:
        Figure. Grey values are shown on the scale [0, 1], or the range of x where x leaves it; what a reconstruction has
        outside is cut.
    """
    x = validation.images("x", x)
    rows = {label: _same_shape("x_hat", x_hat, x)}
    if baseline is not None and not isinstance(baseline, Mapping):
        raise TypeError(f"baseline must be a dict from names to arrays; got {validation.describe(baseline)}.")
    for name, other in (baseline or {}).items():
        if name in (label, "input"):
            raise ValueError(f"baseline: the name {name!r} is taken by another row; choose another.")
        rows[name] = _same_shape(f"baseline[{name!r}]", other, x)
    n = min(validation.integer("n", n, low=1, high=12), len(x))
    validation.one_of("which", which, ("random", "worst", "both"))
    seed = validation.integer("seed", seed, low=0)

    errors = {name: metrics.squared_error(x, other) for name, other in rows.items()}
    blocks = {
        "random": (f"{n} random images", np.sort(np.random.default_rng(seed).choice(len(x), n, replace=False))),
        "worst": (f"{n} worst of {len(x):,}", np.argsort(-errors[label], kind="stable")[:n]),
    }
    largest = max(error.max() for error in errors.values())
    decimals = next(
        (d for d, limit in ((0, 100), (1, 10), (2, 1)) if largest >= limit), 3
    )  # at least 3 digits on the largest
    labels = ["input", *rows, "squared error"]
    grid = _Grid(columns=n, aspect=x.shape[1] / x.shape[2], scale=_scale(x), labels=labels)
    for block in ("random", "worst") if which == "both" else (which,):
        heading, chosen = blocks[block]
        grid.heading(heading)
        grid.row(x[chosen], label="input")
        for name, other in rows.items():
            below = [f"{error:.{decimals}f}" for error in errors[name][chosen]]
            grid.row(other[chosen], label=name, below=below, below_label="squared error")
    return grid.figure()


@styled
def traversal(
    x,
    *,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
    axis_label: str = "value of the code unit",
):
    """Draw a grid of decoded images: down the code units, across their values.

    Args:
        x: images, (R, V, H, W, C): R rows of V images, V at most 12.
        row_labels: name of each row, R texts; None numbers the units from 1.
        column_labels: name of each column, V texts; None for none.
        axis_label: what changes from left to right, written below.

    Returns:
        Figure.
    """
    x = validation.array("x", x)
    if x.ndim != 5 or x.shape[-1] not in (1, 3) or x.shape[1] > 12:
        raise ValueError(
            f"x must have the shape (rows, columns, H, W, C) with C 1 or 3 and at most 12 columns; got {x.shape}."
        )
    row_labels = _texts("row_labels", row_labels, len(x)) or [f"unit {i}" for i in range(1, len(x) + 1)]
    column_labels = _texts("column_labels", column_labels, x.shape[1])
    grid = _Grid(columns=x.shape[1], aspect=x.shape[2] / x.shape[3], scale=_scale(x), labels=row_labels)
    for i, (images, name) in enumerate(zip(x, row_labels, strict=True)):
        grid.row(images, label=name, below=column_labels if i == len(x) - 1 else None)
    grid.footer(axis_label)
    return grid.figure()


class _Grid:
    """Rows of equal images and lines of text on one pair of axes, whose unit is the inch, counted from the top left."""

    def __init__(self, *, columns, aspect, scale, labels=()):
        from ._figure import new_figure

        self._figure = new_figure(WIDTH, 1, layout="none")
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._scale = scale
        self._left = _MARGIN + (max(map(self._width, labels)) + 0.12 if len(labels) else 0)
        # a few images of 8 x 8 pixels need no 7 inches
        self._size = min((WIDTH - _MARGIN - self._left + _GAP) / columns - _GAP, 1.6)
        self._height = self._size * aspect
        self._top = _MARGIN  # inches used so far

    def heading(self, text):
        self._top += 0.08 if self._top > _MARGIN else 0
        self._text(_MARGIN, text, fontsize=MIN_POINTS + 1, fontweight="bold")
        self._top += 1.15 * _LINE

    def footer(self, text):
        self._text((self._left + WIDTH - _MARGIN) / 2, text, fontsize=MIN_POINTS + 1, ha="center")
        self._top += _LINE

    def row(self, images, *, label=None, above=None, below=None, below_label=None):
        if above:
            self._line(above)
        if label:
            self._text(_MARGIN, label, height=self._height)
        for column, image in enumerate(images):
            self._image(self._left + column * (self._size + _GAP), image)
        self._top += self._height
        if below:
            if below_label:
                self._text(_MARGIN, below_label)
            self._line(below)
        self._top += _GAP

    def figure(self):
        height = self._top + _MARGIN
        self._figure.set_size_inches(WIDTH, height)
        self._axes.set(xlim=(0, WIDTH), ylim=(height, 0), aspect="auto")
        return self._figure

    def _width(self, text):
        """Inches that a text takes."""
        artist = self._figure.text(0, 0, text, fontsize=MIN_POINTS)
        width = artist.get_window_extent().width / self._figure.dpi
        artist.remove()
        return width

    def _text(self, x, text, *, height=_LINE, fontsize=MIN_POINTS, **style):
        """Write in the middle of what is `height` inches high and comes next."""
        self._axes.text(x, self._top + height / 2, text, color=INK, fontsize=fontsize, va="center", **style)

    def _line(self, texts):
        """Write a text for each column."""
        for column, text in enumerate(texts):
            self._text(self._left + column * (self._size + _GAP) + self._size / 2, text, ha="center")
        self._top += _LINE

    def _image(self, left, image):
        low, high = self._scale
        shown = np.clip((image - low) / (high - low), 0, 1)
        self._axes.imshow(
            shown[..., 0] if shown.shape[-1] == 1 else shown,
            extent=(left, left + self._size, self._top + self._height, self._top),
            cmap="gray",
            vmin=0,
            vmax=1,
        )


def _same_shape(name, x, like) -> np.ndarray:
    x = validation.array(name, x, shape=like.shape[1:])
    if len(x) != len(like):
        raise ValueError(f"{name} must have as many images as x, {len(like)}; got {len(x)}.")
    return x


def _texts(name, texts, n):
    if texts is None:
        return None
    if isinstance(texts, str) or len(texts) != n:
        raise ValueError(f"{name} must be {n} texts; got {validation.describe(texts)}.")
    return [str(text) for text in texts]


def _scale(x) -> tuple[float, float]:
    """[0, 1], or the range of x where x leaves it."""
    low, high = float(x.min()), float(x.max())
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high if high > low else low + 1)
