"""The word2vec text format, and GloVe's, which is the same without the first line.

words dim
word x1 x2 ... xk
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

from morphvec.embeddings.embeddings import AS_IS, Embeddings
from morphvec.errors import InputError, OutputError
from morphvec.text.tokenize import Tokenizer

MOST = 50_000_000  # numbers of sparse vectors that are written out: half a gigabyte of text
_MEND = "check that the file is word2vec or GloVe text, and whole"


def read_text(path: Path, tokenizer: Tokenizer = AS_IS) -> Embeddings:
    """Vectors from word2vec or GloVe text; rows keep their order.

    tokenizer: the rule by which their words were made, for folding queries; a word stays as it is in the file.

    Raises InputError, with the line, for a row of another length, a number that is not finite, a word that comes
    twice, or bytes that are not UTF-8.
    """
    words: list[str] = []
    rows: list[np.ndarray] = []
    dim = 0
    stated = -1
    try:
        with path.open("rb") as handle:
            for number, raw in enumerate(handle, start=1):
                place = f"{path.name}, line {number}"
                try:
                    fields = raw.decode("utf-8").rstrip("\r\n ").split(" ")
                except UnicodeDecodeError as error:
                    raise InputError(
                        f"{place}, byte {error.start}", "vectors as text are UTF-8", _MEND
                    ) from error
                if number == 1 and len(fields) == 2 and all(field.isdecimal() for field in fields):
                    stated, dim = int(fields[0]), int(fields[1])
                    continue
                dim = dim or len(fields) - 1
                if len(fields) != dim + 1 or dim < 1 or not fields[0]:
                    raise InputError(
                        f"{place} has {len(fields) - 1} numbers",
                        f"every row is a word and {dim} numbers, with one space between",
                        _MEND,
                    )
                try:
                    row = np.array(fields[1:], np.float32)
                except ValueError as error:
                    raise InputError(f"{place}: {error}", "every row is a word and numbers", _MEND) from error
                words.append(fields[0])
                rows.append(row)
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror or error}", "vectors are read from a file", "check the path"
        ) from error
    if not rows or (stated >= 0 and stated != len(rows)):
        raise InputError(
            f"{path.name} has {len(rows)} rows" + (f" and states {stated}" if stated >= 0 else ""),
            "the file holds all its vectors",
            _MEND,
        )
    return Embeddings(words, np.stack(rows), tokenizer=tokenizer)


def write_text(model: Embeddings, path: Path, *, header: bool = True) -> None:
    """Write word2vec text (GloVe's without ``header``), in one step; numbers with nine digits, so that reading gives the same float32.

    Raises OutputError for words with a space, tab or line end, which the format cannot carry, and for sparse vectors of
    more than 50 million numbers with their zeros.
    """
    numbers = len(model) * model.vector_size
    if model.sparse and numbers > MOST:
        raise OutputError(
            f"{len(model):,} sparse vectors of {model.vector_size:,} numbers",
            f"this format writes every zero out, and sparse vectors have at most {MOST:,} numbers here",
            "train with --method svd, or keep the model folder",
        )
    bad = next((word for word in model.words if word.split() != [word]), None)
    if bad is not None:
        raise OutputError(
            f"the word {bad!r}", "this format cannot carry words with spaces", "choose another format"
        )
    if not path.name or path.is_dir():
        raise OutputError(
            f"{path} is a folder", "vectors as text are one file", "choose another name with -o"
        )
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as handle:
            if header:
                handle.write(f"{len(model)} {model.vector_size}\n")
            for number, word in enumerate(model.words):
                row = model.rows.row(number).tolist()
                handle.write(word + " " + " ".join(f"{value:.9g}" for value in row) + "\n")
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path} could not be written: {error.strerror or error}",
            "what stood there before is unchanged",
            "choose another place with -o",
        ) from error
    finally:  # also where Ctrl-C came between
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
