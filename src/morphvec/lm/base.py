"""What every language model is: a vocabulary, a predictor of the next word, and what can be asked of the two.

Ids: 0 … T-1 the words, then <unk>, </s> and <s>. The first T + 2 are *predicted* (they share the probability of every
history); <s> only opens a history. A word outside the vocabulary is read as <unk>, in training and in scoring alike, and
counted (``oov``). A sentence is <s> w₁ … wₘ </s>; its probability has m + 1 factors: </s> counts, <s> does not.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d
from morphvec.engine.base import Engine
from morphvec.errors import InputError, OptionError
from morphvec.report import SILENT, Reporter
from morphvec.rng import stream as random_stream
from morphvec.text.tokenize import Tokenizer
from morphvec.training import LoopControl

UNKNOWN, END, START = "<unk>", "</s>", "<s>"
LONGEST_SAMPLE = 1_000  # words; a model that hardly ever ends a sentence is cut there


@final
@dataclass(frozen=True, eq=False)
class LmVocabulary:
    """The words of a language model, and how text becomes words.

    words: T words, without the three marks; row = id. language: decides about dotless i ("" where not given).
    """

    words: tuple[str, ...]
    tokenizer: Tokenizer = field(default_factory=Tokenizer)
    language: str = ""

    @property
    def unknown(self) -> int:
        """The id of <unk>, T."""
        return len(self.words)

    @property
    def end(self) -> int:
        """The id of </s>, T + 1."""
        return len(self.words) + 1

    @property
    def start(self) -> int:
        """The id of <s>, T + 2."""
        return len(self.words) + 2

    @property
    def predicted(self) -> int:
        """How many ids a history predicts, T + 2: the words, <unk> and </s>."""
        return len(self.words) + 2

    @functools.cached_property
    def index(self) -> dict[str, int]:
        """Word or mark → id."""
        return {word: row for row, word in enumerate((*self.words, UNKNOWN, END, START))}

    def ids(self, words: Iterable[str]) -> NDArray[np.int32]:
        """The ids of words (taken as they are, marks included); <unk> for those outside the vocabulary."""
        index, unknown = self.index, self.unknown
        return np.array([index.get(word, unknown) for word in words], np.int32)

    def name(self, row: int) -> str:
        """The word or mark of an id."""
        return self.words[row] if row < len(self.words) else (UNKNOWN, END, START)[row - len(self.words)]

    def split(self, text: str) -> list[str]:
        """The words of a text by the tokenizer; marks that stand alone between spaces stay marks."""
        words: list[str] = []
        pending: list[str] = []
        for item in text.split():
            if item in (UNKNOWN, END, START):
                words += [*self.tokenizer.tokens(" ".join(pending), self.language), item]
                pending = []
            else:
                pending.append(item)
        return words + self.tokenizer.tokens(" ".join(pending), self.language)


@final
@dataclass(frozen=True, eq=False)
class Stream:
    """Sentences as ids, end to end: <s> w₁ … wₘ </s> <s> ….

    ids: int32; may be a memory map. begins: int64[sentences], where each <s> stands.
    """

    ids: NDArray[np.int32]
    begins: NDArray[np.int64]
    vocabulary: LmVocabulary

    @property
    def tokens(self) -> int:
        """How many ids are predicted: the words and every </s>."""
        return len(self.ids) - len(self.begins)

    @functools.cached_property
    def oov(self) -> int:
        """How many words are <unk>."""
        return int(np.count_nonzero(self.ids == self.vocabulary.unknown))

    @functools.cached_property
    def spans(self) -> NDArray[np.int64]:
        """int64[sentences + 1]: sentence s owns the predicted tokens spans[s] : spans[s + 1]."""
        ends = np.append(self.begins[1:], len(self.ids)) - np.arange(1, len(self.begins) + 1)
        return np.concatenate([np.zeros(1, np.int64), ends])

    @classmethod
    def of(cls, vocabulary: LmVocabulary, sentences: Iterable[Sequence[str]]) -> Stream:
        """Sentences as sequences of words (a sentence without words is <s> </s>).

        Raises InputError for a string in the place of a sequence, and for <s> or </s> inside a sentence.
        """
        parts: list[NDArray[np.int32]] = []
        for number, sentence in enumerate(sentences):
            if isinstance(sentence, str):
                raise InputError(
                    f"sentence {number} is the string {sentence[:40]!r}",
                    "a sentence is a sequence of words",
                    "split it into words first",
                )
            ids = vocabulary.ids(sentence)
            if np.any(ids > vocabulary.unknown):
                raise InputError(
                    f"sentence {number} holds {START} or {END}",
                    "the two marks stand around a sentence, never in it",
                    "leave them out",
                )
            parts.append(np.concatenate([[vocabulary.start], ids, [vocabulary.end]]).astype(np.int32))
        lengths = np.array([len(part) for part in parts], np.int64)
        ids = np.concatenate(parts) if parts else np.zeros(0, np.int32)
        return cls(ids, np.cumsum(lengths) - lengths, vocabulary)


class Predictor(Protocol):
    """The part of a language model that differs by kind: the probability of a word after a history of ids."""

    @property
    def kind(self) -> str:
        """The name of its kind in ``kinds.KINDS``."""

    @property
    def order(self) -> int:
        """A word depends on at most ``order`` - 1 words before it."""

    def token_logprobs(self, stream: Stream) -> Floats1d:
        """float64[stream.tokens]: the natural logarithm of the probability of every predicted token, in order."""

    def distribution(self, history: NDArray[np.int32]) -> Floats1d:
        """float64[predicted]: the probability of every predicted id after a history; they sum to 1.

        history: ids, the latest last; <s> first where the sentence begins there. May be empty.
        """

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the predictor's files into an open artifact folder; returns its fields for the manifest."""


