"""Word types met so far, each an owner (a language's number) and a run of code points; ids by first meeting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Ints1d
from morphvec.errors import InputError
from morphvec.kernels import tokens as kernel
from morphvec.text.tokenize import LONGEST_TOKEN

_MOST_TYPES = 2**31 - 2  # ids are int32


class TokenTooLong(Exception):
    """A token of more than LONGEST_TOKEN bytes; ``position`` is its first code point, or its span's number."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of a text, uint32[len(text)]."""
    data = bytearray(
        text.encode("utf-32-le")
    )  # bytes make an array that cannot be written (``arrays.mapped``)
    return np.frombuffer(data, dtype="<u4").astype(np.uint32, copy=False)


class Lexicon:
    """A growing table of types with their counts; the arrays are ``kernels.tokens``'s.

    ``frozen``: nothing is added; unknown words are counted among the tokens and left out.
    """

    def __init__(self, types: int = 1 << 15) -> None:
        self.frozen = False
        self._slots = np.zeros(2 * types, np.uint64)
        self._hashes = np.zeros(types, np.uint64)
        self._starts = np.zeros(types + 1, np.int64)
        self._owners = np.zeros(types, np.int32)
        self._counts = np.zeros(types, np.int64)
        self._letters = np.zeros(16 * types, np.uint32)
        self._word = np.zeros(LONGEST_TOKEN + 1, np.uint32)
        self._state = np.zeros(5, np.int64)

    def __len__(self) -> int:
        return int(self._state[kernel.TYPES])

    @property
    def counts(self) -> NDArray[np.int64]:
        """int64[types]: how often each type was met."""
        return self._counts[: len(self)]

    @property
    def owners(self) -> NDArray[np.int32]:
        """int32[types]: the language number of each type."""
        return self._owners[: len(self)]

    @property
    def tokens(self) -> int:
        """How many tokens were met, left-out ones included."""
        return int(self._state[kernel.TOKENS])

    def words(self, ids: Ints1d | None = None) -> list[str]:
        """The words of the types (without a language); all of them where no ids are given."""
        text = self._letters[: self._state[kernel.USED]].astype("<u4").tobytes().decode("utf-32-le")
        rows = np.arange(len(self)) if ids is None else ids
        lows, highs = self._starts[rows].tolist(), self._starts[rows + 1].tolist()
        return [text[low:high] for low, high in zip(lows, highs, strict=True)]

    def read(
        self, codes: NDArray[np.uint32], table: NDArray[np.uint32], owner: int
    ) -> tuple[NDArray[np.int32], int]:
        """The ids and line ends (-1) of the words of ``codes``, and how many code points they take.

        What is left over at the end may be the first part of a word. Raises TokenTooLong.
        """
        out = np.empty(codes.size, np.int32)
        self._state[[kernel.READ, kernel.WRITTEN]] = 0
        while True:
            status = kernel.intern_words(
                codes,
                table,
                owner,
                self.frozen,
                self._slots,
                self._hashes,
                self._starts,
                self._owners,
                self._letters,
                self._counts,
                self._word,
                out,
                self._state,
            )
            if status == kernel.DONE:
                return out[: self._state[kernel.WRITTEN]], int(self._state[kernel.READ])
            self._make_room(status)

    def read_spans(
        self,
        codes: NDArray[np.uint32],
        begins: NDArray[np.int64],
        ends: NDArray[np.int64],
        owners: NDArray[np.int32],
    ) -> NDArray[np.int32]:
        """The id of each span of ``codes``: -1 where begin < 0 (a line end), -2 where ``frozen`` leaves it out.

        Raises TokenTooLong.
        """
        out = np.empty(begins.size, np.int32)
        self._state[[kernel.READ, kernel.WRITTEN]] = 0
        while True:
            status = kernel.intern_spans(
                codes,
                begins,
                ends,
                owners,
                self.frozen,
                self._slots,
                self._hashes,
                self._starts,
                self._owners,
                self._letters,
                self._counts,
                out,
                self._state,
            )
            if status == kernel.DONE:
                return out
            self._make_room(status)

    def _make_room(self, status: int) -> None:
        if status == kernel.TOO_LONG:
            raise TokenTooLong(int(self._state[kernel.READ]))
        types = self._hashes.size
        if types * 2 > _MOST_TYPES:
            raise InputError(
                f"more than {types:,} different words", "a vocabulary is built in memory", "give less text"
            )
        if len(self) == types:
            self._hashes = _doubled(self._hashes)
            self._starts = np.concatenate([self._starts, np.zeros(types, np.int64)])
            self._owners = _doubled(self._owners)
            self._counts = _doubled(self._counts)
            self._slots = np.zeros(2 * self._slots.size, np.uint64)
            kernel.rehash(self._hashes, len(self), self._slots)
        else:
            self._letters = np.concatenate(
                [self._letters, np.zeros(max(self._letters.size, LONGEST_TOKEN), np.uint32)]
            )

    def add(self, words: Sequence[str], owners: NDArray[np.int32]) -> NDArray[np.int32]:
        """The ids of the words, in order, without counting them; new types where not ``frozen``, else -2."""
        counts, tokens = self.counts.copy(), self.tokens
        lengths = np.fromiter((len(word) for word in words), np.int64, len(words))
        ends = np.cumsum(lengths)
        ids = self.read_spans(code_points("".join(words)), ends - lengths, ends, owners)
        self._counts[:] = 0
        self._counts[: counts.size] = counts
        self._state[kernel.TOKENS] = tokens
        return ids


def _doubled(array: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([array, np.zeros_like(array)])
