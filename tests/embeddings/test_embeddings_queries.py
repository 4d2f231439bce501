from __future__ import annotations

import numpy as np
import pytest
from embedding_models import KEYS, composed, plain
from hypothesis import given, settings
from hypothesis import strategies as st

from morphvec.embeddings import Embeddings, dense_rows
from morphvec.embeddings.query import nearest_rows, row_norms
from morphvec.errors import InputError, OptionError, UnknownWordError
from morphvec.rng import stream


def scores_by_hand(vectors, query, metric):
    X, q = vectors.astype(np.float64), query.astype(np.float64)
    if metric == "dot":
        return X @ q
    if metric == "euclidean":
        return -np.linalg.norm(X - q, axis=1)
    lengths = np.linalg.norm(X, axis=1) * np.linalg.norm(q)
    return np.divide(X @ q, lengths, out=np.zeros(len(X)), where=lengths > 0)


@given(
    st.integers(1, 30), st.integers(1, 6), st.integers(1, 40), st.sampled_from(["cosine", "dot", "euclidean"]),
    st.integers(0, 9), st.booleans(),
)  # fmt: skip
@settings(deadline=None, max_examples=80)
def test_nearest_rows_are_the_naive_ones(rows, k, count, metric, seed, narrow):
    generator = stream(seed)
    X = generator.integers(-3, 4, (rows, k)).astype(np.float32)  # many ties, and rows of zeros
    q = generator.integers(-3, 4, k).astype(np.float32)
    allowed = np.flatnonzero(generator.random(rows) < 0.6) if narrow else None
    excluded = generator.integers(0, rows, 2)
    wanted = scores_by_hand(X, q, metric)
    left = [row for row in (range(rows) if allowed is None else allowed.tolist()) if row not in excluded]
    if not left:
        return
    found, scores = nearest_rows(X, row_norms(X), q, count, metric=metric, allowed=allowed, excluded=excluded)
    assert len(found) == min(count, len(left))
    assert set(found.tolist()) <= set(left)
    best = np.sort(wanted[left])[::-1][: len(found)]
    sign = -1 if metric == "euclidean" else 1
    np.testing.assert_allclose(sign * scores, best, atol=2e-3 if metric == "euclidean" else 1e-5)
    np.testing.assert_allclose(wanted[found], best, atol=2e-3)


def test_ties_go_to_the_lower_row():
    X = np.tile(np.array([[1.0, 2.0]], np.float32), (9, 1))
    found, scores = nearest_rows(X, row_norms(X), X[0], 4, excluded=np.array([1]))
    assert found.tolist() == [0, 2, 3, 4]
    np.testing.assert_allclose(scores, 1, rtol=1e-6)


def test_blocks_of_rows_change_nothing(monkeypatch):
    X, q = stream(0).standard_normal((50, 3)).astype(np.float32), np.ones(3, np.float32)
    whole = nearest_rows(X, row_norms(X), q, 9)
    monkeypatch.setattr(dense_rows, "_BLOCK", 7)
    cut = nearest_rows(X, row_norms(X), q, 9)
    assert np.array_equal(whole[0], cut[0])
    np.testing.assert_allclose(whole[1], cut[1], rtol=1e-6)


def test_neighbours_leave_the_word_itself_out():
    model = plain()
    found = model.neighbors("w3", 39)
    assert len(found) == 39
    assert "w3" not in dict(found)
    wanted = scores_by_hand(model.vectors, model.vectors[3], "cosine")
    assert [word for word, _ in found] == [f"w{row}" for row in np.argsort(-wanted) if row != 3]
    assert model.neighbors("w3", 5, metric="euclidean")[0][1] >= 0
    alike = model.most_similar("w3", topn=5)
    assert [word for word, _ in alike] == [word for word, _ in found[:5]]
    assert [score for _, score in alike] == pytest.approx([score for _, score in found[:5]], rel=1e-6)


def test_similarity_is_the_cosine():
    model = plain()
    x, y = model["w1"].astype(float), model["w2"].astype(float)
    assert model.similarity("w1", "w2") == pytest.approx(
        x @ y / np.linalg.norm(x) / np.linalg.norm(y), rel=1e-9
    )
    assert model.similarity("w1", "w1") == pytest.approx(1)
    measures = model.measures("w1", "w2")
    assert measures["dot"] == pytest.approx(x @ y)
    assert measures["euclidean"] == pytest.approx(np.linalg.norm(x - y))
    zero = Embeddings(["a", "b"], [[0.0, 0.0], [1.0, 2.0]])
    assert zero.similarity("a", "b") == 0
    assert zero.neighbors("a", 1) == [("b", 0.0)]


