"""Measure a page's claims over several seeds, beside their thresholds: where a threshold comes from."""

import json
import os
import sys
import tempfile
from pathlib import Path

from .. import claims
from . import execution
from . import page as pages


def measure(path, n=5, profile="quick"):
    """Run a page with AETUTOR_SEED = 0..n-1 and print a table of its claims; returns 1 if any claim failed, else 0."""
    if n < 1:
        raise ValueError(f"n: got {n}; accepted: a whole number >= 1")
    (path,) = pages.find([path])
    measured, stopped = {}, 0
    for seed in range(n):
        try:
            for claim in _one_run(path, seed, profile):
                measured.setdefault(claim["text"], []).append(claim)
        except execution.PageFailed as error:
            print(f"seed {seed}: {error}", file=sys.stderr)
            stopped += 1
        print(f"seed {seed}: {'stopped' if stopped > seed else 'done'}", flush=True)
    for line in table(measured, n):
        print(line)
    if not measured:
        print(f"{pages.shown(path)} measured no claim")
    all_passed = all(len(found) == n and all(claim["passed"] for claim in found) for found in measured.values())
    return 0 if measured and all_passed and not stopped else 1


def table(measured, n):
    """Lines of the table: claim, lowest, mean, highest, threshold, passed k/N."""
    rows = [("claim", "lowest", "mean", "highest", "threshold", "passed")]
    for text, found in measured.items():
        values = [claim["value"] for claim in found]
        numbers = (f"{value:.4g}" for value in (min(values), sum(values) / len(values), max(values)))
        limit = claims.threshold(found[0]["below"], found[0]["above"], found[0]["unit"])
        rows.append((text, *numbers, limit, f"{sum(claim['passed'] for claim in found)}/{n}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _one_run(path, seed, profile):
    """The claims of one run; the page on disk is not touched."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "claims.jsonl"
        collect = {"AETUTOR_CLAIMS_FILE": os.fspath(file), "AETUTOR_CLAIMS_COLLECT": "1"}
        execution.run(pages.read(path), collect | {"AETUTOR_SEED": str(seed), "AETUTOR_PROFILE": profile})
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []
