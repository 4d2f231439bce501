"""Targets and weights of stored cells in 16 bits each: multiples of one step, read back by one product.

A pass over the cells gathers a row of factors for each, so decoding costs next to nothing; what it saves is memory,
4 bytes a cell and orientation of 12. Coded cells are a problem of their own, whose targets and weights are those that the
codes say: both orientations hold the same codes, and J is the sum over them. So nothing that holds of a problem needs
to know of codes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from morphvec.arrays import Cells1d, Floats1d

TOP = 65535
LEAST_CELLS = 1 << 20  # below, codes would save 8 MB at most
WEIGHT_RANGE = 256  # largest weight over least: then no weight is off by more than 1/512 of itself
TARGET_RANGE = (
    64  # range of the targets over their mean size: then none is off by more than 1/2048 of that mean
)
_CHUNK = 1 << 16  # cells that are turned at once: what that takes stays in the cache


def plain_scale(dtype: np.dtype[Any]) -> Floats1d:
    """The scale of cells that are no codes: zero 0, steps 1."""
    return np.array([0, 1, 1], dtype)


def encoded(x: Floats1d, w: Floats1d, dtype: np.dtype[Any]) -> tuple[Cells1d, Cells1d, Floats1d] | None:
    """uint16 codes of targets and weights, and their scale (zero, step of x, step of w) in ``dtype``.

    A target is (code − zero)·step and a weight code·step, so 0 is met exactly, and no weight above 0 becomes 0. None
    where 16 bits are too coarse, weights or targets being of a range beyond ``WEIGHT_RANGE`` or ``TARGET_RANGE``, and
    where all of either are 0.
    """
    parts = [slice(begin, begin + _CHUNK) for begin in range(0, len(x), _CHUNK)]
    low = min(0.0, *(float(x[part].min()) for part in parts))
    high = max(0.0, *(float(x[part].max()) for part in parts))
    size = sum(float(np.abs(x[part]).sum(dtype=np.float64)) for part in parts) / len(x)
    most = max(float(w[part].max()) for part in parts)
    least = min(float(w[part].min(where=w[part] > 0, initial=np.inf)) for part in parts)
    if high - low > TARGET_RANGE * size or not most <= WEIGHT_RANGE * least:
        return None
    step, unit = np.asarray([(high - low) / (TOP - 1), most / TOP], dtype)
    if not min(step, unit) >= np.finfo(dtype).tiny:
        return None
    zero = np.rint(-low / np.float64(step))
    targets, weights = np.empty(len(x), np.uint16), np.empty(len(x), np.uint16)
    for part in parts:
        targets[part] = np.clip(np.rint(x[part] / np.float64(step)) + zero, 0, TOP)
        weights[part] = np.minimum(np.rint(w[part] / np.float64(unit)), TOP)
    return targets, weights, np.array([zero, step, unit], dtype)
