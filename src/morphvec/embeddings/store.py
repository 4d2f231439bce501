"""The model folder: vectors, words, parts and how they were made. Opened by memory map, checked before use."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats2d, Ints1d
from morphvec.artifact import (
    LOG,
    load_lines,
    load_manifest,
    open_arrays,
    save_arrays,
    save_lines,
    sha256_array,
    write_manifest,
    writing,
)
from morphvec.embeddings.unseen import GRAM, OWN, Parts
from morphvec.errors import ArtifactError, MorphvecError, OutputError
from morphvec.text.tokenize import Tokenizer
from morphvec.version import __version__

NOUN = "model"
_UNFIT = re.compile("[\n\ud800-\udfff]")
_MEND = "restore the folder, or train it anew"


class Servable(Protocol):
    """What ``save`` writes: Embeddings, or anything with the same public fields."""

    words: tuple[str, ...]
    vectors: Floats2d
    counts: Ints1d | None
    contexts: Floats2d | None
    features: tuple[tuple[str, str], ...]
    parts: Parts | None
    tokenizer: Tokenizer
    languages: tuple[str, ...]
    manifest: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Stored:
    """A model folder as read and checked; arrays are memory maps."""

    words: tuple[str, ...]
    vectors: Floats2d
    counts: Ints1d | None
    contexts: Floats2d | None
    features: tuple[tuple[str, str], ...]
    parts: Parts | None
    tokenizer: Tokenizer
    languages: tuple[str, ...]
    manifest: dict[str, Any]


def versions() -> dict[str, str]:
    """What the bits of a model depend on: this release and the libraries below it."""
    import numba
    import scipy

    return {
        "morphvec": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "numba": numba.__version__,
    }


def save(
    model: Servable, path: Path, *, overwrite: bool = False, log: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Write a model folder in one step and return its manifest's fields.

    log: one record per line of ``log.jsonl`` (times and terms), which no hash covers. Raises OutputError where the
    place cannot be written, or a number is not finite: what stood there before is untouched.
    """
    arrays = {"vectors": np.asarray(model.vectors, np.float32)}
    if model.contexts is not None:
        arrays["contexts"] = np.asarray(model.contexts, np.float32)
    if model.parts is not None:
        arrays["parts"] = np.asarray(model.parts.vectors, np.float32)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise OutputError(
                f"{name} hold numbers that are not finite",
                "only finite numbers are ever written",
                "raise --ridge",
            )
    unfit = next((word for word in model.words if _UNFIT.search(word)), None)
    if unfit is not None:
        raise OutputError(
            f"the word {unfit!r}", "a word has no line feed and is Unicode text", "leave it out, or rename it"
        )
    fields = {
        "method": "imported",
        **model.manifest,
        "dim": int(model.vectors.shape[1]),
        "words": len(model.words),
        "languages": list(model.languages),
        "tokenizer": asdict(model.tokenizer),
        "counted": model.counts is not None,
        "ngrams": None if model.parts is None else list(model.parts.ngrams),
        "vectors_sha256": sha256_array(arrays["vectors"]),
    }
    fields.setdefault("config", {})
    fields.setdefault("versions", versions())
    fields.setdefault("inputs", [])
    fields.pop("parts", None)
    with writing(path, overwrite=overwrite) as folder:
        counts = np.zeros(len(model.words), np.int64) if model.counts is None else model.counts
        save_lines(
            folder / "vocab.tsv",
            (f"{word}\t{count}" for word, count in zip(model.words, counts.tolist(), strict=True)),
        )
        save_arrays(folder / "vectors.safetensors", arrays)
        if model.features:
            save_lines(folder / "features.tsv", (f"{block}\t{name}" for block, name in model.features))
        if model.parts is not None:
            own = ((OWN, word) for word in model.words)
            grams = ((GRAM, name) for name in model.parts.names)
            save_lines(
                folder / "parts.tsv", (f"{kind}\t{name}" for rows in (own, grams) for kind, name in rows)
            )
            B = model.parts.composition
            save_arrays(
                folder / "composition.safetensors",
                {
                    "indptr": B.indptr.astype(np.int64),
                    "indices": B.indices.astype(np.int32),
                    "data": B.data.astype(np.float32),
                    "shape": np.array(B.shape, np.int64),
                },
            )
        save_lines(folder / LOG, (json.dumps(record, ensure_ascii=False, allow_nan=False) for record in log))
        write_manifest(folder, NOUN, fields)
    return fields


