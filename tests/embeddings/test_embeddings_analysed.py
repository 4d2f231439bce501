"""Unseen words that are composed of lemma, affixes and morphemes."""

from __future__ import annotations

import numpy as np
import pytest
from embedding_models import PARTICIPLE, PAST, PLURAL, analysed

import naive
from morphvec.errors import UnknownWordError
from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.pieces import Analyser


def row_of(model, kind, name):
    parts = model.parts
    return (
        model.words.index(name)
        if name in model.words and kind == "lemma"
        else len(model.words) + (parts.names.index((kind, name)))
    )


def by_hand(model, word, **kinds):
    """[Σ w·share·row] / (1 + Σ share), with 1 for each n-gram; kinds: {name: (w, share)}."""
    total, items = np.zeros(model.vector_size), 1.0
    if model.parts.ngrams is not None:
        known = {name for kind, name in model.parts.names if kind == "ngram"}
        for gram in naive.ngrams(word, *model.parts.ngrams) & known:
            total += model.parts.vectors[row_of(model, "ngram", gram)]
            items += 1
    for kind, pieces in kinds.items():
        for name, (weight, share) in pieces.items():
            total += weight * share * model.parts.vectors[row_of(model, kind, name)].astype(float)
            items += share
    return total / items


def test_known_words_are_the_composition_of_their_parts():
    model = analysed()
    np.testing.assert_allclose(
        model.parts.composition @ model.parts.vectors, model.vectors, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("ngrams", [None, (2, 3)])
def test_an_unseen_form_is_its_lemma_and_its_affixes(ngrams):
    """walked = walk (the row of the word) + half of either bundle + ed, n-grams beside."""
    model = analysed(ngrams=ngrams)
    wanted = by_hand(
        model,
        "walked",
        lemma={"walk": (2, 1)},
        affix={PAST: (3, 0.5), PARTICIPLE: (3, 0.5)},
        morpheme={"ed": (1, 1)},
    )
    found = model.vector_for("WALKED")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    parts = ["lemma:walk", f"affix:{PAST}", f"affix:{PARTICIPLE}", "morpheme:ed"]
    assert model.known_parts("walked")[:4] == parts


def test_what_an_unseen_word_is_made_of_comes_in_order():
    """Rows of tables before rules, segmentations before models; the lemma of others is itself a part."""
    model = analysed(ngrams=None)
    wanted = {
        "called": ["morpheme:ed"],  # held out, and its lemma is not known
        "talked": ["lemma:talk", f"affix:{PAST}", f"affix:{PARTICIPLE}", "morpheme:ed", "morpheme:talk"],
        "oxed": ["morpheme:ed"],  # ox is too short for a rule
        "unwalk": ["lemma:walk"],  # the affix un- is too rare for a row
        "talk": ["lemma:talk", "morpheme:talk"],
        "seaed": ["morpheme:sea", "morpheme:ed"],  # a lemma of the table: no rule takes it apart
        "seaside": ["morpheme:sea"],  # the model would find s as well
        "xyz": [],
    }
    assert {word: sorted(model.known_parts(word)) for word in wanted} == {
        word: sorted(parts) for word, parts in wanted.items()
    }


def test_rules_reach_words_that_no_table_lists():
    """A rule leads to a word of the vocabulary, or to a lemma outside it that has a row."""
    model = analysed(ngrams=None)
    assert model.known_parts("seased")[:3] == ["lemma:seas", f"affix:{PAST}", f"affix:{PARTICIPLE}"]
    parts = model.parts
    without = Analyser({}, {}, (), parts.analyser.induced)
    bare = type(parts)(
        parts.words, parts.names, parts.vectors, parts.composition, None, parts.weights, without
    )
    assert bare.known("talked")[0] == "lemma:talk"
    assert bare.known("oxed") == []


def test_several_lemmas_share():
    parts = analysed(ngrams=None).parts
    listed = {"seans": (("sea", PLURAL), ("ox", PLURAL), ("ox", PAST), ("unknown", PLURAL))}
    analyser = Analyser(listed, {}, (AffixRule("suffix", "ns", "", "x"),), ())
    model = type(parts)(
        parts.words, parts.names, parts.vectors, parts.composition, None, parts.weights, analyser
    )
    rows, weights = model.weights_of("seans")
    found = dict(zip(rows.tolist(), weights.tolist(), strict=True))
    base = len(parts.words)
    wanted = {
        parts.words.index("sea"): 2 * (2 / 4) / 3,  # sea by the table and by the list
        base + parts.names.index(("lemma", "ox")): 2 * (2 / 4) / 3,
        base + parts.names.index(("affix", PLURAL)): 3 * (3 / 4) / 3,
        base + parts.names.index(("affix", PAST)): 3 * (1 / 4) / 3,
    }
    assert found == pytest.approx(wanted)


def test_a_word_of_the_vocabulary_has_the_parts_of_its_row():
    model = analysed()
    found = model.known_parts("Oxen")
    assert found[:2] == ["lemma:ox", f"affix:{PLURAL}"]
    assert set(found[2:]) == naive.ngrams("oxen", 2, 3) & {
        name for kind, name in model.parts.names if kind == "ngram"
    }
    assert model.known_parts("seas")[0] == "lemma:sea"


def test_the_language_of_a_word_says_which_lemmas_and_rules_are_its_own():
    model = analysed(("eng", "spa"), ngrams=None)
    assert model.known_parts("eng:Walked")[:2] == ["lemma:eng:walk", f"affix:{PAST}"]
    assert model.known_parts("walked", "eng") == model.known_parts("eng:walked")
    assert np.array_equal(model.vector_for("eng:WALKED"), model.vector_for("walked", "eng"))
    assert model.known_parts("spa:walked") == []
    assert model.known_parts("spa:seas") == []
    with pytest.raises(UnknownWordError, match="shares no part"):
        model.vector_for("spa:walked")
