"""Test files: word pairs with human scores, analogy questions, word relations, dictionaries.

Plain or gzip (told by the first two bytes), UTF-8, LF or CRLF, blank lines ignored. Whatever does not parse is an
InputError with its line; nothing is skipped in silence.
"""

from __future__ import annotations

import gzip
import io
import math
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from morphvec.arrays import Floats1d
from morphvec.errors import InputError

_MAX_LINE = 1_000_000  # bytes
_FIRST_HEADING = re.compile(r"word[ _-]?1?")
_MAX_FILE = 512_000_000  # bytes after decompression: a test set is small, a compressed bomb is not


@dataclass(frozen=True)
class SimilaritySet:
    """Word pairs, in file order, with ``scores`` float64[n] in the unit of the file.

    languages: of the first and the second words that do not carry theirs; "": whatever language is asked in.
    """

    name: str
    pairs: tuple[tuple[str, str], ...]
    scores: Floats1d
    languages: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Question:
    """One analogy: a is to b as c is to d."""

    section: str
    a: str
    b: str
    c: str
    d: str


@dataclass(frozen=True)
class AnalogySet:
    """Analogy questions in file order."""

    name: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class RelatedWord:
    """One row of a relation: a word and all the answers that are right for it."""

    relation: str
    word: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class RelationSet:
    """Rows of relations in file order."""

    name: str
    rows: tuple[RelatedWord, ...]


@dataclass(frozen=True)
class DictionarySet:
    """Pairs (source word, target word) in file order; a source word may have several targets."""

    name: str
    pairs: tuple[tuple[str, str], ...]


# ------------------------------------------------------------------------------------------------ readers


def read_similarity(path: str | Path) -> SimilaritySet:
    """Read ``word⇥word⇥score``; also comma- or space-separated, and with the header of SimLex-999 or WordSim-353.

    The first line decides the separator: a tab, else a comma, else white space. It is a header where its first
    cell is "word", "word1" or "word 1" and the score column holds no number; the score is then the column named SimLex999,
    else the third. Lines before it that begin with # are remarks, unless they are a header or a pair. Raises InputError
    with the line.
    """
    path = Path(path)
    split: Callable[[str], list[str]] | None = None
    width, column = 3, 2
    pairs: list[tuple[str, str]] = []
    scores: list[float] = []
    for number, line in _lines(path):
        if split is None:
            split = _splitter(line)
            header = _header(split(line))
            if header is not None:
                width, column = header
                continue
            if line.startswith("#") and not _is_pair(split(line)):
                split = None
                continue
        cells = split(line)
        if len(cells) != width or not cells[0] or not cells[1]:
            raise _columns(path, number, line, f"{width} columns, of them two words and a score")
        scores.append(_number(path, number, cells[column]))
        pairs.append((cells[0], cells[1]))
    _require(path, len(pairs), "word⇥word⇥score")
    return SimilaritySet(path.name, tuple(pairs), np.array(scores, dtype=np.float64))


def read_analogies(path: str | Path) -> AnalogySet:
    """Read ``section⇥a⇥b⇥c⇥d``, or lines of four words under lines ``: section`` (the form of questions-words).

    The first line decides which. Raises InputError with the line.
    """
    path = Path(path)
    questions: list[Question] = []
    sectioned: bool | None = None
    section = ""
    for number, line in _lines(path):
        if sectioned is None:
            sectioned = line.startswith(":")
        if sectioned and line.startswith(":"):
            section = line[1:].strip()
            if not section:
                raise _columns(path, number, line, "a name after the colon")
            continue
        cells = [section, *line.split()] if sectioned else [cell.strip() for cell in line.split("\t")]
        if len(cells) != 5 or not all(cells):
            wanted = "four words on a line" if sectioned else "five columns section⇥a⇥b⇥c⇥d, parted by tabs"
            raise _columns(path, number, line, wanted)
        questions.append(Question(*cells))
    _require(path, len(questions), "section⇥a⇥b⇥c⇥d")
    return AnalogySet(path.name, tuple(questions))


def read_relations(path: str | Path) -> RelationSet:
    """Read ``relation⇥word⇥answer/answer``, or ``word⇥answer/answer`` of the relation that the file is named after, or
    a folder of such files (BATS): every .txt file in it and in its sub-folders, in the order of their paths; files
    whose names begin with a dot are left out.

    The first line of a file decides which; two columns without a tab are parted by white space. Raises InputError with
    the line, and for a folder without .txt files or with two of one name.
    """
    path = Path(path)
    if not path.is_dir():
        return RelationSet(path.name, tuple(_relation_rows(path)))
    files = sorted(file for file in path.rglob("[!.]*.txt") if file.is_file())
    if not files:
        raise InputError(
            f"{path} has no .txt files",
            "a folder of relations has a .txt file for each",
            "name another folder",
        )
    first: dict[str, Path] = {}
    for file in files:
        if first.setdefault(file.stem, file) != file:
            raise InputError(
                f"{first[file.stem]} and {file}", "a relation is named after its file", "rename one of them"
            )
    return RelationSet(path.absolute().name, tuple(row for file in files for row in _relation_rows(file)))


