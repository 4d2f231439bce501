"""From what is known to penalties: graphs found from vectors, listed edges inside classes, weights of classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from naive_morphology import edge_sum, nearest
from naive_morphology import scatter as scatter_of

from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError, OptionError
from morphvec.morphology import AffixRule, ClassList, EdgeList, MorphModel, Segmentation, Table
from morphvec.morphology.constraints import STRENGTH, ConstraintOptions, Knowledge, build_penalties
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

STEMS = ["walk", "talk", "jump", "call", "look", "open"]
WORDS = [*STEMS, *(f"{stem}ed" for stem in STEMS), "sea", "seas", "boat", "boats", "alone"]
AT = {word: row for row, word in enumerate(WORDS)}
PAST = Table("", STEMS, [f"{stem}ed" for stem in STEMS], ["V;PST"] * 6, "past.tsv")
PLURAL = Table("", ["sea", "boat"], ["seas", "boats"], ["N;PL"] * 2, "plural.tsv")
LISTED = ClassList(["x"] * 3 + ["y"] * 3, ["walk", "talk", "sea", "sea", "seas", "boat"], "classes.tsv")


def vocabulary(words=WORDS, languages=()):
    counts = np.arange(len(words), 0, -1)
    return Vocabulary(tuple(words), counts, int(counts.sum()), len(words), Tokenizer(), tuple(languages))


def built(knowledge, *, vectors=None, seed=0, words=WORDS, languages=(), **options):
    found = vocabulary(words, languages)
    return build_penalties(knowledge, found, ConstraintOptions(**options), seed, vectors)


def points(words=WORDS, seed=3):
    return stream(seed).standard_normal((len(words), 4))


def dense(penalty):
    """L, after a look at what every L must be: symmetric and positive semi-definite."""
    L = np.zeros((penalty.size, penalty.size))
    penalty.add_product(np.eye(penalty.size), 1.0, L, LocalEngine(1))
    np.testing.assert_allclose(L, L.T, atol=1e-12)
    assert np.linalg.eigvalsh(L).min() > -1e-9
    return L


def offsets(U, rows):
    return np.array([U[AT[form]] - U[AT[lemma]] for lemma, form in rows])


PAIRS = list(zip(PAST.lemmas, PAST.forms, strict=True))


# ------------------------------------------------------------------------------------- nearest


@pytest.mark.parametrize("kind", ["offset", "class"])
@pytest.mark.parametrize("neighbours", [1, 2])
def test_nearest_members_are_found_among_the_given_vectors(kind, neighbours):
    vectors, U = points(), points(seed=5)
    ((_, penalty, _),), _ = built(
        Knowledge((PAST,)), constraints=((kind, 1.0),), graph=f"nearest:{neighbours}", vectors=vectors
    )
    if kind == "offset":
        given, members = offsets(vectors, PAIRS), offsets(U, PAIRS)
    else:
        forms = [AT[form] for _, form in PAIRS]
        given, members = vectors[forms], U[forms]
    edges = nearest(given, neighbours)
    assert penalty.value(U) == pytest.approx(5 / (2 * len(edges)) * edge_sum(members, edges))
    dense(penalty)


def test_nearest_members_need_vectors_of_all_words():
    assert ConstraintOptions(graph="nearest:3").needs_vectors
    assert not ConstraintOptions(graph="random:3").needs_vectors
    for vectors, said in ((None, "no vectors"), (points()[1:], "16 vectors")):
        with pytest.raises(OptionError, match=f"graph=nearest:2 with {said}"):
            built(Knowledge((PAST,)), graph="nearest:2", vectors=vectors)
    vectors = points()
    vectors[AT["walked"], 0] = np.nan
    with pytest.raises(OptionError, match="finite vector"):
        built(Knowledge((PAST,)), graph="nearest:2", vectors=vectors)


def test_random_leaves_no_class_without_an_edge():
    """Two members: a random permutation is the identity half of the time."""
    for seed in range(12):
        ((_, penalty, _),), _ = built(Knowledge((PLURAL,)), graph="random:1", seed=seed)
        U = points()
        both = offsets(U, [("sea", "seas"), ("boat", "boats")])
        assert penalty.value(U) == pytest.approx(scatter_of(both))


# ------------------------------------------------------------------------------------- explicit

EDGES = EdgeList(
    ["walk", "sea", "sea", "alone", "walk"],
    ["talk", "boat", "walk", "sea", "nowhere"],
    [2.0, 1.0, 3.0, 1.0, 1.0],
    "edges.tsv",
)


def test_explicit_edges_act_inside_the_listed_classes():
    """x has two edges (weights 2 and 3) of three members, y one; the edge to *alone* lies in no class."""
    ((strength, penalty, name),), reports = built(
        Knowledge(classes=(LISTED,), edges=(EDGES,)), graph="explicit"
    )
    assert (strength, name) == (STRENGTH["class"], "class")
    U = points()

    def square(one, other):
        return float(((U[AT[one]] - U[AT[other]]) ** 2).sum())

    x, y = 2 / (2 * 2), 2 / (2 * 1)  # (n − 1)/(2|E|)
    wanted = x * (2 * square("walk", "talk") + 3 * square("sea", "walk")) + y * square("sea", "boat")
    assert penalty.value(U) == pytest.approx(wanted)
    dense(penalty)
    listed, edges = reports
    assert (listed.source, listed.used) == ("classes.tsv", 6)
    assert (edges.rows, edges.used, edges.outside, edges.unknown) == (5, 3, 1, 1)
    assert edges.line().endswith("3 of 5 rows used; left out: 1 with unknown words, 1 outside the classes")


def test_explicit_edges_act_inside_the_classes_of_a_table_too():
    edges = EdgeList(["walked", "walk"], ["talked", "talk"], [1.0, 1.0], "edges.tsv")
    knowledge = Knowledge((PAST,), edges=(edges,))
    ((_, penalty, _),), reports = built(knowledge, graph="explicit", constraints=(("class", 1.0),))
    assert np.flatnonzero(np.diag(dense(penalty))).tolist() == [AT["walked"], AT["talked"]]
    assert (reports[-1].used, reports[-1].outside) == (1, 1)


def test_without_classes_listed_edges_are_one_graph_in_any_graph():
    some = [dense(built(Knowledge(edges=(EDGES,)), graph=graph)[0][0][1]) for graph in ("explicit", "ring")]
    assert np.array_equal(*some)


@pytest.mark.parametrize(
    ("knowledge", "options", "problem"),
    [
        (Knowledge(classes=(LISTED,)), {}, "graph=explicit without edges"),
        (Knowledge((PAST,), edges=(EDGES,)), {}, "graph=explicit with the constraint offset"),
        (
            Knowledge((PAST,), edges=(EDGES,)),
            {"constraints": (("offset", 1.0),)},
            "graph=explicit with the constraint offset",
        ),
        (
            Knowledge(classes=(LISTED,), edges=(EdgeList(["boats"], ["alone"], [1.0], "e"),)),
            {},
            "constraint class: nothing is left",
        ),
    ],
)
def test_explicit_without_what_it_needs_is_refused(knowledge, options, problem):
    with pytest.raises((OptionError, InputError), match=problem) as caught:
        built(knowledge, graph="explicit", **options)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------- weights of classes


@pytest.mark.parametrize("graph", ["complete", "ring", "random:2", "nearest:2"])
@pytest.mark.parametrize("kind", ["offset", "class"])
def test_a_class_weight_multiplies_its_class(graph, kind):
    options = {"constraints": ((kind, 1.0),), "graph": graph, "vectors": points()}

    def laplacian(*tables, **weights):
        ((_, penalty, _),), _ = built(Knowledge(tables, class_weights=weights), **options)
        return dense(penalty)

    past, plural = (laplacian(PAST, PLURAL, **{off: 0.0}) for off in ("N;PL", "V;PST"))
    if graph != "random:2":  # a random graph is drawn for a class by its place
        np.testing.assert_allclose(past, laplacian(PAST), atol=1e-12)
    np.testing.assert_allclose(plural, laplacian(PLURAL), atol=1e-12)
    np.testing.assert_allclose(laplacian(PAST, PLURAL), past + plural, atol=1e-12)
    weighted = laplacian(PAST, PLURAL, **{"V;PST": 2.5, "N;PL": 0.5})
    np.testing.assert_allclose(weighted, 2.5 * past + 0.5 * plural, atol=1e-12)


def test_weights_name_bundles_in_any_order_rules_and_listed_classes():
    table = Table("", ["walk", "talk"], ["walked", "talked"], ["V;1;PST"] * 2, "t.tsv")
    rules = (AffixRule("suffix", "s", "", "PL"),)
    weights = {"v;pst;1": 2.0, "PL": 3.0, "y": 5.0}
    plain = Knowledge((table,), rules, classes=(LISTED,))
    weighted = Knowledge((table,), rules, classes=(LISTED,), class_weights=weights)
    (bundle, rule, listed), _ = built(plain)
    (bundle2, rule2, listed2), _ = built(weighted)
    np.testing.assert_allclose(dense(bundle2[1]), 2 * dense(bundle[1]))
    np.testing.assert_allclose(dense(rule2[1]), 3 * dense(rule[1]))
    U = points()
    x, y = ([AT[word] for word in LISTED.words[part]] for part in (slice(3), slice(3, 6)))
    assert listed[1].value(U) == pytest.approx(scatter_of(U[x]) + scatter_of(U[y]))
    assert listed2[1].value(U) == pytest.approx(scatter_of(U[x]) + 5 * scatter_of(U[y]))


def test_listed_edges_inside_classes_carry_the_weight_of_their_class():
    knowledge = {"classes": (LISTED,), "edges": (EDGES,)}
    ((_, plain, _),), _ = built(Knowledge(**knowledge), graph="explicit")
    ((_, only_y, _),), _ = built(Knowledge(**knowledge, class_weights={"x": 0.0}), graph="explicit")
    ((_, more_x, _),), _ = built(Knowledge(**knowledge, class_weights={"x": 3.0}), graph="explicit")
    np.testing.assert_allclose(dense(more_x) - dense(plain), 2 * (dense(plain) - dense(only_y)), atol=1e-12)


def test_a_weight_of_no_class_is_refused_with_known_names():
    with pytest.raises(InputError) as caught:
        built(Knowledge((PAST, PLURAL), class_weights={"V;PAST": 2.0}))
    assert str(caught.value) == (
        "a weight for the class 'V;PAST'; it names one of the 2 known classes, for example V;PST; "
        "correct the name, or leave the line out"
    )


def test_weights_that_turn_every_class_off_leave_nothing():
    with pytest.raises(InputError, match="constraint offset: nothing is left"):
        built(Knowledge((PLURAL,), class_weights={"N;PL": 0.0}))


@pytest.mark.parametrize("graph", ["complete", "ring", "nearest:2"])
def test_a_text_too_small_for_every_class_is_refused_only_where_the_constraint_was_asked_for(graph):
    alone = Knowledge((Table("", ["walk", "sea"], ["walked", "seas"], ["V;PST", "N;PL"], "few.tsv"),))
    options = {"graph": graph, "vectors": points()}
    penalties, (report,) = built(alone, **options)
    assert (penalties, report.used, report.small) == ([], 0, 2)
    with pytest.raises(InputError, match="constraint offset: nothing is left"):
        built(alone, constraints=(("offset", 1.0),), **options)
    with pytest.raises(
        InputError, match="constraint offset: nothing is left"
    ):  # a lemma is known, and no pair
        built(Knowledge((Table("", ["walk"], ["walks"], ["V;3"], "others.tsv"),)), **options)
    held = frozenset(["sea", "seas"])
    with pytest.raises(InputError, match="constraint offset: nothing is left"):
        built(
            Knowledge(
                (PLURAL, Table("", ["boat"], ["boats"], ["N;PL"], "more.tsv")), hold_out=held | {"boat"}
            ),
            **options,
        )
    listed = replace(alone, classes=(ClassList(["x"] * 2, ["sea", "seas"], "others.tsv"),), hold_out=held)
    with pytest.raises(
        InputError, match="constraint class: nothing is left"
    ):  # of the list nothing is left at all
        built(listed, **options)


# ------------------------------------------------------------------------------------- languages, kinds of tables


def test_affix_lists_of_two_languages_make_one_class_of_a_name():
    words = ["eng:cat", "eng:cats", "fra:chat", "fra:chats", "fra:mot", "fra:motx"]
    rules = (
        AffixRule("suffix", "s", "", "PL"),
        AffixRule("suffix", "x", "", "PL", "fra"),
        AffixRule("suffix", "ts", "t", "PL", "eng"),
    )
    ((_, penalty, name),), reports = built(Knowledge(affixes=rules), words=words, languages=("eng", "fra"))
    U = points(words)
    members = U[[1, 3, 5]] - U[[0, 2, 4]]
    assert name == "offset"
    assert penalty.value(U) == pytest.approx(scatter_of(members))
    assert [(report.languages, report.used) for report in reports] == [(("eng",), 1), (("fra",), 2)]
    with pytest.raises(InputError, match="affixes of the language 'deu'"):
        built(
            Knowledge(affixes=(AffixRule("suffix", "s", "", "PL", "deu"),)),
            words=words,
            languages=("eng", "fra"),
        )


@pytest.mark.parametrize(
    ("kind", "option"),
    [("UniMorph", "--unimorph"), ("derivations", "--derivations"), ("treebank", "--conllu")],
)
def test_a_table_with_a_language_that_the_corpus_does_not_name(kind, option):
    table = Table("eng", ["walk"], ["walked"], ["V"], "t.tsv", kind)
    with pytest.raises(InputError, match=f"has the language eng; tables name.*write {option} PATH"):
        built(Knowledge((table,)))


def test_lemma_draws_forms_to_their_lemma_over_all_kinds_of_tables():
    derived = Table("", ["walk", "sea"], ["boat", "boat"], ["DRV;V;N;-x"] * 2, "d.tsv", "derivations")
    ((strength, penalty, name),), reports = built(
        Knowledge((PAST, derived), class_weights={"V;PST": 7.0}), constraints=(("lemma", 3.0),)
    )
    U = points()
    edges = [*((AT[a], AT[b]) for a, b in PAIRS), (AT["walk"], AT["boat"]), (AT["sea"], AT["boat"])]
    assert (strength, name) == (3.0, "lemma")
    assert penalty.value(U) == pytest.approx(
        0.5 * edge_sum(U, edges)
    )  # a star of n words: (n − 1)/(2(n − 1))
    dense(penalty)
    assert [(report.source, report.rows, report.contradictory) for report in reports] == [
        ("UniMorph", 6, 0),
        ("derivations", 2, 2),  # boat from walk and from sea
    ]


def test_what_words_are_made_of_is_known_but_constrains_nothing():
    assert Knowledge().empty
    assert Knowledge(class_weights={"x": 1.0}, hold_out=("a",)).empty
    segments = Segmentation("", ["walked"], [("walk", "ed")], "s.tsv")
    morphs = MorphModel("", {"walk": 1}, "m.txt")
    for knowledge in (Knowledge(segmentations=(segments,)), Knowledge(morphs=(morphs,))):
        assert not knowledge.empty
        assert built(knowledge) == ([], [])


def test_two_hundred_thousand_edges_are_read_counted_and_joined(tmp_path):
    """Every pair of 632 words with weight 1 or 2, a few twice: what L is can be written down."""
    from morphvec.morphology import read_edges

    words = [f"w{number}" for number in range(632)]
    pairs = [(i, j) for i in range(632) for j in range(i)]
    path = tmp_path / "edges.tsv"
    lines = [f"w{i}\tw{j}" + ("\t2" if i % 2 else "") for i, j in pairs] + ["w0\tw1", "w0\tw0", "w0\tmissing"]
    path.write_text("\n".join(lines))
    ((_, penalty, _),), (report,) = built(Knowledge(edges=(read_edges(path),)), words=words, normalise="none")
    assert len(pairs) > 199_000
    assert (report.rows, report.used) == (len(pairs) + 3, len(pairs))
    assert (report.duplicate, report.same, report.unknown) == (1, 1, 1)
    degree = [sum(2 if max(i, j) % 2 else 1 for j in range(632) if j != i) for i in range(632)]
    np.testing.assert_allclose(penalty.diagonal(), degree)


def test_no_constraint_at_all_is_a_choice():
    assert build_penalties(Knowledge(), None, ConstraintOptions(off=True)) == ([], [])
