"""Skip-gram with the full softmax: known neighbours, the entropy, what is served, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

import naive
from morphvec.association import Association
from morphvec.engine.local import LocalEngine
from morphvec.errors import BudgetError, OptionError
from morphvec.features.space import Block
from morphvec.methods.skipgram import SkipgramOptions, fit
from morphvec.rng import stream
from morphvec.solvers.batch_options import BatchOptions
from morphvec.solvers.losses import least_softmax, softmax_objective
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary

ONE = LocalEngine(1)


def vocabulary(counts):
    words = tuple(f"w{number:02}" for number in range(len(counts)))
    total = int(np.sum(counts))
    return Vocabulary(words, np.asarray(counts), total, len(counts), Tokenizer("whitespace", "keep"))


def counted(lines, words, kind="count", blocks=None):
    """Flat window counts of lines of word numbers, as an association, and their vocabulary."""
    n = naive.window_counts(lines, words, 2, "flat")
    known = vocabulary(np.bincount(np.concatenate(lines), minlength=words))
    matrix = csr_array(n.astype(np.float32))
    weights = csr_array((np.ones_like(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
    made = Association(
        matrix,
        weights,
        np.zeros(words),
        known.words,
        known.words,
        blocks or (Block("window", 0, words),),
        kind,
    )
    return n, made, known


def two_topics(words=12, lines=300):
    """The first half of the words never meets the second."""
    generator = stream(2)
    half = words // 2
    return [(half * (line % 2) + generator.integers(0, half, 7)).tolist() for line in range(lines)]


def test_neighbours_that_are_certain():
    _, association, known = counted(two_topics(), 12)
    model, _ = fit(association, known, SkipgramOptions(4, epochs=60), engine=ONE)
    unit = model.vectors / np.linalg.norm(model.vectors, axis=1, keepdims=True)
    alike = unit @ unit.T
    assert alike[:6, :6].min() > 0 > alike[:6, 6:].max()


def test_the_history_is_the_objective_of_what_is_served():
    n, association, known = counted(two_topics(), 12)
    model, factors = fit(association, known, SkipgramOptions(3, epochs=5, ridge=0.25), engine=ONE)
    last = factors.history[-1]
    U, S = model.vectors.astype(float), model.contexts.astype(float)
    assert np.array_equal(model.vectors, factors.U)
    assert last["fit"] == pytest.approx(softmax_objective(U, S, n), rel=1e-6)
    assert last["ridge"] == pytest.approx(0.25 * ((U**2).sum() + (S**2).sum()), rel=1e-6)
    assert last["per_pair"] * n.sum() == pytest.approx(last["fit"])
    assert last["per_token"] * known.counts.sum() == pytest.approx(last["fit"])
    assert model.manifest["resolved"] == {"epochs": 5, "batch": 12, "learning_rate": 0.1}


def test_as_many_dimensions_as_words_leave_only_the_entropy():
    lines = [stream(7, line).integers(0, 6, 40).tolist() for line in range(10)]
    n, association, known = counted(lines, 6)
    assert (n > 0).all()
    _, factors = fit(association, known, SkipgramOptions(6, epochs=300), engine=ONE)
    assert factors.history[-1]["fit"] == pytest.approx(least_softmax(n.ravel(), np.full(6, 6)), rel=1e-5)


def test_outputs_and_powers():
    _, association, known = counted(two_topics(), 12)
    options = SkipgramOptions(3, epochs=3)
    plain, factors = fit(association, known, options, engine=ONE)
    for output, wanted in {
        "c": factors.S,
        "w+c": factors.U + factors.S,
        "concat": np.hstack([factors.U, factors.S]),
    }.items():
        model, _ = fit(association, known, replace(options, output=output), engine=ONE)
        assert np.array_equal(model.vectors, wanted)
    turned, _ = fit(association, known, replace(options, power=0.5), engine=ONE)
    np.testing.assert_allclose(
        turned.vectors @ turned.contexts.T, plain.vectors @ plain.contexts.T, rtol=1e-4, atol=1e-4
    )
    square = turned.vectors.T @ turned.vectors
    np.testing.assert_allclose(square, np.diag(np.diag(square)), atol=1e-4 * square.max())


def test_threads_change_no_bit():
    _, association, known = counted(two_topics(), 12)
    one, two = (
        fit(association, known, SkipgramOptions(4, epochs=3), engine=LocalEngine(n))[0].vectors
        for n in (1, 2)
    )
    assert np.array_equal(one, two)


@pytest.mark.parametrize("kind", ["ppmi", "pmi", "log", "tf-idf"])
def test_another_kind_of_association_is_refused(kind):
    _, association, known = counted(two_topics(), 12, kind)
    with pytest.raises(OptionError, match=f"of kind {kind}.*weigh with --method skipgram"):
        fit(association, known, SkipgramOptions(3), engine=ONE)


def test_two_blocks_are_refused():
    _, association, known = counted(two_topics(), 12, blocks=(Block("window", 0, 6), Block("ids", 6, 12)))
    with pytest.raises(OptionError, match="features=window,ids"):
        fit(association, known, SkipgramOptions(3), engine=ONE)


def test_contexts_that_are_no_words_cannot_be_served():
    _, association, known = counted(two_topics(), 12, blocks=(Block("ids", 0, 12),))
    fit(association, known, SkipgramOptions(3, epochs=1), engine=ONE)
    with pytest.raises(OptionError, match="--output w"):
        fit(association, known, SkipgramOptions(3, output="w+c"), engine=ONE)


def test_what_does_not_fit_is_refused_with_its_cost():
    _, association, known = counted(two_topics(), 12)
    with pytest.raises(BudgetError, match=r"12 words × 12 contexts at dim 3 .* operations an epoch"):
        fit(association, known, SkipgramOptions(3, memory=1000), engine=ONE)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"solver": "als"}, "full softmax is trained by sgd, adagrad, adam"),
        ({"dim": 0}, "dim=0"),
        ({"epochs": 0}, "epochs=0"),
        ({"output": "both"}, "output='both'"),
        ({"ridge": -1.0}, "ridge=-1"),
        ({"ridge": float("nan")}, "ridge=nan"),
        ({"power": 9.0}, "power=9"),
        ({"memory": 0}, "memory=0"),
        ({"seed": -1}, "seed=-1"),
        ({"batch": BatchOptions(edge_samples=3)}, "edge_samples=3"),
    ],
)
def test_settings_out_of_range_are_refused(options, said):
    with pytest.raises(OptionError, match=said):
        SkipgramOptions(**options)
