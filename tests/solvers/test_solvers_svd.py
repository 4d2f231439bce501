"""Truncated SVD: ARPACK's and LAPACK's values and subspaces, the best of its rank, equal bits, resume, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, random_array
from scipy.sparse.linalg import svds
from threadpoolctl import threadpool_limits

from morphvec.engine.blas import one_blas_thread
from morphvec.engine.local import LocalEngine
from morphvec.errors import BudgetError, InputError, OptionError
from morphvec.report import SILENT
from morphvec.rng import stream
from morphvec.solvers.lanczos import BlockLanczos, CentredMatrix, extend, sizes
from morphvec.solvers.problem import Problem
from morphvec.solvers.svd import bytes_needed, check_memory, truncated_svd
from morphvec.training import LoopControl

ONE = LocalEngine(1)


@pytest.fixture(autouse=True)
def _one_blas_thread():
    """LAPACK's answers, which these are held against, come sooner where its threads do not wait for each other."""
    with one_blas_thread():
        yield


def flat(rows=600, columns=400, density=0.05, seed=0):
    """A random matrix, whose singular values are as flat as they come; some rows and columns are empty."""
    made = random_array((rows, columns), density=density, rng=stream(seed), format="lil")
    made[3], made[:, 5] = 0, 0
    return csr_array(made.astype(np.float32))


def steep(rows=500, columns=700, seed=1):
    """Singular values over four orders of magnitude: the margins of rows and columns are Zipf's."""
    made = random_array((rows, columns), density=0.08, rng=stream(seed), format="coo")
    row, column = made.coords
    data = np.rint(1 + 1e5 * made.data / ((1 + row) * (1 + column)))
    return csr_array((data.astype(np.float32), (row, column)), shape=(rows, columns))


def checked(found, A):
    """What holds of every answer: orthonormal sides, falling values, U = A V Σ⁻¹ up to rounding, signs."""
    loose = 1e-5 if found.left.dtype == np.float32 else 1e-12
    for side in (found.left, found.right):
        assert side.flags.c_contiguous
        np.testing.assert_allclose(side.T @ side, np.eye(side.shape[1]), atol=loose)
    assert found.singular.dtype == np.float64
    assert np.all(np.diff(found.singular) <= 0)
    np.testing.assert_allclose(
        A @ found.right, found.left * found.singular, atol=3 * loose * found.singular[0]
    )
    peaks = found.left[np.abs(found.left).argmax(axis=0), np.arange(found.left.shape[1])]
    assert np.all(peaks > 0)


@pytest.mark.parametrize("make", [flat, steep])
@pytest.mark.parametrize("transposed", [False, True])
def test_exact_is_arpack(make, transposed):
    X = csr_array(make().T) if transposed else make()
    found = truncated_svd(X, 20, "exact", engine=ONE)
    u, s, vt = svds(X.astype(np.float64), 20, v0=np.ones(min(X.shape)))
    order = np.argsort(-s)
    np.testing.assert_allclose(found.singular, s[order], rtol=1e-12)
    np.testing.assert_allclose(np.abs(np.sum(found.left * u[:, order], axis=0)), 1, atol=1e-10)
    np.testing.assert_allclose(np.abs(np.sum(found.right * vt[order].T, axis=0)), 1, atol=1e-10)
    checked(found, X.toarray().astype(np.float64))
    assert found.left.dtype == found.right.dtype == np.float64
    assert found.mean is None


@pytest.mark.parametrize("make", [flat, steep])
@pytest.mark.parametrize("dim", [1, 7, 40])
@pytest.mark.parametrize("centre", [False, True])
def test_fast_has_the_energy_that_it_promises(make, dim, centre):
    X = make(rows=700, columns=500)
    found = truncated_svd(X, dim, centre=centre, engine=ONE)
    A = X.toarray().astype(np.float64)
    A -= A.mean(axis=0) * centre
    best = np.sum(np.linalg.svd(A, compute_uv=False)[:dim] ** 2)
    energy = np.sum(found.singular**2)
    assert 0.995 * best <= energy <= best * (1 + 1e-6)
    assert found.left.dtype == found.right.dtype == np.float32
    assert found.history[-1]["energy"] == energy
    checked(found, A)


