"""Kernels of the mini-batch solvers: draws from the stored cells of a tile, and steps on rows.

The stored cells lie tile by tile (``solvers.tiles``). Tiles of one diagonal share no row and no column, so each writes
its own rows of dU and dS. A draw depends on (key, number of the draw) alone, whoever makes it. Gradients are *half*
gradients, as everywhere in the solvers: Σ (surplus (u·s) − pull) s.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.kernels.rows import REORDER

_UNIT = 1.0 / 9007199254740992.0  # 2**-53


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
    rows_out: NDArray[np.int32],
    columns_out: NDArray[np.int32],
    pull_out: Floats1d,
    surplus_out: Floats1d,
    begin: int,
    end: int,
) -> None:
    """Copy the cells of rows [begin, end) behind the heads of their column tiles, row by row."""
    for t in range(begin, end):
        for n in range(indptr[t], indptr[t + 1]):
            tile = column_tile[indices[n]]
            at = heads[tile]
            heads[tile] = at + 1
            rows_out[at] = t
            columns_out[at] = indices[n]
            pull_out[at] = pull[n]
            surplus_out[at] = surplus[n]


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
def step_cells(
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    pull: Floats1d,
    surplus: Floats1d,
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
    met = 0
    size = np.uint64(batches)
    scale = U.dtype.type(factor)
    for run in range(low // batches, (high - 1) // batches + 1):
        turn = np.int64(((mix(key, np.uint64(run)) >> np.uint64(32)) * size) >> np.uint64(32))
        place = batch + turn
        if place >= batches:
            place -= batches
        n = run * batches + place
        if n < low or n >= high:
            continue
        _add_cell(
            rows[n],
            columns[n],
            scale * pull[n],
            scale * surplus[n],
            U,
            S,
            dU,
            dS,
            seen_rows,
            seen_columns,
            step,
        )
        met += 1
    return met


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def draw_cells(
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    pull: Floats1d,
    surplus: Floats1d,
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
    even = len(rows) / draws
    met = 0
    for i in range(first, last + 1):
        point = (i + unit(key, np.uint64(i))) * stretch
        if point < reach[low] or point >= reach[high]:
            continue
        a, b = low, high
        while b - a > 1:
            middle = (a + b) // 2
            if reach[middle] <= point:
                a = middle
            else:
                b = middle
        rate = reach[a + 1] - reach[a]
        scale = U.dtype.type(total / (draws * rate) if importance else even)
        _add_cell(
            rows[a],
            columns[a],
            scale * pull[a],
            scale * surplus[a],
            U,
            S,
            dU,
            dS,
            seen_rows,
            seen_columns,
            step,
        )
        met += 1
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
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    surplus: Floats1d,
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
        t, f = rows[n], columns[n]
        u, s, du, ds, ou, os = U[t], S[f], DU[t], DS[f], outU[t], outS[f]
        a, b = U.dtype.type(0), U.dtype.type(0)
        for j in range(k):
            a += s[j] * du[j]
            b += u[j] * ds[j]
        a *= surplus[n]
        b *= surplus[n]
        for j in range(k):
            ou[j] += a * s[j]
            os[j] += b * u[j]


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def peak_cells(
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    surplus: Floats1d,
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
        weight = np.float64(surplus[n]) + np.float64(alpha[columns[n]])
        value = weight * np.float64(max(norm_rows[rows[n]], norm_columns[columns[n]]))
        if len(reach) > 1 and value > 0:
            value = value / (reach[n + 1] - reach[n])
        peak = max(peak, value)
    return peak


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def close_gradient(
    X: Floats2d, G: Floats2d, ridge: Floats1d, seen: NDArray[np.int32], step: int, begin: int, end: int
) -> float:
    """G = 2 (G + ridge·X) on the rows met in this step; returns Σ G² over them."""
    total = 0.0
    for t in range(begin, end):
        if seen[t] != step:
            continue
        part = G.dtype.type(0)
        for j in range(X.shape[1]):
            g = 2 * (G[t, j] + ridge[t] * X[t, j])
            G[t, j] = g
            part += g * g
        total += float(part)
    return total


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def step_rows(
    kind: int,
    X: Floats2d,
    G: Floats2d,
    first: Floats2d,
    second: Floats2d,
    shrink: float,
    rate: float,
    keep: float,
    keep_second: float,
    correction: float,
    correction_second: float,
    seen: NDArray[np.int32],
    step: int,
    begin: int,
    end: int,
) -> None:
    """Move the rows [begin, end) of X that were met in this step, by their gradient G times ``shrink``.

    kind 0, sgd: first = keep·first + g, X −= rate·first. kind 1, adagrad: second += g², X −= rate·g/√second.
    kind 2, adam: moments with decays keep and keep_second, divided by the corrections 1 − decay^t.
    """
    tiny = X.dtype.type(1e-12)
    c, eta, b1, b2 = X.dtype.type(shrink), X.dtype.type(rate), X.dtype.type(keep), X.dtype.type(keep_second)
    one = X.dtype.type(1)
    size, root = X.dtype.type(rate / correction), X.dtype.type(1.0 / np.sqrt(correction_second))
    for t in range(begin, end):
        if seen[t] != step:
            continue
        x, g = X[t], G[t]
        if kind == 0:
            m = first[t]
            for j in range(X.shape[1]):
                v = b1 * m[j] + c * g[j]
                m[j] = v
                x[j] -= eta * v
        elif kind == 1:
            a = second[t]
            for j in range(X.shape[1]):
                d = c * g[j]
                v = a[j] + d * d
                a[j] = v
                x[j] -= eta * d / (np.sqrt(v) + tiny)
        else:
            m, a = first[t], second[t]
            for j in range(X.shape[1]):
                d = c * g[j]
                v = b1 * m[j] + (one - b1) * d
                w = b2 * a[j] + (one - b2) * d * d
                m[j] = v
                a[j] = w
                x[j] -= size * v / (np.sqrt(w) * root + tiny)
