"""Figures: what they show, that text stays legible, and that nothing outside the figure changes."""

import base64
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from aetutor import plots
from aetutor.history import History
from aetutor.plots._style import STYLE

RNG = np.random.default_rng(0)
X = RNG.random((30, 8, 8, 1), dtype=np.float32)
X_HAT = np.clip(X + 0.1 * RNG.standard_normal(X.shape), 0, 1).astype(np.float32)


def records(n=6, *, kl=True, val=True):
    out = []
    for epoch in range(1, n + 1):
        record = {"epoch": epoch, "loss": 20 / epoch + kl, "reconstruction": 20 / epoch}
        record |= {"kl": 1.0} if kl else {}
        if val:
            record |= {"val_loss": 21 / epoch + (epoch - 3) ** 2, "val_reconstruction": 21 / epoch}
            record |= {"val_kl": 1.5} if kl else {}
        out.append(record | {"lr": 1e-3, "seconds": 0.1})
    return out


DRAW = {
    "history": lambda: plots.history(records()),
    "history, log": lambda: plots.history(records(), log=True),
    "history, one epoch": lambda: plots.history(records(1)),
    "error_bars": lambda: plots.error_bars({"dense": [1.0, 1.2, 1.1], "PCA": [2.0]}, label="squared error per image"),
    "latent": lambda: plots.latent(X[:, 0, :2, 0], np.arange(30) % 10),
    "latent, 5 units": lambda: plots.latent(X[:, 0, :5, 0]),
    "images": lambda: plots.images(X[:10], titles=list("abcdefghij")),
    "reconstructions": lambda: plots.reconstructions(X, X_HAT, baseline={"PCA": X}),
    "traversal": lambda: plots.traversal(np.stack([X[:5], X[5:10]]), column_labels=list("12345")),
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts(figure):
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text()]


# --- all figures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW)
def test_text_is_legible_and_inside_the_figure(draw):
    figure = draw()
    figure.canvas.draw()
    assert texts(figure)
    assert all(text.get_fontsize() >= plots.MIN_POINTS for text in texts(figure))
    width, height = figure.bbox.size
    for axes in figure.axes:
        for text in {*axes.texts, axes.xaxis.label, axes.yaxis.label, axes._left_title} & set(texts(figure)):
            box = text.get_window_extent()
            assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1, text
    assert plots.MIN_POINTS / 72 * 390 / 7 >= 9  # pixels on a phone, where 7 inches are 390 pixels


@pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW)
def test_settings_are_left_alone_and_do_not_leak_in(draw):
    clean = draw()
    clean.canvas.draw()
    own = {"font.size": 3, "font.family": "serif", "lines.marker": "x", "xtick.labelsize": 3, "axes.xmargin": 0.4}
    with plt.style.context("dark_background"), mpl.rc_context(own):
        before = dict(mpl.rcParams)
        figure = draw()
        assert dict(mpl.rcParams) == before
        figure.canvas.draw()
        assert np.array_equal(clean.canvas.buffer_rgba(), figure.canvas.buffer_rgba())
        for axes in figure.axes:  # ticks that are made later are made under the caller's settings
            axes.set_xticks(np.linspace(*axes.get_xlim(), 25))
            assert all(label.get_fontsize() >= plots.MIN_POINTS for label in axes.get_xticklabels())
            assert {to_hex(label.get_color()) for label in axes.get_xticklabels()} <= {plots.INK.lower()}


def test_settings_are_left_alone_when_a_plot_fails():
    before = dict(mpl.rcParams)
    with pytest.raises(ValueError, match="no epoch"):
        plots.history([])
    assert dict(mpl.rcParams) == before


def test_use_applies_the_style():
    with mpl.rc_context():
        plots.use()
        assert mpl.rcParams["figure.dpi"] == 150
        assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(plots.PALETTE)


def test_style_sheet_sets_only_legible_sizes():
    sizes = {
        key: value for key, value in mpl.rc_params_from_file(STYLE, use_default_template=False).items() if "size" in key
    }
    points = [value for key, value in sizes.items() if key not in ("figure.figsize", "lines.markersize")]
    assert len(points) >= 6 and min(points) >= plots.MIN_POINTS


def test_a_notebook_shows_a_figure_once(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **kw: shown.append((data, kw)))
    figure = plots.images(X[:3])
    assert plt.fignum_exists(figure.number)  # not a cell's last value: pyplot shows it at the end of the cell
    figure._ipython_display_()
    assert not plt.fignum_exists(figure.number)  # the last value: shown now, and not again
    ((data, options),) = shown
    png = base64.b64decode(data["image/png"])
    assert png.startswith(b"\x89PNG") and b"Matplotlib" not in png
    assert options["metadata"]["image/png"]["width"] == 700


