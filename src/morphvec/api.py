"""The Python entry points: the walk with options by name, arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from morphvec.association import Association
from morphvec.counts.matrix import Counts
from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import OptionError
from morphvec.report import SILENT, Reporter

Corpus = str | Path | Sequence[str | Path] | Sequence[Sequence[str]] | Mapping[str, str | Path]


def train(corpus: Corpus, *, reporter: Reporter = SILENT, **options: Any) -> Embeddings:
    """Train word vectors.

    corpus: a path, ``LANG=path`` strings, a {language: path} mapping, or sentences that are lists of words.
    options: every option of ``morphvec train`` by its name with ``_`` for ``-`` (``dim=100``, ``min_count=5``,
    ``unimorph="eng.tsv"``, ``threads=2``), but for checkpoints, which lie beside an output folder. The same seed and
    inputs give the same bits for any number of threads.
    Raises MorphvecError for bad options or input.

    >>> vectors = train([["the", "cat", "sat"], ["the", "dog", "sat"]] * 5, min_count=1, dim=2, ngrams="none")
    >>> vectors.words
    ('sat', 'the', 'cat', 'dog')
    >>> vectors.vectors.shape
    (4, 2)
    """
    from morphvec.pipeline.train import train as run

    return run(corpus, reporter=reporter, **options).model


def load(path: str | Path) -> Embeddings:
    """Open a model folder; vectors are memory-mapped. Raises ArtifactError where it is damaged."""
    return Embeddings.load(path)


def count(corpus: Corpus, *, reporter: Reporter = SILENT, **options: Any) -> Counts:
    """Count a corpus: ``matrix`` float64 CSR [T, F] of window-weighted counts, ``words``, ``features``, ``blocks``.

    options: those of the commands ``vocab`` and ``count``. Raises MorphvecError for bad options or input.

    >>> counts = count([["a", "b", "c"], ["a", "b"]], min_count=1, window=1)
    >>> counts.words
    ('a', 'b', 'c')
    >>> counts.matrix.toarray()
    array([[0., 2., 0.],
           [2., 0., 1.],
           [0., 1., 0.]])
    """
    from morphvec.pipeline.options import CountStage, RunOptions, TextStage, make_stage
    from morphvec.pipeline.train import make_counts, open_corpus

    known = _known(options, TextStage, CountStage, RunOptions)
    text, stage, run = (
        make_stage(TextStage, known),
        make_stage(CountStage, known),
        make_stage(RunOptions, known),
    )
    return make_counts(open_corpus(corpus, text), text, stage, run, reporter)[0]


def weigh(counts: Counts, **options: Any) -> Association:
    """Weigh counts: ``matrix`` float32 CSR (nats), ``weights`` float32 CSR of the same pattern, ``alpha`` float64 [F].

    options: those of the command ``weigh``. Raises MorphvecError for bad options or input.

    >>> weighed = weigh(count([["a", "b", "c"], ["a", "b"]], min_count=1, window=1), smoothing=1.0)
    >>> [round(value, 3) for value in weighed.matrix.toarray()[0].tolist()]  # ln(2·6 / (2·3)) = ln 2
    [0.0, 0.693, 0.0]
    """
    from morphvec.association import weigh as run
    from morphvec.pipeline.options import WeighStage, make_stage

    return run(counts, make_stage(WeighStage, _known(options, WeighStage)).rule)


def skipgram_pairs(tokens: Sequence[str], window: int) -> list[tuple[str, str]]:
    """(word, context) pairs of one line of tokens: every other token within ``window`` positions, in text order.

    "The quick brown fox jumped over the lazy dog" has 30 of them at window 2. Raises OptionError for window < 1.

    >>> skipgram_pairs(["the", "quick", "fox"], 1)
    [('the', 'quick'), ('quick', 'the'), ('quick', 'fox'), ('fox', 'quick')]
    """
    if window < 1:
        raise OptionError(f"window={window}", "it must be at least 1", "give another window")
    return [
        (word, tokens[j])
        for i, word in enumerate(tokens)
        for j in range(max(0, i - window), min(len(tokens), i + window + 1))
        if j != i
    ]


def _known(options: dict[str, Any], *stages: type[Any]) -> dict[str, Any]:
    from dataclasses import fields

    from morphvec.pipeline.options import OF_FITTING, check_names

    names = [item.name for stage in stages for item in fields(stage)]
    check_names(options, [name for name in names if name not in OF_FITTING])
    return options
