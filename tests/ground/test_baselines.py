"""PCA against linear algebra and the published MNIST number, the mean image against the variance."""

import os
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
    """Hinton and Salakhutdinov (2006) print 13.87 for 30 components; this fixes the metric too."""
    folder = Path(os.environ.get("AETUTOR_DATA", "")) / "mnist"
    if "AETUTOR_DATA" not in os.environ or not folder.is_dir():
        pytest.skip("AETUTOR_DATA has no mnist")
    train, test = (
        read_idx(folder / f"{part}-images-idx3-ubyte.gz")[..., None].astype(np.float32) / 255 for part in ("train", "t10k")
    )
    error = metrics.squared_error(test, baselines.pca(train, 30).reconstruct(test)).mean()
    assert error == pytest.approx(13.866, abs=0.005)
