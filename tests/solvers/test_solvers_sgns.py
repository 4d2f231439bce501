"""Skip-gram with negative sampling: what it converges to, its bits, its barriers, its refusals."""

from __future__ import annotations

import naive_sgns as twin
import numpy as np
import pytest
from scipy.sparse import csr_array, eye_array

from morphvec.engine.local import LocalEngine
from morphvec.errors import DivergenceError, InputError, OptionError
from morphvec.solvers.penalties import SparsePenalty, edge_penalty
from morphvec.solvers.pulled import Composed, Pull
from morphvec.solvers.sgns import NegativeSampling, SkipGram
from morphvec.training import LoopOptions, run

ONE = LocalEngine(1)


def chain(words, lines, length, seed=0):
    """Lines of a random Markov chain over the words."""
    generator = np.random.default_rng(seed)
    likes = generator.dirichlet(np.full(words, 1.5), words)
    ids = []
    for _ in range(lines):
        word = generator.integers(words)
        for _ in range(length):
            ids.append(word)
            word = generator.choice(words, p=likes[word])
        ids.append(-1)
    return np.array(ids, np.int32)


def counts_of(ids, words):
    return np.bincount(ids[ids >= 0], minlength=words)


def made(ids, words, dim=8, *, epochs=3, seed=0, threads=1, composition=None, penalties=(), **settings):
    return SkipGram(
        ids,
        counts_of(ids, words),
        dim,
        settings=NegativeSampling(**{"sample": 0.0, **settings}),
        epochs=epochs,
        seed=seed,
        engine=LocalEngine(threads),
        composition=composition,
        penalties=penalties,
    )


def trained(*arguments, epochs=3, **options):
    trainer = made(*arguments, epochs=epochs, **options)
    return trainer, [trainer.epoch(number) for number in range(epochs)]


@pytest.fixture(scope="module")
def large():
    """A text with enough words for a full grid and enough tokens for several buffers."""
    generator = np.random.default_rng(5)
    ids = np.minimum(generator.zipf(1.3, 230_000) - 1, 599).astype(np.int32)
    ids[generator.random(len(ids)) < 0.04] = -1
    return ids


# ------------------------------------------------------------------------------------- what it converges to


@pytest.mark.parametrize(("negatives", "power"), [(1, 1.0), (5, 1.0), (15, 1.0), (1, 0.75), (5, 0.0)])
def test_products_reach_pmi_less_the_log_of_k(negatives, power):
    """Every pair of this text is observed, so every cell has its optimum: PMI − ln k (note 001, eq. 10), for noise ∝ n^a
    ln(n_wc Σn^a / (n_w n_c^a)) − ln k. What is left is the noise of the last steps: rms 0.02, below 0.1 everywhere."""
    words, window = 7, 2
    ids = chain(words, 300, 10)
    n, mass = twin.window_counts(ids, words, window), counts_of(ids, words) ** power
    assert n.min() > 10
    trainer, _ = trained(
        ids, words, 8, epochs=200, window=window, window_weight="flat", negatives=negatives, noise_power=power
    )
    wanted = np.log(n * mass.sum() / (n.sum(axis=1, keepdims=True) * mass)) - np.log(negatives)
    off = trainer.U @ trainer.S.T - wanted
    assert np.ptp(wanted) > 1
    assert np.abs(off).max() < 0.1
    assert np.sqrt(np.mean(off**2)) < 0.03


def test_pairs_that_never_meet_sink():
    ids = np.array([0, 1, -1, 2, 3, -1] * 200, np.int32)
    trainer, _ = trained(ids, 4, 4, epochs=100, window=1, window_weight="flat", negatives=2)
    x = trainer.U @ trainer.S.T
    assert x[0, 1] - max(x[0, 2], x[0, 3], x[0, 0]) > 4
    assert max(x[0, 2], x[0, 3], x[2, 0], x[3, 1]) < -3


