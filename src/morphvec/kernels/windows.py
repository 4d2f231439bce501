"""Weights of the places of a window, and events of units: packed (row, column) words, one per counted token.

A stream is int32 word ids with -1 after each line; no event crosses a -1.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(nogil=True, cache=True)
def emit_units(
    ids: NDArray[np.int32],
    begin: int,
    end: int,
    line: int,
    units: NDArray[np.int32],
    column_bits: int,
    events: NDArray[np.uint64],
) -> int:
    """Emit (token, unit of its line) for the tokens of positions [begin, end); no code bits, each counts once.

    line: index of the line that position ``begin`` lies in. units: int32[lines], the alignment unit of each line.
    events: uint64, at least (end - begin) long. Returns the number of events written.
    """
    size = 0
    for position in range(begin, end):
        token = ids[position]
        if token < 0:
            line += 1
            continue
        events[size] = (np.uint64(token) << np.uint64(column_bits)) | np.uint64(units[line])
        size += 1
    return size


def pair_weights(window: int, kind: str) -> tuple[NDArray[np.int64], float]:
    """Integer weights of the distances 1..window and the scale that they must be divided by.

    ``flat`` 1; ``distance`` 1/d (GloVe); ``dynamic`` (window - d + 1)/window, the expectation of word2vec's random
    window. 1/d is stored over the least common multiple of 1..window, exactly, up to window 20; beyond that over
    2^40, which rounds each weight by less than 1e-12.
    """
    distances = np.arange(1, window + 1, dtype=np.int64)
    if kind == "flat":
        return np.ones(window, dtype=np.int64), 1.0
    if kind == "dynamic":
        return window - distances + 1, float(window)
    multiple: Any = np.lcm.reduce(distances) if window <= 20 else 2**40
    return np.int64(multiple) // distances, float(multiple)
