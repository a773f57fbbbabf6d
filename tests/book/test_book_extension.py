"""The book's own directives and the readers behind them."""

import json
import subprocess
import sys

import pytest
from aetutor_book import claims

sphinx = pytest.importorskip("sphinx", reason="the extra `book` is not installed")


def notebook(*stored, profile="full"):
    """Text of an executed notebook that stores the given claims."""
    outputs = [
        {"output_type": "display_data", "data": {}, "metadata": {"aetutor": {"claim": claim}} if claim else {}}
        for claim in stored
    ]
    cell = {"cell_type": "code", "id": "c", "metadata": {}, "source": "", "execution_count": 1, "outputs": outputs}
    metadata = {"aetutor": {"profile": profile, "device": "cpu"}}
    title = {"cell_type": "markdown", "id": "t", "metadata": {}, "source": "# A page"}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [title, cell]})


def put(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"below": 1.02, "above": None}, "< 1.02"),
        ({"below": None, "above": 0.5}, "> 0.5"),
        ({"below": 1.1, "above": 0.9}, "0.9 to 1.1"),
        ({"between": [0.9, 1.1]}, "0.9 to 1.1"),
    ],
)
def test_threshold_in_words(claim, words):
    assert claims.threshold(claim) == words


def test_claim_without_threshold_is_refused():
    with pytest.raises(ValueError, match="has no threshold"):
        claims.threshold({"text": "it works", "value": 1.0})


def test_collect_reads_outputs_and_run(tmp_path):
    stored = {"text": "KL term is active", "value": 12.34567, "above": 0.5, "below": None, "unit": "nats"}
    put(tmp_path, "notebooks/torch/b.ipynb", notebook(None, stored))
    put(tmp_path, "notebooks/keras/a.ipynb", notebook({"text": "x", "value": 0.1, "below": 1}, profile="quick"))
    put(tmp_path, "notebooks/keras/.ipynb_checkpoints/a.ipynb", notebook(stored))
    first, second = claims.collect(tmp_path)
    assert (first.page, first.profile, first.threshold) == ("notebooks/keras/a", "quick", "< 1")
    assert (second.page, second.profile, second.measured) == ("notebooks/torch/b", "full", "12.35 nats")


INCOMPLETE = [{"text": "no value", "below": 1}, {"value": 1.0, "below": 1}, {"text": "no number", "value": "1", "below": 1}]


@pytest.mark.parametrize("claim", INCOMPLETE)
def test_incomplete_claim_is_refused(tmp_path, claim):
    put(tmp_path, "notebooks/keras/a.ipynb", notebook(claim))
    with pytest.raises(ValueError, match="notebooks/keras/a"):
        claims.collect(tmp_path)


def test_reading_claims_imports_no_framework(repository):
    program = """
import runpy, sys
runpy.run_path("book/_ext/aetutor_book/claims.py")
print(sorted({name.split(".")[0] for name in sys.modules} & {"torch", "tensorflow", "keras", "numpy", "sphinx"}))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def build(folder, *, index):
    """Build a one-page site with the book's extension; gives (html, warnings)."""
    import io

    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    put(folder, "index.md", index)
    warnings = io.StringIO()
    options = {"extensions": ["myst_nb", "aetutor_book"], "nb_execution_mode": "off", "numfig": True}
    with docutils_namespace():
        app = Sphinx(folder, None, folder / "_out", folder / "_trees", "html", options, status=None, warning=warnings)
        app.build()
    return (folder / "_out" / "index.html").read_text(), warnings.getvalue()


DIAGRAM = """# T

```{mermaid} Two *boxes*.
:name: fig-two
:alt: Box a, then "b" & c.

flowchart LR
  a --> b
```

{numref}`fig-two`
"""

LEDGER = """# T

```{toctree}
notebooks/torch/b
```

```{claims-ledger}
```
"""


def test_mermaid_is_a_numbered_figure_with_a_description(tmp_path):
    html, warnings = build(tmp_path, index=DIAGRAM)
    assert warnings == ""
    assert 'aria-label="Box a, then &quot;b&quot; &amp; c."' in html
    assert "a --&gt; b" in html
    assert "<em>boxes</em>" in html
    assert ">Fig. 1<" in html
    assert "mermaid/mermaid.min.js" in html


def test_page_without_diagram_loads_no_mermaid(tmp_path):
    html, _ = build(tmp_path, index="# T\n\ntext\n")
    assert "mermaid" not in html


@pytest.mark.parametrize("gone", [':alt: Box a, then "b" & c.\n', "\nflowchart LR\n  a --> b\n"])
def test_mermaid_without_alt_or_source_is_an_error(tmp_path, gone):
    assert gone in DIAGRAM
    _, warnings = build(tmp_path, index=DIAGRAM.replace(gone, ""))
    assert "ERROR: mermaid: the" in warnings


