"""What every solver shares: cells held out of training, checkpoints, early stopping, settings."""

from __future__ import annotations

import io
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_array
from solver_problems import KINDS, make

import naive
from morphvec.engine.local import LocalEngine
from morphvec.errors import ArtifactError, DivergenceError, OptionError
from morphvec.report import Reporter
from morphvec.rng import stream
from morphvec.solvers.als import AlternatingLeastSquares
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions
from morphvec.solvers.problem import Problem
from morphvec.solvers.solve import check_settings, solve
from morphvec.solvers.validation import HeldOut, held_out
from morphvec.training import kept

ONE = LocalEngine(1)
FLOAT64 = np.dtype(np.float64)


class Memory:
    """A keeper that remembers every checkpoint and starts from the one that it is given."""

    def __init__(self, start=None):
        self.saved, self.start = [], start

    def save(self, epochs_done, state, history):
        arrays = {name: np.array(array) for name, array in state.items()}
        self.saved.append((epochs_done, arrays, [dict(entry) for entry in history]))

    def load(self):
        return self.start

    def describe(self):
        return "in memory"


def bits(found):
    return [array.tobytes() for array in (found.P, found.S, found.U)]


def timeless(history):
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in history]


# ---------------------------------------------------------------------------------------------- going on


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_epochs_and_four_of_another_trainer_are_six(kind, dtype):
    def fresh():
        return AlternatingLeastSquares(
            make(kind, rows=40, columns=30).problem,
            5, steps=6, row_steps=3, tolerance=0.0, seed=3, dtype=np.dtype(dtype), engine=ONE,
        )  # fmt: skip

    whole, first, second = fresh(), fresh(), fresh()
    wanted = [whole.epoch(number) for number in range(6)]
    begun = [first.epoch(number) for number in range(2)]
    state = first.state()
    before = {name: array.copy() for name, array in state.items()}
    first.epoch(2)
    assert all(np.array_equal(state[name], before[name]) for name in state)  # a state is not written again
    second.restore(state)
    assert begun + [second.epoch(number) for number in range(2, 6)] == wanted
    assert bits(second) == bits(whole)
    assert all(np.array_equal(state[name], before[name]) for name in state)


@pytest.mark.parametrize("solver", MINIBATCH)
@pytest.mark.parametrize("more", [{}, {"updates": "lazy", "edge_samples": 3, "oversample_rare": 0.5}])
def test_a_run_by_mini_batches_goes_on_too(solver, more):
    given = {
        "epochs": 6, "checkpoint_every": 2, "engine": ONE, "validation": 0.2, "patience": 2,
        "batch": BatchOptions(batch=20, learning_rate=0.01, **more),
    }  # fmt: skip
    keeper = Memory()
    whole = solve(make("both").problem, 4, solver, keeper=keeper, **given)
    assert len(keeper.saved) >= 1
    for start in keeper.saved:
        found = solve(make("both").problem, 4, solver, keeper=Memory(start), **given)
        assert bits(found) == bits(whole)
        assert timeless(found.history) == timeless(whole.history)


def test_a_checkpoint_of_other_arrays_is_refused():
    def checkpoint(kind="both", **more):
        keeper = Memory()
        given = {"dim": 4, **more}
        solve(make(kind).problem, epochs=2, checkpoint_every=1, keeper=keeper, engine=ONE, **given)
        return keeper.saved[0]

    solve(make("both").problem, 4, epochs=2, keeper=Memory(checkpoint()), engine=ONE)
    for start in (checkpoint(dim=3), checkpoint("plain"), checkpoint(dtype="float64")):
        with pytest.raises(ArtifactError, match=r"other arrays .*; in memory; run again without --resume"):
            solve(make("both").problem, 4, epochs=2, keeper=Memory(start), engine=ONE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "more", [{}, {"validation": 0.2}, {"validation": 0.2, "patience": 2}, {"tolerance": 1e-3}]
)
def test_a_run_from_any_checkpoint_has_the_bits_of_the_whole(kind, more):
    given = {"epochs": 9, "checkpoint_every": 2, "engine": ONE, **more}
    keeper = Memory()
    whole = solve(make(kind).problem, 4, keeper=keeper, **given)
    assert len(keeper.saved) >= (1 if len(whole.history) > 1 else 0)
    for start in keeper.saved:
        found = solve(make(kind).problem, 4, keeper=Memory(start), **given)
        assert bits(found) == bits(whole)
        assert timeless(found.history) == timeless(whole.history)


def test_checkpoints_are_never_of_numbers_that_are_not_finite():
    X = stream(0).random((50, 40)) * 1e30
    keeper = Memory()
    with pytest.raises(DivergenceError, match=r"change --ridge \(in memory\)"):
        solve(Problem(csr_array(X), np.ones(X.size), 0.3), 5, checkpoint_every=1, keeper=keeper)
    assert all(np.isfinite(array).all() for _, state, _ in keeper.saved for array in state.values())


