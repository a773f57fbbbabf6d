"""The ground floor as a whole: its examples run, importing it is cheap, and a notebook shows each figure once."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

MODULES = ("baselines", "coding", "corruption", "datasets", "metrics", "plots")
MODELS = [f"{side}.{name}" for side in ("torch", "keras") for name in ("autoencoder", "models.variational")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    import numpy as np

    package = importlib.import_module(f"aetutor.{name}")
    parts = [f"{package.__name__}.{part.name}" for part in pkgutil.iter_modules(getattr(package, "__path__", []))]
    modules = [package, *map(importlib.import_module, parts)]
    results = [doctest.testmod(module, extraglobs={"np": np}) for module in modules]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) >= 2


@pytest.mark.parametrize("name", MODELS)
def test_examples_of_models(name):
    module = importlib.import_module(f"aetutor.{name}")
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted >= 1 or name == "keras.models.variational"  # the twin's example stands in the torch file


def test_imports_load_numpy_only():
    code = (
        f"import sys; from aetutor import {', '.join(MODULES)}; "
        "print(sorted({'matplotlib', 'sklearn', 'scipy', 'pooch', 'requests', 'mlxtend', 'torch', 'keras', 'tensorflow'} "
        "& set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_a_notebook_shows_each_figure_once(tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    cells = [
        "import numpy as np; from aetutor import plots; x = np.zeros((3, 8, 8, 1))",
        "plots.images(x); plots.images(x)",
        "figure = plots.images(x)",
        "figure",
    ]
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a kernel chooses its own
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [[o for o in cell.outputs if "image/png" in o.get("data", {})] for cell in notebook.cells]
    assert [len(outputs) for outputs in shown] == [0, 2, 1, 1]
    assert len({output.data["image/png"] for outputs in shown for output in outputs}) == 1  # the same bytes each time
