"""Block Golub-Kahan-Lanczos with restarts: the largest singular values of a sparse matrix, its columns centred or not.

Bases U and V of block Krylov spaces with A V = U B, and AᵀU = V Bᵀ but for a remainder in the next block, so that the
singular values of the small B are those of A as far as the remainder is small (Golub, Luk & Overton 1981). Both bases are
made orthogonal in full. A full basis is cut down to its best vectors and goes on from there (Baglama & Reichel 2005):
that is a cycle. Where a spectrum is as flat as that of PPMI it takes less than half the products of subspace iteration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.engine.base import Engine, even_blocks, row_blocks, tree_sum
from morphvec.engine.blas import one_blas_thread
from morphvec.errors import InputError
from morphvec.kernels.cells import column_lengths, transpose
from morphvec.kernels.sparse import sparse_rows
from morphvec.rng import stream
from morphvec.solvers.dense import ROWS
from morphvec.training import Paced

RESIDUAL = 1e-9  # of a singular value: where an exact run stops; the error of the value is of its square
GAIN = 2e-3  # share of the energy, and of each σ² on average, that a fast run may expect to leave
ROUNDING = {"fast": 1e-6, "exact": 1e-12}  # of ‖X‖: smaller singular values are noise
_RESIDUAL_FLOOR = 1e-13  # of the largest singular value: what rounding leaves of a residual
_SMALLEST = 1e-14  # of the largest eigenvalue of a Gram matrix: what one round of orthogonalization resolves
_HIDDEN = 1e-12  # share of the energy: a smaller gain may not show in J
_UNKNOWN = 1e300  # a residual or a gain that nothing is known of yet
_ROUNDS = 6  # of orthogonalization at most; two are the rule
_LARGEST_CELL, _SMALLEST_CELL = 1e15, 1e-15  # so that float32 never leaves its range


@dataclass(frozen=True, eq=False)
class _Rows:
    """Stored cells by row."""

    indptr: Ints1d
    indices: Ints1d
    values: Floats1d
    blocks: list[tuple[int, int]]

    def apply(self, X: Floats2d, engine: Engine) -> Floats2d:
        """The matrix times X, in X's dtype."""
        out = np.empty((len(self.indptr) - 1, X.shape[1]), X.dtype)
        cells = (self.indptr, self.indices, self.values)
        engine.map(lambda block: sparse_rows(*cells, X, out, False, *block), self.blocks)
        return out


