"""Entropy coding: integer arrays into bytes and back, without loss, at the size that a table of probabilities promises.

    >>> import numpy as np
    >>> from aetutor import coding
    >>> symbols = np.array([0, 0, 1, 0, 2, 0, 0, 1])
    >>> table = coding.integer_frequencies([0.6, 0.3, 0.1])
    >>> data = coding.encode(symbols, table)
    >>> coding.decode(data, table, len(symbols))
    array([0, 0, 1, 0, 2, 0, 0, 1])

Symbols are the numbers 0 to A - 1 and each table holds A frequencies: shift a code's integers to start at 0, clip them to
the ends of the table, and undo the shift after decoding. The bytes hold neither the table nor the number of symbols: the
receiver must have both.

The coder is rANS (range variant of asymmetric numeral systems): the message is one whole number x, and a symbol s with
frequency f of M = 2^bits, which begins at c in the table, takes it to

    x' = floor(x / f) M + c + (x mod f),

about M / f times x, that is log2(M / f) bits longer. Decoding undoes it, last symbol first:

    s from c <= (x' mod M) < c + f,    x = f floor(x' / M) + (x' mod M) - c.

To keep x below 2^63, its lower 32 bits move to the output where it would grow beyond.

Pitfalls: a symbol of frequency 0 cannot be coded; tables made from the data that they code promise too few bytes; with
another table, or the same in other rounding, the symbols come back wrong: send the integers, not the floats.

Source: Duda (2013), "Asymmetric numeral systems: entropy coding combining speed of Huffman coding with compression rate of
arithmetic coding".
"""

import bisect

import numpy as np

from . import validation

__all__ = ["cross_entropy_bits", "decode", "encode", "entropy", "integer_frequencies"]

_LOW = 1 << 31  # the state lies in [2^31, 2^63)
_WORD = 32  # bits that leave the state at once
_HEAD = 8  # bytes of the final state
_MAX_BITS = 24  # of a table's sum; leaves 7 bits of the state, and with them the rate, exact


def entropy(probabilities) -> float | np.ndarray:
    """Entropy in bits: the least average length of a symbol that any code can reach.

        H(p) = -sum_a p_a log2 p_a,   0 log2 0 = 0

    Args:
        probabilities: each >= 0, the last axis sums to 1; (A,), or (T, A) for T tables.

    Returns:
        Bits per symbol: a float for (A,), else (T,).

    Raises:
        TypeError, ValueError: probabilities are no numbers, negative, not finite, or do not sum to 1.

    Source: Shannon (1948).

    Example:
        >>> entropy([0.5, 0.25, 0.25])
        1.5
    """
    p = _probabilities(probabilities)
    bits = -(p * np.log2(p, where=p > 0, out=np.zeros_like(p))).sum(axis=-1) + 0.0  # no negative zero
    return float(bits) if p.ndim == 1 else bits


def cross_entropy_bits(symbols, probabilities, *, tables=None) -> float:
    """Bits that an ideal coder spends on symbols with given tables: the estimate of `8 * len(encode(...))`.

        bits = -sum_n log2 p_{t_n}(s_n)

    Args:
        symbols: integers from 0 to A - 1, of any shape.
        probabilities: (A,), or (T, A) for T tables; each >= 0, the last axis sums to 1.
        tables: index of each symbol's table, integers from 0 to T - 1 that broadcast to the symbols' shape. Needed where
            there are several tables.

    Returns:
        Bits in all, not per symbol; infinite where a symbol has probability 0.

    Raises:
        TypeError, ValueError: as `encode`.

    Example:
        >>> cross_entropy_bits([0, 0, 1], [0.5, 0.5])
        3.0
    """
    p = _probabilities(probabilities)
    symbols = _symbols(symbols, p.shape[-1])
    chosen = np.atleast_2d(p)[_table_index(tables, p, symbols.shape), symbols]
    with np.errstate(divide="ignore"):
        return float(-np.log2(chosen).sum()) + 0.0


