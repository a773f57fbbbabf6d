"""Two processes under torchrun (gloo) train as one does: a stochastic class and a last batch of one sample included."""

import json
import subprocess
import sys

import processes_worker
import pytest

from aetutor import checkpoints


def run(folder, epochs, *, processes):
    """Histories that each rank recorded; a single process is this one."""
    folder.mkdir()
    if processes == 1:
        processes_worker.train(folder, epochs, rank=0)
    else:
        command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        worker = [processes_worker.__file__, folder, str(epochs)]
        finished = subprocess.run([sys.executable, *command, *worker], capture_output=True, text=True)
        assert finished.returncode == 0, finished.stderr
    return [json.loads((folder / f"histories {rank}.json").read_text()) for rank in range(processes)]


def compare(tmp_path, epochs, *, processes=2):
    """Largest relative difference of a recorded value between one process and several."""
    alone = run(tmp_path / "alone", epochs, processes=1)[0]
    together = run(tmp_path / "together", epochs, processes=processes)
    worst = 0.0
    for name, history in alone.items():
        assert len(history) == epochs or name == "stochastic toy"  # which may stop early, with the best weights restored
        files = [tmp_path / "together" / f"{name} {rank}.safetensors" for rank in range(processes)]
        first, *others = (checkpoints.read(f, kind="model")[0] for f in files)
        assert all(first[k].tobytes() == other[k].tobytes() for other in others for k in first), name
        for ranks_history in together:
            assert ranks_history[name] == together[0][name]  # every process knows the same
            for one, several in zip(history, ranks_history[name], strict=True):
                assert one.keys() == several.keys()
                assert "val_loss" in one
                differences = {k: abs(one[k] - several[k]) / max(abs(one[k]), 1e-12) for k in one}
                assert max(differences.values()) <= 1e-4, (name, one["epoch"], differences)
                worst = max(worst, *differences.values())
    print(f"\n{processes} processes, {epochs} epochs, {', '.join(alone)}: largest relative difference {worst:.1e}")
    assert worst > 0 or processes == 1  # the sums were taken in another order, or nothing was distributed
    return worst


def test_two_processes(tmp_path):
    compare(tmp_path, epochs=3)


@pytest.mark.soak
def test_two_processes_for_long(tmp_path):
    compare(tmp_path, epochs=40)


@pytest.mark.soak
def test_three_processes(tmp_path):
    """More processes than the last batch has samples, twice over."""
    compare(tmp_path, epochs=10, processes=3)
