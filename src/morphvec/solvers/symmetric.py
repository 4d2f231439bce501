"""Symmetric factorization M ≈ VVᵀ of a whole dense T × T matrix, under the same quadratic penalties.

    J(V) = ‖M − VVᵀ‖²_F + Σ_c λ_c tr(VᵀL_cV) + γ‖V‖²,      ∇J = 4(VVᵀ − M)V + 2Σ_c λ_c L_cV + 2γV

The O(T²) formulation that the token-feature form replaces (TF §2.5): M is laid out densely on purpose, and a pass over
it costs O(T²k). Without penalties the minimum is known, V = Q√(Λ − γ/2)₊ over the top eigenpairs of M (Eckart & Young
1936); with them the iteration starts there and never raises J.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import Engine, even_blocks, tree_sum
from morphvec.engine.blas import one_blas_thread
from morphvec.engine.local import LocalEngine
from morphvec.errors import BudgetError, InputError, OptionError
from morphvec.report import SILENT, Reporter
from morphvec.rng import stream
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import Factors, Terms, squared_norm
from morphvec.training import LoopControl, LoopOptions, run

STEPS = 10  # of conjugate gradients in an epoch
LAPACK_ROWS = (
    2048  # up to here the whole matrix is reduced; beyond, or for few pairs of many, Lanczos is faster
)
_FEW = 8  # Lanczos is for fewer pairs than a matrix has rows divided by this
_ROWS = 512  # of a block in products with M: part of the result's rounding, so it never changes
_FLOOR = 1e-12  # of the largest eigenvalue: below it an eigenvalue is rounding noise


def bytes_needed(rows: int, dim: int, cells: int = 0, threads: int = 1) -> int:
    """Memory of a factorization: M, what an eigensolver needs beside it, factors, blocks of the residual.

    cells: stored cells of a sparse matrix that M is laid out from, whose transpose stands beside it for a while.
    """
    squares, basis = (2, 0) if _by_lapack(rows, dim) else (1, 2 * dim + 1)
    return 8 * rows * (squares * rows + basis + 10 * dim + 2 * _ROWS * threads) + 12 * cells


def check_memory(rows: int, dim: int, memory: float, cells: int = 0, threads: int = 1) -> None:
    """Raise BudgetError where the dense matrix and its work space do not fit into ``memory`` bytes."""
    needed = bytes_needed(rows, dim, cells, threads)
    if needed > memory:
        raise BudgetError(
            f"{rows:,} words at dim {dim} need {needed / 1e9:.3g} GB, {8 * rows * rows / 1e9:.3g} GB for each dense "
            f"{rows:,} × {rows:,} matrix",
            f"the limit is {memory / 1e9:.3g} GB",
            "lower --max-vocab, raise --memory, or use --method token-feature, which forms no such matrix",
        )


class SymmetricProblem:
    """M ≈ VVᵀ with penalties.

    Parameters
    ----------
    matrix: float64 [T, T], symmetric and finite; every cell counts alike. penalties: triples (λ, Penalty, name).
    ridge: γ. Raises InputError where a shape or a number is out of place.
    """

    def __init__(
        self, matrix: Any, penalties: Sequence[tuple[float, Penalty, str]] = (), ridge: float = 0.0
    ) -> None:
        self.matrix: Floats2d = np.ascontiguousarray(matrix, np.float64)
        if self.matrix.ndim != 2 or self.matrix.shape[0] != self.matrix.shape[1] or not len(self.matrix):
            raise InputError(f"a matrix of shape {self.matrix.shape}", "M is square", "give one row per word")
        self._blocks = even_blocks(len(self.matrix), _ROWS)
        for low, high in self._blocks:
            rows = self.matrix[low:high]
            if not np.isfinite(rows).all() or not np.array_equal(rows, self.matrix[:, low:high].T):
                raise InputError(
                    "a matrix that is not finite and symmetric", "M equals its transpose", "use (M + M.T) / 2"
                )
        self.penalties = list(penalties)
        for strength, form, name in self.penalties:
            if form.size != len(self.matrix) or not 0 <= strength < math.inf:
                raise InputError(
                    f"penalty {name}: λ={strength}, size {form.size}",
                    f"λ is at least 0 and L has {len(self.matrix)} rows",
                    "mend the penalty",
                )
        if not 0 <= ridge < math.inf:
            raise InputError(f"ridge={ridge}", "γ is finite and at least 0", "mend the ridge")
        self.ridge = float(ridge)

    @property
    def coupled(self) -> bool:
        """Whether any penalty acts: otherwise the minimum has a closed form."""
        return any(strength > 0 for strength, _, _ in self.penalties)

    def multiply(self, X: Floats2d, engine: Engine) -> Floats2d:
        """M X [T, k], or [T] for one column; one BLAS thread is the caller's part."""
        out: Floats2d = np.empty(X.shape)
        engine.map(lambda b: np.matmul(self.matrix[b[0] : b[1]], X, out=out[b[0] : b[1]]), self._blocks)
        return out

    def objective(self, V: Floats2d, engine: Engine | None = None) -> Terms:
        """J(V) by term, for V float64 [T, k]; the fit is summed over every cell of the residual."""
        engine = LocalEngine(1) if engine is None else engine

        def fit_of(block: tuple[int, int]) -> float:
            residual = V[block[0] : block[1]] @ V.T
            residual -= self.matrix[block[0] : block[1]]
            return float(np.vdot(residual, residual))

        with one_blas_thread():
            fit = float(tree_sum(engine.map(fit_of, self._blocks)))
        classes = {name: strength * form.value(V, engine) for strength, form, name in self.penalties}
        ridge = self.ridge * squared_norm(V, engine)
        return Terms(fit + sum(classes.values()) + ridge, fit, 0.0, classes, ridge)

    def gradient(self, V: Floats2d, engine: Engine | None = None) -> Floats2d:
        """∇J(V) [T, k]."""
        engine = LocalEngine(1) if engine is None else engine
        with one_blas_thread():
            return self.gradient_from(V, self.multiply(V, engine), engine)

    def gradient_from(self, V: Floats2d, product: Floats2d, engine: Engine) -> Floats2d:
        """∇J(V) where M V is at hand."""
        out = 2 * (V @ (V.T @ V) - product) + self.ridge * V
        self.add_penalties(V, out, engine)
        out *= 2
        return out

    def along(
        self, V: Floats2d, D: Floats2d, moved: Floats2d, gradient: Floats2d, engine: Engine
    ) -> np.polynomial.Polynomial:
        """J(V + tD) − J(V) as a polynomial in t, of degree four, at O(Tk²); moved: M D, gradient: ∇J(V)."""
        pull = self.ridge * D
        self.add_penalties(D, pull, engine)
        VV, VD, DD = V.T @ V, V.T @ D, D.T @ D
        second = 2 * (np.vdot(VV, DD) + np.vdot(VD, VD.T) + np.vdot(VD, VD) - np.vdot(moved, D))
        return np.polynomial.Polynomial(
            [0.0, np.vdot(gradient, D), second + np.vdot(pull, D), 4 * np.vdot(VD, DD), np.vdot(DD, DD)]
        )

    def add_penalties(self, V: Floats2d, out: Floats2d, engine: Engine) -> None:
        """out += Σ_c λ_c L_c V."""
        for strength, form, _ in self.penalties:
            if strength > 0:
                form.add_product(V, strength, out, engine)

    def curvature(self, V: Floats2d) -> Floats2d:
        """A positive diagonal [T, k] near that of J's second derivative, for V in its principal axes."""
        rows = np.full(len(V), 2 * self.ridge)
        for strength, form, _ in self.penalties:
            rows += 2 * strength * form.diagonal()
        columns = 4 * np.einsum("ij,ij->j", V, V)
        curvature = rows[:, None] + columns
        return np.asarray(np.maximum(curvature, 1e-12 * max(float(curvature.max()), 1e-300)))


