"""A tokenizer as a table over code points: the simple lower case of each, and what it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from morphvec.kernels.tokens import JOINER, NEEDS_FOLD, WORD
from morphvec.text.folding import stands_alone
from morphvec.text.tokenize import Tokenizer

_PLANE = 1 << 16
_PLANES = 17


class CodePoints:
    """uint32[0x110000]: bits 0-20 the folded code point, then the flags WORD, JOINER and NEEDS_FOLD.

    Text without a NEEDS_FOLD character folds one code point at a time, by this table. Planes are filled in
    when text first reaches them.
    """

    def __init__(self, tokenizer: Tokenizer, *, turkic: bool) -> None:
        self._tokenizer, self._turkic = tokenizer, turkic
        self._filled = [False] * _PLANES
        self.entries: NDArray[np.uint32] = np.zeros(_PLANES * _PLANE, np.uint32)

    def cover(self, codes: NDArray[np.uint32]) -> None:
        """Fill in every plane in which one of the code points lies."""
        highest = int(codes.max()) >> 16 if codes.size else 0
        for plane in range(highest + 1):
            if not self._filled[plane] and np.any(codes >> 16 == plane):
                self._fill(plane)
                self._filled[plane] = True

    def _fill(self, plane: int) -> None:
        codes = np.arange(plane * _PLANE, (plane + 1) * _PLANE, dtype="<u4")
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
        self.entries[plane * _PLANE : (plane + 1) * _PLANE] = entries

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
