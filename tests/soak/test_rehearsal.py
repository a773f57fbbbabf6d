"""Colab, rehearsed: the built wheel, installed by the notebooks' own install cells into an environment that has Jupyter and
a framework, changes nothing that was there and brings no other framework, and the notebooks pass from an empty folder."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from aetutor.pages.notebooks import page as pages
from aetutor.pages.notebooks import stamping

ROOT = pages.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
FRAMEWORKS = {"torch", "keras", "tensorflow", "tensorflow-cpu", "jax", "jaxlib"}
WORKER = Path(__file__).with_name("rehearsal_worker.py")
JUPYTER = ["ipykernel", "nbclient"]
CALLS_WITH_EXTRA = {"baselines.umap(": "umap", "baselines.non_local_means(": "images", 'datasets.load("ecg"': "ecg"}
#: What is there before the notebook is opened, as (the pages' framework, requirements).
ENVIRONMENTS = {
    "torch": ("torch", lambda: ["torch"]),
    "keras": ("keras", lambda: ["tensorflow"]),
    "torch-lowest": ("torch", lambda: lowest(needed("torch", "umap", "images", "ecg"))),
    "keras-lowest": ("keras", lambda: lowest(needed("keras", "images", "ecg"))),
}


def needed(*extras):
    """Requirements of the package with these extras."""
    return PROJECT["dependencies"] + [requirement for name in extras for requirement in EXTRAS[name]]


def lowest(requirements):
    """Requirements with their lower bound as a pin: "numpy>=1.26" gives "numpy==1.26"."""
    pins = []
    for requirement in map(Requirement, requirements):
        (bound,) = [spec.version for spec in requirement.specifier if spec.operator == ">="]
        pins.append(f"{requirement.name}=={bound}")
    return pins


def run(*command, **options):
    finished = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert finished.returncode == 0, f"{command}\n{finished.stdout[-3000:]}\n{finished.stderr[-6000:]}"
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the tree, so that nothing of an earlier build gets into it."""
    folder = tmp_path_factory.mktemp("wheel")
    unwanted = shutil.ignore_patterns(".*", "_build", "build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, folder / "tree", ignore=unwanted)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, folder / "tree")
    (built,) = folder.glob("*.whl")
    return built


def outside():
    """Variables of a process that is to know nothing of this checkout and of this environment."""
    own = ("PYTHON", "PYTEST", "AETUTOR", "VIRTUAL_ENV", "PIP_CONSTRAINT", "KERAS_BACKEND")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


def packages(python):
    """{name: version} of what is installed."""
    listed = json.loads(run(python, "-m", "pip", "list", "--format", "json", env=outside()))
    return {package["name"].lower().replace("_", "-"): package["version"] for package in listed}


def for_framework(framework):
    """The pages that an environment with one framework runs."""
    return [path for path in pages.find() if pages.read(path).frameworks <= {framework} and path.parent.name != "drafts"]


@pytest.mark.soak
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_rehearsal(name, wheel):
    framework, requirements = ENVIRONMENTS[name]
    with tempfile.TemporaryDirectory() as folder:  # some GB; pytest would keep them for three runs
        python, empty = Path(folder, "venv", "bin", "python"), Path(folder, "empty")
        empty.mkdir()
        run(sys.executable, "-m", "venv", Path(folder, "venv"))
        run(python, "-m", "pip", "install", "-q", *JUPYTER, *requirements(), env=outside())
        before = packages(python)
        assert "aetutor" not in before

        variables = {"AETUTOR_INSTALL": wheel.as_uri(), "AETUTOR_PROFILE": "quick", "AETUTOR_OFFLINE": "1"}
        found = for_framework(framework)
        assert any(path.parent.name == framework for path in found)
        out = run(python, WORKER, *found, cwd=empty, env=outside() | variables)
        after = packages(python)
        place = run(python, "-c", "import aetutor; print(aetutor.__file__)", cwd=empty, env=outside())
        assert Path(place).is_relative_to(folder)

    assert {package: after.get(package) for package in before} == before, "a version that was there changed"
    added = after.keys() - before.keys()
    assert "aetutor" in added and not added & FRAMEWORKS, added
    print(f"\n{name}: {' '.join(f'{p}=={before[p]}' for p in sorted(FRAMEWORKS & before.keys()))}; added {sorted(added)}")
    for page in map(json.loads, out.splitlines()):
        print(f"  {pages.shown(page['page'])}: {page['seconds']:.0f} s, {len(page['claims'])} claims")
        assert len(page["claims"]) >= 3, page


# ---------------------------------------------------------------- the small version


def test_lower_bounds_become_pins():
    assert lowest(["numpy>=1.26", "a-b>=2,<3"]) == ["numpy==1.26", "a-b==2"]
    for name in ("torch", "keras", "keras-cpu"):
        assert len(lowest(PROJECT["dependencies"] + EXTRAS[name])) == len(PROJECT["dependencies"]) + 2


def test_wheel_holds_the_package_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"aetutor-{PROJECT['version']}.dist-info/"
    files = (path for path in (ROOT / "aetutor").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert {name for name in names if not name.startswith(info)} == {path.relative_to(ROOT).as_posix() for path in files}
    assert any(name.endswith(".mplstyle") for name in names)


def test_wheel_declares_extras_and_no_upper_bounds(wheel):
    archive = zipfile.ZipFile(wheel)
    (path,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = Parser().parsestr(archive.read(path).decode())
    assert {"torch", "keras", "keras-cpu", "book", "test", "all"} <= set(metadata.get_all("Provides-Extra"))
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist")]
    for extra in ("", "torch", "keras", "keras-cpu"):
        for r in requirements:
            if r.marker is None or r.marker.evaluate({"extra": extra}):
                assert [spec.operator for spec in r.specifier] == [">="], r  # more would change what Colab has
    required = {
        extra: {r.name for r in requirements if r.marker and r.marker.evaluate({"extra": extra})} for extra in EXTRAS
    }
    assert required["torch"] & FRAMEWORKS == {"torch"} and required["keras"] & FRAMEWORKS == {"keras", "tensorflow"}


@pytest.mark.parametrize("path", pages.find(), ids=pages.shown)
def test_install_cell_acts_on_colab_only(path, monkeypatch):
    from IPython.core.inputtransformer2 import TransformerManager

    page, calls = pages.read(path), []
    (cell,) = [cell for cell in page.code if cell.is_install]
    code = TransformerManager().transform_cell(cell.source)

    class Shell:
        def run_line_magic(self, name, line):
            calls.append(f"{name} {line}")

    monkeypatch.delenv("AETUTOR_INSTALL", raising=False)
    exec(code, {"get_ipython": Shell})
    assert calls == []
    monkeypatch.setitem(sys.modules, "google.colab", object())
    names = {"get_ipython": Shell}
    exec(code, names)
    page_code = "\n".join(cell.source for cell in page.code)
    needed = page.frameworks | {extra for call, extra in CALLS_WITH_EXTRA.items() if call in page_code}
    extra = f"[{','.join(sorted(needed))}]" if needed else ""
    assert calls == [f'pip install -q "aetutor{extra} @ {{address}}"']  # IPython fills in the address
    assert names["address"] == f"git+{stamping.repository()}"
