"""The objective in its first form, TF eq. (1): positives only, free vectors, plain classes.

    Σ_nz w (u·s − x)² + λ Σ_c tr(Uᵀ L_c U) + γ (‖U‖² + ‖S‖²)

``--unobserved 0 --parts own --constraint class --normalise none``; its gradients are TF §2.3.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy.sparse import csr_array

import morphvec as mv
import naive
from morphvec import autodiff
from morphvec.autodiff import numpy as anp
from morphvec.engine.local import LocalEngine
from morphvec.rng import stream
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions
from morphvec.solvers.minibatch import MiniBatch
from morphvec.solvers.penalties import CompletePenalty

T, F, K = 12, 9, 2
LAMBDA, GAMMA = 0.7, 0.3
RATES = {"sgd": 2.0, "adagrad": 0.5, "adam": 0.05}
CLASSES = [[0, 1, 2, 3], [3, 4], [6, 7, 8]]


def parts():
    generator = stream(5)
    stored = generator.random((T, F)) < 0.8
    X = np.where(
        stored, generator.random((T, K)) @ generator.random((F, K)).T * 3 + 0.3 * generator.random((T, F)), 0
    )
    W = np.where(stored, np.minimum(1, (generator.integers(1, 30, (T, F)) / 10) ** 0.75), 0)
    place = np.nonzero(stored)
    members = np.zeros((sum(map(len, CLASSES)), T))
    class_of = []
    for number, words in enumerate(CLASSES):
        for word in words:
            members[len(class_of), word] = 1
            class_of.append(number)
    penalty = CompletePenalty(csr_array(members), np.array(class_of), np.ones(len(CLASSES)))
    problem = mv.Problem(
        csr_array((X[place], place), shape=X.shape),
        csr_array((W[place], place), shape=X.shape),
        0.0,
        penalties=[(LAMBDA, penalty, "class")],
        ridge_own=GAMMA,
        ridge_features=GAMMA,
    )
    return X, W, stored, problem


def by_hand(X, W, stored, U, S):
    """TF eq. (1), as it is printed."""
    total = 0.0
    for t in range(T):
        for f in range(F):
            if stored[t, f]:
                total += W[t, f] * (U[t] @ S[f] - X[t, f]) ** 2
    for words in CLASSES:
        for a, i in enumerate(words):
            for j in words[a + 1 :]:
                total += LAMBDA * np.sum((U[i] - U[j]) ** 2)
    return total + GAMMA * (np.sum(U**2) + np.sum(S**2))


def gradient_by_hand(X, W, stored, U, S):
    """TF §2.3."""
    dU, dS = 2 * GAMMA * U, 2 * GAMMA * S
    for t in range(T):
        for f in range(F):
            if stored[t, f]:
                e = 2 * W[t, f] * (U[t] @ S[f] - X[t, f])
                dU[t] = dU[t] + e * S[f]
                dS[f] = dS[f] + e * U[t]
    for words in CLASSES:
        L = naive.laplacian(T, [(i, j) for a, i in enumerate(words) for j in words[a + 1 :]])
        dU = dU + 2 * LAMBDA * L @ U
    return dU, dS


def factors():
    generator = stream(6)
    return generator.standard_normal((T, K)), generator.standard_normal((F, K))


def test_the_objective_is_equation_1():
    *given, problem = parts()
    U, S = factors()
    terms = problem.objective(U, S)
    assert terms.total == pytest.approx(by_hand(*given, U, S), rel=1e-12)
    assert terms.unobserved == 0


def test_the_gradient_is_that_of_section_2_3_of_central_differences_and_of_autodiff():
    X, W, stored, problem = parts()
    U, S = factors()
    found = problem.gradient(U, S)
    for one, two in zip(found, gradient_by_hand(X, W, stored, U, S), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-10)
    for number, G in enumerate(found):
        differences = naive.central_differences(
            lambda Y: by_hand(X, W, stored, *((Y, S) if number == 0 else (U, Y))),  # noqa: B023
            (U, S)[number],
            1e-5,
        )
        np.testing.assert_allclose(G, differences, rtol=1e-6, atol=1e-6)

    L = sum(
        naive.laplacian(T, [(i, j) for a, i in enumerate(words) for j in words[a + 1 :]]) for words in CLASSES
    )

    def traced(u, s):
        fit = anp.sum(W * (anp.dot(u, anp.transpose(s)) - X) ** 2)
        return fit + LAMBDA * anp.sum(u * anp.dot(L, u)) + GAMMA * (anp.sum(u * u) + anp.sum(s * s))

    for number, G in enumerate(found):
        np.testing.assert_allclose(autodiff.grad(traced, number)(U, S), G, rtol=1e-10, atol=1e-10)


@functools.cache
def lowest_by_als():
    *_, problem = parts()
    return min(
        mv.solve(problem, K, epochs=60, cg_steps=20, seed=seed).history[-1]["total"] for seed in range(4)
    )


@pytest.mark.parametrize("batch", [0, 8])
@pytest.mark.parametrize("solver", MINIBATCH)
def test_full_batch_and_mini_batch_training_reach_what_als_reaches(solver, batch):
    *_, problem = parts()
    ends = (
        mv.solve(
            problem,
            K,
            solver,
            epochs=1500 if batch == 0 else 150,
            seed=seed,
            batch=BatchOptions(batch=batch, learning_rate=0.03 if solver == "adam" else None),
        ).history[-1]["total"]
        for seed in range(3)
    )
    assert any(end < 1.02 * lowest_by_als() for end in ends)


def test_a_mini_batch_carries_the_factor_that_the_source_leaves_out():
    """TF §3.1 sums the batch without nnz/|B|, so that λ and γ weigh nnz/|B| times too much; here they do not."""
    X, W, stored, problem = parts()
    made = MiniBatch(
        problem,
        K,
        solver="sgd",
        options=BatchOptions(batch=6),
        epochs=1,
        seed=0,
        dtype=np.dtype(np.float64),
        engine=LocalEngine(1),
    )
    mean = (
        sum(made.gradient(0, b)[0].copy() * made.batch_size(0, b) for b in range(made.batches)) / made.cells
    )
    np.testing.assert_allclose(
        mean, gradient_by_hand(X, W, stored, made.U, made.S)[0], rtol=1e-10, atol=1e-10
    )
