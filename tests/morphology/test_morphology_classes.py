from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive_morphology import columns
from naive_morphology import pair_classes as naive_pair_classes

from morphvec.errors import InputError, OptionError
from morphvec.morphology import (
    ClassList,
    EdgeList,
    Table,
    TableReport,
    held_out_words,
    lemma_families,
    listed_classes,
    listed_edges,
    normalise_features,
    pair_classes,
    word_classes,
)
from morphvec.morphology.fates import FATES, contradictory
from morphvec.morphology.fates import report as make_report


def key(word, language):
    return f"{language}:{word}" if language else word


def fold(text, language):
    return text.lower()


def table(rows, language=""):
    lemmas, forms, features = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    return Table(language, lemmas, forms, [normalise_features(each) for each in features], "t.tsv")


def index_of(words):
    return {word: row for row, word in enumerate(words)}


def as_dict(pairs):
    found = {name: [] for name in pairs.names}
    for number, lemma, form in columns(pairs.class_of, pairs.lemmas, pairs.forms):
        found[pairs.names[number]].append((lemma, form))
    return found


ENGLISH = [
    ("walk", "walked", "V;PST"),
    ("talk", "talked", "V;PST"),
    ("walk", "walked", "V;V.PTCP;PST"),  # syncretism
    ("Talk", "Talked", "V;PST;V.PTCP"),  # another case, another tag order
    ("walk", "walked", "v;pst"),  # repeated once normalised
    ("walk", "walk", "V;NFIN"),
    ("give up", "gave up", "V;PST"),
    ("sing", "sang", "V;PST"),  # sang is not known
    ("walk", "walks", "V;3;SG;PRS"),  # alone in its class
]
WORDS = ["walk", "talk", "walked", "talked", "walks", "sing"]


def test_every_fate_by_hand():
    pairs, (report,) = pair_classes([table(ENGLISH)], key, index_of(WORDS), fold)
    assert as_dict(pairs) == {"V;PST": [(0, 2), (1, 3)], "V;PST;V.PTCP": [(0, 2), (1, 3)]}
    assert pairs.sizes.tolist() == [2, 2]
    assert (pairs.lemmas.dtype, pairs.forms.dtype, pairs.class_of.dtype) == (np.int64, np.int64, np.int32)
    assert report == TableReport("UniMorph", 9, 4, 1, 1, 1, 1, 0, 1, 2)
    assert report.line() == (
        "UniMorph: 4 of 9 rows used in 2 classes; left out: 1 with unknown words, 1 with multi-word entries, "
        "1 with twice the same word, 1 repeated, 1 in classes too small"
    )


def test_languages_share_a_class():
    spanish = table([("hablar", "hablé", "V;PST"), ("ver", "vi", "V;PST")], "spa")
    portuguese = table([("falar", "falei", "V;PST"), ("ver", "vi", "V;PST")], "por")
    index = index_of(
        ["spa:hablar", "spa:hablé", "por:falar", "por:falei", "spa:ver", "por:ver", "por:vi", "vi"]
    )
    pairs, (report,) = pair_classes([spanish, portuguese], key, index, fold)
    assert as_dict(pairs) == {"V;PST": [(0, 1), (2, 3), (5, 6)]}
    assert (report.languages, report.unknown) == (("spa", "por"), 1)
    assert report.line().startswith(
        "UniMorph (spa, por): 3 of 4 rows used in 1 class; left out: 1 with unknown"
    )


@pytest.mark.parametrize(
    ("held", "row", "rows"),
    [("walked", 2, 3), ("WALK", 0, 4), ("eng:walked", 2, 3), ("eng:Walk", 0, 4)],
)
def test_no_row_of_a_held_out_word_enters(held, row, rows):
    index = {f"eng:{word}": place for word, place in index_of(WORDS).items()}
    pairs, (report,) = pair_classes(
        [table(ENGLISH, "eng")], key, index, fold, hold_out=[held, "other", "spa:talk"], min_size=1
    )
    assert row not in np.concatenate((pairs.lemmas, pairs.forms))
    assert report.held_out == rows
    assert as_dict(pairs)["V;PST"] == [(1, 3)]


def test_hold_out_knows_its_language():
    assert held_out_words(["Casa", "por:casa", "casa", "spa:Gato"], "spa", fold) == [
        "casa",
        "por:casa",
        "spa:gato",
        "gato",
    ]
    assert held_out_words(["spa:Gato"], "", fold) == ["spa:gato"]


