"""Words and rows as a reader meets them: every word decoded by one rule and met once, every number finite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from morphvec.arrays import Floats1d, Floats2d
from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import InputError, OptionError
from morphvec.text.tokenize import LONGEST_TOKEN

MOST_DIM = 1_000_000  # numbers of a vector
_GROWTH = 1 << 21  # numbers taken at once, at least
_MARK = "\ufffd"


@dataclass(frozen=True, eq=False)
class Imported:
    """What a reader found. format: the name of the format. notes: what a person should know. source: for the manifest."""

    model: Embeddings
    format: str
    notes: tuple[str, ...]
    source: dict[str, Any]


class Words:
    """The words of one file, in order.

    errors: ``strict`` refuses a word that is not UTF-8; ``replace`` puts U+FFFD for what is not, and leaves out a word
    that thereby becomes one that is there.
    """

    def __init__(self, name: str, errors: str = "strict") -> None:
        if errors not in ("strict", "replace"):
            raise OptionError(f"errors {errors!r}", "errors is strict or replace", "choose one of the two")
        self.name, self._errors = name, errors
        self._places: dict[str, int] = {}
        self.replaced = self.dropped = 0

    def __len__(self) -> int:
        return len(self._places)

    def keys(self) -> tuple[str, ...]:
        """The words that have a row."""
        return tuple(self._places)

    def add(self, raw: bytes, kind: str, number: int) -> bool:
        """Take one word, of line or row ``number``; False where it is left out.

        Raises InputError for a word that is empty, too long, not UTF-8, holds NUL or LF, or comes twice.
        """
        try:
            word = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            if self._errors == "strict":
                raise self._refused(
                    f"the word {raw[:40]!r}", kind, number, "words are UTF-8", "pass --errors replace"
                ) from error
            word = raw.decode("utf-8", "replace")
            self.replaced += 1
        if not word or len(raw) > LONGEST_TOKEN or "\n" in word or "\0" in word:
            raise self._refused(
                f"the word {word[:40]!r}" + (f" of {len(raw):,} bytes" if len(raw) > LONGEST_TOKEN else ""),
                kind,
                number,
                "a word has 1 to 999,999 bytes and no NUL or line feed",
                "check that the file is whole, or name its format with --from",
            )
        before = self._places.setdefault(word, number)
        if before == number:
            return True
        if self._errors == "replace" and _MARK in word:
            self.dropped += 1
            return False
        raise self._refused(
            f"the word {word[:40]!r}",
            kind,
            number,
            f"a word comes once, and this one stands in {kind} {before} already",
            "drop the repeats",
        )

    def _refused(self, what: str, kind: str, number: int, rule: str, mend: str) -> InputError:
        return InputError(f"{self.name}, {kind} {number}: {what}", rule, mend)

    def notes(self) -> tuple[str, ...]:
        """What was done to words that are not UTF-8."""
        if not self.replaced:
            return ()
        left_out = f"; {self.dropped:,} became words that were there and are left out" if self.dropped else ""
        return (f"{self.replaced:,} words are not UTF-8 and hold U+FFFD now{left_out}",)


class GrowingRows:
    """float32 rows of one length that grow as they are read, never ahead of the file by more than a half."""

    def __init__(self, dim: int) -> None:
        self._rows = np.empty((0, dim), np.float32)
        self._count = 0

    @property
    def dim(self) -> int:
        """The length of a row."""
        return int(self._rows.shape[1])

    def add(self, row: Floats1d) -> None:
        """Copy one row in."""
        if self._count == len(self._rows):
            dim = self._rows.shape[1]
            more = max(_GROWTH // dim, len(self._rows) // 2, 1)
            self._rows.resize((len(self._rows) + more, dim), refcheck=False)
        self._rows[self._count] = row
        self._count += 1

    def done(self) -> Floats2d:
        """The rows; nothing is added after that."""
        self._rows.resize((self._count, self._rows.shape[1]), refcheck=False)
        return self._rows


def check_sizes(name: str, words: int, dim: int) -> None:
    """Raise InputError for numbers of words and of their numbers that no file of vectors has."""
    if words < 1 or not 1 <= dim <= MOST_DIM:
        raise InputError(
            f"{name} states {words} words of {dim} numbers",
            f"there is at least one word, of 1 to {MOST_DIM:,} numbers",
            "check the file, or name its format with --from",
        )


def not_finite(name: str, kind: str, number: int, word: bytes) -> InputError:
    """The refusal of a vector with NaN or an infinite number."""
    return InputError(
        f"{name}, {kind} {number}: the vector of {word[:40].decode('utf-8', 'replace')!r} is not finite",
        "vectors hold finite numbers",
        "mend or drop that row",
    )
