from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphvec.errors import InputError, OptionError
from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.constraints import Knowledge
from morphvec.morphology.pieces import find_pieces, shares_of_analyses, shares_of_segments
from morphvec.morphology.segmentation import MorphModel, Segmentation
from morphvec.morphology.tables import Table
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

VERBS = ["walk", "talk", "jump", "play", "call"]
PAST, PARTICIPLE, GERUND = "V;PST", "V;PST;V.PTCP", "V;PRS;V.PTCP"
ED = [(verb, verb + "ed", bundle) for verb in VERBS for bundle in (PAST, PARTICIPLE)]
ING = [(verb, verb + "ing", GERUND) for verb in VERBS]


def vocabulary(words, languages=()):
    """In the given order, as if their counts fell."""
    counts = np.arange(len(words), 0, -1)
    tokenizer = Tokenizer("unicode", "lower")
    return Vocabulary(tuple(words), counts, int(counts.sum()), len(words), tokenizer, tuple(languages))


def table(rows, language=""):
    lemmas, forms, features = zip(*rows, strict=True)
    return Table(language, list(lemmas), list(forms), list(features), "test")


def told(pieces, words):
    """word → kind → {piece: share}, empty ones left out."""
    found = {}
    for row, word in enumerate(words):
        kinds = {}
        for kind, names in pieces.names.items():
            shares = pieces.shares[kind][[row]]
            kinds[kind] = {
                names[column]: share
                for column, share in zip(shares.indices.tolist(), shares.data.tolist(), strict=True)
            }
        stems = pieces.stems[[row]]
        kinds.setdefault("lemma", {}).update(
            {words[c]: share for c, share in zip(stems.indices.tolist(), stems.data.tolist(), strict=True)}
        )
        if any(kinds.values()):
            found[word] = {kind: shares for kind, shares in kinds.items() if shares}
    return found


def pieces_of(words, knowledge, kinds=("lemma", "affixes"), least=1, languages=()):
    return told(find_pieces(knowledge, vocabulary(words, languages), kinds, least), words)


def test_a_form_is_its_lemma_and_its_bundles_evenly():
    words = ["walk", "walked", "walking", "sea"]
    found = pieces_of(words, Knowledge(tables=(table([*ED, *ING]),)))
    assert found == {
        "walked": {"lemma": {"walk": 1.0}, "affixes": {PAST: 0.5, PARTICIPLE: 0.5}},
        "walking": {"lemma": {"walk": 1.0}, "affixes": {GERUND: 1.0}},
    }


def test_analyses_count_the_same_whatever_they_share():
    """Three analyses, two of one lemma: 2/3 and 1/3."""
    rows = [
        ("lie", "lay", "A"),
        ("lie", "lay", "B"),
        ("lay", "lay", "C"),
        ("ley", "lay", "B"),
        ("ley", "lay", "B"),
    ]
    found = pieces_of(["lie", "lay", "ley"], Knowledge(tables=(table(rows),)))
    assert found["lay"]["lemma"] == pytest.approx({"lie": 2 / 3, "ley": 1 / 3})
    assert found["lay"]["affixes"] == pytest.approx({"A": 1 / 3, "B": 2 / 3})


def test_a_lemma_that_is_no_form_has_no_parts_and_chains_are_not_followed():
    rows = [("walk", "walk", "V;NFIN"), ("walk", "walker", "AGENT"), ("walker", "walkers", "N;PL")]
    found = pieces_of(["walk", "walker", "walkers"], Knowledge(tables=(table(rows),)))
    assert found == {
        "walker": {"lemma": {"walk": 1.0}, "affixes": {"AGENT": 1.0}},
        "walkers": {"lemma": {"walker": 1.0}, "affixes": {"N;PL": 1.0}},
    }


