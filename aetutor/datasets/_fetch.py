"""A published file on this machine: looked up, else downloaded, and always checked by SHA-256.

A download is resumed where it broke off, also at the other mirror, and takes its final name only once it is complete and
checked. A file found here that is not what it should be is never used and never deleted.
"""

import contextlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

_TIMEOUT = (10, 30)  # seconds to connect, seconds without a byte
_CHUNK = 2**16


def _pooch():
    """The library that downloads; without its remark that progress bars would like Jupyter widgets."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        import pooch
    return pooch


def fetch(dataset: str, name: str, sha256: str, mirrors: Sequence[str]) -> Path:
    """Return the path of a checked file of a data set.

    Looked up in `$AETUTOR_DATA/<dataset>/`, then in the cache (`$AETUTOR_CACHE`, by default the user's cache folder), else
    downloaded into the cache from the first mirror that gives the right bytes.

    Args:
        dataset: name of the folder.
        name: name of the file, the same here and at the mirrors.
        sha256: of the file, in hexadecimal.
        mirrors: addresses, each ending in a slash.

    Raises:
        FileNotFoundError: the file is not here and cannot or may not be downloaded; says which file to put where.
        PermissionError: the cache cannot be written.
    """
    pooch = _pooch()

    own = os.environ.get("AETUTOR_DATA")
    cache = Path(os.environ.get("AETUTOR_CACHE") or pooch.os_cache("aetutor")).expanduser()
    if own:
        path = Path(own).expanduser() / dataset / name
        if _usable(path, sha256, keep_aside=False):
            return path
    path = cache / dataset / name
    if _usable(path, sha256, keep_aside=True):
        return path

    places = f"{cache / dataset}" + (f" or {Path(own).expanduser() / dataset}" if own else ", or set AETUTOR_DATA")
    wanted = f"Put the file {name} (SHA-256 {sha256}) into {places}; it is published at {' and '.join(mirrors)}"
    if os.environ.get("AETUTOR_OFFLINE", "0") not in ("", "0"):
        raise FileNotFoundError(f"{name} of {dataset!r} is not here and AETUTOR_OFFLINE forbids the download. {wanted}")
    with _writing(cache):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _one_process(path), _writing(cache):
        if _usable(path, sha256, keep_aside=True):  # another process fetched it while this one waited
            return path
        failures = []
        for mirror in mirrors:
            try:
                return _download(mirror + name, path, sha256)
            except (_Broken, ValueError) as error:  # pooch raises ValueError for another SHA-256
                failures.append(f"{mirror}: {error}")
    raise FileNotFoundError(f"{name} of {dataset!r} could not be downloaded ({'; '.join(failures)}). {wanted}")


class _Broken(Exception):
    """The mirror did not give the whole file."""


def _download(url: str, path: Path, sha256: str) -> Path:
    """Download to `path` through pooch, which checks the SHA-256 before the file gets its name."""
    pooch = _pooch()

    part = path.with_name(path.name + ".part")
    resumed = part.exists()

    def resume(url, output_file, _pooch):
        before = -1
        while before < _size(part):  # connect again as long as each connection brings something
            before = _size(part)
            try:
                _append(url, part)
            except _Broken as error:
                broken = error
            else:
                part.replace(output_file)
                return
        raise broken

    try:
        return Path(pooch.retrieve(url, f"sha256:{sha256}", path.name, path.parent, downloader=resume))
    except ValueError:
        if not resumed:
            raise
        return _download(url, path, sha256)  # what was kept from before was wrong, and is gone by now


def _append(url: str, part: Path) -> None:
    """Add to `part` the bytes it lacks; what has arrived stays when the connection breaks."""
    import requests
    import urllib3

    # The bytes are wanted as they lie on the server: no transparent decompression, here or below (decode_content).
    start = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            if response.status_code == 416:  # nothing lies beyond `start`: the part is complete, or not ours
                return
            response.raise_for_status()
            resumes = response.status_code == 206
            if resumes and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                part.unlink()
                raise _Broken(f"asked for bytes from {start}, got {response.headers.get('Content-Range')!r}")
            expected = response.headers.get("Content-Length")
            received = 0
            with part.open("ab" if resumes else "wb") as file:
                for chunk in response.raw.stream(_CHUNK, decode_content=False):
                    file.write(chunk)
                    received += len(chunk)
                file.flush()
                os.fsync(file.fileno())
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _Broken(f"{type(error).__name__}: {error}") from error
    if expected is not None and received < int(expected):
        raise _Broken(f"the connection ended after {received:,} of {int(expected):,} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _usable(path: Path, sha256: str, *, keep_aside: bool) -> bool:
    """Whether `path` exists with the right bytes. A wrong file is renamed if it is ours, and a warning says so."""
    pooch = _pooch()

    if not path.is_file():
        return False
    found = pooch.file_hash(str(path), alg="sha256")
    if found == sha256:
        return True
    what = f"{path} is truncated or altered (SHA-256 {found}, must be {sha256}) and is not used"
    if keep_aside:
        number = 1
        while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
            number += 1
        with _writing(path.parent):
            path.rename(aside)
        what += f"; kept as {aside.name}"
    else:
        what += "; it is left where it is (AETUTOR_DATA is yours)"
    warnings.warn(f"{what}. Fetching it again.", stacklevel=2)
    return False


@contextlib.contextmanager
def _writing(cache: Path):
    """Turn an error of the file system into one that names the folder and the way out."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PermissionError(
            f"cannot write to the cache folder {cache} ({error.strerror or error}); "
            "set AETUTOR_CACHE to a folder that can be written, or AETUTOR_DATA to one that holds the files"
        ) from error


@contextlib.contextmanager
def _one_process(path: Path):
    """Let one process at a time download `path`. Where the system has no flock, two would only download twice."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # freed by the system when the process ends, however it ends
        yield
