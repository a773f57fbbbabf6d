"""Show the package's own code on a page: what the reader sees is what runs."""

import ast
import inspect
import textwrap

from . import claims


def show(obj, *, docstring=True):
    """Show the source of a class or function, highlighted, under the name of its file.

    Args:
        obj: a class, function or method that is written in Python.
        docstring: False leaves out obj's own docstring (the page has told it already).
    """
    code = text(obj, docstring=docstring)
    if not claims.in_ipython():
        print(code)
        return
    from IPython.display import display

    # Markdown and not HTML: the book, JupyterLab, Colab and hosting sites highlight it in their own light or dark theme.
    display({"text/plain": code, "text/markdown": f"```python\n{code}```"}, raw=True)


def text(obj, *, docstring=True):
    """The source of a class or function, dedented, below a comment that names its file."""
    try:
        code = textwrap.dedent(inspect.getsource(obj))
    except (TypeError, OSError):
        raise TypeError(f"obj: got {obj!r}; accepted: a class or function written in Python") from None
    if not docstring:
        code = _without_docstring(code)
    module = inspect.getmodule(obj)
    path = module.__name__.replace(".", "/")
    is_package = hasattr(module, "__path__")
    return f"# {path}/__init__.py\n{code}" if is_package else f"# {path}.py\n{code}"


def _without_docstring(code):
    body = ast.parse(code).body[0].body
    first = body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str)
    if not is_docstring or len(body) == 1:  # a body of nothing but its docstring keeps it
        return code
    lines = code.splitlines(keepends=True)
    end = first.end_lineno
    while end < len(lines) and not lines[end].strip():
        end += 1  # blank lines below the docstring go with it
    return "".join(lines[: first.lineno - 1] + lines[end:])
