"""Unseen words by fastText's rule: n-grams share rows by their hash.

An n-gram of ``<word>`` is ``shortest`` to ``longest`` characters, the whole of ``<word>`` among them, a bracket alone
not; one that comes twice counts twice. A character is a byte and the continuation bytes (10xxxxxx) after it. Its row is
FNV-1a of its bytes, 32 bits, each byte extended by its sign (so 0x80–0xFF are 0xFFFFFF80–0xFFFFFFFF), modulo the number
of buckets. A vector is the mean of rows, added in float32 from left to right, as fastText adds them: the same bits.

Source: Bojanowski et al. 2017 §3.2; fastText 0.9.2, whose files are version 12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.embeddings.explain import OWN_PART, Made
from morphvec.embeddings.rows import csr_of
from morphvec.embeddings.unseen import Parts
from morphvec.features.subword import CLOSE, OPEN

LINE_END = "</s>"  # fastText's token for the end of a line: it has no n-grams
LONGEST_GRAM = 64  # characters; fastText's default is 6
_START, _PRIME = np.uint32(2166136261), np.uint32(16777619)


@dataclass(frozen=True, eq=False)
class Buckets:
    """n-gram vectors behind a hash: what composes unseen words of an imported fastText model.

    words: the T keys of the vocabulary. vectors: float32 [buckets, k], usually a memory map. shortest, longest: lengths
    of n-grams in characters.
    """

    words: tuple[str, ...]
    vectors: Floats2d
    shortest: int
    longest: int

    missing: ClassVar[str] = "it is too short to have an n-gram"
    weights: ClassVar[Mapping[str, float]] = {"ngrams": 1.0}  # what it is made of, as of Parts

    def grams(self, word: str) -> list[str]:
        """The distinct n-grams of one bare word, in order of first place, shorter first at a place."""
        return list(dict.fromkeys(self._every_gram(word)))

    def _every_gram(self, word: str) -> list[str]:
        if word == LINE_END:
            return []
        text = f"{OPEN}{word}{CLOSE}"
        return [
            text[i : i + n]
            for i in range(len(text))
            for n in range(self.shortest, min(self.longest, len(text) - i) + 1)
            if n > 1 or 0 < i < len(text) - 1
        ]

    def known(self, word: str, language: str = "") -> list[str]:
        """The n-grams of a bare, folded word: every one has a row, which it may share."""
        del language  # n-grams know none
        return self.grams(word)

    def of_row(self, row: int) -> list[str]:
        """The n-grams of a word of the vocabulary."""
        return self.grams(self.words[row])

    def compose(self, word: str, language: str = "") -> Floats1d | None:
        """The mean of the n-gram rows of a bare, folded word, float32 [k]; None where it has no n-gram."""
        del language
        raw = word.encode("utf-8", "surrogatepass")
        ends, rows = hashed_grams([raw], self.shortest, self.longest, len(self.vectors))
        if not len(rows):
            return None
        mean: Floats1d = means(np.asarray(self.vectors[rows]), ends)[0]
        return mean

    def made_of(self, row: int | None, word: str, language: str = "") -> Made | None:
        """What the vector of a row, or else of a bare, folded unseen word, is a sum of; None where it has no n-gram.

        The own row of a known word is what its n-grams leave of its vector.
        """
        del language
        text = word if row is None else self.words[row]
        grams = self._every_gram(text)
        if not grams and row is None:
            return None
        raw = text.encode("utf-8", "surrogatepass")
        _, rows = hashed_grams([raw], self.shortest, self.longest, len(self.vectors))
        vectors = np.asarray(self.vectors[rows], np.float64) / (len(rows) + (row is not None))
        if row is None:
            return Made(grams, vectors, None)
        own = np.zeros((1, self.vectors.shape[1]))
        return Made([OWN_PART, *grams], np.concatenate([own, vectors]), 0)


Composer: TypeAlias = Parts | Buckets  # what gives unseen words a vector: compose, known, of_row, missing


def hashed_grams(words: Sequence[bytes], shortest: int, longest: int, buckets: int) -> tuple[Ints1d, Ints1d]:
    """The bucket of each n-gram of each word: (indptr int64 [W + 1], buckets int64), by place, then by length."""
    lengths = np.array([len(word) + 2 for word in words], np.int64)
    codes = np.frombuffer(b"".join(b"<" + word + b">" for word in words), np.uint8)
    signed = codes.view(np.int8).astype(np.int32).view(np.uint32)
    begins = np.flatnonzero((codes & 0xC0) != 0x80)  # of characters
    widths = np.diff(begins, append=len(codes))
    ends = np.cumsum(lengths)
    word = np.searchsorted(ends, begins, side="right")
    first, last = np.searchsorted(begins, ends - lengths), np.searchsorted(begins, ends) - 1
    plain = np.array([word != LINE_END.encode() for word in words], np.bool_)
    origin = np.flatnonzero(plain[word])
    here, value = origin.copy(), np.full(len(origin), _START, np.uint32)
    places, hashes = [np.zeros(0, np.int64)], [np.zeros(0, np.uint32)]
    for n in range(1, longest + 1):
        for byte in range(int(widths[here].max(initial=0))):
            on = np.flatnonzero(widths[here] > byte)
            value[on] = (value[on] ^ signed[begins[here[on]] + byte]) * _PRIME
        if n >= shortest:
            inner = (origin > first[word[origin]]) & (origin < last[word[origin]]) if n == 1 else slice(None)
            places.append(origin[inner])
            hashes.append(value[inner] % np.uint32(buckets))
        here += 1
        on = np.flatnonzero(here <= last[word[origin]])
        origin, here, value = origin[on], here[on], value[on]
        if not len(origin):
            break
    place = np.concatenate(places)
    order = np.argsort(place, kind="stable")  # shorter n-grams came first
    indptr = np.zeros(len(words) + 1, np.int64)
    np.cumsum(np.bincount(word[place], minlength=len(words)), out=indptr[1:])
    return indptr, np.concatenate(hashes)[order].astype(np.int64)


def means(rows: Floats2d, indptr: Ints1d) -> Floats2d:
    """The mean of each run of rows float32 [n, k], added one after another: float32 [runs, k]; no run is empty."""
    ones = np.ones(len(rows), np.float32)
    runs: csr_array = csr_of(
        indptr, np.arange(len(rows), dtype=indptr.dtype), ones, (len(indptr) - 1, len(rows))
    )
    sums: Floats2d = runs @ np.ascontiguousarray(rows, np.float32)
    sums *= (1.0 / np.diff(indptr)).astype(np.float32)[:, None]
    return sums
