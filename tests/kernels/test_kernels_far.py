"""Cells beyond place 2^31 of their arrays: the arrays are files with holes, of which only the ends exist."""

from __future__ import annotations

import numpy as np
import pytest

from morphvec.kernels import rows as kernel
from morphvec.kernels.cells import block_margins, transpose
from morphvec.kernels.runs import unfold
from morphvec.kernels.sparse import sparse_rows

FAR = 2**31 - 3  # three cells before the border of int32, the rest behind it
CELLS = 8


@pytest.fixture
def hole(tmp_path):
    """Makes arrays of 2^31 + 5 places; only the pages that are written take room."""
    made = []

    def make(dtype):
        path = tmp_path / f"{len(made)}.hole"
        size = FAR + CELLS
        try:
            with path.open("wb") as handle:
                handle.truncate(size * np.dtype(dtype).itemsize)
            array = np.asarray(np.memmap(path, dtype, "r+", shape=(size,)))
        except (OSError, ValueError) as error:
            pytest.skip(f"no file with holes here: {error}")
        made.append(path)
        return array

    yield make
    for path in made:
        path.unlink()


def test_rows_whose_cells_lie_behind_2_31(hole):
    indices, data, pull = hole(np.int32), hole(np.float32), hole(np.float32)
    indices[FAR:] = [0, 2, 1, 2, 3, 0, 1, 3]
    data[FAR:] = np.arange(1, 9)
    pull[FAR:] = np.arange(8)
    indptr = np.array([FAR, FAR + 5, FAR + 8], np.int64)
    near = indptr - FAR
    X = np.arange(12, dtype=np.float32).reshape(4, 3) / 8
    far_out, near_out = np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32)
    sparse_rows(indptr, indices, data, X, far_out, False, 0, 2)
    sparse_rows(near, indices[FAR:].copy(), data[FAR:].copy(), X, near_out, False, 0, 2)
    assert near_out.any()
    assert np.array_equal(far_out, near_out)

    U, ones, G = X[:2].copy(), np.ones(4, np.float32), (X.T @ X)
    rest = (np.array([0, 1, 1], np.float32), ones[:2], ones)
    cells = [(indptr, indices, pull, data), (near, *(a[FAR:].copy() for a in (indices, pull, data)))]
    far_fit, near_fit = (kernel.fit_rows(*first, *rest, U, X, ones[:3], 0, 2) for first in cells)
    assert near_fit[0] > 0
    assert far_fit == near_fit

    solved = [U.copy(), U.copy()]
    for out, first in zip(solved, cells, strict=True):
        kernel.solve_rows(*first, *rest, X, ones[:3], G, ones[:3], 3, np.float32(0), out, 0, 2)
    assert not np.array_equal(solved[0], U)
    assert np.array_equal(*solved)


def test_transposing_and_adding_up_behind_2_31(hole):
    indices, first = hole(np.int32), hole(np.float64)
    indices[FAR:] = [0, 1, 3, 4, 5, 1, 2, 5]
    first[FAR:] = np.arange(1, 9)
    indptr = np.array([FAR, FAR + 5, FAR + 8], np.int64)
    heads = np.array([0, 1, 3, 4, 5, 6], np.int64)
    out_indices, one, two = np.full(8, -1, np.int32), np.zeros(8), np.zeros(8)
    for low, high in ((0, 2), (2, 6)):  # a cut that begins inside: the rows are searched for it
        transpose(indptr, indices, first, first, heads, out_indices, one, two, low, high)
    assert out_indices.tolist() == [0, 0, 1, 1, 0, 0, 0, 1]
    assert one.tolist() == two.tolist() == [1, 2, 6, 7, 3, 4, 5, 8]
    rows, columns = np.zeros((2, 1)), np.zeros(6)
    block_margins(indptr, indices, first, np.array([6], np.int64), rows, columns)
    assert rows.tolist() == [[15.0], [21.0]]
    assert columns.tolist() == [1, 8, 7, 3, 4, 13]


def test_unfolding_writes_behind_2_31(hole):
    indices, data = hole(np.int32), hole(np.float64)
    keys = np.array([0b0000, 0b0001, 0b0110, 0b1010], np.uint64)  # (0, 0), (0, 1), (1, 2), (2, 2)
    heads = np.array([FAR, FAR + 2, FAR + 4], np.int64)
    unfold(keys, np.array([1, 2, 3, 4]), 2, True, 1.0, heads, indices, data)
    assert heads.tolist() == [FAR + 2, FAR + 4, FAR + 6]
    assert indices[FAR : FAR + 6].tolist() == [0, 1, 0, 2, 1, 2]
    assert data[FAR : FAR + 6].tolist() == [2, 2, 2, 3, 3, 8]