# ---------------------------------------------------------------------------------------------- validation


def big(order=None, rows=400, columns=300):
    """A problem with many cells; its stored entries may be given in any order."""
    generator = stream(1)
    place = np.flatnonzero(generator.random(rows * columns) < 0.2)
    x, w = generator.random(len(place)), generator.random(len(place)) + 0.1
    order = np.arange(len(place)) if order is None else order(len(place))
    rows_, columns_ = np.divmod(place[order], columns)
    shape = (rows, columns)
    return Problem(
        csr_array((x[order], (rows_, columns_)), shape=shape),
        csr_array((w[order], (rows_, columns_)), shape=shape),
        0.3,
    )


def test_the_slice_is_a_share_that_hangs_on_nothing_but_the_cell_and_the_seed():
    problem = big()
    mask = held_out(problem, 0.1, 0, ONE)
    cells, drawn = problem.matrix.nnz, int(mask.sum())
    assert abs(drawn - 0.1 * cells) < 5 * math.sqrt(0.09 * cells)
    assert np.array_equal(mask, held_out(problem, 0.1, 0, LocalEngine(4)))
    shuffled = big(lambda size: stream(2).permutation(size))
    assert np.array_equal(mask, held_out(shuffled, 0.1, 0, ONE))
    # a larger share holds the smaller one; a cell keeps its lot when rows below it come and go
    assert not np.any(mask & ~held_out(problem, 0.3, 0, ONE))
    part = Problem(problem.matrix[:50], problem.weights[: problem.matrix.indptr[50]], 0.3)
    assert np.array_equal(held_out(part, 0.1, 0, ONE), mask[: problem.matrix.indptr[50]])
    other = held_out(problem, 0.1, 1, ONE)
    both = int((mask & other).sum())
    assert abs(both - 0.01 * cells) < 5 * math.sqrt(0.01 * cells)


def test_the_slice_is_spread_evenly_over_rows_and_columns():
    problem = big()
    mask = held_out(problem, 0.25, 7, ONE)
    drawn = csr_array(
        (mask.astype(float), problem.matrix.indices, problem.matrix.indptr), problem.matrix.shape
    )
    for axis in (0, 1):
        many, sizes = drawn.sum(axis=axis), np.diff((drawn.tocsc() if axis == 0 else drawn).indptr)
        z = (many - 0.25 * sizes) / np.sqrt(sizes * 0.25 * 0.75)
        assert abs(z.mean()) < 0.25
        assert 0.8 < z.std() < 1.2


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_held_out_is_neither_fit_nor_unobserved(kind):
    case = make(kind, rows=30, columns=20)
    slice_ = HeldOut(case.problem, 0.3, 0, FLOAT64, ONE)
    mask = held_out(case.problem, 0.3, 0, ONE)
    P, S = case.factors(3)
    left_out = np.zeros(case.X.shape, bool)
    rows = np.repeat(np.arange(30), np.diff(case.problem.matrix.indptr))
    left_out[rows[mask], case.problem.matrix.indices[mask]] = True
    W = np.where(left_out, 0, case.W)
    wanted = naive.objective(
        case.X, W, case.stored, case.alpha, case.B, case.laplacians, case.gammas, P, S
    )  # stored, of weight 0
    found = slice_.training.objective(P, S)
    assert found.total == pytest.approx(wanted["total"], rel=1e-10)
    assert found.fit == pytest.approx(wanted["fit"], rel=1e-10)
    assert found.unobserved == pytest.approx(wanted["unobserved"], rel=1e-9)
    # its target is of no account, neither for the objective nor for the gradient
    values = np.where(mask, 1e3, case.problem.matrix.data)
    matrix = csr_array((values, case.problem.matrix.indices, case.problem.matrix.indptr), case.X.shape)
    changed = HeldOut(
        Problem(matrix, case.problem.weights, case.alpha, case.B, case.problem.penalties, 0.4, 0.9, 0.6),
        0.3, 0, FLOAT64, ONE,
    ).training  # fmt: skip
    assert changed.objective(P, S) == found
    for one, two in zip(changed.gradient(P, S), slice_.training.gradient(P, S), strict=True):
        assert np.array_equal(one, two)
    U = P if case.B is None else case.B @ P
    errors = (U @ S.T - case.X)[left_out]
    w = case.W[left_out]
    assert slice_.loss(U, S) == pytest.approx(np.sum(w * errors**2) / np.sum(w), rel=1e-12)


def test_the_loss_has_the_same_bits_on_any_number_of_threads():
    problem = big()
    U, S = (stream(0, 0, side).standard_normal((rows, 6), np.float32) for side, rows in enumerate((400, 300)))
    losses = {
        HeldOut(problem, 0.4, 0, np.dtype(np.float32), LocalEngine(threads)).loss(U, S)
        for threads in (1, 2, 5)
    }
    assert len(losses) == 1


