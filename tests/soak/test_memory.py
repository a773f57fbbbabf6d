"""A memory map trains in bounded memory, its checks included, in an order shuffled across the whole file."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from soak_models import FRAMEWORKS

WORKER = Path(__file__).with_name("memory_worker.py")


def write(path, megabytes):
    """A float32 file of random rows in [0, 1]: blocks of 16 MB, each another rotation of the first."""
    block = np.random.default_rng(0).random(16 * 2**20 // 4, dtype=np.float32)
    with path.open("wb") as file:
        for i in range(megabytes // 16):
            file.write(np.roll(block, 7919 * i).tobytes())
    assert path.stat().st_size == megabytes * 2**20
    return path


def train(framework, path, width, *, warm_up):
    command = [sys.executable, WORKER, framework, path, str(width), "yes" if warm_up else "no"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    found["extra"] = found["highest"] - found["before"]
    print(
        f"\n{framework}: {found['bytes'] / 2**20:.0f} MB file, {found['extra']:.0f} MB above {found['before']:.0f} MB", found
    )
    return found


def assert_shuffled_across_the_file(found):
    """Every row was read, every batch reaches from the file's first tenth to its last, and neighbours are rare."""
    assert found["never read"] == 0
    assert found["full batches"] >= found["rows"] // 256
    assert found["greatest minimum"] < 0.1 and found["least maximum"] > 0.9
    assert found["neighbours"] < 0.01
    assert found["checked"] >= found["rows"]  # the input checks went over the whole file as well
    assert found["samples"] >= found["seconds"] / 0.02 / 10  # and the memory was looked at all the time


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_file_of_256_mb(framework, tmp_path):
    path = write(tmp_path / "x.f32", 256)
    found = train(framework, path, 4096, warm_up=True)
    path.unlink()
    assert found["extra"] < 100  # a copy in memory would take 256
    assert_shuffled_across_the_file(found)


@pytest.mark.soak
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_file_of_4_gb(framework, tmp_path):
    path = write(tmp_path / "x.f32", 4096)
    try:
        found = train(framework, path, 4096, warm_up=False)
    finally:
        path.unlink()
    assert found["extra"] < 600
    assert_shuffled_across_the_file(found)
