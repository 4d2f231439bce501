"""The objective of the token-feature model, over arrays.

    J(P,S) = Σ_stored w (u·s − x)² + Σ_not stored α (u·s)² + Σ_c λ_c tr(UᵀL_cU) + γ_P‖P‖² + γ_S‖S‖²,   U = B·P

Unobserved cells cost O((T+F)k²): Σ_all α_f (u·s)² = tr(UᵀU · SᵀDS) (Hu, Koren & Volinsky 2008 §4), less the stored
ones. Every value reported is the function that is minimised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.engine.base import Engine, even_blocks, row_blocks, tree_sum
from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError
from morphvec.kernels.cells import column_lengths, transpose
from morphvec.kernels.rows import fit_rows, gram_rows, multiply_rows, normal_rows, sparse_rows
from morphvec.solvers.penalties import Penalty, SparsePenalty
from morphvec.solvers.sparse import Operator

_ROWS = 4096  # of a block in sums over rows: part of the result's rounding, so it never changes


@dataclass(frozen=True)
class Terms:
    """The objective split by term; ``total`` is their sum. classes: λ·tr(UᵀLU) of each penalty, by name."""

    total: float
    fit: float
    unobserved: float
    classes: Mapping[str, float]
    ridge: float

    def as_dict(self) -> dict[str, Any]:
        """For logs and manifests."""
        return {
            "total": self.total,
            "fit": self.fit,
            "unobserved": self.unobserved,
            "classes": dict(self.classes),
            "ridge": self.ridge,
        }


@dataclass(frozen=True, eq=False)
class Factors:
    """A solution: P [Q, k] part factors, S [F, k] feature factors, U = B·P [T, k]; one entry of history per epoch."""

    P: Floats2d
    S: Floats2d
    U: Floats2d
    history: tuple[Mapping[str, Any], ...] = ()


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

    return np.asarray(tree_sum(engine.map(part, even_blocks(len(X), _ROWS))))


def rotate(X: Floats2d, M: Floats2d, engine: Engine) -> Floats2d:
    """X M, row block by row block (the same bits for any number of threads); a new array [rows, columns of M]."""
    out = np.empty((len(X), M.shape[1]), X.dtype)
    M = np.ascontiguousarray(M, X.dtype)
    engine.map(lambda block: multiply_rows(X, M, out, *block), even_blocks(len(X), _ROWS))
    return out


def squared_norm(X: Floats2d, scale: Floats1d | None = None) -> float:
    """Σ scale_t ‖x_t‖², float64."""
    rows = np.einsum("ij,ij->i", X, X, dtype=np.float64)
    return float(rows.sum() if scale is None else rows @ scale)


class Problem:
    """One factorization problem; every solver takes it.

    Parameters
    ----------
    matrix: sparse [T, F], targets x of the stored cells (nats for PPMI). Every stored entry is a cell, zeros too.
    weights: sparse of the same pattern, or float [nnz] in CSR order: w > 0 of each stored cell.
    alpha: float or float [F]: weight of each cell of a column that is not stored (its target is 0).
    composition: sparse B [T, Q], or None for B = I. Its first T columns are the words' own rows if Q >= T.
    penalties: pairs (λ, L) or triples (λ, L, name); L is a sparse symmetric matrix or a Penalty.
    ridge_own, ridge_parts: γ of P's own rows (columns below T of B) and of the others; ridge_features: γ_S.

    Raises InputError where shapes disagree or a number is negative or not finite.
    """

    def __init__(
        self,
        matrix: Any,
        weights: Any,
        alpha: float | Floats1d,
        composition: Any = None,
        penalties: Sequence[Any] = (),
        ridge_own: float = 1.0,
        ridge_parts: float = 1.0,
        ridge_features: float = 1.0,
    ) -> None:
        self.matrix, self.weights = _cells(matrix, weights)
        rows, columns = self.matrix.shape
        self.alpha = (
            np.broadcast_to(np.asarray(alpha, np.float64), (columns,)).copy()
            if np.ndim(alpha) == 0
            else np.asarray(alpha, np.float64)
        )
        if self.alpha.shape != (columns,):
            raise InputError(
                f"alpha of shape {self.alpha.shape}",
                f"one number, or one per column ({columns})",
                "mend alpha",
            )
        for name, values in (("alpha", self.alpha), ("weights", self.weights)):
            if not np.all(values >= 0) or not np.all(np.isfinite(values)):
                raise InputError(
                    f"{name} below 0 or not finite", "weights are finite and at least 0", f"mend {name}"
                )
        if not np.all(np.isfinite(self.matrix.data)):
            raise InputError(
                "targets that are not finite", "every stored cell holds a finite number", "mend the matrix"
            )
        self.composition = None if composition is None else csr_array(composition)
        if self.composition is not None and self.composition.shape[0] != rows:
            raise InputError(
                f"a composition with {self.composition.shape[0]} rows",
                f"one row per token ({rows})",
                "mend B",
            )
        self.parts = rows if self.composition is None else int(self.composition.shape[1])
        self.penalties: list[tuple[float, Penalty, str]] = []
        for number, entry in enumerate(penalties):
            strength, form, name = (*entry, str(number))[:3]
            form = SparsePenalty(form) if issparse(form) or isinstance(form, np.ndarray) else form
            if form.size != rows or not 0 <= float(strength) < np.inf:
                raise InputError(
                    f"penalty {name}: λ={strength}, size {form.size}",
                    f"λ is at least 0 and L has {rows} rows",
                    "mend the penalty",
                )
            self.penalties.append((float(strength), form, name))
        self.ridge_own, self.ridge_parts, self.ridge_features = (
            float(ridge_own),
            float(ridge_parts),
            float(ridge_features),
        )
        if not all(0 <= value < np.inf for value in (self.ridge_own, self.ridge_parts, self.ridge_features)):
            raise InputError("a ridge below 0 or not finite", "γ is finite and at least 0", "mend the ridge")
        own = rows if self.parts >= rows else 0
        self.ridge = np.full(self.parts, self.ridge_parts)
        self.ridge[:own] = self.ridge_own
        self._token_sides: dict[np.dtype[Any], Side] = {}
        self._feature_sides: dict[np.dtype[Any], Side] = {}
        self._operators: dict[np.dtype[Any], Operator] = {}

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, F, Q)."""
        return self.matrix.shape[0], self.matrix.shape[1], self.parts

    def token_side(self, dtype: np.dtype[Any]) -> Side:
        """The stored cells by token, made once per dtype."""
        if dtype not in self._token_sides:
            self._token_sides[dtype] = _token_side(self.matrix, self.weights, self.alpha, dtype)
        return self._token_sides[dtype]

    def sides(self, dtype: np.dtype[Any], engine: Engine) -> tuple[Side, Side]:
        """The stored cells by token and by feature, made once per dtype."""
        by_token = self.token_side(dtype)
        if dtype not in self._feature_sides:
            self._feature_sides[dtype] = _feature_side(by_token, self.matrix.shape[1], engine)
        return by_token, self._feature_sides[dtype]

    def operator(self, dtype: np.dtype[Any]) -> Operator | None:
        """B as an operator, or None for B = I."""
        if self.composition is None:
            return None
        if dtype not in self._operators:
            self._operators[dtype] = Operator(self.composition, dtype)
        return self._operators[dtype]

    def tokens(self, P: Floats2d, engine: Engine) -> Floats2d:
        """U = B·P [T, k] (P itself for B = I)."""
        operator = self.operator(P.dtype)
        return P if operator is None else operator.apply(P, engine)

    def add_penalties(self, U: Floats2d, out: Floats2d, engine: Engine) -> None:
        """out += Σ_c λ_c L_c U."""
        for strength, form, _ in self.penalties:
            if strength > 0:
                form.add_product(U, strength, out, engine)

    def objective(self, P: Floats2d, S: Floats2d, *, engine: Engine | None = None) -> Terms:
        """J(P, S) split by term, at O(nnz·k + (T+F)k²). P [Q, k] and S [F, k] share a dtype."""
        engine = LocalEngine(1) if engine is None else engine
        P, S = self._check(P, S)
        return self.terms(P, S, self.tokens(P, engine), engine)

    def terms(self, P: Floats2d, S: Floats2d, U: Floats2d, engine: Engine) -> Terms:
        """``objective`` where U = B·P is at hand."""
        by_token = self.token_side(P.dtype)
        sums = engine.map(
            lambda b: np.array(
                fit_rows(
                    by_token.indptr,
                    by_token.indices,
                    by_token.pull,
                    by_token.surplus,
                    by_token.a_row,
                    by_token.a_col,
                    U,
                    S,
                    *b,
                )
            ),
            by_token.blocks,
        )
        fit, covered = tree_sum(sums)
        everything = 0.0
        if self.alpha.any():
            everything = float(np.sum(gram(U, np.ones(len(U)), engine) * gram(S, self.alpha, engine)))
        classes = {name: strength * form.value(U, engine) for strength, form, name in self.penalties}
        ridge = squared_norm(P, self.ridge) + self.ridge_features * squared_norm(S)
        unobserved = everything - float(covered)
        return Terms(
            float(fit) + unobserved + sum(classes.values()) + ridge, float(fit), unobserved, classes, ridge
        )

    def gradient(
        self, P: Floats2d, S: Floats2d, *, engine: Engine | None = None
    ) -> tuple[Floats2d, Floats2d]:
        """(∂J/∂P [Q, k], ∂J/∂S [F, k]); the token part is TF §2.3 plus 2(α-Gram·u − Σ_stored α (u·s) s)."""
        engine = LocalEngine(1) if engine is None else engine
        P, S = self._check(P, S)
        by_token, by_feature = self.sides(P.dtype, engine)
        U = self.tokens(P, engine)
        dU = by_token.normal(by_token.gram(S, engine), S, U, engine, np.empty_like(U))
        dU -= by_token.right_side(S, engine)
        self.add_penalties(U, dU, engine)
        operator = self.operator(P.dtype)
        dP = dU if operator is None else operator.transposed.apply(dU, engine)
        dP = 2 * (dP + self.ridge.astype(P.dtype)[:, None] * P)
        dS = by_feature.normal(by_feature.gram(U, engine), U, S, engine, np.empty_like(S))
        dS -= by_feature.right_side(U, engine)
        dS = 2 * (dS + P.dtype.type(self.ridge_features) * S)
        return dP, dS

    def _check(self, P: Floats2d, S: Floats2d) -> tuple[Floats2d, Floats2d]:
        _, columns, parts = self.shape
        P, S = np.asarray(P), np.asarray(S)
        if (
            P.ndim != 2
            or S.ndim != 2
            or P.shape[0] != parts
            or S.shape[0] != columns
            or P.shape[1] != S.shape[1]
        ):
            raise InputError(
                f"factors of shapes {P.shape} and {S.shape}",
                f"P is ({parts}, k) and S is ({columns}, k)",
                "mend the factors",
            )
        dtype = np.float32 if P.dtype == S.dtype == np.float32 else np.float64
        return np.ascontiguousarray(P, dtype), np.ascontiguousarray(S, dtype)


def _sorted(matrix: Any) -> csr_array:
    csr = csr_array(matrix)
    if not csr.has_sorted_indices:
        csr = csr.sorted_indices()
    return csr


def _cells(matrix: Any, weights: Any) -> tuple[csr_array, Floats1d]:
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


def _token_side(matrix: csr_array, weights: Floats1d, alpha: Floats1d, dtype: np.dtype[Any]) -> Side:
    indptr, indices = matrix.indptr.astype(np.int64, copy=False), matrix.indices.astype(np.int32, copy=False)
    pull = (weights * matrix.data).astype(dtype, copy=False)
    a = alpha.astype(dtype)
    surplus = np.subtract(weights, a[indices], dtype=np.promote_types(weights.dtype, dtype)).astype(
        dtype, copy=False
    )
    return Side(indptr, indices, pull, surplus, np.ones(matrix.shape[0], dtype), a, row_blocks(indptr))


def _feature_side(by_token: Side, columns: int, engine: Engine) -> Side:
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
