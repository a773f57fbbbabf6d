"""What all tests share: tests/ on the path, so that any of them can import tests/cases.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
