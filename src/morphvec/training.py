"""THE loop: epochs, stopping, timing, progress, checkpoints and history of every iterative solver and model."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from morphvec.errors import ArtifactError, DivergenceError, OptionError
from morphvec.report import SILENT, Reporter

DIVERGED = 1e6  # an objective this many times the first one is on its way to infinity
_NOW, _BEST = "now.", "best."  # arrays of a checkpoint: of its epoch, of the best epoch where that is earlier


class Trainer(Protocol):
    """What the loop drives."""

    def epoch(self, number: int) -> Mapping[str, Any]:
        """Do epoch ``number`` (from 0) and return its metrics, all of them finite when things go well.

        ``total`` is the objective after it; ``validation``, where there is one, a loss on data that training does not
        see; ``settled``, where it is true, says that another epoch would find nothing to do. A FloatingPointError says that the numbers are too large to go on with.
        """

    def state(self) -> dict[str, NDArray[Any]]:
        """Every array that the next epoch depends on, as copies or as arrays that are never written again."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to a state; epochs from there give the bits that they gave before. Keeps no array of ``state``,
        whose names, shapes and dtypes are those of ``state()``."""


class Paced:
    """A trainer whose epochs may be long: it calls ``pace`` with the share of the epoch that is done."""

    pace: Callable[[float], None] = staticmethod(lambda share: None)


class Keeper(Protocol):
    """Where the loop's checkpoints go."""

    @property
    def waits(self) -> bool:
        """Whether a checkpoint stands there that ``load`` would give or refuse: what comes before epoch 1 is then done."""

    def save(
        self, epochs_done: int, state: Mapping[str, NDArray[Any]], history: Sequence[Mapping[str, Any]]
    ) -> None:
        """Keep this state in the place of the one before."""

    def load(self) -> tuple[int, dict[str, NDArray[Any]], list[dict[str, Any]]] | None:
        """What ``save`` was given last, or None where the run is to start from the beginning."""

    def describe(self) -> str:
        """Where the last good state stands, in a few words for a message."""


@dataclass(frozen=True)
class LoopOptions:
    """epochs: at most this many. tolerance: stop when the objective fell by less than this share of itself.

    patience: stop after so many epochs without a lower ``validation``, and go back to the epoch with the lowest
    (0: never, and the last epoch is kept). checkpoint_every: epochs between two checkpoints (0: none).
    """

    epochs: int
    tolerance: float = 0.0
    patience: int = 0
    checkpoint_every: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise OptionError(
                f"epochs={self.epochs}", "at least one epoch is needed", "give another --epochs"
            )
        for name in ("patience", "checkpoint_every"):
            if getattr(self, name) < 0:
                raise OptionError(
                    f"{name}={getattr(self, name)}",
                    "it is 0 (never) or more",
                    f"give another --{name.replace('_', '-')}",
                )


@dataclass(frozen=True)
class LoopControl:
    """How a run is kept: a checkpoint every so many epochs (0: none), and the keeper they go to and come from."""

    checkpoint_every: int = 0
    keeper: Keeper | None = None