def test_hold_out_of_everything_leaves_empty_classes_and_the_report():
    pairs, (report,) = pair_classes([table(ENGLISH)], key, index_of(WORDS), fold, hold_out=WORDS)
    assert pairs.names == ()
    assert len(pairs.lemmas) == len(pairs.forms) == len(pairs.class_of) == len(pairs.sizes) == 0
    assert (report.held_out, report.used, report.classes) == (6, 0, 0)
    assert word_classes(pairs).sizes.tolist() == []
    assert lemma_families(pairs).sizes.tolist() == []


def test_unknown_words_only_is_an_error_with_an_example():
    known = table(ENGLISH, "eng")
    index = {f"eng:{word}": row for word, row in index_of(WORDS).items()}
    foreign = table([("Haus", "Häuser", "N;PL"), ("x", "y", "N;PL")], "deu")
    with pytest.raises(InputError) as caught:
        pair_classes([known, foreign], key, index, fold)
    assert str(caught.value) == (
        "t.tsv: a UniMorph table with none of the words (2 rows, for example deu:haus → deu:häuser); "
        "at least one of its words is in the vocabulary; check the language, its LANG= prefix, and the case of the words"
    )


def test_no_tables_no_classes():
    pairs, reports = pair_classes([], key, {}, fold)
    assert (pairs.names, len(pairs.lemmas), reports) == ((), 0, [])


def test_kinds_of_tables_share_classes_and_are_reported_apart():
    """The pair of the second table is the first's again; a class below two members counts for neither."""
    inflected = table([("walk", "walked", "V;PST"), ("walk", "walks", "V;3")])
    seen = Table(
        "",
        ["talk", "walk", "nowhere", "walk"],
        ["talked", "walked", "nowheres", "walk"],
        ["V;PST"] * 4,
        "b.conllu",
        "treebank",
    )
    pairs, (first, second) = pair_classes([inflected, seen], key, index_of(WORDS), fold)
    assert as_dict(pairs) == {"V;PST": [(0, 2), (1, 3)]}
    assert first == TableReport("UniMorph", 2, 1, 0, 0, 0, 0, 0, 1, 1)
    assert second == TableReport("treebank", 4, 1, 1, 0, 1, 1, 0, 0, 1, contradictory=2)
    assert second.line() == (
        "treebank: 1 of 4 rows used in 1 class; left out: 1 with unknown words, 1 with twice the same word, 1 repeated;"
        " 2 of the rows contradict each other (several forms of one lemma and bundle, or several lemmas of one form)"
    )


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([], 0),
        ([("dream", "dreamed", "V;PST"), ("dream", "dreamt", "V;PST"), ("walk", "walked", "V;PST")], 2),
        ([("dream", "dreamed", "V;PST"), ("dream", "dreamt", "V;PST;V.PTCP")], 0),  # two cells
        ([("lie", "lay", "V;PST"), ("lay", "lay", "V;PST"), ("lay", "laid", "V;PST")], 3),  # both at once
        ([("walk", "walked", "V;PST"), ("walk", "walked", "V;PST")], 0),  # repeated is not contradicted
        ([("find", "found", "V;PST"), ("found", "founded", "V;PST")], 0),  # a form that is a lemma elsewhere
    ],
)
def test_contradictory_rows(rows, count):
    assert contradictory(*zip(*rows, strict=True)) == count if rows else contradictory([], [], []) == 0


@given(st.lists(st.tuples(*[st.sampled_from("abc")] * 2, st.sampled_from("XY")), max_size=12))
def test_contradictory_rows_are_the_naive_ones(rows):
    def contradicted(lemma, form, bundle):
        return any(
            b == bundle and ((left == lemma and f != form) or (f == form and left != lemma))
            for left, f, b in rows
        )

    columns_of = zip(*rows, strict=True) if rows else ([], [], [])
    assert contradictory(*columns_of) == sum(contradicted(*row) for row in rows)


def test_min_size_one_keeps_the_single_and_zero_is_refused():
    pairs, (report,) = pair_classes([table(ENGLISH)], key, index_of(WORDS), fold, min_size=1)
    assert as_dict(pairs)["V;3;PRS;SG"] == [(0, 4)]
    assert report.small == 0
    with pytest.raises(OptionError, match="min_size=0"):
        pair_classes([table(ENGLISH)], key, index_of(WORDS), fold, min_size=0)


