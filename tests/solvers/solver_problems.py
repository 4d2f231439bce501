"""Small problems with everything in them: composition, penalties, α per column, stored zeros, empty rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

import naive
from morphvec.rng import stream
from morphvec.solvers.penalties import CompletePenalty, SparsePenalty
from morphvec.solvers.problem import Problem

T, F, PARTS = 14, 11, 6
KINDS = ["plain", "composed", "constrained", "both"]


@dataclass(frozen=True, eq=False)
class Case:
    """A Problem and the dense arrays that it was made of."""

    problem: Problem
    X: np.ndarray
    W: np.ndarray
    stored: np.ndarray
    alpha: np.ndarray
    B: np.ndarray | None
    laplacians: list[tuple[float, np.ndarray]]
    gammas: tuple[np.ndarray, float]

    def naive(self, P: np.ndarray, S: np.ndarray) -> dict[str, Any]:
        return naive.objective(
            self.X, self.W, self.stored, self.alpha, self.B, self.laplacians, self.gammas, P, S
        )

    def factors(self, k: int, dtype: Any = np.float64, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
        generator = stream(seed)
        _, columns, parts = self.problem.shape
        return (
            generator.standard_normal((parts, k)).astype(dtype),
            generator.standard_normal((columns, k)).astype(dtype),
        )


def offsets(rows: int, pairs: list[tuple[int, int]]) -> np.ndarray:
    members = np.zeros((len(pairs), rows))
    for number, (lemma, form) in enumerate(pairs):
        members[number, form] += 1
        members[number, lemma] -= 1
    return members


def make(
    kind: str = "plain", *, seed: int = 0, rows: int = T, columns: int = F, strength: float = 1.5
) -> Case:
    generator = stream(seed)
    stored = generator.random((rows, columns)) < 0.35
    stored[2] = False  # a word without a cell
    stored[:, 4] = False
    stored[5] = True  # a heavy row
    X = np.where(stored, generator.standard_normal((rows, columns)) + 1, 0)
    X[5, 0] = 0.0  # stored, with the target zero
    W = np.where(
        stored, generator.random((rows, columns)) * 3 + 0.05, 0
    )  # some below α: the surplus is negative
    alpha = generator.random(columns) * 0.8
    alpha[1] = 0
    place = np.nonzero(stored)
    matrix = csr_array((X[place], place), shape=X.shape)
    weights = csr_array((W[place], place), shape=X.shape)
    B, penalties, laplacians = None, [], []
    if kind in ("composed", "both"):
        B = np.hstack([np.diag(generator.random(rows) + 0.3), np.zeros((rows, PARTS))])
        B[:, rows:] = generator.random((rows, PARTS)) * (generator.random((rows, PARTS)) < 0.4)
    if kind in ("constrained", "both"):
        pairs = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 0)]
        members, class_of, scales = offsets(rows, pairs), [0, 0, 0, 1, 1], [0.3, 2.0]
        ring = naive.laplacian(rows, [(9, 10), (10, 11), (11, 9), (1, 9)], [1.0, 2.0, 0.5, 1.0])
        penalties = [
            (strength, CompletePenalty(members, np.array(class_of), np.array(scales)), "offset"),
            (0.5 * strength, SparsePenalty(csr_array(ring)), "class"),
        ]
        laplacians = [
            (strength, naive.complete_laplacian(members, class_of, scales)),
            (0.5 * strength, ring),
        ]
    ridge_own, ridge_parts, ridge_features = 0.4, 0.9, 0.6
    problem = Problem(
        matrix,
        weights,
        alpha,
        None if B is None else csr_array(B),
        penalties,
        ridge_own,
        ridge_parts,
        ridge_features,
    )
    parts = rows if B is None else B.shape[1]
    gamma = np.where(np.arange(parts) < rows, ridge_own, ridge_parts)
    return Case(problem, X, W, stored, alpha, B, laplacians, (gamma, ridge_features))
