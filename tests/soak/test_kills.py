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

    def __init__(self, framework, tmp_path, *, epochs, hidden, slowness):
        self.arguments, self.tmp_path = (framework, epochs, hidden, slowness), tmp_path

    def start(self, folder):
        framework, *numbers = map(str, self.arguments)
        folder.mkdir(exist_ok=True)
        command = [sys.executable, WORKER, framework, folder, *numbers]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(self, folder):
        """Run to the end; returns what was printed."""
        with self.start(folder) as process:
            printed = process.communicate(timeout=300)[0]
        assert process.returncode == 0, printed
        return printed

    def uninterrupted(self):
        """Folder of a run that nobody killed."""
        printed = self.finish(self.tmp_path / "whole")
        assert "there is no checkpoint at" in printed and "training starts from zero" in printed
        return self.tmp_path / "whole"

    def kill(self, folder, *, checkpoints, share=None):
        """Kill a run after it has written so many checkpoints; returns whether a write was cut short.

        The instant is counted in epochs rather than in seconds, so that it does not depend on how busy the machine is: a
        `share` of an epoch later, or, without one, as soon as the next write has begun.
        """
        path, last = folder / "run.safetensors", None
        with self.start(folder) as process:

            def wait_for(event):
                while not event():
                    assert process.poll() is None, "the run ended before it could be killed: " + process.communicate()[0]
                    time.sleep(0.001)

            def written_anew():
                return path.exists() and stamp(path) != last

            last = stamp(path) if path.exists() else None
            begin, duration = time.monotonic(), 0.0
            for _ in range(checkpoints):
                wait_for(written_anew)
                last, duration, begin = stamp(path), time.monotonic() - begin, time.monotonic()
            if share is None:
                wait_for(lambda: leftovers(folder))
            elif checkpoints > 1:  # before, the time that it took to start would be taken for an epoch
                time.sleep(share * duration)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert process.returncode == -signal.SIGKILL, "the run ended before it could be killed"
        return bool(leftovers(folder))


def stamp(path):
    """Changes whenever the file is replaced."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def leftovers(folder):
    """Temporary files of a write under way, or of one that was cut short."""
    return list(folder.glob(".run.safetensors.*.tmp"))


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
    assert not leftovers(folder), "leftovers of a killed write"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_run_killed_three_times_ends_at_the_same_bytes(framework, tmp_path):
    """The small version: one run, killed in its first epochs, after each resumption, and inside a write."""
    runs = Runs(framework, tmp_path, epochs=9, hidden=128, slowness=0.2)
    whole, folder = runs.uninterrupted(), tmp_path / "killed"
    runs.kill(folder, checkpoints=1, share=0)
    runs.kill(folder, checkpoints=2, share=0.5)
    assert runs.kill(folder, checkpoints=1), "the kill missed the write"
    assert 4 <= done(runs.finish(folder)) < 9
    assert_same_end(folder, whole)


@pytest.mark.soak
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_twenty_kills(framework, tmp_path):
    """Kills spread evenly from the first to the last checkpoint, every fourth inside a write; each run is resumed."""
    runs = Runs(framework, tmp_path, epochs=20, hidden=6000, slowness=0.05)
    whole = runs.uninterrupted()
    megabytes = (whole / "run.safetensors").stat().st_size / 1e6
    epochs, cut_writes = [], 0
    for i in range(20):
        folder = tmp_path / f"kill {i}"
        share = None if i % 4 == 3 else 0.618 * i % 1
        cut_writes += runs.kill(folder, checkpoints=1 + 18 * i // 20, share=share)
        epochs.append(done(runs.finish(folder)))
        assert_same_end(folder, whole)
        shutil.rmtree(folder)
    print(
        f"\n{framework}: 20 of 20 runs killed, checkpoint {megabytes:.0f} MB, {cut_writes} inside a write; "
        f"resumed from epochs {epochs}; every run ended at the same bytes"
    )
    assert sum(epoch >= 1 for epoch in epochs) >= 15
    assert len(set(epochs)) >= 10
    assert cut_writes >= 2
