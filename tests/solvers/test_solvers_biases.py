"""Problems with biases: the objective, its gradient, and every solver on them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array
from solver_problems import KINDS, make

import naive
from morphvec.autodiff import numpy as anp
from morphvec.autodiff import value_and_grad
from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError
from morphvec.rng import stream
from morphvec.solvers.als import AlternatingLeastSquares
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions
from morphvec.solvers.minibatch import MiniBatch
from morphvec.solvers.problem import Problem
from morphvec.solvers.solve import solve

F64 = np.dtype(np.float64)
ONE = LocalEngine(1)
K = 3


def biased(kind="plain", alpha=True, **more):
    """A case of ``make`` with biases, and its Problem."""
    case = make(kind, **more)
    one = case.problem
    given = (one.matrix, one.weights, one.alpha if alpha else 0.0, one.composition, one.penalties)
    return case, Problem(*given, one.ridge_own, one.ridge_parts, one.ridge_features, biases=True)


def factors(problem, k=K, seed=3):
    generator = stream(seed)
    _, columns, parts = problem.shape
    P, S = generator.standard_normal((parts, k + 2)), generator.standard_normal((columns, k + 2))
    P[:, -1] = S[:, -2] = 1
    return P, S


def by_formula(case, P, S, module=np):
    """J from the formula, over dense arrays; the columns of biases and constants are spelt out."""
    U = P if case.B is None else module.dot(case.B, P)
    d = module.dot(U[:, :K], S[:, :K].T) + U[:, K : K + 1] + S[:, K + 1 : K + 2].T
    value = module.sum(case.stored * case.W * (d - case.X) ** 2)
    value = value + module.sum(np.where(case.stored, 0, case.alpha) * d**2)
    core = U[:, :K]
    for strength, L in case.laplacians:
        value = value + strength * module.sum(core * module.dot(L, core))
    own, features = case.gammas
    return (
        value + module.sum(own[:, None] * P[:, :K] ** 2) + features * module.sum(S[:, :K] ** 2)
    )  # no ridge on biases


@pytest.mark.parametrize("kind", KINDS)
def test_the_objective_is_the_formula(kind):
    case, problem = biased(kind)
    P, S = factors(problem)
    terms = problem.objective(P, S)
    assert terms.total == pytest.approx(by_formula(case, P, S), rel=1e-12)
    parts = (terms.fit, terms.unobserved, *terms.classes.values(), terms.ridge)
    assert terms.total == pytest.approx(sum(parts), rel=1e-14)
    loose = [X.copy() for X in (P, S)]
    loose[0][:, -1], loose[1][:, -2] = 7.0, -2.0  # constants are constants, whatever their columns hold
    assert problem.objective(*loose) == terms


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_agrees_with_central_differences_and_with_autodiff(kind):
    case, problem = biased(kind)
    P, S = factors(problem)
    found = problem.gradient(P, S)
    for side, (X, G) in enumerate(zip((P, S), found, strict=True)):
        free = [j for j in range(K + 2) if j != (K + 1, K)[side]]

        def along(values, side=side, free=free):
            changed = [P.copy(), S.copy()]
            changed[side][:, free] = values
            return problem.objective(*changed).total

        wanted = naive.central_differences(along, X[:, free])
        np.testing.assert_allclose(G[:, free], wanted, rtol=1e-6, atol=1e-6)
        assert not G[:, (K + 1, K)[side]].any()
    _, exact = value_and_grad(lambda p, s: by_formula(case, p, s, anp), (0, 1))(P, S)
    for side, (one, other) in enumerate(zip(found, exact, strict=True)):
        free = [j for j in range(K + 2) if j != (K + 1, K)[side]]
        np.testing.assert_allclose(one[:, free], other[:, free], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [True, False])
def test_als_never_raises_the_objective_and_comes_to_a_stationary_point(kind, alpha):
    _, problem = biased(kind, alpha)
    made = AlternatingLeastSquares(
        problem, K, steps=8, row_steps=8, tolerance=0.0, seed=0, dtype=F64, engine=ONE
    )
    totals = [made.epoch(number)["total"] for number in range(150)]
    assert all(after <= before * (1 + 1e-12) for before, after in pairwise(totals))
    assert np.array_equal(made.U[:, -1], np.ones(len(made.U)))
    assert np.array_equal(made.S[:, -2], np.ones(len(made.S)))
    np.testing.assert_allclose(made.U[:, :-1], problem.tokens(made.P, ONE)[:, :-1], rtol=1e-7, atol=1e-9)
    dP, dS = problem.gradient(made.P, made.S)
    scale = totals[0] - totals[-1]
    assert max(np.abs(dP).max(), np.abs(dS).max()) < 1e-3 * max(1.0, scale)


def test_biases_alone_are_the_two_way_additive_fit():
    """Ridges that hold the vectors at 0 leave b_t + c_f: weighted least squares on indicators."""
    case, _ = biased()
    one = case.problem
    problem = Problem(one.matrix, one.weights, 0.0, None, (), 1e8, 1e8, 1e8, biases=True)
    found = solve(problem, 1, epochs=200, dtype="float64", cg_steps=12, engine=ONE)
    t, f = np.nonzero(case.stored)
    design = np.zeros((len(t), sum(case.X.shape)))
    design[np.arange(len(t)), t] = design[np.arange(len(t)), case.X.shape[0] + f] = 1
    root = np.sqrt(case.W[t, f])
    best = np.linalg.lstsq(design * root[:, None], case.X[t, f] * root, rcond=None)[0]
    b, c = found.biases
    np.testing.assert_allclose((b[:, None] + c)[t, f], design @ best, rtol=1e-6, atol=1e-6)
    residual = design @ best - case.X[t, f]
    assert found.history[-1]["fit"] == pytest.approx(float(np.sum((root * residual) ** 2)), rel=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_a_solution_holds_vectors_and_biases_apart(kind):
    case, problem = biased(kind)
    found = solve(problem, K, epochs=5, dtype="float64", engine=ONE)
    assert found.P.shape == (problem.shape[2], K)
    assert found.S.shape == (problem.shape[1], K)
    assert found.U.shape == (problem.shape[0], K)
    b, c = found.biases
    assert b.shape == (problem.shape[0],)
    assert c.shape == (problem.shape[1],)
    d = found.U @ found.S.T + b[:, None] + c
    fit = np.sum((case.stored * case.W) * (d - case.X) ** 2)
    assert found.history[-1]["fit"] == pytest.approx(fit, rel=1e-10)
    assert solve(case.problem, K, epochs=1, engine=ONE).biases is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", MINIBATCH)
def test_mini_batches_follow_the_gradient_and_move_no_constant(kind, solver):
    _, problem = biased(kind)
    made = MiniBatch(
        problem, K, solver=solver, options=BatchOptions(batch=7), epochs=4, seed=1, dtype=F64, engine=ONE
    )
    dP, dS = 0.0, 0.0
    for batch in range(made.batches):
        share = made.batch_size(0, batch) / made.cells
        gP, gS = made.gradient(0, batch)
        dP, dS = dP + share * gP, dS + share * gS
    wanted = problem.gradient(made.P, made.S)
    np.testing.assert_allclose(dP, wanted[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(dS, wanted[1], rtol=1e-9, atol=1e-9)
    start = problem.terms(made.P, made.S, made.U, ONE).total
    totals = [made.epoch(number)["total"] for number in range(4)]
    assert totals[-1] < start
    assert np.array_equal(made.P[:, -1], np.ones(len(made.P)))
    assert np.array_equal(made.U[:, -1], np.ones(len(made.U)))
    assert np.array_equal(made.S[:, -2], np.ones(len(made.S)))
    assert np.abs(made.U[:, -2]).max() > 0


def test_every_solver_comes_near_als():
    _, problem = biased("both", rows=30, columns=20)
    best = min(solve(problem, 2, epochs=50, seed=seed, engine=ONE).history[-1]["total"] for seed in range(3))
    for solver, rate in (("sgd", 1.5), ("adagrad", 0.5), ("adam", 0.05)):
        batch = BatchOptions(learning_rate=rate, batch=40)
        ends = (
            solve(problem, 2, solver, epochs=150, seed=seed, batch=batch, engine=ONE).history[-1]["total"]
            for seed in range(3)
        )
        assert any(end < 1.02 * best for end in ends)


@pytest.mark.parametrize("solver", ["als", "adam"])
def test_the_same_bits_on_any_number_of_threads(solver):
    _, problem = biased("both", rows=60, columns=50)
    runs = [solve(problem, 4, solver, 3, engine=LocalEngine(threads)) for threads in (1, 2, 4)]
    for other in runs[1:]:
        for name in ("P", "S", "U"):
            assert np.array_equal(getattr(other, name), getattr(runs[0], name))
        assert all(np.array_equal(*pair) for pair in zip(other.biases, runs[0].biases, strict=True))


def test_cells_held_out_of_training_have_scores_with_biases():
    _, problem = biased("plain", rows=40, columns=30)
    found = solve(problem, K, epochs=3, validation=0.2, dtype="float64", engine=ONE)
    assert found.biases is not None
    assert 0 < found.history[-1]["validation"] < np.inf


def test_factors_without_room_for_biases_are_refused():
    problem = Problem(csr_array(np.ones((2, 2))), np.ones(4), 0.0, biases=True)
    with pytest.raises(InputError, match=r"P is \(2, k \+ 2\)"):
        problem.objective(np.ones((2, 1)), np.ones((2, 1)))
