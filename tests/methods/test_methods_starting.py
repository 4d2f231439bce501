"""Starts of als: the corner of frequent rows and columns, and sweeps without parts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from morphvec.association import Association
from morphvec.engine.local import LocalEngine
from morphvec.features.space import Block
from morphvec.methods import starting, token_feature
from morphvec.methods.starting import corner_factors, corner_of, free_factors, has_corner
from morphvec.rng import stream
from morphvec.solvers.problem import Problem
from morphvec.solvers.solve import solve
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

ONE, TWO = LocalEngine(1), LocalEngine(2)


@pytest.fixture
def association():
    """90 rows and 70 columns whose cells thin out, as those of text do, and a low rank beneath them."""
    generator = stream(1)
    rows, columns = 90, 70
    keep = generator.random((rows, columns)) < 6 / (
        1 + np.sqrt(np.outer(np.arange(rows), np.arange(columns)))
    )
    low = generator.standard_normal((rows, 3)) @ generator.standard_normal((3, columns))
    dense = np.where(keep, np.abs(low) + 0.1, 0)
    turn = generator.permutation(rows)  # frequent rows stand anywhere
    matrix = csr_array(dense[turn].astype(np.float32))
    weights = csr_array(
        (generator.random(matrix.nnz).astype(np.float32) + 0.5, matrix.indices, matrix.indptr)
    )
    names = tuple(f"w{n}" for n in range(rows)), tuple(f"f{n}" for n in range(columns))
    return Association(
        matrix, weights, np.linspace(0.1, 0.4, columns), *names, (Block("window", 0, columns, 1.0),)
    )


def test_the_corner_is_where_the_fullest_rows_meet_the_fullest_columns(association, monkeypatch):
    rows, columns, problem = corner_of(association, 5, ONE)
    dense, weights = association.matrix.toarray(), association.weights.toarray()
    for kept, cells in ((rows, np.count_nonzero(dense, axis=1)), (columns, np.count_nonzero(dense, axis=0))):
        assert np.all(np.diff(kept) > 0)
        others = np.setdiff1d(np.arange(len(cells)), kept)
        assert cells[kept].min() >= cells[others].max()
        assert cells[kept].sum() >= 0.65 * cells.sum() > cells[kept].sum() - cells[kept].max()
    inner = np.ix_(rows, columns)
    assert np.array_equal(problem.matrix.toarray(), dense[inner])
    assert np.array_equal(
        csr_array((problem.weights, problem.matrix.indices, problem.matrix.indptr)).toarray(), weights[inner]
    )
    assert np.array_equal(problem.alpha, association.alpha[columns])
    monkeypatch.setattr(starting, "MOST_CELLS", problem.matrix.nnz - 1)
    smaller = corner_of(association, 5, ONE)[2].matrix
    assert smaller.nnz < problem.matrix.nnz
    assert corner_of(association, len(rows) + 1, ONE) is None


def test_a_corner_too_small_for_the_dimensions_is_none(association):
    assert has_corner(association, 2, ONE)
    assert not has_corner(association, 6, ONE)
    assert corner_factors(association, 6, 0, cg_steps=4, engine=ONE) is None


def test_factors_of_the_corner_are_zero_elsewhere(association):
    rows, columns, problem = corner_of(association, 20, ONE)
    factors = corner_factors(association, 2, 7, cg_steps=4, engine=ONE)
    alone = solve(problem, 2, "als", 5, 7, cg_steps=4, engine=TWO)
    assert np.array_equal(factors.P[rows], alone.P)
    assert np.array_equal(factors.S[columns], alone.S)
    assert not np.delete(factors.P, rows, axis=0).any()
    assert not np.delete(factors.S, columns, axis=0).any()
    assert factors.P.any()


def test_free_sweeps_go_on_from_the_corner_and_sink(association):
    whole = Problem(association.matrix, association.weights, association.alpha, None, (), 1, 1, 1)
    corner = corner_factors(association, 2, 0, cg_steps=4, engine=ONE)
    totals = [whole.objective(corner.P, corner.S).total]
    for sweeps in (1, 2, 3):
        found = free_factors(association, 2, 0, sweeps=sweeps, cg_steps=4, engine=ONE)
        assert len(found.history) == sweeps
        totals.append(whole.objective(found.P, found.S).total)
    assert np.all(np.diff(totals) < 0)


def test_without_a_corner_all_rows_take_three_sweeps_more(association):
    found = free_factors(association, 6, 3, sweeps=2, cg_steps=4, engine=ONE)
    whole = Problem(association.matrix, association.weights, association.alpha, None, (), 1, 1, 1)
    assert np.array_equal(found.P, solve(whole, 6, "als", 5, 3, cg_steps=4, engine=TWO).P)


def test_a_start_with_factors_is_taken_up_where_it_stood(association):
    """Sweeps cut in two are the sweeps in one, as far as float64 tells: the start is P and S, and nothing else."""
    whole = Problem(association.matrix, association.weights, association.alpha, None, (), 1, 1, 1)
    options = {"cg_steps": 4, "dtype": "float64", "engine": ONE}
    three = solve(whole, 4, "als", 3, 1, **options)
    five = solve(whole, 4, "als", 5, 1, **options)
    two_more = solve(whole, 4, "als", 2, 9, start=three, **options)
    np.testing.assert_allclose(two_more.U @ two_more.S.T, five.U @ five.S.T, atol=1e-9)


def test_words_with_parts_take_the_features_of_a_start_alone(association):
    B = random_array((90, 120), density=0.05, rng=stream(2), format="csr")
    composed = Problem(association.matrix, association.weights, association.alpha, B, (), 1, 1, 1)
    free = free_factors(association, 2, 0, sweeps=2, cg_steps=4, engine=ONE)
    one = solve(composed, 2, "als", 1, 0, start=free, engine=ONE)
    random = solve(composed, 2, "als", 1, 0, engine=ONE)
    assert one.P.shape == random.P.shape == (120, 2)
    assert one.history[-1]["total"] < random.history[-1]["total"]


@pytest.mark.parametrize(
    ("options", "sweeps"),
    [
        ({"dim": 2, "parts": ("own",)}, 8),
        ({"dim": 6, "parts": ("own",)}, 8),
        ({"dim": 2, "parts": ("own", "ngrams"), "ngram_min_types": 2}, 3),
        ({"dim": 2, "parts": ("own",), "validation": 0.1}, 8),
        ({"dim": 2, "parts": ("own",), "epochs": 2}, 2),
    ],
)
def test_sweeps_by_default(association, options, sweeps):
    vocabulary = Vocabulary(association.words, np.arange(90, 0, -1), 4095, 90, Tokenizer())
    settings = token_feature.TokenFeatureOptions(**options)
    _, factors = token_feature.fit(association, vocabulary, settings, [], engine=ONE)
    assert len(factors.history) == sweeps


def test_many_cells_take_fewer_sweeps_by_default(association, monkeypatch):
    vocabulary = Vocabulary(association.words, np.arange(90, 0, -1), 4095, 90, Tokenizer())
    settings = token_feature.TokenFeatureOptions(dim=2, parts=("own",))
    for most, sweeps in ((association.matrix.nnz + 1, 8), (association.matrix.nnz, 3)):
        monkeypatch.setattr(token_feature, "FEW_CELLS", most)
        assert len(token_feature.fit(association, vocabulary, settings, [], engine=ONE)[1].history) == sweeps
