"""Blocks of text to type ids: words spotted by a table in the kernel, or by a pattern in Python.

A spotter carries what the end of a block cuts over to the next one: the result is the same for every block size.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from morphvec.errors import InputError
from morphvec.text.codepoints import CodePoints
from morphvec.text.folding import is_turkic
from morphvec.text.lexicon import Lexicon, TokenTooLong, code_points
from morphvec.text.readers import Block
from morphvec.text.tokenize import LONGEST_MATCHED, Tokenizer, matches, piece_end, token_too_long


class Spotter(Protocol):
    """Reads the blocks of one file in turn."""

    def read(self, block: Block) -> NDArray[np.int32]:
        """The ids of the block's words, -1 for each of its line ends. Raises InputError for a token too long."""
        ...


@functools.lru_cache(maxsize=4)
def _table(tokenizer: Tokenizer, turkic: bool) -> CodePoints:
    return CodePoints(tokenizer, turkic=turkic)


def spotters(tokenizer: Tokenizer, lexicon: Lexicon) -> Callable[[str, str, int], Spotter]:
    """A maker of spotters (file name, language, its number in the lexicon) into one lexicon."""

    def make(name: str, language: str, owner: int) -> Spotter:
        if tokenizer.pattern is not None:
            return _Matches(tokenizer, lexicon, name, language, owner)
        return _Words(tokenizer, lexicon, _table(tokenizer, is_turkic(language)), name, language, owner)

    return make


class _Words:
    def __init__(
        self, tokenizer: Tokenizer, lexicon: Lexicon, table: CodePoints, name: str, language: str, owner: int
    ) -> None:
        self._lexicon, self._table, self._name, self._owner = lexicon, table, name, owner
        self._fold = functools.partial(tokenizer.fold, language=language)
        self._tail: NDArray[np.uint32] = np.zeros(0, np.uint32)  # folded: a word that the block's end cut
        self._origin: tuple[Block, int] | None = None  # where the tail begins: block, folded position

    def read(self, block: Block) -> NDArray[np.int32]:
        codes = code_points(block.text)
        if not self._table.folds_singly(codes):
            codes = code_points(self._fold(block.text))
            self._table.cover(codes)
        carried = self._tail.size
        if carried:
            codes = np.concatenate([self._tail, codes])
        try:
            ids, used = self._lexicon.read(codes, self._table.entries, self._owner)
        except TokenTooLong as error:
            raise self._too_long(*self._place(block, error.position, carried)) from error
        if used < codes.size:
            self._origin = self._place(block, used, carried)
        self._tail = codes[used:].copy()
        return ids

    def _place(self, block: Block, position: int, carried: int) -> tuple[Block, int]:
        if (
            position < carried and self._origin is not None
        ):  # the tail is one word: it begins at its beginning
            return self._origin
        return block, position - carried

    def _too_long(self, block: Block, position: int) -> InputError:
        # The raw character whose folded form begins at ``position``.
        text = block.text
        lengths = range(len(text) + 1)
        raw = bisect.bisect_right(lengths, position, key=lambda length: len(self._fold(text[:length]))) - 1
        line, byte = block.place(raw)
        return token_too_long(f"{self._name}, line {line}, byte {byte}")


class _Matches:
    def __init__(self, tokenizer: Tokenizer, lexicon: Lexicon, name: str, language: str, owner: int) -> None:
        assert tokenizer.pattern is not None
        self._lexicon, self._pattern, self._name, self._owner = lexicon, tokenizer.pattern, name, owner
        self._fold = functools.partial(tokenizer.fold, language=language)
        self._held = ""  # folded: a line without its end yet
        self._begun: tuple[int, int] = (1, 0)  # the place of that line

    def read(self, block: Block) -> NDArray[np.int32]:
        if not self._held:
            self._begun = block.place(0)
        lines = (self._held + self._fold(block.text)).split("\n")
        parts: list[str] = []
        begins: list[int] = []
        ends: list[int] = []
        offset = 0
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
            begins.extend(offset + low for low, _ in spans)
            ends.extend(offset + high for _, high in spans)
            parts.append(rest[:stop])
            offset += stop
            if last:
                self._held = rest[stop:]
            else:
                begins.append(-1)
                ends.append(-1)
        ids = self._intern(block, "".join(parts), begins, ends)
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

    def _intern(self, block: Block, text: str, begins: list[int], ends: list[int]) -> NDArray[np.int32]:
        lows, highs = np.array(begins, np.int64), np.array(ends, np.int64)
        owners = np.full(lows.size, self._owner, np.int32)
        try:
            ids = self._lexicon.read_spans(code_points(text), lows, highs, owners)
        except TokenTooLong as error:
            number = int(np.count_nonzero(lows[: error.position] < 0))
            line, byte = self._line_place(block, number)
            raise token_too_long(f"{self._name}, line {line}, byte {byte}") from error
        return np.asarray(ids[ids != -2])
