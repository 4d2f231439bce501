"""Texts for the n-gram tests, and the shortest way from sentences to a model."""

from __future__ import annotations

from morphvec.engine.local import LocalEngine
from morphvec.lm.base import LanguageModel, LmVocabulary, Stream, Training
from morphvec.lm.ngram import NgramOptions, train
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer

SMOOTHINGS = ("ml", "add-k", "interpolated", "absolute", "kneser-ney", "modified-kneser-ney")
TEXT = [
    line.split()
    for line in (
        "the cat sat on the mat",
        "the dog sat on the cat",
        "a dog and a cat",
        "the mat",
        "sat",
        "the cat sat",
    )
]
WORDS = ("the", "cat", "sat", "on", "mat", "dog", "a")  # "and" is left out: it is <unk>


def random_text(sentences=120, size=14, seed=0, longest=9):
    """Sentences over few words with falling frequencies, some pairs sticking together."""
    random = stream(seed)
    words = [f"w{i}" for i in range(size)]
    text = []
    for _ in range(sentences):
        line = []
        for _ in range(int(random.integers(1, longest))):
            if line and random.random() < 0.4:
                line.append(words[(words.index(line[-1]) * 3 + 1) % size])
            else:
                line.append(words[min(int(random.exponential(3.0)), size - 1)])
        text.append(line)
    return text, tuple(words[: size - 2])  # the two rarest are <unk>


def make(sentences, words, folder, *, held_out=None, threads=1, memory=1 << 30, **options):
    """A trained n-gram model of sentences."""
    vocabulary = LmVocabulary(tuple(words), Tokenizer("whitespace", "keep"))
    training = Training(
        Stream.of(vocabulary, sentences),
        None if held_out is None else Stream.of(vocabulary, held_out),
        LocalEngine(threads),
        folder,
        memory,
    )
    return LanguageModel(vocabulary, train(NgramOptions(**options), training))
