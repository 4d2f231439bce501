from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive_morphology import columns, complete, edge_sum, nearest, scatter

from morphvec.errors import OptionError
from morphvec.morphology import (
    Graph,
    complete_edge_count,
    explicit_edges,
    graph_edges,
    parse_graph,
    scatter_scale,
)
from morphvec.rng import stream

KINDS = ["ring", "star", "random:3", "nearest:2"]
SIZES = st.lists(st.integers(0, 7), max_size=6)


def points(n, k=4, seed=0):
    return stream(seed).standard_normal((n, k))


@pytest.mark.parametrize(
    ("text", "graph"),
    [
        ("complete", Graph("complete")),
        ("ring", Graph("ring")),
        ("star", Graph("star")),
        ("explicit", Graph("explicit")),
        ("nearest:5", Graph("nearest", 5)),
        ("random:03", Graph("random", 3)),
    ],
)
def test_graphs_by_name(text, graph):
    assert parse_graph(text) == graph


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ring",
        "ring:2",
        "explicit:1",
        "star:",
        "nearest",
        "nearest:",
        "random:0",
        "random:-1",
        "random:²",
        "nearest:1.5",
        "nearest:" + "9" * 5000,
    ],
)
def test_other_names_are_refused(text):
    with pytest.raises(OptionError, match="a graph is complete, ring"):
        parse_graph(text)


def test_complete_is_never_listed():
    with pytest.raises(OptionError, match="never listed"):
        graph_edges(np.array([3]), "complete")


@pytest.mark.parametrize("vectors", [None, np.zeros((2, 2)), np.array([[0.0], [np.nan], [1.0]])])
def test_nearest_needs_finite_vectors(vectors):
    with pytest.raises(OptionError, match="nearest:1 with"):
        graph_edges(np.array([3]), "nearest:1", 0, vectors)


def test_rings_and_stars_by_hand():
    sizes = np.array([1, 2, 0, 4])
    ring, ring_counts = graph_edges(sizes, "ring")
    assert ring.tolist() == [[1, 2], [3, 4], [3, 6], [4, 5], [5, 6]]
    assert ring_counts.tolist() == [0, 1, 0, 4]
    star, star_counts = graph_edges(sizes, "star")
    assert star.tolist() == [[1, 2], [3, 4], [3, 5], [3, 6]]
    assert star_counts.tolist() == [0, 1, 0, 3]


@given(SIZES, st.sampled_from(KINDS), st.integers(0, 3))
def test_edges_are_simple_sorted_and_inside_their_class(sizes, kind, seed):
    total = sum(sizes)
    edges, counts = graph_edges(np.array(sizes, np.int64), kind, seed, points(total))
    assert edges.shape == (len(edges), 2)
    assert (edges.dtype, counts.dtype, len(counts)) == (np.int64, np.int64, len(sizes))
    listed = [tuple(edge) for edge in edges.tolist()]
    assert listed == sorted(set(listed))
    assert all(low < high for low, high in listed)
    owner = [number for number, size in enumerate(sizes) for _ in range(size)]
    assert all(owner[low] == owner[high] for low, high in listed)
    assert counts.tolist() == [sum(owner[low] == number for low, _ in listed) for number in range(len(sizes))]
    assert all(
        (count > 0) == (size > 1)
        for count, size in zip(counts.tolist(), sizes, strict=True)
        if "random" not in kind
    )
    assert all(
        count <= n
        for count, n in zip(
            counts.tolist(), complete_edge_count(np.array(sizes, np.int64)).tolist(), strict=True
        )
    )


def test_random_graphs_are_the_permutations_of_each_class_stream():
    sizes = np.array([5, 1, 6])
    edges, counts = graph_edges(sizes, "random:2", seed=7)
    expected = set()
    for number, (start, size) in enumerate([(0, 5), (5, 1), (6, 6)]):
        generator = stream(7, 0, number)
        for _ in range(2 if size > 1 else 0):
            image = generator.permutation(size)
            expected |= {
                (start + min(i, p), start + max(i, p)) for i, p in enumerate(image.tolist()) if i != p
            }
    assert [tuple(edge) for edge in edges.tolist()] == sorted(expected)
    assert counts.sum() == len(expected)
    again, _ = graph_edges(sizes, "random:2", seed=7)
    other, _ = graph_edges(sizes, "random:2", seed=8)
    assert np.array_equal(edges, again)
    assert not np.array_equal(edges, other)


def test_a_class_draws_the_same_edges_whatever_stands_before_it():
    one, _ = graph_edges(np.array([3, 50]), "random:2", seed=1)
    two, _ = graph_edges(np.array([9, 50]), "random:2", seed=1)
    assert np.array_equal(one[one[:, 0] >= 3] - 3, two[two[:, 0] >= 9] - 9)


@given(st.integers(1, 12), st.integers(1, 14), st.integers(0, 5), st.booleans())
def test_nearest_is_the_naive_one_ties_included(n, k, seed, grid):
    vectors = points(n, 3, seed)
    if grid:
        vectors = np.round(vectors)  # many exact ties and repeated points
    edges, _ = graph_edges(np.array([n]), f"nearest:{k}", 0, vectors)
    assert [tuple(edge) for edge in edges.tolist()] == nearest(vectors, k)


