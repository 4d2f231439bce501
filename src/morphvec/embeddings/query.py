"""Nearest rows of a matrix: exact, ties to the lower row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import issparse

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.embeddings.dense_rows import DenseRows
from morphvec.embeddings.rows import Rows, Vectors
from morphvec.embeddings.sparse_rows import SparseRows

METRICS = ("cosine", "dot", "euclidean")
_TOGETHER = 32  # queries whose products with all rows are held at once
_RUN = 64  # scores of which the highest is looked at first


def as_rows(vectors: Vectors) -> Rows:
    """Vectors [T, k], an array or CSR with ascending columns, as rows."""
    return SparseRows(vectors) if issparse(vectors) else DenseRows(vectors)


def row_norms(vectors: Vectors) -> Floats1d:
    """Length of each row, float32 [T], computed block by block (a memory map is never copied whole)."""
    return as_rows(vectors).norms()


def nearest_rows(
    vectors: Vectors,
    norms: Floats1d,
    query: Floats1d,
    count: int,
    *,
    metric: str = "cosine",
    allowed: Ints1d | None = None,
    excluded: Ints1d | None = None,
) -> tuple[Ints1d, Floats1d]:
    """The ``count`` best rows for one query vector float32 [k] and their scores, best first.

    vectors: float32 [T, k], dense or CSR. metric: cosine or dot (higher is nearer), euclidean (the distance; lower is
    nearer). allowed: rows to choose from (all where left out). excluded: rows never returned. A row of zeros has
    cosine 0 to everything.
    """
    query = np.asarray(query, np.float32)
    return _ranked(as_rows(vectors).dots(query), norms, query, count, metric, allowed, excluded)


def nearest_of_many(
    vectors: Vectors,
    norms: Floats1d,
    queries: Floats2d,
    count: int,
    *,
    metric: str = "cosine",
    allowed: Ints1d | None = None,
    own: Sequence[int | None] = (),
) -> list[tuple[Ints1d, Floats1d]]:
    """``nearest_rows`` for each query of float32 [n, k]; own: the row of each that is not returned, or None."""
    rows, found = as_rows(vectors), []
    for low in range(0, len(queries), _TOGETHER):
        together = np.asarray(queries[low : low + _TOGETHER], np.float32)
        for number, scores in enumerate(rows.many_dots(together), low):
            row = own[number] if own else None
            excluded = None if row is None else np.array([row])
            found.append(_ranked(scores, norms, queries[number], count, metric, allowed, excluded))
    return found


def _ranked(
    scores: Floats1d,
    norms: Floats1d,
    query: Floats1d,
    count: int,
    metric: str,
    allowed: Ints1d | None,
    excluded: Ints1d | None,
) -> tuple[Ints1d, Floats1d]:
    """The best rows by their products with the query; ``scores`` is used up."""
    length = float(np.sqrt(np.dot(query.astype(np.float64), query.astype(np.float64))))
    if metric == "cosine":
        denominator = norms * np.float32(length)
        scores = np.divide(scores, denominator, out=np.zeros_like(scores), where=denominator > 0)
    elif metric == "euclidean":
        scores = -np.sqrt(np.maximum(norms.astype(np.float64) ** 2 - 2.0 * scores + length**2, 0.0)).astype(
            np.float32
        )
    rows = None if allowed is None else np.asarray(allowed)
    if excluded is not None and len(excluded):
        scores[np.asarray(excluded, np.int64)] = -np.inf
    picked = scores if rows is None else scores[rows]
    places = _best_places(picked, count)
    found = picked[places]
    rows = places if rows is None else rows[places]
    order = np.lexsort((rows, -found))
    order = order[found[order] > -np.inf][:count]
    found = found[order]
    return rows[order], -found if metric == "euclidean" else found


def _best_places(scores: Floats1d, count: int) -> Ints1d:
    """The places of all scores that may be among the ``count`` highest, in order; a few more than these.

    The count-th highest of the maxima of runs is no higher than the count-th highest score.
    """
    runs = len(scores) // _RUN
    if count < 1:
        return np.zeros(0, np.int64)
    if runs <= count:
        return np.arange(len(scores))
    maxima = scores[: runs * _RUN].reshape(runs, _RUN).max(axis=1)
    threshold = np.partition(maxima, runs - count)[runs - count]
    return np.flatnonzero(scores >= threshold)
