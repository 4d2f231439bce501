"""The formats that are read and written, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from morphvec.embeddings.embeddings import AS_IS, Embeddings
from morphvec.embeddings.formats import fasttext, word2vec, word2vec_bin
from morphvec.embeddings.formats.recognise import recognise, refuse
from morphvec.embeddings.formats.source import Source
from morphvec.embeddings.formats.words import Imported
from morphvec.errors import OptionError
from morphvec.text.tokenize import Tokenizer

READERS: Mapping[str, Callable[..., Imported]] = {
    "word2vec": partial(word2vec.read, header=True),
    "word2vec-bin": word2vec_bin.read,
    "glove": partial(word2vec.read, header=False),
    "fasttext-vec": partial(word2vec.read, header=True),
    "fasttext": fasttext.read,
}
WRITERS: Mapping[str, Callable[[Embeddings, Path], None]] = {
    "word2vec": word2vec.write_text,
    "word2vec-bin": word2vec_bin.write_binary,
    "glove": partial(word2vec.write_text, header=False),
    "fasttext-vec": word2vec.write_text,
}


def read(
    path: Path,
    format_: str = "auto",
    *,
    errors: str = "strict",
    tokenizer: Tokenizer = AS_IS,
    advance: Callable[[float], None] | None = None,
) -> Imported:
    """Vectors of a foreign file. format_: a name of READERS, or ``auto``: told by content.

    errors: strict or replace, for words that are not UTF-8. tokenizer: the rule by which the words were made.
    advance: is told how many bytes of the file were read.
    Raises InputError for what cannot be read, OptionError for an unknown format or rule.
    """
    if format_ != "auto" and format_ not in READERS:
        raise OptionError(
            f"from={format_!r}", f"it is auto or one of {', '.join(READERS)}", "choose one of them for --from"
        )
    with Source(path, advance) as source:
        if format_ == "auto":
            format_ = recognise(source)
        else:
            refuse(source)
        return READERS[format_](source, errors=errors, tokenizer=tokenizer)


def write(model: Embeddings, path: Path, format_: str) -> None:
    """Write a model's words and vectors. format_: a name of WRITERS.

    Raises OptionError for an unknown format, OutputError for what it cannot carry or where it cannot be written.
    """
    if format_ not in WRITERS:
        raise OptionError(
            f"to={format_!r}", f"it is one of {', '.join(WRITERS)}", "choose one of them for --to"
        )
    WRITERS[format_](model, path)


def lost(model: Embeddings) -> list[str]:
    """What a model has that a list of words and numbers does not carry, in words."""
    there = {
        "what unseen words are composed from": model.composes,
        "counts": model.counts is not None,
        "feature vectors": model.contexts is not None,
        "biases": model.biases is not None,
        "how queries are folded": model.tokenizer != AS_IS,
    }
    return [name for name, has in there.items() if has]