def integer_frequencies(probabilities, *, bits: int = 16) -> np.ndarray:
    """Integer frequencies for the coder: they sum to 2^bits, and each is at least 1.

        f_a = 1 + p_a (2^bits - A), rounded down or up so that the sum is exact

    The 1 keeps every symbol codable, at `bits` bits, even one of probability 0. It costs the others little: beside their
    -log2 p_a less than log2(2^bits / (2^bits - A)) bits, since f_a > p_a (2^bits - A).

    Args:
        probabilities: (A,), or (T, A) for T tables; each >= 0, the last axis sums to 1.
        bits: logarithm of the sum, 1 to 24, with 2^bits >= A.

    Returns:
        int64, of the probabilities' shape.

    Raises:
        TypeError, ValueError: bad probabilities or bits, or more symbols than 2^bits.

    Example:
        >>> integer_frequencies([0.75, 0.25, 0.0], bits=4)
        array([11,  4,  1])
    """
    p = _probabilities(probabilities)
    total = 1 << validation.integer("bits", bits, low=1, high=_MAX_BITS)
    if p.shape[-1] > total:
        raise ValueError(f"bits must be such that 2^bits >= {p.shape[-1]}, the number of symbols; got {bits}.")
    share = p / p.sum(axis=-1, keepdims=True) * (total - p.shape[-1])
    frequencies = np.floor(share).astype(np.int64)
    left = total - p.shape[-1] - frequencies.sum(axis=-1, keepdims=True)  # fewer than A: one each, largest remainder first
    rank = np.argsort(np.argsort(frequencies - share, axis=-1, kind="stable"), axis=-1)
    return 1 + frequencies + (rank < left)


def encode(symbols, frequencies, *, tables=None) -> bytes:
    """Code integers as bytes with integer frequencies.

    Args:
        symbols: integers from 0 to A - 1, of any shape and number, read in C order.
        frequencies: integers >= 0 that sum to a power of two up to 2^24, the same for each table: (A,), or (T, A) for T
            tables. Made by `integer_frequencies`; a table of fewer symbols is filled up with zeros.
        tables: index of each symbol's table, integers from 0 to T - 1 that broadcast to the symbols' shape, such as
            `np.arange(K)` for codes (N, K) with one table a unit. Needed where there are several tables.

    Returns:
        8 bytes for the first 32 bits of the estimate (`cross_entropy_bits`), 4 for each 32 bits more.

    Raises:
        TypeError: an argument holds no integers.
        ValueError: a symbol outside the alphabet or of frequency 0, frequencies of a wrong sum, a table index out of range.

    Source: Duda (2013).

    Example:
        >>> table = integer_frequencies([0.99, 0.01])
        >>> len(encode(np.zeros(10_000, int), table))  # 10,000 log2(1 / 0.99) bits are 18.1 bytes
        24
    """
    f, start, bits = _frequencies(frequencies)
    symbols = _symbols(symbols, f.shape[1])
    index = _table_index(tables, frequencies, symbols.shape)
    widths, starts = f[index, symbols].ravel(), start[index, symbols].ravel()
    if widths.size and widths.min() == 0:
        first = int(np.argmin(widths))
        raise ValueError(
            f"symbols holds {symbols.flat[first]} at position {first}, whose frequency is 0: it cannot be coded. "
            "Every symbol that can occur needs a frequency of at least 1 (integer_frequencies gives it)."
        )
    state, words, room = _LOW, [], 63 - bits
    for width, begin in zip(widths[::-1].tolist(), starts[::-1].tolist(), strict=True):  # decoding reverses the order
        if state >= width << room:
            words.append(state & 0xFFFFFFFF)
            state >>= _WORD
        quotient, rest = divmod(state, width)
        state = (quotient << bits) + rest + begin
    return state.to_bytes(_HEAD, "little") + np.array(words[::-1], "<u4").tobytes()


def decode(data: bytes, frequencies, count, *, tables=None) -> np.ndarray:
    """Read back what `encode` wrote, with the same frequencies and tables.

    Truncated bytes are always refused. Damaged bytes, another table or another count are noticed at the end, where the
    coder is not back in its first state: but not surely, and not what is wrong. Where that matters, add a checksum.

    Args:
        data: the bytes of `encode`.
        frequencies: as in `encode`.
        count: number of symbols, an integer >= 0, or the shape of their array.
        tables: as in `encode`.

    Returns:
        int64 symbols, (count,) or of the given shape.

    Raises:
        TypeError, ValueError: arguments as in `encode`; data that ends too early, has bytes left, or does not lead back to
            the coder's first state.

    Example:
        >>> codes, table = np.array([[1, 0], [1, 1]]), integer_frequencies([[0.1, 0.9], [0.5, 0.5]])
        >>> decode(encode(codes, table, tables=[0, 1]), table, (2, 2), tables=[0, 1])
        array([[1, 0],
               [1, 1]])
    """
    f, start, bits = _frequencies(frequencies)
    single = isinstance(count, int | np.integer)
    shape = tuple(validation.integer("count", n, low=0) for n in ([count] if single else _iterable("count", count)))
    index = _table_index(tables, frequencies, shape)
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"data must be the bytes that encode returned; got {validation.describe(data)}.")
    if len(data) < _HEAD or len(data) % 4:
        raise ValueError(f"data must be 8 bytes and a multiple of 4 more; got {len(data)}: truncated, or not from encode.")
    state, words = int.from_bytes(data[:_HEAD], "little"), np.frombuffer(data, "<u4", offset=_HEAD).tolist()
    widths, starts, mask, symbols, used = f.tolist(), start.tolist(), (1 << bits) - 1, [], 0
    for table in index.ravel().tolist():
        slot = state & mask
        symbol = bisect.bisect_right(starts[table], slot) - 1  # the last of equal starts: the others have frequency 0
        state = widths[table][symbol] * (state >> bits) + slot - starts[table][symbol]
        if state < _LOW:
            if used == len(words):
                raise ValueError(f"data ends after {len(symbols)} of {index.size} symbols: truncated, or another table.")
            state, used = (state << _WORD) | words[used], used + 1
        symbols.append(symbol)
    if state != _LOW or used != len(words):
        raise ValueError(
            f"data does not end after {index.size} symbols ({len(words) - used} of its words are left): damaged, or coded "
            "with another table or count."
        )
    return np.array(symbols, np.int64).reshape(shape)


