from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.linalg import solve_sylvester
from scipy.sparse import csr_array
from solver_problems import KINDS, make

from morphvec.engine.local import LocalEngine
from morphvec.errors import DivergenceError, OptionError
from morphvec.rng import stream
from morphvec.solvers.als import AlternatingLeastSquares
from morphvec.solvers.penalties import SparsePenalty
from morphvec.solvers.problem import Problem
from morphvec.solvers.solve import solve

ONE = LocalEngine(1)


def state_of(problem, dim, dtype=np.float64, **options):
    given = {"steps": 6, "row_steps": 3, "tolerance": 0.0, "seed": 0, **options}
    return AlternatingLeastSquares(problem, dim, dtype=np.dtype(dtype), engine=ONE, **given)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dim", [1, 4, 7])
@pytest.mark.parametrize("steps", [1, 2, 6])
def test_every_sweep_lowers_the_objective_in_float64(kind, dim, steps):
    case = make(kind, rows=40, columns=30)
    history = solve(case.problem, dim, epochs=12, cg_steps=steps, dtype="float64").history
    totals = [entry["total"] for entry in history]
    assert len(totals) == 12
    assert all(after < before for before, after in itertools.pairwise(totals))
    assert totals[0] < case.problem.objective(*(0 * factor for factor in case.factors(dim))).total


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", [1.5, 1e3, 1e6])
def test_every_sweep_lowers_the_objective_in_float32_to_1e_6(kind, strength):
    case = make(kind, rows=40, columns=30, strength=strength)
    found = solve(case.problem, 5, epochs=30)
    assert found.P.dtype == found.S.dtype == found.U.dtype == np.float32
    totals = [entry["total"] for entry in found.history]
    assert all(after <= before * (1 + 1e-6) for before, after in itertools.pairwise(totals))


