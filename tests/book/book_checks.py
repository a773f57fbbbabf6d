"""Checks of the built book and of its sources. Each takes a folder and returns the problems as sentences; none is good.

They read what was built, so they also see what notebooks, the theme and the extensions put on a page. Standard library only.
"""

import ast
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Pages that Sphinx makes: no navigation leads to them.
GENERATED = {"genindex.html", "py-modindex.html", "search.html"}
# Sources that are no page: the extension, vendored scripts, what Jupyter leaves behind.
_NO_PAGE = re.compile(r"^(_|\.)")
_IMAGE_NAME = re.compile(r"\.(png|jpe?g|svg|gif|webp)$", re.IGNORECASE)
_CSS_URL = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""")
# Elements whose address the browser fetches by itself; <a href> is fetched only when somebody clicks.
_FETCHED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
# Relations of <link> that name a page or a licence and load nothing.
_UNFETCHED_LINKS = {"alternate", "author", "canonical", "index", "license", "next", "prev", "search", "help", "top", "up"}


class Page(HTMLParser):
    """What the checks need to know of one page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.ids = set()
        self.links = []
        self.resources = []
        self.images = []  # (attributes, in a figure with a caption)
        self.drawings = []  # attributes of what is drawn in the browser
        self.styles = []
        self.scripts = []
        self.redirect = None
        self._figures = []  # open figures: the images in each
        self._text_of = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        self.ids.update(attributes[name] for name in ("id", "name") if attributes.get(name) and (name == "id" or tag == "a"))
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "link" and not _UNFETCHED_LINKS.issuperset(attributes.get("rel", "").split()):
            self.resources.append(attributes.get("href", ""))
        if tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
            self.redirect = attributes.get("content", "").partition("url=")[2]
        for name in _FETCHED.get(tag, ()):
            parts = attributes.get(name, "").split(",") if name == "srcset" else [attributes.get(name, "")]
            self.resources += [part.split()[0] for part in parts if part.strip() and not part.startswith("data:")]
        if tag == "img":
            image = {"attributes": attributes, "captioned": False}
            self.images.append(image)
            for figure in self._figures:
                figure.append(image)
        if attributes.get("role") == "img" and tag in {"div", "svg", "object"}:
            self.drawings.append(attributes)
        if tag == "figure":
            self._figures.append([])
        if tag == "figcaption":
            for image in self._figures[-1] if self._figures else ():
                image["captioned"] = True
        if "style" in attributes:
            self.styles.append(attributes["style"])
        self._text_of = tag if tag in {"script", "style"} else None

    def handle_endtag(self, tag):
        self._text_of = None
        if tag == "figure" and self._figures:
            self._figures.pop()

    def handle_data(self, data):
        if self._text_of == "style":
            self.styles.append(data)
        if self._text_of == "script":
            self.scripts.append(data)


