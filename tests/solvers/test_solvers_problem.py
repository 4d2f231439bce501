from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_array, csc_array, csr_array
from solver_problems import KINDS, make

import naive
from morphvec import autodiff
from morphvec.autodiff import numpy as anp
from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError
from morphvec.rng import stream
from morphvec.solvers.problem import Problem, gram, rotate, squared_norm

ONE = LocalEngine(1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_the_objective_at_sparse_cost_is_the_dense_formula_term_by_term(kind, k, dtype, tolerance):
    case = make(kind)
    P, S = case.factors(k, dtype)
    found = case.problem.objective(P, S).as_dict()
    wanted = case.naive(P.astype(np.float64), S.astype(np.float64))
    classes = list(found.pop("classes").values())
    assert classes == pytest.approx(wanted.pop("classes"), rel=tolerance)
    scale = wanted["total"]
    assert found == pytest.approx(wanted, rel=tolerance, abs=tolerance * scale)
    assert found["total"] == pytest.approx(
        found["fit"] + found["unobserved"] + sum(classes) + found["ridge"], rel=1e-15
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_the_central_difference(kind):
    case = make(kind)
    P, S = case.factors(3)
    dP, dS = case.problem.gradient(P, S)
    np.testing.assert_allclose(
        dP,
        naive.central_differences(lambda X: case.problem.objective(X, S).total, P, 1e-4),
        rtol=1e-6,
        atol=1e-6,
    )
    np.testing.assert_allclose(
        dS,
        naive.central_differences(lambda X: case.problem.objective(P, X).total, S, 1e-4),
        rtol=1e-6,
        atol=1e-6,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_autodiff(kind):
    case = make(kind)
    P, S = case.factors(4)
    everything = case.W * case.stored + case.alpha * ~case.stored

    def dense(P, S):
        U = P if case.B is None else anp.matmul(case.B, P)
        error = anp.matmul(U, anp.transpose(S)) - case.X
        value = anp.sum(everything * error * error)
        for strength, L in case.laplacians:
            value = value + strength * anp.sum(U * anp.matmul(L, U))
        own, features = case.gammas
        return value + anp.sum(own[:, None] * P * P) + features * anp.sum(S * S)

    value, gradients = autodiff.value_and_grad(dense, (0, 1))(P, S)
    assert case.problem.objective(P, S).total == pytest.approx(value, rel=1e-12)
    for found, wanted in zip(case.problem.gradient(P, S), gradients, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_in_float32_is_the_gradient(kind):
    case = make(kind)
    P, S = case.factors(4, np.float32)
    exact = case.problem.gradient(P.astype(np.float64), S.astype(np.float64))
    for found, wanted in zip(case.problem.gradient(P, S), exact, strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_unobserved_cells_by_one_gram_matrix():
    """Σ_tf α_f (u·s)² = tr(UᵀU · SᵀDS): with nothing stored it is the whole second term."""
    generator = stream(0)
    U, S, alpha = generator.standard_normal((9, 4)), generator.standard_normal((7, 4)), generator.random(7)
    dense = float(np.sum(alpha * (U @ S.T) ** 2))
    assert float(np.sum(gram(U, np.ones(9), ONE) * gram(S, alpha, ONE))) == pytest.approx(dense, rel=1e-12)
    empty = Problem(csr_array((9, 7)), np.zeros(0), alpha, ridge_own=0, ridge_features=0)
    terms = empty.objective(U, S)
    assert terms.unobserved == pytest.approx(dense, rel=1e-12)
    assert terms.fit == 0
    assert terms.total == terms.unobserved


def test_alpha_zero_is_positives_only():
    case = make()
    P, S = case.factors(3)
    positives = Problem(case.problem.matrix, case.problem.weights, 0.0)
    terms = positives.objective(P, S)
    assert terms.unobserved == 0
    assert terms.fit == pytest.approx(case.naive(P, S)["fit"], rel=1e-12)


def test_with_weights_and_alpha_one_it_is_the_frobenius_norm():
    generator = stream(1)
    X = generator.standard_normal((8, 6)) * (generator.random((8, 6)) < 0.5)
    P, S = generator.standard_normal((8, 3)), generator.standard_normal((6, 3))
    problem = Problem(csr_array(X), np.ones(np.count_nonzero(X)), 1.0, ridge_own=0, ridge_features=0)
    assert problem.objective(P, S).total == pytest.approx(np.sum((X - P @ S.T) ** 2), rel=1e-12)


def test_one_alpha_is_that_alpha_for_every_column():
    case = make()
    one, many, other = (
        Problem(case.problem.matrix, case.problem.weights, alpha).objective(*case.factors(3))
        for alpha in (0.3, np.full(11, 0.3), np.linspace(0, 0.6, 11))
    )
    assert one == many
    assert one.unobserved != other.unobserved


@pytest.mark.parametrize("form", [csr_array, csc_array, coo_array])
def test_any_sparse_form_and_weights_of_any_form(form):
    case = make()
    P, S = case.factors(3)
    W = case.problem.matrix.copy()
    W.data = case.problem.weights
    found = Problem(form(case.problem.matrix), form(W), case.alpha, None, (), 0.4, 0.9, 0.6)
    assert found.objective(P, S) == case.problem.objective(P, S)
    flat = Problem(case.problem.matrix, case.problem.weights, case.alpha, None, (), 0.4, 0.9, 0.6)
    assert flat.objective(P, S) == case.problem.objective(P, S)


def test_flat_weights_follow_their_cells_when_columns_are_sorted():
    indptr, columns = np.array([0, 2, 3]), np.array([2, 0, 1])
    matrix = csr_array((np.array([1.0, 2.0, 3.0]), columns, indptr), shape=(2, 3))
    problem = Problem(matrix, np.array([10.0, 20.0, 30.0]), 0.1, ridge_own=0, ridge_features=0)
    assert problem.matrix.indices.tolist() == [0, 2, 1]
    assert problem.weights.tolist() == [20.0, 10.0, 30.0]
    assert problem.objective(np.zeros((2, 1)), np.zeros((3, 1))).fit == 10 * 1 + 20 * 4 + 30 * 9
    assert matrix.indices.tolist() == [2, 0, 1]  # what was given is not changed


def test_factors_of_two_dtypes_are_taken_as_float64():
    case = make("both")
    P, S = case.factors(3, np.float32)
    assert case.problem.objective(P.astype(np.float64), S) == case.problem.objective(
        P.astype(np.float64), S.astype(np.float64)
    )
    assert case.problem.gradient(P.tolist(), S.tolist())[0].dtype == np.float64


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_change_no_bit_of_value_or_gradient(threads):
    generator = stream(0)
    rows, columns = 9000, 700  # three blocks of rows in every sum, and several of cells
    place = np.unique(generator.integers(0, rows * columns, 120_000))
    place = (place // columns, place % columns)
    matrix = csr_array((generator.random(len(place[0])), place), shape=(rows, columns))
    P, S = generator.standard_normal((rows, 6)), generator.standard_normal((columns, 6))
    found = []
    for engine in (ONE, LocalEngine(threads)):
        problem = Problem(matrix, np.ones(matrix.nnz), 0.3)  # anew: the sides are made by the same engine
        found.append((problem.objective(P, S, engine=engine), *problem.gradient(P, S, engine=engine)))
    assert found[0][0] == found[1][0]
    assert np.array_equal(found[0][1], found[1][1])
    assert np.array_equal(found[0][2], found[1][2])


@pytest.mark.parametrize("rows", [1, 4095, 4096, 4097, 9000])
def test_grams_rotations_and_norms_over_blocks_of_rows(rows):
    X, M = stream(0).standard_normal((rows, 3)), stream(1).standard_normal((3, 3))
    scale = stream(2).random(rows)
    np.testing.assert_allclose(gram(X, scale, ONE), (X.T * scale) @ X, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(rotate(X, M, ONE), X @ M, rtol=1e-12, atol=1e-12)
    assert squared_norm(X, ONE) == pytest.approx(np.sum(X**2))
    assert squared_norm(X, ONE, scale) == pytest.approx(np.sum(scale[:, None] * X**2))
    assert squared_norm(X, ONE, scale, 1) == pytest.approx(scale @ X[:, 0] ** 2)


def test_own_rows_and_parts_have_their_own_ridge():
    composed = make("composed").problem
    assert composed.ridge.tolist() == [0.4] * 14 + [0.9] * 6
    fewer = Problem(csr_array(np.eye(3)), np.ones(3), 0.1, csr_array(np.ones((3, 2))), (), 0.4, 0.9)
    assert fewer.ridge.tolist() == [0.9, 0.9]  # B without own rows holds parts alone


BAD = {
    "weights of another length": lambda X: Problem(X, np.ones(X.nnz + 1), 0.1),
    "weights of another pattern": lambda X: Problem(X, csr_array(X.toarray().T), 0.1),
    "weights below 0": lambda X: Problem(X, np.full(X.nnz, -1.0), 0.1),
    "weights not a number": lambda X: Problem(X, np.full(X.nnz, np.nan), 0.1),
    "alpha below 0": lambda X: Problem(X, np.ones(X.nnz), -0.1),
    "alpha infinite": lambda X: Problem(X, np.ones(X.nnz), np.inf),
    "alpha of another length": lambda X: Problem(X, np.ones(X.nnz), np.ones(X.shape[1] + 1)),
    "a target that is not a number": lambda X: Problem(X * np.nan, np.ones(X.nnz), 0.1),
    "a composition with other rows": lambda X: Problem(X, np.ones(X.nnz), 0.1, csr_array(np.eye(3))),
    "a penalty of another size": lambda X: Problem(X, np.ones(X.nnz), 0.1, None, [(1.0, np.eye(3))]),
    "a penalty below 0": lambda X: Problem(X, np.ones(X.nnz), 0.1, None, [(-1.0, np.eye(X.shape[0]))]),
    "an infinite penalty": lambda X: Problem(X, np.ones(X.nnz), 0.1, None, [(np.inf, np.eye(X.shape[0]))]),
    "a ridge below 0": lambda X: Problem(X, np.ones(X.nnz), 0.1, ridge_parts=-1.0),
    "a ridge that is not a number": lambda X: Problem(X, np.ones(X.nnz), 0.1, ridge_features=np.nan),
    "factors of another shape": lambda X: Problem(X, np.ones(X.nnz), 0.1).objective(
        np.ones((2, 2)), np.ones((11, 2))
    ),
    "factors of two dimensions": lambda X: Problem(X, np.ones(X.nnz), 0.1).gradient(
        np.ones((14, 2)), np.ones((11, 3))
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_at_odds_is_refused(name):
    with pytest.raises(InputError):
        BAD[name](make().problem.matrix)


def test_a_cell_stored_twice_is_refused():
    twice = csr_array((np.ones(3), np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    with pytest.raises(InputError, match="stores a cell twice"):
        Problem(twice, np.ones(3), 0.1)
