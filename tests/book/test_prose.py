"""The prose keeps its rules: names exist, numbers are measured, terms are explained, rows are covered."""

import re

import prose_checks
import pytest
from aetutor_book import claims

QUANTITATIVE = ("book/principles", "book/maths", "book/families", "book/appendix", "notebooks/maths", "notebooks/appendix")
ROWS = {"P": 5, "M": 8, "F": 13, "T": 12, "A": 19, "L": 11}


@pytest.fixture(scope="module")
def prose(repository):
    return prose_checks.pages(repository)


def test_every_name_of_the_package_exists(prose):
    unknown = {page: names for page, text in prose.items() if (names := prose_checks.unknown_names(text))}
    assert unknown == {}


def test_quantities_are_measured_or_cited(repository):
    found = prose_checks.pages(repository, *QUANTITATIVE)
    assert {page: bare for page, text in found.items() if (bare := prose_checks.bare_quantities(text))} == {}


def test_bold_terms_are_in_the_glossary(prose):
    entries = prose_checks.glossary(prose["book/appendix/glossary.md"])
    terms = set().union(*map(prose_checks.bold_terms, prose.values()))
    assert terms - entries.keys() == set()


def test_every_entry_of_the_glossary_begins_in_chinese(prose):
    entries = prose_checks.glossary(prose["book/appendix/glossary.md"])
    assert [term for term, first in entries.items() if not re.match(r"[A-Z ]*\s*[\u4e00-\u9fff]", first)] == []


def test_every_row_of_the_source_articles_is_in_the_index(repository, prose):
    path = "book/appendix/row-index.md"
    rows = dict(re.findall(r"(?m)^\| ([A-Z]\d+) \| (.*) \|$", prose[path]))
    assert list(rows) == [f"{letter}{number}" for letter, count in ROWS.items() for number in range(1, count + 1)]
    assert prose_checks.missing_targets(repository / path, prose[path]) == []
    uncovered = [row for row, text in rows.items() if "open" not in text.split(" | ") and "](" not in text]
    assert uncovered == [], "a row names its page, or is marked open"
    stored = {claim.text for claim in claims.collect(repository)}
    named = re.findall(r"claim \*([^*]+)\*", prose[path])
    assert named and set(named) <= stored


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("PCA leaves 12.5 % of it.", ["12.5 %"]),
        ("It gains 3 dB and costs 20 nats.", ["3 dB", "20 nats"]),
        ("It is ten times\n\n3 times worse.", ["3 times"]),
        ("PCA leaves {glue:text}`a::b` of it, 12 % less.", []),
        ("Bishop (1995) gives 12 %.", []),
        ("`x = 12 %` and $12\\,\\%$ and 12 components", []),
        ("```\n12 %\n```\n\n| 12 % | b |\n\n[a](b12 %)", []),
    ],
)
def test_bare_quantities(text, problems):
    assert prose_checks.bare_quantities(text) == problems


def test_unknown_names():
    text = (
        "`aetutor.metrics.squared_error`, `aetutor.metrics.sqared_error`, `aetutor.nothing`, `aetutor.torch.Autoencoder.mlp`"
    )
    assert prose_checks.unknown_names(text) == ["aetutor.metrics.sqared_error", "aetutor.nothing"]


def test_bold_terms_are_not_headings():
    assert prose_checks.bold_terms("A **Code** is. **No flatten.** *Symptom:* **why?**") == {"code"}


def test_glossary_entries_and_links(tmp_path):
    assert prose_checks.glossary("```{glossary}\ncode\n  编码. What.\n\nELBO\n  下界. A.\n```") == {
        "code": "编码. What.",
        "elbo": "下界. A.",
    }
    (tmp_path / "there.md").write_text("")
    text = "[a](there.md#x) [b](gone.ipynb) [c](https://example.org/x.md)"
    assert prose_checks.missing_targets(tmp_path / "page.md", text) == ["gone.ipynb"]
