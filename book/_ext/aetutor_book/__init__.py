"""Sphinx extension of the book: diagrams drawn offline, claims in a ledger and in the prose, the API reference."""

from pathlib import Path

from . import api, diagrams, ledger, measured


def _search_works_from_disk(app, pagename, templatename, context, doctree):
    """Load, on the search page only, the line that keeps search working from file://."""
    if pagename == "search":
        app.add_js_file("search-from-disk.js", priority=400)  # after documentation_options.js


def _read_all_again_after_a_warning(app, exception):
    """Sphinx repeats no warning of a page that it keeps, so that the build after a failed one would pass."""
    if app._warncount:
        (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)


def setup(app):
    """Register the directives; everything the pages load is under _static/ (see book/_vendor/README.md)."""
    for part in (api, diagrams, ledger, measured):
        part.setup(app)
    # Jupyter Book always sets the option of sphinx-comments, which this book does not use.
    app.add_config_value("comments_config", {}, "html")
    app.connect("html-page-context", _search_works_from_disk)
    app.connect("build-finished", _read_all_again_after_a_warning)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
