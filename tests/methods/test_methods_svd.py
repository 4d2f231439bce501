"""svd: the sides of ARPACK's decomposition of PPMI, the same products for every power, J over all cells, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array
from scipy.sparse.linalg import svds

from morphvec.association import Association, AssociationOptions, weigh
from morphvec.counts.matrix import Counts
from morphvec.engine.blas import one_blas_thread
from morphvec.engine.local import LocalEngine
from morphvec.errors import BudgetError, OptionError
from morphvec.features.space import Block
from morphvec.methods.svd import SvdOptions, fit
from morphvec.rng import stream
from morphvec.solvers.problem import Problem
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

ONE = LocalEngine(1)


@pytest.fixture(autouse=True)
def _one_blas_thread():
    """LAPACK's answers, which these are held against, come sooner where its threads do not wait for each other."""
    with one_blas_thread():
        yield


def vocabulary(rows):
    words = tuple(f"w{number:04}" for number in range(rows))
    return Vocabulary(words, np.arange(rows, 0, -1), rows * rows, rows, Tokenizer("whitespace", "keep"))


def of_counts(rows=200, columns=None, kind="ppmi", shift=1.0, smoothing=0.75, density=0.3, seed=0):
    """The association of random counts with Zipf's margins: words as contexts, or a block of ids."""
    width = rows if columns is None else columns
    row, column = random_array((rows, width), density=density, rng=stream(seed), format="coo").coords
    means = 400.0 / np.sqrt((1.0 + row) * (1 + column))
    data = 1.0 + stream(seed, 1).poisson(means)
    names = vocabulary(rows).words
    features = names if columns is None else tuple(f"line{number}" for number in range(columns))
    blocks = (Block("window" if columns is None else "ids", 0, width),)
    n = csr_array((data, (row, column)), shape=(rows, width))
    options = AssociationOptions(association=kind, shift=shift, smoothing=smoothing)
    return weigh(Counts(n, names, features, blocks), options, engine=ONE)


def run(association, **settings):
    rows = association.matrix.shape[0]
    return fit(association, vocabulary(rows), SvdOptions(**settings), engine=ONE)


@pytest.mark.parametrize("columns", [None, 130, 420])
@pytest.mark.parametrize("kind", ["ppmi", "pmi"])
@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_vectors_and_contexts_are_the_sides_of_arpack(columns, kind, shift):
    """Smoothed contexts, so that the matrix is not symmetric even where words are the columns."""
    association = of_counts(columns=columns, kind=kind, shift=shift)
    model, factors = run(association, dim=12, solver="exact", power=1.0)
    u, s, vt = svds(association.matrix.astype(np.float64), 12, v0=np.ones(min(association.matrix.shape)))
    best = (u * s) @ vt
    scale = np.abs(best).max()
    np.testing.assert_allclose(model.vectors @ model.contexts.T, best, atol=1e-5 * scale)
    np.testing.assert_allclose(factors.U @ factors.S.T, best, atol=1e-9 * scale)
    np.testing.assert_allclose(np.linalg.norm(model.vectors, axis=0), np.sort(s)[::-1], rtol=1e-5)
    assert model.vectors.dtype == model.contexts.dtype == np.float32
    assert model.features[0] == (("window", "w0000") if columns is None else ("ids", "line0"))


def test_products_are_the_same_for_every_power_and_the_default_is_zero():
    association = of_counts()
    models = {
        power: run(association, dim=10, solver="exact", power=power)[0] for power in (0.0, 0.5, 1.0, None)
    }
    products = {power: model.vectors @ model.contexts.T for power, model in models.items()}
    for power in (0.0, 0.5, 1.0):
        np.testing.assert_allclose(products[power], products[1.0], atol=1e-4)
        lengths = np.linalg.norm(models[power].vectors, axis=0), np.linalg.norm(models[1.0].vectors, axis=0)
        np.testing.assert_allclose(lengths[0], lengths[1] ** power, rtol=1e-5)
    assert np.array_equal(models[None].vectors, models[0.0].vectors)
    assert models[None].manifest["resolved"]["power"] == 0.0


def test_at_power_one_the_dot_products_of_all_dimensions_are_those_of_the_rows():
    association = of_counts(rows=30)
    M = association.matrix.toarray().astype(np.float64)
    rank = int(np.linalg.matrix_rank(M))
    model, factors = run(association, dim=rank, power=1.0, solver="exact")
    np.testing.assert_allclose(model.vectors @ model.vectors.T, M @ M.T, atol=1e-4)
    assert factors.history[-1]["total"] == pytest.approx(0, abs=1e-9)
    assert model.manifest["resolved"]["explained"] == pytest.approx(1)