def test_fast_finds_small_values_beside_large_ones():
    X = steep(rows=700, columns=500)
    found = truncated_svd(X, 40, engine=ONE)
    best = np.linalg.svd(X.toarray().astype(np.float64), compute_uv=False)[:40]
    assert best[0] > 100 * best[-1]
    np.testing.assert_allclose(found.singular, best, rtol=0.05)


@pytest.mark.parametrize("solver", ["exact", "fast"])
def test_centred_is_the_svd_of_the_centred_matrix(solver):
    X = steep()
    found = truncated_svd(X, 12, solver, centre=True, engine=ONE)
    dense = X.toarray().astype(np.float64)
    np.testing.assert_allclose(found.mean, dense.mean(axis=0), rtol=1e-12)
    u, s, vt = np.linalg.svd(dense - dense.mean(axis=0), full_matrices=False)
    if solver == "exact":
        np.testing.assert_allclose(found.singular, s[:12], rtol=1e-12)
        np.testing.assert_allclose(np.abs(np.sum(found.left * u[:, :12], axis=0)), 1, atol=1e-10)
        np.testing.assert_allclose(np.abs(np.sum(found.right * vt[:12].T, axis=0)), 1, atol=1e-10)
    np.testing.assert_allclose(found.left.sum(axis=0), 0, atol=1e-4 if solver == "fast" else 1e-10)
    checked(found, dense - dense.mean(axis=0))


@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("solver", ["exact", "fast"])
def test_the_objective_is_the_squared_distance_over_all_cells(solver, centre):
    X = flat()
    found = truncated_svd(X, 10, solver, centre=centre, engine=ONE)
    left, right = found.scaled(0.5)
    A = X.toarray() - (found.mean if centre else 0)
    last = found.history[-1]
    distance = np.sum((A - left.astype(np.float64) @ right.T) ** 2)
    assert last["total"] == last["fit"] == pytest.approx(distance, rel=1e-6)
    assert (last["unobserved"], last["classes"], last["ridge"]) == (0, {}, 0)
    if not centre:
        problem = Problem(X, np.ones(X.nnz), 1.0, None, (), 0, 0, 0)
        assert problem.objective(left, right).total == pytest.approx(last["total"], rel=1e-5)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, -0.7])
def test_products_are_the_same_for_every_power(power):
    found = truncated_svd(flat(), 6, "exact", engine=ONE)
    vectors, contexts = found.scaled(power)
    np.testing.assert_allclose(
        vectors @ contexts.T, (found.left * found.singular) @ found.right.T, atol=1e-12
    )
    np.testing.assert_allclose(vectors.T @ vectors, np.diag(found.singular ** (2 * power)), atol=1e-10)


