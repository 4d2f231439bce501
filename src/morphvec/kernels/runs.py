"""Sorted runs: sort events, sum equal keys, merge runs, unfold to CSR. Integer sums, so every order agrees."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

_DIGIT = 11  # bits a radix pass looks at: 2048 write heads stay in the first-level cache


@nb.njit(nogil=True, cache=True)
def radix_sort(
    events: NDArray[np.uint64], spare: NDArray[np.uint64], size: int, low_bit: int, high_bit: int
) -> bool:
    """Stable least-significant-digit radix sort of events[:size] by the bits [low_bit, high_bit).

    spare: uint64, as long as events. Returns True where the sorted words ended up in ``spare``.
    """
    flipped = False
    counts = np.empty(1 << _DIGIT, np.int64)
    shift = low_bit
    while shift < high_bit:
        bits = min(_DIGIT, high_bit - shift)
        mask = np.uint64((1 << bits) - 1)
        source, target = (spare, events) if flipped else (events, spare)
        counts[:] = 0
        for i in range(size):
            counts[np.int64((source[i] >> np.uint64(shift)) & mask)] += 1
        total = 0
        for digit in range(1 << bits):
            here = int(counts[digit])
            counts[digit] = total
            total += here
        for i in range(size):
            bucket = np.int64((source[i] >> np.uint64(shift)) & mask)
            target[counts[bucket]] = source[i]
            counts[bucket] += 1
        flipped = not flipped
        shift += bits
    return flipped


@nb.njit(nogil=True, cache=True)
def combine_events(
    events: NDArray[np.uint64],
    size: int,
    code_bits: int,
    weights: NDArray[np.int64],
    keys: NDArray[np.uint64],
    sums: NDArray[np.int64],
) -> int:
    """Sum the weights of equal keys in sorted events[:size].

    weights: int64[codes]. keys, sums: at least ``size`` long. Returns the number of distinct keys.
    """
    if size == 0:
        return 0
    mask = np.uint64((1 << code_bits) - 1)
    last = -1
    previous = np.uint64(0)
    for i in range(size):
        key = events[i] >> np.uint64(code_bits)
        weight = weights[np.int64(events[i] & mask)]
        if last >= 0 and key == previous:
            sums[last] += weight
        else:
            last += 1
            keys[last] = key
            sums[last] = weight
            previous = key
    return last + 1


@nb.njit(nogil=True, cache=True)
def merge_two(
    keys_a: NDArray[np.uint64],
    sums_a: NDArray[np.int64],
    keys_b: NDArray[np.uint64],
    sums_b: NDArray[np.int64],
    keys: NDArray[np.uint64],
    sums: NDArray[np.int64],
) -> int:
    """Merge two sorted runs of distinct keys into one, adding the sums of keys in both; returns its length."""
    i = j = size = 0
    while i < len(keys_a) and j < len(keys_b):
        a, b = keys_a[i], keys_b[j]
        if a < b:
            keys[size] = a
            sums[size] = sums_a[i]
            i += 1
        elif b < a:
            keys[size] = b
            sums[size] = sums_b[j]
            j += 1
        else:
            keys[size] = a
            sums[size] = sums_a[i] + sums_b[j]
            i += 1
            j += 1
        size += 1
    while i < len(keys_a):
        keys[size] = keys_a[i]
        sums[size] = sums_a[i]
        i += 1
        size += 1
    while j < len(keys_b):
        keys[size] = keys_b[j]
        sums[size] = sums_b[j]
        j += 1
        size += 1
    return size


@nb.njit(nogil=True, cache=True)
def row_lengths(
    keys: NDArray[np.uint64], column_bits: int, symmetric: bool, lengths: NDArray[np.int64]
) -> None:
    """Add to lengths[t] the number of cells of row t; with ``symmetric``, (i, j) stands for (j, i) too."""
    mask = np.uint64((1 << column_bits) - 1)
    for n in range(len(keys)):
        row, column = np.int64(keys[n] >> np.uint64(column_bits)), np.int64(keys[n] & mask)
        lengths[row] += 1
        if symmetric and row != column:
            lengths[column] += 1


@nb.njit(nogil=True, cache=True)
def unfold(
    keys: NDArray[np.uint64],
    sums: NDArray[np.int64],
    column_bits: int,
    symmetric: bool,
    scale: float,
    heads: NDArray[np.int64],
    indices: NDArray[np.int32],
    data: NDArray[np.float64],
) -> None:
    """Write sorted (key, sum) pairs into CSR cells: data = sum / scale; columns come out sorted.

    heads: int64[rows], next free cell of each row (moved on). With ``symmetric`` the keys hold row <= column and
    (i, j) is written to both rows; a pair of equal words is its own mirror, so its cell counts twice.
    """
    mask = np.uint64((1 << column_bits) - 1)
    for n in range(len(keys)):
        row, column = np.int64(keys[n] >> np.uint64(column_bits)), np.int64(keys[n] & mask)
        value = sums[n] / scale
        if symmetric and row == column:
            value *= 2.0
        indices[heads[row]] = column
        data[heads[row]] = value
        heads[row] += 1
        if symmetric and row != column:
            indices[heads[column]] = row
            data[heads[column]] = value
            heads[column] += 1
