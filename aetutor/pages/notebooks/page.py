"""A page as data: where pages lie, how they are read and written, what their cells say. Everything else builds on this."""

import ast
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import aetutor

ROOT = Path(aetutor.__file__).resolve().parents[1]
INSTALL_MARK = "AETUTOR_INSTALL"  # names the one variable that only the install cell reads


@dataclass(frozen=True)
class Cell:
    """One code cell with its place in the page."""

    index: int  # among all cells, from 0
    section: str  # the level-2 heading above it, lower case
    parity: bool  # below a heading, of any level, that speaks of parity
    node: dict

    @property
    def source(self):
        """The code as text."""
        return self.node["source"]

    @property
    def outputs(self):
        """The stored outputs."""
        return self.node.get("outputs", [])

    @property
    def tags(self):
        """The tags in the cell's metadata."""
        return self.node["metadata"].get("tags", [])

    @property
    def is_install(self):
        """Whether this is the cell that installs the package on Colab."""
        return INSTALL_MARK in self.source

    @cached_property
    def tree(self):
        """Syntax tree; IPython's own lines (magics, shell) count as `pass`. None where the code does not parse."""
        try:
            return ast.parse(re.sub(r"(?m)^([ \t]*)[%!?].*$", r"\1pass", self.source))
        except SyntaxError:
            return None

    def calls(self, module, function):
        """Calls `module.function(...)` in this cell, in order."""
        nodes = ast.walk(self.tree) if self.tree else ()
        found = [node for node in nodes if isinstance(node, ast.Call) and _is_attribute(node.func, module, function)]
        return sorted(found, key=lambda node: (node.lineno, node.col_offset))

    def count_code_lines(self):
        """Lines that are neither blank nor a comment."""
        lines = (line.strip() for line in self.source.splitlines())
        return sum(1 for line in lines if line and not line.startswith("#"))


@dataclass(frozen=True)
class Page:
    """A notebook and its path."""

    path: Path
    nb: dict

    @property
    def folder(self):
        """torch, keras, maths, ...: the folder below notebooks/."""
        return self.path.parent.name

    @property
    def name(self):
        """The page's name; the same in both frameworks, the theory page and the source files."""
        return self.path.stem

    @property
    def facts(self):
        """What is recorded about the run that produced the outputs."""
        return self.nb["metadata"].get("aetutor", {})

    @cached_property
    def headings(self):
        """(level, text) of each heading in the Markdown cells."""
        return [
            heading for node in self.nb["cells"] if node["cell_type"] == "markdown" for heading in headings(node["source"])
        ]

    @cached_property
    def code(self):
        """The code cells."""
        cells, above = [], {}
        for index, node in enumerate(self.nb["cells"]):
            if node["cell_type"] == "markdown":
                for level, text in headings(node["source"]):
                    above = {deeper: title for deeper, title in above.items() if deeper < level} | {level: text.lower()}
            elif node["cell_type"] == "code":
                parity = any("parity" in title for level, title in above.items() if level > 1)
                cells.append(Cell(index, above.get(2, ""), parity, node))
        return cells

    @cached_property
    def frameworks(self):
        """The frameworks this page imports outside its parity section: some of torch, keras."""
        return frameworks(cell for cell in self.code if not cell.parity)

    def twin(self):
        """Path of the same page in the other framework, or None where a folder has no twins."""
        other = {"torch": "keras", "keras": "torch"}.get(self.folder)
        return self.path.parent.parent / other / self.path.name if other else None


def frameworks(cells):
    """The frameworks that code cells import: some of torch, keras; TensorFlow counts as Keras' backend."""
    found = set()
    for name in (name for cell in cells for name in imports(cell.tree)):
        first, _, rest = name.partition(".")
        first = rest.partition(".")[0] if first == "aetutor" else first
        found |= {"keras" if first == "tensorflow" else first} & {"torch", "keras"}
    return found


def imports(tree, package=""):
    """Dotted names that a syntax tree imports; `from a import b` gives a and a.b, since b may be a module."""
    found = set()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*base, node.module] if node.module else base)
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def headings(markdown):
    """(level, text) of the headings of one Markdown cell, fenced code left out."""
    prose = re.sub(r"(?ms)^(```+|~~~+).*?^\1", "", markdown)
    return [(len(marks), text.strip()) for marks, text in re.findall(r"(?m)^(#{1,6})[ \t]+(.+)$", prose)]


def find(paths=()):
    """The notebooks among files and folders, sorted; by default all below notebooks/."""
    found = []
    for path in paths or [ROOT / "notebooks"]:
        path = Path(path).resolve()
        if path.is_dir():
            below = (file for file in path.rglob("*.ipynb") if not any(part.startswith(".") for part in file.parts[1:]))
            found += sorted(file for file in below if "_build" not in file.parts)
        elif path.suffix == ".ipynb" and path.exists():
            found.append(path)
        else:
            raise FileNotFoundError(f"paths: got {path}; accepted: notebooks and folders that exist")
    return found


def read(path):
    """Read a notebook as a Page."""
    import nbformat

    return Page(Path(path), nbformat.read(path, as_version=4))


def write(page):
    """Write a page in one step: a reader sees the old file or the new one, never half of one."""
    import nbformat

    nbformat.validate(page.nb)
    part = page.path.with_name(f".{page.path.name}.part")
    part.write_text(nbformat.writes(page.nb) + "\n", encoding="utf-8")
    os.replace(part, page.path)


def shown(path):
    """A path as it is printed: relative to the repository."""
    path = Path(path)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def _is_attribute(node, module, function):
    is_call = isinstance(node, ast.Attribute) and node.attr == function
    return is_call and isinstance(node.value, ast.Name) and node.value.id == module
