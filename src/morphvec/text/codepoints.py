"""A tokenizer as a table over code points: the simple lower case of each, and what it is."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from morphvec.kernels.tokens import (
    JOINER,
    LINE_FEED,
    NEEDS_FOLD,
    SEPARATOR,
    SPECIAL,
    UNFILLED,
    WORD,
)
from morphvec.text.folding import stands_alone
from morphvec.text.tokenize import Tokenizer

_PAGE = 1 << 10
_CODES = 0x110000


class CodePoints:
    """uint32[0x110000]: bits 0-20 the folded code point, then the flags WORD, JOINER, NEEDS_FOLD and UNFILLED.

    Text without a NEEDS_FOLD character folds one code point at a time, by this table. Pages are filled in when text
    first reaches them; until then their entries are UNFILLED. quick: uint8[256], of a byte of UTF-8: the letter that
    it folds to where it is one by itself, else SEPARATOR, LINE_FEED, or SPECIAL: ask the entries.
    """

    def __init__(self, tokenizer: Tokenizer, *, turkic: bool) -> None:
        self._tokenizer, self._turkic = tokenizer, turkic
        self._lock = threading.Lock()
        self.entries: NDArray[np.uint32] = np.full(_CODES, UNFILLED, np.uint32)
        self.fill(0)
        self.quick = self._quick()

    def fill(self, code: int) -> None:
        """Fill in the page of a code point, whichever thread asks first."""
        with self._lock:
            if self.entries[code] == UNFILLED:
                begin = code - code % _PAGE
                self.entries[begin : begin + _PAGE] = self._page(begin)

    def _quick(self) -> NDArray[np.uint8]:
        quick = np.full(256, SPECIAL, np.uint8)
        for byte, entry in enumerate(self.entries[:128].tolist()):
            if not entry & (WORD | JOINER | NEEDS_FOLD):
                quick[byte] = SEPARATOR
            elif entry & WORD and not entry & NEEDS_FOLD and LINE_FEED < entry - int(WORD) < 128:
                quick[byte] = entry - int(WORD)
        quick[ord("\n")] = LINE_FEED
        return quick

    def _page(self, begin: int) -> NDArray[np.uint32]:
        codes = np.arange(begin, begin + _PAGE, dtype="<u4")
        characters = codes.tobytes().decode("utf-32-le", "surrogatepass")
        folded = self._folded(characters)
        entries = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32)
        tokenizer = self._tokenizer
        if tokenizer.pattern is None:
            entries |= np.where([tokenizer.is_word(c) for c in folded], WORD, np.uint32(0))
            entries |= np.where([c in tokenizer.joiners for c in folded], JOINER, np.uint32(0))
        entries |= np.where(
            [self._needs_fold(c, f) for c, f in zip(characters, folded, strict=True)],
            NEEDS_FOLD,
            np.uint32(0),
        )
        return entries

    def _folded(self, characters: str) -> str:
        """Lower case, one for one: the characters that do otherwise are marked NEEDS_FOLD."""
        if self._tokenizer.case == "keep":
            return characters
        simple = characters.replace("İ", "i").replace("Σ", "σ")
        return (simple.replace("I", "ı") if self._turkic else simple).lower()

    def _needs_fold(self, character: str, folded: str) -> bool:
        if self._tokenizer.case == "lower":
            special = "Σ\u0307" if self._turkic else "Σİ"  # they look at their neighbours, or become two
            if character in special:
                return True
        if not self._tokenizer.composes or character < "\x80":
            return False
        return not stands_alone(character) or not (folded == character or stands_alone(folded))
