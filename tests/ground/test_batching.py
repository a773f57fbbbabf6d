"""Order, streams and blocks of samples, on which both frameworks rely."""

import numpy as np
import pytest

from aetutor.batching import batch_order, blocks, steps_per_epoch, stream_seed


def test_batch_order_is_a_permutation_named_by_seed_and_epoch():
    first = batch_order(1000, seed=0, epoch=0)
    assert np.array_equal(np.sort(first), np.arange(1000))
    assert np.array_equal(first, batch_order(1000, seed=0, epoch=0))
    assert not np.array_equal(first, batch_order(1000, seed=0, epoch=1))
    assert not np.array_equal(first, batch_order(1000, seed=1, epoch=0))
    assert abs(np.corrcoef(first, np.arange(1000))[0, 1]) < 0.15


def test_steps_and_streams():
    assert [steps_per_epoch(n, 8) for n in (1, 8, 9, 16)] == [1, 1, 2, 2]
    names = [(0,), (0, 1), (1, 0), (0, 1, 2), (0, 2, 1)]
    assert len({stream_seed(*name) for name in names}) == len(names)
    assert all(0 <= stream_seed(*name) < 2**63 for name in names)
    assert stream_seed(3, 1, 4) == stream_seed(3, 1, 4)


X = np.arange(14.0).reshape(7, 2)


@pytest.mark.parametrize("x", [X, [X[:1], X[1:6], X[6:]], [X], list(X[:, None])], ids=["array", "uneven", "one", "singles"])
@pytest.mark.parametrize(("size", "lengths"), [(3, [3, 3, 1]), (7, [7]), (10, [7])])
def test_blocks_hold_every_sample_once_and_in_order(x, size, lengths):
    parts = list(blocks(x, size))
    assert [len(part) for part in parts] == lengths
    assert np.array_equal(np.concatenate(parts), X)
    assert {part.dtype for part in parts} == {np.dtype(np.float32)}


def test_no_batch_gives_no_block():
    assert list(blocks([], 3)) == []
