"""Corpus arguments and formats: every format becomes blocks of lines, each line perhaps with an alignment id."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from morphvec.errors import InputError, OptionError
from morphvec.text.streams import COMPRESSIONS, Piece, Raw, pieces

FORMATS = ("auto", "text", "tsv", "conllu", "jsonl")
_EXTENSIONS = {".tsv": "tsv", ".conllu": "conllu", ".conll": "conllu", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_LANGUAGE_PATH = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=(.+)", re.DOTALL)
_LONGEST_ID = 10_000  # characters
_LONGEST_RECORD = 1 << 28  # characters of one JSON record, which is parsed whole
_LONGEST_ROW = 4_000_000  # characters of one row of a CoNLL-U file


@dataclass(frozen=True)
class Source:
    """One file of a corpus ("-" is stdin) and its language ("" for none)."""

    path: str
    language: str


@dataclass(frozen=True)
class Block:
    """Text of a whole number of lines, or of parts of a long one: each line ends with LF, perhaps in a later block.

    ids: the alignment id of each line that begins here (formats that have none, or where none is asked for: empty).
    starts: (line, byte) in the file for each line that begins or goes on here; empty where the text stands in the
        file as it stands here, from ``line``, ``byte`` on.
    """

    text: str
    line: int
    byte: int
    ids: tuple[str, ...] = ()
    starts: tuple[tuple[int, int], ...] = ()

    @functools.cached_property
    def data(self) -> bytes:
        """The text as UTF-8."""
        return self.text.encode()

    def place(self, position: int) -> tuple[int, int]:
        """The line (from 1) and byte (from 0) in the file of a character of this block, or of its record."""
        lines = self.text.count("\n", 0, position)
        if self.starts:
            return self.starts[lines]
        return self.line + lines, self.byte + len(self.text[:position].encode())


# -------------------------------------------------------------------------------------------------- arguments


def parse_sources(arguments: Sequence[str]) -> tuple[Source, ...]:
    """The files that the arguments PATH or LANG=PATH name; a folder stands for its files, "-" for stdin.

    Of a folder: its regular files at any depth, sorted by code point, nothing hidden. A file whose name holds "="
    wins over LANG=PATH. Raises InputError for a missing file, an empty folder, stdin twice, and languages for
    some files but not for all.
    """
    sources: list[Source] = []
    for argument in arguments:
        language, path = "", argument
        found = _LANGUAGE_PATH.fullmatch(argument)
        if found and not Path(argument).exists():
            language, path = found[1], found[2]
        sources.extend(Source(file, language) for file in _files(path))
    if sum(source.path == "-" for source in sources) > 1:
        raise InputError("- is given twice", "stdin can be read once", "give it once, or save it to a file")
    bare = next((source.path for source in sources if not source.language), None)
    named = next((source for source in sources if source.language), None)
    if bare is not None and named is not None:
        raise InputError(
            f"{named.language}={named.path} has a language and {bare} has none",
            "either every input has a language, or none has",
            "write LANG=PATH for all of them",
        )
    return tuple(sources)


def _files(path: str) -> list[str]:
    if path == "-":
        return ["-"]
    target = Path(path)
    try:
        if not target.is_dir():
            target.stat()
            return [path]
    except (OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{path}: {detail}", "a corpus is a file, a folder or -", "check the path"
        ) from error
    files: list[str] = []
    for folder, folders, names in os.walk(target):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files.extend(
            str(Path(folder) / name)
            for name in names
            if not name.startswith(".") and (Path(folder) / name).is_file()
        )
    if not files:
        raise InputError(f"{path} holds no file", "a corpus folder holds text files", "check the path")
    return sorted(files)


def format_of(path: str, chosen: str) -> str:
    """The format of a file: the chosen one, or for ``auto`` what the extension under the compression suffix says.

    Raises OptionError for an unknown format.
    """
    if chosen not in FORMATS:
        raise OptionError(f"format {chosen!r}", "no such format", f"choose one of {', '.join(FORMATS)}")
    if chosen != "auto":
        return chosen
    inner = Path(path).with_suffix("") if compression_of(path) else Path(path)
    return _EXTENSIONS.get(inner.suffix.lower(), "text")


def compression_of(path: str) -> str:
    """The compression suffix of a path, "" for none."""
    suffix = Path(path).suffix.lower()
    return suffix if suffix in COMPRESSIONS else ""


# ---------------------------------------------------------------------------------------------------- formats


@dataclass(frozen=True)
class _Line:
    text: str  # without LF or CRLF
    line: int
    byte: int


@dataclass(frozen=True)
class _Record:
    text: str
    name: str
    line: int
    byte: int


@dataclass(frozen=True)
class _Rules:
    """What every reader must know: the file's name for messages, the errors policy, whether ids are needed."""

    name: str
    errors: str
    ids: bool


