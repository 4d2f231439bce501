"""Vectors of words that no corpus row stands for, composed from the parts that they share with known words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d
from morphvec.features.subword import grams_of, weights_of_unseen

OWN, GRAM = "own", "ngram"


@dataclass(frozen=True, eq=False)
class Parts:
    """What words are made of: vectors = composition · part vectors.

    names: the Q − T character n-grams (columns T.. of the composition; the first T are the words' own rows).
    vectors: float32 [Q, k] after the output map. composition: float32 CSR [T, Q]. ngrams: shortest and longest.
    """

    names: tuple[str, ...]
    vectors: Floats2d
    composition: csr_array
    ngrams: tuple[int, int]

    @cached_property
    def index(self) -> dict[str, int]:
        """n-gram → its number among the n-grams."""
        return {name: number for number, name in enumerate(self.names)}

    def known(self, word: str) -> list[str]:
        """The n-grams of a bare word that have a vector."""
        return [gram for gram in grams_of(word, *self.ngrams) if gram in self.index]

    def compose(self, word: str) -> Floats1d | None:
        """b_new · parts for a bare unseen word, float32 [k]; None where it shares no part with a known word."""
        columns = weights_of_unseen(word, self.index, *self.ngrams)
        if not len(columns):
            return None
        own = len(self.vectors) - len(self.names)
        total = np.sum(self.vectors[own + columns], axis=0, dtype=np.float64)
        return np.asarray(total / (len(columns) + 1.0), np.float32)
