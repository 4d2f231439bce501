"""How sharply J bends at given factors: the unit of sgd's learning rate.

A step of η along the gradient is stable for η below 2 over the largest eigenvalue of the Hessian, and with draws of
single cells for η below 2/(λ_max + noise): E(1 − ηH_B)² < 1, where noise is the largest curvature of one draw.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats2d
from morphvec.engine.base import Engine
from morphvec.kernels.batches import curve_cells, peak_cells
from morphvec.solvers.dense import blas_gram, spread, square
from morphvec.solvers.problem import Problem
from morphvec.solvers.tiles import Tiles


def curvature(
    problem: Problem,
    tiles: Tiles,
    factors: tuple[Floats2d, Floats2d, Floats2d],
    start: Sequence[Floats2d],
    steps: int,
    engine: Engine,
) -> tuple[float, list[Floats2d]]:
    """An estimate of λ_max of J's Hessian by ``steps`` of power iteration on either side, each O(nnz·k).

    factors: P, S and U. start: directions for P and S. Returns the sum over both sides, which bounds that of the
    joint matrix where the residuals' own second derivatives are small, and the directions to go on from.
    """
    P, S, U = factors
    dtype = P.dtype
    operator = problem.operator(dtype)
    alpha = np.ascontiguousarray(problem.alpha, dtype)
    ridge = problem.ridge.astype(dtype)[:, None]
    fixed = problem.constants
    grams = (blas_gram(S, alpha, engine), blas_gram(U, None, engine))
    directions, found = list(start), 0.0
    for _ in range(steps):
        if problem.biases:
            directions[0][:, fixed[0]] = directions[1][:, fixed[1]] = 0
        VP, VS = (vector / max(1e-30, math.sqrt(square(vector))) for vector in directions)
        VU = problem.composed(VP, engine)
        outU, outS = np.empty_like(U), np.empty_like(S)
        spread(VU, grams[0], None, outU, engine)
        spread(VS, grams[1], alpha, outS, engine)

        def work(place: int) -> None:
            curve_cells(
                tiles.places,
                tiles.values,
                int(tiles.starts[place]),
                int(tiles.starts[place + 1]),
                U,
                S,
                VU,  # noqa: B023
                VS,  # noqa: B023
                outU,  # noqa: B023
                outS,  # noqa: B023
            )

        for stratum in tiles.strata():
            engine.map(work, stratum)
        problem.add_penalties(VU, outU, engine)
        outP = outU if operator is None else operator.transposed.apply(outU, engine)
        outP = outP + problem.bounded(VP, ridge)
        outS += problem.bounded(VS, dtype.type(problem.ridge_features))
        if problem.biases:
            outP[:, fixed[0]] = outS[:, fixed[1]] = 0
        directions = [outP, outS]
        found = 2 * (math.sqrt(square(outP)) + math.sqrt(square(outS)))
    return found, directions


def draw_noise(
    problem: Problem,
    tiles: Tiles,
    factors: tuple[Floats2d, Floats2d],
    share: float,
    reach: NDArray[np.float64] | None,
    engine: Engine,
) -> float:
    """The largest curvature of one drawn cell, 2·share·w·max(‖u‖², ‖s‖²), over its rate where rates are given."""
    if not share:
        return 0.0
    norms = [np.einsum("ij,ij->i", X, X, dtype=np.float64) for X in factors]
    if (
        problem.biases
    ):  # a bias stands beside a constant: it does not bend the loss in the other side's factors
        norms = [norm - X[:, at] ** 2.0 for norm, X, at in zip(norms, factors, (-2, -1), strict=True)]
    alpha, rates = problem.alpha, np.zeros(1) if reach is None else reach

    def work(place: int) -> float:
        low, high = int(tiles.starts[place]), int(tiles.starts[place + 1])
        return float(peak_cells(tiles.places, tiles.values, alpha, *norms, rates, low, high))

    return 2.0 * share * max(engine.map(work, range(tiles.grid**2)))