class CentredMatrix:
    """A = X, or X − 1μᵀ that is never laid out, with the products that a Krylov method needs.

    matrix: sparse [T, F]; float32 cells stay as they are. Raises InputError where the largest cell is not finite, or out
    of the range in which float32 can hold the squares of sums.
    """

    def __init__(self, matrix: Any, *, centre: bool = False, engine: Engine) -> None:
        csr = csr_array(matrix)
        if not csr.has_canonical_format:
            csr = csr.copy()
            csr.sum_duplicates()
        largest = float(np.abs(csr.data).max(initial=0.0))
        if not (largest == 0 or _SMALLEST_CELL <= largest <= _LARGEST_CELL):
            raise InputError(
                f"a matrix whose largest cell is {largest:g} in size",
                f"it is 0, or from {_SMALLEST_CELL:g} to {_LARGEST_CELL:g}",
                "scale the matrix",
            )
        kind = np.float32 if csr.dtype == np.float32 else np.float64
        self.shape: tuple[int, int] = csr.shape
        indptr = csr.indptr.astype(np.int64, copy=False)
        self._by_row = _Rows(
            indptr,
            csr.indices.astype(np.int32, copy=False),
            csr.data.astype(kind, copy=False),
            row_blocks(indptr),
        )
        self._engine = engine
        self.mean: Floats1d | None = None
        if centre:
            ones = np.ones((self.shape[0], 1))
            self.mean = self._by_column.apply(ones, engine)[:, 0] / self.shape[0]

    @cached_property
    def _by_column(self) -> _Rows:
        rows = self._by_row
        lengths = np.zeros(self.shape[1], np.int64)
        column_lengths(rows.indices, lengths)
        indptr = np.zeros(self.shape[1] + 1, np.int64)
        np.cumsum(lengths, out=indptr[1:])
        heads = indptr[:-1].copy()
        indices, values = np.empty_like(rows.indices), np.empty_like(rows.values)
        cells = (rows.indptr, rows.indices, rows.values, rows.values, heads, indices, values, values)
        self._engine.map(
            lambda block: transpose(*cells, *block),
            row_blocks(indptr, most=max(1, min(8, self._engine.threads))),
        )
        return _Rows(indptr, indices, values, row_blocks(indptr))

    def forward(self, V: Floats2d) -> Floats2d:
        """A V [T, columns of V], in V's dtype."""
        out = self._by_row.apply(V, self._engine)
        if self.mean is not None:
            out -= _product(self.mean[:, None], V, self._engine).astype(V.dtype)
        return out

    def backward(self, U: Floats2d) -> Floats2d:
        """Aᵀ U [F, columns of U], in U's dtype."""
        out = self._by_column.apply(U, self._engine)
        if self.mean is not None:
            sums = tree_sum([U[low:high].sum(0, np.float64) for low, high in even_blocks(len(U), ROWS)])
            out -= np.outer(self.mean, sums).astype(U.dtype)
        return out

    @cached_property
    def stored_norm(self) -> float:
        """‖X‖_F, nothing taken off: rounding is relative to it."""
        rows = self._by_row

        def part(block: tuple[int, int]) -> float:
            values = rows.values[rows.indptr[block[0]] : rows.indptr[block[1]]]
            return float(np.einsum("i,i->", values, values, dtype=np.float64))

        return math.sqrt(tree_sum(self._engine.map(part, rows.blocks)))

    @property
    def squared_norm(self) -> float:
        """‖A‖²_F."""
        taken = 0.0 if self.mean is None else self.shape[0] * float(self.mean @ self.mean)
        return max(self.stored_norm**2 - taken, 0.0)

    def dense(self) -> NDArray[np.float64]:
        """A laid out, float64 [T, F]."""
        rows = self._by_row
        laid = csr_array((rows.values, rows.indices, rows.indptr), shape=self.shape).toarray()
        return np.asarray(laid if self.mean is None else laid - self.mean, np.float64)


def _product(X: Floats2d, Y: Floats2d, engine: Engine) -> NDArray[np.float64]:
    """XᵀY in float64, from fixed row blocks summed in a fixed tree; each block in the wider dtype of the two."""
    blocks = even_blocks(len(X), ROWS)
    return np.asarray(
        tree_sum(engine.map(lambda b: (X[b[0] : b[1]].T @ Y[b[0] : b[1]]).astype(np.float64), blocks))
    )


def _gram(X: Floats2d, engine: Engine) -> NDArray[np.float64]:
    """XᵀX, in float64 throughout."""

    def part(block: tuple[int, int]) -> NDArray[np.float64]:
        rows = X[block[0] : block[1]].astype(np.float64)
        return np.asarray(rows.T @ rows)

    return np.asarray(tree_sum(engine.map(part, even_blocks(len(X), ROWS))))


def _turn(X: Floats2d, M: Floats2d, engine: Engine) -> None:
    """The first columns of X become X M, row block by row block."""
    M = M.astype(X.dtype)

    def work(block: tuple[int, int]) -> None:
        rows = X[block[0] : block[1]]
        rows[:, : M.shape[1]] = rows[:, : len(M)] @ M

    engine.map(work, even_blocks(len(X), ROWS))


