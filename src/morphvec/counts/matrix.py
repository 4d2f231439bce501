"""Counts: the sparse token × feature matrix that every method starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from morphvec.features.space import Block


@dataclass(frozen=True, eq=False)
class Counts:
    """Window-weighted co-occurrence counts.

    matrix: float64 CSR [T, F], columns sorted in each row; a cell is a sum of window weights (a count times at most
    1), an id block counts tokens, an n-gram block counts each type once. words: T keys in row order. features: F
    names. blocks: contiguous and in order, they cover the columns.
    """

    matrix: csr_array
    words: tuple[str, ...]
    features: tuple[str, ...]
    blocks: tuple[Block, ...]

    def margins(self) -> tuple[np.ndarray, np.ndarray]:
        """Row sums per block (float64 [T, blocks]) and column sums (float64 [F])."""
        from morphvec.kernels.cells import block_margins

        rows = np.zeros((len(self.words), len(self.blocks)))
        columns = np.zeros(self.matrix.shape[1])
        ends = np.array([block.end for block in self.blocks], np.int64)
        block_margins(self.matrix.indptr, self.matrix.indices, self.matrix.data, ends, rows, columns)
        return rows, columns
