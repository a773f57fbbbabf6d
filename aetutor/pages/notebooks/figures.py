"""Figures that leave their page: `glue("intro", figure, shown=True)` also becomes book/_static/intro.png.

The README and the book's front page show them, so they are files; a test holds each file equal to the page's stored output.
"""

import base64

from ... import checkpoints
from . import page as pages

FOLDER = "book/_static"


def glued(notebook) -> dict[str, bytes]:
    """The page's glued and shown figures: name -> PNG file content."""
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name and "image/png" in output.get("data", {}):
                found[name] = base64.b64decode(output["data"]["image/png"])
    return found


def export(notebook, root=pages.ROOT) -> None:
    """Write the page's glued figures to FOLDER, atomically."""
    for name, content in glued(notebook).items():
        checkpoints.replace(root / FOLDER / f"{name}.png", content)


def stale(notebook, root=pages.ROOT) -> list[str]:
    """Names of glued figures whose file is missing or differs from the stored output."""
    paths = {name: root / FOLDER / f"{name}.png" for name in glued(notebook)}
    return [n for n, content in glued(notebook).items() if not paths[n].is_file() or paths[n].read_bytes() != content]
