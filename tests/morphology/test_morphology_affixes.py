from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive_morphology import analyse as naive_analyse
from naive_morphology import columns

from morphvec.errors import InputError
from morphvec.morphology import AffixRule, affix_pairs, analyse, read_affixes

LIST = "# English\n-ing\n-ies\t-y\tPL\n\n-s\t-\tPL\nun-\t\tNEG\nin-\tun-\n"


def rules_of(tmp_path, text):
    path = tmp_path / "affixes.tsv"
    path.write_text(text, encoding="utf-8")
    return read_affixes(path)


def test_the_list_in_file_order(tmp_path):
    assert rules_of(tmp_path, LIST) == (
        AffixRule("suffix", "ing", "", "-ing"),
        AffixRule("suffix", "ies", "y", "PL"),
        AffixRule("suffix", "s", "", "PL"),
        AffixRule("prefix", "un", "", "NEG"),
        AffixRule("prefix", "in", "un", "in-"),
    )


def test_affixes_are_composed_like_the_vocabulary(tmp_path):
    (rule,) = rules_of(tmp_path, "-e\u0301s\n")
    assert rule.undo("cafés") == "caf"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("ing", "'ing'"),
        ("-", "'-'"),
        ("--", "'--'"),
        ("-a-", "'-a-'"),
        ("--a", "'--a'"),
        ("-a b", "'-a b'"),
        ("-ies\ty", "'y' beside the suffix"),
        ("-ies\ty-", "'y-' beside the suffix"),
        ("-s\t-s", "a rule changes the word"),
        ("-s\t\tPL\tx", "4 columns"),
        ("-en", "the rule of line 1 again"),
    ],
)
def test_errors_name_the_line(tmp_path, line, problem):
    with pytest.raises(InputError, match="line 3") as caught:
        rules_of(tmp_path, f"-en\n#\n{line}\n")
    assert problem in str(caught.value)


def test_a_list_of_comments_is_empty(tmp_path):
    with pytest.raises(InputError, match="has no rules"):
        rules_of(tmp_path, "# nothing\n")


def test_undo_leaves_something():
    rule = AffixRule("suffix", "ing", "e", "x")
    assert rule.undo("baking") == "bake"
    assert rule.undo("ing") is None
    assert rule.undo("walk") is None
    assert AffixRule("prefix", "un", "", "x").undo("unun") == "un"


def test_one_stem_per_name_and_the_frequent_one_wins():
    words = ["bake", "baked", "bak", "walk", "walked", "walking"]
    rules = [
        AffixRule("suffix", "ed", "", "PST"),
        AffixRule("suffix", "ed", "e", "PST"),
        AffixRule("suffix", "ing", "", "-ing"),
    ]
    frequent = analyse(words, [9, 5, 1, 4, 2, 2], rules)
    assert columns(frequent.stems, frequent.words, frequent.rules) == [(0, 1, 1), (3, 4, 0), (3, 5, 2)]
    rare = analyse(words, [1, 5, 9, 4, 2, 2], rules)
    assert columns(rare.stems, rare.words, rare.rules)[0] == (2, 1, 0)
    tie = analyse(words, [1] * 6, rules)
    assert columns(tie.stems, tie.words, tie.rules)[0] == (2, 1, 0)  # bak < bake


def test_rules_of_two_names_give_two_analyses():
    rules = [AffixRule("suffix", "s", "", "PL"), AffixRule("suffix", "s", "", "3SG")]
    found = analyse(["work", "works"], [2, 1], rules)
    assert columns(found.stems, found.words, found.rules) == [(0, 1, 0), (0, 1, 1)]


def test_min_stem_counts_the_characters_of_the_stem():
    rules = [AffixRule("suffix", "ies", "y", "PL"), AffixRule("suffix", "s", "", "PL")]
    words = ["fly", "flies", "a", "as"]
    assert columns(*[analyse(words, [1] * 4, rules).words]) == [(1,)]
    assert columns(*[analyse(words, [1] * 4, rules, min_stem=1).words]) == [(1,), (3,)]
    assert columns(*[analyse(words, [1] * 4, rules, min_stem=4).words]) == []


def test_counts_and_words_go_together():
    with pytest.raises(ValueError, match="2 counts for 1 words"):
        analyse(["a"], [1, 2], [])


AFFIX = st.text("ab", min_size=1, max_size=2)
RULE = st.builds(
    AffixRule, st.sampled_from(["suffix", "prefix"]), AFFIX, st.text("ab", max_size=1), st.sampled_from("XYZ")
).filter(lambda rule: rule.form != rule.lemma)


