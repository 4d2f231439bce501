"""Rows of a CSR matrix: no vector is written out, products are worked out between rows, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from morphvec.arrays import Bools1d, Floats1d, Floats2d, Ints1d, Ints2d
from morphvec.embeddings.rows import Mix, Rows, Scored, Span, cosine_of, csr_of

_CELLS = 4_000_000  # stored cells, or products of rows, held at a time: 32 MB in float64
_KEPT = 16_000_000  # products of rows that are kept for the next block: 128 MB
_LEAST = 1e-12  # of the largest eigenvalue: what rounding leaves where there is none


def canonical(matrix: Any) -> csr_array:
    """A SciPy sparse matrix as float32 CSR: ascending columns, each once; index arrays int32 where that is enough."""
    found = csr_array(matrix, dtype=np.float32)
    if not found.has_canonical_format:
        found = found.copy()
        found.sum_duplicates()
    kind = np.int32 if max(*found.shape, found.nnz) <= np.iinfo(np.int32).max else np.int64
    return csr_of(
        found.indptr.astype(kind, copy=False), found.indices.astype(kind, copy=False), found.data, found.shape
    )


class SparseRows(Rows):
    """Rows of a CSR matrix with ascending columns, whose arrays may be memory maps."""

    def __init__(self, matrix: csr_array) -> None:
        self.matrix = matrix
        self.shape = (int(matrix.shape[0]), int(matrix.shape[1]))

    @cached_property
    def _turned(self) -> csr_array:
        """The transpose in float64, for products with rows."""
        return csr_array(self.matrix.T, dtype=np.float64)

    def row(self, index: int) -> Floats1d:
        index = range(len(self))[index]  # -1 is the last, and what is beyond is an IndexError, as of an array
        found = np.zeros(self.shape[1], np.float32)
        cells = slice(int(self.matrix.indptr[index]), int(self.matrix.indptr[index + 1]))
        found[self.matrix.indices[cells]] = self.matrix.data[cells]
        return found

    def norms(self) -> Floats1d:
        return _square_sums(self.matrix, root=True).astype(np.float32)

    def dots(self, query: Floats1d) -> Floats1d:
        exact = np.asarray(query, np.float64)
        found = np.empty(len(self), np.float32)
        for rows, part in _pieces(self.matrix):
            found[rows] = part @ exact
        return found

    def many_dots(self, queries: Floats2d) -> Floats2d:
        return np.array([self.dots(query) for query in queries], np.float32).reshape(-1, len(self))

    def take(self, chosen: slice | Ints1d) -> SparseRows:
        return SparseRows(self.matrix[chosen])

    def unit(self, chosen: slice | Ints1d = slice(None)) -> SparseRows:
        rows = self.matrix[chosen]
        lengths = _square_sums(rows, root=True)
        lengths[lengths == 0] = 1.0
        data = np.empty(rows.nnz, np.float32)
        for block, part in _pieces(rows):
            cells = slice(int(rows.indptr[block.start]), int(rows.indptr[block.stop]))
            data[cells] = part.data / np.repeat(lengths[block], np.diff(part.indptr))
        return SparseRows(csr_of(rows.indptr, rows.indices, data, rows.shape))

    def with_sums(self, groups: csr_array) -> SparseRows:
        exact = self.matrix.astype(np.float64)
        sums = csr_array(groups @ exact)
        sums.sort_indices()
        return SparseRows(csr_array(vstack([exact, sums])))

    def _near(self, sources: Rows, chosen: Ints1d) -> Floats2d:
        """Products of chosen sources with all rows, float64 [n, T]."""
        assert isinstance(sources, SparseRows), "rows of one layout are mixed with each other only"
        return np.asarray((sources.matrix[chosen] @ self._turned).toarray())

    def _add(self, mix: Mix, out: Floats2d) -> None:
        """Add the products of a mix with all rows; each source that takes part is multiplied with them once."""
        used, place = np.unique(mix.weights.indices, return_inverse=True)
        weights = csr_of(
            mix.weights.indptr, place, mix.weights.data.astype(np.float64), (len(mix), len(used))
        )
        size = max(1, _CELLS // len(self))
        for low in range(0, len(used), size):
            near = self._near(mix.sources, used[low : low + size])
            out += (weights if size >= len(used) else weights[:, low : low + size]) @ near

    def scores(self, mix: Mix, out: Floats2d) -> None:
        products = np.zeros((len(mix), len(self)))
        self._add(mix, products)
        out[:] = products

    def scorer(self, mix: Mix) -> Callable[[slice], Scored]:
        """The sources that most vectors share are multiplied with the rows once for all blocks."""
        uses = np.bincount(mix.weights.indices, minlength=len(mix.sources))
        often = np.argsort(-uses, kind="stable")[: _KEPT // len(self)]
        often = often[uses[often] > 1]
        near = np.empty((len(often), len(self)))
        size = max(1, _CELLS // len(self))
        for low in range(0, len(often), size):
            near[low : low + size] = self._near(mix.sources, often[low : low + size])
        place = np.full(len(mix.sources), -1)
        place[often] = np.arange(len(often))
        kept = place[mix.weights.indices]
        shared = _some_cells(mix.weights, kept >= 0, kept, len(often))
        own = _some_cells(mix.weights, kept < 0, mix.weights.indices, len(mix.sources))

        def scored(block: slice) -> Scored:
            products = np.asarray(shared[block] @ near)
            self._add(Mix(own[block], mix.sources), products)
            return Scored(products, 0.0, lambda query, row: np.asarray(products[query, row]))

        return scored

    def span(self, chosen: Ints1d) -> Span:
        """By the eigenvectors of the rows' products with each other: their span has at most as many dimensions."""
        own = self.take(chosen)
        values, vectors = np.linalg.eigh(own._near(own, np.arange(len(own))))
        kept = values > _LEAST * max(1.0, values[-1])
        values, vectors = values[kept], vectors[:, kept]

        def scores(directions: Floats2d, out: Floats2d) -> None:
            self.scores(Mix(csr_array((directions / np.sqrt(values)) @ vectors.T), own), out)

        return Span(vectors * np.sqrt(values), scores)

    def picked(self, chosen: Ints1d, others: Mapping[int, Floats1d]) -> SparseRows:
        places = sorted(others)
        extra = [csr_array(np.asarray(others[place], np.float32)[None]) for place in places]
        seen = np.flatnonzero(chosen >= 0)
        stacked = csr_array(vstack([self.matrix[chosen[seen]], *extra, csr_array((1, self.shape[1]))]))
        where = np.full(len(chosen), stacked.shape[0] - 1)  # zeros
        where[seen] = np.arange(len(seen))
        where[places] = len(seen) + np.arange(len(places))
        return SparseRows(stacked[where])

    def cosines(self, pairs: Ints2d) -> Floats1d:
        exact = self.matrix.astype(np.float64)
        square = _square_sums(exact)
        dots = (exact[pairs[:, 0]] * exact[pairs[:, 1]]).sum(axis=1)
        return cosine_of(np.asarray(dots), square[pairs[:, 0]] * square[pairs[:, 1]])

    def squares(self) -> tuple[float, float]:
        total = np.asarray(self.matrix.sum(axis=0, dtype=np.float64))
        return float((total * total).sum()), float(_square_sums(self.matrix).sum())


