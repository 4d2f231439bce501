from __future__ import annotations

import pytest

from morphvec.errors import OptionError
from morphvec.features.space import BlockOptions, check_choice, check_number, parse_blocks, parse_ngrams


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("window", (BlockOptions("window"),)),
        ("ids", (BlockOptions("ids", 1.0, None),)),
        ("window,ids:2:0.3", (BlockOptions("window"), BlockOptions("ids", 2.0, 0.3))),
        (" ngrams:0.5 , window::", None),
        ("affixes:2,morphemes", (BlockOptions("affixes", 2.0), BlockOptions("morphemes"))),
        ("ngrams:0.5 , window:1e1:0", (BlockOptions("ngrams", 0.5), BlockOptions("window", 10.0, 0.0))),
    ],
)
def test_blocks_by_name(text, blocks):
    if blocks is None:
        with pytest.raises(OptionError, match="a block is KIND"):
            parse_blocks(text)
    else:
        assert parse_blocks(text) == blocks


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "a block is one of window, ids, ngrams, morphemes, affixes"),
        ("windows", "a block is one of"),
        ("window,window:2", "a block occurs once"),
        ("window:0", "β > 0"),
        ("window:-1", "β > 0"),
        ("window:1:-1", "α >= 0"),
        ("window:nan", "β > 0"),
        ("window:inf", "β > 0"),
        ("window:x", "β > 0"),
        ("window:1:2:3", "a block is KIND"),
    ],
)
def test_other_blocks_are_refused(text, rule):
    with pytest.raises(OptionError, match=rule):
        parse_blocks(text)


@pytest.mark.parametrize(
    ("text", "lengths"), [("3-6", (3, 6)), ("none", None), ("4", (4, 4)), ("1-20", (1, 20)), ("2-2", (2, 2))]
)
def test_ngram_lengths(text, lengths):
    assert parse_ngrams(text) == lengths


@pytest.mark.parametrize("text", ["", "0", "0-3", "6-3", "3-21", "-3", "3-", "3-6-9", "a-b", "None", "3.5-6"])
def test_other_lengths_are_refused(text):
    with pytest.raises(OptionError, match="n-gram lengths are none or MIN-MAX"):
        parse_ngrams(text)


def test_numbers_and_choices_name_the_option():
    check_number("x", 0, 0, 1)
    check_number("x", 1, 0, 1)
    check_choice("x", "a", ("a", "b"))
    with pytest.raises(OptionError, match="x=0; it must be above 0 and at most 1; give another --x"):
        check_number("x", 0, 0, 1, open_low=True)
    with pytest.raises(
        OptionError, match="some_thing='c'; it is one of a, b; choose one of them for --some-thing"
    ):
        check_choice("some_thing", "c", ("a", "b"))