def top_eigenpairs(
    problem: SymmetricProblem, dim: int, engine: Engine, *, seed: int = 0, lapack_rows: int = LAPACK_ROWS
) -> tuple[Floats1d, Floats2d]:
    """The ``dim`` largest eigenvalues of M, falling, and their vectors [T, dim], largest entries positive.

    LAPACK reduces the whole matrix (O(T³)); above ``lapack_rows`` rows, and for few pairs, ARPACK's restarted Lanczos
    multiplies by it instead, from a start of the seed, to the precision of float64.
    """
    from scipy.linalg import eigh
    from scipy.sparse.linalg import LinearOperator, eigsh

    rows = len(problem.matrix)
    with one_blas_thread():
        if _by_lapack(rows, dim, lapack_rows):
            values, vectors = eigh(problem.matrix, subset_by_index=(rows - dim, rows - 1), check_finite=False)
        else:
            operator = LinearOperator(
                (rows, rows), lambda x: problem.multiply(np.ravel(x), engine), dtype=np.float64
            )
            values, vectors = eigsh(operator, dim, which="LA", v0=stream(seed).standard_normal(rows))
    order = np.argsort(-values, kind="stable")
    return values[order], _signed(vectors[:, order])


def _by_lapack(rows: int, dim: int, lapack_rows: int = LAPACK_ROWS) -> bool:
    return rows <= lapack_rows or dim >= rows // _FEW


def _signed(vectors: Floats2d) -> Floats2d:
    """Each column with its largest entry positive: an eigensolver leaves the sign open."""
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.ascontiguousarray(vectors * np.where(largest < 0, -1.0, 1.0))