def test_the_loss_falls_while_the_rate_does():
    ids = chain(30, 300, 20)
    _, history = trained(ids, 30, 10, epochs=6)
    per_pair = [entry["fit"] / entry["pairs"] for entry in history]
    assert per_pair[0] < np.log(2)  # S starts at zero, where every event costs ln 2
    assert per_pair[-1] < per_pair[0] - 0.005
    assert [entry["total"] for entry in history] == [entry["fit"] for entry in history]
    assert history[-1]["learning_rate"] == pytest.approx(0.05e-4)
    assert history[2]["learning_rate"] == pytest.approx(0.025)


def test_fit_is_the_sum_of_the_losses_of_its_pairs():
    ids = chain(10, 20, 10)
    trainer = made(ids, 10, 5, epochs=1, learning_rate=1e-9, window=2, window_weight="flat", negatives=3)
    generator = np.random.default_rng(1)
    U, S = generator.standard_normal((2, 10, 5)).astype(np.float32)
    trainer.restore({"P": U, "S": S})
    found = trainer.epoch(0)
    n, noise = twin.window_counts(ids, 10, 2), counts_of(ids, 10) ** 0.75
    assert found["pairs"] == n.sum() * 4
    x = U.astype(float) @ S.T
    negatives = 3 * n.sum(axis=1, keepdims=True) * noise / noise.sum()
    expected = np.sum(n * np.logaddexp(0, -x)) + np.sum(negatives * np.logaddexp(0, x))
    assert found["fit"] == pytest.approx(expected, rel=0.03)  # negatives are drawn
    np.testing.assert_allclose(trainer.U, U, atol=1e-5)


# ------------------------------------------------------------------------------------- bits


@pytest.mark.parametrize("dim", [1, 3, 100])
def test_the_same_bits_for_any_number_of_threads(large, dim):
    results = [trained(large, 600, dim, epochs=1, threads=threads, sample=1e-3) for threads in (1, 2, 4)]
    for trainer, history in results[1:]:
        np.testing.assert_array_equal(trainer.U, results[0][0].U)
        np.testing.assert_array_equal(trainer.S, results[0][0].S)
        assert history[0]["fit"] == results[0][1][0]["fit"]
    other, _ = trained(large, 600, dim, epochs=1, seed=1, sample=1e-3)
    assert not np.array_equal(other.U, results[0][0].U)


def test_a_run_that_goes_on_has_the_bits_of_one_that_never_stopped():
    ids = chain(200, 100, 30)
    B = csr_array(np.hstack([np.eye(200), np.ones((200, 1))]) / 2)
    for composition in (None, B):
        whole, _ = trained(ids, 200, 5, epochs=4, composition=composition)
        first = made(ids, 200, 5, epochs=4, composition=composition)
        for number in (0, 1):
            first.epoch(number)
        second = made(ids, 200, 5, epochs=4, composition=composition)
        second.restore(first.state())
        for number in (2, 3):
            second.epoch(number)
        for name in ("P", "U", "S"):
            np.testing.assert_array_equal(getattr(second, name), getattr(whole, name))


def test_penalties_of_strength_zero_change_no_bit():
    ids = chain(100, 100, 20)
    nothing = [(0.0, SparsePenalty(eye_array(100)), "none")]
    with_none, history = trained(ids, 100, 5, penalties=nothing)
    without, _ = trained(ids, 100, 5)
    np.testing.assert_array_equal(with_none.U, without.U)
    assert history[-1]["classes"] == {}


def test_racing_runs_and_learns(large):
    trainer, history = trained(large, 600, 20, epochs=2, threads=2, racing=True)
    assert np.isfinite(trainer.U).all()
    assert history[1]["fit"] / history[1]["pairs"] < history[0]["fit"] / history[0]["pairs"] < np.log(2)


@pytest.mark.parametrize("racing", [False, True])
def test_racing_or_not_the_products_are_those_of_the_text(racing):
    ids = chain(7, 300, 10)
    n, mass = twin.window_counts(ids, 7, 2), counts_of(ids, 7)
    trainer, _ = trained(
        ids, 7, 8, epochs=100, window=2, window_weight="flat", noise_power=1.0, racing=racing
    )
    wanted = np.log(n * mass.sum() / (n.sum(axis=1, keepdims=True) * mass)) - np.log(5)
    assert np.sqrt(np.mean((trainer.U @ trainer.S.T - wanted) ** 2)) < 0.06


