"""The built book in Chromium, over http and from disk, with the network blocked."""

import contextlib

import browser
import pytest

pytest.importorskip("playwright", reason="the extra `test` is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser.chromium() is None, reason="no Chromium on this machine: the browser tests did not run"),
]
MODES = ["http", "file"]


@contextlib.contextmanager
def address(folder, mode):
    """The address of a folder's pages, over http or from disk."""
    if mode == "http":
        with browser.served(folder) as url:
            yield url
    else:
        yield folder.resolve().as_uri()


@pytest.fixture(scope="module")
def chromium():
    with browser.launched() as instance:
        yield instance


@pytest.fixture(scope="module", params=MODES)
def book(request, site, chromium):
    """(visitor, address of the book) in each mode."""
    with address(site, request.param) as url, browser.opened(chromium) as visitor:
        yield visitor, url


#: How the pages are opened, each mode in a window of its own: (mode, width, height, theme).
WINDOWS = [("http", 1280, 900, "light"), ("file", 390, 844, "dark")]


@pytest.mark.book
@pytest.mark.parametrize(("mode", "width", "height", "scheme"), WINDOWS, ids=["desktop over http", "phone from disk"])
def test_every_page_is_drawn_without_errors_or_foreign_requests(site, chromium, mode, width, height, scheme):
    problems, formulas, diagrams = [], 0, 0
    with address(site, mode) as url, browser.opened(chromium, width, height, color_scheme=scheme) as visitor:
        for name in browser.pages(site):
            problems += [f"{name}: {problem}" for problem in visitor.go(f"{url}/{name}")]
            formulas += visitor.count("mjx-container svg")
            diagrams += visitor.count(".diagram svg")
    assert problems == []
    assert formulas > 0
    assert diagrams > 0


@pytest.mark.book
def test_tabs_switch(book):
    visitor, url = book
    visitor.go(f"{url}/book/how-to-use.html")
    tabs = visitor.page.locator(".sd-tab-set").first
    first, second = tabs.locator("> .sd-tab-content").nth(0), tabs.locator("> .sd-tab-content").nth(1)
    assert (first.is_visible(), second.is_visible()) == (True, False)
    tabs.locator("> label").nth(1).click()
    assert (first.is_visible(), second.is_visible()) == (False, True)
    assert visitor.problems() == []


@pytest.mark.book
def test_search_finds_autoencoder(book):
    visitor, url = book
    visitor.go(f"{url}/book/intro.html")
    visitor.page.locator("button.search-button__button:visible").first.click()
    visitor.page.keyboard.type("autoencoder")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/search.html?q=autoencoder*")
    visitor.page.locator("#search-results li a").first.wait_for()
    visitor.page.wait_for_timeout(500)  # the extracts are fetched one by one
    found = visitor.page.locator("#search-results li a").evaluate_all("links => links.map((link) => link.href)")
    assert any("what-is-an-autoencoder" in link for link in found), found
    assert visitor.problems() == []


@pytest.mark.book
def test_diagram_follows_the_theme(book):
    visitor, url = book
    visitor.go(f"{url}/book/principles/what-is-an-autoencoder.html")
    shape = "document.querySelector('.diagram .node rect, .diagram .node path, .diagram .node polygon')"
    before = visitor.page.evaluate(f"getComputedStyle({shape}).fill")
    other = "light" if visitor.page.evaluate("document.documentElement.dataset.theme") == "dark" else "dark"
    visitor.page.evaluate(f"document.documentElement.dataset.theme = '{other}'")
    visitor.page.wait_for_function(f"getComputedStyle({shape}).fill !== '{before}'", timeout=5_000)


BROKEN = {
    "image": ('<img src="https://example.org/x.png" alt="x">', "foreign request: https://example.org/x.png"),
    "script": ('<script src="https://example.org/x.js"></script>', "foreign request: https://example.org/x.js"),
    "fetch": (
        '<script>fetch("https://example.org/data").catch(() => {})</script>',
        "foreign request: https://example.org/data",
    ),
    "error": ("<script>undefinedFunction()</script>", "undefinedFunction is not defined"),
    "wide": ('<div style="width: 3000px">x</div>', "wider than the window"),
    "cut formula": (
        '<div class="math"><mjx-container style="display: block; overflow: auto; width: 100px">'
        '<div style="width: 300px">x^2</div></mjx-container></div>',
        "200 px wider than its column",
    ),
    "formula": ('<div class="math">x^2</div>', "was not drawn"),
    "diagram": ('<div class="diagram"><pre>a --> b</pre></div>', "was not drawn"),
}


@pytest.mark.parametrize("mode", MODES)
def test_broken_pages_are_caught(tmp_path, chromium, mode, monkeypatch):
    (tmp_path / "good.html").write_text("<!doctype html><link rel='icon' href='data:,'><p>good</p>")
    for name, (html, _) in BROKEN.items():
        (tmp_path / f"{name}.html").write_text(f"<!doctype html><link rel='icon' href='data:,'>{html}")
    with address(tmp_path, mode) as url, browser.opened(chromium) as visitor:
        visitor.page.set_default_timeout(5_000)
        monkeypatch.setattr(browser, "PATIENCE", 500)
        assert visitor.go(f"{url}/good.html") == []
        for name, (_, sentence) in BROKEN.items():
            problems = visitor.go(f"{url}/{name}.html")
            assert any(sentence in problem for problem in problems), (name, problems)
