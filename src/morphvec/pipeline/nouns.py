"""The folders between the arrows: vocabulary, counts, association. Whoever has one can take the next step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from morphvec.artifact import (
    load_lines,
    load_manifest,
    open_arrays,
    save_arrays,
    save_lines,
    write_manifest,
    writing,
)
from morphvec.association import KINDS, WEIGHTS, Association
from morphvec.counts.matrix import Counts
from morphvec.embeddings.store import versions
from morphvec.errors import ArtifactError, MorphvecError
from morphvec.features.space import Block
from morphvec.text.vocabulary import Vocabulary

VOCABULARY, COUNTS, ASSOCIATION = "vocabulary", "counts", "association"


@dataclass(frozen=True, eq=False)
class Origin:
    """How a noun came to be: the options so far, and the inputs with their hashes."""

    config: Mapping[str, Any]
    inputs: tuple[Mapping[str, Any], ...]

    def then(self, config: Mapping[str, Any], inputs: tuple[Mapping[str, Any], ...] = ()) -> Origin:
        """After one more arrow; an input that is known already is not listed twice."""
        more = tuple(entry for entry in inputs if entry not in self.inputs)
        return Origin({**self.config, **config}, (*self.inputs, *more))


def _fields(vocabulary: Vocabulary, origin: Origin, **more: Any) -> dict[str, Any]:
    return {
        **vocabulary.manifest_fields(),
        **more,
        "config": dict(origin.config),
        "versions": versions(),
        "inputs": list(origin.inputs),
    }


def save_vocabulary(path: Path, vocabulary: Vocabulary, origin: Origin, *, overwrite: bool) -> None:
    """Write a vocabulary folder."""
    with writing(path, overwrite=overwrite) as folder:
        vocabulary.save(folder)
        write_manifest(folder, VOCABULARY, _fields(vocabulary, origin))


def load_vocabulary(path: Path) -> tuple[Vocabulary, Origin]:
    """Read a vocabulary folder. Raises ArtifactError where it is damaged."""
    manifest = load_manifest(path, VOCABULARY)
    return Vocabulary.from_parts(path, manifest), _origin(path, manifest)


def save_counts(
    path: Path, counts: Counts, vocabulary: Vocabulary, origin: Origin, *, overwrite: bool
) -> None:
    """Write a counts folder: the matrix as CSR, its features, and the vocabulary."""
    with writing(path, overwrite=overwrite) as folder:
        vocabulary.save(folder)
        _save_features(folder, counts.blocks, counts.features)
        matrix = counts.matrix
        save_arrays(
            folder / "counts.safetensors",
            {"indptr": _long(matrix.indptr), "indices": _int(matrix.indices), "data": matrix.data},
        )
        write_manifest(
            folder, COUNTS, _fields(vocabulary, origin, blocks=[asdict(block) for block in counts.blocks])
        )


def load_counts(path: Path) -> tuple[Counts, Vocabulary, Origin]:
    """Read a counts folder; the matrix stays a memory map. Raises ArtifactError where it is damaged."""
    manifest = load_manifest(path, COUNTS)
    vocabulary = Vocabulary.from_parts(path, manifest)
    blocks, features = _load_features(path, manifest)
    matrix = _matrix(path / "counts.safetensors", "data", (len(vocabulary), len(features)))
    return Counts(matrix, vocabulary.words, features, blocks), vocabulary, _origin(path, manifest)


def save_association(
    path: Path, association: Association, vocabulary: Vocabulary, origin: Origin, *, overwrite: bool
) -> None:
    """Write an association folder: values, weights and α of the stored cells."""
    with writing(path, overwrite=overwrite) as folder:
        vocabulary.save(folder)
        _save_features(folder, association.blocks, association.features)
        matrix = association.matrix
        save_arrays(
            folder / "association.safetensors",
            {
                "indptr": _long(matrix.indptr),
                "indices": _int(matrix.indices),
                "values": matrix.data,
                "weights": association.weights.data,
                "alpha": association.alpha,
            },
        )
        write_manifest(
            folder,
            ASSOCIATION,
            _fields(vocabulary, origin, blocks=[asdict(block) for block in association.blocks]),
        )


def load_association(path: Path) -> tuple[Association, Vocabulary, Origin]:
    """Read an association folder; the cells stay a memory map. Raises ArtifactError where it is damaged."""
    manifest = load_manifest(path, ASSOCIATION)
    vocabulary, origin = Vocabulary.from_parts(path, manifest), _origin(path, manifest)
    ngrams, types = origin.config.get("ngrams"), origin.config.get("ngram_min_types")
    if not isinstance(ngrams, str) or not isinstance(types, int):
        raise _damaged(f"the config in {path} (ngrams {ngrams!r}, ngram_min_types {types!r})")
    kind, weight = origin.config.get("association"), origin.config.get("weight")
    if kind not in KINDS or weight not in WEIGHTS:
        raise _damaged(f"the config in {path} (association {kind!r}, weight {weight!r})")
    blocks, features = _load_features(path, manifest)
    shape = (len(vocabulary), len(features))
    file = path / "association.safetensors"
    values, weights = _matrix(file, "values", shape), _matrix(file, "weights", shape)
    alpha = open_arrays(file, private=True).get("alpha")
    if alpha is None or alpha.shape != (shape[1],) or not np.all(alpha >= 0):
        raise _damaged(f"{file} has no alpha of {shape[1]} numbers")
    return (
        Association(
            values, weights, np.asarray(alpha, np.float64), vocabulary.words, features, blocks, kind, weight
        ),
        vocabulary,
        origin,
    )


def _long(array: Any) -> Any:
    return np.asarray(array, np.int64)


def _int(array: Any) -> Any:
    return np.asarray(array, np.int32)


def _save_features(folder: Path, blocks: tuple[Block, ...], features: tuple[str, ...]) -> None:
    save_lines(
        folder / "features.tsv",
        (f"{block.kind}\t{name}" for block in blocks for name in features[block.begin : block.end]),
    )


def _load_features(path: Path, manifest: Mapping[str, Any]) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    features = tuple(line.partition("\t")[2] for line in load_lines(path / "features.tsv"))
    try:
        blocks = tuple(Block(**entry) for entry in manifest["blocks"])
        if not blocks or blocks[0].begin != 0 or blocks[-1].end != len(features):
            raise ValueError("the blocks do not cover the features")
        if any(one.end != two.begin for one, two in pairwise(blocks)) or not all(map(_sound, blocks)):
            raise ValueError("a block is damaged")
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(f"the blocks in {path} ({error!r})") from error
    return blocks, features


def _sound(block: Block) -> bool:
    numbers = (block.beta, 0.0 if block.unobserved is None else block.unobserved)
    return (
        block.begin <= block.end
        and isinstance(block.kind, str)
        and all(isinstance(number, (int, float)) and 0 <= number < math.inf for number in numbers)
    )


def _matrix(file: Path, name: str, shape: tuple[int, int]) -> csr_array:
    arrays = open_arrays(file, private=True)
    try:
        indptr, indices, data = arrays["indptr"], arrays["indices"], arrays[name]
    except KeyError as error:
        raise _damaged(f"{file} lacks {error}") from error
    sound = (
        (indptr.ndim, indices.ndim, data.ndim) == (1, 1, 1)
        and (indptr.dtype.str, indices.dtype.str, data.dtype.kind) == ("<i8", "<i4", "f")
        and len(indptr) == shape[0] + 1
        and indptr[0] == 0
        and indptr[-1] == len(indices) == len(data)
        and not np.any(np.diff(indptr) < 0)
    )
    if (
        not sound
        or (len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= shape[1]))
        or not np.isfinite(data).all()
    ):
        raise _damaged(f"{file} is not a matrix of {shape[0]} by {shape[1]}")
    matrix = csr_array(shape, dtype=data.dtype)
    matrix.indptr, matrix.indices, matrix.data = np.asarray(indptr), np.asarray(indices), np.asarray(data)
    return matrix


def _origin(path: Path, manifest: Mapping[str, Any]) -> Origin:
    try:
        return Origin(dict(manifest["config"]), tuple(dict(entry) for entry in manifest["inputs"]))
    except (KeyError, TypeError, ValueError, MorphvecError) as error:
        raise _damaged(f"the manifest of {path} ({error!r})") from error


def _damaged(value: str) -> ArtifactError:
    return ArtifactError(
        value, "the parts of a folder agree with its manifest", "restore the folder, or make it anew"
    )
