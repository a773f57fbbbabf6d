"""Each rule of a page lets the good page pass and says what is wrong with a bad one."""

# ruff: noqa: E501  (one line a case)

import pytest

from aetutor.pages.notebooks import hashes, rules, skeleton, stamping
from aetutor.pages.notebooks import page as pages

from .conftest import FIGURE, PNG, build


def problems_after(page, spoil, *, rehash=True):
    """Spoil a page and return what `check` finds; the code hash is renewed so that only the rule under test speaks."""
    spoil(page)
    page = pages.Page(page.path, page.nb)  # nothing cached survives
    if rehash:
        page.facts["code_hash"] = hashes.code_hash(page)
    return rules.check(page)


def node(page, text):
    return next(node for node in page.nb["cells"] if text in node["source"])


def replace(page, old, new):
    found = node(page, old)
    found["source"] = found["source"].replace(old, new)


def append_code(page, source, after="datasets.load(", **metadata):
    from nbformat import v4

    cells = page.nb["cells"]
    place = cells.index(node(page, after)) + 1
    cells.insert(place, v4.new_code_cell(source, metadata=metadata))
    for count, cell in enumerate((cell for cell in cells if cell["cell_type"] == "code"), start=1):
        cell["execution_count"] = count
    return cells[place]


def set_(page, text, **fields):
    node(page, text).update(fields)


def store(page, place, **output):
    from nbformat import v4

    kind = output.pop("kind", "stream")
    node(page, place)["outputs"].append(v4.new_output(kind, **output))


def claim_metadata(page, position=0):
    return node(page, "claims.check")["outputs"][position]["metadata"]["aetutor"]["claim"]


def test_the_good_page_passes(page):
    assert rules.check(page) == []


@pytest.mark.parametrize("folder", ["torch", "keras", "maths", "principles"])
def test_a_new_page_lacks_only_claims_and_text(folder):
    problems = rules.structure(skeleton.build("fresh", folder))
    assert [p for p in problems if "skeleton" not in p] == ["1 claims; accepted: at least 3"]
    assert sum("text of the skeleton is left" in p for p in problems) == 6


MANY_LINES = "\n".join(f"x{i} = {i}" for i in range(16))
CLASS_LINES = "class A:\n" + "\n".join(f"    x{i} = {i}" for i in range(24))

