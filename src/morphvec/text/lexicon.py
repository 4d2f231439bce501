"""Word types met so far, each an owner (a language's number) and a word's bytes; ids by first meeting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Ints1d
from morphvec.errors import InputError
from morphvec.kernels import tokens as kernel
from morphvec.text.codepoints import CodePoints
from morphvec.text.tokenize import LONGEST_TOKEN

_MOST_TYPES = 2**31 - 2  # ids are int32


class TokenTooLong(Exception):
    """A token of more than LONGEST_TOKEN bytes; ``position`` is its first byte, or the word's number."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class MustFold(Exception):
    """The text holds a character that must be folded in its context first."""


@dataclass(frozen=True, eq=False)
class Found:
    """The words of some text as they were looked up; ``Lexicon.enter`` makes it ids.

    out: ids, -1 for line ends, UNKNOWN for the words that lie in ``missed`` up to ``ends``. met: words, those left out
    too. used: bytes that the words take; what is left may be the first part of one.
    """

    out: NDArray[np.int32]
    missed: NDArray[np.uint8]
    ends: NDArray[np.int64]
    met: int
    used: int


class Lexicon:
    """A growing table of types with their counts; the arrays are ``kernels.tokens``'s.

    ``frozen``: nothing is added; unknown words are counted among the tokens and left out.
    """

    def __init__(self, types: int = 1 << 15) -> None:
        self.frozen = False
        self.tokens = 0  # how many were met, left-out ones included
        self._slots = np.zeros(2 * types, np.uint64)
        self._hashes = np.zeros(types, np.uint64)
        self._keys = np.zeros((types, 3), np.uint64)
        self._starts = np.zeros(types + 1, np.int64)
        self._counts = np.zeros(types, np.int64)
        self._letters = np.zeros(16 * types, np.uint8)
        self._types = np.zeros(2, np.int64)

    def __len__(self) -> int:
        return int(self._types[kernel.TYPES])

    @property
    def counts(self) -> NDArray[np.int64]:
        """int64[types]: how often each type was met."""
        return self._counts[: len(self)]

    @property
    def owners(self) -> NDArray[np.int32]:
        """int32[types]: the language number of each type."""
        return (self._keys[: len(self), 2] >> np.uint64(32)).astype(np.int32)

    def words(self, ids: Ints1d | None = None) -> list[str]:
        """The words of the types (without a language); all of them where no ids are given."""
        blob = self._letters[: self._types[kernel.LETTERS]].tobytes()
        rows = np.arange(len(self)) if ids is None else ids
        spans = zip(self._starts[rows].tolist(), self._starts[rows + 1].tolist(), strict=True)
        if blob.isascii():
            text = blob.decode("ascii")
            return [text[low:high] for low, high in spans]
        return [blob[low:high].decode() for low, high in spans]

    def find(self, data: bytes, table: CodePoints, owner: int, *, folded: bool) -> Found:
        """The words of UTF-8 text, looked up; nothing changes, so that threads may find side by side.

        folded: it is folded already. Raises TokenTooLong; MustFold where a code point needs its context.
        """
        out = np.empty(len(data), np.int32)
        missed, ends = np.empty(2 * len(data), np.uint8), np.empty(len(data) // 2 + 1, np.int64)
        state = np.zeros(6, np.int64)
        text = np.frombuffer(data, np.uint8)
        while True:
            status = kernel.find_words(
                text,
                table.quick,
                table.entries,
                owner,
                self.frozen,
                folded,
                self._slots,
                self._keys,
                self._starts,
                self._letters,
                out,
                missed,
                ends,
                state,
            )
            if status != kernel.FILL:
                break
            table.fill(int(state[kernel.CODE_POINT]))
        if status == kernel.FOLD:
            raise MustFold
        if status == kernel.TOO_LONG:
            raise TokenTooLong(int(state[kernel.READ]))
        return Found(
            out[: state[kernel.WRITTEN]],
            missed[: state[kernel.USED]],
            ends[: state[kernel.MISSED]],
            int(state[kernel.MET]),
            int(state[kernel.READ]),
        )

    def enter(self, found: Found, owners: NDArray[np.int32]) -> NDArray[np.int32]:
        """Count what was found and give new words their ids; ``found.out``, filled in. One owner for all, or for each."""
        at = np.zeros(2, np.int64)
        while True:
            status = kernel.enter_words(
                found.out,
                found.missed,
                found.ends,
                owners,
                self.frozen,
                self._slots,
                self._hashes,
                self._keys,
                self._starts,
                self._letters,
                self._counts,
                at,
                self._types,
            )
            if status == kernel.DONE:
                break
            self._make_room()
        self.tokens += found.met
        return found.out

    def read_words(self, words: Sequence[str | None], owners: NDArray[np.int32]) -> NDArray[np.int32]:
        """Count the given words; the id of each: -1 for None (a line end), -2 where ``frozen`` leaves it out.

        owners: one for all, or one for each word (not for line ends). Raises TokenTooLong, and ValueError for half
        surrogates.
        """
        out = np.array([kernel.LINE_END if word is None else kernel.UNKNOWN for word in words], np.int32)
        kept = [word for word in words if word is not None]
        joined = "".join(kept)
        data = np.frombuffer(bytearray(joined.encode()), np.uint8)
        ends = np.cumsum(np.fromiter((len(word) for word in kept), np.int64, len(kept)))
        if data.size > len(joined):  # from characters to bytes
            starts = np.flatnonzero(data & np.uint8(0xC0) != np.uint8(0x80))
            ends = np.append(starts, data.size)[ends]
        long = np.flatnonzero(np.diff(ends, prepend=0) > LONGEST_TOKEN)
        if long.size:
            raise TokenTooLong(int(np.flatnonzero(out == kernel.UNKNOWN)[long[0]]))
        return self.enter(Found(out, data, ends, len(kept), data.size), owners)

    def _make_room(self) -> None:
        types = self._hashes.size
        if types * 2 > _MOST_TYPES:
            raise InputError(
                f"more than {types:,} different words", "a vocabulary is built in memory", "give less text"
            )
        if len(self) == types:
            self._hashes = _doubled(self._hashes)
            self._keys = _doubled(self._keys)
            self._starts = np.concatenate([self._starts, np.zeros(types, np.int64)])
            self._counts = _doubled(self._counts)
            self._slots = np.zeros(2 * self._slots.size, np.uint64)
            kernel.rehash(self._hashes, len(self), self._slots)
        else:
            self._letters = np.concatenate(
                [self._letters, np.zeros(max(self._letters.size, LONGEST_TOKEN), np.uint8)]
            )

    def add(self, words: Sequence[str], owners: NDArray[np.int32]) -> NDArray[np.int32]:
        """The ids of the words, in order, without counting them; new types where not ``frozen``, else -2."""
        counts, tokens = self.counts.copy(), self.tokens
        ids = self.read_words(words, owners)
        self._counts[:] = 0
        self._counts[: counts.size] = counts
        self.tokens = tokens
        return ids


def _doubled(array: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([array, np.zeros_like(array)])
