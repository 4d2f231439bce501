"""One pair at a time: stochastic steps on the two rows of a pair, with a switch for the loss and one for the rule.

GloVe (Pennington et al. 2014) and stochastic matrix factorization have a squared loss of stored cells, skip-gram with
negative sampling (Mikolov et al. 2013; note 001, eqs. 8 and 9) a logistic one of positive and negative pairs.
"""

from __future__ import annotations

import math

import numba as nb

from morphvec.arrays import Floats1d
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
    Rules: SGD moves by rate·e·s; IMPLICIT divides e by 1 + rate·b (‖u‖² + ‖s‖²), which is stable for every weight
    (squared loss); ADAGRAD divides each τ = rate·e·s_j by √h_j and adds τ² to h_j afterwards, with hu and hs [k]
    starting at 1. Both rows move from the values that they had before the pair.
    """
    k = len(u)
    zero = u.dtype.type(0)
    d = zero
    for j in range(k):
        d += u[j] * s[j]
    if loss == 0:
        e = b * d - a
        value = e * e / b if b > 0 else zero
        if rule == 1:
            size = zero
            for j in range(k):
                size += u[j] * u[j] + s[j] * s[j]
            e /= 1 + rate * b * size
    else:
        x = math.exp(-abs(d))
        p = 1 / (1 + x) if d > 0 else x / (1 + x)
        e = b * p - a * (1 - p)
        value = (a + b) * math.log1p(x) + (b * d if d > 0 else -a * d)
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
