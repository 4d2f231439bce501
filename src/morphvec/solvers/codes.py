"""Numbers in 16 bits, multiples of one step: the targets and weights of stored cells, and factors while they are gathered.

A pass over the cells gathers a row of factors for each, so decoding a cell costs next to nothing; what it saves is memory,
4 bytes a cell and orientation of 12. Coded cells are a problem of their own, whose targets and weights are those that the
codes say: both orientations hold the same codes, and J is the sum over them. So nothing that holds of a problem needs
to know of codes.

Coded factors halve what a pass gathers, which is most of its time where the factors do not lie in a cache. They are one side as
the other sees it within one pass, for a half-sweep or for J; factors and sums stay float32. A step is 1/32767 of the largest
number of its column, so that a number is off by 2⁻¹⁶ of that at most; such errors are as often up as down, and J is off by 10⁻⁷ of
itself or less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from morphvec.arrays import Cells1d, Floats1d, Floats2d, Rows2d
from morphvec.engine.base import Engine, even_blocks
from morphvec.kernels.dense import code_rows, size_columns

TOP = 65535
LEAST_CELLS = 1 << 20  # below, codes would save 8 MB at most
WEIGHT_RANGE = 256  # largest weight over least: then no weight is off by more than 1/512 of itself
TARGET_RANGE = (
    64  # range of the targets over their mean size: then none is off by more than 1/2048 of that mean
)
FACTOR_RANGE = 256  # largest number of a column over its root mean square: then none is off by more than 1/256 of the latter
_TOP_ROWS = 32767  # the largest code of a factor
_WIDE = 16  # coded rows are of a multiple of so many columns
_ROWS = 4096  # of a block
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


@dataclass(frozen=True, eq=False)
class Gathered:
    """One side's factors as the passes of the other side read them: plain, or int16 codes in steps of ``unit`` [k]."""

    rows: Rows2d
    unit: Floats1d

    @classmethod
    def plain(cls, X: Floats2d) -> Gathered:
        """The factors themselves."""
        return cls(X, np.ones(X.shape[1], X.dtype))

    @classmethod
    def coded(cls, X: Floats2d, engine: Engine) -> Gathered:
        """Codes of float32 factors; the factors themselves where a column has numbers too large for its others, or none."""
        blocks = even_blocks(len(X), _ROWS)
        k = X.shape[1]

        def sizes(block: tuple[int, int]) -> tuple[Floats1d, Floats1d]:
            peak, square = np.empty(k, X.dtype), np.empty(k)
            size_columns(X, peak, square, *block)
            return peak, square

        peaks, sums = zip(*engine.map(sizes, blocks), strict=True)
        peaks = np.max(peaks, axis=0)
        size = np.sqrt(sum(sums) / len(X))
        if not (np.all(np.isfinite(size)) and np.all(peaks <= FACTOR_RANGE * size)):
            return cls.plain(X)
        unit = np.where(peaks > 0, peaks / X.dtype.type(_TOP_ROWS), 1).astype(X.dtype)
        if not np.all(unit >= np.finfo(X.dtype).tiny):
            return cls.plain(X)
        codes = np.empty((len(X), -(-k // _WIDE) * _WIDE), np.int16)
        engine.map(lambda b: code_rows(X, unit, codes, *b), blocks)
        return cls(codes, unit)
