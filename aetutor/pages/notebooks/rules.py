"""The rules of a page, one function each: a page goes in, the problems found come out as sentences.

Rules of structure hold from the first draft; rules of outputs need an executed page; `check_all` adds the rule of twins.
"""

import ast
import re
import sys
from pathlib import Path

from .. import claims
from . import hashes, stamping
from . import page as pages

SECTIONS = (
    *("you will learn", "setup", "data", "the idea", "from scratch", "train", "look"),
    *("what can go wrong", "claims", "exercises", "summary"),
)
OPTIONAL_SECTIONS = {"maths": {"train"}, "appendix": {"the idea", "from scratch", "train"}}
MAX_CELL_LINES, MAX_CLASS_LINES, MAX_SETUP_LINES, MAX_PAGE_LINES = 15, 25, 8, 250
MAX_FIGURES, MAX_BYTES = 12, 1_000_000
MAX_SECONDS = {"quick": 60, "full": 600}
MAX_SECONDS_PAPER = 120  # quick, for a page that runs a paper's protocol (metadata aetutor.paper_protocol)
SKIP_MARKS = ("NBVAL_SKIP", "nbval-skip", "skip-execution", "PYTEST_VALIDATE_IGNORE_OUTPUT")
MACHINE_PATHS = r"/(?:home|root|Users|tmp|mnt|private|workspace|content)/[\w.-]|[A-Z]:\\\\?Users"


def check_all(paths, root=pages.ROOT):
    """Check pages one by one and twins against each other; returns the problems, each with its page's path."""
    found = [pages.read(path) for path in paths]
    problems = [f"{pages.shown(page.path)}: {problem}" for page in found for problem in check(page, root)]
    return problems + [problem for page in found for problem in twin_claims(page)]


def check(page, root=pages.ROOT):
    """All problems of one page."""
    return structure(page, root) + outputs(page)


def structure(page, root=pages.ROOT):
    """Problems that a page can have before it was ever executed."""
    stamped = [*stamps(page, root)]
    return [problem for rule in STRUCTURE for problem in rule(page)] + stamped


def outputs(page):
    """Problems of what is stored."""
    return [problem for rule in OUTPUTS for problem in rule(page)]


# Structure


def sections(page):
    """Title, then the sections in their order; others may stand between them."""
    levels = [level for level, _ in page.headings]
    if not levels or levels[0] != 1 or levels.count(1) != 1:
        yield "a page begins with its title, the only heading of level 1"
    titles = [re.sub(r"[`*_]", "", text).lower() for level, text in page.headings if level == 2]
    wanted = [name for name in SECTIONS if name not in OPTIONAL_SECTIONS.get(page.folder, ())]
    place = -1
    for name in wanted:
        here = next((i for i, title in enumerate(titles) if re.match(rf"{name}\b", title)), None)
        if here is None:
            yield f"section '## {name.capitalize()}' is missing; the order is: {', '.join(wanted)}"
        elif here < place:
            yield f"section '## {name.capitalize()}' stands too early; the order is: {', '.join(wanted)}"
        else:
            place = here


def name(page):
    """A page is named like its theory page and its source files; the table of contents gives the order, not a number."""
    if not re.fullmatch(r"[a-z][a-z_]*", page.name):
        yield f"file name {page.path.name!r}; accepted: small letters and underscores, without a number"


def finished(page):
    """Nothing of the skeleton is left."""
    left = re.compile(r"(?m)(^Hint: \.\.\.|^- to \w+ \.\.\.|^One sentence: what this page|\"\.\.\.\")")
    for index, cell in enumerate(page.nb["cells"]):
        if found := left.search(cell["source"]):
            yield f"cell {index}: text of the skeleton is left: {found[0]!r}"


def goals(page):
    """*You will learn* lists 3 to 5 things."""
    text = section_text(page, "you will learn")
    count = len(re.findall(r"(?m)^\s*(?:[-*]|\d+\.)\s+\S", text))
    if not 3 <= count <= 5:
        yield f"'You will learn' lists {count} things; accepted: 3 to 5"


