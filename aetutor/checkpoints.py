"""One file format for weights and for training checkpoints: safetensors, with JSON in its header. Never a pickle.

A file is written beside its target, flushed to the disk and moved into place, so that a reader, or a run that was killed
while writing, finds either the old file or the new one, whole.

Source of the format: https://github.com/huggingface/safetensors
"""

import contextlib
import glob
import hashlib
import json
import os
import secrets
from pathlib import Path

import numpy as np

FORMAT = "aetutor-1"


def write(path, tensors: dict[str, np.ndarray], meta: dict) -> None:
    """Write tensors and JSON-serialisable `meta` to `path`, atomically."""
    from safetensors.numpy import save

    tensors = {k: np.asarray(v, order="C") for k, v in tensors.items()}
    header = {"format": FORMAT, "meta": json.dumps(meta), "sha256": digest(tensors)}
    replace(path, save(tensors, metadata=header))


def digest(tensors: dict[str, np.ndarray]) -> str:
    """SHA-256 of the tensors' names and bytes: the format itself would not notice a changed byte."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(np.ascontiguousarray(tensors[name]).tobytes())
    return found.hexdigest()


def check_writable(name: str, path) -> None:
    """Refuse a place where no file can be written, before hours are spent on what is to be written there."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise ValueError(
            f"{name}: no file can be written at {str(path)!r} ({error.strerror}); name another folder."
        ) from None


def replace(path, content: bytes) -> None:
    """Write bytes to `path` so that it holds either the old content or the new, even after a crash."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:  # not tempfile: its files are closed to everybody else
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


def sync_folder(folder) -> None:
    """Make a rename in `folder` survive a power cut, where the system allows it (not on Windows)."""
    with contextlib.suppress(OSError, AttributeError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sweep(path) -> None:
    """Remove what a killed run left beside `path`: temporary files of its own, never the file itself."""
    path = Path(path)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            left.unlink()


def read(path, *, kind: str, name: str = "path") -> tuple[dict[str, np.ndarray], dict]:
    """Tensors and meta of the file at `path`, refused with a reason unless its meta says that it is of this `kind`."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{name}: there is no file {str(path)!r}.")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise ValueError(
                    f"{name}: {str(path)!r} is a safetensors file, but not one of aetutor's "
                    f"(format {header.get('format')!r}, accepted {FORMAT!r})."
                )
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise ValueError(
            f"{name}: {str(path)!r} is no aetutor file, or was cut or altered ({error}). Nothing was changed."
        ) from None
    if header.get("sha256") != digest(tensors):
        raise ValueError(f"{name}: {str(path)!r} was altered: its tensors do not have the checksum in its header.")
    meta = json.loads(header["meta"])
    if meta.get("kind") != kind:
        raise ValueError(f"{name}: {str(path)!r} holds a {meta.get('kind')!r}; a {kind!r} is accepted here.")
    return tensors, meta


def check_same_tensors(name: str, path, found: dict, expected: dict) -> None:
    """Refuse a file whose tensors are not the model's: name the first that is missing, unknown or of another shape."""
    missing, unknown = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    wrong = [k for k in expected.keys() & found.keys() if tuple(found[k].shape) != tuple(expected[k].shape)]
    if not (missing or unknown or wrong):
        return
    reasons = []
    if missing:
        reasons.append(f"{missing[0]!r} is missing in the file")
    if unknown:
        reasons.append(f"{unknown[0]!r} is unknown to the model")
    if wrong:
        key = min(wrong)
        reasons.append(f"{key!r} is {tuple(found[key].shape)} in the file and {tuple(expected[key].shape)} in the model")
    raise ValueError(f"{name}: {str(path)!r} belongs to another model: {'; '.join(reasons)}.")
