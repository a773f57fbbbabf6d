"""What all tests share: tests/ on the path, so that any of them can import tests/cases.py, and ids that never change."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(items):
    """Refuse ids made of bytes or addresses: they may differ between parallel workers, which then run nothing."""
    for item in items:
        if "\\x" in item.nodeid or " object at 0x" in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid}: give this case a name, with pytest.param(..., id=...).")
