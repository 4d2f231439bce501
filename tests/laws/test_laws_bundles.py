"""From tables to penalties: which words a constraint couples, in every graph, across languages, and which it spares."""

from __future__ import annotations

import numpy as np
import pytest

import naive
from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError, OptionError
from morphvec.morphology import AffixRule, ClassList, EdgeList, Table, normalise_features
from morphvec.morphology.constraints import (
    STRENGTH,
    ConstraintOptions,
    Knowledge,
    build_penalties,
    parse_constraint,
)
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

ENGLISH = ["walk", "walked", "talk", "talked", "jump", "jumped", "walks", "talks", "sea", "seas", "alone"]
ROWS = [
    ("walk", "walked", "V;PST"),
    ("talk", "talked", "V;PST"),
    ("jump", "jumped", "V;PST"),
    ("walk", "walks", "V;PRS;3;SG"),
    ("talk", "talks", "V;PRS;3;SG"),
    ("sea", "seas", "N;PL"),  # alone in its class
    ("sing", "sang", "V;PST"),  # not in the vocabulary
]


def vocabulary(words, languages=()):
    counts = np.arange(len(words), 0, -1)
    return Vocabulary(tuple(words), counts, int(counts.sum()), len(words), Tokenizer(), tuple(languages))


def table(rows, language=""):
    lemmas, forms, features = ([row[column] for row in rows] for column in range(3))
    return Table(language, lemmas, forms, [normalise_features(bundle) for bundle in features], "table.tsv")


def dense(penalty):
    L = np.zeros((penalty.size, penalty.size))
    penalty.add_product(np.eye(penalty.size), 1.0, L, LocalEngine(1))
    np.testing.assert_allclose(L, L.T, atol=1e-12)
    np.testing.assert_allclose(penalty.diagonal(), np.diag(L), atol=1e-12)
    assert np.linalg.eigvalsh(L).min() > -1e-9
    return L


def built(knowledge, words, languages=(), seed=0, **options):
    asked = options.pop("constraints", ())
    penalties, _ = build_penalties(
        knowledge, vocabulary(words, languages), ConstraintOptions(asked, **options), seed
    )
    return penalties


def differences(words, pairs):
    """Rows u_form − u_lemma."""
    F = np.zeros((len(pairs), len(words)))
    for number, (lemma, form) in enumerate(pairs):
        F[number, words.index(form)] += 1
        F[number, words.index(lemma)] -= 1
    return F


PAST = [("walk", "walked"), ("talk", "talked"), ("jump", "jumped")]
PRESENT = [("walk", "walks"), ("talk", "talks")]


@pytest.mark.parametrize("asked", [(), (("offset", None),)])
def test_the_usual_strength_is_a_hundredth_where_line_ids_alone_tell_words(asked):
    one, found = Knowledge((table(ROWS),)), vocabulary(ENGLISH)
    for by_contexts, wanted in ((True, 300.0), (False, 3.0)):
        ((strength, _, _),), _ = build_penalties(
            one, found, ConstraintOptions(asked), by_contexts=by_contexts
        )
        assert strength == wanted
    given = ConstraintOptions((("offset", 7.0),))
    assert build_penalties(one, found, given, by_contexts=False)[0][0][0] == 7


def test_offset_is_the_default_use_of_a_table():
    ((strength, penalty, name),) = built(Knowledge((table(ROWS),)), ENGLISH)
    assert (strength, name) == (STRENGTH["offset"], "offset")
    members = differences(ENGLISH, PAST + PRESENT)
    wanted = naive.complete_laplacian(members, [0, 0, 0, 1, 1], [1 / 3, 1 / 2])
    np.testing.assert_allclose(dense(penalty), wanted, atol=1e-12)


