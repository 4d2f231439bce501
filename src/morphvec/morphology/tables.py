"""What people know of a morphology, read from plain files: UniMorph tables, word lists, classes and edges.

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
from collections.abc import Iterator
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
    """An inflection table: row r says that ``forms[r]`` is the form of ``lemmas[r]`` with ``features[r]``.

    language: "" or the code that stands before the words of the vocabulary ("spa" for "spa:hablar").
    features: normalised bundles, see ``normalise_features``.
    source: where the table came from, for messages.
    """

    language: str
    lemmas: list[str]
    forms: list[str]
    features: list[str]
    source: str

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
    weights: list[float]
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
    for number, cells in _rows(path, what):
        if len(cells) != 3:
            raise _row_error(path, number, cells, what, columns)
        lemma, form, raw = cells
        bundle = bundles.get(raw)
        if bundle is None:
            bundle = bundles[raw] = normalise_features(raw)
        if not (lemma and form and bundle):
            raise _row_error(path, number, cells, what, columns)
        lemmas.append(same_lemma.setdefault(lemma, lemma))
        forms.append(form)
        features.append(bundle)
    _some(path, lemmas, what)
    return Table(language, lemmas, forms, features, str(path))


def read_words(path: str | Path) -> list[str]:
    """A list of words, one per line: each word once, in the order of the file.

    Raises InputError: unreadable, binary or not UTF-8, a line with a TAB, no word at all.
    """
    path = Path(path)
    what = "a word list"
    words: dict[str, None] = {}
    for number, cells in _rows(path, what):
        if len(cells) != 1:
            raise _row_error(path, number, cells, what, "one word per line")
        words[cells[0]] = None
    _some(path, list(words), what)
    return list(words)


def read_classes(path: str | Path) -> ClassList:
    """Classes of words: class TAB word, many lines per class.

    Raises InputError: unreadable, binary or not UTF-8, a row without exactly two filled columns, no row at all.
    """
    path = Path(path)
    what = "a class list"
    classes: list[str] = []
    words: list[str] = []
    for number, cells in _rows(path, what):
        if len(cells) != 2 or not all(cells):
            raise _row_error(path, number, cells, what, "class TAB word")
        classes.append(cells[0])
        words.append(cells[1])
    _some(path, words, what)
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
    weights: list[float] = []
    for number, cells in _rows(path, what):
        if len(cells) not in (2, 3) or not all(cells):
            raise _row_error(path, number, cells, what, "word TAB word [TAB weight]")
        weight = _number(cells[2]) if len(cells) == 3 else 1.0
        if not 0 < weight < math.inf:
            raise InputError(
                f"{path}, line {number}: weight {cells[2]!r}",
                "the weight of an edge is a finite number above 0",
                "correct the line, or leave the third column out (weight 1)",
            )
        first.append(cells[0])
        second.append(cells[1])
        weights.append(weight)
    _some(path, first, what)
    return EdgeList(first, second, weights, str(path))


def read_lines(path: Path, what: str) -> list[str]:
    """The lines of a text file (plain, .gz, .bz2, .xz) without their ends; line n of the file is item n − 1.

    Raises InputError: unreadable, damaged compression, a NUL byte, a byte that is not UTF-8 (file, line, byte), a
    line above 1 MB, or more than 1 GB once unpacked.
    """
    lines: list[str] = []
    rest, total = b"", 0
    for chunk in _chunks(path, what):
        total += len(chunk)
        zero = chunk.find(b"\0")
        if zero >= 0:
            line = len(lines) + chunk.count(b"\n", 0, zero) + 1
            raise InputError(
                f"{path}, line {line}: a NUL byte",
                f"{what} is plain text",
                "check that this is the file you mean",
            )
        cut = chunk.rfind(b"\n") + 1
        if cut:
            lines += _decode(rest + chunk[:cut], path, len(lines)).split("\n")
            lines.pop()  # what follows the last LF
            rest = chunk[cut:]
        else:
            rest += chunk
        if len(rest) > _MAX_LINE or total > _MAX_FILE:
            raise InputError(
                f"{path}, line {len(lines) + 1}: "
                + ("over 1 MB long" if len(rest) > _MAX_LINE else "more than 1 GB so far"),
                f"{what} has short lines and at most 1 GB unpacked",
                "check that this is the file you mean, or cut it",
            )
    if rest:
        lines.append(_decode(rest, path, len(lines)).removesuffix("\r"))
    if lines:
        lines[0] = lines[0].removeprefix("\ufeff")  # a byte order mark
    return lines


def _chunks(path: Path, what: str) -> Iterator[bytes]:
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


def _rows(path: Path, what: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, stripped cells) of every line that is not blank."""
    for number, line in enumerate(read_lines(path, what), 1):
        if line and not line.isspace():
            yield number, [cell.strip() for cell in line.split("\t")]


def _row_error(path: Path, number: int, cells: list[str], what: str, columns: str) -> InputError:
    shown = "\t".join(cells)
    shown = repr(shown if len(shown) <= 60 else shown[:57] + "...")
    filled = "" if all(cells) else ", one of them empty"
    count = f"{len(cells)} column{'s' if len(cells) != 1 else ''}{filled}"
    return InputError(
        f"{path}, line {number}: {count}: {shown}", f"{what} has rows {columns}", "correct the line"
    )


def _some(path: Path, rows: list[str], what: str) -> None:
    if not rows:
        raise InputError(
            f"{path} has no rows", f"{what} has at least one", "check that this is the file you mean"
        )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
