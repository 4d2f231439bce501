"""Kernels of words made of parts, where only some words moved: their rows from the parts, their moves to the parts."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.kernels.rows import REORDER


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def compose_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weights: Floats1d,
    P: Floats2d,
    words: NDArray[np.int64],
    rows: NDArray[np.int64],
    U: Floats2d,
    before: Floats2d,
    begin: int,
    end: int,
) -> None:
    """Row i of ``before``, and row rows[words[i]] of U, become Σ_p B_tp P_p of the word t = words[i], i in [begin, end)."""
    width = P.shape[1]
    for i in range(begin, end):
        t = words[i]
        for j in range(width):
            before[i, j] = 0
        for n in range(indptr[t], indptr[t + 1]):
            weight, p = weights[n], indices[n]
            for j in range(width):
                before[i, j] += weight * P[p, j]
        r = rows[t]
        for j in range(width):
            U[r, j] = before[i, j]


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def move_parts(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weights: Floats1d,
    sums: Floats1d,
    place: NDArray[np.int32],
    moves: Floats2d,
    P: Floats2d,
    begin: int,
    end: int,
) -> None:
    """P_p += Σ_t B_tp ΔU_t / Σ_t B_tp sums_t over the words t that moved, for parts p in [begin, end).

    indptr, indices, weights: Bᵀ. sums: the row sums of B. place: int32 [T], the row of ``moves`` of a word, −1 where it
    did not move.
    """
    width = P.shape[1]
    gathered = np.empty(width, P.dtype)
    for p in range(begin, end):
        mass = P.dtype.type(0)
        for n in range(indptr[p], indptr[p + 1]):
            i = place[indices[n]]
            if i < 0:
                continue
            weight = weights[n]
            if mass == 0:
                for j in range(width):
                    gathered[j] = 0
            mass += weight * sums[indices[n]]
            for j in range(width):
                gathered[j] += weight * moves[i, j]
        if mass > 0:
            for j in range(width):
                P[p, j] += gathered[j] / mass
