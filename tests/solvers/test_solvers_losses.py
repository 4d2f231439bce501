"""The loss functions against their printed formulas, autodiff and differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from morphvec.autodiff import check_grads, grad
from morphvec.autodiff import numpy as anp
from morphvec.rng import stream
from morphvec.solvers.losses import (
    expected_negatives,
    glove_weight,
    least_softmax,
    noise,
    pair_curvature,
    pair_derivative,
    pair_objective,
    pair_optimum,
    softmax_objective,
    softmax_residual,
)

COUNTS = np.array([[6.0, 1.0, 3.0], [2.0, 5.0, 1.0], [4.0, 0.0, 2.0], [1.0, 1.0, 9.0]])
WORDS, CONTEXTS, TOTAL = COUNTS.sum(axis=1), COUNTS.sum(axis=0), COUNTS.sum()
NEGATIVES = (0.5, 1, 5, 15)
POWERS = (1.0, 0.75, 0.0)
cells = st.tuples(
    st.floats(-8, 8),  # x
    st.floats(0, 1e4),  # #(w,c)
    *(st.floats(1, 1e4) for _ in range(2)),  # #(w), #(c)
    st.floats(1e4, 1e8),  # |D|
    st.floats(0.1, 20),  # k
)


def slope(f, x, h=1e-5):
    """Central difference."""
    return (f(x + h) - f(x - h)) / (2 * h)


def margins(power, cells=(0, 0)):
    """#(w), n_c^a and Σ n^a of one cell of COUNTS."""
    t, f = cells
    return WORDS[t], CONTEXTS[f] ** power, (CONTEXTS**power).sum()


# ------------------------------------------------------------------------------------- one pair (note 001)


@given(cells)
def test_the_objective_of_a_pair_is_equation_8(cell):
    x, n, w, c, total, k = cell
    sigma = 1 / (1 + np.exp(-x))
    by_hand = n * np.log(sigma) + k * w * (c / total) * np.log(1 - sigma)
    assert pair_objective(*cell) == pytest.approx(by_hand, rel=1e-9, abs=1e-9)


@given(cells)
def test_the_derivative_is_equation_9_and_that_of_the_objective(cell):
    x, n, w, c, total, k = cell
    sigma = 1 / (1 + np.exp(-x))
    found = pair_derivative(*cell)
    scale = max(n, k * w * c / total)
    assert found == pytest.approx(n * (1 - sigma) - k * w * (c / total) * sigma, rel=1e-9, abs=1e-9 * scale)
    assert found == pytest.approx(
        grad(lambda x: pair_objective(x, n, w, c, total, k))(x), abs=1e-10 * scale + 1e-12
    )
    difference = slope(lambda x: pair_objective(x, n, w, c, total, k), x)
    assert found == pytest.approx(difference, abs=1e-8 * scale + 1e-9)


@pytest.mark.parametrize("k", NEGATIVES)
@pytest.mark.parametrize("power", POWERS)
def test_the_optimum_is_pmi_less_ln_k(k, power):
    """Note eq. 10, with noise of any power: ln(n_wc Σn^a / (n_w n_c^a)) − ln k; −∞ where nothing was observed."""
    smoothed = CONTEXTS**power
    best = pair_optimum(COUNTS, WORDS[:, None], smoothed, smoothed.sum(), k)
    for t, f in np.ndindex(COUNTS.shape):
        w, c, total = margins(power, (t, f))
        if COUNTS[t, f] == 0:
            assert best[t, f] == -np.inf
            continue
        assert best[t, f] == pytest.approx(np.log(COUNTS[t, f] * total / (w * c)) - np.log(k), rel=1e-12)
        assert pair_derivative(best[t, f], COUNTS[t, f], w, c, total, k) == pytest.approx(0, abs=1e-12)
        top = pair_objective(best[t, f], COUNTS[t, f], w, c, total, k)
        for step in (-0.5, -1e-3, 1e-3, 0.5):
            assert pair_objective(best[t, f] + step, COUNTS[t, f], w, c, total, k) < top