@given(
    st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000), st.booleans(), st.sampled_from([1.0, 0.4])
)
@settings(max_examples=60, deadline=None)
def test_small_matrices_up_to_their_rank(rows, columns, seed, centre, density):
    """Few rows or columns, down to one: every dimension up to the rank is LAPACK's, and one more is refused."""
    X = csr_array(random_array((rows, columns), density=density, rng=stream(seed)))
    A = X.toarray() - (X.toarray().mean(axis=0) if centre else 0)
    best = np.linalg.svd(A, compute_uv=False)
    rank = int(np.count_nonzero(best > 1e-12 * np.linalg.norm(X.toarray())))
    if rank:
        found = truncated_svd(X, rank, "exact", centre=centre, engine=ONE)
        np.testing.assert_allclose(found.singular, best[:rank], rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose((found.left * found.singular) @ found.right.T, A, atol=1e-12)
        assert found.history[-1]["total"] == pytest.approx(0, abs=1e-12)
    with pytest.raises(OptionError, match=rf"dim={rank + 1}; .*{rank} singular values") as refused:
        truncated_svd(X, rank + 1, "exact", centre=centre, engine=ONE)
    assert (f"give --dim {rank} or less" in refused.value.mend) == (rank > 0)


@pytest.mark.parametrize("shape", [(4000, 30), (30, 4000), (4000, 1), (1, 4000)])
def test_tall_and_wide_matrices(shape):
    X = csr_array(random_array(shape, density=0.2, rng=stream(2)).astype(np.float32))
    dim = min(shape)
    found = truncated_svd(X, dim, engine=ONE)
    best = np.linalg.svd(X.toarray(), compute_uv=False)
    np.testing.assert_allclose(found.singular, best, rtol=1e-5)
    checked(found, X.toarray())
    assert found.left.shape == (shape[0], dim)
    assert found.right.shape == (shape[1], dim)


@pytest.mark.parametrize("solver", ["exact", "fast"])
@pytest.mark.parametrize("centre", [False, True])
def test_a_rank_below_the_dimension_is_found_and_named(solver, centre):
    """Small whole numbers, so that the rank is 7 in float32 too; far more rows and columns than a basis has."""
    generator = stream(4)
    B = (generator.integers(-2, 3, (500, 7)) @ generator.integers(-2, 3, (7, 300))).astype(np.float32)
    X, rank = csr_array(B), 7
    found = truncated_svd(X, rank, solver, centre=centre, engine=ONE)
    dense = B - B.mean(axis=0, dtype=np.float64) * centre
    np.testing.assert_allclose((found.left * found.singular) @ found.right.T, dense, atol=1e-3)
    with pytest.raises(
        OptionError, match=r"dim=9; .* 7 singular values above rounding; give --dim 7 or less"
    ):
        truncated_svd(X, 9, solver, centre=centre, engine=ONE)


def test_equal_singular_values_and_exhausted_bases():
    """A diagonal matrix: every Krylov space closes at once, and whole spaces belong to one value."""
    values = np.repeat([3.0, 2.0, 1.0, 0.0], [4, 5, 140, 51])
    X = csr_array(np.diag(values)[stream(0).permutation(200)])
    found = truncated_svd(X, 9, "exact", engine=ONE)
    np.testing.assert_allclose(found.singular, values[:9], rtol=1e-12)
    checked(found, X.toarray())
    np.testing.assert_allclose(found.right[:, :4] @ found.right[:, :4].T, np.diag(values == 3), atol=1e-10)


def test_empty_rows_and_columns_have_no_vector():
    X = flat()
    for solver in ("fast", "exact"):
        found = truncated_svd(X, 10, solver, engine=ONE)
        assert not found.left[3].any()
        assert not found.right[5].any()


@pytest.mark.parametrize("solver", ["exact", "fast"])
@pytest.mark.parametrize("centre", [False, True])
def test_the_same_bits_for_any_number_of_threads(solver, centre):
    X = random_array((9000, 5000), density=0.002, rng=stream(5), format="csr").astype(
        np.float32
    )  # blocks of 4096
    runs = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads, user_api="blas"):  # the solver is to see to this itself
            runs.append(truncated_svd(X, 5, solver, centre=centre, engine=LocalEngine(threads), epochs=2))
    for other in runs[1:]:
        for name in ("left", "singular", "right"):
            assert getattr(runs[0], name).tobytes() == getattr(other, name).tobytes()
        assert [{**entry, "seconds": 0} for entry in other.history] == [
            {**entry, "seconds": 0} for entry in runs[0].history
        ]


def test_the_seed_says_where_a_run_starts():
    X = flat()
    first, again, other = (truncated_svd(X, 8, seed=seed, engine=ONE) for seed in (0, 0, 1))
    assert first.left.tobytes() == again.left.tobytes()
    assert first.left.tobytes() != other.left.tobytes()


