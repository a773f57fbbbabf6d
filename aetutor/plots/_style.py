"""Colours, the style sheet, and the decorator by which every plot function uses it."""

import functools
from pathlib import Path
from types import MappingProxyType

from .. import validation

STYLE = Path(__file__).with_name("aetutor.mplstyle")
WIDTH = 7.0  # inches, of every figure
MIN_POINTS = 12  # the smallest text, in points: 9 pixels where a figure is 390 pixels wide
INK = "#1A1A1A"  # all text

# Okabe and Ito's palette, its light colours darkened until each has a contrast of at least 3 : 1 on white, then moved apart:
# any two differ by at least 12 (CIE 1976) in normal vision and in protanopia, deuteranopia and tritanopia.
_BLUE, _VERMILLION, _GREEN, _PURPLE = "#0072B2", "#D55E00", "#009E73", "#B978B1"
_OLIVE, _SKY, _WINE, _GREY = "#879628", "#1893F7", "#5F254F", "#545454"
_VIOLET, _BROWN = "#6F1FE8", "#7C2402"

#: Colours of unnamed things, in the order in which they are used: ten, for ten classes.
PALETTE = (_BLUE, _VERMILLION, _GREEN, _PURPLE, _OLIVE, _SKY, _WINE, _GREY, _VIOLET, _BROWN)

#: Colour of each model family, the same on every page and in both frameworks.
COLORS = MappingProxyType(
    {
        "input": INK,
        "pca": _GREY,
        "dense": _BLUE,
        "convolutional": _BROWN,
        "sparse": _GREEN,
        "denoising": _VERMILLION,
        "contractive": _OLIVE,
        "vae": _PURPLE,
        "vector_quantized": _WINE,
        "recurrent": _VIOLET,
    }
)


def use() -> None:
    """Apply the style to all figures drawn from here on: for the set-up cell of a page that draws some itself."""
    import matplotlib.pyplot as plt

    plt.style.use(STYLE)


def styled(function):
    """Run a plot function under the style, whatever the caller's settings, and leave these as they were."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        import matplotlib.pyplot as plt

        plt.draw_if_interactive()  # loads the backend, whose own settings the context would otherwise undo
        with plt.style.context(STYLE, after_reset=True):
            figure = function(*args, **kwargs)
            for axes in figure.axes:  # ticks are made when drawn, perhaps by then under the caller's settings
                axes.tick_params(labelsize=MIN_POINTS, labelcolor=INK, labelfontfamily="DejaVu Sans")
            figure.draw_without_rendering()
        return figure

    return wrapper


def family_color(family: str) -> str:
    """Colour of a model family."""
    return COLORS[validation.one_of("family", family, tuple(COLORS))]


def color_of_name(name: str) -> str | None:
    """Colour of the family that a model's name says, whatever its case: "PCA" is "pca". None for another name."""
    return COLORS.get(name.lower().replace(" ", "_").replace("-", "_"))
