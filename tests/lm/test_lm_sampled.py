"""Training on drawn words: chances, the sum they stand for, gradients, and the networks that come of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import naive_neural as naive
import numpy as np
import pytest
from neural_helpers import AS_IS, ENGINE, QUICK, same, text

from morphvec.autodiff import grad
from morphvec.autodiff import numpy as anp
from morphvec.engine.blas import one_blas_thread
from morphvec.errors import OptionError
from morphvec.lm.base import LmVocabulary, Stream
from morphvec.lm.feedforward import BLOCK, Parameters, _softmax, features, step
from morphvec.lm.neural import fit
from morphvec.lm.neural_options import NeuralOptions
from morphvec.lm.sampled import Sample, chances, draw
from morphvec.rng import stream as random_stream


def network(words: int, *, direct: bool) -> Parameters:
    generator, inputs = random_stream(1, words), 6
    return {
        "table": generator.normal(size=(words, 3)),
        "hidden": generator.normal(size=(4, inputs + 1)),
        "output": generator.normal(size=(words, 5 + (inputs if direct else 0))),
    }


def all_of(parameters: Parameters, contexts: Any, targets: Any, sample: Sample | None) -> Any:
    """Loss of each row and the gradients in full."""
    whole = {name: np.zeros_like(array) for name, array in parameters.items()}
    ids = np.arange(len(parameters["output"])) if sample is None else sample.ids

    def receive(low: int, high: int, part: Any) -> None:
        whole["output"][ids[low:high]] = part

    with one_blas_thread():
        lost, whole["hidden"], rows, part = step(
            parameters, contexts, targets, ENGINE, receive, sample=sample
        )
    whole["table"][rows] = part
    return lost, whole


# ------------------------------------------------------------------------------------------------- chances


@pytest.mark.parametrize("size", [1, 3, 10, 37, 99])
def test_so_many_words_are_drawn_in_the_mean(size: int) -> None:
    counts = (1000 / (1 + np.arange(100))).astype(np.int64)
    counts[50:60] = 0
    chance = chances(counts, size)
    assert chance.sum() == pytest.approx(size, rel=1e-12)
    assert (chance > 0).all()
    assert (chance <= 1).all()
    falling = chance[np.argsort(-counts, kind="stable")]
    assert (np.diff(falling) <= 0).all()
    free = chance < 1
    ratio = chance[free] / (counts[free] + 1.0) ** 0.75
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-12)


def test_chances_by_hand() -> None:
    """Weights 8, 1, 1, 1, 1 and two words: the first is certain, the others share the second."""
    np.testing.assert_allclose(chances(np.array([15, 0, 0, 0, 0]), 2), [1, 0.25, 0.25, 0.25, 0.25])
    assert chances(np.array([15, 0, 0]), 3).tolist() == [1, 1, 1]
    assert chances(np.array([15, 0, 0]), 7).tolist() == [1, 1, 1]


def test_words_come_by_their_chances_and_targets_always() -> None:
    chance, rng = np.array([1, 0.5, 0.1, 0.02, 0.3]), random_stream(7)
    targets = np.array([3, 1, 3])
    came, weights = np.zeros(5), np.zeros(5)
    for _ in range(4000):
        sample = draw(chance, targets, rng)
        assert (np.diff(sample.ids) > 0).all()
        assert {1, 3} <= set(sample.ids.tolist())
        met = np.isfinite(sample.log_weight)
        np.testing.assert_allclose(np.exp(sample.log_weight[met]), 1 / chance[sample.ids[met]])
        came[sample.ids[met]] += 1
        weights[sample.ids[met]] += np.exp(sample.log_weight[met])
    np.testing.assert_allclose(came / 4000, chance, atol=4 * np.sqrt(0.25 / 4000))
    np.testing.assert_allclose(weights / 4000, 1, atol=4 * np.sqrt(50 / 4000))


# ------------------------------------------------------------------------------------------------- the step


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize(("words", "size"), [(30, 9), (3 * BLOCK, BLOCK + 400)])
def test_gradients_are_those_of_the_loss_on_the_drawn_words(words: int, size: int, direct: bool) -> None:
    """−ln e^{y_t} / (e^{y_t} + Σ_{s drawn, s ≠ t} e^{y_s} / chance_s), in traced operations."""
    parameters, generator = network(words, direct=direct), random_stream(2)
    contexts, targets = generator.integers(0, words, (20, 2)), generator.integers(0, words, 20)
    chance = chances(generator.integers(0, 50, words), size)
    sample = draw(chance, targets, random_stream(3))
    assert np.isinf(sample.log_weight).any()
    assert (sample.log_weight > 0).any()
    shift = np.full((20, words), -1e30)
    shift[:, sample.ids] = np.maximum(sample.log_weight, -1e30)
    shift[np.arange(20), targets] = 0

    def loss(free: Any) -> Any:
        x = anp.reshape(free["table"][contexts], (20, -1))
        x = anp.concatenate([x, np.ones((20, 1))], axis=1)
        a = anp.tanh(x @ free["hidden"].T)
        top = anp.concatenate([a, x if direct else x[:, -1:]], axis=1)
        return anp.mean(anp.cross_entropy(top @ free["output"].T + shift, targets))

    lost, ours = all_of(parameters, contexts, targets, sample)
    assert lost.mean() == pytest.approx(float(loss(parameters)), rel=1e-12)
    for name, array in parameters.items():
        traced = grad(lambda free, name=name: loss({**parameters, name: free}))(array)
        np.testing.assert_allclose(ours[name], traced, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_sample_of_every_word_is_the_softmax_itself(kind: Any) -> None:
    words = BLOCK + 200
    parameters = {name: array.astype(kind) for name, array in network(words, direct=True).items()}
    generator = random_stream(4)
    contexts, targets = generator.integers(0, words, (12, 2)), generator.integers(0, words, 12)
    every = draw(np.ones(words), targets, generator)
    (lost, whole), (full, exact) = (all_of(parameters, contexts, targets, sample) for sample in (every, None))
    np.testing.assert_array_equal(lost, full)
    for name in parameters:
        np.testing.assert_array_equal(whole[name], exact[name])


def test_the_drawn_words_stand_for_the_whole_sum() -> None:
    words = 40
    parameters, generator = network(words, direct=False), random_stream(5)
    contexts, targets = generator.integers(0, words, (5, 2)), generator.integers(0, words, 5)
    top = features(parameters, contexts)[2]
    exact = np.exp(_softmax(parameters["output"], top, targets, ENGINE).log_sum)
    chance = chances(generator.integers(0, 50, words), 15)
    found = np.array(
        [
            np.exp(
                _softmax(parameters["output"], top, targets, ENGINE, draw(chance, targets, generator)).log_sum
            )
            for _ in range(3000)
        ]
    )
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - exact) < 4 * error).all()
    assert (error < 0.05 * exact).all()


def test_a_sample_of_nothing_else_says_that_the_target_is_certain() -> None:
    parameters = {name: array.astype(np.float32) for name, array in network(9, direct=False).items()}
    alone = Sample(np.array([4]), np.array([0.0]))
    lost, whole = all_of(parameters, np.array([[1, 2]]), np.array([4]), alone)
    assert lost.tolist() == [0.0]
    assert not any(array.any() for array in whole.values())


# ------------------------------------------------------------------------------------------------- training


def test_a_chain_is_learned_from_drawn_words_too() -> None:
    """30 states of which each has three followers; 10 words a step."""
    generator = random_stream(6)
    transitions = np.full((30, 30), 0.1 / 30)
    for row in transitions:
        row[generator.choice(30, 3, replace=False)] += 0.3
    lines = naive.markov(generator, transitions, 150, 40)
    vocabulary = LmVocabulary(tuple(f"w{i}" for i in range(30)), AS_IS)
    options = NeuralOptions(
        order=2,
        dim=8,
        hidden=24,
        epochs=10,
        patience=0,
        batch=32,
        dropout=0.0,
        learning_rate=0.01,
        sampled=10,
    )
    stream = Stream.of(vocabulary, lines)
    sampled, exact = (fit(replace(options, sampled=size), stream) for size in (10, 0))
    drawn, full = (-model.token_logprobs(stream).mean() for model in (sampled, exact))
    assert not same(sampled, exact)
    assert full < naive.chain_entropy(transitions) + 0.06  # ln 30 = 3.4 is where both begin
    assert drawn < full + 0.1


def test_as_many_words_as_there_are_is_the_softmax() -> None:
    stream = text(3)
    assert same(fit(QUICK, stream), fit(replace(QUICK, sampled=1000), stream))


def test_a_sample_below_nothing_is_refused() -> None:
    with pytest.raises(OptionError, match="sampled=-1"):
        NeuralOptions(sampled=-1)
