"""The vocabulary: the words of a corpus by falling count, and what rule made them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Ints1d
from morphvec.artifact import load_lines, save_lines
from morphvec.errors import ArtifactError, InputError, MorphvecError, OptionError
from morphvec.text.encoded import Scan
from morphvec.text.tokenize import Tokenizer

FILE = "vocab.tsv"
_MOST = 2**31 - 1  # rows are int32


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words and their rows: count descending, ties by code point of the whole key.

    words: keys, ``LANG:word`` where the corpus has languages. counts: int64[T], in the corpus it was built from.
    tokens, types: of that corpus, before the cut. languages: sorted; empty where the corpus names none.
    """

    words: tuple[str, ...]
    counts: NDArray[np.int64]
    tokens: int
    types: int
    tokenizer: Tokenizer
    languages: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.words)

    @functools.cached_property
    def index(self) -> dict[str, int]:
        """Word → row."""
        return {word: row for row, word in enumerate(self.words)}

    def language_of(self, row: int) -> str:
        """The language of a row, "" where the vocabulary has none."""
        return self.words[row].partition(":")[0] if self.languages else ""

    def language_numbers(self) -> Ints1d:
        """The place of each word's language among the languages, int32 [T]; zeros where there are none."""
        number = {language: place for place, language in enumerate(self.languages or ("",))}
        return np.array([number[self.language_of(row)] for row in range(len(self.words))], np.int32)

    def bare(self) -> list[str]:
        """The words without their language, in row order."""
        return [word.partition(":")[2] for word in self.words] if self.languages else list(self.words)

    def key(self, word: str, language: str = "") -> str:
        """The key under which a word of a language stands (the word is taken as it is, not folded).

        Raises OptionError for a language that the vocabulary does not have.
        """
        if not language:
            return word
        if language not in self.languages:
            raise OptionError(
                f"language {language!r}",
                f"this vocabulary has {'the languages ' + ', '.join(self.languages) if self.languages else 'none'}",
                "choose one of them" if self.languages else "leave the language out",
            )
        return f"{language}:{word}"

    @classmethod
    def from_scan(cls, scan: Scan, min_count: int = 1, max_vocab: int | None = None) -> Vocabulary:
        """The types met at least ``min_count`` times, at most the ``max_vocab`` most frequent.

        The result does not depend on the order of the text. Raises OptionError for numbers out of range,
        InputError where fewer than two words are left.
        """
        if min_count < 1:
            raise OptionError(f"min_count={min_count}", "min_count is at least 1", "raise it")
        if max_vocab is not None and not 2 <= max_vocab <= _MOST:
            raise OptionError(
                f"max_vocab={max_vocab}", f"max_vocab is from 2 to {_MOST}", "choose another, or leave it out"
            )
        kept = np.flatnonzero(scan.counts >= min_count)
        if kept.size < 2:
            left, types = int(scan.counts[kept].sum()), np.count_nonzero(scan.counts)
            raise InputError(
                f"min_count={min_count} leaves {kept.size} of {types} words, {left} of {scan.tokens} tokens",
                "vectors need at least two words",
                "lower min_count or give more text" if types > 1 else "give more text",
            )
        if max_vocab is not None and kept.size > max_vocab:  # words that tie at the cut stay until sorted
            least = -np.partition(-scan.counts[kept], max_vocab - 1)[max_vocab - 1]
            kept = kept[scan.counts[kept] >= least]
        pairs = sorted(
            zip((-scan.counts[kept]).tolist(), scan.keys(kept), strict=True),
        )[:max_vocab]
        return cls(
            words=tuple(word for _, word in pairs),
            counts=np.array([-negative for negative, _ in pairs], np.int64),
            tokens=scan.tokens,
            types=int(np.count_nonzero(scan.counts)),
            tokenizer=scan.tokenizer,
            languages=scan.languages,
        )

    def save(self, folder: Path) -> None:
        """Write ``vocab.tsv`` (word⇥count in row order) into an open artifact folder."""
        rows = zip(self.words, self.counts.tolist(), strict=True)
        save_lines(folder / FILE, (f"{word}\t{count}" for word, count in rows))

    def manifest_fields(self) -> dict[str, Any]:
        """What a manifest must say so that ``from_parts`` can read the folder."""
        return {
            "words": len(self.words),
            "tokens": self.tokens,
            "types": self.types,
            "languages": list(self.languages),
            "tokenizer": asdict(self.tokenizer),
        }

    @classmethod
    def from_parts(cls, folder: Path, fields: Mapping[str, Any]) -> Vocabulary:
        """Read ``vocab.tsv`` of a folder, with the manifest fields that ``manifest_fields`` gave.

        Raises ArtifactError where the file or the fields are damaged or at odds.
        """
        words, counts = _read_rows(folder / FILE)
        try:
            tokenizer = Tokenizer(**fields["tokenizer"])
            tokens, types = int(fields["tokens"]), int(fields["types"])
            languages = tuple(str(language) for language in fields["languages"])
            stated = int(fields["words"])
        except (KeyError, TypeError, ValueError, AttributeError, MorphvecError) as error:
            raise _damaged(f"the vocabulary's fields in {folder} ({error!r})") from error
        made = cls(words, counts, tokens, types, tokenizer, languages)
        if (
            stated != len(words)
            or len(made.index) != len(words)
            or int(counts.sum()) > tokens
            or len(words) > types
        ):
            raise _damaged(f"{folder / FILE} has {len(words)} rows")
        if languages and not all(made.language_of(row) in languages for row in range(len(words))):
            raise _damaged(f"{folder / FILE} holds words without their language")
        return made


def _read_rows(file: Path) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    rows: Sequence[tuple[str, str, str]] = [line.rpartition("\t") for line in load_lines(file)]
    try:
        counts = np.array([int(count) for _, _, count in rows], np.int64)
    except (ValueError, OverflowError) as error:
        raise _damaged(f"{file} has a row without a count ({error})") from error
    words = tuple(word for word, _, _ in rows)
    if not all(words) or any("\t" in word or "\r" in word for word in words):
        raise _damaged(f"{file} has a row that is not word⇥count")
    if counts.size and (counts.min() < 0 or bool(np.any(counts[1:] > counts[:-1]))):
        raise _damaged(f"{file} is not sorted by count")
    return words, counts


def _damaged(value: str) -> ArtifactError:
    return ArtifactError(
        value,
        "vocab.tsv is word⇥count in row order, as the manifest says",
        "restore the folder, or make it anew",
    )
