from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from morphvec.features.subword import compose, find_grams, grams_of, weights_of_unseen

WORDS = ["walk", "walks", "walked", "talk", "talks", "talked", "ng'ombe", "ọ̀rẹ́", "हिन्दी", "a", "aaaaaa"]
ALPHABET = st.text(st.sampled_from("ab<>é𐐀"), min_size=1, max_size=7)


def test_grams_of_a_word_by_hand():
    assert grams_of("cat", 3, 4) == ["<ca", "<cat", "cat", "cat>", "at>"]
    assert grams_of("cat", 3, 9) == grams_of("cat", 3, 4)  # <cat> itself is left out
    assert grams_of("a", 3, 6) == []
    assert grams_of("aaaa", 2, 2) == ["<a", "aa", "a>"]


@given(ALPHABET, st.integers(1, 4), st.integers(0, 4))
def test_grams_of_any_word(word, shortest, more):
    assert set(grams_of(word, shortest, shortest + more)) == naive.ngrams(word, shortest, shortest + more)


@given(st.lists(ALPHABET, min_size=1, max_size=8), st.integers(1, 3), st.integers(0, 4), st.integers(1, 3))
@settings(deadline=None)
def test_grams_of_a_vocabulary(words, shortest, more, least):
    found = find_grams(words, shortest, shortest + more, least)
    has = [naive.ngrams(word, shortest, shortest + more) for word in words]
    names = sorted(gram for gram in set().union(*has) if sum(gram in grams for grams in has) >= least)
    assert list(found.names) == names
    assert found.member.shape == (len(words), len(names))
    assert np.array_equal(found.member.toarray(), [[float(gram in grams) for gram in names] for grams in has])


def test_a_vocabulary_without_any_gram():
    found = find_grams(["a", "b"], 5, 6, 1)
    assert found.names == ()
    assert found.member.shape == (2, 0)
    assert np.array_equal(compose(found, 0.5).toarray(), 0.5 * np.eye(2))


@pytest.mark.parametrize("own", [0.5, 1.0, 3.0])
def test_a_word_is_the_mean_of_its_parts(own):
    grams = find_grams(WORDS, 3, 6, 2)
    B = compose(grams, own)
    T, Q = len(WORDS), len(grams.names)
    assert B.shape == (T, T + Q)
    assert B.dtype == np.float32
    wanted = np.zeros((T, T + Q))
    for t, word in enumerate(WORDS):
        parts = [grams.names.index(gram) for gram in naive.ngrams(word, 3, 6) if gram in grams.names]
        wanted[t, t] = own / (len(parts) + 1)
        wanted[t, [T + part for part in parts]] = 1 / (len(parts) + 1)
    np.testing.assert_allclose(B.toarray(), wanted, rtol=1e-6)


def test_an_unseen_word_has_the_parts_that_are_known():
    grams = find_grams(WORDS, 3, 6, 2)
    index = {name: number for number, name in enumerate(grams.names)}
    found = [grams.names[column] for column in weights_of_unseen("stalked", index, 3, 6)]
    assert set(found) == naive.ngrams("stalked", 3, 6) & set(grams.names)
    assert "alke" in found
    assert len(weights_of_unseen("xyz", index, 3, 6)) == 0
