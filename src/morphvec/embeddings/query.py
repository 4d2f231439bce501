"""Nearest rows of a matrix: exact, ties to the lower row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import issparse

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.embeddings.dense_rows import DenseRows
from morphvec.embeddings.rows import Rows, Vectors
from morphvec.embeddings.sparse_rows import SparseRows

if TYPE_CHECKING:
    from morphvec.embeddings.outline import Outline

METRICS = ("cosine", "dot", "euclidean")
_TOGETHER = 32  # queries whose products with all rows are held at once
_RUN = 64  # scores of which the highest is looked at first
_LARGE = 1 << 23  # numbers: rows that do not stay in the cache
_WORTH = 1 << 29  # numbers read by questions, about as long as loading the compiler and making an outline


def as_rows(vectors: Vectors) -> Rows:
    """Vectors [T, k], an array or CSR with ascending columns, as rows."""
    return SparseRows(vectors) if issparse(vectors) else DenseRows(vectors)


def row_norms(vectors: Vectors) -> Floats1d:
    """Length of each row, float32 [T], computed block by block (a memory map is never copied whole)."""
    return as_rows(vectors).norms()


class Search:
    """The nearest of the same rows, asked for again and again.

    Once large rows were read so often that a smaller copy of them would have paid, it is made (``Outline``, T·k bytes);
    from then on only those rows are read that may be among the nearest. The answers are the same, to the bit.
    """

    def __init__(self, rows: Rows, norms: Floats1d) -> None:
        self.rows, self.norms = rows, norms
        self._read = 0  # numbers, by all questions
        self._outline: Outline | None = None

    def nearest(
        self,
        query: Floats1d,
        count: int,
        *,
        metric: str = "cosine",
        allowed: Ints1d | None = None,
        excluded: Ints1d | None = None,
    ) -> tuple[Ints1d, Floats1d]:
        """The ``count`` best rows for one query vector float32 [k] and their scores, best first.

        metric: cosine or dot (higher is nearer), euclidean (the distance; lower is nearer). allowed: rows to choose from,
        ascending (all where left out). excluded: rows never returned. A row of zeros has cosine 0 to everything.
        """
        query = np.asarray(query, np.float32)
        if isinstance(self.rows, DenseRows) and count > 0:
            chosen = self._may_be_best(self.rows, query, count, metric, allowed, excluded)
            if chosen is not None:
                scores = _scores(self.rows.dots_of(chosen, query), self.norms[chosen], query, metric)
                return _first(chosen, scores, count, metric)
        self._read += len(self.rows) * self.rows.shape[1]
        return _ranked(self.rows.dots(query), self.norms, query, count, metric, allowed, excluded)

    def _may_be_best(
        self,
        rows: DenseRows,
        query: Floats1d,
        count: int,
        metric: str,
        allowed: Ints1d | None,
        excluded: Ints1d | None,
    ) -> Ints1d | None:
        """Ascending rows with all that may be among the best; None where there is no outline to tell.

        Scores rise with products, roundings and all, so bounds of products give bounds of scores.
        """
        if self._outline is None:
            if self._read < _WORTH or len(rows) * rows.shape[1] < _LARGE or not rows.plain:
                return None
            # loads the compiler, which a few questions do without
            from morphvec.embeddings.outline import Outline

            self._outline = Outline.of(rows.array, self.norms)
        bounds = self._outline.bounds(query)
        if bounds is None:
            return None
        low, high = (_scores(bound, self.norms, query, metric) for bound in bounds)
        if excluded is not None and len(excluded):
            low[excluded] = high[excluded] = -np.inf
        if allowed is not None:
            low, high = low[allowed], high[allowed]
        leading = low[_best_places(low, count)]
        if len(leading) < count:
            return None
        worst = np.partition(leading, len(leading) - count)[len(leading) - count]
        places = np.flatnonzero((high >= worst) & (high > -np.inf))
        return places if allowed is None else np.asarray(allowed)[places]


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
    """``Search.nearest`` for each query of float32 [n, k]; own: the row of each that is not returned, or None."""
    rows, found = as_rows(vectors), []
    for low in range(0, len(queries), _TOGETHER):
        together = np.asarray(queries[low : low + _TOGETHER], np.float32)
        for number, scores in enumerate(rows.many_dots(together), low):
            row = own[number] if own else None
            excluded = None if row is None else np.array([row])
            found.append(_ranked(scores, norms, queries[number], count, metric, allowed, excluded))
    return found


def _ranked(
    dots: Floats1d,
    norms: Floats1d,
    query: Floats1d,
    count: int,
    metric: str,
    allowed: Ints1d | None,
    excluded: Ints1d | None,
) -> tuple[Ints1d, Floats1d]:
    """The best rows by the products of all rows with the query."""
    scores = _scores(dots, norms, query, metric)
    if excluded is not None and len(excluded):
        scores[np.asarray(excluded, np.int64)] = -np.inf
    picked = scores if allowed is None else scores[allowed]
    places = _best_places(picked, count)
    return _first(places if allowed is None else np.asarray(allowed)[places], picked[places], count, metric)


def _scores(dots: Floats1d, norms: Floats1d, query: Floats1d, metric: str) -> Floats1d:
    """What rows are ordered by, an array of its own: float32 [n], higher is nearer."""
    if metric == "dot":
        return dots.copy()
    length = float(np.sqrt(np.dot(query.astype(np.float64), query.astype(np.float64))))
    if metric == "euclidean":
        squares = norms.astype(np.float64) ** 2 - 2.0 * dots + length**2
        return -np.sqrt(np.maximum(squares, 0.0)).astype(np.float32)
    denominator = norms * np.float32(length)
    found: Floats1d = np.divide(dots, denominator, out=np.zeros_like(dots), where=denominator > 0)
    return found


def _first(rows: Ints1d, scores: Floats1d, count: int, metric: str) -> tuple[Ints1d, Floats1d]:
    """The first rows by score, ties to the lower row; -inf is no score."""
    order = np.lexsort((rows, -scores))
    order = order[scores[order] > -np.inf][:count]
    found = scores[order]
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
