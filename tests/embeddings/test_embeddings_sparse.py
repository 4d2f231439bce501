"""Sparse vectors: the answers of the same numbers written out, and no array of words × columns anywhere."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from embedding_models import sparse_and_dense, sparse_numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, random_array

import morphvec as mv
from morphvec.embeddings import Embeddings, sparse_rows
from morphvec.embeddings.query import as_rows
from morphvec.embeddings.rows import Mix, one_by_one
from morphvec.errors import UnknownWordError
from morphvec.rng import stream

# ------------------------------------------------------------------------------------------------ queries


def test_words_and_vectors_are_those_of_the_numbers_written_out():
    sparse, dense = sparse_and_dense()
    assert (sparse.sparse, dense.sparse) == (True, False)
    assert "w3" in sparse
    assert (sparse.row("w3"), sparse.vector_size, sparse.count("w3")) == (3, 50, 27)
    assert repr(sparse) == repr(dense)
    np.testing.assert_allclose(sparse.norms, dense.norms, rtol=1e-6)
    assert sparse.norms.dtype == np.float32
    for word in sparse.words:
        found = sparse.vector_for(word)
        assert (found.dtype, found.tolist()) == (np.float32, dense.vector_for(word).tolist())
        np.testing.assert_allclose(sparse.get_vector(word, norm=True), dense.get_vector(word, norm=True))
    for row in (7, -1, -30):
        assert sparse.get_vector(row).tolist() == dense.get_vector(row).tolist()
    for model in (sparse, dense):
        with pytest.raises(IndexError):
            model.get_vector(30)
    some = sparse[["w1", "w4", "w1"]]
    assert isinstance(some, csr_array)
    assert some.toarray().tolist() == dense[["w1", "w4", "w1"]].tolist()
    with pytest.raises(UnknownWordError):
        sparse.vector_for("nobody")


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("cells", [4_000_000, 7])
def test_neighbours_are_those_of_the_numbers_written_out(monkeypatch, metric, cells):
    monkeypatch.setattr(sparse_rows, "_CELLS", cells)
    sparse, dense = sparse_and_dense()
    for word in ("w3", "w4", "w6"):
        found, wanted = (dict(model.neighbors(word, 30, metric=metric)) for model in (sparse, dense))
        assert found.keys() == wanted.keys()
        assert len(found) == 29
        for near, score in wanted.items():
            assert found[near] == pytest.approx(score, abs=2e-3 if metric == "euclidean" else 1e-6)


def test_rows_that_are_alike_go_by_row():
    sparse, _ = sparse_and_dense()
    names = [word for word, _ in sparse.most_similar("w3", topn=29)]
    assert names.index("w6") < names.index("w9")
    assert sparse.neighbors("w6", 1)[0] == ("w9", pytest.approx(1, abs=1e-6))


def test_similarity_and_analogies_are_those_of_the_numbers_written_out():
    sparse, dense = sparse_and_dense()
    for pair in (("w1", "w2"), ("w6", "w9"), ("w1", "w4")):
        assert sparse.measures(*pair) == pytest.approx(dense.measures(*pair))
    assert sparse.similarity("w1", "w4") == 0
    for found, wanted in (
        (sparse.analogy("w1", "w2", "w3", 20), dense.analogy("w1", "w2", "w3", 20)),
        (sparse.most_similar(["w1", dense["w2"]], "w5"), dense.most_similar(["w1", dense["w2"]], "w5")),
    ):
        assert [word for word, _ in found] == [word for word, _ in wanted]
        np.testing.assert_allclose([s for _, s in found], [s for _, s in wanted], atol=1e-6)


# ------------------------------------------------------------------------------------------------ rows


@given(st.integers(1, 12), st.integers(1, 9), st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_sparse_rows_answer_as_dense_rows(rows, columns, density, seed):
    generator = stream(seed)
    numbers = random_array((rows, columns), density=density, rng=generator, dtype=np.float32, format="csr")
    sparse, dense = as_rows(csr_array(numbers)), as_rows(numbers.toarray())
    assert len(sparse) == len(dense) == rows
    np.testing.assert_allclose(sparse.norms(), dense.norms(), rtol=1e-6)
    query = generator.standard_normal(columns).astype(np.float32)
    np.testing.assert_allclose(sparse.dots(query), dense.dots(query), atol=1e-5)
    np.testing.assert_allclose(sparse.unit().matrix.toarray(), dense.unit().array, rtol=1e-6)
    np.testing.assert_allclose(sparse.squares(), dense.squares(), rtol=1e-6)
    chosen = generator.integers(0, rows, 5)
    assert sparse.take(chosen).matrix.toarray().tolist() == dense.take(chosen).array.tolist()
    pairs = generator.integers(0, rows, (6, 2))
    np.testing.assert_allclose(sparse.cosines(pairs), dense.cosines(pairs), rtol=1e-6)
    groups = random_array((3, rows), density=0.5, rng=generator, format="csr")
    sums, written = sparse.with_sums(groups), dense.with_sums(groups)
    np.testing.assert_allclose(sums.matrix.toarray(), written.array, atol=1e-12)
    weights = csr_array(random_array((7, rows + 3), density=0.6, rng=generator, format="csr"))
    found, wanted = (np.empty((7, rows), np.float32) for _ in range(2))
    sparse.scores(Mix(weights, sums), found)
    dense.scores(Mix(weights, written), wanted)
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_weights_in_any_order_and_twice_are_added_up():
    for numbers in (np.eye(3, dtype=np.float32), csr_array(np.eye(3, dtype=np.float32))):
        rows = as_rows(numbers)
        weights = csr_array(
            (np.array([1.0, -1.0, 1.0], np.float32), np.array([2, 0, 2]), np.array([0, 3])), shape=(1, 3)
        )
        out = np.empty((1, 3), np.float32)
        rows.scores(Mix(weights, rows), out)
        assert out.tolist() == [[-1, 0, 2]]


@pytest.mark.parametrize(("cells", "kept"), [(4_000_000, 16_000_000), (70, 0), (70, 100), (1, 1)])
def test_the_size_of_a_block_changes_no_product(monkeypatch, cells, kept):
    rows = as_rows(sparse_numbers()).unit()
    weights = csr_array(random_array((9, 30), density=0.3, rng=stream(5), format="csr"))
    wanted = np.asarray(weights @ (rows.matrix @ rows.matrix.T).toarray())
    monkeypatch.setattr(sparse_rows, "_CELLS", cells)
    monkeypatch.setattr(sparse_rows, "_KEPT", kept)
    rows, out = as_rows(rows.matrix), np.empty((9, 30), np.float32)
    rows.scores(Mix(weights, rows), out)
    np.testing.assert_allclose(out, wanted, atol=1e-6)
    scored = rows.scorer(Mix(weights, rows))
    for block in (slice(0, 4), slice(4, 9)):
        found = scored(block)
        np.testing.assert_allclose(found.products, wanted[block], atol=1e-6)
        assert found.exact(np.array([2]), np.array([7])).tolist() == [found.products[2, 7]]


def test_the_space_of_rows_has_their_products():
    rows, chosen = as_rows(sparse_numbers()).unit(), np.array([1, 6, 9, 4, 20])  # two alike, one of zeros
    span = rows.span(chosen)
    near = (rows.matrix @ rows.matrix.T).toarray()
    assert span.points.shape == (5, 3)
    np.testing.assert_allclose(span.points @ span.points.T, near[np.ix_(chosen, chosen)], atol=1e-6)
    out = np.empty((5, 30), np.float32)
    span.scores(span.points, out)
    np.testing.assert_allclose(out, near[chosen], atol=1e-6)


def test_layouts_are_not_mixed():
    sparse, dense = as_rows(sparse_numbers()), as_rows(sparse_numbers().toarray())
    for rows, others in ((sparse, dense), (dense, sparse)):
        with pytest.raises(AssertionError, match="one layout"):
            rows.scores(one_by_one(others, np.array([0])), np.empty((1, 30), np.float32))


# ------------------------------------------------------------------------------------------------ size


def test_nothing_of_words_times_columns_is_ever_laid_out(monkeypatch, tmp_path):
    """20,000 words × 20,000 columns would be 1.6 GB; all that queries need stays far below."""
    size, limit = 20_000, 100_000_000
    numbers = random_array((size, size), density=1e-3, rng=stream(3), dtype=np.float32, format="csr")
    whole = csr_array.toarray

    def small(self, *arguments, **options):
        assert self.shape[0] * self.shape[1] < size * size / 10
        return whole(self, *arguments, **options)

    monkeypatch.setattr(csr_array, "toarray", small)
    tracemalloc.start()
    try:
        model = Embeddings([f"w{row}" for row in range(size)], numbers)
        model.save(tmp_path / "M")
        model = mv.load(tmp_path / "M")
        found = model.neighbors("w7", 3)
        model.neighbors("w7", 3, metric="euclidean")
        model.analogy("w1", "w2", "w3")
        model.similarity("w1", "w2")
        assert model[["w1", "w2"]].shape == (2, size)
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()
    row = numbers[[7]]
    exact = (numbers @ row.T).toarray()[:, 0] / np.sqrt((row * row).sum() * (numbers * numbers).sum(axis=1))
    exact[7] = -1
    assert [word for word, _ in found] == [f"w{place}" for place in np.argsort(-exact)[:3]]