# --- colours ---------------------------------------------------------------------------------------------------------

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(color):
    c = np.array(mpl.colors.to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIE L*a*b* of linear sRGB."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = (
        np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in to_xyz @ np.clip(rgb, 0, 1) / [0.95047, 1, 1.08883]
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_colours_can_be_told_apart(vision):
    seen = {color: lab(np.array(VISION[vision]) @ linear(color)) for color in (*plots.PALETTE, plots.INK)}
    for a, b in itertools.combinations(seen, 2):
        assert np.linalg.norm(seen[a] - seen[b]) > 12, (a, b)


@pytest.mark.parametrize("color", plots.PALETTE)
def test_colours_stand_out_on_white(color):
    luminance = np.array([0.2126, 0.7152, 0.0722]) @ linear(color)
    assert 1.05 / (luminance + 0.05) >= 3


def test_each_family_has_its_own_fixed_colour():
    assert len(set(plots.COLORS.values())) == len(plots.COLORS)
    assert set(plots.COLORS.values()) <= {*plots.PALETTE, plots.INK}
    with pytest.raises(TypeError):
        plots.COLORS["dense"] = "red"


# --- history ---------------------------------------------------------------------------------------------------------


def test_history_draws_a_curve_a_term():
    figure = plots.history(History(records(), best_epoch=3), family="vae")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss = reconstruction + kl", "reconstruction", "kl"]
    for axes, name in zip(figure.axes, ("loss", "reconstruction", "kl"), strict=True):
        training, validation, best_line, best_dot = axes.lines
        assert training.get_linestyle() == "-" and validation.get_linestyle() == "--"
        assert training.get_color() == validation.get_color() == plots.COLORS["vae"]
        assert training.get_xdata() == pytest.approx(range(1, 7))
        assert training.get_ydata() == pytest.approx([record[name] for record in records()])
        assert validation.get_ydata() == pytest.approx([record[f"val_{name}"] for record in records()])
        assert list(best_line.get_xdata()) == [3, 3]
        assert list(best_dot.get_ydata()) == [records()[2][f"val_{name}"]]
        assert {"training", "validation"} <= {text.get_text() for text in axes.texts}
        assert axes.get_ylabel() == "loss per sample"
    assert figure.axes[-1].get_xlabel() == "epoch"
    assert "best: epoch 3" in [text.get_text() for text in texts(figure)]


def test_history_of_one_term_without_validation():
    figure = plots.history(records(kl=False, val=False), unit="squared error per image")
    (axes,) = figure.axes
    assert len(axes.lines) == 1 and axes.get_title(loc="left") == "reconstruction"
    assert [text.get_text() for text in axes.texts] == ["training"] and axes.get_ylabel() == "squared error per image"


def test_history_finds_the_best_epoch_of_plain_records():
    assert "best: epoch 4" in [text.get_text() for text in texts(plots.history(records()))]


def test_history_keeps_close_labels_apart():
    close = [record | {"val_reconstruction": record["reconstruction"]} for record in records(kl=False)]
    figure = plots.history(close)
    figure.canvas.draw()
    training, validation = (
        t.get_window_extent() for t in figure.axes[0].texts if t.get_text() in ("training", "validation")
    )
    assert not training.overlaps(validation)


def test_history_draws_a_diverged_run():
    diverged = records(kl=False, val=False)
    diverged[-1] |= {"loss": float("nan"), "reconstruction": float("nan")}
    plots.history(diverged).canvas.draw()


def test_history_object_plots_itself():
    assert len(History(records(), best_epoch=4).plot().axes) == 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plots.history(5), TypeError, "History or a list of dicts"),
        (lambda: plots.history([{"loss": 1.0}]), ValueError, "epoch"),
        (lambda: plots.history([*records(), {"epoch": 7, "loss": 1.0}]), ValueError, "same keys"),
        (lambda: plots.history(records(), family="denses"), ValueError, "Did you mean 'dense'"),
        (lambda: plots.history([r | {"kl": -1.0} for r in records()], log=True), ValueError, "above 0; kl has -1"),
        (lambda: plots.error_bars({}, label="x"), TypeError, "values"),
        (lambda: plots.error_bars({"a": [1, np.nan]}, label="x"), ValueError, "nan"),
        (lambda: plots.error_bars({"a": [1]}, label=""), TypeError, "label"),
        (lambda: plots.latent(X[:, 0, 0]), ValueError, "K at least 2"),
        (lambda: plots.latent(X[:, 0, :, 0], np.zeros(3, int)), ValueError, "labels"),
        (lambda: plots.latent(X[:, 0, :, 0], np.zeros(30)), ValueError, "labels must be integers"),
        (lambda: plots.latent(X[:, 0, :, 0], np.full(30, 2), names=["a"]), ValueError, "names"),
        (lambda: plots.images(X[..., 0]), ValueError, "N, H, W, C"),
        (lambda: plots.images(X.astype(np.uint8)), TypeError, "uint8"),
        (lambda: plots.images(X, titles=["a"]), ValueError, "titles must be 30 texts"),
        (lambda: plots.images(X, columns=13), ValueError, "columns"),
        (lambda: plots.reconstructions(X, X_HAT[:5]), ValueError, "x_hat"),
        (lambda: plots.reconstructions(X, X_HAT[..., 0]), ValueError, "x_hat"),
        (lambda: plots.reconstructions(X, X_HAT, which="wrost"), ValueError, "Did you mean 'worst'"),
        (lambda: plots.reconstructions(X, X_HAT, n=0), ValueError, "n must be"),
        (lambda: plots.reconstructions(X, X_HAT, baseline=X), TypeError, "baseline"),
        (lambda: plots.reconstructions(X, X_HAT, baseline={"input": X}), ValueError, "'input' is taken"),
        (lambda: plots.traversal(X), ValueError, "rows, columns, H, W, C"),
        (lambda: plots.traversal(X[None, :5], row_labels=["a", "b"]), ValueError, "row_labels"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- other figures ---------------------------------------------------------------------------------------------------


def test_error_bars_show_each_seed_and_the_interval():
    seeds = np.array([1.0, 2.0, 4.0])
    figure = plots.error_bars({"VAE": seeds, "mine": [3.0]}, label="error (%)")
    (axes,) = figure.axes
    dots, interval, mean, one, one_mean = axes.lines
    assert list(dots.get_xdata()) == list(seeds) and to_hex(dots.get_color()) == plots.COLORS["vae"].lower()
    half = 4.302653 * seeds.std(ddof=1) / np.sqrt(3)  # 97.5 % quantile, 2 degrees of freedom
    assert interval.get_xdata() == pytest.approx([seeds.mean() - half, seeds.mean() + half], rel=1e-6)
    assert list(mean.get_xdata()) == [seeds.mean()] and list(one_mean.get_xdata()) == [3.0]
    assert to_hex(one.get_color()) != to_hex(dots.get_color())
    assert axes.get_xlabel() == "error (%)"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["VAE", "mine"]
    assert f"2.33 ± {half:.2g}" in [text.get_text() for text in axes.texts]


def test_a_familys_name_gives_its_colour_whatever_its_case():
    curves = {"PCA": [1.0, 2.0], "convolutional": [2.0, 1.0], "a stranger": [0.0, 1.0]}
    (axes,) = plots.lines([1, 2], {"": curves}, xlabel="step", ylabel="height").axes
    colors = [to_hex(line.get_color()) for line in axes.lines]
    assert colors[:2] == [plots.COLORS[name].lower() for name in ("pca", "convolutional")] and len(set(colors)) == 3
    assert [line.get_linestyle() for line in axes.lines] == ["--", "-", "-"]  # PCA's grey is near the input's black


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (9.63, 1, "10"),
        (9.63, 2, "9.6"),
        (0.0123, 1, "0.01"),
        (1234.5, 2, "1,234"),
        (99.7, 2, "100"),
        (3e-6, 2, "3e-06"),
        (0, 2, "0"),
    ],
)
def test_values_behind_bars_have_no_exponents_where_none_are_needed(value, digits, text):
    (axes,) = plots.bars({"mine": value}, label="x", digits=digits).axes
    assert text in [own.get_text() for own in axes.texts]