@dataclass(frozen=True, eq=False)
class Training:
    """What a kind is trained with.

    held_out: sentences that are not in ``stream``; None where the options needed none. folder: scratch space.
    memory: bytes for buffers and tables. loop: checkpoints of a kind that is trained in epochs.
    """

    stream: Stream
    held_out: Stream | None
    engine: Engine
    folder: Path
    memory: int
    seed: int = 0
    reporter: Reporter = SILENT
    loop: LoopControl = field(default_factory=LoopControl)


@dataclass(frozen=True)
class Kind:
    """How models of a kind are made and read.

    options: the given options by name → the kind's frozen options; raises OptionError for one that is not its own.
        They offer ``order``, ``needs_held_out`` and ``uses_held_out`` (a text that is given is of use), and for the
        manifest ``config() -> dict`` and ``inputs() -> tuple``, the files beside the text.
    train: (options, training) → predictor. load: (folder, manifest, vocabulary) → predictor; raises ArtifactError.
    epochs: whether training goes in epochs, between which checkpoints can be kept.
    """

    options: Callable[[Mapping[str, Any]], Any]
    train: Callable[[Any, Training], Predictor]
    load: Callable[[Path, Mapping[str, Any], LmVocabulary], Predictor]
    epochs: bool = False


@dataclass(frozen=True)
class SentenceScore:
    """logprob: nats, of all tokens of the sentence. tokens: words and </s>. oov: words read as <unk>."""

    logprob: float
    tokens: int
    oov: int


@dataclass(frozen=True)
class Perplexity:
    """perplexity: exp(nats_per_token), over words, <unk> for the ``oov`` unknown ones, and </s>; may be infinite."""

    perplexity: float
    nats_per_token: float
    tokens: int
    oov: int


