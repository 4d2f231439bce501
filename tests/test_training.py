from __future__ import annotations

import io
import math

import pytest

from morphvec.errors import DivergenceError, OptionError
from morphvec.report import Reporter
from morphvec.training import LoopOptions, run


class Totals:
    """A trainer whose objective is known beforehand."""

    def __init__(self, *totals):
        self.totals, self.seen = totals, []

    def epoch(self, number):
        self.seen.append(number)
        return {"total": self.totals[number], "other": number}


def test_history_has_one_entry_per_epoch():
    trainer = Totals(9.0, 5.0, 4.0)
    history = run(trainer, LoopOptions(3))
    assert trainer.seen == [0, 1, 2]
    assert [entry["epoch"] for entry in history] == [1, 2, 3]
    assert [entry["total"] for entry in history] == [9.0, 5.0, 4.0]
    assert [entry["other"] for entry in history] == [0, 1, 2]
    assert all(entry["seconds"] >= 0 for entry in history)


def test_it_stops_after_the_first_sweep_that_gains_too_little():
    trainer = Totals(100.0, 90.0, 89.5, 80.0)
    assert len(run(trainer, LoopOptions(4, 0.01))) == 3
    assert len(run(Totals(100.0, 90.0, 89.5, 80.0), LoopOptions(4))) == 4
    assert (
        len(run(Totals(-100.0, -110.0, -110.5, -130.0), LoopOptions(4, 0.01))) == 3
    )  # of an objective below 0


@pytest.mark.parametrize("total", [math.nan, math.inf, -math.inf])
def test_leaving_the_finite_numbers_stops_at_once_and_names_the_knob(total):
    trainer = Totals(9.0, total, 1.0)
    with pytest.raises(DivergenceError, match=r"epoch 2: the objective is .*; change --learning-rate"):
        run(trainer, LoopOptions(3), knob="--learning-rate")
    assert trainer.seen == [0, 1]


def test_progress_says_the_stage_and_the_objective():
    log = io.StringIO()
    run(Totals(9.0, 5.0), LoopOptions(2), reporter=Reporter(stream=log), name="fit")
    assert log.getvalue().startswith("fit: 2 epochs, ")
    assert "J = 5" in log.getvalue()


@pytest.mark.parametrize("epochs", [0, -1])
def test_at_least_one_epoch(epochs):
    with pytest.raises(OptionError, match="give another --epochs"):
        LoopOptions(epochs)