def test_lemmas_outside_the_vocabulary_need_two_words():
    rows = [("go", "goes", "A"), ("go", "went", "B"), ("be", "was", "A"), ("see", "saw", "A")]
    words = ["goes", "went", "was", "saw", "see"]
    pieces = find_pieces(Knowledge(tables=(table(rows),)), vocabulary(words), ("lemma",), 3)
    assert pieces.names == {"lemma": ("go",)}
    assert told(pieces, words) == {
        "goes": {"lemma": {"go": 1.0}},
        "went": {"lemma": {"go": 1.0}},
        "saw": {"lemma": {"see": 1.0}},
    }
    assert pieces.count("lemma") == 3
    assert "3 of 5 words" in pieces.line()


def test_affixes_need_enough_words_and_leave_their_share_to_the_others():
    words = ["walked", "talked", "jumped", "saw"]
    rows = [*ED[:6], ("see", "saw", PAST), ("see", "saw", "ODD")]
    rows = [row for row in rows if row[:2] != ("jump", "jumped") or row[2] == PAST]
    knowledge = Knowledge(tables=(table(rows),))
    found = pieces_of(words, knowledge, ("affixes",), 3)
    assert found["saw"] == {"affixes": {PAST: 1.0}}
    assert found["walked"] == {"affixes": {PAST: 1.0}}  # only two words are a participle
    assert pieces_of(words, knowledge, ("affixes",), 2)["walked"] == {"affixes": {PAST: 0.5, PARTICIPLE: 0.5}}
    assert pieces_of(words, knowledge, ("affixes",), 5) == {}


def test_rules_learned_from_a_table_reach_words_without_a_row():
    words = ["work", "worked", "string", "walk", "walked", "res", "sted", "working"]
    knowledge = Knowledge(tables=(table([*ED, *ING, ("string", "strings", "N;PL"), ("work", "xx", "N")]),))
    found = pieces_of(words, knowledge)
    assert found["worked"] == {"lemma": {"work": 1.0}, "affixes": {PAST: 0.5, PARTICIPLE: 0.5}}
    assert found["working"] == {"lemma": {"work": 1.0}, "affixes": {GERUND: 1.0}}
    assert "string" not in found  # a lemma of the table is not taken apart
    assert "sted" not in found  # nothing but a stem of two characters
    assert found["walked"]["lemma"] == {"walk": 1.0}
    assert "worked" not in pieces_of(
        ["work", "worked"], Knowledge(tables=(table([*ED[:8], *ING, ("work", "xx", "N")]),))
    )


def test_rules_may_lead_to_lemmas_outside_the_vocabulary_that_have_a_row():
    """*talk* is no word, but the lemma of two by the table."""
    words = ["talked", "talks", "retalked", "talkable"]
    rows = [*ED, ("talk", "talks", "V;3")]
    rows += [(verb, "re" + verb, "AGAIN") for verb in VERBS]
    rows += [(verb, verb + "able", "ABLE") for verb in VERBS if verb != "talk"] + [
        ("bake", "bakeable", "ABLE")
    ]
    found = pieces_of(words, Knowledge(tables=(table(rows),)))
    assert found["talkable"] == {"lemma": {"talk": 1.0}, "affixes": {"ABLE": 1.0}}
    assert found["retalked"] == {"lemma": {"talked": 1.0}, "affixes": {"AGAIN": 1.0}}


def test_the_rules_of_a_list_apply_to_every_word():
    rules = (AffixRule("suffix", "ed", "", "-ed"), AffixRule("prefix", "un", "", "un-"))
    words = ["walk", "walked", "unwalked", "tied", "tie"]
    found = pieces_of(words, Knowledge(affixes=rules))
    assert found == {
        "walked": {"lemma": {"walk": 1.0}, "affixes": {"-ed": 1.0}},
        "unwalked": {"lemma": {"walked": 1.0}, "affixes": {"un-": 1.0}},
    }
    both = pieces_of(words, Knowledge(tables=(table(ED),), affixes=rules))
    assert both["walked"]["affixes"] == pytest.approx({PAST: 1 / 3, PARTICIPLE: 1 / 3, "-ed": 1 / 3})