@pytest.mark.parametrize("normalise", ["scatter", "none"])
@pytest.mark.parametrize("kind", ["offset", "class"])
def test_every_graph_of_offsets_and_of_words(kind, normalise):
    """A class of three: its complete graph and its ring are the triangle, its star lacks one edge."""
    members = differences(ENGLISH, PAST + PRESENT)
    if kind == "class":
        members = np.eye(len(ENGLISH))[[ENGLISH.index(form) for _, form in PAST + PRESENT]]
    order = sorted(range(5), key=lambda m: (m > 2, ENGLISH.index((PAST + PRESENT)[m][kind == "class"])))
    hub, *others = (members[m] for m in order[:3])
    spokes = sum(np.outer(hub - other, hub - other) for other in others)
    pair = np.outer(members[3] - members[4], members[3] - members[4])
    triangle = spokes + np.outer(others[0] - others[1], others[0] - others[1])
    scaled = normalise == "scatter"
    # (n − 1)/(2|E|): 2/6 for the triangle, 2/4 for the star, 1/2 for the pair
    wanted = {
        "complete": triangle * (1 / 3 if scaled else 1) + pair * (1 / 2 if scaled else 1),
        "ring": triangle * (1 / 3 if scaled else 1) + pair * (1 / 2 if scaled else 1),
        "star": spokes * (1 / 2 if scaled else 1) + pair * (1 / 2 if scaled else 1),
    }
    for graph, L in wanted.items():
        ((strength, penalty, _),) = built(
            Knowledge((table(ROWS),)), ENGLISH, constraints=((kind, 2.0),), graph=graph, normalise=normalise
        )
        assert strength == 2.0
        np.testing.assert_allclose(dense(penalty), L, atol=1e-12)


def test_a_random_graph_follows_its_seed():
    words = [f"{stem}{ending}" for stem in "abcdefghij" for ending in ("", "x")]
    rows = [(stem, f"{stem}x", "N;PL") for stem in "abcdefghij"]
    one, same, other = (
        dense(built(Knowledge((table(rows),)), words, seed=seed, graph="random:1")[0][1])
        for seed in (0, 0, 1)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert np.trace(one) == pytest.approx(np.trace(other))  # one λ means one thing


def test_lemma_pulls_every_form_to_its_lemma():
    ((strength, penalty, name),) = built(Knowledge((table(ROWS),)), ENGLISH, constraints=(("lemma", 7.0),))
    assert (strength, name) == (7.0, "lemma")
    pairs = [*PAST, *PRESENT, ("sea", "seas")]  # a family needs no second pair of its bundle
    families = {"walk": 3, "talk": 3, "jump": 2, "sea": 2}  # (n − 1)/(2(n − 1)) is 1/2 for each
    edges = [(ENGLISH.index(lemma), ENGLISH.index(form)) for lemma, form in pairs]
    assert {lemma for lemma, _ in pairs} == set(families)
    np.testing.assert_allclose(dense(penalty), 0.5 * naive.laplacian(len(ENGLISH), edges), atol=1e-12)


def test_languages_that_share_a_bundle_share_a_class():
    words = ["por:falar", "por:falei", "spa:hablar", "spa:hablé", "por:amar", "por:amei", "spa:mar"]
    tables = (
        table(
            [("falar", "falei", "V;PST;1;SG"), ("amar", "amei", "V;1;SG;PST")], "por"
        ),  # tags in another order
        table([("hablar", "hablé", "V;PST;1;SG")], "spa"),
    )
    penalties, reports = build_penalties(
        Knowledge(tables), vocabulary(words, ("por", "spa")), ConstraintOptions()
    )
    ((_, penalty, _),) = penalties
    members = differences(
        words, [("por:falar", "por:falei"), ("por:amar", "por:amei"), ("spa:hablar", "spa:hablé")]
    )
    np.testing.assert_allclose(
        dense(penalty), naive.complete_laplacian(members, [0, 0, 0], [1 / 3]), atol=1e-12
    )
    assert reports[0].classes == 1
    assert reports[0].languages == ("por", "spa")
    U = stream(0).standard_normal((7, 3))
    U[1] = U[0] + 1
    U[5] = U[4] + 1
    U[3] = U[2] + 1
    assert penalty.value(U) == pytest.approx(0, abs=1e-12)
    U[3] += 1  # only Spanish moves, and the class feels it
    assert penalty.value(U) == pytest.approx(3 * 2 / 3)


def test_affix_rules_of_one_name_make_one_class_over_languages():
    """A stem and its word are of one language; the offsets of both languages are made equal."""
    words = ["eng:cat", "eng:cats", "eng:dog", "eng:dogs", "fra:chat", "fra:chats", "fra:chien", "fra:chiens"]
    rules = (AffixRule("suffix", "s", "", "PL"),)
    ((_, penalty, name),) = built(Knowledge(affixes=rules), words, ("eng", "fra"))
    assert name == "offset"
    members = differences(words, list(zip(words[::2], words[1::2], strict=True)))
    np.testing.assert_allclose(
        dense(penalty), naive.complete_laplacian(members, [0, 0, 0, 0], [1 / 4]), atol=1e-12
    )


def test_held_out_words_are_touched_by_no_constraint():
    """A row goes whole when one of its words is held; WALK is folded before it is compared."""
    lists = (ClassList(["a", "a", "a"], ["talks", "seas", "jumped"], "classes.tsv"),)
    edges = (EdgeList(["walk", "jump"], ["sea", "sea"], [1.0, 1.0], "edges.tsv"),)
    constraints = (("class", 1.0), ("lemma", 1.0), ("offset", 1.0))
    rows = [*ROWS[:3], ("sea", "walks", "V;PST"), ("sea", "seas", "N;PL"), ("alone", "talks", "N;PL")]
    coupled = {
        hold_out: {
            (name.partition(".")[0], ENGLISH[row])
            for _, penalty, name in built(
                Knowledge((table(rows),), classes=lists, edges=edges, hold_out=hold_out),
                ENGLISH,
                constraints=constraints,
            )
            for row in np.flatnonzero(np.diag(dense(penalty)))
        }
        for hold_out in ((), ("WALK", "jumped"))
    }
    assert {kind for kind, _ in coupled[()]} == {"class", "lemma", "offset"}
    assert {("lemma", "walk"), ("offset", "jumped"), ("class", "jumped"), ("class", "walk")} <= coupled[()]
    left = ("talk", "talked", "sea", "seas", "walks")
    assert coupled[("WALK", "jumped")] == {
        *(("class", word) for word in ("talks", "seas", "jump", "sea")),
        *((kind, word) for kind in ("lemma", "offset") for word in (*left, "talks", "alone")),
    }


def test_listed_classes_and_edges():
    lists = (ClassList(["x", "x", "y", "y", "y"], ["walk", "talk", "sea", "seas", "nowhere"], "classes.tsv"),)
    edges = (EdgeList(["walk", "sea", "sea"], ["jump", "alone", "sea"], [2.0, 3.0, 1.0], "edges.tsv"),)
    (_, classes, _), (_, listed, _) = built(Knowledge(classes=lists, edges=edges), ENGLISH)
    at = ENGLISH.index
    members = np.eye(len(ENGLISH))[[at("walk"), at("talk"), at("sea"), at("seas")]]
    np.testing.assert_allclose(
        dense(classes), naive.complete_laplacian(members, [0, 0, 1, 1], [0.5, 0.5]), atol=1e-12
    )
    # four words are named by two edges: (4 − 1)/(2·2)
    L = naive.laplacian(len(ENGLISH), [(at("walk"), at("jump")), (at("sea"), at("alone"))], [2.0, 3.0])
    np.testing.assert_allclose(dense(listed), 0.75 * L, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "constraint"),
    [("offset", ("offset", None)), ("lemma:0", ("lemma", 0.0)), ("class:2.5", ("class", 2.5))],
)
def test_constraints_by_name(text, constraint):
    assert parse_constraint(text) == constraint


