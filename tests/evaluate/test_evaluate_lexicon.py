"""Bilingual lexicons against the naive twin; queries, spelling, blocks."""

from __future__ import annotations

import naive_evaluate as naive
import numpy as np
import pytest
from evaluate_fakes import FakeModel, random_model

from morphvec.errors import OptionError
from morphvec.evaluate.base import unit_rows
from morphvec.evaluate.datasets import DictionarySet
from morphvec.evaluate.lexicon import best_rank, neighbourhood, score


def two_languages(seed, sources, targets, dim=5):
    words = [f"eng:s{i}" for i in range(sources)] + [f"spa:t{i}" for i in range(targets)]
    order = np.random.default_rng(seed).permutation(len(words))
    return random_model(seed, [words[i] for i in order], dim, languages=("eng", "spa"))


def by_name(outcomes):
    return {outcome.metric: outcome for outcome in outcomes}


@pytest.mark.parametrize("cells", [8_000_000, 50])
def test_ranks_are_the_naive_ones(monkeypatch, cells):
    monkeypatch.setattr("morphvec.evaluate.lexicon._CELLS", cells)
    model = two_languages(1, 35, 28)
    rng = np.random.default_rng(2)
    pairs = tuple((f"s{rng.integers(35)}", f"t{rng.integers(28)}") for _ in range(40))
    found = by_name(score(model, DictionarySet("f", pairs), "eng", "spa"))
    sources, targets = ([w for w in model.words if w.startswith(lang)] for lang in ("eng", "spa"))
    gold = {}
    for source, target in pairs:
        gold.setdefault(sources.index(f"eng:{source}"), set()).add(targets.index(f"spa:{target}"))
    rows = [[model.vector_for(word) for word in words] for words in (sources, targets)]
    for name, ranks in {
        "cosine": naive.cosine_ranks(*rows, list(gold), list(gold.values())),
        "csls": naive.csls_ranks(*rows, list(gold), list(gold.values()), 10),
    }.items():
        ranks = np.array(ranks)  # noqa: PLW2901
        np.testing.assert_allclose(found[f"{name} mrr"].values, 1 / ranks)
        for k in (1, 5, 10):
            assert found[f"{name} p@{k}"].values.tolist() == (ranks <= k).astype(float).tolist()


def test_rank_of_ties():
    scores = np.array([[0.5, 0.9, 0.9, 0.1, 0.9]], dtype=np.float32)
    ranks = {targets: best_rank(scores, np.array([targets]))[0] for targets in [(1,), (2,), (4,), (0,), (3,)]}
    assert ranks == {(1,): 1, (2,): 2, (4,): 3, (0,): 4, (3,): 5}
    assert best_rank(scores, np.array([[3, 4]])).tolist() == [3]


def test_neighbourhood_of_few():
    rows = unit_rows(np.eye(3, dtype=np.float32), slice(None))
    np.testing.assert_allclose(neighbourhood(rows, rows.take(slice(2)), 10), [0.5, 0.5, 0.0])
    np.testing.assert_allclose(neighbourhood(rows, rows.take(slice(2)), 1), [1, 1, 0])


@pytest.mark.parametrize("kind", ["distinct", "tied", "equal"])
def test_neighbourhood_among_many(kind):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((30, 4)).astype(np.float32)
    others = rng.standard_normal((1700, 4)).astype(np.float32)
    if kind == "tied":
        rows, others = np.sign(rows), np.sign(others)
    elif kind == "equal":
        others[:] = others[0]
    rows, others = unit_rows(rows, slice(None)), unit_rows(others, slice(None))
    expected = np.sort((rows.array @ others.array.T).astype(np.float64), axis=1)[:, -10:].mean(axis=1)
    np.testing.assert_allclose(neighbourhood(rows, others, 10), expected, atol=1e-6)


def test_csls_unseats_a_hub():
    # The hub is close to all sources; each source's own translation is a little farther, but close to it alone.
    n = 12
    sources = np.concatenate([np.eye(n), np.ones((n, 1))], axis=1)
    hub = np.full((1, n + 1), 0.05)
    hub[0, -1] = 1.0  # cosine 0.73 to every source
    targets = np.concatenate([sources * ([1.0] * n + [-0.1]), hub])  # 0.63 to its own, -0.07 to the others
    words = [f"eng:s{i}" for i in range(n)] + [f"spa:t{i}" for i in range(n)] + ["spa:hub"]
    model = FakeModel(words, np.concatenate([sources, targets]), languages=("eng", "spa"))
    pairs = tuple((f"s{i}", f"t{i}") for i in range(n))
    found = by_name(score(model, DictionarySet("f", pairs), "eng", "spa"))
    assert found["csls p@1"].values.mean() == 1.0
    assert found["cosine p@1"].values.mean() == 0.0
    assert found["cosine p@5"].values.mean() == 1.0


def test_queries_and_totals():
    words = ["eng:house", "eng:real", "eng:dog", "eng:cat", "spa:casa", "spa:real", "spa:perro", "spa:dog"]
    model = random_model(0, words, languages=("eng", "spa"))
    pairs = (
        ("House", "casa"),
        ("house", "HOGAR"),  # an unlisted target of a query
        ("real", "real"),
        ("dog", "perro"),  # a target word "dog" exists
        ("cat", "gato"),  # no listed target in the vocabulary
        ("bird", "casa"),  # no source word
        ("real", "casa"),
    )
    outcomes = score(model, DictionarySet("f.tsv", pairs), "eng", "spa")
    assert len(outcomes) == 16
    found = by_name(outcomes)
    whole, novel = found["csls p@1"], found["csls p@1 not spelled alike"]
    assert (whole.items.tolist(), whole.total) == ([0, 2, 3], 5)
    assert (novel.items.tolist(), novel.total) == ([0], 3)  # house of house, cat, bird
    assert whole.detail["identical"] == pytest.approx(1 / 3)  # real is; dog is not a translation of dog
    assert (whole.detail["candidates"], whole.detail["neighbours"]) == (4, 4)
    assert whole.values[0] == novel.values[0]


def test_no_query_says_why():
    model = random_model(0, ["eng:a", "spa:b"], languages=("eng", "spa"))
    outcomes = score(model, DictionarySet("f", (("x", "y"),)), "eng", "spa")
    assert all(len(outcome.values) == 0 and outcome.reason for outcome in outcomes)
    assert outcomes[0].detail["identical"] is None


def test_languages_are_checked():
    with pytest.raises(OptionError, match="the model has eng, spa"):
        score(two_languages(0, 3, 3), DictionarySet("f", (("a", "b"),)), "eng", "deu")
    with pytest.raises(OptionError, match="no languages"):
        score(random_model(0, ["a", "b"]), DictionarySet("f", (("a", "b"),)), "eng", "spa")