def test_held_out_rows_do_not_enter_but_rules_do():
    """Six verbs show -ed; *walked* is held out and known by the rule alone, *went* not at all."""
    rows = [*ED, ("go", "went", PAST), ("work", "worked", PAST), ("work", "worked", PARTICIPLE)]
    words = ["walk", "walked", "go", "went", "talk", "talked", "work"]
    held = ("walked", "WENT")
    found = pieces_of(words, Knowledge(tables=(table(rows),), hold_out=held))
    assert found["walked"] == {"lemma": {"walk": 1.0}, "affixes": {PAST: 0.5, PARTICIPLE: 0.5}}
    assert "went" not in found
    few = pieces_of(words, Knowledge(tables=(table(rows[:10]),), hold_out=held))
    assert "walked" not in few  # four pairs are left, and five make a rule
    assert few["talked"]["lemma"] == {"talk": 1.0}
    by_lemma = pieces_of(words, Knowledge(tables=(table(rows),), hold_out=("go",)))
    assert "went" not in by_lemma
    open_ = pieces_of(words, Knowledge(tables=(table(rows),)))
    assert open_["went"] == {"lemma": {"go": 1.0}, "affixes": {PAST: 1.0}}


def test_held_out_segmentations_do_not_enter_but_models_do():
    given = Segmentation("", ["walked", "talked"], [("walk", "ed"), ("talk", "ed")], "test")
    words = ["walked", "talked"]
    open_ = pieces_of(words, Knowledge(segmentations=(given,)), ("morphemes",))
    assert open_["walked"] == {"morphemes": {"walk": 1.0, "ed": 1.0}}
    held = pieces_of(words, Knowledge(segmentations=(given,), hold_out=("walked",)), ("morphemes",))
    assert set(held) == {"talked"}
    model = MorphModel("", {"walk": 3, "ed": 9, "talk": 2}, "test")
    both = Knowledge(segmentations=(given,), morphs=(model,), hold_out=("walked",))
    assert pieces_of(words, both, ("morphemes",))["walked"] == {"morphemes": {"walk": 1.0, "ed": 1.0}}


def test_morphemes_of_one_or_several_segmentations():
    given = Segmentation(
        "", ["Flies", "flies", "bye", "fly"], [("fly", "s"), ("flie", "s"), ("bye", "bye"), ("fly",)], "test"
    )
    words = ["flies", "bye", "fly", "sea"]
    found = pieces_of(words, Knowledge(segmentations=(given,)), ("morphemes",))
    assert found["flies"] == {"morphemes": {"fly": 0.5, "s": 1.0, "flie": 0.5}}
    assert found["bye"] == {"morphemes": {"bye": 1.0}}  # twice in a word counts once
    least = find_pieces(Knowledge(segmentations=(given,)), vocabulary(words), ("morphemes",), 2)
    assert least.names == {"morphemes": ("fly",)}


def test_languages_keep_their_words_and_share_their_bundles():
    words = ["eng:walk", "eng:walked", "deu:sag", "deu:sagte", "deu:walked"]
    knowledge = Knowledge(
        tables=(table(ED, "eng"), table([("sag", "sagte", PAST)], "deu")),
    )
    found = pieces_of(words, knowledge, languages=("deu", "eng"))
    assert found["eng:walked"]["lemma"] == {"eng:walk": 1.0}
    assert found["deu:sagte"] == {"lemma": {"deu:sag": 1.0}, "affixes": {PAST: 1.0}}
    assert "deu:walked" not in found  # rules of English are for English


def test_a_list_may_be_for_one_language():
    words = ["eng:walk", "eng:walked", "deu:walk", "deu:walked"]
    english = AffixRule("suffix", "ed", "", "-ed", "eng")
    found = pieces_of(words, Knowledge(affixes=(english,)), languages=("deu", "eng"))
    assert found == {"eng:walked": {"lemma": {"eng:walk": 1.0}, "affixes": {"-ed": 1.0}}}
    both = pieces_of(
        words, Knowledge(affixes=(AffixRule("suffix", "ed", "", "-ed"),)), languages=("deu", "eng")
    )
    assert set(both) == {"eng:walked", "deu:walked"}
    with pytest.raises(OptionError, match="language 'fra'"):
        pieces_of(
            words, Knowledge(affixes=(AffixRule("suffix", "ed", "", "-ed", "fra"),)), languages=("deu", "eng")
        )


