"""Where the book's tests find the repository and the built book."""

import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "book" / "_ext"))


@pytest.fixture(scope="session")
def repository():
    return REPOSITORY


@pytest.fixture(scope="session")
def site():
    """The folder of the built book. A missing book fails rather than skips: nothing would have been checked."""
    folder = REPOSITORY / "_build" / "html"
    if not (folder / "index.html").exists():
        pytest.fail(f"there is no built book in {folder.relative_to(REPOSITORY)}: run `make book` first")
    return folder
