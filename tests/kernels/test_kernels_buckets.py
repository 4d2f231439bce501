"""Pairs dealt into buckets and summed there are the pairs that are counted by hand, whatever the buckets and chunks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import naive
from morphvec.kernels.buckets import deal_window, events_held, sift_bucket, sum_bucket
from morphvec.rng import stream

LINES = [[0, 1, 2, 1, 0], [], [3], [2, 2, 2], [1, 0, 3, 3, 1, 2, 0], []]


def pairs_by_hand(lines, window):
    """Each unordered pair of places of one line once: (larger id, smaller id, distance − 1)."""
    return Counter(
        (max(line[i], line[j]), min(line[i], line[j]), j - i - 1)
        for line in lines
        for j in range(len(line))
        for i in range(max(0, j - window), j)
    )


class Dealt:
    """A stream dealt into buckets that begin at ``starts`` (multiples of 2^shift)."""

    def __init__(
        self, ids, window, starts, *, bits, codes, shift=0, chunk_bits=1, chunks=1000, dtype=np.uint64
    ):
        self.starts, self.bits, self.codes, self.chunk_bits = starts, bits, codes, chunk_bits
        self.first_rows = np.array(starts[:-1], np.int64)
        self.bucket_of = np.repeat(np.arange(len(starts) - 1, dtype=np.uint16), np.diff(starts) >> shift)
        self.shift, self.window, self.ids = shift, window, ids
        self.pool = np.zeros(chunks << chunk_bits, dtype)
        self.fill = np.arange(len(starts) - 1) << chunk_bits
        self.previous = np.full(chunks, -1, np.int32)
        self.used = np.array([len(starts) - 1])

    def deal(self, begin, end):
        return deal_window(
            self.ids, begin, end, self.window, self.bucket_of, self.shift, self.first_rows, self.bits, self.codes,
            self.chunk_bits, self.pool, self.fill, self.previous, self.used,
        )  # fmt: skip

    def events(self, bucket, room=0):
        """(row, column, code) of each event of a bucket, by Python integers; nothing goes to the table.

        room: of so many events at a time; of all at once where it is 0.
        """
        held = events_held(bucket, self.fill, self.previous, self.chunk_bits)
        chunk = self.fill[bucket] >> self.chunk_bits
        state, found, pieces = np.array([chunk, chunk << self.chunk_bits]), [], 0
        while state[0] >= 0:
            rest = np.zeros(room or held + 1, np.uint64)
            size = sift_bucket(
                bucket, self.pool, self.fill, self.previous, self.chunk_bits, self.bits, self.codes,
                np.ones(1 << self.codes, np.int64), 0, np.zeros(1, np.int64), rest, 0, state,
            )  # fmt: skip
            found += rest[:size].tolist()
            pieces += 1
        assert len(found) == held
        assert pieces == (max(1, -(-held // room)) if room else 1)
        return [
            (
                (event >> (self.bits + self.codes)) + self.starts[bucket],
                (event >> self.codes) & ((1 << self.bits) - 1),
                event & ((1 << self.codes) - 1),
            )
            for event in found
        ]

    def all(self, room=0):
        return Counter(event for bucket in range(len(self.fill)) for event in self.events(bucket, room))


@pytest.mark.parametrize("window", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("starts", [[0, 4], [0, 1, 4], [0, 1, 2, 3, 4]])
@pytest.mark.parametrize("chunk_bits", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
def test_every_pair_of_a_line_once_and_none_across_lines(window, starts, chunk_bits, dtype):
    ids = naive.stream(LINES)
    dealt = Dealt(ids, window, starts, bits=2, codes=4, chunk_bits=chunk_bits, dtype=dtype)
    assert dealt.deal(0, len(ids)) == len(ids)
    assert dealt.all() == pairs_by_hand(LINES, window)
    for bucket in range(len(starts) - 1):
        assert all(starts[bucket] <= row < starts[bucket + 1] for row, _, _ in dealt.events(bucket))


@pytest.mark.parametrize("room", [1, 2, 3, 7])
@pytest.mark.parametrize("chunk_bits", [1, 2])
def test_a_bucket_can_be_taken_in_pieces(room, chunk_bits):
    ids = naive.stream(LINES)
    dealt = Dealt(ids, 3, [0, 2, 4], bits=2, codes=2, chunk_bits=chunk_bits)
    dealt.deal(0, len(ids))
    assert dealt.all(room) == pairs_by_hand(LINES, 3)


@pytest.mark.parametrize("cut", range(0, 20, 3))
def test_a_shard_sees_the_context_on_its_left(cut):
    ids = naive.stream(LINES)
    dealt = Dealt(ids, 3, [0, 2, 4], bits=2, codes=2)
    assert dealt.deal(0, cut) == cut
    assert dealt.deal(cut, len(ids)) == len(ids)
    assert dealt.all() == pairs_by_hand(LINES, 3)


def test_a_full_pool_stops_before_a_position_that_might_not_fit_and_goes_on_when_emptied():
    ids = naive.stream(LINES)
    found, position, rounds = Counter(), 0, 0
    while position < len(ids):
        dealt = Dealt(ids, 3, [0, 2, 4], bits=2, codes=2, chunks=6)
        reached = dealt.deal(position, len(ids))
        assert reached > position
        assert dealt.used[0] <= 6
        found += dealt.all()
        position, rounds = reached, rounds + 1
    assert rounds > 2
    assert found == pairs_by_hand(LINES, 3)


def test_ids_of_31_bits_and_a_code_fill_the_word_without_overlap():
    largest = 2**31 - 2
    ids = np.array([largest, 0, largest, largest - 1, -1], np.int32)
    dealt = Dealt(ids, 2, [0, 2**31], bits=31, codes=2, shift=20)
    dealt.deal(0, 5)
    assert dealt.all() == pairs_by_hand([ids[:4].tolist()], 2)


def test_a_row_late_in_the_vocabulary_fits_in_32_bits_beside_its_bucket():
    first = 2**20
    ids = np.array([first + 3, 5, first + 31, first, -1], np.int32)
    dealt = Dealt(ids, 3, [0, first, first + 32], bits=21, codes=2, shift=5, dtype=np.uint32)
    dealt.deal(0, 5)
    assert dealt.all() == pairs_by_hand([ids[:4].tolist()], 3)
    assert len(dealt.events(1)) == 6


@pytest.mark.parametrize("near", [0, 1, 3, 9])
@pytest.mark.parametrize(("first", "rows"), [(0, 9), (4, 5), (8, 1)])
def test_a_bucket_sums_to_sorted_distinct_keys(near, first, rows):
    generator = stream(near)
    row, column = generator.integers(0, rows, 400), generator.integers(0, 9, 400)
    code = generator.integers(0, 4, 400)
    weights = np.array([60, 30, 20, 15], np.int64)
    events = ((row << 4 | column) << 2 | code).astype(np.uint32)
    wanted: dict[int, int] = {}
    for r, c, d in zip(row.tolist(), column.tolist(), code.tolist(), strict=True):
        wanted[(first + r) << 4 | c] = wanted.get((first + r) << 4 | c, 0) + int(weights[d])
    table, rest = np.zeros(rows * near + 1, np.int64), np.zeros(400, np.uint64)
    fill, previous = np.array([400]), np.array([-1], np.int32)
    size = sift_bucket(
        0, events, fill, previous, 9, 4, 2, weights, near, table, rest, 0, np.zeros(2, np.int64)
    )
    assert size == np.count_nonzero(column >= near)
    keys, sums = np.zeros(400, np.uint64), np.zeros(400, np.int64)
    length = sum_bucket(first, rows, 4, 2, weights, near, table, np.sort(rest[:size]), size, keys, sums)
    assert dict(zip(keys[:length].tolist(), sums[:length].tolist(), strict=True)) == wanted
    assert np.all(keys[1:length] > keys[: length - 1])
    assert not table.any()
