"""Cell updates against a twin in plain Python, and what they promise: bits, stability, refusals."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from naive_cells import adagrad, implicit, order
from scipy.sparse import csr_array, random_array

from morphvec.engine.local import LocalEngine
from morphvec.errors import OptionError
from morphvec.kernels.batches import mix
from morphvec.report import Reporter
from morphvec.rng import stream
from morphvec.solvers import cellwise
from morphvec.solvers.batch_options import BatchOptions
from morphvec.solvers.cellwise import CellUpdates
from morphvec.solvers.penalties import SparsePenalty
from morphvec.solvers.problem import Problem
from morphvec.solvers.solve import solve

F64 = np.dtype(np.float64)
ONE = LocalEngine(1)
CELLS = BatchOptions(updates="cell", schedule="constant")


def problem(rows=30, columns=20, *, density=0.3, ridges=(0.0, 0.0), biases=False, seed=0, heavy=1.0):
    generator = stream(seed)
    matrix = random_array((rows, columns), density=density, rng=generator, format="csr")
    matrix.data = generator.standard_normal(matrix.nnz) + 1
    weights = generator.random(matrix.nnz) + 0.1
    weights[:: max(1, matrix.nnz // 3)] *= heavy
    return Problem(matrix, weights, 0.0, None, (), ridges[0], 0.0, ridges[1], biases=biases)


def trainer(made, k=4, *, solver="adagrad", epochs=5, dtype=F64, threads=1, options=CELLS, seed=1):
    return CellUpdates(
        made, k, solver=solver, options=options, epochs=epochs, seed=seed, dtype=dtype, engine=LocalEngine(threads)
    )  # fmt: skip


def met_in_order(made):
    """(row, column, w, x) of every cell of an epoch, in order."""
    tiles, found = made._tiles, []
    strata = tiles.strata()
    for turn in range(cellwise.ROUNDS):
        for stratum in made._order:
            for place in strata[stratum]:
                low, high = int(tiles.starts[place]), int(tiles.starts[place + 1])
                for n in order(None, low, high, cellwise.ROUNDS, turn, made._key, lambda key, run: int(mix(key, np.uint64(run)))):  # fmt: skip
                    w = tiles.values[n, 3]
                    found.append(
                        (int(tiles.places[n, 0]), int(tiles.places[n, 1]), w, tiles.values[n, 2] / w)
                    )
    return found


@pytest.fixture(params=[1, 3])
def grid(request, monkeypatch):
    """Tiles of few cells, so that a small problem has a grid."""
    monkeypatch.setattr("morphvec.solvers.tiles._CELLS", 1 if request.param == 3 else 2048)
    return request.param


@pytest.mark.parametrize("solver", ["adagrad", "sgd"])
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("ridges", [(0.0, 0.0), (0.7, 0.3)])
def test_an_epoch_is_the_formula_cell_by_cell(solver, biases, ridges, grid):
    given = problem(ridges=ridges, biases=biases)
    made = trainer(given, solver=solver)
    assert made._tiles.grid == 1 if grid == 1 else made._tiles.grid > 2
    cells = met_in_order(made)
    assert sorted((t, f) for t, f, _, _ in cells) == sorted(zip(*given.matrix.nonzero(), strict=True))
    U, S = made.P.tolist(), made.S.tolist()
    HU, HS = np.ones_like(made.P).tolist(), np.ones_like(made.S).tolist()
    decays = None
    if any(ridges):
        dense = given.matrix.toarray() != 0
        decays = [ridges[side] / np.maximum(dense.sum(axis=1 - side), 1) for side in (0, 1)]
    for number in range(2):
        made.epoch(number)
        if solver == "adagrad":
            adagrad(cells, U, S, HU, HS, 0.05, biases, decays)
        else:
            implicit(cells, U, S, 0.05, biases, decays)
    np.testing.assert_allclose(made.P, U, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(made.S, S, rtol=1e-9, atol=1e-12)
    if biases:
        assert np.all(made.P[:, -1] == 1)
        assert np.all(made.S[:, -2] == 1)


def test_the_published_adagrad_by_hand():
    """One cell, one dimension, a bias each: two visits written out."""
    given = Problem(csr_array([[2.0]]), np.array([0.5]), 0.0, None, (), 0.0, 0.0, 0.0, biases=True)
    made = trainer(given, 1)
    u, s, b, c = 0.3, -0.4, 0.0, 0.0
    made.P[:], made.S[:] = [[u, b, 1]], [[s, 1, c]]
    h = [1.0] * 4
    for number in range(2):
        made.epoch(number)
        e = 0.5 * (u * s + b + c - 2)
        steps = [0.05 * e * other for other in (s, u, 1, 1)]
        u, s, b, c = (
            old - step / math.sqrt(sum_) for old, step, sum_ in zip((u, s, b, c), steps, h, strict=True)
        )
        h = [sum_ + step**2 for sum_, step in zip(h, steps, strict=True)]
        assert made.P[0] == pytest.approx([u, b, 1], rel=1e-12)
        assert made.S[0] == pytest.approx([s, 1, c], rel=1e-12)


def test_met_is_the_mean_loss_before_each_move_and_total_the_objective_after():
    given = problem()
    made = trainer(given, solver="sgd")
    U, S = made.P.tolist(), made.S.tolist()
    losses = []
    for cell in met_in_order(made):
        t, f, w, x = cell
        losses.append(w * (np.dot(U[t], S[f]) - x) ** 2)
        implicit([cell], U, S, 0.05)
    entry = made.epoch(0)
    assert entry["met"] == pytest.approx(np.mean(losses), rel=1e-9)
    assert entry["total"] == pytest.approx(given.objective(made.P, made.S).total, rel=1e-12)


@pytest.mark.parametrize("solver", ["adagrad", "sgd"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_on_any_number_of_threads(solver, dtype, grid):
    given = problem(200, 150, ridges=(0.1, 0.1), biases=True)
    runs = [
        solve(given, 6, solver, 3, dtype=dtype, batch=CELLS, engine=LocalEngine(threads))
        for threads in (1, 2, 4)
    ]
    for other in runs[1:]:
        assert np.array_equal(other.U, runs[0].U)
        assert np.array_equal(other.S, runs[0].S)
        assert all(np.array_equal(*pair) for pair in zip(other.biases, runs[0].biases, strict=True))
        assert [entry["total"] for entry in other.history] == [e["total"] for e in runs[0].history]
    assert not np.array_equal(runs[0].U, solve(given, 6, solver, 3, seed=1, dtype=dtype, batch=CELLS).U)


@pytest.mark.parametrize("solver", ["adagrad", "sgd"])
def test_two_epochs_and_two_of_another_trainer_are_four(solver):
    given = problem(biases=True)
    options = BatchOptions(updates="cell", schedule="linear")
    whole, first, second = (trainer(given, solver=solver, epochs=4, options=options) for _ in range(3))
    wanted = [whole.epoch(number) for number in range(4)]
    begun = [first.epoch(number) for number in range(2)]
    state = first.state()
    first.epoch(2)
    second.restore(state)
    assert begun + [second.epoch(number) for number in (2, 3)] == wanted
    assert np.array_equal(second.P, whole.P)
    assert np.array_equal(second.S, whole.S)
    assert wanted[-1]["learning_rate"] == pytest.approx(0.05 * (1 - (3 + 7 / 8) / 4))


@pytest.mark.parametrize("heavy", [1.0, 1e6])
def test_sgd_is_stable_at_any_weight(heavy):
    """Targets of rank 2, a third of them heavy: the loss stays bounded on the way, and falls to nearly nothing."""
    generator = stream(0)
    A, B = generator.standard_normal((60, 2)), generator.standard_normal((40, 2))
    weights = np.where(generator.random(2400) < 0.3, heavy, 1.0)
    given = Problem(csr_array(A @ B.T), weights, 0.0, None, (), 0.0, 0.0, 0.0)
    start = trainer(given, 3, solver="sgd")
    before = given.objective(start.P, start.S).total
    batch = BatchOptions(updates="cell", learning_rate=0.3, schedule="constant")
    found = solve(given, 3, "sgd", 60, dtype="float64", batch=batch, engine=ONE)
    assert max(entry["total"] for entry in found.history) < 10 * before
    assert found.history[-1]["total"] < 1e-3 * before


def test_the_ridge_of_an_epoch_is_the_ridge_of_the_objective():
    """Targets of the scores themselves leave nothing but the ridge: γ X over an epoch, spread over a row's cells."""
    given = problem(40, 30, density=0.5, ridges=(0.9, 0.4))
    made = trainer(
        given, solver="sgd", options=BatchOptions(updates="cell", schedule="constant", learning_rate=1e-6)
    )
    P, S = made.P.copy(), made.S.copy()
    dP, dS = given.gradient(P, S)
    made.epoch(0)
    np.testing.assert_allclose((P - made.P) / 1e-6, dP / 2, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose((S - made.S) / 1e-6, dS / 2, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("solver", "epochs", "rate"), [("adagrad", 150, 0.5), ("sgd", 150, 0.3)])
def test_it_comes_to_the_optimum_of_als(solver, epochs, rate):
    given = problem(30, 20, ridges=(0.3, 0.3))
    best = min(solve(given, 3, epochs=100, seed=seed, engine=ONE).history[-1]["total"] for seed in range(3))
    batch = BatchOptions(updates="cell", learning_rate=rate, schedule="cosine")
    found = min(
        solve(given, 3, solver, epochs, seed=seed, batch=batch, engine=ONE).history[-1]["total"]
        for seed in range(3)
    )
    assert found < 1.02 * best


def test_what_cannot_act_on_a_cell_is_refused_by_name_with_the_mend():
    matrix = csr_array(np.ones((3, 3)))
    ring = csr_array([[1.0, -1, 0], [-1, 1, 0], [0, 0, 0]])
    cases = {
        r"updates=cell with unobserved cells; .*; use --solver als, or --updates dense": (0.3, None, ()),
        r"updates=cell with words made of parts;": (0.0, csr_array(np.ones((3, 4))), ()),
        r"updates=cell with constraints;": (0.0, None, [(1.0, SparsePenalty(ring))]),
        r"updates=cell with unobserved cells, constraints;": (0.1, None, [(1.0, SparsePenalty(ring))]),
    }
    for message, (alpha, B, penalties) in cases.items():
        with pytest.raises(OptionError, match=message):
            solve(Problem(matrix, np.ones(9), alpha, B, penalties), 2, "sgd", 1, batch=CELLS)
    with pytest.raises(OptionError, match=r"updates=cell, solver=adam; .*; use --solver adagrad"):
        solve(Problem(matrix, np.ones(9), 0.0), 2, "adam", 1, batch=CELLS)
    solve(Problem(matrix, np.ones(9), 0.0, None, [(0.0, SparsePenalty(ring))]), 2, "sgd", 1, batch=CELLS)


def test_settings_that_cell_updates_do_not_read_are_named_in_one_line():
    log = io.StringIO()
    batch = BatchOptions(updates="cell", momentum=0.5, batch=7)
    solve(problem(), 2, "sgd", 1, batch=batch, engine=ONE, reporter=Reporter(quiet=True, stream=log))
    assert log.getvalue().count("\n") == 1
    assert "--updates cell does not use --batch, --momentum: only --updates dense, lazy do" in log.getvalue()
    log = io.StringIO()
    solve(problem(), 2, "sgd", 1, batch=CELLS, engine=ONE, reporter=Reporter(quiet=True, stream=log))
    assert log.getvalue() == ""
