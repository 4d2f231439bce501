"""Composition and penalties beside a stochastic descent of U: what happens at its barriers.

Words move one pair at a time as if they were free rows; between two stretches of text their moves ΔU are handed to the
parts, U = B·P is made anew, and the penalties act by implicit steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import Engine, even_blocks, row_blocks, tree_sum
from morphvec.errors import InputError
from morphvec.kernels.dense import cg_inner, cg_move, cg_start, cg_turn
from morphvec.kernels.parts import compose_rows, move_parts
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.sparse import Operator

_STEPS, _TOLERANCE = 12, 1e-3  # of conjugate gradients; a step of the penalties starts where the words are
_ROWS = 1024


class Composed:
    """P [Q, width], and U = B·P for the words that a stretch of text needs.

    The moves that a stretch asks of its words reach their parts as

        P_p += Σ_t B_tp ΔU_t / D_p,     D_p = Σ_t B_tp Σ_q B_tq,     over the words t that moved.

    Bᵀ is the chain rule; 1/D is a diagonal preconditioner that bounds it: each row of D⁻¹BᵀB sums to 1 at most and
    none is negative, so its eigenvalues, which are those of BD⁻¹Bᵀ, lie in [0, 1]. No word is carried further than it
    asked for, however many parts it has and however many words share them; with B = I it is P += ΔU.
    """

    def __init__(self, matrix: Any, chance: Floats1d, width: int, engine: Engine) -> None:
        """matrix: B, sparse [T, Q] ≥ 0. chance: float [T], of a word to move in a stretch of text."""
        csr = csr_array(matrix)
        if csr.nnz and csr.data.min() < 0:
            raise InputError(
                "a composition with weights below 0", "parts have weights of 0 or more", "drop them"
            )
        self.operator = Operator(csr, np.dtype(np.float32))
        self._engine = engine
        self._sums = np.asarray(self.operator.matrix.sum(axis=1), np.float32).ravel()
        self._place = np.full(csr.shape[0], -1, np.int32)
        room = np.zeros(csr.shape[1] * width + 16, np.float32)
        skip = -room.ctypes.data % 64 // 4
        self.P: Floats2d = room[skip : skip + csr.shape[1] * width].reshape(-1, width)
        self._blocks = row_blocks(self.operator.transposed.matrix.indptr, least_cells=4096)
        # What D is on average in the stretches where a part moves: the metric of the penalties' steps.
        chance = np.minimum(np.asarray(chance, np.float64), 1 - 1e-9)
        transposed = self.operator.transposed.matrix.astype(np.float64)
        met = -np.expm1((transposed > 0).astype(np.float64) @ np.log1p(-chance))
        mass = transposed @ (self._sums * chance)
        self.metric = np.divide(mass, met, out=np.ones(len(mass)), where=(met > 0) & (mass > 0))

    def tokens(self) -> Floats2d:
        """U of every word."""
        return self.operator.apply(self.P, self._engine)

    def refresh(self, words: NDArray[np.int64], rows: NDArray[np.int64], U: Floats2d) -> Floats2d:
        """Make U[rows[t]] anew for the words t, and return these rows."""
        csr, before = self.operator.matrix, np.empty((len(words), U.shape[1]), np.float32)
        self._engine.map(
            lambda block: compose_rows(
                csr.indptr, csr.indices, csr.data, self.P, words, rows, U, before, *block
            ),
            even_blocks(len(words), _ROWS),
        )
        return before

    def follow(self, words: NDArray[np.int64], moves: Floats2d) -> None:
        """Hand the moves of the words to their parts."""
        self._place[words] = np.arange(len(words), dtype=np.int32)
        csr = self.operator.transposed.matrix
        self._engine.map(
            lambda block: move_parts(
                csr.indptr, csr.indices, csr.data, self._sums, self._place, moves, self.P, *block
            ),
            self._blocks,
        )
        self._place[words] = -1


class Pull:
    """The penalties' part of a descent at a rate η over a share of an epoch: the implicit step

        U = argmin ½‖U − U₀‖² + step · Σ_c λ_c tr(UᵀL_cU),     (I + 2 step Σ λL) U = U₀,     step = η · share,

    by a few conjugate-gradient steps from U₀, stable for every λ; over an epoch it weighs λ tr(UᵀLU) against the sum of
    the epoch's losses. With composition the unknown is P, and ½‖P − P₀‖² is taken in the metric of ``Composed``.
    """

    def __init__(
        self, penalties: Sequence[tuple[float, Penalty, str]], composed: Composed | None, engine: Engine
    ) -> None:
        self._all = tuple(penalties)
        self._acting = [(strength, form) for strength, form, _ in penalties if strength > 0]
        self._engine = engine
        self._diagonal = sum(
            (strength * form.diagonal() for strength, form in self._acting), start=np.zeros(1)
        )
        if composed is not None and self._acting:
            squared = composed.operator.squared().transposed.matrix
            self._diagonal = squared @ self._diagonal

    def __bool__(self) -> bool:
        return bool(self._acting)

    def values(self, U: Floats2d) -> dict[str, float]:
        """λ_c tr(UᵀL_cU) by class name."""
        found: dict[str, float] = {}
        for strength, form, name in self._all:
            found[name] = found.get(name, 0.0) + strength * form.value(U, self._engine)
        return found

    def on_words(self, U: Floats2d, step: float) -> Floats2d:
        """U after the step."""
        X = np.array(U)
        self._solve(X, np.ones(len(X)), step, self._product)
        return X

    def on_parts(self, composed: Composed, step: float) -> None:
        """P after the step, in place."""
        B = composed.operator

        def product(D: Floats2d) -> Floats2d:
            return B.transposed.apply(self._product(B.apply(D, self._engine)), self._engine)

        self._solve(composed.P, composed.metric, step, product)

    def _product(self, D: Floats2d) -> Floats2d:
        out = np.zeros_like(D)
        for strength, form in self._acting:
            form.add_product(D, strength, out, self._engine)
        return out

    def _solve(
        self, X: Floats2d, metric: Floats1d, step: float, product: Callable[[Floats2d], Floats2d]
    ) -> None:
        """(metric + 2 step·product) X_new = metric X, by conjugate gradients from X, in place."""
        engine, blocks = self._engine, even_blocks(len(X), _ROWS)
        scale, weight = X.dtype.type(2 * step), metric.astype(X.dtype)[:, None]
        m = np.repeat((metric + 2 * step * self._diagonal).astype(X.dtype)[:, None], X.shape[1], axis=1)
        r = product(X)
        r *= -scale
        p = np.empty_like(X)
        rz = float(tree_sum(engine.map(lambda b: cg_start(r, m, p, *b), blocks)))
        if not math.isfinite(rz):
            X[:] = np.nan  # seen by the loop, which says what to change
        target = _TOLERANCE**2 * rz
        for _ in range(_STEPS):
            if not rz > target:
                break
            q = product(p)
            q *= scale
            q += weight * p
            pq = float(tree_sum(engine.map(lambda b: cg_inner(p, q, *b), blocks)))  # noqa: B023
            if not pq > 0:
                break
            size = rz / pq
            new = float(tree_sum(engine.map(lambda b: cg_move(X, r, p, q, m, size, *b), blocks)))  # noqa: B023
            beta, rz = new / rz, new
            engine.map(lambda b: cg_turn(r, m, p, beta, *b), blocks)  # noqa: B023
