from __future__ import annotations

import io
import math
import os
import signal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphvec.errors import ArtifactError, DivergenceError, OptionError
from morphvec.report import Reporter
from morphvec.training import LoopControl, LoopOptions, Paced, kept, run


class Totals:
    """A trainer whose objective (and validation) is known beforehand; its state is the number of epochs done."""

    def __init__(self, *totals, validation=None):
        self.totals, self.validation, self.seen = totals, validation, []
        self.done = np.zeros(1)

    def epoch(self, number):
        assert number == self.done[0]  # a resumed trainer stands where the loop thinks it does
        self.seen.append(number)
        self.done = self.done + 1
        more = {} if self.validation is None else {"validation": self.validation[number]}
        return {"total": self.totals[number], "other": number, **more}

    def state(self):
        return {"done": self.done.copy()}

    def restore(self, state):
        self.done = state["done"].copy()


class Memory:
    """A keeper that remembers every checkpoint; ``load`` gives the one that it is told to."""

    def __init__(self, *, start=None):
        self.saved, self.start = [], start

    def save(self, epochs_done, state, history):
        arrays = {name: np.array(array) for name, array in state.items()}
        self.saved.append((epochs_done, arrays, [dict(entry) for entry in history]))

    def load(self):
        return self.start

    def describe(self):
        return f"{len(self.saved)} checkpoints"


def timeless(history):
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in history]


@pytest.mark.parametrize("every", [0, 1])
def test_a_run_that_has_settled_ends_and_is_not_gone_on_with(every):
    class Settling(Totals):
        def epoch(self, number):
            return {**super().epoch(number), "settled": number == 2}

    trainer, keeper = Settling(9.0, 5.0, 4.0, 3.0), Memory()
    history = run(trainer, LoopOptions(4, checkpoint_every=every), keeper=keeper)
    assert trainer.seen == [0, 1, 2]
    assert len(history) == 3
    if every:
        keeper.start = keeper.saved[-1]
        again = Settling(9.0, 5.0, 4.0, 3.0)
        assert timeless(run(again, LoopOptions(4), keeper=keeper)) == timeless(history)
        assert again.seen == []


def test_history_has_one_entry_per_epoch():
    trainer = Totals(9.0, 5.0, 4.0)
    history = run(trainer, LoopOptions(3))
    assert trainer.seen == [0, 1, 2]
    assert [entry["epoch"] for entry in history] == [1, 2, 3]
    assert [entry["total"] for entry in history] == [9.0, 5.0, 4.0]
    assert [entry["other"] for entry in history] == [0, 1, 2]
    assert all(entry["seconds"] >= 0 for entry in history)
    assert kept(history) is history[-1]


def test_it_stops_after_the_first_sweep_that_gains_too_little():
    trainer = Totals(100.0, 90.0, 89.5, 80.0)
    assert len(run(trainer, LoopOptions(4, 0.01))) == 3
    assert len(run(Totals(100.0, 90.0, 89.5, 80.0), LoopOptions(4))) == 4
    assert (
        len(run(Totals(-100.0, -110.0, -110.5, -130.0), LoopOptions(4, 0.01))) == 3
    )  # of an objective below 0


# ---------------------------------------------------------------------------------------------- early stopping


@pytest.mark.parametrize(
    ("losses", "patience", "ran", "best"),
    [
        ([5.0, 4.0, 3.0, 2.0], 1, 4, 4),
        ([5.0, 4.0, 4.5, 1.0], 1, 3, 2),
        ([5.0, 4.0, 4.5, 1.0], 2, 4, 4),
        ([5.0, 4.0, 4.0, 4.0, 1.0], 2, 4, 2),  # as good is not better, and the first of equals is kept
        ([5.0, 6.0, 7.0, 1.0], 2, 3, 1),
        ([5.0, 3.0, 4.0], 9, 3, 2),  # the epochs run out before the patience does
    ],
)
def test_patience_stops_and_goes_back_to_the_best_epoch(losses, patience, ran, best):
    trainer = Totals(*range(9, 9 - len(losses), -1), validation=losses)
    log = io.StringIO()
    history = run(trainer, LoopOptions(len(losses), patience=patience), reporter=Reporter(stream=log))
    assert (len(history), trainer.done[0]) == (ran, best)
    assert [entry["epoch"] for entry in history if entry.get("kept")] == [best]
    assert kept(history)["validation"] == min(losses[:ran])
    assert (f"epoch {best} of {ran} is kept" in log.getvalue()) == (best < ran)
    assert f"validation {losses[ran - 1]:.4g}" in log.getvalue()


def test_without_patience_the_last_epoch_is_kept_whatever_its_loss():
    trainer = Totals(9.0, 8.0, 7.0, validation=[1.0, 2.0, 3.0])
    history = run(trainer, LoopOptions(3))
    assert trainer.done[0] == 3
    assert kept(history) is history[-1]
    assert "kept" not in history[-1]


