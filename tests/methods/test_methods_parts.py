"""What a token-feature model makes of parts: the composition it is fitted with, and the vectors it then composes."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from morphvec.association import Association
from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError, OptionError
from morphvec.features.space import Block
from morphvec.methods.composing import default_parts, make_composition
from morphvec.methods.token_feature import TokenFeatureOptions, fit, row_rates
from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.constraints import Knowledge
from morphvec.morphology.tables import Table
from morphvec.report import Reporter
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

WORDS = ("walk", "talk", "walked", "talked", "jump", "sea")
VERBS = ("walk", "talk", "jump")
PAST = "V;PST"


def knowledge(hold_out=()):
    table = Table("", list(VERBS), [verb + "ed" for verb in VERBS], [PAST] * 3, "test")
    return Knowledge(tables=(table,), hold_out=hold_out)


def vocabulary(words=WORDS, languages=()):
    counts = np.arange(len(words), 0, -1)
    return Vocabulary(words, counts, 100, 20, Tokenizer("unicode", "lower"), languages)


def association(words=WORDS, kind="window"):
    rows = len(words)
    matrix = random_array((rows, 9), density=0.6, rng=stream(1), format="csr").astype(np.float32)
    weights = csr_array((np.ones_like(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
    features = tuple(f"f{number}" for number in range(9))
    return Association(matrix, weights, np.full(9, 0.3), words, features, (Block(kind, 0, 9),))


def made(options, known=None, said=None):
    return make_composition(
        vocabulary(),
        options.pieces,
        knowledge() if known is None else known,
        1.0,
        Reporter(stream=io.StringIO() if said is None else said),
    )


def fitted(parts, known=None, **options):
    chosen = TokenFeatureOptions(
        dim=3, parts=tuple(parts.split(",")), ngrams=None, ngram_min_types=2, epochs=3, **options
    )
    return fit(association(), vocabulary(), chosen, [], knowledge=known or knowledge(), engine=LocalEngine(1))


def test_the_matrix_by_hand():
    options = TokenFeatureOptions(
        parts=("own", "lemma:2", "affixes:0.5"), ngrams=None, ngram_min_types=2, own_weight_split=0.25
    )
    found = made(options)
    third = 1 / 3
    #          walk talk walked talked jump sea | V;PST
    wanted = [
        [2, 0, 0, 0, 0, 0, 0],
        [0, 2, 0, 0, 0, 0, 0],
        [2 * third, 0, 0.25 * third, 0, 0, 0, 0.5 * third],
        [0, 2 * third, 0, 0.25 * third, 0, 0, 0.5 * third],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 1, 0],
    ]
    np.testing.assert_allclose(found.matrix.toarray(), wanted, rtol=1e-6)
    assert found.names == (("affix", PAST),)
    assert found.weights == {"lemma": 2.0, "affixes": 0.5}


def test_an_unseen_form_is_composed_of_what_was_fitted():
    """jumped never occurs: [2·jump + 0.5·V;PST] / 3, jump being the word's own row, where γ = 0. At γ = 20 a part of n
    words weighs 1/√n: 2 and 0.5/√2, times 2.5 over their sum; at γ = 10 a quarter of that exponent, n^(−1/8)."""
    for ridge, affix in (
        (0.0, 0.5),
        (20.0, 0.5 / math.sqrt(2)),
        (500.0, 0.5 / math.sqrt(2)),
        (10.0, 0.5 / 2**0.125),
    ):
        model, factors = fitted("own,lemma:2,affixes:0.5", ridge_parts=ridge)
        parts = model.parts
        assert factors.P.shape == (7, 3)
        wanted = (2 * parts.vectors[4].astype(float) + affix * parts.vectors[6]) / 3 * 2.5 / (2 + affix)
        np.testing.assert_allclose(model.vector_for("jumped"), wanted, rtol=1e-5)
    assert model.known_parts("jumped") == ["lemma:jump", f"affix:{PAST}"]
    np.testing.assert_allclose(parts.composition @ parts.vectors, model.vectors, rtol=1e-4, atol=1e-5)


def test_held_out_words_have_no_parts_by_the_table():
    model, _ = fitted("own,lemma", knowledge(hold_out=("walked", "jumped")))
    assert model.known_parts("walked") == []
    assert model.known_parts("talked") == ["lemma:talk"]
    assert not model.parts.known("jumped")


def test_the_same_parts_give_the_same_bits():
    one, two = (fitted("own,lemma,affixes")[0] for _ in range(2))
    assert one.vectors.tobytes() == two.vectors.tobytes()
    assert one.parts.vectors.tobytes() == two.parts.vectors.tobytes()


def test_own_rows_and_other_rows_have_ridges_of_their_own():
    """A huge ridge on the parts leaves nothing of them, and own rows as they are without parts."""
    model, factors = fitted("own,affixes", ridge_own=1.0, ridge_parts=1e8, ridge_features=1.0)
    assert np.abs(factors.P[6:]).max() < 1e-4
    assert np.abs(factors.P[:6]).max() > 1e-2
    assert model.parts.names == (("affix", PAST),)


def test_parts_that_nothing_tells_are_left_out_with_a_warning():
    said = io.StringIO()
    options = TokenFeatureOptions(parts=("own", "lemma", "morphemes"), ngrams=None, ngram_min_types=2)
    found = made(options, said=said)
    assert found.weights == {"lemma": 2.0}
    assert "no word has morphemes" in said.getvalue()
    assert made(options, Knowledge()) is None
    plain, factors = fitted("own,affixes", Knowledge())
    assert plain.parts is None
    assert factors.P.shape == (6, 3)


def test_words_without_own_rows_need_something_else():
    options = TokenFeatureOptions(parts=("lemma:1", "affixes:1"), ngrams=None, ngram_min_types=2)
    rows = made(options).matrix.toarray()
    np.testing.assert_allclose(
        rows[2], [1 / 3, 0, 0, 0, 0, 0, 1 / 3], rtol=1e-6
    )  # walk + V;PST, as if unseen
    np.testing.assert_allclose(rows[[0, 4, 5]], np.eye(6, 7)[[0, 4, 5]])
    with pytest.raises(InputError, match="words without own rows are made of something"):
        made(options, Knowledge())
    with pytest.raises(OptionError, match="a word is made of something"):
        TokenFeatureOptions(parts=("ngrams",), ngrams=None)
    with pytest.raises(OptionError, match="a part is one of"):
        TokenFeatureOptions(parts=("own", "stems"))


def test_a_table_or_a_list_makes_lemma_and_affixes_parts_where_none_are_named():
    rule = AffixRule("suffix", "ed", "", "-ed")
    assert default_parts(knowledge()) == ("own", "ngrams", "lemma", "affixes")
    assert default_parts(Knowledge(affixes=(rule,))) == ("own", "ngrams", "lemma", "affixes")
    assert default_parts(Knowledge(hold_out=("walk",))) == ("own", "ngrams")
    options = TokenFeatureOptions(dim=3, ngrams=None, ngram_min_types=2, epochs=1)
    one = LocalEngine(1)
    model, _ = fit(association(), vocabulary(), options, [], knowledge=knowledge(), engine=one)
    assert model.parts.weights == {"lemma": 2.0, "affixes": 0.5}
    plain, _ = fit(association(), vocabulary(), options, [], engine=one)
    assert plain.parts is None


@pytest.mark.parametrize(("kind", "weight"), [("window", 1.0), ("ids", 3.0)])
def test_the_default_own_weight_follows_the_columns(kind, weight):
    options = TokenFeatureOptions(parts=("own", "affixes"), ngrams=None, ngram_min_types=2)
    given = (association(kind=kind), vocabulary(), replace(options, dim=2, epochs=1), [])
    model, _ = fit(*given, knowledge=knowledge(), engine=LocalEngine(1))
    assert model.manifest["resolved"]["own_weight"] == weight
    assert model.parts.composition[0, 0] == np.float32(weight)


def test_rates_of_languages():
    words = ("a:x", "a:y", "b:x")
    given = association(words)
    cells = np.diff(given.matrix.indptr)
    of_a, of_b = int(cells[0] + cells[1]), int(cells[2])
    known = vocabulary(words, ("a", "b"))
    assert row_rates(given, known, 0.0) is None
    np.testing.assert_allclose(row_rates(given, known, 0.5), [of_a**-0.5, of_a**-0.5, of_b**-0.5])
    np.testing.assert_allclose(row_rates(association(), vocabulary(), 1.0), 1 / association().matrix.nnz)
    with pytest.raises(OptionError, match="oversample_language"):
        TokenFeatureOptions(oversample_language=-1.0)
