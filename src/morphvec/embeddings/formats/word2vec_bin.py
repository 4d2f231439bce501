"""word2vec binary: a line ``words dim``, then word, space, dim little-endian float32, with or without LF between."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from morphvec.embeddings.embeddings import AS_IS, Embeddings
from morphvec.embeddings.formats import word2vec
from morphvec.embeddings.formats.source import Source
from morphvec.embeddings.formats.words import GrowingRows, Imported, Words, check_sizes, not_finite
from morphvec.embeddings.formats.writing import MOST, Advance, check_writable, one_file, rows_in_turn
from morphvec.errors import InputError
from morphvec.text.tokenize import LONGEST_TOKEN, Tokenizer

_MEND = "check that the file is whole, or name its format with --from"


def read(source: Source, *, errors: str = "strict", tokenizer: Tokenizer = AS_IS) -> Imported:
    """Vectors from word2vec binary; rows keep their order, and their bits.

    Raises InputError, with the row, for a file that is cut off or goes on, a number that is not finite, a word that comes
    twice, or bytes that are not UTF-8; sizes are checked against the file before anything is read.
    """
    first = source.until(b"\n", 64)
    sizes = word2vec.header_of(first)
    if sizes is None:
        raise InputError(
            f"{source.name} begins with {first[:20].decode('utf-8', 'replace')!r}",
            "word2vec binary begins with a line of two whole numbers: words and dimensions",
            _MEND,
        )
    count, dim = sizes
    check_sizes(source.name, count, dim)
    source.need(count * (4 * dim + 2), f"{count:,} words of {dim:,} numbers")
    words, rows = Words(source.name, errors), GrowingRows(dim)
    for number in range(1, count + 1):
        what = f"row {number:,} of {count:,}"
        raw = source.until(b" ", LONGEST_TOKEN + 2)
        if not raw.endswith(b" "):
            if len(raw) == LONGEST_TOKEN + 2:
                raise InputError(
                    f"{source.name}, row {number}: no space within {len(raw):,} bytes",
                    "a row is a word, a space and its numbers",
                    _MEND,
                )
            raise source.cut_off(what)
        word = raw[:-1].removeprefix(b"\n")
        row = np.frombuffer(source.exactly(4 * dim, what), "<f4")
        if not np.isfinite(row).all():
            raise not_finite(source.name, "row", number, word)
        if words.add(word, "row", number):
            rows.add(row)
    source.ended(f"{count:,} rows")
    model = Embeddings(words.keys(), rows.done(), tokenizer=tokenizer)
    return Imported(model, "word2vec-bin", words.notes(), {"format": "word2vec-bin"})


def write_binary(model: Embeddings, path: Path, *, advance: Advance | None = None) -> None:
    """Write word2vec binary, in one step: the bits of the vectors, without LF between rows.

    Raises OutputError for words with a space or line feed, which the format cannot carry, and for sparse vectors of more
    than 50 million numbers with their zeros.
    """
    check_writable(model, MOST, text=False)
    with one_file(path) as handle:
        handle.write(f"{len(model)} {model.vector_size}\n".encode())
        for word, row in rows_in_turn(model, advance):
            handle.write(word.encode() + b" " + np.asarray(row, "<f4").tobytes())
