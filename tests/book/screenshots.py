"""Saves a screenshot of every page, desktop and phone, light and dark: python tests/book/screenshots.py FOLDER [SITE]."""

import sys
from pathlib import Path

import browser


def main(folder, site="_build/html"):
    """One PNG a page, width and theme; the generated index pages are left out."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with browser.served(Path(site)) as url, browser.launched() as chromium:
        for width, device in ((1280, "desktop"), (390, "phone")):
            for scheme in ("light", "dark"):
                with browser.opened(chromium, width, 900, color_scheme=scheme) as visitor:
                    for name in browser.pages(site):
                        for problem in visitor.go(f"{url}/{name}"):
                            print(f"{name} ({device}, {scheme}): {problem}")
                        file = name.removesuffix(".html").replace("/", "-")
                        visitor.page.screenshot(path=folder / f"{file}-{device}-{scheme}.png", full_page=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