def test_analogies_add_unit_vectors_and_leave_the_question_out():
    """man : king as woman : ?, on vectors that say so exactly, of very different lengths."""
    royal, male, female, other = np.eye(4)
    words = {
        "man": 5 * male,
        "king": male + royal,
        "woman": 2 * female,
        "queen": 9 * (female + royal),
        "sea": other,
    }
    model = Embeddings(list(words), np.stack(list(words.values())))
    found = model.analogy("man", "king", "woman", 2)
    assert found[0][0] == "queen"
    assert [word for word, _ in found] == ["queen", "sea"]
    unit = {word: vector / np.linalg.norm(vector) for word, vector in words.items()}
    total = unit["king"] + unit["woman"] - unit["man"]
    assert found[0][1] == pytest.approx(total @ unit["queen"] / np.linalg.norm(total), rel=1e-6)
    assert model.most_similar(positive=["king", "woman"], negative=["man"], topn=2) == found
    assert model.most_similar(positive=[total], topn=1)[0][0] == "queen"


def test_the_names_of_gensim():
    model = plain()
    assert len(model) == 40
    assert model.index_to_key[:2] == ["w0", "w1"]
    assert model.key_to_index["w7"] == 7
    assert model.vector_size == 6
    assert "w7" in model
    assert "w40" not in model
    assert 7 not in model
    assert np.array_equal(model["w7"], model.vectors[7])
    assert model[["w1", "w2"]].shape == (2, 6)
    assert np.array_equal(model.get_vector(7), model.get_vector(np.int64(7)))
    assert np.linalg.norm(model.get_vector("w7", norm=True)) == pytest.approx(1)


def test_a_query_is_folded_like_the_corpus_was():
    model = composed()
    assert model.row("WALKED") == model.row("walked") == 2
    assert np.array_equal(model["WALKED"], model["walked"])
    assert model.count("Walked") == 5
    assert model.count("nowhere") is None
    assert plain().row("W1") is None


def test_languages_stand_before_the_word_or_beside_it():
    model = composed(KEYS, ("eng", "spa"))
    assert model.row("spa:walk") == model.row("walk", "spa") == 4
    assert model.row("eng:WALK") == model.row("walk", "eng") == 0
    assert model.row("walk") is None
    assert model.language_rows("spa").tolist() == [2, 3, 4]
    assert {word for word, _ in model.neighbors("eng:walk", 9, among="spa")} == {
        "spa:hablo",
        "spa:hablas",
        "spa:walk",
    }
    with pytest.raises(OptionError, match="the model has eng, spa"):
        model.vector_for("walk", "fra")
    with pytest.raises(OptionError, match="the model has no languages"):
        plain().language_rows("eng")


def test_a_colon_is_a_letter_like_any_other_where_there_are_no_languages():
    model = Embeddings(["a:b", "c"], np.eye(2))
    assert model.row("a:b") == 0
    assert model.split("x:y") == ("", "x:y")
    assert composed(KEYS, ("eng", "spa")).split("x:y", "spa") == ("spa", "x:y")
    assert composed(KEYS, ("eng", "spa")).split("spa:x:y") == ("spa", "x:y")


@pytest.mark.parametrize(
    ("words", "vectors", "text"),
    [
        ([], np.zeros((0, 3)), "at least one"),
        (["a"], np.zeros((2, 3)), "one row per word"),
        (["a", "b"], np.zeros(2), "one row per word"),
        (["a", "a"], np.eye(2), "1 duplicate words"),
        (["a", "b"], np.array([[0, 1], [np.nan, 0]]), "the vector of 'b' is not finite"),
        (["a", "b"], np.array([[0, np.inf], [0, 0]]), "the vector of 'a' is not finite"),
        (["a", "b"], np.array([[0, 1e300], [0, 0]]), "the vector of 'a' is not finite"),
    ],
)
def test_vectors_that_cannot_be_served_are_refused(words, vectors, text):
    with pytest.raises(InputError, match=text), np.errstate(over="ignore"):
        Embeddings(words, vectors)


def test_bad_questions_are_refused():
    model = plain()
    with pytest.raises(UnknownWordError, match="no parts to compose it from"):
        model.vector_for("nowhere")
    with pytest.raises(KeyError):
        model.most_similar("nowhere")
    with pytest.raises(OptionError, match="n=0"):
        model.neighbors("w1", 0)
    with pytest.raises(OptionError, match="metric='manhattan'"):
        model.neighbors("w1", metric="manhattan")
    with pytest.raises(OptionError, match="no words"):
        model.most_similar()