def test_a_report_counts_every_row_once():
    with pytest.raises(ValueError, match="3 rows, but the counts add up to 2"):
        TableReport("t", 3, 1, 1, 0, 0, 0, 0, 0, 1)


WORD = st.sampled_from(["a", "b", "c", "d", "e", "zz"])
ROWS = st.lists(st.tuples(WORD, WORD, st.sampled_from(["N", "N;PL", "V", "A;Z"])), min_size=1, max_size=40)


@given(ROWS, st.lists(WORD, max_size=2), st.integers(1, 4), st.permutations(range(5)))
def test_pair_classes_are_the_naive_ones(rows, held, min_size, order):
    index = dict(zip("abcde", order, strict=True))
    try:
        pairs, (report,) = pair_classes([table(rows)], key, index, fold, hold_out=held, min_size=min_size)
    except InputError:
        assert all(word == "zz" for row in rows for word in row[:2])
        return
    expected = naive_pair_classes(rows, index, min_size, held)
    assert as_dict(pairs) == expected
    assert list(pairs.names) == sorted(expected)
    assert report.rows == len(rows)
    assert (report.used, report.classes) == (sum(map(len, expected.values())), len(expected))
    members = columns(pairs.class_of, pairs.lemmas, pairs.forms)
    assert members == sorted(set(members))

    words = word_classes(pairs)
    assert words.names == pairs.names
    assert columns(words.class_of, words.members) == sorted({(c, f) for c, _, f in members})
    assert words.sizes.sum() == len(words.members)

    families = lemma_families(pairs)
    assert columns(families.lemmas, families.forms) == sorted({(a, b) for _, a, b in members})
    heads = sorted({a for _, a, _ in members})
    assert [heads[f] for f in families.family_of] == families.lemmas.tolist()
    assert families.sizes.tolist() == [1 + len({b for _, a, b in members if a == head}) for head in heads]


def test_listed_classes_share_words_and_languages():
    listed = ClassList(
        ["c", "c", "b", "b", "b", "a", "c"],
        ["es:Red", "pt:red", "es:red", "pt:x", "pt:a b", "es:red", "es:red"],
        "c.tsv",
    )
    index = index_of(["es:red", "pt:red", "red"])
    classes, report = listed_classes(listed, key, index, fold, languages=("es", "pt"))
    assert classes.names == ("c",)
    assert columns(classes.class_of, classes.members) == [(0, 0), (0, 1)]
    assert (report.rows, report.used, report.unknown, report.multiword, report.duplicate, report.small) == (
        7,
        2,
        1,
        1,
        1,
        2,
    )
    held, report = listed_classes(listed, key, index, fold, languages=("es", "pt"), hold_out=["RED"])
    assert (held.names, report.held_out) == ((), 5)
    with pytest.raises(InputError, match="a class list with none of the words"):
        listed_classes(listed, key, {"red": 0}, fold, languages=("es", "pt"))


def test_listed_edges_keep_the_heaviest():
    listed = EdgeList(
        ["b", "a", "a", "a", "c", "x y"],
        ["a", "B", "c", "a", "z", "a"],
        [1.0, 3.0, 2.0, 1.0, 1.0, 1.0],
        "e.tsv",
    )
    index = index_of(["c", "a", "b"])
    edges, fate = listed_edges(listed, key, index, fold)
    assert columns(edges.i, edges.j, edges.weight, edges.row) == [(0, 1, 2.0, 2), (1, 2, 3.0, 1)]
    assert [FATES[number] for number in fate] == ["duplicate", "used", "used", "same", "unknown", "multiword"]
    report = make_report(listed.source, fate)
    assert (report.rows, report.used, report.duplicate, report.same, report.unknown, report.multiword) == (
        6,
        2,
        1,
        1,
        1,
        1,
    )
    assert report.line() == (
        "e.tsv: 2 of 6 rows used; left out: 1 with unknown words, 1 with multi-word entries, "
        "1 with twice the same word, 1 repeated"
    )
    edges, fate = listed_edges(listed, key, index, fold, hold_out=["B"])
    assert columns(edges.i, edges.j) == [(0, 1)]
    assert make_report(listed.source, fate).held_out == 2
    with pytest.raises(InputError, match="an edge list with none of the words"):
        listed_edges(listed, key, {}, fold)
