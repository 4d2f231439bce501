"""The stored cells of a problem seen from one side, by token or by feature, and what a pass over them gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.engine.base import Engine, even_blocks, row_blocks, tree_sum
from morphvec.errors import InputError
from morphvec.kernels.cells import column_lengths, transpose
from morphvec.kernels.dense import gram_rows
from morphvec.kernels.rows import normal_rows, sparse_rows, start_rows

ROWS = 4096  # of a block in sums over rows: part of the result's rounding, so it never changes


@dataclass(frozen=True, eq=False)
class Side:
    """The stored cells seen from one side, in one dtype: pull = w·x, surplus = w − α, α = a_row·a_col."""

    indptr: Ints1d
    indices: Ints1d
    pull: Floats1d
    surplus: Floats1d
    a_row: Floats1d
    a_col: Floats1d
    blocks: list[tuple[int, int]]

    def normal(self, G: Floats2d, other: Floats2d, D: Floats2d, engine: Engine, out: Floats2d) -> Floats2d:
        """out = (α-Gram + Σ_stored (w − α) s sᵀ) applied to each row of D."""
        engine.map(
            lambda b: normal_rows(self.indptr, self.indices, self.surplus, other, G, self.a_row, D, out, *b),
            self.blocks,
        )
        return out

    def start(self, G: Floats2d, other: Floats2d, X: Floats2d, engine: Engine) -> tuple[Floats2d, Floats2d]:
        """``right_side`` less ``normal`` of X, and the diagonal of the operator of ``normal``, by one pass."""
        residual, diagonal = np.empty_like(X), np.empty_like(X)
        cells = (self.indptr, self.indices, self.pull, self.surplus)
        engine.map(lambda b: start_rows(*cells, other, G, self.a_row, X, residual, diagonal, *b), self.blocks)
        return residual, diagonal

    def right_side(self, other: Floats2d, engine: Engine) -> Floats2d:
        """Σ_stored w x s for each row."""
        out = np.empty((len(self.indptr) - 1, other.shape[1]), other.dtype)
        engine.map(
            lambda b: sparse_rows(self.indptr, self.indices, self.pull, other, out, False, *b), self.blocks
        )
        return out

    def gram(self, other: Floats2d, engine: Engine) -> Floats2d:
        """SᵀDiag(a_col)S of the other side's factors."""
        return gram(other, self.a_col, engine).astype(other.dtype)


def gram(X: Floats2d, scale: Floats1d, engine: Engine) -> Floats2d:
    """XᵀDiag(scale)X, float64 [k, k], summed over fixed row blocks in a fixed tree."""
    scale = np.ascontiguousarray(scale, X.dtype)

    def part(block: tuple[int, int]) -> Floats2d:
        out = np.empty((X.shape[1], X.shape[1]))
        gram_rows(X, scale, out, *block)
        return out

    return np.asarray(tree_sum(engine.map(part, even_blocks(len(X), ROWS))))


def _sorted(matrix: Any) -> csr_array:
    csr = csr_array(matrix)
    if not csr.has_sorted_indices:
        csr = csr.sorted_indices()
    return csr


def checked_cells(matrix: Any, weights: Any) -> tuple[csr_array, Floats1d]:
    """The matrix with sorted columns, and the weight of each of its stored cells in the same order."""
    given = csr_array(matrix)
    if not issparse(weights):
        data = np.asarray(weights)
        if data.shape != given.data.shape:
            raise InputError(
                f"weights of shape {data.shape}", f"one per stored cell ({given.nnz})", "mend the weights"
            )
        weights = csr_array((data, given.indices, given.indptr), shape=given.shape)
    matrix = _sorted(given)
    if not matrix.has_canonical_format:
        raise InputError(
            "a matrix that stores a cell twice", "a cell has one target", "call matrix.sum_duplicates() first"
        )
    csr = _sorted(weights)
    same = csr.shape == matrix.shape and csr.nnz == matrix.nnz
    if not same or not (
        np.array_equal(csr.indptr, matrix.indptr) and np.array_equal(csr.indices, matrix.indices)
    ):
        raise InputError(
            "weights of another pattern than the matrix",
            "every stored cell has one weight",
            "give weights with the same sparsity pattern",
        )
    return matrix, np.asarray(csr.data)


def token_side(
    matrix: csr_array, weights: Floats1d, alpha: Floats1d, dtype: np.dtype[Any], loss: str = "squared"
) -> Side:
    """The cells by token; of the logistic loss pull and surplus are n and m, the weights of a cell as a positive and as a
    negative pair, told by its optimum x = ln(n/m) and its bend there w = nm/(n + m)."""
    indptr, indices = matrix.indptr.astype(np.int64, copy=False), matrix.indices.astype(np.int32, copy=False)
    if loss == "logistic":
        x = matrix.data.astype(np.float64)
        pair = ((weights * (1 + np.exp(x))).astype(dtype), (weights * (1 + np.exp(-x))).astype(dtype))
        one = np.ones(matrix.shape[0], dtype)
        return Side(indptr, indices, *pair, one, alpha.astype(dtype), row_blocks(indptr))
    pull = (weights * matrix.data).astype(dtype, copy=False)
    a = alpha.astype(dtype)
    surplus = np.subtract(weights, a[indices], dtype=np.promote_types(weights.dtype, dtype)).astype(
        dtype, copy=False
    )
    return Side(indptr, indices, pull, surplus, np.ones(matrix.shape[0], dtype), a, row_blocks(indptr))


def feature_side(by_token: Side, columns: int, engine: Engine) -> Side:
    """The cells by feature."""
    indptr, indices, dtype = by_token.indptr, by_token.indices, by_token.pull.dtype
    lengths = np.zeros(columns, np.int64)
    column_lengths(indices, lengths)
    other_indptr = np.zeros(columns + 1, np.int64)
    np.cumsum(lengths, out=other_indptr[1:])
    heads = other_indptr[:-1].copy()
    other_indices = np.empty(len(indices), np.int32)
    other_pull, other_surplus = np.empty(len(indices), dtype), np.empty(len(indices), dtype)
    cuts = row_blocks(other_indptr, most=max(1, min(8, engine.threads)))
    engine.map(
        lambda b: transpose(
            indptr,
            indices,
            by_token.pull,
            by_token.surplus,
            heads,
            other_indices,
            other_pull,
            other_surplus,
            *b,
        ),
        cuts,
    )
    return Side(
        other_indptr,
        other_indices,
        other_pull,
        other_surplus,
        by_token.a_col,
        by_token.a_row,
        row_blocks(other_indptr),
    )
