"""The neural model: training, early stopping, resume, vectors from elsewhere, saving."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import naive_neural as naive
import numpy as np
import pytest
from neural_helpers import AS_IS, ENGINE, QUICK, VOCABULARY, WORDS, Memory, same, text

from morphvec.artifact import load_manifest, write_manifest, writing
from morphvec.embeddings import Embeddings
from morphvec.engine.local import local_engine
from morphvec.errors import (
    ArtifactError,
    BudgetError,
    DivergenceError,
    InputError,
    MorphvecError,
    OptionError,
)
from morphvec.lm import store
from morphvec.lm.base import LanguageModel, LmVocabulary, Stream, Training
from morphvec.lm.feedforward import BLOCK, losses
from morphvec.lm.neural import (
    NEURAL,
    NeuralPredictor,
    embeddings,
    fit,
    load,
    windows,
)
from morphvec.lm.neural_options import NeuralOptions, options_of
from morphvec.lm.train import VocabularyOptions, train_model
from morphvec.rng import stream as random_stream
from morphvec.text.corpus import Corpus
from morphvec.text.readers import parse_sources

# ------------------------------------------------------------------------------------------------- training


def test_a_chain_is_learned_to_its_entropy() -> None:
    transitions = np.array([[0.1, 0.8, 0.1], [0.2, 0.1, 0.7], [0.6, 0.3, 0.1]])
    lines = naive.markov(random_stream(5), transitions, 150, 40)
    vocabulary = LmVocabulary(("w0", "w1", "w2"), AS_IS)
    options = NeuralOptions(
        order=2, dim=4, hidden=8, epochs=8, patience=0, batch=32, dropout=0.0, learning_rate=0.02
    )
    predictor = fit(options, Stream.of(vocabulary, lines[:120]))
    for state, row in enumerate(transitions):
        p = predictor.distribution(np.array([state], np.int32))[:3]
        np.testing.assert_allclose(p / p.sum(), row, atol=0.04)
    held_out = Stream.of(vocabulary, lines[120:])
    logp = predictor.token_logprobs(held_out)[np.delete(held_out.ids, held_out.begins) < 3]
    assert -logp.mean() == pytest.approx(naive.chain_entropy(transitions), abs=0.06)


@pytest.mark.parametrize(
    "changes",
    [{}, {"direct": True}, {"optimiser": "sgd", "learning_rate": 0.1}, {"dropout": 0.2}, {"sampled": 6}],
)
def test_training_lowers_the_loss_in_every_form(changes: dict[str, Any]) -> None:
    lines = [list("abcdefgh"), list("acegbdfh"), list("hgfedcba")] * 20
    stream = Stream.of(VOCABULARY, lines)
    predictor = fit(replace(QUICK, epochs=15, **changes), stream)
    curve = [entry["total"] for entry in predictor.record["curve"]]
    assert curve[-1] < 0.8 * curve[0]
    # A line's first two words say the rest: ln 3 / 9 = 0.12 nats a token is the least possible.
    assert 0.12 < -predictor.token_logprobs(stream).mean() < 0.75


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_word_in_new_company_is_understood_by_its_likes(seed: int) -> None:
    """cat stands where dog stands, so that what was met after dog is expected after cat; by counts it is not."""
    names, places = ("cat", "dog", "hen", "pig"), ("garden", "yard", "barn", "field")
    lines = [["the", name, "sat", "in", "the", place] for name in names for place in places] * 2
    lines += [["the", name, "got", "flattened"] for name in names[1:]] * 3
    lines += [["the", place, "got", "bigger"] for place in places] * 3
    vocabulary = LmVocabulary(tuple(sorted({word for line in lines for word in line})), AS_IS)
    options = NeuralOptions(
        order=3, dim=6, hidden=12, epochs=40, patience=0, batch=16, dropout=0.0, learning_rate=0.01
    )
    model = LanguageModel(vocabulary, fit(options, Stream.of(vocabulary, lines), seed=seed))
    history = ["cat", "got"]  # never met together; after "got" alone, "bigger" is the more frequent
    assert model.logprob(history, "flattened") > model.logprob(history, "bigger")
    for name, place in (("dog", "yard"), ("pig", "barn")):
        assert model.logprob([name, "got"], "flattened") > np.log(0.9)
        assert model.logprob([place, "got"], "bigger") > np.log(0.9)


@pytest.mark.parametrize("sampled", [0, BLOCK + 300])
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_same_seed_same_bits_for_any_number_of_threads(optimiser: str, sampled: int) -> None:
    vocabulary = LmVocabulary(tuple(f"w{i}" for i in range(2 * BLOCK + 5)), AS_IS)
    stream = text(2, 60, vocabulary)
    options = replace(QUICK, dropout=0.1, direct=True, optimiser=optimiser, sampled=sampled)
    first = fit(options, stream, seed=4, engine=local_engine(1))
    assert same(first, fit(options, stream, seed=4, engine=local_engine(5)))
    assert not same(first, fit(options, stream, seed=5, engine=local_engine(1)))
    scored = [losses(first.parameters, windows(stream, 3), local_engine(n)) for n in (1, 5)]
    np.testing.assert_array_equal(*scored)


@pytest.mark.parametrize("sampled", [0, 5])
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_an_interrupted_run_goes_on_to_the_same_bits(optimiser: str, sampled: int) -> None:
    stream, held_out = text(3), text(4)
    options = replace(QUICK, epochs=4, patience=3, dropout=0.1, optimiser=optimiser, sampled=sampled)
    memory = Memory()
    whole = fit(options, stream, held_out, checkpoint_every=1, keeper=memory)
    assert memory.first[0] == 1
    resumed = fit(options, stream, held_out, checkpoint_every=1, keeper=Memory(memory.first))
    assert same(whole, resumed)
    assert whole.record == resumed.record


def test_early_stopping_keeps_the_best_epoch() -> None:
    """Noise teaches nothing: the held-out loss soon rises, and the network goes back to its lowest."""
    options = replace(QUICK, epochs=30, patience=3, learning_rate=0.05, hidden=30)
    stream, held_out = text(5), text(6)
    predictor = fit(options, stream, held_out)
    curve = predictor.record["curve"]
    best = min(range(len(curve)), key=lambda i: curve[i]["validation"])
    assert len(curve) == best + 4 < 30
    assert [i for i, entry in enumerate(curve) if entry.get("kept")] == [best]
    assert -predictor.token_logprobs(held_out).mean() == pytest.approx(curve[best]["validation"], rel=1e-12)


def test_a_rate_that_is_too_high_is_said() -> None:
    options = replace(QUICK, optimiser="sgd", learning_rate=1e30, epochs=4)
    with pytest.raises(DivergenceError, match="--learning-rate"):
        fit(options, text(1))


# ------------------------------------------------------------------------------------------------- vectors


VECTORS = Embeddings(["b", "A", "a", "q"], 1e-3 * random_stream(9).normal(size=(4, 6)), tokenizer=AS_IS)


def scaled(vectors: np.ndarray) -> np.ndarray:
    """By one factor, to the mean square 1/d that a drawn table has."""
    return vectors / np.sqrt(np.mean(vectors.astype(np.float64) ** 2) * vectors.shape[1])


@pytest.mark.parametrize("freeze", [False, True])
def test_known_words_start_with_their_vectors(freeze: bool) -> None:
    options = NeuralOptions(
        order=3, hidden=5, epochs=1, patience=0, batch=16, init="elsewhere/vectors", freeze=freeze
    )
    stream = text(1)
    still = replace(options, optimiser="sgd", learning_rate=1e-30, momentum=0.0)
    for chosen, moved in ((still, False), (options, not freeze)):
        predictor = fit(chosen, stream, init=VECTORS)
        table = predictor.parameters["table"]
        assert np.allclose(table[:2], scaled(VECTORS.vectors[[2, 0]]), rtol=1e-6) is not moved
        assert table.shape == (VOCABULARY.predicted, 6)
        assert predictor.record["init_words"] == 2
    drawn = fit(still, stream, init=VECTORS).parameters["table"][2:]
    assert not np.array_equal(drawn, table[2:])  # the others learn, frozen or not
    assert np.sqrt(np.mean(drawn**2)) == pytest.approx(np.sqrt(1 / 6), rel=0.3)
    assert options.config()["init"] == "vectors"


def test_vectors_with_languages_are_looked_up_in_the_language_of_the_text() -> None:
    vectors = Embeddings(["eng:a", "tur:a"], np.eye(2, 3, dtype=np.float32), languages=("eng", "tur"))
    options = NeuralOptions(order=2, hidden=2, epochs=1, patience=0, init="v", freeze=True)
    turkish = LmVocabulary(WORDS, AS_IS, "tur")
    model = LanguageModel(turkish, fit(options, text(1, vocabulary=turkish), init=vectors))
    assert model.predictor.parameters["table"][0].tolist() == [0, 1, 0]
    served = embeddings(model)
    assert set(served.words) == {f"tur:{word}" for word in WORDS}
    assert served.vector_for("a", "tur").tolist() == [0, 1, 0]
    with pytest.raises(OptionError, match="eng, tur"):
        fit(options, text(1), init=vectors)


def test_the_table_is_a_model_of_vectors_and_can_start_another(tmp_path: Path) -> None:
    model = LanguageModel(VOCABULARY, fit(QUICK, text(1)))
    served = embeddings(model)
    counts = {word: int(n) for word, n in zip(WORDS, model.predictor.counts, strict=False)}
    assert served.words == tuple(sorted(WORDS, key=lambda word: (-counts[word], word)))
    assert served.words != WORDS
    rows = [WORDS.index(word) for word in served.words]
    np.testing.assert_array_equal(served.vectors, model.predictor.parameters["table"][rows])
    assert served.counts.tolist() == [counts[word] for word in served.words]
    served.save(tmp_path / "vectors")
    opened = Embeddings.load(tmp_path / "vectors")
    assert opened.count("a") == model.predictor.counts[0] > 0
    assert len(opened.neighbors("a", 3)) == 3
    options = replace(QUICK, dim=None, init=str(tmp_path / "vectors"), freeze=True)
    training = Training(text(2), None, ENGINE, tmp_path, 1 << 20)
    again = NEURAL.train(options, training)
    assert same(again, fit(options, text(2), engine=ENGINE))
    np.testing.assert_allclose(again.parameters["table"][rows], scaled(served.vectors), rtol=1e-6)


# ------------------------------------------------------------------------------------------------- saving


def saved(predictor: NeuralPredictor, path: Path) -> Path:
    with writing(path) as folder:
        write_manifest(folder, "lm", predictor.save(folder))
    return path


def test_load_after_save_is_the_identity(tmp_path: Path) -> None:
    predictor = fit(replace(QUICK, direct=True, patience=2), text(1), text(2))
    path = saved(predictor, tmp_path / "lm")
    opened = load(path, load_manifest(path, "lm"), VOCABULARY)
    assert same(predictor, opened)
    assert (opened.order, opened.kind, opened.record) == (3, "neural", predictor.record)
    np.testing.assert_array_equal(opened.token_logprobs(text(2)), predictor.token_logprobs(text(2)))
    np.testing.assert_array_equal(opened.counts, predictor.counts)


def test_a_folder_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    predictor = fit(QUICK, text(1))
    path = saved(predictor, tmp_path / "lm")
    manifest = load_manifest(path, "lm")
    wrong: list[tuple[dict[str, Any], LmVocabulary]] = [
        ({**manifest, "order": 4}, VOCABULARY),
        ({**manifest, "order": "x"}, VOCABULARY),
        ({**manifest, "dim": 10**9}, VOCABULARY),
        ({}, VOCABULARY),
        (manifest, LmVocabulary(WORDS[1:], AS_IS)),
    ]
    for fields, vocabulary in wrong:
        with pytest.raises(ArtifactError, match="network and manifest agree"):
            load(path, fields, vocabulary)
    spoiled = replace(
        predictor, parameters={**predictor.parameters, "hidden": np.full((5, 9), np.nan, np.float32)}
    )
    with pytest.raises(ArtifactError, match="not finite"):
        load(saved(spoiled, tmp_path / "nan"), manifest, VOCABULARY)


def test_the_walk_from_text_to_a_folder_and_back(tmp_path: Path) -> None:
    corpus = tmp_path / "text.txt"
    corpus.write_text(
        "the cat sat on the mat\nthe dog sat on the rug\n\na cat met a dog\n" * 8, encoding="utf-8"
    )
    made = train_model(
        Corpus(parse_sources([str(corpus)]), AS_IS),
        kind="neural",
        options={"order": 3, "dim": 4, "hidden": 6, "epochs": 4, "learning_rate": 0.02, "batch": 16},
        words=VocabularyOptions(vocab_size=8),
        engine=ENGINE,
        memory=1 << 24,
        seed=1,
    )
    store.save(made, tmp_path / "lm")
    opened = store.load(tmp_path / "lm")
    assert opened.manifest["held_out_sentences"] > 0
    assert opened.manifest["config"]["learning_rate"] == 0.02
    sentences = [["the", "cat", "sat", "down"], ["a", "rug"]]
    assert opened.perplexity(sentences) == made.perplexity(sentences)
    assert opened.perplexity(sentences).oov > 0
    np.testing.assert_array_equal(embeddings(opened).vectors, embeddings(made).vectors)


# ------------------------------------------------------------------------------------------------- refusals


def test_a_network_that_the_memory_cannot_hold_is_refused_before_any_work(tmp_path: Path) -> None:
    training = Training(text(1), None, ENGINE, tmp_path, 1 << 20)
    NEURAL.train(QUICK, training)
    with pytest.raises(BudgetError, match="--vocab-size"):
        NEURAL.train(replace(QUICK, hidden=8000), training)


def test_only_a_neural_model_has_vectors() -> None:
    class Other:
        kind = "ngram"

    with pytest.raises(OptionError, match="--kind neural"):
        embeddings(LanguageModel(VOCABULARY, Other()))


@pytest.mark.parametrize(
    "options",
    [
        {"order": 1},
        {"dim": 0},
        {"hidden": 0},
        {"epochs": 0},
        {"patience": -1},
        {"batch": 0},
        {"dropout": 1.0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"momentum": 1.0},
        {"optimiser": "lbfgs"},
        {"schedule": "steps"},
        {"freeze": True},
        {"smoothing": "kneser-ney"},
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(OptionError, match=name):
        options_of(options)


def test_defaults_want_held_out_text() -> None:
    assert options_of({}) == NeuralOptions()
    assert NeuralOptions().needs_held_out
    assert not NeuralOptions(patience=0).needs_held_out


@pytest.mark.parametrize(
    ("options", "stream", "init", "said"),
    [
        (replace(QUICK, patience=2), text(1), None, "--held-out"),
        (QUICK, Stream.of(VOCABULARY, []), None, "without tokens"),
        (replace(QUICK, init="v"), text(1), VECTORS, "leave --dim out"),
        (replace(QUICK, dim=None, init="v"), text(1), Embeddings(["q"], np.ones((1, 4))), "none of which"),
    ],
)
def test_what_cannot_be_trained_is_refused(options: Any, stream: Any, init: Any, said: str) -> None:
    with pytest.raises(MorphvecError, match=said) as caught:
        fit(options, stream, init=init)
    assert isinstance(caught.value, OptionError | InputError)
    assert "\n" not in str(caught.value)
