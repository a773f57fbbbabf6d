"""Every check of an argument or array: what is accepted comes back, and what is refused is named, shown and answered."""

import math

import numpy as np
import pytest

from aetutor import validation

GOOD = np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3)


def spoilt(value, index=(2, 1)):
    x = GOOD.copy()
    x[index] = value
    return x


def refuses(error, pattern, function, *args, **options):
    with pytest.raises(error, match=pattern):
        function(*args, **options)


@pytest.mark.parametrize(
    ("x", "options", "error", "pattern"),
    [
        (spoilt(np.nan), {}, ValueError, r"^x holds nan at index \(2, 1\); only finite values are accepted"),
        (spoilt(np.inf), {}, ValueError, r"^x holds inf at index \(2, 1\); only finite"),
        (spoilt(-np.inf), {}, ValueError, r"^x holds -inf at index \(2, 1\); only finite"),
        (np.zeros((0, 3), np.float32), {}, ValueError, r"^x is empty: its shape is \(0, 3\); at least one sample"),
        (np.zeros((3, 0), np.float32), {}, ValueError, r"^x is empty: its shape is \(3, 0\)"),
        (np.zeros(3, np.float32), {}, ValueError, r"^x must have at least two axes.*got shape \(3,\)"),
        (GOOD, {"shape": (5,)}, ValueError, r"^x must have the shape \(N, 5\); got \(4, 3\)"),
        (
            np.zeros((2, 4, 4, 1), np.float32),
            {"shape": (16,)},
            ValueError,
            r"got \(2, 4, 4, 1\)\. The sizes agree: x\.reshape",
        ),
        (np.zeros((4, 4, 1), np.float32), {"shape": (4, 4, 1)}, ValueError, r"The batch axis is missing: x\[None\]"),
        (np.array([[1.0], [None]], dtype=object), {}, TypeError, r"^x has dtype object.*rectangular array of floats"),
        ([[1.0, 2.0], [3.0]], {}, TypeError, r"^x has dtype object.*different shapes.*rectangular array of floats"),
        (np.full((2, 3), 200, np.uint8), {}, TypeError, r"^x has dtype uint8; floats.*Scale to \[0, 1\].*/ 255"),
        (np.ones((2, 3), int), {}, TypeError, r"^x has dtype int64; floats are accepted\. Convert it"),
        (np.ones((2, 3), bool), {}, TypeError, r"^x has dtype bool; floats are accepted"),
        (np.ones((2, 3), complex), {}, TypeError, r"^x has dtype complex128; float32 is accepted"),
        (np.array([["a"]]), {}, TypeError, r"^x has dtype <U1; float32 is accepted"),
        ("mnist", {}, TypeError, r"^x must be a NumPy array of floats.*got 'mnist' \(str\)"),
        (None, {}, TypeError, r"^x must be a NumPy array of floats.*got None"),
        (
            spoilt(1.5),
            {"likelihood": "bernoulli"},
            ValueError,
            r"^x holds 1\.5 at index \(2, 1\), outside the support \[0, 1\] of likelihood='bernoulli'",
        ),
        (GOOD * 255, {"likelihood": "bernoulli"}, ValueError, r"outside the support \[0, 1\].*Divide by 255 first"),
        (GOOD - 0.5, {"likelihood": "bernoulli"}, ValueError, r'outside the support \[0, 1\].*Use likelihood="gaussian"'),
    ],
)
def test_array_refuses(x, options, error, pattern):
    refuses(error, pattern, validation.array, "x", x, **options)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_array_gives_back_what_it_accepts_without_a_copy(dtype):
    x = GOOD.astype(dtype)
    assert validation.array("x", x, shape=(3,), likelihood="bernoulli") is x
    assert validation.array("x", x - 7, likelihood="gaussian").min() == -7


def test_array_reads_in_chunks_and_still_names_the_index(monkeypatch):
    sizes = []
    original = validation.values
    monkeypatch.setattr(validation._arrays, "CHUNK_BYTES", 2 * GOOD[:1].nbytes)
    monkeypatch.setattr(validation._arrays, "values", lambda name, x, **kw: (sizes.append(len(x)), original(name, x, **kw)))
    refuses(ValueError, r"nan at index \(3, 1\)", validation.array, "x", spoilt(np.nan, (3, 1)))
    assert sizes == [2, 2]


@pytest.mark.parametrize(
    ("options", "value", "error", "pattern"),
    [
        ({"low": 1}, 0, ValueError, r"^epochs must be an integer of at least 1; got 0"),
        ({"low": 1}, -3, ValueError, r"^epochs must be.*got -3"),
        ({"low": 1}, 2.0, TypeError, r"^epochs must be an integer of at least 1; got 2\.0 \(float\)"),
        ({"low": 1}, True, TypeError, r"^epochs must be an integer.*got True \(bool\)"),
        ({"low": 1}, "10", TypeError, r"^epochs must be an integer.*got '10' \(str\)"),
        ({"high": 5}, 6, ValueError, r"^epochs must be an integer of at most 5; got 6"),
        ({"low": 0, "high": 5}, 6, ValueError, r"^epochs must be an integer from 0 to 5; got 6"),
    ],
)
def test_integer_refuses(options, value, error, pattern):
    refuses(error, pattern, validation.integer, "epochs", value, **options)


