"""One entry for every solver: a problem and a dimension in, factors out."""

from __future__ import annotations

import numpy as np

from morphvec.engine.base import Engine
from morphvec.engine.local import local_engine
from morphvec.errors import DivergenceError, OptionError
from morphvec.report import SILENT, Reporter
from morphvec.solvers.als import AlternatingLeastSquares
from morphvec.solvers.problem import Factors, Problem
from morphvec.training import LoopOptions, run

SOLVERS = ("als",)
MAX_DIM = 4096


def check_settings(dim: int, solver: str, epochs: int, cg_steps: int, cg_tol: float, seed: int) -> None:
    """Raise OptionError for a setting of ``solve`` that is out of range, before any work."""
    if solver not in SOLVERS:
        raise OptionError(
            f"solver={solver!r}", f"it is one of {', '.join(SOLVERS)}", "choose one of them for --solver"
        )
    if not 1 <= dim <= MAX_DIM:
        raise OptionError(f"dim={dim}", f"it is from 1 to {MAX_DIM}", "give another --dim")
    LoopOptions(epochs)
    if cg_steps < 1 or not 0 <= cg_tol < 1:
        raise OptionError(
            f"cg_steps={cg_steps}, cg_tol={cg_tol}",
            "at least one step, and 0 <= tolerance < 1",
            "give other --cg-steps or --cg-tol",
        )
    if seed < 0:
        raise OptionError(f"seed={seed}", "a seed is 0 or more", "give another --seed")


def solve(
    problem: Problem,
    dim: int,
    solver: str = "als",
    epochs: int = 8,
    seed: int = 0,
    dtype: str = "float32",
    *,
    cg_steps: int = 6,
    cg_tol: float = 0.0,
    tolerance: float = 0.0,
    engine: Engine | None = None,
    reporter: Reporter = SILENT,
) -> Factors:
    """Minimise the problem's J over P [Q, dim] and S [F, dim].

    epochs: sweeps over both sides. cg_steps: conjugate-gradient steps of a half-sweep in which rows are coupled (by
    composition or penalties); rows that stand alone take half as many. cg_tol: a half-sweep also ends when its
    residual fell by this factor. tolerance: stop when a sweep lowers J by less than this share.
    Raises OptionError for settings out of range, DivergenceError when J leaves the finite numbers.
    """
    check_settings(dim, solver, epochs, cg_steps, cg_tol, seed)
    if dtype not in ("float32", "float64"):
        raise OptionError(f"dtype={dtype!r}", "it is float32 or float64", "choose one of the two")
    engine = local_engine() if engine is None else engine
    try:
        state = AlternatingLeastSquares(
            problem,
            dim,
            steps=cg_steps,
            row_steps=max(1, (cg_steps + 1) // 2),
            tolerance=cg_tol,
            seed=seed,
            dtype=np.dtype(dtype),
            engine=engine,
        )
        history = run(state, LoopOptions(epochs, tolerance), reporter=reporter, name="fit")
    except np.linalg.LinAlgError as error:  # of a Gram matrix that holds infinities
        raise DivergenceError(
            "the factors are not finite",
            "training stops when they leave the finite numbers",
            "change --ridge, or give targets and weights of a smaller size",
        ) from error
    return Factors(state.P, state.S, state.U, tuple(history))
