"""The grid of tiles: every cell in one tile, and no row or column twice on a diagonal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from morphvec.engine.local import LocalEngine
from morphvec.rng import stream
from morphvec.solvers.problem import Problem
from morphvec.solvers.tiles import MAX_GRID, make_tiles


def side_of(rows, columns, density, seed=0):
    generator = stream(seed)
    matrix = csr_array(random_array((rows, columns), density=density, rng=generator))
    weights = csr_array(
        (generator.random(matrix.nnz) + 0.5, matrix.indices, matrix.indptr), shape=matrix.shape
    )
    return Problem(matrix, weights, 0.3).token_side(np.dtype(np.float64))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("batch", [1, 20_000, 200_000, 10**9])
def test_every_cell_lies_in_the_tile_of_its_row_and_its_column(batch, threads):
    side = side_of(400, 300, 0.4)
    tiles = make_tiles(side, 300, batch, LocalEngine(threads))
    assert 1 <= tiles.grid <= MAX_GRID
    for place in range(tiles.grid**2):
        i, j = tiles.bands(place)
        low, high = tiles.starts[place], tiles.starts[place + 1]
        rows, columns = tiles.rows[low:high], tiles.columns[low:high]
        assert np.all((tiles.row_cuts[i] <= rows) & (rows < tiles.row_cuts[i + 1]))
        assert np.all((tiles.column_cuts[j] <= columns) & (columns < tiles.column_cuts[j + 1]))
    cells = np.repeat(np.arange(400), np.diff(side.indptr)) * 300 + side.indices
    order = np.argsort(tiles.rows.astype(np.int64) * 300 + tiles.columns)
    assert np.array_equal(np.sort(cells), (tiles.rows.astype(np.int64) * 300 + tiles.columns)[order])
    for wanted, found in zip(side.pulled(0, 400), (tiles.pull, tiles.surplus), strict=True):
        assert np.array_equal(wanted[np.argsort(cells)], found[order])


def test_the_tiles_of_a_stratum_share_no_row_and_no_column():
    tiles = make_tiles(side_of(400, 300, 0.4), 300, 10**9, LocalEngine(2))
    assert tiles.grid > 3
    assert sorted(place for stratum in tiles.strata() for place in stratum) == list(range(tiles.grid**2))
    for stratum in tiles.strata():
        bands = [tiles.bands(place) for place in stratum]
        assert len({i for i, _ in bands}) == len({j for _, j in bands}) == tiles.grid


def test_the_grid_is_as_fine_as_the_batch_is_large_and_the_same_for_any_number_of_threads():
    side = side_of(400, 300, 0.4)
    grids = [make_tiles(side, 300, batch, LocalEngine(1)).grid for batch in (100, 10_000, 40_000)]
    assert grids == sorted(grids)
    assert grids[0] == 1
    assert grids[2] == make_tiles(side, 300, 40_000, LocalEngine(8)).grid


def test_one_heavy_row_and_one_heavy_column_still_give_a_square_grid():
    X = np.zeros((50, 40))
    X[7], X[:, 3] = 1, 1
    matrix = csr_array(X)
    side = Problem(matrix, matrix, 0.1).token_side(np.dtype(np.float32))
    tiles = make_tiles(side, 40, 10**9, LocalEngine(2))
    assert len(tiles.row_cuts) == len(tiles.column_cuts) == tiles.grid + 1
    assert tiles.starts[-1] == len(side.indices)
