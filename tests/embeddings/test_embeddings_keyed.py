"""gensim's names: known answers, and gensim's formulas written out (``make interop`` holds them against gensim itself)."""

from __future__ import annotations

import numpy as np
import pytest
from embedding_models import composed, plain, sparse_and_dense

from morphvec.embeddings import Embeddings
from morphvec.errors import OptionError, UnknownWordError
from morphvec.rng import stream

DIRECTIONS = Embeddings(  # four directions and one between two of them, of different lengths
    ["north", "east", "south", "west", "corner"], [[0, 2], [3, 0], [0, -1], [-5, 0], [4, 4]], counts=np.array([9, 7, 5, 3, 1])
)  # fmt: skip
HALF = np.sqrt(0.5)


def unit(X):
    return X / np.linalg.norm(X, axis=-1, keepdims=True)


def test_known_answers():
    model = DIRECTIONS
    assert model.similarity("north", "corner") == pytest.approx(HALF)
    assert model.distance("north", "south") == pytest.approx(2)
    assert model.distances("north") == pytest.approx([0, 1, 2, 1, 1 - HALF])
    assert model.distances("north", ["south", "east"]) == pytest.approx([2, 1])
    assert model.distances(np.array([0.0, 7.0]), ["south"]) == pytest.approx([2])
    assert model.doesnt_match(["north", "east", "corner", "west"]) == "west"
    assert model.closer_than("east", "north") == ["corner"]
    assert model.rank("east", "north") == 2
    assert model.rank("east", "corner") == 1
    assert model.most_similar_to_given("north", ["west", "corner", "south"]) == "corner"
    assert model.n_similarity(["north", "east"], ["corner"]) == pytest.approx(5 / np.sqrt(13) * HALF)
    assert model.similar_by_word("north", 2) == [("corner", pytest.approx(HALF)), ("east", 0.0)]
    assert model.similar_by_key("north", topn=1)[0][0] == "corner"
    assert model.similar_by_vector(np.array([0.0, 9.0]), topn=1) == [("north", pytest.approx(1))]


def test_rows_counts_and_vectors():
    model = DIRECTIONS
    assert [model.get_index("south"), model.get_index(2), model.get_index("up", -1)] == [2, 2, -1]
    assert model.has_index_for("south")
    assert not model.has_index_for("up")
    assert not model.has_index_for(5)
    for key in ("up", 5, -1):
        with pytest.raises(KeyError, match="no row of its own"):
            model.get_index(key)
    assert [model.get_vecattr("north", "count"), model.get_vecattr(4, "count")] == [9, 1]
    with pytest.raises(OptionError, match="one attribute is count"):
        model.get_vecattr("north", "sample_int")
    with pytest.raises(OptionError, match="no counts"):
        plain().get_vecattr("w1", "count")
    np.testing.assert_allclose(model.get_normed_vectors(), unit(model.vectors), rtol=1e-6)
    assert np.array_equal(model[3], model["west"])
    assert model[["west", 0]].tolist() == [[-5, 0], [0, 2]]


def test_the_nearest_of_sums_with_weights_rows_and_vectors():
    model, X = plain(), plain().vectors.astype(np.float64)
    U = unit(X)
    x = stream(5).standard_normal(6)
    total = U[1] + 2.5 * U[2] + x - U[4] - 0.5 * U[5]
    found = model.most_similar(["w1", ("w2", 2.5), x], [4, ("w5", -0.5)], topn=40)
    scores = U @ unit(total)
    wanted = [row for row in np.argsort(-scores) if row not in (1, 2, 4, 5)]
    assert [word for word, _ in found] == [f"w{row}" for row in wanted]
    assert [score for _, score in found] == pytest.approx(scores[wanted].tolist(), abs=1e-6)
    everything = model.most_similar(["w1", ("w2", 2.5), x], [4, ("w5", -0.5)], topn=None)
    np.testing.assert_allclose(everything, scores, atol=1e-6)
    few = model.most_similar("w1", topn=40, restrict_vocab=9)
    assert {word for word, _ in few} == {f"w{row}" for row in range(9) if row != 1}
    between = model.most_similar("w1", topn=40, clip_start=3, clip_end=6)
    assert {word for word, _ in between} == {"w3", "w4", "w5"}
    assert len(model.most_similar("w1", topn=None, clip_start=3, clip_end=6)) == 3
    assert model.most_similar("w1", topn=0) == []
    assert model.most_similar(U[[1, 2]], topn=1) == model.most_similar([U[1], U[2]], topn=1)


