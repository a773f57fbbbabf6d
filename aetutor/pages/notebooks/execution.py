"""Execute pages and store what they print: only what is stale, in one atomic step, and never a page that failed."""

import ast
import json
import os
import re
import time

from .. import runs
from . import figures, hashes, stamping
from . import page as pages

CELL_SECONDS = 1800  # no page is allowed to take this long in either profile; a hanging cell ends here
# What TensorFlow writes to stderr when it is imported, before its own switch for such lines takes effect.
STARTUP_LINES = re.compile(r"(?m)^(WARNING: All log messages before absl|[IW]0000 00:00:).*$")
FACTS_CELL = "import json\nfrom aetutor.pages import runs\nprint(json.dumps(runs.facts()))"


class PageFailed(Exception):
    """A page did not run from top to bottom; the message holds the cell and its traceback."""


def execute(path, profile=None, *, force=False):
    """Execute a page if it is stale and store its outputs; returns what was done, in words.

    The profile is the given one, else AETUTOR_PROFILE, else full; pages whose metadata say `needs_gpu` run quick where no
    GPU is visible.
    """
    page = pages.read(path)
    explicit = profile or os.environ.get("AETUTOR_PROFILE")
    profile = explicit or ("quick" if page.facts.get("needs_gpu") and not runs.gpu() else "full")
    reason = "forced" if force else stale(page, explicit)
    if not reason:
        return "up to date"
    marks = {name: page.facts[name] for name in ("needs_gpu", "paper_protocol") if name in page.facts}
    code_hash, source_hash = hashes.code_hash(page), hashes.source_hash(page)
    start = time.perf_counter()
    facts = run(page, {"AETUTOR_PROFILE": profile})
    facts["dataset"] = facts["dataset"] or _loaded(page)
    facts |= {"seconds": max(1, round(time.perf_counter() - start)), "code_hash": code_hash, "source_hash": source_hash}
    clean(page.nb)
    page.nb["metadata"]["aetutor"] = marks | facts
    stamping.stamp_page(page)
    pages.write(page)
    figures.export(page.nb)
    return f"executed ({reason}), {facts['profile']} profile, {facts['seconds']} s"


def stale(page, profile=None):
    """Why a page must be executed again, or None."""
    facts = page.facts
    if "code_hash" not in facts:
        return "never executed"
    if facts["code_hash"] != hashes.code_hash(page):
        return "its code changed"
    if facts["source_hash"] != hashes.source_hash(page):
        return "the sources of aetutor changed"
    if profile and facts["profile"] != profile:
        return f"stored outputs come from the {facts['profile']} profile"
    return None


def stale_sources(paths):
    """A line for each page that ran with other sources of aetutor than today's: worth a `make notebooks`, not an error."""
    found = [pages.read(path) for path in paths]
    old = [page for page in found if page.facts.get("source_hash", "") != hashes.source_hash(page)]
    return [
        f"{pages.shown(page.path)}: ran with other sources of aetutor; `make notebooks` executes it again" for page in old
    ]


def run(page, environment):
    """Run a page's cells in a new kernel of this Python, in the page's folder: outputs go into page.nb, facts come back."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    quiet = {"AETUTOR_QUIET": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONHASHSEED": "0"}
    nb = page.nb
    for cell in page.code:
        cell.node.update(outputs=[], execution_count=None)
    nb["cells"].append(nbformat.v4.new_code_cell(FACTS_CELL))
    client = NotebookClient(
        nb,
        timeout=CELL_SECONDS,
        record_timing=False,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=40"],  # errors only: what the kernel logs is not the page's output
        kernel_manager_class=_kernel_of_this_python(),
        resources={"metadata": {"path": str(page.path.parent)}},
    )
    try:
        client.execute(env=os.environ | quiet | environment)
    except CellExecutionError as error:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # the kernel's traceback is coloured
        raise PageFailed(f"{_where(nb)}\n{plain}") from None
    except CellTimeoutError:
        raise PageFailed(f"{_where(nb)}\ntook longer than {CELL_SECONDS} s") from None
    except DeadKernelError:
        raise PageFailed(f"{_where(nb)}\nthe kernel died: out of memory?") from None
    facts = nb["cells"].pop()
    return json.loads("".join(output["text"] for output in facts["outputs"] if output.get("name") == "stdout"))


def clean(nb):
    """Remove what changes from run to run or machine to machine, and join the pieces in which streams arrive."""
    nb["metadata"]["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nb["metadata"]["language_info"] = {"name": "python"}
    for key in ("widgets", "signature"):
        nb["metadata"].pop(key, None)
    for cell in nb["cells"]:
        for key in ("execution", "collapsed", "scrolled", "ExecuteTime"):
            cell["metadata"].pop(key, None)
        if cell["cell_type"] != "code":
            continue
        joined = []
        for output in cell["outputs"]:
            if output.get("name") == "stderr" and not STARTUP_LINES.sub("", output["text"]).strip():
                continue
            last = joined[-1] if joined else {}
            if output["output_type"] == "stream" and last.get("name") == output["name"]:
                last["text"] += output["text"]
            else:
                joined.append(output)
        cell["outputs"] = joined


def _loaded(page):
    """The data set that the page loads by a literal name, or None."""
    names = [call.args[0] for cell in page.code for call in cell.calls("datasets", "load") if call.args]
    return next((name.value for name in names if isinstance(name, ast.Constant)), None)


def _kernel_of_this_python():
    """A kernel manager that starts the Python this tool runs in, whatever kernels are registered on the machine."""
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec

    class ThisPython(AsyncKernelManager):
        @property
        def kernel_spec(self):
            return KernelSpec(**get_kernel_dict())

    return ThisPython


def _where(nb):
    """The cell in which a page stopped: the last one that started."""
    started = [index for index, cell in enumerate(nb["cells"]) if cell["cell_type"] == "code" and cell["execution_count"]]
    return f"failed in cell {started[-1] if started else 0}; the stored page is unchanged"
