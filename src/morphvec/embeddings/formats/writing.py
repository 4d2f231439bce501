"""One file in one step: written beside its place, flushed to the disk, and renamed."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import OutputError

MOST = 50_000_000  # numbers of sparse vectors that are written out: half a gigabyte of text
_SPACES = re.compile(r"[ \t\n\r\v\f]")
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


def check_writable(model: Embeddings, most: int, *, text: bool) -> None:
    """Raise OutputError for what a list of words and numbers cannot carry.

    Words with a space or line end, in text with any white space of ASCII; sparse vectors of more than ``most`` numbers
    with their zeros.
    """
    numbers = len(model) * model.vector_size
    if model.sparse and numbers > most:
        raise OutputError(
            f"{len(model):,} sparse vectors of {model.vector_size:,} numbers",
            f"this format writes every zero out, and sparse vectors have at most {most:,} numbers here",
            "train with --method svd, or keep the model folder",
        )
    unfit = _SPACES if text else _UNFIT
    bad = next((word for word in model.words if unfit.search(word) or not word), None)
    if bad is not None:
        raise OutputError(
            f"the word {bad[:40]!r}",
            "this format cannot carry words with spaces or line ends",
            "choose word2vec-bin"
            if text and bad and not _UNFIT.search(bad)
            else "rename the word, or keep the model folder",
        )
