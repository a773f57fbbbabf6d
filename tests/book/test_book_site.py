"""The built book holds to the rules; every rule is shown to catch a broken sample."""

import shutil

import book_checks
import pytest

GOOD = """<html><head><link rel="stylesheet" href="style.css"><link rel="next" href="other.html"></head><body>
<a href="other.html#there">other</a> <a href="#here">here</a> <a href="https://example.org/a">out</a><h1 id="here">Title</h1>
<figure><img src="_images/a.png" alt="A curve that falls."><figcaption>Loss.</figcaption></figure>
<div class="diagram" role="img" aria-label="Two boxes."></div><script src="own.js"></script></body></html>"""


@pytest.fixture
def sample(tmp_path):
    """A small site that keeps every rule."""
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images" / "a.png").write_bytes(b"")
    (tmp_path / "own.js").write_text("")
    (tmp_path / "style.css").write_text("body { background: url('own.js') }")
    (tmp_path / "other.html").write_text('<h2 id="there">There</h2><a href="page.html">back</a>')
    (tmp_path / "page.html").write_text(GOOD)
    (tmp_path / "index.html").write_text('<meta http-equiv="Refresh" content="0; url=page.html">')
    return tmp_path


SITE_CHECKS = [
    book_checks.broken_links,
    book_checks.missing_alt,
    book_checks.uncaptioned,
    book_checks.orphans,
    book_checks.foreign_resources,
    book_checks.malformed_links,
]


@pytest.mark.book
@pytest.mark.parametrize("check", SITE_CHECKS, ids=lambda check: check.__name__)
def test_book_keeps_the_rule(site, check):
    assert check(site) == []


@pytest.mark.book
def test_every_written_page_is_built(repository, site):
    assert book_checks.unbuilt_sources(repository, site) == []


@pytest.mark.book
def test_everything_exported_is_in_the_reference(repository, site):
    assert book_checks.undocumented_names(repository, site) == []


@pytest.mark.parametrize("check", SITE_CHECKS, ids=lambda check: check.__name__)
def test_good_sample_passes(sample, check):
    assert check(sample) == []


BREAKS = [
    (book_checks.broken_links, 'href="other.html#there"', 'href="absent.html"', "leads to no file"),
    (book_checks.broken_links, "#there", "#nowhere", "anchor that is not there"),
    (book_checks.broken_links, 'href="#here"', 'href="#gone"', "anchor that is not there"),
    (book_checks.broken_links, 'href="other.html#there"', 'href="../../secret.html"', "leads to no file"),
    (book_checks.broken_links, 'src="own.js"', 'src="absent.js"', "leads to no file"),
    (book_checks.missing_alt, ' alt="A curve that falls."', "", "no alt text"),
    (book_checks.missing_alt, "A curve that falls.", "_images/a.png", "no alt text"),
    (book_checks.missing_alt, ' aria-label="Two boxes."', "", "no aria-label"),
    (book_checks.uncaptioned, "<figcaption>Loss.</figcaption>", "", "no caption"),
    (book_checks.foreign_resources, 'src="own.js"', 'src="https://cdn.example.org/own.js"', "cdn.example.org"),
    (book_checks.foreign_resources, 'src="own.js"', 'src="//cdn.example.org/own.js"', "cdn.example.org"),
    (book_checks.foreign_resources, 'href="style.css"', 'href="https://fonts.example.org/f.css"', "fonts.example.org"),
    (book_checks.foreign_resources, 'src="_images/a.png"', 'src="https://example.org/a.png"', "example.org/a.png"),
    (book_checks.foreign_resources, "<h1", '<p style="background: url(https://example.org/b.png)"></p><h1', "b.png"),
    (book_checks.foreign_resources, "<h1", '<script>load("https://example.org/c.js")</script><h1', "c.js"),
    (book_checks.malformed_links, "https://example.org/a", "https://example", "not a well-formed link"),
    (book_checks.malformed_links, "https://example.org/a", "https://example.org/{name}", "not a well-formed link"),
    (book_checks.malformed_links, "https://example.org/a", "htp://example.org/a", "not a well-formed link"),
]


@pytest.mark.parametrize(("check", "old", "new", "sentence"), BREAKS)
def test_broken_sample_is_caught(sample, check, old, new, sentence):
    assert old in GOOD
    (sample / "page.html").write_text(GOOD.replace(old, new))
    (problem,) = check(sample)
    assert sentence in problem
    assert problem.startswith("page.html")


def test_foreign_font_in_a_style_sheet_is_caught(sample):
    (sample / "style.css").write_text("@font-face { src: url(https://fonts.example.org/f.woff2) }")
    (problem,) = book_checks.foreign_resources(sample)
    assert problem == "style.css: loads 'https://fonts.example.org/f.woff2'"


def test_orphan_page_is_caught(sample):
    (sample / "lonely.html").write_text('<a href="page.html">page</a>')
    assert book_checks.orphans(sample) == ["lonely.html: no link leads to this page"]


def test_page_missing_from_the_toc_is_caught(tmp_path):
    repository, site = tmp_path / "repository", tmp_path / "site"
    for name in ("book/in.md", "book/out.md", "book/_vendor/README.md", "notebooks/torch/out.ipynb"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("")
    (site / "book").mkdir(parents=True)
    (site / "book" / "in.html").write_text("")
    problems = book_checks.unbuilt_sources(repository, site)
    assert [problem.split(":")[0] for problem in problems] == ["book/out.md", "notebooks/torch/out.ipynb"]


def test_exported_name_without_an_entry_in_the_reference_is_caught(tmp_path):
    (tmp_path / "aetutor").mkdir()
    (tmp_path / "aetutor" / "__init__.py").write_text('__all__ = ["LIMIT", "absent", "below", "here"]')
    (tmp_path / "book" / "api").mkdir(parents=True)
    (tmp_path / "book" / "api" / "index.html").write_text('<dt id="aetutor.here"></dt><dt id="aetutor.deep.below"></dt>')
    (problem,) = book_checks.undocumented_names(tmp_path, tmp_path)
    assert problem.startswith("aetutor.absent:")


def test_vendored_scripts_are_unaltered(repository):
    assert book_checks.altered_vendored(repository / "book" / "_vendor") == []


def test_altered_vendored_script_is_caught(repository, tmp_path):
    folder = shutil.copytree(repository / "book" / "_vendor", tmp_path / "vendor")
    with (folder / "mermaid" / "mermaid.min.js").open("a") as script:
        script.write(" ")
    (folder / "new.js").write_text("")
    assert book_checks.altered_vendored(folder) == [
        "mermaid/mermaid.min.js: its SHA-256 is not in README.md",
        "new.js: its SHA-256 is not in README.md",
        "new.js: no LICENSE beside it",
    ]