def closed_form(values: Floats1d, vectors: Floats2d, ridge: float) -> Floats2d:
    """V = Q√(Λ − γ/2), the minimum of ‖M − VVᵀ‖² + γ‖V‖² for the top eigenpairs of M.

    Raises OptionError where fewer than all of these eigenvalues are above γ/2.
    """
    least = max(ridge / 2, _FLOOR * max(float(values[0]), 0.0))
    count = int(np.count_nonzero(values > least))
    if count < len(values):
        taken = f"above γ/2 = {ridge / 2:g}" if ridge else "above 0"
        raise OptionError(
            f"dim={len(values)}",
            f"VVᵀ takes one eigenvalue {taken} a dimension, and this matrix has {count} of them",
            f"give --dim {count} or less" if count else "lower --ridge" if ridge else "give more text",
        )
    return np.asarray(vectors * np.sqrt(values - ridge / 2))


class SymmetricFactorization:
    """State of one run: V, the closed form at first, improved in place by ``epoch`` where a penalty acts.

    An epoch is ``STEPS`` steps of preconditioned nonlinear conjugate gradients (Polak & Ribière 1969, β ≥ 0). Along a
    direction J is a polynomial of degree four, so that each step goes to its lowest point.
    """

    def __init__(self, problem: SymmetricProblem, dim: int, *, seed: int, engine: Engine) -> None:
        self._problem, self._engine = problem, engine
        self.V = closed_form(*top_eigenpairs(problem, dim, engine, seed=seed), problem.ridge)
        self._terms = problem.objective(self.V, engine)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next epoch depends on."""
        return {"V": self.V.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a state. Raises KeyError or ValueError where it does not fit."""
        if state["V"].shape != self.V.shape:
            raise ValueError(f"V has the shape {state['V'].shape}, not {self.V.shape}")
        self.V = np.array(state["V"], np.float64)
        self._terms = self._problem.objective(self.V, self._engine)

    def epoch(self, number: int) -> Mapping[str, Any]:
        """Improve V and return J by term; V stays where rounding leaves nothing to gain."""
        del number  # nothing is random after the start
        if self._problem.coupled:
            with one_blas_thread():
                V = self._improved()
            terms = self._problem.objective(V, self._engine)
            if terms.total < self._terms.total:
                self.V, self._terms = V, terms
        return self._terms.as_dict()

    def _improved(self) -> Floats2d:
        problem, engine = self._problem, self._engine
        _, basis = np.linalg.eigh(self.V.T @ self.V)
        V: Floats2d = self.V @ basis[:, ::-1]  # principal axes: no term of J changes
        curvature = problem.curvature(V)
        product = problem.multiply(V, engine)
        g_before, D, slope_before = np.zeros_like(V), np.zeros_like(V), math.inf
        for _ in range(STEPS):
            g = problem.gradient_from(V, product, engine)
            z = g / curvature
            slope = float(np.vdot(g, z))
            if not slope > 0:
                break
            beta = max(0.0, (slope - float(np.vdot(g_before, z))) / slope_before)
            D = beta * D - z
            if not float(np.vdot(g, D)) < 0:
                D = -z
            moved = problem.multiply(D, engine)
            length = _lowest(problem.along(V, D, moved, g, engine))
            if length == 0:
                break
            V += length * D
            product += length * moved
            g_before, slope_before = g, slope
        return V


def _lowest(line: np.polynomial.Polynomial) -> float:
    """Where a polynomial of degree four that is 0 at 0 is lowest; 0 where it is nowhere below 0."""
    if not line.coef[4] > 0:  # a direction too short to be squared twice
        return 0.0
    places = line.deriv().roots().real  # the real part of a complex root is only one more try
    heights = line(places)
    best = int(np.argmin(heights))
    return float(places[best]) if heights[best] < 0 else 0.0


def factorize(
    problem: SymmetricProblem,
    dim: int,
    epochs: int,
    seed: int = 0,
    *,
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine | None = None,
    reporter: Reporter = SILENT,
) -> Factors:
    """Minimise J over V float64 [T, dim]: the closed form, then ``epochs`` epochs where a penalty acts.

    P, S and U of the answer are all V. Raises OptionError where M has fewer than ``dim`` eigenvalues to take.
    """
    rows = len(problem.matrix)
    if not 1 <= dim <= rows:
        raise OptionError(
            f"dim={dim}", f"it is from 1 to the {rows} rows of the matrix", "give another --dim"
        )
    engine = LocalEngine(1) if engine is None else engine
    with reporter.stage("eigenpairs"):
        state = SymmetricFactorization(problem, dim, seed=seed, engine=engine)
    history = run(
        state,
        LoopOptions(epochs if problem.coupled else 1, checkpoint_every=loop.checkpoint_every),
        reporter=reporter,
        keeper=loop.keeper,
    )
    return Factors(state.V, state.V, state.V, tuple(history))
