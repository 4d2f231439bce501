"""Complete graphs by their closed form against every edge written out; Laplacians; one λ for every graph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from solver_problems import offsets

import naive
from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError
from morphvec.morphology.graph import complete_edge_count, graph_edges, scatter_scale
from morphvec.rng import stream
from morphvec.solvers.penalties import CompletePenalty, SparsePenalty, edge_penalty

ONE = LocalEngine(1)
T = 8
SIZES = st.lists(st.integers(0, 5), min_size=1, max_size=4)


def members_of(total, kind, seed=0):
    """Words, or offsets of lemma and form; a word may be in many members, and a pair may be a word with itself."""
    generator = stream(seed)
    if kind == "words":
        return np.eye(T)[generator.integers(0, T, total)]
    return offsets(T, generator.integers(0, T, (total, 2)).tolist()).reshape(total, T)


def agree(penalty, L, U, rtol=1e-10):
    """Value, product and diagonal of a penalty are those of the dense L."""
    scale = 1 + np.abs(L).max()
    assert penalty.value(U) == pytest.approx(np.trace(U.T @ L @ U), rel=rtol, abs=rtol * scale)
    out = np.ones_like(U)
    penalty.add_product(U, 0.25, out, ONE)
    np.testing.assert_allclose(out, 1 + 0.25 * L @ U, rtol=rtol, atol=rtol * scale)
    np.testing.assert_allclose(penalty.diagonal(), np.diag(L), rtol=rtol, atol=rtol * scale)
    assert penalty.size == len(L)


@given(SIZES, st.sampled_from(["words", "offsets"]), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_a_complete_graph_is_all_its_edges(sizes, kind, seed):
    class_of = np.repeat(np.arange(len(sizes)), sizes)
    members = members_of(len(class_of), kind, seed)
    scales = stream(seed).random(len(sizes)) + 0.1
    penalty = CompletePenalty(csr_array(members), class_of, scales)
    U = stream(seed, 1).standard_normal((T, 3))
    agree(penalty, naive.complete_laplacian(members, class_of, scales), U)


@pytest.mark.parametrize("n", [2, 3, 7])
def test_offsets_of_one_class_without_their_edges(n):
    """Σ_{i<j}‖d_i − d_j‖² = tr(Uᵀ Fᵀ(nI − 11ᵀ)F U) = tr(Uᵀ EᵀE U), E the differences of all pairs of offsets."""
    pairs = [(number, number + n) for number in range(n)]
    F = offsets(2 * n, pairs)
    E = np.array([F[i] - F[j] for i in range(n) for j in range(i + 1, n)])
    by_centring = F.T @ (n * np.eye(n) - np.ones((n, n))) @ F
    np.testing.assert_allclose(by_centring, E.T @ E, atol=1e-12)
    U = stream(0).standard_normal((2 * n, 4))
    agree(CompletePenalty(csr_array(F), np.zeros(n, int), np.ones(1)), E.T @ E, U)
    edges = np.array([(i, j) for i in range(n) for j in range(i + 1, n)])
    listed = edge_penalty(csr_array(F), edges, np.zeros(len(edges), int), np.ones(1))
    np.testing.assert_allclose(listed.matrix.toarray(), E.T @ E, atol=1e-12)


def test_the_sum_identity_of_complete_graphs():
    """Σ_{i<j}‖u_i − u_j‖² = n Σ‖u_i‖² − ‖Σ u_i‖²."""
    U = stream(0).standard_normal((6, 3))
    penalty = CompletePenalty(csr_array(np.eye(6)), np.zeros(6, int), np.ones(1))
    assert penalty.value(U) == pytest.approx(6 * np.sum(U**2) - np.sum(U.sum(axis=0) ** 2), rel=1e-12)
    every = sum(np.sum((U[i] - U[j]) ** 2) for i in range(6) for j in range(i + 1, 6))
    assert penalty.value(U) == pytest.approx(every, rel=1e-12)


def test_the_scatter_scale_makes_a_complete_graph_the_scatter():
    sizes = np.array([4, 1, 3])
    class_of = np.repeat([0, 1, 2], sizes)
    U = stream(0).standard_normal((8, 3))
    scales = scatter_scale(sizes, complete_edge_count(sizes))
    assert scales.tolist() == [1 / 4, 0, 1 / 3]
    penalty = CompletePenalty(csr_array(np.eye(8)), class_of, scales)
    scatter = sum(
        np.sum((U[class_of == number] - U[class_of == number].mean(axis=0)) ** 2) for number in range(3)
    )
    assert penalty.value(U) == pytest.approx(scatter, rel=1e-12)


@pytest.mark.parametrize("graph", ["ring", "star", "random:1", "random:3"])
def test_every_graph_estimates_the_scatter_of_independent_members(graph):
    """Members are drawn independently: the mean over draws of any scaled graph is the mean of the scatter."""
    sizes = np.array([4, 5, 9])
    class_of = np.repeat([0, 1, 2], sizes)
    edges, counts = graph_edges(sizes, graph, 0)
    words = csr_array(np.eye(18))
    part = edge_penalty(words, edges, class_of[edges[:, 0]], scatter_scale(sizes, counts))
    whole = CompletePenalty(words, class_of, scatter_scale(sizes, complete_edge_count(sizes)))
    # E‖u_i − u_j‖² = 2kσ² for every pair, so that tr(L)·kσ² is the expectation: equal traces, equal expectations
    assert part.diagonal().sum() == pytest.approx(whole.diagonal().sum())
    U = stream(1).standard_normal((18, 400))
    assert part.value(U) == pytest.approx(whole.value(U), rel=0.15)


@given(
    st.lists(st.tuples(st.integers(0, T - 1), st.integers(0, T - 1)), min_size=1, max_size=12),
    st.integers(0, 3),
)
@settings(deadline=None, max_examples=40)
def test_listed_edges_are_a_laplacian(pairs, seed):
    edges = np.array([pair for pair in pairs if pair[0] != pair[1]] or [(0, 1)])
    generator = stream(seed)
    weights, edge_class, scales = (
        generator.random(len(edges)),
        generator.integers(0, 2, len(edges)),
        np.array([0.5, 3]),
    )
    penalty = edge_penalty(csr_array(np.eye(T)), edges, edge_class, scales, weights)
    L = naive.laplacian(T, edges.tolist(), (weights * scales[edge_class]).tolist())
    agree(penalty, L, generator.standard_normal((T, 3)))
    plain = edge_penalty(csr_array(np.eye(T)), edges, np.zeros(len(edges), int), np.ones(1))
    np.testing.assert_allclose(plain.matrix.toarray(), naive.laplacian(T, edges.tolist()), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_complete_form_does_not_lose_a_small_scatter_beside_large_vectors(dtype):
    """‖Σu‖² would cancel against nΣ‖u‖²: members are centred first."""
    U = (1000 + stream(0).standard_normal((50, 3)) / 8).astype(dtype)
    penalty = CompletePenalty(csr_array(np.eye(50)), np.zeros(50, int), np.array([1 / 50]))
    exact = U.astype(np.float64) - U.astype(np.float64).mean(axis=0)
    assert penalty.value(U) == pytest.approx(np.sum(exact**2), rel=1e-3 if dtype == np.float32 else 1e-9)


@pytest.mark.parametrize("graph", ["ring", "star", "random:2"])
def test_a_listed_graph_loses_little_of_it_in_float32(graph):
    U = (100 + stream(0).standard_normal((50, 3)) / 1024).astype(np.float32)
    edges, _ = graph_edges(np.array([50]), graph)
    penalty = edge_penalty(csr_array(np.eye(50)), edges, np.zeros(len(edges), int), np.ones(1))
    exact = U.astype(np.float64)
    wanted = sum(np.sum((exact[i] - exact[j]) ** 2) for i, j in edges.tolist())
    assert penalty.value(U) == pytest.approx(wanted, rel=1e-6)


def test_penalties_are_never_negative_and_blind_to_a_common_shift():
    generator = stream(0)
    U, shift = generator.standard_normal((T, 3)), generator.standard_normal(3)
    class_of = np.array([0, 0, 0, 1, 1])
    for kind in ("words", "offsets"):
        penalty = CompletePenalty(csr_array(members_of(5, kind, 3)), class_of, np.ones(2))
        assert penalty.value(U) > 0
        assert penalty.value(U + shift) == pytest.approx(penalty.value(U), rel=1e-10)
    assert CompletePenalty(csr_array(np.eye(T)[:5]), class_of, np.ones(2)).value(np.ones((T, 3))) == 0


def test_threads_change_no_bit_of_a_product():
    generator = stream(0)
    T_large, count = 30_000, 40_000
    members = csr_array(
        (
            np.tile([1.0, -1.0], count),
            (np.repeat(np.arange(count), 2), generator.integers(0, T_large, 2 * count)),
        ),
        shape=(count, T_large),
    )
    class_of = np.sort(generator.integers(0, 90, count))
    U = generator.standard_normal((T_large, 4)).astype(np.float32)
    found = []
    for threads in (1, 2, 4):
        out, penalty = np.zeros_like(U), CompletePenalty(members, class_of, np.ones(90))
        penalty.add_product(U, 1.0, out, LocalEngine(threads))
        found.append((penalty.value(U, LocalEngine(threads)), out))
    assert all(value == found[0][0] and np.array_equal(out, found[0][1]) for value, out in found[1:])


@pytest.mark.parametrize(
    "matrix",
    [np.ones((2, 3)), np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[np.nan, 0], [0, 1.0]])],
    ids=["not square", "not symmetric", "not finite"],
)
def test_what_is_no_quadratic_form_is_refused(matrix):
    with pytest.raises(InputError):
        SparsePenalty(csr_array(matrix))


@pytest.mark.parametrize("class_of", [[1, 0, 0], [0, 0]])
def test_members_out_of_order_are_refused(class_of):
    with pytest.raises(InputError, match="class numbers of members"):
        CompletePenalty(csr_array(np.eye(3)), np.array(class_of), np.ones(2))
