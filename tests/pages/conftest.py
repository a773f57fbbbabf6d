"""One good page, built from the skeleton and marked as executed; each test of a rule spoils a copy of it."""

import copy

import pytest

from aetutor.pages import claims
from aetutor.pages.notebooks import hashes, rules, skeleton, stamping

CLAIMS = """\
# NBVAL_CHECK_OUTPUT
# Five seeds: 0.90 to 0.95; the margin is twice that spread.
claims.check("error is small", error, below=1.02)
claims.check("the code is used", units, above=0.5, unit="nats")
claims.check("beta is as declared", beta, between=(0.9, 1.1))
"""
VALUES = (0.93, 3.0, 1.0)
FIGURE = {"image": {"alt": "eight digits"}, "figure": {"caption": "Eight digits."}}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


FILLED = {
    "Hint: ...": "Hint: count.",
    "- to derive ...": "- to derive a loss",
    "- to measure ...": "- to measure an error",
    "- to tell ... from ...": "- to tell one from the other",
    "One sentence: what this page": "What this page",
}


def claim_output(claim, value):
    from nbformat import v4

    metadata = {"aetutor": {"claim": claim | {"value": value}}}
    return v4.new_output("display_data", {"text/plain": claims.line(**claim)}, metadata=metadata)


def build(name="sample", folder="torch"):
    """A page that keeps every rule, with outputs as an execution would store them."""
    from nbformat import v4

    page = skeleton.build(name, folder)
    for cell in page.nb["cells"]:  # what an author replaces
        for left, filled in FILLED.items():
            cell["source"] = cell["source"].replace(left, filled)
    claim_cell = next(node for node in page.nb["cells"] if "claims.check" in node["source"])
    claim_cell["source"] = CLAIMS.strip()
    data_cell = next(node for node in page.nb["cells"] if "datasets.load(" in node["source"])
    data_cell["metadata"]["mystnb"] = copy.deepcopy(FIGURE)
    for count, cell in enumerate(page.code, start=1):
        cell.node["execution_count"] = count
    for claim, value in zip(rules.page_claims(page), VALUES, strict=True):
        claim_cell["outputs"].append(claim_output(claim, value))
    data_cell["outputs"].append(v4.new_output("display_data", {"image/png": PNG, "text/plain": "<Figure>"}))
    facts = {"profile": "quick", "device": "2 CPU cores, 2 threads", "dataset": "mnist5k", "seconds": 20}
    facts |= {"versions": {"numpy": "2.0"}, "code_hash": hashes.code_hash(page), "source_hash": "0" * 16}
    page.nb["metadata"]["aetutor"] = facts
    stamping.stamp_page(page)
    return page


@pytest.fixture
def page():
    return build()
