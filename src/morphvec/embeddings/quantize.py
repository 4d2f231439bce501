"""Models of a quarter of the size and less: every matrix as bytes, whose scores are nearly those of the numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.cluster.vq import vq

from morphvec.arrays import Floats2d
from morphvec.embeddings.coded import CENTRES, Coded, Scaled, Split
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.blas import one_blas_thread
from morphvec.errors import InputError, OptionError
from morphvec.rng import stream

_BLOCK = 65_536  # rows at a time
_BITS, _LARGEST = 8, 127  # of int8
_SAMPLE, _ROUNDS = 20_000, 12  # rows that centres are found from, and rounds of finding them


def quantize(model: Embeddings, *, bits: int = 8, pq: int | None = None, seed: int = 0) -> Embeddings:
    """The model with vectors, feature vectors and parts as codes.

    bits 8: each row as int8 and its own scale, a quarter of the size. pq: each row as its length and this many bytes, one
    for each of as many pieces of equal size (product quantization); centres from at most 20,000 rows.
    Raises OptionError for bits other than 8 and for a pq that does not divide k, InputError for sparse or quantized models.
    """
    if bits != _BITS:
        raise OptionError(f"bits={bits}", "numbers are quantized to 8 bits", "use --bits 8, or --pq for less")
    dim = model.vector_size
    if pq is not None and (not 1 <= pq <= dim or dim % pq):
        fit = ", ".join(str(pieces) for pieces in range(1, dim + 1) if dim % pieces == 0)
        raise OptionError(f"pq={pq}", f"it divides the vectors' {dim} numbers: {fit}", "choose one of these")
    if model.sparse or isinstance(model.vectors, Coded):
        raise InputError(
            "sparse vectors" if model.sparse else "a quantized model",
            "dense vectors of float32 are quantized",
            "give the model that it was made from" if not model.sparse else "train with --method svd",
        )

    def coded(matrix: Any) -> Any:  # a Coded, which stands where an array does
        return scaled(matrix) if pq is None or matrix.shape[1] % pq else split(matrix, pq, seed)

    parts = model.parts
    how: dict[str, Any] = {"bits": bits} if pq is None else {"pq": pq, "seed": seed}
    return Embeddings(
        model.words,
        coded(model.vectors),
        counts=model.counts,
        contexts=None if model.contexts is None else coded(model.contexts),
        features=model.features,
        biases=model.biases,
        constrained=model.constrained,
        parts=None if parts is None else replace(parts, vectors=coded(parts.vectors)),
        tokenizer=model.tokenizer,
        languages=model.languages,
        manifest={**model.manifest, "quantized": how},
        checked=True,
    )


def scaled(matrix: Floats2d) -> Scaled:
    """Each row as int8, rounded to the nearest, and the scale by which its largest number is 127."""
    codes = np.empty(matrix.shape, np.int8)
    scales = np.empty(len(matrix), np.float32)
    for low in range(0, len(matrix), _BLOCK):
        rows = np.asarray(matrix[low : low + _BLOCK], np.float32)
        scale = (np.abs(rows).max(axis=1) / np.float32(_LARGEST)).astype(np.float32)
        # of numbers so small that their scale vanishes zeros are left
        numbers = np.divide(rows, scale[:, None], out=np.zeros_like(rows), where=scale[:, None] > 0)
        codes[low : low + _BLOCK] = np.clip(np.rint(numbers), -_LARGEST, _LARGEST)
        scales[low : low + _BLOCK] = scale
    return Scaled(codes, scales)


def split(matrix: Floats2d, pieces: int, seed: int) -> Split:
    """Each row as its length and one byte for each piece of its direction."""
    size = matrix.shape[1] // pieces
    chosen = np.arange(len(matrix))
    if len(matrix) > _SAMPLE:
        chosen = np.sort(stream(seed).choice(len(matrix), _SAMPLE, replace=False))
    sample, _ = _directions(np.asarray(matrix[chosen], np.float32))
    books = np.stack([_centres(sample[:, m * size : (m + 1) * size], seed) for m in range(pieces)])
    codes = np.empty((len(matrix), pieces), np.uint8)
    lengths = np.empty(len(matrix), np.float32)
    for low in range(0, len(matrix), _BLOCK):
        block = slice(low, low + _BLOCK)
        directions, lengths[block] = _directions(np.asarray(matrix[block], np.float32))
        for m in range(pieces):
            codes[block, m] = _nearest(directions[:, m * size : (m + 1) * size], books[m])
    return Split(codes, books, lengths)


def _directions(rows: Floats2d) -> tuple[Floats2d, Any]:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64)).astype(np.float32)
    return rows / np.where(lengths > 0, lengths, np.float32(1))[:, None], lengths


def _nearest(points: Floats2d, centres: Floats2d) -> Any:
    with one_blas_thread():
        return vq(np.ascontiguousarray(points), centres, check_finite=False)[0]


def _centres(points: Floats2d, seed: int) -> Floats2d:
    """256 centres of points by Lloyd's rounds from points drawn at random; a centre without points stays where it is."""
    count = min(CENTRES, len(points))
    centres = points[np.sort(stream(seed).choice(len(points), count, replace=False))]
    centres = np.concatenate([centres, np.repeat(centres[-1:], CENTRES - count, axis=0)])
    for _ in range(_ROUNDS):
        codes = _nearest(points, centres)
        sizes = np.bincount(codes, minlength=CENTRES)
        sums = np.stack([np.bincount(codes, column, CENTRES) for column in points.T], axis=1)
        centres = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres).astype(
            np.float32
        )
    return np.ascontiguousarray(centres)


def agreement(model: Embeddings, made: Embeddings) -> float:
    """The mean cosine of the words' vectors of two models of the same words."""
    total = 0.0
    for low in range(0, len(model), _BLOCK):
        one, other = (np.asarray(of.vectors[low : low + _BLOCK], np.float64) for of in (model, made))
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        dots = np.einsum("ij,ij->i", one, other)
        total += float(np.divide(dots, lengths, out=np.ones(len(dots)), where=lengths > 0).sum())
    return total / len(model)
