"""The committed pages keep the rules, and the repository's address is the same everywhere."""

import re

import pytest

from aetutor.pages.notebooks import figures, readme, rules, stamping
from aetutor.pages.notebooks import page as pages

PAGES = pages.find()


@pytest.mark.parametrize("path", PAGES, ids=pages.shown)
def test_page_keeps_the_rules(path):
    assert rules.check(pages.read(path)) == []


def test_twin_pages_make_the_same_claims():
    assert [problem for path in PAGES for problem in rules.twin_claims(pages.read(path))] == []


def test_exported_figures_are_those_of_the_pages():
    assert {pages.shown(path): figures.stale(pages.read(path).nb) for path in PAGES} == {pages.shown(p): [] for p in PAGES}


def test_an_edited_figure_is_found(tmp_path):
    path = next(path for path in PAGES if figures.glued(pages.read(path).nb))
    page = pages.read(path)
    figures.export(page.nb, tmp_path)
    assert figures.stale(page.nb, tmp_path) == []
    name = next(iter(figures.glued(page.nb)))
    (tmp_path / figures.FOLDER / f"{name}.png").write_bytes(b"other")
    assert figures.stale(page.nb, tmp_path) == [name]


def test_the_claims_in_the_readme_are_the_stored_ones():
    text = (pages.ROOT / "README.md").read_text("utf-8")
    assert readme.PLACE.search(text), "README.md has no place for the claims table"
    assert readme.written(text) == text, "run `make stamp`"


def test_address_is_stamped():
    address = stamping.repository()
    config = (pages.ROOT / "_config.yml").read_text("utf-8")
    assert re.search(r"(?m)^repository:.*\n(?:[ \t#].*\n)*?[ \t]+url:[ \t]*(\S+)", config).group(1) == address
    for path in PAGES:
        page = pages.read(path)
        assert f'"git+{address}"' in page.code[0].source, pages.shown(path)
        colab = address.replace("https://github.com/", "https://colab.research.google.com/github/")
        assert f"({colab}/blob/main/{pages.shown(path)})" in page.nb["cells"][0]["source"], pages.shown(path)
