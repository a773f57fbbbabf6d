"""The skeleton of a new page: every section in its place, so that only content is missing."""

import re

from . import page as pages
from . import stamping

TRAIN = """
code: model = ae.Autoencoder.mlp(data.x_train.shape[1:], latent_dim=32, seed=run.seed)
history = ae.fit(model, data.x_train, val=data.x_val, epochs=cfg.epochs, seed=run.seed)
"""
FRAMEWORK = {name: {"import": f"from aetutor import {name} as ae\n", "train": TRAIN} for name in ("torch", "keras")}
CELLS = """
md: # {title}

One sentence: what this page shows, and when not to use it.

md: ## You will learn

- to derive ...
- to measure ...
- to tell ... from ...

md: ## Setup

install:

code: from aetutor import datasets
{framework}from aetutor.pages import claims, exercises, runs, source

run = runs.start()
cfg = runs.pick(quick=dict(data="mnist5k", epochs=20), full=dict(data="mnist", epochs=60))

md: ## Data

Shape, range, split, source and licence.

code: data = datasets.load(cfg.data, seed=run.seed)
print(data.x_train.shape, data.x_test.shape)

md: ## The idea

The equation, and a table symbol - variable - shape.

md: ## From scratch

At most 40 lines; then the package's version, its source shown and asserted equal.

code: source.show({shown}, docstring=False)

md: ## Train

A curve per loss term.
{train}
md: ## Look

Random and worst reconstructions, latent space, the baseline beside it.

md: ## What can go wrong

Two to four failures run on purpose: symptom, cause, check, fix.

md: ## Claims

code: # NBVAL_CHECK_OUTPUT
# Thresholds: `make seeds NB=notebooks/{folder}/{name}.ipynb`; say here the measured range over 5 seeds and the margin.
claims.check("...", 0.0, below=1.0)

md: ## Exercises

### 1. Predict

Hint: ...

exercise: 1

md: ### 2. Change one thing

Hint: ...

exercise: 2

md: ### 3. Implement

Hint: ...

exercise: 3

md: ## Summary

Two sentences. References. Next page.
"""
STUB = """
def answer():
    return None


exercises.check("{name}.{number}", answer)
"""
SOLUTION = """
def solution():
    return 0.0


exercises.check("{name}.{number}", solution, solution=True)
"""
ANSWERS = '''
"""Checkers of the exercises of the page {name}."""

from ..exercises import compare, define
'''
CHECKER = """

@define("{name}.{number}")
def _(answer):
    compare(answer(), 0.0, of="...", reveal=False)
"""


def write(name, folder="torch", root=pages.ROOT):
    """Write notebooks/FOLDER/NAME.ipynb and the checkers of its exercises; returns the paths written."""
    if not re.fullmatch(r"[a-z][a-z_]*", name):
        raise ValueError(f"name: got {name!r}; accepted: small letters and underscores, without a number")
    page = build(name, folder, root)
    if page.path.exists():
        raise FileExistsError(f"name: {pages.shown(page.path)} exists already")
    page.path.parent.mkdir(parents=True, exist_ok=True)
    pages.write(page)
    answers = root / "aetutor" / "pages" / "answers" / f"{name}.py"
    if answers.exists():  # the twin page has the same exercises
        return [page.path]
    checkers = "".join(CHECKER.format(name=name, number=number) for number in (1, 2, 3))
    answers.write_text(ANSWERS.lstrip().format(name=name) + checkers, "utf-8")
    return [page.path, answers]


def build(name, folder="torch", root=pages.ROOT):
    """The skeleton as a Page that is not written yet."""
    from nbformat import v4

    filled = {"name": name, "folder": folder, "title": name.replace("_", " ").capitalize()}
    framework = FRAMEWORK.get(folder, {"import": "", "train": ""})
    shown = "ae.Autoencoder" if framework["import"] else "datasets.load"
    text = CELLS.format(framework=framework["import"], train=framework["train"], shown=shown, **filled)
    parts = re.split(r"(?m)^(md|code|install|exercise): ?", text)[1:]
    cells = []
    for kind, content in zip(parts[::2], map(str.strip, parts[1::2]), strict=True):
        if kind == "md":
            cells.append(v4.new_markdown_cell(content))
        elif kind == "exercise":
            cells.append(v4.new_code_cell(STUB.strip().format(number=content, **filled)))
            solution = SOLUTION.strip().format(number=content, **filled)
            cells.append(v4.new_code_cell(solution, metadata={"tags": ["hide-cell"]}))
        else:  # the install cell is filled in by the stamp
            cells.append(v4.new_code_cell(pages.INSTALL_MARK if kind == "install" else content))
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    page = pages.Page(root / "notebooks" / folder / f"{name}.ipynb", v4.new_notebook(cells=cells, metadata=metadata))
    stamping.stamp_page(page, root)
    return page
