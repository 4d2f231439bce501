"""Spelled changes: the hashed look-up against a slow twin from the definition, and answers worked by hand."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphvec.morphology.changes import MAX_AFFIX, MAX_REPLACED, MIN_STEM, spelled_changes

Key = tuple[str, str, str, bool]


def slow(words: list[str], least: int) -> dict[Key, set[tuple[int, int]]]:
    """Every pair of words, change by change, as the definition has it."""
    found: dict[Key, set[tuple[int, int]]] = defaultdict(set)
    for i, word in enumerate(words):
        for j, stem in enumerate(words):
            if i == j:
                continue
            common = next(
                (n for n, (a, b) in enumerate(zip(word, stem, strict=False)) if a != b),
                min(len(word), len(stem)),
            )
            ending, replaced = word[common:], stem[common:]
            if (
                common >= MIN_STEM
                and 1 <= len(ending) <= MAX_AFFIX
                and len(replaced) <= MAX_REPLACED
                and len(replaced) < len(ending)
            ):
                found["suffix", ending, replaced, False].add((i, j))
            for a in range(1, MAX_AFFIX + 1):
                if len(word) - a >= MIN_STEM and word[a:] == stem:
                    found["prefix", word[:a], "", False].add((i, j))
                kept = word[: len(word) - a]
                if len(kept) > MIN_STEM and kept[-1] == kept[-2] and kept[:-1] == stem:
                    found["suffix", word[len(word) - a :], "", True].add((i, j))
    return {name: pairs for name, pairs in found.items() if len(pairs) >= least}


def fast(words: list[str], least: int) -> dict[Key, set[tuple[int, int]]]:
    changes = spelled_changes(words, least)
    pairs = list(zip(changes.words.tolist(), changes.stems.tolist(), strict=True))
    return {
        name: set(pairs[start:end])
        for name, (start, end) in zip(changes.names, pairwise(changes.starts.tolist()), strict=True)
    }


def test_known_answer() -> None:
    words = ["walk", "walked", "walking", "talk", "talked", "stop", "stopped", "fly", "flies", "try", "tries"]
    words += ["happy", "unhappy", "wrapped", "wrap"]
    assert fast(words, 2) == {
        ("suffix", "ed", "", False): {(1, 0), (4, 3)},
        ("suffix", "ed", "", True): {(6, 5), (13, 14)},
        ("suffix", "ped", "", False): {(6, 5), (13, 14)},
    }
    assert fast(words, 1)["prefix", "un", "", False] == {(12, 11)}
    assert fast(words, 1)["suffix", "ing", "ed", False] == {(2, 1)}
    assert ("suffix", "ies", "y", False) not in fast(words, 1)  # fl- and tr- are shorter than a stem


@settings(deadline=None)
@given(st.lists(st.text("abc", min_size=1, max_size=9), unique=True, max_size=40), st.integers(1, 3))
def test_equals_its_slow_twin(words: list[str], least: int) -> None:
    assert fast(words, least) == slow(words, least)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text("aéж𐍈", min_size=1, max_size=7), unique=True, min_size=1, max_size=20))
def test_any_script(words: list[str]) -> None:
    assert fast(words, 1) == slow(words, 1)


def test_order_of_words_changes_names_only() -> None:
    words = ["walk", "walked", "talk", "talked", "bark", "barked"]
    turned = list(reversed(words))
    spelled = {name: {(words[i], words[j]) for i, j in pairs} for name, pairs in fast(words, 2).items()}
    assert spelled == {
        name: {(turned[i], turned[j]) for i, j in pairs} for name, pairs in fast(turned, 2).items()
    }


@pytest.mark.parametrize("words", [[], ["a"], ["abc"], ["abc", "abd"]])
def test_nothing_to_find(words: list[str]) -> None:
    changes = spelled_changes(words, 1)
    assert changes.names == ()
    assert len(changes.words) == len(changes.stems) == 0
    assert changes.starts.tolist() == [0]
    assert changes.at(np.arange(len(words))).names == ()
