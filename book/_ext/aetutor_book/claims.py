"""Read the checked claims out of executed notebooks. Standard library only: the book is built without a framework.

`claims.check` of aetutor stores each measured value in its output's metadata, and a run stores its facts in the notebook's:

    output.metadata.aetutor.claim = {"text", "value", "below", "above", "unit"}      (or "between": [low, high])
    notebook.metadata.aetutor     = {"profile", "device", "versions", "seconds", "dataset", ...}
"""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Claim:
    """One checked claim: where it stands, what was measured, what was promised."""

    page: str  # path of the notebook without its suffix, relative to the repository
    text: str
    value: float
    threshold: str
    unit: str
    profile: str
    device: str

    @property
    def measured(self):
        """The value with four significant digits and its unit."""
        return f"{self.value:.4g} {self.unit}".strip()


def threshold(claim):
    """The bound in words: '< 1.02', '> 0.5', '0.9 to 1.1'. Raises ValueError where there is none."""
    low, high = claim.get("between") or (claim.get("above"), claim.get("below"))
    if low is not None and high is not None:
        return f"{low:.12g} to {high:.12g}"
    if high is not None:
        return f"< {high:.12g}"
    if low is not None:
        return f"> {low:.12g}"
    raise ValueError(f"claim {claim.get('text')!r} has no threshold: below, above or between is needed")


def read(path, root):
    """Claims stored in one notebook, in the page's order. Raises ValueError where a claim's metadata is incomplete."""
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    run = notebook["metadata"].get("aetutor", {})
    page = Path(path).relative_to(root).with_suffix("").as_posix()
    found = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            claim = output.get("metadata", {}).get("aetutor", {}).get("claim")
            if claim is None:
                continue
            if "text" not in claim or not isinstance(claim.get("value"), int | float):
                raise ValueError(f"{page}: a claim needs a text and a number as value, not {claim!r}")
            found.append(
                Claim(
                    page=page,
                    text=claim["text"],
                    value=claim["value"],
                    threshold=threshold(claim),
                    unit=claim.get("unit") or "",
                    profile=run.get("profile", "unknown"),
                    device=run.get("device", "unknown"),
                )
            )
    return found


def notebooks(root):
    """The project's notebooks, sorted by path."""
    paths = (Path(root) / "notebooks").rglob("*.ipynb")
    return sorted(path for path in paths if ".ipynb_checkpoints" not in path.parts)


def collect(root):
    """All claims stored below root/notebooks, page by page."""
    return [claim for path in notebooks(root) for claim in read(path, root)]
