"""Kernels of skip-gram with negative sampling (Mikolov et al. 2013): text to events, events to moves of two rows.

An event is a pair of a word and a context with a sign: a pair that the text holds (positive) or a drawn one (negative).
Words and contexts are dealt to g = 2^bits parts each, number n to part n mod g, where it is number n div g; the events
of a chunk of text are sorted by tile, row part × column part, so tiles of one diagonal share no row and no column.
Every draw depends on a key and on the position in the text alone, whoever makes it.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from morphvec.arrays import Floats2d
from morphvec.kernels.batches import mix
from morphvec.kernels.rows import REORDER

LANES = 16  # row lengths are a multiple of this, so that no loop has a rest: 64 bytes, one line of cache
_AHEAD = 12  # events between the asking for a row of contexts and its use
CURVE_END, CURVE_STEPS = 16, 64  # σ and ln(1 + eˣ) are tabled over ±16, in steps of 1/64

Words = NDArray[np.uint64]


def make_curve() -> NDArray[np.float32]:
    """σ(x) and ln(1 + eˣ) by pieces, float32 [2048, 4]: value and rise of each, over ±16; wrong by less than 1e-5.

    Beyond the ends ln(1 + eˣ) goes on along its last piece, σ stays what it is there.
    """
    x = np.arange(2 * CURVE_END * CURVE_STEPS + 1) / CURVE_STEPS - CURVE_END
    sigma, soft = 1 / (1 + np.exp(-x)), np.logaddexp(0, x)
    return np.stack([sigma[:-1], np.diff(sigma), soft[:-1], np.diff(soft)], axis=1).astype(np.float32)


@nb.njit(nogil=True, cache=True)
def fill_alias(shares: NDArray[np.float64], table: Words) -> None:
    """Walker's alias table (Vose 1991) of probabilities shares [T]: threshold · 2³² + alias of each cell, uint64 [T]."""
    size = len(shares)
    left = shares * size
    small, large = np.empty(size, np.int64), np.empty(size, np.int64)
    smalls, larges = 0, 0
    for n in range(size):
        table[n] = (np.uint64(0xFFFFFFFF) << np.uint64(32)) | np.uint64(n)
        if left[n] < 1:
            small[smalls] = n
            smalls += 1
        else:
            large[larges] = n
            larges += 1
    while smalls > 0 and larges > 0:
        smalls -= 1
        poor, rich = small[smalls], large[larges - 1]
        threshold = np.uint64(min(left[poor] * 4294967296.0, 4294967295.0))
        table[poor] = (threshold << np.uint64(32)) | np.uint64(rich)
        left[rich] -= 1 - left[poor]
        if left[rich] < 1:
            larges -= 1
            small[smalls] = rich
            smalls += 1


@nb.njit(nogil=True, cache=True)
def draw_noise(key: np.uint64, n: np.uint64, table: Words) -> int:
    """The n-th draw of the stream ``key`` from an alias table."""
    x = mix(key, n)
    cell = ((x >> np.uint64(32)) * np.uint64(len(table))) >> np.uint64(32)
    entry = table[cell]
    low = np.uint64(0xFFFFFFFF)
    return int(entry & low) if (x & low) >= (entry >> np.uint64(32)) else int(cell)


@nb.njit(nogil=True, cache=True)
def draw_radius(key: np.uint64, position: np.uint64, reach: Words) -> int:
    """The radius of the window at a position: at least d with chance reach[d − 1] / 2³²."""
    x = mix(key, position) >> np.uint64(32)
    radius = 1
    while radius < len(reach) and x < reach[radius]:
        radius += 1
    return radius


@nb.njit(nogil=True, cache=True)
def keep_tokens(
    ids: NDArray[np.int32],
    begin: int,
    end: int,
    window: int,
    keep: Words,
    number: NDArray[np.int32],
    key: np.uint64,
    kept: NDArray[np.int32],
    where: NDArray[np.int64],
) -> tuple[int, int, int]:
    """The tokens of positions [begin, end) that subsampling leaves, with up to ``window`` of their lines on either side.

    keep: uint64 [T], the chance of staying · 2³². number: the number that each word goes by. kept: −1 ends a line;
    where: the positions. Returns the range of kept that lies in [begin, end), and the length of kept.
    """
    half = np.uint64(32)
    start, found = begin, 0
    while start > 0 and found < window and ids[start - 1] >= 0:
        start -= 1
        if (mix(key, np.uint64(start)) >> half) < keep[ids[start]]:
            found += 1
    size, first, last, p = 0, found, -1, start
    found = 0
    while p < len(ids) and found < window:
        if p == end:
            last = size
        word = ids[p]
        if word < 0:
            if p >= end:
                break
            kept[size] = -1
            where[size] = p
            size += 1
        elif (mix(key, np.uint64(p)) >> half) < keep[word]:
            kept[size] = number[word]
            where[size] = p
            size += 1
            if p >= end:
                found += 1
        p += 1
    return first, size if last < 0 else last, size


