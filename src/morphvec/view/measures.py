"""What the plots show, as plain arrays: curves of training, norms, cosines, spectra, neighbours between languages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.artifact import LOG, load_lines
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.blas import one_blas_thread
from morphvec.errors import InputError, OptionError
from morphvec.evaluate import collapse
from morphvec.evaluate.base import check_language
from morphvec.morphology.tables import Table
from morphvec.rng import stream
from morphvec.view.prepare import Chosen, choose
from morphvec.view.project import nearest

_TERMS = ("fit", "unobserved", "ridge", "validation")


@dataclass(frozen=True, eq=False)
class Curves:
    """Terms of the objective after each epoch: name → float64 [epochs], ``total`` first; epochs int64 [epochs]."""

    epochs: Ints1d
    terms: Mapping[str, Floats1d]


def training_curves(path: str | Path) -> Curves:
    """The curves of a model folder's log. Raises InputError where it has none."""
    file = Path(path) / LOG
    records: list[Mapping[str, Any]] = []
    if file.is_file():
        try:
            records = [json.loads(line) for line in load_lines(file)]
            records = [record for record in records if "epoch" in record and "total" in record]
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(
                f"{file}: {error}", "a log has one JSON object a line", "train the model anew"
            ) from error
    if not records:
        raise InputError(
            f"{file} with no epochs",
            "curves are those of a model that was trained in epochs",
            "give a model of als, sgd, adagrad or adam",
        )
    flat = [
        {"total": record["total"]}
        | {name: record[name] for name in _TERMS if name in record}
        | dict(record.get("classes", {}))
        for record in records
    ]
    names = dict.fromkeys(name for one in flat for name in one)
    terms = {name: np.array([one.get(name, np.nan) for one in flat], np.float64) for name in names}
    return Curves(np.array([record["epoch"] for record in records], np.int64), terms)


def frequency_and_norm(model: Embeddings) -> tuple[Floats1d, Floats1d]:
    """Count and length of the vector of each word, float64 [T]. Raises OptionError for a model without counts."""
    if model.counts is None:
        raise OptionError(
            "a model without counts", "frequency is drawn against norm", "give a model that was trained here"
        )
    return np.asarray(model.counts, np.float64), np.asarray(model.norms, np.float64)


def class_spread(model: Embeddings, table: Table) -> dict[str, dict[str, float]]:
    """Bundle → pairs, compactness, identity and chance (``evaluate.collapse``). Raises InputError where no class is left."""
    outcome = collapse.score(model, table)[0]
    classes: dict[str, dict[str, float]] = outcome.detail["classes"]
    if not classes:
        raise InputError(f"{table.source}", outcome.reason, "give another table, or a model of more words")
    return classes


@dataclass(frozen=True, eq=False)
class Angles:
    """Cosines and distances of words. The first two are of pairs drawn at random, the others of each word to its nearest.

    cosines, distances: float64 [pairs]; nearest_cosines, nearest_distances: float64 [n]. Distances are Euclidean, between
    the vectors as served, divided by their mean length. dim: k. effective: 1/mean cos², the dimensions in which random
    directions would have such cosines.
    """

    cosines: Floats1d
    distances: Floats1d
    nearest_cosines: Floats1d
    nearest_distances: Floats1d
    dim: int
    effective: float


def angles(model: Embeddings, chosen: Chosen, *, pairs: int = 200_000, seed: int = 0) -> Angles:
    """Cosines and distances among words with rows. Raises OptionError for fewer than three."""
    n = len(chosen.words)
    if n < 3:
        raise OptionError(f"{n} words", "cosines are taken among at least three", "give more --words")
    lengths = np.asarray(model.norms, np.float64)[chosen.rows]
    unit = float(lengths.mean()) or 1.0
    generator = stream(seed)
    first = generator.integers(0, n, size=pairs)
    second = (first + generator.integers(1, n, size=pairs)) % n  # never itself
    cosines = np.empty(pairs)
    for low in range(0, pairs, 50_000):
        block = slice(low, low + 50_000)
        cosines[block] = np.einsum("ij,ij->i", chosen.points[first[block]], chosen.points[second[block]])
    near, best = nearest(chosen.points, 1)

    def distance(a: Ints1d, b: Ints1d, cosine: Floats1d) -> Floats1d:
        x, y = lengths[a], lengths[b]
        return np.asarray(np.sqrt(np.maximum(x * x + y * y - 2 * x * y * cosine, 0.0)) / unit)

    return Angles(
        cosines,
        distance(first, second, cosines),
        best[:, 0],
        distance(np.arange(n), near[:, 0], best[:, 0]),
        model.vector_size,
        1.0 / max(float(np.mean(cosines**2)), 1e-12),
    )


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Singular values float64 [k], descending. of: what they are of."""

    values: Floats1d
    of: str


def spectrum(model: Embeddings) -> Spectrum:
    """Singular values of words times contexts, the matrix that was fitted; of the vectors alone where there are no contexts.

    With the default power 0 the vectors alone have a flat spectrum: the values are all in the contexts.
    Raises OptionError for sparse vectors.
    """
    if model.sparse:
        raise OptionError(
            "sparse vectors", "their rows are the association itself", "give a model of --method svd"
        )
    with one_blas_thread():
        right = _triangle(model.vectors)
        if model.contexts is None or model.contexts.shape[1] != model.vector_size:
            return Spectrum(np.linalg.svd(right, compute_uv=False), "the word vectors")
        product = right @ _triangle(model.contexts).T
        return Spectrum(np.linalg.svd(product, compute_uv=False), "words × contexts")


def _triangle(matrix: Floats2d) -> Floats2d:
    """R of the QR factorization."""
    return np.asarray(np.linalg.qr(np.asarray(matrix, np.float64), mode="r"))


@dataclass(frozen=True, eq=False)
class Between:
    """Cosines float64 [rows, columns] of words of two languages; best int64 [rows]: the column of the row's nearest word."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cosines: Floats2d
    best: Ints1d


def between(
    model: Embeddings,
    source: str,
    target: str,
    words: int | Sequence[str] = 24,
    *,
    skip: int = 0,
) -> Between:
    """Words of one language against their nearest words among all of another, each such word once.

    Raises OptionError where the model does not have both languages.
    """
    for language in (source, target):
        check_language(model, language)
    asked = choose(model, words, language=source, skip=skip)
    rows = model.language_rows(target)
    units, sources = (
        model.rows.unit(rows),
        model.rows.picked(
            asked.rows,
            {
                place: model.vector_for(word)
                for place, word in enumerate(asked.words)
                if asked.rows[place] < 0
            },
        ).unit(),
    )
    best = []
    for place in range(len(asked.words)):
        with one_blas_thread():
            best.append(int(np.argmax(units.dots(np.asarray(sources.row(place), np.float32)))))
    columns = list(dict.fromkeys(best))
    found = choose(model, [*asked.words, *(model.words[rows[column]] for column in columns)])
    n = len(asked.words)
    return Between(
        tuple(model.split(word)[1] for word in asked.words),
        tuple(model.split(model.words[rows[column]])[1] for column in columns),
        found.points[:n] @ found.points[n:].T,
        np.array([columns.index(column) for column in best], np.int64),
    )
