"""Exact ranks among many candidates: fast float32 products decide the clear cases, float64 the close ones.

A product of matrices rounds differently with its shape and its threads, so equal or nearly equal scores could swap
places with the size of a block. Scores within the rounding error of the best right answer are therefore worked out
again, one pair at a time in float64: the rank is that of the float64 scores, whatever the blocks.
"""

from __future__ import annotations

import numpy as np

from morphvec.arrays import Floats1d, Floats2d, Ints1d

_CELLS = 8_000_000  # scores held at a time: 32 MB
_PAIRS = 1_000_000  # numbers of pairs worked out again at a time: 16 MB


def unit(vectors: Floats2d) -> Floats2d:
    """float32[n, k]: float64 rows at length 1, rounded once; a row of zeros stays zero."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    norms[norms == 0] = 1.0
    return np.asarray(vectors / norms[:, None], dtype=np.float32)


def exact_ranks(rows: Floats2d, queries: Floats2d, right: Ints1d, starts: Ints1d, barred: Ints1d) -> Ints1d:
    """int64[n]: for each query the rank, from 1, of its best right candidate by cosine.

    rows float32[T, k], queries float32[n, k]: of length 1 or 0. The right candidates of query q are
    ``right[starts[q]:starts[q + 1]]``, at least one; ``barred[q]`` is a candidate that does not take part, or -1.
    Of equal scores the lower row comes first.
    """
    ranks = np.empty(len(queries), dtype=np.int64)
    owner = np.repeat(np.arange(len(queries)), np.diff(starts))
    height, best = _best(_dots(rows, queries, right, owner), right, starts)
    margin = (rows.shape[1] + 4) * 2.0**-24  # above k·u of a sum of k rounded products of unit vectors
    high, low = (np.asarray(height + sign * 2 * margin, dtype=np.float32)[:, None] for sign in (1, -1))
    size = max(1, _CELLS // len(rows))
    scores = np.empty((min(size, len(queries)), len(rows)), dtype=np.float32)
    for start in range(0, len(queries), size):
        block = slice(start, min(start + size, len(queries)))
        part = scores[: block.stop - start]
        np.matmul(queries[block], rows.T, out=part)
        out = np.flatnonzero(barred[block] >= 0)
        part[out, barred[block][out]] = -np.inf
        above = np.count_nonzero(part > high[block], axis=1)
        close = part >= low[block]
        close &= part <= high[block]
        query, candidate = np.nonzero(close)
        query += start
        again = _dots(rows, queries, candidate, query)
        ahead = (again > height[query]) | ((again == height[query]) & (candidate < best[query]))
        ranks[block] = 1 + above + np.bincount(query[ahead] - start, minlength=len(part))
    return ranks


def _dots(rows: Floats2d, queries: Floats2d, candidate: Ints1d, query: Ints1d) -> Floats1d:
    """float64[m]: the dot products of pairs (query, candidate); each depends on its two vectors alone."""
    dots = np.empty(len(query))
    size = max(1, _PAIRS // rows.shape[1])
    for start in range(0, len(query), size):
        block = slice(start, start + size)
        left = queries[query[block]].astype(np.float64)
        left *= rows[candidate[block]]
        dots[block] = left.sum(axis=1)
    return dots


def _best(scores: Floats1d, right: Ints1d, starts: Ints1d) -> tuple[Floats1d, Ints1d]:
    """The highest score of each query's right candidates, and the lowest candidate that has it."""
    height = np.maximum.reduceat(scores, starts[:-1]) if len(scores) else scores
    top = scores == np.repeat(height, np.diff(starts))
    best = (
        np.minimum.reduceat(np.where(top, right, np.iinfo(np.int64).max), starts[:-1])
        if len(right)
        else right
    )
    return height, best
