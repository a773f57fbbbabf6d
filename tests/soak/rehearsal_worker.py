"""Executes notebooks in the folder and with the interpreter it is started with; prints each page's claims as JSON."""

import json
import sys
import time

import nbformat
from nbclient import NotebookClient

for path in sys.argv[1:]:
    start = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute(cwd=".")
    texts = [output.get("data", {}).get("text/plain", "") for cell in notebook.cells for output in cell.get("outputs", ())]
    claims = [text for text in texts if text.startswith("PASS ")]
    print(json.dumps({"page": path, "seconds": time.perf_counter() - start, "claims": claims}), flush=True)
