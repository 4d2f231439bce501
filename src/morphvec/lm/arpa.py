"""ARPA files: n-grams by order with log10 p and log10 back-off weight, as language-model tools read and write them.

Numbers are written in full (the shortest decimal that reads back as the same float), so that reading what was written
gives the same tables bit for bit. log10 of 0 is written as -99, and -99 or less is read as 0. <s> is never predicted: its
p is -99.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morphvec.errors import InputError, OptionError, OutputError
from morphvec.kernels.sequences import descend
from morphvec.lm.backoff import NgramTables
from morphvec.lm.base import END, START, UNKNOWN, LanguageModel, LmVocabulary
from morphvec.text.readers import compression_of
from morphvec.text.streams import Raw, open_raw, pieces
from morphvec.text.tokenize import Tokenizer

_ZERO = -99.0
_STEP = 1 << 16  # n-grams written at once
_MEND = "check that the file is a whole ARPA file, or write it anew"
_MOST_ORDER = 100


# ------------------------------------------------------------------------------------------------- writing


def write_arpa(model: LanguageModel, path: Path, *, overwrite: bool = False) -> None:
    """Write the model as an ARPA file, beside its place and then renamed.

    Raises OptionError for a model that has no back-off form, or words with white space in them; OutputError where the
    file cannot or must not be written.
    """
    tables = model.predictor
    if not isinstance(tables, NgramTables) or not tables.chain:
        raise OptionError(
            "a model that is no back-off model",
            "ARPA holds one n-gram model in back-off form; add-k, ensembles and neural models have none",
            "train one with --kind ngram and another --smoothing",
        )
    names = [model.vocabulary.name(row) for row in range(model.vocabulary.predicted + 1)]
    bad = next((name for name in names if len(name.split()) != 1 or name != name.strip()), None)
    if bad is not None:
        raise OptionError(
            f"the word {bad[:40]!r}", "ARPA parts words by white space", "use another --tokenizer"
        )
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists", "a file is never overwritten unasked", "pass --overwrite")
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as out:
            for block in _text(tables, names):
                out.write(block)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"{path} could not be written: {error.strerror or error}",
            "what stood there before is unchanged",
            "choose another place, or free some space",
        ) from error


def _text(tables: NgramTables, names: list[str]) -> Iterator[str]:
    yield "\\data\\\n"
    for number, size in enumerate(np.diff(tables.levels).tolist(), 1):
        yield f"ngram {number}={size}\n"
    for number in range(1, tables.order + 1):
        yield f"\n\\{number}-grams:\n"
        first, last = (int(edge) for edge in tables.levels[number - 1 : number + 1])
        for low in range(first, last, _STEP):
            yield _lines(tables, names, np.arange(low, min(low + _STEP, last)), number)
    yield "\n\\end\\\n"


def _lines(tables: NgramTables, names: list[str], nodes: NDArray[np.int64], number: int) -> str:
    columns = []
    above = nodes
    for depth in range(number, 0, -1):
        columns.append([names[row] for row in tables.words[above].tolist()])
        if depth > 1:  # the node whose children hold it
            above = np.searchsorted(tables.begin, above, side="right") - 1
    grams = map(" ".join, zip(*reversed(columns), strict=True))
    values = map(repr, _finite(tables.logprob[nodes]))
    if number == tables.order:
        return "".join(f"{value}\t{gram}\n" for value, gram in zip(values, grams, strict=True))
    weights = [f"\t{weight!r}" if weight else "" for weight in _finite(tables.backoff[nodes])]
    return "".join(
        f"{value}\t{gram}{weight}\n" for value, gram, weight in zip(values, grams, weights, strict=True)
    )


def _finite(values: NDArray[np.float64]) -> list[float]:
    numbers: list[float] = np.where(values == -np.inf, _ZERO, values).tolist()
    return numbers


# ------------------------------------------------------------------------------------------------- reading


def read_arpa(path: str, tokenizer: Tokenizer | None = None, language: str = "") -> LanguageModel:
    """A model from an ARPA file (.gz, .bz2, .xz and .zst are unpacked).

    tokenizer: how texts for this model become words; the file does not say. None: words are parted by white space and
    kept as they are. Unigrams keep the file's order. Raises InputError, with the line, for anything that is not ARPA.
    """
    with open_raw(path) as raw:
        lines = _Lines(raw, compression_of(path))
        sizes = _header(lines)
        order = len(sizes)
        first = _section(lines, 1, order, sizes[0], _Growing())
        vocabulary, places, index = _vocabulary(
            lines, first, tokenizer or Tokenizer("whitespace", "keep"), language
        )
        levels = [_section(lines, number, order, size, index) for number, size in enumerate(sizes[1:], 2)]
        if lines.next() != "\\end\\":
            raise lines.refuse("an ARPA file ends with \\end\\")
        record = lines.record()
        tables = _tables(lines, first, levels, vocabulary, places)
    return LanguageModel(vocabulary, tables, {"inputs": [record]})


class _Lines:
    """The lines of a file that hold something, with their numbers."""

    def __init__(self, raw: Raw, suffix: str) -> None:
        self._raw = raw
        self.number = 0
        self.text = ""
        self._source = self._read(suffix)

    def _read(self, suffix: str) -> Iterator[str]:
        held: list[str] = []
        for piece in pieces(self._raw, suffix, errors="strict", size=1 << 18):
            parts = piece.text.split("\n")
            held.append(parts[0])
            for part in parts[1:]:
                yield "".join(held)
                held = [part]

    def next(self) -> str:
        """The next line that is not blank, stripped; raises InputError at the end of the file."""
        for text in self._source:
            self.number += 1
            self.text = text.strip()
            if self.text:
                return self.text
        self.text = "the end of the file"
        self.number += 1
        raise self.refuse("an ARPA file ends with \\end\\")

    def refuse(self, rule: str, line: int | None = None, text: str | None = None) -> InputError:
        """The refusal of a line, the present one where no other is named."""
        shown = self.text if text is None else text
        return InputError(f"{self._raw.name}, line {line or self.number}: {shown[:80]!r}", rule, _MEND)

    def record(self) -> dict[str, object]:
        """Name, size and hash of the file, for a manifest."""
        for _ in self._source:
            pass  # the hash is of the whole file
        summary = self._raw.summary()
        return {"name": summary.name, "bytes": summary.bytes, "sha256": summary.sha256}


def _header(lines: _Lines) -> list[int]:
    while lines.next() != "\\data\\":
        if lines.text.startswith("\\"):
            raise lines.refuse("an ARPA file begins with \\data\\")
    sizes: list[int] = []
    while lines.next() != "\\1-grams:":
        name, _, size = lines.text.removeprefix("ngram ").partition("=")
        stated = lines.text.startswith("ngram ") and name.strip().isdecimal() and size.strip().isdecimal()
        if not stated or int(name) != len(sizes) + 1 or len(sizes) == _MOST_ORDER:
            raise lines.refuse("the head of an ARPA file is ngram 1=…, ngram 2=…, in order")
        sizes.append(int(size))
    if not sizes:
        raise lines.refuse("the head of an ARPA file says how many n-grams there are")
    return sizes


class _Growing(dict[str, int]):
    """Names numbered as they come; a name that comes again keeps its number."""

    def __missing__(self, name: str) -> int:
        self[name] = len(self)
        return self[name]


@dataclass
class _Level:
    """The n-grams of one section as they stand: ``ids`` end to end, n for each."""

    index: Mapping[str, int]
    ids: array[int] = field(default_factory=lambda: array("i"))
    logprob: array[float] = field(default_factory=lambda: array("d"))
    backoff: array[float] = field(default_factory=lambda: array("d"))
    lines: array[int] = field(default_factory=lambda: array("q"))


def _section(lines: _Lines, number: int, order: int, size: int, index: Mapping[str, int]) -> _Level:
    if number > 1 and lines.next() != f"\\{number}-grams:":
        raise lines.refuse(f"the section \\{number}-grams: begins after as many n-grams as the head states")
    level = _Level(index)
    for _ in range(size):
        parts = lines.next().split()
        if parts[0].startswith("\\") or not number + 1 <= len(parts) <= number + 2 - (number == order):
            raise lines.refuse(
                f"a line of \\{number}-grams: (which has {size}) is log10 p, {number} word{'s' * (number > 1)}"
                + (" and a back-off weight where it has one" if number < order else "")
            )
        try:
            logprob = float(parts[0])
            backoff = float(parts[number + 1]) if len(parts) > number + 1 else 0.0
        except ValueError as error:
            raise lines.refuse("log10 p and back-off weights are numbers") from error
        if not (logprob <= 1e-6 and backoff < math.inf):  # NaN fails too
            raise lines.refuse("log10 of a probability is at most 0, a back-off weight a finite number")
        try:
            level.ids.extend([index[word] for word in parts[1 : number + 1]])
        except KeyError as error:
            raise lines.refuse("every word of an n-gram is among the 1-grams") from error
        level.logprob.append(logprob)
        level.backoff.append(backoff)
        level.lines.append(lines.number)
    return level


def _vocabulary(
    lines: _Lines, level: _Level, tokenizer: Tokenizer, language: str
) -> tuple[LmVocabulary, NDArray[np.int64], dict[str, int]]:
    """The vocabulary, where in the section each of its ids stands (-1: it does not), and the id of every name."""
    names = list(level.index)
    if len(names) < len(level.ids):
        again = next(row for row, number in enumerate(level.ids) if number != row)
        raise lines.refuse(
            "a word stands once among the 1-grams", level.lines[again], names[level.ids[again]]
        )
    unknown = UNKNOWN if UNKNOWN in level.index else "<UNK>"  # as some tools write it
    words = tuple(name for name in names if name not in (unknown, END, START))
    vocabulary = LmVocabulary(words, tokenizer, language)
    marks = (unknown, END, START)
    places = np.array([level.index.get(name, -1) for name in (*words, *marks)], np.int64)
    return vocabulary, places, {**vocabulary.index, unknown: vocabulary.unknown}


def _tables(
    lines: _Lines, first: _Level, levels: list[_Level], vocabulary: LmVocabulary, places: NDArray[np.int64]
) -> NgramTables:
    size = len(places)
    words = np.arange(size, dtype=np.int32)
    logprob, backoff = np.full(size, -np.inf), np.zeros(size)
    here = places >= 0
    logprob[here], backoff[here] = _numbers(first, places[here])
    logprob[vocabulary.start] = -np.inf
    begin, edges = np.array([size], np.int64), [0, size]
    for number, level in enumerate(levels, 2):
        if not level.ids:
            if any(longer.ids for longer in levels[number - 1 :]):
                raise lines.refuse("the first words of an n-gram are an n-gram of the file too")
            break
        grams = np.array(level.ids, np.int32).reshape(-1, number)
        nodes = np.empty(len(grams), np.int64)
        descend(grams, number - 1, words, begin, nodes)
        if (nodes < 0).any():
            row = int(np.argmin(nodes))
            rule = "the first words of an n-gram are an n-gram of the file too"
            raise lines.refuse(rule, level.lines[row], _shown(grams[row], vocabulary))
        order = np.lexsort((grams[:, -1], nodes))
        nodes, last = nodes[order], grams[order, -1]
        same = np.flatnonzero((np.diff(nodes) == 0) & (np.diff(last) == 0))
        if len(same):
            row = int(order[same[0] + 1])
            raise lines.refuse("an n-gram stands once", level.lines[row], _shown(grams[row], vocabulary))
        heads = np.searchsorted(nodes, np.arange(edges[-2], edges[-1] + 1)) + edges[-1]
        begin = np.concatenate([begin[:-1], heads])
        edges.append(edges[-1] + len(grams))
        some, weights = _numbers(level, order)
        words, logprob = np.concatenate([words, last]), np.concatenate([logprob, some])
        backoff = np.concatenate([backoff, weights])
    return NgramTables(words, begin, logprob, backoff[: edges[-2]].copy(), np.array(edges, np.int64))


def _shown(gram: NDArray[np.int32], vocabulary: LmVocabulary) -> str:
    return " ".join(vocabulary.name(row) for row in gram.tolist())


def _numbers(level: _Level, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """log10 p and log10 weight of some n-grams of a section."""
    logprob, backoff = np.array(level.logprob)[rows], np.array(level.backoff)[rows]
    return np.where(logprob <= _ZERO, -np.inf, logprob), np.where(backoff <= _ZERO, -np.inf, backoff)
