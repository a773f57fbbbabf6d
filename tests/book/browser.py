"""Drives Chromium through the built book with every foreign request blocked and counted."""

import contextlib
import functools
import http.server
import shutil
import threading
from pathlib import Path
from urllib.parse import urlsplit

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = 1280  # px of a window in which no formula may be cut
PATIENCE = 20_000  # ms to wait for a page's formulas and diagrams
# Formulas typeset and diagrams drawn; false while a page is still at it.
_READY = """() => {
  const formulas = [...document.querySelectorAll(".math")].every((m) => m.querySelector("mjx-container"));
  const diagrams = [...document.querySelectorAll(".diagram")].every((d) => d.querySelector("svg")?.getBBox().width > 0);
  return formulas && diagrams;
}"""

# By how many pixels the formulas that do not fit their columns exceed them.
_CUT = """() => [...document.querySelectorAll("div.math mjx-container")]
  .map((m) => m.scrollWidth - m.clientWidth).filter((pixels) => pixels > 2)"""


def chromium():
    """Path of Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def served(folder):
    """Serve a folder on 127.0.0.1; gives its address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def launched():
    """Chromium, started; one a process, since Playwright allows no second."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield instance
        finally:
            instance.close()


@contextlib.contextmanager
def opened(instance, width=1280, height=900, **options):
    """A Visitor with a window of its own, of this size."""
    context = instance.new_context(viewport={"width": width, "height": height}, **options)
    try:
        yield Visitor(context)
    finally:
        context.close()


class Visitor:
    """One window. `visit` opens a page, waits for what it draws, and gives the problems as sentences."""

    def __init__(self, context):
        self.page = context.new_page()
        self.foreign = []
        self.errors = []
        self._own = ""
        context.route("**/*", self._route)
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("websocket", lambda socket: self.foreign.append(socket.url))

    def _route(self, route):
        address = urlsplit(route.request.url)
        if address.scheme in {"data", "blob", "about"} or f"{address.scheme}://{address.netloc}" == self._own:
            route.continue_()
        else:
            self.foreign.append(route.request.url)
            route.abort()

    def go(self, url):
        """Open a page and wait until its formulas and diagrams are there; gives the problems."""
        self.foreign.clear()
        self.errors.clear()
        address = urlsplit(url)
        self._own = f"{address.scheme}://{address.netloc}"
        self.page.goto(url, wait_until="load")
        problems = []
        try:
            self.page.wait_for_function(_READY, timeout=PATIENCE)
        except Exception as error:
            problems.append(f"a formula or a diagram was not drawn ({type(error).__name__})")
        self.page.wait_for_timeout(50)  # lets late requests and errors arrive
        problems += [f"formula error: {text}" for text in self._texts("mjx-merror, [data-mjx-error]")]
        if self.page.viewport_size["width"] >= DESKTOP:  # on a phone they scroll
            problems += [f"a formula is {wide} px wider than its column" for wide in self.page.evaluate(_CUT)]
        return problems + self.problems()

    def problems(self):
        """Foreign requests and console errors since the page was opened, and a page wider than the window."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return (
            [f"foreign request: {url}" for url in self.foreign]
            + [f"console: {text}" for text in self.errors]
            + ([f"the page is {wide} px wider than the window"] if wide > 0 else [])
        )

    def _texts(self, selector):
        return [element.text_content() for element in self.page.query_selector_all(selector)]

    def count(self, selector):
        """Number of elements on the page."""
        return self.page.locator(selector).count()


def pages(site):
    """Paths of the built pages, relative to the site."""
    site = Path(site)
    paths = (path.relative_to(site) for path in site.rglob("*.html"))
    return sorted(path.as_posix() for path in paths if not path.parts[0].startswith("_"))
