"""One entry for every solver: a problem and a dimension in, factors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from morphvec.arrays import Floats1d
from morphvec.engine.base import Engine
from morphvec.engine.local import local_engine
from morphvec.errors import OptionError
from morphvec.report import SILENT, Reporter
from morphvec.solvers.als import AlternatingLeastSquares
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions, epochs_of
from morphvec.solvers.problem import Factors, Problem
from morphvec.solvers.validation import FactorTrainer, HeldOut, Validated
from morphvec.training import Keeper, LoopOptions, Trainer, run

SOLVERS = ("als", *MINIBATCH)
MAX_DIM = 4096
MAX_VALIDATION = 0.5


def check_settings(
    dim: int,
    solver: str,
    epochs: int | None,
    cg_steps: int,
    cg_tol: float,
    seed: int,
    *,
    validation: float = 0.0,
    patience: int = 0,
    checkpoint_every: int = 0,
) -> None:
    """Raise OptionError for a setting of ``solve`` that is out of range, before any work."""
    if solver not in SOLVERS:
        raise OptionError(
            f"solver={solver!r}", f"it is one of {', '.join(SOLVERS)}", "choose one of them for --solver"
        )
    if not 1 <= dim <= MAX_DIM:
        raise OptionError(f"dim={dim}", f"it is from 1 to {MAX_DIM}", "give another --dim")
    LoopOptions(epochs_of(solver, epochs), patience=patience, checkpoint_every=checkpoint_every)
    if cg_steps < 1 or not 0 <= cg_tol < 1:
        raise OptionError(
            f"cg_steps={cg_steps}, cg_tol={cg_tol}",
            "at least one step, and 0 <= tolerance < 1",
            "give other --cg-steps or --cg-tol",
        )
    if seed < 0:
        raise OptionError(f"seed={seed}", "a seed is 0 or more", "give another --seed")
    if not 0 <= validation <= MAX_VALIDATION:
        raise OptionError(
            f"validation={validation}",
            f"it is a share of the cells from 0 to {MAX_VALIDATION}",
            "give another --validation",
        )
    if patience and not validation:
        raise OptionError(
            f"patience={patience}, validation=0",
            "patience waits for a lower loss on cells held out of training",
            "write e.g. --validation 0.02",
        )


def solve(
    problem: Problem,
    dim: int,
    solver: str = "als",
    epochs: int | None = None,
    seed: int = 0,
    dtype: str = "float32",
    *,
    cg_steps: int = 4,
    cg_tol: float = 0.0,
    tolerance: float = 0.0,
    batch: BatchOptions = BatchOptions(),  # noqa: B008  (frozen)
    row_rates: Floats1d | None = None,
    validation: float = 0.0,
    patience: int = 0,
    checkpoint_every: int = 0,
    keeper: Keeper | None = None,
    start: Factors | None = None,
    engine: Engine | None = None,
    reporter: Reporter = SILENT,
) -> Factors:
    """Minimise the problem's J over P [Q, dim] and S [F, dim].

    solver: ``als``, or one of ``sgd``, ``adagrad``, ``adam`` with the settings of ``batch``, by mini-batches or by cells;
    row_rates: float [T], how often they draw the cells of a row, beside other rows. epochs: sweeps over both sides, or
    passes over the stored cells; None for the solver's own number, 8 or 40.
    cg_steps: conjugate-gradient steps of a half-sweep in which rows are coupled (by composition or penalties); rows
    that stand alone take half as many, or three if that is more (never more than cg_steps). cg_tol: a half-sweep also ends when its residual fell by this factor.
    tolerance: stop when an epoch lowers J by less than this share. validation: this share of the stored cells is held
    out of training, and every epoch reports the loss on them, Σw(u·s−x)²/Σw in nats². patience: stop after so many
    epochs without a lower one, and return the factors of the epoch with the lowest. checkpoint_every, keeper: see
    LoopControl. start: factors that als begins with in place of random ones: its S, and its P where words have no parts.
    Raises OptionError for settings out of range, DivergenceError when J leaves the finite numbers or grows beyond
    all measure, ArtifactError for a checkpoint that does not fit.

    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> matrix = csr_array([[1.0, 2.0], [2.0, 4.0]])  # of rank 1
    >>> problem = Problem(matrix, np.ones(4), 0.0, ridge_own=1e-6, ridge_features=1e-6)
    >>> found = solve(problem, 1, epochs=20, dtype="float64")
    >>> (found.U @ found.S.T).round(3)
    array([[1., 2.],
           [2., 4.]])
    """
    check_settings(
        dim,
        solver,
        epochs,
        cg_steps,
        cg_tol,
        seed,
        validation=validation,
        patience=patience,
        checkpoint_every=checkpoint_every,
    )
    if dtype not in ("float32", "float64"):
        raise OptionError(f"dtype={dtype!r}", "it is float32 or float64", "choose one of the two")
    if problem.loss != "squared" and (batch.updates != "cell" or solver == "als" or validation):
        raise OptionError(
            f"loss={problem.loss}, solver={solver}, updates={batch.updates}, validation={validation}",
            "a loss that is not squared is walked cell by cell, without held-out cells",
            "use --solver sgd --updates cell, or --loss squared",
        )
    epochs = epochs_of(solver, epochs)
    engine = local_engine() if engine is None else engine
    kind = np.dtype(dtype)
    slice_ = HeldOut(problem, validation, seed, kind, engine) if validation else None
    if slice_ is not None:
        problem = slice_.training
    state: FactorTrainer
    before = None  # als never raises the objective
    if solver == "als":
        _say_unused(
            "als",
            f"--solver {', '.join(MINIBATCH)}",
            [item.name for item in fields(batch)],
            batch,
            row_rates,
            reporter,
        )
        state = AlternatingLeastSquares(
            problem,
            dim,
            steps=cg_steps,
            row_steps=max((cg_steps + 1) // 2, min(cg_steps, 3)),
            tolerance=cg_tol,
            seed=seed,
            dtype=kind,
            engine=engine,
            start=start,
        )
    else:
        common: dict[str, Any] = {
            "solver": solver,
            "options": batch,
            "epochs": epochs,
            "seed": seed,
            "dtype": kind,
            "engine": engine,
        }
        if batch.updates == "cell":
            from morphvec.solvers.cellwise import UNUSED, CellUpdates

            _say_unused("--updates cell", "--updates dense, lazy", UNUSED, batch, row_rates, reporter)
            state = CellUpdates(problem, dim, **common)
        else:
            from morphvec.solvers.minibatch import MiniBatch  # its kernels are not als's to load

            state = MiniBatch(problem, dim, **common, row_rates=row_rates)
        before = problem.terms(state.P, state.S, state.U, engine).total
    trainer: Trainer = state if slice_ is None else Validated(state, slice_)
    history = run(
        trainer,
        LoopOptions(epochs, tolerance, patience, checkpoint_every),
        reporter=reporter,
        name="fit",
        knob="--ridge" if solver == "als" else "--learning-rate",
        keeper=keeper,
        start=before,
    )
    return problem.solution(state.P, state.S, state.U, history)


def _say_unused(
    who: str,
    readers: str,
    unread: Sequence[str],
    batch: BatchOptions,
    row_rates: Floats1d | None,
    reporter: Reporter,
) -> None:
    """Warn of settings that ``who`` does not read, in one line."""
    defaults = BatchOptions()
    names = [name for name in unread if getattr(batch, name) != getattr(defaults, name)]
    names += [] if row_rates is None else ["oversample_language"]
    if names:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in names)
        reporter.warn(f"{who} does not use {options}: only {readers} do")
