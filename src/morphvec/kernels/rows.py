"""Row kernels of the factorization: one pass over the stored cells each, rows [begin, end) of a CSR matrix.

Symbols of the papers inside: D the directions or factors on the row side (rows × k), S the factors on the
column side (columns × k), w weights and x targets of stored cells, a_row·a_col the unobserved weight α of a cell,
G the Gram matrix SᵀDiag(a_col)S (k × k). All float arrays share one dtype (float32 or float64).

x and w may be uint16 codes (``solvers.codes``): scale holds (zero, step of x, step of w), and a cell's target is
(x − zero)·step, its weight w·step; for plain numbers scale is (0, 1, 1). a_col may hold one number for all columns. A row is
read once into what its sums need, pull = w·x and surplus = w − α: the hot loops know no codes of cells.

S may be int16 codes too: unit holds the size of a step in each of its k columns, ones for plain numbers, and S may have more
columns than that, of zeros, so that its rows fill vector registers. Directions go into the loops times the unit and sums come
out times the unit. G is k × k, or one row of k: its diagonal where there is nothing else.

Fast-math here may reorder sums and fuse multiply-adds; it never assumes that NaN or infinity cannot occur.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Cells1d, Floats1d, Floats2d, Rows2d
from morphvec.kernels.prefetch import prefetch

AHEAD = 8  # cells between the one that is worked on and the one whose row is fetched
NEAR_BYTES = (
    1 << 18
)  # of the copy of a row's factors that a core keeps by it: half of a common second-level cache
_LARGEST = np.finfo(np.float64).max
REORDER = {"reassoc", "contract", "arcp", "nsz", "afn"}


@nb.njit(nogil=True, cache=True)
def _longest(indptr: NDArray[np.int64], begin: int, end: int) -> int:
    """The most cells of a row in [begin, end)."""
    most = 0
    for t in range(begin, end):
        most = max(most, indptr[t + 1] - indptr[t])
    return most


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _read_cells(
    indices: NDArray[np.int32],
    x: Cells1d,
    w: Cells1d,
    scale: Floats1d,
    begin: int,
    end: int,
    a: float,
    a_col: Floats1d,
    pull: Floats1d,
    surplus: Floats1d,
) -> None:
    """pull = w·x (if it has room) and surplus = w − a·a_col of the cells [begin, end), from place 0 on.

    Each loop is one that compilers turn into vector instructions: cell by cell beside the sums, this costs 10% of a pass.
    """
    codes, kind = w[begin:end], surplus.dtype.type
    zero, step, unit = scale[0], scale[1], scale[2]
    if len(a_col) == 1:
        alpha = a * a_col[0]
        for i in range(len(codes)):
            surplus[i] = kind(codes[i]) * unit - alpha
    else:
        columns = indices[begin:end]
        for i in range(len(codes)):
            surplus[i] = kind(codes[i]) * unit - a * a_col[np.uint32(columns[i])]
    if len(pull) > 0:
        targets = x[begin:end]
        for i in range(len(codes)):
            pull[i] = (kind(codes[i]) * unit) * ((kind(targets[i]) - zero) * step)


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _add_cells(
    indices: NDArray[np.int32],
    weights: Floats1d,
    begin: int,
    end: int,
    S: Rows2d,
    p: Floats1d,
    out: Floats1d,
) -> None:
    """out += Σ_n weights_(n−begin) (s_n·p) s_n over the cells [begin, end), four at a time to save loads of p and out."""
    k, last, kind = S.shape[1], len(indices) - 1, p.dtype.type
    n = begin
    while n + 4 <= end:
        for ahead in range(AHEAD, AHEAD + 4):
            prefetch(S, indices[min(n + ahead, last)])
        s0, s1, s2, s3 = S[indices[n]], S[indices[n + 1]], S[indices[n + 2]], S[indices[n + 3]]
        d0 = d1 = d2 = d3 = kind(0)
        for j in range(k):
            q = p[j]
            d0 += kind(s0[j]) * q
            d1 += kind(s1[j]) * q
            d2 += kind(s2[j]) * q
            d3 += kind(s3[j]) * q
        place = n - begin
        d0 *= weights[place]
        d1 *= weights[place + 1]
        d2 *= weights[place + 2]
        d3 *= weights[place + 3]
        for j in range(k):
            out[j] += d0 * kind(s0[j]) + d1 * kind(s1[j]) + d2 * kind(s2[j]) + d3 * kind(s3[j])
        n += 4
    while n < end:
        s = S[indices[n]]
        d = kind(0)
        for j in range(k):
            d += kind(s[j]) * p[j]
        d *= weights[n - begin]
        for j in range(k):
            out[j] += d * kind(s[j])
        n += 1


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _add_near(near: Rows2d, weights: Floats1d, cells: int, p: Floats1d, out: Floats1d) -> None:
    """``_add_cells`` where the factors of so many cells lie one after the other in ``near``."""
    k, kind = near.shape[1], p.dtype.type
    place = 0
    while place + 4 <= cells:
        s0, s1, s2, s3 = near[place], near[place + 1], near[place + 2], near[place + 3]
        d0 = d1 = d2 = d3 = kind(0)
        for j in range(k):
            q = p[j]
            d0 += kind(s0[j]) * q
            d1 += kind(s1[j]) * q
            d2 += kind(s2[j]) * q
            d3 += kind(s3[j]) * q
        d0 *= weights[place]
        d1 *= weights[place + 1]
        d2 *= weights[place + 2]
        d3 *= weights[place + 3]
        for j in range(k):
            out[j] += d0 * kind(s0[j]) + d1 * kind(s1[j]) + d2 * kind(s2[j]) + d3 * kind(s3[j])
        place += 4
    while place < cells:
        s = near[place]
        d = kind(0)
        for j in range(k):
            d += kind(s[j]) * p[j]
        d *= weights[place]
        for j in range(k):
            out[j] += d * kind(s[j])
        place += 1


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _start_cells(
    indices: NDArray[np.int32],
    pull: Floats1d,
    surplus: Floats1d,
    begin: int,
    end: int,
    S: Rows2d,
    u: Floats1d,
    r: Floats1d,
    m: Floats1d,
    near: Rows2d,
) -> None:
    """r += Σ_n (pull_n − surplus_n (s_n·u)) s_n and m += Σ_n surplus_n s_n² over the cells [begin, end), in one pass.

    pull, surplus: from place 0 on. near: where the factors of the cells are copied to, if it has a row for each of them.
    """
    k, last, kind = S.shape[1], len(indices) - 1, u.dtype.type
    keep = end - begin <= len(near)
    n = begin
    while n + 4 <= end:
        for ahead in range(AHEAD, AHEAD + 4):
            prefetch(S, indices[min(n + ahead, last)])
        s0, s1, s2, s3 = S[indices[n]], S[indices[n + 1]], S[indices[n + 2]], S[indices[n + 3]]
        d0 = d1 = d2 = d3 = kind(0)
        for j in range(k):
            q = u[j]
            d0 += kind(s0[j]) * q
            d1 += kind(s1[j]) * q
            d2 += kind(s2[j]) * q
            d3 += kind(s3[j]) * q
        place = n - begin
        w0, w1, w2, w3 = surplus[place], surplus[place + 1], surplus[place + 2], surplus[place + 3]
        d0 = pull[place] - w0 * d0
        d1 = pull[place + 1] - w1 * d1
        d2 = pull[place + 2] - w2 * d2
        d3 = pull[place + 3] - w3 * d3
        for j in range(k):
            e0, e1, e2, e3 = kind(s0[j]), kind(s1[j]), kind(s2[j]), kind(s3[j])
            r[j] += d0 * e0 + d1 * e1 + d2 * e2 + d3 * e3
            m[j] += w0 * e0 * e0 + w1 * e1 * e1 + w2 * e2 * e2 + w3 * e3 * e3
        if keep:
            for j in range(k):
                near[place, j] = s0[j]
                near[place + 1, j] = s1[j]
                near[place + 2, j] = s2[j]
                near[place + 3, j] = s3[j]
        n += 4
    while n < end:
        s = S[indices[n]]
        d = kind(0)
        for j in range(k):
            d += kind(s[j]) * u[j]
        w0 = surplus[n - begin]
        d = pull[n - begin] - w0 * d
        for j in range(k):
            r[j] += d * kind(s[j])
            m[j] += w0 * kind(s[j]) * kind(s[j])
        if keep:
            for j in range(k):
                near[n - begin, j] = s[j]
        n += 1


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _add_product(G: Floats2d, scale: float, p: Floats1d, out: Floats1d) -> None:
    """out += scale · G p for a symmetric k × k matrix, or for a diagonal one given as one row."""
    k = len(p)
    if len(G) == 1:
        for j in range(k):
            out[j] += scale * G[0, j] * p[j]
        return
    q = 0
    while q + 4 <= k:
        c0, c1, c2, c3 = scale * p[q], scale * p[q + 1], scale * p[q + 2], scale * p[q + 3]
        for j in range(k):
            out[j] += c0 * G[q, j] + c1 * G[q + 1, j] + c2 * G[q + 2, j] + c3 * G[q + 3, j]
        q += 4
    while q < k:
        c = scale * p[q]
        for j in range(k):
            out[j] += c * G[q, j]
        q += 1


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _times(p: Floats1d, unit: Floats1d, wide: Floats1d, sums: Floats1d) -> None:
    """wide = p · unit in its first places, and sums = 0: what goes into a loop over cells, and where its sums come out."""
    for j in range(len(unit)):
        wide[j] = p[j] * unit[j]
    sums[:] = 0


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def normal_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    x: Cells1d,
    w: Cells1d,
    scale: Floats1d,
    a_row: Floats1d,
    a_col: Floats1d,
    S: Rows2d,
    unit: Floats1d,
    G: Floats2d,
    D: Floats2d,
    out: Floats2d,
    begin: int,
    end: int,
) -> None:
    """out_t = a_row_t G d_t + Σ_stored surplus (s_f·d_t) s_f: the normal operator of the fit and the unobserved cells.

    The α part of a stored cell is in G already, so the surplus is what it has beyond. Targets are not looked at.
    """
    kind = D.dtype
    surplus, none = np.empty(_longest(indptr, begin, end), kind), np.empty(0, kind)
    wide, sums = np.zeros(S.shape[1], kind), np.empty(S.shape[1], kind)
    for t in range(begin, end):
        low, high = indptr[t], indptr[t + 1]
        _read_cells(indices, x, w, scale, low, high, a_row[t], a_col, none, surplus)
        _times(D[t], unit, wide, sums)
        _add_cells(indices, surplus, low, high, S, wide, sums)
        for j in range(len(unit)):
            out[t, j] = unit[j] * sums[j]
        _add_product(G, a_row[t], D[t], out[t])


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def start_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    x: Cells1d,
    w: Cells1d,
    scale: Floats1d,
    a_row: Floats1d,
    a_col: Floats1d,
    S: Rows2d,
    unit: Floats1d,
    G: Floats2d,
    U: Floats2d,
    residual: Floats2d,
    diagonal: Floats2d,
    begin: int,
    end: int,
) -> None:
    """What conjugate gradients start from, in one pass: residual_t = Σ pull s − (operator of ``normal_rows``) u_t, and
    the operator's diagonal a_row_t diag(G) + Σ surplus s². pull = w·x."""
    kind = U.dtype
    near, most = np.empty((0, S.shape[1]), S.dtype), _longest(indptr, begin, end)
    pull, surplus = np.empty(most, kind), np.empty(most, kind)
    wide, sums = np.zeros(S.shape[1], kind), np.empty(S.shape[1], kind)
    squares = np.empty(S.shape[1], kind)
    for t in range(begin, end):
        r, m = residual[t], diagonal[t]
        low, high = indptr[t], indptr[t + 1]
        _read_cells(indices, x, w, scale, low, high, a_row[t], a_col, pull, surplus)
        _times(U[t], unit, wide, sums)
        squares[:] = 0
        _start_cells(indices, pull, surplus, low, high, S, wide, sums, squares, near)
        for j in range(len(unit)):
            r[j] = unit[j] * sums[j]
            m[j] = a_row[t] * G[min(j, len(G) - 1), j] + unit[j] * unit[j] * squares[j]
        _add_product(G, -a_row[t], U[t], r)


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def solve_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    x: Cells1d,
    w: Cells1d,
    scale: Floats1d,
    a_row: Floats1d,
    a_col: Floats1d,
    S: Rows2d,
    unit: Floats1d,
    G: Floats2d,
    ridge: Floats1d,
    steps: int,
    tolerance: float,
    U: Floats2d,
    begin: int,
    end: int,
    fixed: int = -1,
) -> None:
    """Improve each row u_t by conjugate gradients on its own k × k normal equations, started from u_t.

    (a_row_t G + Σ surplus s sᵀ + Diag(ridge)) u_t = Σ pull s, with pull = w·x. The preconditioner is the diagonal, which is
    good where G is (nearly) diagonal. A row stops after ``steps`` steps or when its preconditioned residual has
    fallen by ``tolerance`` (relative, in norm). Column ``fixed`` holds a constant that no step moves (-1: there is none). A row
    whose residual is not finite becomes NaN, so that it is seen.

    The first pass over a row's cells takes residual and diagonal at once, and copies the factors that it met where they
    fit by the core: the steps then read memory in order.
    """
    k, kind = U.shape[1], U.dtype
    r, p, z = np.empty(k, kind), np.empty(k, kind), np.empty(k, kind)
    q, m = np.empty(k, kind), np.empty(k, kind)
    wide, sums = np.zeros(S.shape[1], kind), np.empty(S.shape[1], kind)
    squares = np.empty(S.shape[1], kind)
    near = np.empty((NEAR_BYTES // (S.shape[1] * S.itemsize), S.shape[1]), S.dtype)
    most = _longest(indptr, begin, end)
    pull, surplus = np.empty(most, kind), np.empty(most, kind)
    for t in range(begin, end):
        u = U[t]
        low, high = indptr[t], indptr[t + 1]
        _read_cells(indices, x, w, scale, low, high, a_row[t], a_col, pull, surplus)
        _times(u, unit, wide, sums)
        squares[:] = 0
        _start_cells(indices, pull, surplus, low, high, S, wide, sums, squares, near)
        for j in range(k):
            r[j] = unit[j] * sums[j] - ridge[j] * u[j]
            m[j] = a_row[t] * G[min(j, len(G) - 1), j] + unit[j] * unit[j] * squares[j] + ridge[j]
        _add_product(G, -a_row[t], u, r)
        if fixed >= 0:
            m[fixed] = 0
        rz = U.dtype.type(0)
        for j in range(k):
            z[j] = r[j] / m[j] if m[j] > 0 else U.dtype.type(0)
            p[j] = z[j]
            rz += r[j] * z[j]
        if not np.float64(rz) <= _LARGEST:  # isfinite() is folded away under REORDER
            u[:] = np.nan
            continue
        target = tolerance * tolerance * rz
        for _ in range(steps):
            if not rz > target:
                break
            _times(p, unit, wide, sums)
            if high - low <= len(near):
                _add_near(near, surplus, high - low, wide, sums)
            else:
                _add_cells(indices, surplus, low, high, S, wide, sums)
            for j in range(k):
                q[j] = unit[j] * sums[j] + ridge[j] * p[j]
            _add_product(G, a_row[t], p, q)
            pq = U.dtype.type(0)
            for j in range(k):
                pq += p[j] * q[j]
            if not pq > 0:
                break
            step = rz / pq
            new = U.dtype.type(0)
            for j in range(k):
                u[j] += step * p[j]
                r[j] -= step * q[j]
                z[j] = r[j] / m[j] if m[j] > 0 else U.dtype.type(0)
                new += r[j] * z[j]
            beta = new / rz
            for j in range(k):
                p[j] = z[j] + beta * p[j]
            rz = new


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def fit_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    x: Cells1d,
    w: Cells1d,
    scale: Floats1d,
    a_row: Floats1d,
    a_col: Floats1d,
    U: Floats2d,
    S: Rows2d,
    unit: Floats1d,
    begin: int,
    end: int,
) -> tuple[float, float]:
    """Sums over the stored cells of rows [begin, end): Σ w (u·s − x)² and Σ α (u·s)².

    A cell of weight 0 adds nothing to the first sum.
    """
    k, last, kind = S.shape[1], len(indices) - 1, U.dtype.type
    zero, step, one_w = scale[0], scale[1], scale[2]
    one, fit, covered = len(a_col) == 1, 0.0, 0.0
    scores = np.empty(_longest(indptr, begin, end), U.dtype)
    wide, sums = np.zeros(k, U.dtype), np.empty(0, U.dtype)
    for t in range(begin, end):
        low, high = indptr[t], indptr[t + 1]
        _times(U[t], unit, wide, sums)
        n = low
        while n + 4 <= high:
            for ahead in range(AHEAD, AHEAD + 4):
                prefetch(S, indices[min(n + ahead, last)])
            s0, s1, s2, s3 = S[indices[n]], S[indices[n + 1]], S[indices[n + 2]], S[indices[n + 3]]
            d0 = d1 = d2 = d3 = kind(0)
            for j in range(k):
                q = wide[j]
                d0 += kind(s0[j]) * q
                d1 += kind(s1[j]) * q
                d2 += kind(s2[j]) * q
                d3 += kind(s3[j]) * q
            place = n - low
            scores[place], scores[place + 1], scores[place + 2], scores[place + 3] = d0, d1, d2, d3
            n += 4
        while n < high:
            s = S[indices[n]]
            d = kind(0)
            for j in range(k):
                d += kind(s[j]) * wide[j]
            scores[n - low] = d
            n += 1
        for n in range(low, high):
            d = np.float64(scores[n - low])
            alpha = np.float64(a_row[t]) * np.float64(a_col[0 if one else indices[n]])
            error = d - np.float64((kind(x[n]) - zero) * step)
            fit += np.float64(kind(w[n]) * one_w) * error * error
            covered += alpha * d * d
    return fit, covered
