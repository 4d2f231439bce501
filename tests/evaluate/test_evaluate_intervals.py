"""Bootstrap intervals against the plain procedure and against what is known of the binomial."""

from __future__ import annotations

import numpy as np
import pytest
from naive_evaluate import spearman as naive_spearman

from morphvec.evaluate.intervals import (
    mean_difference_interval,
    mean_interval,
    spearman_difference_interval,
    spearman_interval,
)
from morphvec.evaluate.similarity import spearman
from morphvec.rng import stream


def correlated(n, seed, noise=1.0):
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 20, n).astype(float)
    return gold + noise * rng.standard_normal(n) * 6, gold


def test_the_interval_of_hits_is_the_binomial_one():
    hits = np.repeat([1.0, 0.0], [600, 1400])
    found = mean_interval(hits, resamples=20_000)
    half = 1.96 * np.sqrt(0.3 * 0.7 / 2000)
    assert found.low == pytest.approx(0.3 - half, abs=0.002)
    assert found.high == pytest.approx(0.3 + half, abs=0.002)
    assert found.draws == 20_000


def test_the_interval_of_a_mean_is_that_of_drawing_one_by_one():
    values = 1.0 / np.random.default_rng(0).integers(1, 30, 500)
    rng = stream(9)
    plain = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(4000)]
    found = mean_interval(values, resamples=4000)
    np.testing.assert_allclose([found.low, found.high], np.percentile(plain, [2.5, 97.5]), atol=0.003)


def test_the_interval_of_spearman_works_ranks_out_anew():
    x, gold = correlated(60, 1)
    found = spearman_interval(x, gold, resamples=200, seed=4)
    rng = stream(4)
    draws = rng.integers(60, size=(200, 60))
    plain = [naive_spearman(list(x[draw]), list(gold[draw])) for draw in draws]
    np.testing.assert_allclose([found.low, found.high], np.percentile(plain, [2.5, 97.5]), atol=1e-12)


def test_the_interval_covers_and_is_about_as_wide_as_theory_says():
    x, gold = correlated(3000, 2)
    found, score = spearman_interval(x, gold), spearman(x, gold)
    assert found.low < score < found.high
    error = np.sqrt((1 - score**2) ** 2 / 3000 * (1 + score**2 / 2))  # Bonett and Wright (2000), about
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.25)


def test_blocks_do_not_change_the_draws(monkeypatch):
    x, gold = correlated(300, 3)
    whole = spearman_interval(x, gold)
    monkeypatch.setattr("morphvec.evaluate.intervals._BLOCK", 64 * 300)
    assert spearman_interval(x, gold) == whole


def test_the_seed_decides():
    x, gold = correlated(100, 4)
    hits = (x > 5).astype(float)
    assert spearman_interval(x, gold, seed=1) == spearman_interval(x, gold, seed=1)
    assert spearman_interval(x, gold, seed=1) != spearman_interval(x, gold, seed=2)
    assert mean_interval(hits, seed=1) == mean_interval(hits, seed=1)
    assert mean_interval(x, seed=1) != mean_interval(x, seed=2)


def test_paired_differences_are_narrower_than_their_parts():
    rng = np.random.default_rng(5)
    easy = rng.random(2000)
    a, b = (easy > 0.50).astype(float), (easy > 0.52).astype(float)
    paired = mean_difference_interval(a, b)
    alone = mean_interval(a)
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)
    assert paired.low > 0  # b misses everything that a misses
    x, gold = correlated(800, 6, noise=0.5)
    y = x + rng.standard_normal(800)
    paired, alone = spearman_difference_interval(x, y, gold), spearman_interval(x, gold)
    assert paired.high - paired.low < alone.high - alone.low
    assert paired.low < spearman(x, gold) - spearman(y, gold) < paired.high


def test_a_model_against_itself_differs_by_nothing():
    x, gold = correlated(50, 7)
    found = spearman_difference_interval(x, x, gold)
    assert (found.low, found.high) == (0.0, 0.0)
    assert mean_difference_interval(x, x).high == 0.0


def test_draws_without_a_correlation_are_counted_out():
    found = spearman_interval(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 2.0]), resamples=500)
    assert 100 < found.draws < 500
    assert np.isfinite([found.low, found.high]).all()
    assert spearman_interval(np.ones(5), np.arange(5.0)) is None


def test_nothing_gives_no_interval():
    empty = np.zeros(0)
    assert mean_interval(empty) is None
    assert spearman_interval(empty, empty) is None
    assert mean_interval(np.ones(3), resamples=0) is None
    assert spearman_interval(np.arange(3.0), np.arange(3.0), resamples=0) is None
    assert mean_interval(np.ones(3)).low == 1.0
