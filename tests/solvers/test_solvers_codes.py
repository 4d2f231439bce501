"""Codes of stored cells: how near they come, where they are refused, and that coded cells are a problem like any other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array

from morphvec.engine.local import LocalEngine
from morphvec.rng import stream
from morphvec.solvers import sides
from morphvec.solvers.batch_options import BatchOptions
from morphvec.solvers.codes import FACTOR_RANGE, LEAST_CELLS, TOP, Gathered, encoded
from morphvec.solvers.minibatch import MiniBatch
from morphvec.solvers.penalties import SparsePenalty
from morphvec.solvers.problem import Problem
from morphvec.solvers.solve import solve
from morphvec.solvers.validation import HeldOut

F32, ONE, K = np.dtype(np.float32), LocalEngine(1), 6
ROWS, COLUMNS = 60, 45
SHAPES = ["plain", "composed", "constrained"]


@pytest.fixture
def small(monkeypatch):
    """Small problems are coded too."""
    monkeypatch.setattr(sides, "LEAST_CELLS", 1)


def cells(seed=0, *, signed=False):
    """PPMI-like targets, or signed ones, and weights from 1.3 to 10.3, as float32 CSR of one pattern."""
    generator = stream(seed)
    stored = generator.random((ROWS, COLUMNS)) < 0.4
    x = generator.gamma(1.5, 1.5, (ROWS, COLUMNS)) - (2 if signed else 0)
    w = 0.3 + np.sqrt(generator.geometric(0.3, (ROWS, COLUMNS)))
    place = np.nonzero(stored)
    return tuple(
        csr_array((values[place].astype(np.float32), place), shape=stored.shape) for values in (x, w)
    )


def problem(shape="plain", *, matrix=None, weights=None, alpha=0.3):
    X, W = cells()
    generator = stream(4)
    B, penalties = None, []
    if shape == "composed":
        B = csr_array(np.hstack([np.eye(ROWS), 0.5 * (generator.random((ROWS, 20)) < 0.2)]))
    if shape == "constrained":
        pairs = np.zeros((20, ROWS))
        pairs[np.arange(20), np.arange(20)], pairs[np.arange(20), np.arange(20) + 30] = 1, -1
        penalties = [(2.0, SparsePenalty(csr_array(pairs.T @ pairs)))]
    matrix, weights = X if matrix is None else matrix, W if weights is None else weights
    return Problem(matrix, weights, alpha, B, penalties, 1.0, 1.0, 1.0)


def said(given):
    """The same problem with the targets and weights that its codes say, as plain numbers."""
    side = given.token_side(F32)
    assert side.x.dtype == side.w.dtype == np.uint16
    x, w = side.read(0, given.matrix.nnz)
    matrix = csr_array((x.astype(np.float64), given.matrix.indices, given.matrix.indptr), given.matrix.shape)
    ridges = given.ridge_own, given.ridge_parts, given.ridge_features
    penalties = [(strength, form) for strength, form, _ in given.penalties]
    return Problem(matrix, w.astype(np.float64), given.alpha, given.composition, penalties, *ridges)


def factors(given, seed=1):
    _, columns, parts = given.shape
    generator = stream(seed)
    return tuple(0.5 * generator.standard_normal((n, K)).astype(np.float32) for n in (parts, columns))


def test_many_cells_take_16_bytes_for_both_orientations_and_fewer_share_the_matrix():
    generator = stream(0)
    rows, columns = 1024, LEAST_CELLS // 1024
    x = generator.gamma(1.5, 1.5, (rows, columns)).astype(np.float32)
    matrix = csr_array(x)
    weights = (1 + generator.random(matrix.nnz)).astype(np.float32)
    given = Problem(matrix, weights, 0.3)
    by_token, by_feature = given.sides(F32, ONE)
    assert matrix.nnz == LEAST_CELLS
    assert by_token.indices.nbytes + by_token.x.nbytes + by_token.w.nbytes == by_token.nbytes
    assert by_token.nbytes + by_feature.nbytes == 16 * matrix.nnz
    assert np.shares_memory(by_token.indices, given.matrix.indices)
    turned = csr_array((by_token.x, by_token.indices, by_token.indptr), matrix.shape).T.tocsr()
    assert np.array_equal(turned.data, by_feature.x)

    fewer = Problem(matrix[:-1], weights[: (rows - 1) * columns], 0.3)
    for made, dtype in ((fewer, F32), (given, np.dtype(np.float64))):
        side = made.token_side(dtype)
        assert side.x.dtype == side.w.dtype == dtype
        assert np.array_equal(side.x, made.matrix.data)
    assert np.shares_memory(fewer.token_side(F32).x, fewer.matrix.data)
    assert np.shares_memory(fewer.token_side(F32).w, fewer.weights)


@pytest.mark.parametrize("signed", [False, True])
def test_a_code_is_within_half_a_step_and_zero_stays_zero(signed):
    matrix, weights = cells(signed=signed)
    x, w = matrix.data.copy(), weights.data.copy()
    x[3], w[5] = 0, 0
    targets, bends, scale = encoded(x, w, F32)
    assert targets.dtype == bends.dtype == np.uint16
    zero, step, unit = scale.astype(np.float64)
    assert signed == (zero > 0)
    assert zero == round(zero)
    assert targets[3] == zero
    assert bends[5] == 0
    assert np.all(bends[w > 0] > 0)
    assert np.abs((targets - zero) * step - x).max() <= 0.51 * step
    assert step <= 1.001 * (x.max() - min(x.min(), 0)) / TOP
    off = np.abs(bends * unit - w)
    assert off.max() <= 0.51 * w.max() / TOP
    assert np.all(off <= w / 500)


def test_one_weight_for_all_comes_back_to_the_rounding():
    x = stream(0).random(50).astype(np.float32)
    _, bends, scale = encoded(x, np.full(50, 0.7, np.float32), F32)
    np.testing.assert_allclose(bends * scale[2], 0.7, rtol=2e-7)


@pytest.mark.parametrize(
    ("x", "w"),
    [
        ([1, 2, 3], [1, 2, 300]),  # a weight of 1 would be off by 0.2%
        ([1, 2, 1000] + [1] * 500, [1] * 503),  # counts: most of them far below the largest
        ([0, 0, 0], [1, 1, 1]),
        ([1, 2, 3], [0, 0, 0]),
        ([1e-44, 2e-44], [1, 1]),  # the step would vanish
    ],
)
def test_cells_that_16_bits_cannot_tell_stay_plain(small, x, w):
    x, w = np.asarray(x, np.float32), np.asarray(w, np.float32)
    assert encoded(x, w, F32) is None
    side = Problem(csr_array((x, ([0] * len(x), range(len(x))))), w, 0.3).token_side(F32)
    assert np.array_equal(side.x, x)
    assert np.array_equal(side.w, w)
    assert side.scale.tolist() == [0, 1, 1]


@pytest.mark.parametrize("shape", SHAPES)
def test_objective_and_gradient_are_those_of_the_cells_that_the_codes_say(small, shape):
    for alpha in (0.3, np.linspace(0, 1, COLUMNS)):  # one for all columns, and one each
        given = problem(shape, alpha=alpha)
        P, S = factors(given)
        wanted = said(given)
        exact = P.astype(np.float64), S.astype(np.float64)
        found = given.objective(P, S).as_dict()
        assert found["total"] == pytest.approx(wanted.objective(*exact).total, rel=1e-6)
        assert found["fit"] == pytest.approx(wanted.objective(*exact).fit, rel=1e-6)
        for one, other in zip(given.gradient(P, S), wanted.gradient(*exact), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


@pytest.mark.parametrize("shape", SHAPES)
def test_a_sweep_never_raises_the_objective_of_the_codes_and_ends_where_plain_cells_end(
    small, monkeypatch, shape
):
    coded = solve(problem(shape), K, epochs=30)
    totals = [entry["total"] for entry in coded.history]
    assert all(after <= before * (1 + 1e-6) for before, after in itertools.pairwise(totals))
    monkeypatch.setattr(sides, "LEAST_CELLS", 1 << 40)
    plain = solve(problem(shape), K, epochs=30)
    assert totals[-1] == pytest.approx(plain.history[-1]["total"], rel=1e-4)
    product = plain.U @ plain.S.T
    assert np.abs(coded.U @ coded.S.T - product).max() < 5e-3 * np.abs(product).max()


def test_threads_change_no_bit(small):
    for shape in SHAPES:
        one, three = (solve(problem(shape), K, epochs=2, engine=LocalEngine(n)) for n in (1, 3))
        assert np.array_equal(one.U, three.U)
        assert np.array_equal(one.S, three.S)


def test_the_batches_of_coded_cells_average_to_the_full_gradient(small):
    given = problem("composed")
    assert given.token_side(F32).x.dtype == np.uint16
    made = MiniBatch(
        given, K, solver="sgd", options=BatchOptions(batch=100), epochs=1, seed=0, dtype=F32, engine=ONE
    )
    sums = [0.0, 0.0]
    for number in range(made.batches):
        share = made.batch_size(0, number) / made.cells
        sums = [total + share * part for total, part in zip(sums, made.gradient(0, number), strict=True)]
    for found, wanted in zip(sums, given.gradient(made.P, made.S), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


def test_held_out_cells_have_a_weight_of_zero_in_codes_too(small):
    given = problem()
    slice_ = HeldOut(given, 0.2, 0, F32, ONE)
    side = slice_.training.token_side(F32)
    assert side.x.dtype == np.uint16
    assert np.array_equal(side.w == 0, slice_.training.weights == 0)
    assert 0 < np.sum(side.w == 0) < len(side.w) / 2
    P, S = factors(given)
    exact = said(slice_.training).objective(P.astype(np.float64), S.astype(np.float64))
    assert slice_.training.objective(P, S).fit == pytest.approx(exact.fit, rel=1e-6)


@pytest.mark.parametrize("k", [1, 15, 16, 17, 100])
def test_coded_factors_are_off_by_half_a_step_at_most(k):
    X = stream(2).standard_normal((5000, k)).astype(np.float32) * np.geomspace(1e-6, 1e6, k, dtype=np.float32)
    one, three = (Gathered.coded(X, LocalEngine(n)) for n in (1, 3))
    assert np.array_equal(one.rows, three.rows)
    assert one.rows.dtype == np.int16
    assert one.rows.shape == (5000, -(-k // 16) * 16)
    assert not one.rows[:, k:].any()
    assert np.array_equal(np.abs(one.rows[:, :k]).max(axis=0), np.full(k, 32767))
    said = one.rows[:, :k] * one.unit.astype(np.float64)
    assert np.all(np.abs(said - X) <= 0.502 * one.unit)


def test_a_column_of_zeros_has_codes_of_zero():
    X = stream(2).standard_normal((50, 3)).astype(np.float32)
    X[:, 1] = 0
    found = Gathered.coded(X, ONE)
    assert found.rows.dtype == np.int16
    assert not found.rows[:, 1].any()


@pytest.mark.parametrize("value", [400, np.inf, np.nan])  # 400: 268 times the root mean square of its column
def test_factors_that_codes_are_too_coarse_for_stay_plain(value):
    X = np.ones((1 << 17, 2), np.float32)
    X[7, 1] = value
    with np.errstate(invalid="ignore"):
        found = Gathered.coded(X, ONE)
    assert found.rows is X
    assert found.unit.tolist() == [1, 1]
    X[7, 1] = 330  # 244 times
    assert FACTOR_RANGE == 256
    assert Gathered.coded(X, ONE).rows.dtype == np.int16


def test_a_column_too_small_for_a_step_stays_plain():
    X = stream(2).standard_normal((50, 3)).astype(np.float32)
    X[:, 1] *= np.float32(1e-38)
    assert Gathered.coded(X, ONE).rows is X


def test_few_cells_and_float64_are_gathered_as_they_are(small):
    side = problem().token_side(F32)
    _, S = factors(problem())
    assert side.gathered(S, ONE).rows.dtype == np.int16
    assert side.gathered(S.astype(np.float64), ONE).rows.dtype == np.float64


def test_one_cell_more_and_factors_are_coded(monkeypatch):
    given = problem()
    _, S = factors(given)
    for least, kind in ((given.matrix.nnz, np.int16), (given.matrix.nnz + 1, np.float32)):
        monkeypatch.setattr(sides, "LEAST_CELLS", least)
        assert given.token_side(F32).gathered(S, ONE).rows.dtype == kind
