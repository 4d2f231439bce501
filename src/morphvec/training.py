"""THE loop: epochs, stopping, timing, progress and history of every iterative solver and model."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from morphvec.errors import DivergenceError, OptionError
from morphvec.report import SILENT, Reporter


class Trainer(Protocol):
    """What the loop drives."""

    def epoch(self, number: int) -> Mapping[str, Any]:
        """Do epoch ``number`` (from 0) and return its metrics; ``total`` is the objective after it."""


@dataclass(frozen=True)
class LoopOptions:
    """epochs: at most this many. tolerance: stop when the objective fell by less than this share of itself."""

    epochs: int
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise OptionError(
                f"epochs={self.epochs}", "at least one epoch is needed", "give another --epochs"
            )


def run(
    trainer: Trainer,
    options: LoopOptions,
    *,
    reporter: Reporter = SILENT,
    name: str = "fit",
    knob: str = "--ridge",
) -> list[Mapping[str, Any]]:
    """Drive ``trainer`` and return its history, one entry per epoch with its number and seconds.

    knob: the option to name when the objective leaves the finite numbers (DivergenceError).
    """
    history: list[Mapping[str, Any]] = []
    with reporter.stage(name, options.epochs, "epochs") as progress:
        for number in range(options.epochs):
            start = time.perf_counter()
            metrics = dict(trainer.epoch(number))
            total = float(metrics["total"])
            history.append({"epoch": number + 1, **metrics, "seconds": time.perf_counter() - start})
            if not math.isfinite(total):
                raise DivergenceError(
                    f"epoch {number + 1}: the objective is {total}",
                    "training stops when the objective is not finite",
                    f"change {knob}",
                )
            progress.advance(1, f"J = {total:.6g}")
            if number and options.tolerance > 0:
                before = float(history[-2]["total"])
                if before - total < options.tolerance * abs(before):
                    break
    return history
