"""What the tests of the neural models share: a small vocabulary, random text, quick options, a keeper."""

from __future__ import annotations

from typing import Any

import numpy as np

from morphvec.engine.local import local_engine
from morphvec.lm.base import LmVocabulary, Stream
from morphvec.lm.neural import NeuralPredictor
from morphvec.lm.neural_options import NeuralOptions
from morphvec.rng import stream as random_stream
from morphvec.text.tokenize import Tokenizer

ENGINE = local_engine(2)
AS_IS = Tokenizer("whitespace", "keep")
WORDS = tuple("abcdefgh")
VOCABULARY = LmVocabulary(WORDS, AS_IS)
QUICK = NeuralOptions(
    order=3, dim=4, hidden=5, epochs=3, patience=0, batch=16, learning_rate=0.02, dropout=0.0
)


def text(seed: int, sentences: int = 40, vocabulary: LmVocabulary = VOCABULARY) -> Stream:
    generator = random_stream(seed, 77)
    lengths = generator.integers(0, 7, sentences)
    return Stream.of(vocabulary, [generator.choice([*vocabulary.words, "zz"], n).tolist() for n in lengths])


def same(a: NeuralPredictor, b: NeuralPredictor) -> bool:
    return all(np.array_equal(a.parameters[name], b.parameters[name]) for name in a.parameters)


class Memory:
    """A keeper without a disk; ``kept`` is what was saved last."""

    def __init__(self, kept: Any = None) -> None:
        self.kept, self.first = kept, None

    def save(self, epochs_done: int, state: Any, history: Any) -> None:
        self.kept = (
            epochs_done,
            {name: array.copy() for name, array in state.items()},
            [dict(h) for h in history],
        )
        self.first = self.first or self.kept

    def load(self) -> Any:
        return self.kept

    def describe(self) -> str:
        return "in memory"
