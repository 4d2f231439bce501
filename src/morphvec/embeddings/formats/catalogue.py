"""The formats that are read and written, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from morphvec.embeddings.buckets import Buckets
from morphvec.embeddings.embeddings import AS_IS, Embeddings
from morphvec.embeddings.formats import (
    fasttext,
    model2vec,
    parquet,
    projector,
    spacy,
    word2vec,
    word2vec_bin,
)
from morphvec.embeddings.formats.recognise import check_place, recognise, recognise_place, refuse
from morphvec.embeddings.formats.source import Source
from morphvec.embeddings.formats.words import Imported
from morphvec.embeddings.formats.writing import Advance
from morphvec.errors import OptionError
from morphvec.text.tokenize import Tokenizer

READERS: Mapping[str, Callable[..., Imported]] = {  # of the bytes of one file
    "word2vec": partial(word2vec.read, header=True),
    "word2vec-bin": word2vec_bin.read,
    "glove": partial(word2vec.read, header=False),
    "fasttext-vec": partial(word2vec.read, header=True),
    "fasttext": fasttext.read,
}
PLACES: Mapping[str, Callable[..., Imported]] = {  # of a path
    "model2vec": model2vec.read,
    "sentence-transformers": model2vec.read,
    "projector": projector.read,
    "parquet": parquet.read,
}
WRITERS: Mapping[str, Callable[..., None]] = {
    "word2vec": word2vec.write_text,
    "word2vec-bin": word2vec_bin.write_binary,
    "glove": partial(word2vec.write_text, header=False),
    "fasttext-vec": word2vec.write_text,
    "fasttext": fasttext.write,
    "model2vec": model2vec.write,
    "sentence-transformers": model2vec.write,
    "spacy": spacy.write,
    "parquet": parquet.write,
    "projector": projector.write,
}
_BY_ROW = ("word2vec", "word2vec-bin", "glove", "fasttext-vec", "projector")  # written word by word
_COUNTED = ("fasttext", "parquet", "projector")  # formats with counts
_FOLDED = ("model2vec", "sentence-transformers", "parquet")  # formats that say how words are folded


def read(
    path: Path,
    format_: str = "auto",
    *,
    errors: str = "strict",
    tokenizer: Tokenizer = AS_IS,
    advance: Callable[[float], None] | None = None,
) -> Imported:
    """Vectors of a foreign file or folder. format_: a name of READERS or PLACES, or ``auto``: told by content.

    errors: strict or replace, for words that are not UTF-8. tokenizer: the rule by which the words were made.
    advance: is told how many bytes of the file were read.
    Raises InputError for what cannot be read, OptionError for an unknown format or rule.
    """
    known = (*READERS, *PLACES)
    if format_ != "auto" and format_ not in known:
        raise OptionError(
            f"from={format_!r}", f"it is auto or one of {', '.join(known)}", "choose one of them for --from"
        )
    if format_ == "auto":
        format_ = recognise_place(path)
    if format_ in PLACES:
        check_place(path, format_)
        return PLACES[format_](path, errors=errors, tokenizer=tokenizer)
    with Source(path, advance) as source:
        if format_ == "auto":
            format_ = recognise(source)
        else:
            refuse(source)
        return READERS[format_](source, errors=errors, tokenizer=tokenizer)


def write(model: Embeddings, path: Path, format_: str, advance: Advance | None = None) -> None:
    """Write a model's words and vectors. format_: a name of WRITERS. advance: is told how many words were written.

    Raises OptionError for an unknown format, OutputError for what it cannot carry or where it cannot be written,
    MissingExtraError where it needs a package that is not installed.
    """
    if format_ not in WRITERS:
        raise OptionError(
            f"to={format_!r}", f"it is one of {', '.join(WRITERS)}", "choose one of them for --to"
        )
    if format_ in _BY_ROW:
        WRITERS[format_](model, path, advance=advance)
        return
    WRITERS[format_](model, path)
    if advance is not None:
        advance(len(model))


def lost(model: Embeddings, format_: str) -> list[str]:
    """What a model has that a format does not carry, in words."""
    hashed = isinstance(model.parts, Buckets) and format_ == "fasttext"
    kinds = [] if model.parts is None or hashed else list(model.parts.weights)
    folded = format_ in _FOLDED and (format_ == "parquet" or model2vec.carries_folding(model))
    there = {
        f"what unseen words are composed from ({', '.join(kinds)})": bool(kinds),
        "counts": model.counts is not None and format_ not in _COUNTED,
        "feature vectors": model.contexts is not None,
        "biases": model.biases is not None,
        "how queries are folded": model.tokenizer != AS_IS and not folded,
    }
    return [name for name, has in there.items() if has]