# ---------------------------------------------------------------------------------------------- checkpoints


def test_a_checkpoint_every_so_many_epochs():
    keeper = Memory()
    run(Totals(*range(20, 13, -1)), LoopOptions(7, checkpoint_every=3), keeper=keeper)
    assert [done for done, _, _ in keeper.saved] == [3, 6]
    assert [len(history) for _, _, history in keeper.saved] == [3, 6]
    assert [arrays["now.done"][0] for _, arrays, _ in keeper.saved] == [3, 6]
    none = Memory()
    run(Totals(3.0, 2.0), LoopOptions(2), keeper=none)
    assert none.saved == []
    assert LoopControl() == LoopControl(0, None)


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=9),
    st.integers(0, 4),
    st.sampled_from([0.0, 0.2]),
    st.integers(1, 4),
)
def test_a_resumed_run_is_the_uninterrupted_one(losses, patience, tolerance, every):
    """From any of its checkpoints: the same history, the same end, the same epoch kept."""
    totals = [100.0 * 0.7**number + (number % 3) for number in range(len(losses))]
    options = LoopOptions(len(losses), tolerance, patience, every)
    whole, keeper = Totals(*totals, validation=losses), Memory()
    history = run(whole, options, keeper=keeper)
    for start in keeper.saved:
        again = Totals(*totals, validation=losses)
        found = run(again, options, keeper=Memory(start=start))
        assert again.seen == whole.seen[start[0] :]
        assert timeless(found) == timeless(history)
        assert again.done[0] == whole.done[0]


def test_resuming_says_where_it_goes_on():
    keeper, log = Memory(), io.StringIO()
    run(Totals(9.0, 5.0, 4.0), LoopOptions(3, checkpoint_every=2), keeper=keeper)
    run(
        Totals(9.0, 5.0, 4.0),
        LoopOptions(3),
        keeper=Memory(start=keeper.saved[0]),
        reporter=Reporter(stream=log),
    )
    assert "fit: goes on after epoch 2 of 3" in log.getvalue()


@pytest.mark.parametrize("patience", [0, 3])
def test_a_checkpoint_that_lacks_an_array_is_refused(patience):
    keeper = Memory()
    trainer = Totals(9.0, 5.0, 4.0, validation=[1.0, 2.0, 3.0])
    run(trainer, LoopOptions(3, patience=patience, checkpoint_every=2), keeper=keeper)
    done, arrays, history = keeper.saved[0]
    assert ("best.done" in arrays) == (patience > 0)
    del arrays["best.done" if patience else "now.done"]
    with pytest.raises(ArtifactError, match="without --resume"):
        run(
            Totals(9.0, 5.0, 4.0),
            LoopOptions(3, patience=patience),
            keeper=Memory(start=(done, arrays, history)),
        )


# ---------------------------------------------------------------------------------------------- divergence


@pytest.mark.parametrize("total", [math.nan, math.inf, -math.inf])
def test_leaving_the_finite_numbers_stops_at_once_and_names_the_knob(total):
    trainer = Totals(9.0, total, 1.0)
    with pytest.raises(DivergenceError, match=r"epoch 2: the objective is .*; change --learning-rate"):
        run(trainer, LoopOptions(3), knob="--learning-rate")
    assert trainer.seen == [0, 1]


def test_growing_beyond_all_measure_stops_before_infinity():
    with pytest.raises(DivergenceError, match=r"epoch 3: .* 3e\+06, at epoch 1 it was 2; .*1e6 times"):
        run(Totals(2.0, 1.9e6, 3e6, 1.0), LoopOptions(4))
    with pytest.raises(DivergenceError, match=r"epoch 1: .* 3e\+06, at the start it was 1; .*1e6 times"):
        run(Totals(3e6, 2e6), LoopOptions(2), start=1.0)
    assert len(run(Totals(3e6, 2e6), LoopOptions(2), start=10.0)) == 2
    assert len(run(Totals(0.0, 1e-20), LoopOptions(2))) == 2  # nothing is known of a first objective of 0


def test_a_validation_that_is_not_finite_stops_too():
    with pytest.raises(DivergenceError, match="the validation is nan"):
        run(Totals(3.0, 2.0, validation=[1.0, math.nan]), LoopOptions(2))


def test_divergence_says_where_the_last_good_checkpoint_stands_and_keeps_it():
    keeper = Memory()
    with pytest.raises(DivergenceError, match=r"change --ridge \(2 checkpoints\)$"):
        run(Totals(9.0, 8.0, math.inf), LoopOptions(3, checkpoint_every=1), keeper=keeper)
    assert [done for done, _, _ in keeper.saved] == [1, 2]
    with pytest.raises(
        DivergenceError, match=r"\(no checkpoint was asked for, --checkpoint-every keeps one\)$"
    ):
        run(Totals(math.inf), LoopOptions(1))


