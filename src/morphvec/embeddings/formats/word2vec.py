"""word2vec text (fastText's .vec is the same), and GloVe text, which has no first line.

words dim
word x1 x2 ... xk
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from morphvec.arrays import Floats1d
from morphvec.embeddings.embeddings import AS_IS, Embeddings
from morphvec.embeddings.formats.source import Source
from morphvec.embeddings.formats.words import GrowingRows, Imported, Words, check_sizes, not_finite
from morphvec.embeddings.formats.writing import MOST, Advance, check_writable, one_file, rows_in_turn
from morphvec.errors import InputError
from morphvec.text.tokenize import Tokenizer

_MEND = "check that the file is word2vec or GloVe text, and whole"
_BOM = b"\xef\xbb\xbf"


def numbers_of(fields: list[bytes]) -> Floats1d | None:
    """float32 of decimal numbers in ASCII; None where one of them is none."""
    try:
        values = [float(field) for field in fields]
    except ValueError:
        return None
    if any(b"_" in field for field in fields):  # Python's own digit separator
        return None
    with np.errstate(over="ignore"):
        return np.array(values, np.float32)


def header_of(line: bytes) -> tuple[int, int] | None:
    """(words, dim) where a line is two whole numbers."""
    fields = line.split()
    if len(fields) != 2 or not all(field.isdigit() and len(field) < 19 for field in fields):
        return None
    return int(fields[0]), int(fields[1])


def read(
    source: Source, *, errors: str = "strict", tokenizer: Tokenizer = AS_IS, header: bool | None = None
) -> Imported:
    """Vectors from word2vec or GloVe text; rows keep their order.

    header: whether the first line states sizes; None: where it is two whole numbers. A word may hold spaces, as some of
    GloVe's do, where what stands before the numbers of its row is no number.

    Raises InputError, with the line, for a row of another length, a number that is not finite, a word that comes twice,
    or bytes that are not UTF-8.
    """
    words, rows = Words(source.name, errors), None
    number, dim, stated = 0, 0, -1
    while raw := source.line():
        number += 1
        line = (raw.removeprefix(_BOM) if number == 1 else raw).rstrip(b"\r\n ")
        sizes = header_of(line) if number == 1 and header is not False else None
        if number == 1 and header and sizes is None:
            raise InputError(
                f"{source.name}, line 1: {line[:40].decode('utf-8', 'replace')!r}",
                "this format begins with the number of words and of dimensions",
                "name it with --from glove where it has no such line",
            )
        if sizes is not None:
            stated, dim = sizes
            check_sizes(source.name, stated, dim)
            source.need(stated * (2 * dim + 2) - 1, f"{stated:,} rows of at least {2 * dim + 2:,} bytes")
            continue
        if b"\t" in line:
            raise InputError(
                f"{source.name}, line {number} holds a tab",
                "a word and its numbers are parted by single spaces",
                "write spaces for tabs",
            )
        fields = line.split(b" ")
        dim = dim or len(fields) - 1
        beside = len(fields) - dim  # fields of the word
        if (
            beside < 1
            or dim < 1
            or not fields[0]
            or (beside > 1 and numbers_of(fields[beside - 1 : beside]) is not None)
        ):
            raise InputError(
                f"{source.name}, line {number} has {len(fields) - 1} numbers",
                f"every row is a word and {dim} numbers, with one space between",
                _MEND,
            )
        row = numbers_of(fields[beside:])
        if row is None:
            raise InputError(
                f"{source.name}, line {number}: {b' '.join(fields[beside:])[:40].decode('utf-8', 'replace')!r}",
                f"every row is a word and {dim} numbers",
                _MEND,
            )
        word = b" ".join(fields[:beside])
        if not np.isfinite(row).all():
            raise not_finite(source.name, "line", number, word)
        if words.add(word, "line", number):
            rows = GrowingRows(dim) if rows is None else rows
            rows.add(row)
    found = len(words) + words.dropped
    if rows is None or (stated >= 0 and stated != found):
        raise InputError(
            f"{source.name} has {found} rows" + (f" and states {stated}" if stated >= 0 else ""),
            "the file holds all its vectors",
            _MEND,
        )
    name = "glove" if stated < 0 else "word2vec"
    model = Embeddings(words.keys(), rows.done(), tokenizer=tokenizer)
    return Imported(model, name, words.notes(), {"format": name})


def read_text(path: Path, tokenizer: Tokenizer = AS_IS) -> Embeddings:
    """Vectors from a file of word2vec or GloVe text, as ``read`` has it.

    tokenizer: the rule by which their words were made, for folding queries; a word stays as it is in the file.
    """
    with Source(path) as source:
        return read(source, tokenizer=tokenizer).model


def write_text(model: Embeddings, path: Path, *, header: bool = True, advance: Advance | None = None) -> None:
    """Write word2vec text (GloVe's without ``header``), in one step; numbers with nine digits, so that reading gives the same float32.

    Raises OutputError for words with white space, which the format cannot carry, and for sparse vectors of more than
    50 million numbers with their zeros.
    """
    check_writable(model, MOST, text=True)
    with one_file(path) as handle:
        if header:
            handle.write(f"{len(model)} {model.vector_size}\n".encode())
        for word, row in rows_in_turn(model, advance):
            numbers = " ".join([f"{value:.9g}" for value in row.tolist()])
            handle.write(f"{word} {numbers}\n".encode())
