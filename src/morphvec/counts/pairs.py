"""Pairs of a window as sorted runs of exact integer sums: dealt into buckets of rows, summed bucket by bucket.

Each thread deals into a pool of its own; where it is full, its buckets are summed and handed to a store that spills.
What lies in the pools at the end is summed bucket by bucket over all pools. All sums are integers, so pools, buckets,
spills and threads change nothing in the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.counts.spill import Run, RunStore, merge_runs
from morphvec.engine.base import Engine, even_blocks
from morphvec.kernels.buckets import deal_window, events_held, sift_bucket, sum_bucket
from morphvec.kernels.runs import radix_sort
from morphvec.report import Progress

_BUCKETS = (
    512  # more would be more streams than the cache has room for; fewer would not fit the cache one by one
)
_BUCKET_EVENTS = 1 << 12  # a bucket of fewer is not worth its own
_CHUNK_BITS = 11
_MOST_EVENTS = 1 << 30  # of a pool
_LEAST_EVENTS = 1 << 12
_TABLE = 1 << 15  # sums that a bucket keeps in a table: 256 KiB, half of a second-level cache
_RANGES = 1 << 14  # places of the table that says the bucket of a row: it stays in the first-level cache
_SHARD = 1 << 18  # positions dealt at once
_RUN = 1 << 21  # pairs that are handed to the store at once, where memory allows
_SUMMED_BYTES = 32  # of an event that is summed: it, its spare, its key and its sum
_TOGETHER = 64  # buckets summed before they are handed to the store


@dataclass(frozen=True, eq=False)
class Buckets:
    """Ranges of rows with about equally many pairs.

    starts: int64[buckets + 1], the first row of each. of_row: uint16, the bucket of row r at place r >> shift.
    dtype: of an event, 32 bits where its row, column and code fit.
    """

    starts: NDArray[np.int64]
    of_row: NDArray[np.uint16]
    shift: int
    column_bits: int
    code_bits: int
    dtype: type[np.unsignedinteger[Any]]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @classmethod
    def even(cls, ids: NDArray[np.int32], words: int, count: int, code_bits: int) -> Buckets:
        """About ``count`` buckets; how even they are is guessed from some of the stream, and changes no result."""
        column_bits = max(1, (words - 1).bit_length())
        shift = max(0, column_bits - (_RANGES - 1).bit_length())
        unit = 1 << shift
        most = 1 << max(0, 32 - column_bits - code_bits)  # rows, where an event shall have 32 bits
        small = most >= unit and -(-words // most) <= 2 * _BUCKETS
        some = ids[:: max(1, len(ids) // (1 << 20))]
        counts = np.bincount(some[some >= 0], minlength=words).astype(np.float64)
        pairs = np.add.reduceat(counts * np.cumsum(counts), np.arange(0, words, unit))  # by the larger id
        share = max(float(pairs.sum()) / count, 1.0)
        starts, held = [0], 0.0
        for place, here in enumerate(pairs.tolist()):
            row = place * unit
            full = held > 0 and held + here > share
            if row > starts[-1] and (full or (small and row + unit - starts[-1] > most)):
                starts.append(row)
                held = 0.0
            held += here
        starts.append(len(pairs) * unit)
        of_row = np.repeat(np.arange(len(starts) - 1, dtype=np.uint16), np.diff(starts) >> shift)
        starts[-1] = words
        dtype: type[np.unsignedinteger[Any]] = np.uint32 if small else np.uint64
        return cls(np.array(starts, np.int64), of_row, shift, column_bits, code_bits, dtype)


class _Pool:
    """The chunks of one thread."""

    def __init__(self, buckets: Buckets, events: int, chunk_bits: int, window: int) -> None:
        chunks = max(events >> chunk_bits, len(buckets) + window)
        self.words = np.empty(chunks << chunk_bits, buckets.dtype)
        self.previous = np.empty(chunks, np.int32)
        self.fill = np.empty(len(buckets), np.int64)
        self.used = np.empty(1, np.int64)
        self._chunk_bits = chunk_bits
        self.empty()

    def empty(self) -> None:
        """Forget every event: each bucket has one empty chunk."""
        self.used[0] = len(self.fill)
        self.previous[: len(self.fill)] = -1
        self.fill[:] = np.arange(len(self.fill)) << self._chunk_bits


class _Scratch:
    """What one thread needs to sum a bucket; it grows with the largest bucket met."""

    def __init__(self, table: int) -> None:
        self.table = np.zeros(table, np.int64)
        self.reserve(0)

    def reserve(self, size: int) -> None:
        """Make room for so many events beside the table."""
        self.rest, self.spare = np.empty(size, np.uint64), np.empty(size, np.uint64)
        pairs = size + len(self.table)
        self.keys, self.sums = np.empty(pairs, np.uint64), np.empty(pairs, np.int64)


class PairCounter:
    """Counts the pairs of one stream.

    ids: int32[n]. words: rows and columns. weights: int64[window], of the distances 1..window. memory: bytes for the
    pools and what their summing needs.
    """

    def __init__(
        self,
        ids: NDArray[np.int32],
        words: int,
        weights: NDArray[np.int64],
        *,
        engine: Engine,
        store: RunStore,
        memory: int,
    ) -> None:
        self._ids, self._weights, self._engine, self._store = ids, weights, engine, store
        self._window = len(weights)
        code_bits = (self._window - 1).bit_length()
        fitting = memory // engine.threads // 2
        most = min(fitting // 4, len(ids) * self._window, _MOST_EVENTS)
        wanted = min(max(most // _BUCKET_EVENTS, 1), _BUCKETS)
        self._buckets = buckets = Buckets.even(ids, words, wanted, code_bits)
        self._events = max(_LEAST_EVENTS, min(most, fitting // np.dtype(buckets.dtype).itemsize))
        per_bucket = self._events // len(buckets)
        self._chunk_bits = min(max((per_bucket >> 2).bit_length() - 1, 1), _CHUNK_BITS)
        self._table = min(per_bucket, _TABLE)
        self._most_summed = max(_LEAST_EVENTS, fitting // _SUMMED_BYTES)
        self._run = min(_RUN, self._most_summed)
        self._pools: list[_Pool] = []  # every one made
        self._free: list[
            _Pool
        ] = []  # those that no thread deals into now; a list's pop and append are atomic
        self._scratch: list[_Scratch] = []

    def count(self, progress: Progress) -> list[Run]:
        """The sums of all pairs, keys (larger id << column bits | smaller id) distinct and in order over the runs."""

        def shard(block: tuple[int, int]) -> None:
            self._deal(*block)
            progress.advance(block[1] - block[0])

        self._engine.map(shard, even_blocks(len(self._ids), _SHARD))
        buckets = range(len(self._buckets))
        runs: list[Run] = []
        if self._store.empty:
            runs = self._engine.map(self._summed_in_all, buckets)
        else:
            for low in buckets[::_TOGETHER]:
                self._hand_over(self._engine.map(self._summed_in_all, buckets[low : low + _TOGETHER]))
        self._pools, self._free, self._scratch = [], [], []
        return runs if self._store.empty else self._store.merge_all(self._engine)

    def _deal(self, begin: int, end: int) -> None:
        buckets = self._buckets
        try:
            pool = self._free.pop()
        except IndexError:
            pool = _Pool(buckets, self._events, self._chunk_bits, self._window)
            self._pools.append(pool)
        while begin < end:
            begin = deal_window(
                self._ids,
                begin,
                end,
                self._window,
                buckets.of_row,
                buckets.shift,
                buckets.starts,
                buckets.column_bits,
                buckets.code_bits,
                self._chunk_bits,
                pool.words,
                pool.fill,
                pool.previous,
                pool.used,
            )
            if begin < end:
                self._hand_over(self._summed(bucket, [pool]) for bucket in range(len(buckets)))
                pool.empty()
        self._free.append(pool)

    def _hand_over(self, runs: Iterable[Run]) -> None:
        """Give runs in key order to the store, a few together."""
        part: list[Run] = []
        size = 0
        for run in runs:
            part.append(run)
            size += len(run[0])
            if size >= self._run:
                self._store.add(*(np.concatenate(arrays) for arrays in zip(*part, strict=True)))
                part, size = [], 0
        if part:
            self._store.add(*(np.concatenate(arrays) for arrays in zip(*part, strict=True)))

    def _summed_in_all(self, bucket: int) -> Run:
        return self._summed(bucket, self._pools)

    def _summed(self, bucket: int, pools: list[_Pool]) -> Run:
        """The sums of a bucket; one of more events than memory has room for is summed in pieces, which are merged."""
        held = sum(events_held(bucket, pool.fill, pool.previous, self._chunk_bits) for pool in pools)
        if held == 0:
            return np.empty(0, np.uint64), np.empty(0, np.int64)
        try:
            scratch = self._scratch.pop()
        except IndexError:
            scratch = _Scratch(self._table)
        room = min(held, self._most_summed)
        if room > len(scratch.rest):
            scratch.reserve(room)
        first, end = (int(row) for row in self._buckets.starts[bucket : bucket + 2])
        near = min(len(scratch.table) // (end - first), end)
        bits = (self._buckets.column_bits, self._buckets.code_bits)
        parts: list[Run] = []
        size = 0
        for pool in pools:
            chunk = int(pool.fill[bucket]) >> self._chunk_bits
            state = np.array([chunk, chunk << self._chunk_bits])
            while state[0] >= 0:
                size = sift_bucket(
                    bucket, pool.words, pool.fill, pool.previous, self._chunk_bits, *bits,
                    self._weights, near, scratch.table, scratch.rest, size, state,
                )  # fmt: skip
                if state[0] >= 0:
                    parts.append(self._run_of(scratch, size, first, end - first, near))
                    size = 0
        parts.append(self._run_of(scratch, size, first, end - first, near))
        self._scratch.append(scratch)
        return merge_runs(parts)

    def _run_of(self, scratch: _Scratch, size: int, first: int, rows: int, near: int) -> Run:
        """The sums of what lies in a scratch, which is left empty."""
        bits = (self._buckets.column_bits, self._buckets.code_bits)
        row_bits = (rows - 1).bit_length()
        if radix_sort(scratch.rest, scratch.spare, size, bits[1], sum(bits) + row_bits):
            scratch.rest, scratch.spare = scratch.spare, scratch.rest
        length = sum_bucket(
            first, rows, *bits, self._weights, near, scratch.table, scratch.rest, size, scratch.keys, scratch.sums
        )  # fmt: skip
        return scratch.keys[:length].copy(), scratch.sums[:length].copy()
