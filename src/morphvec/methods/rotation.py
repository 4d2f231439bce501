"""Rows of numbers brought into one space with others: preparation, the orthogonal map and the re-weighted one, mutual
neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from morphvec.arrays import Floats1d, Floats2d, Ints1d, Ints2d
from morphvec.embeddings.dense_rows import DenseRows
from morphvec.embeddings.rows import Rows, one_by_one
from morphvec.engine.base import Engine, even_blocks
from morphvec.engine.blas import one_blas_thread
from morphvec.evaluate.lexicon import NEIGHBOURS, neighbourhood, to_csls

STEPS = ("unit", "centre")
_BLOCK = 65_536  # rows turned at a time
_ROWS = 512  # rows compared at a time with all rows of the other side,
_CELLS = 8_000_000  # or fewer, to hold so many scores


def prepared(vectors: Floats2d, steps: Sequence[str]) -> Floats2d:
    """The rows float32 [T, k] after ``steps``, in a new array: each to length 1 (zeros stay), or less their mean."""
    rows = DenseRows(np.array(vectors, np.float32, order="C"))
    for step in steps:
        if step == "unit":
            rows = rows.unit()
        else:
            mean = rows.array.sum(axis=0, dtype=np.float64) / len(rows)
            for low, high in even_blocks(len(rows), _BLOCK):
                rows.array[low:high] = rows.array[low:high] - mean
    return rows.array


def procrustes(source: Floats2d, target: Floats2d) -> tuple[Floats2d, int]:
    """The orthogonal W float64 [k, k] with the least ‖XW − Y‖ of rows X, Y [n, k] in pairs; and how many directions the
    pairs leave open (0: W is the only one).

    Source: Schönemann, A generalized solution of the orthogonal Procrustes problem, Psychometrika 31 (1966).
    """
    with one_blas_thread():
        left, values, right = np.linalg.svd(source.astype(np.float64).T @ target.astype(np.float64))
        return left @ right, _left_open(values)


def _left_open(values: Floats1d) -> int:
    """How many of the falling singular values of pairs are nothing but rounding: the rows are rounded to float32."""
    least = values[0] * len(values) * np.finfo(np.float32).eps
    return int(np.count_nonzero(values <= least))


@dataclass(frozen=True, eq=False)
class Spread:
    """How far rows X [n, k] reach in each direction: the roots C^½ and C^−½ of C = XᵀX/n, float64 [k, k]."""

    root: Floats2d
    inverse: Floats2d

    @classmethod
    def of(cls, rows: Floats2d) -> Spread:
        """Of the rows; a direction in which they do not reach counts as one at the edge of their rounding."""
        X = rows.astype(np.float64)
        with one_blas_thread():
            sizes, basis = np.linalg.eigh(X.T @ X / max(len(X), 1))
            least = max(sizes[-1] * len(sizes) * float(np.finfo(np.float32).eps), np.finfo(np.float64).tiny)
            sizes = np.sqrt(np.maximum(sizes, least))
            return cls((basis * sizes) @ basis.T, (basis / sizes) @ basis.T)


def reweighted(
    source: Floats2d, target: Floats2d, spreads: tuple[Spread, Spread], power: float
) -> tuple[Floats2d, Floats2d, int]:
    """Maps P of the source side and Q of the target side, float64 [k, k], in which a direction counts by how well the pairs
    agree on it; and how many directions the pairs leave open.

    source, target: rows X, Y [n, k] in pairs. spreads: C and D of both sides. Of C^−½ (XᵀY/n) D^−½ = AΣBᵀ the values are
    the correlations of the pairs along the directions A and B. Each side is weighed by Σ^power along these and keeps its
    own spread, and the source is turned to the target:

        P = C^−½ AΣ^power Aᵀ C^½ ABᵀ,    Q = D^−½ BΣ^power Bᵀ D^½

    With power 0, P is orthogonal and Q the identity. Source: Artetxe, Labaka & Agirre, Generalizing and improving bilingual
    word embedding mappings with a multi-step framework of linear transformations, AAAI 2018 (whitening, re-weighting,
    de-whitening).
    """
    one, other = spreads
    with one_blas_thread():
        crossed = source.astype(np.float64).T @ target.astype(np.float64) / max(len(source), 1)
        left, values, right = np.linalg.svd(one.inverse @ crossed @ other.inverse)
        weights = values**power
        P = one.inverse @ (left * weights) @ left.T @ one.root @ left @ right
        Q = other.inverse @ (right.T * weights) @ right @ other.root
    return P, Q, _left_open(values)


def turned(vectors: Floats2d, W: Floats2d) -> Floats2d:
    """The rows of vectors · W, float32 [T, k]; products in float64, rounded once."""
    found = np.empty(vectors.shape, np.float32)
    with one_blas_thread():
        for low, high in even_blocks(len(vectors), _BLOCK):
            found[low:high] = vectors[low:high].astype(np.float64) @ W
    return found


def mutual_neighbours(sources: Rows, targets: Rows, engine: Engine) -> Ints2d:
    """int64 [n, 2]: the pairs of rows of two lots of unit rows that are each other's nearest by CSLS.

    Of equally near rows the lower one counts. The bits do not depend on the threads of the engine.
    """
    with one_blas_thread():
        there = _nearest(sources, targets, engine)
        back = _nearest(targets, sources, engine)
    found = np.flatnonzero(back[there] == np.arange(len(sources)))
    return np.stack([found, there[found]], axis=1)


def _nearest(rows: Rows, others: Rows, engine: Engine) -> Ints1d:
    """int64 [n]: the best of the ``others`` by CSLS for each row."""
    hubness = np.concatenate(
        engine.map(
            lambda block: neighbourhood(others.take(slice(*block)), rows, NEIGHBOURS),
            even_blocks(len(others), _ROWS),
        )
    )

    def best(block: tuple[int, int]) -> Ints1d:
        scores = np.empty((block[1] - block[0], len(others)), np.float32)
        others.scores(one_by_one(rows, np.arange(*block)), scores)
        to_csls(scores, hubness)
        nearest: Ints1d = scores.argmax(axis=1)
        return nearest

    size = max(1, min(_ROWS, _CELLS // len(others)))
    return np.concatenate(engine.map(best, even_blocks(len(rows), size)))