def kept(history: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The entry of the epoch whose factors a run ended with: the one marked ``kept``, or else the last."""
    return next((entry for entry in history if entry.get("kept")), history[-1])


def run(
    trainer: Trainer,
    options: LoopOptions,
    *,
    reporter: Reporter = SILENT,
    name: str = "fit",
    knob: str = "--ridge",
    keeper: Keeper | None = None,
    start: float | None = None,
) -> list[Mapping[str, Any]]:
    """Drive ``trainer`` and return its history, one entry per epoch with its number and seconds.

    A run that goes on from a checkpoint has the history and the bits of one that was never interrupted. With patience
    the entry of the epoch that was kept says ``kept``. knob: the option to name in a DivergenceError, which is raised
    when the objective is not finite or above 1e6 times the first one: ``start``, the objective before the first epoch,
    or that of the first epoch where it is not given.
    """
    history, best, best_state = _resume(trainer, options, keeper, reporter, name)
    every, before = 0 if keeper is None else options.checkpoint_every, len(history)
    stage = reporter.stage(name, options.epochs - before, "epochs")
    with stage as progress, _listening(reporter, name, every) as asked_to_stop:
        while not _ended(options, history, best):
            number, began = len(history), time.perf_counter()

            def pace(share: float, done: int = number - before) -> None:
                progress.reach(done + share)

            if isinstance(trainer, Paced):
                trainer.pace = pace
            try:
                with np.errstate(over="ignore", invalid="ignore"):  # what overflows is seen below
                    metrics = dict(trainer.epoch(number))
            except FloatingPointError as error:
                rule = "training stops when the numbers are no longer finite"
                raise _diverged(number, str(error), rule, knob, keeper) from error
            history.append({"epoch": number + 1, **metrics, "seconds": time.perf_counter() - began})
            _check(history, start, knob, keeper)
            progress.reach(number + 1 - before, _detail(metrics))
            if options.patience and (not number or metrics["validation"] < history[best]["validation"]):
                best, best_state = number, trainer.state()
            if keeper is not None and every and (asked_to_stop() or not (number + 1) % every):
                state = trainer.state()
                _check_state(state, number, knob, keeper)
                keeper.save(number + 1, _pack(state, best_state if best < number else {}), history)
            if asked_to_stop():
                raise KeyboardInterrupt
    if options.patience:
        history[best]["kept"] = True
        if best < len(history) - 1:
            trainer.restore(best_state)
            reporter.note(f"{name}: epoch {best + 1} of {len(history)} is kept, with the lowest validation")
    return list(history)


@contextlib.contextmanager
def _listening(reporter: Reporter, name: str, checkpoint_every: int) -> Iterator[Callable[[], bool]]:
    """Where checkpoints are kept the first Ctrl-C lets the epoch end, so that nothing of it is lost; the next one
    stops at once. Gives the question whether to stop."""
    asked: list[bool] = []

    def listen(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)
        reporter.insist(
            f"{name}: stops after this epoch and keeps a checkpoint of it; Ctrl-C again stops now"
        )

    ours = (
        checkpoint_every > 0
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, listen)
    try:
        yield lambda: bool(asked)
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _ended(options: LoopOptions, history: Sequence[Mapping[str, Any]], best: int) -> bool:
    """Whether the run is over, by its history alone: so a checkpoint of a last epoch is not trained further."""
    done = len(history)
    if (
        done >= options.epochs
        or (done and history[-1].get("settled"))
        or (options.patience and done - 1 - best >= options.patience)
    ):
        return True
    if done < 2 or options.tolerance <= 0:
        return False
    before = float(history[-2]["total"])
    return before - float(history[-1]["total"]) < options.tolerance * abs(before)


def _resume(
    trainer: Trainer, options: LoopOptions, keeper: Keeper | None, reporter: Reporter, name: str
) -> tuple[list[dict[str, Any]], int, Mapping[str, NDArray[Any]]]:
    """The history so far, the place of its best epoch, and that epoch's state where it is to be remembered."""
    kept_before = None if keeper is None else keeper.load()
    if keeper is None or kept_before is None:
        return [], 0, {}
    done, arrays, history = kept_before
    now, best_state, best = _under(_NOW, arrays), _under(_BEST, arrays), 0
    if options.patience:
        losses = [float(entry["validation"]) for entry in history]
        best = losses.index(min(losses))
    remembered = bool(options.patience) and best < done - 1
    fresh = _shapes(trainer.state())
    if _shapes(now) != fresh or (remembered and _shapes(best_state) != fresh):
        raise ArtifactError(
            f"a checkpoint of epoch {done} that holds other arrays than this run has",
            keeper.describe(),
            "run again without --resume",
        )
    trainer.restore(now)
    if not remembered:
        best_state = now if options.patience else {}
    reporter.note(f"{name}: goes on after epoch {done} of {options.epochs}")
    return history, best, best_state


def _pack(
    state: Mapping[str, NDArray[Any]], best_state: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    return {_NOW + key: array for key, array in state.items()} | {
        _BEST + key: array for key, array in best_state.items()
    }


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def _shapes(state: Mapping[str, NDArray[Any]]) -> dict[str, tuple[Any, ...]]:
    return {name: (array.dtype, *array.shape) for name, array in state.items()}


def _detail(metrics: Mapping[str, Any]) -> str:
    text = f"J = {metrics['total']:.6g}"
    return f"{text}, validation {metrics['validation']:.4g}" if "validation" in metrics else text


def _check(
    history: Sequence[Mapping[str, Any]], start: float | None, knob: str, keeper: Keeper | None
) -> None:
    """Raise DivergenceError where the last epoch left the finite numbers or is about to."""
    epoch, last = len(history) - 1, history[-1]
    total = float(last["total"])
    for name, found in (("objective", total), ("validation", float(last.get("validation", 0.0)))):
        if not math.isfinite(found):
            rule = f"training stops when the {name} is not finite"
            raise _diverged(epoch, f"the {name} is {found}", rule, knob, keeper)
    first, when = (float(history[0]["total"]), "at epoch 1") if start is None else (start, "at the start")
    if first > 0 and total > DIVERGED * first:
        value = f"the objective is {total:.6g}, {when} it was {first:.6g}"
        raise _diverged(epoch, value, "training stops when it grows to 1e6 times that", knob, keeper)


def _check_state(state: Mapping[str, NDArray[Any]], number: int, knob: str, keeper: Keeper) -> None:
    for name, array in state.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            rule = "only finite numbers are ever written"
            raise _diverged(number, f"the array {name} is not finite", rule, knob, keeper)


def _diverged(number: int, value: str, rule: str, knob: str, keeper: Keeper | None) -> DivergenceError:
    where = (
        "no checkpoint was asked for, --checkpoint-every keeps one" if keeper is None else keeper.describe()
    )
    return DivergenceError(f"epoch {number + 1}: {value}", rule, f"change {knob} ({where})")
