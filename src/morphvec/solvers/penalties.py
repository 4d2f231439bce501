"""Quadratic penalties tr(UᵀLU) over the rows of U, each positive semi-definite and never T × T dense.

Two forms cover every graph: ``SparsePenalty`` holds L itself; ``CompletePenalty`` holds the members of complete
classes and uses nΣ‖m_i‖² − ‖Σm_i‖² instead of n(n−1)/2 edges. A member is a word, or an offset u_form − u_lemma.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from scipy.sparse import csr_array, diags_array

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.engine.base import Engine
from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError
from morphvec.solvers.sparse import Operator

_ONE = LocalEngine(1)


class Penalty(Protocol):
    """A quadratic form tr(UᵀLU) with L symmetric and positive semi-definite, T × T."""

    @property
    def size(self) -> int:
        """T."""

    def add_product(self, U: Floats2d, scale: float, out: Floats2d, engine: Engine) -> None:
        """out += scale · L U, for U and out of shape (T, k)."""

    def value(self, U: Floats2d, engine: Engine = _ONE) -> float:
        """tr(UᵀLU)."""

    def diagonal(self) -> Floats1d:
        """The diagonal of L, float64 [T]."""


class SparsePenalty:
    """L given as a sparse symmetric matrix: explicit edges, rings, stars, nearest members, any Laplacian."""

    def __init__(self, matrix: Any) -> None:
        csr = csr_array(matrix).astype(np.float64)
        if csr.shape[0] != csr.shape[1] or not np.all(np.isfinite(csr.data)):
            raise InputError(
                f"a penalty of shape {csr.shape}",
                "L is a square matrix of finite numbers",
                "give one row and column per word",
            )
        gap = abs(csr - csr.T)
        if gap.nnz and gap.max() > 1e-6 * max(1e-300, abs(csr).max()):
            raise InputError("an asymmetric penalty", "L equals its transpose", "use (L + L.T) / 2")
        self.matrix = csr
        self._operators: dict[np.dtype[Any], Operator] = {}

    @property
    def size(self) -> int:
        """T."""
        return int(self.matrix.shape[0])

    def _operator(self, dtype: np.dtype[Any]) -> Operator:
        if dtype not in self._operators:
            self._operators[dtype] = Operator(self.matrix, dtype)
        return self._operators[dtype]

    def add_product(self, U: Floats2d, scale: float, out: Floats2d, engine: Engine) -> None:
        """out += scale · L U."""
        out += U.dtype.type(scale) * self._operator(U.dtype).apply(U, engine)

    def value(self, U: Floats2d, engine: Engine = _ONE) -> float:
        """tr(UᵀLU), in float64 throughout: where neighbours are nearly equal, LU is all cancellation."""
        product = self._operator(np.dtype(np.float64)).apply(U, engine, np.empty(U.shape))
        return float(np.einsum("ij,ij->", U, product, dtype=np.float64))

    def diagonal(self) -> Floats1d:
        """The diagonal of L."""
        return np.asarray(self.matrix.diagonal(), np.float64)


class CompletePenalty:
    """Complete graphs over the members of classes: Σ_c scale_c · n_c · Σ_i ‖m_i − m̄_c‖², never materialised.

    Parameters
    ----------
    members: sparse [m, T]; row i holds what member i is made of (+1 for a word; +1 form, −1 lemma for an offset).
    class_of: int [m], non-decreasing class numbers 0..C−1.
    scales: float [C], factor of each class's Laplacian n_cI − 11ᵀ (1/n_c gives the scatter of the class).
    """

    def __init__(self, members: Any, class_of: Ints1d, scales: Floats1d) -> None:
        self._members = csr_array(members).astype(np.float64)
        if np.any(np.diff(class_of) < 0) or len(class_of) != self._members.shape[0]:
            raise InputError(
                "class numbers of members",
                "one per member, in non-decreasing order",
                "sort the members by class",
            )
        sizes = np.bincount(class_of, minlength=len(scales))
        self._starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        self._sizes = sizes
        self._used = sizes > 0
        self._class_of = np.asarray(class_of, np.int64)
        self._factors = np.asarray(scales, np.float64) * sizes  # of Σ‖m_i − m̄‖²
        self._operators: dict[np.dtype[Any], Operator] = {}

    @property
    def size(self) -> int:
        """T."""
        return int(self._members.shape[1])

    def _operator(self, dtype: np.dtype[Any]) -> Operator:
        if dtype not in self._operators:
            self._operators[dtype] = Operator(self._members, dtype)
        return self._operators[dtype]

    def _centred(self, U: Floats2d, engine: Engine) -> Floats2d:
        """The members of each class less their mean, [m, k]."""
        D = self._operator(U.dtype).apply(U, engine)
        if not len(D):
            return D
        used = np.flatnonzero(self._used)
        sums = np.add.reduceat(D, self._starts[used], axis=0, dtype=np.float64)
        means = np.zeros((len(self._sizes), D.shape[1]))
        means[used] = sums / self._sizes[used, None]
        D -= means.astype(D.dtype)[self._class_of]
        return D

    def add_product(self, U: Floats2d, scale: float, out: Floats2d, engine: Engine) -> None:
        """out += scale · L U, at O((members + T) k)."""
        D = self._centred(U, engine)
        D *= (scale * self._factors[self._class_of]).astype(D.dtype)[:, None]
        self._operator(U.dtype).transposed.apply(D, engine, out, add=True)

    def value(self, U: Floats2d, engine: Engine = _ONE) -> float:
        """tr(UᵀLU), summed in float64."""
        D = self._centred(U, engine)
        squares = np.einsum("ij,ij->i", D, D, dtype=np.float64)
        return float(squares @ self._factors[self._class_of])

    def diagonal(self) -> Floats1d:
        """The diagonal of L: Σ_c factor_c (Σ_i F_it² − (Σ_i F_it)²/n_c)."""
        weights = self._factors[self._class_of]
        squares = self._members.copy()
        squares.data = squares.data**2
        first = squares.T @ weights
        picks = csr_array(
            (np.ones(len(self._class_of)), (self._class_of, np.arange(len(self._class_of)))),
            shape=(len(self._sizes), len(self._class_of)),
        )
        sums = csr_array(picks @ self._members)
        sums.data = sums.data**2
        shares = np.divide(self._factors, self._sizes, out=np.zeros(len(self._sizes)), where=self._sizes > 0)
        return np.asarray(first - sums.T @ shares, np.float64)


def edge_penalty(
    members: Any, edges: Ints1d, edge_class: Ints1d, scales: Floats1d, weights: Floats1d | None = None
) -> SparsePenalty:
    """The Laplacian of explicit edges between members: L = Fᵀ Eᵀ diag(scale·weight) E F.

    members: sparse F [m, T]. edges: int [e, 2], member positions, each unordered edge once. edge_class: int [e].
    scales: float [C] per class. weights: float [e], 1 where left out.
    """
    count = len(edges)
    rows = np.repeat(np.arange(count), 2)
    signs = np.tile([1.0, -1.0], count)
    incidence = csr_array((signs, (rows, np.asarray(edges).reshape(-1))), shape=(count, members.shape[0]))
    strength = np.asarray(scales, np.float64)[edge_class] * (
        1.0 if weights is None else np.asarray(weights, np.float64)
    )
    difference = incidence @ csr_array(members).astype(np.float64)
    return SparsePenalty(csr_array(difference.T @ diags_array(strength) @ difference))
