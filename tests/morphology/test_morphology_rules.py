from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphvec.errors import OptionError
from morphvec.morphology.affixes import AffixRule, analyse
from morphvec.morphology.rules import RuleBook, change_of, induce_rules
from morphvec.morphology.tables import Table

LETTERS = st.text(st.sampled_from("abe"), min_size=1, max_size=6)
AFFIXES = st.text(st.sampled_from("abe"), min_size=0, max_size=2)


def table(*rows):
    lemmas, forms, features = zip(*rows, strict=True)
    return Table("", list(lemmas), list(forms), list(features), "test")


@pytest.mark.parametrize(
    ("lemma", "form", "change"),
    [
        ("walk", "walked", ("suffix", "ed", "")),
        ("bake", "baked", ("suffix", "d", "")),
        ("city", "cities", ("suffix", "ies", "y")),
        ("run", "running", ("suffix", "ning", "")),
        ("hablar", "habla", ("suffix", "a", "ar")),  # the form is the lemma cut short
        ("happy", "unhappy", ("prefix", "un", "")),
        ("kusoma", "ninasoma", ("prefix", "nina", "ku")),
        ("unhappy", "happy", ("prefix", "h", "unh")),
        ("sing", "sang", ("prefix", "sa", "si")),  # more is shared behind than before
        ("abc", "xbc", ("prefix", "x", "a")),
        ("go", "went", None),
        ("walk", "walk", None),
        ("ab", "a", None),  # nothing would be left of the form
    ],
)
def test_the_change_between_a_lemma_and_its_form(lemma, form, change):
    assert change_of(lemma, form) == change


@given(LETTERS, LETTERS)
def test_a_change_undoes_the_form(lemma, form):
    change = change_of(lemma, form)
    if change is not None:
        assert change[1]
        assert AffixRule(*change, "").undo(form) == lemma


def test_rules_need_enough_pairs():
    verbs = ["walk", "talk", "jump", "play"]
    rows = [(verb, verb + "ed", bundle) for verb in verbs for bundle in ("V;PST", "V;PST;V.PTCP")]
    rows += [(verb, verb + "ing", "V;PRS;V.PTCP") for verb in verbs[:3]]
    found = induce_rules(table(*rows, *rows), 4)  # a row that comes twice is one pair
    assert found == (AffixRule("suffix", "ed", "", "V;PST"), AffixRule("suffix", "ed", "", "V;PST;V.PTCP"))
    assert len(induce_rules(table(*rows), 3)) == 3
    assert induce_rules(table(*rows), 5) == ()
    with pytest.raises(OptionError, match="min_pairs=0"):
        induce_rules(table(*rows), 0)


def test_words_with_spaces_show_no_rule():
    assert induce_rules(table(("give up", "gave up", "V;PST"), ("give", "has given", "V;PRF")), 1) == ()


@pytest.mark.parametrize(("wrong", "kept"), [(0, True), (2, True), (3, False)])
def test_a_rule_is_right_in_half_of_the_forms_that_it_applies_to(wrong, kept):
    """-en → nothing makes "tak" of "taken": where "tak" is a lemma as well, the rule is wrong there."""
    rows = [("wood", "wooden", "ADJ"), ("gold", "golden", "ADJ")]
    for stem in ("tak", "giv", "shak")[:wrong]:
        rows += [(stem + "e", stem + "en", "V.PTCP;PST"), (stem, stem + "s", "N;PL")]
    found = induce_rules(table(*rows), 2)
    assert (AffixRule("suffix", "en", "", "ADJ") in found) is kept


def test_a_rule_is_not_judged_where_it_leads_to_no_lemma_or_to_a_short_one():
    rows = [("wood", "wooden", "ADJ"), ("gold", "golden", "ADJ"), ("be", "been", "V.PTCP;PST")]
    rows += [(stem + "e", stem + "en", "V.PTCP;PST") for stem in ("tak", "giv", "shak")]
    found = induce_rules(table(*rows), 2)
    assert AffixRule("suffix", "en", "", "ADJ") in found


def test_rules_do_not_depend_on_the_order_of_rows():
    rows = [(verb, verb + end, end) for verb in ("walk", "talk", "jump") for end in ("ed", "s", "ing")]
    assert induce_rules(table(*rows), 2) == induce_rules(table(*rows[::-1]), 2)


@given(
    st.lists(LETTERS, min_size=1, max_size=12, unique=True),
    st.lists(
        st.tuples(
            st.sampled_from(["suffix", "prefix"]), AFFIXES.filter(bool), AFFIXES, st.sampled_from("xyz")
        ).filter(lambda rule: rule[1] != rule[2]),
        max_size=8,
        unique=True,
    ),
)
@settings(deadline=None)
def test_a_rule_book_finds_what_analyse_finds(words, given_rules):
    """``analyse`` is the definition; words that fall by count, ties by code point, are in the order of a vocabulary."""
    rules = [AffixRule(*rule) for rule in given_rules]
    words = sorted(words)
    wanted = analyse(words, [1] * len(words), rules)
    index = {word: row for row, word in enumerate(words)}
    book = RuleBook(rules)
    found = [
        (stem, row, rule) for row, word in enumerate(words) for stem, rule in book.stems(word, index.get)
    ]
    assert found == list(
        zip(wanted.stems.tolist(), wanted.words.tolist(), wanted.rules.tolist(), strict=True)
    )