def test_error_bars_give_strangers_different_colours():
    figure = plots.error_bars({name: [1.0] for name in "abcdefgh"}, label="x")
    assert len({to_hex(line.get_color()) for line in figure.axes[0].lines}) == 8


def test_latent_of_two_units_is_drawn_as_it_is():
    z, y = RNG.standard_normal((60, 2)), np.repeat([0, 1, 2], 20)
    (axes,) = plots.latent(z, y, names=["shirt", "bag", "boot"]).axes
    assert len(axes.collections) == 3
    for label, (points, text) in enumerate(zip(axes.collections, axes.texts, strict=True)):
        assert np.allclose(points.get_offsets(), z[y == label])
        assert (
            to_hex(points.get_facecolor()[0])
            == to_hex(text.get_bbox_patch().get_facecolor())
            == plots.PALETTE[label].lower()
        )
        assert text.get_position() in {tuple(point) for point in z[y == label]}  # on a point of its class
    assert [text.get_text() for text in axes.texts] == ["shirt", "bag", "boot"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("code unit 1", "code unit 2")


@pytest.mark.parametrize("names", [None, [f"class {i}" for i in range(10)]])
def test_names_of_classes_that_lie_on_one_another_do_not_overlap(names):
    figure = plots.latent(RNG.standard_normal((2000, 2)), np.arange(2000) % 10, names=names)
    boxes = [text.get_bbox_patch().get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 10
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_latent_of_longer_codes_states_the_variance_shown():
    from sklearn.decomposition import PCA

    z = RNG.standard_normal((200, 4)) * [3, 2, 1, 0.5]
    (axes,) = plots.latent(z).axes
    share = PCA(2).fit(z).explained_variance_ratio_
    assert axes.get_xlabel() == f"1st principal component ({share[0]:.0%} of variance)"
    assert axes.get_ylabel() == f"2nd principal component ({share[1]:.0%} of variance)"
    assert np.allclose(np.abs(axes.collections[0].get_offsets()), np.abs(PCA(2).fit_transform(z)))


def test_latent_draws_at_most_limit_points():
    (axes,) = plots.latent(RNG.standard_normal((100, 2)), limit=30).axes
    assert len(axes.collections[0].get_offsets()) == 30


def shown(figure):
    return [image.get_array() for image in figure.axes[0].images]


def test_reconstructions_show_random_and_worst_with_errors():
    errors = ((X - X_HAT).astype(float) ** 2).sum(axis=(1, 2, 3))
    figure = plots.reconstructions(X, X_HAT, n=4, baseline={"PCA": 0 * X}, label="dense")
    pictures = shown(figure)
    assert len(pictures) == 2 * 3 * 4
    worst = np.argsort(-errors)[:4]
    for column, index in enumerate(worst):
        assert np.allclose(pictures[12 + column], X[index, ..., 0])
        assert np.allclose(pictures[16 + column], X_HAT[index, ..., 0])
        assert not pictures[20 + column].any()
    written = [text.get_text() for text in texts(figure)]
    assert {"4 random images", "4 worst of 30", "input", "dense", "PCA", "squared error"} <= set(written)
    assert all(f"{errors[index]:.1f}" in written for index in worst)
    limits = {image.get_clim() for image in figure.axes[0].images}
    assert limits == {(0, 1)}  # one scale


def test_reconstructions_choose_by_seed():
    first, again, other = (shown(plots.reconstructions(X, X_HAT, which="random", seed=seed)) for seed in (1, 1, 2))
    assert len(first) == 16
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_images_out_of_range_share_the_range_of_x():
    x = 4 * X - 2
    pictures = shown(plots.images(x[:5]))
    low, high = x[:5].min(), x[:5].max()
    assert np.allclose(pictures[3], (x[3, ..., 0] - low) / (high - low), atol=1e-6)


def test_images_in_colour():
    colour = RNG.random((3, 8, 12, 3))
    figure = plots.images(colour, columns=3)
    assert np.allclose(shown(figure)[1], colour[1])
    box = figure.axes[0].images[0].get_window_extent()
    assert box.width / box.height == pytest.approx(12 / 8, rel=0.02)  # pixels stay square


def test_traversal_is_a_labelled_grid():
    grid = RNG.random((2, 5, 8, 8, 1))
    figure = plots.traversal(grid, column_labels=["-2", "-1", "0", "1", "2"], axis_label="slant")
    assert np.allclose(shown(figure), grid.reshape(10, 8, 8))
    assert {"unit 1", "unit 2", "-2", "2", "slant"} <= {text.get_text() for text in texts(figure)}


def test_arguments_are_not_changed():
    x, x_hat = X.copy(), X_HAT.copy()
    plots.reconstructions(x, x_hat, baseline={"PCA": x_hat})
    plots.latent(x[:, 0, :, 0])
    assert np.array_equal(x, X) and np.array_equal(x_hat, X_HAT)


def test_public_names():
    assert all(hasattr(plots, name) for name in plots.__all__)
    assert {"history", "reconstructions", "latent", "traversal", "images", "error_bars", "COLORS", "use"} <= set(
        plots.__all__
    )