def _relation_rows(path: Path) -> Iterator[RelatedWord]:
    named: bool | None = None  # whether the lines name their relation
    found = False
    for number, line in _lines(path):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) == 1 and len(line.split()) == 2:
            cells = line.split()
        if named is None:
            named = len(cells) != 2
        relation, *rest = cells if named else [path.stem, *cells]
        answers = tuple(part.strip() for part in rest[-1].split("/") if part.strip()) if rest else ()
        if len(rest) != 2 or not relation or not rest[0] or not answers:
            wanted = "three columns relation⇥word⇥answer/answer, parted by tabs"
            raise _columns(path, number, line, wanted if named else "two columns word⇥answer/answer")
        found = True
        yield RelatedWord(relation, rest[0], answers)
    _require(path, int(found), "relation⇥word⇥answer/answer")


def read_dictionary(path: str | Path) -> DictionarySet:
    """Read ``source⇥target``, parted by a tab or by white space. Raises InputError with the line."""
    path = Path(path)
    pairs: list[tuple[str, str]] = []
    for number, line in _lines(path):
        cells = [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()
        if len(cells) != 2 or not all(cells):
            raise _columns(path, number, line, "two columns source⇥target")
        pairs.append((cells[0], cells[1]))
    _require(path, len(pairs), "source⇥target")
    return DictionarySet(path.name, tuple(pairs))


# --------------------------------------------------------------------------------------------- the lines


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1."""
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"  # a peek, so that a pipe will do
            stream: io.BufferedIOBase = gzip.GzipFile(fileobj=raw) if packed else raw
            size = 0
            for number, data in enumerate(iter(lambda: stream.readline(_MAX_LINE + 1), b""), start=1):
                size += len(data)
                if len(data) > _MAX_LINE or size > _MAX_FILE:
                    raise InputError(
                        f"{path}, line {number}: over {_MAX_LINE if len(data) > _MAX_LINE else _MAX_FILE:,} bytes",
                        f"a line of a test file holds at most {_MAX_LINE:,} bytes, the file {_MAX_FILE:,}",
                        "check that this is a test file",
                    )
                text = _decode(path, number, data)
                if text.strip():
                    yield number, text
    except FileNotFoundError:
        raise InputError(f"{path}", "no such file", "check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder", "a test set is one file", "name the file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: {error}", "a .gz file must be whole", "fetch the file again") from None
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror or error}", "the file must be readable", "check it"
        ) from None


def _decode(path: Path, number: int, data: bytes) -> str:
    if b"\x00" in data:
        raise InputError(
            f"{path}, line {number}, byte {data.index(0) + 1}: NUL",
            "a test file is UTF-8 text, plain or gzip",
            "name a text file, or unpack it first",
        )
    try:
        text = data.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}, line {number}, byte {error.start + 1}: 0x{data[error.start]:02X}",
            "a test file is UTF-8 text, plain or gzip",
            "convert the file to UTF-8, or unpack it first",
        ) from None
    return text.removesuffix("\n").removesuffix("\r")


def _splitter(line: str) -> Callable[[str], list[str]]:
    if "\t" in line:
        return lambda text: [cell.strip() for cell in text.split("\t")]
    if "," in line:
        return lambda text: [cell.strip().strip('"') for cell in text.split(",")]
    return str.split


def _header(cells: list[str]) -> tuple[int, int] | None:
    """(number of columns, column of the score) where the first line is a header."""
    names = [cell.casefold().lstrip("#").strip() for cell in cells]
    if len(names) < 3 or not _FIRST_HEADING.fullmatch(names[0]):
        return None
    column = names.index("simlex999") if "simlex999" in names else 2
    try:
        float(cells[column])
    except ValueError:
        return len(cells), column
    return None


def _is_pair(cells: list[str]) -> bool:
    try:
        return len(cells) == 3 and math.isfinite(float(cells[2]))
    except ValueError:
        return False


def _number(path: Path, number: int, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{path}, line {number}: score {_shown(cell)}", "a score is a finite number", "mend the line"
        )
    return value


def _columns(path: Path, number: int, line: str, wanted: str) -> InputError:
    return InputError(
        f"{path}, line {number}: {_shown(line)}", f"the line should have {wanted}", "mend the line"
    )


def _require(path: Path, rows: int, form: str) -> None:
    if not rows:
        raise InputError(f"{path} holds no rows", f"a test file has lines {form}", "give a file with rows")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
