"""The vectors of a model folder, dense or sparse: arrays of ``vectors.safetensors``, and the hash that names them.

    vectors                                          float32 [T, k]
    vectors_indptr, vectors_indices, vectors_data    CSR of [T, k], where the manifest says ``sparse``

Columns ascend in a row, each at most once, and data are float32. Both index arrays are int32, or int64 where a row
number, a column or the number of cells does not fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from morphvec.artifact import sha256_array
from morphvec.embeddings.coded import opened, stored
from morphvec.embeddings.rows import Vectors, csr_of
from morphvec.embeddings.sparse_rows import canonical

NAMES = ("vectors_indptr", "vectors_indices", "vectors_data")
_CELLS = 4_000_000  # looked at at a time


def vector_arrays(vectors: Vectors) -> dict[str, NDArray[Any]]:
    """The arrays of vectors by the names that they have in the file."""
    if not issparse(vectors):
        return stored("vectors", vectors)
    matrix = canonical(vectors)
    return dict(zip(NAMES, (matrix.indptr, matrix.indices, matrix.data), strict=True))


def vectors_sha256(vectors: Vectors) -> str:
    """SHA-256 of the little-endian bytes of the vectors, row by row; of sparse ones of indptr, indices and data, in this
    order, as they are stored; of quantized ones, of what they are decoded to."""
    if not issparse(vectors):
        return sha256_array(np.asarray(vectors, np.float32))
    arrays = list(vector_arrays(vectors).values())
    digest = hashlib.sha256()
    for array in arrays:
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(little.view(np.uint8).data)
    return digest.hexdigest()


def load_vectors(arrays: Mapping[str, NDArray[Any]], shape: tuple[int, int], *, sparse: bool) -> Vectors:
    """The vectors of an open file, still memory maps; sparse ones are read through once.

    Raises ValueError or KeyError where they are not float32 of this shape, or no sound CSR of finite numbers.
    """
    if not sparse:
        vectors = opened("vectors", arrays)
        if vectors is None or vectors.shape != shape or vectors.dtype != np.float32:
            found = None if vectors is None else vectors.shape
            raise ValueError(f"vectors of shape {found} and a manifest with {shape}")
        return vectors
    indptr, indices, data = (arrays[name] for name in NAMES)
    if (
        (indptr.ndim, indices.ndim, data.ndim) != (1, 1, 1)
        or data.dtype != np.float32
        or indptr.dtype not in (np.int32, np.int64)
        or indices.dtype != indptr.dtype
    ):
        raise ValueError("the sparse vectors have another type")
    if len(indptr) != shape[0] + 1 or min(shape) < 1 or len(data) != len(indices):
        raise ValueError(f"sparse vectors of {len(indptr) - 1} rows and a manifest with {shape}")
    if int(indptr[0]) != 0 or int(indptr[-1]) != len(indices) or bool(np.any(np.diff(indptr) < 0)):
        raise ValueError("the rows of the sparse vectors do not follow each other")
    starts = np.asarray(indptr)
    for low in range(0, len(indices), _CELLS):
        high = min(low + _CELLS, len(indices))
        columns = np.asarray(indices[low : high + 1])  # with the one that follows
        if int(columns.min()) < 0 or int(columns.max()) >= shape[1]:
            raise ValueError("the sparse vectors have a column outside the manifest's dim")
        back = low + 1 + np.flatnonzero(np.diff(columns) <= 0)  # cells that may only begin a row
        if not np.isin(
            back, starts[np.searchsorted(starts, low) : np.searchsorted(starts, high, "right")]
        ).all():
            raise ValueError("the columns of a sparse vector do not ascend")
        if not np.isfinite(data[low:high]).all():
            raise ValueError("the sparse vectors hold numbers that are not finite")
    return csr_of(indptr, indices, data, shape)
