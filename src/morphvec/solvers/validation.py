"""A slice of the stored cells that training does not see, and its loss after every epoch.

The slice hangs on (seed, row, column) of a cell and on nothing else, so every solver, order and number of threads
leaves out the same cells. In training they are stored cells of weight 0: no part of the fit, and not unobserved
either, since their target is not 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Bools1d, Floats2d
from morphvec.engine.base import Engine, row_blocks, tree_sum
from morphvec.errors import OptionError
from morphvec.kernels.rows import fit_rows
from morphvec.solvers.codes import Gathered, plain_scale
from morphvec.solvers.problem import Problem
from morphvec.training import Paced, Trainer

_GOLDEN = 0x9E3779B97F4A7C15  # 2⁶⁴ over the golden ratio: the step of SplitMix64


class FactorTrainer(Trainer, Protocol):
    """A solver: a trainer whose factors can be looked at between epochs."""

    P: Floats2d
    S: Floats2d
    U: Floats2d


def held_out(problem: Problem, share: float, seed: int, engine: Engine) -> Bools1d:
    """bool [nnz] in CSR order: the stored cells of weight > 0 whose keyed hash lies below ``share``."""
    indptr, indices = problem.matrix.indptr, problem.matrix.indices
    limit = np.uint64(int(share * 2.0**64))
    out = np.zeros(len(indices), np.bool_)

    def mark(block: tuple[int, int]) -> None:
        low, high = int(indptr[block[0]]), int(indptr[block[1]])
        rows = np.repeat(np.arange(*block, dtype=np.uint64), np.diff(indptr[block[0] : block[1] + 1]))
        keys = _mix(_mix(np.uint64(seed & (2**64 - 1)) + rows) ^ indices[low:high].astype(np.uint64))
        out[low:high] = keys < limit

    engine.map(mark, row_blocks(indptr))
    return out & (problem.weights > 0)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The mixer of SplitMix64 (Steele, Lea & Flood 2014): each bit of the result hangs on every bit of x."""
    x = x + np.uint64(_GOLDEN)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class HeldOut:
    """The slice of a problem: the problem without it, and the loss on it.

    Parameters
    ----------
    share: of the stored cells, in (0, 0.5]. Raises OptionError where it comes to no cell, or to all of them.
    """

    def __init__(
        self, problem: Problem, share: float, seed: int, dtype: np.dtype[Any], engine: Engine
    ) -> None:
        mask = held_out(problem, share, seed, engine)
        drawn, cells = int(mask.sum()), problem.matrix.nnz
        if not 0 < drawn < cells:
            raise OptionError(
                f"validation={share} of {cells} stored cells",
                f"both slices need a cell, and one would have {drawn}",
                "give another --validation, or more text",
            )
        weights = np.where(mask, problem.weights.dtype.type(0), problem.weights)
        self.training = Problem(
            problem.matrix,
            weights,
            problem.alpha,
            problem.composition,
            problem.penalties,
            problem.ridge_own,
            problem.ridge_parts,
            problem.ridge_features,
            problem.biases,
        )
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask, dtype=np.int64)])
        indptr = ends[problem.matrix.indptr]
        indices = problem.matrix.indices[mask].astype(np.int32, copy=False)
        w = problem.weights[mask]
        rows, columns, _ = problem.shape
        x, none = problem.matrix.data[mask].astype(dtype, copy=False), np.zeros(max(rows, columns), dtype)
        self._cells = indptr, indices, x, w.astype(dtype, copy=False), plain_scale(dtype), none, none
        self._blocks, self._engine = row_blocks(indptr), engine
        self._weight = float(np.sum(w, dtype=np.float64))

    def loss(self, U: Floats2d, S: Floats2d) -> float:
        """Σ w (u·s − x)² / Σ w over the slice, nats²."""
        seen = Gathered.plain(S)
        given = (*self._cells, U, seen.rows, seen.unit)
        sums = self._engine.map(lambda b: fit_rows(*given, *b)[0], self._blocks)
        return float(tree_sum(sums)) / self._weight


class Validated(Paced):
    """A trainer that also reports ``validation`` after each of its epochs."""

    def __init__(self, trainer: FactorTrainer, slice_: HeldOut) -> None:
        self._trainer, self._slice = trainer, slice_

    def epoch(self, number: int) -> Mapping[str, Any]:
        """The epoch of the trainer, and the loss on the slice behind its terms."""
        if isinstance(self._trainer, Paced):
            self._trainer.pace = self.pace
        metrics = self._trainer.epoch(number)
        return {**metrics, "validation": self._slice.loss(self._trainer.U, self._trainer.S)}

    def state(self) -> dict[str, NDArray[Any]]:
        """That of the trainer: the slice depends on nothing that training changes."""
        return self._trainer.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """That of the trainer."""
        self._trainer.restore(state)
