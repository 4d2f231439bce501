"""What makes two words near: every sum is the dot product, and each share is what its formula says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from embedding_models import KEYS, analysed, composed, plain, sparse_and_dense
from scipy.sparse import csr_array

from morphvec.embeddings import Embeddings
from morphvec.embeddings.buckets import Buckets
from morphvec.errors import OptionError, UnknownWordError
from morphvec.rng import stream


def bucketed():
    words, rows = ("walk", "walked", "<s>"), stream(7).standard_normal((50, 5)).astype(np.float32)
    return Embeddings(words, stream(8).standard_normal((3, 5)), parts=Buckets(words, rows, 2, 3))


MODELS = {
    "plain": (plain, [("w1", "w2"), ("w3", "w3")]),
    "composed": (composed, [("walk", "walked"), ("talkeds", "walk"), ("talkeds", "seals"), ("sea", "sea")]),
    "languages": (lambda: composed(KEYS, ("eng", "spa")), [("eng:walk", "spa:walk"), ("spa:hablamos", "eng:walks")]),
    "analysed": (analysed, [("talked", "talks"), ("playeded", "talked"), ("seaside", "oxes")]),
    "buckets": (bucketed, [("walk", "walked"), ("walking", "walk"), ("walkwalk", "alkalk")]),
    "sparse": (lambda: sparse_and_dense()[0], [("w1", "w2"), ("w4", "w1")]),
}  # fmt: skip
CASES = [(name, make, *pair) for name, (make, pairs) in MODELS.items() for pair in pairs]


@pytest.mark.parametrize(("name", "make", "a", "b"), CASES)
@pytest.mark.parametrize("n", [0, 2])
def test_shares_sum_to_the_dot_product(name, make, a, b, n):
    model = make()
    found = model.explain(a, b, n=n)
    dot = float(model.vector_for(a).astype(float) @ model.vector_for(b).astype(float))
    assert found.dot == pytest.approx(dot, abs=1e-12)
    assert found.cosine == pytest.approx(model.similarity(a, b))
    assert sum(part.share for part in found.parts) == pytest.approx(dot, abs=1e-9)
    assert sum(item.share for item in found.features) + found.rest == pytest.approx(dot, abs=1e-9)
    for shares in ([part.share for part in found.parts], [item.share for item in found.features]):
        assert shares == sorted(shares, reverse=True)
    assert n == 0 or len(found.features) <= n


def test_a_pair_of_parts_has_the_product_of_their_vectors():
    model = composed()
    parts, B = model.parts, model.parts.composition.toarray().astype(float)
    rows = {"own": None, **{name: row for (_, name), row in parts.index.items()}}
    found = model.explain("walk", "talked")
    assert len(found.parts) == len([*model.known_parts("walk"), 0]) * len([*model.known_parts("talked"), 0])
    for part in found.parts:
        p = 0 if part.a == "own" else rows[part.a]
        q = model.row("talked") if part.b == "own" else rows[part.b]
        share = B[0, p] * B[model.row("talked"), q] * float(parts.vectors[p].astype(float) @ parts.vectors[q])
        assert part.share == pytest.approx(share, abs=1e-6)


def test_parts_are_named_with_their_kind():
    found = analysed().explain("talked", "talks")
    names = {part.a for part in found.parts}
    assert {"own", "lemma:talk"} <= names
    assert any(name.startswith("affix:V;PST") for name in names)


def test_what_n_grams_leave_of_a_fasttext_word_is_its_own_row():
    model = bucketed()
    found = {(part.a, part.b): part.share for part in model.explain("walked", "walking").parts}
    grams = list(model.parts.grams("walking"))
    assert {b for _, b in found} == set(grams)
    vector = model["walking"].astype(float)
    composed_of = (
        model.parts.compose("walked").astype(float) * (n := len(model.parts.grams("walked"))) / (n + 1)
    )
    own = model["walked"].astype(float) - composed_of
    assert sum(share for (a, _), share in found.items() if a == "own") == pytest.approx(
        own @ vector, abs=1e-5
    )


def test_profiles_have_the_products_of_the_vectors():
    """By features, without an association: C (CᵀC)^-½ has orthonormal columns and is nearest to C."""
    C = stream(3).standard_normal((9, 3)).astype(np.float32)
    model = Embeddings(
        ["a", "b"], [[1, 2, 3], [0.5, -1, 2]], contexts=C, features=[("window", f"f{i}") for i in range(9)]
    )
    left, _, right = np.linalg.svd(C.astype(float), full_matrices=False)
    profiles = model.vectors.astype(float) @ (left @ right).T
    found = {item.feature: item.share for item in model.explain("a", "b", n=0).features}
    for column in range(9):
        assert found[f"f{column}"] == pytest.approx(profiles[0, column] * profiles[1, column], abs=1e-9)


def test_directions_that_no_feature_has_are_in_the_rest():
    C = np.array([[1, 0, 0], [0, 2, 0]], np.float32)
    model = Embeddings(["a", "b"], [[1, 1, 5], [2, 3, 7]], contexts=C, features=[("ids", "x"), ("ids", "y")])
    found = model.explain("a", "b")
    assert [(item.feature, round(item.share, 9)) for item in found.features] == [("y", 3), ("x", 2)]
    assert found.rest == pytest.approx(35)


def test_sparse_rows_are_their_profiles():
    sparse, _ = sparse_and_dense()
    found = sparse.explain("w1", "w2", n=0)
    x, y = sparse["w1"], sparse["w2"]
    assert {item.feature for item in found.features} == {f"f{i}" for i in np.flatnonzero(x * y)}
    assert found.rest == pytest.approx(0, abs=1e-6)


def fixed_point(ridge=0.0):
    """A model whose rows solve A u = Σ w x c exactly, and its association."""
    generator = stream(4)
    C = generator.standard_normal((8, 3))
    stored = generator.random((4, 8)) < 0.5
    x, w = generator.random((4, 8)) * stored, (1 + generator.random((4, 8))) * stored
    alpha = np.full(8, 0.3)
    U = [
        np.linalg.solve(
            (C * np.where(stored[t], w[t], alpha)[:, None]).T @ C + ridge * np.eye(3), C.T @ (w[t] * x[t])
        )
        for t in range(4)
    ]
    words = ("a", "b", "c", "d")
    cells = SimpleNamespace(matrix=csr_array(x), weights=csr_array(w), alpha=alpha, words=words)
    features = [("window", f"f{i}") for i in range(8)]
    return Embeddings(words, U, contexts=C.astype(np.float32), features=features), cells


def test_cells_explain_a_row_at_its_fixed_point_without_a_rest():
    model, cells = fixed_point()
    found = model.explain("a", "b", n=0, association=cells)
    stored = set(cells.matrix.indices[cells.matrix.indptr[0] : cells.matrix.indptr[2]].tolist())
    assert {item.feature for item in found.features} == {f"f{column}" for column in stored}
    assert found.rest == pytest.approx(0, abs=1e-5)
    # a share is what the dot product loses where the two cells are set to 0, half from each side
    column = int(cells.matrix.indices[0])
    share = next(item.share for item in found.features if item.feature == f"f{column}")
    loss = 0.0
    for row, other in ((0, 1), (1, 0)):
        C, x = model.contexts.astype(float), cells.matrix.toarray()[row]
        w = cells.weights.toarray()[row]
        A = (C * np.where(x > 0, w, 0.3)[:, None]).T @ C
        without = np.linalg.solve(A, C.T @ (w * np.where(np.arange(8) == column, 0, x)))
        loss += float((model.vectors[row] - without) @ model.vectors[other]) / 2
    assert share == pytest.approx(loss, abs=1e-5)


def test_the_pull_of_the_ridge_is_in_the_rest():
    model, cells = fixed_point(ridge=2.0)
    found = model.explain("a", "b", n=0, association=cells)
    assert abs(found.rest) > 1e-3
    assert sum(item.share for item in found.features) + found.rest == pytest.approx(found.dot, abs=1e-9)


def test_of_a_word_without_cells_the_other_ones_are_taken_whole():
    made, cells = composed(), None
    T, F = len(made), 3
    weights = csr_array(stream(1).random((T, F)))
    cells = SimpleNamespace(matrix=weights, weights=weights, alpha=np.ones(F), words=made.words)
    found = made.explain("walk", "talkeds", n=0, association=cells)
    assert sum(item.share for item in found.features) + found.rest == pytest.approx(found.dot, abs=1e-9)
    C, toward = made.contexts.astype(float), made["talkeds"].astype(float)
    row = weights.toarray()[0]
    A = C.T @ (C * row[:, None])
    shares = row * row * (C @ np.linalg.lstsq(A, toward, rcond=None)[0])
    assert sum(item.share for item in found.features) == pytest.approx(shares.sum(), abs=1e-6)


def test_refusals():
    model, cells = fixed_point()
    with pytest.raises(UnknownWordError):
        model.explain("a", "nowhere")
    for other in (
        SimpleNamespace(**{**vars(cells), "words": ("a", "b", "c", "e")}),
        SimpleNamespace(**{**vars(cells), "matrix": cells.matrix[:3], "words": ("a", "b", "c")}),
    ):
        with pytest.raises(OptionError, match="the same ones"):
            model.explain("a", "b", association=other)
    with pytest.raises(OptionError, match="0 feature vectors"):
        plain().explain("w1", "w2", association=cells)
