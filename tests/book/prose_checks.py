"""Checks of the book's prose as it is written: Markdown pages and the Markdown cells of notebooks.

Each takes a repository (or a text) and returns the problems as sentences; none is good. Nothing is built.
"""

import importlib
import json
import re
from pathlib import Path

# What a claim, glue or a citation may not replace: code, formulas, directives' options, links' targets.
_NOT_PROSE = re.compile(
    r"(?ms)^```.*?^```|^~~~.*?^~~~|\$\$.*?\$\$|\$[^$\n]+\$|`[^`\n]+`|\]\([^)]*\)|^:[\w-]+:.*?$|^\|.*?\|$|^#+ .*?$"
)
_QUANTITY = re.compile(
    r"(?<![\w.-])\d[\d,]*(?:\.\d+)?\s*(?:%|‰|percent|nats?\b|bits?\b|dB\b|points?\b|seconds?\b|minutes?\b|ms\b|times\b)"
)
_SUPPORT = re.compile(r"\{(?:cite|cite:[pt]|glue:text|measured)\}|\(\d{4}\)|\b(?:1[89]|20)\d\d\b")
_NAME = re.compile(r"`(aetutor(?:\.\w+)+)`")
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_ENTRY = re.compile(r"(?m)^(\S[^\n]*)\n  (\S[^\n]*)")


def pages(repository, *folders):
    """{path relative to the repository: its Markdown} of prose pages and notebooks below the given folders."""
    found = {}
    for folder in folders or ("book", "notebooks"):
        for path in sorted((Path(repository) / folder).rglob("*")):
            parts = path.relative_to(repository).parts
            if any(part.startswith(("_", ".")) for part in parts) or parts[:2] == ("book", "api"):
                continue
            if path.suffix == ".md":
                found["/".join(parts)] = path.read_text(encoding="utf-8")
            elif path.suffix == ".ipynb":
                cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
                texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
                found["/".join(parts)] = "\n\n".join(texts)
    return found


def bare_quantities(text):
    """Numbers with a unit or % in paragraphs that hold neither a claim's value, nor glue, nor a citation."""
    problems = []
    for paragraph in re.split(r"\n\s*\n", text):
        if not _SUPPORT.search(paragraph):
            problems += [" ".join(found.split()) for found in _QUANTITY.findall(_NOT_PROSE.sub(" ", paragraph))]
    return problems


def unknown_names(text):
    """`aetutor...` names in backticks that cannot be imported."""
    return [name for name in dict.fromkeys(_NAME.findall(text)) if not _exists(name)]


def bold_terms(text):
    """Terms set in bold, lower case; a sentence in bold, which ends with a stop, is a heading and no term."""
    return {term.strip().lower() for term in _BOLD.findall(text) if not term.strip().endswith((".", ":", "?"))}


def glossary(text):
    """{term in lower case: its entry's first line} of a {glossary} directive."""
    body = re.search(r"(?s)```\{glossary\}\n(.*?)```", text)[1]
    return {term.lower(): first for term, first in _ENTRY.findall(body)}


def missing_targets(path, text):
    """Links of one page to files of the repository that do not exist."""
    links = re.findall(r"\]\(([^)#\s]+?\.(?:md|ipynb))(?:#[^)]*)?\)", text)
    return [link for link in links if "://" not in link and not (Path(path).parent / link).exists()]


def _exists(name):
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for attribute in parts[end:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False
