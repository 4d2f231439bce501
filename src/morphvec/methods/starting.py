"""Where alternating least squares starts from: frequent words first, then all words, each by its contexts alone.

A sweep costs what it reads, and the first sweeps of a random start read everything to learn what the frequent words
alone would tell. So the first of them see the corner of the matrix in which the frequent rows meet the frequent columns;
where words have parts or constraints, sweeps without them follow, which cost less than sweeps with them.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Ints1d
from morphvec.association import Association
from morphvec.engine.base import Engine, even_blocks
from morphvec.kernels.cells import column_lengths, count_corner, take_corner
from morphvec.report import SILENT, Reporter
from morphvec.solvers.problem import Factors, Problem
from morphvec.solvers.solve import solve

SWEEPS_CORNER = 5
SWEEPS_WHOLE = 3  # of all rows in their place, where there is no corner
SWEEPS_FREE = 2  # of all rows, before sweeps with parts or constraints
SHARES = (0.65, 0.5, 0.35)  # of the stored cells, held by the rows of a corner and by its columns
MOST_CELLS = 1 << 25  # of a corner: it is a copy
LEAST_ROWS = 10  # times dim; a smaller corner says little of so many dimensions
RIDGE = 1.0
_ROWS = 256  # of a block


class Asked(Protocol):
    """What is read of a method's options."""

    @property
    def solver(self) -> str: ...
    @property
    def validation(self) -> float: ...


def serves_as_start(options: Asked) -> bool:
    """Whether a fit may begin with such factors: they have seen every cell, those of a validation too."""
    return options.solver == "als" and not options.validation


def free_factors(
    association: Association,
    dim: int,
    seed: int,
    *,
    sweeps: int,
    cg_steps: int,
    engine: Engine,
    reporter: Reporter = SILENT,
) -> Factors:
    """Factors without parts or constraints, after the sweeps of the corner and ``sweeps`` of all rows; where there is no
    corner, all rows take its sweeps too."""
    corner = corner_factors(association, dim, seed, cg_steps=cg_steps, engine=engine, reporter=reporter)
    problem = Problem(association.matrix, association.weights, association.alpha, None, (), *(RIDGE,) * 3)
    return solve(
        problem,
        dim,
        "als",
        sweeps + (SWEEPS_WHOLE if corner is None else 0),
        seed,
        cg_steps=cg_steps,
        start=corner,
        engine=engine,
        reporter=reporter,
    )


def corner_factors(
    association: Association,
    dim: int,
    seed: int,
    *,
    cg_steps: int,
    engine: Engine,
    reporter: Reporter = SILENT,
) -> Factors | None:
    """Factors after the sweeps of the corner, zero for other rows; None where there is no corner worth the name."""
    corner = corner_of(association, LEAST_ROWS * dim, engine)
    if corner is None:
        return None
    rows, columns, problem = corner
    found = solve(
        problem, dim, "als", SWEEPS_CORNER, seed, cg_steps=cg_steps, engine=engine, reporter=reporter
    )
    P, S = (np.zeros((count, dim), np.float32) for count in association.matrix.shape)
    P[rows], S[columns] = found.P, found.S
    return Factors(P, S, P)


def has_corner(association: Association, dim: int, engine: Engine) -> bool:
    """Whether there is a corner large enough for so many dimensions."""
    return _bounds(association, LEAST_ROWS * dim, engine) is not None


def corner_of(association: Association, least: int, engine: Engine) -> tuple[Ints1d, Ints1d, Problem] | None:
    """Rows and columns of the corner, ascending, and the problem of their cells.

    Taken are the rows with the most stored cells that hold a share of them together, and the columns likewise: the largest
    of SHARES with at most MOST_CELLS cells. None where either are fewer than ``least``, or all.
    """
    bounds = _bounds(association, least, engine)
    if bounds is None:
        return None
    rows, columns, places, lengths = bounds
    matrix = association.matrix
    inner = np.concatenate([[0], np.cumsum(lengths)])
    size = int(inner[-1])
    taken, x, w = np.empty(size, np.int32), np.empty(size, np.float32), np.empty(size, np.float32)
    cells = (*_pattern(association), matrix.data, association.weights.data, rows, places)
    engine.map(lambda b: take_corner(*cells, inner, taken, x, w, *b), even_blocks(len(rows), _ROWS))
    made = csr_array((x, taken, inner), shape=(len(rows), len(columns)))
    return rows, columns, Problem(made, w, association.alpha[columns], None, (), *(RIDGE,) * 3)


def _bounds(
    association: Association, least: int, engine: Engine
) -> tuple[Ints1d, Ints1d, Ints1d, Ints1d] | None:
    """Rows and columns of the corner, the place of each column in it (−1: outside), and the cells of each row there."""
    indptr, indices = _pattern(association)
    of_row, of_column = np.diff(indptr), np.zeros(association.matrix.shape[1], np.int64)
    column_lengths(indices, of_column)
    for share in SHARES:
        rows, columns = _fullest(of_row, share), _fullest(of_column, share)
        if min(len(rows), len(columns)) < least:
            return None
        places = np.full(len(of_column), -1, np.int32)
        places[columns] = np.arange(len(columns), dtype=np.int32)
        lengths = np.zeros(len(rows), np.int64)
        cells = (indptr, indices, rows, places, lengths)
        engine.map(lambda b: count_corner(*cells, *b), even_blocks(len(rows), _ROWS))  # noqa: B023
        if lengths.sum() <= MOST_CELLS:
            break
    whole = (len(rows), len(columns)) == association.matrix.shape
    return None if whole or not lengths.any() else (rows, columns, places, lengths)


def _pattern(association: Association) -> tuple[Ints1d, Ints1d]:
    matrix = association.matrix
    return matrix.indptr.astype(np.int64, copy=False), matrix.indices.astype(np.int32, copy=False)


def _fullest(cells: Ints1d, share: float) -> Ints1d:
    """The places of the largest counts that hold ``share`` of all together, ascending."""
    falling = np.argsort(-cells, kind="stable")
    held = np.cumsum(cells[falling])
    return np.sort(falling[: int(np.searchsorted(held, share * held[-1])) + 1])
