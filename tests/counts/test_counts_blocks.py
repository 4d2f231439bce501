from __future__ import annotations

import numpy as np
import pytest
from counting import counted, encoded, vocabulary

import naive
from morphvec.counts.count import CountOptions, count
from morphvec.engine.local import LocalEngine
from morphvec.errors import BudgetError, InputError
from morphvec.features.space import Block
from morphvec.morphology.constraints import Knowledge
from morphvec.morphology.pieces import find_pieces
from morphvec.morphology.segmentation import Segmentation
from morphvec.morphology.tables import Table
from morphvec.rng import stream
from morphvec.text.encoded import Encoded

WORDS = ("anna", "anne", "banana", "an", "nan")
LINES = [[0, 1, 0], [], [2], [4, 4, 1], [3, 0]]
UNITS = [1, 0, 1, 2, 0]


def test_ids_count_the_tokens_of_every_line_of_a_unit():
    found = counted(encoded(LINES, UNITS, ("v1", "v2", "v3")), WORDS, features="ids")
    assert np.array_equal(found.matrix.toarray(), naive.unit_counts(LINES, UNITS, 5, 3))
    assert found.features == ("v1", "v2", "v3")
    assert found.blocks == (Block("ids", 0, 3),)


def test_ids_where_there_are_none_are_refused():
    with pytest.raises(InputError, match="has no ids"):
        counted(encoded(LINES), WORDS, features="ids")


@pytest.mark.parametrize("threads", [1, 3])
def test_ids_far_into_a_stream(threads):
    """Shards that begin beyond the first million places know which line they are in."""
    generator = stream(3)
    ids = generator.integers(-1, 4, (1 << 20) + 70_000, dtype=np.int32)
    ids[-1] = -1
    ends = np.flatnonzero(ids < 0)
    units = generator.integers(0, 50, len(ends), dtype=np.int32)
    names = tuple(str(unit) for unit in range(50))
    corpus = Encoded(ids, units, names, int((ids >= 0).sum()), len(ends))
    unit_of = units[np.searchsorted(ends, np.arange(len(ids)))]
    wanted = np.zeros((4, 50))
    np.add.at(wanted, (ids[ids >= 0], unit_of[ids >= 0]), 1)
    found = counted(corpus, 4, features="ids", threads=threads, memory=1 << 20)
    assert np.array_equal(found.matrix.toarray(), wanted)


@pytest.mark.parametrize("least", [1, 2, 3])
def test_ngram_columns_count_each_type_once(least):
    found = counted(encoded(LINES), WORDS, features="ngrams", ngrams=(2, 4), ngram_min_types=least)
    has = {word: naive.ngrams(word, 2, 4) for word in WORDS}
    names = sorted(
        gram for gram in set().union(*has.values()) if sum(gram in grams for grams in has.values()) >= least
    )
    assert found.features == tuple(names)
    assert np.array_equal(
        found.matrix.toarray(), [[float(gram in has[word]) for gram in names] for word in WORDS]
    )


def test_ngrams_none_leaves_no_ngram_block():
    with pytest.raises(InputError, match="ngrams=none"):
        counted(encoded(LINES), WORDS, features="ngrams", ngrams=None)


def test_blocks_side_by_side_are_the_blocks_alone():
    corpus = encoded(LINES, UNITS, ("v1", "v2", "v3"))
    options = {"ngrams": (2, 3), "ngram_min_types": 2, "window": 2}
    joined = counted(corpus, WORDS, features="ids:2,window:1:0.5,ngrams", **options)
    alone = [counted(corpus, WORDS, features=kind, **options) for kind in ("ids", "window", "ngrams")]
    assert np.array_equal(joined.matrix.toarray(), np.hstack([part.matrix.toarray() for part in alone]))
    assert joined.features == sum((part.features for part in alone), ())
    grams = len(alone[2].features)
    assert joined.blocks == (
        Block("ids", 0, 3, 2.0),
        Block("window", 3, 8, 1.0, 0.5),
        Block("ngrams", 8, 8 + grams),
    )
    rows, columns = joined.margins()
    for number, part in enumerate(alone):
        np.testing.assert_allclose(rows[:, number], part.matrix.sum(axis=1))
        block = joined.blocks[number]
        np.testing.assert_allclose(columns[block.begin : block.end], part.matrix.sum(axis=0))
    assert joined.matrix.has_sorted_indices


def test_more_bits_than_a_word_has_are_refused():
    """A pair and its distance share 64 bits: 2^31 words leave two bits for the distance."""
    many = type("Many", (), {"words": range(2**31 - 1)})()
    with pytest.raises(BudgetError, match="has 64 bits"):
        count(encoded([[0, 1]]), many, CountOptions(window=5), engine=LocalEngine(1), folder=None)


def pieces(words, least=1):
    lemmas, forms, bundles = zip(*((word[:-1], word, "AB"[len(word) % 2]) for word in words), strict=True)
    table = Table("", list(lemmas), list(forms), list(bundles), "test")
    cut = Segmentation("", list(words), [(word[:2], word[2:] or "-") for word in words], "test")
    return find_pieces(
        Knowledge(tables=(table,), segmentations=(cut,)), vocabulary(words), ("morphemes", "affixes"), least
    )


@pytest.mark.parametrize("least", [1, 2, 3])
def test_piece_columns_count_each_type_once(least):
    has = {
        "morphemes": {word: {word[:2], word[2:] or "-"} for word in WORDS},
        "affixes": {word: {"AB"[len(word) % 2]} for word in WORDS},
    }
    for kind, of_word in has.items():
        names = sorted(
            piece
            for piece in set().union(*of_word.values())
            if sum(piece in found for found in of_word.values()) >= least
        )
        found = counted(encoded(LINES), WORDS, features=kind, pieces=pieces(WORDS, least))
        assert found.features == tuple(names)
        assert np.array_equal(
            found.matrix.toarray(), [[float(piece in of_word[word]) for piece in names] for word in WORDS]
        )
        assert found.blocks == (Block(kind, 0, len(names)),)


def test_a_piece_that_a_word_has_half_counts_once():
    table = Table(
        "", ["an", "an", "ann", "nan"], ["anna", "anna", "anne", "banana"], ["A", "B", "A", "A"], "test"
    )
    known = find_pieces(Knowledge(tables=(table,)), vocabulary(WORDS), ("affixes",), 1)
    found = counted(encoded(LINES), WORDS, features="affixes:0.5:0,window", pieces=known)
    assert found.matrix.toarray()[:, :2].tolist() == [[1, 1], [1, 0], [1, 0], [0, 0], [0, 0]]
    assert found.blocks == (Block("affixes", 0, 2, 0.5, 0.0), Block("window", 2, 7))


@pytest.mark.parametrize("kind", ["morphemes", "affixes"])
def test_piece_columns_without_pieces_are_refused(kind):
    for known in (None, find_pieces(Knowledge(), vocabulary(WORDS))):
        with pytest.raises(InputError, match=f"no {kind} are known"):
            counted(encoded(LINES), WORDS, features=kind, pieces=known)