def load(path: str | Path) -> Stored:
    """Open a model folder; vectors stay on disk until they are used.

    Raises ArtifactError where the folder is missing, torn, of another kind, or its parts are at odds.
    """
    path = Path(path)
    manifest = load_manifest(path, NOUN)
    rows = [line.rpartition("\t") for line in load_lines(path / "vocab.tsv")]
    arrays = open_arrays(path / "vectors.safetensors")
    try:
        words = tuple(word for word, _, _ in rows)
        counts = np.array([int(count) for _, _, count in rows], np.int64)
        vectors = arrays["vectors"]
        shape = (int(manifest["words"]), int(manifest["dim"]))
        if len(words) != shape[0] or vectors.shape != shape or vectors.dtype != np.float32:
            raise ValueError(f"vectors of shape {vectors.shape}, {len(words)} words, a manifest with {shape}")
        parts = None
        if manifest.get("ngrams"):
            parts = _load_parts(path, arrays, len(words), tuple(int(n) for n in manifest["ngrams"]))
        features = []
        if (path / "features.tsv").is_file():
            features = [
                (line.partition("\t")[0], line.partition("\t")[2])
                for line in load_lines(path / "features.tsv")
            ]
        if len(set(words)) != len(words):
            raise ValueError("duplicate words")
        return Stored(
            words,
            vectors,
            counts if manifest.get("counted", True) else None,
            arrays.get("contexts"),
            tuple(features),
            parts,
            Tokenizer(**manifest["tokenizer"]),
            tuple(str(language) for language in manifest["languages"]),
            manifest,
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, MorphvecError) as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(f"{path}: {error}", "words, vectors and manifest agree", _MEND) from error


def _load_parts(path: Path, arrays: Mapping[str, Any], words: int, ngrams: tuple[int, ...]) -> Parts:
    vectors = arrays["parts"]
    lines = [line.partition("\t") for line in load_lines(path / "parts.tsv")]
    names = tuple(name for kind, _, name in lines[words:] if kind == GRAM)
    if (
        len(lines) != len(vectors)
        or len(names) != len(vectors) - words
        or any(kind != OWN for kind, _, _ in lines[:words])
    ):
        raise ValueError("parts.tsv and the part vectors disagree")
    csr = open_arrays(path / "composition.safetensors")
    shape = (int(csr["shape"][0]), int(csr["shape"][1]))
    indptr, indices = csr["indptr"], csr["indices"]
    if [array.dtype.str for array in (indptr, indices, csr["data"], vectors)] != [
        "<i8",
        "<i4",
        "<f4",
        "<f4",
    ] or (indptr.ndim, indices.ndim, csr["data"].ndim, vectors.ndim) != (1, 1, 1, 2):
        raise ValueError("the composition or the parts have another type")
    if (
        shape != (words, len(vectors))
        or len(indptr) != words + 1
        or int(indptr[-1]) != len(indices)
        or len(csr["data"]) != len(indices)
    ):
        raise ValueError("the composition and the parts disagree")
    if len(indices) and (
        int(indices.min()) < 0
        or int(indices.max()) >= shape[1]
        or bool(np.any(np.diff(indptr) < 0))
        or int(indptr[0]) != 0
    ):
        raise ValueError("the composition points outside the parts")
    if len(ngrams) != 2:
        raise ValueError("ngrams is not a pair")
    matrix = csr_array(shape, dtype=np.float32)
    matrix.indptr, matrix.indices, matrix.data = (
        np.asarray(indptr),
        np.asarray(indices),
        np.asarray(csr["data"]),
    )
    return Parts(names, vectors, matrix, (ngrams[0], ngrams[1]))
