"""The notebook tool on tiny pages with real kernels; nothing here needs a framework."""

import subprocess
import sys

import nbformat
import pytest
from nbformat import v4

from aetutor.pages.notebooks import __main__ as tool
from aetutor.pages.notebooks import execution, hashes, rules, seeds
from aetutor.pages.notebooks import page as pages

SETUP = """\
from aetutor.pages import claims, runs
run = runs.start()
cfg = runs.pick(quick=dict(data="toy"), full=dict(data="big"))"""
CLAIM = """\
# NBVAL_CHECK_OUTPUT
claims.check("small", 0.5 + 0.1 * run.seed, below=0.85)
claims.check("positive", 1, above=0)"""


@pytest.fixture
def write(tmp_path):
    def write(*cells, name="tiny"):
        path = tmp_path / "notebooks" / "maths" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = [v4.new_markdown_cell("# Tiny"), *map(v4.new_code_cell, cells)]
        pages.write(pages.Page(path, v4.new_notebook(cells=cells)))
        return path

    return write


def edit(path, old, new):
    path.write_text(path.read_text().replace(old, new))


def test_execute_stores_outputs_and_facts(write):
    path = write(SETUP, CLAIM, "print('a', flush=True); print('b')", "import os; os.getcwd().endswith('maths')")
    assert execution.execute(path, "quick").startswith("executed (never executed), quick profile")
    page = pages.read(path)
    assert [cell.node["execution_count"] for cell in page.code] == [1, 2, 3, 4]
    assert [*rules.fresh(page), *rules.stored_claims(page), *rules.clean_outputs(page), *rules.size_and_time(page)] == []
    assert [output["text"] for output in page.code[2].outputs] == ["a\nb\n"]
    assert page.code[3].outputs[0]["data"]["text/plain"] == "True"
    facts = page.facts
    assert (facts["profile"], facts["dataset"]) == ("quick", "toy") and facts["versions"]["python"] and facts["seconds"] >= 1
    assert "s, quick profile" in page.nb["cells"][0]["source"] and "[Open in Colab]" in page.nb["cells"][0]["source"]
    assert page.nb["metadata"]["language_info"] == {"name": "python"}
    assert [file.name for file in path.parent.iterdir()] == ["tiny.ipynb"]

    before = path.read_bytes()
    assert execution.execute(path, "quick") == "up to date" and path.read_bytes() == before
    edit(path, "print('b')", "print('c')")
    assert (
        rules.check(pages.read(path))[-1] == "the code cells are not those that produced the outputs; run `make notebooks`"
    )
    assert execution.execute(path, "quick").startswith("executed (its code changed)")
    assert execution.execute(path, "full").startswith("executed (stored outputs come from the quick profile), full")
    assert pages.read(path).facts["dataset"] == "big"


def test_a_page_that_fails_is_left_as_it_was(write, capsys):
    path = write(SETUP, "x = 1", "raise KeyError('lost')", "y = 2")
    before = path.read_bytes()
    assert tool.main(["execute", str(path), "--profile", "quick"]) == 1
    error = capsys.readouterr().err
    assert "failed in cell 3" in error and "KeyError: 'lost'" in error and "raise KeyError" in error
    assert path.read_bytes() == before


def test_a_failed_claim_stops_the_page(write):
    path = write(SETUP, CLAIM.replace("0.85", "0.1"))
    with pytest.raises(execution.PageFailed, match=r"small: measured 0\.5, claimed < 0\.1"):
        execution.execute(path, "quick")


def test_seeds_measure_every_claim(write, capsys):
    path = write(SETUP, CLAIM)
    before = path.read_bytes()
    assert seeds.measure(path, 5) == 1  # 0.5, 0.6, 0.7, 0.8 and 0.9 against 0.85
    table = capsys.readouterr().out.splitlines()[5:]
    assert table[0].split() == ["claim", "lowest", "mean", "highest", "threshold", "passed"]
    assert table[1].split() == ["small", "0.5", "0.7", "0.9", "<", "0.85", "4/5"]
    assert table[2].split() == ["positive", "1", "1", "1", ">", "0", "5/5"]
    assert path.read_bytes() == before
    assert seeds.measure(path, 2) == 0
    with pytest.raises(ValueError, match="n: got 0"):
        seeds.measure(path, 0)


