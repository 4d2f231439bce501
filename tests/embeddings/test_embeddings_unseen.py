from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from embedding_models import KEYS, WORDS, composed

import naive
from morphvec.errors import UnknownWordError


def test_known_words_are_the_composition_of_their_parts():
    model = composed()
    np.testing.assert_allclose(
        model.parts.composition @ model.parts.vectors, model.vectors, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("word", ["stalk", "talking", "WALKER", "balk"])
def test_an_unseen_word_is_the_sum_of_its_known_parts(word):
    """b_new has 1/(m + 1) for each of the m known n-grams and no own row."""
    model = composed()
    grams = [name for _, name in model.parts.names]
    names = [name for name in grams if name in naive.ngrams(word.lower(), 2, 4)]
    rows = [len(WORDS) + grams.index(name) for name in names]
    wanted = model.parts.vectors[rows].astype(np.float64).sum(axis=0) / (len(rows) + 1)
    found = model.vector_for(word)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert sorted(model.known_parts(word)) == sorted(names)
    assert word not in model
    assert model.row(word) is None


@pytest.mark.parametrize("rarity", [0.25, 0.5, 1.0])
def test_parts_of_few_words_weigh_more_by_rarity(rarity):
    """b_new ∝ n^−τ, n words of the vocabulary having the n-gram, and sums to what it sums to at τ = 0."""
    model = composed()
    model.parts = replace(model.parts, rarity=rarity)
    weights = {name: 0.0 for _, name in model.parts.names if name in naive.ngrams("stalk", 2, 4)}
    for name in weights:
        weights[name] = sum(name in naive.ngrams(word, 2, 4) for word in WORDS) ** -rarity
    assert len(set(weights.values())) > 1
    total = len(weights) / (len(weights) + 1)
    at = {name: len(WORDS) + row for row, (_, name) in enumerate(model.parts.names)}
    wanted = sum(weight * model.parts.vectors[at[name]].astype(float) for name, weight in weights.items())
    np.testing.assert_allclose(model.vector_for("stalk"), wanted * total / sum(weights.values()), rtol=1e-6)
    found = model.explain("stalk", "walks")
    assert sum(part.share for part in found.parts) == pytest.approx(found.dot, abs=1e-5)


def test_a_word_without_a_known_part_is_an_error_that_says_so():
    model = composed()
    with pytest.raises(UnknownWordError, match="'xyz'; it shares no part with a known word"):
        model.vector_for("xyz")
    assert model.known_parts("xyz") == []


def test_languages_share_their_parts():
    model = composed(KEYS, ("eng", "spa"))
    found = model.vector_for("spa:walkas")
    assert np.array_equal(found, model.vector_for("walkas", "eng"))  # n-grams know no language
    assert "wal" in model.known_parts("spa:walkas")
    with pytest.raises(UnknownWordError, match="prefix it with a language"):
        model.vector_for("zzz")


def test_neighbours_of_an_unseen_word_may_be_any_word():
    found = composed().neighbors("walking", len(WORDS))
    assert {word for word, _ in found} == set(WORDS)


def test_the_vector_of_a_known_word_is_its_row_and_a_copy():
    model = composed()
    vector = model.vector_for("walk")
    vector[:] = 0
    assert model.vectors[0].any()
