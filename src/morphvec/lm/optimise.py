"""SGD with momentum and Adam (Kingma & Ba 2015) on a few named arrays, which are moved in place.

Rows step by the kernel of the mini-batch solvers. An array may be moved in full, by a range of its rows, or by the rows
that a step met; rows that were not met keep their moments as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats2d, Ints1d
from morphvec.errors import OptionError

OPTIMISERS = ("sgd", "adam")
SCHEDULES = ("constant", "cosine")
DECAY, DECAY_SECOND = 0.9, 0.999  # of Adam's moments
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

    arrays: float, C-contiguous, one dtype; held, not copied.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], options: StepOptions) -> None:
        self._arrays = {name: _rows(array) for name, array in arrays.items()}
        self._options, self._kind = options, _KIND[options.optimiser]
        self._first = {name: np.zeros_like(X) for name, X in self._arrays.items()}
        self._second = {name: np.zeros_like(X) for name, X in self._arrays.items() if self._kind == 2}
        self._steps, self._rate = 0, 0.0

    def begin(self, rate: float) -> None:
        """Start a step with this learning rate."""
        self._steps += 1
        self._rate = rate

    def move(self, name: str, gradient: NDArray[Any], begin: int = 0, end: int | None = None) -> None:
        """Move an array, or its rows [begin, end), by a gradient of that shape. Different rows may be moved side by
        side."""
        part = slice(begin, end)
        X, first = self._arrays[name][part], self._first[name][part]
        self._step(X, _rows(gradient), first, self._second.get(name, self._first[name])[part])

    def move_rows(self, name: str, rows: Ints1d, gradient: Floats2d) -> None:
        """Move some rows, each named once, by gradient [len(rows), columns]."""
        moved = [store[name] for store in (self._arrays, self._first, self._second) if name in store]
        parts = [array[rows] for array in moved]
        self._step(parts[0], gradient, parts[1], parts[-1])
        for array, part in zip(moved, parts, strict=True):
            array[rows] = part

    def _step(self, X: Floats2d, gradient: Floats2d, first: Floats2d, second: Floats2d) -> None:
        from morphvec.kernels.steps import step_rows  # compiled code, not needed to check options

        adam = self._kind == 2
        step_rows(
            self._kind,
            X,
            gradient,
            first,
            second,
            1.0,
            self._rate,
            DECAY if adam else self._options.momentum,
            DECAY_SECOND,
            1 - DECAY**self._steps,
            1 - DECAY_SECOND**self._steps,
            np.zeros(len(X), np.int32),  # every row is of this step
            0,
            0,
            len(X),
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays, their moments and the number of steps, as copies."""
        stores = (("array", self._arrays), ("first", self._first), ("second", self._second))
        return {
            **{f"{kind}.{name}": X.copy() for kind, store in stores for name, X in store.items()},
            "steps": np.array([self._steps], np.int64),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Write a state back into the arrays and moments."""
        for kind, store in (("array", self._arrays), ("first", self._first), ("second", self._second)):
            for name, X in store.items():
                X[:] = state[f"{kind}.{name}"]
        self._steps = int(state["steps"][0])


def _rows(array: NDArray[Any]) -> Floats2d:
    """A view of an array as rows; a vector is one row."""
    return array if array.ndim == 2 else array.reshape(1, -1)