class Stop(Exception):
    """Stands for whatever ends a process."""


class Memory:
    """A keeper that keeps in memory, and stops the run after so many saves."""

    def __init__(self, stop_after=0):
        self.kept, self.saves, self.stop_after = None, 0, stop_after

    def save(self, epochs_done, state, history):
        self.kept = (epochs_done, dict(state), [dict(entry) for entry in history])
        self.saves += 1
        if self.saves == self.stop_after:
            raise Stop

    def load(self):
        return self.kept

    def describe(self):
        return "in memory"


@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_resumed_run_has_the_same_bits(stop_after):
    X = flat(600, 500)
    whole = truncated_svd(X, 10, "exact", engine=ONE)
    assert len(whole.history) > 2
    keeper = Memory(stop_after)
    with pytest.raises(Stop):
        truncated_svd(X, 10, "exact", loop=LoopControl(1, keeper), engine=ONE)
    assert keeper.kept[0] == stop_after
    resumed = truncated_svd(X, 10, "exact", loop=LoopControl(1, keeper), engine=ONE)
    for name in ("left", "singular", "right"):
        assert getattr(whole, name).tobytes() == getattr(resumed, name).tobytes()
    assert [entry["total"] for entry in whole.history] == [entry["total"] for entry in resumed.history]


def test_a_finished_run_that_is_resumed_stays_as_it_is():
    keeper = Memory()
    first = truncated_svd(flat(), 8, loop=LoopControl(1, keeper), engine=ONE)
    saves = keeper.saves
    again = truncated_svd(flat(), 8, loop=LoopControl(1, keeper), engine=ONE)
    assert first.left.tobytes() == again.left.tobytes()
    assert first.history == again.history
    assert keeper.saves == saves


def test_every_cycle_lowers_the_objective_and_the_residual_tells_the_error():
    X = flat(600, 500)
    A = CentredMatrix(X, engine=ONE)
    best = np.linalg.svd(X.toarray().astype(np.float64), compute_uv=False)[:10]
    state = BlockLanczos(A, 10, exact=True, seed=0, engine=ONE)
    before = np.inf
    for number in range(20):
        entry = state.epoch(number)
        # Weyl: a singular value lies within the residual of each value that is found
        assert np.all(np.abs(state.singular[:10] - best) <= state.residual * best[0] + 1e-12)
        if state.settled:
            break
        assert entry["total"] < before
        before = entry["total"]
    assert state.settled
    assert state.residual <= 1e-9
    assert state.epoch(99)["columns"] == 0


def test_a_cap_on_the_epochs_is_kept_and_said():
    class Listener:
        """Silent but for what it is warned of."""

        def __init__(self):
            self.lines = []

        def __getattr__(self, name):
            return getattr(SILENT, name)

        def warn(self, text):
            self.lines.append(text)

    listener = Listener()
    found = truncated_svd(flat(600, 500), 10, "exact", epochs=1, engine=ONE, reporter=listener)
    assert len(found.history) == 1
    assert len(listener.lines) == 1
    assert "after 1 epochs residuals are up to" in listener.lines[0]
    checked(found, flat(600, 500).toarray().astype(np.float64))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_extending_a_basis_keeps_it_orthonormal_and_adds_up(kind):
    """Also where the block nearly lies in the basis, has a column twice, and one that is 0."""
    generator = stream(6)
    basis = np.zeros((400, 24), kind)
    extend(basis, 0, generator.standard_normal((400, 8)).astype(kind), ONE, generator)
    block = (basis[:, :8] @ generator.standard_normal((8, 8))).astype(kind)
    block[:, :5] += generator.standard_normal((400, 5)) * [1, 1e-2, 1e-4, 1, 1]
    block[:, 4], block[:, 7] = block[:, 3], 0
    before = block.astype(np.float64)
    C, R = extend(basis, 8, block, ONE, generator)
    loose = 2e-6 if kind == np.float32 else 1e-14
    np.testing.assert_allclose(basis[:, :16].T @ basis[:, :16], np.eye(16), atol=loose)
    rebuilt = basis[:, :8].astype(np.float64) @ C + basis[:, 8:16].astype(np.float64) @ R
    np.testing.assert_allclose(rebuilt, before, atol=20 * loose)


