from __future__ import annotations

import math
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphvec.engine.base import even_blocks, row_blocks, tree_sum
from morphvec.engine.local import LocalEngine, cores, local_engine
from morphvec.errors import OptionError

LENGTHS = st.lists(st.integers(0, 50), max_size=60)


def indptr_of(lengths):
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def covers(blocks, rows):
    assert [low for low, _ in blocks] == [0, *(high for _, high in blocks[:-1])][: len(blocks)]
    assert not blocks or blocks[-1][1] == rows
    assert all(low < high for low, high in blocks)


@given(LENGTHS, st.integers(1, 9), st.integers(1, 100))
def test_row_blocks_cover_every_row_once(lengths, most, least):
    blocks = row_blocks(indptr_of(lengths), most, least)
    covers(blocks, len(lengths))
    assert (blocks == []) == (lengths == [])
    assert len(blocks) <= max(1, min(most, (sum(lengths) + len(lengths)) // least))


@given(LENGTHS, st.integers(1, 9))
def test_row_blocks_share_the_cells(lengths, most):
    """No block holds more than its share and one row over."""
    work = np.array(lengths) + 1
    for low, high in row_blocks(indptr_of(lengths), most, 1):
        count = max(1, min(most, len(lengths), int(work.sum())))
        assert work[low:high].sum() <= work.sum() / count + work[low:high].max() + 1


def test_one_heavy_row_and_many_empty_ones():
    blocks = row_blocks(indptr_of([0] * 50 + [10**6] + [0] * 50), 8, 100)
    covers(blocks, 101)
    assert any(low <= 50 < high and high - low <= 51 for low, high in blocks)


def test_blocks_do_not_care_where_the_cells_begin():
    """indptr beyond 2^31, as in the second half of a large matrix."""
    indptr = indptr_of([3, 0, 9, 4, 4, 1])
    assert row_blocks(indptr + 2**33, 3, 1) == row_blocks(indptr, 3, 1)


@given(st.integers(0, 100), st.integers(1, 40))
def test_even_blocks(rows, size):
    blocks = even_blocks(rows, size)
    covers(blocks, rows)
    assert all(high - low == size for low, high in blocks[:-1])


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=70))
def test_a_tree_of_sums_is_the_sum(values):
    assert tree_sum(values) == sum(values)
    assert tree_sum([np.array([value, 1]) for value in values]).tolist() == [sum(values), len(values)]


def test_the_tree_is_fixed_and_shallow():
    """((0 1)(2 3)) 4: each value meets at most ⌈log2 n⌉ others, so rounding grows with log n."""

    class Named(str):
        def __add__(self, other):
            return Named(f"({self} {other})")

    assert tree_sum([Named(letter) for letter in "abcde"]) == "(((a b) (c d)) e)"
    values = np.full(10_000, 0.1, np.float32)
    assert abs(float(tree_sum(list(values))) - 1000) < abs(float(np.cumsum(values)[-1]) - 1000)
    assert tree_sum(list(values)) == pytest.approx(math.fsum(values), rel=1e-6)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_answers_come_in_the_order_of_the_blocks(threads):
    def slow_first(block):
        time.sleep(0.01 if block == 0 else 0)
        return block * block

    assert LocalEngine(threads).map(slow_first, range(9)) == [block * block for block in range(9)]
    assert LocalEngine(threads).map(slow_first, []) == []


def test_blocks_run_at_once():
    barrier = threading.Barrier(3, timeout=10)  # passes only when three blocks wait at it together
    assert sorted(LocalEngine(3).map(lambda block: barrier.wait(), range(3))) == [0, 1, 2]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_error_of_a_block_is_raised(threads):
    def fail(block):
        if block == 2:
            raise ValueError("block 2")
        return block

    with pytest.raises(ValueError, match="block 2"):
        LocalEngine(threads).map(fail, range(5))


def test_threads_are_as_many_as_asked_for_or_as_there_are_cores():
    assert local_engine(7).threads == 7
    assert local_engine().threads == cores() >= 1
    with pytest.raises(OptionError, match="threads=0; at least one thread"):
        local_engine(0)
