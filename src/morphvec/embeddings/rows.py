"""The rows of a matrix, laid out densely or sparsely: what queries and tests ask of them.

Both layouts answer the same questions. Dense rows write out every vector that is asked about and leave products to
BLAS. Sparse rows never do: a vector made of rows (``Mix``) stays a list of weights, products are worked out between
rows, in blocks, each number in float64 by ascending column, so that it depends on its two rows alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.sparse import csr_array

from morphvec.arrays import Floats1d, Floats2d, Ints1d, Ints2d

Vectors: TypeAlias = Floats2d | csr_array  # float32 [T, k]; CSR with ascending columns, each at most once


@dataclass(frozen=True, eq=False)
class Mix:
    """n vectors made of rows: vector i is Σ_j weights[i, j] · sources_j; weights: CSR [n, S], added in stored order."""

    weights: csr_array
    sources: Rows

    def __len__(self) -> int:
        return int(self.weights.shape[0])

    def part(self, block: slice) -> Mix:
        """Some of the vectors."""
        return Mix(self.weights[block], self.sources)


@dataclass(frozen=True, eq=False)
class Scored:
    """Products of n vectors with all rows, [n, T].

    margin: how far a product may lie from its exact value. exact: of (vectors, rows) int64 [m] → float64 [m], the
    products of these pairs, each from its two vectors alone.
    """

    products: Floats2d
    margin: float
    exact: Callable[[Ints1d, Ints1d], Floats1d]


@dataclass(frozen=True, eq=False)
class Span:
    """Chosen rows as points float64 [n, r] of a space in which they have the same products with each other; r ≤ k.

    scores: of (directions float64 [m, r] in that space, out float32 [m, T]): fills in their products with all rows.
    """

    points: Floats2d
    scores: Callable[[Floats2d, Floats2d], None]


class Rows(ABC):
    """T rows of k numbers. Wherever rows are chosen: a slice, or int64 row numbers."""

    shape: tuple[int, int]

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def row(self, index: int) -> Floats1d:
        """One row written out, float32 [k]."""

    @abstractmethod
    def norms(self) -> Floats1d:
        """Length of each row, float32 [T], block by block (a memory map is never copied whole)."""

    @abstractmethod
    def dots(self, query: Floats1d) -> Floats1d:
        """Product of each row with one vector float32 [k]: float32 [T]."""

    @abstractmethod
    def many_dots(self, queries: Floats2d) -> Floats2d:
        """Product of each row with each of n vectors float32 [n, k]: float32 [n, T]."""

    @abstractmethod
    def take(self, chosen: slice | Ints1d) -> Rows:
        """The chosen rows."""

    @abstractmethod
    def unit(self, chosen: slice | Ints1d = slice(None)) -> Rows:
        """The chosen rows at length 1, float32, rounded once; a row of zeros stays zero."""

    @abstractmethod
    def with_sums(self, groups: csr_array) -> Rows:
        """These rows in float64, and below them groups · rows; groups: float64 CSR [m, T]."""

    @abstractmethod
    def scores(self, mix: Mix, out: Floats2d) -> None:
        """Fill in the products of the vectors of a mix with all rows, float32 [n, T]."""

    @abstractmethod
    def scorer(self, mix: Mix) -> Callable[[slice], Scored]:
        """The same for a block of vectors at a time, with what exact ranks need.

        The rows have length 1 or 0; vectors are directions, for which a positive factor does not matter.
        """

    @abstractmethod
    def span(self, chosen: Ints1d) -> Span:
        """The space of the chosen rows."""

    @abstractmethod
    def picked(self, chosen: Ints1d, others: Mapping[int, Floats1d]) -> Rows:
        """Row chosen[i] for each i; for -1 the vector others[i], or zeros."""

    @abstractmethod
    def cosines(self, pairs: Ints2d) -> Floats1d:
        """The cosine of each pair of rows int64 [n, 2], float64 [n]; 0 where one is all zeros."""

    @abstractmethod
    def squares(self) -> tuple[float, float]:
        """‖Σ u‖² and Σ ‖u‖² of all rows u."""


def one_by_one(sources: Rows, chosen: Ints1d) -> Mix:
    """The mix whose vectors are the chosen rows themselves."""
    chosen = np.asarray(chosen)
    weights = csr_of(
        np.arange(len(chosen) + 1), chosen, np.ones(len(chosen), np.float32), (len(chosen), len(sources))
    )
    return Mix(weights, sources)


def csr_of(indptr: Ints1d, indices: Ints1d, data: Floats1d, shape: tuple[int, int]) -> csr_array:
    """CSR of these very arrays: no copy, whatever their types."""
    matrix = csr_array(shape, dtype=data.dtype)
    matrix.indptr, matrix.indices, matrix.data = indptr, indices, data
    return matrix


def cosine_of(dots: Floats1d, squares: Floats1d) -> Floats1d:
    """Products over roots of products of squared lengths; 0 where a length is 0, and never outside [−1, 1]."""
    found: Floats1d = np.divide(dots, np.sqrt(squares), out=np.zeros(len(dots)), where=squares > 0)
    return np.clip(found, -1.0, 1.0)
