from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from morphvec.features.composition import compose
from morphvec.features.subword import find_grams, grams_of

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
    assert np.array_equal(compose(np.full(2, 0.5), [(1.0, found.member)]).toarray(), 0.5 * np.eye(2))