def pages(site):
    """{path relative to the site: Page} of every built page; the copies of sources and other people's files are left out."""
    site = Path(site)
    paths = sorted(path for path in site.rglob("*.html") if not path.relative_to(site).parts[0].startswith("_"))
    return {path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8")) for path in paths}


def _is_foreign(address):
    return bool(urlsplit(address).netloc)


def _resolve(site, page, path):
    """The file that a relative address on a page means, or None outside the site."""
    target = (Path(site) / page).parent / unquote(path) if not path.startswith("/") else Path(site) / unquote(path[1:])
    target = target.resolve()
    if not target.is_relative_to(Path(site).resolve()):
        return None
    return target / "index.html" if target.is_dir() else target


def broken_links(site):
    """Links and resources whose file, or whose anchor in it, does not exist."""
    built, problems = pages(site), []
    for name, page in built.items():
        addresses = page.links + page.resources + ([page.redirect] if page.redirect else [])
        for address in dict.fromkeys(addresses):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = _resolve(site, name, parts.path) if parts.path else Path(site).resolve() / name
            if target is None or not target.exists():
                problems.append(f"{name}: {address!r} leads to no file")
                continue
            other = built.get(target.relative_to(Path(site).resolve()).as_posix())
            anchor = unquote(parts.fragment)
            if anchor and other is not None and anchor not in other.ids and not other.redirect:
                problems.append(f"{name}: {address!r} names an anchor that is not there")
    return problems


def missing_alt(site):
    """Images and drawings without a description; Sphinx writes the file's name where none was given."""
    problems = []
    for name, page in pages(site).items():
        for image in page.images:
            attributes = image["attributes"]
            alt, source = attributes.get("alt", "").strip(), attributes.get("src", "")
            if attributes.get("role") == "presentation" or attributes.get("aria-hidden") == "true":
                continue
            if not alt or alt == source or _IMAGE_NAME.search(alt):
                problems.append(f"{name}: image {source[:80]!r} has no alt text")
        for drawing in page.drawings:
            if not (drawing.get("aria-label") or drawing.get("aria-labelledby")):
                problems.append(f"{name}: a drawing (class {drawing.get('class', '')!r}) has no aria-label")
    return problems


def uncaptioned(site):
    """Images of the book (files in _images) that stand outside a figure with a caption."""
    return [
        f"{name}: image {image['attributes']['src']!r} has no caption"
        for name, page in pages(site).items()
        for image in page.images
        if "_images/" in image["attributes"].get("src", "") and not image["captioned"]
    ]


def orphans(site):
    """Pages that no chain of links from index.html reaches."""
    built, site = pages(site), Path(site).resolve()
    reached, waiting = set(), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in built:
            continue
        reached.add(name)
        page = built[name]
        for address in page.links + ([page.redirect] if page.redirect else []):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            target = _resolve(site, name, parts.path)
            if target is not None:
                waiting.append(target.relative_to(site).as_posix())
    return [f"{name}: no link leads to this page" for name in sorted(built.keys() - reached - GENERATED)]


def unbuilt_sources(repository, site):
    """Pages written in book/ or notebooks/ that _toc.yml forgot: their source is there, the built page is not."""
    repository, site = Path(repository), Path(site)
    sources = [*(repository / "book").rglob("*.md"), *(repository / "notebooks").rglob("*.ipynb")]
    names = sorted(path.relative_to(repository) for path in sources)
    names = [name for name in names if not any(_NO_PAGE.match(part) for part in name.parts)]
    return [f"{name}: not in _toc.yml, so not built" for name in names if not (site / name).with_suffix(".html").exists()]


def undocumented_names(repository, site):
    """Functions and classes that a package exports and no page of the API reference shows, there or in a module below."""
    repository, site = Path(repository), Path(site)
    texts = [page.read_text(encoding="utf-8") for page in (site / "book" / "api").rglob("*.html")]
    shown = {id_.removeprefix("module-") for text in texts for id_ in Page(text).ids}
    problems = []
    for path in sorted((repository / "aetutor").rglob("*.py")):
        assigned = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.Assign)]
        exported = [node.value for node in assigned if getattr(node.targets[0], "id", None) == "__all__"]
        parts = path.relative_to(repository).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts) + "."
        for name in ast.literal_eval(exported[0]) if exported else ():
            documented = any(id_.startswith(module) and id_.endswith(f".{name}") for id_ in shown)
            if not documented and not name.isupper():  # constants need no docstring
                problems.append(f"{module}{name}: exported, and not in the API reference")
    return problems


def foreign_resources(site):
    """Scripts, styles, images and fonts that the browser would fetch from another host."""
    problems = []
    for name, page in pages(site).items():
        problems += [f"{name}: loads {address!r}" for address in page.resources if _is_foreign(address)]
        for style in page.styles:
            problems += [f"{name}: style loads {url!r}" for url in _CSS_URL.findall(style) if _is_foreign(url)]
        for script in page.scripts:
            found = re.findall(r"""["'`]((?:https?:)?//[^"'`\s]+?\.m?js)["'`]""", script)
            problems += [f"{name}: a script names {url!r}" for url in found]
    for path in sorted(Path(site).rglob("*.css")):
        urls = _CSS_URL.findall(path.read_text(encoding="utf-8", errors="replace"))
        problems += [f"{path.relative_to(site).as_posix()}: loads {url!r}" for url in urls if _is_foreign(url)]
    return problems


def malformed_links(site):
    """External links that cannot be right by their form. Nobody is asked: the tests need no network."""
    problems = []
    for name, page in pages(site).items():
        for address in dict.fromkeys(page.links):
            parts = urlsplit(address)
            if not parts.scheme and not parts.netloc:
                continue
            host = parts.hostname or ""
            web = parts.scheme in {"http", "https"} and re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host)
            mail = parts.scheme == "mailto" and "@" in parts.path
            if not (web or mail) or re.search(r"\s|[<>{}]", address) or "//" in parts.path.strip("/"):
                problems.append(f"{name}: {address!r} is not a well-formed link")
    return problems


def altered_vendored(folder):
    """Scripts of others whose bytes are not those that the README's table names, or that it does not name."""
    folder = Path(folder)
    rows = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    sums = {}
    for row in rows:
        match = re.match(r"\| `([^`]+)` .*`([0-9a-f]{64})` \|$", row)
        if match:
            sums[match[1]] = match[2]
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.js"))}
    problems = [f"{name}: named in README.md and missing" for name in sorted(sums.keys() - files.keys())]
    for name, path in files.items():
        if sums.get(name) != hashlib.sha256(path.read_bytes()).hexdigest():
            problems.append(f"{name}: its SHA-256 is not in README.md")
        if not (path.parent / "LICENSE").exists():
            problems.append(f"{name}: no LICENSE beside it")
    return problems
