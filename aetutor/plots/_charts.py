"""Curves over a number, and bars: for the figures that only one page needs."""

from collections.abc import Mapping

import numpy as np

from .. import validation
from ._curves import _log_axis, _right_of
from ._style import COLORS, MIN_POINTS, PALETTE, WIDTH, color_of_name, styled


@styled
def lines(x, panels, *, xlabel: str, ylabel: str, ylim=None, log: bool = False):
    """Draw curves over x in panels side by side that share the vertical axis.

    Args:
        x: horizontal positions, (N,).
        panels: dict from a panel's title to its curves, a dict from a name to the heights, (N,). A name has the same colour
            in all panels; a family's name, such as "PCA", has that of `COLORS`. PCA's curves are dashed: its grey is near
            the input's black.
        xlabel, ylabel: of the axes, with the unit.
        ylim: lowest and highest height shown, or None.
        log: logarithmic heights.

    Returns:
        Figure.
    """
    x = validation.array("x", np.asarray(x, float).reshape(-1, 1))[:, 0]
    curves = {title: _named("panels", own) for title, own in _named("panels", panels).items()}
    names = list(dict.fromkeys(name for own in curves.values() for name in own))
    spare = iter(color for color in PALETTE if color not in set(map(color_of_name, names)))
    colors = {name: color_of_name(name) or next(spare) for name in names}

    from matplotlib.ticker import MaxNLocator

    from ._figure import new_figure

    figure = new_figure(WIDTH, 3.4)
    for i, (axes, (title, own)) in enumerate(
        zip(np.ravel(figure.subplots(1, len(curves), sharey=True)), curves.items(), strict=True)
    ):
        for name, heights in own.items():
            heights = validation.array(f"panels[{title!r}][{name!r}]", np.asarray(heights, float).reshape(-1, 1))[:, 0]
            if heights.shape != x.shape:
                raise ValueError(f"panels[{title!r}][{name!r}] must have the shape of x, {x.shape}; got {heights.shape}.")
            dashes = "--" if color_of_name(name) == COLORS["pca"] else "-"
            axes.plot(x, heights, linestyle=dashes, color=colors[name], label=name)
        axes.set(xlabel=xlabel, title=title)
        if (x == np.round(x)).all():
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # no half epochs
        if i == 0:
            axes.set_ylabel(ylabel)
        if ylim is not None:
            axes.set_ylim(*ylim)
        if log:
            _log_axis(axes)
    if len(names) > 1:  # outside, so that no curve is hidden
        handles = {h.get_label(): h for axes in figure.axes for h in axes.get_lines()}
        figure.legend(handles=list(handles.values()), loc="outside upper center", ncols=len(names), fontsize=MIN_POINTS)
    return figure


@styled
def bars(values, *, label: str, log: bool = False, digits: int = 3, reference: float | None = None):
    """Draw one horizontal bar a name, with its value behind it.

    Args:
        values: dict from names to numbers; a family's name, such as "PCA", has the colour of `COLORS`.
        label: of the horizontal axis, with the unit.
        log: logarithmic horizontal axis; bars then start at the reference, or at 1.
        digits: significant digits of the values, 1 to 6.
        reference: a value marked by a vertical line.

    Returns:
        Figure.
    """
    values = {name: validation.real(f"values[{name!r}]", v) for name, v in _named("values", values).items()}
    digits = validation.integer("digits", digits, low=1, high=6)

    from ._figure import new_figure

    figure = new_figure(WIDTH, 1.1 + 0.5 * len(values))
    axes = figure.subplots()
    start = (1.0 if reference is None else reference) if log else 0.0
    for y, (name, value) in enumerate(values.items()):
        axes.barh(y, value - start, left=start, height=0.6, color=color_of_name(name) or PALETTE[0])
        _right_of(axes, y, _rounded(value, digits))
    if log:
        axes.set_xscale("log")
    if reference is not None:
        axes.axvline(reference, color=PALETTE[1], linewidth=1.5)
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(label)
    return figure


def _rounded(value: float, digits: int) -> str:
    """To so many significant digits, whole numbers never cut; 9.6 to one digit is 10 and not 1e+01."""
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    value = float(f"{value:.{digits}g}")
    return f"{value:g}" if 0 < abs(value) < 1e-4 else np.format_float_positional(value, trim="-")


def _named(name, value):
    if not isinstance(value, Mapping) or not value:
        raise TypeError(f"{name} must be a dict with at least one entry; got {validation.describe(value)}.")
    return value
