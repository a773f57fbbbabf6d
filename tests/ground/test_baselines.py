"""PCA against linear algebra and the published MNIST number, the mean image against the variance, the library calls."""

import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aetutor import baselines, datasets, metrics
from aetutor.datasets._idx import read_idx


def test_pca_leaves_the_sum_of_the_discarded_eigenvalues():
    x = datasets.load("digits").x_train
    flat = x.reshape(len(x), -1).astype(np.float64)
    eigenvalues = np.linalg.eigvalsh(np.cov(flat.T, bias=True))[::-1]
    for k in (1, 8, 30):
        model = baselines.pca(x, k)
        assert metrics.squared_error(x, model.reconstruct(x)).mean() == pytest.approx(eigenvalues[k:].sum(), rel=1e-4)
        assert model.explained_variance_ratio.sum() == pytest.approx(eigenvalues[:k].sum() / eigenvalues.sum(), rel=1e-4)


def test_pca_codes_and_shapes():
    data = datasets.load("digits")
    model = baselines.pca(data.x_train, 5)
    z = model.encode(data.x_test)
    assert z.shape == (len(data.x_test), 5) and z.dtype == np.float32
    assert model.decode(z).shape == data.x_test.shape
    assert np.array_equal(model.reconstruct(data.x_test), model.decode(z))
    assert np.allclose(model.encode(model.decode(z)), z, atol=1e-5)  # a projection
    assert np.allclose(model.encode(data.x_train).mean(axis=0), 0, atol=1e-5)
    assert "code_size=5" in repr(model)
    table = baselines.pca(data.x_train.reshape(-1, 64), 5)
    assert np.allclose(table.reconstruct(data.x_test.reshape(-1, 64)).reshape(data.x_test.shape), model.decode(z), atol=1e-5)


def test_pca_refuses():
    x = datasets.load("digits").x_train
    with pytest.raises(ValueError, match=r"code_size.*from 1 to 64.*got 65"):
        baselines.pca(x, 65)
    with pytest.raises(ValueError, match="code_size"):
        baselines.pca(x, 0)
    model = baselines.pca(x, 3)
    with pytest.raises(ValueError, match=r"x must have the shape \(N, 8, 8, 1\)"):
        model.encode(x[..., 0])
    with pytest.raises(ValueError, match=r"z must have the shape \(N, 3\)"):
        model.decode(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="nan"):
        baselines.pca(np.full((9, 4), np.nan), 2)


def test_mean_image_leaves_the_total_variance():
    x = datasets.load("digits").x_train
    model = baselines.mean_image(x)
    error = metrics.squared_error(x, model.reconstruct(x)).mean()
    assert error == pytest.approx(x.var(axis=0, dtype=np.float64).sum(), rel=1e-5)
    assert model.reconstruct(x[:3]).shape == (3, 8, 8, 1)
    with pytest.raises(ValueError, match="shape"):
        model.reconstruct(x[..., 0])


def test_pca_30_on_mnist_is_the_published_number():
    """Hinton and Salakhutdinov (2006) print 13.87 for 30 components; this fixes the metric too. Fewer images, more error."""
    folder = Path(os.environ.get("AETUTOR_DATA", "")) / "mnist"
    if "AETUTOR_DATA" not in os.environ or not folder.is_dir():
        pytest.skip("AETUTOR_DATA has no mnist")
    train, test = (
        read_idx(folder / f"{part}-images-idx3-ubyte.gz")[..., None].astype(np.float32) / 255 for part in ("train", "t10k")
    )
    shipped = datasets.load("mnist5k")
    few = np.concatenate([shipped.x_train, shipped.x_val, shipped.x_test])
    errors = [metrics.squared_error(test, baselines.pca(x, 30).reconstruct(test)).mean() for x in (train, few)]
    assert errors[0] == pytest.approx(13.866, abs=0.005)
    assert errors[1] == pytest.approx(14.08, abs=0.05)


def test_kmeans_centres_are_the_means_of_their_samples():
    x = datasets.load("digits").x_train
    model = baselines.kmeans(x, 10, seed=1)
    groups = model.assign(x)
    assert model.centers.shape == (10, 8, 8, 1) and groups.dtype == np.int64 and set(groups) == set(range(10))
    for group in range(10):
        assert np.allclose(model.centers[group], x[groups == group].mean(axis=0), atol=0.02)
    distances = ((x[:50, None] - model.centers[None]) ** 2).sum(axis=(2, 3, 4))
    assert np.array_equal(groups[:50], distances.argmin(axis=1))
    assert np.array_equal(baselines.kmeans(x, 10, seed=1).centers, model.centers)
    assert "clusters=10" in repr(model)