@pytest.mark.parametrize("words", [1, 2])
def test_tiny_vocabularies(words):
    ids = np.array([0, words - 1, 0, -1, -1, 0, -1], np.int32)
    trainer, history = trained(ids, words, 4, window=3)
    assert np.isfinite(trainer.U).all()
    assert history[0]["pairs"] > 0


def test_a_text_without_pairs_is_refused():
    ids = np.array([0, -1, -1, 1, -1], np.int32)
    with pytest.raises(InputError, match="no two of them in one window"):
        trained(ids, 2, 4)


@pytest.mark.parametrize("kind", ["dynamic", "flat", "distance"])
def test_pairs_of_a_distance_come_as_often_as_its_weight(kind):
    ids = np.tile(np.arange(12, dtype=np.int32), 600)
    trainer = made(ids, 12, 4, epochs=1, window=4, window_weight=kind, negatives=1)
    weights = {
        "dynamic": [1, 3 / 4, 1 / 2, 1 / 4],
        "flat": [1, 1, 1, 1],
        "distance": [1, 1 / 2, 1 / 3, 1 / 4],
    }
    assert trainer.epoch(0)["pairs"] / len(ids) == pytest.approx(4 * sum(weights[kind]), rel=0.02)


# ------------------------------------------------------------------------------------- barriers


def test_composition_with_the_identity_is_none(large):
    found = []
    for composition in (None, eye_array(600, format="csr")):
        trainer = made(large[:8000], 600, 10, epochs=10_000, composition=composition)
        fit = trainer.epoch(0)["fit"]  # one buffer either way, and a rate that hardly falls
        found.append((fit, trainer.U, trainer.S))
    (fit, U, S), (composed_fit, composed_U, composed_S) = found
    assert composed_fit == pytest.approx(fit, rel=1e-4)
    assert np.abs(U).max() > 0.3
    np.testing.assert_allclose(composed_U, U, atol=5e-3)  # fours end with a chunk, and chunks differ
    np.testing.assert_allclose(composed_S, S, atol=5e-3)


def test_composed_words_are_their_parts_and_learn():
    words = 120
    ids = chain(words, 400, 20)
    generator = np.random.default_rng(2)
    shared = (generator.random((words, 30)) < 0.1).astype(float)
    B = csr_array(np.hstack([np.eye(words), shared]) / (1 + shared.sum(axis=1, keepdims=True)))
    trainer, history = trained(ids, words, 10, epochs=8, composition=B)
    np.testing.assert_allclose(trainer.U, B @ trainer.P, atol=1e-5)
    assert history[-1]["fit"] / history[-1]["pairs"] < history[0]["fit"] / history[0]["pairs"] - 0.02
    other, _ = trained(ids, words, 10, epochs=8, composition=B, threads=3)
    np.testing.assert_array_equal(other.P, trainer.P)


def test_moves_are_handed_on_without_going_too_far():
    generator = np.random.default_rng(3)
    B = csr_array(np.where(generator.random((40, 60)) < 0.2, generator.random((40, 60)), 0))
    composed = Composed(B, np.full(40, 0.5), 16, ONE)
    words = np.arange(0, 40, 2)
    moved = B.toarray()[words]
    asked = generator.standard_normal((20, 16)).astype(np.float32)
    composed.follow(words, asked)
    mass = moved.T @ moved.sum(axis=1)
    wanted = np.divide(moved.T @ asked, mass[:, None], out=np.zeros((60, 16)), where=mass[:, None] > 0)
    np.testing.assert_allclose(composed.P, wanted, atol=1e-5)
    carried = np.linalg.eigvals(
        moved @ np.diag(np.divide(1, mass, out=np.zeros(60), where=mass > 0)) @ moved.T
    )
    assert carried.real.max() <= 1 + 1e-9
    assert carried.real.min() >= -1e-9


