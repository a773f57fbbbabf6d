"""What is written once and copied: the repository's address into _config.yml, install cells and badges; claims to README."""

import re
import tomllib

from . import page as pages
from . import readme

BADGES_START = "[Open in Colab]("
INSTALL_CELL = """\
import os
import sys

address = os.environ.get("AETUTOR_INSTALL", "git+{repository}")
if "google.colab" in sys.modules or "AETUTOR_INSTALL" in os.environ:
    %pip install -q "aetutor{extra} @ {{address}}"\
"""
#: Extra that a page's install cell asks for besides, by the call that needs it.
BASELINES = {"baselines.umap(": "umap", "baselines.non_local_means(": "images", 'datasets.load("ecg"': "ecg"}
# AETUTOR_INSTALL=file:///.../aetutor-0.1.0-py3-none-any.whl lets the same cell install a wheel outside Colab: the rehearsal.


def repository(root=pages.ROOT):
    """The repository's address: `[project.urls] Repository` of pyproject.toml, its only source."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Repository"]


def install_cell(page, root=pages.ROOT):
    """The install cell of a page: does nothing outside Colab, and asks for what the page uses: its framework, BASELINES."""
    frameworks = {page.folder} if page.folder in ("torch", "keras") else page.frameworks
    code = "\n".join(cell.source for cell in page.code)
    extra = ",".join(sorted(frameworks | {name for call, name in BASELINES.items() if call in code}))
    return INSTALL_CELL.format(repository=repository(root), extra=f"[{extra}]" if extra else "")


def badges(page, root=pages.ROOT):
    """The row below the title: Colab, twin, theory, measured run time and profile."""
    place = f"notebooks/{page.folder}/{page.path.name}"
    colab = repository(root).replace("https://github.com/", "https://colab.research.google.com/github/")
    row = [f"{BADGES_START}{colab}/blob/main/{place})"]
    twin = page.twin()
    if twin and twin.exists():
        row.append(f"[{ {'torch': 'PyTorch', 'keras': 'Keras'}[twin.parent.name] } twin](../{twin.parent.name}/{twin.name})")
    if twin and (root / "book" / "families" / f"{page.name}.md").exists():
        row.append(f"[Theory](../../book/families/{page.name}.md)")
    facts = page.facts
    executed = {"seconds", "profile", "device"} <= facts.keys()
    row.append("{seconds} s, {profile} profile, {device}".format(**facts) if executed else "not executed yet")
    return " | ".join(row)


def stamp(root=pages.ROOT):
    """Stamp _config.yml, all notebooks and README.md; returns the paths that changed."""
    changed = []
    config = root / "_config.yml"
    if config.exists():
        old = config.read_text("utf-8")
        new = re.sub(r"(?m)^(repository:[^\n]*\n(?:[ \t#][^\n]*\n)*?[ \t]+url:)[^\n]*$", rf"\1 {repository(root)}", old)
        if new != old:
            config.write_text(new, "utf-8")
            changed.append(pages.shown(config))
    for path in pages.find([root / "notebooks"]):
        page = pages.read(path)
        if stamp_page(page, root):
            pages.write(page)
            changed.append(pages.shown(path))
    return changed + stamp_readme(root)


def stamp_readme(root=pages.ROOT):
    """Bring README's claims table up to date; returns the path if it changed."""
    path = root / "README.md"
    old = path.read_text("utf-8") if path.exists() else ""
    new = readme.written(old, root)
    if new == old:
        return []
    path.write_text(new, "utf-8")
    return [pages.shown(path)]


def stamp_page(page, root=pages.ROOT):
    """Stamp one page in memory; returns whether anything changed."""
    import nbformat

    before = nbformat.writes(page.nb)
    installs = [cell for cell in page.code if cell.is_install]
    if installs:
        installs[0].node["source"] = install_cell(page, root)
    title = page.nb["cells"][0]
    lines = title["source"].rstrip().splitlines()
    row = badges(page, root)
    if any(line.startswith(BADGES_START) for line in lines):
        lines = [row if line.startswith(BADGES_START) else line for line in lines]
    else:
        lines += ["", row]
    title["source"] = "\n".join(lines)
    return nbformat.writes(page.nb) != before
