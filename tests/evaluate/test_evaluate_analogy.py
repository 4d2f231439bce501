"""Analogies against the naive twin, exclusions, ties, sections and relations."""

from __future__ import annotations

import naive_evaluate as naive
import numpy as np
import pytest
from evaluate_fakes import FakeModel, random_model
from scipy.optimize import minimize

from morphvec.errors import OptionError
from morphvec.evaluate.analogy import METHODS, cosadd, cosmul, fit_logistic, lrcos, pair_average, score
from morphvec.evaluate.base import unit_rows
from morphvec.evaluate.datasets import AnalogySet, Question, RelatedWord, RelationSet
from morphvec.rng import stream


def questions(*lines):
    return AnalogySet("file.tsv", tuple(Question(*line.split()) for line in lines))


def hits(outcomes):
    return {outcome.metric: outcome.values.tolist() for outcome in outcomes}


@pytest.mark.parametrize(("fast", "slow"), [(cosadd, naive.cosadd), (cosmul, naive.cosmul)])
@pytest.mark.parametrize("cells", [16_000_000, 100])
def test_answers_are_the_naive_ones(monkeypatch, fast, slow, cells):
    monkeypatch.setattr("morphvec.evaluate.analogy._CELLS", cells)
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((40, 6)).astype(np.float32)
    vectors[7] = 0.0
    given = np.array([rng.choice(40, 3, replace=False) for _ in range(60)])
    found = fast(unit_rows(vectors, slice(None)), given, stream(0))
    assert found.tolist() == [slow(vectors, *row) for row in given.tolist()]


def test_pair_average_is_the_naive_one():
    rng = np.random.default_rng(4)
    vectors = rng.standard_normal((30, 5)).astype(np.float32)
    pairs = rng.permutation(30)[:16].reshape(8, 2)
    found = pair_average(unit_rows(vectors, slice(None)), pairs, stream(0))
    assert found.tolist() == [naive.pair_average(vectors, pairs.tolist(), asked) for asked in range(8)]


def analogous(relations=2, pairs=12, extra=60, dim=24, noise=0.05, seed=0):
    """A space where every pair of a relation differs by the relation's own offset."""
    rng = np.random.default_rng(seed)
    words, vectors, rows = [], [], []
    for relation in range(relations):
        offset = rng.standard_normal(dim)
        for pair in range(pairs):
            stem = rng.standard_normal(dim)
            names = (f"r{relation}s{pair}", f"r{relation}f{pair}")
            words += names
            vectors += [stem, stem + 1.2 * offset + noise * rng.standard_normal(dim)]
            rows.append(RelatedWord(f"relation {relation}", names[0], (names[1],)))
    words += [f"x{i}" for i in range(extra)]
    vectors += list(rng.standard_normal((extra, dim)))
    return FakeModel(words, np.array(vectors)), RelationSet("bats.tsv", tuple(rows))


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_finds_planted_offsets_and_not_shuffled_ones(method):
    model, relations = analogous()
    outcomes = score(model, relations, method=method)
    assert [outcome.metric for outcome in outcomes] == ["relation 0", "relation 1", "all"]
    assert outcomes[-1].values.mean() > 0.8
    assert outcomes[-1].task == "pairs"
    answers = [row.answers for row in relations.rows]
    wrong = RelationSet(
        "bats.tsv",
        tuple(
            RelatedWord(row.relation, row.word, answers[(place + 3) % len(answers)])
            for place, row in enumerate(relations.rows)
        ),
    )
    assert score(model, wrong, method=method)[-1].values.mean() < 0.2


def test_the_three_given_words_are_left_out():
    # cos(d, b − a + c) is highest for b, then c: both are given.
    model = FakeModel(["a", "b", "c", "d", "e"], [[1, 0], [0.9, 0.5], [0.9, 0.4], [0, 1], [-1, 0]])
    assert hits(score(model, questions("s a b c d")))["all"] == [1.0]
    outcome = score(model, questions("s a b c b", "s a b c d"))[-1]
    assert outcome.values.tolist() == [0.0, 1.0]
    assert outcome.detail["answer_left_out"] == 1


def test_ties_go_to_the_more_frequent_word():
    same = [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]]
    model = FakeModel(["a", "b", "c", "first", "second"], same)
    assert hits(score(model, questions("s a b c first", "s a b c second")))["all"] == [1.0, 0.0]
    assert hits(score(model, questions("s a b c first"), method="3cosmul"))["all"] == [1.0]


def test_no_candidate_left_is_a_miss():
    model = FakeModel(["a", "b", "c"], np.eye(3))
    for method in ("3cosadd", "3cosmul"):
        assert score(model, questions("s a b c a"), method=method)[-1].values.tolist() == [0.0]


def test_words_outside_the_candidates_are_counted():
    model = random_model(0, ["a", "b", "c", "d", "e"], dim=3)
    data = questions("s a b c d", "s a b c e", "s A B C D", "s a b c x")
    whole, cut = score(model, data)[-1], score(model, data, restrict=4)[-1]
    assert (whole.items.tolist(), whole.total) == ([0, 1, 2], 4)
    assert (cut.items.tolist(), cut.total) == ([0, 2], 4)
    assert cut.detail["candidates"] == 4
    only = score(model, data, restrict=1)[-1]
    assert len(only.values) == 0
    assert only.reason == "no question has all words among the 1 candidates"


def test_candidates_beyond_the_restriction_cannot_win():
    model = FakeModel(["a", "b", "c", "d", "e"], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0.5, 0.5], [-1, 1, 1]])
    assert hits(score(model, questions("s a b c d")))["all"] == [0.0]  # e is the better answer
    assert hits(score(model, questions("s a b c d"), restrict=4))["all"] == [1.0]


