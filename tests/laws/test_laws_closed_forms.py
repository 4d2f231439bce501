"""What can be known beforehand about an optimum, and reached from outside: mv.Problem, mv.solve."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import morphvec as mv
import naive
from morphvec.rng import stream


def with_spectrum(sigma, T=24, F=17, seed=0):
    """A T × F matrix with these singular values."""
    generator = stream(seed)
    left, _ = np.linalg.qr(generator.standard_normal((T, len(sigma))))
    right, _ = np.linalg.qr(generator.standard_normal((F, len(sigma))))
    return (left * np.array(sigma)) @ right.T


def problem(X, gamma, weight=1.0, **options):
    return mv.Problem(
        csr_array(X),
        np.full(np.count_nonzero(X), weight),
        weight,
        ridge_own=gamma,
        ridge_parts=gamma,
        ridge_features=gamma,
        **options,
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.5, 6.0])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-8), ("float32", 1e-4)])
def test_the_optimum_is_the_svd_with_its_singular_values_lowered(gamma, dtype, tolerance):
    """w = α = 1: J* = ‖X − X*‖² + 2γ Σ(σ_i − γ)₊ at X* = A diag((σ − γ)₊) Cᵀ; γ = 6 leaves two directions of three."""
    X = with_spectrum([9.0, 7.0, 5.0, 2.0, 1.0, 0.5])
    best, value = naive.shrunk_svd(X, 3, gamma)
    found = mv.solve(problem(X, gamma), 3, epochs=300, dtype=dtype)
    assert found.history[-1]["total"] == pytest.approx(value, rel=tolerance)
    np.testing.assert_allclose(
        found.U @ found.S.T, best, atol=1e-2 * tolerance**0.25 if dtype == "float32" else 1e-6
    )
    if gamma:
        # at the optimum the two penalties are Σ(σ − γ)₊ each
        shrunk = np.maximum(np.array([9.0, 7.0, 5.0]) - gamma, 0).sum()
        assert np.sum(found.U.astype(float) ** 2) == pytest.approx(shrunk, rel=1e-4)
        assert np.sum(found.S.astype(float) ** 2) == pytest.approx(shrunk, rel=1e-4)


def test_a_ridge_above_every_singular_value_leaves_nothing():
    X = with_spectrum([3.0, 2.0, 1.0])
    found = mv.solve(problem(X, 4.0), 2, epochs=300, dtype="float64")
    assert found.history[-1]["total"] == pytest.approx(np.sum(X**2), rel=1e-9)
    assert np.abs(found.U @ found.S.T).max() < 1e-6


def test_no_start_does_better():
    X = with_spectrum([4.0, 3.0, 2.5, 2.0, 1.5])
    _, value = naive.shrunk_svd(X, 3, 0.5)
    for seed in range(5):
        last = mv.solve(problem(X, 0.5), 3, epochs=400, seed=seed, dtype="float64").history[-1]
        assert last["total"] == pytest.approx(value, rel=1e-7)
        assert last["total"] >= value * (1 - 1e-12)


def test_scaling_every_weight_and_ridge_scales_the_objective():
    X = with_spectrum([5.0, 3.0, 2.0, 1.0])
    one = mv.solve(problem(X, 0.5), 2, epochs=100, dtype="float64")
    ten = mv.solve(problem(X, 5.0, weight=10.0), 2, epochs=100, dtype="float64")
    assert ten.history[-1]["total"] == pytest.approx(10 * one.history[-1]["total"], rel=1e-9)
    np.testing.assert_allclose(ten.U @ ten.S.T, one.U @ one.S.T, atol=1e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 1e-3)])
def test_factors_rebuild_a_low_rank_matrix(dtype, tolerance):
    X = with_spectrum([8.0, 5.0, 4.0, 3.0], T=60, F=50)
    found = mv.solve(problem(X, 1e-7), 4, epochs=100, dtype=dtype)
    assert np.abs(found.U @ found.S.T - X).max() < tolerance


def test_stored_cells_alone_rebuild_what_was_not_stored():
    """α = 0, TF eq. (1): half of the cells of a matrix of rank 2 fix the other half."""
    generator = stream(3)
    X = with_spectrum([8.0, 6.0], T=60, F=50)
    stored = generator.random(X.shape) < 0.5
    positives = mv.Problem(
        csr_array(np.where(stored, X, 0)), np.ones(stored.sum()), 0.0, ridge_own=1e-8, ridge_features=1e-8
    )
    found = [mv.solve(positives, 2, epochs=400, seed=seed, dtype="float64") for seed in (1, 2)]
    for factors in found:  # J is not convex: a start such as seed 0 can end in a poor valley
        assert np.abs(factors.U @ factors.S.T - X)[~stored].max() < 1e-3
        assert factors.history[-1]["unobserved"] == 0


def test_composition_by_a_square_matrix_is_a_change_of_variables():
    """B invertible and no ridge on P: U = B·P is free again, and so is the optimum."""
    X = with_spectrum([5.0, 4.0, 3.0, 1.0])
    B = np.eye(24) + 0.2 * stream(4).standard_normal((24, 24)) / np.sqrt(24)
    free = mv.Problem(csr_array(X), np.ones(X.size), 1.0, ridge_own=0, ridge_parts=0, ridge_features=1e-9)
    composed = mv.Problem(
        csr_array(X), np.ones(X.size), 1.0, csr_array(B), ridge_own=0, ridge_parts=0, ridge_features=1e-9
    )
    one, two = (mv.solve(given, 3, epochs=200, cg_steps=30, dtype="float64") for given in (free, composed))
    np.testing.assert_allclose(one.U @ one.S.T, two.U @ two.S.T, atol=1e-5)
    np.testing.assert_allclose(two.U, B @ two.P, atol=1e-10)
