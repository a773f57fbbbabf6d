"""The API reference: docstrings are plain text with formulas, so they are made safe for Sphinx; and the index of modules.

sphinx-autoapi reads the source text and writes one page a module; nothing is imported.
"""

import ast
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

FLOORS = (
    ("Shared by both frameworks", lambda module: True),
    ("PyTorch", lambda module: module.startswith("aetutor.torch")),
    ("Keras", lambda module: module.startswith("aetutor.keras")),
    ("What pages use", lambda module: module.startswith("aetutor.pages")),
)
# Indented text below these belongs to a Google style section; napoleon turns it into fields.
_SECTIONS = {"Args:", "Arguments:", "Attributes:", "Example:", "Examples:", "Note:", "Raises:", "Returns:", "Yields:"}
_QUOTED = re.compile(r"``.*?``|`[^`]*`")
_MARKUP = re.compile(r"[*|\\]|_(?=\W|$)")


def plain_text(lines):
    """Docstring lines as reStructuredText.

    An indented block below a blank line is a formula or code and becomes a literal block; elsewhere `*D`, `|x|` and `w_`
    stay what they are, and what stands in backticks is code.
    """
    out, previous, literal, doctest = [], "", None, False
    for line in lines:
        if not line.strip():
            doctest = False
            out.append("")
            continue
        if literal is not None and _indent(line) < literal:
            literal = None
        doctest = doctest or line.lstrip().startswith(">>> ")
        below_blank = bool(out) and not out[-1]
        deeper = bool(previous) and _indent(line) > _indent(previous) and previous.strip() not in _SECTIONS
        if literal is None and below_blank and deeper and not doctest:
            literal = _indent(line)
            out += [" " * _indent(previous) + "::", ""]
        out.append(line if doctest or literal is not None else _escape(line))
        previous = line
    return out


def _indent(line):
    return len(line) - len(line.lstrip())


def _escape(line):
    out, end = "", 0
    for quoted in _QUOTED.finditer(line):
        out += _MARKUP.sub(r"\\\g<0>", line[end : quoted.start()]) + f"``{quoted.group().strip('`')}``"
        end = quoted.end()
    return out + _MARKUP.sub(r"\\\g<0>", line[end:])


def _process_docstring(app, what, name, obj, options, lines):
    lines[:] = plain_text(lines)


def summary(path):
    """First sentence of a module's docstring, or an empty string."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n\n")[0].replace("\n", " ").replace("`", "").removeprefix(f"{path.parent.name}: ").strip()


def modules(root):
    """{dotted name: path} of the package's public modules, sorted by name."""
    found = {}
    for path in sorted((Path(root) / "aetutor").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if not any(part.startswith("_") for part in name.split(".")):
            found[name] = path
    return dict(sorted(found.items()))


def _match_pages_to_sources(app):
    """Let autoapi keep its pages between builds: drop those of removed modules, have all written again if one is missing."""
    if "autoapi_root" not in app.config:
        return
    folder = Path(app.srcdir) / app.config.autoapi_root
    expected = {folder / name.replace(".", "/") / "index.rst" for name in modules(app.srcdir)}
    for page in set(folder.rglob("index.rst")) - expected:
        page.unlink()
    if not all(page.exists() for page in expected):
        app.env.autoapi_source_hashes = None


def _skip_documented_elsewhere(app, what, name, obj, skip, options):
    """Show what a package imports from its own private modules, which have no page; what has a page is shown there."""
    if not obj.imported:
        return None
    private = any(part.startswith("_") for part in obj.obj["original_path"].split(".")[:-1])
    return None if private else True


def _connect_to_autoapi(app, config):
    """Once all extensions are loaded; a book without autoapi has no such event."""
    if "autoapi-skip-member" in app.events.events:
        app.connect("autoapi-skip-member", _skip_documented_elsewhere)


class ApiIndex(SphinxDirective):
    """Tables of the package's modules, one a floor, with each module's first sentence."""

    def run(self):
        """One rubric and one list a floor."""
        self.env.note_reread()
        floors = {title: [] for title, _ in FLOORS}
        for name, path in modules(self.env.srcdir).items():
            title = [title for title, belongs in FLOORS if belongs(name)][-1]
            floors[title].append((name, summary(path)))
        result = []
        for title, rows in floors.items():
            if rows:
                result += [nodes.rubric("", title), self._list(rows)]
        return result

    def _list(self, rows):
        items = nodes.bullet_list(classes=["api-index"])
        for name, text in rows:
            link = addnodes.pending_xref(
                "",
                nodes.literal("", name),
                refdomain="std",
                reftype="doc",
                refdoc=self.env.docname,
                reftarget=f"/book/api/{name.replace('.', '/')}/index",
                refexplicit=True,
                refwarn=True,
            )
            items += nodes.list_item("", nodes.paragraph("", "", link, nodes.Text(f": {text}")))
        return items


def setup(app):
    """Register the directive, and the docstring rules before napoleon's (priority 500)."""
    app.setup_extension("sphinx.ext.autodoc")  # owns the event; autoapi emits it too
    app.add_directive("api-index", ApiIndex)
    app.connect("autodoc-process-docstring", _process_docstring, priority=100)
    app.connect("config-inited", _connect_to_autoapi)
    app.connect("builder-inited", _match_pages_to_sources, priority=100)  # before autoapi
