from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from morphvec.kernels.cells import associate, block_margins, column_lengths, count_kept, transpose
from morphvec.rng import stream

ENDS = np.array([3, 4, 9], np.int64)


def cells(rows=7, columns=9, seed=0):
    """Counts with an empty row, a full row, an empty column and a block of one column."""
    generator = stream(seed)
    dense = generator.integers(1, 30, (rows, columns)) * (generator.random((rows, columns)) < 0.4) / 4
    dense[1], dense[2] = 0, 2.5
    dense[:, 7] = 0
    return csr_array(dense), dense


def test_margins_by_block():
    matrix, dense = cells()
    rows, columns = np.zeros((7, 3)), np.zeros(9)
    block_margins(matrix.indptr, matrix.indices, matrix.data, ENDS, rows, columns)
    parts = np.split(dense, ENDS[:-1], axis=1)
    np.testing.assert_allclose(rows, np.stack([part.sum(axis=1) for part in parts], axis=1))
    np.testing.assert_allclose(columns, dense.sum(axis=0))


@pytest.mark.parametrize("add", [0.0, 0.5])
@pytest.mark.parametrize("floor", [0.0, -math.inf])
@pytest.mark.parametrize(
    ("kind", "most"), [(0, 1.0), (1, 2.0), (2, 3.0), (3, 2.0), (4, math.inf), (4, 2.0), (5, math.inf)]
)
@pytest.mark.parametrize("association", range(5))
def test_kept_cells_values_and_weights(add, floor, kind, most, association):
    matrix, dense = cells()
    generator = stream(1)
    row_terms, column_terms = generator.standard_normal((7, 3)), generator.standard_normal(9)
    idf = np.abs(generator.standard_normal(9))
    betas, alphas = np.array([1.0, 2.0, 0.5]), np.array([0.3, 0.0, 0.7])
    block = np.searchsorted(ENDS, np.arange(9), side="right")
    value = np.full(dense.shape, -math.inf)
    weight = np.zeros(dense.shape)
    for t, f in zip(*np.nonzero(dense), strict=True):
        count = dense[t, f] + add
        log = math.log(count)
        term = row_terms[t, block[f]] + column_terms[f]
        value[t, f] = (log - term, count, log, math.log(1 + count), math.log(1 + count) * idf[f])[association]
        root, m = min(math.sqrt(count), most), math.exp(term)
        ratio = min(1.0, (count / most) ** 0.75)
        size = (1.0, root, ratio, root, min(count, most), min(count * m / (count + m), most))[kind]
        weight[t, f] = betas[block[f]] * size + (alphas[block[f]] if kind == 3 else 0)
    kept = value > floor
    given = (matrix.indptr, matrix.indices, matrix.data, ENDS, row_terms, column_terms, idf)
    given = (*given, add, association, floor)
    lengths = np.zeros(7, np.int64)
    count_kept(*given, lengths, 0, 4)
    count_kept(*given, lengths, 4, 7)
    assert lengths.tolist() == kept.sum(axis=1).tolist()
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.full(indptr[-1], -1, np.int32)
    values, weights = np.zeros(indptr[-1], np.float32), np.zeros(indptr[-1], np.float32)
    for rows in ((0, 4), (4, 7)):
        associate(*given, kind, most, betas, alphas, indptr, indices, values, weights, *rows)
    assert indices.tolist() == np.nonzero(kept)[1].tolist()
    np.testing.assert_allclose(values, value[kept], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(weights, weight[kept], rtol=1e-6)


@pytest.mark.parametrize("cuts", [[0, 9], [0, 4, 9], [0, 1, 2, 7, 8, 9]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transpose_by_any_cut_of_the_columns(cuts, dtype):
    matrix, _ = cells()
    first, second = matrix.data.astype(dtype), np.arange(matrix.nnz).astype(dtype)
    lengths = np.zeros(9, np.int64)
    column_lengths(matrix.indices, lengths)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    heads = indptr[:-1].copy()
    indices = np.full(matrix.nnz, -1, np.int32)
    out_first, out_second = np.zeros(matrix.nnz, dtype), np.zeros(matrix.nnz, dtype)
    for low, high in itertools.pairwise(cuts):
        transpose(
            matrix.indptr, matrix.indices, first, second, heads, indices, out_first, out_second, low, high
        )
    assert np.array_equal(heads, indptr[1:])
    for data, found in ((first, out_first), (second, out_second)):
        wanted = csr_array((data, matrix.indices, matrix.indptr), shape=(7, 9)).tocsc()
        wanted.sort_indices()
        assert np.array_equal(indices, wanted.indices)
        assert np.array_equal(found, wanted.data)
