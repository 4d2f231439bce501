"""Pairs of a window, dealt into buckets of rows by the stream and summed bucket by bucket within the cache.

A stream is int32 word ids with -1 after each line; no pair crosses a -1. A pair of words is an event of the row of
the larger id, ``((row - first row of its bucket) << column_bits | smaller id) << code_bits | code``, in 32 or 64
bits; the code says the distance and is looked up in a table of integer weights where events are summed, so sums are
exact and their order cannot matter.

Events lie in ``pool``, cut into chunks of 2^chunk_bits. A bucket is a chain of chunks: ``fill[b]`` is where its next
event goes, ``previous[c]`` the full chunk before chunk c, -1 before the first. Memory is written in as many streams
as there are buckets, and every event is looked at again when its bucket is in the cache; a table of sums for all
pairs misses the cache at nearly every pair.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(nogil=True, cache=True)
def deal_window(
    ids: NDArray[np.int32],
    begin: int,
    end: int,
    window: int,
    bucket_of: NDArray[np.uint16],
    shift: int,
    first_rows: NDArray[np.int64],
    column_bits: int,
    code_bits: int,
    chunk_bits: int,
    pool: NDArray[np.unsignedinteger],
    fill: NDArray[np.int64],
    previous: NDArray[np.int32],
    used: NDArray[np.int64],
) -> int:
    """Deal each unordered pair (left neighbour at distance 1..window, token) of positions [begin, end) once.

    ids: int32[n], the whole stream (left context may lie before ``begin``). bucket_of: by row >> shift. used:
    int64[1], the chunks in use. Returns the position reached, which is less than ``end`` where the pool is full.
    """
    places, codes, coarse = np.uint64(column_bits), np.uint64(code_bits), np.uint64(shift)
    inside = (1 << chunk_bits) - 1
    chunks = used[0]
    position = begin
    while position < end and chunks + window <= previous.size:
        token = np.int64(ids[position])
        if token >= 0:
            for distance in range(1, min(window, position) + 1):
                other = np.int64(ids[position - distance])
                if other < 0:
                    break
                low, high = np.uint64(min(token, other)), np.uint64(max(token, other))
                bucket = bucket_of[high >> coarse]
                row = high - np.uint64(first_rows[bucket])
                at = fill[bucket]
                pool[at] = (((row << places) | low) << codes) | np.uint64(distance - 1)
                at += 1
                if at & inside == 0:
                    previous[chunks] = (at - 1) >> chunk_bits
                    at = chunks << chunk_bits
                    chunks += 1
                fill[bucket] = at
        position += 1
    used[0] = chunks
    return position


@nb.njit(nogil=True, cache=True)
def events_held(bucket: int, fill: NDArray[np.int64], previous: NDArray[np.int32], chunk_bits: int) -> int:
    """How many events lie in a bucket."""
    chunk = fill[bucket] >> chunk_bits
    held = fill[bucket] - (chunk << chunk_bits)
    while previous[chunk] >= 0:
        chunk = np.int64(previous[chunk])
        held += 1 << chunk_bits
    return int(held)


@nb.njit(nogil=True, cache=True)
def sift_bucket(
    bucket: int,
    pool: NDArray[np.unsignedinteger],
    fill: NDArray[np.int64],
    previous: NDArray[np.int32],
    chunk_bits: int,
    column_bits: int,
    code_bits: int,
    weights: NDArray[np.int64],
    near: int,
    table: NDArray[np.int64],
    rest: NDArray[np.uint64],
    size: int,
    state: NDArray[np.int64],
) -> int:
    """Add the events of a bucket with columns below ``near`` to ``table`` (rows × near), and the others to ``rest``.

    weights: int64[codes]. rest: holds ``size`` events before. state: the chunk and the place in the pool of the next
    event, a chunk of -1 for a bucket that is done; it stops where ``rest`` is full. Returns how many ``rest`` holds.
    """
    columns, codes = np.uint64((1 << column_bits) - 1), np.uint64((1 << code_bits) - 1)
    places, weighed = np.uint64(column_bits), np.uint64(code_bits)
    chunk, begin = state[0], state[1]
    stop = fill[bucket] if chunk == fill[bucket] >> chunk_bits else (chunk + 1) << chunk_bits
    while chunk >= 0:
        for i in range(begin, stop):
            event = np.uint64(pool[i])
            key = event >> weighed
            row, column = np.int64(key >> places), np.int64(key & columns)
            if column < near:
                table[row * near + column] += weights[np.int64(event & codes)]
            else:
                if size == rest.size:
                    state[0], state[1] = chunk, i
                    return size
                rest[size] = event
                size += 1
        chunk = np.int64(previous[chunk])
        begin, stop = chunk << chunk_bits, (chunk + 1) << chunk_bits
    state[0] = chunk
    return size


@nb.njit(nogil=True, cache=True)
def sum_bucket(
    first_row: int,
    rows: int,
    column_bits: int,
    code_bits: int,
    weights: NDArray[np.int64],
    near: int,
    table: NDArray[np.int64],
    rest: NDArray[np.uint64],
    size: int,
    keys: NDArray[np.uint64],
    sums: NDArray[np.int64],
) -> int:
    """Write what is in ``table`` and in sorted rest[:size] as distinct keys (row << column_bits | column) and sums.

    The table is left empty. keys, sums: as long as table and events together. Returns the number of keys.
    """
    columns, codes = np.uint64((1 << column_bits) - 1), np.uint64((1 << code_bits) - 1)
    places, weighed = np.uint64(column_bits), np.uint64(code_bits)
    written = i = 0
    for row in range(rows):
        above = np.uint64(first_row + row) << places
        for column in range(near):
            total = table[row * near + column]
            if total != 0:
                keys[written] = above | np.uint64(column)
                sums[written] = total
                written += 1
                table[row * near + column] = 0
        last = np.int64(-1)
        while i < size:
            key = rest[i] >> weighed
            if np.int64(key >> places) != row:
                break
            weight = weights[np.int64(rest[i] & codes)]
            if np.int64(key & columns) == last:
                sums[written - 1] += weight
            else:
                last = np.int64(key & columns)
                keys[written] = above | np.uint64(last)
                sums[written] = weight
                written += 1
            i += 1
    return written