def test_products_of_cosines():
    model, U = plain(), unit(plain().vectors.astype(np.float64))
    shifted = (1 + U @ U.T) / 2
    scores = shifted[1] * shifted[2] / (shifted[3] + 1e-6)
    wanted = [row for row in np.argsort(-scores) if row not in (1, 2, 3)]
    found = model.most_similar_cosmul(["w1", "w2"], "w3", topn=40)
    assert [word for word, _ in found] == [f"w{row}" for row in wanted]
    np.testing.assert_allclose([score for _, score in found], scores[wanted], rtol=1e-5)
    np.testing.assert_allclose(model.most_similar_cosmul(["w1", "w2"], "w3", topn=None), scores, rtol=1e-5)
    alone = model.most_similar_cosmul("w1", topn=5)
    assert [word for word, _ in alone] == [word for word, _ in model.most_similar("w1", topn=5)]
    assert {word for word, _ in model.most_similar_cosmul("w1", restrict_vocab=4)} == {"w0", "w2", "w3"}
    with pytest.raises(OptionError, match="at least one positive"):
        model.most_similar_cosmul(negative="w1")
    with pytest.raises(OptionError, match="weights"):
        model.most_similar_cosmul([("w1", 2.0)])


def test_means():
    model, X = plain(), plain().vectors.astype(np.float64)
    np.testing.assert_allclose(model.get_mean_vector(["w1", 2], pre_normalize=False), X[[1, 2]].mean(axis=0), rtol=1e-5)  # fmt: skip
    mean = (unit(X[1]) - 3 * X[2]) / 4
    found = model.get_mean_vector(["w1", X[2]], [1, -3])
    np.testing.assert_allclose(found, mean, rtol=1e-5)
    np.testing.assert_allclose(model.get_mean_vector(["w1", X[2]], [1, -3], post_normalize=True), unit(mean), rtol=1e-5)  # fmt: skip
    np.testing.assert_allclose(model.get_mean_vector(["nowhere", "w1"]), unit(X[1]), rtol=1e-5)
    assert not model.get_mean_vector(["nowhere"]).any()
    with pytest.raises(UnknownWordError):
        model.get_mean_vector(["nowhere", "w1"], ignore_missing=False)
    for keys, weights in (([], None), (["w1"], [1, 2])):
        with pytest.raises(OptionError):
            model.get_mean_vector(keys, weights)


def test_unseen_words_are_composed_where_gensim_leaves_them_out():
    model = composed()
    assert "talkeds" not in model
    assert model.similarity("talkeds", "talked") > 0.2
    assert model.most_similar("talkeds", topn=1)[0][0] in model
    assert model.doesnt_match(["talkeds", "talked", "sea"]) in ("talkeds", "talked", "sea")
    with pytest.raises(UnknownWordError):
        plain().doesnt_match(["w1", "nowhere"])
    with pytest.raises(UnknownWordError):
        model.closer_than("talkeds", "talked")


def test_sparse_rows_answer_the_same():
    sparse, dense = sparse_and_dense()
    np.testing.assert_allclose(sparse.distances("w1"), dense.distances("w1"), atol=1e-6)
    np.testing.assert_allclose(sparse.get_normed_vectors().toarray(), dense.get_normed_vectors(), atol=1e-7)
    ours, theirs = (m.most_similar_cosmul(["w1", "w2"], "w3", topn=None) for m in (sparse, dense))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert sparse.rank("w1", "w2") == dense.rank("w1", "w2")
    zeros = sparse.distances("w4")  # a row of zeros
    assert (zeros == 1).all()