def test_nbval_compares_claims_with_the_kernel_of_this_python(write):
    path = write(SETUP, f"import sys\nassert sys.executable == {sys.executable!r}", CLAIM)
    execution.execute(path, "quick")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--nbval-lax",
        "--nbval-current-env",
        str(path),
    ]
    run = subprocess.run(command, capture_output=True, text=True, cwd=path.parent)
    assert run.returncode == 0 and "3 passed" in run.stdout, run.stdout
    edit(path, "PASS small (< 0.85)", "PASS small (< 0.8)")
    run = subprocess.run(command, capture_output=True, text=True, cwd=path.parent)
    assert run.returncode == 1 and "Cell outputs differ" in run.stdout, run.stdout


def test_metadata_and_outputs_survive_editing_as_text(page, tmp_path):
    path = tmp_path / "notebooks" / "torch" / "sample.ipynb"
    path.parent.mkdir(parents=True)
    pages.write(pages.Page(path, page.nb))
    jupytext = [sys.executable, "-m", "jupytext", "--quiet"]
    subprocess.run([*jupytext, "--to", "py:percent", str(path)], check=True)
    script = path.with_suffix(".py")
    script.write_text(script.read_text().replace("to derive a loss", "to derive the error"))
    subprocess.run([*jupytext, "--update", "--to", "ipynb", str(script)], check=True)
    after = nbformat.read(path, as_version=4)
    assert "to derive the error" in after["cells"][1]["source"]
    for old, new in zip(page.nb["cells"], after["cells"], strict=True):
        assert (new["metadata"], new.get("outputs")) == (old["metadata"], old.get("outputs"))
    assert after["metadata"]["aetutor"] == page.facts
    assert rules.outputs(pages.Page(path, after)) == []


def test_source_hash_follows_imports(tmp_path):
    files = {
        "aetutor/__init__.py": "",
        "aetutor/metrics.py": "from . import validation",
        "aetutor/validation.py": "import numpy",
        "aetutor/plots.py": "",
        "aetutor/pages/__init__.py": "",
        "aetutor/pages/exercises.py": "",
        "aetutor/pages/answers/toy.py": "",
        "aetutor/pages/answers/other.py": "",
        "aetutor/torch/__init__.py": "from .autoencoder import Autoencoder",
        "aetutor/torch/autoencoder.py": "def f():\n    from .. import checkpoints",
        "aetutor/checkpoints.py": "",
        "aetutor/torch/models/__init__.py": "from .used import Used\nfrom .unused import Unused",
        "aetutor/torch/models/used.py": "class Used: pass",
        "aetutor/torch/models/unused.py": "class Unused: pass",
        "aetutor/keras/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    code = "from aetutor import metrics\nfrom aetutor import torch as ae\nfrom aetutor.pages import exercises\n"
    code += "ae.Used.mlp(4)\n"
    code += "exercises.check('toy.1', None)\n%time x = 1"
    page = pages.Page(tmp_path / "notebooks/torch/toy.ipynb", v4.new_notebook(cells=[v4.new_code_cell(code)]))
    found = {file.relative_to(tmp_path).as_posix() for file in hashes.sources(page, tmp_path)}
    not_named = {"aetutor/plots.py", "aetutor/pages/answers/other.py", "aetutor/torch/models/unused.py"}
    lists = {"aetutor/torch/__init__.py", "aetutor/torch/models/__init__.py", "aetutor/keras/__init__.py"}
    assert found == set(files) - not_named - lists

    before = hashes.source_hash(page, tmp_path)
    (tmp_path / "aetutor/plots.py").write_text("x = 1")
    (tmp_path / "aetutor/torch/models/unused.py").write_text("class Unused: x = 1")
    assert hashes.source_hash(page, tmp_path) == before
    (tmp_path / "aetutor/validation.py").write_text("x = 1")
    assert hashes.source_hash(page, tmp_path) != before


def test_the_install_cell_does_not_count(page):
    before = hashes.code_hash(page)
    page.code[0].node["source"] += "\n# another address"
    assert hashes.code_hash(page) == before


def test_check_reports_and_fails(write, capsys):
    path = write("x = 1")
    assert tool.main(["check", str(path)]) == 1
    assert "tiny.ipynb: 0 claims; accepted: at least 3" in capsys.readouterr().out
    assert tool.main(["check", str(path.with_name("none.ipynb"))]) == 1
    assert "accepted: notebooks and folders that exist" in capsys.readouterr().err
