"""The claims table of README.md: a line a page, made from the stored outputs."""

import re

from .. import claims
from . import page as pages

HEAD = "| page | claims | the first of them | promised | measured |\n|---|---|---|---|---|\n"
PLACE = re.compile(r"(?s)(<!-- claims: written by `make stamp` -->\n).*?(<!-- /claims -->)")


def stored_claims(page):
    """The claims in a page's stored outputs, in order: claims.check describes what each holds."""
    found = (output.get("metadata", {}).get("aetutor", {}).get("claim") for cell in page.code for output in cell.outputs)
    return [claim for claim in found if claim]


def table(root=pages.ROOT):
    """The table as Markdown; a page without a stored claim has no line."""
    lines, total = [], 0
    for page in map(pages.read, pages.find([root / "notebooks"])):
        found = stored_claims(page)
        if not found:
            continue
        total += len(found)
        first = found[0]
        limit = claims.threshold(first["below"], first["above"], first["unit"]).replace("<", "&lt;")
        link = f"[{page.folder}/{page.name}](notebooks/{page.folder}/{page.path.name})"
        lines.append(f"| {link} | {len(found)} | {first['text']} | {limit} | {first['value']:.4g} |\n")
    return HEAD + "".join(lines) + f"\n{total} claims in all.\n"


def written(text, root=pages.ROOT):
    """README's text with the present table in its place."""
    return PLACE.sub(lambda found: f"{found[1]}{table(root)}{found[2]}", text)