@pytest.mark.parametrize(
    ("options", "value", "error", "pattern"),
    [
        ({"above": 0}, 0, ValueError, r"^lr must be a finite number greater than 0; got 0"),
        ({"above": 0}, math.nan, ValueError, r"^lr must be a finite number.*got nan"),
        ({"low": 0}, math.inf, ValueError, r"^lr must be a finite number of at least 0; got inf"),
        ({"low": 0, "high": 1}, 1.5, ValueError, r"^lr must be a finite number from 0 to 1; got 1\.5"),
        ({"above": 0}, "1e-3", TypeError, r"^lr must be a number greater than 0; got '1e-3' \(str\)"),
        ({"above": 0}, None, TypeError, r"^lr must be a number.*got None"),
        ({"above": 0}, np.zeros(3), TypeError, r"^lr must be a number.*got ndarray of shape \(3,\)"),
    ],
)
def test_real_refuses(options, value, error, pattern):
    refuses(error, pattern, validation.real, "lr", value, **options)


def test_numbers_of_numpy_are_accepted():
    assert validation.integer("n", np.int64(3), low=1) == 3
    assert type(validation.integer("n", np.int64(3))) is int
    assert type(validation.real("n", np.float32(0.5), above=0)) is float


def test_one_of_names_the_nearest():
    accepted = ("constant", "cosine", "plateau")
    assert validation.one_of("schedule", "cosine", accepted) == "cosine"
    pattern = r"^schedule='cosin' is not known; accepted: 'constant', 'cosine', 'plateau'\. Did you mean 'cosine'\?"
    refuses(ValueError, pattern, validation.one_of, "schedule", "cosin", accepted)
    refuses(ValueError, r"accepted: .*'plateau'\.$", validation.one_of, "schedule", "xyz", accepted)
    refuses(TypeError, r"^schedule must be one of 'constant', .*; got 3 \(int\)", validation.one_of, "schedule", 3, accepted)


def test_sizes_and_shapes():
    assert validation.sizes("hidden", []) == ()
    assert validation.sizes("hidden", iter([3, np.int64(2)])) == (3, 2)
    assert validation.sample_shape("shape", 784) == (784,)
    assert validation.sample_shape("shape", (28, 28, 1), ndim=3) == (28, 28, 1)
    refuses(TypeError, r"^hidden must be a sequence of positive integers.*got 128 \(int\)", validation.sizes, "hidden", 128)
    refuses(TypeError, r"^hidden must be a sequence.*got '128' \(str\)", validation.sizes, "hidden", "128")
    refuses(ValueError, r"^hidden\[1\] must be an integer of at least 1; got 0", validation.sizes, "hidden", (4, 0))
    refuses(ValueError, r"^shape must have at least one axis; got \(\)", validation.sample_shape, "shape", ())
    pattern = r"^shape must have 3 axes \(height, width, channels\); got \(28, 28\)\. Grey images need a channel axis"
    refuses(ValueError, pattern, validation.sample_shape, "shape", (28, 28), ndim=3)


def test_sigma():
    assert validation.sigma("sigma", 0.5, likelihood="gaussian") == 0.5
    assert validation.sigma("sigma", "learned", likelihood="gaussian") == "learned"
    assert validation.sigma("sigma", 1.0, likelihood="bernoulli") == 1.0
    refuses(
        ValueError,
        r"^sigma must be a finite number greater than 0; got 0",
        validation.sigma,
        "sigma",
        0,
        likelihood="gaussian",
    )
    refuses(
        ValueError,
        r"^sigma='fixed' is not known; accepted: 'learned'",
        validation.sigma,
        "sigma",
        "fixed",
        likelihood="gaussian",
    )
    for value in (0.5, "learned"):
        pattern = r"^sigma=.* has no effect with likelihood='bernoulli'; it needs likelihood=\"gaussian\""
        refuses(ValueError, pattern, validation.sigma, "sigma", value, likelihood="bernoulli")


def test_file_path():
    assert validation.file_path("path", "a/b.safetensors", suffixes=(".safetensors",)).name == "b.safetensors"
    pattern = r"^path must end in \.keras or \.safetensors; got 'model\.pt'"
    refuses(ValueError, pattern, validation.file_path, "path", "model.pt", suffixes=(".keras", ".safetensors"))
    refuses(TypeError, r"^path must be a path; got 3 \(int\)", validation.file_path, "path", 3, suffixes=(".keras",))


def test_samples_accepts_arrays_and_iterables_that_start_anew():
    assert validation.samples("x", GOOD) is GOOD
    assert isinstance(validation.samples("x", [[0.5, 1.0]]), np.ndarray)  # numbers, so an array
    batches = validation.samples("x", [GOOD, GOOD[:2]])
    assert [len(b) for b in batches] == [4, 2]
    assert [len(b) for b in batches] == [4, 2]


@pytest.mark.parametrize("once", [(b for b in [GOOD]), iter([GOOD]), map(np.copy, [GOOD])])
def test_samples_refuses_what_ends_after_one_epoch(once):
    pattern = r"^x is a generator or iterator, which ends after one epoch; pass an object whose __iter__ starts anew"
    refuses(TypeError, pattern, validation.samples, "x", once)


def test_samples_checks_every_batch_when_it_comes():
    batches = validation.samples("val", [GOOD, spoilt(2.0)], likelihood="bernoulli")
    refuses(ValueError, r"^val \(batch 1\) holds 2 at index \(2, 1\), outside the support", list, batches)


def test_samples_refuses_an_iterable_without_a_batch():
    class Nothing:
        def __iter__(self):
            return iter(())

    refuses(ValueError, r"^val gave no batch; at least one is needed", list, validation.samples("val", Nothing()))


def test_describe_is_short():
    assert validation.describe(GOOD) == "ndarray of shape (4, 3)"
    assert validation.describe("x" * 1000) == "a str"
    assert validation.describe(3) == "3 (int)"
