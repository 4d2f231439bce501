"""Text to sentences of ids: the pass over a training corpus, and texts to be scored. A line with words is a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError, OptionError, OutputError
from morphvec.kernels.sequences import ASIDE, MAIN, OPEN, lay_sentences
from morphvec.lm.base import END, START, UNKNOWN, LmVocabulary, Stream
from morphvec.report import SILENT, Reporter
from morphvec.text.corpus import CHUNK_CHARS, Corpus, scan
from morphvec.text.encoded import RAW, Scan, open_stream
from morphvec.text.lexicon import Lexicon
from morphvec.text.readers import parse_sources, read_blocks
from morphvec.text.spotting import spotters
from morphvec.text.streams import open_raw
from morphvec.text.tokenize import Tokenizer

_STEP = 1 << 20  # ids laid at once
_MOST_WORDS = 2**31 - 8


@dataclass(frozen=True, eq=False)
class ScoredText:
    """A text to be scored: its lines that have words, as they stand in the text, and the same as ids."""

    lines: tuple[str, ...]
    stream: Stream


def scan_text(corpus: Corpus, folder: Path, reporter: Reporter = SILENT) -> Scan:
    """One pass over a corpus of one language.

    Raises InputError for several languages, no words, and <s> or </s> as a word of the text.
    """
    if len(corpus.languages) > 1:
        raise InputError(
            f"a corpus of the languages {', '.join(corpus.languages)}",
            "a language model is of one language",
            "train one for each",
        )
    found = scan(corpus, folder=folder, units=False, reporter=reporter)
    _check_marks(found.lexicon, corpus.tokenizer)
    return found


def choose_words(found: Scan, size: int | None = None, min_count: int = 1) -> LmVocabulary:
    """The types met at least ``min_count`` times, the ``size`` most frequent of them, ties by code point.

    The mark <unk> in the text is <unk>. Raises OptionError for numbers out of range, InputError where fewer than two
    words are left.
    """
    if min_count < 1:
        raise OptionError(f"min_count={min_count}", "min_count is at least 1", "raise it")
    if size is not None and not 2 <= size <= _MOST_WORDS:
        raise OptionError(
            f"vocab_size={size}", "a vocabulary has at least two words", "choose another, or leave it out"
        )
    counts = found.counts
    words = found.lexicon.words()
    kept = np.flatnonzero(counts >= min_count)
    pairs = sorted((-int(counts[row]), words[row]) for row in kept.tolist() if words[row] != UNKNOWN)[:size]
    chosen = tuple(word for _, word in pairs)
    if len(chosen) < 2:
        raise InputError(
            f"min_count={min_count} leaves {len(chosen)} of {len(words)} different words",
            "a language model needs at least two words",
            "give more text" if min_count == 1 else "lower --min-count or give more text",
        )
    return LmVocabulary(chosen, found.tokenizer, found.languages[0] if found.languages else "")


def _check_marks(lexicon: Lexicon, tokenizer: Tokenizer) -> None:
    if tokenizer.name in ("unicode", "letters"):
        return  # their words hold no such character
    words = lexicon.words()
    if START in words or END in words:
        raise InputError(
            f"the text holds {START} or {END} as a word",
            "these marks are put around every line",
            "remove them from the text, or choose --tokenizer unicode",
        )


def lay_out(
    found: Scan, vocabulary: LmVocabulary, folder: Path, every: int = 0
) -> tuple[Stream, Stream | None]:
    """The scanned text as sentences; with ``every`` > 0 each every-th one goes to a second, held-out stream.

    Writes files to ``folder`` (4 bytes a token) and maps them. Raises OutputError where it cannot be written.
    """
    rows = vocabulary.ids(found.lexicon.words())
    raw = open_stream(found.folder / RAW)
    state = np.zeros(4, np.int64)
    main, aside = np.empty(2 * min(_STEP, len(raw)) + 2, np.int32), np.empty(0, np.int32)
    if every > 0:
        aside = np.empty_like(main)
    names = ("sentences.i32", "held-out.i32")
    try:
        with (folder / names[0]).open("wb") as one, (folder / names[1]).open("wb") as two:
            for low in range(0, len(raw), _STEP):
                part = np.ascontiguousarray(raw[low : low + _STEP])
                if low + _STEP >= len(raw):
                    part = np.append(part, np.int32(-1))  # a text may end inside a line
                state[[MAIN, ASIDE]] = 0
                lay_sentences(part, rows, vocabulary.end, vocabulary.start, every, main, aside, state)
                one.write(main[: state[MAIN]].data)
                two.write(aside[: state[ASIDE]].data)
    except OSError as error:
        raise OutputError(
            f"{folder} could not be written: {error.strerror or error}",
            "the scratch folder holds 8 bytes a token",
            "free some space, or set TMPDIR to another disk",
        ) from error
    assert state[OPEN] == 0
    made = [_stream(open_stream(folder / name), vocabulary) for name in names]
    return made[0], made[1] if every > 0 else None


def _stream(ids: NDArray[np.int32], vocabulary: LmVocabulary) -> Stream:
    begins = [
        low + np.flatnonzero(ids[low : low + _STEP] == vocabulary.start) for low in range(0, len(ids), _STEP)
    ]
    return Stream(ids, np.concatenate([np.zeros(0, np.int64), *begins]), vocabulary)


def read_stream(
    corpus: Corpus, vocabulary: LmVocabulary, folder: Path, reporter: Reporter = SILENT
) -> Stream:
    """A whole corpus as sentences of a vocabulary, in files of ``folder``. Raises as ``scan_text`` does."""
    return lay_out(scan_text(corpus, folder, reporter), vocabulary, folder)[0]


def read_scored(
    path: str,
    vocabulary: LmVocabulary,
    *,
    format: str = "auto",  # noqa: A002
    errors: str = "strict",
) -> ScoredText:
    """A text (PATH, or - for stdin) with its lines, held in memory. Lines without words are left out.

    Raises InputError for text that cannot be used, or none.
    """
    lexicon = Lexicon()
    make = spotters(vocabulary.tokenizer, lexicon, LocalEngine(1))
    lines: list[str] = []
    parts: list[NDArray[np.int32]] = []
    for source in parse_sources([path]):
        with open_raw(source.path) as raw:
            spotter = make(raw.name, vocabulary.language, 0)
            texts: list[str] = []
            for block in read_blocks(raw, source, chosen=format, errors=errors, size=CHUNK_CHARS, ids=False):
                texts.append(block.text)
                parts += spotter.read([block])
            lines += "".join(texts).split("\n")[:-1]
    ids = np.concatenate([np.zeros(0, np.int32), *parts])
    ends = np.flatnonzero(ids == -1)
    kept = np.flatnonzero(np.diff(ends, prepend=-1) > 1)
    if not len(kept):
        raise InputError(
            f"{path}: 0 tokens", "a text holds words", "give text, or a model with another tokenizer"
        )
    words = lexicon.words()
    _check_marks(lexicon, vocabulary.tokenizer)
    rows = np.append(vocabulary.ids(words), np.int32(0))
    main, state = np.empty(2 * len(ids) + 2, np.int32), np.zeros(4, np.int64)
    lay_sentences(ids, rows, vocabulary.end, vocabulary.start, 0, main, np.empty(0, np.int32), state)
    return ScoredText(
        tuple(lines[row].removesuffix("\r") for row in kept.tolist()),
        _stream(main[: state[MAIN]].copy(), vocabulary),
    )
