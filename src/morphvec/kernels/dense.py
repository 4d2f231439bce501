"""Kernels over rows of dense arrays: Gram matrices, products with a small matrix, the pieces of conjugate gradients.

All arrays of a call share one dtype (float32 or float64), but for sums that are said to be float64.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d, Rows2d
from morphvec.kernels.rows import REORDER


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def gram_rows(X: Floats2d, scale: Floats1d, out: NDArray[np.float64], begin: int, end: int) -> None:
    """out = Σ_t scale_t x_t x_tᵀ over rows [begin, end), in float64 from blocks of rows summed in X's dtype."""
    k = X.shape[1]
    part = np.empty((k, k), X.dtype)
    out[:, :] = 0
    for low in range(begin, end, 256):
        high = min(low + 256, end)
        part[:, :] = 0
        t = low
        while t + 4 <= high:
            x0, x1, x2, x3 = X[t], X[t + 1], X[t + 2], X[t + 3]
            for i in range(k):
                c0, c1, c2, c3 = (
                    x0[i] * scale[t],
                    x1[i] * scale[t + 1],
                    x2[i] * scale[t + 2],
                    x3[i] * scale[t + 3],
                )
                row = part[i]
                for j in range(k):
                    row[j] += c0 * x0[j] + c1 * x1[j] + c2 * x2[j] + c3 * x3[j]
            t += 4
        while t < high:
            x = X[t]
            for i in range(k):
                c = x[i] * scale[t]
                row = part[i]
                for j in range(k):
                    row[j] += c * x[j]
            t += 1
        for i in range(k):
            for j in range(k):
                out[i, j] += part[i, j]


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def multiply_rows(X: Floats2d, M: Floats2d, out: Floats2d, begin: int, end: int) -> None:
    """out_t = x_t M for rows [begin, end); M is k × k. ``out`` may be X itself."""
    k = X.shape[1]
    kept = np.empty(k, X.dtype)
    for t in range(begin, end):
        for j in range(k):
            kept[j] = X[t, j]
        o = out[t]
        o[:] = 0
        q = 0
        while q + 4 <= k:
            c0, c1, c2, c3 = kept[q], kept[q + 1], kept[q + 2], kept[q + 3]
            for j in range(M.shape[1]):
                o[j] += c0 * M[q, j] + c1 * M[q + 1, j] + c2 * M[q + 2, j] + c3 * M[q + 3, j]
            q += 4
        while q < k:
            for j in range(M.shape[1]):
                o[j] += kept[q] * M[q, j]
            q += 1


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def square_rows(X: Floats2d, scale: Floats1d, width: int, begin: int, end: int) -> float:
    """Σ_t scale_t ‖x_t‖² over the first ``width`` columns of rows [begin, end), in float64; no scale: ones."""
    total = 0.0
    for t in range(begin, end):
        part = 0.0
        for j in range(width):
            part += np.float64(X[t, j]) * np.float64(X[t, j])
        total += part * scale[t] if len(scale) else part
    return total


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def size_columns(X: Floats2d, peak: Floats1d, square: NDArray[np.float64], begin: int, end: int) -> None:
    """peak = max |x_t| and square = Σ x_t² of each column over rows [begin, end)."""
    peak[:] = 0
    square[:] = 0
    for t in range(begin, end):
        for j in range(X.shape[1]):
            peak[j] = max(peak[j], abs(X[t, j]))
            square[j] += np.float64(X[t, j]) * np.float64(X[t, j])


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def code_rows(X: Floats2d, unit: Floats1d, out: Rows2d, begin: int, end: int) -> None:
    """out_t = x_t in steps of ``unit``, rounded half up, on rows [begin, end); further columns of ``out`` become 0."""
    k, kind = X.shape[1], X.dtype.type
    one_over = np.empty(k, X.dtype)
    for j in range(k):
        one_over[j] = kind(1) / unit[j]
    for t in range(begin, end):
        for j in range(k):
            out[t, j] = np.int16(np.floor(X[t, j] * one_over[j] + kind(0.5)))
        for j in range(k, out.shape[1]):
            out[t, j] = 0


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def cg_start(r: Floats2d, m: Floats2d, p: Floats2d, begin: int, end: int) -> float:
    """p = r / m on rows [begin, end); returns Σ r²/m there."""
    total = 0.0
    for t in range(begin, end):
        part = 0.0
        for j in range(r.shape[1]):
            z = r[t, j] / m[t, j] if m[t, j] > 0 else r.dtype.type(0)
            p[t, j] = z
            part += r[t, j] * z
        total += part
    return total


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def cg_inner(p: Floats2d, q: Floats2d, begin: int, end: int) -> float:
    """Σ p·q over rows [begin, end)."""
    total = 0.0
    for t in range(begin, end):
        part = 0.0
        for j in range(p.shape[1]):
            part += p[t, j] * q[t, j]
        total += part
    return total


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def add_ridge(
    X: Floats2d, ridge: Floats1d, width: int, sign: float, out: Floats2d, begin: int, end: int
) -> None:
    """out_t += sign · ridge_t x_t on the first ``width`` columns of rows [begin, end)."""
    for t in range(begin, end):
        size = X.dtype.type(sign) * ridge[t]
        for j in range(width):
            out[t, j] += size * X[t, j]


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def cg_move(
    x: Floats2d, r: Floats2d, p: Floats2d, q: Floats2d, m: Floats2d, step: float, begin: int, end: int
) -> float:
    """x += step p, r −= step q on rows [begin, end); returns Σ r²/m there."""
    total = 0.0
    size = x.dtype.type(step)
    for t in range(begin, end):
        part = 0.0
        for j in range(r.shape[1]):
            x[t, j] += size * p[t, j]
            left = r[t, j] - size * q[t, j]
            r[t, j] = left
            if m[t, j] > 0:
                part += left * left / m[t, j]
        total += part
    return total


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def cg_turn(r: Floats2d, m: Floats2d, p: Floats2d, beta: float, begin: int, end: int) -> None:
    """p = r / m + beta p on rows [begin, end)."""
    keep = p.dtype.type(beta)
    for t in range(begin, end):
        for j in range(r.shape[1]):
            z = r[t, j] / m[t, j] if m[t, j] > 0 else r.dtype.type(0)
            p[t, j] = z + keep * p[t, j]
