"""What the tests of counting share: a corpus of numbers as an Encoded and a Vocabulary, counted in one call."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np

import naive
from morphvec.counts.count import DEFAULT_MEMORY, CountOptions, count
from morphvec.engine.local import LocalEngine
from morphvec.features.space import BlockOptions, parse_blocks
from morphvec.report import Reporter
from morphvec.rng import stream
from morphvec.text.encoded import Encoded
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary


def encoded(lines, units=(), unit_names=()):
    ids = naive.stream(lines)
    return Encoded(
        ids, np.array(units, np.int32), tuple(unit_names), int(np.count_nonzero(ids >= 0)), len(lines)
    )


def vocabulary(words):
    names = tuple(words) if not isinstance(words, int) else tuple(f"w{number}" for number in range(words))
    return Vocabulary(names, np.full(len(names), 1, np.int64), len(names), len(names), Tokenizer())


def random_lines(words, lines, longest, seed=0):
    generator = stream(seed)
    skew = (words * generator.random((lines, longest)) ** 2).astype(int)
    return [
        row[:length].tolist()
        for row, length in zip(skew, generator.integers(0, longest + 1, lines), strict=True)
    ]


def counted(
    corpus, words, *, features="window", threads=1, memory=DEFAULT_MEMORY, log=None, pieces=None, **options
):
    """The Counts; what was said on the way goes to ``log``."""
    blocks = features if isinstance(features, tuple) else parse_blocks(features)
    assert all(isinstance(block, BlockOptions) for block in blocks)
    with tempfile.TemporaryDirectory() as folder:
        return count(
            corpus,
            vocabulary(words),
            CountOptions(blocks, **options),
            engine=LocalEngine(threads),
            folder=Path(folder),
            memory=memory,
            reporter=Reporter(stream=io.StringIO() if log is None else log),
            pieces=pieces,
        )


def same(one, other):
    """Equal matrices, bit for bit, and equal names."""
    return (
        np.array_equal(one.matrix.indptr, other.matrix.indptr)
        and np.array_equal(one.matrix.indices, other.matrix.indices)
        and np.array_equal(one.matrix.data, other.matrix.data)
        and (one.words, one.features, one.blocks) == (other.words, other.features, other.blocks)
    )
