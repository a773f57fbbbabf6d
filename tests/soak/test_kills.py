"""A run that is killed at any instant, `kill -9`, goes on from its checkpoint and ends at the same bytes."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from soak_models import FRAMEWORKS

from aetutor import checkpoints

WORKER = Path(__file__).with_name("train_worker.py")


class Runs:
    """Runs of one worker: the same model, data and arguments, each in a folder of its own."""

    def __init__(self, framework, tmp_path, *, epochs, hidden):
        self.arguments, self.tmp_path = (framework, epochs, hidden), tmp_path

    def start(self, folder):
        framework, epochs, hidden = map(str, self.arguments)
        folder.mkdir(exist_ok=True)
        command = [sys.executable, WORKER, framework, folder, epochs, hidden]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(self, folder):
        """Run to the end; returns what was printed."""
        with self.start(folder) as process:
            printed = process.communicate(timeout=300)[0]
        assert process.returncode == 0, printed
        return printed

    def wait_for_checkpoint(self, folder, process):
        while not (folder / "run.safetensors").exists():
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.002)

    def uninterrupted(self):
        """Folder of a run that nobody killed, and the seconds between its first and its last checkpoint."""
        folder = self.tmp_path / "whole"
        with self.start(folder) as process:
            self.wait_for_checkpoint(folder, process)
            first = time.monotonic()
            last = first
            inode = None
            while process.poll() is None:
                now = (folder / "run.safetensors").stat().st_ino
                if now != inode:
                    inode, last = now, time.monotonic()
                time.sleep(0.002)
            printed = process.communicate()[0]
        assert process.returncode == 0, printed
        assert "there is no checkpoint at" in printed and "training starts from zero" in printed
        return folder, last - first

    def kill(self, folder, delay, *, after_epoch=0):
        """Kill a run `delay` seconds after its next checkpoint; returns whether a write was cut short."""
        path = folder / "run.safetensors"
        before = path.stat().st_ino if path.exists() else None
        with self.start(folder) as process:
            while not path.exists() or path.stat().st_ino == before:
                assert process.poll() is None, "the run ended before it could be killed: " + process.communicate()[0]
                time.sleep(0.002)
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.wait()
        return process.returncode == -signal.SIGKILL, bool(list(folder.glob(".run.safetensors.*.tmp")))


def done(printed):
    """Number of epochs that a resumed run found finished."""
    found = re.search(r"resume: (\d+) of \d+ epochs are done", printed)
    return int(found[1]) if found else 0


def assert_same_end(folder, whole):
    given, expected = (checkpoints.read(f / "model.safetensors", kind="model")[0] for f in (folder, whole))
    assert given.keys() == expected.keys()
    assert all(given[name].tobytes() == expected[name].tobytes() for name in expected)
    histories = [json.loads((f / "history.json").read_text()) for f in (folder, whole)]
    assert histories[0] == histories[1]
    assert not list(folder.glob("*.tmp")) and not list(folder.glob(".*.tmp")), "leftovers of a killed write"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_run_killed_three_times_ends_at_the_same_bytes(framework, tmp_path):
    """The small version: one run, killed after its first checkpoint and after each resumption."""
    runs = Runs(framework, tmp_path, epochs=12, hidden=1024)
    whole, seconds = runs.uninterrupted()
    folder, found = tmp_path / "killed", []
    for share in (0.0, 0.15, 0.3):
        killed, _ = runs.kill(folder, share * seconds)
        assert killed
        (folder / ".run.safetensors.0a1b2c3d.tmp").write_bytes(b"half a file")  # as a kill inside a write leaves it
    found = done(runs.finish(folder))
    assert 3 <= found < 12
    assert_same_end(folder, whole)


@pytest.mark.soak
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_twenty_kills(framework, tmp_path):
    """Kills spread evenly from the first to the last checkpoint; each run is resumed and compared with the whole one."""
    runs = Runs(framework, tmp_path, epochs=20, hidden=6000)
    whole, seconds = runs.uninterrupted()
    epochs, cut_writes, killed_runs = [], 0, 0
    for i in range(20):
        folder = tmp_path / f"kill {i}"
        killed, cut = runs.kill(folder, seconds * i / 20)
        epochs.append(done(runs.finish(folder)))
        assert_same_end(folder, whole)
        shutil.rmtree(folder)
        killed_runs, cut_writes = killed_runs + killed, cut_writes + cut
    megabytes = (whole / "run.safetensors").stat().st_size / 1e6
    print(
        f"\n{framework}: {killed_runs} of 20 runs killed over {seconds:.1f} s, checkpoint {megabytes:.0f} MB, "
        f"{cut_writes} inside a write; resumed from epochs {epochs}; every run ended at the same bytes"
    )
    assert killed_runs >= 18
    assert sum(epoch >= 1 for epoch in epochs) >= 15
    assert len(set(epochs)) >= 8
    assert cut_writes >= 2
