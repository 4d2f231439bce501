"""Token-token: M from counts, its eigenpairs as vectors, the refusals, and one corpus whose neighbours are certain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

import naive
from morphvec.association import Association, AssociationOptions, weigh
from morphvec.counts.matrix import Counts
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.local import LocalEngine
from morphvec.errors import BudgetError, OptionError
from morphvec.features.space import Block
from morphvec.methods import token_token
from morphvec.methods.token_token import TokenTokenOptions, dense_gram, dense_ppmi, fit
from morphvec.rng import stream
from morphvec.solvers.penalties import CompletePenalty
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

ONE = LocalEngine(1)


def vocabulary(rows):
    words = tuple(f"w{number:04}" for number in range(rows))
    return Vocabulary(words, np.arange(rows, 0, -1), rows * rows, rows, Tokenizer("whitespace", "keep"))


def of_lines(lines, words, smoothing=1.0):
    """Exact window counts of some lines, weighed."""
    n = naive.window_counts(lines, words, 2, "distance")
    names = vocabulary(words).words
    counts = Counts(csr_array(n), names, names, (Block("window", 0, words),))
    return n, weigh(counts, AssociationOptions(smoothing=smoothing), engine=ONE)


def text(words=12, lines=60, seed=0):
    generator = stream(seed)
    return [generator.integers(0, words, 8).tolist() for _ in range(lines)]


def square_association(rows, density=0.2, seed=0):
    """A symmetric association of words with words."""
    half = random_array((rows, rows), density=density, rng=stream(seed), format="csr")
    matrix = csr_array(half + half.T).astype(np.float32)
    weights = csr_array((np.ones_like(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
    names = vocabulary(rows).words
    return Association(matrix, weights, np.full(rows, 0.3), names, names, (Block("window", 0, rows),))


def wide_association(rows=14, seed=0):
    """Words over two blocks of columns: the gram of such a matrix is symmetric whatever the blocks."""
    matrix = random_array((rows, 30), density=0.4, rng=stream(seed), format="csr").astype(np.float32)
    weights = csr_array((np.ones_like(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
    features = tuple(f"f{number}" for number in range(30))
    blocks = (Block("ids", 0, 20), Block("ngrams", 20, 30))
    return Association(matrix, weights, np.full(30, 0.3), vocabulary(rows).words, features, blocks)


def class_of(rows, members, strength):
    """One complete class of words, scaled to its scatter."""
    form = CompletePenalty(
        csr_array(np.eye(rows)[members]), np.zeros(len(members), int), np.array([1 / len(members)])
    )
    return [(strength, form, "class")]


def test_m_is_the_positive_pmi_of_the_counts():
    n, association = of_lines(text(), 12)
    M = dense_ppmi(association)
    np.testing.assert_allclose(M, np.maximum(naive.pmi(n), 0), atol=2e-6)
    assert np.array_equal(M, M.T)
    assert M.dtype == np.float64


def test_gram_is_the_product_of_the_matrix_with_itself():
    association = wide_association()
    X = association.matrix.toarray().astype(float)
    G = dense_gram(association, ONE)
    np.testing.assert_allclose(G, X @ X.T, rtol=1e-12)
    assert np.array_equal(G, G.T)


def test_gram_in_many_blocks_is_symmetric_to_the_bit():
    association = square_association(1100, density=0.01)
    X = association.matrix.astype(float)
    G = dense_gram(association, LocalEngine(2))
    np.testing.assert_allclose(G, (X @ X.T).toarray(), rtol=1e-12)
    assert np.array_equal(G, G.T)


@pytest.mark.parametrize("target", ["ppmi", "gram"])
def test_the_vectors_are_the_top_eigenpairs(target):
    association = of_lines(text(), 12)[1]
    M = dense_ppmi(association)
    M = M if target == "ppmi" else M @ M.T
    values, Q = np.linalg.eigh(M)
    model, factors = fit(association, vocabulary(12), TokenTokenOptions(3, target), [], engine=ONE)
    best = (Q[:, -3:] * values[-3:]) @ Q[:, -3:].T
    np.testing.assert_allclose(factors.U @ factors.U.T, best, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model.vectors @ model.vectors.T, best, rtol=1e-5, atol=1e-4)
    assert model.vectors.dtype == np.float32
    last = factors.history[-1]
    assert last["total"] == last["fit"] == pytest.approx(np.sum(values[:-3] ** 2), rel=1e-4)
    assert (last["unobserved"], last["classes"], last["ridge"]) == (0, {}, 0)
    if target == "ppmi":
        assert np.array_equal(model.contexts, model.vectors)
        assert model.features[0] == ("window", "w0000")
    else:
        assert model.contexts is None


def test_a_gram_of_low_rank_is_rebuilt():
    association = wide_association(rows=40)  # rank 30 at most
    X = association.matrix.toarray().astype(float)
    rank = np.linalg.matrix_rank(X)
    _, factors = fit(association, vocabulary(40), TokenTokenOptions(int(rank), "gram"), [], engine=ONE)
    np.testing.assert_allclose(factors.U @ factors.U.T, X @ X.T, atol=1e-8)
    assert factors.history[-1]["total"] < 1e-12


@pytest.mark.parametrize("target", ["ppmi", "gram"])
def test_words_of_two_topics_are_near_their_own(target):
    """Two halves of the vocabulary that never share a line: one direction each."""
    generator = stream(4)
    lines = [(generator.integers(0, 6, 8) + 6 * (number % 2)).tolist() for number in range(80)]
    model, _ = fit(of_lines(lines, 12)[1], vocabulary(12), TokenTokenOptions(2, target), [], engine=ONE)
    unit = model.vectors / np.linalg.norm(model.vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    assert cosines[:6, :6].min() > 0.9
    assert cosines[6:, 6:].min() > 0.9
    assert np.abs(cosines[:6, 6:]).max() < 0.1


def test_strength_zero_is_unconstrained_bit_for_bit():
    association, options = of_lines(text(), 12)[1], TokenTokenOptions(3)
    free, _ = fit(association, vocabulary(12), options, [], engine=ONE)
    none, factors = fit(association, vocabulary(12), options, class_of(12, [0, 3, 5], 0.0), engine=ONE)
    assert np.array_equal(none.vectors, free.vectors)
    assert factors.history[-1]["classes"] == {"class": 0.0}


def test_a_strong_class_draws_its_words_together():
    association, members = of_lines(text(), 12)[1], [0, 3, 5, 8]
    spread = []
    for strength in (0.0, 1e4):
        options = TokenTokenOptions(3, epochs=60)
        model, factors = fit(
            association, vocabulary(12), options, class_of(12, members, strength), engine=ONE
        )
        inside = model.vectors[members] - model.vectors[members].mean(axis=0)
        lengths = np.linalg.norm(model.vectors, axis=1)
        spread.append(np.linalg.norm(inside, axis=1).max() / lengths.mean())
        assert lengths.max() > 0.5
    assert spread[0] > 0.3
    assert spread[1] < 1e-2
    last = factors.history[-1]
    assert len(factors.history) == 60
    assert last["total"] == pytest.approx(last["fit"] + last["classes"]["class"])


@pytest.mark.parametrize("target", ["ppmi", "gram"])
def test_threads_change_no_bit(target):
    association = square_association(1100, density=0.02)
    penalties = class_of(1100, list(range(0, 600, 3)), 5.0)
    options = TokenTokenOptions(4, target, epochs=1)
    one, two, four = (
        fit(association, vocabulary(1100), options, penalties, engine=LocalEngine(threads))[0].vectors
        for threads in (1, 2, 4)
    )
    assert np.array_equal(two, one)
    assert np.array_equal(four, one)


def test_a_saved_model_is_the_same_when_loaded(tmp_path):
    association = of_lines(text(), 12)[1]
    model, factors = fit(association, vocabulary(12), TokenTokenOptions(3), [], engine=ONE)
    model.save(tmp_path / "model")
    again = Embeddings.load(tmp_path / "model")
    assert np.array_equal(again.vectors, model.vectors)
    assert again.words == model.words
    assert np.isfinite(again.vectors).all()
    np.testing.assert_allclose(again.vectors, factors.U, rtol=1e-6)


def test_smoothed_contexts_are_refused_and_gram_takes_them():
    association = of_lines(text(), 12, smoothing=0.75)[1]
    with pytest.raises(OptionError, match=r"not symmetric.*give --smoothing 1, or --target gram"):
        fit(association, vocabulary(12), TokenTokenOptions(3), [], engine=ONE)
    model, _ = fit(association, vocabulary(12), TokenTokenOptions(3, "gram"), [], engine=ONE)
    assert model.vectors.shape == (12, 3)


def test_other_columns_than_the_words_are_refused():
    with pytest.raises(OptionError, match=r"columns of ids, ngrams.*--features at window, or --target gram"):
        fit(wide_association(), vocabulary(14), TokenTokenOptions(3), [], engine=ONE)


def test_memory_is_refused_before_m_is_laid_out(monkeypatch):
    def never(*_):
        raise AssertionError("M was laid out")

    monkeypatch.setattr(token_token, "dense_ppmi", never)
    with pytest.raises(BudgetError, match=r"12 words at dim 3 need .* GB.*the limit is .* GB.*token-feature"):
        fit(of_lines(text(), 12)[1], vocabulary(12), TokenTokenOptions(3, memory=1000), [], engine=ONE)


def test_a_dim_beyond_the_positive_eigenvalues_says_how_many_there_are():
    association = of_lines(text(), 12)[1]
    count = int(np.sum(np.linalg.eigvalsh(dense_ppmi(association)) > 1e-9))
    assert 0 < count < 12
    with pytest.raises(OptionError, match=f"has {count} of them; give --dim {count} or less"):
        fit(association, vocabulary(12), TokenTokenOptions(12), [], engine=ONE)
    with pytest.raises(OptionError, match="from 1 to the 12 rows"):
        fit(association, vocabulary(12), TokenTokenOptions(13), [], engine=ONE)


@pytest.mark.parametrize(
    "options",
    [
        {"dim": 0},
        {"target": "pmi"},
        {"epochs": 0},
        {"seed": -1},
        {"ridge": -0.1},
        {"ridge": float("nan")},
        {"memory": 0},
    ],
)
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(OptionError, match=next(iter(options))):
        TokenTokenOptions(**options)
