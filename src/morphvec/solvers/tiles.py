"""The stored cells cut by a fixed grid, tile by tile, so that the tiles of one diagonal share no row and no column.

The schedule of distributed matrix factorization (Gemulla et al. 2011): a stratum is one diagonal of the grid; its
tiles run side by side and write rows of their own. The grid depends on the cells alone, never on the threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Floats2d, Ints1d, Ints2d
from morphvec.engine.base import Engine, row_blocks
from morphvec.errors import OptionError
from morphvec.kernels.batches import count_tiles, fill_tiles
from morphvec.kernels.cells import column_lengths
from morphvec.solvers.batch_options import BatchOptions
from morphvec.solvers.problem import Problem
from morphvec.solvers.sides import Side

MAX_GRID = 64
_CELLS = 2048  # of a batch that a tile should hold on average, so that a stratum is worth its barrier


@dataclass(frozen=True, eq=False)
class Tiles:
    """Cells in the order of strata, tiles of a stratum, rows.

    places int [nnz, 4] and values float [nnz, 4] are one memory: row, column, pull = w·x, surplus = w − α. row_cuts, column_cuts: int64 [g + 1].
    starts int64 [g² + 1]: place s·g + i is the tile of stratum s in row band i, in column band (i + s) mod g.
    """

    grid: int
    places: Ints2d
    values: Floats2d
    row_cuts: NDArray[np.int64]
    column_cuts: NDArray[np.int64]
    starts: NDArray[np.int64]

    @property
    def rows(self) -> Ints1d:
        """Row of each cell."""
        return self.places[:, 0]

    @property
    def columns(self) -> Ints1d:
        """Column of each cell."""
        return self.places[:, 1]

    @property
    def pull(self) -> Floats1d:
        """w·x of each cell."""
        return self.values[:, 2]

    @property
    def surplus(self) -> Floats1d:
        """w − α of each cell."""
        return self.values[:, 3]

    def strata(self) -> list[list[int]]:
        """The places of each stratum's tiles."""
        g = self.grid
        return [list(range(s * g, s * g + g)) for s in range(g)]

    def bands(self, place: int) -> tuple[int, int]:
        """Row band and column band of a place."""
        s, i = divmod(place, self.grid)
        return i, (i + s) % self.grid


def make_tiles(side: Side, columns: int, batch: int, engine: Engine) -> Tiles:
    """Cut the cells of the token side. batch: cells of a step, which sets how fine the grid is worth cutting."""
    rows, cells = len(side.indptr) - 1, len(side.indices)
    wanted = int(min(MAX_GRID, max(1, np.sqrt(batch / _CELLS)), rows, columns))
    row_cuts = _cuts(side.indptr, wanted)
    column_ends = np.zeros(columns + 1, np.int64)
    column_lengths(side.indices, column_ends[1:])
    np.cumsum(column_ends, out=column_ends)
    column_cuts = _cuts(column_ends, wanted)
    grid = min(len(row_cuts), len(column_cuts)) - 1  # a very heavy row or column may allow fewer bands
    while not len(row_cuts) == len(column_cuts) == grid + 1:
        row_cuts, column_cuts = _cuts(side.indptr, grid), _cuts(column_ends, grid)
        grid = min(len(row_cuts), len(column_cuts)) - 1
    column_tile = np.repeat(np.arange(grid, dtype=np.int32), np.diff(column_cuts))
    counts = np.zeros((grid, grid), np.int64)  # row band × column band
    bands = [(i, int(row_cuts[i]), int(row_cuts[i + 1])) for i in range(grid)]
    engine.map(
        lambda band: count_tiles(side.indptr, side.indices, column_tile, counts[band[0]], band[1], band[2]),
        bands,
    )
    i, s = np.arange(grid), np.arange(grid)[:, None]
    by_place = counts[i[None, :], (i[None, :] + s) % grid].ravel()
    starts = np.zeros(grid * grid + 1, np.int64)
    np.cumsum(by_place, out=starts[1:])
    heads = np.empty((grid, grid), np.int64)
    heads[i[None, :], (i[None, :] + s) % grid] = starts[:-1].reshape(grid, grid)
    values = np.empty((cells, 4), side.scale.dtype)
    made = Tiles(
        grid,
        values.view(np.int32 if values.itemsize == 4 else np.int64),
        values,
        row_cuts,
        column_cuts,
        starts,
    )
    engine.map(
        lambda band: fill_tiles(
            side.indptr,
            side.indices,
            *side.pulled(band[1], band[2]),
            column_tile,
            heads[band[0]],
            made.places,
            made.values,
            band[1],
            band[2],
        ),
        bands,
    )
    return made


def _cuts(indptr: Ints1d, bands: int) -> NDArray[np.int64]:
    """Cuts into at most ``bands`` bands of about equal cells."""
    blocks = row_blocks(indptr, most=bands, least_cells=1)
    return np.array([0, *(high for _, high in blocks)], np.int64)


def draw_rates(
    problem: Problem, tiles: Tiles, options: BatchOptions, row_rates: Floats1d | None
) -> NDArray[np.float64] | None:
    """Running sum of the cells' drawing rates in the order of the tiles; None: all alike, and no draw is repeated."""
    if row_rates is None and not options.oversample_rare:
        return None
    rates = np.ones(len(tiles.rows))
    if row_rates is not None:
        rates *= np.asarray(row_rates, np.float64)[tiles.rows]
    if options.oversample_rare:
        weights = tiles.surplus.astype(np.float64) + problem.alpha[tiles.columns]
        drawn = weights > 0  # a cell without weight teaches nothing
        if drawn.any() and np.ptp(weights[drawn]) == 0:
            raise OptionError(
                f"oversample_rare={options.oversample_rare} with one weight for all cells",
                "rare cells are told by their weight, which grows with their count",
                "use --weight sqrt or alpha+sqrt, or leave --oversample-rare out",
            )
        rates *= np.power(weights, -options.oversample_rare, out=np.zeros(len(rates)), where=drawn)
    return np.concatenate([[0.0], np.cumsum(rates)])
