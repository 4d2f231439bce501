"""The row kernels against dense algebra: empty rows, a heavy row, every remainder of 4, k odd and k = 1."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from morphvec.kernels import dense as dense_rows
from morphvec.kernels import rows as kernel
from morphvec.kernels.sparse import sparse_rows
from morphvec.rng import stream

ROWS, COLUMNS = 11, 23
SIZES = [1, 2, 3, 4, 5, 7, 16, 17, 33, 100]


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


@pytest.fixture(params=SIZES)
def k(request):
    return request.param


def close(found, wanted, dtype):
    scale = max(1.0, float(np.max(np.abs(wanted), initial=0)))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=scale * (2e-5 if dtype == np.float32 else 1e-12))


def sparse(dtype, seed=0):
    """Rows of 0, 1, 2, ... 9 cells and one that is full; the surplus may be negative, as w − α is."""
    generator = stream(seed)
    dense = np.zeros((ROWS, COLUMNS))
    for t in range(ROWS - 1):
        dense[t, generator.choice(COLUMNS, t, replace=False)] = generator.standard_normal(t)
    dense[ROWS - 1] = generator.standard_normal(COLUMNS)
    csr = csr_array(dense)
    return csr.indptr.astype(np.int64), csr.indices.astype(np.int32), csr.data.astype(dtype), dense


def factors(n, k, dtype, seed):
    return stream(seed).standard_normal((n, k)).astype(dtype)


def stored(pull, surplus, indptr, a_row, alpha, dtype):
    """Plain cells (x, w, scale, a_row, a_col) of these w·x and w − a_row·alpha; alpha: of each cell, or one number."""
    row = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    w = surplus + np.asarray(a_row, np.float64)[row] * alpha
    x = np.divide(pull, w, out=np.zeros(len(w)), where=w != 0)
    return x.astype(dtype), w.astype(dtype), np.array([0, 1, 1], dtype), a_row


def ones(S):
    """The unit of plain factors."""
    return np.ones(S.shape[1], S.dtype)


def alphas(one, dtype):
    """a_col: of each column, or one number for all."""
    return np.full(1, 0.3, dtype) if one else np.linspace(0, 1, COLUMNS).astype(dtype)


def halves(run):
    """Two blocks of rows, as two threads would run them."""
    run(0, 4)
    run(4, ROWS)


def spread(k, dtype):
    """A symmetric positive definite Gram matrix that is not diagonal."""
    X = factors(2 * k + 3, k, np.float64, 9)
    return (X.T @ X / len(X)).astype(dtype)


def operator_of(dense, S, G, a_row, t):
    """The k × k matrix of row t: a_row G + Σ surplus s sᵀ."""
    return a_row[t] * G.astype(np.float64) + (S.T * dense[t]) @ S


@pytest.mark.parametrize("one", [False, True])
def test_the_normal_operator(dtype, k, one):
    indptr, indices, surplus, dense = sparse(dtype)
    S, D, G = factors(COLUMNS, k, dtype, 1), factors(ROWS, k, dtype, 2), spread(k, dtype)
    a_row, a_col = np.linspace(0, 2, ROWS).astype(dtype), alphas(one, dtype)
    alpha = a_col[0] if one else a_col[indices]
    cells = (*stored(surplus, surplus, indptr, a_row, alpha, dtype), a_col)
    out = np.full((ROWS, k), np.nan, dtype)
    halves(lambda *rows: kernel.normal_rows(indptr, indices, *cells, S, ones(S), G, D, out, *rows))
    S64 = S.astype(np.float64)
    wanted = np.stack([operator_of(dense, S64, G, a_row, t) @ D[t] for t in range(ROWS)])
    close(out, wanted, dtype)


@pytest.mark.parametrize("one", [False, True])
def test_what_conjugate_gradients_start_from(dtype, k, one):
    indptr, indices, surplus, dense = sparse(dtype)
    pull = stream(3).standard_normal(len(surplus)).astype(dtype)
    S, U, G = factors(COLUMNS, k, dtype, 1), factors(ROWS, k, dtype, 2), spread(k, dtype)
    a_row, a_col = np.linspace(0, 2, ROWS).astype(dtype), alphas(one, dtype)
    alpha = a_col[0] if one else a_col[indices]
    cells = (*stored(pull, surplus, indptr, a_row, alpha, dtype), a_col)
    residual, diagonal = np.full((ROWS, k), np.nan, dtype), np.full((ROWS, k), np.nan, dtype)
    halves(
        lambda *rows: kernel.start_rows(indptr, indices, *cells, S, ones(S), G, U, residual, diagonal, *rows)
    )
    S64 = S.astype(np.float64)
    X = csr_array((pull.astype(np.float64), indices, indptr), shape=(ROWS, COLUMNS)).toarray()
    operators = [operator_of(dense, S64, G, a_row, t) for t in range(ROWS)]
    close(residual, np.stack([X[t] @ S64 - operators[t] @ U[t] for t in range(ROWS)]), dtype)
    close(diagonal, np.stack([np.diag(operator) for operator in operators]), dtype)


@pytest.mark.parametrize("add", [False, True])
def test_sparse_times_dense(dtype, k, add):
    indptr, indices, data, dense = sparse(dtype)
    X, out = factors(COLUMNS, k, dtype, 1), factors(ROWS, k, dtype, 2)
    wanted = dense @ X.astype(np.float64) + (out if add else 0)
    halves(lambda *rows: sparse_rows(indptr, indices, data, X, out, add, *rows))
    close(out, wanted, dtype)
    if not add:
        assert not out[0].any()


def test_a_row_is_solved_by_as_many_steps_as_it_has_dimensions(k):
    """In exact arithmetic k steps of conjugate gradients end at the solution of the row's own equations."""
    dtype = np.dtype(np.float64)
    indptr, indices, surplus, dense = sparse(dtype)
    surplus, dense = np.abs(surplus), np.abs(dense)
    pull = stream(3).standard_normal(len(surplus))
    S, G, U = factors(COLUMNS, k, dtype, 1), spread(k, dtype), factors(ROWS, k, dtype, 2)
    a_row, a_col, ridge = np.linspace(0, 1, ROWS), alphas(False, dtype), 0.7
    cells = (*stored(pull, surplus, indptr, a_row, a_col[indices], dtype), a_col)
    X = csr_array((pull, indices, indptr), shape=(ROWS, COLUMNS)).toarray()
    first = (indptr, indices, *cells, S, ones(S), G, np.full(k, ridge), k + 20, 1e-13, U)
    halves(lambda *rows: kernel.solve_rows(*first, *rows))
    for t in range(ROWS):
        A = operator_of(dense, S, G, a_row, t) + ridge * np.eye(k)
        np.testing.assert_allclose(U[t], np.linalg.solve(A, X[t] @ S), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("k", [1, 100, 300])
def test_rows_that_fit_by_the_core_and_rows_that_do_not(k):
    """The copy of a row's factors is used up to its last place; a row with a cell more reads them where they are."""
    fits = kernel.NEAR_BYTES // (k * 8)
    lengths = [fits - 1, fits, fits + 1, 2 * fits]
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    columns = 2 * fits
    generator = stream(4)
    indices = np.concatenate([np.sort(generator.permutation(columns)[:n]) for n in lengths]).astype(np.int32)
    surplus, pull = generator.random(len(indices)) + 0.1, generator.standard_normal(len(indices))
    S, U = factors(columns, k, np.float64, 1), factors(4, k, np.float64, 2)
    cells = (*stored(pull, surplus, indptr, np.zeros(4), 0.0, np.float64), np.zeros(1))
    kernel.solve_rows(
        indptr, indices, *cells, S, ones(S), np.zeros((k, k)), np.full(k, 50.0), 90, 1e-13, U, 0, 4
    )
    for t in range(4):
        cells = slice(indptr[t], indptr[t + 1])
        s = S[indices[cells]]
        A = (s.T * surplus[cells]) @ s + 50 * np.eye(k)
        np.testing.assert_allclose(U[t], np.linalg.solve(A, pull[cells] @ s), rtol=1e-7, atol=1e-8)


def test_a_row_of_a_million_cells(dtype):
    """Sums of float32 run over all cells in one line: to 1e-4 of the largest."""
    n, k = 1_000_003, 3
    tolerance = 1e-4 if dtype == np.float32 else 1e-11
    indptr, indices = np.array([0, n], np.int64), np.arange(n, dtype=np.int32)
    S, u = factors(n, k, dtype, 1), factors(1, k, dtype, 2)
    weights = (stream(3).random(n) + 0.5).astype(dtype)
    S64, out = S.astype(np.float64), np.empty((1, k), dtype)
    ones = np.ones(n, dtype)
    cells = (indptr, indices, ones, weights, np.array([0, 1, 1], dtype), ones[:1], np.zeros(1, dtype))
    kernel.normal_rows(*cells, S, np.ones(k, dtype), np.zeros((k, k), dtype), u, out, 0, 1)
    wanted = (S64.T * weights) @ (S64 @ u[0])
    np.testing.assert_allclose(out[0], wanted, rtol=0, atol=tolerance * np.abs(wanted).max())
    kernel.solve_rows(
        *cells,
        S,
        np.ones(k, dtype),
        np.zeros((k, k), dtype),
        np.ones(k, dtype),
        9,
        dtype.type(0),
        u,
        0,
        1,
    )
    A = (S64.T * weights) @ S64 + np.eye(k)
    wanted = np.linalg.solve(A, weights.astype(np.float64) @ S64)
    np.testing.assert_allclose(u[0], wanted, rtol=0, atol=tolerance)


def test_every_step_of_a_row_lowers_its_quadratic(dtype):
    k = 17
    indptr, indices, surplus, dense = sparse(dtype)
    surplus, dense = np.abs(surplus), np.abs(dense)
    pull = stream(3).standard_normal(len(surplus)).astype(dtype)
    S, G, start = factors(COLUMNS, k, dtype, 1), spread(k, dtype), factors(ROWS, k, dtype, 2)
    X = csr_array((pull, indices, indptr), shape=(ROWS, COLUMNS)).toarray().astype(np.float64)
    a_row, a_col, S64 = np.ones(ROWS, dtype), alphas(False, dtype), S.astype(np.float64)
    cells = (*stored(pull, surplus, indptr, a_row, a_col[indices], dtype), a_col)

    def quadratic(U):
        values = []
        for t in range(ROWS):
            A = operator_of(dense, S64, G, a_row, t) + 0.5 * np.eye(k)
            values.append(U[t] @ A @ U[t] - 2 * U[t] @ (X[t] @ S64))
        return np.array(values)

    before = quadratic(start.astype(np.float64))
    for steps in range(1, 6):
        U = start.copy()
        kernel.solve_rows(
            indptr,
            indices,
            *cells,
            S,
            ones(S),
            G,
            np.full(k, 0.5, dtype),
            steps,
            dtype.type(0),
            U,
            0,
            ROWS,
        )
        after = quadratic(U.astype(np.float64))
        assert np.all(after < before)
        before = after


def test_a_row_without_cells_ridge_or_gram_stays():
    indptr, indices = np.zeros(3, np.int64), np.zeros(0, np.int32)
    none, S, U = np.zeros(0), np.ones((4, 3)), np.ones((2, 3))
    cells = (none, none, np.array([0.0, 1, 1]), np.ones(2), np.ones(4))
    kernel.solve_rows(indptr, indices, *cells, S, ones(S), np.zeros((3, 3)), np.zeros(3), 5, 0.0, U, 0, 2)
    assert np.array_equal(U, np.ones((2, 3)))


@pytest.mark.parametrize("n", [1, 3, 4, 5, 255, 256, 257, 1030])
def test_gram(dtype, k, n):
    X, scale = factors(n, k, dtype, 1), np.linspace(0.5, 2, n).astype(dtype)
    out = np.full((k, k), np.nan)
    dense_rows.gram_rows(X, scale, out, 1, n)
    X64 = X[1:].astype(np.float64)
    close(out, (X64.T * scale[1:]) @ X64, dtype)


@pytest.mark.parametrize("columns", [1, 4, 6])
def test_rows_times_a_small_matrix(dtype, k, columns):
    X, M = factors(ROWS, k, dtype, 1), factors(k, columns, dtype, 2)
    out = np.full((ROWS, columns), np.nan, dtype)
    halves(lambda *rows: dense_rows.multiply_rows(X, M, out, *rows))
    close(out, X.astype(np.float64) @ M, dtype)


def test_rows_times_a_small_matrix_in_place(dtype, k):
    X, M = factors(ROWS, k, dtype, 1), factors(k, k, dtype, 2)
    wanted = X.astype(np.float64) @ M
    halves(lambda *rows: dense_rows.multiply_rows(X, M, X, *rows))
    close(X, wanted, dtype)


@pytest.mark.parametrize("one", [False, True])
def test_fit_and_covered_sums(dtype, k, one):
    indptr, indices, values, _ = sparse(dtype)
    generator = stream(5)
    U, S = factors(ROWS, k, dtype, 1), factors(COLUMNS, k, dtype, 2)
    a_row, a_col = generator.random(ROWS).astype(dtype), alphas(one, dtype)
    weight = generator.random(len(values))
    weight[::5] = 0  # a cell of weight 0 is stored, but nothing pulls it
    row = np.repeat(np.arange(ROWS), np.diff(indptr))
    alpha = a_row[row].astype(np.float64) * (a_col[0] if one else a_col[indices])
    product = np.einsum("ij,ij->i", U[row].astype(np.float64), S[indices].astype(np.float64))
    wanted = (np.sum(weight * (product - values) ** 2), np.sum(alpha * product**2))
    cells = (values, weight.astype(dtype), np.array([0, 1, 1], dtype), a_row, a_col)
    parts = [kernel.fit_rows(indptr, indices, *cells, U, S, ones(S), *rows) for rows in ((0, 4), (4, ROWS))]
    tolerance = 1e-4 if dtype == np.float32 else 1e-12
    assert np.sum(parts, axis=0) == pytest.approx(wanted, rel=tolerance)


def test_codes_are_the_cells_that_they_stand_for(k):
    """Every kernel over uint16 codes beside the same kernel over the numbers that they say."""
    indptr, indices, _, _ = sparse(np.float32)
    generator, f = stream(6), np.float32
    x, w = generator.integers(0, 65536, (2, len(indices))).astype(np.uint16)
    x[0], w[0], x[1], w[1] = 0, 0, 65535, 65535
    zero, step, unit = f(20_000), f(12 / 65535), f(3 / 65535)
    coded = x, w, np.array([zero, step, unit])
    plain = (x.astype(f) - zero) * step, w.astype(f) * unit, np.array([0, 1, 1], f)
    assert plain[0].min() < -3
    assert plain[0].max() > 8
    S, U, G = factors(COLUMNS, k, f, 1), factors(ROWS, k, f, 2), spread(k, f)
    a_row, one = np.linspace(0, 2, ROWS).astype(f), ones(S)
    for a_col in (alphas(False, f), alphas(True, f)):
        found = []
        for cells in (coded, plain):
            first = (indptr, indices, *cells, a_row, a_col)
            product, residual, diagonal, solved = (U.copy() for _ in range(4))
            kernel.normal_rows(*first, S, one, G, U, product, 0, ROWS)
            kernel.start_rows(*first, S, one, G, U, residual, diagonal, 0, ROWS)
            kernel.solve_rows(*first, S, one, G, np.full(k, f(9)), 2, f(0), solved, 0, ROWS)
            found.append((product, residual, diagonal, solved, kernel.fit_rows(*first, U, S, one, 0, ROWS)))
        for mine, other in zip(*found, strict=True):
            close(np.array(mine), np.array(other), np.dtype(f))


def test_codes_of_factors_are_the_factors_that_they_stand_for(k):
    """Every kernel over int16 codes, in rows of more columns than there are, beside the numbers that they say."""
    indptr, indices, surplus, _ = sparse(np.float32)
    f, generator = np.float32, stream(7)
    surplus, pull = np.abs(surplus), generator.standard_normal(len(surplus)).astype(f)
    codes = np.zeros((COLUMNS, k + 5), np.int16)
    codes[:, :k] = generator.integers(-32767, 32768, (COLUMNS, k))
    unit = (generator.random(k) + 0.5).astype(f) / f(32767)
    S = (codes[:, :k] * unit).astype(f)
    U, a_row, a_col = factors(ROWS, k, f, 1), np.linspace(0, 2, ROWS).astype(f), alphas(True, f)
    first = (indptr, indices, *stored(pull, surplus, indptr, a_row, a_col[0], f), a_col)
    diagonal = np.linspace(0.5, 2, k).astype(f)
    for G in (spread(k, f), diagonal[None, :]):
        found = []
        for given in ((codes, unit), (S, ones(S))):
            product, residual, bend, solved = (U.copy() for _ in range(4))
            kernel.normal_rows(*first, *given, G, U, product, 0, ROWS)
            kernel.start_rows(*first, *given, G, U, residual, bend, 0, ROWS)
            kernel.solve_rows(*first, *given, G, np.full(k, f(9)), 2, f(0), solved, 0, ROWS)
            found.append((product, residual, bend, solved, kernel.fit_rows(*first, U, *given, 0, ROWS)))
        for mine, other in zip(*found, strict=True):
            close(np.array(mine), np.array(other), np.dtype(f))


def test_one_row_stands_for_a_diagonal_gram_matrix(dtype, k):
    indptr, indices, surplus, _ = sparse(dtype)
    S, U = factors(COLUMNS, k, dtype, 1), factors(ROWS, k, dtype, 2)
    a_row, a_col = np.linspace(0, 2, ROWS).astype(dtype), alphas(True, dtype)
    first = (indptr, indices, *stored(surplus, np.abs(surplus), indptr, a_row, a_col[0], dtype), a_col)
    diagonal = np.linspace(0.5, 2, k).astype(dtype)
    found = []
    for G in (np.diag(diagonal), diagonal[None, :]):
        product, residual, bend, solved = (U.copy() for _ in range(4))
        kernel.normal_rows(*first, S, ones(S), G, U, product, 0, ROWS)
        kernel.start_rows(*first, S, ones(S), G, U, residual, bend, 0, ROWS)
        kernel.solve_rows(*first, S, ones(S), G, np.full(k, 0.7, dtype), 3, dtype.type(0), solved, 0, ROWS)
        found.append((product, residual, bend, solved))
    for mine, other in zip(*found, strict=True):
        close(mine, other, dtype)


def test_coding_rows(dtype, k):
    X = factors(ROWS, k, dtype, 1)
    peak, codes = np.full(k, np.nan, dtype), np.full((ROWS, k + 3), 99, np.int16)
    square = np.full(k, np.nan)
    dense_rows.size_columns(X, peak, square, 0, ROWS)
    np.testing.assert_allclose(square, np.sum(X.astype(np.float64) ** 2, axis=0), rtol=1e-12)
    assert np.array_equal(peak, np.abs(X).max(axis=0))
    halves(lambda *rows: dense_rows.code_rows(X, peak / dtype.type(32767), codes, *rows))
    assert not codes[:, k:].any()
    assert np.array_equal(np.abs(codes[:, :k]).max(axis=0), np.full(k, 32767))
    np.testing.assert_allclose(codes[:, :k] * (peak / 32767.0), X, rtol=0, atol=0.502 / 32767 * peak.max())


def test_sums_of_squares(dtype, k):
    X, scale, width = factors(ROWS, k, dtype, 1), np.linspace(0, 3, ROWS), max(1, k - 2)
    square = np.sum(X[:, :width].astype(np.float64) ** 2, axis=1)
    for given, weights in ((np.empty(0), np.ones(ROWS)), (scale, scale)):
        parts = [dense_rows.square_rows(X, given, width, *rows) for rows in ((0, 4), (4, ROWS))]
        assert sum(parts) == pytest.approx(weights @ square, rel=1e-12)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_ridge_acts_on_the_first_columns(dtype, k, sign):
    X, out, ridge = (
        factors(ROWS, k, dtype, 1),
        factors(ROWS, k, dtype, 2),
        np.linspace(0, 3, ROWS).astype(dtype),
    )
    width = max(1, k - 2)
    wanted = out.astype(np.float64)
    wanted[:, :width] += sign * ridge[:, None] * X[:, :width].astype(np.float64)
    halves(lambda *rows: dense_rows.add_ridge(X, ridge, width, sign, out, *rows))
    close(out, wanted, dtype)


def test_the_pieces_of_conjugate_gradients(dtype, k):
    r, m, p, q, x = (factors(ROWS, k, dtype, seed) for seed in range(5))
    m = np.abs(m) + dtype.type(0.1)
    m[2, 0] = 0  # nothing holds this coordinate: it is left alone
    safe = np.where(m > 0, r.astype(np.float64) / np.where(m > 0, m, 1), 0)
    out = p.copy()
    close([dense_rows.cg_start(r, m, out, 0, ROWS)], [np.sum(r.astype(np.float64) * safe)], dtype)
    close(out, safe, dtype)
    close([dense_rows.cg_inner(p, q, 0, ROWS)], [np.sum(p.astype(np.float64) * q)], dtype)
    turned = p.copy()
    dense_rows.cg_turn(r, m, turned, 0.25, 0, ROWS)
    close(turned, safe + 0.25 * p, dtype)
    new_x, new_r = x + 0.5 * p, r - 0.5 * q
    after = np.where(m > 0, new_r.astype(np.float64) ** 2 / np.where(m > 0, m, 1), 0)
    close([dense_rows.cg_move(x, r, p, q, m, 0.5, 0, ROWS)], [after.sum()], dtype)
    close(x, new_x, dtype)
    close(r, new_r, dtype)


def test_nan_is_never_assumed_away(dtype):
    """Fast-math may reorder sums; it must not drop a NaN, or divergence would pass for convergence."""
    indptr, indices, data, _ = sparse(dtype)
    X, out = factors(COLUMNS, 5, dtype, 1), np.zeros((ROWS, 5), dtype)
    X[indices[0], 3] = np.nan
    sparse_rows(indptr, indices, data, X, out, False, 0, ROWS)
    assert np.isnan(out[1, 3])
    assert np.isnan(dense_rows.cg_inner(out, out, 0, ROWS))
