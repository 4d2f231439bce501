"""Kernels of the softmax over a vocabulary: exponentials and their sums in one pass over the logits."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.kernels.rows import REORDER

_LOG2E = np.float32(1.44269504088896341)
_LN2_HIGH, _LN2_LOW = (
    np.float32(0.693359375),
    np.float32(-2.12194440e-4),
)  # ln 2 in two parts, the first exact
_LEAST = np.float32(-87.0)  # below, e^x has no float32 of full precision


@nb.njit(nogil=True, cache=True, fastmath={"contract"})  # no reordering: ln 2 comes in two parts
def _exp32(x: np.float32) -> Any:
    """e^x for a float32 x ≤ 0: 2^k times the series of the rest, |rest| ≤ ½ ln 2, to 2e-7 relative; 0 below −87."""
    within = x if not x < _LEAST else _LEAST  # what is not a number stays so
    k = np.floor(within * _LOG2E + np.float32(0.5))
    r = within - k * _LN2_HIGH - k * _LN2_LOW
    p = np.float32(1 / 5040)
    p = p * r + np.float32(1 / 720)
    p = p * r + np.float32(1 / 120)
    p = p * r + np.float32(1 / 24)
    p = p * r + np.float32(1 / 6)
    p = p * r + np.float32(0.5)
    p = p * r + np.float32(1)
    p = p * r + np.float32(1)
    power = np.int32((np.int32(k) + 127) << 23).view(np.float32)
    return np.float32(0) if x < _LEAST else p * power


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def exp_rows(y: Floats2d, most: Floats1d, total: Floats1d) -> None:
    """y [n, m] becomes e^{y − most}; most [n]: the largest of a row, total [n]: the sum of what the row becomes."""
    for i in range(y.shape[0]):
        row = y[i]
        top = row[0]
        for j in range(1, row.shape[0]):
            top = max(top, row[j])
        size = y.dtype.type(0)
        for j in range(row.shape[0]):
            if y.itemsize == 4:
                power = _exp32(row[j] - top)
            else:
                power = np.exp(row[j] - top)
            row[j] = power
            size += power
        most[i], total[i] = top, size


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def subtract_rows(out: Floats2d, into: Ints1d, rows: Floats2d, places: Ints1d, shares: Floats1d) -> None:
    """out[into_i] −= shares[places_i] · rows[places_i], one after the other; a row of out may be met more than once."""
    for i in range(len(into)):
        target, row, share = out[into[i]], rows[places[i]], shares[places[i]]
        for j in range(row.shape[0]):
            target[j] -= share * row[j]