@pytest.mark.parametrize("kind", KINDS)
def test_the_reported_objective_is_that_of_the_factors(kind):
    case = make(kind)
    found = solve(case.problem, 4, epochs=3, dtype="float64")
    last = found.history[-1]
    wanted = case.naive(found.P, found.S)
    assert last["total"] == pytest.approx(wanted["total"], rel=1e-10)
    assert list(last["classes"].values()) == pytest.approx(wanted["classes"], rel=1e-10)
    assert [last[name] for name in ("fit", "unobserved", "ridge")] == pytest.approx(
        [wanted[name] for name in ("fit", "unobserved", "ridge")], rel=1e-9
    )
    assert [entry["epoch"] for entry in found.history] == [1, 2, 3]
    B = np.eye(len(found.P)) if case.B is None else case.B
    np.testing.assert_allclose(found.U, B @ found.P, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_run_ends_where_the_gradient_vanishes(kind):
    case = make(kind)
    found = solve(case.problem, 3, epochs=3000, cg_steps=20, dtype="float64", tolerance=1e-15)
    dP, dS = case.problem.gradient(found.P, found.S)
    size = np.abs(case.problem.gradient(*case.factors(3))[0]).max()
    assert max(np.abs(dP).max(), np.abs(dS).max()) < 1e-4 * size


@pytest.mark.parametrize("kind", ["plain", "composed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_strength_zero_is_unconstrained_bit_for_bit(kind, dtype):
    free = make(kind).problem
    L = csr_array(np.array([[1.0, -1], [-1, 1]]))
    L.resize((14, 14))
    held = Problem(free.matrix, free.weights, free.alpha, free.composition, [(0.0, L, "none")], 0.4, 0.9, 0.6)
    one, two = solve(free, 4, dtype=dtype), solve(held, 4, dtype=dtype)
    assert np.array_equal(one.P, two.P)
    assert np.array_equal(one.S, two.S)
    assert one.history[-1]["total"] == two.history[-1]["total"]
    assert two.history[-1]["classes"] == {"none": 0.0}


def test_a_tiny_strength_is_nearly_unconstrained():
    """The coupled solver and the solver of single rows meet in the limit."""
    free = make("plain").problem
    L = csr_array(np.eye(14))
    held = Problem(free.matrix, free.weights, free.alpha, None, [(1e-12, L)], 0.4, 0.9, 0.6)
    one, two = (solve(problem, 3, epochs=400, cg_steps=20, dtype="float64") for problem in (free, held))
    assert one.history[-1]["total"] == pytest.approx(two.history[-1]["total"], rel=1e-9)


@pytest.mark.parametrize("strength", [0.0, 3.0])
def test_half_a_sweep_is_the_sylvester_equation(strength):
    """w = α = 1, B = I: (γI + λL)U + U(SᵀS) = XS."""
    generator = stream(0)
    X = generator.standard_normal((12, 9)) * (generator.random((12, 9)) < 0.6)
    members = generator.standard_normal((5, 12))
    L, gamma = members.T @ members, 0.7
    problem = Problem(
        csr_array(X),
        np.ones(np.count_nonzero(X)),
        1.0,
        None,
        [(strength, SparsePenalty(csr_array(L)))],
        gamma,
        gamma,
        gamma,
    )
    state = state_of(problem, 4, steps=500, row_steps=50, tolerance=1e-15)
    S = state.S.copy()
    by_token, _ = problem.sides(np.dtype(np.float64), ONE)
    G = by_token.gram(S, ONE)
    wanted = solve_sylvester(gamma * np.eye(12) + strength * L, S.T @ S, X @ S)
    state._solve_together(by_token, G)
    np.testing.assert_allclose(state.U, wanted, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(problem.gradient(wanted, S)[0], 0, atol=1e-9)
    if not strength:  # each row on its own solves the same equation
        alone = np.zeros_like(wanted)
        state._solve_apart(by_token, S, G, gamma, alone)
        np.testing.assert_allclose(alone, wanted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", ["composed", "both"])
def test_half_a_sweep_with_composition_is_one_linear_system(kind):
    """(Bᵀ(H + ΣλL)B + γ)P = BᵀR, written out as one dense system over all of P."""
    case = make(kind)
    state = state_of(case.problem, 3, steps=2000, tolerance=1e-15)
    S, k = state.S.copy(), 3
    T, Q = case.B.shape
    L = sum((strength * L for strength, L in case.laplacians), np.zeros((T, T)))
    H = np.kron(L, np.eye(k))
    for t in range(T):
        cells = np.where(case.stored[t], case.W[t], case.alpha)
        H[t * k : (t + 1) * k, t * k : (t + 1) * k] += (S.T * cells) @ S
    big = np.kron(case.B, np.eye(k))
    system = big.T @ H @ big + np.diag(np.repeat(case.gammas[0], k))
    right = big.T @ ((case.W * case.X) @ S).reshape(-1)
    by_token, _ = case.problem.sides(np.dtype(np.float64), ONE)
    state._solve_together(by_token, by_token.gram(S, ONE))
    np.testing.assert_allclose(state.P, np.linalg.solve(system, right).reshape(Q, k), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rebalance_never_raises_the_objective(kind):
    case = make(kind)
    for seed in range(5):
        state = state_of(case.problem, 3)
        P, S = case.factors(3, seed=seed)
        state.P, state.S = 10.0 ** (seed - 2) * P, S.copy()
        state.U = state.P if case.B is None else case.B @ state.P
        before = case.problem.objective(state.P, state.S)
        state._balance()
        after = case.problem.objective(state.P, state.S)
        assert after.total <= before.total * (1 + 1e-14)
        assert after.fit == pytest.approx(before.fit, rel=1e-10)
        assert after.unobserved == pytest.approx(before.unobserved, rel=1e-9)
        # the best of all scales: a little more or a little less only costs
        for c in (0.99, 1.01):
            assert case.problem.objective(c * state.P, state.S / c).total > after.total


@pytest.mark.parametrize("kind", KINDS)
def test_turning_the_factors_changes_no_term(kind):
    case = make(kind)
    state = state_of(case.problem, 4)
    P, S = case.factors(4)
    state.P, state.S = P.copy(), S.copy()
    state.U = state.P if case.B is None else case.B @ state.P
    state._turn(state.S, case.problem.alpha)
    before, after = case.problem.objective(P, S), case.problem.objective(state.P, state.S)
    assert after.total == pytest.approx(before.total, rel=1e-12)
    assert after.ridge == pytest.approx(before.ridge, rel=1e-12)
    G = (state.S.T * case.problem.alpha) @ state.S
    np.testing.assert_allclose(G, np.diag(np.diag(G)), atol=1e-12 * np.abs(G).max())
    assert np.all(np.diff(np.diag(G)) <= 0)


def test_in_the_basis_of_the_gram_matrix_one_step_is_exact():
    """w = α = 1: every row has the same matrix, the turn makes it diagonal, and so its preconditioner is its inverse."""
    X = stream(0).standard_normal((30, 20))
    problem = Problem(csr_array(X), np.ones(X.size), 1.0, None, (), 0.7, 0.7, 0.7)
    one, many = (solve(problem, 5, epochs=3, cg_steps=steps, dtype="float64") for steps in (1, 40))
    np.testing.assert_allclose(one.U @ one.S.T, many.U @ many.S.T, rtol=1e-9, atol=1e-9)


def test_rows_that_stand_alone_take_half_of_the_steps():
    five, six, seven = (
        solve(make("plain", rows=40, columns=30).problem, 9, epochs=1, cg_steps=steps).U
        for steps in (5, 6, 7)
    )
    assert np.array_equal(five, six)
    assert not np.array_equal(six, seven)


def test_more_steps_reach_further_and_a_tolerance_saves_them():
    case = make("both", rows=40, columns=30)
    few, many = (solve(case.problem, 5, epochs=2, cg_steps=steps, dtype="float64") for steps in (1, 30))
    assert many.history[-1]["total"] < few.history[-1]["total"]
    loose = solve(case.problem, 5, epochs=2, cg_steps=30, cg_tol=0.5, dtype="float64")
    assert many.history[-1]["total"] < loose.history[-1]["total"] < few.history[-1]["total"] * 1.5


def test_a_run_stops_when_a_sweep_gains_little():
    case = make("plain")
    history = solve(case.problem, 2, epochs=500, tolerance=1e-3, dtype="float64").history
    totals = [entry["total"] for entry in history]
    falls = [1 - after / before for before, after in itertools.pairwise(totals)]
    assert 2 < len(history) < 500
    assert falls[-1] < 1e-3
    assert all(fall >= 1e-3 for fall in falls[:-1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rows", "columns", "dim"), [(1, 1, 1), (1, 5, 3), (5, 1, 3), (3, 2, 40), (6, 6, 6)])
def test_more_dimensions_than_the_matrix_has(dtype, rows, columns, dim):
    X = stream(0).random((rows, columns)) + 0.5
    found = solve(
        Problem(csr_array(X), np.ones(X.size), 1.0, None, (), 1e-3, 1e-3, 1e-3), dim, epochs=200, dtype=dtype
    )
    assert np.isfinite(found.U).all()
    np.testing.assert_allclose(found.U @ found.S.T, X, atol=0.02)


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_a_matrix_without_cells_gives_zeros(alpha, ridge):
    found = solve(Problem(csr_array((4, 3)), np.zeros(0), alpha, None, (), ridge, ridge, ridge), 2)
    assert np.isfinite(found.S).all()
    assert not found.U.any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_leaving_the_finite_numbers_is_one_clear_error(dtype):
    X = stream(0).random((50, 40)) * (1e30 if dtype == "float32" else 1e200)
    with pytest.raises(DivergenceError, match="--ridge"), np.errstate(all="ignore"):
        solve(Problem(csr_array(X), np.ones(X.size), 0.3), 5, dtype=dtype)


@pytest.mark.parametrize(
    "options",
    [
        {"dim": 0},
        {"dim": 4097},
        {"solver": "newton"},
        {"dtype": "float16"},
        {"epochs": 0},
        {"cg_steps": 0},
        {"cg_tol": 1.0},
        {"cg_tol": -0.1},
        {"cg_tol": math.nan},
        {"seed": -1},
    ],
)
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(OptionError):
        solve(make().problem, **{"dim": 2, **options})
