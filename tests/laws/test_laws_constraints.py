"""What constraints must do to factors: at a stationary point, in the limit of λ, and beside a free scale."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array

import morphvec as mv
from morphvec.rng import stream
from morphvec.solvers.penalties import CompletePenalty

T, F, N = 30, 24, 8  # words, features, pairs


def cells(seed=0):
    """Positive targets on a third of the cells."""
    generator = stream(seed)
    X = np.where(generator.random((T, F)) < 0.35, generator.gamma(2, 0.7, (T, F)), 0)
    return csr_array(X), generator.random(np.count_nonzero(X)) * 3 + 0.2


def offsets():
    """N pairs (lemma i, form N + i) in one class, in the scatter scale."""
    F_pairs = np.zeros((N, T))
    F_pairs[np.arange(N), np.arange(N)] = -1
    F_pairs[np.arange(N), N + np.arange(N)] = 1
    return CompletePenalty(csr_array(F_pairs), np.zeros(N, int), np.array([1 / N]))


def words():
    return CompletePenalty(csr_array(np.eye(T)[:N]), np.zeros(N, int), np.array([1 / N]))


def composition(seed=1):
    B = np.hstack([0.7 * np.eye(T), (stream(seed).random((T, 9)) < 0.3) * 0.3])
    return csr_array(B)


def make(penalties=(), B=None, ridges=(0.4, 0.8, 0.6), seed=0):
    matrix, weights = cells(seed)
    own, parts, features = ridges
    return mv.Problem(matrix, weights, 0.3, B, penalties, own, parts, features)


@pytest.mark.parametrize(("composed", "strength"), [(True, 0.0), (False, 5.0), (True, 500.0)])
def test_at_a_stationary_point_both_sides_pay_the_same(composed, strength):
    """Σλ tr(UᵀLU) + γ_P‖P‖² = γ_S‖S‖², the parts under their own γ; and the gradient vanishes there."""
    problem = make(
        [(strength, offsets(), "offset"), (strength / 9, words(), "class")],
        composition() if composed else None,
    )
    found = mv.solve(problem, 4, epochs=1500, cg_steps=25, dtype="float64", tolerance=1e-14)
    terms = problem.objective(found.P, found.S)
    tokens = sum(terms.classes.values()) + float(problem.ridge @ np.sum(found.P**2, axis=1))
    features = problem.ridge_features * float(np.sum(found.S**2))
    assert tokens == pytest.approx(features, rel=1e-9)
    assert features > 0.05 * terms.total
    dP, dS = problem.gradient(found.P, found.S)
    # P·∂P − S·∂S is twice the difference of the two sides, whatever the fit does
    assert float(np.sum(found.P * dP) - np.sum(found.S * dS)) == pytest.approx(0, abs=1e-8 * terms.total)
    start = np.abs(problem.gradient(np.ones_like(found.P), np.ones_like(found.S))[0]).max()
    assert max(np.abs(dP).max(), np.abs(dS).max()) < 1e-4 * start


def test_growing_one_side_and_shrinking_the_other_keeps_the_fit():
    """U → εU, S → S/ε: the penalty on U falls by ε² and the ridge on S pays for it."""
    problem = make([(2.0, offsets())])
    generator = stream(5)
    P, S = generator.standard_normal((T, 3)), generator.standard_normal((F, 3))
    one, two = problem.objective(P, S), problem.objective(P / 8, S * 8)
    assert two.fit == pytest.approx(one.fit, rel=1e-12)
    assert two.unobserved == pytest.approx(one.unobserved, rel=1e-9)
    assert two.classes["0"] == pytest.approx(one.classes["0"] / 64, rel=1e-12)
    assert two.ridge > 5 * one.ridge


@pytest.mark.parametrize("composed", [False, True])
def test_a_strong_offset_constraint_makes_offsets_equal_and_lets_words_live(composed):
    spreads, sizes = [], []
    for strength in (0.0, 1e3, 1e6):
        found = mv.solve(
            make([(strength, offsets())], composition() if composed else None),
            5,
            epochs=30,
            cg_steps=120,
            dtype="float64",
        )
        d = found.U[N : 2 * N] - found.U[:N]
        apart = max(np.linalg.norm(d[i] - d[j]) for i in range(N) for j in range(i))
        spreads.append(apart / np.mean(np.linalg.norm(d, axis=1)))
        sizes.append(np.linalg.norm(found.U))
    assert spreads[0] > 0.5
    assert all(after < before for before, after in itertools.pairwise(spreads))
    assert spreads[-1] < 1e-3
    assert min(sizes) > 0.5 * sizes[0]


def test_a_strong_class_constraint_makes_words_equal_and_not_zero():
    found = [
        mv.solve(make([(strength, words())]), 5, epochs=60, cg_steps=120, dtype="float64").U
        for strength in (0.0, 1e6)
    ]
    free, held = (np.linalg.norm(U[:N] - U[:N].mean(axis=0), axis=1).max() for U in found)
    assert held < 1e-3 * free
    assert np.linalg.norm(found[1][:N].mean(axis=0)) > 0.1 * np.linalg.norm(found[0][:N].mean(axis=0))
    assert np.linalg.norm(found[1]) > 0.5 * np.linalg.norm(found[0])


def test_a_constraint_never_improves_the_fit():
    """min over a smaller set: the free terms can only get worse, and more so as λ grows."""
    costs = []
    for strength in (0.0, 1.0, 30.0, 1000.0):
        problem = make([(strength, offsets())])
        terms = mv.solve(problem, 5, epochs=100, cg_steps=30, dtype="float64").history[-1]
        costs.append((terms["total"] - sum(terms["classes"].values()), terms["total"]))
    assert all(two[1] > one[1] for one, two in itertools.pairwise(costs))
    assert all(two[0] > one[0] * (1 - 1e-6) for one, two in itertools.pairwise(costs))
    assert costs[-1][0] > costs[0][0] * 1.001


def test_planted_offsets_pull_a_word_without_text_to_its_place():
    """The form of the last pair has no cell: the class puts it at lemma + the common offset."""
    matrix, weights = cells()
    kept = np.repeat(np.arange(T), np.diff(matrix.indptr)) != 2 * N - 1
    rows = np.repeat(np.arange(T), np.diff(matrix.indptr))[kept]
    thinned = csr_array((matrix.data[kept], (rows, matrix.indices[kept])), shape=(T, F))
    problem = mv.Problem(thinned, weights[kept], 0.0, None, [(1e5, offsets())], 1e-3, 1e-3, 1e-3)
    U = mv.solve(problem, 5, epochs=80, cg_steps=150, dtype="float64").U
    mean = (U[N : 2 * N - 1] - U[: N - 1]).mean(axis=0)
    assert np.linalg.norm(U[2 * N - 1] - U[N - 1] - mean) < 0.01 * np.linalg.norm(mean)
    assert np.linalg.norm(mean) > 0.1
