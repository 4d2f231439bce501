"""One pair at a time: stochastic steps on the two rows of a pair, with a switch for the loss and one for the rule.

GloVe (Pennington et al. 2014) and stochastic matrix factorization have a squared loss of stored cells, skip-gram with
negative sampling (Mikolov et al. 2013; note 001, eqs. 8 and 9) a logistic one of positive and negative pairs.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d, Ints2d
from morphvec.kernels.batches import mix
from morphvec.kernels.rows import REORDER

SQUARED, LOGISTIC = 0, 1
SGD, IMPLICIT, ADAGRAD = 0, 1, 2


@nb.njit(nogil=True, cache=True, fastmath=REORDER, inline="always")
def move_pair(
    u: Floats1d,
    s: Floats1d,
    hu: Floats1d,
    hs: Floats1d,
    a: float,
    b: float,
    loss: int,
    rule: int,
    rate: float,
) -> float:
    """Move u [k] and s [k] along the half gradient e·s and e·u of one pair; returns its loss before the move.

    SQUARED: e = b (u·s) − a with a = w·x and b = w; the loss is w (u·s − x)². LOGISTIC: e = b σ(u·s) − a σ(−u·s), a
    the weight of the pair as a positive and b as a negative one; the loss is −a ln σ(u·s) − b ln σ(−u·s), in nats.
    Rules: SGD moves by rate·e·s; IMPLICIT divides e by 1 + rate·h (‖u‖² + ‖s‖²), h the largest that the loss bends (b, or
    (a + b)/4), which is stable for every weight; ADAGRAD divides each τ = rate·e·s_j by √h_j and adds τ² to h_j afterwards, with hu and hs [k]
    starting at 1. Both rows move from the values that they had before the pair.
    """
    k = len(u)
    zero = u.dtype.type(0)
    d = zero
    for j in range(k):
        d += u[j] * s[j]
    if loss == 0:
        e = b * d - a
        value = float(e * e / b) if b > 0 else 0.0
    else:
        x = math.exp(-abs(d))
        p = 1 / (1 + x) if d > 0 else x / (1 + x)
        e = u.dtype.type(b * p - a * (1 - p))
        value = float((a + b) * math.log1p(x) + (b * d if d > 0 else -a * d))
    if rule == 1:
        size = zero
        for j in range(k):
            size += u[j] * u[j] + s[j] * s[j]
        e /= 1 + rate * (b if loss == 0 else u.dtype.type(0.25) * (a + b)) * size
    step = u.dtype.type(rate * e)
    if rule == 2:
        for j in range(k):
            tu, ts = step * s[j], step * u[j]
            u[j] -= tu / math.sqrt(hu[j])
            s[j] -= ts / math.sqrt(hs[j])
            hu[j] += tu * tu
            hs[j] += ts * ts
    else:
        for j in range(k):
            old = u[j]
            u[j] -= step * s[j]
            s[j] -= step * old
    return value


# ------------------------------------------------------------------------------------- stored cells


@nb.njit(nogil=True, cache=True, fastmath=REORDER, error_model="numpy")
def move_cells(
    places: Ints2d,
    values: Floats2d,
    low: int,
    high: int,
    batches: int,
    batch: int,
    key: np.uint64,
    loss: int,
    rule: int,
    rate: float,
    U: Floats2d,
    S: Floats2d,
    HU: Floats2d,
    HS: Floats2d,
    biased: bool,
    decay_rows: Floats1d,
    decay_columns: Floats1d,
) -> float:
    """Move the two rows of each cell that batch ``batch`` has in the tile [low, high), one after another.

    places and values as in ``kernels.batches``, the cells of a batch those of ``step_cells``: b-th of each run of
    ``batches`` cells, turned by a random number of places. HU and HS: the rules' second moments (ADAGRAD). biased: the
    last columns but one of U and last of S are biases, against a constant 1 on the other side. decay_rows [T] and
    decay_columns [F]: shares of a half ridge, u /= 1 + rate·decay after each cell (ADAGRAD: rate/√h), biases apart;
    empty arrays for none. Returns the sum of the cells' losses, each as it was before its move.
    """
    total = 0.0
    if high <= low:
        return total
    size = np.uint64(batches)
    width = U.shape[1]
    k = width - 2 if biased else width
    one = U.dtype.type(1)
    for run in range(low // batches, (high - 1) // batches + 1):
        turn = np.int64(((mix(key, np.uint64(run)) >> np.uint64(32)) * size) >> np.uint64(32))
        place = batch + turn
        if place >= batches:
            place -= batches
        n = run * batches + place
        if n < low or n >= high:
            continue
        t, f = places[n, 0], places[n, 1]
        u, s, hu, hs = U[t], S[f], HU[t], HS[f]
        total += move_pair(u, s, hu, hs, values[n, 2], values[n, 3], loss, rule, rate)
        if biased:
            u[width - 1] = 1
            s[width - 2] = 1
        if len(decay_rows):
            down, across = U.dtype.type(rate * decay_rows[t]), U.dtype.type(rate * decay_columns[f])
            if rule == 2:
                for j in range(k):
                    u[j] /= one + down / math.sqrt(hu[j])
                    s[j] /= one + across / math.sqrt(hs[j])
            else:
                down, across = one / (one + down), one / (one + across)
                for j in range(k):
                    u[j] *= down
                    s[j] *= across
    return total


@nb.njit(nogil=True, cache=True, fastmath=REORDER, error_model="numpy")
def pair_losses(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    a: Floats1d,
    b: Floats1d,
    U: Floats2d,
    S: Floats2d,
    begin: int,
    end: int,
) -> float:
    """Σ a softplus(−u·s) + b softplus(u·s) over the stored cells of rows [begin, end): the LOGISTIC loss, in nats."""
    total = 0.0
    for t in range(begin, end):
        u = U[t]
        for n in range(indptr[t], indptr[t + 1]):
            s = S[indices[n]]
            d = U.dtype.type(0)
            for j in range(U.shape[1]):
                d += u[j] * s[j]
            x = np.float64(d)
            both = (np.float64(a[n]) + np.float64(b[n])) * math.log1p(math.exp(-abs(x)))
            total += both + (np.float64(b[n]) * x if x > 0 else -np.float64(a[n]) * x)
    return total
