"""Kernels of the mini-batch solvers: draws from the stored cells of a tile.

The stored cells lie tile by tile (``solvers.tiles``), each in four numbers side by side, since a batch skips from cell
to cell: places [n, 0] and [n, 1] hold row and column, values [n, 2] and [n, 3] pull and surplus, in one memory. Tiles
of one diagonal share no row and no column, so each writes its own rows of dU and dS. A draw depends on (key, number of
the draw) alone, whoever makes it. Gradients are *half* gradients, as everywhere in the solvers:
Σ (surplus (u·s) − pull) s.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d, Ints2d
from morphvec.kernels.rows import REORDER

_UNIT = 1.0 / 9007199254740992.0  # 2**-53
_HELD = 64  # cells chosen before they are worked on


@nb.njit(nogil=True, cache=True)
def mix(key: np.uint64, n: np.uint64) -> np.uint64:
    """The n-th number of the stream ``key`` (SplitMix64: Steele, Lea & Flood 2014)."""
    z = key + (n + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@nb.njit(nogil=True, cache=True)
def unit(key: np.uint64, n: np.uint64) -> float:
    """The n-th number of the stream ``key`` as a float in [0, 1)."""
    return np.float64(mix(key, n) >> np.uint64(11)) * _UNIT


@nb.njit(nogil=True, cache=True)
def count_tiles(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    column_tile: NDArray[np.int32],
    counts: NDArray[np.int64],
    begin: int,
    end: int,
) -> None:
    """Add the cells of rows [begin, end) to counts[tile of their column]."""
    for n in range(indptr[begin], indptr[end]):
        counts[column_tile[indices[n]]] += 1


@nb.njit(nogil=True, cache=True)
def fill_tiles(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    pull: Floats1d,
    surplus: Floats1d,
    column_tile: NDArray[np.int32],
    heads: NDArray[np.int64],
    places: Ints2d,
    values: Floats2d,
    begin: int,
    end: int,
) -> None:
    """Copy the cells of rows [begin, end) behind the heads of their column tiles, row by row.

    pull and surplus are those of these rows alone.
    """
    first = indptr[begin]
    for t in range(begin, end):
        for n in range(indptr[t], indptr[t + 1]):
            tile = column_tile[indices[n]]
            at = heads[tile]
            heads[tile] = at + 1
            places[at, 0] = t
            places[at, 1] = indices[n]
            values[at, 2] = pull[n - first]
            values[at, 3] = surplus[n - first]


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _add_cell(
    t: int,
    f: int,
    pull: float,
    surplus: float,
    U: Floats2d,
    S: Floats2d,
    dU: Floats2d,
    dS: Floats2d,
    seen_rows: NDArray[np.int32],
    seen_columns: NDArray[np.int32],
    step: int,
) -> None:
    """Add one cell's half gradient to rows t of dU and f of dS; a row met first in this step is cleared before."""
    u, s, du, ds = U[t], S[f], dU[t], dS[f]
    k = U.shape[1]
    if seen_rows[t] != step:
        seen_rows[t] = step
        du[:] = 0
    if seen_columns[f] != step:
        seen_columns[f] = step
        ds[:] = 0
    d = U.dtype.type(0)
    for j in range(k):
        d += u[j] * s[j]
    e = surplus * d - pull
    for j in range(k):
        du[j] += e * s[j]
        ds[j] += e * u[j]


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _meet(G: Floats2d, seen: NDArray[np.int32], t: int, step: int) -> None:
    """Clear a row of G that is met first in this step."""
    if seen[t] != step:
        seen[t] = step
        G[t, :] = 0


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _add_cells(
    places: Ints2d,
    values: Floats2d,
    chosen: NDArray[np.int64],
    scales: Floats1d,
    count: int,
    U: Floats2d,
    S: Floats2d,
    dU: Floats2d,
    dS: Floats2d,
    seen_rows: NDArray[np.int32],
    seen_columns: NDArray[np.int32],
    step: int,
) -> None:
    """``_add_cell`` for each of the first ``count`` chosen cells, four at a time: their rows are fetched together."""
    k = U.shape[1]
    i = 0
    while i + 4 <= count:
        n0, n1, n2, n3 = chosen[i], chosen[i + 1], chosen[i + 2], chosen[i + 3]
        t0, t1, t2, t3 = places[n0, 0], places[n1, 0], places[n2, 0], places[n3, 0]
        f0, f1, f2, f3 = places[n0, 1], places[n1, 1], places[n2, 1], places[n3, 1]
        u0, u1, u2, u3 = U[t0], U[t1], U[t2], U[t3]
        s0, s1, s2, s3 = S[f0], S[f1], S[f2], S[f3]
        d0 = d1 = d2 = d3 = U.dtype.type(0)
        for j in range(k):
            d0 += u0[j] * s0[j]
            d1 += u1[j] * s1[j]
            d2 += u2[j] * s2[j]
            d3 += u3[j] * s3[j]
        e0 = scales[i] * (values[n0, 3] * d0 - values[n0, 2])
        e1 = scales[i + 1] * (values[n1, 3] * d1 - values[n1, 2])
        e2 = scales[i + 2] * (values[n2, 3] * d2 - values[n2, 2])
        e3 = scales[i + 3] * (values[n3, 3] * d3 - values[n3, 2])
        _meet(dU, seen_rows, t0, step)
        if t0 == t1 and t1 == t2 and t2 == t3:
            du = dU[t0]
            for j in range(k):
                du[j] += e0 * s0[j] + e1 * s1[j] + e2 * s2[j] + e3 * s3[j]
        else:
            _meet(dU, seen_rows, t1, step)
            _meet(dU, seen_rows, t2, step)
            _meet(dU, seen_rows, t3, step)
            for j in range(k):
                dU[t0, j] += e0 * s0[j]
            for j in range(k):
                dU[t1, j] += e1 * s1[j]
            for j in range(k):
                dU[t2, j] += e2 * s2[j]
            for j in range(k):
                dU[t3, j] += e3 * s3[j]
        _meet(dS, seen_columns, f0, step)
        _meet(dS, seen_columns, f1, step)
        _meet(dS, seen_columns, f2, step)
        _meet(dS, seen_columns, f3, step)
        for j in range(k):
            dS[f0, j] += e0 * u0[j]
        for j in range(k):
            dS[f1, j] += e1 * u1[j]
        for j in range(k):
            dS[f2, j] += e2 * u2[j]
        for j in range(k):
            dS[f3, j] += e3 * u3[j]
        i += 4
    while i < count:
        n = chosen[i]
        _add_cell(
            places[n, 0],
            places[n, 1],
            scales[i] * values[n, 2],
            scales[i] * values[n, 3],
            U,
            S,
            dU,
            dS,
            seen_rows,
            seen_columns,
            step,
        )
        i += 1


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def step_cells(
    places: Ints2d,
    values: Floats2d,
    low: int,
    high: int,
    batches: int,
    batch: int,
    key: np.uint64,
    factor: float,
    U: Floats2d,
    S: Floats2d,
    dU: Floats2d,
    dS: Floats2d,
    seen_rows: NDArray[np.int32],
    seen_columns: NDArray[np.int32],
    step: int,
) -> int:
    """Add the cells of one batch that lie in the tile [low, high), each times ``factor``; returns how many.

    The cells are cut into runs of ``batches`` cells; each run is turned by a random number of places, and batch b
    takes the b-th cell of every run: over an epoch every cell comes once, and a batch is an even sample.
    """
    if high <= low:
        return 0
    met, held = 0, 0
    size = np.uint64(batches)
    chosen, scales = np.empty(_HELD, np.int64), np.full(_HELD, factor, U.dtype)
    last = (high - 1) // batches
    for run in range(low // batches, last + 1):
        turn = np.int64(((mix(key, np.uint64(run)) >> np.uint64(32)) * size) >> np.uint64(32))
        place = batch + turn
        if place >= batches:
            place -= batches
        n = run * batches + place
        if low <= n < high:
            chosen[held] = n
            held += 1
        if held == _HELD or run == last:
            _add_cells(places, values, chosen, scales, held, U, S, dU, dS, seen_rows, seen_columns, step)
            met += held
            held = 0
    return met


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def draw_cells(
    places: Ints2d,
    values: Floats2d,
    reach: NDArray[np.float64],
    low: int,
    high: int,
    draws: int,
    key: np.uint64,
    importance: bool,
    U: Floats2d,
    S: Floats2d,
    dU: Floats2d,
    dS: Floats2d,
    seen_rows: NDArray[np.int32],
    seen_columns: NDArray[np.int32],
    step: int,
) -> int:
    """The same for ``draws`` cells drawn with replacement, cell n with probability q ∝ reach[n + 1] − reach[n].

    Draw i falls at random into the i-th of ``draws`` equal stretches of the summed rates. A cell is weighed
    1/(draws·q) with ``importance``, otherwise cells/draws.
    """
    if high <= low:
        return 0
    total = reach[len(reach) - 1]
    stretch = total / draws
    first = max(0, int(reach[low] / stretch) - 1)
    last = min(draws - 1, int(reach[high] / stretch) + 1)
    even = len(places) / draws
    met, held = 0, 0
    chosen, scales = np.empty(_HELD, np.int64), np.empty(_HELD, U.dtype)
    for i in range(first, last + 1):
        point = (i + unit(key, np.uint64(i))) * stretch
        if reach[low] <= point < reach[high]:
            a, b = low, high
            while b - a > 1:
                middle = (a + b) // 2
                if reach[middle] <= point:
                    a = middle
                else:
                    b = middle
            rate = reach[a + 1] - reach[a]
            chosen[held] = a
            scales[held] = total / (draws * rate) if importance else even
            held += 1
        if held == _HELD or i == last:
            _add_cells(places, values, chosen, scales, held, U, S, dU, dS, seen_rows, seen_columns, step)
            met += held
            held = 0
    return met


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def draw_unobserved(
    row_low: int,
    row_high: int,
    column_low: int,
    column_high: int,
    reach: NDArray[np.float64],
    first: int,
    last: int,
    key: np.uint64,
    weight: float,
    U: Floats2d,
    S: Floats2d,
    dU: Floats2d,
    dS: Floats2d,
    seen_rows: NDArray[np.int32],
    seen_columns: NDArray[np.int32],
    step: int,
) -> None:
    """Draws [first, last) among all cells of a tile, each standing for ``weight`` of Σ_all α (u·s)².

    Rows come evenly, columns by α: reach float64 [F + 1] is the running sum of α.
    """
    height = np.uint64(row_high - row_low)
    bottom, span = reach[column_low], reach[column_high] - reach[column_low]
    scale = U.dtype.type(weight)
    zero = U.dtype.type(0)
    for i in range(first, last):
        t = row_low + np.int64(((mix(key, np.uint64(2 * i)) >> np.uint64(32)) * height) >> np.uint64(32))
        point = bottom + span * unit(key, np.uint64(2 * i + 1))
        a, b = column_low, column_high
        while b - a > 1:
            middle = (a + b) // 2
            if reach[middle] <= point:
                a = middle
            else:
                b = middle
        _add_cell(t, a, zero, scale, U, S, dU, dS, seen_rows, seen_columns, step)


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def curve_cells(
    places: Ints2d,
    values: Floats2d,
    low: int,
    high: int,
    U: Floats2d,
    S: Floats2d,
    DU: Floats2d,
    DS: Floats2d,
    outU: Floats2d,
    outS: Floats2d,
) -> None:
    """outU_t += Σ surplus (s·du_t) s and outS_f += Σ surplus (u·ds_f) u over the cells of a tile."""
    k = U.shape[1]
    for n in range(low, high):
        t, f = places[n, 0], places[n, 1]
        u, s, du, ds, ou, os = U[t], S[f], DU[t], DS[f], outU[t], outS[f]
        a, b = U.dtype.type(0), U.dtype.type(0)
        for j in range(k):
            a += s[j] * du[j]
            b += u[j] * ds[j]
        a *= values[n, 3]
        b *= values[n, 3]
        for j in range(k):
            ou[j] += a * s[j]
            os[j] += b * u[j]


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def peak_cells(
    places: Ints2d,
    values: Floats2d,
    alpha: Floats1d,
    norm_rows: Floats1d,
    norm_columns: Floats1d,
    reach: NDArray[np.float64],
    low: int,
    high: int,
) -> float:
    """Largest w·max(‖u‖², ‖s‖²) over the cells of a tile, over the cell's rate where rates are given (reach)."""
    peak = 0.0
    for n in range(low, high):
        weight = np.float64(values[n, 3]) + np.float64(alpha[places[n, 1]])
        value = weight * np.float64(max(norm_rows[places[n, 0]], norm_columns[places[n, 1]]))
        if len(reach) > 1 and value > 0:
            value = value / (reach[n + 1] - reach[n])
        peak = max(peak, value)
    return peak
