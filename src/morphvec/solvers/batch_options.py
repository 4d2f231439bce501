"""Settings of the mini-batch solvers, checked when they are made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from morphvec.errors import OptionError

MINIBATCH = ("sgd", "adagrad", "adam")
SCHEDULES = ("constant", "linear", "cosine", "inverse")
UPDATES = ("dense", "lazy", "cell")
LEARNING_RATE = {"sgd": 1.5, "adagrad": 0.5, "adam": 0.02}  # where none is given; sgd's is over the curvature
CELL_RATE = {"sgd": 0.05, "adagrad": 0.05}  # of cell updates; sgd's is over the curvature of a cell
EPOCHS, EPOCHS_OF_BATCHES = 8, 40  # where none are given: of als, of the mini-batch solvers


@dataclass(frozen=True)
class BatchOptions:
    """How a mini-batch solver draws, and how it steps.

    batch: stored cells of a step (0: all of them, full-batch; None: about 1/32 of the cells, at least 4,096).
    learning_rate: None for the solver's own. schedule: of the learning rate over the epochs.
    momentum: of sgd. clip: largest norm of a step's gradient (None: no limit). updates: ``dense`` moves every row at
    every step; ``lazy`` moves only rows with a cell, an edge or a sampled cell in the step, and only they feel the
    ridge, the unobserved cells and the decay of the moments then; ``cell`` moves the two rows of each stored cell as it
    is met (``solvers.cellwise``).
    edge_samples: edges of each penalty a step (0: every penalty in full). unobserved_samples: cells that stand for the
    unobserved part of a step (0: all of it by Gram matrices).
    oversample_class: exponent e in [0, 1]; a class gets edge draws ∝ |E_c|^(1−e). oversample_rare: exponent e ≥ 0; a
    cell is drawn ∝ w^(−e). importance: undo every oversampling by weights, so that the objective stays J.
    """

    batch: int | None = None
    learning_rate: float | None = None
    schedule: str = "cosine"
    momentum: float = 0.9
    clip: float | None = None
    updates: str = "dense"
    edge_samples: int = 0
    unobserved_samples: int = 0
    oversample_class: float = 0.0
    oversample_rare: float = 0.0
    importance: bool = True

    def __post_init__(self) -> None:
        for name, choices in (("schedule", SCHEDULES), ("updates", UPDATES)):
            value = getattr(self, name)
            if value not in choices:
                raise OptionError(
                    f"{name}={value!r}",
                    f"it is one of {', '.join(choices)}",
                    f"choose one of them for --{name}",
                )
        for name in ("batch", "edge_samples", "unobserved_samples"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise _out(name, value, "it is 0 or more")
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise _out("learning_rate", self.learning_rate, "it is a finite number above 0")
        if self.clip is not None and not 0 < self.clip < math.inf:
            raise _out("clip", self.clip, "it is a finite number above 0")
        if not 0 <= self.momentum < 1:
            raise _out("momentum", self.momentum, "it is at least 0 and below 1")
        if not 0 <= self.oversample_class <= 1:
            raise _out("oversample_class", self.oversample_class, "it is from 0 to 1")
        if not 0 <= self.oversample_rare <= 4:
            raise _out("oversample_rare", self.oversample_rare, "it is from 0 to 4")


def epochs_of(solver: str, epochs: int | None) -> int:
    """The number of epochs: as given, or the solver's own."""
    return (EPOCHS_OF_BATCHES if solver in MINIBATCH else EPOCHS) if epochs is None else epochs


def rate_of(solver: str, learning_rate: float | None, updates: str = "dense") -> float:
    """The learning rate: as given, or the solver's own for these updates."""
    own = CELL_RATE if updates == "cell" else LEARNING_RATE
    return own[solver] if learning_rate is None else learning_rate


def schedule_share(schedule: str, part: float) -> float:
    """The share of the learning rate after this part of all epochs."""
    match schedule:
        case "linear":
            return max(0.0, 1 - part)
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * min(1.0, part)))
        case "inverse":
            return 1 / (1 + 9 * part)
        case _:
            return 1.0


def _out(name: str, value: float, rule: str) -> OptionError:
    return OptionError(f"{name}={value}", rule, f"give another --{name.replace('_', '-')}")