def budgets(page):
    """Code lines of a cell, of the setup cell and of the page."""
    code = [cell for cell in page.code if not cell.is_install]
    for cell in code:
        has_class = cell.tree and any(isinstance(node, ast.ClassDef) for node in cell.tree.body)
        limit = MAX_CLASS_LINES if has_class else MAX_CELL_LINES
        if (lines := cell.count_code_lines()) > limit:
            yield f"cell {cell.index}: {lines} code lines; accepted: at most {limit}"
    setup = [cell for cell in code if cell.section.startswith("setup")]
    if setup and setup[0].count_code_lines() > MAX_SETUP_LINES:
        yield f"cell {setup[0].index}: setup has {setup[0].count_code_lines()} lines; accepted: at most {MAX_SETUP_LINES}"
    if (total := sum(cell.count_code_lines() for cell in code)) > MAX_PAGE_LINES:
        yield f"the page has {total} code lines; accepted: at most {MAX_PAGE_LINES}"


def collected(page):
    """Every code cell is Python that nbval runs."""
    for cell in page.code:
        marks = [mark for mark in SKIP_MARKS if mark in cell.source or mark in cell.tags]
        if marks:
            yield f"cell {cell.index}: {marks[0]} keeps the cell from being run or checked"
        if not cell.source.strip():
            yield f"cell {cell.index}: an empty code cell is never run"
        elif cell.source.lstrip().startswith("%%"):
            yield f"cell {cell.index}: a cell magic hides the code from the checks"
        elif cell.tree is None:
            yield f"cell {cell.index}: the code does not parse"
        elif any(_ends_kernel(node) for node in ast.walk(cell.tree)):
            yield f"cell {cell.index}: ending the kernel leaves the cells below unrun"
        if "raises-exception" in cell.tags and "# NBVAL_RAISES_EXCEPTION" not in cell.source:
            yield f"cell {cell.index}: raises-exception without the comment # NBVAL_RAISES_EXCEPTION, which the reader sees"
    for index, node in enumerate(page.nb["cells"]):
        if node["cell_type"] == "raw":
            yield f"cell {index}: a raw cell is neither prose nor run"


def one_framework(page):
    """One framework a page, parity sections excepted, and the one its folder names."""
    allowed = {page.folder} if page.folder in ("torch", "keras") else page.frameworks
    if len(allowed) > 1:
        yield f"imports {' and '.join(sorted(allowed))} outside a parity section; accepted: one framework a page"
    if foreign := page.frameworks - allowed:
        yield f"imports {', '.join(sorted(foreign))} outside a parity section, on a {page.folder} page"


def claim_cells(page):
    """At least 3 claims; each literal, in a cell that nbval compares, its margin stated in a comment."""
    found = [(cell, call) for cell in page.code for call in cell.calls("claims", "check")]
    if len(found) < 3:
        yield f"{len(found)} claims; accepted: at least 3"
    texts = [claim["text"] for claim in (read_claim(call) for _, call in found) if claim]
    for text in sorted({text for text in texts if texts.count(text) > 1}):
        yield f"claim {text!r} is made twice"
    for cell, call in found:
        if read_claim(call) is None:
            yield f"cell {cell.index}: a claim's text and threshold are written out as literals: they are compared"
    for cell in {cell.index: cell for cell, _ in found}.values():
        comments = [line.strip("# ").strip() for line in re.findall(r"(?m)^\s*#.*$|(?<=\s)#\s.*$", cell.source)]
        if "NBVAL_CHECK_OUTPUT" not in comments or any("IGNORE_OUTPUT" in text for text in comments):
            yield f"cell {cell.index}: a claim cell starts with # NBVAL_CHECK_OUTPUT"
        if not [comment for comment in comments if comment and "NBVAL" not in comment]:
            yield f"cell {cell.index}: a comment must say where the threshold comes from (seeds, margin)"


def exercises(page):
    """3 to 5 exercises; each that is checked has a folded solution that is checked too."""
    text = section_text(page, "exercises")
    count = len(re.findall(r"(?m)^###\s", text))
    if not 3 <= count <= 5:
        yield f"{count} exercises ('### ...' below '## Exercises'); accepted: 3 to 5"
    calls = [(cell, call) for cell in page.code for call in cell.calls("exercises", "check")]
    stubs, solved = set(), set()
    for cell, call in calls:
        exercise = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        if not isinstance(exercise, str) or not re.fullmatch(rf"{page.name}\.\d+", exercise):
            yield f"cell {cell.index}: exercise {exercise!r}; accepted: a literal '{page.name}.N'"
            continue
        is_solution = any(keyword.arg == "solution" for keyword in call.keywords)
        (solved if is_solution else stubs).add(exercise)
        if is_solution and not {"hide-cell", "hide-input"} & set(cell.tags):
            yield f"cell {cell.index}: a solution is folded: tag the cell hide-cell"
    for exercise in sorted(stubs ^ solved):
        yield f"exercise {exercise} has {'no checked solution' if exercise in stubs else 'no stub'}"
    if not calls:
        yield "no exercise is checked: exercises.check(...)"


