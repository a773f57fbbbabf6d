"""What a run of a page is: its profile, seed, threads and device, set from outside through the environment.

    run = runs.start()                                                       # prints one line; run.profile, run.seed
    cfg = runs.pick(quick=dict(epochs=20), full=dict(epochs=60))             # cfg.epochs

AETUTOR_PROFILE is `quick` (at most a minute on two cores) or `full`; by default full where a GPU is visible, else quick.
AETUTOR_SEED is a whole number, by default 0. OMP_NUM_THREADS pins threads; it must be set before the kernel starts.
"""

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, make_dataclass

PROFILES = ("quick", "full")
_picked = {}  # what the page's last `pick` gave: the stored page says which data set it ran on


@dataclass(frozen=True)
class Run:
    """Profile and seed of this run."""

    profile: str
    seed: int


def start():
    """Read profile and seed, print the report line, and return both as a `Run`."""
    run = Run(profile(), seed())
    print(report())
    return run


def profile():
    """`quick` or `full`: AETUTOR_PROFILE, else full where a GPU is visible."""
    name = os.environ.get("AETUTOR_PROFILE") or ("full" if gpu() else "quick")
    if name not in PROFILES:
        raise ValueError(f"AETUTOR_PROFILE: got {name!r}; accepted: {' or '.join(PROFILES)}")
    return name


def seed():
    """The run's seed: AETUTOR_SEED, else 0."""
    text = os.environ.get("AETUTOR_SEED") or "0"
    if not text.isdecimal():
        raise ValueError(f"AETUTOR_SEED: got {text!r}; accepted: a whole number >= 0")
    return int(text)


def pick(*, quick, full):
    """The sizes of this run's profile as a frozen namespace; both profiles must set the same names."""
    if set(quick) != set(full):
        odd = sorted(set(quick) ^ set(full))
        raise ValueError(f"quick, full: {', '.join(odd)} set in one profile only; accepted: the same names in both")
    chosen = dict(quick if profile() == "quick" else full)
    _picked.clear()
    _picked.update(chosen)
    return make_dataclass("Config", chosen, frozen=True)(**chosen)


def report():
    """One line about this run, e.g. `quick profile, seed 0, 2 CPU cores, 1 thread`."""
    return f"{profile()} profile, seed {seed()}, {device()}"


def device():
    """The GPU's name, or the number of CPU cores and the threads that OMP_NUM_THREADS pins."""
    if gpu():
        return gpu()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = os.environ.get("OMP_NUM_THREADS")
    pinned = f"{_count(int(threads), 'thread')}" if threads and threads.isdecimal() else "threads not pinned"
    return f"{_count(cores, 'CPU core')}, {pinned}"


def gpu():
    """Name of the first visible GPU, or None; asks torch where it is already loaded, else the driver."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return None
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "cuda"):
        return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return _driver_gpu()


@functools.cache
def _driver_gpu():
    if shutil.which("nvidia-smi") is None:
        return None
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (answer.stdout.strip().splitlines() or [None])[0] if answer.returncode == 0 else None


def facts():
    """What the stored page records about its run: profile, device, data set, and versions of the libraries it loaded."""
    libraries = ("aetutor", "numpy", "sklearn", "torch", "accelerate", "keras", "tensorflow", "jax", "matplotlib")
    versions = {"python": ".".join(map(str, sys.version_info[:3]))}
    versions |= {name: sys.modules[name].__version__ for name in libraries if hasattr(sys.modules.get(name), "__version__")}
    return {"profile": profile(), "device": device(), "dataset": _picked.get("data"), "versions": versions}


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
