"""Numbers over epochs and over seeds."""

import itertools
from collections.abc import Mapping

import numpy as np

from .. import validation
from ._style import INK, MIN_POINTS, PALETTE, WIDTH, color_of_name, family_color, styled

_NOT_TERMS = {"epoch", "loss", "lr", "seconds"}


@styled
def history(hist, *, family: str = "dense", unit: str = "loss per sample", log: bool = False):
    """Draw a curve per loss term over the epochs: training solid, validation dashed, the best epoch marked.

    Each term has a panel of its own scale; the total comes first where there are several terms.

    Args:
        hist: an `aetutor.history.History`, or its records: one dict an epoch with "epoch", "loss", the terms, and for
            validation the same with "val_" in front.
        family: a key of `COLORS`; gives the colour.
        unit: label of the vertical axes, such as "squared error per image".
        log: logarithmic vertical axes.

    Returns:
        Figure.

    Raises:
        ValueError: no epoch was recorded, or the records differ in what they record.
    """
    records = getattr(hist, "records", hist)
    if not isinstance(records, list | tuple) or not all(isinstance(record, Mapping) for record in records):
        raise TypeError(f"hist must be a History or a list of dicts, one an epoch; got {validation.describe(hist)}.")
    if not records:
        raise ValueError("hist holds no epoch; at least one is needed.")
    if any(record.keys() != records[0].keys() for record in records) or not {"epoch", "loss"} <= records[0].keys():
        raise ValueError('hist: every record must have the same keys, "epoch" and "loss" among them.')
    color = family_color(family)
    terms = [key for key in records[0] if key not in _NOT_TERMS and not key.startswith("val_")]
    panels = terms if len(terms) == 1 else ["loss", *terms]
    epochs = [record["epoch"] for record in records]
    best = _best_epoch(hist, records)

    from matplotlib.ticker import MaxNLocator

    from ._figure import new_figure

    figure = new_figure(WIDTH, 3.4 if len(panels) == 1 else 0.6 + 2.1 * len(panels))
    for row, (axes, name) in enumerate(zip(np.ravel(figure.subplots(len(panels), sharex=True)), panels, strict=True)):
        marker = "o" if len(epochs) == 1 else None
        ends = []
        for key, label, dashes in ((name, "training", "-"), (f"val_{name}", "validation", (0, (3, 1.5)))):
            if key in records[0]:
                values = [record[key] for record in records]
                axes.plot(epochs, values, color=color, linestyle=dashes, marker=marker, label=label)
                finite = [value for value in values if np.isfinite(value)]  # a diverged run has NaN at its end
                if log and min(finite, default=1) <= 0:
                    raise ValueError(f"log=True needs values above 0; {key} has {min(finite):g}.")
                if finite:
                    ends.append((finite[-1], label))
        axes.set_title(f"loss = {' + '.join(terms)}" if name == "loss" and terms else name)
        axes.set_ylabel(unit)
        if log:
            _log_axis(axes)
        if len(epochs) > 1:
            axes.set_xlim(min(epochs), max(epochs))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=(1, 2, 5, 10), min_n_ticks=1))
        if best in epochs:
            axes.axvline(best, color=INK, linewidth=1, linestyle=":", zorder=1)
            value = records[epochs.index(best)].get(f"val_{name}", records[epochs.index(best)][name])
            axes.plot([best], [value], marker="o", color=color, markeredgecolor="white", clip_on=False, zorder=5)
            if row == 0:
                late = best > (min(epochs) + max(epochs)) / 2
                axes.annotate(
                    f"best: epoch {best}",
                    (best, 1),
                    xycoords=axes.get_xaxis_transform(),
                    xytext=(-5 if late else 5, -3),
                    textcoords="offset points",
                    ha="right" if late else "left",
                    va="top",
                    fontsize=MIN_POINTS,
                )
        _label_ends(figure, axes, ends)
    axes.set_xlabel("epoch")
    return figure


