"""Dense networks: the worked figures of exercise 002, gradients, optimisers by their formulas, the loop's promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import naive_neural as naive
import numpy as np
import pytest
from neural_helpers import Memory

from morphvec.autodiff import central_difference
from morphvec.engine.local import local_engine
from morphvec.errors import DivergenceError, InputError, OptionError
from morphvec.lm.mlp import LOSSES, Layer, MlpOptions, MlpTrainer, Network, fit
from morphvec.lm.optimise import Optimiser, StepOptions
from morphvec.rng import stream

PLAIN = StepOptions("sgd", 1.0, momentum=0.0)


# ------------------------------------------------------------------------------------------------- exercise 002

X = np.array([[-1.0, 0.0, 2.0], [2.0, 1.0, 1.0]])
T = np.array([[0.0, 1.0], [1.0, 0.0]])
SIGMOIDS = Network(3, (Layer(2, "sigmoid", bias=False), Layer(2, "sigmoid", bias=False)), "squared")
ONES = (np.ones((3, 2)), np.ones((2, 2)))


def sigma(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def test_the_exercise_s_update_values() -> None:
    """w12(2) = 0.96405 and w22(1) = 0.99928. The source prints 0.965 and 0.99987; its L has a leading minus, while its
    steps descend +½·(1/N)ΣΣ(t − y)²."""
    first, second = fit(SIGMOIDS, X, T, MlpOptions(epochs=1, steps=PLAIN), weights=ONES).weights
    assert second[0, 1] == pytest.approx(0.96405, abs=5e-6)
    assert first[1, 1] == pytest.approx(0.99928, abs=5e-6)
    # By the source's own formulas, unrounded: δ = (t − y)·y(1 − y); input 2 of example 1 is 0.
    h, y = (sigma(1), sigma(4)), (sigma(2 * sigma(1)), sigma(2 * sigma(4)))
    delta = [[(t - y[e]) * y[e] * (1 - y[e]) for t in T[e]] for e in (0, 1)]
    assert second[0, 1] == pytest.approx(1 + 0.5 * (delta[0][1] * h[0] + delta[1][1] * h[1]), rel=1e-14)
    assert first[1, 1] == pytest.approx(1 + 0.5 * h[1] * (1 - h[1]) * sum(delta[1]), rel=1e-14)


def test_where_the_source_s_figures_come_from() -> None:
    """0.965: its two-decimal values. 0.99987: these, and 0.98 in the place of 0.88 in each example's slope."""
    rounded = 1 + 0.5 * ((1 - 0.81) * 0.81 * (1 - 0.81) * 0.73 + (0 - 0.88) * 0.88 * (1 - 0.88) * 0.98)
    assert rounded == pytest.approx(0.965, abs=5e-4)
    slip = (1 - 0.88) * 0.88 * (1 - 0.98) + (0 - 0.88) * 0.88 * (1 - 0.98)
    assert 1 + 0.5 * (1 - 0.98) * 0.98 * slip == pytest.approx(0.99987, abs=1e-5)
    mended = (1 - 0.88) * 0.88 * (1 - 0.88) + (0 - 0.88) * 0.88 * (1 - 0.88)
    assert 1 + 0.5 * (1 - 0.98) * 0.98 * mended == pytest.approx(0.9992, abs=1e-4)


def test_the_exercise_s_forward_pass() -> None:
    hidden, outputs = SIGMOIDS.units(ONES, X)
    np.testing.assert_allclose(hidden, [[0.73, 0.73], [0.98, 0.98]], atol=0.005)
    np.testing.assert_allclose(outputs, [[0.81, 0.81], [0.88, 0.88]], atol=0.005)
    expected = 0.5 * np.mean(np.sum((T - outputs) ** 2, axis=1))
    assert SIGMOIDS.cost(ONES, X, T) == pytest.approx(expected)


W = np.array(
    [
        [0.54, 0.25, 0.07],
        [0.91, 0.74, 0.27],
        [0.58, 0, 0.05],
        [0.16, 0.77, 0.31],
        [0.1, 0.54, 0.32],
        [0.59, 0.99, 0.06],
    ]
)
W_CONTEXT = np.array(
    [
        [0.19, 0.64, 0.98],
        [0.17, 0.42, 0.47],
        [0.55, 0.24, 0.92],
        [0.89, 0.58, 0.13],
        [0.31, 0.73, 0.48],
        [0.49, 0.2, 0.54],
    ]
)
FRODO, RING = 1, 2