@nb.njit(nogil=True, cache=True)
def emit_chunk(
    ids: NDArray[np.int32],
    begin: int,
    end: int,
    keep: Words,
    number: NDArray[np.int32],
    reach: Words,
    noise: Words,
    negatives: int,
    key: np.uint64,
    bits: int,
    moved: NDArray[np.int32],
    stamp: int,
    scratch: Words,
    events: Words,
    starts: NDArray[np.int64],
) -> int:
    """Write the events of the centres at positions [begin, end), tile by tile; returns how many.

    Each kept token takes the role of the word; the kept tokens within its drawn radius are its contexts, each beside
    ``negatives`` contexts drawn from ``noise``. events: number of the word in its part · 2³² + number of the context in its
    part · 2 + 1 for a positive; the tile (i, j) holds [starts[i·g + j], starts[i·g + j + 1]), in the order of the text.
    scratch, events: uint64, at least (end − begin) · 2 window (1 + negatives) long. moved [T]: gets ``stamp`` at the
    numbers of the words.
    """
    window = len(reach)
    most = end - begin + 2 * window + 1
    kept, where = np.empty(most, np.int32), np.empty(most, np.int64)
    first, last, size = keep_tokens(
        ids, begin, end, window, keep, number, mix(key, np.uint64(0)), kept, where
    )
    radius_key, noise_key = mix(key, np.uint64(1)), mix(key, np.uint64(2))
    grid, part = 1 << bits, (1 << bits) - 1
    one, half = np.uint64(1), np.uint64(32)
    counts = np.zeros(grid * grid, np.int64)
    met = 0
    for i in range(first, last):
        word = kept[i]
        if word < 0:
            continue
        moved[word] = stamp
        position = np.uint64(where[i])
        radius = draw_radius(radius_key, position, reach)
        draws, n = mix(noise_key, position), np.uint64(0)
        row, band = np.uint64(word) << half, (word & part) << bits
        for side in range(2):
            j = i
            for _ in range(radius):
                j += 1 if side else -1
                if j < 0 or j >= size or kept[j] < 0:
                    break
                context = int(kept[j])
                scratch[met] = row | (np.uint64(context) << one) | one
                counts[band | (context & part)] += 1
                met += 1
                for _ in range(negatives):
                    context = draw_noise(draws, n, noise)
                    n += one
                    scratch[met] = row | (np.uint64(context) << one)
                    counts[band | (context & part)] += 1
                    met += 1
    at = 0
    for tile in range(grid * grid):
        starts[tile] = at
        at += counts[tile]
        counts[tile] = starts[tile]
    starts[grid * grid] = at
    low = np.uint64(0xFFFFFFFF)
    for i in range(met):
        event = scratch[i]
        w, c = np.int64(event >> half), np.int64((event & low) >> one)
        place = ((w & part) << bits) | (c & part)
        events[counts[place]] = (np.uint64(w >> bits) << half) | (np.uint64(c >> bits) << one) | (event & one)
        counts[place] += 1
    return met