@styled
def error_bars(values, *, label: str, digits: int = 3):
    """Draw one row a model: each seed a dot, the mean a bar, and the 95 % interval of the mean.

    The interval is mean +- t s / sqrt(n), with s the standard deviation over the n seeds and t the 97.5 % quantile of
    Student's distribution with n - 1 degrees of freedom. One seed has no interval.

    Args:
        values: dict from a model's name to its results over seeds, (n,). A family's name, such as "PCA", has the colour of
            `COLORS`.
        label: of the horizontal axis, with the unit.
        digits: significant digits of the printed mean, 1 to 6.

    Returns:
        Figure.
    """
    if not isinstance(values, Mapping) or not values:
        raise TypeError(f"values must be a dict from names to arrays over seeds; got {validation.describe(values)}.")
    if not isinstance(label, str) or not label:
        raise TypeError(f"label must name the axis and its unit; got {validation.describe(label)}.")
    digits = validation.integer("digits", digits, low=1, high=6)
    rows = {
        name: validation.array(f"values[{name!r}]", np.asarray(v, float).reshape(-1, 1))[:, 0] for name, v in values.items()
    }
    taken = set(map(color_of_name, rows))
    spare = itertools.cycle([color for color in PALETTE if color not in taken] or PALETTE)

    from scipy.stats import t

    from ._figure import new_figure

    figure = new_figure(WIDTH, 1.2 + 0.55 * len(rows))
    axes = figure.subplots()
    for y, (name, seeds) in enumerate(rows.items()):
        color = color_of_name(name) or next(spare)
        n, mean = len(seeds), seeds.mean()
        half = t.ppf(0.975, n - 1) * seeds.std(ddof=1) / np.sqrt(n) if n > 1 else 0
        axes.plot(seeds, np.full(n, y), "o", color=color, alpha=0.45, markeredgewidth=0)
        if n > 1:
            axes.plot([mean - half, mean + half], [y, y], color=color, linewidth=2.2, solid_capstyle="butt")
        axes.plot([mean], [y], "|", color=color, markersize=20, markeredgewidth=3)
        text = f"{mean:#.{digits}g}".rstrip(".") + (f" ± {half:.2g}" if n > 1 else " (one seed)")
        _right_of(axes, y, text)
    _right_of(axes, -0.85, "mean ± 95 %")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.4, -0.5)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(label)
    return figure


def _best_epoch(hist, records):
    """The epoch that validation chose; None without validation."""
    if hasattr(hist, "best_epoch"):
        return hist.best_epoch
    return min(records, key=lambda record: record["val_loss"])["epoch"] if "val_loss" in records[0] else None


def _label_ends(figure, axes, ends):
    """Write each curve's name where it ends, moved apart where two would overlap."""
    figure.draw_without_rendering()  # fixes the limits, so that data can be turned into points
    points = [axes.transData.transform((0, value))[1] * 72 / figure.dpi for value, _ in ends]
    apart = 1.25 * MIN_POINTS
    shifts = [0.0] * len(ends)
    if len(ends) == 2 and abs(points[0] - points[1]) < apart:
        lower, upper = np.argsort(points)
        missing = (apart - (points[upper] - points[lower])) / 2
        shifts[lower], shifts[upper] = -missing, missing
    for (value, name), shift in zip(ends, shifts, strict=True):
        _right_of(axes, value, name, shift=shift)


def _right_of(axes, y, text, *, shift=0.0):
    """Write to the right of the axes at height y in data, moved up by `shift` points."""
    axes.annotate(
        text,
        (1, y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(8, shift),
        textcoords="offset points",
        va="center",
        fontsize=MIN_POINTS,
        annotation_clip=False,
    )


def _log_axis(axes):
    """Logarithmic heights with plain numbers, "20" and not "2 x 10^1" with a tiny exponent."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 10 * low else MaxNLocator(5, steps=(1, 2, 5, 10)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
