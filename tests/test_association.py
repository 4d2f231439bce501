from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

import naive
from morphvec.association import AssociationOptions, side_by_side, weigh
from morphvec.counts.matrix import Counts
from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError, OptionError
from morphvec.features.space import Block
from morphvec.rng import stream

# Row sums 12 8 12, column sums 13 6 13, in all 32.
BY_HAND = np.array([[10.0, 2, 0], [3, 0, 5], [0, 4, 8]])


def counts(dense, *blocks):
    dense = np.asarray(dense, float)
    T, F = dense.shape
    blocks = blocks or (Block("window", 0, F),)
    return Counts(
        csr_array(dense), tuple(f"w{t}" for t in range(T)), tuple(f"f{f}" for f in range(F)), blocks
    )


def weighed(dense, *blocks, engine=None, **options):
    return weigh(counts(dense, *blocks), AssociationOptions(**options), engine=engine)


def random_counts(T=40, F=30, seed=0):
    generator = stream(seed)
    dense = generator.integers(1, 200, (T, F)) * (generator.random((T, F)) < 0.3) / 7
    dense[3], dense[:, 5] = 0, 0
    return dense


@pytest.mark.parametrize(
    ("options", "values"),
    [
        # ln(10·32/(12·13)), ln(5·32/(8·13)), ln(4·32/(12·6)), ln(8·32/(12·13)); two cells are below 0
        ({"smoothing": 1}, [[0.718465, 0, 0], [0, 0, 0.430783], [0, 0.575364, 0.495321]]),
        # Σ 13^¾ + 6^¾ + 13^¾ = 17.526309: ln(10·17.526309/(12·6.846325)) and so on
        ({"smoothing": 0.75}, [[0.757670, 0, 0], [0, 0, 0.469987], [0, 0.421271, 0.534526]]),
        # less ln 2: one cell is left
        ({"smoothing": 1, "shift": 2}, [[0.025318, 0, 0], [0, 0, 0], [0, 0, 0]]),
        # plus ln 2: the two negative cells come in
        (
            {"smoothing": 1, "shift": 0.5},
            [[1.411612, 0.575364, 0], [0.613104, 0, 1.123930], [0, 1.268511, 1.188469]],
        ),
        # n + 1; row sums 15 11 15, column sums 16 9 16, in all 41; what was not observed is not stored
        (
            {"smoothing": 1, "add_lambda": 1},
            [[0.630828, 0, 0], [0, 0, 0.334848], [0, 0.417735, 0.430158]],
        ),
        (
            {"smoothing": 1, "association": "pmi"},
            [[0.718465, -0.117783, 0], [-0.080043, 0, 0.430783], [0, 0.575364, 0.495321]],
        ),
        ({"association": "count"}, BY_HAND),
        # ln 10, ln 2; ln 3, ln 5; ln 4, ln 8
        (
            {"association": "log"},
            [[2.302585, 0.693147, 0], [1.098612, 0, 1.609438], [0, 1.386294, 2.079442]],
        ),
        # ln 11, ln 3; ln 4, ln 6; ln 5, ln 9
        (
            {"association": "log1p"},
            [[2.397895, 1.098612, 0], [1.386294, 0, 1.791759], [0, 1.609438, 2.197225]],
        ),
        # ln(1 + n) ln(3/2): every column is in two of three rows
        (
            {"association": "tf-idf"},
            [[0.972263, 0.445449, 0], [0.562094, 0, 0.726496], [0, 0.652571, 0.890898]],
        ),
    ],
)
def test_three_by_three_by_hand(options, values):
    found = weighed(BY_HAND, **options)
    assert found.kind == options.get("association", "ppmi")
    np.testing.assert_allclose(found.matrix.toarray(), values, atol=1e-6)
    assert found.matrix.nnz == np.count_nonzero(values)
    assert found.matrix.dtype == found.weights.dtype == np.float32


@pytest.mark.parametrize("association", ["pmi", "ppmi"])
@pytest.mark.parametrize("smoothing", [1.0, 0.75, 0.0])
@pytest.mark.parametrize("shift", [1.0, 0.3, 2.0])
@pytest.mark.parametrize("add", [0.0, 0.01, 2.0])
def test_values_are_the_formula(association, smoothing, shift, add):
    dense = random_counts()
    wanted = naive.pmi(dense, smoothing, shift, add)
    kept = wanted > (0 if association == "ppmi" else -math.inf)
    found = weighed(dense, association=association, smoothing=smoothing, shift=shift, add_lambda=add)
    assert np.array_equal(np.argwhere(kept), np.argwhere(found.weights.toarray() > 0))
    np.testing.assert_allclose(found.matrix.data, wanted[kept], rtol=1e-6, atol=1e-6)


