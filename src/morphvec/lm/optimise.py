"""SGD with momentum and Adam (Kingma & Ba 2015) on a few named arrays, which are moved in place.

Rows step by the kernel of the mini-batch solvers. An array may be moved in full, by a range of its rows, or by the rows
that a step met: the others then have gradient 0, and are left out once their momentum has faded away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats2d, Ints1d
from morphvec.engine.base import Engine, even_blocks
from morphvec.engine.local import local_engine
from morphvec.errors import OptionError

ROWS = 4096  # of a block of ``move_rows``
OPTIMISERS = ("sgd", "adam")
SCHEDULES = ("constant", "cosine")
DECAY, DECAY_SECOND = 0.9, 0.999  # of Adam's moments
FADED = 1e-9  # of a first moment: what is left of it when a row that is no longer met comes to rest
_KIND = {"sgd": 0, "adam": 2}  # as kernels.steps.step_rows counts them


@dataclass(frozen=True)
class StepOptions:
    """optimiser: sgd or adam. learning_rate: of the first step. schedule: the rate over the epochs, constant or falling
    to 0 as a cosine. momentum: of sgd. Raises OptionError for a setting out of range."""

    optimiser: str = "adam"
    learning_rate: float = 0.001
    schedule: str = "constant"
    momentum: float = 0.9

    def __post_init__(self) -> None:
        for name, choices in (("optimiser", OPTIMISERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in choices:
                raise OptionError(
                    f"{name}={getattr(self, name)!r}",
                    f"it is one of {', '.join(choices)}",
                    f"choose one of them for --{name}",
                )
        if not 0 < self.learning_rate < math.inf:
            raise OptionError(
                f"learning_rate={self.learning_rate}",
                "it is a finite number above 0",
                "give another --learning-rate",
            )
        if not 0 <= self.momentum < 1:
            raise OptionError(
                f"momentum={self.momentum}", "it is at least 0 and below 1", "give another --momentum"
            )

    def rate(self, done: float, epochs: int) -> float:
        """The learning rate after ``done`` of ``epochs`` epochs."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done / epochs)))


class Optimiser:
    """The moments of some arrays. A step is ``begin`` and then ``move`` or ``move_rows`` for each of them.

    arrays: float, C-contiguous, one dtype; held, not copied. engine: for ``move_rows``.
    """

    def __init__(
        self, arrays: Mapping[str, NDArray[Any]], options: StepOptions, engine: Engine | None = None
    ) -> None:
        self._arrays = {name: _rows(array) for name, array in arrays.items()}
        self._kind = _KIND[options.optimiser]
        self._keep = DECAY if self._kind == 2 else options.momentum
        self._lasts = math.ceil(math.log(FADED) / math.log(self._keep)) if self._keep > 0 else 0
        self._engine = local_engine(1) if engine is None else engine
        self._first = {name: np.zeros_like(X) for name, X in self._arrays.items()}
        self._second = {name: np.zeros_like(X) for name, X in self._arrays.items() if self._kind == 2}
        self._met = {name: np.zeros(len(X), np.int64) for name, X in self._arrays.items()}
        self._scratch: dict[str, Floats2d] = {}  # gradients of whole arrays, all zeros between steps
        self._steps, self._rate = 0, 0.0

    def begin(self, rate: float) -> None:
        """Start a step with this learning rate."""
        self._steps += 1
        self._rate = rate

    def move(self, name: str, gradient: NDArray[Any], begin: int = 0, end: int | None = None) -> None:
        """Move an array, or its rows [begin, end), by a gradient of that shape. Different rows may be moved side by
        side."""
        rows = slice(begin, end)
        part = _rows(gradient)
        self._step(name, rows, part, np.zeros(len(part), np.int32))

    def move_rows(self, name: str, rows: Ints1d, gradient: Floats2d) -> None:
        """Move an array by a gradient [len(rows), columns] that is 0 but in ``rows``, each named once.

        As ``move`` with the whole gradient, but for rows that were not met for so long that less than FADED of their
        first moment is left: they stay, and what their moments missed is made up for when they are met again.
        """
        met, X = self._met[name], self._arrays[name]
        missed = self._steps - 1 - met[rows] - self._lasts
        back = (missed > 0) & (met[rows] > 0)
        self._first[name][rows[back]] = 0
        if name in self._second:
            self._second[name][rows[back]] *= (DECAY_SECOND ** missed[back, None]).astype(X.dtype)
        met[rows] = self._steps
        resting = ((met == 0) | (met < self._steps - self._lasts)).astype(np.int32)
        if name not in self._scratch:
            self._scratch[name] = np.zeros_like(X)
        whole = self._scratch[name]
        whole[rows] = gradient

        def work(block: tuple[int, int]) -> None:
            part = slice(*block)
            self._step(name, part, whole[part], resting[part])

        self._engine.map(work, even_blocks(len(X), ROWS))
        whole[rows] = 0

    def _step(self, name: str, rows: slice, gradient: Floats2d, resting: NDArray[np.int32]) -> None:
        from morphvec.kernels.steps import step_rows  # compiled code, not needed to check options

        first = self._first[name]
        step_rows(
            self._kind,
            self._arrays[name][rows],
            gradient,
            first[rows],
            self._second.get(name, first)[rows],
            1.0,
            self._rate,
            self._keep,
            DECAY_SECOND,
            1 - DECAY**self._steps,
            1 - DECAY_SECOND**self._steps,
            resting,
            0,  # rows that do not rest
            0,
            len(gradient),
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays, their moments, the steps in which their rows were met, and the number of steps, as copies."""
        return {
            **{f"{kind}.{name}": X.copy() for kind, store in self._stores() for name, X in store.items()},
            "steps": np.array([self._steps], np.int64),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Write a state back into the arrays and moments."""
        for kind, store in self._stores():
            for name, X in store.items():
                X[:] = state[f"{kind}.{name}"]
        self._steps = int(state["steps"][0])

    def _stores(self) -> tuple[tuple[str, dict[str, NDArray[Any]]], ...]:
        return ("array", self._arrays), ("first", self._first), ("second", self._second), ("met", self._met)


def _rows(array: NDArray[Any]) -> Floats2d:
    """A view of an array as rows; a vector is one row."""
    return array if array.ndim == 2 else array.reshape(1, -1)
