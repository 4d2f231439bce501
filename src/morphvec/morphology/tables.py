"""What people know of a morphology, read from plain files: UniMorph tables, word lists, classes, edges, weights.

Every reader takes UTF-8 text, one record per line, columns separated by one TAB, plain or under .gz, .bz2, .xz.
LF or CRLF ends a line; blank lines are skipped. Anything else is an InputError that names the file and the line.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import re
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from morphvec.errors import InputError, OptionError

_BLOCK = 1 << 20  # bytes read at a time
_MAX_LINE = 1 << 20  # bytes
_MAX_FILE = 1 << 30  # bytes once unpacked: a table lives in memory, and a bomb must not
_LANGUAGE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True, eq=False)
class Table:
    """Pairs of words under bundles: row r says that ``forms[r]`` is the form of ``lemmas[r]`` with ``features[r]``.

    language: "" or the code that stands before the words of the vocabulary ("spa" for "spa:hablar").
    features: bundles in one spelling, as the reader of its kind states it (``normalise_features`` for UniMorph).
    source, kind: where the table came from and what it is, for messages and reports.
    """

    language: str
    lemmas: list[str]
    forms: list[str]
    features: list[str]
    source: str
    kind: str = "UniMorph"

    def __post_init__(self) -> None:
        if not len(self.lemmas) == len(self.forms) == len(self.features):
            raise ValueError("lemmas, forms and features are parallel lists")

    def __len__(self) -> int:
        return len(self.lemmas)


@dataclass(frozen=True, eq=False)
class ClassList:
    """Words listed under class names: ``words[r]`` is a member of ``classes[r]``."""

    classes: list[str]
    words: list[str]
    source: str


@dataclass(frozen=True, eq=False)
class EdgeList:
    """Pairs of words to be drawn together, with a weight > 0 each (1 where the file states none)."""

    first: list[str]
    second: list[str]
    weights: Sequence[float]
    source: str


def parse_language_path(argument: str) -> tuple[str, str]:
    """Split ``LANG=path`` into (language, path); a bare path has the language "".

    LANG is a letter followed by letters, digits, ``-`` or ``_``, so ``./a=b.tsv`` is a path.
    Raises OptionError where one side of ``LANG=path`` is empty.
    """
    head, equals, path = argument.partition("=")
    if not argument or (equals and not head) or (_LANGUAGE.fullmatch(head) and equals and not path):
        raise OptionError(
            f"{argument!r} names no file" if head or not path else f"{argument!r} names no language",
            "a table is given as path or LANG=path",
            "write for example spa=spa.tsv",
        )
    if equals and _LANGUAGE.fullmatch(head):
        return head, path
    return "", argument


def parse_pair_path(argument: str) -> tuple[tuple[str, str], str]:
    """Split ``LANG:LANG=path`` into the languages of first and second words and the path; ``LANG=path`` names both.

    ``./a:b=c.tsv`` is a path. Raises OptionError as ``parse_language_path`` does.
    """
    first, colon, rest = argument.partition(":")
    if colon and _LANGUAGE.fullmatch(first):
        second, path = parse_language_path(rest)
        if second:
            return (first, second), path
    language, path = parse_language_path(argument)
    return (language, language), path


def normalise_features(features: str) -> str:
    """One spelling for a bundle of UniMorph tags: ``v;sg;3; SG`` becomes ``V;3;SG``.

    Tags are split at ``;``, stripped, upper-cased where they are ASCII, sorted by code point behind the first tag
    (the part of speech), and each kept once, so that the tag order of a release does not split a class.
    Empty tags vanish; "" means that no tag is left.
    """
    stripped = [tag.strip() for tag in features.split(";")]
    tags = [tag.upper() if tag.isascii() else tag for tag in stripped if tag]
    if not tags:
        return ""
    return ";".join([tags[0], *sorted(dict.fromkeys(tag for tag in tags if tag != tags[0]))])


def read_unimorph(path: str | Path, language: str = "") -> Table:
    """A UniMorph table: lemma TAB form TAB features, one row a line.

    Raises InputError: unreadable, binary or not UTF-8, a row without exactly three filled columns, no row at all.
    """
    path = Path(path)
    what, columns = "a UniMorph table", "lemma TAB form TAB features"
    lemmas: list[str] = []
    forms: list[str] = []
    features: list[str] = []
    same_lemma: dict[str, str] = {}  # a lemma comes dozens of times: keep one string object
    bundles: dict[str, str] = {}
    for number, cells in rows_in(path, what):
        if len(cells) != 3:
            raise row_error(path, number, cells, what, columns)
        lemma, form, raw = cells
        bundle = bundles.get(raw)
        if bundle is None:
            bundle = bundles[raw] = normalise_features(raw)
        if not (lemma and form and bundle):
            raise row_error(path, number, cells, what, columns)
        lemmas.append(same_lemma.setdefault(lemma, lemma))
        forms.append(form)
        features.append(bundle)
    some(path, len(lemmas), what)
    return Table(language, lemmas, forms, features, str(path))


def read_words(path: str | Path) -> list[str]:
    """A list of words, one per line: each word once, in the order of the file.

    Raises InputError: unreadable, binary or not UTF-8, a line with a TAB, no word at all.
    """
    path = Path(path)
    what = "a word list"
    words: dict[str, None] = {}
    for number, cells in rows_in(path, what):
        if len(cells) != 1:
            raise row_error(path, number, cells, what, "one word per line")
        words[cells[0]] = None
    some(path, len(words), what)
    return list(words)


def read_classes(path: str | Path) -> ClassList:
    """Classes of words: class TAB word, many lines per class.

    Raises InputError: unreadable, binary or not UTF-8, a row without exactly two filled columns, no row at all.
    """
    path = Path(path)
    what = "a class list"
    classes: list[str] = []
    words: list[str] = []
    for number, cells in rows_in(path, what):
        if len(cells) != 2 or not all(cells):
            raise row_error(path, number, cells, what, "class TAB word")
        classes.append(cells[0])
        words.append(cells[1])
    some(path, len(words), what)
    return ClassList(classes, words, str(path))


def read_edges(path: str | Path) -> EdgeList:
    """Edges between words: word TAB word [TAB weight].

    Raises InputError: unreadable, binary or not UTF-8, a row without two or three filled columns, a weight that is
    not a finite number above 0, no row at all.
    """
    path = Path(path)
    what = "an edge list"
    first: list[str] = []
    second: list[str] = []
    weights = array("d")
    words: dict[str, str] = {}  # cell → word: a list may have millions of rows, each word is looked at once
    for number, line in enumerate(lines_of(path, what), 1):
        cells = line.split("\t")
        weight = 1.0
        if len(cells) != 2 or cells[0] not in words or cells[1] not in words:
            if not line or line.isspace():
                continue
            stripped = [cell.strip() for cell in cells]
            if len(cells) not in (2, 3) or not all(stripped):
                raise row_error(path, number, stripped, what, "word TAB word [TAB weight]")
            words[cells[0]] = words.setdefault(stripped[0], stripped[0])
            words[cells[1]] = words.setdefault(stripped[1], stripped[1])
            weight = _number(stripped[2]) if len(cells) == 3 else 1.0
            if not 0 < weight < math.inf:
                raise InputError(
                    f"{path}, line {number}: weight {stripped[2]!r}",
                    "the weight of an edge is a finite number above 0",
                    "correct the line, or leave the third column out (weight 1)",
                )
        first.append(words[cells[0]])
        second.append(words[cells[1]])
        weights.append(weight)
    some(path, len(first), what)
    return EdgeList(first, second, weights, str(path))


def read_class_weights(path: str | Path) -> dict[str, float]:
    """Factors of the strength of single classes: class TAB factor, for example ``V;PST TAB 2``; 0 turns a class off.

    Raises InputError: unreadable, binary or not UTF-8, a row without exactly two filled columns, a factor that is
    not a finite number of at least 0, a class that comes twice, no row at all.
    """
    path = Path(path)
    what = "a list of class weights"
    weights: dict[str, float] = {}
    for number, cells in rows_in(path, what):
        if len(cells) != 2 or not all(cells):
            raise row_error(path, number, cells, what, "class TAB factor")
        name, factor = cells[0], _number(cells[1])
        if not 0 <= factor < math.inf:
            raise InputError(
                f"{path}, line {number}: factor {cells[1]!r}",
                "the factor of a class is a finite number, at least 0",
                "correct the line",
            )
        if name in weights:
            raise InputError(
                f"{path}, line {number}: class {name!r} again",
                "a class has one factor",
                "delete one of the lines",
            )
        weights[name] = factor
    some(path, len(weights), what)
    return weights


def read_lines(path: Path, what: str) -> list[str]:
    """``lines_of`` as a list: line n of the file is item n − 1."""
    return list(lines_of(path, what))


def lines_of(path: Path, what: str) -> Iterator[str]:
    """The lines of a text file (plain, .gz, .bz2, .xz) without their ends, one after the other.

    Raises InputError: unreadable, damaged compression, a NUL byte, a byte that is not UTF-8 (file, line, byte), a
    line above 1 MB, or more than 1 GB once unpacked.
    """
    done = 0  # lines
    rest, total = b"", 0
    for chunk in chunks_of(path, what):
        total += len(chunk)
        zero = chunk.find(b"\0")
        if zero >= 0:
            line = done + chunk.count(b"\n", 0, zero) + 1
            raise InputError(
                f"{path}, line {line}: a NUL byte",
                f"{what} is plain text",
                "check that this is the file you mean",
            )
        cut = chunk.rfind(b"\n") + 1
        if cut:
            lines = _decode(rest + chunk[:cut], path, done).split("\n")
            lines.pop()  # what follows the last LF
            if not done:
                lines[0] = lines[0].removeprefix("\ufeff")  # a byte order mark
            done += len(lines)
            rest = chunk[cut:]
            yield from lines
        else:
            rest += chunk
        if len(rest) > _MAX_LINE or total > _MAX_FILE:
            raise InputError(
                f"{path}, line {done + 1}: "
                + ("over 1 MB long" if len(rest) > _MAX_LINE else "more than 1 GB so far"),
                f"{what} has short lines and at most 1 GB unpacked",
                "check that this is the file you mean, or cut it",
            )
    if rest:
        last = _decode(rest, path, done).removesuffix("\r")
        yield last if done else last.removeprefix("\ufeff")


def chunks_of(path: Path, what: str) -> Iterator[bytes]:
    """The unpacked bytes of a file, piece by piece. Raises InputError where it is unreadable or damaged."""
    packed = path.suffix in (".gz", ".bz2", ".xz")
    try:
        with _open(path) as handle:
            while chunk := handle.read(_BLOCK):
                yield chunk
    except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise InputError(
                f"{path} cannot be read: {error.strerror}", f"{what} is a readable file", "check the path"
            ) from error
        if not packed:
            raise
        raise InputError(
            f"{path} cannot be unpacked: {error}",
            f"a name that ends in {path.suffix} is a whole file of that format",
            "fetch the file again, or give it the ending that fits",
        ) from error


def _open(path: Path) -> BinaryIO:
    match path.suffix:
        case ".gz":
            return cast(BinaryIO, gzip.open(path, "rb"))
        case ".bz2":
            return cast(BinaryIO, bz2.open(path, "rb"))
        case ".xz":
            return cast(BinaryIO, lzma.open(path, "rb"))
        case _:
            return path.open("rb")


def _decode(raw: bytes, path: Path, lines_before: int) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = lines_before + raw.count(b"\n", 0, error.start) + 1
        byte = error.start - raw.rfind(b"\n", 0, error.start)
        raise InputError(
            f"{path}, line {line}, byte {byte}: 0x{raw[error.start]:02X}",
            "text is UTF-8",
            "convert the file to UTF-8",
        ) from error
    return text.replace("\r\n", "\n")


def rows_in(path: Path, what: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, stripped cells) of every line that is not blank."""
    for number, line in enumerate(lines_of(path, what), 1):
        if line and not line.isspace():
            yield number, [cell.strip() for cell in line.split("\t")]


def row_error(path: Path, number: int, cells: Sequence[str], what: str, columns: str) -> InputError:
    """The refusal of a row that does not have the columns of its kind of file."""
    shown = "\t".join(cells)
    shown = repr(shown if len(shown) <= 60 else shown[:57] + "...")
    filled = "" if all(cells) else ", one of them empty"
    count = f"{len(cells)} column{'s' if len(cells) != 1 else ''}{filled}"
    return InputError(
        f"{path}, line {number}: {count}: {shown}", f"{what} has rows {columns}", "correct the line"
    )


def some(path: Path, rows: int, what: str) -> None:
    """Raise InputError where a file held no row."""
    if not rows:
        raise InputError(
            f"{path} has no rows", f"{what} has at least one", "check that this is the file you mean"
        )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
