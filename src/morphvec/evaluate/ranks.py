"""Exact ranks among many candidates: fast products decide the clear cases, exact ones the close ones.

A product of matrices rounds differently with its shape and its threads, so equal or nearly equal scores could swap
places with the size of a block. Scores within the rounding error of the best right answer are therefore worked out
again, one pair at a time in float64: the rank is that of the float64 scores, whatever the blocks.
"""

from __future__ import annotations

import numpy as np

from morphvec.arrays import Floats1d, Ints1d
from morphvec.embeddings.rows import Mix, Rows

_CELLS = 8_000_000  # scores held at a time: 32 MB, or 64 where they are float64


def exact_ranks(rows: Rows, queries: Mix, right: Ints1d, starts: Ints1d, barred: Ints1d) -> Ints1d:
    """int64[n]: for each query the rank, from 1, of its best right candidate by cosine.

    rows: C candidates of length 1 or 0. queries: n directions; their length does not matter. The right candidates of
    query q are ``right[starts[q]:starts[q + 1]]``, at least one, none barred; ``barred[q]`` is a candidate that does not
    take part, or -1. Of equal scores the lower row comes first.
    """
    ranks = np.empty(len(queries), dtype=np.int64)
    size = max(1, _CELLS // len(rows))
    scores_of = rows.scorer(queries)
    for start in range(0, len(queries), size):
        block = slice(start, min(start + size, len(queries)))
        scored = scores_of(block)
        part = scored.products
        first, last = starts[block.start], starts[block.stop]
        bounds = starts[block.start : block.stop + 1] - first
        owner = np.repeat(np.arange(len(part)), np.diff(bounds))
        height, best = _best(scored.exact(owner, right[first:last]), right[first:last], bounds)
        high, low = (
            np.asarray(height + sign * 2 * scored.margin, dtype=part.dtype)[:, None] for sign in (1, -1)
        )
        out = np.flatnonzero(barred[block] >= 0)
        part[out, barred[block][out]] = -np.inf
        above = np.count_nonzero(part > high, axis=1)
        close = part >= low
        close &= part <= high
        query, candidate = np.nonzero(close)
        again = scored.exact(query, candidate)
        ahead = (again > height[query]) | ((again == height[query]) & (candidate < best[query]))
        ranks[block] = 1 + above + np.bincount(query[ahead], minlength=len(part))
    return ranks


def _best(scores: Floats1d, right: Ints1d, starts: Ints1d) -> tuple[Floats1d, Ints1d]:
    """The highest score of each query's right candidates, and the lowest candidate that has it."""
    height = np.maximum.reduceat(scores, starts[:-1])
    top = scores == np.repeat(height, np.diff(starts))
    best = np.minimum.reduceat(np.where(top, right, np.iinfo(np.int64).max), starts[:-1])
    return height, best