def test_kmeans_refuses():
    x = np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"clusters.*from 1 to 4.*got 5"):
        baselines.kmeans(x, 5)
    with pytest.raises(ValueError, match="starts"):
        baselines.kmeans(x, 2, starts=0)
    with pytest.raises(ValueError, match=r"x must have the shape \(N, 2\)"):
        baselines.kmeans(np.arange(8.0).reshape(4, 2), 2).assign(np.zeros((3, 3)))


def test_bernoulli_mixture_is_a_distribution_and_one_component_is_independent_entries():
    rng = np.random.default_rng(0)
    x = (rng.random((200, 2, 3)) < rng.random((2, 3))).astype(np.float32)
    states = np.array(list(np.ndindex(*[2] * 6)), np.float32).reshape(-1, 2, 3)
    for components in (1, 4):
        mixture = baselines.bernoulli_mixture(x, components)
        assert abs(np.exp(mixture.log_likelihood(states)).sum() - 1) < 1e-9
        assert abs(mixture.weights.sum() - 1) < 1e-12
    alone = baselines.bernoulli_mixture(x, 1)
    p = (x.sum(axis=0) + (x.sum(axis=0) + 1) / 202) / 201  # one sample more: the mean, itself with one 0 and one 1 more
    assert np.allclose(alone.probabilities[0], p)
    assert np.allclose(alone.log_likelihood(x), (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=(1, 2)))


def test_bernoulli_mixture_finds_components_and_draws_from_them():
    rng = np.random.default_rng(0)
    truth = rng.random((3, 40))
    x = (rng.random((3000, 40)) < truth[np.repeat([0, 1, 2], 1000)]).astype(np.float32)
    fitted = baselines.bernoulli_mixture(x, 3)
    distances = np.abs(fitted.probabilities[:, None] - truth).max(axis=2)  # (3, 3)
    assert distances.min(axis=1).max() < 0.1 and len(set(distances.argmin(axis=1))) == 3
    longer, shorter = (baselines.bernoulli_mixture(x, 3, rounds=n).log_likelihood(x).mean() for n in (10, 1))
    assert longer >= shorter - 1e-3  # the added samples let the likelihood itself fall by a trifle
    draws = fitted.sample(4000, seed=1)
    assert draws.shape == (4000, 40) and set(np.unique(draws)) == {0.0, 1.0}
    assert np.abs(draws.mean(axis=0) - truth.mean(axis=0)).max() < 0.05
    assert np.array_equal(draws, fitted.sample(4000, seed=1))


def test_bernoulli_mixture_refuses():
    x = np.eye(4, dtype=np.float32)
    with pytest.raises(ValueError, match=r"x_train must hold 0 and 1 only; got 0\.5"):
        baselines.bernoulli_mixture(x / 2, 2)
    with pytest.raises(ValueError, match="components"):
        baselines.bernoulli_mixture(x, 5)
    with pytest.raises(ValueError, match="rounds"):
        baselines.bernoulli_mixture(x, 2, rounds=0)
    with pytest.raises(ValueError, match=r"x must hold 0 and 1 only; got 2"):
        baselines.bernoulli_mixture(x, 2).log_likelihood(2 * x)
    with pytest.raises(ValueError, match="x"):
        baselines.bernoulli_mixture(x, 2).log_likelihood(np.zeros((3, 3)))


def test_detectors_rank_what_is_far_above_what_is_near():
    rng = np.random.default_rng(0)
    x, near, far = rng.normal(size=(400, 2, 2)), rng.normal(size=(50, 2, 2)), rng.normal(size=(50, 2, 2)) + 6
    forest, nearest = baselines.isolation_forest(x, seed=3), baselines.nearest_neighbors(x, k=2)
    for model in (forest, nearest):
        assert model.score(far).min() > model.score(near).max() and model.score(near).dtype == np.float64
        with pytest.raises(ValueError, match=r"shape \(N, 2, 2\)"):
            model.score(near.reshape(50, 4))
    assert forest.score(near).min() > 0 and forest.score(far).max() <= 1
    assert np.array_equal(forest.score(near), baselines.isolation_forest(x, seed=3).score(near))
    assert not np.array_equal(forest.score(near), baselines.isolation_forest(x, seed=4).score(near))
    distances = np.linalg.norm((near[:, None] - x[None]).reshape(50, 400, 4), axis=2)
    assert np.allclose(nearest.score(near), np.sort(distances, axis=1)[:, 1])
    assert "trees=100" in repr(forest) and "k=2" in repr(nearest)


