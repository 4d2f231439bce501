"""Corpus → language model: one pass over the text, a vocabulary, sentences of ids, and the kind's own training."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from morphvec.engine.base import Engine
from morphvec.errors import InputError, OptionError
from morphvec.lm.base import LanguageModel, Training
from morphvec.lm.kinds import find_kind
from morphvec.lm.text import choose_words, lay_out, scan_text
from morphvec.report import SILENT, Reporter
from morphvec.text.corpus import Corpus
from morphvec.training import LoopControl
from morphvec.version import __version__

HELD_OUT_EVERY = 20  # without a held-out file each 20th sentence is kept aside, in a short text each few


@dataclass(frozen=True)
class VocabularyOptions:
    """Which words a model knows. vocab_size: at most so many, the most frequent; None: all. min_count: met so often."""

    vocab_size: int | None = None
    min_count: int = 1


class Checkpoints(Protocol):
    """Where the checkpoints of a run are kept."""

    def check(self, config: Mapping[str, Any]) -> None:
        """Refuse, before any work, a place that cannot be written or gone on from by a run of these options."""

    def control(self, record: Mapping[str, Any]) -> LoopControl:
        """For the run that ``record`` (config, inputs, versions) tells from every other one."""


def train_model(
    corpus: Corpus,
    *,
    kind: str,
    options: Mapping[str, Any],
    words: VocabularyOptions,
    engine: Engine,
    memory: int,
    held_out: Corpus | None = None,
    seed: int = 0,
    reporter: Reporter = SILENT,
    checkpoints: Checkpoints | None = None,
) -> LanguageModel:
    """Train a model of a kind with its options by name.

    held_out: text for weights and early stopping where the options need it; without it every 20th sentence (in a text
    of fewer than 100 lines about five of them, at most every second) is not trained on but kept for that. All words of
    the corpus are in the vocabulary's choice. checkpoints: for a kind that is trained in epochs. Raises the errors of
    the stages.
    """
    made = find_kind(kind)
    chosen = made.options(options)
    if held_out is not None and not chosen.uses_held_out:
        raise OptionError(
            "held-out text for a model that has no use for it",
            "it serves --smoothing interpolated, --ensemble and --kind neural",
            "leave --held-out out, or add it to the corpus",
        )
    if checkpoints is not None and not made.epochs:
        raise OptionError(
            f"checkpoints with kind={kind}",
            "they are kept between epochs, which only --kind neural has",
            "leave --checkpoint-every and --resume out",
        )
    config = {
        "kind": kind,
        **chosen.config(),
        **asdict(words),
        "tokenizer": corpus.tokenizer.name,
        "case": corpus.tokenizer.case,
        "join_hyphen": corpus.tokenizer.join_hyphen,
        "format": corpus.format,
        "errors": corpus.errors,
        "held_out": [] if held_out is None else [Path(source.path).name for source in held_out.sources],
        "seed": seed,
    }
    told = {**config, "language": ", ".join(corpus.languages)}
    if checkpoints is not None:
        checkpoints.check(told)
    others = chosen.inputs()
    # Maps of scratch files may outlive a failed run: the folder is removed under them.
    with tempfile.TemporaryDirectory(prefix="morphvec-") as name:
        folder = Path(name)
        found = scan_text(corpus, folder, reporter)
        vocabulary = choose_words(found, words.vocab_size, words.min_count)
        every = 0
        if chosen.needs_held_out and held_out is None:
            every = min(HELD_OUT_EVERY, max(2, found.lines // 5))
        stream, aside = lay_out(found, vocabulary, folder, every)
        inputs = [asdict(item) for item in found.inputs]
        reporter.note(
            f"vocabulary: {len(vocabulary.words):,} words of {len(found.counts):,}; "
            f"{stream.oov:,} of {stream.tokens - len(stream.begins):,} tokens are unknown"
        )
        del found
        if held_out is not None:
            second = folder / "held-out"
            second.mkdir()
            other = scan_text(_in_language(held_out, vocabulary.language), second, reporter)
            aside = lay_out(other, vocabulary, second)[0]
            inputs += [asdict(item) for item in other.inputs]
        inputs += others
        loop = LoopControl()
        if checkpoints is not None:
            loop = checkpoints.control({"config": told, "inputs": inputs, "versions": versions()})
        training = Training(stream, aside, engine, folder, memory, seed, reporter, loop)
        predictor = made.train(chosen, training)
        manifest = {
            "tokens": stream.tokens - len(stream.begins),
            "sentences": len(stream.begins),
            "held_out_sentences": 0 if aside is None else len(aside.begins),
            "config": config,
            "versions": versions(),
            "inputs": inputs,
        }
        del stream, aside, training
    return LanguageModel(vocabulary, predictor, manifest)


def _in_language(held_out: Corpus, language: str) -> Corpus:
    """Held-out text read in the language of the corpus. Raises InputError where it says that it is in another."""
    strange = [name for name in held_out.languages if name != language]
    if strange:
        raise InputError(
            f"held-out text of the language {strange[0]} and a corpus of {language or 'none'}",
            "a language model is of one language",
            "give both as the same LANG=PATH",
        )
    return replace(held_out, sources=tuple(replace(source, language=language) for source in held_out.sources))


def versions() -> dict[str, str]:
    """What the bits of a model depend on: this release and the libraries below it."""
    import platform

    import numba
    import numpy

    return {
        "morphvec": __version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "numba": numba.__version__,
    }