def test_the_exercise_s_cross_entropy() -> None:
    """1.78706 nats. The source's 1.60 is 1.60379, a denominator without the target's own term."""
    network = Network(6, (Layer(3, bias=False), Layer(6, bias=False)))
    weights = (W, np.ascontiguousarray(W_CONTEXT.T))
    logits = network.outputs(weights, np.array([FRODO]))[0]
    np.testing.assert_allclose(logits, [0.9111, 0.5924, 0.9265, 1.2742, 0.9519, 0.7397], atol=1e-12)
    loss, (d_w, d_context) = network.gradient(weights, np.array([FRODO]), np.array([RING]))
    assert loss == pytest.approx(1.78706, abs=5e-6)
    assert np.log(np.exp(np.delete(logits, RING)).sum()) - logits[RING] == pytest.approx(1.60379, abs=5e-6)
    # One row of W moves, but every row of W', the source word's own too, which the source leaves out.
    assert np.flatnonzero(d_w.any(axis=1)).tolist() == [FRODO]
    p = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(d_context.T, np.outer(p - np.eye(6)[RING], W[FRODO]), atol=1e-14)
    assert d_context.T.any(axis=1).all()


# ------------------------------------------------------------------------------------------------- gradients

SHAPED: dict[str, tuple[Network, Any]] = {
    "sigmoid-squared": (Network(4, (Layer(3, "sigmoid"), Layer(2, "tanh")), "squared"), "numbers"),
    "tanh-cross-entropy": (Network(4, (Layer(5, "tanh"), Layer(3))), "ids"),
    "relu-distributions": (
        Network(4, (Layer(6, "relu"), Layer(5, "relu", bias=False), Layer(3))),
        "distributions",
    ),
    "one-unit": (Network(4, (Layer(1),), "binary-cross-entropy"), "binary"),
}


def rows(network: Network, kind: str, n: int = 11) -> tuple[Any, Any]:
    generator = stream(12)
    x, out = generator.normal(size=(n, network.inputs)), network.layers[-1].outputs
    targets: dict[str, Callable[[], Any]] = {
        "numbers": lambda: generator.normal(size=(n, out)),
        "ids": lambda: generator.integers(0, out, n),
        "distributions": lambda: generator.dirichlet(np.ones(out), n),
        "binary": lambda: generator.integers(0, 2, (n, out)).astype(float),
    }
    return x, targets[kind]()


@pytest.mark.parametrize(("network", "kind"), SHAPED.values(), ids=SHAPED)
def test_gradients_are_differences(network: Network, kind: str) -> None:
    x, targets = rows(network, kind)
    weights = tuple(weight + 0.1 for weight in network.start(3))
    loss, gradients = network.gradient(weights, x, targets)
    assert loss == float(network.cost(weights, x, targets))
    assert [g.shape for g in gradients] == list(network.shapes.values())
    for place, (weight, ours) in enumerate(zip(weights, gradients, strict=True)):
        v = stream(13, place).normal(size=weight.shape)
        difference = central_difference(
            lambda w, place=place: network.cost((*weights[:place], w, *weights[place + 1 :]), x, targets),
            weight,
            v,
            1e-6,
        )
        assert np.sum(ours * v) == pytest.approx(float(difference), rel=1e-6, abs=1e-9)


def test_losses_by_their_definitions() -> None:
    generator = stream(14)
    y, t = generator.normal(size=(5, 3)), generator.random((5, 3))
    p, q = np.exp(y) / np.exp(y).sum(1, keepdims=True), 1 / (1 + np.exp(-y))
    assert LOSSES["squared"](y, t) == pytest.approx(0.5 * np.mean(np.sum((t - y) ** 2, 1)))
    assert LOSSES["cross-entropy"](y, t) == pytest.approx(-np.mean(np.sum(t * np.log(p), 1)))
    assert LOSSES["cross-entropy"](y, np.array([2, 0, 1, 1, 2])) == pytest.approx(
        -np.mean(np.log(p[np.arange(5), [2, 0, 1, 1, 2]]))
    )
    assert LOSSES["binary-cross-entropy"](y, t) == pytest.approx(
        -np.mean(np.sum(t * np.log(q) + (1 - t) * np.log(1 - q), 1))
    )


def test_an_id_is_a_one_hot_row() -> None:
    network = Network(5, (Layer(4, "tanh"), Layer(3)))
    weights, ids, targets = network.start(1), np.array([4, 0, 4, 2]), np.array([0, 1, 2, 1])
    looked_up = network.gradient(weights, ids, targets)
    multiplied = network.gradient(weights, np.eye(5)[ids], targets)
    assert looked_up[0] == pytest.approx(multiplied[0], rel=1e-14)
    for ours, theirs in zip(looked_up[1], multiplied[1], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-15)