def test_a_state_that_is_not_finite_is_never_kept():
    trainer, keeper = Totals(9.0, 8.0), Memory()
    trainer.state = lambda: {"done": trainer.done, "moment": np.array([1.0, np.inf])}
    with pytest.raises(DivergenceError, match="the array moment is not finite"):
        run(trainer, LoopOptions(2, checkpoint_every=1), keeper=keeper)
    assert keeper.saved == []


def test_a_trainer_may_say_itself_that_it_cannot_go_on():
    trainer = Totals(9.0, 8.0)

    def epoch(number):
        raise FloatingPointError("the factors are not finite")

    trainer.epoch = epoch
    with pytest.raises(DivergenceError, match=r"epoch 1: the factors are not finite; .*; change --ridge"):
        run(trainer, LoopOptions(2))


def test_numbers_that_overflow_are_one_error_and_no_warnings():
    trainer = Totals(9.0, 8.0)

    def epoch(number):
        return {"total": float(np.sum(np.full(3, 1e200) ** 2))}

    trainer.epoch = epoch
    with pytest.raises(DivergenceError, match="the objective is inf"):
        run(trainer, LoopOptions(2))


# ---------------------------------------------------------------------------------------------- the rest


def test_progress_says_the_stage_and_the_objective():
    log = io.StringIO()
    run(Totals(9.0, 5.0), LoopOptions(2), reporter=Reporter(stream=log), name="fit")
    assert log.getvalue().startswith("fit: 2 epochs, ")
    assert "J = 5" in log.getvalue()


@pytest.mark.parametrize("epochs", [0, -1])
def test_at_least_one_epoch(epochs):
    with pytest.raises(OptionError, match="give another --epochs"):
        LoopOptions(epochs)


@pytest.mark.parametrize("name", ["patience", "checkpoint_every"])
def test_never_is_the_least(name):
    with pytest.raises(OptionError, match=f"{name}=-1; .*--{name.replace('_', '-')}"):
        LoopOptions(3, **{name: -1})


class Interrupted(Totals):
    """Ctrl-C is pressed so many times in the epoch of this number."""

    def __init__(self, *totals, at, times=1):
        super().__init__(*totals)
        self.at, self.times = at, times

    def epoch(self, number):
        if number == self.at:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)
        return super().epoch(number)


@pytest.fixture
def listening():
    """Ctrl-C as Python sets it up, whatever the shell that started the tests says."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler  # put back by the loop
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_lets_the_epoch_end_and_keeps_it(listening):
    memory, log = Memory(), io.StringIO()
    trainer = Interrupted(9.0, 8.0, 7.0, 6.0, at=1)
    with pytest.raises(KeyboardInterrupt):
        run(
            trainer,
            LoopOptions(4, checkpoint_every=3),
            keeper=memory,
            reporter=Reporter(quiet=True, stream=log),
        )
    assert [done for done, _, _ in memory.saved] == [2]
    assert "stops after this epoch and keeps a checkpoint of it" in log.getvalue()
    done, arrays, history = memory.saved[0]
    whole = run(
        Totals(9.0, 8.0, 7.0, 6.0),
        LoopOptions(4, checkpoint_every=3),
        keeper=Memory(start=(done, arrays, history)),
    )
    assert [entry["total"] for entry in whole] == [9.0, 8.0, 7.0, 6.0]


@pytest.mark.parametrize(("every", "times"), [(3, 2), (0, 1)])
def test_ctrl_c_twice_or_without_checkpoints_stops_at_once(listening, every, times):
    memory, trainer = Memory(), Interrupted(9.0, 8.0, 7.0, at=1, times=times)
    with pytest.raises(KeyboardInterrupt):
        run(trainer, LoopOptions(3, checkpoint_every=every), keeper=memory)
    assert memory.saved == []
    assert trainer.seen == [0]


def test_an_epoch_says_how_far_it_is():
    class Slow(Totals, Paced):
        """Stops half way to look at the progress line."""

        def epoch(self, number):
            self.pace(0.5)
            lines.append(reporter.shown)
            return super().epoch(number)

    class Shown(Reporter):
        """Remembers the last live line, and shows every one."""

        interval = 0.0
        shown = ""

        def line(self, text, *, live=False):
            self.shown = text if live else self.shown

    lines, reporter = [], Shown()
    reporter.interval = 0.0
    run(Slow(9.0, 8.0), LoopOptions(2), reporter=reporter)
    assert [line.split(" · ")[0] for line in lines] == ["fit: 0.5/2 epochs", "fit: 1.5/2 epochs"]
