"""What skip-gram with negative sampling serves: outputs, unseen words, constraints, a resumed run, refusals."""

from __future__ import annotations

import io

import numpy as np
import pytest
from scipy.sparse import csr_array

from morphvec.engine.local import LocalEngine
from morphvec.errors import InputError, OptionError, UnknownWordError
from morphvec.methods.composing import PartSettings
from morphvec.methods.sgns import SgnsOptions, fit
from morphvec.report import Reporter
from morphvec.solvers.penalties import edge_penalty
from morphvec.solvers.sgns import NegativeSampling
from morphvec.text.tokenize import Tokenizer
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

ONE = LocalEngine(1)
STEMS = ("walk", "talk", "jump", "play", "call", "cook")
WORDS = tuple(stem + ending for stem in STEMS for ending in ("", "ed", "ing"))


def text(lines=400, seed=0):
    """Lines that keep to one ending, each word in two topics: its stem's and its ending's."""
    generator = np.random.default_rng(seed)
    ids = []
    for _ in range(lines):
        ending, topic = generator.integers(3), generator.integers(2)
        ids += [int(3 * (2 * generator.integers(3) + topic) + ending) for _ in range(8)]
        ids.append(-1)
    return np.array(ids, np.int32)


def vocabulary(ids):
    counts = np.bincount(ids[ids >= 0], minlength=len(WORDS))
    return Vocabulary(WORDS, counts, int(counts.sum()), len(WORDS), Tokenizer("whitespace", "keep"))


def fitted(ids=None, penalties=(), *, loop=None, reporter=None, pieces=None, sampling=None, **options):
    ids = text() if ids is None else ids
    chosen = SgnsOptions(
        dim=options.pop("dim", 8),
        sampling=NegativeSampling(**{"sample": 0.0, **(sampling or {})}),
        pieces=pieces or PartSettings(),
        **options,
    )
    return fit(
        ids,
        vocabulary(ids),
        chosen,
        penalties,
        loop=loop or LoopControl(),
        engine=ONE,
        reporter=reporter or Reporter(quiet=True, stream=io.StringIO()),
    )


def test_the_factors_are_served_as_trained():
    model, factors = fitted(epochs=10)
    np.testing.assert_array_equal(model.vectors, factors.U)
    np.testing.assert_array_equal(model.contexts, factors.S)
    assert len(factors.history) == 10
    assert model.manifest["resolved"]["negatives"] == 5
    assert model.words == WORDS
    near = [word for word, _ in model.most_similar("walked", topn=2)]
    assert set(near) == {"jumped", "called"}  # the words that its lines hold


@pytest.mark.parametrize("output", ["c", "w+c", "concat"])
def test_the_other_outputs_are_made_of_the_two_sides(output):
    model, factors = fitted(epochs=2, output=output)
    wanted = {
        "c": factors.S,
        "w+c": factors.U + factors.S,
        "concat": np.concatenate([factors.U, factors.S], axis=1),
    }
    np.testing.assert_allclose(model.vectors, wanted[output], rtol=1e-6)


def test_a_power_turns_both_sides_and_keeps_their_products():
    model, factors = fitted(epochs=5, power=0.5)
    np.testing.assert_allclose(model.vectors @ model.contexts.T, factors.U @ factors.S.T, atol=1e-4)
    gram = model.vectors.T @ model.vectors
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 1e-3 * np.abs(gram).max()


def test_words_made_of_parts_compose_unseen_ones():
    pieces = PartSettings(parts=("own", "ngrams"), ngrams=(3, 6), ngram_min_types=2)
    model, factors = fitted(epochs=20, pieces=pieces)
    assert factors.P.shape[0] > len(WORDS)
    vector = model.vector_for("talkedly")
    cosine = model.vectors @ vector / np.linalg.norm(model.vectors, axis=1) / np.linalg.norm(vector)
    assert model.words[int(cosine.argmax())] == "talked"
    with pytest.raises(UnknownWordError):
        model.vector_for("xyz")
    np.testing.assert_array_equal(
        fit(
            text(),
            vocabulary(text()),
            SgnsOptions(dim=8, sampling=NegativeSampling(sample=0.0), pieces=pieces, epochs=20),
            engine=LocalEngine(3),
        )[1].P,
        factors.P,
    )


def test_constraints_bring_the_offsets_of_a_class_together():
    pairs = np.array([(3 * i, 3 * i + 1) for i in range(len(STEMS))])
    rows = np.repeat(np.arange(len(pairs)), 2)
    members = csr_array(
        (np.tile([-1.0, 1.0], len(pairs)), (rows, pairs.ravel())), shape=(len(pairs), len(WORDS))
    )
    edges = np.array([(i, j) for i in range(len(pairs)) for j in range(i)])
    form = edge_penalty(members, edges, np.zeros(len(edges), np.int64), np.full(1, 1 / len(pairs)))

    def spread(U):
        d = U[pairs[:, 1]] - U[pairs[:, 0]]
        return np.linalg.norm(d - d.mean(axis=0)) / np.linalg.norm(U)

    free, _ = fitted(epochs=10)
    zero, _ = fitted(epochs=10, penalties=[(0.0, form, "offset")])
    bound, factors = fitted(epochs=10, penalties=[(1e4, form, "offset")])
    np.testing.assert_array_equal(zero.vectors, free.vectors)
    assert spread(bound.vectors) < 0.1 * spread(free.vectors)
    last = factors.history[-1]
    assert last["total"] == pytest.approx(last["fit"] + last["classes"]["offset"])


class Shelf:
    """A keeper in memory."""

    def __init__(self):
        self.held = None

    def save(self, epochs_done, state, history):
        self.held = (epochs_done, {name: array.copy() for name, array in state.items()}, list(history))

    def load(self):
        return self.held

    def describe(self):
        return "on a shelf"


def test_a_run_goes_on_from_a_checkpoint_with_the_same_bits():
    whole, _ = fitted(epochs=5)
    shelf = Shelf()
    fitted(epochs=5, loop=LoopControl(2, shelf))
    assert shelf.held[0] == 4
    resumed, factors = fitted(epochs=5, loop=LoopControl(2, shelf))
    np.testing.assert_array_equal(resumed.vectors, whole.vectors)
    assert [entry["epoch"] for entry in factors.history] == [1, 2, 3, 4, 5]


def test_racing_says_so():
    said = io.StringIO()
    model, _ = fitted(epochs=2, sampling={"racing": True}, reporter=Reporter(stream=said))
    assert "two runs end in different bits" in said.getvalue()
    assert np.isfinite(model.vectors).all()


def test_settings_at_odds_are_refused():
    with pytest.raises(OptionError, match="racing with parts"):
        SgnsOptions(sampling=NegativeSampling(racing=True), pieces=PartSettings(parts=("own", "ngrams")))
    with pytest.raises(OptionError, match="output"):
        SgnsOptions(output="v")
    with pytest.raises(OptionError, match="dim"):
        SgnsOptions(dim=0)
    with pytest.raises(OptionError, match="power"):
        SgnsOptions(power=9)
    with pytest.raises(InputError, match="word 99"):
        fit(np.array([99], np.int32), vocabulary(text()), SgnsOptions(), engine=ONE)
    with pytest.raises(InputError, match="without tokens"):
        fit(np.array([-1], np.int32), vocabulary(text()), SgnsOptions(), engine=ONE)