def extend(
    basis: Floats2d, width: int, block: Floats2d, engine: Engine, generator: np.random.Generator
) -> tuple[Floats2d, Floats2d]:
    """Make the columns of ``block`` orthonormal, to each other and to the first ``width`` columns of ``basis``.

    The block is changed in place and written behind those columns; returns (C, R) with block before = basis C + block
    after · R, float64. Rounds of Gram-Schmidt against the basis and of the SVD of the block's scaled Gram matrix
    (Stathopoulos & Wu 2002), until a round finds nothing left to do. Columns that vanish are drawn anew, with R = 0.
    """
    columns = block.shape[1]
    C, R = np.zeros((width, columns)), np.eye(columns)
    old = basis[:, :width]
    for _ in range(_ROUNDS):
        if width:
            D = _product(old, block, engine)
            C += D @ R
            small = D.astype(block.dtype)

            def take_off(b: tuple[int, int], small: Floats2d = small) -> None:
                block[b[0] : b[1]] -= old[b[0] : b[1]] @ small

            engine.map(take_off, even_blocks(len(block), ROWS))
        G = _gram(block, engine)
        lengths = np.sqrt(np.diagonal(G))
        gone = lengths < np.finfo(np.float32).tiny
        if gone.any():
            block[:, gone] = generator.standard_normal((len(block), int(gone.sum())))
            R[gone] = 0.0
            continue
        values, vectors = np.linalg.eigh(G / np.outer(lengths, lengths))
        roots = np.sqrt(np.maximum(values, _SMALLEST * values[-1]))
        _turn(block, vectors / roots / lengths[:, None], engine)
        R = (roots[:, None] * vectors.T) @ (lengths[:, None] * R)
        if np.abs(G - np.eye(columns)).max() < 0.1:
            break
    basis[:, width : width + columns] = block
    return C, R


class BlockLanczos(Paced):
    """State of one run: the best vectors so far and the block to go on from.

    exact: float64, until every residual ‖Aᵀu − σv‖ is at most 1e-9 σ, or rounding. Otherwise float32, until the gains of
    the last blocks, as a geometric series, leave at most ``GAIN`` to be gained: on noise, the worst case, up to 1.4 times
    that was left.
    """

    def __init__(self, matrix: CentredMatrix, dim: int, *, exact: bool, seed: int, engine: Engine) -> None:
        self._matrix, self._dim, self._exact = matrix, dim, exact
        self._seed, self._engine = seed, engine
        self._size, self._keep, self._room = sizes(dim)
        kind = np.dtype(np.float64 if exact else np.float32)
        rows, columns = matrix.shape
        self.U: Floats2d = np.zeros((rows, self._room), kind)
        self.V: Floats2d = np.zeros((columns, self._room + self._size), kind)
        self.singular = np.zeros(self._keep)
        self.residual = _UNKNOWN  # the largest of the wanted vectors, over the largest singular value
        self.settled = False  # whether that, or the gain, is small enough
        self._kept = self._cycles = 0
        self._gain = self._more = _UNKNOWN
        generator = stream(seed)
        first = generator.standard_normal((rows, self._size), np.float32).astype(kind, copy=False)
        with one_blas_thread():  # columns without cells start at 0, and stay there
            extend(self.V, 0, matrix.backward(first), engine, generator)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next epoch depends on."""
        return {
            "U": self.U[:, : self._keep].copy(),
            "V": self.V[:, : self._keep + self._size].copy(),
            "singular": self.singular.copy(),
            "progress": np.array([self._kept, self._cycles, self.settled], np.int64),
            "numbers": np.array([self.residual, self._gain, self._more]),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a state."""
        self.U[:, : self._keep] = state["U"]
        self.V[:, : self._keep + self._size] = state["V"]
        self.singular[:] = state["singular"]
        self._kept, self._cycles, settled = state["progress"].tolist()
        self.settled = bool(settled)
        self.residual, self._gain, self._more = state["numbers"].tolist()

    def epoch(self, number: int) -> Mapping[str, Any]:
        """A cycle, and more of them while J hides in rounding what they gain."""
        del number  # cycles are numbered, since an epoch may have several
        with one_blas_thread():
            return self._epoch()

    def _epoch(self) -> Mapping[str, Any]:
        columns, before, energy = 0, self.residual, float(np.sum(self.singular[: self._dim] ** 2))
        while not self.settled:
            columns += self._cycle()
            now = float(np.sum(self.singular[: self._dim] ** 2))
            if now > energy * (1 + _HIDDEN) or self.residual > before / 2:
                break
            before = self.residual
        found = terms(self._matrix, self.singular[: self._dim])
        return {**found, "residual": self.residual, "columns": columns, "settled": self.settled}

    def _cycle(self) -> int:
        """Fill the bases or settle, then cut them down to the best vectors; returns how many columns were added."""
        dim, size, width, engine = self._dim, self._size, self._kept, self._engine
        start = width
        self._cycles += 1
        B = np.zeros((self._room, self._room))
        B[range(width), range(width)] = self.singular[:width]
        block = np.ascontiguousarray(self.V[:, width : width + size])
        left, values, right = np.eye(0), np.empty(0), np.eye(0)
        squares = self.singular[:dim] ** 2
        while width + size <= self._room and not self.settled:
            generator = stream(self._seed, self._cycles, width)
            W = self._matrix.forward(block)
            C, R = extend(self.U, width, W, engine, generator)
            new = slice(width, width + size)
            B[:width, new], B[new, new] = C, R
            width += size
            block = self._matrix.backward(W)
            _, rest = extend(self.V, width, block, engine, generator)
            self.pace((width - start) / (self._room - start))
            if width < dim:
                continue
            left, values, right = np.linalg.svd(B[:width, :width])
            residuals = np.linalg.norm(rest @ left[new, :dim], axis=0)
            self.residual = float(residuals.max()) / max(float(values[0]), np.finfo(np.float64).tiny)
            if self._exact:
                enough = np.maximum(RESIDUAL * values[:dim], _RESIDUAL_FLOOR * values[0])
                self.settled = bool(np.all(residuals <= enough))
            else:
                before, squares = squares, values[:dim] ** 2
                last, (self._gain, self._more) = self._more, _to_be_gained(before, squares, self._gain)
                self.settled = self._more <= GAIN and last <= 2 * GAIN  # one step alone may be a halt
        self._kept = kept = min(self._keep, width)
        _turn(self.U[:, :width], left[:, :kept], engine)
        _turn(self.V[:, :width], right[:kept].T, engine)
        self.V[:, kept : kept + size] = block
        self.singular[:] = 0
        self.singular[:kept] = values[:kept]
        return width - start


