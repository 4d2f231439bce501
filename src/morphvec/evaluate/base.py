"""What every test takes and gives: the word vectors that are scored, and the items that were scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from morphvec.arrays import Floats1d, Ints1d, Ints2d
from morphvec.embeddings.query import as_rows
from morphvec.embeddings.rows import Rows, Vectors
from morphvec.errors import OptionError


class WordVectors(Protocol):
    """What a test needs to know of a model."""

    @property
    def words(self) -> Sequence[str]:
        """The keys in row order: count descending, ties by code point."""

    @property
    def key_to_index(self) -> Mapping[str, int]:
        """Key → row."""

    @property
    def vectors(self) -> Vectors:
        """float32[T, k], an array or CSR, not length-normalised; may be a memory map."""

    @property
    def counts(self) -> Ints1d | None:
        """int64[T] occurrences in the training text, or None where they are not known."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the keys ``LANG:word``; empty where keys are bare words."""

    @property
    def composes(self) -> bool:
        """Whether a word outside the vocabulary can get a vector from its parts."""

    def fold(self, word: str, language: str = "") -> str:
        """The word, without its language, as the model's own text processing writes it."""

    def vector_for(self, word: str) -> Floats1d:
        """float32[k] of a key, known or composed; raises UnknownWordError."""


@dataclass(frozen=True)
class Outcome:
    """What one model did on one test: a value for each item that it could answer.

    items: int64[n], which items of the test these are, so that two models can be paired.
    values: float64[n], a cosine, a hit (0 or 1) or a reciprocal rank.
    gold: float64[n] human scores where the metric is a correlation; None where it is the mean of ``values``.
    total: how many items the test has; the rest is counted as not answered.
    reason: why nothing could be answered, where that is so.
    clusters: int64[n], items of one number belong together and are drawn together; None where each stands alone.
    words: int64[n, m], the words of each item as places in ``keys``, filled up with -1; None where they are not told.
    counts: int64[n], how often the training text has the rarest word of each item (see ``rarest``); None where
    counts are not known, or where there are to be no bands by them.
    """

    task: str
    dataset: str
    metric: str
    unknown: str
    total: int
    items: Ints1d
    values: Floats1d
    gold: Floats1d | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    clusters: Ints1d | None = None
    words: Ints2d | None = None
    keys: Sequence[str] = ()
    counts: Ints1d | None = None


def rarest(counts: Ints1d | None, given: Ints2d, right: Ints2d) -> Ints1d | None:
    """int64[n]: the count of the rarest word of each item; of several right answers the most frequent one counts.

    counts: of all words, None where they are not known. given: int64[n, m] words of which each matters; right:
    int64[n, r] words of which one is enough, filled up with -1.
    """
    if counts is None:
        return None
    counts = np.asarray(counts)
    answer = np.where(right >= 0, counts[right], -1).max(axis=1, initial=-1)
    found: Ints1d = np.minimum(counts[given].min(axis=1, initial=np.iinfo(np.int64).max), answer)
    return found


def key_of(model: WordVectors, word: str, language: str = "") -> str:
    """The key under which a model would hold a word of a test file.

    A word may carry its language itself (``spa:casa``); otherwise it is of ``language``, or of the model's only
    language. In a model of several languages a bare word without a language is nobody's, hence unknown.
    """
    if not model.languages:
        return model.fold(word)
    head, colon, rest = word.partition(":")
    if colon and head in model.languages:
        language, word = head, rest
    elif not language and len(model.languages) == 1:
        language = model.languages[0]
    folded = model.fold(word, language)
    return f"{language}:{folded}" if language else folded


def language_hint(model: WordVectors, language: str) -> str:
    """What to add to the reason of an empty result where bare words belong to no language of the model."""
    if language or len(model.languages) < 2:
        return ""
    return f" (the model has {', '.join(model.languages)}: say of which language the words are)"


def check_language(model: WordVectors, language: str) -> None:
    """Raise OptionError where the keys of a model have no such language."""
    if language not in model.languages:
        raise OptionError(
            f"language {language!r}",
            f"the model has {', '.join(model.languages) or 'no languages (train it with LANG=path)'}",
            "name languages of the model",
        )


def unit_rows(vectors: Vectors, rows: slice | Ints1d) -> Rows:
    """The chosen rows of [T, k] at length 1, float32; a row of zeros stays zero (its cosine to anything is 0)."""
    return as_rows(vectors).unit(rows)
