"""A folder for Model2Vec and for sentence-transformers: model.safetensors, tokenizer.json, config.json, modules.json.

``embeddings`` float32 [T + 1, k]: row i is the vector of token i; the last row is zeros, for what is no word. The tokenizer
is told by JSON alone: how text is folded and cut, and a vocabulary of whole words. Both tools average the vectors of a
text's words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from morphvec.artifact import open_arrays, save_arrays
from morphvec.embeddings.embeddings import AS_IS, Embeddings
from morphvec.embeddings.formats.words import Imported, Words, check_sizes, not_finite
from morphvec.embeddings.formats.writing import MOST, check_unicode, check_zeros, one_folder
from morphvec.embeddings.tables import dense_rows
from morphvec.errors import ArtifactError, InputError
from morphvec.text.tokenize import Tokenizer

ARRAYS, TOKENIZER = "model.safetensors", "tokenizer.json"
_WORD = r"[\p{L}\p{M}\p{N}]+"
_MOST_TOKENIZER = 1 << 30  # bytes
_MEND = "check that the folder is whole"


def write(model: Embeddings, path: Path) -> None:
    """Write the folder, in one step; the bits of the vectors. Raises OutputError for sparse vectors of more than 50
    million numbers."""
    check_zeros(model, MOST)
    check_unicode(model)
    unknown = "[UNK]"
    while unknown in model.key_to_index:
        unknown = f"[{unknown}]"
    vectors = np.zeros((len(model) + 1, model.vector_size), np.float32)
    vectors[:-1] = dense_rows(model, slice(None))
    documents = {
        TOKENIZER: _tokenizer(model, unknown),
        "config.json": {
            "model_type": "model2vec",
            "architectures": ["StaticModel"],
            "tokenizer_name": "",
            "normalize": False,
            "hidden_dim": model.vector_size,
            "embedding_dtype": "float32",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"}
        ],
    }
    with one_folder(path) as folder:
        save_arrays(folder / ARRAYS, {"embeddings": vectors})
        for name, document in documents.items():
            (folder / name).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def carries_folding(model: Embeddings) -> bool:
    """Whether the tokenizer that is written folds and cuts text as the model's own does."""
    return not model.languages and not model.tokenizer.name.startswith("regex:")


def _tokenizer(model: Embeddings, unknown: str) -> dict[str, Any]:
    rule = model.tokenizer
    folds = ([{"type": "NFC"}] if rule.composes else []) + (
        [{"type": "Lowercase"}] if rule.case == "lower" else []
    )
    if rule.composes and len(folds) == 2:
        folds.append({"type": "NFC"})  # lower case may leave it
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": folds} if folds else None,
        "pre_tokenizer": _cut(rule),
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {**model.key_to_index, unknown: len(model)},
            "unk_token": unknown,
        },
    }


def _cut(rule: Tokenizer) -> dict[str, Any]:
    if rule.name == "whitespace":
        return {"type": "WhitespaceSplit"}
    joined = "".join(f"\\{joiner}" if joiner == "-" else joiner for joiner in rule.joiners)
    pattern = rf"{_WORD}(?:[{joined}]{_WORD})*" if rule.name == "unicode" else r"[^\W\d_]+"
    if rule.pattern is not None:
        pattern = rule.pattern.pattern
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": True}


def read(path: Path, *, errors: str = "strict", tokenizer: Tokenizer = AS_IS) -> Imported:
    """The tokens of a Model2Vec or static sentence-transformers folder, and their vectors with its weights.

    The token for what is unknown is left out. Raises InputError where tokenizer and vectors disagree.
    """
    try:
        arrays = open_arrays(path / ARRAYS)
    except ArtifactError as error:
        raise InputError(error.value, error.rule, _MEND) from error
    tokens, unknown = _tokens(path / TOKENIZER)
    table = arrays.get("embeddings", arrays.get("embedding.weight"))
    if table is None or table.ndim != 2 or table.dtype.kind not in "fi":
        raise InputError(
            f"{ARRAYS} in {path} holds {', '.join(sorted(arrays)[:9]) or 'nothing'}",
            "it holds a matrix named embeddings or embedding.weight",
            _MEND,
        )
    rows = np.asarray(arrays.get("mapping", np.arange(len(table))), np.int64)
    weights = np.asarray(arrays.get("weights", np.ones(len(rows))), np.float32)
    if (len(rows) and (rows.min() < 0 or rows.max() >= len(table))) or weights.shape != rows.shape:
        raise InputError(f"{ARRAYS} in {path} points outside its rows", "mapping and weights fit", _MEND)
    if not tokens or max(tokens.values()) >= len(rows) or min(tokens.values()) < 0:
        raise InputError(
            f"{path} has {len(tokens):,} tokens and {len(rows):,} vectors", "each token has its vector", _MEND
        )
    words = Words(TOKENIZER, errors)
    order = [
        (token, place) for token, place in sorted(tokens.items(), key=lambda of: of[1]) if token != unknown
    ]
    kept = [
        place for token, place in order if words.add(token.encode("utf-8", "surrogatepass"), "token", place)
    ]
    check_sizes(path.name, len(kept), int(table.shape[1]))
    vectors = np.asarray(table[rows[kept]], np.float32) * weights[kept][:, None]
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise not_finite(ARRAYS, "row", kept[bad[0]], words.keys()[bad[0]].encode())
    model = Embeddings(words.keys(), vectors, tokenizer=tokenizer)
    notes = (*words.notes(), "how text is cut into these tokens is not kept")
    return Imported(model, "model2vec", notes, {"format": "model2vec"})


def _tokens(file: Path) -> tuple[Mapping[str, int], str]:
    """(token → row, the token for what is unknown) of a tokenizer.json."""
    try:
        if file.stat().st_size > _MOST_TOKENIZER:
            raise ValueError(f"it has more than {_MOST_TOKENIZER:,} bytes")
        document = json.loads(file.read_text(encoding="utf-8"))
        told = document["model"]
        vocabulary = told["vocab"]
        if isinstance(vocabulary, list):  # Unigram: [[token, score], ...]
            names = [str(token) for token, _ in vocabulary]
            unknown = names[told["unk_id"]] if told.get("unk_id") is not None else ""
            return {token: row for row, token in enumerate(names)}, unknown
        tokens = {str(token): int(row) for token, row in vocabulary.items()}
        tokens |= {str(item["content"]): int(item["id"]) for item in document.get("added_tokens") or []}
        return tokens, str(told.get("unk_token") or "")
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{file}: {error}", "a tokenizer is told by JSON with a model and its vocab", _MEND
        ) from error
