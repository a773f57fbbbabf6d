"""Figures of the book: arrays in, a Matplotlib Figure out, in one style.

    >>> from aetutor import datasets, plots
    >>> figure = plots.images(datasets.load("digits").x_test[:8])
    >>> figure.savefig("digits.png")  # doctest: +SKIP

Each function applies the style to its own figure and leaves Matplotlib's settings alone; `use()` applies it to figures
that a page draws itself. In a notebook a figure is shown once, whether it is a cell's last value or not.
"""

from ._charts import bars, lines
from ._codes import latent
from ._curves import error_bars, history
from ._pictures import images, reconstructions, traversal
from ._style import COLORS, INK, MIN_POINTS, PALETTE, use

__all__ = [
    "COLORS",
    "INK",
    "MIN_POINTS",
    "PALETTE",
    "bars",
    "error_bars",
    "history",
    "images",
    "latent",
    "lines",
    "reconstructions",
    "traversal",
    "use",
]
