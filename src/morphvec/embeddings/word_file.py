"""The words and counts of a model folder as text: one word is found in it as it lies; all are parsed when needed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morphvec.artifact import load_text
from morphvec.errors import ArtifactError

_EAGER = 1 << 20  # characters that are parsed at once: milliseconds
_SEARCHES = 32  # a table of all words costs as much as so many


class WordFile:
    """``vocab.tsv``: word⇥count in row order.

    A large file is only counted when it is opened, and parsed by the first that needs all words: to open a model of
    400,000 words and compare two of them, no list of them is made. Raises ArtifactError, then or at once, where it is
    not what a model folder holds: UTF-8, one word a row, each once, with its count.
    """

    def __init__(self, file: Path, words: int) -> None:
        self._file = file
        text = load_text(file)
        self._text = "\n" + text if text.endswith("\n") or not text else f"\n{text}\n"
        rows = self._text.count("\n") - 1
        if rows != words:
            raise self._damaged(f"{rows} words and a manifest with {words}")
        self._rows, self._searches = rows, 0
        if len(text) < _EAGER:
            _ = self.index, self.counts

    def __len__(self) -> int:
        return self._rows

    def _damaged(self, what: str) -> ArtifactError:
        return ArtifactError(
            f"{self._file}: {what}",
            "words, vectors and manifest agree",
            "restore the folder, or train it anew",
        )

    def _fields(self, which: int) -> Iterator[str]:
        """The words (0) or the counts (2) of all rows; no list of lists is kept, which the collector would look through."""
        return (line.rpartition("\t")[which] for line in self._text[1:-1].split("\n"))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Row → word."""
        return tuple(self._fields(0))

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """int64 [T]."""
        try:
            return np.array(list(map(int, self._fields(2))), np.int64)
        except (ValueError, OverflowError) as error:
            raise self._damaged(str(error)) from error

    @cached_property
    def index(self) -> dict[str, int]:
        """Word → row."""
        found = {word: row for row, word in enumerate(self.words)}
        if len(found) != self._rows:
            raise self._damaged("duplicate words")
        return found

    def row(self, word: str) -> int | None:
        """The row of a word, None where it has none: by search, until so many were asked for that a table is worth it."""
        if "index" not in vars(self):
            self._searches += 1
            if self._searches <= _SEARCHES:
                return None if "\n" in word else self._searched(word)
        return self.index.get(word)

    def _searched(self, word: str) -> int | None:
        wanted = f"\n{word}\t"
        at = self._text.find(wanted)
        while at >= 0:
            end = self._text.index("\n", at + 1)
            if (
                self._text.rfind("\t", at, end) == at + len(wanted) - 1
            ):  # the word may begin one with a tab in it
                return self._text.count("\n", 0, at)
            at = self._text.find(wanted, end)
        return None