def test_log_keeps_counts_below_one_and_tf_idf_drops_columns_of_every_row():
    dense = np.array([[0.25, 1.0, 0], [2.0, 0, 1.0], [1.0, 0, 1.0]])
    assert weighed(dense, association="log").matrix.nnz == np.count_nonzero(dense)
    found = weighed(dense, association="tf-idf").matrix.toarray()
    assert np.count_nonzero(found[:, 0]) == 0
    np.testing.assert_allclose(found[0, 1], math.log(2) * math.log(3), rtol=1e-6)


@pytest.mark.parametrize("shift", [1.0, 5.0])
def test_curvature_is_that_of_the_pair_loss_at_its_optimum(shift):
    """At x = PMI − ln k the pair loss n softplus(−x) + m softplus(x) bends by (n + m) σ(x) σ(−x)."""
    dense = random_counts()
    found = weighed(dense, association="pmi", weight="curvature", shift=shift)
    n, x = dense[dense > 0], found.matrix.data.astype(float)
    m = n * np.exp(-x)
    bend = (n + m) / (2 + np.exp(x) + np.exp(-x))
    np.testing.assert_allclose(found.weights.data, bend, rtol=1e-5)


def test_count_weights_and_their_cap():
    dense = random_counts()
    counts_of = dense[dense > 0]
    free = weighed(dense, association="pmi", weight="count").weights.data
    np.testing.assert_allclose(free, counts_of, rtol=1e-6)
    capped = weighed(dense, association="pmi", weight="count", weight_max=3.0).weights.data
    np.testing.assert_allclose(capped, np.minimum(counts_of, 3.0), rtol=1e-6)


def test_pmi_keeps_an_observed_cell_of_value_zero():
    """Independent counts: every PMI is ln 1 = 0 within rounding, and every observed cell is stored."""
    found = weighed(np.ones((4, 4)), association="pmi", smoothing=1)
    assert found.matrix.nnz == 16
    np.testing.assert_allclose(found.matrix.toarray(), 0, atol=1e-12)


def test_each_block_has_its_own_margins():
    one, two = random_counts(seed=1), random_counts(F=11, seed=2)
    blocks = (Block("window", 0, 30), Block("ids", 30, 41))
    found = weighed(np.hstack([one, two]), *blocks)
    alone = [weighed(part) for part in (one, two)]
    assert np.array_equal(found.matrix.toarray(), np.hstack([part.matrix.toarray() for part in alone]))
    merged = weighed(np.hstack([one, two]))
    assert not np.allclose(found.matrix.toarray(), merged.matrix.toarray())


def test_beta_scales_a_blocks_weights_and_alpha_and_nothing_else():
    dense = random_counts()
    plain = weighed(dense, Block("window", 0, 10), Block("ids", 10, 30), weight="sqrt")
    blocks = (Block("window", 0, 10, beta=2.0), Block("ids", 10, 30, beta=0.5, unobserved=0.7))
    found = weighed(dense, *blocks, weight="sqrt")
    beta = np.where(np.arange(30) < 10, 2.0, 0.5)
    assert np.array_equal(found.matrix.toarray(), plain.matrix.toarray())
    np.testing.assert_allclose(found.weights.toarray(), plain.weights.toarray() * beta, rtol=1e-6)
    # α of a block is absolute where it is given; else it is the model's own, scaled like the weights
    assert found.alpha.tolist() == [0.2 * 2.0] * 10 + [0.7] * 20
    assert plain.alpha.tolist() == [0.2] * 10 + [0.02] * 20
    both = weighed(dense, Block("window", 0, 10), Block("ids", 10, 30), unobserved=0.3)
    assert both.alpha.tolist() == [0.3] * 30
    # on top of α no stored cell weighs less than one that is not stored
    above = weighed(dense, *blocks, weight="alpha+sqrt")
    stored = found.weights.toarray() > 0
    wanted = np.where(stored, found.weights.toarray() + found.alpha, 0)
    np.testing.assert_allclose(above.weights.toarray(), wanted, rtol=1e-6)
    assert above.alpha.tolist() == found.alpha.tolist()