def _some_cells(matrix: csr_array, chosen: Bools1d, columns: Ints1d, width: int) -> csr_array:
    """Some cells of a matrix, in new columns."""
    ends = np.concatenate([[0], np.cumsum(chosen)])[matrix.indptr]
    return csr_of(ends, columns[chosen], matrix.data[chosen], (matrix.shape[0], width))


def _pieces(matrix: csr_array) -> Iterator[tuple[slice, csr_array]]:
    """Blocks of rows that hold a few cells each, as CSR over the same arrays."""
    indptr, low = matrix.indptr, 0
    while low < matrix.shape[0]:
        begin = int(indptr[low])
        high = max(low + 1, int(np.searchsorted(indptr, begin + _CELLS, side="right")) - 1)
        end = int(indptr[high])
        part = csr_of(
            np.asarray(indptr[low : high + 1] - indptr[low]),
            np.asarray(matrix.indices[begin:end]),
            np.asarray(matrix.data[begin:end]),
            (high - low, matrix.shape[1]),
        )
        yield slice(low, high), part
        low = high


def _square_sums(matrix: csr_array, *, root: bool = False) -> Floats1d:
    """Σ x² of each row, or its root, float64 [T]."""
    found = np.zeros(matrix.shape[0])
    for rows, part in _pieces(matrix):
        filled = np.flatnonzero(np.diff(part.indptr))
        if len(filled):
            found[rows.start + filled] = np.add.reduceat(
                np.square(part.data, dtype=np.float64), part.indptr[filled]
            )
    return np.asarray(np.sqrt(found) if root else found)