def read_blocks(
    raw: Raw, source: Source, *, chosen: str, errors: str, size: int, ids: bool
) -> Iterator[Block]:
    """The lines of one input in blocks of about ``size`` characters.

    ids: lines carry their alignment ids. Raises InputError for anything that the format does not allow,
    and for ``ids`` where the format is plain text.
    """
    form = format_of(source.path, chosen)
    rules = _Rules(raw.name, errors, ids)
    decoded = pieces(raw, compression_of(source.path), errors=errors, size=size)
    if form == "text":
        if ids:
            raise InputError(
                f"{raw.name} is plain text",
                "alignment ids come from the formats tsv, conllu and jsonl",
                "pass --format tsv and write id⇥text, or leave out ids",
            )
        return (Block(piece.text, piece.line, piece.byte) for piece in decoded)
    if form == "tsv":
        return _tsv(decoded, rules)
    records = (_conllu if form == "conllu" else _jsonl)(decoded, rules)
    return _in_blocks(records, size, ids)


def _tsv(decoded: Iterator[Piece], rules: _Rules) -> Iterator[Block]:
    """id⇥text: the text may hold further tabs and any length; a blank line is no record."""
    head, inside, start = (
        "",
        False,
        (1, 0),
    )  # the id so far; whether we are past its tab; where the line begins
    for piece in decoded:
        line, byte = piece.line, piece.byte
        ids: list[str] = []
        starts = [start] if inside else []
        parts: list[str] = []
        segments = piece.text.split("\n")
        for index, segment in enumerate(segments):
            ended = index + 1 < len(segments)
            if inside:
                parts.append(segment)
            else:
                start = start if head else (line, byte)
                head += segment
                name, tab, rest = head.partition("\t")
                if not tab and not ended and len(head) <= _LONGEST_ID:
                    continue
                if tab:
                    ids.append(_needed_id(name, rules, start[0]))
                    starts.append(start)
                    parts.append(rest)
                    inside = True
                elif head.strip() or not ended:
                    raise InputError(
                        f"{rules.name}, line {start[0]}: no tab in {head[:40]!r}",
                        f"a line of the format tsv is id⇥text, the id at most {_LONGEST_ID:,} characters",
                        "add the ids, or pass --format text",
                    )
                head = ""
            if ended:
                if inside:
                    parts.append("\n")
                inside = False
                line += 1
                byte += len(segment.encode()) + 1
        yield Block("".join(parts), piece.line, piece.byte, tuple(ids) if rules.ids else (), tuple(starts))


def _lines(decoded: Iterator[Piece], rules: _Rules, longest: int) -> Iterator[_Line]:
    held: list[str] = []
    length, line, byte = 0, 1, 0
    for piece in decoded:
        here = piece.byte
        if not held:
            line, byte = piece.line, piece.byte
        segments = piece.text.split("\n")
        for segment in segments[:-1]:
            text = "".join((*held, segment)) if held else segment
            yield _Line(text.removesuffix("\r"), line, byte)
            held, length = [], 0
            here += len(segment.encode()) + 1
            line, byte = line + 1, here
        if segments[-1]:
            held.append(segments[-1])
            length += len(segments[-1])
        if length > longest:
            raise InputError(
                f"{rules.name}, line {line}: more than {longest:,} characters",
                "a record of this format is read whole",
                "cut it into several records, or use the format text or tsv",
            )