@pytest.mark.parametrize("k", NEGATIVES)
@pytest.mark.parametrize("power", POWERS)
def test_the_curvature_at_the_optimum_is_that_of_the_objective(k, power):
    for t, f in np.argwhere(COUNTS > 0):
        w, c, total = margins(power, (t, f))
        x = float(pair_optimum(COUNTS[t, f], w, c, total, k))
        wanted = pair_curvature(COUNTS[t, f], expected_negatives(w, c, total, k))
        twice = grad(grad(lambda x: pair_objective(x, COUNTS[t, f], w, c, total, k)))(x)  # noqa: B023
        assert wanted == pytest.approx(-twice, rel=1e-9)
        bend = slope(lambda x: pair_derivative(x, COUNTS[t, f], w, c, total, k), x)  # noqa: B023
        assert wanted == pytest.approx(-bend, rel=1e-6)


def test_pairs_are_differentiated_together_and_twice():
    x = stream(3).standard_normal(COUNTS.shape)
    check_grads(lambda x: anp.sum(pair_objective(x, COUNTS, WORDS[:, None], CONTEXTS, TOTAL, 5)), x, order=2)
    check_grads(lambda x: anp.sum(pair_derivative(x, COUNTS, WORDS[:, None], CONTEXTS, TOTAL, 5)), x)


def test_logits_of_any_size_are_no_trouble():
    assert pair_objective(1e4, 2.0, 3, 4, 12, 1) == pytest.approx(-1e4)
    assert pair_objective(-1e4, 2.0, 3, 4, 12, 1) == pytest.approx(-2e4)
    assert pair_derivative(-1e4, 2.0, 3, 4, 12, 1) == pytest.approx(2)


# ------------------------------------------------------------------------------------- noise and weights


@pytest.mark.parametrize("power", POWERS)
def test_noise_is_a_distribution_of_contexts(power):
    found = noise(CONTEXTS, power)
    assert found.sum() == pytest.approx(1, rel=1e-14)
    np.testing.assert_allclose(found / found[0], (CONTEXTS / CONTEXTS[0]) ** power, rtol=1e-12)
    with_unseen = noise(np.append(CONTEXTS, 0), power)
    assert with_unseen[-1] == 0  # at power 0 too: what never occurs is not drawn
    np.testing.assert_allclose(with_unseen[:-1], found, rtol=1e-14)


def test_the_weight_of_glove():
    n = np.array([0, 1, 10, 50, 99, 100, 101, 1e6])
    wanted = [1 if x >= 100 else (x / 100) ** 0.75 for x in n]
    np.testing.assert_allclose(glove_weight(n), wanted, rtol=1e-14)
    assert glove_weight(0) == 0
    assert glove_weight(100) == 1
    assert np.all(np.diff(glove_weight(np.arange(102))) >= 0)
    assert glove_weight(5, 10, 0.5) == pytest.approx(0.5**0.5)


# ------------------------------------------------------------------------------------- the full softmax


def test_the_softmax_objective_by_its_definition():
    U, S = stream(4).standard_normal((4, 2)), stream(5).standard_normal((3, 2))
    total = 0.0
    for t, f in np.ndindex(COUNTS.shape):
        powers = [np.exp(U[t] @ s) for s in S]
        total -= COUNTS[t, f] * np.log(powers[f] / sum(powers))
    assert softmax_objective(U, S, COUNTS) == pytest.approx(total, rel=1e-13)
    R = softmax_residual(U, S, COUNTS)
    np.testing.assert_allclose(R.sum(axis=1), 0, atol=1e-12)  # it moves mass between contexts, and makes none
    np.testing.assert_allclose(R @ S, grad(softmax_objective, 0)(U, S, COUNTS), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(R.T @ U, grad(softmax_objective, 1)(U, S, COUNTS), rtol=1e-10, atol=1e-12)
    check_grads(lambda U, S: softmax_objective(U, S, COUNTS), U, S, order=2)


def test_no_vectors_go_below_the_conditional_entropy():
    stored = COUNTS > 0
    least = least_softmax(COUNTS[stored], stored.sum(axis=1))
    by_hand = sum(-n * np.log(n / WORDS[t]) for (t, _), n in np.ndenumerate(COUNTS) if n > 0)
    assert least == pytest.approx(by_hand, rel=1e-14)
    # u_t·s_f = ln p(f|t) is that optimum, with a cell of no counts far enough below.
    logits = np.where(stored, np.log(np.where(stored, COUNTS, 1) / WORDS[:, None]), -60)
    assert softmax_objective(logits, np.eye(3), COUNTS) == pytest.approx(least, rel=1e-14)
    generator = stream(6)
    for _ in range(20):
        U, S = generator.normal(size=(4, 3)), generator.normal(size=(3, 3))
        assert softmax_objective(U, S, COUNTS) > least
