"""Two hashes say whether stored outputs are still those of the code: one of the cells, one of the sources they ran with."""

import ast
import hashlib
import re

from . import page as pages


def code_hash(page):
    """Hash of the code cells, the install cell left out: it is stamped, and does nothing where pages are executed."""
    return _digest(cell.source.strip() for cell in page.code if not cell.is_install)


def source_hash(page, root=pages.ROOT):
    """Hash of the `aetutor` files that the page can reach: another page's variant does not make this one stale."""
    files = sources(page, root)
    return _digest(text for file in files for text in (file.relative_to(root).as_posix(), file.read_text("utf-8")))


def sources(page, root=pages.ROOT):
    """The files of `aetutor` that a page depends on, found by following import statements without running them.

    Of the variants, which every page could reach through `aetutor.torch`, only those whose class the page names count;
    so the two `__init__.py` that list the variants do not count either.
    """
    waiting = [name for cell in page.code for name in pages.imports(cell.tree)]
    waiting += [f"aetutor.pages.answers.{page_name}" for page_name in _exercise_pages(page)]
    seen, files = set(), set()
    while waiting:
        name = waiting.pop()
        if name in seen or name.split(".")[0] != "aetutor":
            continue
        seen.add(name)
        for file in _files(name, root):
            if file in files:
                continue
            files.add(file)
            if file.suffix == ".py":
                parts = file.relative_to(root).with_suffix("").parts
                package = ".".join(parts[:-1])  # a relative import starts from the folder, in __init__.py too
                waiting += pages.imports(ast.parse(file.read_text("utf-8")), package)
    named = {word for cell in page.code for word in re.findall(r"\w+", cell.source)}
    return sorted(file for file in files if not _lists_variants(file) and (not _is_variant(file) or _defines(file, named)))


def _files(name, root):
    """Files behind one dotted name: a module, or a folder as a whole; nothing where the name is a class or a function."""
    path = root.joinpath(*name.split("."))
    if path.with_suffix(".py").is_file():
        return [path.with_suffix(".py")]
    if not (path / "__init__.py").is_file():
        return []
    if name in ("aetutor", "aetutor.pages"):  # these two only hold their modules together
        return [path / "__init__.py"]
    return [file for file in path.rglob("*") if file.suffix in (".py", ".json", ".mplstyle")]


def _lists_variants(file):
    return file.stem == "__init__" and (file.parent.name == "models" or (file.parent / "models").is_dir())


def _is_variant(file):
    return file.parent.name == "models" and file.stem != "__init__"


def _defines(file, named):
    classes = {node.name for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.ClassDef)}
    return bool(classes & named)


def _exercise_pages(page):
    """Which answer files the page's exercises use."""
    calls = [call for cell in page.code for call in cell.calls("exercises", "check")]
    ids = [call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)]
    return {str(exercise).partition(".")[0] for exercise in ids}


def _digest(texts):
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.replace("\r\n", "\n").encode() + b"\0")
    return digest.hexdigest()[:16]
