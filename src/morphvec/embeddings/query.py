"""Nearest rows of a matrix: exact, blocked, ties to the lower row."""

from __future__ import annotations

import numpy as np

from morphvec.arrays import Floats1d, Floats2d, Ints1d

_BLOCK = 65_536  # rows scored at once
METRICS = ("cosine", "dot", "euclidean")


def row_norms(vectors: Floats2d) -> Floats1d:
    """Length of each row, float32 [T], computed block by block (a memory map is never copied whole)."""
    norms = np.empty(len(vectors), np.float32)
    for low in range(0, len(vectors), _BLOCK):
        block = np.asarray(vectors[low : low + _BLOCK])
        norms[low : low + _BLOCK] = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64))
    return norms


def nearest_rows(
    vectors: Floats2d,
    norms: Floats1d,
    query: Floats1d,
    count: int,
    *,
    metric: str = "cosine",
    allowed: Ints1d | None = None,
    excluded: Ints1d | None = None,
) -> tuple[Ints1d, Floats1d]:
    """The ``count`` best rows for one query vector and their scores, best first.

    metric: cosine or dot (higher is nearer), euclidean (the distance; lower is nearer). allowed: rows to choose from
    (all where left out). excluded: rows never returned. A row of zeros has cosine 0 to everything.
    """
    query = np.asarray(query, np.float32)
    scores = np.empty(len(vectors), np.float32)
    for low in range(0, len(vectors), _BLOCK):
        scores[low : low + _BLOCK] = np.asarray(vectors[low : low + _BLOCK]) @ query
    length = float(np.sqrt(np.dot(query.astype(np.float64), query.astype(np.float64))))
    if metric == "cosine":
        denominator = norms * np.float32(length)
        scores = np.divide(scores, denominator, out=np.zeros_like(scores), where=denominator > 0)
    elif metric == "euclidean":
        scores = -np.sqrt(np.maximum(norms.astype(np.float64) ** 2 - 2.0 * scores + length**2, 0.0)).astype(
            np.float32
        )
    rows = np.arange(len(vectors)) if allowed is None else np.asarray(allowed)
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
