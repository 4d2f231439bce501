"""The token stream on disk: as scanned (every type has an id), and by a vocabulary (words left out are gone)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Ints1d, mapped
from morphvec.text.streams import InputFile
from morphvec.text.tokenize import Tokenizer

if TYPE_CHECKING:  # the lexicon brings numba, which reading an Encoded does not need
    from morphvec.text.lexicon import Lexicon

RAW = "raw.i32"
UNITS = "units.i32"
IDS = "ids.i32"


@dataclass(frozen=True, eq=False)
class Scan:
    """What one pass over a corpus found; the id stream lies in ``folder`` as int32 files.

    folder: holds RAW (the id of every token in corpus order, -1 ends a line) and UNITS (the unit of every line).
    lexicon: the types with their counts; types whose words are equal but not their language are two.
    languages: sorted; empty where the corpus names none.
    tokens, lines: of the whole corpus, words left out by ``known`` included.
    inputs: name, size and SHA-256 of every file read.
    unit_names: the alignment ids by first appearance; empty where none were asked for.
    """

    folder: Path
    tokenizer: Tokenizer
    lexicon: Lexicon
    languages: tuple[str, ...]
    tokens: int
    lines: int
    inputs: tuple[InputFile, ...]
    unit_names: tuple[str, ...]

    @property
    def counts(self) -> NDArray[np.int64]:
        """int64[types]: the count of each type in this corpus."""
        return self.lexicon.counts

    @functools.cached_property
    def types(self) -> tuple[str, ...]:
        """The key of each type: the word, after ``LANG:`` where the corpus has languages."""
        return tuple(self.keys(np.arange(len(self.lexicon))))

    def keys(self, ids: Ints1d) -> list[str]:
        """The keys of some types."""
        words = self.lexicon.words(ids)
        if not self.languages:
            return words
        owners = self.lexicon.owners[ids].tolist()
        return [f"{self.languages[owner]}:{word}" for owner, word in zip(owners, words, strict=True)]


@dataclass(frozen=True, eq=False)
class Encoded:
    """A corpus as vocabulary ids, on disk.

    ids: int32[tokens + lines], vocabulary rows in corpus order; -1 ends each line, an empty one too. Words that
        are not in the vocabulary are left out and leave no gap.
    units: int32[lines], the index in ``unit_names`` of each line's alignment id; empty where there are none.
    tokens: in-vocabulary tokens. lines: lines of the corpus.
    """

    ids: NDArray[np.int32]
    units: NDArray[np.int32]
    unit_names: tuple[str, ...]
    tokens: int
    lines: int


def open_stream(path: Path) -> NDArray[np.int32]:
    """An int32 file as a private memory map; an empty file as an empty array."""
    size = path.stat().st_size // 4
    return mapped(path, "<i4", (size,)) if size else np.zeros(0, np.int32)
