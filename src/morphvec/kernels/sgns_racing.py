"""The racing form of skip-gram with negative sampling: threads share U and S, and windows share their negatives.

One centre with its k negatives faces all its contexts at once, so that every row fetched is used several times (Ji et
al. 2016 call it minibatching with shared negatives). Threads write the same rows without locks (Niu et al. 2011):
fast, and no two runs of several threads end in the same bits.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats2d
from morphvec.kernels.batches import mix
from morphvec.kernels.rows import REORDER
from morphvec.kernels.sgns import Words, draw_noise, draw_radius, keep_tokens, look


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _move_window(
    rows: NDArray[np.int64],
    inputs: int,
    columns: NDArray[np.int64],
    outputs: int,
    rate: np.float32,
    curve: NDArray[np.float32],
    U: Floats2d,
    S: Floats2d,
    g: Floats2d,
    moves: Floats2d,
) -> float:
    """Move U[rows[:inputs]] and S[columns[:outputs]], columns[0] being the positive; returns the loss in nats."""
    width = U.shape[1] // 16 * 16
    zero = np.float32(0)
    total = 0.0
    for i in range(inputs):
        r = rows[i]
        o = 0
        while o + 3 <= outputs:
            c0, c1, c2 = columns[o], columns[o + 1], columns[o + 2]
            d0 = d1 = d2 = zero
            for j in range(width):
                u = U[r, j]
                d0 += u * S[c0, j]
                d1 += u * S[c1, j]
                d2 += u * S[c2, j]
            g[i, o], g[i, o + 1], g[i, o + 2] = d0, d1, d2
            o += 3
        while o < outputs:
            c0 = columns[o]
            d0 = zero
            for j in range(width):
                d0 += U[r, j] * S[c0, j]
            g[i, o] = d0
            o += 1
        for o in range(outputs):
            a = np.float32(1) if o == 0 else zero
            p, loss = look(g[i, o], curve)
            total += loss - a * g[i, o]
            g[i, o] = rate * (a - p)
        for j in range(width):
            moves[i, j] = zero
        o = 0
        while o + 3 <= outputs:
            c0, c1, c2 = columns[o], columns[o + 1], columns[o + 2]
            g0, g1, g2 = g[i, o], g[i, o + 1], g[i, o + 2]
            for j in range(width):
                moves[i, j] += g0 * S[c0, j] + g1 * S[c1, j] + g2 * S[c2, j]
            o += 3
        while o < outputs:
            c0, g0 = columns[o], g[i, o]
            for j in range(width):
                moves[i, j] += g0 * S[c0, j]
            o += 1
    for o in range(outputs):
        c = columns[o]
        i = 0
        while i + 2 <= inputs:
            r0, r1, g0, g1 = rows[i], rows[i + 1], g[i, o], g[i + 1, o]
            for j in range(width):
                S[c, j] += g0 * U[r0, j] + g1 * U[r1, j]
            i += 2
        while i < inputs:
            r0, g0 = rows[i], g[i, o]
            for j in range(width):
                S[c, j] += g0 * U[r0, j]
            i += 1
    for i in range(inputs):
        r = rows[i]
        for j in range(width):
            U[r, j] += moves[i, j]
    return total


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def race_chunk(
    ids: NDArray[np.int32],
    begin: int,
    end: int,
    keep: Words,
    number: NDArray[np.int32],
    reach: Words,
    noise: Words,
    negatives: int,
    key: np.uint64,
    rate: np.float32,
    curve: NDArray[np.float32],
    U: Floats2d,
    S: Floats2d,
) -> tuple[float, int]:
    """Train on the centres of positions [begin, end); returns the loss in nats and the number of events.

    The kept tokens of a window are the words, their centre is the context, and ``negatives`` contexts are drawn once
    for all of them. Draws are those of ``emit_chunk`` by key and position. Rows move from their values before the window.
    """
    window = len(reach)
    most = end - begin + 2 * window + 1
    kept, where = np.empty(most, np.int32), np.empty(most, np.int64)
    first, last, size = keep_tokens(
        ids, begin, end, window, keep, number, mix(key, np.uint64(0)), kept, where
    )
    radius_key, noise_key = mix(key, np.uint64(1)), mix(key, np.uint64(2))
    rows, columns = np.empty(2 * window, np.int64), np.empty(1 + negatives, np.int64)
    g, moves = np.empty((2 * window, 1 + negatives), U.dtype), np.empty((2 * window, U.shape[1]), U.dtype)
    total, met = 0.0, 0
    for i in range(first, last):
        if kept[i] < 0:
            continue
        position = np.uint64(where[i])
        radius = draw_radius(radius_key, position, reach)
        inputs = 0
        for side in range(2):
            j = i
            for _ in range(radius):
                j += 1 if side else -1
                if j < 0 or j >= size or kept[j] < 0:
                    break
                rows[inputs] = kept[j]
                inputs += 1
        if inputs == 0:
            continue
        columns[0] = kept[i]
        draws = mix(noise_key, position)
        for n in range(negatives):
            columns[1 + n] = draw_noise(draws, np.uint64(n), noise)
        total += _move_window(rows, inputs, columns, 1 + negatives, rate, curve, U, S, g, moves)
        met += inputs * (1 + negatives)
    return total, met