def test_detectors_refuse():
    x = np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"k must be .* from 1 to 4; got 5"):
        baselines.nearest_neighbors(x, k=5)
    with pytest.raises(ValueError, match="trees"):
        baselines.isolation_forest(x, trees=0)
    with pytest.raises(ValueError, match="samples"):
        baselines.isolation_forest(x, samples=1)


@pytest.mark.parametrize("depth", [1, 3])
def test_jpeg_puts_each_image_back_in_its_place(depth):
    rng = np.random.default_rng(0)
    x = np.ones((7, 16, 24, depth), np.float32) * rng.random((7, 1, 1, 1), np.float32)  # 7 do not fill their sheet
    size, x_hat = baselines.jpeg(x, 95)
    assert x_hat.shape == x.shape and x_hat.dtype == np.float32 and isinstance(size, int)
    assert np.abs(x_hat - x).max() < 0.03


def test_jpeg_is_a_file_of_that_size():
    from PIL import Image

    x = datasets.load("digits").x_test[:16]
    size, x_hat = baselines.jpeg(x, 60)
    sheet = np.rint(x[..., 0] * 255).astype(np.uint8).reshape(4, 4, 8, 8).swapaxes(1, 2).reshape(32, 32)
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "JPEG", quality=60, optimize=True)
    assert size == len(file.getvalue())
    decoded = np.asarray(Image.open(file)).reshape(4, 8, 4, 8).swapaxes(1, 2).reshape(16, 8, 8, 1)
    assert np.array_equal(np.rint(x_hat * 255), decoded)


def test_jpeg_quality_trades_bytes_for_error_and_a_sheet_pays_one_header():
    x = datasets.load("digits").x_test[:64]
    sizes, errors = zip(
        *((size, metrics.squared_error(x, x_hat).mean()) for size, x_hat in (baselines.jpeg(x, q) for q in (5, 50, 95))),
        strict=True,
    )
    assert sizes[0] < sizes[1] < sizes[2] and errors[0] > errors[1] > errors[2]
    assert sum(baselines.jpeg(x[i : i + 1], 50)[0] for i in range(64)) > 3 * sizes[1]


def test_jpeg_refuses():
    x = np.zeros((2, 8, 8, 1), np.float32)
    for bad, match in ((x[..., 0], "N, H, W, C"), (np.zeros((2, 8, 8, 2)), "C = 1 or 3"), (x + 2, r"outside the support")):
        with pytest.raises(ValueError, match=match):
            baselines.jpeg(bad, 50)
    for quality in (0, 96):
        with pytest.raises(ValueError, match=r"quality .* from 1 to 95"):
            baselines.jpeg(x, quality)
    with pytest.raises(ValueError, match=r"65,500"):
        baselines.jpeg(np.zeros((1, 70_000, 1, 1), np.float32), 50)