BAD = {
    "no title": (lambda p: replace(p, "# Sample", "Sample"), "level 1"),
    "missing section": (lambda p: replace(p, "## What can go wrong", "## Other"), "What can go wrong' is missing"),
    "section order": (lambda p: (replace(p, "## Train", "## X"), replace(p, "## Look", "## Train"), replace(p, "## X", "## Look")), "too early"),
    "too few goals": (lambda p: replace(p, "- to derive a loss\n", ""), "lists 2 things"),
    "long cell": (lambda p: append_code(p, MANY_LINES), "16 code lines"),
    "long class": (lambda p: append_code(p, CLASS_LINES + "\n    y = 1"), "26 code lines"),
    "long setup": (lambda p: replace(p, "run = runs.start()", "run = runs.start()\n" + "\n".join("a = 1" for _ in range(5))), "setup has 10 lines"),
    "long page": (lambda p: [append_code(p, MANY_LINES.rpartition("\n")[0]) for _ in range(16)], "code lines; accepted: at most 250"),
    "skip comment": (lambda p: append_code(p, "# NBVAL_SKIP\nx = 1"), "NBVAL_SKIP"),
    "skip tag": (lambda p: append_code(p, "x = 1", tags=["nbval-skip"]), "nbval-skip"),
    "skipped execution": (lambda p: append_code(p, "x = 1", tags=["skip-execution"]), "skip-execution"),
    "hidden exception": (lambda p: append_code(p, "1 / 0", tags=["raises-exception"]), "NBVAL_RAISES_EXCEPTION"),
    "cell magic": (lambda p: append_code(p, "%%script false\nx = 1"), "cell magic"),
    "empty cell": (lambda p: append_code(p, " "), "empty code cell"),
    "no Python": (lambda p: append_code(p, "x = = 1"), "does not parse"),
    "kernel ends": (lambda p: append_code(p, "exit()"), "ending the kernel"),
    "raw cell": (lambda p: append_code(p, "x = 1").update(cell_type="raw"), "raw cell"),
    "second framework": (lambda p: append_code(p, "import keras"), "imports keras"),
    "second framework, from": (lambda p: append_code(p, "from aetutor import keras as k"), "imports keras"),
    "tensorflow": (lambda p: append_code(p, "import tensorflow as tf"), "imports keras"),
    "too few claims": (lambda p: replace(p, 'claims.check("error is small", error, below=1.02)\n', ""), "2 claims"),
    "same claim twice": (lambda p: replace(p, "the code is used", "error is small"), "made twice"),
    "computed threshold": (lambda p: replace(p, "below=1.02", "below=limit"), "written out as literals"),
    "unchecked claim cell": (lambda p: replace(p, "# NBVAL_CHECK_OUTPUT\n", ""), "NBVAL_CHECK_OUTPUT"),
    "ignored claim cell": (lambda p: replace(p, "# NBVAL_CHECK_OUTPUT\n", "# NBVAL_CHECK_OUTPUT\n# NBVAL_IGNORE_OUTPUT\n"), "NBVAL_CHECK_OUTPUT"),
    "no margin": (lambda p: replace(p, "# Five seeds: 0.90 to 0.95; the margin is twice that spread.\n", ""), "where the threshold comes from"),
    "too few exercises": (lambda p: replace(p, "### 2. Change one thing", "Change one thing"), "2 exercises"),
    "foreign exercise": (lambda p: replace(p, '"sample.1", answer', '"other.1", answer'), "'other.1'"),
    "no solution": (lambda p: p.nb["cells"].remove(node(p, '"sample.1", solution')), "sample.1 has no checked solution"),
    "no stub": (lambda p: p.nb["cells"].remove(node(p, '"sample.1", answer')), "sample.1 has no stub"),
    "open solution": (lambda p: node(p, '"sample.2", solution')["metadata"].update(tags=[]), "folded"),
    "install cell": (lambda p: replace(p, "github.com/aetutor/aetutor", "github.com/somebody/else"), "install cell"),
    "badges": (lambda p: replace(p, "20 s", "2 s"), "badge row"),
    "no execution count": (lambda p: set_(p, "claims.check", execution_count=None), "no execution count"),
    "out of order": (lambda p: set_(p, "claims.check", execution_count=99), "not one run"),
    "no facts": (lambda p: p.facts.pop("seconds"), "do not record seconds"),
    "claim without output": (lambda p: set_(p, "claims.check", outputs=[]), "claim without stored output"),
    "tampered threshold in code": (lambda p: replace(p, "below=1.02", "below=1.5"), "but the code claims"),
    "tampered line": (lambda p: node(p, "claims.check")["outputs"][0]["data"].update({"text/plain": "PASS error is small (< 1)"}), "but the code claims"),
    "tampered stored threshold": (lambda p: claim_metadata(p).update(below=2.0), "stored threshold is not"),
    "stored value fails": (lambda p: claim_metadata(p).update(value=1.3), "stored value 1.3 is not < 1.02"),
    "stored value fails above": (lambda p: claim_metadata(p, 1).update(value=0.1), "stored value 0.1 is not > 0.5"),
    "stored value fails between": (lambda p: claim_metadata(p, 2).update(value=1.2), "stored value 1.2 is not"),
    "value not stored": (lambda p: node(p, "claims.check")["outputs"][1].update(metadata={}), "not stored"),
    "path in code": (lambda p: append_code(p, 'x = "/home/me/data"'), "path of one machine"),
    "path in output": (lambda p: store(p, "runs.start", name="stdout", text=f"{pages.ROOT}/x"), "path of one machine"),
    "path in traceback": (lambda p: store(p, "runs.start", kind="error", ename="E", evalue="", traceback=["/Users/me/x"]), "path of one machine"),
    "stderr": (lambda p: store(p, "runs.start", name="stderr", text="warning"), "standard error"),
    "error": (lambda p: store(p, "runs.start", kind="error", ename="KeyError", evalue="", traceback=[]), "an error is stored: KeyError"),
    "address": (lambda p: store(p, "runs.start", name="stdout", text="<Axes at 0x7f001122>"), "memory address"),
    "widget": (lambda p: store(p, "runs.start", kind="display_data", data={"application/vnd.jupyter.widget-view+json": {}}), "widget"),
    "no alt text": (lambda p: node(p, "datasets.load(")["metadata"]["mystnb"].pop("image"), "without alternative text"),
    "empty alt text": (lambda p: node(p, "datasets.load(")["metadata"]["mystnb"]["image"].update(alt=" "), "without alternative text"),
    "no caption": (lambda p: node(p, "datasets.load(")["metadata"]["mystnb"].pop("figure"), "without caption"),
    "two figures in a cell": (lambda p: store(p, "datasets.load(", kind="display_data", data={"image/png": PNG}), "2 figures"),
    "too large": (lambda p: store(p, "runs.start", name="stdout", text="x" * 1_000_000), "1.01 MB"),
    "too slow": (lambda p: (p.facts.update(seconds=61), stamping.stamp_page(p)), "took 61 s"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_page_fails(page, name):
    spoil, message = BAD[name]
    problems = problems_after(page, spoil)
    assert any(message in problem for problem in problems), problems


def test_file_names_carry_no_number(page):
    page = pages.Page(page.path.with_name("01_sample.ipynb"), page.nb)
    assert list(rules.name(page)) == [
        "file name '01_sample.ipynb'; accepted: small letters and underscores, without a number"
    ]


def test_a_changed_cell_is_stale(page):
    problems = problems_after(page, lambda p: replace(p, "seed=run.seed)", "seed=1)"), rehash=False)
    assert problems == ["the code cells are not those that produced the outputs; run `make notebooks`"]


def test_more_than_twelve_figures(page):
    def spoil(page):
        for i in range(12):
            cell = append_code(page, f"draw({i})", mystnb=FIGURE)
            cell["outputs"] = node(page, "datasets.load(")["outputs"]

    assert problems_after(page, spoil) == ["13 figures; accepted: at most 12"]


def test_what_is_allowed(page):
    """Claims and figures do not forbid these."""

    def enrich(page):
        append_code(page, "# NBVAL_RAISES_EXCEPTION\n1 / 0", tags=["raises-exception"])
        store(page, "1 / 0", kind="error", ename="ZeroDivisionError", evalue="division by zero", traceback=[])
        append_code(page, CLASS_LINES)
        cells = page.nb["cells"]
        parity = append_code(page, "import keras", after="### 3. Implement")
        cells.remove(parity)
        from nbformat import v4

        place = cells.index(node(page, "## What can go wrong"))
        cells[place:place] = [v4.new_markdown_cell("## Parity: the same weights in Keras"), parity]
        for count, cell in enumerate((cell for cell in cells if cell["cell_type"] == "code"), start=1):
            cell["execution_count"] = count

    assert problems_after(page, enrich) == []


def test_twins_make_the_same_claims(tmp_path):
    for folder in ("torch", "keras"):
        page = build("sample", folder)
        path = tmp_path / "notebooks" / folder / "sample.ipynb"
        path.parent.mkdir(parents=True)
        if folder == "keras":
            replace(page, "beta is as declared", "beta is wrong")
        pages.write(pages.Page(path, page.nb))
    found = list(rules.twin_claims(pages.read(tmp_path / "notebooks" / "torch" / "sample.ipynb")))
    assert len(found) == 2
    assert "lacks the claim 'beta is as declared'" in found[0] and "lacks the claim 'beta is wrong'" in found[1]
