from __future__ import annotations

import numpy as np
import pytest
from embedding_models import KEYS, composed, plain
from hypothesis import given, settings
from hypothesis import strategies as st

from morphvec.embeddings import Embeddings, dense_rows, query
from morphvec.embeddings.outline import Outline
from morphvec.embeddings.query import Search, as_rows, row_norms
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
    monkeypatch.setattr(dense_rows, "_CALL", 7)
    monkeypatch.setattr(dense_rows, "_SHARE", 14)
    cut = nearest_rows(X, row_norms(X), q, 9)
    assert np.array_equal(whole[0], cut[0])
    np.testing.assert_allclose(whole[1], cut[1], rtol=1e-6)


def rows_of_kind(kind, rows, k, seed):
    generator = stream(seed)
    X = generator.standard_normal((rows, k)).astype(np.float32)
    if kind == "whole":  # many ties, and rows of zeros
        X = generator.integers(-1, 2, (rows, k)).astype(np.float32)
    elif kind == "alike":  # nearer to each other than codes can tell
        X = (X[:1] + 1e-4 * X).astype(np.float32)
    elif kind == "scales":
        X *= 10.0 ** generator.integers(-42, 8, (rows, 1))
        X[:, 0] *= 1e4
    return X.astype(np.float32)


KINDS = ["normal", "whole", "alike", "scales"]


def nearest_rows(X, norms, query, count, **more):
    return Search(as_rows(X), norms).nearest(query, count, **more)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_an_outline_changes_no_answer(kind, metric, monkeypatch):
    rows, k = 2_000, 24
    X = rows_of_kind(kind, rows, k, 0)
    norms = row_norms(X)
    outlined = Search(as_rows(X), norms)
    monkeypatch.setattr(query, "_LARGE", 0)
    outlined._read = query._WORTH
    for turn, count in enumerate([1, 10, 10, 700, 3_000]):
        q = X[turn] if turn < 3 else stream(turn).standard_normal(k).astype(np.float32)
        more = {"metric": metric, "excluded": np.array([turn])}
        if turn % 2:
            more["allowed"] = np.arange(0, rows, 3)
        wanted, found = (
            Search(as_rows(X), norms).nearest(q, count, **more),
            outlined.nearest(q, count, **more),
        )
        assert outlined._outline is not None
        np.testing.assert_array_equal(found[0], wanted[0])
        np.testing.assert_array_equal(found[1], wanted[1])
    zero = np.zeros(k, np.float32)
    for wanted, found in zip(nearest_rows(X, norms, zero, 4), outlined.nearest(zero, 4), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_an_outline_leaves_few_rows(monkeypatch):
    X = rows_of_kind("normal", 5_000, 64, 0)
    search, looked = Search(as_rows(X), row_norms(X)), []
    monkeypatch.setattr(query, "_LARGE", 0)
    search._read = query._WORTH
    exact = type(search.rows).dots_of
    monkeypatch.setattr(
        type(search.rows),
        "dots_of",
        lambda rows, chosen, q: looked.append(len(chosen)) or exact(rows, chosen, q),
    )
    for row in range(5):
        search.nearest(X[row], 10)
    assert max(looked) < 40


def test_an_outline_waits_until_it_is_worth_it(monkeypatch):
    X = rows_of_kind("normal", 100, 8, 0)
    monkeypatch.setattr(query, "_WORTH", 3 * X.size)
    made = []
    monkeypatch.setattr(query, "_LARGE", X.size)
    search = Search(as_rows(X), row_norms(X))
    for _ in range(5):
        search.nearest(X[0], 3)
        made.append(search._outline is not None)
    assert made == [False, False, False, True, True]
    monkeypatch.setattr(query, "_LARGE", X.size + 1)
    small = Search(as_rows(X), row_norms(X))
    for _ in range(5):
        small.nearest(X[0], 3)
    assert small._outline is None


@pytest.mark.parametrize("kind", KINDS)
def test_bounds_hold_the_products(kind):
    X = rows_of_kind(kind, 700, 33, 1)
    norms = row_norms(X)
    outline = Outline.of(X, norms)
    for q in (X[0], stream(5).standard_normal(33).astype(np.float32)):
        found = outline.bounds(q)
        if found is None:
            assert kind == "scales"
            continue
        low, high = found
        for products in (X @ q, X.astype(np.float64) @ q):
            assert (low <= products).all()
            assert (products <= high).all()
        width = (high - low)[norms > 0] / (norms[norms > 0] * np.linalg.norm(q) + 1e-30)
        assert width.max() < 0.06


def test_products_of_some_rows_are_those_of_all_to_the_bit():
    X = rows_of_kind("normal", 20_011, 37, 2)
    rows, q = as_rows(X), stream(3).standard_normal(37).astype(np.float32)
    chosen = np.flatnonzero(stream(4).random(len(X)) < 0.003)
    chosen[-1] = len(X) - 1
    np.testing.assert_array_equal(rows.dots_of(chosen, q), rows.dots(q)[chosen])
    assert rows.dots_of(chosen[:0], q).shape == (0,)


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