def test_every_epoch_reports_the_loss_on_the_slice_and_training_does_not_see_it():
    case = make("plain", rows=40, columns=30)
    found = solve(case.problem, 3, epochs=4, validation=0.25, dtype="float64", engine=ONE)
    slice_ = HeldOut(case.problem, 0.25, 0, FLOAT64, ONE)
    assert list(found.history[0])[-2:] == ["validation", "seconds"]
    assert found.history[-1]["validation"] == slice_.loss(found.U, found.S)
    assert found.history[-1]["total"] == slice_.training.objective(found.P, found.S).total
    alone = solve(slice_.training, 3, epochs=4, dtype="float64", engine=ONE)
    assert bits(alone) == bits(found)


def test_patience_returns_the_factors_of_the_best_epoch():
    """Noise fitted with as many dimensions as it has: the loss on held-out cells rises soon."""
    X = stream(0).standard_normal((30, 20))
    problem = Problem(csr_array(X), np.ones(X.size), 0.0, None, (), 0.05, 0.05, 0.05)
    given = {"dim": 8, "validation": 0.2, "dtype": "float64", "engine": ONE}
    found = solve(problem, epochs=60, patience=3, **given)
    losses = [entry["validation"] for entry in found.history]
    best = losses.index(min(losses)) + 1
    assert len(losses) == best + 3 < 60
    assert kept(found.history)["epoch"] == best
    assert bits(found) == bits(solve(problem, epochs=best, **given))


@pytest.mark.parametrize("share", [1e-9, 0.5])
def test_a_slice_without_a_cell_is_refused(share):
    problem = Problem(csr_array(np.ones((1, 1))), np.ones(1), 0.3)
    refused = 0
    for seed in range(8):  # one cell: in the one slice or in the other
        try:
            HeldOut(problem, share, seed, FLOAT64, ONE)
        except OptionError as error:
            assert "validation=" in str(error)  # noqa: PT017
            refused += 1
    assert refused == 8


# ---------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"validation": -0.1}, "validation=-0.1"),
        ({"validation": 0.6}, "validation=0.6"),
        ({"validation": math.nan}, "validation=nan"),
        ({"patience": -1}, "patience=-1"),
        ({"patience": 2}, "--validation 0.02"),
        ({"checkpoint_every": -1}, "checkpoint_every=-1"),
    ],
)
def test_settings_out_of_range_are_refused_before_any_work(options, named):
    with pytest.raises(OptionError, match=named):
        check_settings(5, "als", 8, 6, 0.0, 0, **options)
    with pytest.raises(OptionError, match=named):
        solve(make().problem, 2, **options)


def test_als_says_in_one_line_what_it_does_not_use():
    log = io.StringIO()
    batch = BatchOptions(learning_rate=0.1, momentum=0.5)
    solve(
        make().problem, 2, epochs=1, batch=batch, row_rates=np.ones(14), engine=ONE,
        reporter=Reporter(quiet=True, stream=log),
    )  # fmt: skip
    assert log.getvalue().count("\n") == 1
    assert "als does not use --learning-rate, --momentum, --oversample-language: only" in log.getvalue()
    log = io.StringIO()
    solve(make().problem, 2, epochs=1, engine=ONE, reporter=Reporter(quiet=True, stream=log))
    assert log.getvalue() == ""


def test_the_other_solvers_get_their_settings_and_name_their_knob(monkeypatch):
    """With a stand-in for the mini-batch trainer: what solve hands over, not what it does."""
    case, made = make(), []

    class Standin:
        def __init__(self, problem, dim, **settings):
            made.append((problem, dim, settings))
            self.P, self.S = case.factors(dim)
            self.U = self.P

        def epoch(self, number):
            return {"total": 1.0 if number < 2 else math.inf, "learning_rate": 0.5}

    monkeypatch.setitem(sys.modules, "morphvec.solvers.minibatch", SimpleNamespace(MiniBatch=Standin))
    batch, rates, log = BatchOptions(batch=7, momentum=0.5), np.ones(14), io.StringIO()
    reporter = Reporter(quiet=True, stream=log)
    given = {"seed": 4, "batch": batch, "row_rates": rates, "engine": ONE, "reporter": reporter}
    found = solve(case.problem, 3, "adam", 2, **given)
    problem, dim, settings = made[0]
    assert problem is case.problem
    assert dim == 3
    assert settings == {
        "solver": "adam", "options": batch, "epochs": 2, "seed": 4, "dtype": np.dtype(np.float32), "engine": ONE,
        "row_rates": rates,
    }  # fmt: skip
    assert found.history[0]["learning_rate"] == 0.5
    assert log.getvalue() == ""  # nothing is unused
    with pytest.raises(DivergenceError, match="change --learning-rate"):
        solve(case.problem, 3, "sgd", 3, **given)
    held = solve(case.problem, 3, "adagrad", 2, validation=0.3, **given)
    assert made[-1][0] is not case.problem
    assert held.history[-1]["validation"] > 0
