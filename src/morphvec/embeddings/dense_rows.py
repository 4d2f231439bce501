"""Rows of an array: vectors are written out, products are BLAS's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d, Ints1d, Ints2d
from morphvec.embeddings.rows import Mix, Rows, Scored, Span, cosine_of
from morphvec.engine.base import even_blocks
from morphvec.engine.blas import one_blas_thread
from morphvec.engine.local import local_engine

_BLOCK = 65_536  # rows scored at once for several queries
_NEAR = 512  # rows whose lengths are found at once, in float64: they stay in the cache
_CALL = 256  # rows of one product with a query
_SHARE = 16_384  # rows that a thread takes at a time
_PAIRS = 1_000_000  # numbers of pairs worked out at a time: 16 MB


class DenseRows(Rows):
    """Rows of an array [T, k], which may be a memory map."""

    def __init__(self, array: Floats2d) -> None:
        self.array = array
        self.shape = (int(array.shape[0]), int(array.shape[1]))
        self.plain = isinstance(array, np.ndarray) and array.dtype == np.float32  # not codes

    def row(self, index: int) -> Floats1d:
        return np.array(self.array[index], np.float32)

    def norms(self) -> Floats1d:
        norms = np.empty(len(self), np.float32)

        def fill(share: tuple[int, int]) -> None:
            for low in range(*share, _NEAR):
                exact = np.asarray(self.array[low : min(low + _NEAR, share[1])], np.float64)
                norms[low : low + len(exact)] = _lengths(exact)

        local_engine().map(fill, even_blocks(len(self), _SHARE))
        return norms

    def dots(self, query: Floats1d) -> Floats1d:
        found = np.empty(len(self), np.float32)

        def fill(share: tuple[int, int]) -> None:
            for low in range(*share, _CALL):
                block = slice(low, min(low + _CALL, share[1]))
                np.matmul(self.array[block], query, out=found[block])

        with one_blas_thread():
            local_engine().map(fill, even_blocks(len(self), _SHARE))
        return found

    def dots_of(self, chosen: Ints1d, query: Floats1d) -> Floats1d:
        """``dots(query)[chosen]`` to the bit, by the products of the same blocks: BLAS rounds by a row's place in one.

        chosen: ascending. Only blocks with a chosen row are read.
        """
        found = np.empty(len(chosen), np.float32)
        blocks, begins = np.unique(chosen // _CALL, return_index=True)
        ends = np.append(begins[1:], len(chosen))

        def fill(number: int) -> None:
            low, places = int(blocks[number]) * _CALL, slice(begins[number], ends[number])
            found[places] = np.matmul(self.array[low : low + _CALL], query)[chosen[places] - low]

        with one_blas_thread():
            local_engine().map(fill, range(len(blocks)))
        return found

    def many_dots(self, queries: Floats2d) -> Floats2d:
        found = np.empty((len(queries), len(self)), np.float32)
        for low in range(0, len(self), _BLOCK):
            found[:, low : low + _BLOCK] = queries @ np.asarray(self.array[low : low + _BLOCK]).T
        return found

    def take(self, chosen: slice | Ints1d) -> DenseRows:
        return DenseRows(np.asarray(self.array[chosen]))

    def unit(self, chosen: slice | Ints1d = slice(None)) -> DenseRows:
        rows = np.array(self.array[chosen], dtype=np.float32, order="C")
        lengths = _lengths(rows)
        lengths[lengths == 0] = 1.0
        rows /= lengths[:, None]  # in float64 for each element, rounded once
        return DenseRows(rows)

    def with_sums(self, groups: csr_array) -> DenseRows:
        exact = self.array.astype(np.float64)
        return DenseRows(np.concatenate([exact, groups @ exact]))

    def scores(self, mix: Mix, out: Floats2d) -> None:
        np.matmul(np.asarray(mix.weights @ _array(mix.sources), np.float32), self.array.T, out=out)

    def scorer(self, mix: Mix) -> Callable[[slice], Scored]:
        return lambda block: self._scored(_directions(mix.part(block)))

    def _scored(self, queries: Floats2d) -> Scored:

        def exact(query: Ints1d, row: Ints1d) -> Floats1d:
            products = np.empty(len(query))
            size = max(1, _PAIRS // self.shape[1])
            for start in range(0, len(query), size):
                block = slice(start, start + size)
                left = queries[query[block]].astype(np.float64)
                left *= self.array[row[block]]
                products[block] = left.sum(axis=1)
            return products

        margin = (self.shape[1] + 4) * 2.0**-24  # above k·u of a sum of k rounded products of unit vectors
        return Scored(queries @ self.array.T, margin, exact)

    def span(self, chosen: Ints1d) -> Span:
        def scores(directions: Floats2d, out: Floats2d) -> None:
            np.matmul(directions.astype(np.float32), self.array.T, out=out)

        return Span(self.array[chosen].astype(np.float64), scores)

    def picked(self, chosen: Ints1d, others: Mapping[int, Floats1d]) -> DenseRows:
        table = np.zeros((len(chosen), self.shape[1]), dtype=np.float64)
        table[chosen >= 0] = self.array[chosen[chosen >= 0]]
        for place, vector in others.items():
            table[place] = vector
        return DenseRows(table)

    def cosines(self, pairs: Ints2d) -> Floats1d:
        left, right = (self.array[pairs[:, side]].astype(np.float64, copy=False) for side in (0, 1))
        square = np.einsum("ij,ij->i", left, left) * np.einsum("ij,ij->i", right, right)
        return cosine_of(np.einsum("ij,ij->i", left, right), square)

    def squares(self) -> tuple[float, float]:
        exact = self.array.astype(np.float64)
        total = exact.sum(axis=0)
        return float((total * total).sum()), float((exact * exact).sum())


def _array(rows: Rows) -> Floats2d:
    assert isinstance(rows, DenseRows), "rows of one layout are mixed with each other only"
    return rows.array


def _lengths(rows: Floats2d) -> Floats1d:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64)))


def _directions(mix: Mix) -> Floats2d:
    """The vectors of a mix at length 1, float32, rounded once; a source that stands alone is taken as it is."""
    weights = mix.weights
    vectors = np.asarray(weights @ _array(mix.sources), np.float64)
    alone = np.flatnonzero(np.diff(weights.indptr) == 1)
    alone = alone[weights.data[weights.indptr[alone]] == 1]
    lengths = _lengths(vectors)
    lengths[lengths == 0] = 1.0
    lengths[alone] = 1.0
    return np.asarray(vectors / lengths[:, None], np.float32)
