"""Kernels of a solver's step: the gradient closed with its ridge, and rows moved by it.

Only the rows whose ``seen`` is this step take part. Gradients come in as half gradients, as everywhere in the solvers.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.kernels.rows import REORDER


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def close_gradient(
    X: Floats2d, G: Floats2d, ridge: Floats1d, seen: NDArray[np.int32], step: int, begin: int, end: int
) -> float:
    """G = 2 (G + ridge·X) on the rows met in this step; returns Σ G² over them."""
    total = 0.0
    for t in range(begin, end):
        if seen[t] != step:
            continue
        part = G.dtype.type(0)
        for j in range(X.shape[1]):
            g = 2 * (G[t, j] + ridge[t] * X[t, j])
            G[t, j] = g
            part += g * g
        total += float(part)
    return total


@nb.njit(nogil=True, cache=True, fastmath=REORDER)
def step_rows(
    kind: int,
    X: Floats2d,
    G: Floats2d,
    first: Floats2d,
    second: Floats2d,
    shrink: float,
    rate: float,
    keep: float,
    keep_second: float,
    correction: float,
    correction_second: float,
    seen: NDArray[np.int32],
    step: int,
    begin: int,
    end: int,
) -> None:
    """Move the rows [begin, end) of X that were met in this step, by their gradient G times ``shrink``.

    kind 0, sgd: first = keep·first + g, X −= rate·first. kind 1, adagrad: second += g², X −= rate·g/√second.
    kind 2, adam: moments with decays keep and keep_second, divided by the corrections 1 − decay^t.
    """
    tiny = X.dtype.type(1e-12)
    c, eta, b1, b2 = X.dtype.type(shrink), X.dtype.type(rate), X.dtype.type(keep), X.dtype.type(keep_second)
    one = X.dtype.type(1)
    size, root = X.dtype.type(rate / correction), X.dtype.type(1.0 / np.sqrt(correction_second))
    for t in range(begin, end):
        if seen[t] != step:
            continue
        x, g = X[t], G[t]
        if kind == 0:
            m = first[t]
            for j in range(X.shape[1]):
                v = b1 * m[j] + c * g[j]
                m[j] = v
                x[j] -= eta * v
        elif kind == 1:
            a = second[t]
            for j in range(X.shape[1]):
                d = c * g[j]
                v = a[j] + d * d
                a[j] = v
                x[j] -= eta * d / (np.sqrt(v) + tiny)
        else:
            m, a = first[t], second[t]
            for j in range(X.shape[1]):
                d = c * g[j]
                v = b1 * m[j] + (one - b1) * d
                w = b2 * a[j] + (one - b2) * d * d
                m[j] = v
                a[j] = w
                x[j] -= size * v / (np.sqrt(w) * root + tiny)