@pytest.mark.parametrize(
    "text", ["", "words", "offset:", "offset:-1", "offset:nan", "offset:inf", "offset:x"]
)
def test_other_constraints_are_refused(text):
    with pytest.raises(OptionError, match=r"^constraint="):
        parse_constraint(text)


@pytest.mark.parametrize(
    ("knowledge", "constraints", "rule"),
    [
        (Knowledge(), (("offset", 1.0),), "needs pairs of a lemma and a form"),
        (Knowledge(), (("class", 1.0),), "needs classes of words"),
        (Knowledge((table(ROWS[5:]),)), (("offset", 1.0),), "at least two members"),
        (Knowledge((table([("x", "y", "V")]),)), (), "with none of the words"),
        (Knowledge((table(ROWS, "eng"),)), (), "tables name languages exactly when the corpus does"),
    ],
)
def test_constraints_without_anything_to_hold_are_refused(knowledge, constraints, rule):
    with pytest.raises(InputError, match=rule):
        built(knowledge, ENGLISH, constraints=constraints)


def test_a_table_without_languages_beside_a_corpus_with_them_is_refused():
    with pytest.raises(InputError, match="write --unimorph LANG=PATH"):
        built(Knowledge((table(ROWS),)), ["eng:walk", "eng:walked"], ("eng",))


@pytest.mark.parametrize("options", [{"graph": "nearest:0"}, {"graph": "tree"}, {"normalise": "all"}])
def test_constraint_options_out_of_range_are_refused(options):
    with pytest.raises(OptionError):
        ConstraintOptions(**options)
