"""The objective of the token-feature model, over arrays.

    J(P,S) = Σ_stored w (u·s − x)² + Σ_not stored α (u·s)² + Σ_c λ_c tr(UᵀL_cU) + γ_P‖P‖² + γ_S‖S‖²,   U = B·P

With biases the score of a cell is u·s + b_t + c_f, and each factor array has two columns more, so that every product of
rows is a score still: the last but one of P and U is the token bias b, against a constant 1 in S; the last of S is the
feature bias c, against a constant 1 in P and U. Ridges and penalties leave these columns alone.

Unobserved cells cost O((T+F)k²): Σ_all α_f (u·s)² = tr(UᵀU · SᵀDS) (Hu, Koren & Volinsky 2008 §4), less the stored
ones. Every value reported is the function that is minimised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import Engine, even_blocks, tree_sum
from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError
from morphvec.kernels.dense import multiply_rows, square_rows
from morphvec.kernels.pairs import pair_losses
from morphvec.kernels.rows import fit_rows
from morphvec.solvers.codes import Gathered
from morphvec.solvers.penalties import Penalty, SparsePenalty
from morphvec.solvers.sides import ROWS, Side, checked_cells, feature_side, gram, token_side
from morphvec.solvers.sparse import Operator

__all__ = ["Factors", "Problem", "Side", "Terms", "gram", "rotate", "squared_norm"]

LOSSES = ("squared", "logistic")


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
    """A solution: P [Q, k] part factors, S [F, k] feature factors, U = B·P [T, k]; one entry of history per epoch.

    biases: b [T] and c [F] of a problem that has them; never columns of the factors.
    """

    P: Floats2d
    S: Floats2d
    U: Floats2d
    history: tuple[Mapping[str, Any], ...] = ()
    biases: tuple[Floats1d, Floats1d] | None = None


def rotate(X: Floats2d, M: Floats2d, engine: Engine) -> Floats2d:
    """X M, row block by row block (the same bits for any number of threads); a new array [rows, columns of M]."""
    out = np.empty((len(X), M.shape[1]), X.dtype)
    M = np.ascontiguousarray(M, X.dtype)
    engine.map(lambda block: multiply_rows(X, M, out, *block), even_blocks(len(X), ROWS))
    return out


def squared_norm(
    X: Floats2d, engine: Engine, scale: Floats1d | None = None, width: int | None = None
) -> float:
    """Σ scale_t ‖x_t‖² over the first ``width`` columns, or all; float64, in a fixed tree of row blocks."""
    scale = np.empty(0) if scale is None else scale
    width = X.shape[1] if width is None else width
    sums = engine.map(lambda b: np.float64(square_rows(X, scale, width, *b)), even_blocks(len(X), ROWS))
    return float(tree_sum(sums)) if sums else 0.0


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
    biases: whether scores have them; factor arrays have k + 2 columns then (see the module).
    loss: of a stored cell: ``squared`` w(d − x)² of its score d, or ``logistic`` n softplus(−d) + m softplus(d), the pair
    loss of negative sampling (note 001, eq. 8) with the n and m for which x is its optimum and w its bend there, so that
    the squared loss is twice its parabola; so γ counts half beside it. It is walked cell by cell alone, and has no
    ``gradient`` here.

    To factors of float32, 2²⁰ cells or more are what 16-bit codes of x and w say, where these are fine enough
    (``solvers.codes``); J and its gradient too. Raises InputError where shapes disagree or a number is negative or not finite.
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
        biases: bool = False,
        loss: str = "squared",
    ) -> None:
        if loss not in LOSSES:
            raise InputError(f"loss={loss!r}", f"it is one of {', '.join(LOSSES)}", "mend the loss")
        self.biases, self.loss = bool(biases), loss
        self.matrix, self.weights = checked_cells(matrix, weights)
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
            self._token_sides[dtype] = token_side(self.matrix, self.weights, self.alpha, dtype, self.loss)
        return self._token_sides[dtype]

    def sides(self, dtype: np.dtype[Any], engine: Engine) -> tuple[Side, Side]:
        """The stored cells by token and by feature, made once per dtype."""
        by_token = self.token_side(dtype)
        if dtype not in self._feature_sides:
            self._feature_sides[dtype] = feature_side(by_token, self.matrix.shape[1], engine)
        return by_token, self._feature_sides[dtype]

    def operator(self, dtype: np.dtype[Any]) -> Operator | None:
        """B as an operator, or None for B = I."""
        if self.composition is None:
            return None
        if dtype not in self._operators:
            self._operators[dtype] = Operator(self.composition, dtype)
        return self._operators[dtype]

    def core(self, X: Floats2d) -> Floats2d:
        """The k columns of a factor array that are no bias and no constant: a view, or X itself."""
        return X[:, :-2] if self.biases else X

    @property
    def constants(self) -> tuple[int | None, int | None]:
        """The columns of P and U, and of S, that hold 1 and never move; None without biases."""
        return (-1, -2) if self.biases else (None, None)

    def widened(self, P: Floats2d, S: Floats2d) -> tuple[Floats2d, Floats2d]:
        """Factors of k columns as those of this problem: with biases of 0 and the constants where it has biases."""
        if not self.biases:
            return P, S
        return (
            np.concatenate([P, np.zeros((len(P), 1), P.dtype), np.ones((len(P), 1), P.dtype)], axis=1),
            np.concatenate([S, np.ones((len(S), 1), S.dtype), np.zeros((len(S), 1), S.dtype)], axis=1),
        )

    def solution(
        self, P: Floats2d, S: Floats2d, U: Floats2d, history: Sequence[Mapping[str, Any]] = ()
    ) -> Factors:
        """Factor arrays of this problem as Factors."""
        if not self.biases:
            return Factors(P, S, U, tuple(history))
        narrow = [np.ascontiguousarray(self.core(X)) for X in (P, S)]
        core = narrow[0] if U is P else np.ascontiguousarray(self.core(U))
        return Factors(narrow[0], narrow[1], core, tuple(history), (U[:, -2].copy(), S[:, -1].copy()))

    def composed(self, D: Floats2d, engine: Engine) -> Floats2d:
        """B·D (D itself for B = I)."""
        operator = self.operator(D.dtype)
        return D if operator is None else operator.apply(D, engine)

    def tokens(self, P: Floats2d, engine: Engine) -> Floats2d:
        """U = B·P [T, k] (P itself for B = I), its constant column 1 whatever B is."""
        U = self.composed(P, engine)
        if self.biases and U is not P:
            U[:, -1] = 1
        return U

    def add_penalties(self, U: Floats2d, out: Floats2d, engine: Engine) -> None:
        """out += Σ_c λ_c L_c U, on the columns that penalties act on."""
        acting = [(strength, form) for strength, form, _ in self.penalties if strength > 0]
        if not acting:
            return
        if not self.biases:
            for strength, form in acting:
                form.add_product(U, strength, out, engine)
            return
        core = np.ascontiguousarray(self.core(U))
        product = np.zeros_like(core)
        for strength, form in acting:
            form.add_product(core, strength, product, engine)
        self.core(out)[:] += product

    def penalty_values(self, U: Floats2d, engine: Engine) -> dict[str, float]:
        """λ·tr(UᵀLU) of each penalty, by name."""
        core = np.ascontiguousarray(self.core(U)) if self.penalties else U
        return {name: strength * form.value(core, engine) for strength, form, name in self.penalties}

    def objective(self, P: Floats2d, S: Floats2d, *, engine: Engine | None = None) -> Terms:
        """J(P, S) split by term, at O(nnz·k + (T+F)k²). P [Q, k] and S [F, k] share a dtype; with biases they have
        k + 2 columns, and those of constants count as 1 whatever they hold."""
        engine = LocalEngine(1) if engine is None else engine
        P, S = self._check(P, S)
        return self.terms(P, S, self.tokens(P, engine), engine)

    def terms(self, P: Floats2d, S: Floats2d, U: Floats2d, engine: Engine) -> Terms:
        """``objective`` where U = B·P is at hand."""
        by_token = self.token_side(P.dtype)
        if self.loss == "logistic":
            pairs = (by_token.indptr, by_token.indices, by_token.x, by_token.w, U, S)
            lost = float(tree_sum(engine.map(lambda b: pair_losses(*pairs, *b), by_token.blocks)))
            ridge = self._ridge_term(P, S, engine) / 2
            return Terms(lost + ridge, lost, 0.0, {}, ridge)
        seen = by_token.gathered(S, engine)
        cells = (*by_token.cells, U, seen.rows, seen.unit)
        sums = engine.map(lambda b: np.array(fit_rows(*cells, *b)), by_token.blocks)
        fit, covered = tree_sum(sums)
        everything = 0.0
        if self.alpha.any():
            everything = float(np.sum(gram(U, np.ones(len(U)), engine) * gram(S, self.alpha, engine)))
        classes = self.penalty_values(U, engine)
        ridge = self._ridge_term(P, S, engine)
        unobserved = everything - float(covered)
        return Terms(
            float(fit) + unobserved + sum(classes.values()) + ridge, float(fit), unobserved, classes, ridge
        )

    def _ridge_term(self, P: Floats2d, S: Floats2d, engine: Engine) -> float:
        width = self.core(P).shape[1]
        tokens = squared_norm(P, engine, self.ridge, width)
        return tokens + self.ridge_features * squared_norm(S, engine, width=width)

    def gradient(
        self, P: Floats2d, S: Floats2d, *, engine: Engine | None = None
    ) -> tuple[Floats2d, Floats2d]:
        """(∂J/∂P [Q, k], ∂J/∂S [F, k]); the token part is TF §2.3 plus 2(α-Gram·u − Σ_stored α (u·s) s). With biases
        k + 2 columns, those of constants 0."""
        if self.loss != "squared":
            raise InputError(
                f"the gradient of a {self.loss} loss",
                "it is walked cell by cell",
                "use solve with updates=cell",
            )
        engine = LocalEngine(1) if engine is None else engine
        P, S = self._check(P, S)
        by_token, by_feature = self.sides(P.dtype, engine)
        U = self.tokens(P, engine)
        dU, _ = by_token.start(by_token.gram(S, engine), Gathered.plain(S), U, engine)
        np.negative(dU, out=dU)
        self.add_penalties(U, dU, engine)
        operator = self.operator(P.dtype)
        dP = dU if operator is None else operator.transposed.apply(dU, engine)
        dP += self.bounded(P, self.ridge.astype(P.dtype)[:, None])
        dP *= 2
        dS, _ = by_feature.start(by_feature.gram(U, engine), Gathered.plain(U), S, engine)
        np.negative(dS, out=dS)
        dS += self.bounded(S, P.dtype.type(self.ridge_features))
        dS *= 2
        for G, column in zip((dP, dS), self.constants, strict=True):
            if column is not None:
                G[:, column] = 0
        return dP, dS

    def bounded(self, X: Floats2d, ridge: Any) -> Floats2d:
        """ridge · X on the columns that a ridge acts on, 0 on the others."""
        if not self.biases:
            return np.asarray(ridge * X)
        out = np.zeros_like(X)
        np.multiply(ridge, self.core(X), out=self.core(out))
        return out

    def _check(self, P: Floats2d, S: Floats2d) -> tuple[Floats2d, Floats2d]:
        _, columns, parts = self.shape
        P, S = np.asarray(P), np.asarray(S)
        if (
            P.ndim != 2
            or S.ndim != 2
            or P.shape[0] != parts
            or S.shape[0] != columns
            or P.shape[1] != S.shape[1]
            or (self.biases and P.shape[1] < 2)
        ):
            width = "k + 2" if self.biases else "k"
            raise InputError(
                f"factors of shapes {P.shape} and {S.shape}",
                f"P is ({parts}, {width}) and S is ({columns}, {width})",
                "mend the factors",
            )
        dtype = np.float32 if P.dtype == S.dtype == np.float32 else np.float64
        P, S = np.ascontiguousarray(P, dtype), np.ascontiguousarray(S, dtype)
        if self.biases:
            P, S = P.copy(), S.copy()
            P[:, -1] = S[:, -2] = 1
        return P, S
