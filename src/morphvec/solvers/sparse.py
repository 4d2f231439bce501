"""A sparse matrix next to its transpose, ready for products with tall dense ones, block by block on an engine."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import Engine, row_blocks
from morphvec.kernels.sparse import sparse_rows


class Operator:
    """A sparse matrix as an operator on (columns × k) arrays of one dtype."""

    def __init__(self, matrix: Any, dtype: np.dtype[Any]) -> None:
        csr = csr_array(matrix)
        csr.sum_duplicates()
        self.shape: tuple[int, int] = csr.shape
        self.matrix = csr_array(
            (csr.data.astype(dtype), csr.indices.astype(np.int32), csr.indptr.astype(np.int64)),
            shape=csr.shape,
        )
        self._blocks = row_blocks(self.matrix.indptr, least_cells=2048)

    @cached_property
    def transposed(self) -> Operator:
        """The transpose as an operator of its own."""
        return Operator(self.matrix.T, self.matrix.dtype)

    def apply(
        self, X: Floats2d, engine: Engine, out: Floats2d | None = None, *, add: bool = False
    ) -> Floats2d:
        """matrix @ X, written into (or with ``add`` added to) ``out`` [rows, k]."""
        out = np.empty((self.shape[0], X.shape[1]), X.dtype) if out is None else out
        csr = self.matrix
        engine.map(
            lambda block: sparse_rows(csr.indptr, csr.indices, csr.data, X, out, add, *block), self._blocks
        )
        return out

    def squared(self) -> Operator:
        """The matrix of squared entries."""
        csr = self.matrix
        return Operator(csr_array((csr.data**2, csr.indices, csr.indptr), shape=csr.shape), csr.dtype)

    def diagonal(self) -> Floats1d:
        """The main diagonal, float64."""
        return np.asarray(self.matrix.diagonal(), np.float64)
