from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import naive
from morphvec.errors import OptionError
from morphvec.features.composition import PartOptions, compose, own_weights, parse_parts
from morphvec.features.subword import find_grams
from morphvec.rng import stream

WORDS = ["walk", "walks", "walked", "talk", "talks", "talked", "ng'ombe", "ọ̀rẹ́", "हिन्दी", "a", "aaaaaa"]


@pytest.mark.parametrize("own", [0.5, 1.0, 3.0])
def test_a_word_is_the_mean_of_its_parts(own):
    grams = find_grams(WORDS, 3, 6, 2)
    B = compose(np.full(len(WORDS), own), [(1.0, grams.member)])
    T, Q = len(WORDS), len(grams.names)
    assert B.shape == (T, T + Q)
    assert B.dtype == np.float32
    wanted = np.zeros((T, T + Q))
    for t, word in enumerate(WORDS):
        parts = [grams.names.index(gram) for gram in naive.ngrams(word, 3, 6) if gram in grams.names]
        wanted[t, t] = own / (len(parts) + 1)
        wanted[t, [T + part for part in parts]] = 1 / (len(parts) + 1)
    np.testing.assert_allclose(B.toarray(), wanted, rtol=1e-6)


def test_own_rows_and_ngrams_alone_have_the_bits_of_their_plain_mean():
    """float32 1/(m+1), and that times float32 ω: what models of n-grams alone have always been made of."""
    grams = find_grams(WORDS, 3, 6, 2)
    B = compose(np.full(len(WORDS), 0.7), [(1.0, grams.member)]).toarray()
    share = (1.0 / (np.diff(grams.member.indptr) + 1.0)).astype(np.float32)
    assert np.array_equal(np.diag(B), np.float32(0.7) * share)
    assert np.array_equal(B[:, len(WORDS) :], share[:, None] * grams.member.toarray())


def toy():
    """walk, walked (of walk; half of each of two bundles), saw (half see, half a lemma outside), see."""
    stems = csr_array(np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0.5], [0, 0, 0, 0]], float))
    lemmas = csr_array(np.array([[0], [0], [0.5], [0]], float))
    affixes = csr_array(np.array([[0, 0], [0.5, 0.5], [1, 0], [0, 0]], float))
    grams = csr_array(np.array([[1, 0, 0], [1, 1, 1], [0, 0, 0], [0, 1, 0]], np.float32))
    return stems, lemmas, affixes, grams


def test_lemma_and_affix_by_hand():
    stems, lemmas, affixes, grams = toy()
    B = compose(np.array([2.0, 1.0, 1.0, 2.0]), [(1, grams), (2, lemmas), (3, affixes)], (2, stems))
    #          walk walked saw see | w l k | outside | V;PST V;V.PTCP
    wanted = [
        [2 / 2, 0, 0, 0, 1 / 2, 0, 0, 0, 0, 0],
        [2 / 6, 1 / 6, 0, 0, 1 / 6, 1 / 6, 1 / 6, 0, 1.5 / 6, 1.5 / 6],
        [0, 0, 1 / 3, 1 / 3, 0, 0, 0, 1 / 3, 3 / 3, 0],
        [0, 0, 0, 2 / 2, 0, 1 / 2, 0, 0, 0, 0],
    ]
    np.testing.assert_allclose(B.toarray(), wanted, rtol=1e-6)
    assert B.has_sorted_indices
    assert B.dtype == np.float32
    again = compose(np.array([2.0, 1.0, 1.0, 2.0]), [(1, grams), (2, lemmas), (3, affixes)], (2, stems))
    assert (B.indices.tobytes(), B.data.tobytes()) == (again.indices.tobytes(), again.data.tobytes())


def test_a_kind_of_weight_one_is_one_more_item_of_the_mean():
    generator = stream(5)
    a, b = ((generator.random((6, n)) < 0.4).astype(float) for n in (4, 3))
    B = compose(np.ones(6), [(1.0, csr_array(a)), (1.0, csr_array(b))]).toarray()
    np.testing.assert_allclose(B.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(
        B, np.hstack([np.eye(6), a, b]) / (1 + a.sum(1) + b.sum(1))[:, None], rtol=1e-6
    )


def test_own_weights_of_words_with_a_lemma_and_of_lemmas():
    stems, lemmas, affixes, grams = toy()
    pieces = [grams, lemmas, affixes]
    one = PartOptions(True, (("lemma", 1.0),))
    assert own_weights(one, 0.7, None, pieces, stems, lemmas).tolist() == [1.0, 0.7, 0.7, 1.0]
    assert own_weights(one, 2.0, 0.3, pieces, stems, lemmas).tolist() == [2.0, 0.3, 0.3, 2.0]
    four = PartOptions(True, (("lemma", 4.0),))
    assert own_weights(four, 2.0, None, pieces, stems, lemmas).tolist() == [4.0, 2.0, 2.0, 4.0]
    assert own_weights(PartOptions(True, ()), 2.0, 0.3, [grams], None, None).tolist() == [2.0] * 4


def test_without_own_rows_those_stay_that_have_nothing_else_or_are_a_lemma():
    stems, lemmas, _, grams = toy()
    none = PartOptions(False, (("ngrams", 1.0), ("lemma", 1.0)))
    assert own_weights(none, 2.0, None, [grams, lemmas], stems, lemmas).tolist() == [2.0, 0.0, 0.0, 2.0]
    only = PartOptions(False, (("ngrams", 1.0),))
    own = own_weights(only, 2.0, None, [grams], None, None)
    assert own.tolist() == [0.0, 0.0, 2.0, 0.0]  # the third word has no n-gram
    B = compose(own, [(1.0, grams)]).toarray()
    assert np.array_equal(B[:, :4], np.diag(own).astype(np.float32))
    assert (B.sum(axis=1) > 0).all()


@pytest.mark.parametrize(
    ("entries", "options"),
    [
        (("own",), PartOptions(True, ())),
        (("own", "ngrams"), PartOptions(True, (("ngrams", 1.0),))),
        (
            ("affixes:0.5", " lemma:2 ", "own", "ngrams"),
            PartOptions(True, (("ngrams", 1.0), ("lemma", 2.0), ("affixes", 0.5))),
        ),
        (("morphemes",), PartOptions(False, (("morphemes", 1.0),))),
        (("own", "lemma", "affixes"), PartOptions(True, (("lemma", 2.0), ("affixes", 0.5)))),
    ],
)
def test_parts_by_name_and_weight(entries, options):
    assert parse_parts(entries) == options


@pytest.mark.parametrize(
    ("entries", "rule"),
    [
        ((), "a word is made of something"),
        (("",), "a part is one of own, ngrams, morphemes, lemma, affixes"),
        (("own", "stems"), "a part is one of"),
        (("own", "own"), "a part is named once"),
        (("lemma:1", "lemma:2"), "a part is named once"),
        (("own:2",), "use --own-weight"),
        (("own", "lemma:"), "KIND:w with w above 0"),
        (("own", "lemma:0"), "KIND:w with w above 0"),
        (("own", "lemma:-1"), "KIND:w with w above 0"),
        (("own", "lemma:nan"), "KIND:w with w above 0"),
        (("own", "lemma:inf"), "KIND:w with w above 0"),
        (("own", "lemma:1:2"), "KIND:w with w above 0"),
        (("own", "lemma:x"), "KIND:w with w above 0"),
    ],
)
def test_other_parts_are_refused(entries, rule):
    with pytest.raises(OptionError, match=rule):
        parse_parts(entries)