def _to_be_gained(before: Floats1d, squares: Floats1d, last: float) -> tuple[float, float]:
    """The share that the squares σ² gained in a step, of their sum or each on average (the larger), and what a geometric
    series through it and the ``last`` step's share says is still to be gained."""
    floor = max(ROUNDING["fast"] ** 2 * float(squares[0]), np.finfo(np.float64).tiny)
    gains = squares - before
    each, all_ = gains / np.maximum(squares, floor), gains.sum() / max(float(squares.sum()), floor)
    gain = max(float(each.mean()), float(all_), 0.0)
    if gain == 0:
        return gain, 0.0
    if not before[0] > 0:
        return _UNKNOWN, _UNKNOWN
    return gain, gain * gain / (last - gain) if gain < last < _UNKNOWN else _UNKNOWN


def terms(matrix: CentredMatrix, singular: Floats1d) -> dict[str, Any]:
    """J = ‖A − UΣVᵀ‖² over all cells, stored or not, all of it ``fit``; and the energy Σσ²."""
    energy = float(np.sum(singular**2))
    rest = max(matrix.squared_norm - energy, 0.0)
    return {"total": rest, "fit": rest, "unobserved": 0.0, "classes": {}, "ridge": 0.0, "energy": energy}


def sizes(dim: int) -> tuple[int, int, int]:
    """Of a block, of what a restart keeps, and of a basis: columns, for ``dim`` singular vectors."""
    size = min(64, 8 * max(1, round(dim / 24)))
    keep = dim + 2 * size
    return size, keep, keep + size * max(4, -(-2 * dim // size))