def _probabilities(probabilities) -> np.ndarray:
    """Probabilities as float64, (A,) or (T, A)."""
    p = _numbers("probabilities", probabilities)
    if p.dtype.kind not in "fiu":
        raise TypeError(f"probabilities must be numbers; got {validation.describe(probabilities)}.")
    p = _one_or_two_axes("probabilities", p).astype(np.float64)
    if not (np.isfinite(p).all() and (p >= 0).all()):
        bad = p[~(np.isfinite(p) & (p >= 0))][0]
        raise ValueError(f"probabilities must be finite and at least 0; got {bad:g}.")
    sums = p.sum(axis=-1).ravel()
    worst = sums[np.argmax(np.abs(sums - 1))]
    if abs(worst - 1) > 1e-4:  # float32 tables of many symbols
        raise ValueError(f"probabilities must sum to 1 over the last axis; got {worst:.6g}. Divide counts by their sum.")
    return p


def _frequencies(frequencies) -> tuple[np.ndarray, np.ndarray, int]:
    """Frequencies (T, A), where each symbol begins (T, A), and the logarithm of their sum."""
    f = np.atleast_2d(_one_or_two_axes("frequencies", _integers("frequencies", frequencies)))
    if f.min() < 0:
        raise ValueError(f"frequencies must be at least 0; got {f.min()}.")
    total = int(f[0].sum())
    if total not in (1 << bits for bits in range(_MAX_BITS + 1)):
        raise ValueError(
            f"frequencies must sum to a power of two up to 2^{_MAX_BITS}; got {total}. See integer_frequencies."
        )
    sums = f.sum(axis=1)
    if (sums != total).any():
        raise ValueError(f"frequencies of all tables must have the same sum; got {total} and {sums[sums != total][0]}.")
    return f, np.cumsum(f, axis=1) - f, total.bit_length() - 1


def _symbols(symbols, alphabet: int) -> np.ndarray:
    symbols = _integers("symbols", symbols)
    _within("symbols", symbols, alphabet, "Shift or clip the integers into the alphabet first.")
    return symbols


def _table_index(tables, per_table, shape: tuple[int, ...]) -> np.ndarray:
    """Index of each symbol's table, broadcast to the symbols' shape."""
    per_table = np.asarray(per_table)
    count = 1 if per_table.ndim == 1 else len(per_table)
    if tables is None:
        if count > 1:
            raise ValueError(f"tables must say which of the {count} tables each symbol uses; got None.")
        return np.zeros(shape, np.int64)
    tables = _integers("tables", tables)
    _within("tables", tables, count, "They index the rows of the frequencies or probabilities.")
    try:
        return np.broadcast_to(tables, shape)
    except ValueError:
        raise ValueError(f"tables must broadcast to the shape of the symbols, {shape}; got {tables.shape}.") from None


def _within(name, array, stop, hint):
    outside = array[(array < 0) | (array >= stop)] if array.size else array
    if outside.size:
        raise ValueError(f"{name} must be from 0 to {stop - 1}; got {outside[0]}. {hint}")


def _integers(name, value) -> np.ndarray:
    array = _numbers(name, value)
    if array.size == 0 and array.dtype == np.float64:  # what NumPy makes of []
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers; got {_received(array, value)}.")
    return array.astype(np.int64)


def _numbers(name, value) -> np.ndarray:
    try:
        return np.asarray(value)
    except ValueError:
        raise TypeError(f"{name} must be a rectangular array of numbers; got {validation.describe(value)}.") from None


def _one_or_two_axes(name, array) -> np.ndarray:
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"{name} must have the shape (A,) or (T, A), with at least one symbol; got {array.shape}.")
    return array


def _iterable(name, value):
    if not isinstance(value, tuple | list):
        raise TypeError(f"{name} must be an integer or a shape; got {validation.describe(value)}.")
    return value


def _received(array, value) -> str:
    return f"an array of dtype {array.dtype}" if array.ndim else validation.describe(value)
