"""From classes to penalties: members, graphs, scales.

A penalty is Σ_c scale_c Σ_{(i,j) ∈ E_c} weight_ij ‖m_i − m_j‖² with members m (words, or offsets u_form − u_lemma),
weights above 0 and scales of at least 0. It is a sum of squares, hence tr(UᵀLU) with L positive semi-definite by
construction, whatever the table or list holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Bools1d, Floats1d, Floats2d, Ints1d
from morphvec.morphology.classes import Edges, LemmaFamilies, PairClasses, WordClasses
from morphvec.morphology.graph import (
    complete_edge_count,
    explicit_edges,
    graph_edges,
    parse_graph,
    scatter_scale,
)
from morphvec.solvers.penalties import CompletePenalty, Penalty, edge_penalty


@dataclass(frozen=True, eq=False)
class PenaltyMaker:
    """Makes penalties over the rows of one vocabulary.

    words: T. graph: inside a class. scatter: multiply each class by (n − 1)/(2|E|). weights: name of a class → factor
    of its scale, where it is not 1; a class with 0 is left out. seed: of random graphs. vectors: float[T, k], for the
    graph ``nearest:K``.
    """

    words: int
    graph: str
    scatter: bool
    weights: Mapping[str, float]
    seed: int
    vectors: Floats2d | None

    def offset(self, pairs: PairClasses) -> list[Penalty]:
        """The offsets of each class are made equal; [] where there are none."""
        members = self._members((1.0, pairs.forms), (-1.0, pairs.lemmas))
        return self._graph(members, pairs.class_of, pairs.names)

    def among(self, classes: WordClasses) -> list[Penalty]:
        """The words of each class are made equal; [] where there are none."""
        return self._graph(self._members((1.0, classes.members)), classes.class_of, classes.names)

    def lemma(self, families: LemmaFamilies) -> Penalty:
        """Each form is made equal to its lemma: a star around the lemma for each family."""
        scales = self._scales(families.sizes, families.sizes - 1)
        edges = np.column_stack((families.lemmas, families.forms))
        return edge_penalty(self._everyone(), edges, families.family_of, scales)

    def explicit(self, classes: WordClasses, edges: Edges, inside: Bools1d) -> list[Penalty]:
        """The listed edges that lie inside classes; ``inside`` bool[e] is set for these. [] where there are none."""
        found, per_class, source = explicit_edges(
            classes.members, classes.class_of, len(classes.names), edges.i, edges.j
        )
        inside[source] = True
        scales = self._scales(classes.sizes, per_class, classes.names)
        edge_class = classes.class_of[found[:, 0]]
        on = scales[edge_class] > 0
        if not on.any():
            return []
        members = self._members((1.0, classes.members))
        return [edge_penalty(members, found[on], edge_class[on], scales, edges.weight[source][on])]

    def edges(self, edges: Edges) -> Penalty:
        """Listed edges without classes: one graph over the words that they name, which are its class."""
        named = np.zeros(self.words, np.bool_)
        named[edges.i] = named[edges.j] = True
        scales = self._scales(np.array([np.count_nonzero(named)]), np.array([len(edges.i)]))
        pairs = np.column_stack((edges.i, edges.j))
        return edge_penalty(self._everyone(), pairs, np.zeros(len(pairs), np.int64), scales, edges.weight)

    def _graph(self, members: csr_array, class_of: Ints1d, names: Sequence[str]) -> list[Penalty]:
        on = self._factors(names)[class_of] > 0
        if not on.all():
            members, class_of = members[on], class_of[on]
        if not len(class_of):
            return []
        sizes = np.bincount(class_of, minlength=len(names)).astype(np.int64)
        kind = parse_graph(self.graph).kind
        if kind == "complete":
            scales = self._scales(sizes, complete_edge_count(sizes), names)
            return [CompletePenalty(members, class_of, scales)]
        vectors = members @ self.vectors if kind == "nearest" else None
        edges, per_class = graph_edges(sizes, self.graph, self.seed, vectors)
        return [edge_penalty(members, edges, class_of[edges[:, 0]], self._scales(sizes, per_class, names))]

    def _scales(self, sizes: Ints1d, edges_per_class: Ints1d, names: Sequence[str] = ()) -> Floats1d:
        scales = scatter_scale(sizes, edges_per_class) if self.scatter else np.ones(len(sizes))
        return scales * self._factors(names) if names else scales

    def _factors(self, names: Sequence[str]) -> Floats1d:
        return np.array([self.weights.get(name, 1.0) for name in names], np.float64)

    def _members(self, *signed: tuple[float, Ints1d]) -> csr_array:
        """Members as rows over words: the sum of sign·word for each signed array of words."""
        count = len(signed[0][1])
        signs = np.concatenate([np.full(count, sign) for sign, _ in signed])
        columns = np.concatenate([words for _, words in signed])
        rows = np.tile(np.arange(count), len(signed))
        return csr_array((signs, (rows, columns)), shape=(count, self.words))

    def _everyone(self) -> csr_array:
        """Every word as a member."""
        return self._members((1.0, np.arange(self.words)))
