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
from numpy.typing import NDArray
from scipy.sparse import issparse

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.artifact import (
    LOG,
    load_lines,
    load_manifest,
    open_arrays,
    save_arrays,
    save_lines,
    write_manifest,
    writing,
)
from morphvec.embeddings.buckets import Buckets, Composer
from morphvec.embeddings.coded import opened, stored
from morphvec.embeddings.parts_files import load_buckets, load_parts, part_fields, save_buckets, save_parts
from morphvec.embeddings.rows import Vectors
from morphvec.embeddings.unseen import Parts
from morphvec.embeddings.vector_files import load_vectors, vector_arrays, vectors_sha256
from morphvec.embeddings.word_file import WordFile
from morphvec.errors import ArtifactError, MorphvecError, OutputError
from morphvec.text.tokenize import Tokenizer
from morphvec.version import __version__

NOUN = "model"
CONSTRAINED = "constrained.tsv"  # word⇥how,how…: the words that training was told of
BIASES = ("vector_biases", "context_biases")  # their names among the arrays
_UNFIT = re.compile("[\n\ud800-\udfff]")
_NUMBERS = 1 << 22  # looked at at a time
_MEND = "restore the folder, or train it anew"


class Servable(Protocol):
    """What ``save`` writes: Embeddings, or anything with the same public fields."""

    vectors: Vectors
    counts: Ints1d | None
    contexts: Floats2d | None
    features: tuple[tuple[str, str], ...]
    biases: tuple[Floats1d, Floats1d] | None
    constrained: Mapping[str, tuple[str, ...]] | None
    parts: Composer | None
    tokenizer: Tokenizer
    languages: tuple[str, ...]
    manifest: dict[str, Any]

    @property
    def words(self) -> tuple[str, ...]:
        """Row → word."""


@dataclass(frozen=True, eq=False)
class Stored:
    """A model folder as read and checked; arrays are memory maps. counted: whether the words' counts say something."""

    words: WordFile
    vectors: Vectors
    counted: bool
    contexts: Floats2d | None
    features: tuple[tuple[str, str], ...]
    biases: tuple[Floats1d, Floats1d] | None
    constrained: Mapping[str, tuple[str, ...]] | None
    parts: Composer | None
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


