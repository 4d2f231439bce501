"""A tokenizer as a table over code points: the simple lower case of each, and what it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from morphvec.kernels.tokens import JOINER, NEEDS_FOLD, WORD, needs_fold
from morphvec.text.folding import stands_alone
from morphvec.text.tokenize import Tokenizer

_STRETCH = 1 << 10  # a script or two: what a text reaches is filled in quickly
_STRETCHES = 0x110000 // _STRETCH


class CodePoints:
    """uint32[0x110000]: bits 0-20 the folded code point, then the flags WORD, JOINER and NEEDS_FOLD.

    Text without a NEEDS_FOLD character folds one code point at a time, by this table. Stretches of it are filled in
    when text first reaches them, and are NEEDS_FOLD until then.
    """

    def __init__(self, tokenizer: Tokenizer, *, turkic: bool) -> None:
        self._tokenizer, self._turkic = tokenizer, turkic
        self._filled = np.zeros(_STRETCHES, np.bool_)
        self.entries: NDArray[np.uint32] = np.full(_STRETCHES * _STRETCH, NEEDS_FOLD, np.uint32)

    def folds_singly(self, codes: NDArray[np.uint32]) -> bool:
        """Whether each of the code points folds by itself."""
        if not needs_fold(codes, self.entries):
            return True
        return self.cover(codes) and not needs_fold(codes, self.entries)

    def cover(self, codes: NDArray[np.uint32]) -> bool:
        """Fill in every stretch in which one of the code points lies; returns whether there was one to fill in."""
        met = np.bincount(codes // _STRETCH, minlength=_STRETCHES) > 0
        missing = np.flatnonzero(met & ~self._filled)
        for stretch in missing.tolist():
            self._fill(stretch)
        self._filled[missing] = True
        return missing.size > 0

    def _fill(self, stretch: int) -> None:
        codes = np.arange(stretch * _STRETCH, (stretch + 1) * _STRETCH, dtype="<u4")
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
        self.entries[stretch * _STRETCH : (stretch + 1) * _STRETCH] = entries

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
