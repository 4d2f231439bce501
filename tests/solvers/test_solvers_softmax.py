"""The full softmax in blocks against its definition, autodiff, differences, L-BFGS, and the entropy it cannot pass."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_array

import naive
from morphvec import training
from morphvec.autodiff import grad
from morphvec.engine.local import LocalEngine
from morphvec.errors import BudgetError, DivergenceError, InputError, OptionError
from morphvec.rng import stream
from morphvec.solvers import softmax
from morphvec.solvers.batch_options import MINIBATCH, SCHEDULES, BatchOptions
from morphvec.solvers.losses import least_softmax, softmax_objective, softmax_residual
from morphvec.solvers.softmax import FullSoftmax, bytes_needed, check_memory, fit_softmax
from morphvec.training import LoopControl, LoopOptions

F64 = np.dtype(np.float64)


def table(rows=13, columns=9, seed=0, zeros=True):
    """Counts that fall off like words do, dense float64."""
    generator = stream(seed)
    rate = 40 / np.arange(1, rows + 1)[:, None] / np.arange(1, columns + 1) ** 0.5
    made = generator.poisson(rate * generator.gamma(1.0, 1.0, (rows, columns))).astype(float)
    return made if zeros else made + 1


def trainer(
    counts, dim=4, *, solver="adam", epochs=5, ridge=0.0, seed=1, dtype=F64, threads=1, tokens=None, **options
):
    return FullSoftmax(
        csr_array(counts),
        dim,
        solver=solver,
        options=BatchOptions(**options),
        epochs=epochs,
        ridge=ridge,
        seed=seed,
        dtype=np.dtype(dtype),
        tokens=tokens,
        engine=LocalEngine(threads),
    )


def objective(U, S, counts, ridge):
    return softmax_objective(U, S, counts) + ridge * ((U**2).sum() + (S**2).sum())


@pytest.fixture(params=["one chunk", "many"])
def chunks(request, monkeypatch):
    """Blocks so small that this little table has many of each kind."""
    if request.param == "many":
        monkeypatch.setattr(softmax, "_CHUNK", 45)
        monkeypatch.setattr(softmax, "_BLOCK", 2)
        monkeypatch.setattr(softmax, "_COLUMNS", 4)


# ------------------------------------------------------------------------------------- value and gradient


def test_the_loss_is_the_definition(chunks):
    counts = table()
    made = trainer(counts)
    assert made.loss() == pytest.approx(softmax_objective(made.U, made.S, counts), rel=1e-13)
    made.U[:], made.S[:] = stream(2).normal(size=made.U.shape), 40 * stream(3).normal(size=made.S.shape)
    assert made.loss() == pytest.approx(softmax_objective(made.U, made.S, counts), rel=1e-13)


@pytest.mark.parametrize("ridge", [0.0, 0.7])
def test_the_gradient_is_that_of_autodiff_and_of_differences(chunks, ridge):
    counts = table()
    made = trainer(counts, ridge=ridge, batch=0)
    dU, dS = made.gradient(0, 0)
    R = softmax_residual(made.U, made.S, counts)
    np.testing.assert_allclose(dU, R @ made.S + 2 * ridge * made.U, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(dS, R.T @ made.U + 2 * ridge * made.S, rtol=1e-10, atol=1e-10)
    for number, G in enumerate((dU, dS)):
        traced = grad(softmax_objective, number)(made.U, made.S, counts)
        X = (made.U, made.S)[number]
        np.testing.assert_allclose(G, traced + 2 * ridge * X, rtol=1e-10, atol=1e-10)
        differences = naive.central_differences(
            lambda Y: objective(*((Y, made.S) if number == 0 else (made.U, Y)), counts, ridge),  # noqa: B023
            X.copy(),
            1e-5,
        )
        np.testing.assert_allclose(G, differences, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 3, 4, 13])
def test_the_batches_of_an_epoch_have_the_gradient_as_their_mean(chunks, batch):
    counts = table()
    made = trainer(counts, ridge=0.3, batch=batch)
    assert made.batches == -(-13 // batch)
    whole = trainer(counts, ridge=0.3, batch=0).gradient(0, 0)
    for epoch in (0, 3):
        parts = [made.gradient(epoch, number) for number in range(made.batches)]
        for side in range(2):
            np.testing.assert_allclose(
                sum(part[side] for part in parts) / made.batches, whole[side], rtol=1e-10, atol=1e-10
            )


def test_a_batch_has_its_share_of_frequent_and_of_rare_rows():
    counts = np.outer(2.0 ** np.arange(24, 0, -1), np.ones(3))[stream(1).permutation(24)]
    made = trainer(counts, batch=6)
    place = np.argsort(np.argsort(-counts.sum(axis=1)))  # of each row, by its mass
    firsts = set()
    for epoch in range(8):
        batches = made._batches_of(epoch)
        assert np.array_equal(np.sort(np.concatenate(batches)), np.arange(24))
        for rows in batches:
            assert sorted(place[rows] // 4) == [0, 1, 2, 3, 4, 5]
        firsts.add(tuple(batches[0]))
    assert len(firsts) > 1  # dealt anew every epoch


def test_adam_by_its_formula():
    """Kingma & Ba 2015: rows of U count epochs, S counts batches; cosine over the epochs."""
    counts, epochs, rate = table(8, 5, seed=3), 3, 0.05
    made = trainer(counts, 3, epochs=epochs, batch=3, learning_rate=rate, ridge=0.1)
    U, S = made.U.copy(), made.S.copy()
    m, v = {"U": np.zeros_like(U), "S": np.zeros_like(S)}, {"U": np.zeros_like(U), "S": np.zeros_like(S)}
    steps = 0

    def move(X, G, name, rows, number, eta):
        m[name][rows] = 0.9 * m[name][rows] + 0.1 * G
        v[name][rows] = 0.999 * v[name][rows] + 0.001 * G**2
        first, second = m[name][rows] / (1 - 0.9**number), v[name][rows] / (1 - 0.999**number)
        X[rows] -= eta * first / np.sqrt(second)

    for epoch in range(epochs):
        for batch, rows in enumerate(made._batches_of(epoch)):
            steps += 1
            eta = rate * 0.5 * (1 + np.cos(np.pi * (epoch + batch / 3) / epochs))
            R = 3 * softmax_residual(U[rows], S, counts[rows])
            dU, dS = R @ S + 2 * 3 * 0.1 * U[rows], R.T @ U[rows] + 2 * 0.1 * S
            move(U, dU, "U", rows, epoch + 1, eta)
            move(S, dS, "S", slice(None), steps, eta)
        found = made.epoch(epoch)
        np.testing.assert_allclose(made.U, U, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(made.S, S, rtol=1e-7, atol=1e-9)
        assert found["total"] == pytest.approx(objective(U, S, counts, 0.1), rel=1e-9)
        assert found["total"] == found["fit"] + found["ridge"]
        assert found["learning_rate"] == pytest.approx(eta)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_ends_where_it_says(schedule):
    found = fit_softmax(
        csr_array(table()),
        2,
        epochs=50,
        batch=BatchOptions(schedule=schedule, learning_rate=0.02, batch=3),
        engine=LocalEngine(1),
    )
    rates = [entry["learning_rate"] / 0.02 for entry in found.history]
    assert rates[-1] == pytest.approx({"constant": 1, "inverse": 0.1}.get(schedule, 0), abs=0.02)
    assert np.all(np.diff(rates) <= 0)


# ------------------------------------------------------------------------------------- what it reaches


@pytest.mark.parametrize("batch", [0, 3])
@pytest.mark.parametrize("solver", MINIBATCH)
def test_with_enough_dimensions_it_reaches_the_conditional_entropy(solver, batch):
    counts = table(10, 6, zeros=False)
    found = fit_softmax(
        csr_array(counts),
        6,
        solver,
        250,
        dtype="float64",
        batch=BatchOptions(batch=batch),
        engine=LocalEngine(1),
    )
    least = least_softmax(counts.ravel(), np.full(10, 6))
    totals = [entry["fit"] for entry in found.history]
    assert min(totals) >= least * (1 - 1e-12)
    assert totals[-1] < least * (1 + 1e-4)
    powers = np.exp(found.U @ found.S.T)
    p = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(p, counts / counts.sum(axis=1, keepdims=True), atol=0.01)


def test_cells_of_no_counts_are_approached_and_never_reached():
    counts = table(10, 6)
    assert (counts == 0).any()
    stored = counts > 0
    least = least_softmax(counts[stored], stored.sum(axis=1))
    found = fit_softmax(csr_array(counts), 6, "adam", 600, dtype="float64", engine=LocalEngine(1))
    assert least < found.history[-1]["fit"] < least * (1 + 1e-2)


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_few_dimensions_reach_what_l_bfgs_reaches(ridge):
    counts, dim = table(12, 8, seed=5, zeros=False), 2

    def dense(x):
        U, S = x[: 12 * dim].reshape(12, dim), x[12 * dim :].reshape(8, dim)
        R = softmax_residual(U, S, counts)
        slope = np.concatenate([(R @ S + 2 * ridge * U).ravel(), (R.T @ U + 2 * ridge * S).ravel()])
        return objective(U, S, counts, ridge), slope

    best = min(
        minimize(dense, stream(seed).normal(size=20 * dim), jac=True, method="L-BFGS-B").fun
        for seed in range(3)
    )
    runs = [
        fit_softmax(
            csr_array(counts), dim, "adam", 300, seed, dtype="float64", ridge=ridge, engine=LocalEngine(1)
        )
        for seed in range(2)
    ]
    reached = min(runs, key=lambda run: run.history[-1]["total"])
    assert reached.history[-1]["total"] == pytest.approx(best, rel=2e-4)
    assert best > 1.001 * least_softmax(counts.ravel(), np.full(12, 8))  # the dimensions do bind
    if ridge:  # at a stationary point both sides pay the same
        assert (reached.U**2).sum() == pytest.approx((reached.S**2).sum(), rel=0.01)


def test_float32_and_float64_agree():
    counts = csr_array(table(40, 30))
    one, two = (
        fit_softmax(counts, 5, epochs=20, dtype=kind, engine=LocalEngine(1))
        for kind in ("float32", "float64")
    )
    assert one.U.dtype == np.float32
    assert one.history[-1]["total"] == pytest.approx(two.history[-1]["total"], rel=1e-4)


def test_history_per_pair_and_per_token():
    counts = table()
    found = fit_softmax(csr_array(counts), 3, epochs=2, tokens=50.0, engine=LocalEngine(1)).history[-1]
    assert found["fit"] == pytest.approx(found["per_pair"] * counts.sum())
    assert found["fit"] == pytest.approx(found["per_token"] * 50)
    assert found["unobserved"] == found["ridge"] == 0
    assert found["classes"] == {}
    assert "per_token" not in fit_softmax(csr_array(counts), 3, epochs=1, engine=LocalEngine(1)).history[-1]


def test_a_row_without_counts_stays_at_nought():
    counts = table()
    counts[4] = 0
    counts[:, 2] = 0
    found = fit_softmax(csr_array(counts), 3, epochs=30, batch=BatchOptions(batch=3), engine=LocalEngine(1))
    assert not found.U[4].any()
    assert np.abs(np.delete(found.U, 4, axis=0)).max(axis=1).min() > 0
    powers = np.exp(np.delete(found.U, 4, axis=0) @ found.S.T)
    never = (powers / powers.sum(axis=1, keepdims=True))[:, 2]  # p of a context that never comes
    assert np.average(never, weights=np.delete(counts, 4, axis=0).sum(axis=1)) < 0.02 < 1 / 9


def test_cells_given_twice_are_added_up():
    twice = csr_array((np.array([1.0, 2.0, 3.0]), np.array([0, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    once = csr_array(np.array([[3.0, 0], [0, 3]]))
    one, two = (fit_softmax(X, 2, epochs=3, engine=LocalEngine(1)) for X in (twice, once))
    assert np.array_equal(one.U, two.U)
    assert twice.nnz == 3  # what was given stays as it is


# ------------------------------------------------------------------------------------- the same bits


@pytest.mark.parametrize("solver", MINIBATCH)
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(monkeypatch, solver, threads):
    monkeypatch.setattr(softmax, "_CHUNK", 1 << 17)
    counts = stream(9).poisson(0.05, (700, 2300)).astype(float)
    one, other = (
        fit_softmax(
            csr_array(counts), 7, solver, 2, batch=BatchOptions(batch=300, clip=1e4), engine=LocalEngine(n)
        )
        for n in (1, threads)
    )
    assert np.array_equal(one.U, other.U)
    assert np.array_equal(one.S, other.S)
    assert [e["total"] for e in one.history] == [e["total"] for e in other.history]
    assert one.history[1]["total"] < one.history[0]["total"]


class Memory:
    """A keeper that remembers."""

    def __init__(self):
        self.kept = None

    def save(self, epochs_done, state, history):
        self.kept = epochs_done, {name: array.copy() for name, array in state.items()}, list(history)

    def load(self):
        return self.kept

    def describe(self):
        return "memory"


@pytest.mark.parametrize("solver", MINIBATCH)
def test_a_run_that_goes_on_has_the_bits_of_one_that_never_stopped(solver):
    counts = table(30, 20)
    whole = trainer(counts, solver=solver, epochs=6, batch=7, dtype=np.float32)
    training.run(whole, LoopOptions(6))
    keeper = Memory()
    first = trainer(counts, solver=solver, epochs=6, batch=7, dtype=np.float32)
    first_run = first.epoch

    def stopping(number):
        if number == 4:
            raise KeyboardInterrupt
        return first_run(number)

    first.epoch = stopping
    with pytest.raises(KeyboardInterrupt):
        training.run(first, LoopOptions(6, checkpoint_every=2), keeper=keeper)
    assert keeper.kept[0] == 4
    again = trainer(counts, solver=solver, epochs=6, batch=7, dtype=np.float32)
    history = training.run(again, LoopOptions(6, checkpoint_every=2), keeper=keeper)
    assert len(history) == 6
    assert np.array_equal(again.U, whole.U)
    assert np.array_equal(again.S, whole.S)


def test_seeds_differ_and_repeat():
    counts = csr_array(table())
    runs = [fit_softmax(counts, 3, epochs=3, seed=seed, engine=LocalEngine(1)).U for seed in (0, 0, 1)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


# ------------------------------------------------------------------------------------- refusals and memory


def test_the_memory_is_what_was_said():
    rows, columns, dim = 1500, 2500, 20
    counts = csr_array(stream(3).poisson(0.02, (rows, columns)).astype(np.float32))
    fit_softmax(counts[:20], 2, epochs=1, engine=LocalEngine(1))  # what a first run imports is not its own
    tracemalloc.start()
    try:
        fit_softmax(counts, dim, epochs=2, engine=LocalEngine(2))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    said = bytes_needed(rows, columns, dim, counts.nnz, kept=False)
    assert 0.5 * said < peak < 1.1 * said


def test_too_large_a_vocabulary_is_refused_before_any_work():
    with pytest.raises(BudgetError, match=r"2,000,000 words.*GB.*operations an epoch; .*--method sgns"):
        check_memory(2_000_000, 2_000_000, 300, 10**8, 4 << 30)
    check_memory(20_000, 20_000, 100, 10**7, 4 << 30)
    with pytest.raises(BudgetError):
        fit_softmax(csr_array(table()), 3, memory=100, engine=LocalEngine(1))


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (np.zeros((3, 3)), "0 stored counts"),
        (np.array([[1.0, -1.0]]), "from -1 to 1"),
        (np.array([[1.0, np.nan]]), "counts are finite"),
        (np.array([[1.0, np.inf]]), "counts are finite"),
    ],
)
def test_what_is_no_count_is_refused(counts, said):
    with pytest.raises(InputError, match=said):
        fit_softmax(csr_array(counts), 2, engine=LocalEngine(1))


@pytest.mark.parametrize(
    ("solver", "options", "said"),
    [
        ("als", {}, "solver='als'"),
        ("adam", {"updates": "lazy"}, "updates=lazy"),
        ("adam", {"edge_samples": 5}, "leave --edge-samples out"),
        ("adam", {"unobserved_samples": 5}, "unobserved_samples=5"),
        ("sgd", {"oversample_rare": 1.0}, "samples nothing"),
    ],
)
def test_settings_without_a_meaning_are_refused(solver, options, said):
    with pytest.raises(OptionError, match=said):
        fit_softmax(csr_array(table()), 2, solver, batch=BatchOptions(**options), engine=LocalEngine(1))


def test_a_rate_that_is_too_high_is_said():
    with pytest.raises(DivergenceError, match="--learning-rate"):
        fit_softmax(
            csr_array(table()), 3, epochs=5, batch=BatchOptions(learning_rate=1e20), engine=LocalEngine(2)
        )


def test_one_word_and_one_context_are_no_trouble():
    found = fit_softmax(csr_array(np.array([[5.0]])), 2, epochs=2, engine=LocalEngine(1))
    assert found.history[-1]["total"] == pytest.approx(0, abs=1e-6)
    assert np.isfinite(found.U).all()


def test_checkpoints_are_kept_by_the_loop():
    keeper = Memory()
    fit_softmax(csr_array(table()), 3, epochs=4, loop=LoopControl(2, keeper), engine=LocalEngine(1))
    assert keeper.kept[0] == 4
