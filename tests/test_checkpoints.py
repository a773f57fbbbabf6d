"""The file format: atomic, no pickle, and refused with a reason when it is not what is wanted."""

import json
import os
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

from aetutor import checkpoints

TENSORS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "scalar": np.float32(2.5), "n": np.array([1, 2], np.int64)}
META = {"kind": "model", "nested": {"list": [1, "two", None]}}


def test_round_trip(tmp_path):
    path = tmp_path / "new folder" / "file.safetensors"
    checkpoints.write(path, TENSORS, META)
    tensors, meta = checkpoints.read(path, kind="model")
    assert meta == META
    assert tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert tensors[name].dtype == value.dtype and np.array_equal(tensors[name], value)
        tensors[name] += 1  # and is ours to change


def test_a_transposed_tensor_is_stored_as_it_looks(tmp_path):
    value = np.arange(6.0).reshape(2, 3).T
    checkpoints.write(tmp_path / "f", {"t": value}, META)
    assert np.array_equal(checkpoints.read(tmp_path / "f", kind="model")[0]["t"], value)


def test_other_people_may_read_the_file(tmp_path):
    path = tmp_path / "file.safetensors"
    old = os.umask(0o022)
    try:
        checkpoints.write(path, TENSORS, META)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file.safetensors"
    checkpoints.write(path, TENSORS, META)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("no space left")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match="no space left"):
                checkpoints.write(path, {"a": np.zeros(3)}, META)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_half_a_file(tmp_path):
    """One process rewrites the file without pause; every read in another gives one of the two versions, whole."""
    path = tmp_path / "file.safetensors"
    checkpoints.write(path, {"a": np.full(200_000, 0.0)}, META)
    code = (
        "import sys, numpy as np; from aetutor import checkpoints\n"
        "i = 0\n"
        "while True:\n"
        "    i += 1; checkpoints.write(sys.argv[1], {'a': np.full(200_000, float(i))}, {'kind': 'model'})\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)]) as writer:
        try:
            seen, end = set(), time.monotonic() + 30
            while len(seen) < 20 and time.monotonic() < end:
                values = checkpoints.read(path, kind="model")[0]["a"]
                assert (values == values[0]).all()
                seen.add(float(values[0]))
        finally:
            writer.kill()
    assert len(seen) >= 20


def test_sweep_removes_leftovers_of_this_file_only(tmp_path):
    path = tmp_path / "run[1].safetensors"  # a name that a glob would read as a pattern
    keep = [path, tmp_path / ".other.safetensors.0a1b2c3d.tmp", tmp_path / "notes.tmp"]
    gone = [tmp_path / ".run[1].safetensors.0a1b2c3d.tmp", tmp_path / ".run[1].safetensors.x.tmp"]
    for file in keep + gone:
        file.write_bytes(b"")
    checkpoints.sweep(path)
    assert sorted(tmp_path.iterdir()) == sorted(keep)


def altered(path, how):
    content = bytearray(path.read_bytes())
    if how == "cut":
        del content[-5:]
    elif how == "empty":
        content.clear()
    elif how == "text":
        content[:] = b"this is no tensor file, only a sentence"
    elif how == "header":
        content[8:20] = b"#" * 12
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("how", ["cut", "empty", "text", "header"])
def test_a_cut_or_altered_file_is_refused(tmp_path, how):
    path = tmp_path / "file.safetensors"
    checkpoints.write(path, TENSORS, META)
    altered(path, how)
    with pytest.raises(ValueError, match=r"^resume: '.*file\.safetensors' is no aetutor file, or was cut or altered"):
        checkpoints.read(path, kind="model", name="resume")


def test_other_files_are_refused(tmp_path):
    from safetensors.numpy import save_file

    with pytest.raises(FileNotFoundError, match=r"^path: there is no file '.*missing'"):
        checkpoints.read(tmp_path / "missing", kind="model")
    with pytest.raises(FileNotFoundError, match=r"^path: there is no file"):
        checkpoints.read(tmp_path, kind="model")
    save_file({"a": np.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(ValueError, match=r"not one of aetutor's \(format None, accepted 'aetutor-1'\)"):
        checkpoints.read(tmp_path / "foreign.safetensors", kind="model")
    checkpoints.write(tmp_path / "run.safetensors", TENSORS, {"kind": "training checkpoint"})
    with pytest.raises(ValueError, match=r"holds a 'training checkpoint'; a 'model' is accepted here"):
        checkpoints.read(tmp_path / "run.safetensors", kind="model")


def test_check_same_tensors_names_the_first_difference():
    a, b = np.zeros(2), np.zeros(3)
    checkpoints.check_same_tensors("path", "f", {"a": a}, {"a": a})
    for found, expected, reason in [
        ({}, {"a": a}, "'a' is missing in the file"),
        ({"a": a, "b": b}, {"a": a}, "'b' is unknown to the model"),
        ({"a": a}, {"a": b}, r"'a' is \(2,\) in the file and \(3,\) in the model"),
    ]:
        with pytest.raises(ValueError, match=rf"^path: 'f' belongs to another model: {reason}"):
            checkpoints.check_same_tensors("path", "f", found, expected)


def test_the_header_is_json_and_no_pickle_is_inside(tmp_path):
    path = tmp_path / "file.safetensors"
    checkpoints.write(path, TENSORS, META)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert json.loads(header["__metadata__"]["meta"]) == META
    assert len(content) == 8 + length + sum(t.nbytes for t in TENSORS.values())


def test_an_altered_byte_is_found(tmp_path):
    path = tmp_path / "a.safetensors"
    checkpoints.write(path, {"w": np.arange(4, dtype=np.float32)}, {"kind": "model"})
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"path: .* was altered"):
        checkpoints.read(path, kind="model")


def test_a_place_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match=r"checkpoint: no file can be written at .*name another folder"):
        checkpoints.check_writable("checkpoint", tmp_path / "file" / "run.safetensors")
    checkpoints.check_writable("checkpoint", tmp_path / "new" / "run.safetensors")
    assert list((tmp_path / "new").iterdir()) == []
