"""Tests of aetutor.keras on Keras' default backend, or the one that KERAS_BACKEND names."""

import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("keras")


@pytest.fixture
def shipped():
    """For tests of what `fit` does as shipped, compiled, which takes seconds for the smallest model."""


@pytest.fixture(autouse=True)
def uncompiled(request, monkeypatch):
    """All other tests take their training steps uncompiled."""
    if "shipped" not in request.fixturenames:
        from aetutor.keras import training

        monkeypatch.setattr(training, "compile_flags", lambda steps: {"run_eagerly": True})


@pytest.fixture(scope="session")
def x():
    return images()


def images():
    """96 images of 4 x 4 pixels with two factors behind each, (96, 4, 4, 1) in [0, 1]."""
    rng = np.random.default_rng(0)
    rows, columns = rng.random((2, 96, 4, 1, 1))
    return (rows * columns.transpose(0, 2, 1, 3) * np.ones((1, 4, 4, 1))).astype("float32")
