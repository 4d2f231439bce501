"""What a file is, told by its first bytes, whatever it is called; what is never read is refused by name."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from morphvec.embeddings.formats import fasttext, model2vec, parquet, projector, word2vec
from morphvec.embeddings.formats.source import Source
from morphvec.errors import InputError

_FOLDERS = {
    "model2vec": (model2vec.ARRAYS, model2vec.TOKENIZER),
    "projector": (projector.VECTORS, projector.METADATA),
}
_ROW = 1 << 16  # bytes in which a first row is looked for
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1f]")
_PICKLE = re.compile(
    rb"\x80[\2-\5]|c(gensim|numpy|copy_reg|copyreg|builtins|__builtin__)[.\w]*\n|\([dl]p\d+\n|[]})]q\0"
)
_PICKLED = "pickles can run anything when they are opened, and are never read"
_UNPACK = "unpack it first"
_REFUSED = (
    (
        re.compile(rb"\x93NUMPY"),
        "a NumPy array, without its words",
        "vectors come with their words",
        "in gensim: KeyedVectors.load(...).save_word2vec_format('vectors.bin', binary=True); "
        "or in Python: morphvec.Embeddings(words, array).save('model')",
    ),
    (
        re.compile(rb"PK\x03\x04"),
        "a zip archive",
        "vectors are read from one file, plain or under .gz",
        _UNPACK,
    ),
    (
        re.compile(rb"7z\xbc\xaf"),
        "a 7z archive",
        "vectors are read from one file, plain or under .gz",
        _UNPACK,
    ),
    (re.compile(rb"\x89HDF"), "an HDF5 file", "no such format is read", "save it as word2vec text or binary"),
    (
        re.compile(rb".{8}\{", re.DOTALL),
        "a safetensors file",
        "a model is a folder",
        "give the folder as MODEL, or in Python: morphvec.Embeddings(words, array).save('model')",
    ),
)


def recognise_place(path: Path) -> str:
    """model2vec, projector or parquet where a path is one; "auto" where its bytes are to tell."""
    if path.is_dir():
        return next((name for name, files in _FOLDERS.items() if _has(path, files)), "auto")
    with contextlib.suppress(OSError), path.open("rb") as handle:
        if path.is_file() and handle.read(4) == parquet.MAGIC:
            return "parquet"
    return "auto"


def check_place(path: Path, format_: str) -> None:
    """Raise InputError where a path is not what its format is kept in."""
    files = _FOLDERS.get("model2vec" if format_ == "sentence-transformers" else format_)
    if files is None and not path.is_file():
        raise InputError(f"{path} is no file", "Parquet is one file", "name the file")
    if files is not None and not (path.is_dir() and _has(path, files)):
        raise InputError(
            f"{path} is no folder with {' and '.join(files)}",
            f"{format_} is a folder of these files",
            "name the folder",
        )


def _has(path: Path, files: tuple[str, ...]) -> bool:
    return all((path / file).is_file() for file in files)


def recognise(source: Source) -> str:
    """word2vec, glove, word2vec-bin or fasttext. Raises InputError for everything else."""
    refuse(source)
    head = source.head(_ROW)
    if head.startswith(fasttext.MAGIC):
        return "fasttext"
    text = head.removeprefix(b"\xef\xbb\xbf")
    first, _, rest = text.partition(b"\n")
    sizes = word2vec.header_of(first)
    if sizes is not None:
        fields = rest.partition(b"\n")[0].rstrip(b"\r ").split(b" ")
        if len(fields) > sizes[1] > 0 and word2vec.numbers_of(fields[-sizes[1] :]) is not None:
            return "word2vec"
        return "word2vec-bin" if rest and not _is_text(rest) else "word2vec"
    fields = first.rstrip(b"\r ").split(b" ")
    if len(fields) > 1 and fields[0] and word2vec.numbers_of(fields[-1:]) is not None:
        return "glove"
    raise InputError(
        f"{source.name} is no file of vectors that is known here" if head else f"{source.name} is empty",
        "read are word2vec and GloVe text, word2vec binary and fastText .bin, plain or under .gz, Parquet, and the folders of Model2Vec and of the Embedding Projector",
        "check the file, or name its format with --from",
    )


def refuse(source: Source) -> None:
    """Raise InputError for files that are never read, by name."""
    head = source.head(_ROW)
    if _PICKLE.match(head):
        gensim = b"gensim" in head
        raise InputError(
            f"{source.name} is a pickle" + (" of gensim" if gensim else ""),
            _PICKLED,
            "in gensim: KeyedVectors.load(FILE).save_word2vec_format('vectors.bin', binary=True), and import that "
            "(model.wv.save_word2vec_format for a whole model)"
            if gensim
            else "save the vectors as word2vec text or binary where they were made",
        )
    for magic, what, rule, mend in _REFUSED:
        if magic.match(head) and (what != "a safetensors file" or _is_header(head)):
            raise InputError(f"{source.name} is {what}", rule, mend)


def _is_header(head: bytes) -> bool:
    return int.from_bytes(head[:8], "little") < 100_000_000 and b'"data_offsets"' in head


def _is_text(head: bytes) -> bool:
    """Whether bytes are UTF-8 without control characters, but for a character cut at the end."""
    if _CONTROL.search(head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3 and "unexpected end" in error.reason
    return True
