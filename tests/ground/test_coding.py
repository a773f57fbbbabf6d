"""Entropy coder: round trips, sizes against the estimate, tables, damaged data and every error."""

import doctest

import numpy as np
import pytest

from aetutor import coding


def skewed(alphabet, seed, tables=None):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(alphabet, 0.2), size=tables)
    return p / p.sum(axis=-1, keepdims=True)


def draw(p, count, seed):
    return np.random.default_rng(seed).choice(len(p), size=count, p=p)


def test_examples():
    result = doctest.testmod(coding, extraglobs={"np": np})
    assert result.failed == 0 and result.attempted >= 8


@pytest.mark.parametrize("alphabet", [1, 2, 3, 17, 256, 1000])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 1000])
@pytest.mark.parametrize("bits", [10, 16, 24])
def test_round_trip(alphabet, count, bits):
    p = skewed(alphabet, alphabet)
    f = coding.integer_frequencies(p, bits=bits)
    symbols = draw(p, count, count)
    data = coding.encode(symbols, f)
    back = coding.decode(data, f, count)
    assert isinstance(data, bytes) and back.dtype == np.int64
    assert np.array_equal(back, symbols)


def test_round_trip_of_symbols_that_the_table_does_not_expect():
    f = coding.integer_frequencies([1.0, 0.0, 0.0, 0.0])
    symbols = np.random.default_rng(0).integers(0, 4, 500)
    data = coding.encode(symbols, f)
    assert np.array_equal(coding.decode(data, f, 500), symbols)
    assert len(data) == pytest.approx(16 * (symbols > 0).sum() / 8, abs=12)  # 16 bits for each


@pytest.mark.parametrize("f", [[1], [4], [0, 8, 0], [0, 1, 0, 3, 0], [2**24 - 1, 1]])
def test_frequencies_made_by_hand(f):
    symbols = np.random.default_rng(0).choice(np.flatnonzero(f), 200)
    assert np.array_equal(coding.decode(coding.encode(symbols, f), f, 200), symbols)


def test_a_sure_symbol_costs_nothing():
    assert len(coding.encode(np.zeros(10_000, int), [16])) == 8


def test_one_table_a_unit():
    tables, alphabet = 6, 40
    p = skewed(alphabet, 1, tables)
    codes = np.stack([draw(row, 2000, i) for i, row in enumerate(p)], axis=1)  # (2000, 6)
    f, index = coding.integer_frequencies(p), np.arange(tables)
    data = coding.encode(codes, f, tables=index)
    assert np.array_equal(coding.decode(data, f, codes.shape, tables=index), codes)
    assert 8 * len(data) == pytest.approx(coding.cross_entropy_bits(codes, p, tables=index), rel=0.02)
    mixed = coding.cross_entropy_bits(codes, p.mean(axis=0))
    assert 8 * len(data) < 0.9 * mixed  # the tables are used


def test_a_table_for_each_symbol():
    p = skewed(9, 2, 50)
    index = np.random.default_rng(3).integers(0, 50, 4000)
    symbols = np.array([draw(p[t], 1, i)[0] for i, t in enumerate(index)])
    f = coding.integer_frequencies(p)
    data = coding.encode(symbols, f, tables=index)
    assert np.array_equal(coding.decode(data, f, 4000, tables=index), symbols)
    assert 8 * len(data) == pytest.approx(coding.cross_entropy_bits(symbols, p, tables=index), rel=0.02)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alphabet", [2, 30, 300])
def test_size_is_the_estimate(alphabet, seed):
    p = skewed(alphabet, seed)
    symbols = draw(p, 20_000, seed)
    estimate = coding.cross_entropy_bits(symbols, p)
    actual = 8 * len(coding.encode(symbols, coding.integer_frequencies(p)))
    assert abs(actual - estimate) <= 0.02 * estimate + 64