def test_products_of_the_centred_matrix_are_those_of_the_dense_one():
    X = steep(60, 80)
    A = CentredMatrix(X, centre=True, engine=ONE)
    dense = X.toarray().astype(np.float64)
    dense -= dense.mean(axis=0)
    V, U = stream(0).standard_normal((80, 3)), stream(1).standard_normal((60, 3))
    np.testing.assert_allclose(A.forward(V), dense @ V, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(A.backward(U), dense.T @ U, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(A.dense(), dense)
    assert A.squared_norm == pytest.approx(np.sum(dense**2), rel=1e-12)


def test_cells_that_are_stored_twice_add_up():
    once = flat(40, 30)
    coo = once.tocoo()
    halves = np.concatenate([coo.data / 4, 3 * coo.data / 4])
    rows, columns = np.tile(coo.coords[0], 2), np.tile(coo.coords[1], 2)
    order = np.argsort(rows, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=40))])
    twice = csr_array((halves[order], columns[order], indptr), shape=once.shape)
    assert twice.nnz == 2 * once.nnz
    found = truncated_svd(twice, 5, "exact", engine=ONE)
    np.testing.assert_allclose(
        found.singular, truncated_svd(once, 5, "exact", engine=ONE).singular, rtol=1e-6
    )
    assert twice.nnz == 2 * once.nnz  # the matrix that was given is left alone


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"dim": 0}, "dim=0"),
        ({"solver": "als"}, "solver='als'; it is one of fast, exact"),
        ({"seed": -1}, "seed=-1"),
        ({"epochs": 0}, "epochs=0"),
        ({"dim": 31}, "dim=31; a 40 × 30 matrix has 30 singular values; give --dim 30 or less"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(settings_, words):
    with pytest.raises(OptionError) as refused:
        truncated_svd(flat(40, 30), **{"dim": 3, **settings_}, engine=ONE)
    assert words in str(refused.value)


@pytest.mark.parametrize("shape", [(40, 30), (400, 300)])
def test_a_matrix_of_zeros_is_refused(shape):
    empty = csr_array(shape, dtype=np.float32)
    zeros = csr_array((np.zeros(2, np.float32), ([1, 2], [3, 4])), shape=shape)
    constant = csr_array(np.full(shape, 2.0))
    for matrix, centre in ((empty, False), (zeros, False), (constant, True)):
        with pytest.raises(OptionError, match="dim=1; the matrix has 0 singular values above rounding"):
            truncated_svd(matrix, 1, "exact", centre=centre, engine=ONE)


@pytest.mark.parametrize("cell", [np.nan, np.inf, 1e30, 1e-30])
def test_cells_that_no_product_could_hold_are_refused(cell):
    X = flat(40, 30)
    X.data[:] = 0
    X.data[4] = cell
    with pytest.raises(InputError, match="largest cell"):
        truncated_svd(X, 1, engine=ONE)


def test_memory_is_asked_for_before_any_work():
    X = flat()
    needed = bytes_needed(X.shape, X.nnz, 10, "fast")
    assert needed < bytes_needed(X.shape, X.nnz, 10, "exact")
    assert needed > 4 * (sum(X.shape) * sizes(10)[2])
    check_memory(X, 10, "fast", needed)
    with pytest.raises(BudgetError, match=r"600 × 400 matrix .* the limit is"):
        check_memory(X, 10, "fast", needed - 1)
