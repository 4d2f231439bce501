"""Corpus → language model: one pass over the text, a vocabulary, sentences of ids, and the kind's own training."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from morphvec.engine.base import Engine
from morphvec.errors import OptionError
from morphvec.lm.base import LanguageModel, Training
from morphvec.lm.kinds import find_kind
from morphvec.lm.text import choose_words, lay_out, scan_text
from morphvec.report import SILENT, Reporter
from morphvec.text.corpus import Corpus
from morphvec.version import __version__

HELD_OUT_EVERY = 20  # without a held-out file each 20th sentence is kept aside, in a short text each few


@dataclass(frozen=True)
class VocabularyOptions:
    """Which words a model knows. vocab_size: at most so many, the most frequent; None: all. min_count: met so often."""

    vocab_size: int | None = None
    min_count: int = 1


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
) -> LanguageModel:
    """Train a model of a kind with its options by name.

    held_out: text for weights and early stopping where the options need it; without it every 20th sentence (in a text
    of fewer than 100 lines every fifth, of fewer than 10 every second) is not trained on but kept for that. All words of
    the corpus are in the vocabulary's choice. Raises the errors of the stages.
    """
    made = find_kind(kind)
    chosen = made.options(options)
    if held_out is not None and not chosen.needs_held_out:
        raise OptionError(
            "held-out text for a model that has no use for it",
            "it serves --smoothing interpolated, --ensemble and models that stop early",
            "leave --held-out out, or add it to the corpus",
        )
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
            other = scan_text(held_out, second, reporter)
            aside = lay_out(other, vocabulary, second)[0]
            inputs += [asdict(item) for item in other.inputs]
        training = Training(stream, aside, engine, folder, memory, seed, reporter)
        predictor = made.train(chosen, training)
        manifest = {
            "tokens": stream.tokens - len(stream.begins),
            "sentences": len(stream.begins),
            "held_out_sentences": 0 if aside is None else len(aside.begins),
            "config": {
                "kind": kind,
                **chosen.config(),
                **asdict(words),
                "format": corpus.format,
                "errors": corpus.errors,
                "seed": seed,
            },
            "versions": versions(),
            "inputs": inputs,
        }
        del stream, aside, training
    return LanguageModel(vocabulary, predictor, manifest)


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