@pytest.mark.parametrize(
    ("knowledge", "languages", "text"),
    [
        (Knowledge(tables=(table(ED, "eng"),)), (), "sources name languages exactly when the corpus does"),
        (Knowledge(tables=(table(ED),)), ("eng",), "sources name languages exactly when the corpus does"),
        (Knowledge(tables=(table([("sag", "sagte", PAST)]),)), (), "none of the words"),
    ],
)
def test_sources_that_do_not_fit_are_refused(knowledge, languages, text):
    words = ["eng:walk", "eng:walked"] if languages else ["walk", "walked"]
    with pytest.raises(InputError, match=text):
        find_pieces(knowledge, vocabulary(words, languages), ("lemma",))


def test_other_kinds_and_numbers_are_refused():
    with pytest.raises(OptionError, match="a piece is one of morphemes, lemma, affixes"):
        find_pieces(Knowledge(), vocabulary(["a", "b"]), ("stems",))
    with pytest.raises(OptionError, match="min_types=0"):
        find_pieces(Knowledge(), vocabulary(["a", "b"]), ("lemma",), 0)


def test_nothing_known_is_nothing_found():
    pieces = find_pieces(Knowledge(), vocabulary(["walk", "walked"]))
    assert pieces.names == {"morphemes": (), "lemma": (), "affixes": ()}
    assert all(shares.nnz == 0 for shares in (*pieces.shares.values(), pieces.stems))


WORD = st.sampled_from(["walk", "walked", "talk", "talked", "ed", "sea", "tal"])


@given(
    st.lists(st.tuples(WORD, WORD, st.sampled_from("AB")), min_size=1, max_size=10),
    st.lists(WORD, min_size=2, max_size=7, unique=True),
    st.integers(1, 2),
)
@settings(deadline=None)
def test_pieces_of_a_table_by_definition(rows, words, least):
    analyses = {
        word: {(lemma, bundle) for lemma, form, bundle in rows if form == word != lemma} for word in words
    }
    if not any(word in row[:2] for word in words for row in rows):
        return
    kept = {
        bundle
        for bundle in "AB"
        if sum(any(found == bundle for _, found in analyses[word]) for word in words) >= least
    }
    outside = {
        lemma
        for lemma, _, _ in rows
        if lemma not in words
        and sum(any(found == lemma for found, _ in analyses[word]) for word in words) >= 2
    }
    wanted = {}
    for word in words:
        lemmas = [lemma for lemma, _ in analyses[word] if lemma in words or lemma in outside]
        bundles = [bundle for _, bundle in analyses[word] if bundle in kept]
        shares = {
            "lemma": {lemma: lemmas.count(lemma) / len(lemmas) for lemma in lemmas},
            "affixes": {bundle: bundles.count(bundle) / len(bundles) for bundle in bundles},
        }
        if lemmas or bundles:
            wanted[word] = {kind: found for kind, found in shares.items() if found}
    found = pieces_of(words, Knowledge(tables=(table(rows),)), least=least)
    assert found.keys() == wanted.keys()
    for word, kinds in wanted.items():
        assert found[word].keys() == kinds.keys()
        for kind, shares in kinds.items():
            assert found[word][kind] == pytest.approx(shares)


def test_shares_of_known_pieces():
    analyses = [("walk", "A"), ("walk", "B"), ("talk", "B")]
    assert shares_of_analyses("lemma", analyses, lambda _: True) == pytest.approx(
        {"walk": 2 / 3, "talk": 1 / 3}
    )
    assert shares_of_analyses("affixes", analyses, "A".__eq__) == {"A": 1.0}
    assert shares_of_analyses("affixes", [], lambda _: True) == {}
    assert shares_of_segments([("a", "b", "a"), ("ab",)], lambda piece: piece != "b") == {"a": 0.5, "ab": 0.5}