def test_build_after_a_failed_one_fails_again(tmp_path):
    first, second = (build(tmp_path, index="# T\n\n[gone](gone.md)\n")[1] for _ in range(2))
    assert "gone.md" in first
    assert "gone.md" in second


def test_ledger_shows_value_threshold_and_page(tmp_path):
    put(tmp_path, "notebooks/torch/b.ipynb", notebook({"text": "PCA is reached", "value": 1.00734, "below": 1.02}))
    html, warnings = build(tmp_path, index=LEDGER)
    assert warnings == ""
    for part in ("Claims: 1. Pages: 1.", "PCA is reached", "1.007", "&lt; 1.02", "full", 'href="notebooks/torch/b.html"'):
        assert part in html


def test_ledger_reports_an_incomplete_claim(tmp_path):
    put(tmp_path, "notebooks/torch/b.ipynb", notebook({"text": "PCA is reached", "below": 1.02}))
    _, warnings = build(tmp_path, index=LEDGER)
    assert "claims-ledger: notebooks/torch/b: a claim needs a text and a number" in warnings


def test_docstrings_are_plain_text():
    from aetutor_book import api

    text = "One.\n\n    L = |x - y|^2\n\nMaps x, (B, *D), to w_ by `f`.\n\n"
    text += "Args:\n    x: |x| <= 1.\n\nExample:\n    >>> f(*x)"
    assert api.plain_text(text.splitlines()) == [
        "One.",
        "",
        "::",
        "",
        "    L = |x - y|^2",
        "",
        r"Maps x, (B, \*D), to w\_ by ``f``.",
        "",
        "Args:",
        r"    x: \|x\| <= 1.",
        "",
        "Example:",
        "    >>> f(*x)",
    ]


def test_api_pages_follow_the_sources(tmp_path):
    from types import SimpleNamespace

    from aetutor_book import api
    from sphinx.config import Config

    put(tmp_path, "aetutor/losses.py", '"""Losses."""')
    kept, gone = put(tmp_path, "api/aetutor/losses/index.rst", ""), put(tmp_path, "api/aetutor/gone/index.rst", "")
    config = Config({}, {"autoapi_root": "api"})
    config.add("autoapi_root", "", "html", ())
    app = SimpleNamespace(srcdir=tmp_path, config=config, env=SimpleNamespace(autoapi_source_hashes="old"))
    api._match_pages_to_sources(app)
    assert (kept.exists(), gone.exists(), app.env.autoapi_source_hashes) == (True, False, "old")
    kept.unlink()
    api._match_pages_to_sources(app)
    assert app.env.autoapi_source_hashes is None


def test_api_pages_cover_the_public_modules(repository):
    from aetutor_book import api

    found = api.modules(repository)
    assert "aetutor.validation" in found
    assert not any(part.startswith("_") for name in found for part in name.split("."))


@pytest.mark.book
def test_every_public_module_has_its_page(repository, site):
    from aetutor_book import api

    missing = [n for n in api.modules(repository) if not (site / "book/api" / n.replace(".", "/") / "index.html").exists()]
    assert missing == []


MEASURED = """# T

```{toctree}
notebooks/torch/b
```

PCA: {measured}`torch/b::PCA is reached::.2f`, KL: {measured}`torch/b::KL: active`.
"""


def test_measured_shows_the_stored_value_and_links_its_page(tmp_path):
    stored = (
        {"text": "PCA is reached", "value": 1.00734, "below": 1.02},
        {"text": "KL: active", "value": 12.345, "above": 1, "unit": "nats"},
    )
    put(tmp_path, "notebooks/torch/b.ipynb", notebook(*stored))
    html, warnings = build(tmp_path, index=MEASURED)
    assert warnings == ""
    for part in (">1.01<", ">12.3 nats<", 'href="notebooks/torch/b.html"'):
        assert part in html


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "PCA is reached",
            "PCA is beaten",
            "makes no claim 'PCA is beaten'; its claims: PCA is reached; KL: active",
        ),
        ("`torch/b::PCA", "`torch/c::PCA", "torch/c.ipynb"),
        ("::PCA is reached::.2f", "", "accepted: page::claim"),
    ],
)
def test_measured_without_its_claim_is_an_error(tmp_path, old, new, sentence):
    stored = {"text": "PCA is reached", "value": 1.0, "below": 1.02}, {"text": "KL: active", "value": 12.3, "above": 1}
    put(tmp_path, "notebooks/torch/b.ipynb", notebook(*stored))
    _, warnings = build(tmp_path, index=MEASURED.replace(old, new))
    assert "ERROR: measured:" in warnings and sentence in warnings