@final
@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A vocabulary with a predictor. manifest: what the saved folder says of it."""

    vocabulary: LmVocabulary
    predictor: Predictor
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def order(self) -> int:
        """A word depends on at most ``order`` - 1 words before it."""
        return self.predictor.order

    def logprob(self, history: Sequence[str], word: str) -> float:
        """ln p(word | history), in nats; -inf for an impossible word and for <s>.

        history: words, the latest last; begin it with "<s>" where the sentence begins there.
        """
        row = self.vocabulary.ids([word])[0]
        if row >= self.vocabulary.predicted:
            return -math.inf
        p = float(self.predictor.distribution(self.vocabulary.ids(history))[row])
        return math.log(p) if p > 0 else -math.inf

    def score(self, sentences: Iterable[Sequence[str]]) -> tuple[SentenceScore, ...]:
        """The log-probability of each sentence, in nats."""
        return self.score_stream(Stream.of(self.vocabulary, sentences))

    def score_stream(self, stream: Stream) -> tuple[SentenceScore, ...]:
        """``score`` of sentences that are ids already."""
        spans = stream.spans
        sums = _sums(self.predictor.token_logprobs(stream), spans)
        missing = np.delete(stream.ids, stream.begins) == self.vocabulary.unknown
        oov = np.concatenate([[0], np.cumsum(missing)])[spans]
        return tuple(
            SentenceScore(float(total), int(tokens), int(unknown))
            for total, tokens, unknown in zip(sums, np.diff(spans), np.diff(oov), strict=True)
        )

    def perplexity(self, sentences: Iterable[Sequence[str]] | Stream) -> Perplexity:
        """exp(-mean ln p) over the tokens of all sentences; every </s> is a token. Raises InputError for no sentence."""
        stream = sentences if isinstance(sentences, Stream) else Stream.of(self.vocabulary, sentences)
        if not len(stream.begins):
            raise InputError("a text without sentences", "perplexity is a mean over tokens", "give some text")
        nats = -float(self.predictor.token_logprobs(stream).sum()) / stream.tokens
        return Perplexity(math.exp(nats) if nats < 700 else math.inf, nats, stream.tokens, stream.oov)

    def next(self, history: Sequence[str], n: int = 10) -> list[tuple[str, float]]:
        """The ``n`` most probable next words with their probabilities, ties by id; </s> and <unk> among them,
        impossible words not.

        Raises OptionError for n < 1.
        """
        if n < 1:
            raise OptionError(f"n={n}", "at least one answer is asked for", "raise it")
        p = self.predictor.distribution(self.vocabulary.ids(history))
        best = np.argsort(-p, kind="stable")[:n]
        return [(self.vocabulary.name(int(row)), float(p[row])) for row in best if p[row] > 0]

    def sample(self, n: int, seed: int = 0, longest: int = LONGEST_SAMPLE) -> list[list[str]]:
        """``n`` sentences drawn word by word until </s> (or ``longest`` words); each has a random stream of its own.

        Raises OptionError for numbers out of range.
        """
        if n < 1 or longest < 1 or seed < 0:
            raise OptionError(
                f"n={n}, longest={longest}, seed={seed}",
                "n and longest are at least 1, seed at least 0",
                "raise it",
            )
        return [self._draw(random_stream(seed, block=number), longest) for number in range(n)]

    def _draw(self, random: np.random.Generator, longest: int) -> list[str]:
        ids = [self.vocabulary.start]
        keep = max(1, self.order - 1)
        while len(ids) <= longest:
            total = np.cumsum(self.predictor.distribution(np.array(ids[-keep:], np.int32)))
            row = int(np.searchsorted(total, random.random() * total[-1], side="right"))
            if row == self.vocabulary.end:
                break
            ids.append(row)
        return [self.vocabulary.name(row) for row in ids[1:]]


def _sums(values: Floats1d, spans: NDArray[np.int64]) -> Floats1d:
    """The sums of consecutive, non-empty spans."""
    if len(spans) == 1:
        return np.zeros(0)
    return np.asarray(np.add.reduceat(values, spans[:-1]))