@intrinsic
def _fetch(typing: Any, array: Any, at: Any) -> Any:
    """Ask for the line of cache that holds the element ``at`` of an array, to be written: LLVM's prefetch."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ir = cgutils.ir
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        shape = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, shape, "llvm.prefetch.p0")
        builder.call(function, [place, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, at), generate


@nb.njit(nogil=True, cache=True, fastmath=REORDER, inline="always")
def look(x: float, curve: NDArray[np.float32]) -> tuple[float, float]:
    """σ(x) and ln(1 + eˣ) from the table of ``make_curve``."""
    t = (x + np.float32(16)) * np.float32(64)
    if t <= 0:
        return curve[0, 0], curve[0, 2]
    if not t > 0:  # NaN: no table is read with it
        return x, x
    n = np.int64(t) if t < 2047 else np.int64(2047)
    t -= np.float32(n)
    return curve[n, 0] + min(t, np.float32(1)) * curve[n, 1], curve[n, 2] + t * curve[n, 3]


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def _move_events(
    events: Words,
    low: int,
    high: int,
    rows: int,
    columns: int,
    rate: np.float32,
    curve: NDArray[np.float32],
    U: Floats2d,
    S: Floats2d,
) -> float:
    """See ``move_tile``: the events [low, high) of one chunk, rows and columns being the first of the two parts."""
    stride = U.shape[1]
    width = stride // 16 * 16  # the compiler sees that no rest is left over
    one, half, mask = np.uint64(1), np.uint64(32), np.uint64(0xFFFFFFFF)
    zero = np.float32(0)
    total = 0.0
    n = low
    while n < high:
        event = events[n]
        word = event >> half
        r = np.int64(word) + rows
        c0 = np.int64((event & mask) >> one) + columns
        a0 = np.float32(event & one)
        if (
            n + 4 <= high
            and (events[n + 1] >> half) == word
            and (events[n + 2] >> half) == word
            and (events[n + 3] >> half) == word
        ):
            for m in range(n + _AHEAD, min(n + _AHEAD + 4, high)):
                at = (np.int64((events[m] & mask) >> one) + columns) * stride
                for j in range(0, width, 16):
                    _fetch(S, at + j)
            c1 = np.int64((events[n + 1] & mask) >> one) + columns
            c2 = np.int64((events[n + 2] & mask) >> one) + columns
            c3 = np.int64((events[n + 3] & mask) >> one) + columns
            a1, a2, a3 = (
                np.float32(events[n + 1] & one),
                np.float32(events[n + 2] & one),
                np.float32(events[n + 3] & one),
            )
            d0 = d1 = d2 = d3 = zero
            for j in range(width):
                u = U[r, j]
                d0 += u * S[c0, j]
                d1 += u * S[c1, j]
                d2 += u * S[c2, j]
                d3 += u * S[c3, j]
            p0, l0 = look(d0, curve)
            p1, l1 = look(d1, curve)
            p2, l2 = look(d2, curve)
            p3, l3 = look(d3, curve)
            total += (l0 - a0 * d0) + (l1 - a1 * d1) + (l2 - a2 * d2) + (l3 - a3 * d3)
            g0, g1, g2, g3 = rate * (a0 - p0), rate * (a1 - p1), rate * (a2 - p2), rate * (a3 - p3)
            if c0 != c1 and c0 != c2 and c0 != c3 and c1 != c2 and c1 != c3 and c2 != c3:
                for j in range(width):
                    u, s0, s1, s2, s3 = U[r, j], S[c0, j], S[c1, j], S[c2, j], S[c3, j]
                    S[c0, j] = s0 + g0 * u
                    S[c1, j] = s1 + g1 * u
                    S[c2, j] = s2 + g2 * u
                    S[c3, j] = s3 + g3 * u
                    U[r, j] = u + (g0 * s0 + g1 * s1 + g2 * s2 + g3 * s3)
            else:
                for j in range(width):
                    u = U[r, j]
                    new = u + (g0 * S[c0, j] + g1 * S[c1, j] + g2 * S[c2, j] + g3 * S[c3, j])
                    S[c0, j] += g0 * u
                    S[c1, j] += g1 * u
                    S[c2, j] += g2 * u
                    S[c3, j] += g3 * u
                    U[r, j] = new
            n += 4
        else:
            if n + _AHEAD < high:
                at = (np.int64((events[n + _AHEAD] & mask) >> one) + columns) * stride
                for j in range(0, width, 16):
                    _fetch(S, at + j)
            d0 = zero
            for j in range(width):
                d0 += U[r, j] * S[c0, j]
            p0, l0 = look(d0, curve)
            total += l0 - a0 * d0
            g0 = rate * (a0 - p0)
            for j in range(width):
                u, s0 = U[r, j], S[c0, j]
                S[c0, j] = s0 + g0 * u
                U[r, j] = u + g0 * s0
            n += 1
    return total


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def move_tile(
    events: NDArray[np.uint64],
    starts: NDArray[np.int64],
    chunks: int,
    tile: int,
    rows: int,
    columns: int,
    rates: NDArray[np.float32],
    curve: NDArray[np.float32],
    U: Floats2d,
    S: Floats2d,
) -> float:
    """Move the rows of one tile's events, chunk by chunk, each by its rate; returns the sum of their losses in nats.

    events [chunks, ·], starts [chunks, g² + 1]: of ``emit_chunk``. rows, columns: rows of U and S where the two parts
    begin. An event moves u by rate (a − σ(u·s)) s and s by rate (a − σ(u·s)) u, a = 1 for positives, else 0: the descent
    of −ln σ(±u·s) (note 001, eq. 9). Up to four events in a row that share their word move it together, from the
    values that it had before them, as word2vec does with a positive and its negatives.
    """
    total = 0.0
    for chunk in range(chunks):
        total += _move_events(
            events[chunk],
            starts[chunk, tile],
            starts[chunk, tile + 1],
            rows,
            columns,
            rates[chunk],
            curve,
            U,
            S,
        )
    return total
