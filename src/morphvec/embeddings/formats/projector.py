"""The two files of the Embedding Projector: vectors.tsv, a row of numbers a line, and metadata.tsv, a line for each row.

Metadata of one column have no header, those of several have one. Words of a model with counts have two: word, count.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from morphvec.embeddings.embeddings import AS_IS, Embeddings
from morphvec.embeddings.formats.source import Source
from morphvec.embeddings.formats.word2vec import numbers_of
from morphvec.embeddings.formats.words import GrowingRows, Imported, Words, not_finite
from morphvec.embeddings.formats.writing import (
    MOST,
    Advance,
    check_fields,
    check_zeros,
    one_folder,
    rows_in_turn,
)
from morphvec.errors import InputError
from morphvec.text.tokenize import Tokenizer

VECTORS, METADATA = "vectors.tsv", "metadata.tsv"
_MEND = "check that both files are whole and of the same words"


def write(model: Embeddings, path: Path, *, advance: Advance | None = None) -> None:
    """Write a folder of both files, in one step; numbers with nine digits, so that reading gives the same float32.

    Raises OutputError for words with a tab or line end, and for sparse vectors of more than 50 million numbers.
    """
    check_zeros(model, MOST)
    check_fields(model)
    with one_folder(path) as folder:
        with (folder / VECTORS).open("wb") as handle:
            for _, row in rows_in_turn(model, advance):
                numbers = "\t".join([f"{value:.9g}" for value in row.tolist()])
                handle.write(numbers.encode() + b"\n")
        with (folder / METADATA).open("wb") as handle:
            if model.counts is not None:
                handle.write(b"word\tcount\n")
            counts = [""] * len(model) if model.counts is None else [f"\t{n}" for n in model.counts.tolist()]
            for word, count in zip(model.words, counts, strict=True):
                handle.write(f"{word}{count}\n".encode())


def read(path: Path, *, errors: str = "strict", tokenizer: Tokenizer = AS_IS) -> Imported:
    """Vectors of a folder with both files; the word is the first column of the metadata, counts are in one named ``count``.

    Raises InputError, with the line, for rows of another length, lines too many or too few, words that come twice and
    numbers that are not finite.
    """
    rows, found = None, 0
    for number, line in _lines(path / VECTORS):
        row = numbers_of(line.split(b"\t"))
        if row is None or (rows is not None and len(row) != rows.dim):
            raise InputError(
                f"{VECTORS}, line {number}: {line[:40].decode('utf-8', 'replace')!r}",
                "every line holds the same number of numbers, with tabs between",
                _MEND,
            )
        rows = GrowingRows(len(row)) if rows is None else rows
        if not np.isfinite(row).all():
            raise not_finite(VECTORS, "line", number, b"")
        rows.add(row)
        found += 1
    lines = [line for _, line in _lines(path / METADATA)]
    header = lines.pop(0).split(b"\t") if lines and b"\t" in lines[0] else []
    if rows is None or len(lines) != found:
        raise InputError(
            f"{VECTORS} has {found} lines and {METADATA} {len(lines)}",
            "each vector has its line of metadata; a header stands above several columns only",
            _MEND,
        )
    words, cells = Words(METADATA, errors), [line.split(b"\t") for line in lines]
    first = 1 + bool(header)
    kept = [words.add(row[0], "line", number) for number, row in enumerate(cells, first)]
    place, counts = (header.index(b"count") if b"count" in header else None), None
    if place is not None:
        if not all(len(row) > place and row[place].isdigit() for row in cells):
            raise InputError(f"{METADATA} has counts that are not whole numbers", "a count is one", _MEND)
        counts = np.array([int(row[place]) for row in cells], np.int64)[kept]
    model = Embeddings(words.keys(), rows.done()[kept], counts=counts, tokenizer=tokenizer)
    return Imported(model, "projector", words.notes(), {"format": "projector"})


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    with Source(file) as source:
        number = 0
        while line := source.line():
            number += 1
            yield number, line.rstrip(b"\r\n")
