"""Kernel of counterparts: which cells of a line have a cell of another language that they go with, and which pairs."""

from __future__ import annotations

import math

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.kernels.rows import REORDER

_ROOM = 1 << 14  # pairs to begin with; it doubles as they come


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def link_lines(
    starts: NDArray[np.int64],
    rows: NDArray[np.int32],
    places: NDArray[np.int64],
    languages: NDArray[np.int32],
    unit: NDArray[np.float32],
    sharpness: float,
    nothing: float,
    longest: int,
    least: float,
    links: NDArray[np.float32],
    first: int,
    last: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """links[places[n]] for the cells n of the columns [first, last): the best product of two shares, see below; and the
    pairs of rows that a column links, int32 [pairs, 2] and their products float32 [pairs], those of at least ``least``.

    starts: int64 [F + 1], where the cells of each column begin; rows: their rows; places: where each is written to.
    languages: int32 [T], from 0. unit: float32 [T, k], rows of length 1. For cells a and b of a column whose languages
    differ, p(b|a) = e^(β·cos) / (Σ e^(β·cos) over the language of b + e^(β·ν)), β = sharpness, ν = nothing, and p(a|b)
    likewise; a cell takes the largest p(b|a)·p(a|b), 0 where its column has one language, −1 where the column has more
    than ``longest`` cells. A pair's first row is of the language with the lower number; it occurs once for each column.
    """
    k = unit.shape[1]
    count = 0
    for row in range(len(languages)):
        count = max(count, languages[row] + 1)
    most = 0
    for column in range(first, last):
        size = starts[column + 1] - starts[column]
        if size <= longest:
            most = max(most, size)
    order = np.empty(most, np.int64)
    ends = np.empty(count + 1, np.int64)
    scores = np.empty((most, most), np.float32)
    sums = np.empty(most, np.float32)
    made = 0
    pairs = np.empty((_ROOM, 2), np.int32)
    products = np.empty(_ROOM, np.float32)
    of_none = np.float32(math.exp(sharpness * (nothing - 1.0)))
    for column in range(first, last):
        begin, size = starts[column], starts[column + 1] - starts[column]
        for n in range(begin, begin + size):
            links[places[n]] = 0 if size <= longest else -1
        if size > longest:
            continue
        ends[:] = 0
        for n in range(begin, begin + size):
            ends[languages[rows[n]] + 1] += 1
        for language in range(count):
            ends[language + 1] += ends[language]
        for n in range(begin, begin + size):
            language = languages[rows[n]]
            order[ends[language]] = n
            ends[language] += 1
        for language in range(count, 0, -1):
            ends[language] = ends[language - 1]
        ends[0] = 0
        for one in range(count):
            for other in range(one + 1, count):
                low, high = ends[other], ends[other + 1]
                if low == high or ends[one] == ends[one + 1]:
                    continue
                for j in range(low, high):
                    sums[j] = of_none
                for i in range(ends[one], ends[one + 1]):
                    u = rows[order[i]]
                    total = of_none
                    for j in range(low, high):
                        v = rows[order[j]]
                        dot = np.float32(0)
                        for d in range(k):
                            dot += unit[u, d] * unit[v, d]
                        score = np.float32(math.exp(sharpness * (dot - 1.0)))
                        scores[i, j] = score
                        sums[j] += score
                        total += score
                    sums[i] = total
                for i in range(ends[one], ends[one + 1]):
                    at = places[order[i]]
                    for j in range(low, high):
                        link = scores[i, j] * scores[i, j] / (sums[i] * sums[j])
                        links[at] = max(links[at], link)
                        links[places[order[j]]] = max(links[places[order[j]]], link)
                        if link >= least:
                            if made == len(products):
                                pairs = np.concatenate((pairs, np.empty_like(pairs)))
                                products = np.concatenate((products, np.empty_like(products)))
                            pairs[made, 0], pairs[made, 1] = rows[order[i]], rows[order[j]]
                            products[made] = link
                            made += 1
    return pairs[:made].copy(), products[:made].copy()