def stamps(page, root=pages.ROOT):
    """Install cell and badge row are the stamped ones."""
    if not page.code or page.code[0].source != stamping.install_cell(page, root):
        yield "the first code cell is not the stamped install cell; run `make stamp`"
    first = page.nb["cells"][0] if page.nb["cells"] else {"source": ""}
    if stamping.badges(page, root) not in first["source"].splitlines():
        yield "the badge row below the title is missing or out of date; run `make stamp`"


# Outputs


def fresh(page):
    """The stored outputs are those of this code, from one run from top to bottom."""
    if page.facts.get("code_hash") != hashes.code_hash(page):
        yield "the code cells are not those that produced the outputs; run `make notebooks`"
    missing = [
        key for key in ("profile", "device", "versions", "seconds", "dataset", "source_hash") if key not in page.facts
    ]
    if missing:
        yield f"the metadata do not record {', '.join(missing)}; run `make notebooks`"
    counts = [cell.node.get("execution_count") for cell in page.code]
    if not any(counts):
        yield "never executed, no execution count in any cell; run `make notebooks`"
        return
    for cell, count, expected in zip(page.code, counts, range(1, len(counts) + 1), strict=True):
        if count is None:
            yield f"cell {cell.index}: no execution count, so nothing in it is compared; run `make notebooks`"
        elif count != expected:
            yield f"cell {cell.index}: execution count {count}, expected {expected}: not one run from top to bottom"
            break


def stored_claims(page):
    """A claim cell stores exactly its PASS lines, with values that satisfy the thresholds of the code."""
    for cell in page.code:
        made = [read_claim(call) for call in cell.calls("claims", "check")]
        if not made or None in made:
            continue
        wanted = [claims.line(**claim) for claim in made]
        stored = [_text(output).strip() for output in cell.outputs]
        if not stored:
            yield f"cell {cell.index}: a claim without stored output; run `make notebooks`"
        elif stored != wanted:
            yield f"cell {cell.index}: stored {stored}, but the code claims {wanted}"
        else:
            for claim, output in zip(made, cell.outputs, strict=True):
                yield from (f"cell {cell.index}: {problem}" for problem in _value_problems(claim, output))


def clean_outputs(page):
    """Nothing stored that belongs to one machine or one run."""
    here = [re.escape(text) for text in {str(pages.ROOT), str(Path.home()), sys.prefix} if len(text) > 4]
    machine = re.compile("|".join([MACHINE_PATHS, *here]))
    for index, node in enumerate(page.nb["cells"]):
        texts = [node["source"], *(_all_text(output) for output in node.get("outputs", []))]
        if found := next(filter(None, map(machine.search, texts)), None):
            yield f"cell {index}: {found.group()!r} is a path of one machine"
        for output in node.get("outputs", []):
            if output.get("name") == "stderr":
                yield f"cell {index}: standard error is stored: {output['text'].strip().splitlines()[0][:80]!r}"
            if output["output_type"] == "error" and "# NBVAL_RAISES_EXCEPTION" not in node["source"]:
                yield f"cell {index}: an error is stored: {output['ename']}"
            if re.search(r"\b0x[0-9a-f]{6,}\b", _text(output)):
                yield f"cell {index}: a memory address is stored; end the cell's last line with a semicolon"
            if any("widget" in kind for kind in output.get("data", {})):
                yield f"cell {index}: a widget is stored, which no static page can draw"