def test_sections_and_totals():
    model = random_model(0, list("abcdefgh"))
    data = questions("gram1 a b c d", "city a b e f", "gram2 c d g h", "gram1 a b g h")
    outcomes = score(model, data)
    assert [o.metric for o in outcomes] == ["gram1", "city", "gram2", "semantic", "syntactic", "all"]
    assert [o.total for o in outcomes] == [2, 1, 1, 1, 3, 4]
    assert outcomes[4].items.tolist() == [0, 3, 2]
    assert sorted(outcomes[5].items.tolist()) == [0, 1, 2, 3]
    total = outcomes[5].values.sum()
    assert total == sum(o.values.sum() for o in outcomes[:3]) == sum(o.values.sum() for o in outcomes[3:5])
    assert outcomes[5].detail["section"] == "all"
    empty = score(model, questions("city a b c d"))
    assert empty[2].metric == "syntactic"
    assert (empty[2].total, empty[2].reason) == (0, "the file has no section of this kind")


def test_methods_on_pairs_ask_for_distinct_pairs():
    model, _ = analogous(relations=1, pairs=3)
    data = questions(
        "s r0s0 r0f0 r0s1 r0f1", "s r0s1 r0f1 r0s0 r0f0", "s R0S0 r0f0 r0s2 r0f2", "s r0s0 r0f0 no none"
    )
    for method in ("pair-average", "lrcos"):
        outcome = score(model, data, method=method)[0]
        assert (len(outcome.values), outcome.total) == (3, 4)
        assert len(set(outcome.items.tolist())) == 3
        single = score(model, questions("s r0s0 r0f0 no none"), method=method)[0]
        assert (len(single.values), single.total) == (0, 2)
        assert single.reason.startswith("no two pairs")


def test_any_listed_answer_is_right():
    model, _ = analogous(relations=1, pairs=3)
    rows = [
        RelatedWord("r", "r0s0", ("none", "r0f0")),
        RelatedWord("r", "r0s1", ("x0", "r0f1")),
        RelatedWord("r", "r0s2", ("none",)),
        RelatedWord("r", "gone", ("x1",)),
    ]
    outcome = score(model, RelationSet("f", tuple(rows)))[0]
    assert outcome.total == 12
    assert outcome.items.tolist() == [1, 4]  # row 0 for row 1 and row 1 for row 0, of 4 rows
    assert outcome.values[0] == 1.0
    assert len(score(model, RelationSet("f", tuple(rows)), method="pair-average")[0].values) == 2


def test_candidates_of_one_language():
    words = ["eng:a", "spa:a", "eng:b", "spa:b", "eng:c", "eng:d"]
    model = random_model(0, words, languages=("eng", "spa"))
    outcome = score(model, questions("s a b c d"), language="eng", restrict=4)[-1]
    assert (len(outcome.values), outcome.detail["candidates"]) == (1, 4)
    bare = score(model, questions("s a b c d"), restrict=6)[-1]
    assert len(bare.values) == 0
    assert bare.reason.endswith("(the model has eng, spa: say of which language the words are)")


@pytest.mark.parametrize("method", list(METHODS))
def test_a_language_without_words_has_no_candidates(method):
    model = random_model(0, ["eng:a", "eng:b", "eng:c", "eng:d"], languages=("eng", "spa"))
    outcome = score(model, questions("s a b c d"), language="spa", method=method)[-1]
    assert len(outcome.values) == 0
    assert "0 candidates" in outcome.reason


def test_the_logistic_regression_is_at_its_minimum():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.standard_normal((30, 4)), np.ones((30, 1))], axis=1)
    labels = (points[:, 0] + 0.5 * rng.standard_normal(30) > 0.6).astype(float)
    share = np.where(labels == 1, labels.mean(), 1 - labels.mean())

    def loss(w):
        signs = 2 * labels - 1
        return 0.5 * w[:-1] @ w[:-1] + (np.log1p(np.exp(-signs * (points @ w))) / (2 * share)).sum()

    found = fit_logistic(points, labels, np.zeros(5))
    np.testing.assert_allclose(found, minimize(loss, np.zeros(5), tol=1e-12).x, atol=1e-4)
    np.testing.assert_allclose(fit_logistic(points, labels, 5 + np.arange(5.0)), found, atol=1e-7)


def test_the_logistic_regression_bears_separable_and_huge_points():
    points = np.array([[1000.0, 1.0], [999.0, 1.0], [-1000.0, 1.0]])
    found = fit_logistic(points, np.array([1.0, 1.0, 0.0]), np.zeros(2))
    assert np.isfinite(found).all()
    assert (points @ found > 0).tolist() == [True, True, False]


def test_lrcos_depends_on_its_seed_only():
    model, relations = analogous(pairs=6, noise=0.8)
    rows = unit_rows(model.vectors, slice(None))
    given = np.arange(12).reshape(6, 2)
    assert lrcos(rows, given, stream(1)).tolist() == lrcos(rows, given, stream(1)).tolist()
    first, again = (score(model, relations, method="lrcos", seed=2)[-1] for _ in range(2))
    assert first.values.tolist() == again.values.tolist()


def test_settings_are_checked():
    model = random_model(0, ["a", "b"])
    with pytest.raises(OptionError, match="analogy_method='5cos'"):
        score(model, questions("s a b a b"), method="5cos")
    with pytest.raises(OptionError, match="restrict=0"):
        score(model, questions("s a b a b"), restrict=0)
