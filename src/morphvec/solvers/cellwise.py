"""Cell updates: SGD as its name says, one stored cell after another, each moving its two rows as it is met.

The published GloVe's AdaGrad (Pennington et al. 2014), and stochastic matrix factorization (Koren, Bell & Volinsky 2009)
with an implicit step (Toulis & Airoldi 2017), which no weight makes unstable. An epoch meets every stored cell once, in
rounds: a round takes an even sample of all cells, tile by tile. The order is drawn once, and every epoch keeps it: drawn
anew each time, AdaGrad ends about 2% higher. Tiles of a diagonal run side by side and share no row
and no column (Gemulla et al. 2011), so that no bit depends on the threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import Engine, tree_sum
from morphvec.errors import OptionError
from morphvec.kernels.cells import column_lengths
from morphvec.kernels.pairs import ADAGRAD, IMPLICIT, LOGISTIC, SQUARED, move_cells
from morphvec.rng import stream
from morphvec.solvers.batch_options import CELL_RATE, BatchOptions, rate_of, schedule_share
from morphvec.solvers.problem import Problem
from morphvec.solvers.tiles import make_tiles
from morphvec.training import Paced

ROUNDS = 8  # of an epoch: the cells of a row are spread over it
UNUSED = (
    "batch",
    "momentum",
    "clip",
    "edge_samples",
    "unobserved_samples",
    "oversample_class",
    "oversample_rare",
)
_START = np.float32(0.1)  # standard deviation of sgd's first factors


class CellUpdates(Paced):
    """State of one run: P = U and S, and AdaGrad's sums of squares, moved in place by ``epoch``.

    Parameters
    ----------
    dim: k. solver: ``sgd``, whose step of a cell is (w·e) / (1 + rate·w (‖u‖² + ‖s‖²)) times the rate, or ``adagrad``
    in the form of the published GloVe, whose sums start at 1 and hold (rate·gradient)². A gradient is the half one, e·s
    and e·u with e = w(u·s − x), or the whole one of a logistic loss. The ridge acts on the rows of a cell as it is met, by its share: γ over the number of
    stored cells of the row. epochs: what the schedule runs over. seed: of the start and of the order.
    Raises OptionError for what cannot act cell by cell: unobserved cells, penalties, composition, adam.
    """

    def __init__(
        self,
        problem: Problem,
        dim: int,
        *,
        solver: str,
        options: BatchOptions,
        epochs: int,
        seed: int,
        dtype: np.dtype[Any],
        engine: Engine,
    ) -> None:
        check(problem, solver)
        rows, columns, _ = problem.shape
        self._problem, self._engine, self._options = problem, engine, options
        self._rule = ADAGRAD if solver == "adagrad" else IMPLICIT
        self._loss = LOGISTIC if problem.loss == "logistic" else SQUARED
        self._epochs = epochs
        self.learning_rate = rate_of(solver, options.learning_rate, "cell")
        side = problem.token_side(dtype)
        self.cells = len(side.indices)
        self._tiles = make_tiles(side, columns, -(-self.cells // ROUNDS), engine)
        draws = stream(seed, 1, 0)
        self._key, self._order = np.uint64(draws.integers(0, 1 << 63)), draws.permutation(self._tiles.grid)
        self._decays = _decays(problem, dtype)
        self.P, self.S = problem.widened(
            *(
                _first(solver, seed, place, (size, dim)).astype(dtype)
                for place, size in ((1, rows), (0, columns))
            )
        )
        self.U = self.P
        self._moments = {
            f"second_{name}": np.ones_like(X)
            for name, X in (("P", self.P), ("S", self.S))
            if self._rule == ADAGRAD
        }

    def epoch(self, number: int) -> Mapping[str, Any]:
        """Every stored cell once, then J by term; ``met`` is the mean loss that the cells had when they were met."""
        tiles, engine, biased = self._tiles, self._engine, self._problem.biases
        HU, HS = self._moments.get("second_P", self.P), self._moments.get("second_S", self.S)
        strata, losses = [tiles.strata()[place] for place in self._order], []
        for turn in range(ROUNDS):
            part = (number + turn / ROUNDS) / self._epochs
            rate = self.learning_rate * schedule_share(self._options.schedule, part)

            def work(place: int) -> float:
                low, high = int(tiles.starts[place]), int(tiles.starts[place + 1])
                return float(
                    move_cells(
                        tiles.places,
                        tiles.values,
                        low,
                        high,
                        ROUNDS,
                        turn,  # noqa: B023
                        self._key,
                        self._loss,
                        self._rule,
                        rate,  # noqa: B023
                        self.P,
                        self.S,
                        HU,
                        HS,
                        biased,
                        *self._decays,
                    )
                )

            for stratum in strata:
                losses.append(tree_sum(engine.map(work, stratum)))
            self.pace((turn + 1) / ROUNDS)
        terms = self._problem.terms(self.P, self.S, self.U, engine).as_dict()
        return {**terms, "met": float(tree_sum(losses)) / self.cells, "learning_rate": rate, "minimised": "J"}

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next epoch depends on."""
        return {
            "P": self.P.copy(),
            "S": self.S.copy(),
            **{name: array.copy() for name, array in self._moments.items()},
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        self.P, self.S = np.array(state["P"]), np.array(state["S"])
        self.U = self.P
        self._moments = {name: np.array(state[name]) for name in self._moments}


def check(problem: Problem, solver: str) -> None:
    """Raise OptionError where the problem or the solver is not one for cell updates."""
    if solver not in CELL_RATE:
        raise OptionError(
            f"updates=cell, solver={solver}",
            f"cell updates are those of {' and '.join(CELL_RATE)}",
            "use --solver adagrad, or --updates lazy",
        )
    faults = {
        "unobserved cells": bool(problem.alpha.any()),
        "constraints": any(strength > 0 for strength, _, _ in problem.penalties),
        "words made of parts": problem.composition is not None,
    }
    found = [name for name, there in faults.items() if there]
    if found:
        raise OptionError(
            f"updates=cell with {', '.join(found)}",
            "a cell moves its own two rows and knows of nothing else",
            "use --solver als, or --updates dense",
        )


def _first(solver: str, seed: int, place: int, shape: tuple[int, int]) -> Floats2d:
    """The first factors: Gaussian, or for adagrad even in ±1/2k as the published GloVe has them."""
    generator = stream(seed, 0, place)
    if solver == "adagrad":
        return np.asarray((generator.random(shape, np.float32) - np.float32(0.5)) / np.float32(shape[1]))
    return np.asarray(_START * generator.standard_normal(shape, np.float32))


def _decays(problem: Problem, dtype: np.dtype[Any]) -> tuple[Floats1d, Floats1d]:
    """γ over the number of stored cells, of each row and of each column; empty arrays without ridges."""
    if not problem.ridge_own and not problem.ridge_features:
        return np.empty(0, dtype), np.empty(0, dtype)
    columns = np.zeros(problem.shape[1], np.int64)
    column_lengths(problem.matrix.indices, columns)
    rows = np.diff(problem.matrix.indptr)
    return (
        (problem.ridge_own / np.maximum(rows, 1)).astype(dtype),
        (problem.ridge_features / np.maximum(columns, 1)).astype(dtype),
    )
