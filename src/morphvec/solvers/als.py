"""Alternating least squares: each half-sweep improves one side by preconditioned conjugate gradients.

The side of the features has independent rows: each solves its own k × k system. So has the token side with B = I
and no penalty; with composition or penalties all rows of P are solved together,

    (Bᵀ(H + Σ λL)B + γ) P = Bᵀ R,     H u_t = α-Gram u_t + Σ_stored (w − α)(s·u_t) s,   R_t = Σ_stored w x s

(Hestenes & Stiefel 1952 with a diagonal preconditioner). Before each half-sweep both sides are turned into the
eigenbasis of the Gram matrix, which changes no term of J and makes the diagonal a good preconditioner.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import Engine, even_blocks, tree_sum
from morphvec.engine.blas import one_blas_thread
from morphvec.kernels.dense import add_ridge, cg_inner, cg_move, cg_start, cg_turn
from morphvec.kernels.rows import solve_rows
from morphvec.rng import stream
from morphvec.solvers.problem import Factors, Problem, rotate, squared_norm
from morphvec.solvers.sides import Side, gram
from morphvec.training import Paced

_ROWS = 4096
_START = np.float32(0.1)  # standard deviation of the first S; P starts at 0


class AlternatingLeastSquares(Paced):
    """State of one run: P, S and U = B·P, improved in place by ``epoch``.

    Parameters
    ----------
    dim: k. steps: conjugate-gradient steps a half-sweep. tolerance: a half-sweep also ends when its preconditioned
    residual has fallen by this factor. seed: of the Gaussian start of S; start: factors to begin with
    in its place (P counts where B = I).
    """

    def __init__(
        self,
        problem: Problem,
        dim: int,
        *,
        steps: int,
        row_steps: int,
        tolerance: float,
        seed: int,
        dtype: np.dtype[Any],
        engine: Engine,
        start: Factors | None = None,
    ) -> None:
        _, columns, parts = problem.shape
        self._problem, self._engine = problem, engine
        self._steps, self._row_steps, self._tolerance = steps, row_steps, tolerance
        self._together = problem.composition is not None or any(
            strength > 0 for strength, _, _ in problem.penalties
        )
        P = np.zeros((parts, dim), dtype)
        if start is None:
            S = _START * stream(seed).standard_normal((columns, dim), np.float32).astype(dtype)
        else:
            S = np.array(start.S, dtype)
            if problem.composition is None:
                P = np.array(start.P, dtype)
        self.P, self.S = problem.widened(P, S)
        self.U = problem.tokens(self.P, engine)

    def epoch(self, number: int) -> Mapping[str, Any]:
        """One sweep over both sides, then the re-balance of their scales; returns J by term."""
        del number  # nothing is random after the start
        problem, engine = self._problem, self._engine
        by_token, by_feature = problem.sides(self.P.dtype, engine)
        G = self._turn(self.S, problem.alpha)
        if self._together:
            self._solve_together(by_token, G)
        else:
            self._solve_apart(by_token, self.S, G, problem.ridge_own, self.P, problem.constants[0])
            self.U = self.P
        self.pace(0.5)
        G = self._turn(self.U, np.ones(len(self.U)))
        self._solve_apart(by_feature, self.U, G, problem.ridge_features, self.S, problem.constants[1])
        self._balance()
        return problem.terms(self.P, self.S, self.U, engine).as_dict()

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of P and S, and of U where words are composed: U is turned and scaled along, so its rounding is
        not that of B·P."""
        names = ("P", "S") if self._problem.composition is None else ("P", "S", "U")
        return {name: getattr(self, name).copy() for name in names}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state; see Trainer.restore."""
        self.P, self.S = np.array(state["P"]), np.array(state["S"])
        self.U = self.P if self._problem.composition is None else np.array(state["U"])

    def _turn(self, X: Floats2d, scale: Floats1d) -> Floats2d:
        """Turn P, S and U so that XᵀDiag(scale)X is diagonal, falling: U·S and every penalty keep their value.

        Returns that matrix as the row kernels take it: its diagonal as one row, or with biases all of it.
        """
        square = gram(X, scale if scale.any() else np.ones(len(X)), self._engine)
        dim = self._problem.core(X).shape[1]
        try:
            with one_blas_thread():
                sizes, basis = np.linalg.eigh(square[:dim, :dim])
        except np.linalg.LinAlgError as error:  # of a Gram matrix that holds infinities
            raise FloatingPointError("the factors are not finite") from error
        sizes, basis = np.maximum(sizes[::-1], 0), basis[:, ::-1]
        G = sizes[None, :]
        if self._problem.biases:  # biases and constants stay where they are
            basis = np.block([[basis, np.zeros((dim, 2))], [np.zeros((2, dim)), np.eye(2)]])
            G = basis.T @ square @ basis
        self.P = rotate(self.P, basis, self._engine)
        self.S = rotate(self.S, basis, self._engine)
        self.U = self.P if self._problem.composition is None else rotate(self.U, basis, self._engine)
        return np.ascontiguousarray(G if scale.any() else np.zeros_like(G), X.dtype)

    def _solve_apart(
        self, side: Side, other: Floats2d, G: Floats2d, ridge: float, X: Floats2d, constant: int | None = None
    ) -> None:
        width = X.shape[1]
        ridges = np.zeros(width, X.dtype)
        ridges[: self._problem.core(X).shape[1]] = ridge
        fixed = -1 if constant is None else width + constant
        seen = side.gathered(other, self._engine)
        given = (
            *side.cells,
            seen.rows,
            seen.unit,
            G,
            ridges,
            self._row_steps,
            X.dtype.type(self._tolerance),
            X,
        )
        self._engine.map(lambda b: solve_rows(*given, *b, fixed), side.blocks)

    def _solve_together(self, side: Side, G: Floats2d) -> None:
        problem, engine, P = self._problem, self._engine, self.P
        operator = problem.operator(P.dtype)
        ridge, width = problem.ridge.astype(P.dtype), problem.core(P).shape[1]
        blocks = even_blocks(len(P), _ROWS)
        H = np.empty_like(self.U)
        seen = side.gathered(self.S, engine)

        def apply(D: Floats2d, tokens: Floats2d) -> Floats2d:
            side.normal(G, seen, tokens, engine, H)
            problem.add_penalties(tokens, H, engine)
            product = H.copy() if operator is None else operator.transposed.apply(H, engine)
            engine.map(lambda b: add_ridge(D, ridge, width, 1.0, product, *b), blocks)
            return product

        residual, h = side.start(G, seen, self.U, engine)
        m = self._diagonal(h)
        H[:] = 0
        problem.add_penalties(self.U, H, engine)
        residual -= H
        r = residual if operator is None else operator.transposed.apply(residual, engine)
        engine.map(lambda b: add_ridge(P, ridge, width, -1.0, r, *b), blocks)
        p = np.empty_like(P)
        rz = float(tree_sum(engine.map(lambda b: cg_start(r, m, p, *b), blocks)))
        if not math.isfinite(rz):
            P[:] = np.nan  # seen by the loop, which says what to change
        target = self._tolerance**2 * rz
        for _ in range(self._steps):
            if not rz > target:
                break
            q = apply(p, problem.composed(p, engine))
            pq = float(tree_sum(engine.map(lambda b: cg_inner(p, q, *b), blocks)))  # noqa: B023
            if not pq > 0:
                break
            step = rz / pq
            new = float(tree_sum(engine.map(lambda b: cg_move(P, r, p, q, m, step, *b), blocks)))  # noqa: B023
            beta, rz = new / rz, new
            engine.map(lambda b: cg_turn(r, m, p, beta, *b), blocks)  # noqa: B023
        self.U = problem.tokens(P, engine)

    def _diagonal(self, h: Floats2d) -> Floats2d:
        """The diagonal of the operator on P, up to the coupling between the parts of one word, from that of the cells h."""
        problem, engine = self._problem, self._engine
        for strength, form, _ in problem.penalties:
            problem.core(h)[:] += (strength * form.diagonal()).astype(h.dtype)[:, None]
        operator = problem.operator(h.dtype)
        m = h if operator is None else operator.squared().transposed.apply(h, engine)
        problem.core(m)[:] += problem.ridge.astype(h.dtype)[:, None]
        if problem.biases:
            m[:, problem.constants[0]] = 0  # a column without a diagonal is left alone
        return m

    def _balance(self) -> None:
        """U → cU, S → S/c with c⁴ = γ_S‖S‖² / (Σ λ tr(UᵀLU) + γ_P‖P‖²): the fit stays, the penalties fall."""
        problem, engine = self._problem, self._engine
        width = problem.core(self.P).shape[1]
        features = problem.ridge_features * squared_norm(self.S, engine, width=width)
        tokens = squared_norm(self.P, engine, problem.ridge, width)
        tokens += sum(problem.penalty_values(self.U, engine).values())
        if features > 0 and tokens > 0:
            c = self.P.dtype.type((features / tokens) ** 0.25)
            scaled = [(self.P, c), (self.S, 1 / c)]
            if self.U is not self.P:
                scaled.append((self.U, c))
            for X, size in scaled:
                engine.map(lambda b: _scale(X[b[0] : b[1], :width], size), even_blocks(len(X), _ROWS))  # noqa: B023


def _scale(X: Floats2d, size: Any) -> None:
    X *= size
