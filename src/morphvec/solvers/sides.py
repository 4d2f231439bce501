"""The stored cells of a problem seen from one side, by token or by feature, and what a pass over them gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from morphvec.arrays import Cells1d, Floats1d, Floats2d, Ints1d
from morphvec.engine.base import Engine, even_blocks, row_blocks, tree_sum
from morphvec.errors import InputError
from morphvec.kernels.cells import column_lengths, transpose
from morphvec.kernels.dense import gram_rows
from morphvec.kernels.rows import normal_rows, start_rows
from morphvec.solvers.codes import LEAST_CELLS, Gathered, encoded, plain_scale

ROWS = 4096  # of a block in sums over rows: part of the result's rounding, so it never changes


@dataclass(frozen=True, eq=False)
class Side:
    """The stored cells seen from one side: targets x and weights w, plain or coded by ``scale`` (``solvers.codes``), and
    α = a_row·a_col. scale, a_row and a_col are of the dtype of the factors, plain x and w too."""

    indptr: Ints1d
    indices: Ints1d
    x: Cells1d
    w: Cells1d
    scale: Floats1d
    a_row: Floats1d
    a_col: Floats1d
    blocks: list[tuple[int, int]]
    loss: str = "squared"

    @cached_property
    def cells(self) -> tuple[Ints1d, Ints1d, Cells1d, Cells1d, Floats1d, Floats1d, Floats1d]:
        """What the row kernels take."""
        one = len(self.a_col) > 0 and bool(np.all(self.a_col == self.a_col[0]))
        a_col = self.a_col[:1] if one else self.a_col
        return self.indptr, self.indices, self.x, self.w, self.scale, self.a_row, a_col

    @property
    def nbytes(self) -> int:
        """Bytes of the stored cells, without the row starts."""
        return self.indices.nbytes + self.x.nbytes + self.w.nbytes

    def read(self, begin: int, end: int) -> tuple[Floats1d, Floats1d]:
        """x and w of the cells [begin, end), of the dtype of the factors."""
        zero, step, unit = self.scale
        kind = self.scale.dtype
        return (self.x[begin:end].astype(kind) - zero) * step, self.w[begin:end].astype(kind) * unit

    def pulled(self, low: int, high: int) -> tuple[Floats1d, Floats1d]:
        """pull = w·x and surplus = w − α of the cells of rows [low, high); n and m of the logistic loss."""
        begin, end = int(self.indptr[low]), int(self.indptr[high])
        x, w = self.read(begin, end)
        if self.loss == "logistic":
            return x, w
        a = np.repeat(self.a_row[low:high], np.diff(self.indptr[low : high + 1]))
        a *= self.a_col[self.indices[begin:end]]
        return w * x, w - a

    def gathered(self, other: Floats2d, engine: Engine) -> Gathered:
        """The other side's factors as passes over these cells read them: coded where there are many cells in float32."""
        if other.dtype == np.float32 and len(self.indices) >= LEAST_CELLS:
            return Gathered.coded(other, engine)
        return Gathered.plain(other)

    def normal(self, G: Floats2d, other: Gathered, D: Floats2d, engine: Engine, out: Floats2d) -> Floats2d:
        """out = (α-Gram + Σ_stored (w − α) s sᵀ) applied to each row of D. G: k × k, or the diagonal of a diagonal one as [1, k]."""
        engine.map(lambda b: normal_rows(*self.cells, other.rows, other.unit, G, D, out, *b), self.blocks)
        return out

    def start(self, G: Floats2d, other: Gathered, X: Floats2d, engine: Engine) -> tuple[Floats2d, Floats2d]:
        """The right side Σ_stored w x s less ``normal`` of X, and the diagonal of the operator of ``normal``, by one pass."""
        residual, diagonal = np.empty_like(X), np.empty_like(X)
        given = (*self.cells, other.rows, other.unit, G, X, residual, diagonal)
        engine.map(lambda b: start_rows(*given, *b), self.blocks)
        return residual, diagonal

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
    """The cells by token; many of them in float32 are coded where codes are fine enough. Of the logistic loss x and w are
    n and m, the weights of a cell as a positive and as a negative pair, told by its optimum ln(n/m) and its bend there
    nm/(n + m)."""
    indptr, indices = matrix.indptr.astype(np.int64, copy=False), matrix.indices.astype(np.int32, copy=False)
    cells: tuple[Cells1d, Cells1d, Floats1d] | None = None
    if loss == "logistic":
        x = matrix.data.astype(np.float64)
        n, m = ((weights * (1 + np.exp(sign * x))).astype(dtype) for sign in (1, -1))
        cells = n, m, plain_scale(dtype)
    elif dtype == np.float32 and matrix.nnz >= LEAST_CELLS:
        cells = encoded(matrix.data, weights, dtype)
    if cells is None:
        cells = (
            matrix.data.astype(dtype, copy=False),
            weights.astype(dtype, copy=False),
            plain_scale(dtype),
        )
    one = np.ones(matrix.shape[0], dtype)
    return Side(indptr, indices, *cells, one, alpha.astype(dtype), row_blocks(indptr), loss)


def feature_side(by_token: Side, columns: int, engine: Engine) -> Side:
    """The cells by feature."""
    indptr, indices = by_token.indptr, by_token.indices
    lengths = np.zeros(columns, np.int64)
    column_lengths(indices, lengths)
    other_indptr = np.zeros(columns + 1, np.int64)
    np.cumsum(lengths, out=other_indptr[1:])
    heads = other_indptr[:-1].copy()
    other_indices = np.empty(len(indices), np.int32)
    other_x, other_w = np.empty_like(by_token.x), np.empty_like(by_token.w)
    cuts = row_blocks(other_indptr, most=max(1, min(8, engine.threads)))
    engine.map(
        lambda b: transpose(
            indptr,
            indices,
            by_token.x,
            by_token.w,
            heads,
            other_indices,
            other_x,
            other_w,
            *b,
        ),
        cuts,
    )
    return Side(
        other_indptr,
        other_indices,
        other_x,
        other_w,
        by_token.scale,
        by_token.a_col,
        by_token.a_row,
        row_blocks(other_indptr),
        by_token.loss,
    )
