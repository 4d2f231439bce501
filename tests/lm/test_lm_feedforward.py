"""The network: gradients by three roads, windows, and every probability by the paper's formula."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import naive_neural as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neural_helpers import AS_IS, ENGINE, QUICK, VOCABULARY, WORDS, text

from morphvec.autodiff import central_difference, grad
from morphvec.autodiff import numpy as anp
from morphvec.engine.blas import one_blas_thread
from morphvec.lm.base import LanguageModel, LmVocabulary, Stream
from morphvec.lm.feedforward import BLOCK, gradient, step
from morphvec.lm.neural import NeuralPredictor, fit, windows
from morphvec.rng import stream as random_stream


def network(words: int, *, direct: bool, order: int = 4, dim: int = 3, hidden: int = 5) -> dict[str, Any]:
    generator, inputs = random_stream(1, words), (order - 1) * dim
    return {
        "table": generator.normal(size=(words, dim)),
        "hidden": generator.normal(size=(hidden, inputs + 1)),
        "output": generator.normal(size=(words, hidden + 1 + (inputs if direct else 0))),
    }


def traced_loss(parameters: dict[str, Any], contexts: Any, targets: Any, masks: Any = None) -> Any:
    """The same network in traced operations."""
    x = anp.reshape(parameters["table"][contexts], (len(contexts), -1))
    if masks is not None:
        x = x * masks[0]
    x = anp.concatenate([x, np.ones((len(contexts), 1))], axis=1)
    a = anp.tanh(x @ parameters["hidden"].T)
    if masks is not None:
        a = a * masks[1]
    direct = parameters["output"].shape[1] > len(parameters["hidden"]) + 1
    top = anp.concatenate([a, x if direct else x[:, -1:]], axis=1)
    return anp.mean(anp.cross_entropy(top @ parameters["output"].T, targets))


# ------------------------------------------------------------------------------------------------- gradients


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("words", [7, 2 * BLOCK + 300])
def test_gradients_are_those_of_autodiff_and_of_differences(words: int, direct: bool) -> None:
    parameters = network(words, direct=direct)
    generator = random_stream(2)
    contexts, targets = generator.integers(0, words, (20, 3)), generator.integers(0, words, 20)
    loss, ours = gradient(parameters, contexts, targets, ENGINE)
    assert loss == pytest.approx(float(traced_loss(parameters, contexts, targets)), rel=1e-12)
    for name, array in parameters.items():
        traced = grad(lambda free, name=name: traced_loss({**parameters, name: free}, contexts, targets))(
            array
        )
        np.testing.assert_allclose(ours[name], traced, rtol=1e-9, atol=1e-14)
        v = generator.normal(size=array.shape)
        difference = central_difference(
            lambda free, name=name: gradient({**parameters, name: free}, contexts, targets, ENGINE)[0],
            array,
            v,
            1e-5,
        )
        assert np.sum(ours[name] * v) == pytest.approx(float(difference), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("far", [3000.0, -3000.0])
def test_words_far_apart_overflow_nowhere(far: float) -> None:
    """The blocks of the vocabulary differ by more than e can be raised to."""
    words = 2 * BLOCK + 300
    parameters = network(words, direct=False)
    parameters["output"][BLOCK:, -1] += far
    contexts, targets = (
        random_stream(4).integers(0, words, (6, 3)),
        np.array([0, 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5]),
    )
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, ours = gradient(parameters, contexts, targets, ENGINE)
    assert loss == pytest.approx(float(traced_loss(parameters, contexts, targets)), rel=1e-12)
    traced = grad(lambda free: traced_loss({**parameters, "output": free}, contexts, targets))(
        parameters["output"]
    )
    np.testing.assert_allclose(ours["output"], traced, rtol=1e-9, atol=1e-14)


def test_gradients_number_by_number() -> None:
    parameters = network(5, direct=True, order=3, dim=2, hidden=3)
    contexts, targets = np.array([[0, 4], [1, 1], [4, 4]]), np.array([2, 4, 0])
    _, ours = gradient(parameters, contexts, targets, ENGINE)
    for name, array in parameters.items():
        for place in np.ndindex(array.shape):
            v = np.zeros(array.shape)
            v[place] = 1

            def loss(free: Any, name: str = name) -> float:
                return gradient({**parameters, name: free}, contexts, targets, ENGINE)[0]

            assert ours[name][place] == pytest.approx(
                float(central_difference(loss, array, v, 1e-5)), abs=1e-8
            )


@pytest.mark.parametrize("direct", [False, True])
def test_gradients_under_dropout_are_those_of_the_thinned_network(direct: bool) -> None:
    parameters = network(9, direct=direct)
    generator = random_stream(3)
    contexts, targets = generator.integers(0, 9, (12, 3)), generator.integers(0, 9, 12)
    masks = tuple((generator.random((12, n)) < 0.5) * 2.0 for n in (9, 5))
    output = np.zeros_like(parameters["output"])

    def receive(low: int, high: int, part: Any) -> None:
        output[low:high] = part

    with one_blas_thread():
        rowwise, hidden, rows, part = step(parameters, contexts, targets, ENGINE, receive, masks)
    table = np.zeros_like(parameters["table"])
    table[rows] = part
    assert rowwise.mean() == pytest.approx(float(traced_loss(parameters, contexts, targets, masks)))
    for name, ours in (("table", table), ("hidden", hidden), ("output", output)):
        traced = grad(
            lambda free, name=name: traced_loss({**parameters, name: free}, contexts, targets, masks)
        )
        np.testing.assert_allclose(ours, traced(parameters[name]), rtol=1e-9, atol=1e-14)


# ------------------------------------------------------------------------------------------------- probabilities


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), max_size=5), min_size=1, max_size=5), st.integers(2, 5))
def test_windows_are_the_words_before(sentences: list[list[int]], order: int) -> None:
    vocabulary = LmVocabulary(tuple("abcde"), AS_IS)
    made = windows(Stream.of(vocabulary, [[vocabulary.name(i) for i in line] for line in sentences]), order)
    contexts, targets = made.take(made.at)
    expected = naive.predictions(sentences, vocabulary.end, order)
    assert len(made) == len(expected)
    assert contexts.tolist() == [context for context, _ in expected]
    assert targets.tolist() == [word for _, word in expected]


@pytest.mark.parametrize("direct", [False, True])
def test_every_probability_is_the_paper_s(direct: bool) -> None:
    words = VOCABULARY.predicted
    parameters = {
        name: array.astype(np.float32) for name, array in network(words, direct=direct, order=3).items()
    }
    model = LanguageModel(VOCABULARY, NeuralPredictor(parameters, np.zeros(words, np.int64), 3, {}))
    sentences = [["a", "b", "zz", "c"], [], ["h"], ["a"] * 5]
    expected = [
        np.log(naive.bengio(parameters, context)[word])
        for context, word in naive.predictions(
            [VOCABULARY.ids(sentence).tolist() for sentence in sentences], VOCABULARY.end, 3
        )
    ]
    stream = Stream.of(VOCABULARY, sentences)
    found = model.predictor.token_logprobs(stream)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert model.perplexity(stream).perplexity == pytest.approx(np.exp(-np.mean(expected)), rel=1e-5)
    assert sum(score.logprob for score in model.score(sentences)) == pytest.approx(sum(expected), rel=1e-5)
    for history in ([], ["<s>"], ["<s>", "a"], ["a"], ["b", "zz"], ["c", "<s>", "a", "b"]):
        p = model.predictor.distribution(VOCABULARY.ids(history))
        assert p.sum() == pytest.approx(1, abs=1e-12)
        ids = [min(i, VOCABULARY.end) for i in VOCABULARY.ids(history)[-2:].tolist()]
        np.testing.assert_allclose(
            p, naive.bengio(parameters, [VOCABULARY.end] * (2 - len(ids)) + ids), rtol=2e-4, atol=1e-9
        )
        best, q = model.next(history, 1)[0]
        assert q == pytest.approx(p.max())
        assert model.logprob(history, best) == pytest.approx(np.log(p.max()))
    assert all(set(line) <= {*WORDS, "<unk>"} for line in model.sample(5, seed=1, longest=20))


def test_training_starts_from_the_word_counts() -> None:
    """Before its first step every context has the distribution (n + 1) / (N + V)."""
    stream = text(1)
    crawl = fit(replace(QUICK, epochs=1, optimiser="sgd", learning_rate=1e-30, momentum=0.0), stream)
    counts = np.bincount(np.delete(stream.ids, stream.begins), minlength=VOCABULARY.predicted)
    assert crawl.counts.tolist() == counts.tolist()
    for history in ([], [VOCABULARY.start, 3], [0, 1]):
        p = crawl.distribution(np.array(history, np.int32))
        np.testing.assert_allclose(p, (counts + 1) / (counts.sum() + len(counts)), rtol=1e-5)
