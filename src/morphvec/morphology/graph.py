"""Graphs inside classes: which pairs of members a quadratic penalty Σ‖m_i − m_j‖² runs over.

Members of all classes are numbered consecutively, class by class; an edge is a pair of such positions, each
unordered pair once. Scaled by ``scatter_scale``, every graph of a class with n members estimates their scatter
Σ‖m_i − m̄‖² (for the complete graph exactly: Σ_{i<j}‖m_i − m_j‖² = n Σ‖m_i − m̄‖²), so one λ means one thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from morphvec import rng
from morphvec.arrays import Floats1d, Floats2d, Ints1d, Ints2d
from morphvec.errors import OptionError

GraphKind = Literal["complete", "ring", "star", "nearest", "random", "explicit"]

_BLOCK = 4_000_000  # distances held at once
_NO_EDGES = np.zeros((0, 2), np.int64)


@dataclass(frozen=True)
class Graph:
    """A kind of graph and, for ``nearest:K`` and ``random:R``, its number (0 otherwise)."""

    kind: GraphKind
    number: int = 0


def parse_graph(text: str) -> Graph:
    """``complete``, ``ring``, ``star``, ``explicit`` (the edges of a list), ``nearest:K`` or ``random:R``, K, R ≥ 1.

    Raises OptionError for anything else.
    """
    kind, colon, number = text.partition(":")
    if kind in ("complete", "ring", "star", "explicit") and not colon:
        return Graph(cast(GraphKind, kind))
    numeric = number.isascii() and number.isdigit() and len(number) <= 9 and int(number) >= 1
    if kind in ("nearest", "random") and numeric:
        return Graph(cast(GraphKind, kind), int(number))
    raise OptionError(
        f"graph {text!r}",
        "a graph is complete, ring, star, explicit, nearest:K or random:R with K, R of at least 1",
        "write for example random:3",
    )


def graph_edges(
    sizes: Ints1d, kind: str, seed: int = 0, vectors: Floats2d | None = None
) -> tuple[Ints2d, Ints1d]:
    """The edges of one graph per class: (int64[e, 2] positions sorted by (low, high), int64[C] edges per class).

    sizes: int64[C], members per class (0 and 1 give no edges).
    kind: ``ring`` (each to the next, the last to the first), ``star`` (the first member is the hub), ``random:R``
    (R random permutations π of a class give the edges (i, π(i)); fixed points and repeated edges are dropped, and a
    class of which nothing else is left takes its ring), ``nearest:K`` (each to its K nearest by Euclidean distance,
    ties to the lower position). Every class of two or more members has an edge.
    seed: class c draws from the stream (seed, 0, c). vectors: float[Σ sizes, k], for ``nearest`` only.
    Raises OptionError for ``complete``, whose edges are never listed, for ``explicit``, whose edges come from a list
    (``explicit_edges``), and for ``nearest`` without finite vectors.
    """
    graph = parse_graph(kind)
    members_of: NDArray[np.int64] = np.asarray(sizes, np.int64)
    starts = np.cumsum(members_of) - members_of
    total = int(members_of.sum())
    if graph.kind == "complete":
        raise OptionError(
            "the edges of a complete graph",
            "n(n−1)/2 edges are never listed",
            "use the closed form of the complete graph, or another graph",
        )
    if graph.kind == "explicit":
        raise OptionError(
            "the edges of the graph explicit", "they are listed, not made", "use explicit_edges with the list"
        )
    if graph.kind == "ring":
        edges = _ring(members_of, starts)
    elif graph.kind == "star":
        edges = _star(members_of, starts)
    elif graph.kind == "random":
        edges = _random(members_of, starts, graph.number, seed)
    else:
        if vectors is None or vectors.shape[0] != total or not np.isfinite(vectors).all():
            shape = "no vectors" if vectors is None else f"vectors of shape {vectors.shape}"
            raise OptionError(
                f"{kind} with {shape}",
                f"nearest members need one finite vector for each of the {total} members",
                "give the vectors, or choose another graph",
            )
        edges = _nearest(members_of, starts, graph.number, vectors)
    edges = _distinct(edges, total)
    owner = np.searchsorted(starts + members_of, edges[:, 0], side="right")
    return edges, np.bincount(owner, minlength=len(members_of)).astype(np.int64)


def explicit_edges(
    members: Ints1d, class_of: Ints1d, classes: int, i: Ints1d, j: Ints1d
) -> tuple[Ints2d, Ints1d, Ints1d]:
    """Listed edges between words, wherever both words are members of one class.

    members int64[m], class_of int[m]: as in WordClasses, sorted by (class, row). i, j int64[e]: the listed edges.
    Returns (int64[f, 2] member positions sorted by (low, high), int64[C] edges per class, int64[f] the listed edge
    behind each, for its weight). An edge inside two classes counts in both.
    """
    members, class_of = np.asarray(members, np.int64), np.asarray(class_of, np.int64)
    span = int(max(members.max(initial=-1), i.max(initial=-1), j.max(initial=-1))) + 1
    keys = class_of * span + members  # ascending, since members are sorted by (class, row)
    by_row = np.argsort(members, kind="stable")
    low = np.searchsorted(members[by_row], i, side="left")
    many = np.searchsorted(members[by_row], i, side="right") - low
    source = np.repeat(np.arange(len(i)), many)
    nth = np.arange(len(source)) - np.repeat(np.cumsum(many) - many, many)
    one = by_row[low[source] + nth]  # every membership of word i, and beside it word j in that class
    wanted = class_of[one] * span + np.asarray(j, np.int64)[source]
    other = np.searchsorted(keys, wanted)
    inside = (other < len(keys)) & (one != other)
    inside[inside] = keys[other[inside]] == wanted[inside]
    edges = np.sort(np.column_stack((one[inside], other[inside])), axis=1)
    source = source[inside]
    order = np.lexsort((source, edges[:, 1], edges[:, 0]))
    edges, source = edges[order], source[order]
    return edges, np.bincount(class_of[edges[:, 0]], minlength=classes).astype(np.int64), source


def complete_edge_count(sizes: Ints1d) -> Ints1d:
    """Edges of the complete graph of each class, n(n − 1)/2, int64[C]."""
    n = np.asarray(sizes, np.int64)
    return n * (n - 1) // 2


def scatter_scale(sizes: Ints1d, edges_per_class: Ints1d) -> Floats1d:
    """What the Laplacian of each class is multiplied by: (n − 1)/(2|E|), float64[C]; 0 where there is no edge.

    With the n(n − 1)/2 edges of the complete graph this is 1/n.
    """
    n = np.asarray(sizes, np.float64)
    edges = np.asarray(edges_per_class, np.float64)
    return np.divide(n - 1, 2 * edges, out=np.zeros(len(n)), where=edges > 0)


def _ring(sizes: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    first = np.repeat(starts, sizes)
    position = np.arange(int(sizes.sum()))
    following = first + (position - first + 1) % np.repeat(np.maximum(sizes, 1), sizes)
    return np.column_stack((position, following))


def _star(sizes: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.column_stack((np.repeat(starts, sizes), np.arange(int(sizes.sum()))))


def _random(
    sizes: NDArray[np.int64], starts: NDArray[np.int64], permutations: int, seed: int
) -> NDArray[np.int64]:
    found = [_NO_EDGES]
    for number, (size, start) in enumerate(zip(sizes.tolist(), starts.tolist(), strict=True)):
        if size < 2:
            continue
        generator = rng.stream(seed, 0, number)
        position = np.arange(start, start + size)
        drawn = [
            np.column_stack((position, start + generator.permutation(size))) for _ in range(permutations)
        ]
        edges = np.concatenate(drawn)
        if not (edges[:, 0] != edges[:, 1]).any():  # only fixed points: a class must not be without an edge
            edges = np.column_stack((position, np.roll(position, -1)))
        found.append(edges)
    return np.concatenate(found)


def _nearest(
    sizes: NDArray[np.int64], starts: NDArray[np.int64], neighbours: int, vectors: NDArray[Any]
) -> NDArray[np.int64]:
    found = [_NO_EDGES]
    for size, start in zip(sizes.tolist(), starts.tolist(), strict=True):
        if size < 2:
            continue
        points = vectors[start : start + size].astype(np.float64)
        wanted = min(neighbours, size - 1)
        block = max(1, _BLOCK // size)
        for begin in range(0, size, block):
            rows = np.arange(begin, min(begin + block, size))
            found.append(start + _nearest_of(rows, points, wanted))
    return np.concatenate(found)


def _nearest_of(rows: NDArray[np.int64], points: NDArray[np.float64], wanted: int) -> NDArray[np.int64]:
    """(row, neighbour) for the ``wanted`` nearest points of each row, itself left out."""
    squares = np.einsum("ij,ij->i", points, points)
    rough = squares[rows, None] + squares[None, :] - 2.0 * (points[rows] @ points.T)
    rough[np.arange(len(rows)), rows] = np.inf
    # The product's last bits may depend on the BLAS threads: take whatever might be among the nearest, then decide
    # on distances that are summed in a fixed order.
    slack = 1e-12 * points.shape[1] * (squares[rows] + squares.max())
    limit = np.partition(rough, wanted - 1, axis=1)[:, wanted - 1] + slack
    which, candidate = np.nonzero(rough <= limit[:, None])
    exact = np.empty(len(which))
    step = max(1, _BLOCK // max(1, points.shape[1]))
    for begin in range(0, len(which), step):
        part = slice(begin, begin + step)
        difference = points[rows[which[part]]] - points[candidate[part]]
        exact[part] = np.einsum("ij,ij->i", difference, difference)
    order = np.lexsort((exact, which))  # stable, and candidates ascend: ties go to the lower position
    which, candidate = which[order], candidate[order]
    begins = np.searchsorted(which, np.arange(len(rows)))
    chosen = (begins[:, None] + np.arange(wanted)).ravel()
    return np.column_stack((rows[which[chosen]], candidate[chosen]))


def _distinct(edges: NDArray[np.int64], members: int) -> NDArray[np.int64]:
    """Each unordered edge once, low position first, sorted; self edges are dropped."""
    low, high = edges.min(axis=1, initial=members), edges.max(axis=1, initial=0)
    span = max(members, 1)
    codes = np.unique((low * span + high)[low != high])
    return np.column_stack((codes // span, codes % span))
