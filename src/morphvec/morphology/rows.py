"""From the words of a table or list to the rows of a vocabulary.

A vocabulary is met as three things: ``key`` (word, language) → key, ``index`` key → row, and ``fold``
(text, language) → the spelling that its tokenizer would give the word.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from morphvec.errors import InputError

WordFunction = Callable[[str, str], str]  # (word, language) -> word

UNKNOWN, MULTIWORD = -1, -2  # in place of a vocabulary row


def held_out_words(hold_out: Collection[str], language: str, fold: WordFunction) -> list[str]:
    """The hold-out list as bare, folded words of one language; an entry may carry the prefix ``LANG:``."""
    prefix = f"{language}:"
    words = list(hold_out)
    if language:
        words += [word.removeprefix(prefix) for word in words if word.startswith(prefix)]
    return list(dict.fromkeys(fold(word, language) for word in words))


def held_rows(
    hold_out: Collection[str],
    languages: Sequence[str],
    key: WordFunction,
    index: Mapping[str, int],
    fold: WordFunction,
) -> NDArray[np.int64]:
    """The vocabulary rows of the hold-out list in any of the languages, int64."""
    rows = [
        index.get(key(word, language), UNKNOWN)
        for language in languages
        for word in held_out_words(hold_out, language, fold)
    ]
    return np.array([row for row in rows if row >= 0], np.int64)


def rows_of(columns: Sequence[list[str]], locate: Callable[[str], int]) -> list[NDArray[np.int64]]:
    """The vocabulary row of every word of every column, or UNKNOWN, or MULTIWORD where it holds a space.

    ``locate`` sees each distinct word once.
    """
    rows = {
        word: MULTIWORD if " " in word else locate(word)
        for word in dict.fromkeys(chain.from_iterable(columns))
    }
    return [np.fromiter(map(rows.__getitem__, column), np.int64, len(column)) for column in columns]


def locate(
    language: str, key: WordFunction, index: Mapping[str, int], fold: WordFunction
) -> Callable[[str], int]:
    """The row, or UNKNOWN, of a word of one language."""
    return lambda word: index.get(key(fold(word, language), language), UNKNOWN)


def locate_listed(
    languages: Sequence[str], key: WordFunction, index: Mapping[str, int], fold: WordFunction
) -> Callable[[str], int]:
    """The same for lists without a language column: ``LANG:word`` where LANG is one of the languages."""

    def row(word: str) -> int:
        head, colon, tail = word.partition(":")
        language, bare = (head, tail) if colon and head in languages else ("", word)
        return index.get(key(fold(bare, language), language), UNKNOWN)

    return row


def check_known(rows: Sequence[NDArray[np.int64]], what: str, source: str, example: str) -> None:
    """Raise InputError where not one word of the columns is in the vocabulary: almost surely a wrong file."""
    if all(bool((column < 0).all()) for column in rows):
        raise InputError(
            f"{source}: {what} with none of the words ({len(rows[0]):,} rows, for example {example})",
            "at least one of its words is in the vocabulary",
            "check the language, its LANG= prefix, and the case of the words",
        )
