"""Correlations, cosines, rules for unknown words, how rare an item is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from evaluate_fakes import FakeModel, random_model
from hypothesis import given
from hypothesis import strategies as st
from naive_evaluate import cosine
from naive_evaluate import pearson as naive_pearson
from naive_evaluate import spearman as naive_spearman
from scipy.stats import pearsonr, spearmanr

from morphvec.errors import OptionError
from morphvec.evaluate.datasets import SimilaritySet
from morphvec.evaluate.similarity import (
    as_pearson,
    pearson,
    score,
    spearman,
    weighted_pearson,
    weighted_spearman,
)

numbers = st.lists(
    st.tuples(st.integers(0, 6), st.floats(-1, 1, allow_subnormal=False)), min_size=3, max_size=40
).filter(lambda rows: len({x for x, _ in rows}) > 1 and len({y for _, y in rows}) > 1)


def similarity_set(rows, name="set"):
    return SimilaritySet(
        name, tuple((a, b) for a, b, _ in rows), np.array([s for *_, s in rows], dtype=float)
    )


@given(numbers)
def test_spearman_is_scipys_and_the_naive_one(rows):
    x, y = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
    assert spearman(x, y) == pytest.approx(naive_spearman(list(x), list(y)), abs=1e-12)


def test_spearman_on_many_pairs_with_ties():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 200, 3000).astype(float), rng.standard_normal(3000).round(2)
    y += x / 100
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-13)
    assert pearson(x, y) == pytest.approx(pearsonr(x, y).statistic, abs=1e-12)


@given(numbers, st.data())
def test_a_weight_is_a_repetition(rows, data):
    x, y = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(x), max_size=len(x))))
    repeated = spearman(np.repeat(x, weights), np.repeat(y, weights)) if weights.sum() else math.nan
    np.testing.assert_allclose(weighted_spearman(x, y, weights[None])[0], repeated, atol=1e-13)


def test_a_constant_side_has_no_correlation():
    assert math.isnan(spearman(np.ones(4), np.arange(4.0)))
    assert math.isnan(pearson(np.arange(4.0), np.ones(4)))


def test_rounding_carries_no_correlation_beyond_one():
    # unclipped, a fifth of these come to 1.0000000000000002
    for x in np.random.default_rng(0).standard_normal((300, 5)):
        assert 1 - 1e-12 < pearson(x, 3 * x) <= 1
        assert -1 <= pearson(x, -3 * x) < -1 + 1e-12
        for found in (weighted_pearson, weighted_spearman):
            assert 1 - 1e-12 < found(x, 3 * x, np.array([[1, 1, 2, 0, 3]]))[0] <= 1


def test_cosines_are_the_naive_ones_and_words_are_folded():
    model = random_model(1, ["cat", "dog", "sun", "moon"])
    rows = [("Cat", "DOG", 3.0), ("sun", "moon", 9.0), ("cat", "moon", 1.0), ("cat", "Cat", 10.0)]
    outcome = score(model, similarity_set(rows))
    expected = [cosine(model.vector_for(a.lower()), model.vector_for(b.lower())) for a, b, _ in rows]
    np.testing.assert_allclose(outcome.values, expected, atol=1e-12)
    assert outcome.items.tolist() == [0, 1, 2, 3]
    assert outcome.gold.tolist() == [3.0, 9.0, 1.0, 10.0]
    assert outcome.metric == "spearman"
    assert outcome.reason == ""


@pytest.fixture
def half_known():
    model = FakeModel(
        ["a", "b", "c", "zero"],
        [[1, 0], [1, 1], [0, 1], [0, 0]],
        counts=np.array([2000, 500, 50, 20]),
        parts={"ab": [1, 2]},
        composes=True,
    )
    rows = [
        ("a", "b", 5.0),
        ("a", "c", 1.0),
        ("b", "c", 4.0),
        ("a", "ab", 3.0),
        ("a", "x", 2.0),
        ("c", "zero", 0.0),
    ]
    return model, similarity_set(rows)


@pytest.mark.parametrize(
    ("rule", "items", "values"),
    [
        ("skip", [0, 1, 2, 5], [2**-0.5, 0, 2**-0.5, 0]),
        ("compose", [0, 1, 2, 3, 5], [2**-0.5, 0, 2**-0.5, 5**-0.5, 0]),
        ("zero", [0, 1, 2, 3, 4, 5], [2**-0.5, 0, 2**-0.5, 0, 0, 0]),
    ],
)
def test_rules_for_unknown_words(half_known, rule, items, values):
    outcome = score(*half_known, rule)
    assert outcome.items.tolist() == items
    np.testing.assert_allclose(outcome.values, values, atol=1e-12)
    assert outcome.total == 6
    assert outcome.unknown == rule
    assert outcome.detail["unknown_words"] == 2
    assert outcome.detail["unknown_pairs"] == 2
    if rule == "compose":
        assert (outcome.detail["composed_words"], outcome.detail["uncomposed_words"]) == (1, 1)


def test_an_item_counts_as_often_as_its_rarer_word(half_known):
    model, dataset = half_known
    assert score(model, dataset, "zero").counts.tolist() == [500, 50, 50, 0, 0, 20]
    assert score(model, dataset).counts.tolist() == [500, 50, 50, 20]
    outcome = score(model, dataset, "compose")
    assert [[outcome.keys[place] for place in pair] for pair in outcome.words] == [
        ["a", "b"],
        ["a", "c"],
        ["b", "c"],
        ["a", "ab"],
        ["c", "zero"],
    ]
    model.counts = None
    assert score(model, dataset).counts is None


def test_pearson_is_a_metric_of_the_same_items(half_known):
    by_rank = score(*half_known, "zero")
    straight = as_pearson(by_rank)
    assert (by_rank.metric, straight.metric) == ("spearman", "pearson")
    assert straight.values is by_rank.values
    assert straight.items.tolist() == by_rank.items.tolist()


@given(numbers, st.data())
def test_a_weight_is_a_repetition_for_pearson_too(rows, data):
    x, y = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(x), max_size=len(x))))
    long_x, long_y = np.repeat(x, weights), np.repeat(y, weights)
    found = float(weighted_pearson(x, y, weights[None])[0])
    if len(np.unique(long_x)) < 2 or len(np.unique(long_y)) < 2:
        assert math.isnan(found)
    elif min(np.ptp(long_x), np.ptp(long_y)) > 1e-6:  # below, both ways round as they like
        assert found == pytest.approx(naive_pearson(list(long_x), list(long_y)), abs=1e-8)


def test_equal_values_have_no_correlation_whatever_rounding_makes_of_their_mean():
    x = np.array([0.1, 0.1, 0.1, 0.7])
    weights = np.array([[1, 1, 1, 0], [3, 0, 0, 0], [1, 1, 1, 1]])
    found = weighted_pearson(x, np.array([0.3, 0.1, 0.2, 0.9]), weights)
    assert np.isnan(found).tolist() == [True, True, False]


def test_too_few_pairs_and_equal_values_say_why(half_known):
    model, _ = half_known
    few = score(model, similarity_set([("a", "b", 1.0), ("a", "x", 2.0), ("y", "z", 3.0)]))
    assert len(few.values) == 1
    assert "1 of 3 pairs" in few.reason
    none = score(model, similarity_set([("x", "y", 1.0)]))
    assert len(none.values) == 0
    assert len(none.counts) == 0
    flat = [("a", "b", 1.0), ("a", "c", 1.0), ("b", "c", 1.0)]
    assert score(model, similarity_set(flat)).reason == "all human scores are equal"
    same = [("a", "c", 1.0), ("a", "zero", 2.0), ("c", "zero", 3.0)]
    assert score(model, similarity_set(same)).reason == "all cosines are equal"


def test_rules_are_checked():
    model = random_model(0, ["a", "b"])
    with pytest.raises(OptionError, match="unknown='guess'"):
        score(model, similarity_set([("a", "b", 1.0)]), "guess")
    with pytest.raises(OptionError, match="compose"):
        score(model, similarity_set([("a", "b", 1.0)]), "compose")


def test_words_of_a_language():
    model = random_model(0, ["tur:ısı", "tur:kış", "eng:isi", "eng:sun"], languages=("eng", "tur"))
    rows = [("ISI", "KIŞ", 1.0), ("eng:Sun", "eng:ISI", 2.0), ("tur:kış", "eng:sun", 3.0)]
    assert score(model, similarity_set(rows), language="tur").items.tolist() == [0, 1, 2]
    assert score(model, similarity_set(rows)).items.tolist() == [1, 2]  # a bare word is of no language here
    assert "the model has eng, tur" in score(model, similarity_set(rows[:1])).reason
    one = random_model(0, ["tur:ısı", "tur:kış"], languages=("tur",))
    assert score(one, similarity_set(rows)).items.tolist() == [0]
