"""Slow twins, written from the formulas of the sources: dense arrays, exact fractions, loops over everything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

# ---------------------------------------------------------------------------------------------- counts


def distance_weight(distance: int, window: int, kind: str) -> Fraction:
    return {
        "flat": Fraction(1),
        "distance": Fraction(1, distance),
        "dynamic": Fraction(window - distance + 1, window),
    }[kind]


def window_counts(lines: Sequence[Sequence[int]], words: int, window: int, kind: str) -> np.ndarray:
    """n[t, f]: for every token t, the weights of the tokens f around it on its own line. Exact, then rounded once."""
    n = [[Fraction(0)] * words for _ in range(words)]
    for line in lines:
        for i, token in enumerate(line):
            for j, other in enumerate(line):
                if i != j and abs(i - j) <= window:
                    n[token][other] += distance_weight(abs(i - j), window, kind)
    return np.array([[float(cell) for cell in row] for row in n])


def unit_counts(lines: Sequence[Sequence[int]], units: Sequence[int], words: int, columns: int) -> np.ndarray:
    n = np.zeros((words, columns))
    for line, unit in zip(lines, units, strict=True):
        for token in line:
            n[token, unit] += 1
    return n


def stream(lines: Sequence[Sequence[int]]) -> np.ndarray:
    """The token stream of some lines: -1 ends each."""
    return np.array([number for line in lines for number in (*line, -1)], np.int32)


def ngrams(word: str, shortest: int, longest: int) -> set[str]:
    text = f"<{word}>"
    every = {text[i:j] for i in range(len(text)) for j in range(i + 1, len(text) + 1)}
    return {gram for gram in every if shortest <= len(gram) <= longest and gram != text}


# ---------------------------------------------------------------------------------------------- association


def pmi(n: np.ndarray, smoothing: float = 1.0, shift: float = 1.0, add: float = 0.0) -> np.ndarray:
    """ln(n_tf Σ_g n_g^a / (n_t n_f^a)) − ln shift of one block; −inf where n is 0 (nothing was observed)."""
    n_t = [sum(row) + add * n.shape[1] for row in n]
    n_f = [sum(n[:, f]) + add * n.shape[0] for f in range(n.shape[1])]
    total = sum(value**smoothing for value in n_f)
    values = np.full(n.shape, -math.inf)
    for t in range(n.shape[0]):
        for f in range(n.shape[1]):
            if n[t, f] > 0:
                ratio = (n[t, f] + add) * total / (n_t[t] * n_f[f] ** smoothing)
                values[t, f] = math.log(ratio) - math.log(shift)
    return values


# ---------------------------------------------------------------------------------------------- the objective


def objective(X, W, stored, alpha, B, laplacians, gammas, P, S) -> dict[str, float]:
    """J term by term, over every cell of the dense matrix.

    stored: bool [T, F]. alpha: [F]. laplacians: (λ, dense L) pairs. gammas: (γ of each row of P, γ_S).
    """
    U = P if B is None else B @ P
    fit = unobserved = 0.0
    for t in range(X.shape[0]):
        for f in range(X.shape[1]):
            product = sum(float(U[t, j]) * float(S[f, j]) for j in range(S.shape[1]))
            if stored[t, f]:
                fit += W[t, f] * (product - X[t, f]) ** 2
            else:
                unobserved += alpha[f] * product**2
    classes = [strength * float(np.trace(U.T @ L @ U)) for strength, L in laplacians]
    gamma_p, gamma_s = gammas
    ridge = float(np.sum(gamma_p[:, None] * P**2) + gamma_s * np.sum(S**2))
    return {
        "total": fit + unobserved + sum(classes) + ridge,
        "fit": fit,
        "unobserved": unobserved,
        "classes": classes,
        "ridge": ridge,
    }


def central_differences(function, X: np.ndarray, step: float = 1e-5) -> np.ndarray:
    gradient = np.zeros_like(X)
    for place in np.ndindex(X.shape):
        high, low = X.copy(), X.copy()
        high[place] += step
        low[place] -= step
        gradient[place] = (function(high) - function(low)) / (2 * step)
    return gradient


# ---------------------------------------------------------------------------------------------- penalties


def laplacian(
    size: int, edges: Sequence[tuple[int, int]], weights: Sequence[float] | None = None
) -> np.ndarray:
    """Σ over edges of weight·(e_i − e_j)(e_i − e_j)ᵀ."""
    L = np.zeros((size, size))
    for number, (i, j) in enumerate(edges):
        weight = 1.0 if weights is None else weights[number]
        L[i, i] += weight
        L[j, j] += weight
        L[i, j] -= weight
        L[j, i] -= weight
    return L


def complete_laplacian(members: np.ndarray, class_of: Sequence[int], scales: Sequence[float]) -> np.ndarray:
    """Σ_c scale_c Σ_{i<j in c} (m_i − m_j)(m_i − m_j)ᵀ, with m_i the dense rows of ``members``."""
    L = np.zeros((members.shape[1], members.shape[1]))
    for i in range(len(members)):
        for j in range(i + 1, len(members)):
            if class_of[i] == class_of[j]:
                difference = members[i] - members[j]
                L += scales[class_of[i]] * np.outer(difference, difference)
    return L


# ---------------------------------------------------------------------------------------------- counterparts


def line_pairs(
    line: Sequence[int], languages: Sequence[int], vectors: np.ndarray, sharpness: float, nothing: float
) -> dict[tuple[int, int], float]:
    """p(b|a)·p(a|b) of each two words a, b of a line that are of two languages, both ways; p(b|a) = e^(β·cos(a,b)) over
    the sum of these for the language of b and e^(β·ν)."""

    def e(a: int, b: int) -> float:
        cosine = vectors[a] @ vectors[b] / (np.linalg.norm(vectors[a]) * np.linalg.norm(vectors[b]))
        return float(np.exp(sharpness * cosine))

    def share(b: int, a: int) -> float:
        same = [other for other in line if languages[other] == languages[b]]
        return e(a, b) / (sum(e(a, other) for other in same) + float(np.exp(sharpness * nothing)))

    return {(a, b): share(b, a) * share(a, b) for a in line for b in line if languages[a] != languages[b]}


def counterpart_laplacian(agreement: np.ndarray, languages: Sequence[int]) -> np.ndarray:
    """Σ_{a<b} s_ab (e_a − e_b)(e_a − e_b)ᵀ with s_ab = p(b|a)·p(a|b), p(b|a) the agreement of a and b over that of a with
    all words of b's language."""
    size = len(languages)

    def share(b: int, a: int) -> float:
        return agreement[a, b] / sum(agreement[a, c] for c in range(size) if languages[c] == languages[b])

    edges = [(a, b) for a in range(size) for b in range(a + 1, size) if agreement[a, b] > 0]
    return laplacian(size, edges, [share(b, a) * share(a, b) for a, b in edges])


# ---------------------------------------------------------------------------------------------- closed forms


def shrunk_svd(X: np.ndarray, dim: int, gamma: float) -> tuple[np.ndarray, float]:
    """The best U·Sᵀ of ‖X − USᵀ‖² + γ(‖U‖² + ‖S‖²), and the value of that objective there."""
    left, sigma, right = np.linalg.svd(X, full_matrices=False)
    kept = np.maximum(sigma[:dim] - gamma, 0)
    best = (left[:, :dim] * kept) @ right[:dim]
    return best, float(np.sum((X - best) ** 2) + 2 * gamma * np.sum(kept))