def test_nearest_over_many_blocks_far_from_the_origin():
    vectors = points(5000, 3, 1).astype(np.float32) + np.float32(1000)
    edges, _ = graph_edges(np.array([5000]), "nearest:2", 0, vectors)
    neighbours = {tuple(edge) for edge in edges.tolist()}
    wide = vectors.astype(np.float64)
    for row in range(0, 5000, 97):
        distance = ((wide - wide[row]) ** 2).sum(axis=1)
        distance[row] = np.inf
        for other in np.argsort(distance, kind="stable")[:2].tolist():
            assert (min(row, other), max(row, other)) in neighbours


def test_nearest_with_all_others_is_complete():
    edges, counts = graph_edges(np.array([4]), "nearest:9", 0, points(4))
    assert [tuple(edge) for edge in edges.tolist()] == complete(4)
    assert counts.tolist() == complete_edge_count(np.array([4])).tolist() == [6]


def test_scales_by_hand():
    sizes = np.array([0, 1, 2, 5])
    assert complete_edge_count(sizes).tolist() == [0, 0, 1, 10]
    assert scatter_scale(sizes, complete_edge_count(sizes)).tolist() == [0.0, 0.0, 0.5, 0.2]
    assert scatter_scale(sizes, np.array([0, 0, 1, 4])).tolist() == [0.0, 0.0, 0.5, 0.5]


@given(st.integers(2, 9), st.integers(0, 9))
def test_the_scaled_complete_graph_is_the_scatter(n, seed):
    members = points(n, 3, seed)
    (scale,) = scatter_scale(np.array([n]), complete_edge_count(np.array([n])))
    assert scale == pytest.approx(1 / n)
    assert scale * edge_sum(members, complete(n)) == pytest.approx(scatter(members))


@pytest.mark.parametrize("kind", ["ring", "star", "random:3"])
def test_other_graphs_estimate_the_scatter(kind):
    n, draws = 12, 3000
    edges, counts = graph_edges(np.array([n]), kind, seed=3)
    (scale,) = scatter_scale(np.array([n]), counts)
    members = points(n * draws, 2, 5).reshape(draws, n, 2)
    estimate = scale * ((members[:, edges[:, 0]] - members[:, edges[:, 1]]) ** 2).sum(axis=(1, 2)).mean()
    assert estimate == pytest.approx(2 * (n - 1), rel=0.03)  # E Σ‖m_i − m̄‖² for unit normals in the plane


def test_explicit_edges_meet_in_every_class_they_share():
    members = np.array([2, 5, 9, 2, 9, 4])  # classes {2, 5, 9}, {2, 9}, {4}
    class_of = np.array([0, 0, 0, 1, 1, 2])
    i, j = np.array([2, 2, 4, 5, 2]), np.array([9, 4, 7, 9, 2])  # the last joins a word to itself
    edges, counts, source = explicit_edges(members, class_of, 4, i, j)
    assert columns(edges[:, 0], edges[:, 1], source) == [(0, 2, 0), (1, 2, 3), (3, 4, 0)]
    assert counts.tolist() == [2, 1, 0, 0]
    none, counts, source = explicit_edges(members[:0], class_of[:0], 0, i, j)
    assert (none.shape, counts.tolist(), source.tolist()) == ((0, 2), [], [])


@given(
    st.sets(st.tuples(st.integers(0, 3), st.integers(0, 6)), max_size=16),
    st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda e: e[0] < e[1]), max_size=10),
)
def test_explicit_edges_are_the_naive_ones(memberships, listed):
    table, words = sorted(memberships), sorted(listed)
    class_of, members = (np.array([row[side] for row in table], np.int64) for side in (0, 1))
    i, j = (np.array([edge[side] for edge in words], np.int64) for side in (0, 1))
    edges, counts, source = explicit_edges(members, class_of, 4, i, j)
    expected = sorted(
        (one, other, words.index((table[one][1], table[other][1])))
        for one, other in complete(len(table))
        if table[one][0] == table[other][0] and (table[one][1], table[other][1]) in listed
    )
    assert columns(edges[:, 0], edges[:, 1], source) == expected
    assert counts.sum() == len(expected)


@given(SIZES, st.integers(0, 40))
def test_no_class_of_two_or_more_is_without_an_edge(sizes, seed):
    sizes = np.array(sizes, np.int64)
    for kind in ("random:1", "nearest:1", "ring", "star"):
        _, per_class = graph_edges(sizes, kind, seed, points(int(sizes.sum()), seed=seed))
        assert ((per_class > 0) == (sizes >= 2)).all()


def test_a_class_of_fixed_points_takes_its_ring():
    """Some seed draws the identity for a class of three; its edges are then those of the ring."""
    drawn = [graph_edges(np.array([3]), "random:1", seed)[0].tolist() for seed in range(60)]
    assert all(edges for edges in drawn)
    identity = [seed for seed in range(60) if (stream(seed, 0, 0).permutation(3) == np.arange(3)).all()]
    assert identity
    for seed in identity:
        assert drawn[seed] == graph_edges(np.array([3]), "ring")[0].tolist()


def test_explicit_edges_are_never_made():
    with pytest.raises(OptionError, match="they are listed, not made"):
        graph_edges(np.array([3]), "explicit")