@pytest.mark.parametrize("solver", ["fast", "exact"])
def test_j_is_the_objective_of_the_problem_with_all_weights_one(solver):
    association = of_counts()
    model, factors = run(association, dim=9, solver=solver)
    every_cell = Problem(association.matrix, np.ones(association.matrix.nnz), 1.0, None, (), 0, 0, 0)
    last = factors.history[-1]
    assert every_cell.objective(factors.P, factors.S).total == pytest.approx(last["total"], rel=1e-5)
    assert last["fit"] == last["total"]
    assert (last["unobserved"], last["classes"], last["ridge"]) == (0, {}, 0)
    M = association.matrix.toarray().astype(np.float64)
    values = np.linalg.svd(M, compute_uv=False)
    assert last["energy"] >= 0.995 * np.sum(values[:9] ** 2)
    explained = model.manifest["resolved"]["explained"]
    assert explained == pytest.approx(last["energy"] / np.sum(M**2), rel=1e-6)
    assert model.manifest["resolved"]["epochs"] == len(factors.history)


def test_weights_have_no_part_in_it():
    association = of_counts()
    heavier = Association(
        association.matrix,
        association.weights * np.float32(7),
        association.alpha * 5,
        association.words,
        association.features,
        association.blocks,
        association.kind,
    )
    assert np.array_equal(run(association, dim=5)[0].vectors, run(heavier, dim=5)[0].vectors)


@pytest.mark.parametrize("output", ["w", "c", "w+c", "concat"])
def test_outputs(output):
    association = of_counts()
    sides = run(association, dim=6)[0]
    served = run(association, dim=6, output=output)[0].vectors
    w, c = sides.vectors, sides.contexts
    expected = {"w": w, "c": c, "w+c": w + c, "concat": np.concatenate([w, c], axis=1)}
    assert np.array_equal(served, expected[output])


def test_a_word_without_cells_is_the_zero_vector():
    association = of_counts()
    matrix = association.matrix.tolil()
    matrix[17] = 0
    bare = csr_array(matrix)
    emptied = Association(
        bare,
        csr_array((np.ones_like(bare.data), bare.indices, bare.indptr), shape=bare.shape),
        association.alpha,
        association.words,
        association.features,
        association.blocks,
    )
    model, _ = run(emptied, dim=6)
    assert not model.vectors[17].any()
    assert model.vectors[16].any()


def test_the_same_bits_for_any_number_of_threads():
    association = of_counts()
    vocabulary_ = vocabulary(200)
    first, *others = (
        fit(association, vocabulary_, SvdOptions(dim=8), engine=LocalEngine(threads))[0]
        for threads in (1, 2, 4)
    )
    for other in others:
        assert other.vectors.tobytes() == first.vectors.tobytes()
        assert other.contexts.tobytes() == first.contexts.tobytes()


def test_checkpoints_go_to_the_keeper():
    saved = []

    class Keeper:
        """Remembers what it was given, and has nothing to go on from."""

        def save(self, epochs_done, state, history):
            saved.append((epochs_done, sorted(state)))

        def load(self):
            return None

        def describe(self):
            return "nowhere"

    options = SvdOptions(dim=8, solver="exact")
    _, factors = fit(of_counts(), vocabulary(200), options, loop=LoopControl(1, Keeper()), engine=ONE)
    assert [done for done, _ in saved][: len(factors.history)] == [
        entry["epoch"] for entry in factors.history
    ]
    assert "now.U" in saved[0][1]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"dim": 0}, "dim=0"),
        ({"dim": 201}, "dim=201; a 200 × 200 matrix"),
        ({"power": float("nan")}, "power=nan"),
        ({"power": 5.0}, "power=5"),
        ({"solver": "als"}, "solver='als'"),
        ({"output": "both"}, "output='both'"),
        ({"epochs": 0}, "epochs=0"),
        ({"seed": -3}, "seed=-3"),
        ({"memory": 0}, "memory=0"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(settings, name):
    with pytest.raises(OptionError) as refused:
        run(of_counts(), **{"dim": 3, **settings})
    assert name in str(refused.value)


def test_an_association_that_svd_does_not_mean_is_refused():
    with pytest.raises(OptionError, match=r"association=log1p; .*--method lsa"):
        run(of_counts(kind="log1p"), dim=3)


def test_contexts_that_are_not_words_are_no_output():
    with pytest.raises(OptionError, match=r"output=w\+c"):
        run(of_counts(columns=130), dim=3, output="w+c")


def test_memory_is_asked_for_before_any_work():
    with pytest.raises(BudgetError, match=r"200 × 200 matrix .* dim 3 .* the limit is"):
        run(of_counts(), dim=3, memory=1e4)
