"""Events of a token stream: packed (row, column, weight code) words, one per counted co-occurrence.

A stream is int32 word ids with -1 after each line; no event crosses a -1. An event is one uint64,
``(row << column_bits | column) << code_bits | code``; the code is looked up in a table of integer weights when
equal keys are summed, so sums are exact and their order cannot matter.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(nogil=True, cache=True)
def emit_window(
    ids: NDArray[np.int32],
    begin: int,
    end: int,
    window: int,
    column_bits: int,
    code_bits: int,
    events: NDArray[np.uint64],
) -> int:
    """Emit each unordered pair (left neighbour at distance 1..window, token) of positions [begin, end) once.

    ids: int32[n], whole stream (left context may lie before ``begin``). events: uint64, at least
    (end - begin) * window long; row = the smaller id, column = the larger one, code = distance - 1.
    Returns the number of events written.
    """
    size = 0
    for position in range(begin, end):
        token = ids[position]
        if token < 0:
            continue
        for distance in range(1, min(window, position) + 1):
            other = ids[position - distance]
            if other < 0:
                break
            low, high = (token, other) if token < other else (other, token)
            key = (np.uint64(low) << np.uint64(column_bits)) | np.uint64(high)
            events[size] = (key << np.uint64(code_bits)) | np.uint64(distance - 1)
            size += 1
    return size


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