@given(
    st.lists(st.text("ab", min_size=1, max_size=5), unique=True, max_size=14),
    st.lists(RULE, max_size=6, unique=True),
    st.integers(0, 3),
    st.data(),
)
def test_analyse_is_the_naive_one(words, rules, min_stem, data):
    counts = data.draw(st.lists(st.integers(1, 3), min_size=len(words), max_size=len(words)))
    found = analyse(words, counts, rules, min_stem)
    assert columns(found.stems, found.words, found.rules) == naive_analyse(words, counts, rules, min_stem)


WORDS = ["walk", "walks", "talk", "talks", "bring", "brings"]
RULES = [
    AffixRule("suffix", "s", "", "3SG"),
    AffixRule("suffix", "lks", "lk", "LK"),
    AffixRule("prefix", "b", "", "B"),
]


def test_affix_classes_by_rule_name():
    pairs, (report,) = affix_pairs(WORDS, [6, 5, 4, 3, 2, 1], RULES)
    assert pairs.names == ("3SG", "LK")
    assert columns(pairs.class_of, pairs.lemmas, pairs.forms) == [
        (0, 0, 1),
        (0, 2, 3),
        (0, 4, 5),
        (1, 0, 1),
        (1, 2, 3),
    ]
    assert (report.rows, report.used, report.small, report.held_out) == (5, 5, 0, 0)
    assert (report.classes, report.languages) == (2, ())


def test_languages_share_a_class_by_rule_name_and_are_reported_apart():
    """walks is English twice, French has one -s pair of its own; a stem is never of another language."""
    words = ["walk", "chat", "walks", "chats", "talk", "talks", "walks", "mot"]
    owners = ["eng", "fra", "eng", "fra", "eng", "eng", "fra", "fra"]
    pairs, (english, french) = affix_pairs(words, range(8, 0, -1), RULES[:2], owners=owners)
    assert pairs.names == ("3SG", "LK")
    assert columns(pairs.class_of, pairs.lemmas, pairs.forms) == [
        (0, 0, 2),
        (0, 1, 3),
        (0, 4, 5),
        (1, 0, 2),
        (1, 4, 5),
    ]
    assert (english.languages, english.rows, english.used, english.classes) == (("eng",), 4, 4, 2)
    assert (french.languages, french.rows, french.used, french.classes) == (("fra",), 1, 1, 1)


def test_a_rule_of_one_language_leaves_the_others_alone():
    words, owners = ["walk", "walks", "talk", "talks"] * 2, ["eng"] * 4 + ["fra"] * 4
    plural = AffixRule("suffix", "s", "", "PL", "fra")
    pairs, (english, french) = affix_pairs(words, [1] * 8, [RULES[0], plural], owners=owners)
    assert pairs.names == ("3SG", "PL")
    assert columns(pairs.class_of, pairs.forms) == [(0, 1), (0, 3), (0, 5), (0, 7), (1, 5), (1, 7)]
    assert (english.rows, french.rows) == (2, 4)
    with pytest.raises(InputError, match="affixes of the language 'fra'; the vocabulary has none"):
        affix_pairs(words[:4], [1] * 4, [plural])


def test_a_list_is_for_one_language_where_it_says_so(tmp_path):
    path = tmp_path / "affixes.tsv"
    path.write_text("-s\t\tPL\n")
    assert read_affixes(path, "fra") == (AffixRule("suffix", "s", "", "PL", "fra"),)


def test_affix_classes_hold_out():
    pairs, (english,) = affix_pairs(
        WORDS,
        [6, 5, 4, 3, 2, 1],
        RULES,
        owners=["eng"] * 6,
        fold=lambda word, language: word.lower(),
        hold_out=["eng:TALKS", "deu:walk", "zzz"],
    )
    assert columns(pairs.class_of, pairs.lemmas, pairs.forms) == [(0, 0, 1), (0, 4, 5)]
    assert (english.rows, english.used, english.held_out, english.small) == (5, 2, 2, 1)
    assert english.languages == ("eng",)


def test_a_held_out_stem_is_not_replaced_by_the_next_best():
    rules = [AffixRule("suffix", "ed", "", "PST"), AffixRule("suffix", "ed", "e", "PST")]
    pairs, (report,) = affix_pairs(["bake", "baked", "bak"], [9, 5, 1], rules, hold_out=["bake"], min_size=1)
    assert (len(pairs.names), report.held_out, report.rows) == (0, 1, 1)
