"""M ≈ VVᵀ: the eigenpairs without penalties; descent, stationarity and equal bits with them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.sparse import csr_array
from solver_problems import offsets

import naive
from morphvec.autodiff import grad
from morphvec.autodiff import numpy as anp
from morphvec.engine.local import LocalEngine
from morphvec.errors import BudgetError, InputError, OptionError
from morphvec.rng import stream
from morphvec.solvers.penalties import CompletePenalty, SparsePenalty
from morphvec.solvers.symmetric import (
    SymmetricFactorization,
    SymmetricProblem,
    bytes_needed,
    check_memory,
    closed_form,
    factorize,
    top_eigenpairs,
)

ONE = LocalEngine(1)
PAIRS = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 0)]
CLASSES, SCALES = [0, 0, 0, 1, 1], [0.3, 2.0]
EDGES, EDGE_WEIGHTS = [(9, 10), (10, 11), (11, 9), (1, 9)], [1.0, 2.0, 0.5, 1.0]


def symmetric(rows, seed=0):
    """Positive and negative eigenvalues, about half of each."""
    half = stream(seed).standard_normal((rows, rows))
    return (half + half.T) / 2


def penalised(rows=16, strength=1.5, ridge=0.3, seed=0):
    """A problem with an offset and a class penalty, and the dense arrays that it is made of."""
    members = offsets(rows, PAIRS)
    ring = naive.laplacian(rows, EDGES, EDGE_WEIGHTS)
    penalties = [
        (strength, CompletePenalty(csr_array(members), np.array(CLASSES), np.array(SCALES)), "offset"),
        (0.5 * strength, SparsePenalty(csr_array(ring)), "class"),
    ]
    dense = [(strength, naive.complete_laplacian(members, CLASSES, SCALES)), (0.5 * strength, ring)]
    M = symmetric(rows, seed)
    return SymmetricProblem(M, penalties, ridge), M, dense


def dense_objective(M, laplacians, ridge, V):
    """J term by term, cell by cell."""
    cells = itertools.product(range(len(M)), repeat=2)
    fit = sum(
        (M[i, j] - sum(float(a) * float(b) for a, b in zip(V[i], V[j], strict=True))) ** 2 for i, j in cells
    )
    return fit, [strength * np.trace(V.T @ L @ V) for strength, L in laplacians], ridge * np.sum(V**2)


@pytest.mark.parametrize("dim", [1, 3])
def test_the_objective_is_the_dense_formula(dim):
    problem, M, laplacians = penalised()
    V = stream(1).standard_normal((16, dim))
    fit, classes, ridge = dense_objective(M, laplacians, 0.3, V)
    terms = problem.objective(V)
    assert terms.fit == pytest.approx(fit, rel=1e-12)
    assert list(terms.classes.values()) == pytest.approx(classes, rel=1e-12)
    assert list(terms.classes) == ["offset", "class"]
    assert terms.ridge == pytest.approx(ridge, rel=1e-12)
    assert terms.unobserved == 0
    assert terms.total == pytest.approx(fit + sum(classes) + ridge, rel=1e-12)


def test_the_gradient_is_that_of_finite_differences_and_of_autodiff():
    problem, M, laplacians = penalised()
    V = stream(2).standard_normal((16, 3))
    gradient = problem.gradient(V)
    by_differences = naive.central_differences(lambda X: problem.objective(X).total, V)
    np.testing.assert_allclose(gradient, by_differences, rtol=1e-6, atol=1e-6)

    def loss(X):
        residual = M - anp.matmul(X, anp.transpose(X))
        smooth = sum(strength * anp.sum(X * anp.matmul(L, X)) for strength, L in laplacians)
        return anp.sum(residual * residual) + smooth + 0.3 * anp.sum(X * X)

    np.testing.assert_allclose(gradient, grad(loss)(V), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("seed", [0, 1])
def test_along_a_direction_the_objective_is_the_stated_polynomial(seed):
    problem, M, _ = penalised()
    V, D = stream(seed, 1).standard_normal((2, 16, 3))
    line = problem.along(V, D, M @ D, problem.gradient(V), ONE)
    start = problem.objective(V).total
    for t in (-2.0, -0.3, 0.0, 0.01, 0.7, 3.0):
        assert line(t) == pytest.approx(problem.objective(V + t * D).total - start, rel=1e-9, abs=1e-9)
    assert line.degree() == 4


@given(st.integers(2, 30), st.integers(0, 20), st.floats(0, 3))
@settings(deadline=None, max_examples=40)
def test_without_penalties_the_answer_is_the_top_eigenpairs_lowered_by_half_the_ridge(rows, seed, ridge):
    """J* = Σ_rest λ² + Σ_top (γλ − γ²/4), and VVᵀ = Q(Λ − γ/2)Qᵀ whatever the signs and rotations."""
    M = symmetric(rows, seed)
    values, vectors = np.linalg.eigh(M)
    dim = min(3, int(np.sum(values > ridge / 2 + 1e-6)))
    if not dim:
        return
    found = factorize(SymmetricProblem(M, ridge=ridge), dim, epochs=5)
    top, Q = values[-dim:], vectors[:, -dim:]
    np.testing.assert_allclose(found.U @ found.U.T, (Q * (top - ridge / 2)) @ Q.T, atol=1e-9)
    optimum = np.sum(values[:-dim] ** 2) + np.sum(ridge * top - ridge**2 / 4)
    assert len(found.history) == 1
    assert found.history[0]["total"] == pytest.approx(optimum, rel=1e-9)
    assert found.P is found.S is found.U


def test_the_closed_form_is_stationary_and_no_neighbour_is_lower():
    problem = SymmetricProblem(symmetric(20), ridge=0.7)
    V = factorize(problem, 4, 1).U
    assert np.abs(problem.gradient(V)).max() < 1e-11
    lowest = problem.objective(V).total
    for seed in range(20):
        for size in (1e-3, 0.1, 3.0):
            assert problem.objective(V + size * stream(seed).standard_normal(V.shape)).total > lowest


def test_eigenvectors_stand_with_their_largest_entry_positive():
    _, vectors = top_eigenpairs(SymmetricProblem(symmetric(30)), 5, ONE)
    assert all(column[np.abs(column).argmax()] > 0 for column in vectors.T)


@pytest.mark.parametrize("rows", [60, 700])
def test_lanczos_and_lapack_agree(rows):
    problem = SymmetricProblem(symmetric(rows, 3))
    values, vectors = top_eigenpairs(problem, 5, ONE)
    by_lanczos, other = top_eigenpairs(problem, 5, ONE, lapack_rows=0)
    np.testing.assert_allclose(by_lanczos, values, rtol=1e-12)
    np.testing.assert_allclose(other, vectors, atol=1e-8)
    assert not np.array_equal(other, vectors)  # two ways indeed
    assert np.all(np.diff(values) < 0)


def test_strength_zero_is_unconstrained_bit_for_bit():
    constrained, M, _ = penalised(strength=0.0)
    one, two = factorize(constrained, 3, 4), factorize(SymmetricProblem(M, ridge=0.3), 3, 4)
    assert np.array_equal(one.U, two.U)
    assert one.history[-1]["total"] == two.history[-1]["total"]
    assert len(one.history) == 1


@pytest.mark.parametrize("strength", [0.01, 1.5, 1e3, 1e6])
@pytest.mark.parametrize("dim", [1, 4])
def test_no_epoch_raises_the_objective(strength, dim):
    problem, _, _ = penalised(rows=40, strength=strength)
    found = factorize(problem, dim, 30)
    start = SymmetricFactorization(problem, dim, seed=0, engine=ONE)
    before = problem.objective(start.V).total
    totals = [before, *(entry["total"] for entry in found.history)]
    assert len(totals) == 31
    assert totals[1] < totals[0]
    assert all(after <= before for before, after in itertools.pairwise(totals))
    assert found.history[-1]["total"] == problem.objective(found.U).total


@pytest.mark.parametrize("strength", [0.1, 1.5, 100.0])
def test_a_long_run_ends_where_the_gradient_vanishes_and_where_l_bfgs_ends(strength):
    problem, _, _ = penalised(rows=40, strength=strength)
    start = SymmetricFactorization(problem, 4, seed=0, engine=ONE).V
    found = factorize(problem, 4, 100)
    assert np.abs(problem.gradient(found.U)).max() < 1e-6 * np.abs(problem.gradient(start)).max()

    def both(flat):
        V = flat.reshape(start.shape)
        return problem.objective(V).total, problem.gradient(V).ravel()

    other = minimize(
        both, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 1500, "ftol": 1e-15}
    )
    assert found.history[-1]["total"] == pytest.approx(other.fun, rel=1e-6)


def test_a_strong_class_draws_its_members_together_and_leaves_the_rest():
    rows = 24
    M = symmetric(rows, 5) + 4 * np.eye(rows)
    members = np.eye(rows)[:6]
    spread, size = [], []
    for strength in (0.0, 10.0, 1e5):
        form = CompletePenalty(csr_array(members), np.zeros(6, int), np.array([1 / 6]))
        V = factorize(SymmetricProblem(M, [(strength, form, "class")]), 4, 60).U
        inside = V[:6] - V[:6].mean(axis=0)
        spread.append(np.linalg.norm(inside, axis=1).max() / np.linalg.norm(V, axis=1).mean())
        size.append(np.linalg.norm(V))
    assert spread[0] > 0.3
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] < 1e-3
    assert size[2] > 0.5 * size[0]


def large_problem():
    """Three blocks of rows in every product and sum; made anew for each run."""
    rows = 1100
    pairs = stream(6).permutation(rows)[:400].reshape(-1, 2)
    form = CompletePenalty(
        csr_array(offsets(rows, pairs.tolist())), np.repeat(np.arange(10), 20), np.full(10, 0.05)
    )
    return SymmetricProblem(symmetric(rows, 7), [(30.0, form, "offset")], 0.2)


def test_threads_change_no_bit():
    one, two, four = (factorize(large_problem(), 5, 2, engine=LocalEngine(threads)) for threads in (1, 2, 4))
    for other in (two, four):
        assert np.array_equal(other.U, one.U)
        assert [{**entry, "seconds": 0} for entry in other.history] == [
            {**entry, "seconds": 0} for entry in one.history
        ]


def test_threads_change_no_bit_of_lanczos():
    problem = large_problem()
    one, two, four = (top_eigenpairs(problem, 5, LocalEngine(n), seed=3, lapack_rows=0) for n in (1, 2, 4))
    for other in (two, four):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    seeded, _ = top_eigenpairs(problem, 5, ONE, seed=4, lapack_rows=0)
    np.testing.assert_allclose(seeded, one[0], rtol=1e-12)


def test_a_restored_state_goes_on_to_the_same_bits():
    problem, _, _ = penalised(rows=40)
    straight = SymmetricFactorization(problem, 3, seed=0, engine=ONE)
    straight.epoch(0)
    kept = straight.state()
    wanted = [straight.epoch(number) for number in (1, 2)]
    fresh = SymmetricFactorization(problem, 3, seed=0, engine=ONE)
    fresh.restore(kept)
    assert [fresh.epoch(number) for number in (1, 2)] == wanted
    assert np.array_equal(fresh.V, straight.V)
    assert not np.array_equal(kept["V"], straight.V)
    with pytest.raises(ValueError, match="shape"):
        fresh.restore({"V": np.zeros((40, 2))})
    with pytest.raises(KeyError):
        fresh.restore({})


@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_too_large_a_dim_says_how_many_eigenvalues_there_are(ridge):
    Q, _ = np.linalg.qr(stream(8).standard_normal((10, 10)))
    M = (Q * np.array([5.0, 3, 2, 0.4, 0, 0, 0, -1, -2, -9])) @ Q.T
    problem = SymmetricProblem((M + M.T) / 2, ridge=ridge)
    count = 4 if ridge == 0 else 3
    with pytest.raises(OptionError, match=f"has {count} of them.*--dim {count} or less"):
        factorize(problem, 6, 1)
    assert factorize(problem, count, 1).U.shape == (10, count)
    with pytest.raises(OptionError, match="from 1 to the 10 rows"):
        factorize(problem, 11, 1)
    with pytest.raises(OptionError, match="has 0 of them; give more text"):
        factorize(SymmetricProblem(-np.eye(4)), 2, 1)
    with pytest.raises(OptionError, match=r"above γ/2 = 5 .* has 0 of them; lower --ridge"):
        factorize(SymmetricProblem(4 * np.eye(4), ridge=10), 2, 1)
    with pytest.raises(OptionError, match="has 0 of them"):
        closed_form(np.zeros(2), np.eye(2), 0.0)


def test_memory_is_refused_before_it_is_taken():
    """16,000 words: 2.05 GB for M, and no second matrix where Lanczos works; a full reduction takes two."""
    few, many = bytes_needed(16_000, 100), bytes_needed(16_000, 4_000)
    square = 8 * 16_000**2
    assert square < few < 1.5 * square
    assert many > 2 * square
    assert bytes_needed(16_000, 100, cells=10**7) == few + 12 * 10**7
    check_memory(16_000, 100, few)
    with pytest.raises(BudgetError, match=r"16,000 words at dim 100 need 2\.\d\d GB, 2\.05 GB for each"):
        check_memory(16_000, 100, few - 1)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((3, 4)), "square"),
        (np.zeros((0, 0)), "square"),
        (np.triu(np.ones((3, 3))), "symmetric"),
        (np.full((3, 3), np.nan), "symmetric"),
        (np.full((3, 3), np.inf), "symmetric"),
    ],
)
def test_a_matrix_out_of_place_is_refused(matrix, message):
    with pytest.raises(InputError, match=message):
        SymmetricProblem(matrix)


def test_penalties_and_ridges_out_of_place_are_refused():
    small = SparsePenalty(csr_array(np.eye(2)))
    with pytest.raises(InputError, match="L has 3 rows"):
        SymmetricProblem(np.eye(3), [(1.0, small, "class")])
    with pytest.raises(InputError, match="λ is at least 0"):
        SymmetricProblem(np.eye(2), [(-1.0, small, "class")])
    with pytest.raises(InputError, match="γ is finite"):
        SymmetricProblem(np.eye(2), ridge=np.inf)