def _conllu(decoded: Iterator[Piece], rules: _Rules) -> Iterator[_Record]:
    """The surface tokens of each sentence, joined by one space: ranges 3-4 for their words, no empty nodes 1.1."""
    forms: list[str] = []
    name, covered, start = "", 0, (1, 0)
    for row in _lines(decoded, rules, _LONGEST_ROW):
        if not row.text.strip():
            if forms:
                yield _Record(" ".join(forms), _needed_id(name, rules, start[0]), *start)
            forms, name, covered = [], "", 0
            continue
        if row.text.startswith("#"):
            key, equals, value = row.text[1:].partition("=")
            if equals and key.strip() == "sent_id":
                name = value.strip()
            continue
        start = start if forms else (row.line, row.byte)
        columns = row.text.split("\t")
        number = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9})|(\.[0-9]{1,9}))?", columns[0])
        if number is None or len(columns) < 2 or not columns[1].strip():
            raise InputError(
                f"{rules.name}, line {row.line}: {row.text[:40]!r}",
                "a CoNLL-U row is ID⇥FORM⇥...",
                "repair the row, or pass --format text",
            )
        if number[3] or int(number[1]) <= covered:
            continue
        forms.append(columns[1])
        covered = int(number[2] or covered)
    if forms:
        yield _Record(" ".join(forms), _needed_id(name, rules, start[0]), *start)


def _jsonl(decoded: Iterator[Piece], rules: _Rules) -> Iterator[_Record]:
    """A string, or an object with "text" and perhaps "id", a line; LF inside a text ends a line of the corpus."""
    for row in _lines(decoded, rules, _LONGEST_RECORD):
        if not row.text.strip():
            continue
        place = f"{rules.name}, line {row.line}"
        rule = 'a record is a JSON string or an object with a string "text" and, where needed, an "id"'
        mend = "repair the record, or pass --format text"
        try:
            document = json.loads(row.text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{place}: not JSON ({getattr(error, 'msg', error)})", rule, mend) from error
        name, text = "", document
        if isinstance(document, dict):
            name, text = document.get("id", ""), document.get("text")
            name = str(name) if isinstance(name, int) and not isinstance(name, bool) else name
        if not isinstance(text, str) or not isinstance(name, str):
            raise InputError(f"{place}: {row.text[:40]!r}", rule, mend)
        name = _needed_id(name, rules, row.line)
        for part in text.removesuffix("\n").split("\n"):
            yield _Record(_plain(part, rules, row), name, row.line, row.byte)


def _plain(text: str, rules: _Rules, row: _Line) -> str:
    """Text from JSON escapes, which can spell what UTF-8 cannot: half surrogates, and NUL."""
    found = re.search("[\0\ud800-\udfff]", text)
    if found is None:
        return text
    if rules.errors == "strict":
        raise InputError(
            f"{rules.name}, line {row.line}, byte {row.byte}: \\u{ord(found[0]):04x}",
            "text holds no NUL and no half surrogate",
            "repair the record, or pass --errors replace",
        )
    return re.sub("[\0\ud800-\udfff]", "\ufffd", text)


def _checked_id(name: str, rules: _Rules, line: int) -> str:
    if not name or len(name) > _LONGEST_ID or re.search("[\t\n\r\0\ud800-\udfff]", name):
        raise InputError(
            f"{rules.name}, line {line}: the id {name[:40]!r}",
            f"an id has 1 to {_LONGEST_ID:,} characters, and no tab, LF, CR, NUL or half surrogate",
            "give every line its id, or leave out ids",
        )
    return name


def _needed_id(name: str, rules: _Rules, line: int) -> str:
    return _checked_id(name, rules, line) if rules.ids else name


def _in_blocks(records: Iterator[_Record], size: int, ids: bool) -> Iterator[Block]:
    batch: list[_Record] = []
    length = 0
    for record in records:
        batch.append(record)
        length += len(record.text) + 1
        if length >= size:
            yield _block(batch, ids)
            batch, length = [], 0
    if batch:
        yield _block(batch, ids)


def _block(batch: list[_Record], ids: bool) -> Block:
    return Block(
        "".join(record.text + "\n" for record in batch),
        batch[0].line,
        batch[0].byte,
        tuple(record.name for record in batch) if ids else (),
        tuple((record.line, record.byte) for record in batch),
    )