def test_the_start_is_within_its_reach() -> None:
    network = Network(300, (Layer(200, "tanh"), Layer(7)))
    first, bias, second, _ = network.start(5)
    assert not bias.any()
    for weight in (first, second):
        reach = np.sqrt(6 / sum(weight.shape))
        assert 0.95 * reach < np.abs(weight).max() <= reach
        assert np.std(weight) == pytest.approx(reach / np.sqrt(3), rel=0.05)
    assert not np.array_equal(first, network.start(6)[0])
    assert network.start(5, "float32")[0].dtype == np.float32


# ------------------------------------------------------------------------------------------------- optimisers


def test_sgd_and_adam_are_their_formulas() -> None:
    gradients = stream(15).normal(size=(6, 4, 3))
    for name, twin in (
        ("sgd", lambda x, g: naive.momentum(x, g, 0.1, 0.7)),
        ("adam", lambda x, g: naive.adam(x, g, 0.1)),
    ):
        matrix, vector = np.ones((4, 3)), np.ones(3)
        optimiser = Optimiser({"matrix": matrix, "vector": vector}, StepOptions(name, 0.1, momentum=0.7))
        for g in gradients:
            optimiser.begin(0.1)
            optimiser.move("matrix", g[:3], 0, 3)  # rows may be moved in parts
            optimiser.move("matrix", g[3:], 3)
            optimiser.move("vector", g[0])
        for place in np.ndindex(4, 3):
            assert matrix[place] == pytest.approx(
                twin(1.0, gradients[(slice(None), *place)].tolist()), rel=1e-10
            )
        np.testing.assert_allclose(vector, matrix[0], rtol=1e-14)


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_rows_that_are_not_met_have_gradient_nought(name: str) -> None:
    """Row 0 is met once, row 1 never, row 2 now and then, row 3 again after a rest, row 4 always."""
    steps, generator = 700, stream(18)
    met = {0: [5], 1: [], 2: list(range(0, steps, 90)), 3: [0, 1, 500, 501, 650], 4: list(range(steps))}
    gradients = np.zeros((steps, 5))
    for row, times in met.items():
        gradients[times, row] = generator.normal(size=len(times)) + 1
    table = np.ones((5, 2))
    optimiser = Optimiser({"table": table}, StepOptions(name, 0.01, momentum=0.8), local_engine(2))
    for step, g in enumerate(gradients):
        rows = np.array([row for row, times in met.items() if step in times])
        optimiser.begin(0.01)
        optimiser.move_rows("table", rows, np.repeat(g[rows, None], 2, axis=1))
    for row in range(5):
        whole = gradients[:, row].tolist()
        expected = naive.adam(1.0, whole, 0.01) if name == "adam" else naive.momentum(1.0, whole, 0.01, 0.8)
        np.testing.assert_allclose(table[row], expected, rtol=1e-7)
    assert table[1].tolist() == [1, 1]


def test_rows_that_rest_stand_still() -> None:
    """So that a table of many rare words costs what its living rows cost, and no moment sinks below the smallest
    normal number."""
    table = np.ones((2, 1))
    optimiser = Optimiser({"table": table}, StepOptions("adam", 0.01))
    for step in range(300):
        optimiser.begin(0.01)
        optimiser.move_rows("table", np.array([0]) if step == 0 else np.array([1]), np.ones((1, 1)))
        if step == 250:
            before = optimiser.state()
    after = optimiser.state()
    assert before["array.table"][0] == after["array.table"][0] != 1
    assert after["first.table"][0] > 1e-12
    assert after["met.table"].tolist() == [1, 300]


def test_the_cosine_falls_to_nothing() -> None:
    steps = StepOptions(learning_rate=0.4, schedule="cosine")
    assert [steps.rate(done, 4) for done in (0, 2, 4, 5)] == pytest.approx([0.4, 0.2, 0, 0])
    assert StepOptions(learning_rate=0.4).rate(3, 4) == 0.4


# ------------------------------------------------------------------------------------------------- training


def test_a_linear_network_finds_the_least_squares() -> None:
    generator = stream(16)
    x, t = generator.normal(size=(50, 3)), generator.normal(size=(50, 2))
    network = Network(3, (Layer(2),), "squared")
    fitted = fit(network, x, t, MlpOptions(epochs=150, steps=StepOptions("sgd", 0.3, momentum=0.5)))
    best = np.linalg.lstsq(np.hstack([x, np.ones((50, 1))]), t, rcond=None)[0]
    np.testing.assert_allclose(np.vstack(fitted.weights), best, atol=1e-9)


