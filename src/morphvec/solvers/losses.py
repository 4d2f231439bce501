"""Losses as plain functions: one pair of skip-gram with negative sampling, the full softmax, GloVe's weight.

They take NumPy arrays, broadcast together, and those with an argument to differentiate by (x; U and S) take the traced
values of ``morphvec.autodiff`` too. All logarithms are natural, all losses and objectives in nats.

Sources: Levy & Goldberg, Neural word embedding as implicit matrix factorization (2014), in the numbering of a note on it
(eqs. 8 to 10, written for noise ∝ n_c, which is power 1 here); Mikolov et al. 2013 (noise ∝ n_c^¾); Pennington et al.
2014, eq. 9.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.autodiff import numpy as anp

GLOVE_COUNT, GLOVE_POWER = 100.0, 0.75


def noise(counts: ArrayLike, power: float = 1.0) -> Floats1d:
    """The distribution of negative samples, n_c^a / Σ n^a: probabilities [F] from context counts [F] ≥ 0.

    power: a; 1 is the empirical distribution #(c)/|D| (the note's text after eq. 3 prints #(w,c)/|D|, its eq. 6 is
    right), ¾ that of word2vec, 0 the uniform one over the contexts that occur.
    """
    n = np.asarray(counts, np.float64)
    mass: Floats1d = np.power(n, power, out=np.zeros_like(n), where=n > 0)
    return np.asarray(mass / mass.sum())


def expected_negatives(words: ArrayLike, contexts: ArrayLike, total: ArrayLike, negatives: float) -> Any:
    """m = k·#(w)·#(c)/|D|: how often a pair is drawn as a negative, in expectation.

    words: #(w), pairs of each word. contexts, total: #(c) and |D|, or n_c^a and Σ n^a for noise of power a.
    negatives: k for each positive pair.
    """
    return negatives * np.asarray(words, np.float64) * np.asarray(contexts) / np.asarray(total)


def pair_objective(
    x: Any, positives: Any, words: ArrayLike, contexts: ArrayLike, total: ArrayLike, negatives: float
) -> Any:
    """L(w,c) = #(w,c) ln σ(x) + m ln σ(−x), to be maximised over x = w·c (note eq. 8).

    positives: #(w,c) ≥ 0. m: ``expected_negatives`` of the others. Summed over all cells it is the objective of
    skip-gram with negative sampling in expectation (note eqs. 4 and 7).
    """
    m = expected_negatives(words, contexts, total, negatives)
    return positives * anp.log_sigmoid(x) + m * anp.log_sigmoid(-x)


def pair_derivative(
    x: Any, positives: Any, words: ArrayLike, contexts: ArrayLike, total: ArrayLike, negatives: float
) -> Any:
    """∂L/∂x = #(w,c) σ(−x) − m σ(x) (note eq. 9)."""
    m = expected_negatives(words, contexts, total, negatives)
    return positives * anp.sigmoid(-x) - m * anp.sigmoid(x)


def pair_optimum(
    positives: ArrayLike, words: ArrayLike, contexts: ArrayLike, total: ArrayLike, negatives: float
) -> NDArray[np.float64]:
    """Where the derivative is 0: x = ln(#(w,c)·|D| / (#(w)·#(c))) − ln k = PMI − ln k (note eq. 10).

    −∞ for a pair that was never observed: its objective has no maximum.
    """
    m = expected_negatives(words, contexts, total, negatives)
    n, m = np.broadcast_arrays(np.asarray(positives, np.float64), m)
    return np.asarray(np.log(n / m, out=np.full(n.shape, -np.inf), where=n > 0))


def pair_curvature(positives: Any, expected: Any) -> Any:
    """−∂²L/∂x² at the optimum: (n + m) σ(x)σ(−x) with σ(x) = n/(n + m), so n·m/(n + m).

    positives: n = #(w,c). expected: m. Near its optimum the objective is a parabola with this weight, which makes it
    the natural weight of a cell in a factorization of PMI − ln k (note §2.3).
    """
    return positives * expected / (positives + expected)


def glove_weight(counts: ArrayLike, most: float = GLOVE_COUNT, power: float = GLOVE_POWER) -> Any:
    """f(n) = min(1, (n/most)^power): the weight of GloVe, 0 for a count of 0, which is how zero cells are skipped."""
    return np.minimum(1.0, (np.asarray(counts, np.float64) / most) ** power)


def softmax_objective(U: Any, S: Any, counts: ArrayLike) -> Any:
    """L(U, S) = −Σ n_tf ln softmax_f(u_t·s_f), every cell laid out: the definition, for little matrices.

    U [T, k], S [F, k], counts [T, F] ≥ 0. ``solvers.softmax`` minimises the same function in blocks.
    """
    return -anp.sum(np.asarray(counts, np.float64) * anp.log_softmax(U @ S.T))


def least_softmax(counts: Floats1d, lengths: NDArray[Any]) -> float:
    """Σ_t n_t H(p̂(·|t)) = −Σ n_tf ln(n_tf/n_t): the conditional entropy, which L(U, S) cannot go below.

    counts: the stored cells [nnz] of a matrix of counts > 0, row after row; lengths: how many each row has [T]. It is
    reached (or, where a cell is 0, approached) as soon as k is the number of columns.
    """
    n = np.asarray(counts, np.float64)
    row = np.repeat(np.arange(len(lengths)), lengths)
    totals = np.bincount(row, n, len(lengths))[row]
    return float(-(n * np.log(n / totals)).sum())


def softmax_residual(U: Floats2d, S: Floats2d, counts: ArrayLike) -> Floats2d:
    """∂L/∂X = n_t softmax(u_t·s) − n_tf [T, F] of ``softmax_objective``, X = USᵀ: its gradients are RS and RᵀU."""
    n = np.asarray(counts, np.float64)
    return np.asarray(n.sum(axis=1, keepdims=True) * anp.softmax(U @ S.T) - n)