def test_size_against_the_integer_table():
    f = coding.integer_frequencies(skewed(100, 0))
    symbols = draw(f / f.sum(), 50_000, 0)
    exact = coding.cross_entropy_bits(symbols, f / f.sum())
    assert 0 < 8 * len(coding.encode(symbols, f)) - exact < 64 + 1e-3 * exact


@pytest.mark.parametrize("bits", [3, 8, 16, 24])
def test_frequencies_are_at_least_one_and_sum_up(bits):
    for seed in range(20):
        p = skewed(8, seed, 5)
        f = coding.integer_frequencies(p, bits=bits)
        assert f.shape == p.shape and f.min() >= 1 and (f.sum(axis=1) == 2**bits).all()
        assert np.abs(f / 2**bits - p).max() <= 9 / 2**bits
        assert (f > p * (2**bits - 8)).all()  # the bound on what the minimum of 1 costs
    assert np.array_equal(coding.integer_frequencies([0.75, 0.25, 0.0], bits=4), [11, 4, 1])


def test_entropy_and_cross_entropy():
    assert coding.entropy([1.0, 0.0]) == 0.0 and str(coding.entropy([1.0, 0.0])) == "0.0"
    assert coding.entropy(np.full(8, 1 / 8)) == pytest.approx(3)
    assert np.allclose(coding.entropy([[0.5, 0.5], [1, 0]]), [1, 0])
    assert coding.cross_entropy_bits([0, 1, 1], [0.5, 0.5]) == pytest.approx(3)
    assert coding.cross_entropy_bits([1], [1.0, 0.0]) == np.inf
    assert coding.cross_entropy_bits([], [1.0]) == 0.0
    drawn = np.repeat([0, 1, 2], [5, 3, 2])  # shares equal to the table's
    assert coding.cross_entropy_bits(drawn, [0.5, 0.3, 0.2]) == pytest.approx(10 * coding.entropy([0.5, 0.3, 0.2]))
    codes = np.array([[0, 1], [1, 1]])
    assert coding.cross_entropy_bits(codes, [[0.5, 0.5], [0.75, 0.25]], tables=[0, 1]) == pytest.approx(6)


