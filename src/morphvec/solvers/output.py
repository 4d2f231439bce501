"""From factors to the vectors that are served: the singular value form of U·Sᵀ, at k × k cost.

With U = Q_U R_U, S = Q_S R_S and R_U R_Sᵀ = A Σ Cᵀ the token vectors are Q_U A Σ^p = U·M and the contexts
Q_S C Σ^(1−p), so that their products are U·Sᵀ whatever p is. The same M maps P, so a composed vector is b·(P·M).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import Engine
from morphvec.engine.blas import one_blas_thread
from morphvec.solvers.problem import gram, rotate

_SQUARE_FLOOR = 1e-12  # of the largest: below it a squared length is rounding noise of float32 factors
_FLOOR = 1e-6


@dataclass(frozen=True, eq=False)
class OutputMap:
    """tokens: M, float64 [k, k]; features: the map of S; singular: Σ, the singular values of U·Sᵀ, falling."""

    tokens: Floats2d
    features: Floats2d
    singular: Floats1d

    def apply(self, X: Floats2d, engine: Engine) -> Floats2d:
        """X·M, float32, for token factors U or part factors P."""
        return np.ascontiguousarray(rotate(X, self.tokens, engine), np.float32)

    def apply_features(self, S: Floats2d, engine: Engine) -> Floats2d:
        """The context vectors of feature factors S, float32."""
        return np.ascontiguousarray(rotate(S, self.features, engine), np.float32)


def output_map(U: Floats2d, S: Floats2d, power: float, engine: Engine) -> OutputMap:
    """The output maps for singular value power p; directions of (numerically) no length become 0."""
    square_u, square_s = gram(U, np.ones(len(U)), engine), gram(S, np.ones(len(S)), engine)
    with one_blas_thread():
        length_u, basis_u = _roots(square_u)
        length_s, basis_s = _roots(square_s)
        core = (length_u[:, None] * basis_u.T) @ (basis_s * length_s)
        left, singular, right = np.linalg.svd(core)
        keep = singular > _FLOOR * max(float(singular[0]), 1e-300)
        scale = np.where(keep, singular, 1.0)
        map_u = (basis_u * _inverse(length_u)) @ left * (np.where(keep, scale**power, 0.0))
        map_s = (basis_s * _inverse(length_s)) @ right.T * (np.where(keep, scale ** (1.0 - power), 0.0))
    return OutputMap(map_u, map_s, singular)


def _roots(square: Floats2d) -> tuple[Floats1d, Floats2d]:
    """Lengths and basis of a Gram matrix: square = basis · diag(lengths²) · basisᵀ."""
    values, basis = np.linalg.eigh(square)
    values = np.where(values > _SQUARE_FLOOR * max(float(values[-1]), 0.0), values, 0.0)
    return np.sqrt(values), basis


def _inverse(lengths: Floats1d) -> Floats1d:
    return np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
