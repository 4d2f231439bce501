"""Words cut into morphemes: gold lists, and models that cut any word.

A ``Segmentation`` is a list of words with their morphemes, which need not spell the word (*flies* = *fly* + *s*). A
``MorphModel`` is a Morfessor Baseline model (Creutz and Lagus 2002; Virpioja et al. 2013) as its text files hold
it: morphs with counts. It cuts a word into the morphs that are likeliest under a unigram model. Models that were
saved as pickled objects are refused: a pickle can run code.
"""

from __future__ import annotations

import importlib
import math
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from morphvec.arrays import Ints1d
from morphvec.errors import InputError, MissingExtraError, OptionError, OutputError
from morphvec.morphology.tables import chunks_of, lines_of, row_error, rows_in, some

JOIN = " + "  # between the morphs of a line of Morfessor's
_SEGMENTATION = "a segmentation list"
_MODEL = "a morph model"
_DAMPENING: dict[str, Callable[[int], int]] = {
    "ones": lambda _: 1,
    "log": lambda count: round(math.log2(count + 1)),
    "none": lambda count: count,
}
_PICKLE = b"\x80"  # how every pickle of protocol 2 and above begins


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Words and their morphemes: ``words[r]`` is made of ``morphemes[r]``, in order.

    language: "" or the code that stands before the words of the vocabulary. A word with several analyses comes in
    several rows.
    """

    language: str
    words: list[str]
    morphemes: list[tuple[str, ...]]
    source: str

    def __post_init__(self) -> None:
        if len(self.words) != len(self.morphemes):
            raise ValueError("words and morphemes are parallel lists")

    def __len__(self) -> int:
        return len(self.words)


def read_segmentation(path: str | Path, language: str = "") -> Segmentation:
    """A list of segmented words: word TAB morphemes [TAB category], in the order of the file, equal rows once.

    Morphemes are joined by ``|``, or by spaces where no ``|`` is in the cell; a leading ``@@`` of a morpheme, as the
    SIGMORPHON files write it, is taken off, and empty morphemes (``|tu|zumab`` is in those files) are left out. The
    category is not used.
    Raises InputError: unreadable, binary or not UTF-8, a row without two or three columns, an empty word, a word
    without morphemes, no row at all.
    """
    path = Path(path)
    rows: dict[tuple[str, tuple[str, ...]], None] = {}
    same: dict[str, str] = {}  # a morpheme comes in many words: keep one string object
    for number, cells in rows_in(path, _SEGMENTATION):
        if len(cells) not in (2, 3) or not (cells[0] and cells[1]):
            raise row_error(path, number, cells, _SEGMENTATION, "word TAB morphemes [TAB category]")
        word, joined = cells[:2]
        cut = joined.split("|") if "|" in joined else joined.split()
        parts = [part for part in (piece.strip().removeprefix("@@") for piece in cut) if part]
        if not parts:
            raise InputError(
                f"{path}, line {number}: no morpheme in {joined[:60]!r}",
                "a word has at least one morpheme",
                "correct the line",
            )
        rows[word, tuple(same.setdefault(part, part) for part in parts)] = None
    some(path, len(rows), _SEGMENTATION)
    return Segmentation(language, [word for word, _ in rows], [parts for _, parts in rows], str(path))


@dataclass(frozen=True, eq=False)
class MorphModel:
    """A unigram model of morphs.

    morphs: morph → count, at least 1. language: "" or that of the words it is for.
    lines: (count, morphs) of each word that the counts were taken from; where it is empty, only the counts are known
    and each morph is taken for a word of its own, as Morfessor takes such a file.
    """

    language: str
    morphs: dict[str, int]
    source: str
    lines: tuple[tuple[int, tuple[str, ...]], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not self.morphs or "" in self.morphs or min(self.morphs.values()) < 1:
            raise InputError(
                f"a morph model of {len(self.morphs)} morphs",
                "it has at least one; none is empty, and each has a count of at least 1",
                "give other morphs",
            )

    @cached_property
    def total(self) -> int:
        """N of the costs: the morphs of all words, and one word boundary for each word, by count."""
        words = sum(count for count, _ in self.lines) if self.lines else sum(self.morphs.values())
        return sum(self.morphs.values()) + words

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.morphs))

    def segment(self, word: str) -> tuple[str, ...]:
        """The morphs of a word, () for the empty word; joined they spell the word.

        The cheapest path (Viterbi), where a morph of count c costs ln N − ln c nats. A character that no known morph
        covers costs more than every path of known morphs of the word, so that as few as possible are left uncovered;
        neighbouring ones make one morpheme. Of equal costs, the path whose last morph is longest is taken, as
        Morfessor does.
        """
        size = len(word)
        whole = math.log(self.total)
        strange = size * whole + 1.0
        costs = [0.0] * (size + 1)
        begins = [0] * (size + 1)
        for end in range(1, size + 1):
            best, chosen = math.inf, end - 1
            for begin in range(max(0, end - self._longest), end):
                count = self.morphs.get(word[begin:end])
                if count is not None:
                    cost = costs[begin] + (whole - math.log(count))
                elif begin == end - 1:
                    cost = costs[begin] + strange
                else:
                    continue
                if cost < best:
                    best, chosen = cost, begin
            costs[end], begins[end] = best, chosen
        found: list[str] = []
        end, uncovered = size, False
        while end > 0:
            begin = begins[end]
            morph = word[begin:end]
            unknown = morph not in self.morphs
            if unknown and uncovered:
                found[-1] = morph + found[-1]
            else:
                found.append(morph)
            end, uncovered = begin, unknown
        return tuple(reversed(found))


def read_morphs(path: str | Path, language: str = "") -> MorphModel:
    """A Morfessor model in text: its segmentation file (``count morph + morph``) or its lexicon (``count morph``).

    The count of a morph is the sum over its lines. Blank lines and lines that begin with ``#`` are skipped.
    Raises InputError: a pickled model, unreadable, binary or not UTF-8, a line of another shape, no line at all.
    """
    path = Path(path)
    if next(chunks_of(path, _MODEL), b"").startswith(_PICKLE):
        raise InputError(
            f"{path} is a pickled model",
            "a pickle can run code and is never read; a morph model is text, one line 'count morph + morph' per word",
            "write it as text with: morfessor -l MODEL -S FILE",
        )
    lines: list[tuple[int, tuple[str, ...]]] = []
    for number, line in enumerate(lines_of(path, _MODEL), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        count, _, joined = text.partition(" ")
        morphs = tuple(joined.strip().split(JOIN))
        digits = count.isascii() and count.isdigit() and len(count) <= 15
        if not digits or int(count) < 1 or not all(map(_is_morph, morphs)):
            raise InputError(
                f"{path}, line {number}: {text[:60]!r}",
                "a line is 'count morph + morph', the count at least 1, the morphs without spaces",
                "correct the line; a model in text is written by: morfessor -l MODEL -S FILE",
            )
        lines.append((int(count), morphs))
    some(path, len(lines), _MODEL)
    return _model(language, lines, str(path))


def _is_morph(text: str) -> bool:
    return bool(text) and not any(character.isspace() for character in text)


def _model(language: str, lines: Iterable[tuple[int, tuple[str, ...]]], source: str) -> MorphModel:
    kept = tuple(lines)
    counts: Counter[str] = Counter()
    for count, morphs in kept:
        for morph in morphs:
            counts[morph] += count
    return MorphModel(language, dict(sorted(counts.items())), source, kept)


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raise OutputError, before any work, where a model could not be written to ``path`` at the end."""
    if path.is_dir() or (path.exists() and not overwrite):
        raise OutputError(
            f"{path} is a folder" if path.is_dir() else f"{path} exists",
            "a file is never overwritten unasked, and a folder never",
            "choose another name" if path.is_dir() else "choose another name, or pass --overwrite",
        )
    if not path.absolute().parent.is_dir():
        raise OutputError(
            f"{path.absolute().parent} does not exist", "the folder of a file must exist", "make it first"
        )


