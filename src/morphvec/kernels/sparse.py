"""Rows of a sparse matrix times a dense one: one pass over the entries of rows [begin, end) of a CSR matrix."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.kernels.prefetch import prefetch
from morphvec.kernels.rows import AHEAD, REORDER


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _add_rows(
    indices: NDArray[np.int32], coefficients: Floats1d, begin: int, end: int, X: Floats2d, out: Floats1d
) -> None:
    """out += Σ_n coefficients_n x_n over the entries [begin, end)."""
    k, last = X.shape[1], len(indices) - 1
    n = begin
    while n + 4 <= end:
        for ahead in range(AHEAD, AHEAD + 4):
            prefetch(X, indices[min(n + ahead, last)])
        x0, x1, x2, x3 = X[indices[n]], X[indices[n + 1]], X[indices[n + 2]], X[indices[n + 3]]
        c0, c1, c2, c3 = coefficients[n], coefficients[n + 1], coefficients[n + 2], coefficients[n + 3]
        for j in range(k):
            out[j] += c0 * x0[j] + c1 * x1[j] + c2 * x2[j] + c3 * x3[j]
        n += 4
    while n < end:
        x = X[indices[n]]
        c = coefficients[n]
        for j in range(k):
            out[j] += c * x[j]
        n += 1


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def sparse_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    coefficients: Floats1d,
    X: Floats2d,
    out: Floats2d,
    add: bool,
    begin: int,
    end: int,
) -> None:
    """out_t = Σ_n coefficients_n x_n: rows of a sparse matrix times a dense one (right sides, B·P, Bᵀ·H, F·U).

    With ``add`` the sum goes on top of what ``out`` holds.
    """
    for t in range(begin, end):
        if not add:
            out[t, :] = 0
        _add_rows(indices, coefficients, indptr[t], indptr[t + 1], X, out[t])
