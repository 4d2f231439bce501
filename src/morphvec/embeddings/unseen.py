"""Vectors of words that no corpus row stands for, composed from the parts that they share with known words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.embeddings.explain import OWN_PART, Made
from morphvec.features.composition import ROW_KINDS
from morphvec.features.subword import grams_of
from morphvec.morphology.pieces import (
    Analyser,
    shares_of_analyses,
    shares_of_segments,
    stem_index,
)

GRAM = ROW_KINDS["ngrams"]
MORPHEME, LEMMA, AFFIX = ROW_KINDS["morphemes"], ROW_KINDS["lemma"], ROW_KINDS["affixes"]


@dataclass(frozen=True, eq=False)
class Parts:
    """What words are made of: vectors = composition · part vectors (``features.composition`` has the formula).

    words: the T keys of the vocabulary, whose own rows are the first T parts. names: (kind, name) of the Q − T others;
    kinds are ngram, morpheme, lemma and affix. vectors: float32 [Q, k] after the output map. composition: float32 CSR
    [T, Q]. ngrams: shortest and longest, or None. weights: what is asked for (ngrams, morphemes, lemma, affixes) → w.
    told: what tells lemma, affix and morphemes of words outside the vocabulary, or how to get it when it is first asked.
    rarity: τ ≥ 0; in an unseen word a part that n words of the vocabulary have weighs n^−τ times what it weighs in them
    (and all together what they weigh there): a ridge holds the parts of few words the shortest, and an unseen word has no
    row of its own to make up for it.
    """

    words: tuple[str, ...]
    names: tuple[tuple[str, str], ...]
    vectors: Floats2d
    composition: csr_array
    ngrams: tuple[int, int] | None
    weights: Mapping[str, float] = field(default_factory=lambda: {"ngrams": 1.0})
    told: Analyser | Callable[[], Analyser] = field(default_factory=Analyser)
    rarity: float = 0.0

    missing: ClassVar[str] = "it shares no part with a known word"

    @cached_property
    def analyser(self) -> Analyser:
        """What tells the pieces of words outside the vocabulary."""
        return self.told if isinstance(self.told, Analyser) else self.told()

    @cached_property
    def index(self) -> dict[tuple[str, str], int]:
        """(kind, name) → row among the parts, own rows left out."""
        return {name: len(self.words) + number for number, name in enumerate(self.names)}

    @cached_property
    def _stems(self) -> tuple[tuple[str, ...], dict[str, int]]:
        return stem_index(self.words, [name for kind, name in self.names if kind == LEMMA])

    @cached_property
    def _met(self) -> Floats1d:
        """How many words of the vocabulary have each part, float64 [Q]; at least 1."""
        return np.maximum(np.bincount(self.composition.indices, minlength=self.composition.shape[1]), 1.0)

    def pieces(self, word: str, language: str = "") -> list[tuple[str, str, int, float, float]]:
        """(kind, name, row, w, share) of each known part of a bare, folded word as if it were unseen.

        Lemma and affixes come from the stored analyses, or else from rules; a word that is itself the lemma of known
        words has that part; morphemes come from the stored segmentations, or else from the morph models.
        """
        key = f"{language}:{word}" if language else word
        analyses = []
        if "lemma" in self.weights or "affixes" in self.weights:
            analyses = self.analyser.analyses(word, language, *self._stems)
            if not analyses and (LEMMA, key) in self.index:
                analyses = [(key, "")]
        found: list[tuple[str, str, int, float, float]] = []
        for kind in ("lemma", "affixes", "morphemes", "ngrams"):
            if kind not in self.weights:
                continue
            row_kind = ROW_KINDS[kind]
            known = partial(self._has, row_kind)
            if kind == "ngrams":
                grams = grams_of(word, *self.ngrams) if self.ngrams is not None else []
                shares = {gram: 1.0 for gram in grams if known(gram)}
            elif kind == "morphemes":
                shares = shares_of_segments(self.analyser.segments(word, language), known)
            else:
                shares = shares_of_analyses(kind, analyses, known)
            for name, share in shares.items():
                row = self._row(row_kind, name)
                if row is not None:
                    found.append((row_kind, name, row, self.weights[kind], share))
        return found

    def _row(self, kind: str, name: str) -> int | None:
        own = self._stems[1].get(name, len(self.words)) if kind == LEMMA else len(self.words)
        return own if own < len(self.words) else self.index.get((kind, name))

    def _has(self, kind: str, name: str) -> bool:
        return self._row(kind, name) is not None

    def known(self, word: str, language: str = "") -> list[str]:
        """The parts of a bare, folded word that have a vector: n-grams as they are, others as ``lemma:walk``."""
        return [label(kind, name) for kind, name, *_ in self.pieces(word, language)]

    def of_row(self, row: int) -> list[str]:
        """The parts of a word of the vocabulary beside its own row, as in ``known``."""
        B = self.composition
        columns = B.indices[B.indptr[row] : B.indptr[row + 1]].tolist()
        words = len(self.words)
        named = [(LEMMA, self.words[c]) if c < words else self.names[c - words] for c in columns if c != row]
        order = (LEMMA, AFFIX, MORPHEME, GRAM)
        return [label(kind, name) for kind, name in sorted(named, key=lambda part: order.index(part[0]))]

    def made_of(self, row: int | None, word: str, language: str = "") -> Made | None:
        """What the vector of a row, or else of a bare, folded unseen word, is a sum of; None where the word has no part."""
        if row is None:
            pieces = self.pieces(word, language)
            rows, weights = self.weights_of(word, language)
            names = [label(kind, name) for kind, name, *_ in pieces]
        else:
            B = self.composition
            cells = slice(int(B.indptr[row]), int(B.indptr[row + 1]))
            rows, weights = B.indices[cells].astype(np.int64), B.data[cells].astype(np.float64)
            names = [self._label(row, column) for column in rows.tolist()]
        if not len(rows):
            return None
        own = None if row is None else next(iter(np.flatnonzero(rows == row).tolist()), None)
        return Made(names, weights[:, None] * self.vectors[rows].astype(np.float64), own)

    def _label(self, row: int, column: int) -> str:
        if column == row:
            return OWN_PART
        words = len(self.words)
        return label(LEMMA, self.words[column]) if column < words else label(*self.names[column - words])

    def weights_of(self, word: str, language: str = "") -> tuple[Ints1d, Floats1d]:
        """b_new of a bare, folded word: rows int64 among the parts and their weights float64, both empty where the
        word shares no part with a known one."""
        found = self.pieces(word, language)
        items = 1.0 + sum(share for *_, share in found)
        rows = np.array([row for _, _, row, _, _ in found], np.int64)
        weights = np.array([weight * share / items for *_, weight, share in found], np.float64)
        if self.rarity and len(rows):
            lifted = weights * self._met[rows] ** -self.rarity
            weights = lifted * (weights.sum() / lifted.sum())
        return rows, weights

    def compose(self, word: str, language: str = "") -> Floats1d | None:
        """b_new · parts for a bare, folded unseen word, float32 [k]; None where it shares no part with a known one."""
        rows, weights = self.weights_of(word, language)
        if not len(rows):
            return None
        total = np.sum(weights[:, None] * self.vectors[rows].astype(np.float64), axis=0)
        return np.asarray(total, np.float32)


def label(kind: str, name: str) -> str:
    """A part's name for people: n-grams as they are, others behind their kind."""
    return name if kind == GRAM else f"{kind}:{name}"