def offsets(words, pairs):
    rows = np.repeat(np.arange(len(pairs)), 2)
    members = csr_array(
        (np.tile([-1.0, 1.0], len(pairs)), (rows, np.ravel(pairs))), shape=(len(pairs), words)
    )
    ring = [(i, (i + 1) % len(pairs)) for i in range(len(pairs))]
    return edge_penalty(members, np.array(ring), np.zeros(len(pairs), np.int64), np.ones(1))


@pytest.mark.parametrize("composed", [False, True])
def test_an_offset_penalty_brings_offsets_together(composed):
    words, pairs = 100, np.array([(2 * i, 2 * i + 1) for i in range(20)])
    ids, form = chain(words, 300, 20), offsets(100, pairs)
    B = (
        csr_array(np.hstack([np.eye(words), np.eye(words)[:, :50] + np.eye(words)[:, 50:]]) / 2)
        if composed
        else None
    )

    def spread(U):
        d = U[pairs[:, 1]] - U[pairs[:, 0]]
        return np.linalg.norm(d - d.mean(axis=0), axis=1).mean() / np.linalg.norm(U, axis=1).mean()

    found = []
    for strength in (0.0, 30.0, 1e6):
        trainer, history = trained(
            ids, words, 10, epochs=10, composition=B, penalties=[(strength, form, "offset")]
        )
        found.append(spread(trainer.U))
        assert np.isfinite(trainer.U).all()
        assert np.linalg.norm(trainer.U, axis=1).mean() > 0.1
        if strength:
            value = strength * form.value(trainer.U)
            assert history[-1]["classes"]["offset"] == pytest.approx(value, rel=1e-6)
            assert history[-1]["total"] == pytest.approx(history[-1]["fit"] + value, rel=1e-6)
    assert found[1] < 0.5 * found[0]
    assert found[2] < 0.05 * found[0]


def test_the_penalties_step_is_the_implicit_one():
    words = 30
    form, step, strength = offsets(words, np.array([(2 * i, 2 * i + 1) for i in range(10)])), 0.05, 3.0
    U = np.random.default_rng(0).standard_normal((words, 6))
    L = form.matrix.toarray()
    found = Pull([(strength, form, "offset")], None, ONE).on_words(U, step)
    wanted = np.linalg.solve(np.eye(words) + 2 * step * strength * L, U)
    np.testing.assert_allclose(found, wanted, atol=5e-3)
    assert np.abs(found - U).max() > 0.05
    # with composition: the same in P, in the metric of the moves
    generator = np.random.default_rng(1)
    B = csr_array(np.where(generator.random((words, 12)) < 0.4, 0.5, 0))
    composed = Composed(B, np.full(words, 0.3), 16, ONE)
    composed.P[:] = generator.standard_normal(composed.P.shape)
    M, dense = np.diag(composed.metric), B.toarray()
    wanted = np.linalg.solve(M + 2 * step * strength * dense.T @ L @ dense, M @ composed.P)
    Pull([(strength, form, "offset")], composed, ONE).on_parts(composed, step)
    np.testing.assert_allclose(composed.P, wanted, atol=1e-2)


# ------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 0),
        ("window_weight", "linear"),
        ("negatives", 0),
        ("noise_power", -0.1),
        ("sample", 2.0),
        ("sample", float("nan")),
        ("learning_rate", 0.0),
    ],
)
def test_settings_out_of_range_are_refused(name, value):
    with pytest.raises(OptionError, match=name):
        NegativeSampling(**{name: value})


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(InputError, match="without tokens"):
        made(np.array([-1, -1], np.int32), 2)
    with pytest.raises(OptionError, match="racing"):
        made(np.zeros(3, np.int32), 1, racing=True, composition=eye_array(1))
    with pytest.raises(InputError, match="below 0"):
        made(np.zeros(3, np.int32), 1, composition=csr_array(-np.eye(1)))


def test_a_run_that_leaves_the_finite_numbers_is_stopped():
    ids = chain(20, 50, 20)
    trainer = made(ids, 20, 4, epochs=3)
    state = trainer.state()
    state["P"] = np.full_like(state["P"], np.nan)
    trainer.restore(state)
    with pytest.raises(DivergenceError, match="--learning-rate"):
        run(trainer, LoopOptions(3), knob="--learning-rate")
