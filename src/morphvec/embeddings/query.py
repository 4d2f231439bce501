"""Nearest rows of a matrix: exact, ties to the lower row."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse

from morphvec.arrays import Floats1d, Ints1d
from morphvec.embeddings.dense_rows import DenseRows
from morphvec.embeddings.rows import Rows, Vectors
from morphvec.embeddings.sparse_rows import SparseRows

METRICS = ("cosine", "dot", "euclidean")


def as_rows(vectors: Vectors) -> Rows:
    """Vectors [T, k], an array or CSR with ascending columns, as rows."""
    return SparseRows(vectors) if issparse(vectors) else DenseRows(vectors)


def row_norms(vectors: Vectors) -> Floats1d:
    """Length of each row, float32 [T], computed block by block (a memory map is never copied whole)."""
    return as_rows(vectors).norms()


def nearest_rows(
    vectors: Vectors,
    norms: Floats1d,
    query: Floats1d,
    count: int,
    *,
    metric: str = "cosine",
    allowed: Ints1d | None = None,
    excluded: Ints1d | None = None,
) -> tuple[Ints1d, Floats1d]:
    """The ``count`` best rows for one query vector float32 [k] and their scores, best first.

    vectors: float32 [T, k], dense or CSR. metric: cosine or dot (higher is nearer), euclidean (the distance; lower is
    nearer). allowed: rows to choose from (all where left out). excluded: rows never returned. A row of zeros has
    cosine 0 to everything.
    """
    query = np.asarray(query, np.float32)
    scores = as_rows(vectors).dots(query)
    length = float(np.sqrt(np.dot(query.astype(np.float64), query.astype(np.float64))))
    if metric == "cosine":
        denominator = norms * np.float32(length)
        scores = np.divide(scores, denominator, out=np.zeros_like(scores), where=denominator > 0)
    elif metric == "euclidean":
        scores = -np.sqrt(np.maximum(norms.astype(np.float64) ** 2 - 2.0 * scores + length**2, 0.0)).astype(
            np.float32
        )
    rows = np.arange(len(norms)) if allowed is None else np.asarray(allowed)
    if excluded is not None and len(excluded):
        rows = rows[~np.isin(rows, excluded)]
    picked = scores[rows]
    if count < len(rows):
        threshold = np.partition(picked, len(rows) - count)[len(rows) - count]
        rows = rows[picked >= threshold]
        picked = scores[rows]
    order = np.lexsort((rows, -picked))[:count]
    found = picked[order]
    return rows[order], -found if metric == "euclidean" else found
