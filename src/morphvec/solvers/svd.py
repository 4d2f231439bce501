"""Truncated singular value decomposition of a sparse matrix at sparse cost.

    A = X  or  X − 1μᵀ (μ: the means of the columns),      A ≈ U Σ Vᵀ,      J = ‖A − UΣVᵀ‖²_F = ‖A‖²_F − Σσ²

The best approximation of its rank (Eckart & Young 1936), by ``solvers.lanczos``, or by LAPACK where a side is short.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import Engine
from morphvec.engine.blas import one_blas_thread
from morphvec.engine.local import LocalEngine
from morphvec.errors import BudgetError, OptionError
from morphvec.report import SILENT, Reporter
from morphvec.solvers.lanczos import ROUNDING, BlockLanczos, CentredMatrix, sizes, terms
from morphvec.training import LoopControl, LoopOptions, run

SOLVERS = ("fast", "exact")
EPOCHS = 100  # cycles where none are given: far more than were ever needed


@dataclass(frozen=True, eq=False)
class SingularVectors:
    """left [T, k] and right [F, k]: orthonormal columns, float64, or float32 from ``fast``; the largest entry of each left
    one is positive. singular: float64 [k], falling. mean: float64 [F], taken off the columns, or None."""

    left: Floats2d
    singular: Floats1d
    right: Floats2d
    mean: Floats1d | None = None
    history: tuple[Mapping[str, Any], ...] = ()

    def scaled(self, power: float) -> tuple[Floats2d, Floats2d]:
        """(U Σ^p, V Σ^(1−p)), whose products are UΣVᵀ for every p; in the dtype of the vectors."""
        kind = self.left.dtype
        return (
            self.left * (self.singular**power).astype(kind),
            self.right * (self.singular ** (1.0 - power)).astype(kind),
        )


def truncated_svd(
    matrix: Any,
    dim: int,
    solver: str = "fast",
    seed: int = 0,
    *,
    centre: bool = False,
    epochs: int | None = None,
    loop: LoopControl = LoopControl(),  # noqa: B008  (frozen)
    engine: Engine | None = None,
    reporter: Reporter = SILENT,
) -> SingularVectors:
    """The ``dim`` largest singular values of a sparse matrix [T, F] and their vectors.

    solver: ``exact`` (float64, to rounding) or ``fast`` (float32, at least 99.5% of the energy Σσ²). centre: of the matrix
    less the mean of each column. epochs: at most so many fillings of the basis; None: as many as it takes, up to 100. A
    matrix with a short side is laid out and given to LAPACK, whatever the solver. Each entry of the history has
    J = ‖A − UΣVᵀ‖² over all cells, stored or not, as ``total`` and ``fit``, and the energy.
    Raises OptionError for settings out of range and where the matrix has fewer than ``dim`` singular values above
    rounding (1e-6 ‖X‖ for ``fast``, 1e-12 ‖X‖ for ``exact``), InputError for cells that no float32 could hold.
    """
    check_settings(dim, solver, epochs, seed)
    engine = LocalEngine(1) if engine is None else engine
    with one_blas_thread():
        A = CentredMatrix(matrix, centre=centre, engine=engine)
    most = min(A.shape)
    if dim > most:
        raise OptionError(
            f"dim={dim}",
            f"a {A.shape[0]} × {A.shape[1]} matrix has {most} singular values",
            f"give --dim {most} or less",
        )
    if _laid_out(A.shape, dim):
        began = time.perf_counter()
        with reporter.stage("svd"), one_blas_thread():
            left, singular, rows = np.linalg.svd(A.dense(), full_matrices=False)
            last = {"epoch": 1, **terms(A, singular[:dim]), "residual": 0.0, "columns": most, "settled": True}
        right = rows.T
        history: list[Mapping[str, Any]] = [{**last, "seconds": time.perf_counter() - began}]
    else:
        state = BlockLanczos(A, dim, exact=solver == "exact", seed=seed, engine=engine)
        asked = EPOCHS if epochs is None else epochs
        stop = LoopOptions(asked, checkpoint_every=loop.checkpoint_every)
        history = run(state, stop, reporter=reporter, name="svd", keeper=loop.keeper)
        if not state.settled:
            reporter.warn(
                f"svd: after {len(history)} epochs residuals are up to {state.residual:.2g} of the largest singular "
                "value; more --epochs may lower them"
            )
        left, singular, right = state.U, state.singular, state.V
    _check_rank(singular, dim, ROUNDING[solver] * A.stored_norm)
    kind = np.float32 if solver == "fast" else np.float64
    left, right = _signed(left[:, :dim], right[:, :dim])
    return SingularVectors(
        left.astype(kind, copy=False),
        singular[:dim].copy(),
        right.astype(kind, copy=False),
        A.mean,
        tuple(history),
    )


def check_settings(dim: int, solver: str, epochs: int | None, seed: int) -> None:
    """Raise OptionError for a setting of ``truncated_svd`` that is out of range, before any work."""
    if solver not in SOLVERS:
        raise OptionError(
            f"solver={solver!r}", f"it is one of {', '.join(SOLVERS)}", "choose one for --solver"
        )
    if dim < 1:
        raise OptionError(f"dim={dim}", "at least one dimension is needed", "give another --dim")
    LoopOptions(EPOCHS if epochs is None else epochs)
    if seed < 0:
        raise OptionError(f"seed={seed}", "a seed is 0 or more", "give another --seed")


def bytes_needed(shape: tuple[int, int], cells: int, dim: int, solver: str) -> int:
    """Memory of a run beside the matrix, about: both bases, the cells by column, the blocks in hand and the answer."""
    if _laid_out(shape, dim):
        return 8 * 3 * shape[0] * shape[1]
    size, _, room = sizes(dim)
    number = 4 if solver == "fast" else 8
    return number * sum(shape) * (room + 4 * size + 2 * dim) + 16 * cells


def check_memory(matrix: Any, dim: int, solver: str, memory: float) -> None:
    """Raise BudgetError where the SVD of a sparse matrix does not fit into ``memory`` bytes."""
    needed = bytes_needed(matrix.shape, matrix.nnz, dim, solver)
    if needed > memory:
        raise BudgetError(
            f"the SVD of a {matrix.shape[0]:,} × {matrix.shape[1]:,} matrix with {matrix.nnz:,} cells at dim {dim} needs about "
            f"{needed / 1e9:.3g} GB",
            f"the limit is {memory / 1e9:.3g} GB",
            "raise --memory or --min-count, lower --dim, or use --solver fast",
        )


def _laid_out(shape: tuple[int, int], dim: int) -> bool:
    """Whether the short side leaves no room for two bases to grow in."""
    size, _, room = sizes(dim)
    return min(shape) <= room + 4 * size


def _check_rank(singular: Floats1d, dim: int, floor: float) -> None:
    rank = int(np.count_nonzero(singular[:dim] > floor))
    if rank < dim:
        raise OptionError(
            f"dim={dim}",
            f"the matrix has {rank} singular values above rounding",
            f"give --dim {rank} or less" if rank else "give a matrix that is not zero",
        )


def _signed(left: Floats2d, right: Floats2d) -> tuple[Floats2d, Floats2d]:
    """Copies with the largest entry of each left vector positive: an SVD leaves the sign open."""
    signs = np.where(left.max(axis=0) < -left.min(axis=0), -1.0, 1.0).astype(left.dtype)
    return np.ascontiguousarray(left * signs), np.ascontiguousarray(right * signs)