def all_finite(array: NDArray[Any]) -> bool:
    """Whether no number of an array of any rank is NaN or infinite; looked at block by block."""
    rows = max(_NUMBERS // max(int(np.prod(array.shape[1:])), 1), 1)
    return all(bool(np.isfinite(array[low : low + rows]).all()) for low in range(0, len(array), rows))


def bias_fault(biases: tuple[Floats1d, Floats1d], words: int, contexts: Floats2d | None) -> str:
    """What is wrong with the biases of words and contexts, "" for nothing: float32 [T] and [F], all finite."""
    of_words, of_contexts = biases
    columns = len(of_contexts) if contexts is None else len(contexts)
    if of_words.shape != (words,) or of_contexts.shape != (columns,):
        return (
            f"biases of shapes {of_words.shape} and {of_contexts.shape}, {words} words and {columns} contexts"
        )
    if of_words.dtype != np.float32 or of_contexts.dtype != np.float32:
        return f"biases of types {of_words.dtype} and {of_contexts.dtype}"
    finite = bool(np.isfinite(of_words).all() and np.isfinite(of_contexts).all())
    return "" if finite else "biases that are not finite"


def _load_constrained(path: Path, manifest: Mapping[str, Any]) -> dict[str, tuple[str, ...]] | None:
    """Word → how training was told of it; None where the folder has no list."""
    if CONSTRAINED not in manifest["parts"]:
        return None
    rows = [line.rpartition("\t") for line in load_lines(path / CONSTRAINED)]
    if not all(word for word, _, _ in rows):
        raise ValueError("a list of constrained words with a line that has none")
    return {word: tuple(how.split(",")) for word, _, how in rows}


def _load_biases(
    arrays: Mapping[str, Any], words: int, contexts: Floats2d | None
) -> tuple[Floats1d, Floats1d] | None:
    found = [arrays[name] for name in BIASES if name in arrays]
    if not found:
        return None
    if len(found) == 1:
        raise ValueError("biases of one side only")
    fault = bias_fault((found[0], found[1]), words, contexts)
    if fault:
        raise ValueError(fault)
    return found[0], found[1]


def save(
    model: Servable, path: Path, *, overwrite: bool = False, log: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Write a model folder in one step and return its manifest's fields.

    log: one record per line of ``log.jsonl`` (times and terms), which no hash covers. Raises OutputError where the
    place cannot be written, or a number is not finite: what stood there before is untouched.
    """
    arrays = vector_arrays(model.vectors)
    if model.contexts is not None:
        arrays |= stored("contexts", model.contexts)
    if model.biases is not None:
        arrays |= {name: np.asarray(bias) for name, bias in zip(BIASES, model.biases, strict=True)}
    if isinstance(model.parts, Parts):
        arrays |= stored("parts", model.parts.vectors)
    buckets = model.parts if isinstance(model.parts, Buckets) else None
    more = {} if buckets is None else stored("buckets", buckets.vectors)
    for name, array in {**arrays, **more}.items():
        if not all_finite(array):
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
        "sparse": issparse(model.vectors),
        "words": len(model.words),
        "languages": list(model.languages),
        "tokenizer": asdict(model.tokenizer),
        "counted": model.counts is not None,
        **part_fields(model.parts),
        "vectors_sha256": vectors_sha256(model.vectors),
    }
    fields.setdefault("config", {})
    fields.setdefault("versions", versions())
    fields.setdefault("inputs", [])
    fields.pop("parts", None)
    if buckets is None:
        fields.pop("buckets", None)
    with writing(path, overwrite=overwrite) as folder:
        counts = np.zeros(len(model.words), np.int64) if model.counts is None else model.counts
        save_lines(
            folder / "vocab.tsv",
            (f"{word}\t{count}" for word, count in zip(model.words, counts.tolist(), strict=True)),
        )
        save_arrays(folder / "vectors.safetensors", arrays)
        if model.features:
            save_lines(folder / "features.tsv", (f"{block}\t{name}" for block, name in model.features))
        if model.constrained is not None:
            told = (f"{word}\t{','.join(how)}" for word, how in model.constrained.items())
            save_lines(folder / CONSTRAINED, told)
        if isinstance(model.parts, Parts):
            save_parts(folder, model.parts)
        if buckets is not None:
            save_buckets(folder, buckets)
        save_lines(folder / LOG, (json.dumps(record, ensure_ascii=False, allow_nan=False) for record in log))
        write_manifest(folder, NOUN, fields)
    return fields


def load(path: str | Path) -> Stored:
    """Open a model folder; vectors stay on disk until they are used.

    Raises ArtifactError where the folder is missing, torn, of another kind, or its parts are at odds.
    """
    path = Path(path)
    manifest = load_manifest(path, NOUN)
    arrays = open_arrays(path / "vectors.safetensors")
    try:
        shape = (int(manifest["words"]), int(manifest["dim"]))
        words = WordFile(path / "vocab.tsv", shape[0])
        vectors = load_vectors(arrays, shape, sparse=manifest.get("sparse", False) is True)
        contexts = opened("contexts", arrays)
        parts: Composer | None = None
        # Release 0.1 knew n-grams only and did not say so.
        weights = manifest.get("part_weights", {"ngrams": 1.0} if manifest.get("ngrams") else None)
        if weights is not None:
            rarity = manifest.get("part_rarity", 0.0)  # which models did not have at first
            parts = load_parts(
                path, opened("parts", arrays), words.words, manifest["ngrams"], weights, rarity
            )
        if manifest.get("buckets") is not None:
            if parts is not None:
                raise ValueError("parts and buckets at once")
            parts = load_buckets(path, words.words, shape[1], manifest["buckets"])
        features = []
        if (path / "features.tsv").is_file():
            features = [
                (line.partition("\t")[0], line.partition("\t")[2])
                for line in load_lines(path / "features.tsv")
            ]
        return Stored(
            words,
            vectors,
            bool(manifest.get("counted", True)),
            contexts,
            tuple(features),
            _load_biases(arrays, len(words), contexts),
            _load_constrained(path, manifest),
            parts,
            Tokenizer(**manifest["tokenizer"]),
            tuple(str(language) for language in manifest["languages"]),
            manifest,
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, MorphvecError) as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(f"{path}: {error}", "words, vectors and manifest agree", _MEND) from error