@pytest.mark.skipif(importlib.util.find_spec("umap") is None, reason="umap-learn is not installed")
def test_umap_places_new_samples_among_their_class_and_loads_no_framework():
    code = """
import sys
import numpy as np
from aetutor import baselines, metrics
rng = np.random.default_rng(0)
centers = 10 * rng.normal(size=(3, 5))
labels = np.arange(150) % 3
x = (centers[labels] + rng.normal(size=(150, 5))).astype(np.float32)
model = baselines.umap(x[:120], neighbors=8, epochs=50, seed=1)
assert model.embedding.shape == (120, 2) and model.embedding.dtype == np.float32 and "code_size=2" in repr(model)
z = model.encode(x[120:])
assert z.shape == (30, 2) and metrics.knn_accuracy(model.embedding, labels[:120], z, labels[120:], k=5) == 1
assert "tensorflow" not in sys.modules and "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)  # a process of its own: it compiles


def test_umap_refuses():
    x = np.zeros((9, 2))
    with pytest.raises(ValueError, match=r"neighbors .* from 2 to 8; got 9"):
        baselines.umap(x, neighbors=9)
    with pytest.raises(ValueError, match="epochs"):
        baselines.umap(x, neighbors=3, epochs=0)


def test_umap_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    before = sys.modules.get("tensorflow")
    with pytest.raises(ModuleNotFoundError, match=r"aetutor\[umap\]"):
        baselines.umap(np.zeros((9, 2)), neighbors=3)
    assert sys.modules.get("tensorflow") is before and ("tensorflow" in sys.modules) == (before is not None)


def test_rounded_pca_is_the_best_quantiser_of_a_gaussian():
    """Max (1960): with 1, 2 and 3 bits it leaves 0.3634, 0.1175 (even steps: 0.1188) and 0.0345 (0.0374) of the variance."""
    x = np.random.default_rng(0).normal(size=(20_000, 3)) * [1, 1e-3, 1e-3]
    for bits, left in ((1, 0.3634), (2, 0.1188), (3, 0.0374)):
        coder = baselines.rounded_pca(x, bits)
        assert coder.bits.tolist() == [bits]
        assert ((x - coder.reconstruct(x)) ** 2).sum(1).mean() / x.var(0).sum() == pytest.approx(left, rel=0.02)
        assert set(np.unique(coder.encode(x))) == set(range(2**bits))


def test_rounded_pca_shares_out_its_bits():
    x = np.random.default_rng(0).normal(size=(500, 4)) * [8, 3, 1, 0.01]
    coder = baselines.rounded_pca(x.reshape(-1, 2, 2), 4)
    assert coder.bits.tolist() == [3, 1]  # variances 64 and 9: 64, 16, 9 and 4 are the largest in turn
    assert coder.reconstruct(x.reshape(-1, 2, 2)).shape == (500, 2, 2)
    assert np.allclose(coder.reconstruct(x.reshape(-1, 2, 2)), coder.decode(coder.encode(x.reshape(-1, 2, 2))))
    with pytest.raises(ValueError, match="bits must be an integer from 1 to 4; got 5"):
        baselines.rounded_pca(x, 5)


NEEDS_SKIMAGE = pytest.mark.skipif(importlib.util.find_spec("skimage") is None, reason="scikit-image is not installed")


@NEEDS_SKIMAGE
def test_non_local_means_between_its_limits():
    """Weights of 0 leave the image alone, weights of 1 give the mean of the window of side 2 distance + 1."""
    from scipy.ndimage import uniform_filter

    x = np.random.default_rng(0).random((2, 24, 24, 1)).astype(np.float32)
    np.testing.assert_allclose(baselines.non_local_means(x, 0.01, h=0.1), x, atol=1e-6)
    flat = baselines.non_local_means(x, 0.3, h=1e6, patch=3, distance=4)
    middle = (slice(None), slice(6, -6), slice(6, -6))
    np.testing.assert_allclose(flat[middle], uniform_filter(x, (0, 9, 9, 0))[middle], atol=1e-4)


@NEEDS_SKIMAGE
def test_non_local_means_removes_noise_that_it_is_told_of():
    x = np.zeros((3, 24, 24, 1), np.float32)
    x[:, 8:16, 8:16] = 1
    noisy = x + 0.3 * np.random.default_rng(1).standard_normal(x.shape).astype(np.float32)
    copy = noisy.copy()
    error = metrics.squared_error(x, baselines.non_local_means(noisy, 0.3))
    assert (error < 0.3 * metrics.squared_error(x, noisy)).all() and np.array_equal(noisy, copy)
    each = np.concatenate([baselines.non_local_means(noisy[i : i + 1], 0.3) for i in range(3)])
    assert np.array_equal(each, baselines.non_local_means(noisy, 0.3))
    assert baselines.non_local_means(np.repeat(noisy, 3, axis=-1), 0.3).shape == (3, 24, 24, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [(dict(sigma=0), "sigma"), (dict(sigma=0.1, h=-1), "h must"), (dict(sigma=0.1, patch=4), "patch must be odd.*4")],
)
def test_non_local_means_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        baselines.non_local_means(np.zeros((2, 8, 8, 1)), **options)
    with pytest.raises(ValueError, match="x must be images"):
        baselines.non_local_means(np.zeros((2, 8, 8)), 0.1)


def test_non_local_means_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.restoration", None)
    with pytest.raises(ModuleNotFoundError, match=r"aetutor\[images\]"):
        baselines.non_local_means(np.zeros((2, 8, 8, 1)), 0.1)
