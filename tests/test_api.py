"""From outside, with the names of the contract alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_array

import morphvec as mv
import naive

LINES = ["a rose is a rose is a rose", "", "is a daisy a rose", "daisy daisy"]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


def test_thirty_pairs_of_the_quick_brown_fox():
    words = ["The", "quick", "brown", "fox", "jumped", "over", "the", "lazy", "dog"]
    pairs = mv.skipgram_pairs(words, 2)
    assert len(pairs) == 30
    assert pairs[:5] == [
        ("The", "quick"),
        ("The", "brown"),
        ("quick", "The"),
        ("quick", "brown"),
        ("quick", "fox"),
    ]
    assert pairs[-2:] == [("dog", "the"), ("dog", "lazy")]
    assert len(set(pairs)) == 30
    assert {(context, word) for word, context in pairs} == set(pairs)


@pytest.mark.parametrize("window", [1, 3, 100])
def test_pairs_are_the_flat_counts(window, corpus):
    counts = mv.count(corpus, min_count=1, window=window, window_weight="flat")
    wanted = np.zeros(counts.matrix.shape)
    for line in LINES:
        for word, context in mv.skipgram_pairs(line.split(), window):
            wanted[counts.words.index(word), counts.words.index(context)] += 1
    assert np.array_equal(counts.matrix.toarray(), wanted)


def test_pairs_of_little_text():
    assert mv.skipgram_pairs([], 2) == mv.skipgram_pairs(["one"], 2) == []
    with pytest.raises(mv.MorphvecError, match="window=0"):
        mv.skipgram_pairs(["a", "b"], 0)


def test_count_and_weigh(corpus):
    counts = mv.count(str(corpus), min_count=1, window=3)
    assert counts.words == ("a", "rose", "daisy", "is")  # 5 4 3 3: ties by code point
    assert counts.features == counts.words
    assert [(block.kind, block.begin, block.end) for block in counts.blocks] == [("window", 0, 4)]
    lines = [[counts.words.index(word) for word in line.split()] for line in LINES]
    dense = naive.window_counts(lines, 4, 3, "distance")
    assert np.array_equal(counts.matrix.toarray(), dense)

    found = mv.weigh(counts, smoothing=0.75, shift=0.5, unobserved=0.2, weight="constant")
    wanted = np.maximum(naive.pmi(dense, 0.75, 0.5), 0)
    np.testing.assert_allclose(found.matrix.toarray(), wanted, atol=1e-6)
    assert np.array_equal(found.weights.toarray(), wanted > 0)
    assert found.alpha.tolist() == [0.2] * 4
    assert found.words == counts.words


def test_the_walk_by_hand_is_train(corpus):
    """count → weigh → Problem → solve gives the factors that train serves, but for the output map."""
    given = {"min_count": 1, "window": 3}
    association = mv.weigh(mv.count(corpus, **given))
    problem = mv.Problem(association.matrix, association.weights, association.alpha)
    factors = mv.solve(problem, 2, epochs=4, seed=3)
    trained = mv.train(corpus, parts="own", dim=2, epochs=4, seed=3, **given)
    assert trained.manifest["objective"]["total"] == factors.history[-1]["total"]
    product = factors.U.astype(np.float64) @ factors.S.T
    np.testing.assert_allclose(
        trained.vectors @ trained.contexts.T, product, atol=1e-5 * np.abs(product).max()
    )
    terms = problem.objective(factors.P, factors.S)
    assert isinstance(terms, mv.Terms)
    assert terms.total == pytest.approx(factors.history[-1]["total"], rel=1e-6)


def test_problem_and_solve_take_plain_arrays():
    X = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
    L = np.array([[1.0, -1.0], [-1.0, 1.0]])
    problem = mv.Problem(
        csr_array(X),
        np.ones(3),
        0.5,
        composition=None,
        penalties=[(2.0, L)],
        ridge_own=0.1,
        ridge_features=0.1,
    )
    P, S = np.array([[1.0], [2.0]]), np.array([[1.0], [0.0], [1.0]])
    terms = problem.objective(P, S)
    # fit (1−1)² + (1−2)² + (0−3)²; unobserved ½(0 + 2² + 2²); class 2·(1−2)²; ridge 0.1·(5 + 2)
    assert (terms.fit, terms.unobserved, terms.classes, terms.ridge) == (
        10.0,
        4.0,
        {"0": 2.0},
        pytest.approx(0.7),
    )
    assert terms.total == pytest.approx(16.7)
    dP, dS = problem.gradient(P, S)
    # ∂u₁: 2(1·(1−1)·1 + 1·(1−2)·1) + 2·½·0 + 2·2·(1−2) + 2·0.1·1
    assert dP[0, 0] == pytest.approx(-2 - 4 + 0.2)
    assert dS.shape == (3, 1)
    found = mv.solve(problem, 1, solver="als", epochs=5, seed=1, dtype="float64")
    assert isinstance(found, mv.Factors)
    assert (found.P.shape, found.S.shape, found.U.shape) == ((2, 1), (3, 1), (2, 1))
    assert found.history[-1]["total"] < terms.total


def test_a_mapping_names_the_languages(tmp_path):
    for language in ("por", "spa"):
        (tmp_path / f"{language}.txt").write_text("sol mar sol mar\n", encoding="utf-8")
    counts = mv.count({name: tmp_path / f"{name}.txt" for name in ("por", "spa")}, min_count=1)
    assert counts.words == ("por:mar", "por:sol", "spa:mar", "spa:sol")
    assert counts.matrix.toarray()[:2, 2:].sum() == 0


def test_unknown_options_are_refused_by_the_step_that_does_not_know_them(corpus):
    with pytest.raises(mv.MorphvecError, match="option 'dim'"):
        mv.count(corpus, dim=5)
    with pytest.raises(mv.MorphvecError, match="option 'window'"):
        mv.weigh(mv.count(corpus, min_count=1), window=5)


def test_the_public_names_are_there():
    assert set(mv.__all__) <= set(dir(mv))
    for name in mv.__all__:
        assert getattr(mv, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = mv.nothing


def test_importing_brings_in_nothing_heavy():
    code = "import sys, morphvec; print(sorted({'numba', 'scipy', 'numpy', 'typer'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
