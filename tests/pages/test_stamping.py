import shutil
import subprocess
import sys

import pytest
from nbformat import v4

from aetutor.pages.notebooks import page as pages
from aetutor.pages.notebooks import skeleton, stamping

PROJECT = '[project]\nname = "aetutor"\n[project.urls]\nRepository = "https://github.com/new/home"\n'
CONFIG = "title: T\nrepository:\n  url: https://github.com/old/home # kept in one place\n  branch: main\nurl: untouched\n"


@pytest.fixture
def root(tmp_path):
    """A small checkout: a project file, the book's settings, one page."""
    (tmp_path / "pyproject.toml").write_text(PROJECT.replace("new", "old"))
    (tmp_path / "_config.yml").write_text(CONFIG)
    (tmp_path / "aetutor" / "pages" / "answers").mkdir(parents=True)
    skeleton.write("sample", "torch", tmp_path)
    return tmp_path


def test_address_is_copied_everywhere_once(root):
    assert stamping.stamp(root) != []  # the settings carried a comment
    (root / "pyproject.toml").write_text(PROJECT)
    assert len(stamping.stamp(root)) == 2
    config = (root / "_config.yml").read_text()
    assert "  url: https://github.com/new/home\n  branch: main\nurl: untouched\n" in config
    text = (root / "notebooks" / "torch" / "sample.ipynb").read_text()
    assert "git+https://github.com/new/home" in text and "github/new/home/blob/main/notebooks/torch/sample.ipynb" in text
    assert "old/home" not in text + config
    assert stamping.stamp(root) == []


def test_badges_name_the_twin_once_it_exists(root):
    page = pages.read(root / "notebooks" / "torch" / "sample.ipynb")
    assert "Keras twin" not in stamping.badges(page, root)
    skeleton.write("sample", "keras", root)
    assert "[Keras twin](../keras/sample.ipynb)" in stamping.badges(page, root)
    twin = pages.read(root / "notebooks" / "keras" / "sample.ipynb")
    assert "[PyTorch twin](../torch/sample.ipynb)" in stamping.badges(twin, root)


def test_readme_gets_a_line_for_a_page_with_claims(root):
    front = root / "README.md"
    front.write_text("before\n<!-- claims: written by `make stamp` -->\nold\n<!-- /claims -->\nafter\n")
    page = pages.read(root / "notebooks" / "torch" / "sample.ipynb")
    for value in (0.12345, 0.5):
        claim = {"text": f"error at {value}", "value": value, "below": 0.9, "above": None, "unit": "nats"}
        output = v4.new_output("display_data", {"text/plain": "PASS"}, metadata={"aetutor": {"claim": claim}})
        page.nb["cells"].append(v4.new_code_cell("x", outputs=[output]))
    pages.write(page)
    assert stamping.stamp_readme(root) != [] and stamping.stamp_readme(root) == []
    text = front.read_text()
    assert "| [torch/sample](notebooks/torch/sample.ipynb) | 2 | error at 0.12345 | &lt; 0.9 nats | 0.1235 |" in text
    assert text.startswith("before\n") and text.endswith("<!-- /claims -->\nafter\n") and "old" not in text


@pytest.mark.parametrize(
    ("folder", "requirement"), [("torch", "aetutor[torch] @"), ("keras", "aetutor[keras] @"), ("maths", "aetutor @")]
)
def test_install_cell_asks_for_one_framework(folder, requirement):
    source = stamping.install_cell(skeleton.build("sample", folder))
    assert requirement in source and len([line for line in source.splitlines() if line]) == 5


def test_install_cell_of_a_page_with_both_frameworks_asks_for_both():
    page = skeleton.build("sample", "maths")
    page.nb["cells"].append(v4.new_code_cell("from aetutor import torch as ae\nfrom aetutor import keras as ke"))
    assert "aetutor[keras,torch] @" in stamping.install_cell(pages.Page(page.path, page.nb))


def test_install_cell_of_a_page_with_umap_asks_for_it():
    page = skeleton.build("sample", "torch")
    page.nb["cells"].append(v4.new_code_cell("places = baselines.umap(x).embedding"))
    assert "aetutor[torch,umap] @" in stamping.install_cell(pages.Page(page.path, page.nb))


def test_install_cell_of_a_page_with_non_local_means_asks_for_images():
    page = skeleton.build("sample", "keras")
    page.nb["cells"].append(v4.new_code_cell("smooth = baselines.non_local_means(x, 0.5)"))
    assert "aetutor[images,keras] @" in stamping.install_cell(pages.Page(page.path, page.nb))


def test_install_cell_of_a_page_with_the_electrocardiogram_asks_for_it():
    page = skeleton.build("sample", "torch")
    page.nb["cells"].append(v4.new_code_cell('data = datasets.load("ecg", seed=run.seed)'))
    assert "aetutor[ecg,torch] @" in stamping.install_cell(pages.Page(page.path, page.nb))


def test_install_cell_does_nothing_here(monkeypatch):
    monkeypatch.delenv("AETUTOR_INSTALL", raising=False)
    from IPython.core.interactiveshell import InteractiveShell

    shell, called = InteractiveShell(), []
    shell.register_magic_function(lambda line: called.append(line), magic_name="pip")
    for value, expected in [(None, []), ("file:///x/a.whl", ['install -q "aetutor[torch] @ file:///x/a.whl"'])]:
        if value:
            monkeypatch.setenv("AETUTOR_INSTALL", value)
        shell.run_cell(stamping.install_cell(skeleton.build("sample"))).raise_error()
        assert called == expected


def test_new_refuses_to_overwrite(root):
    with pytest.raises(FileExistsError, match="exists already"):
        skeleton.write("sample", "torch", root)
    with pytest.raises(ValueError, match="name: got '1 page'"):
        skeleton.write("1 page", "torch", root)


def test_new_page_is_formatted_code(tmp_path):
    shutil.copy(pages.ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "aetutor" / "pages" / "answers").mkdir(parents=True)
    for folder in ("torch", "keras", "maths"):
        skeleton.write("fresh", folder, tmp_path)
    for command in (["check"], ["format", "--check"]):
        run = subprocess.run([sys.executable, "-m", "ruff", *command, "."], capture_output=True, text=True, cwd=tmp_path)
        assert run.returncode == 0, run.stdout
