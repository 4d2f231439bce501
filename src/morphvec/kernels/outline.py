"""Rows in a byte a number, and between which bounds their products with a vector lie.

Row x is s·c + e with codes c in −127..127, s = max |x| / 127 and ‖e‖ kept; a query q is t·d + f with whole d.
x·q = s·t·(c·d) + s·(c·f) + e·q, of which the first term is exact in whole numbers and, by Cauchy and Schwarz,
|s·(c·f)| ≤ (‖x‖ + ‖e‖)·‖f‖ and |e·q| ≤ ‖e‖·‖q‖.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.kernels.rows import REORDER

LARGEST = 127  # of a code
_VANISHING = 1e-40  # what sums may be wrong by where they underflow


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def outline_rows(
    X: Floats2d,
    codes: NDArray[np.int8],
    scales: NDArray[np.float64],
    errors: NDArray[np.float64],
    begin: int,
    end: int,
) -> None:
    """Fill in codes, s and ‖e‖ of the rows [begin, end) of X, float32 [T, k]."""
    for t in range(begin, end):
        x, c = X[t], codes[t]
        largest = np.float32(0)
        for j in range(X.shape[1]):
            largest = max(largest, abs(x[j]))
        scale = np.float64(largest) / LARGEST
        inverse = 1.0 / scale if scale > 0 else 0.0
        square = 0.0
        for j in range(X.shape[1]):
            code = np.rint(np.float64(x[j]) * inverse)
            c[j] = np.int8(code)
            left = np.float64(x[j]) - scale * code
            square += left * left
        scales[t], errors[t] = scale, np.sqrt(square)


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def bound_products(
    codes: NDArray[np.int8],
    scales: NDArray[np.float64],
    errors: NDArray[np.float64],
    norms: Floats1d,
    query: NDArray[np.int16],
    step: float,
    length: float,
    lost: float,
    rounding: float,
    low: Floats1d,
    high: Floats1d,
    begin: int,
    end: int,
) -> None:
    """Bounds float32 of the products of rows [begin, end) with t·query, as a float32 sum in any order has them.

    query: d, small enough that c·d fits in 32 bits; step: t; length: ‖q‖; lost: ‖f‖; norms: ‖x‖, rounded to float32.
    rounding: what that sum may be wrong by, as a share of ‖x‖·‖q‖, the roundings of norms and bounds included.
    """
    for t in range(begin, end):
        c = codes[t]
        total = np.int32(0)
        for j in range(codes.shape[1]):  # the casts keep Numba from 64 bits
            total = np.int32(total + np.int32(np.int32(c[j]) * np.int32(query[j])))
        near = scales[t] * step * total
        margin = errors[t] * length + (norms[t] + errors[t]) * lost + _VANISHING
        margin += rounding * (norms[t] * length + abs(near))
        low[t], high[t] = near - margin, near + margin
