"""Kernels over stored cells: margins, association values, transposition."""

from __future__ import annotations

import math
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Cells1d, Floats1d

Indices = NDArray[np.integer[Any]]


@nb.njit(nogil=True, cache=True)
def block_margins(
    indptr: Indices,
    indices: Indices,
    data: NDArray[np.float64],
    ends: NDArray[np.int64],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
) -> None:
    """Add up the cells: rows[t, b] over the columns of block b, columns[f] over all rows.

    ends: int64[blocks], the end column of each block; columns of a row are sorted.
    """
    for t in range(len(indptr) - 1):
        block = 0
        for n in range(indptr[t], indptr[t + 1]):
            while indices[n] >= ends[block]:
                block += 1
            rows[t, block] += data[n]
            columns[indices[n]] += data[n]


@nb.njit(nogil=True, cache=True)
def _value(kind: int, count: float, row_term: float, column_term: float, idf: float) -> float:
    """The association of a cell."""
    if kind == 0:
        return math.log(count) - row_term - column_term
    if kind == 1:
        return count
    if kind == 2:
        return math.log(count)
    return math.log1p(count) * (idf if kind == 4 else 1.0)


@nb.njit(nogil=True, cache=True)
def count_kept(
    indptr: Indices,
    indices: Indices,
    data: NDArray[np.float64],
    ends: NDArray[np.int64],
    row_terms: NDArray[np.float64],
    column_terms: NDArray[np.float64],
    idf: NDArray[np.float64],
    add: float,
    kind: int,
    floor: float,
    lengths: NDArray[np.int64],
    begin: int,
    end: int,
) -> None:
    """lengths[t] = number of cells of row t whose association exceeds ``floor`` (−inf keeps all observed cells)."""
    for t in range(begin, end):
        block, kept = 0, 0
        for n in range(indptr[t], indptr[t + 1]):
            f = indices[n]
            while f >= ends[block]:
                block += 1
            if _value(kind, data[n] + add, row_terms[t, block], column_terms[f], idf[f]) > floor:
                kept += 1
        lengths[t] = kept


@nb.njit(nogil=True, cache=True)
def associate(
    indptr: Indices,
    indices: Indices,
    data: NDArray[np.float64],
    ends: NDArray[np.int64],
    row_terms: NDArray[np.float64],
    column_terms: NDArray[np.float64],
    idf: NDArray[np.float64],
    add: float,
    kind: int,
    floor: float,
    weight_kind: int,
    weight_max: float,
    betas: NDArray[np.float64],
    alphas: NDArray[np.float64],
    out_indptr: NDArray[np.int64],
    out_indices: NDArray[np.int32],
    values: NDArray[np.float32],
    weights: NDArray[np.float32],
    begin: int,
    end: int,
) -> None:
    """Fill the kept cells of rows [begin, end) with their values and weights.

    kind: 0 PMI, ln n − row term − column term (nats); 1 the count n; 2 ln n; 3 ln(1 + n); 4 ln(1 + n)·idf of the
    column. weight_kind: 0 constant (1), 1 sqrt (min(√n, weight_max)), 2 glove (min(1, (n/weight_max)^¾)), 4 count
    (min(n, weight_max)), 5 curvature (min(n·m/(n + m), weight_max) with m = exp(row term + column term)), each times
    the block's β; 3 alpha+sqrt, which is sqrt on top of the block's α.
    """
    for t in range(begin, end):
        block, at = 0, out_indptr[t]
        for n in range(indptr[t], indptr[t + 1]):
            f = indices[n]
            while f >= ends[block]:
                block += 1
            count = data[n] + add
            value = _value(kind, count, row_terms[t, block], column_terms[f], idf[f])
            if value > floor:
                if weight_kind == 0:
                    weight = 1.0
                elif weight_kind == 2:
                    weight = min(1.0, (count / weight_max) ** 0.75)
                elif weight_kind == 4:
                    weight = min(count, weight_max)
                elif weight_kind == 5:
                    expected = math.exp(row_terms[t, block] + column_terms[f])
                    weight = min(count * expected / (count + expected), weight_max)
                else:
                    weight = min(math.sqrt(count), weight_max)
                out_indices[at] = f
                values[at] = value
                weights[at] = betas[block] * weight + (alphas[block] if weight_kind == 3 else 0.0)
                at += 1


@nb.njit(nogil=True, cache=True)
def column_lengths(indices: Indices, lengths: NDArray[np.int64]) -> None:
    """lengths[f] += number of cells in column f."""
    for n in range(len(indices)):
        lengths[indices[n]] += 1


@nb.njit(nogil=True, cache=True)
def transpose(
    indptr: Indices,
    indices: Indices,
    first: Cells1d,
    second: Cells1d,
    heads: NDArray[np.int64],
    out_indices: NDArray[np.int32],
    out_first: Cells1d,
    out_second: Cells1d,
    begin: int,
    end: int,
) -> None:
    """Write the cells of the columns [begin, end) by column; rows come out sorted in each column.

    Each row's columns must be sorted. heads: int64[columns], next free place of each column (moved on).
    """
    for t in range(len(indptr) - 1):
        low, high = indptr[t], indptr[t + 1]
        if begin > 0:
            left, right = low, high
            while left < right:
                middle = (left + right) // 2
                if indices[middle] < begin:
                    left = middle + 1
                else:
                    right = middle
            low = left
        for n in range(low, high):
            column = indices[n]
            if column >= end:
                break
            at = heads[column]
            out_indices[at] = t
            out_first[at] = first[n]
            out_second[at] = second[n]
            heads[column] = at + 1


@nb.njit(nogil=True, cache=True)
def count_corner(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    rows: NDArray[np.int64],
    places: NDArray[np.int32],
    lengths: NDArray[np.int64],
    begin: int,
    end: int,
) -> None:
    """lengths[r] = cells of row rows[r] whose column has a place (at least 0), for r in [begin, end)."""
    for r in range(begin, end):
        count = 0
        for n in range(indptr[rows[r]], indptr[rows[r] + 1]):
            count += places[indices[n]] >= 0
        lengths[r] = count


@nb.njit(nogil=True, cache=True)
def take_corner(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    first: Floats1d,
    second: Floats1d,
    rows: NDArray[np.int64],
    places: NDArray[np.int32],
    out_indptr: NDArray[np.int64],
    out_indices: NDArray[np.int32],
    out_first: Floats1d,
    out_second: Floats1d,
    begin: int,
    end: int,
) -> None:
    """The cells that ``count_corner`` counted, two values each, their columns as places."""
    for r in range(begin, end):
        head = out_indptr[r]
        for n in range(indptr[rows[r]], indptr[rows[r] + 1]):
            place = places[indices[n]]
            if place >= 0:
                out_indices[head], out_first[head], out_second[head] = place, first[n], second[n]
                head += 1
