"""One file, or one folder, in one step: written beside its place, flushed to the disk, and renamed."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from morphvec.arrays import Floats1d
from morphvec.artifact import writing
from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import OutputError

MOST = 50_000_000  # numbers of sparse vectors that are written out: half a gigabyte of text
Advance = Callable[[float], None]
_TOLD = 1000  # words between two words of how far it is
_SPACES = re.compile(r"[ \t\n\r\v\f]")
_FIELD = re.compile("[\t\n\r\ud800-\udfff]")
_BROKEN = re.compile("[\0\ud800-\udfff]")
_UNFIT = re.compile("[ \n\ud800-\udfff]")


@contextlib.contextmanager
def one_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write; it takes the place of ``path`` when the block ends well, and is gone when it does not.

    Raises OutputError where it cannot be written: what stood there before is unchanged.
    """
    if not path.name or path.is_dir():
        raise OutputError(
            f"{path} is a folder", "vectors are written to one file", "choose another name with -o"
        )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
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


@contextlib.contextmanager
def one_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it stands at ``path`` when the block ends well, and nothing is left when it does not.

    Raises OutputError where it cannot be written, or where a file or a folder with files stands there.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OutputError(
            f"{path} exists" + (" and is not empty" if path.is_dir() else ""),
            "this format is a folder of its own, and nothing is overwritten",
            "choose another name with -o",
        )
    with writing(path) as folder:
        yield folder
        for inner in (file for place in folder.iterdir() if place.is_dir() for file in place.iterdir()):
            with inner.open("rb") as handle:
                os.fsync(handle.fileno())


def rows_in_turn(model: Embeddings, advance: Advance | None = None) -> Iterator[tuple[str, Floats1d]]:
    """Each word with its vector, float32 [k]; ``advance`` is told of every thousand that were taken."""
    for number, word in enumerate(model.words):
        if advance is not None and number and number % _TOLD == 0:
            advance(_TOLD)
        yield word, model.rows.row(number)
    if advance is not None:
        advance((len(model) - 1) % _TOLD + 1)


def check_zeros(model: Embeddings, most: int) -> None:
    """Raise OutputError for sparse vectors of more than ``most`` numbers with their zeros."""
    if model.sparse and len(model) * model.vector_size > most:
        raise OutputError(
            f"{len(model):,} sparse vectors of {model.vector_size:,} numbers",
            f"this format writes every zero out, and sparse vectors have at most {most:,} numbers here",
            "train with --method svd, or keep the model folder",
        )


def check_fields(model: Embeddings) -> None:
    """Raise OutputError for words that a field between tabs cannot carry: those with a tab or a line end."""
    _check_words(model, _FIELD, "tabs or line ends", "rename the word, or choose parquet")


def check_unicode(model: Embeddings) -> None:
    """Raise OutputError for words that are no Unicode text, or hold NUL."""
    _check_words(model, _BROKEN, "NUL or halves of surrogate pairs", "rename the word")


def _check_words(model: Embeddings, unfit: re.Pattern[str], what: str, mend: str) -> None:
    bad = next((word for word in model.words if unfit.search(word) or not word), None)
    if bad is not None:
        raise OutputError(f"the word {bad[:40]!r}", f"this format cannot carry words with {what}", mend)


def check_writable(model: Embeddings, most: int, *, text: bool) -> None:
    """Raise OutputError for what a list of words and numbers cannot carry.

    Words with a space or line end, in text with any white space of ASCII; sparse vectors of more than ``most`` numbers
    with their zeros.
    """
    check_zeros(model, most)
    unfit = _SPACES if text else _UNFIT
    binary = "choose word2vec-bin, or rename the word"
    _check_words(
        model, unfit, "spaces or line ends", binary if text else "rename the word, or keep the model folder"
    )
