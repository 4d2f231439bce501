"""A folder for ``spacy.load``: an empty pipeline of the language xx whose vocabulary has the vectors.

    config.cfg  meta.json  tokenizer          the pipeline; a tokenizer that splits punctuation off
    vocab/strings.json                        the words
    vocab/vectors  key2row  vectors.cfg       NumPy's file; msgpack, key → row; which attribute of a token is looked up

A key is the MurmurHash64A of a word's bytes with seed 1, but for the names of spaCy's own symbols, which have fixed keys.
Words of lower case are looked up by a token's LOWER, so that capitals find them. To use a language's own tokenizer, name
the folder as ``initialize.vectors``, or set ``nlp.vocab.vectors``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.formats.writing import MOST, check_unicode, check_zeros, one_folder
from morphvec.embeddings.tables import dense_rows
from morphvec.version import __version__

_ORTH, _LOWER = 65, 66  # numbers of attributes
_SEED, _FACTOR, _SHIFT, _ALL = 1, 0xC6A4A7935BD1E995, 47, (1 << 64) - 1
_SYMBOLS = {  # first key: the names that follow it one by one, "-" for a key without a plain name
    64: "ID ORTH LOWER NORM SHAPE PREFIX SUFFIX LENGTH CLUSTER LEMMA POS TAG DEP - - HEAD - SPACY PROB LANG ADJ ADP ADV AUX CONJ "
    "CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X EOL SPACE",
    380: "PERSON NORP FACILITY ORG GPE LOC PRODUCT EVENT - LANGUAGE LAW DATE TIME PERCENT MONEY QUANTITY ORDINAL CARDINAL acomp "
    "advcl advmod agent amod appos attr aux auxpass cc ccomp complm conj cop csubj csubjpass dep det dobj expl hmod hyph "
    "infmod intj iobj mark meta neg nmod nn npadvmod nsubj nsubjpass num number oprd obj obl parataxis partmod pcomp pobj "
    "poss possessive preconj prep prt punct quantmod relcl rcmod root xcomp acl - MORPH - IDX",
}
_KEYS = {
    name: first + place
    for first, names in _SYMBOLS.items()
    for place, name in enumerate(names.split())
    if name != "-"
}
_CONFIG = """[nlp]
lang = "xx"
pipeline = []
disabled = []
before_creation = null
after_creation = null
after_pipeline_creation = null
batch_size = 1000

[nlp.tokenizer]
@tokenizers = "spacy.Tokenizer.v1"
"""
_MARKS = r"!-/:-@\[-`{-~¡-©«-´¶-¹»-¿×÷‐-‧‰-⁞₠-⃀、-〃〈-】〔-〟！-／：-＠［-｀｛-･।॥،؛؟"
_INNER = r"!-&(-,./:-@\[-`{-~¡-©«-´¶¸»-¿×÷–-‘“-‧‰-⁞、-〃〈-】〔-〟！-／：-＠［-｀｛-･।॥،؛؟"


def write(model: Embeddings, path: Path) -> None:
    """Write the folder, in one step; the bits of the vectors. Raises OutputError for sparse vectors of more than 50
    million numbers."""
    check_zeros(model, MOST)
    check_unicode(model)
    lower = model.tokenizer.case == "lower"
    keys = [key_of(word) for word in model.words]
    vectors = {"width": model.vector_size, "vectors": len(model), "keys": len(model), "name": "morphvec"}
    meta = {
        "lang": "xx",
        "name": "morphvec",
        "version": __version__,
        "spacy_version": ">=3.5.0,<4.0.0",
        "description": "Word vectors of morphvec",
        "vectors": {**vectors, "mode": "default"},
        "labels": {},
        "pipeline": [],
        "components": [],
        "disabled": [],
    }
    settings = {"mode": "default", "attr": _LOWER if lower else _ORTH}
    with one_folder(path) as folder:
        (folder / "config.cfg").write_text(_CONFIG, encoding="utf-8")
        _say(folder / "meta.json", meta)
        patterns = {
            "prefix_search": f"^[{_MARKS}]",
            "suffix_search": f"[{_MARKS}]$",
            "infix_finditer": f"[{_INNER}]",
        }
        (folder / "tokenizer").write_bytes(b"".join(_packed_text(patterns)))
        vocab = folder / "vocab"
        vocab.mkdir()
        _say(vocab / "strings.json", list(model.words))
        _say(vocab / "vectors.cfg", settings)
        (vocab / "key2row").write_bytes(b"".join(_packed_rows(keys)))
        with (vocab / "vectors").open("wb") as handle:
            np.save(handle, dense_rows(model, slice(None)))


def _say(file: Path, document: object) -> None:
    file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def key_of(word: str) -> int:
    """The key of a word in spaCy's tables, 64 bits."""
    return _KEYS[word] if word in _KEYS else murmur64a(word.encode("utf-8"))


def murmur64a(data: bytes) -> int:
    """MurmurHash64A of bytes with seed 1 (Appleby 2008)."""
    value = _SEED ^ ((len(data) * _FACTOR) & _ALL)
    whole = len(data) & ~7
    for (block,) in struct.iter_unpack("<Q", data[:whole]):
        block = (block * _FACTOR) & _ALL  # noqa: PLW2901
        block ^= block >> _SHIFT  # noqa: PLW2901
        value = ((value ^ ((block * _FACTOR) & _ALL)) * _FACTOR) & _ALL
    if whole < len(data):
        value = ((value ^ int.from_bytes(data[whole:], "little")) * _FACTOR) & _ALL
    value = ((value ^ (value >> _SHIFT)) * _FACTOR) & _ALL
    return value ^ (value >> _SHIFT)


def _packed_rows(keys: list[int]) -> Iterator[bytes]:
    """key → row as msgpack: a map of 32-bit size, its keys 64 bits and its values 32 bits without sign."""
    yield b"\xdf" + struct.pack(">I", len(keys))
    entry = struct.Struct(">BQBI")
    for row, key in enumerate(keys):
        yield entry.pack(0xCF, key, 0xCE, row)


def _packed_text(patterns: dict[str, str]) -> Iterator[bytes]:
    """name → text as msgpack: a map of 32-bit size, its texts with sizes of 32 bits."""
    yield b"\xdf" + struct.pack(">I", len(patterns))
    for text in (text for item in patterns.items() for text in item):
        raw = text.encode("utf-8")
        yield b"\xdb" + struct.pack(">I", len(raw)) + raw
