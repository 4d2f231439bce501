"""Kernels of the softmax beside NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from morphvec.kernels.softmax import exp_rows, subtract_rows
from morphvec.rng import stream


def run(y: Any) -> tuple[Any, Any, Any]:
    """(e^{y − most}, most, total) as new arrays."""
    out, most, total = y.copy(), np.empty(len(y), y.dtype), np.empty(len(y), y.dtype)
    exp_rows(out, most, total)
    return out, most, total


@pytest.mark.parametrize(("kind", "bits"), [(np.float32, 3e-7), (np.float64, 1e-15)])
@pytest.mark.parametrize("width", [1, 7, 1024])
@pytest.mark.parametrize("spread", [1e-3, 1.0, 30.0])
def test_exponentials_and_their_sums(kind: Any, bits: float, width: int, spread: float) -> None:
    y = (spread * stream(1, width).normal(size=(50, width))).astype(kind)
    out, most, total = run(y)
    np.testing.assert_array_equal(most, y.max(axis=1))
    exact = np.exp((y - most[:, None]).astype(np.float64))  # of the difference as it is rounded
    np.testing.assert_allclose(out, exact, rtol=bits, atol=2e-38)
    np.testing.assert_allclose(total, exact.sum(axis=1), rtol=10 * bits)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_is_far_below_is_nothing_and_what_is_not_a_number_stays_so(kind: Any) -> None:
    out, most, total = run(np.array([[-1e30, 5, -2000], [-1e30, -1e30, -1e30], [np.nan, 0, 1]], kind))
    assert out[0].tolist() == [0, 1, 0]
    assert out[1].tolist() == [1, 1, 1]
    assert most[:2].tolist() == [5, kind(-1e30)]
    assert total[:2].tolist() == [1, 3]
    assert np.isnan(total[2])


def test_every_power_of_two_down_to_the_last() -> None:
    """Steps of the exponent are where a hand-written exponential goes wrong."""
    y = np.concatenate([[0.0], -np.log(2) * np.arange(0, 125, 0.125), [-87.0]]).astype(np.float32)[None, :]
    out, _, _ = run(y)
    np.testing.assert_allclose(out, np.exp(y.astype(np.float64)), rtol=3e-7)


def test_rows_are_subtracted_where_they_belong_repeated_or_not() -> None:
    generator = stream(2)
    out, rows, shares = generator.normal(size=(4, 3)), generator.normal(size=(6, 3)), generator.random(6)
    into, places = np.array([2, 0, 2]), np.array([5, 1, 0])
    expected = out.copy()
    np.subtract.at(expected, into, shares[places, None] * rows[places])
    subtract_rows(out, into, rows, places, shares)
    np.testing.assert_allclose(out, expected, rtol=1e-14)
