"""Blocks of text to type ids: words spotted by a table in the kernel, or by a pattern in Python.

A spotter carries what the end of a block cuts over to the next one: the result is the same for every block size.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from morphvec.engine.base import Engine
from morphvec.errors import InputError
from morphvec.kernels.tokens import UNKNOWN
from morphvec.text.codepoints import CodePoints
from morphvec.text.folding import is_turkic
from morphvec.text.lexicon import Found, Lexicon, MustFold, TokenTooLong
from morphvec.text.readers import Block
from morphvec.text.tokenize import LONGEST_MATCHED, Tokenizer, matches, piece_end, token_too_long


class Spotter(Protocol):
    """Reads the blocks of one file in turn."""

    def read(self, blocks: Sequence[Block]) -> list[NDArray[np.int32]]:
        """Of each block, the ids of its words, -1 for its line ends. Raises InputError for a token too long."""
        ...


@functools.lru_cache(maxsize=4)
def _table(tokenizer: Tokenizer, turkic: bool) -> CodePoints:
    return CodePoints(tokenizer, turkic=turkic)


def spotters(tokenizer: Tokenizer, lexicon: Lexicon, engine: Engine) -> Callable[[str, str, int], Spotter]:
    """A maker of spotters (file name, language, its number in the lexicon) into one lexicon."""

    def make(name: str, language: str, owner: int) -> Spotter:
        if tokenizer.pattern is not None:
            return _Matches(tokenizer, lexicon, name, language, owner)
        table = _table(tokenizer, is_turkic(language))
        return _Words(tokenizer, lexicon, table, engine, name, language, owner)

    return make


class _Words:
    """Blocks that end where no word goes on are looked up side by side; then all are entered in their order."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        lexicon: Lexicon,
        table: CodePoints,
        engine: Engine,
        name: str,
        language: str,
        owner: int,
    ) -> None:
        self._lexicon, self._table, self._engine, self._name = lexicon, table, engine, name
        self._owner, self._owners = owner, np.array([owner], np.int32)
        self._fold = functools.partial(tokenizer.fold, language=language)
        self._tail = b""  # folded: a word that the block's end cut
        self._origin: tuple[Block, int] | None = None  # where the tail begins: block, folded position

    def read(self, blocks: Sequence[Block]) -> list[NDArray[np.int32]]:
        ids: list[NDArray[np.int32]] = []
        whole: list[Block] = []
        for block in blocks:
            if self._tail or not block.text.endswith(("\n", " ")):
                ids += self._side_by_side(whole)
                whole = []
                ids.append(self._enter(self._find(block)))
            else:
                whole.append(block)
        return ids + self._side_by_side(whole)

    def _side_by_side(self, blocks: list[Block]) -> list[NDArray[np.int32]]:
        return [self._enter(found) for found in self._engine.map(self._find, blocks)]

    def _enter(self, found: Found) -> NDArray[np.int32]:
        return self._lexicon.enter(found, self._owners)

    def _find(self, block: Block) -> Found:
        """Look up the words of a block; the tail changes only where the block ends within a word."""
        carried = len(self._tail)
        data, folded = block.data, False
        while True:
            if carried:
                data = self._tail + data
            try:
                found = self._lexicon.find(data, self._table, self._owner, folded=folded)
                break
            except MustFold:
                data, folded = self._fold(block.text).encode(), True
            except TokenTooLong as error:
                raise self._too_long(*self._place(block, error.position, carried)) from error
        if found.used < len(data):
            self._origin = self._place(block, found.used, carried)
        if carried or found.used < len(data):
            self._tail = data[found.used :]
        return found

    def _place(self, block: Block, position: int, carried: int) -> tuple[Block, int]:
        if (
            position < carried and self._origin is not None
        ):  # the tail is one word: it begins at its beginning
            return self._origin
        return block, position - carried

    def _too_long(self, block: Block, position: int) -> InputError:
        # The raw character whose folded form begins at byte ``position``.
        text = block.text
        lengths = range(len(text) + 1)
        raw = bisect.bisect_right(lengths, position, key=lambda length: self._folded_bytes(text[:length])) - 1
        line, byte = block.place(raw)
        return token_too_long(f"{self._name}, line {line}, byte {byte}")

    def _folded_bytes(self, text: str) -> int:
        return len(self._fold(text).encode())


class _Matches:
    def __init__(self, tokenizer: Tokenizer, lexicon: Lexicon, name: str, language: str, owner: int) -> None:
        assert tokenizer.pattern is not None
        self._lexicon, self._pattern, self._name = lexicon, tokenizer.pattern, name
        self._owners = np.array([owner], np.int32)
        self._fold = functools.partial(tokenizer.fold, language=language)
        self._held = ""  # folded: a line without its end yet
        self._begun: tuple[int, int] = (1, 0)  # the place of that line

    def read(self, blocks: Sequence[Block]) -> list[NDArray[np.int32]]:
        return [self._read(block) for block in blocks]

    def _read(self, block: Block) -> NDArray[np.int32]:
        if not self._held:
            self._begun = block.place(0)
        lines = (self._held + self._fold(block.text)).split("\n")
        words: list[str | None] = []
        for number, line in enumerate(lines):
            last = number + 1 == len(lines)
            rest = line if last else line.removesuffix("\r")
            # One more than a piece is kept back: a CR at the end may belong to the line's end.
            stop = self._settled(rest) if last else len(rest)
            try:
                spans = matches(self._pattern, rest[:stop])
            except InputError as error:
                place = f"{self._name}, line {self._line_place(block, number)[0]}"
                raise InputError(f"{place}: {error.value}", error.rule, error.mend) from error
            words.extend(rest[low:high] for low, high in spans)
            if last:
                self._held = rest[stop:]
            else:
                words.append(None)
        ids = self._intern(block, words)
        if len(lines) > 1 and self._held:
            self._begun = self._line_place(block, len(lines) - 1)
        return ids

    def _settled(self, line: str) -> int:
        """How much of an unfinished line is sure to be seen in the same pieces whatever follows."""
        stop = 0
        while len(line) - stop > LONGEST_MATCHED + 1:
            stop = piece_end(line, stop)
        return stop

    def _line_place(self, block: Block, number: int) -> tuple[int, int]:
        """Where the line begins that follows the ``number``-th line end of the block."""
        if number == 0:
            return self._begun
        position = -1
        for _ in range(number):
            position = block.text.index("\n", position + 1)
        return block.place(position + 1)

    def _intern(self, block: Block, words: list[str | None]) -> NDArray[np.int32]:
        try:
            ids = self._lexicon.read_words(words, self._owners)
        except TokenTooLong as error:
            line, byte = self._line_place(block, words[: error.position].count(None))
            raise token_too_long(f"{self._name}, line {line}, byte {byte}") from error
        return np.asarray(ids[ids != UNKNOWN])