def figures(page):
    """At most 12 figures, one a cell, each with a caption and alternative text."""
    total = 0
    for cell in page.code:
        count = sum(any(kind.startswith("image/") for kind in output.get("data", {})) for output in cell.outputs)
        total += count
        if count > 1:
            yield f"cell {cell.index}: {count} figures; accepted: one a cell, so that each has its own caption"
        settings = cell.node["metadata"].get("mystnb", {})
        if count and not str(settings.get("image", {}).get("alt") or "").strip():
            yield f"cell {cell.index}: a figure without alternative text (cell metadata mystnb.image.alt)"
        if count and not str(settings.get("figure", {}).get("caption") or "").strip():
            yield f"cell {cell.index}: a figure without caption (cell metadata mystnb.figure.caption)"
    if total > MAX_FIGURES:
        yield f"{total} figures; accepted: at most {MAX_FIGURES}"


def size_and_time(page):
    """Size with outputs, and measured run time."""
    import nbformat

    if (size := len(nbformat.writes(page.nb).encode())) > MAX_BYTES:
        yield f"{size / 1e6:.2f} MB with outputs; accepted: at most {MAX_BYTES / 1e6:.0f} MB"
    profile, seconds = page.facts.get("profile"), page.facts.get("seconds", 0)
    limit = MAX_SECONDS.get(profile, 0)
    if profile == "quick" and page.facts.get("paper_protocol"):
        limit = MAX_SECONDS_PAPER
    if seconds > limit:
        yield f"took {seconds} s in the {profile} profile; accepted: at most {limit} s"


# Two pages


def twin_claims(page):
    """Twin pages make the same claims; told once, by the torch page."""
    twin = page.twin()
    if page.folder != "torch" or not twin.exists():
        return
    mine, other = ({claim["text"] for claim in page_claims(each)} for each in (page, pages.read(twin)))
    for text in sorted(mine - other):
        yield f"{pages.shown(twin)}: lacks the claim {text!r} of its twin {pages.shown(page.path)}"
    for text in sorted(other - mine):
        yield f"{pages.shown(page.path)}: lacks the claim {text!r} of its twin {pages.shown(twin)}"


STRUCTURE = (name, sections, finished, goals, budgets, collected, one_framework, claim_cells, exercises)
OUTPUTS = (fresh, stored_claims, clean_outputs, figures, size_and_time)


# Reading pages


def page_claims(page):
    """The claims a page makes, from its code: text, below, above, unit."""
    found = (read_claim(call) for cell in page.code for call in cell.calls("claims", "check"))
    return [claim for claim in found if claim]


def read_claim(call):
    """Text and thresholds of a call of claims.check, or None where they are not literals."""
    values = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg != "value"}
    values |= {"text": call.args[0]} if call.args else {}
    try:
        values = {name: ast.literal_eval(node) for name, node in values.items()}
    except ValueError:
        return None
    above, below = values["between"] if values.get("between") else (values.get("above"), values.get("below"))
    if not isinstance(values.get("text"), str) or (above is None and below is None):
        return None
    return {"text": values["text"], "below": below, "above": above, "unit": values.get("unit")}


def section_text(page, name):
    """The Markdown below a level-2 heading, that of the next sections left out."""
    prose = "\n".join(node["source"] for node in page.nb["cells"] if node["cell_type"] == "markdown")
    found = re.search(rf"(?mis)^## +[`*_]*{name}\b[^\n]*\n(.*?)(?=^## |\Z)", prose)
    return found.group(1) if found else ""


def _value_problems(claim, output):
    stored = output.get("metadata", {}).get("aetutor", {}).get("claim")
    if not stored:
        yield f"claim {claim['text']!r}: the measured value is not stored; run `make notebooks`"
        return
    if {name: stored.get(name) for name in claim} != claim:
        yield f"claim {claim['text']!r}: the stored threshold is not that of the code"
    value = stored.get("value")
    is_number = isinstance(value, int | float)
    below, above = claim["below"], claim["above"]
    inside = is_number and claims.passes(value, below, above)
    if not inside:
        yield f"claim {claim['text']!r}: the stored value {value} is not {claims.threshold(below, above)}"


def _text(output):
    """What an output shows as plain text."""
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    return "".join(text) if isinstance(text, list) else text


def _all_text(output):
    """Every textual form of an output; images are left out."""
    forms = (text for kind, text in output.get("data", {}).items() if kind.startswith("text/"))
    return "\n".join([_text(output), *map(str, forms), *output.get("traceback", [])])


def _ends_kernel(node):
    name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
    return name in ("exit", "quit", "_exit", "do_shutdown")
