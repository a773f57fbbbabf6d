"""Pictures of the code space."""

import numpy as np

from .. import validation
from ._style import MIN_POINTS, PALETTE, styled

_MARKERS = "o^sD"


@styled
def latent(z, labels=None, *, names=None, limit: int = 5000, seed: int = 0):
    """Draw codes as points in the plane, each class named on a patch of its colour where it lies.

    Codes of two units are drawn as they are; of longer codes the first two principal components, with their share of the
    variance on the axes.

    Args:
        z: codes, (N, K), K >= 2.
        labels: classes, (N,) integers; None draws all points alike.
        names: name of each class, indexed by label; None writes the label.
        limit: draw at most so many points, a random choice.
        seed: of that choice.

    Returns:
        Figure with equal scales on both axes.
    """
    z = validation.array("z", z)
    if z.ndim != 2 or z.shape[1] < 2:
        raise ValueError(f"z must have the shape (N, K) with K at least 2; got {z.shape}. Draw one unit as a histogram.")
    limit = validation.integer("limit", limit, low=1)
    if labels is not None:
        labels = np.asarray(labels)
        if labels.shape != (len(z),) or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"labels must be integers of shape ({len(z)},); got {labels.dtype} of shape {labels.shape}.")
        if names is not None and labels.max() >= len(names):
            raise ValueError(f"names must have a name for each label up to {labels.max()}; got {len(names)} names.")

    points, axis_labels = _plane(z.astype(np.float64))
    if len(points) > limit:
        chosen = np.random.default_rng(validation.integer("seed", seed, low=0)).choice(len(points), limit, replace=False)
        points, labels = points[chosen], None if labels is None else labels[chosen]

    from ._figure import new_figure

    figure = new_figure(6.2, 5.6)
    axes = figure.subplots()
    size = np.clip(30_000 / len(points), 8, 40)
    if labels is None:
        axes.scatter(*points.T, s=size, color=PALETTE[0], alpha=0.5, linewidths=0)
    else:
        classes = np.unique(labels)
        texts = [str(label) if names is None else str(names[label]) for label in classes]
        places = _apart([points[labels == label] for label in classes], texts)
        for i, label in enumerate(classes):
            of_class = points[labels == label]
            marker = _MARKERS[i // len(PALETTE) % len(_MARKERS)]
            axes.scatter(*of_class.T, s=size, color=PALETTE[i % len(PALETTE)], marker=marker, alpha=0.5, linewidths=0)
            axes.text(
                *places[i],
                texts[i],
                color="white",
                fontsize=MIN_POINTS + 3,
                fontweight="bold",
                ha="center",
                va="center",
                bbox={"boxstyle": "round,pad=0.15", "facecolor": PALETTE[i % len(PALETTE)], "edgecolor": "white"},
            )
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(visible=False)
    axes.set(xlabel=axis_labels[0], ylabel=axis_labels[1])
    return figure


def _apart(groups, texts):
    """Where each class is named: at its point nearest to its median whose patch overlaps no patch placed before."""
    inch = np.ptp(np.concatenate(groups), axis=0).max() / 4.5  # of the drawn plane, in data
    placed = []
    for points, text in zip(groups, texts, strict=True):
        size = inch * np.array([0.15 + 0.13 * len(text), 0.33])  # width and height of a patch
        near_first = points[np.abs(points - np.median(points, axis=0)).sum(axis=1).argsort(kind="stable")]
        free = np.ones(len(points), bool)
        for other, other_size in placed:
            free &= (np.abs(near_first - other) >= (size + other_size) / 2).any(axis=1)
        placed.append((near_first[free.argmax()], size))  # the first where none is free
    return [place for place, _ in placed]


def _plane(z):
    """The two coordinates that are drawn, (N, 2), and their names."""
    if z.shape[1] == 2:
        return z, ("code unit 1", "code unit 2")
    centred = z - z.mean(axis=0)
    _, scale, directions = np.linalg.svd(centred, full_matrices=False)
    total = (scale**2).sum()
    shares = scale[:2] ** 2 / total if total else np.zeros(2)
    ordinals = ("1st", "2nd")
    axis_labels = tuple(f"{o} principal component ({s:.0%} of variance)" for o, s in zip(ordinals, shares, strict=True))
    return centred @ directions[:2].T, axis_labels
