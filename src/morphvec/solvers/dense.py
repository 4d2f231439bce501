"""Products of tall factors with small dense matrices, by fixed row blocks on one BLAS thread each.

To be called inside ``engine.blas.one_blas_thread``: then no bit depends on the number of threads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d
from morphvec.engine.base import Engine, even_blocks, tree_sum

ROWS = 4096  # of a block; part of the result's rounding, so it never changes


def square(X: Floats2d) -> float:
    """‖X‖², float64."""
    return float(np.einsum("ij,ij->i", X, X, dtype=np.float64).sum())


def largest_square(X: Floats2d) -> float:
    """max ‖x_t‖²."""
    return float(np.einsum("ij,ij->i", X, X, dtype=np.float64).max())


def blas_gram(X: Floats2d, scale: Floats1d | None, engine: Engine) -> Floats2d:
    """XᵀDiag(scale)X by fixed row blocks, each one product on one BLAS thread, summed in a fixed tree in float64."""

    def part(block: tuple[int, int]) -> Floats2d:
        rows = X[block[0] : block[1]]
        left = rows if scale is None else rows * scale[block[0] : block[1], None]
        return np.asarray(left.T @ rows, np.float64)

    return np.asarray(tree_sum(engine.map(part, even_blocks(len(X), ROWS)))).astype(X.dtype)


def spread(X: Floats2d, G: Floats2d | None, scale: Floats1d | None, out: Floats2d, engine: Engine) -> None:
    """out = Diag(scale) X G, or 0 where there is no G."""

    def work(block: tuple[int, int]) -> None:
        low, high = block
        if G is None:
            out[low:high] = 0
            return
        np.matmul(X[low:high], G, out=out[low:high])
        if scale is not None:
            out[low:high] *= scale[low:high, None]

    engine.map(work, even_blocks(len(X), ROWS))


def spread_met(
    X: Floats2d,
    G: Floats2d,
    scale: Floats1d | None,
    out: Floats2d,
    seen: NDArray[np.int32],
    step: int,
    engine: Engine,
) -> None:
    """out += Diag(scale) X G on the rows met in this step."""

    def work(block: tuple[int, int]) -> None:
        rows = block[0] + np.flatnonzero(seen[block[0] : block[1]] == step)
        product = X[rows] @ G
        out[rows] += product if scale is None else product * scale[rows, None]

    engine.map(work, even_blocks(len(X), ROWS))
