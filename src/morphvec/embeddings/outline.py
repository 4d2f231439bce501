"""A quarter of the bytes of rows, from which is told which rows can be among the nearest.

Scoring a few hundred thousand rows takes as long as reading them. The outline is read in their place, and then the few
rows that its bounds cannot rule out: the answers are those of reading all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import even_blocks
from morphvec.engine.local import local_engine
from morphvec.kernels.outline import LARGEST, bound_products, outline_rows

_ROWS = 16_384  # a block of work
_LARGEST_PRODUCT = 1e30  # of lengths: nothing overflows below


@dataclass(frozen=True, eq=False)
class Outline:
    """codes int8 [T, k], scales and errors float64 [T] of T rows, and their lengths norms float32 [T]."""

    codes: NDArray[np.int8]
    scales: NDArray[np.float64]
    errors: NDArray[np.float64]
    norms: Floats1d

    @staticmethod
    def of(rows: Floats2d, norms: Floats1d) -> Outline:
        """The outline of rows float32 [T, k]."""
        made = Outline(np.empty(rows.shape, np.int8), np.empty(len(rows)), np.empty(len(rows)), norms)
        local_engine().map(
            lambda block: outline_rows(rows, made.codes, made.scales, made.errors, *block),
            even_blocks(len(rows), _ROWS),
        )
        return made

    def bounds(self, query: Floats1d) -> tuple[Floats1d, Floats1d] | None:
        """Between what float32 [T] and what the product of each row with a vector float32 [k] lies, however it is summed.

        None where products may overflow or vanish, so that nothing can be said.
        """
        exact = query.astype(np.float64)
        length, largest = float(np.linalg.norm(exact)), float(np.abs(exact).max())
        longest = float(self.norms.max())
        if not 1 / _LARGEST_PRODUCT < length * longest < _LARGEST_PRODUCT:
            return None
        T, k = self.codes.shape
        step = largest / min(2**15 - 1, (2**31 - 1) // (LARGEST * k))
        whole = np.rint(exact / step)
        lost = float(np.linalg.norm(exact - step * whole))
        rounding = (k + 16) * 2.0**-24  # above k·u of the sum; 16 for what else is rounded
        low, high = np.empty(T, np.float32), np.empty(T, np.float32)
        local_engine().map(
            lambda block: bound_products(
                self.codes,
                self.scales,
                self.errors,
                self.norms,
                whole.astype(np.int16),
                step,
                length,
                lost,
                rounding,
                low,
                high,
                *block,
            ),
            even_blocks(T, _ROWS),
        )
        return low, high