@pytest.mark.parametrize(("activation", "seed"), [("tanh", 0), ("sigmoid", 1), ("relu", 2)])
def test_two_layers_learn_what_one_cannot(activation: str, seed: int) -> None:
    x, ids = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    options = MlpOptions(epochs=120, batch=2, seed=seed, steps=StepOptions("adam", 0.1))
    deep = fit(Network(2, (Layer(8, activation), Layer(2))), x, ids, options)
    assert deep.history[-1]["total"] < 0.05
    flat = fit(Network(2, (Layer(2),)), x, ids, options)
    assert flat.history[-1]["total"] > 0.69 > np.log(2) - 0.01


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_resume_and_seeds_give_the_same_bits(optimiser: str) -> None:
    network, kind = SHAPED["tanh-cross-entropy"]
    x, targets = rows(network, kind)
    held = rows(network, kind, 6)
    options = MlpOptions(epochs=6, batch=4, patience=5, seed=2, steps=StepOptions(optimiser, 0.05, "cosine"))
    memory = Memory()
    whole = fit(network, x, targets, options, validation=held, keeper=memory, checkpoint_every=2)
    again = fit(network, x, targets, options, validation=held)
    resumed = fit(
        network, x, targets, options, validation=held, keeper=Memory(memory.first), checkpoint_every=2
    )
    for other in (again, resumed):
        for ours, theirs in zip(whole.weights, other.weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    other = fit(network, x, targets, MlpOptions(6, 4, seed=3, steps=options.steps), weights=network.start(2))
    assert not np.array_equal(whole.weights[0], other.weights[0])  # another order of the rows


def test_patience_goes_back_to_the_best_epoch() -> None:
    network, kind = SHAPED["tanh-cross-entropy"]
    x, targets = rows(network, kind)
    held = rows(network, kind, 7)[0], np.array([0, 1, 2, 0, 1, 2, 0])
    fitted = fit(
        network, x, targets, MlpOptions(500, patience=4, steps=StepOptions("adam", 0.1)), validation=held
    )
    losses = [entry["validation"] for entry in fitted.history]
    best = losses.index(min(losses))
    assert len(losses) == best + 5
    assert fitted.history[best]["kept"]
    assert float(network.cost(fitted.weights, *held)) == losses[best]


def test_given_weights_are_not_changed() -> None:
    fit(SIGMOIDS, X, T, MlpOptions(epochs=2, steps=PLAIN), weights=ONES)
    assert (ONES[0] == 1).all()
    trainer = MlpTrainer(SIGMOIDS, ONES, X, T, MlpOptions(epochs=1, steps=PLAIN))
    before = trainer.state()
    trainer.epoch(0)
    trainer.restore(before)
    assert (trainer.weights[0] == 1).all()


# ------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Layer(0), "outputs"),
        (lambda: Layer(2, "softsign"), "softsign"),
        (lambda: Network(0, (Layer(1),)), "inputs"),
        (lambda: Network(2, ()), "layers"),
        (lambda: Network(2, (Layer(1),), "hinge"), "hinge"),
        (lambda: Network(2, (Layer(1, "sigmoid"),)), "logits"),
        (lambda: MlpOptions(epochs=0), "epochs"),
        (lambda: MlpOptions(batch=-1), "batch"),
        (lambda: StepOptions("newton"), "newton"),
        (lambda: StepOptions(schedule="steps"), "schedule"),
        (lambda: StepOptions(learning_rate=float("inf")), "learning_rate"),
        (lambda: StepOptions(momentum=-0.1), "momentum"),
        (lambda: fit(SIGMOIDS, X, T, MlpOptions(patience=1)), "patience"),
    ],
)
def test_options_out_of_range_are_refused(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(OptionError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("x", "targets", "weights"),
    [
        (X[:, :2], T, None),
        (X, T[:1], None),
        (X, T[:, :1], None),
        (X[:0], T[:0], None),
        (X, np.array([0, 1]), None),
        (np.array([0, 3]), T, None),
        (np.array([-1, 0]), T, None),
        (X, T, ONES[:1]),
        (X, T, ONES[::-1]),
    ],
)
def test_shapes_that_do_not_fit_are_refused(x: Any, targets: Any, weights: Any) -> None:
    with pytest.raises(InputError, match="network"):
        fit(SIGMOIDS, x, targets, weights=weights)


def test_a_rate_that_is_too_high_is_said() -> None:
    network = Network(3, (Layer(2),), "squared")
    with pytest.raises(DivergenceError, match="--learning-rate"):
        fit(network, X, T, MlpOptions(epochs=50, steps=StepOptions("sgd", 1e8)))
