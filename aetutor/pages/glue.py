"""Numbers and figures that prose refers to, on this page or another.

    glue("sse_pca", 13.4)         # in a code cell
    {glue:text}`sse_pca:.1f`      # in the prose: the number that this run measured
    glue("intro", figure, shown=True)
                                  # `make notebooks` also writes book/_static/intro.png

The value goes into the cell's stored output in the form that MyST-NB reads, so the book needs no kernel and the kernel
needs no MyST-NB.

Source of the form: https://myst-nb.readthedocs.io/en/latest/render/glue.html
"""

_HIDDEN = "application/papermill.record/"


def glue(name: str, value, *, shown: bool = False) -> None:
    """Store `value` under `name` in the cell's output.

    Args:
        name: as the prose calls it; unique in the book.
        value: a number, a text or a figure.
        shown: whether the cell shows it too.
    """
    if not isinstance(name, str) or not name.replace("_", "").isalnum():
        raise ValueError(f"name: got {name!r}; accepted: letters, digits and underscores")
    try:
        from IPython import get_ipython
        from IPython.core.formatters import format_display_data
        from IPython.display import display
    except ModuleNotFoundError:
        return
    if get_ipython() is None:  # a plain script has no output to store it in
        return
    value = value.item() if getattr(value, "shape", None) == () else value
    prefix = "" if shown else _HIDDEN
    data, metadata = value.mimebundle() if hasattr(value, "mimebundle") else format_display_data(value)
    metadata["scrapbook"] = {"name": name, "mime_prefix": prefix}
    display({prefix + kind: content for kind, content in data.items()}, raw=True, metadata=metadata)
    if hasattr(value, "savefig"):
        import matplotlib.pyplot as plt

        plt.close(value)  # or the notebook would show it once more
