from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphvec.kernels.runs import combine_events, merge_two, radix_sort, row_lengths, unfold
from morphvec.rng import stream

KEYS = st.lists(st.integers(0, 40), max_size=30, unique=True).map(sorted)


def words(size, bits=64, seed=0):
    return stream(seed).integers(0, 2**bits - 1, size, np.uint64, endpoint=True)


RANGES = [
    (low, high)
    for low in (0, 1, 3, 11, 40, 63, 64)
    for high in (1, 11, 12, 22, 23, 47, 63, 64)
    if low <= high
]


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_radix_sort_is_the_stable_sort_by_its_bits(low, high):
    given_words = words(1000, seed=high)
    given_words[::7] = given_words[0]
    events, spare = given_words.copy(), np.zeros(1000, np.uint64)
    flipped = radix_sort(events, spare, 1000, low, high)
    field = (given_words >> np.uint64(low % 64)) & np.uint64((1 << (high - low)) - 1)
    order = np.argsort(field, kind="stable") if high > low else np.arange(1000)
    assert np.array_equal(spare if flipped else events, given_words[order])


@pytest.mark.parametrize("size", [0, 1, 2, 2047, 4096])
def test_radix_sort_of_all_bits_is_sort(size):
    events, spare = words(size + 3, seed=size), np.zeros(size + 3, np.uint64)
    wanted, rest = np.sort(events[:size]), events[size:].copy()
    flipped = radix_sort(events, spare, size, 0, 64)
    assert np.array_equal((spare if flipped else events)[:size], wanted)
    assert np.array_equal((spare if flipped else events)[size:], np.zeros(3, np.uint64) if flipped else rest)


@pytest.mark.parametrize("code_bits", [0, 2, 8])
def test_equal_keys_are_summed(code_bits):
    codes = 1 << code_bits
    weights = np.arange(1, codes + 1, dtype=np.int64) * 7
    events = np.sort(words(500, bits=6 + code_bits))
    keys, sums = np.empty(500, np.uint64), np.empty(500, np.int64)
    size = combine_events(events, 500, code_bits, weights, keys, sums)
    wanted: dict[int, int] = {}
    for event in events.tolist():
        wanted[event >> code_bits] = wanted.get(event >> code_bits, 0) + int(weights[event % codes])
    assert dict(zip(keys[:size].tolist(), sums[:size].tolist(), strict=True)) == wanted
    assert np.all(np.diff(keys[:size].astype(np.float64)) > 0)


def test_nothing_sums_to_nothing():
    none, whole = np.empty(0, np.uint64), np.empty(0, np.int64)
    assert combine_events(none, 0, 3, np.ones(8, np.int64), none, whole) == 0


@given(KEYS, KEYS, st.integers(0, 2**40))
@settings(deadline=None)
def test_a_merge_is_the_union_with_sums_added(a, b, largest):
    offset = 2**64 - 41  # keys up to the largest word
    one = {offset + key: key + largest for key in a}
    two = {offset + key: 3 * key + 1 for key in b}
    keys, sums = np.empty(len(a) + len(b), np.uint64), np.empty(len(a) + len(b), np.int64)
    sides = [
        (np.array(list(part), np.uint64), np.array(list(part.values()), np.int64)) for part in (one, two)
    ]
    size = merge_two(*sides[0], *sides[1], keys, sums)
    wanted = {key: one.get(key, 0) + two.get(key, 0) for key in one | two}
    assert keys[:size].tolist() == sorted(wanted)
    assert sums[:size].tolist() == [wanted[key] for key in sorted(wanted)]


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize(("rows", "columns", "bits"), [(1, 1, 1), (5, 9, 4), (9, 9, 4), (40, 40, 7)])
def test_unfolding_fills_sorted_rows(symmetric, rows, columns, bits):
    if symmetric:
        columns = rows
    generator = stream(rows)
    dense = generator.integers(1, 50, (rows, columns)) * (generator.random((rows, columns)) < 0.4)
    dense[rows // 2] = 9  # a full row, and below an empty one
    dense[rows - 1] = dense[rows - 1] if rows < 3 else 0
    if symmetric:
        dense = np.triu(dense)
    row, column = np.nonzero(dense)
    keys = (row.astype(np.uint64) << np.uint64(bits)) | column.astype(np.uint64)
    sums = dense[row, column].astype(np.int64)
    lengths = np.zeros(rows, np.int64)
    half = len(keys) // 2  # two runs, one after the other
    for part in (keys[:half], keys[half:]):
        row_lengths(part, bits, symmetric, lengths)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices, data = np.full(indptr[-1], -1, np.int32), np.zeros(indptr[-1])
    heads = indptr[:-1].copy()
    for part in (slice(None, half), slice(half, None)):
        unfold(keys[part], sums[part], bits, symmetric, 4.0, heads, indices, data)
    assert np.array_equal(heads, indptr[1:])
    wanted = dense / 4 + (dense.T / 4 if symmetric else 0)
    found = np.zeros((rows, columns))
    for t in range(rows):
        cells = slice(indptr[t], indptr[t + 1])
        assert np.all(np.diff(indices[cells]) > 0)
        found[t, indices[cells]] = data[cells]
    assert np.array_equal(found, wanted)
