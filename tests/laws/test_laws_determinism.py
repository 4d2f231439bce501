"""The same seed gives the same bits for any number of threads; another seed gives others."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy.sparse import csr_array, eye_array, hstack, random_array

import morphvec as mv
from morphvec.engine.local import LocalEngine
from morphvec.rng import stream
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions
from morphvec.solvers.minibatch import MiniBatch
from morphvec.solvers.penalties import CompletePenalty, edge_penalty

T, F, PARTS, DIM = 9500, 5000, 3000, 6  # three blocks of rows in every sum, and many of cells


@functools.cache
def ingredients():
    """matrix, weights, alpha, B; members and classes of offsets; edges."""
    generator = stream(0)
    place = np.unique(generator.integers(0, T * F, 150_000))
    matrix = csr_array((generator.random(len(place)) + 0.1, (place // F, place % F)), shape=(T, F))
    B = csr_array(hstack([0.3 * eye_array(T), random_array((T, PARTS), density=2e-3, rng=generator)]))
    forms, lemmas = generator.permutation(T)[:6000].reshape(2, 3000)
    rows = np.repeat(np.arange(3000), 2)
    members = csr_array(
        (np.tile([1.0, -1.0], 3000), (rows, np.stack([forms, lemmas], axis=1).reshape(-1))), shape=(3000, T)
    )
    classes = np.sort(generator.integers(0, 40, 3000))
    edges = generator.permutation(T)[:8000].reshape(-1, 2)
    alpha = generator.random(F)
    return (matrix, generator.random(len(place)) * 3, alpha, B), (members, classes), edges


def problem():
    """Made anew for each run: what a Problem or a penalty caches may not carry over."""
    cells, offsets, edges = ingredients()
    offset = CompletePenalty(*offsets, np.full(40, 0.02))
    listed = edge_penalty(eye_array(T, format="csr"), edges, np.zeros(4000, int), np.ones(1))
    return mv.Problem(*cells, [(20.0, offset), (3.0, listed)])


def bits(found):
    return (found.P, found.S, found.U)


@pytest.fixture(scope="module", params=["float32", "float64"])
def alone(request):
    return request.param, mv.solve(problem(), DIM, epochs=2, dtype=request.param, engine=LocalEngine(1))


@pytest.mark.parametrize("threads", [2, 7])
def test_threads_change_no_bit_with_composition_and_constraints(alone, threads):
    dtype, wanted = alone
    found = mv.solve(problem(), DIM, epochs=2, dtype=dtype, engine=LocalEngine(threads))
    assert all(np.array_equal(one, two) for one, two in zip(bits(found), bits(wanted), strict=True))
    assert [{**entry, "seconds": 0} for entry in found.history] == [
        {**entry, "seconds": 0} for entry in wanted.history
    ]


def test_threads_change_no_bit_of_free_vectors():
    def free():
        given = problem()
        return mv.Problem(given.matrix, given.weights, given.alpha)

    one, three = (mv.solve(free(), DIM, epochs=2, engine=LocalEngine(threads)) for threads in (1, 3))
    assert all(np.array_equal(a, b) for a, b in zip(bits(one), bits(three), strict=True))


def test_a_second_run_repeats_the_first_and_another_seed_does_not(alone):
    dtype, wanted = alone
    again = mv.solve(problem(), DIM, epochs=2, dtype=dtype, engine=LocalEngine(1))
    assert all(np.array_equal(one, two) for one, two in zip(bits(again), bits(wanted), strict=True))
    other = mv.solve(problem(), DIM, epochs=2, dtype=dtype, engine=LocalEngine(1), seed=1)
    assert not any(np.array_equal(one, two) for one, two in zip(bits(other), bits(wanted), strict=True))


BATCHES = {
    "tiles": BatchOptions(batch=0),
    "batches": BatchOptions(batch=40_000),
    "sampled": BatchOptions(
        batch=40_000,
        edge_samples=700,
        unobserved_samples=30_000,
        oversample_rare=0.5,
        oversample_class=0.5,
        clip=1e6,
    ),
    "lazy": BatchOptions(batch=40_000, updates="lazy", edge_samples=700),
}


@pytest.mark.parametrize("way", BATCHES)
@pytest.mark.parametrize("solver", MINIBATCH)
def test_threads_change_no_bit_of_a_mini_batch_run(way, solver):
    """Edges cross the tiles and all tiles share the parts."""

    def run(threads):
        made = MiniBatch(
            problem(),
            DIM,
            solver=solver,
            options=BATCHES[way],
            epochs=2,
            seed=0,
            dtype=np.dtype(np.float32),
            engine=LocalEngine(threads),
            row_rates=np.linspace(1, 2, T) if way == "sampled" else None,
        )
        terms = [made.epoch(number) for number in range(2)]
        return made, terms

    wanted, history = run(1)
    assert wanted._tiles.grid > 3
    assert np.isfinite(history[-1]["total"])
    found, terms = run(3)
    assert all(np.array_equal(one, two) for one, two in zip(bits(found), bits(wanted), strict=True))
    assert terms == history
