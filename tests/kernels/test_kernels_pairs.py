"""One pair's step against central differences, autodiff and its rules written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from morphvec.autodiff import check_grads, grad
from morphvec.autodiff import numpy as anp
from morphvec.kernels.pairs import ADAGRAD, IMPLICIT, LOGISTIC, SGD, SQUARED, move_pair

DIMS = [1, 3, 100]
PAIRS = [
    (SQUARED, 0.7, 1.3),
    (SQUARED, -0.4, 0.2),
    (LOGISTIC, 1.0, 0.0),
    (LOGISTIC, 0.0, 1.0),
    (LOGISTIC, 2.5, 0.8),
]


def pair_loss(u, s, loss, a, b):
    """w (u·s − x)² with a = w·x, b = w; or −a ln σ(u·s) − b ln σ(−u·s)."""
    d = anp.sum(u * s)
    if loss == SQUARED:
        return b * (d - a / b) ** 2
    return a * anp.logaddexp(0.0, -d) + b * anp.logaddexp(0.0, d)


def rows(k, seed=0, dtype=np.float64):
    generator = np.random.default_rng(seed)
    u, s = generator.standard_normal((2, k)).astype(dtype) / np.sqrt(k)
    return u.astype(dtype), s.astype(dtype), np.ones(k, dtype), np.ones(k, dtype)


@pytest.mark.parametrize("k", DIMS)
@pytest.mark.parametrize(("loss", "a", "b"), PAIRS)
def test_a_small_step_goes_along_the_gradient(k, loss, a, b):
    u, s, hu, hs = rows(k)
    before = u.copy(), s.copy()
    value = move_pair(u, s, hu, hs, a, b, loss, SGD, 0.01)
    assert value == pytest.approx(float(pair_loss(*before, loss, a, b)), rel=1e-12)
    half = 0.5 if loss == SQUARED else 1.0  # squared losses move along the half gradient
    for place, moved in enumerate((u, s)):
        wanted = grad(pair_loss, place)(*before, loss, a, b)
        np.testing.assert_allclose(moved, before[place] - 0.01 * half * wanted, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("loss", "a", "b"), PAIRS)
def test_the_loss_itself_is_checked_by_differences(loss, a, b):
    u, s, _, _ = rows(5)
    check_grads(lambda x, y: pair_loss(x, y, loss, a, b), u, s)


@pytest.mark.parametrize("k", DIMS)
@pytest.mark.parametrize(("loss", "a", "b"), PAIRS)
def test_adagrad_divides_by_the_root_of_what_it_summed_before(k, loss, a, b):
    u, s, hu, hs = rows(k, seed=1)
    hu += 0.5
    kept = u.copy(), s.copy(), hu.copy(), hs.copy()
    move_pair(u, s, hu, hs, a, b, loss, ADAGRAD, 0.3)
    half = 0.5 if loss == SQUARED else 1.0
    for place, (moved, h) in enumerate(((u, hu), (s, hs))):
        step = 0.3 * half * grad(pair_loss, place)(*kept[:2], loss, a, b)
        np.testing.assert_allclose(
            moved, kept[place] - step / np.sqrt(kept[2 + place]), rtol=1e-12, atol=1e-14
        )
        np.testing.assert_allclose(h, kept[2 + place] + step**2, rtol=1e-12)


@pytest.mark.parametrize("rate", [0.01, 1.0, 1e6])
@pytest.mark.parametrize("weight", [0.1, 1e4])
def test_the_implicit_rule_never_steps_past_its_target(rate, weight):
    u, s, hu, hs = rows(7, seed=2)
    start, target = float(u @ s), 1.5
    size = float(u @ u + s @ s)
    e = weight * (start - target) / (1 + rate * weight * size)
    wanted = u - rate * e * s, s - rate * e * u
    move_pair(u, s, hu, hs, weight * target, weight, SQUARED, IMPLICIT, rate)
    np.testing.assert_allclose(u, wanted[0], rtol=1e-12)
    np.testing.assert_allclose(s, wanted[1], rtol=1e-12)
    # to first order in the move: d + (target − d) · rate·w·size / (1 + rate·w·size)
    assert abs(rate * e) * size <= abs(start - target) * (1 + 1e-12)


@pytest.mark.parametrize("d", [-200.0, -30.0, 0.0, 30.0, 200.0])
def test_the_logistic_loss_has_no_overflow(d):
    u, s, hu, hs = np.array([d]), np.array([1.0]), np.ones(1), np.ones(1)
    value = move_pair(u, s, hu, hs, 1.0, 2.0, LOGISTIC, SGD, 0.1)
    assert value == pytest.approx(np.logaddexp(0, -d) + 2 * np.logaddexp(0, d), rel=1e-12)
    sigma = 1 / (1 + np.exp(-d))
    assert u[0] == pytest.approx(d - 0.1 * (2 * sigma - (1 - sigma)), rel=1e-12)


def test_single_precision_stays_single_and_close():
    small, large = rows(100, seed=3, dtype=np.float32), rows(100, seed=3)
    one = move_pair(*small, 1.0, 0.5, LOGISTIC, SGD, 0.1)
    two = move_pair(*large, 1.0, 0.5, LOGISTIC, SGD, 0.1)
    assert one == pytest.approx(two, rel=1e-5)
    assert small[0].dtype == np.float32
    np.testing.assert_allclose(small[0], large[0], atol=1e-6)


def test_without_weight_nothing_moves():
    for loss in (SQUARED, LOGISTIC):
        u, s, hu, hs = rows(4)
        before = u.copy(), s.copy()
        assert move_pair(u, s, hu, hs, 0.0, 0.0, loss, SGD, 0.5) == 0
        np.testing.assert_array_equal(u, before[0])
        np.testing.assert_array_equal(s, before[1])


@pytest.mark.parametrize(("a", "b"), [(1e6, 3e5), (2e5, 1e6), (1e5, 1e5)])
def test_the_implicit_rule_is_stable_for_heavy_logistic_pairs(a, b):
    u, s, _, _ = rows(8)
    hu, hs = np.ones(8), np.ones(8)
    losses = [move_pair(u, s, hu, hs, a, b, LOGISTIC, IMPLICIT, 0.05) for _ in range(400)]
    assert np.isfinite(u).all()
    assert all(later <= before * (1 + 1e-9) for before, later in itertools.pairwise(losses))
    assert u @ s == pytest.approx(np.log(a / b), rel=0.05, abs=0.01)
