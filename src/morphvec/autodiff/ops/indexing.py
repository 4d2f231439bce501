"""Indexing, and its transpose: adding values at places, where a place that occurs n times receives n values."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from morphvec.autodiff.backward import SparseMessage, defvjp
from morphvec.autodiff.ops.shapes import ndim, reshape, shape_of, sum_
from morphvec.autodiff.tracer import Node, Value, primitive, twin_of
from morphvec.errors import MorphvecError

SMALL = 2048  # values; below, the general way costs less than the fast way's preparation


@primitive
def pick(x: Value, index: Any) -> Any:
    """``x[index]``: integers, slices, None, ..., integer arrays, masks."""
    return x[index]


@primitive
def scatter_add(values: Value, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of ``shape`` with ``values`` added at ``index``, repeated places adding up."""
    out = np.zeros(shape, values.dtype)
    add_at(out, index, values)
    return out


def add_at(out: Any, index: Any, values: Any) -> None:
    """``np.add.at``, fast for whole rows and for indices that cannot repeat; changes ``out``."""
    parts = index if isinstance(index, tuple) else (index,)
    if all(part is None or part is Ellipsis or isinstance(part, int | np.integer | slice) for part in parts):
        out[index] += values
    elif (
        isinstance(index, np.ndarray)
        and index.dtype.kind in "iu"
        and out.ndim == 2
        and values.size > SMALL
        and out.dtype in (np.float32, np.float64)
    ):
        _add_rows(out, index.ravel(), values.reshape(-1, out.shape[1]))
    else:
        np.add.at(out, index, values)


def _add_rows(out: Any, ids: Any, rows: Any) -> None:
    """``out[ids[i]] += rows[i]`` as a product with a sparse 0-1 matrix: each output row is summed in order of i."""
    from scipy.sparse import csr_array  # here, so that importing morphvec does not load it

    ids = ids.astype(np.intp)  # a small type could not hold the sum
    ids = np.where(ids < 0, ids + out.shape[0], ids)
    used: Any = slice(None)
    height = out.shape[0]
    if ids.size < height:  # only the rows that occur: the product would have the height of the table
        used, ids = np.unique(ids, return_inverse=True)
        height = used.size
    choice = csr_array((np.ones(ids.size, out.dtype), ids, np.arange(ids.size + 1)), shape=(ids.size, height))
    out[used] += choice.T @ rows


def _pick(g: Value, out: Value, x: Value, index: Any) -> SparseMessage:
    return SparseMessage(index, g, shape_of(x), scatter_add, add_at)


defvjp(pick, _pick)
defvjp(scatter_add, lambda g, out, values, index, size: pick(g, index))


@twin_of(operator.getitem)
def getitem(x: Value, index: Any) -> Value:
    """``x[index]``; raises MorphvecError for an index that is itself traced."""
    for part in index if isinstance(index, tuple | list) else (index,):
        if type(part) is Node:
            raise MorphvecError(
                "a traced value as an index",
                "an index is a plain integer",
                "take it from argmax, or from stop_gradient(x).astype(int)",
            )
    return pick(x, index)


@twin_of(np.take)
def take(x: Value, indices: Any, axis: int | None = None) -> Value:
    """The slices of x at integer ``indices`` along ``axis``; with None, of x as one axis."""
    if axis is None:
        return getitem(reshape(x, -1), indices)
    return getitem(x, (slice(None),) * (axis % ndim(x)) + (indices,))


def _diagonal(size: tuple[int, ...], k: int) -> tuple[Any, Any]:
    """Row and column numbers of the k-th diagonal."""
    height, width = size
    n = max(min(height + min(k, 0), width - max(k, 0)), 0)
    return np.arange(n) - min(k, 0), np.arange(n) + max(k, 0)


@twin_of(np.diag)
def diag(x: Value, k: int = 0) -> Value:
    """The k-th diagonal of a matrix; or the square matrix with the vector x on its k-th diagonal."""
    if ndim(x) == 2:
        return pick(x, _diagonal(shape_of(x), k))
    if ndim(x) != 1:
        raise MorphvecError(
            f"diag of an array of shape {shape_of(x)}",
            "it takes a vector or a matrix",
            "use einsum for more axes",
        )
    n = shape_of(x)[0] + abs(k)
    return scatter_add(x, _diagonal((n, n), k), (n, n))


@twin_of(np.trace)
def trace(x: Value, offset: int = 0) -> Value:
    """The sum of the diagonal of the first two axes."""
    return sum_(pick(x, _diagonal(shape_of(x)[:2], offset)), 0)