def test_arguments_are_left_alone_and_lists_are_accepted():
    symbols, f = np.array([2, 0, 1], np.uint8), np.array([2, 1, 1])
    data = coding.encode(symbols, f)
    assert data == coding.encode([2, 0, 1], [2, 1, 1])
    assert coding.decode(bytearray(data), f, (3,)).tolist() == [2, 0, 1] == symbols.tolist()
    assert coding.decode(data, f, np.int64(3)).tolist() == [2, 0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_every_truncation_is_refused(seed):
    p = skewed(20, seed)
    f, symbols = coding.integer_frequencies(p), draw(p, 300, seed)
    data = coding.encode(symbols, f)
    for length in range(len(data)):
        with pytest.raises(ValueError, match="truncated"):
            coding.decode(data[:length], f, 300)


def test_damage_other_counts_and_other_tables_are_noticed():
    p = skewed(20, 5)
    f, symbols = coding.integer_frequencies(p), draw(p, 300, 5)
    data = coding.encode(symbols, f)
    with pytest.raises(ValueError, match=r"data"):
        coding.decode(data + b"\0\0\0\0", f, 300)
    for count in (0, 299, 301):
        with pytest.raises(ValueError, match=r"data"):
            coding.decode(data, f, count)
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 16
        with pytest.raises(ValueError, match=r"data"):
            coding.decode(damaged, f, 300)
    with pytest.raises(ValueError, match="another table"):
        coding.decode(data, coding.integer_frequencies(np.full(20, 0.05)), 300)


HALF = [1, 1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: coding.encode([0.5], HALF), TypeError, "symbols must be integers; got an array of dtype float64"),
        (lambda: coding.encode([True], HALF), TypeError, "symbols must be integers"),
        (lambda: coding.encode("01", HALF), TypeError, "symbols must be integers"),
        (lambda: coding.encode([[0], [0, 1]], HALF), TypeError, "symbols must be a rectangular array"),
        (lambda: coding.encode([0, -1], HALF), ValueError, "symbols must be from 0 to 1; got -1"),
        (lambda: coding.encode([0, 2], HALF), ValueError, "symbols must be from 0 to 1; got 2"),
        (lambda: coding.encode([0, 1, 2], [1, 0, 1]), ValueError, "symbols holds 1 at position 1, whose frequency is 0"),
        (lambda: coding.encode([0], [0.5, 0.5]), TypeError, "frequencies must be integers"),
        (lambda: coding.encode([0], [1, 2]), ValueError, "frequencies must sum to a power of two.*got 3"),
        (lambda: coding.encode([0], [0, 0]), ValueError, "frequencies must sum to a power of two.*got 0"),
        (lambda: coding.encode([0], [2**25]), ValueError, "frequencies must sum to a power of two up to 2.24"),
        (lambda: coding.encode([0], [3, -1]), ValueError, "frequencies must be at least 0; got -1"),
        (lambda: coding.encode([0], []), ValueError, r"frequencies must have the shape \(A,\)"),
        (lambda: coding.encode([0], 4), ValueError, r"frequencies must have the shape \(A,\).*got \(\)"),
        (lambda: coding.encode([0], [[[4]]]), ValueError, r"got \(1, 1, 1\)"),
        (lambda: coding.encode([0], [[1, 1], [2, 2]], tables=0), ValueError, "the same sum; got 2 and 4"),
        (lambda: coding.encode([0], [HALF, HALF]), ValueError, "tables must say which of the 2 tables"),
        (lambda: coding.encode([0], [HALF, HALF], tables=2), ValueError, "tables must be from 0 to 1; got 2"),
        (lambda: coding.encode([0], [HALF, HALF], tables=0.5), TypeError, r"tables must be integers; got 0.5 \(float\)"),
        (
            lambda: coding.encode([0], [HALF, HALF], tables=[0, 1, 0]),
            ValueError,
            r"tables must broadcast.*\(1,\); got \(3,\)",
        ),
        (lambda: coding.decode("x" * 8, HALF, 1), TypeError, "data must be the bytes"),
        (lambda: coding.decode(b"", HALF, 0), ValueError, "data must be 8 bytes and a multiple of 4 more; got 0"),
        (lambda: coding.decode(b"123456789", HALF, 0), ValueError, "got 9"),
        (lambda: coding.decode(bytes(8), HALF, -1), ValueError, "count must be an integer of at least 0; got -1"),
        (lambda: coding.decode(bytes(8), HALF, 1.5), TypeError, "count must be an integer or a shape"),
        (lambda: coding.decode(bytes(8), HALF, (1, 0.5)), TypeError, "count must be an integer"),
        (lambda: coding.integer_frequencies([0.5, 0.6]), ValueError, "probabilities must sum to 1.*got 1.1"),
        (lambda: coding.integer_frequencies([1.5, -0.5]), ValueError, "probabilities must be finite.*got -0.5"),
        (lambda: coding.integer_frequencies([1.0, np.nan]), ValueError, "probabilities must be finite.*got nan"),
        (lambda: coding.integer_frequencies(["a"]), TypeError, "probabilities must be numbers"),
        (lambda: coding.integer_frequencies([]), ValueError, "probabilities must have the shape"),
        (lambda: coding.integer_frequencies([1.0], bits=0), ValueError, "bits must be an integer from 1 to 24; got 0"),
        (lambda: coding.integer_frequencies([1.0], bits=25), ValueError, "bits must be an integer from 1 to 24; got 25"),
        (lambda: coding.integer_frequencies(np.full(5, 0.2), bits=2), ValueError, r"2\^bits >= 5.*got 2"),
        (lambda: coding.entropy([2, 3]), ValueError, "probabilities must sum to 1.*got 5. Divide counts"),
        (lambda: coding.cross_entropy_bits([3], [0.5, 0.5]), ValueError, "symbols must be from 0 to 1; got 3"),
        (lambda: coding.cross_entropy_bits([0], [[1.0], [1.0]]), ValueError, "tables must say"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
