"""Cell updates in plain Python, number by number, in the order that the cells are given."""

from __future__ import annotations

import math


def order(places, low, high, rounds, turn, key, mix):
    """The cells of one round in a tile: the turn-th of each run of ``rounds``, shifted by the run's own draw."""
    met = []
    for run in range(low // rounds, (high - 1) // rounds + 1):
        shift = ((mix(key, run) >> 32) * rounds) >> 32
        n = run * rounds + (turn + shift) % rounds
        if low <= n < high:
            met.append(n)
    return met


def adagrad(cells, U, S, HU, HS, rate, biased=False, decays=None):
    """GloVe's AdaGrad: a step of rate·gradient/√h, and (rate·gradient)² into h afterwards; half gradients."""
    for t, f, w, x in cells:
        u, s = list(U[t]), list(S[f])
        e = w * (sum(a * b for a, b in zip(u, s, strict=True)) - x)
        for j in range(len(u)):
            gu, gs = rate * e * s[j], rate * e * u[j]
            U[t][j] = u[j] - gu / math.sqrt(HU[t][j])
            S[f][j] = s[j] - gs / math.sqrt(HS[f][j])
            HU[t][j] += gu * gu
            HS[f][j] += gs * gs
        _hold(U[t], S[f], biased)
        if decays is not None:
            for X, H, row, decay in ((U, HU, t, decays[0][t]), (S, HS, f, decays[1][f])):
                for j in range(len(u) - 2 * biased):
                    X[row][j] /= 1 + rate * decay / math.sqrt(H[row][j])


def implicit(cells, U, S, rate, biased=False, decays=None):
    """SGD whose step is divided by 1 + rate·w(‖u‖² + ‖s‖²), then the shrinkage of the ridge."""
    for t, f, w, x in cells:
        u, s = list(U[t]), list(S[f])
        size = sum(a * a for a in u) + sum(a * a for a in s)
        e = w * (sum(a * b for a, b in zip(u, s, strict=True)) - x) / (1 + rate * w * size)
        for j in range(len(u)):
            U[t][j] = u[j] - rate * e * s[j]
            S[f][j] = s[j] - rate * e * u[j]
        _hold(U[t], S[f], biased)
        if decays is not None:
            for X, row, decay in ((U, t, decays[0][t]), (S, f, decays[1][f])):
                for j in range(len(u) - 2 * biased):
                    X[row][j] /= 1 + rate * decay


def _hold(u, s, biased):
    if biased:
        u[-1] = s[-2] = 1
