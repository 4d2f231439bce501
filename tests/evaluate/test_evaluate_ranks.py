"""Exact ranks: the float64 order, whatever the blocks, with ties by row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from morphvec.embeddings.query import as_rows
from morphvec.embeddings.rows import one_by_one
from morphvec.evaluate import ranks as ranks_module


def unit(vectors):
    return as_rows(np.asarray(vectors, np.float32)).unit().array


def exact_ranks(rows, queries, right, starts, barred):
    asked = one_by_one(as_rows(queries), np.arange(len(queries)))
    return ranks_module.exact_ranks(as_rows(rows), asked, right, starts, barred)


def slow_ranks(rows, queries, right, barred):
    found = []
    for query, own, out in zip(queries.astype(np.float64), right, barred, strict=True):
        scores = [float((query * row).sum()) for row in rows.astype(np.float64)]
        order = sorted((c for c in range(len(rows)) if c != out), key=lambda c: (-scores[c], c))
        found.append(1 + min(order.index(c) for c in own))
    return found


def flat(right):
    return np.concatenate(right).astype(np.int64), np.cumsum([0, *map(len, right)])


@pytest.mark.parametrize("cells", [8_000_000, 200, 1])
@pytest.mark.parametrize("kind", ["distinct", "signs", "near", "equal"])
def test_ranks_of_any_block_size(monkeypatch, cells, kind):
    rng = np.random.default_rng(3)
    rows, queries = rng.standard_normal((60, 7)), rng.standard_normal((25, 7))
    if kind == "signs":
        rows, queries = np.sign(rows), np.sign(queries)
    elif kind == "near":  # closer to each other than float32 products can tell
        rows = rows[:1] + 1e-7 * rows
    elif kind == "equal":
        rows[:] = rows[0]
    rows, queries = unit(rows), unit(queries)
    right = [rng.choice(60, size=size, replace=False) for size in rng.integers(1, 4, 25)]
    barred = np.where(rng.random(25) < 0.5, rng.integers(0, 60, 25), -1)
    barred = np.array([-1 if out in own else out for out, own in zip(barred, right, strict=True)])
    expected = slow_ranks(rows, queries, right, barred)
    monkeypatch.setattr("morphvec.evaluate.ranks._CELLS", cells)
    monkeypatch.setattr("morphvec.embeddings.dense_rows._PAIRS", min(cells, 40))
    assert exact_ranks(rows, queries, *flat(right), barred).tolist() == expected


def test_equal_scores_go_by_row():
    rows = np.array([[1, 0], [0, 1], [1, 0], [1, 0]], dtype=np.float32)
    query = np.array([[1, 0]], dtype=np.float32)

    def rank(*right, out=-1):
        return exact_ranks(rows, query, *flat([list(right)]), np.array([out]))[0]

    assert [rank(0), rank(2), rank(3), rank(1)] == [1, 2, 3, 4]
    assert rank(1, 3) == 3
    assert rank(3, out=0) == 2
    assert rank(0, out=1) == 1


def test_vectors_of_zeros_have_no_score():
    rows = unit(np.array([[0.0, 0.0], [-1.0, 0.0], [2.0, 0.0]]))
    assert rows.tolist() == [[0, 0], [-1, 0], [1, 0]]
    ranks = exact_ranks(rows, rows[[0, 2]], *flat([[2], [0]]), np.array([-1, -1]))
    assert ranks.tolist() == [3, 2]  # all scores are equal; 0 stands between 1 and -1


def test_no_query():
    none = np.zeros(0, dtype=np.int64)
    assert (
        exact_ranks(
            np.eye(2, dtype=np.float32), np.zeros((0, 2), np.float32), none, np.zeros(1, int), none
        ).tolist()
        == []
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 4))
def test_a_rank_moves_with_the_rows_only(seed, size, dim):
    """Reversing the rows turns ranks round where no score is equal to another."""
    rng = np.random.default_rng(seed)
    rows, query = unit(rng.standard_normal((size, dim + 1))), unit(rng.standard_normal((1, dim + 1)))
    ranks = [
        int(exact_ranks(part, query, *flat([[place]]), np.array([-1]))[0])
        for part in (rows, rows[::-1].copy())
        for place in range(size)
    ]
    assert sorted(ranks[:size]) == list(range(1, size + 1))
    assert ranks[size:] == ranks[:size][::-1]
