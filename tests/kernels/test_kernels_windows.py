from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

import naive
from morphvec.kernels.windows import emit_units, emit_window, pair_weights

LINES = [[0, 1, 2, 1, 0], [], [3], [2, 2, 2], [1, 0, 3, 3, 1, 2, 0], []]


def unpacked(events, column_bits, code_bits):
    """(row, column, code) of each event, by Python integers."""
    return [
        (
            event >> (column_bits + code_bits),
            (event >> code_bits) & ((1 << column_bits) - 1),
            event & ((1 << code_bits) - 1),
        )
        for event in events.tolist()
    ]


def pairs_by_hand(lines, window):
    """Each unordered pair of places of one line once: (smaller id, larger id, distance − 1)."""
    return Counter(
        (min(line[i], line[j]), max(line[i], line[j]), j - i - 1)
        for line in lines
        for j in range(len(line))
        for i in range(max(0, j - window), j)
    )


@pytest.mark.parametrize("window", [1, 2, 3, 5, 9])
def test_every_pair_of_a_line_once_and_none_across_lines(window):
    ids = naive.stream(LINES)
    events = np.zeros(len(ids) * window, np.uint64)
    size = emit_window(ids, 0, len(ids), window, 2, 4, events)
    assert Counter(unpacked(events[:size], 2, 4)) == pairs_by_hand(LINES, window)
    assert not events[size:].any()


@pytest.mark.parametrize("cut", range(0, 20, 3))
def test_a_shard_sees_the_context_on_its_left(cut):
    ids = naive.stream(LINES)
    events = np.zeros(len(ids) * 3, np.uint64)
    first = emit_window(ids, 0, cut, 3, 2, 2, events)
    second = emit_window(ids, cut, len(ids), 3, 2, 2, events[first:])
    assert Counter(unpacked(events[: first + second], 2, 2)) == pairs_by_hand(LINES, 3)


def test_ids_of_31_bits_and_a_code_fill_the_word_without_overlap():
    largest = 2**31 - 2
    ids = np.array([largest, 0, largest, largest - 1, -1], np.int32)
    events = np.zeros(10, np.uint64)
    size = emit_window(ids, 0, 5, 2, 31, 2, events)
    assert Counter(unpacked(events[:size], 31, 2)) == pairs_by_hand([ids[:4].tolist()], 2)


def test_units_follow_the_lines_empty_ones_too():
    units = np.array([4, 0, 3, 3, 1, 2], np.int32)
    ids = naive.stream(LINES)
    wanted = Counter(
        (word, unit, 0) for line, unit in zip(LINES, units.tolist(), strict=True) for word in line
    )
    for cut in range(len(ids) + 1):
        events = np.zeros(len(ids), np.uint64)
        first = emit_units(ids, 0, cut, 0, units, 3, events)
        line = int(np.count_nonzero(ids[:cut] < 0))
        second = emit_units(ids, cut, len(ids), line, units, 3, events[first:])
        assert Counter(unpacked(events[: first + second], 3, 0)) == wanted


@pytest.mark.parametrize("kind", ["flat", "distance", "dynamic"])
@pytest.mark.parametrize("window", [1, 2, 5, 10, 20])
def test_weights_are_exact_up_to_window_20(kind, window):
    weights, scale = pair_weights(window, kind)
    assert weights.dtype == np.int64
    for distance in range(1, window + 1):
        exact = naive.distance_weight(distance, window, kind)
        assert exact == Fraction(int(weights[distance - 1]), int(scale))


@pytest.mark.parametrize("window", [21, 100, 256])
def test_wide_distance_windows_are_rounded_below_1e_12(window):
    weights, scale = pair_weights(window, "distance")
    np.testing.assert_allclose(weights / scale, 1 / np.arange(1, window + 1), rtol=0, atol=1e-12)
