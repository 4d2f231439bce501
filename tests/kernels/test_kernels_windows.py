from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

import naive
from morphvec.kernels.windows import emit_units, pair_weights

LINES = [[0, 1, 2, 1, 0], [], [3], [2, 2, 2], [1, 0, 3, 3, 1, 2, 0], []]


def unpacked(events, column_bits):
    """(row, column) of each event, by Python integers."""
    return [(event >> column_bits, event & ((1 << column_bits) - 1)) for event in events.tolist()]


def test_units_follow_the_lines_empty_ones_too():
    units = np.array([4, 0, 3, 3, 1, 2], np.int32)
    ids = naive.stream(LINES)
    wanted = Counter((word, unit) for line, unit in zip(LINES, units.tolist(), strict=True) for word in line)
    for cut in range(len(ids) + 1):
        events = np.zeros(len(ids), np.uint64)
        first = emit_units(ids, 0, cut, 0, units, 3, events)
        line = int(np.count_nonzero(ids[:cut] < 0))
        second = emit_units(ids, cut, len(ids), line, units, 3, events[first:])
        assert Counter(unpacked(events[: first + second], 3)) == wanted


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