def write_morphs(path: str | Path, model: MorphModel, *, overwrite: bool = False) -> None:
    """Write a model as text that ``read_morphs`` and Morfessor read: a line for each word, or for each morph.

    The file appears whole or not at all. Raises OutputError: it exists and ``overwrite`` is not set, or it cannot be
    written; InputError for a morph with a space.
    """
    path = Path(path)
    check_free(path, overwrite=overwrite)
    lines = model.lines or tuple((count, (morph,)) for morph, count in model.morphs.items())
    for _, morphs in lines:
        for morph in morphs:
            if not _is_morph(morph):
                raise InputError(f"the morph {morph!r}", "a morph holds no space", "leave its words out")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.writelines(f"{count} {JOIN.join(morphs)}\n" for count, morphs in lines)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}",
            "a model is a file",
            "choose another place",
        ) from error


def train_morphs(
    words: Sequence[str],
    counts: Sequence[int] | Ints1d,
    language: str = "",
    seed: int = 0,
    *,
    dampening: str = "ones",
) -> MorphModel:
    """A Morfessor Baseline model of a word list: batch training by recursive splitting, until an epoch gains little.

    words: distinct bare words; those with a space are left out. counts: integer[len(words)], tokens of each.
    dampening: what n tokens of a word count: ``ones`` 1 (Morfessor's default; it cuts more, and better), ``log``
    round(log₂(n + 1)), ``none`` n. A hyphen is a morph of its own, as Morfessor has it. The result depends on the
    words, counts and seed, not on their order.
    Raises MissingExtraError without the library, OptionError for another dampening, InputError where no word is left.
    """
    if dampening not in _DAMPENING:
        raise OptionError(
            f"dampening={dampening!r}", f"it is one of {', '.join(_DAMPENING)}", "choose one of them"
        )
    if len(counts) != len(words):
        raise ValueError(f"{len(counts)} counts for {len(words)} words")
    library = check_library()
    data = sorted(
        (word, max(1, _DAMPENING[dampening](int(count))))
        for word, count in zip(words, counts, strict=True)
        if _is_morph(word)
    )
    if not data:
        raise InputError("no words", "a morph model is learned from words", "give more text")
    state = random.getstate()  # the library draws from Python's own generator
    shown = library.utils.show_progress_bar
    try:
        library.utils.show_progress_bar = False
        random.seed(seed)
        model = library.BaselineModel(forcesplit_list=["-"])
        model.load_data([(count, word) for word, count in data])
        model.train_batch()
    finally:
        random.setstate(state)
        library.utils.show_progress_bar = shown
    lines = [(count, tuple(morphs)) for count, _, morphs in model.get_segmentations()]
    return _model(language, lines, "training")


def check_library() -> Any:
    """The module ``morfessor``. Raises MissingExtraError where it is not installed."""
    try:
        return importlib.import_module("morfessor")
    except ImportError as error:
        raise MissingExtraError(
            "the package morfessor is not installed",
            "morph models are trained by it; reading and applying them needs nothing",
            "run: pip install 'morphvec[morfessor]'",
        ) from error