def test_a_blocks_alpha_may_be_zero():
    found = weighed(random_counts(), Block("window", 0, 10, unobserved=0.0), Block("ids", 10, 30))
    assert found.alpha.tolist() == [0.0] * 10 + [0.02] * 20
    assert not weighed(random_counts(), unobserved=0).alpha.any()


@pytest.mark.parametrize(
    ("options", "formula"),
    [
        ({"weight": "constant"}, lambda n: 1.0),
        ({"weight": "sqrt"}, lambda n: min(math.sqrt(n), 10.0)),
        ({"weight": "sqrt", "weight_max": 3}, lambda n: min(math.sqrt(n), 3.0)),
        ({"weight": "alpha+sqrt"}, lambda n: 0.2 + min(math.sqrt(n), 10.0)),
        ({}, lambda n: 0.2 + min(math.sqrt(n), 10.0)),
        (
            {"weight": "alpha+sqrt", "unobserved": 0.9, "weight_max": 2},
            lambda n: 0.9 + min(math.sqrt(n), 2.0),
        ),
        ({"weight": "glove"}, lambda n: min(1.0, (n / 100) ** 0.75)),
        ({"weight": "glove", "weight_max": 10}, lambda n: min(1.0, (n / 10) ** 0.75)),
        ({"weight": "sqrt", "add_lambda": 0.25}, lambda n: min(math.sqrt(n + 0.25), 10.0)),
    ],
)
def test_weights_by_formula(options, formula):
    dense = random_counts()
    dense[0, 0] = 5000.0
    found = weighed(dense, association="pmi", **options)
    wanted = [formula(dense[t, f]) for t, f in np.argwhere(dense > 0)]
    np.testing.assert_allclose(found.weights.data, wanted, rtol=1e-6)


def test_weights_lie_on_the_cells_of_the_matrix():
    found = weighed(random_counts())
    assert np.array_equal(found.matrix.indptr, found.weights.indptr)
    assert np.array_equal(found.matrix.indices, found.weights.indices)
    assert found.matrix.indptr.dtype == np.int64
    assert (found.weights.data > 0).all()


def test_scaling_all_counts_leaves_pmi_alone():
    dense = random_counts()
    one, two = weighed(dense), weighed(8 * dense)
    np.testing.assert_allclose(one.matrix.toarray(), two.matrix.toarray(), atol=1e-6)


def test_threads_change_no_bit():
    generator = stream(0)
    dense = generator.integers(1, 9, (900, 300)) * (
        generator.random((900, 300)) < 0.5
    )  # several blocks of rows
    one, two, four = (weighed(dense, engine=LocalEngine(threads)) for threads in (1, 2, 4))
    for other in (two, four):
        assert np.array_equal(one.matrix.indices, other.matrix.indices)
        assert np.array_equal(one.matrix.data, other.matrix.data)
        assert np.array_equal(one.weights.data, other.weights.data)


def test_nothing_above_zero_is_refused():
    with pytest.raises(InputError, match="none of 6 observed cells has a positive association"):
        weighed(BY_HAND, shift=1000)


@pytest.mark.parametrize(
    "options",
    [
        {"association": "npmi"},
        {"weight": "log"},
        {"smoothing": 1.1},
        {"smoothing": -0.1},
        {"smoothing": math.nan},
        {"shift": 0},
        {"shift": math.inf},
        {"add_lambda": -1},
        {"unobserved": -0.1},
        {"weight_max": 0},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(OptionError, match=f"^{next(iter(options))}="):
        AssociationOptions(**options)


def test_side_by_side_keeps_both():
    blocks = Block("window", 0, 20), Block("ids", 20, 30, 2.0)
    one, other = weighed(random_counts(), *blocks), weighed(random_counts(F=7, seed=1))
    both = side_by_side(one, other)
    for cells in ("matrix", "weights"):
        halves = [getattr(half, cells).toarray() for half in (one, other)]
        np.testing.assert_array_equal(getattr(both, cells).toarray(), np.hstack(halves))
    assert both.weights.indptr is both.matrix.indptr
    np.testing.assert_array_equal(both.alpha, [*one.alpha, *other.alpha])
    assert both.features == one.features + other.features
    assert both.blocks == (*blocks, Block("window", 30, 37))


def test_side_by_side_wants_the_same_words():
    one = weighed(random_counts())
    with pytest.raises(InputError, match="the same words in the same order"):
        side_by_side(one, replace(one, words=one.words[::-1]))
