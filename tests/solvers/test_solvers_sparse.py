from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from morphvec.engine.local import LocalEngine
from morphvec.rng import stream
from morphvec.solvers.sparse import Operator


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threads", [1, 3])
def test_products_with_a_matrix_its_transpose_and_its_squares(dtype, threads):
    generator = stream(0)
    dense = generator.standard_normal((700, 90)) * (generator.random((700, 90)) < 0.2)
    dense[3], dense[:, 4] = 0, 0
    X, Y = generator.standard_normal((90, 5)).astype(dtype), generator.standard_normal((700, 5)).astype(dtype)
    operator, engine = Operator(csr_array(dense), np.dtype(dtype)), LocalEngine(threads)
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(operator.apply(X, engine), dense @ X, **tolerance)
    np.testing.assert_allclose(operator.transposed.apply(Y, engine), dense.T @ Y, **tolerance)
    np.testing.assert_allclose(operator.squared().apply(X, engine), dense**2 @ X, **tolerance)
    out = np.ones((700, 5), dtype)
    assert operator.apply(X, engine, out, add=True) is out
    np.testing.assert_allclose(out, 1 + dense @ X, **tolerance)
    assert operator.apply(X, engine).dtype == dtype


def test_the_diagonal_and_the_sum_of_repeated_cells():
    twice = csr_array((np.array([1.0, 2.0, 4.0]), np.array([0, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    operator = Operator(twice, np.dtype(np.float64))
    assert operator.diagonal().tolist() == [3.0, 4.0]
    assert operator.matrix.nnz == 2
