"""Word vectors in memory, for the tests of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array, issparse

from morphvec.errors import UnknownWordError


@dataclass
class FakeModel:
    words: Sequence[str]
    vectors: np.ndarray | csr_array
    counts: np.ndarray | None = None
    languages: tuple[str, ...] = ()
    parts: Mapping[str, Sequence[float]] = field(default_factory=dict)  # vectors of words that compose
    composes: bool = False

    def __post_init__(self):
        if not issparse(self.vectors):
            self.vectors = np.asarray(self.vectors, dtype=np.float32)
        self.key_to_index = {word: row for row, word in enumerate(self.words)}

    def fold(self, word, language=""):
        if language == "tur":
            word = word.replace("I", "ı").replace("İ", "i")
        return word.lower()

    def vector_for(self, word):
        if word in self.key_to_index:
            row = self.vectors[[self.key_to_index[word]]]
            return row.toarray()[0] if issparse(row) else row[0]
        if word in self.parts:
            return np.asarray(self.parts[word], dtype=np.float32)
        raise UnknownWordError(word, "the word has no known part", "ask for another word")


def random_model(seed, words, dim=8, **options):
    rng = np.random.default_rng(seed)
    return FakeModel(words, rng.standard_normal((len(words), dim)), **options)
