"""The mini-batch solvers against the laws of their estimator, and against the optimum."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy.sparse import csr_array
from solver_problems import KINDS, make

import naive
from morphvec.engine.local import LocalEngine
from morphvec.errors import OptionError
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions
from morphvec.solvers.minibatch import MiniBatch
from morphvec.solvers.penalties import edge_penalty
from morphvec.solvers.problem import Problem
from morphvec.solvers.solve import solve

F64 = np.dtype(np.float64)


def trainer(problem, k=3, *, solver="sgd", epochs=5, seed=1, dtype=F64, threads=1, row_rates=None, **options):
    return MiniBatch(
        problem,
        k,
        solver=solver,
        options=BatchOptions(**options),
        epochs=epochs,
        seed=seed,
        dtype=dtype,
        engine=LocalEngine(threads),
        row_rates=row_rates,
    )


def closeness(found, wanted):
    return np.abs(found - wanted).max() / np.abs(wanted).max()


# ------------------------------------------------------------------------------------- the estimator


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, 4, 7, 0, 10_000])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-4)])
def test_over_an_epoch_the_batches_average_to_the_full_gradient(kind, batch, dtype, tolerance):
    case = make(kind)
    made = trainer(case.problem, dtype=np.dtype(dtype), batch=batch)
    for epoch in (0, 3):
        sizes, dP, dS = [], 0.0, 0.0
        for number in range(made.batches):
            gP, gS = made.gradient(epoch, number)
            sizes.append(made.batch_size(epoch, number))
            dP = dP + gP * (sizes[-1] / made.cells)
            dS = dS + gS * (sizes[-1] / made.cells)
        assert sum(sizes) == made.cells == case.stored.sum()
        assert max(sizes) - min(sizes) <= 1
        wanted = case.problem.gradient(made.P, made.S)
        assert closeness(dP, wanted[0]) < tolerance
        assert closeness(dS, wanted[1]) < tolerance


def test_a_batch_is_the_formula_over_its_cells():
    """One cell a batch: g_B = nnz ∂[w(u·s − x)² − α(u·s)²] + the rest, cell by cell."""
    case = make("plain")
    made = trainer(case.problem, batch=1)
    everything = 2 * made.U @ (made.S.T @ (case.alpha[:, None] * made.S)) + 2 * 0.4 * made.P
    met = set()
    for number in range(made.batches):
        gP, _ = made.gradient(0, number)
        moved = np.flatnonzero(np.abs(gP - everything).max(axis=1) > 1e-9)
        assert len(moved) <= 1
        fits = []
        for t, f in zip(*np.nonzero(case.stored), strict=True):
            d = made.U[t] @ made.S[f]
            g = 2 * made.cells * (case.W[t, f] * (d - case.X[t, f]) - case.alpha[f] * d) * made.S[f]
            wanted = everything.copy()
            wanted[t] += g
            if np.allclose(gP, wanted, rtol=1e-9, atol=1e-9):
                fits.append((t, f))
        met.update(fits)
        assert fits
    assert len(met) == made.cells


def test_full_batch_is_the_full_gradient():
    case = make("both")
    made = trainer(case.problem, batch=0)
    assert made.batches == 1
    for found, wanted in zip(made.gradient(0, 0), case.problem.gradient(made.P, made.S), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def averaged(made, steps):
    """Mean and standard error of g_B over many steps."""
    total, squares = 0.0, 0.0
    for number in range(steps):
        g = np.concatenate([part.ravel() for part in made.gradient(*divmod(number, made.batches))])
        total, squares = total + g, squares + g * g
    mean = total / steps
    return mean, np.sqrt(np.maximum(squares / steps - mean**2, 0) / steps)


@pytest.mark.parametrize(
    "options",
    [
        {"unobserved_samples": 60},
        {"oversample_rare": 1.0},
        {"edge_samples": 4},
        {"edge_samples": 4, "oversample_class": 0.8},
        {"unobserved_samples": 40, "edge_samples": 3, "oversample_rare": 0.5},
    ],
    ids=str,
)
def test_sampling_leaves_the_gradient_unbiased(options):
    case = make("both")
    made = trainer(case.problem, 2, batch=10, **options)
    mean, error = averaged(made, 1000)
    wanted = np.concatenate([part.ravel() for part in case.problem.gradient(made.P, made.S)])
    off = np.abs(mean - wanted) / np.maximum(error, 1e-9 * np.abs(wanted).max())
    assert off.max() < 5  # standard errors, over about 60 numbers
    assert np.linalg.norm(mean - wanted) < 0.15 * np.linalg.norm(wanted)


def test_row_rates_draw_the_cells_of_a_language_more_often_and_importance_undoes_it():
    case = make("plain")
    rates = np.where(np.arange(14) < 7, 5.0, 1.0)
    made = trainer(case.problem, 2, batch=10, row_rates=rates)
    mean, error = averaged(made, 1000)
    wanted = np.concatenate([part.ravel() for part in case.problem.gradient(made.P, made.S)])
    assert (np.abs(mean - wanted) / np.maximum(error, 1e-9)).max() < 5


def test_without_importance_the_named_objective_is_the_one_whose_gradient_is_followed():
    case = make("plain")
    rates = np.where(np.arange(14) < 7, 5.0, 1.0)
    made = trainer(case.problem, 2, batch=10, row_rates=rates, oversample_rare=0.5, importance=False)
    assert "nnz·q" in made.minimised
    assert trainer(case.problem, 2, row_rates=rates).minimised == "J"
    q = np.where(case.stored & (case.W > 0), rates[:, None] * np.where(case.W > 0, case.W, 1) ** -0.5, 0)
    q /= q.sum()
    U, S = made.U.copy(), made.S.copy()
    d = U @ S.T
    e = made.cells * q * case.stored * (case.W * (d - case.X) - case.alpha * d) + case.alpha * d
    wanted = np.concatenate([(2 * (e @ S + 0.4 * U)).ravel(), (2 * (e.T @ U + 0.6 * S)).ravel()])
    mean, error = averaged(made, 1000)
    assert (np.abs(mean - wanted) / np.maximum(error, 1e-9)).max() < 5


def test_rare_cells_cannot_be_told_apart_by_one_weight():
    case = make("plain")
    matrix = case.problem.matrix
    problem = Problem(matrix, np.ones(matrix.nnz), 0.1)
    with pytest.raises(OptionError, match=r"oversample_rare=1\.0 with one weight"):
        trainer(problem, oversample_rare=1.0)


# ------------------------------------------------------------------------------------- steps


def test_sgd_without_momentum_is_gradient_descent_by_the_formula():
    case = make("both")
    made = trainer(case.problem, batch=0, momentum=0.0, learning_rate=0.01, schedule="constant")
    P, S = made.P.copy(), made.S.copy()
    made.epoch(0)
    gP, gS = case.problem.gradient(P, S)
    rate = (P - made.P)[0, 0] / gP[0, 0]
    assert rate > 0
    np.testing.assert_allclose(made.P, P - rate * gP, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(made.S, S - rate * gS, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(made.U, case.B @ made.P, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("solver", ["adagrad", "adam"])
def test_adagrad_and_adam_step_by_their_formulas(solver):
    case = make("both")
    made = trainer(case.problem, solver=solver, batch=0, learning_rate=0.05, schedule="constant")
    X = [made.P.copy(), made.S.copy()]
    first, second = [np.zeros_like(x) for x in X], [np.zeros_like(x) for x in X]
    moved = [None, None]
    for number in range(1, 5):
        made.epoch(number - 1)
        for i, g in enumerate(case.problem.gradient(*X)):
            if solver == "adagrad":
                second[i] += g * g
                move = 0.05 * g / np.sqrt(second[i])
            else:
                first[i] = 0.9 * first[i] + 0.1 * g
                second[i] = 0.999 * second[i] + 0.001 * g * g
                move = 0.05 * (first[i] / (1 - 0.9**number)) / np.sqrt(second[i] / (1 - 0.999**number))
            moved[i] = X[i] - move  # both sides step from the same point
        X = list(moved)
        np.testing.assert_allclose(made.P, X[0], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(made.S, X[1], rtol=1e-7, atol=1e-9)


@functools.cache
def lowest_by_als(kind):
    case = make(kind, rows=30, columns=20)  # so small a problem has several valleys
    return min(solve(case.problem, 2, epochs=40, seed=seed).history[-1]["total"] for seed in range(3))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", MINIBATCH)
def test_every_solver_comes_within_one_percent_of_als(kind, solver):
    case = make(kind, rows=30, columns=20)
    rate = BatchOptions(learning_rate={"sgd": 1.5, "adagrad": 0.5, "adam": 0.05}[solver], batch=40)
    ends = (
        solve(case.problem, 2, solver, epochs=150, seed=seed, batch=rate).history[-1]["total"]
        for seed in range(3)
    )
    assert any(end < 1.01 * lowest_by_als(kind) for end in ends)


def test_a_schedule_ends_where_it_says():
    case = make("plain")
    last = {
        name: trainer(case.problem, solver="adam", epochs=4, schedule=name, batch=0, learning_rate=0.1)
        for name in ("constant", "linear", "cosine", "inverse")
    }
    rates = {name: [made.epoch(n)["learning_rate"] for n in range(4)] for name, made in last.items()}
    assert rates["constant"] == [0.1] * 4
    assert rates["linear"] == pytest.approx([0.1, 0.075, 0.05, 0.025])
    assert rates["cosine"] == pytest.approx([0.1 * (1 + np.cos(np.pi * n / 4)) / 2 for n in range(4)])
    assert rates["inverse"] == pytest.approx([0.1 / (1 + 9 * n / 4) for n in range(4)])


def test_clipping_shortens_a_step_and_keeps_its_direction():
    case = make("plain")
    long, short = (
        trainer(case.problem, batch=0, momentum=0.0, learning_rate=1e-3, schedule="constant", clip=clip)
        for clip in (None, 0.5)
    )
    start = long.P.copy()
    gP, gS = (part.copy() for part in long.gradient(0, 0))
    for made in (long, short):
        made.epoch(0)
    norm = np.sqrt(np.sum(gP**2) + np.sum(gS**2))
    assert norm > 0.5
    np.testing.assert_allclose((short.P - start) * norm / 0.5, long.P - start, rtol=1e-6, atol=1e-12)


# ------------------------------------------------------------------------------------- lazy and dense


@pytest.mark.parametrize("solver", MINIBATCH)
def test_lazy_moves_only_rows_with_a_cell_in_the_step_and_dense_moves_all(solver):
    case = make("plain")
    lazy, dense = (
        trainer(case.problem, solver=solver, batch=3, updates=name, schedule="constant")
        for name in ("lazy", "dense")
    )
    for made in (lazy, dense):
        P, S = made.P.copy(), made.S.copy()
        made._curvature = made._norm = 1e9
        made._step(0, 0, 0.01)
        still = (int(np.all(P == made.P, axis=1).sum()), int(np.all(S == made.S, axis=1).sum()))
        assert still[0] >= 14 - 3 if made is lazy else still == (0, 0)
    assert "lazy" in lazy.minimised
    assert dense.minimised == "J"


@pytest.mark.parametrize("kind", KINDS)
def test_lazy_and_dense_agree_where_every_row_has_a_cell_in_every_step(kind):
    case = make(kind)
    full = case.stored.copy()
    matrix = csr_array(np.where(full, case.X, 0.5))
    problem = Problem(
        matrix,
        np.ones(matrix.nnz),
        case.alpha,
        case.problem.composition,
        case.problem.penalties,
        0.4,
        0.9,
        0.6,
    )
    assert matrix.nnz > 150
    one, two = (
        trainer(problem, solver="adam", batch=0, updates=name, epochs=3) for name in ("lazy", "dense")
    )
    for number in range(3):
        one.epoch(number)
        two.epoch(number)
    rows = np.flatnonzero(np.diff(matrix.indptr) > 0)
    assert len(rows) == 14
    np.testing.assert_allclose(one.P, two.P, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(one.S, two.S, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("edge_samples", [0, 5])
def test_lazy_moves_the_ends_of_edges_too(edge_samples):
    case = make("plain")
    edges = np.array([[2, 9]])  # word 2 has no cell at all
    words = csr_array(np.eye(14))
    penalty = edge_penalty(words, edges, np.zeros(1, int), np.ones(1))
    problem = Problem(case.problem.matrix, case.problem.weights, 0.0, None, [(1.0, penalty)])
    made = trainer(problem, solver="adam", batch=5, updates="lazy", edge_samples=edge_samples)
    before = made.P[2].copy()
    made.epoch(0)
    assert not np.array_equal(before, made.P[2])


# ------------------------------------------------------------------------------------- state


@pytest.mark.parametrize("solver", MINIBATCH)
@pytest.mark.parametrize("updates", ["dense", "lazy"])
def test_a_restored_run_goes_on_to_the_same_bits(solver, updates):
    case = make("both")

    def fresh():
        return trainer(
            case.problem,
            solver=solver,
            epochs=6,
            batch=10,
            updates=updates,
            edge_samples=3,
            dtype=np.dtype(np.float32),
        )

    straight = fresh()
    for number in range(6):
        straight.epoch(number)
    first = fresh()
    for number in range(2):
        first.epoch(number)
    kept = first.state()
    first.epoch(2)  # what comes later must not reach the state
    again = fresh()
    again.restore(kept)
    for number in range(2, 6):
        again.epoch(number)
    assert np.array_equal(again.P, straight.P)
    assert np.array_equal(again.S, straight.S)
    assert np.array_equal(again.U, straight.U)


def test_seeds_differ_and_a_seed_repeats():
    case = make("plain")
    one, two, other = (solve(case.problem, 3, "adam", epochs=2, seed=seed).P for seed in (0, 0, 1))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"schedule": "step"}, "schedule='step'; it is one of constant, linear, cosine, inverse"),
        ({"updates": "eager"}, "updates='eager'; it is one of dense, lazy"),
        ({"batch": -1}, "batch=-1; it is 0 or more"),
        ({"edge_samples": -1}, "edge_samples=-1"),
        ({"learning_rate": 0.0}, "learning_rate=0.0; it is a finite number above 0"),
        ({"clip": float("nan")}, "clip=nan"),
        ({"momentum": 1.0}, "momentum=1.0; it is at least 0 and below 1"),
        ({"oversample_class": 2.0}, "oversample_class=2.0; it is from 0 to 1"),
        ({"oversample_rare": -1.0}, "oversample_rare=-1.0; it is from 0 to 4"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(options, said):
    with pytest.raises(OptionError) as refused:
        BatchOptions(**options)
    assert said in str(refused.value)


def test_central_differences_agree_with_a_full_batch():
    case = make("both")
    made = trainer(case.problem, 2, batch=0)
    P, S = made.P.copy(), made.S.copy()
    found = [part.copy() for part in made.gradient(0, 0)]
    wanted = naive.central_differences(lambda X: case.naive(X, S)["total"], P, 1e-4)
    np.testing.assert_allclose(found[0], wanted, rtol=1e-5, atol=1e-5)
    wanted = naive.central_differences(lambda X: case.naive(P, X)["total"], S, 1e-4)
    np.testing.assert_allclose(found[1], wanted, rtol=1e-5, atol=1e-5)
