"""What every method owes its users, one list of all of them feeding every test: a new method is tested by being listed."""

from __future__ import annotations

import json

import numpy as np
import pytest

import morphvec as mv
from morphvec.errors import (
    BudgetError,
    DivergenceError,
    InputError,
    MorphvecError,
    OptionError,
    UnknownWordError,
)
from morphvec.pipeline.checkpoint import FolderKeeper
from morphvec.pipeline.methods import METHODS
from morphvec.pipeline.train import train_to
from morphvec.rng import stream

TOPICS = (["cat", "dog", "cow", "hen", "pig", "goat"], ["iron", "zinc", "lead", "copper", "tin", "silver"])
COMMON = {"min_count": 1, "window": 3, "seed": 1}
# Of each method: options of a run, and its number of epochs where it has some.
RUNS = {
    "token-feature": {"dim": 4, "epochs": 6, "ngrams": "2-3", "ngram_min_types": 2, "own_weight": 5.0},
    "token-token": {"dim": 3, "epochs": 6},
    "ppmi": {},
    "svd": {"dim": 4},
    "lsa": {"dim": 4},
    "smf": {"dim": 2, "epochs": 6},
    "glove": {"dim": 4, "epochs": 30},
    "sgns": {"dim": 6, "epochs": 6, "sample": 0},
    "skipgram": {"dim": 2, "epochs": 24},
}
ITERATED = [name for name in RUNS if "epochs" in RUNS[name] and name != "token-token"]
FACTORS = [name for name in RUNS if name != "ppmi"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Sentences of one topic each, now and then of both, and ``the`` in each; every word meets every other."""
    generator = stream(3)
    lines = []
    for number in range(600):
        mixed = generator.integers(0, 2, 7) if number % 8 == 0 else np.full(7, number % 2)
        words = [TOPICS[topic][word] for topic, word in zip(mixed, generator.integers(0, 6, 7), strict=True)]
        words.insert(int(generator.integers(0, 8)), "the")
        lines.append(" ".join(words))
    path = tmp_path_factory.mktemp("text") / "corpus.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


class Trained(dict):
    """A model of each method, made when it is first asked for."""

    def __init__(self, corpus):
        super().__init__()
        self.corpus = corpus

    def __missing__(self, name):
        self[name] = mv.train(self.corpus, method=name, threads=2, **COMMON, **RUNS[name])
        return self[name]


@pytest.fixture(scope="module")
def trained(corpus):
    return Trained(corpus)


def dense(model):
    vectors = model.vectors
    return vectors.toarray() if model.sparse else np.asarray(vectors)


def test_every_method_is_listed():
    assert set(RUNS) == set(METHODS)


@pytest.mark.parametrize("name", RUNS)
def test_topics_are_learned(trained, name):
    """The nearest words of a word are those of its topic, but for a few that n-grams bring near."""
    model, hits = trained[name], []
    for topic in TOPICS:
        for word in topic:
            near = [other for other, _ in model.neighbors(word, 4) if other != "the"]
            hits += [other in topic for other in near[:3]]
    assert np.mean(hits) > 0.9


@pytest.mark.parametrize("name", RUNS)
def test_vectors_are_finite_and_the_objective_is_the_sum_of_its_terms(trained, name):
    model = trained[name]
    assert np.isfinite(dense(model)).all()
    assert dense(model).any(axis=1).all()
    told = model.manifest["objective"]
    terms = told["fit"] + told["unobserved"] + sum(told["classes"].values()) + told["ridge"]
    assert told["total"] == pytest.approx(terms, rel=1e-9, abs=1e-9)
    json.dumps(told, allow_nan=False)
    assert model.manifest["method"] == name


@pytest.mark.parametrize("name", RUNS)
def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads(corpus, trained, name):
    again = mv.train(corpus, method=name, threads=3, **COMMON, **RUNS[name])
    assert dense(again).tobytes() == dense(trained[name]).tobytes()


@pytest.mark.parametrize("name", ITERATED)
def test_another_seed_gives_other_vectors(corpus, trained, name):
    other = mv.train(corpus, method=name, threads=2, **{**COMMON, "seed": 2}, **RUNS[name])
    assert dense(other).tobytes() != dense(trained[name]).tobytes()


@pytest.mark.parametrize("name", RUNS)
def test_what_is_saved_is_what_is_loaded(trained, tmp_path, name):
    model = trained[name]
    model.save(tmp_path / "m")
    back = mv.load(tmp_path / "m")
    assert dense(back).tobytes() == dense(model).tobytes()
    assert back.words == model.words
    assert back.manifest["vectors_sha256"] == model.manifest["vectors_sha256"]
    assert back.neighbors("cat", 5) == model.neighbors("cat", 5)
    if model.contexts is not None:
        assert np.array_equal(back.contexts, model.contexts)
    if model.biases is not None:
        assert all(np.array_equal(x, y) for x, y in zip(back.biases, model.biases, strict=True))


class Break(Exception):
    pass


@pytest.mark.parametrize("name", ITERATED)
def test_a_broken_run_goes_on_to_the_same_bits(corpus, trained, tmp_path, monkeypatch, name):
    save, done = FolderKeeper.save, []

    def saving(self, *given):
        save(self, *given)
        done.append(given[0])
        if len(done) == 2:
            raise Break

    monkeypatch.setattr(FolderKeeper, "save", saving)
    given = {"method": name, "threads": 1, "checkpoint_every": 2, **COMMON, **RUNS[name]}
    with pytest.raises(Break):
        train_to(tmp_path / "m", corpus, **given)
    monkeypatch.setattr(FolderKeeper, "save", save)
    found = train_to(tmp_path / "m", corpus, resume=True, **given)
    assert dense(found.model).tobytes() == dense(trained[name]).tobytes()


def test_a_broken_run_of_token_token_goes_on_where_a_penalty_makes_it_iterate(corpus, tmp_path, monkeypatch):
    edges = tmp_path / "edges.tsv"
    edges.write_text("cat\tdog\niron\tzinc\n", encoding="utf-8")
    given = {"threads": 1, "checkpoint_every": 1, "edges": str(edges), **COMMON, **RUNS["token-token"]}
    whole = train_to(tmp_path / "whole", corpus, method="token-token", **given).model
    save = FolderKeeper.save

    def saving(self, *state):
        save(self, *state)
        raise Break

    monkeypatch.setattr(FolderKeeper, "save", saving)
    with pytest.raises(Break):
        train_to(tmp_path / "m", corpus, method="token-token", **given)
    monkeypatch.setattr(FolderKeeper, "save", save)
    found = train_to(tmp_path / "m", corpus, method="token-token", resume=True, **given)
    assert dense(found.model).tobytes() == dense(whole).tobytes()


@pytest.mark.parametrize("name", [name for name in RUNS if "learning_rate" in METHODS[name].reads])
def test_a_rate_that_is_far_too_high_ends_in_a_refusal_or_in_finite_vectors(corpus, tmp_path, name):
    given = {"solver": "sgd"} if name == "token-feature" else {}
    refused = ""
    try:
        train_to(tmp_path / "m", corpus, method=name, learning_rate=1e6, **COMMON, **RUNS[name], **given)
    except (DivergenceError, OptionError) as error:
        refused = str(error)
    if refused:
        assert "--learning-rate" in refused
        assert not (tmp_path / "m").exists()
    else:
        assert np.isfinite(dense(mv.load(tmp_path / "m"))).all()


@pytest.mark.parametrize("name", RUNS)
def test_an_unseen_word_has_no_vector_unless_words_are_composed(trained, name):
    model = trained[name]
    if model.composes:
        assert np.isfinite(model.vector_for("chat")).all()
    with pytest.raises(UnknownWordError):
        model.vector_for("qqq")
    assert "qqq" not in model


@pytest.mark.parametrize("name", [name for name in METHODS if not METHODS[name].streams])
def test_the_four_arrows_give_the_vectors_of_train(corpus, trained, tmp_path, name):
    from morphvec.cli.main import execute

    def run(*words):
        assert execute([str(word) for word in words]) == 0

    options = RUNS[name]
    fit = [
        f"--{key.replace('_', '-')}={value}" for key, value in options.items() if not key.startswith("ngram")
    ]
    count = [
        f"--{key.replace('_', '-')}={value}" for key, value in options.items() if key.startswith("ngram")
    ]
    method = ["--method", name, "--quiet"]
    run("vocab", corpus, "-o", tmp_path / "v", "--min-count", 1, "--quiet")
    run("count", corpus, "--vocab", tmp_path / "v", "-o", tmp_path / "c", "--window", 3, *count, *method)
    run("weigh", tmp_path / "c", "-o", tmp_path / "a", *method)
    run("fit", tmp_path / "a", "-o", tmp_path / "m", "--seed", 1, *fit, *method)
    found = mv.load(tmp_path / "m")
    assert dense(found).tobytes() == dense(trained[name]).tobytes()
    assert found.manifest["config"] == trained[name].manifest["config"]


@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name].streams])
def test_a_method_that_streams_text_is_refused_an_association(corpus, tmp_path, capsys, name):
    from morphvec.cli.main import execute

    for arguments in (
        ["vocab", corpus, "-o", tmp_path / "v"],
        ["count", corpus, "--vocab", tmp_path / "v", "-o", tmp_path / "c"],
        ["weigh", tmp_path / "c", "-o", tmp_path / "a"],
    ):
        assert execute([*map(str, arguments), "--quiet"]) == 0
    assert execute(["fit", str(tmp_path / "a"), "-o", str(tmp_path / "m"), "--method", name]) == 2
    assert f"use morphvec train --method {name}" in capsys.readouterr().err


@pytest.mark.parametrize("name", FACTORS)
@pytest.mark.parametrize("output", ["w", "c", "w+c", "concat"])
def test_outputs(corpus, trained, name, output):
    if name == "token-token":  # both sides are one
        with pytest.raises(OptionError, match="output"):
            mv.train(corpus, method=name, output="c", **COMMON, **RUNS[name])
        return
    given = {**COMMON, **RUNS[name], "method": name, "threads": 2}
    model = mv.train(corpus, output=output, **given)
    words = mv.train(corpus, output="w", **given)
    contexts = mv.train(corpus, output="c", **given)
    wanted = {
        "w": words.vectors,
        "c": contexts.vectors,
        "w+c": words.vectors + contexts.vectors,
        "concat": np.concatenate([words.vectors, contexts.vectors], axis=1),
    }[output]
    np.testing.assert_array_equal(model.vectors, wanted)


BAD = {"window": -1, "min_count": 0, "dim": 0, "seed": -1, "threads": 0, "epochs": 0}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("option", BAD)
def test_bad_settings_are_refused_by_name(corpus, name, option):
    with pytest.raises(MorphvecError, match=option):
        mv.train(corpus, method=name, **{**COMMON, **RUNS[name], option: BAD[option]})


@pytest.mark.parametrize("name", RUNS)
def test_unknown_options_are_refused_with_the_nearest(corpus, name):
    with pytest.raises(OptionError, match="did you mean 'window'"):
        mv.train(corpus, method=name, windw=3)


@pytest.mark.parametrize("name", RUNS)
def test_options_of_other_methods_are_refused_by_name(corpus, name):
    others = {"target": "gram", "centre": True, "negatives": 3, "cg_steps": 2, "noise_power": 1.0}
    for option, value in others.items():
        if option not in METHODS[name].reads:
            with pytest.raises(OptionError, match=f"{option}=.*method {name} does not read it"):
                mv.train(corpus, method=name, **{option: value})


@pytest.mark.parametrize("name", ["svd", "lsa", "token-token"])
def test_a_dimension_above_the_rank_is_refused(corpus, name):
    with pytest.raises(OptionError, match="dim=14"):
        mv.train(corpus, method=name, **{**COMMON, **RUNS[name], "dim": 14})


@pytest.mark.parametrize("name", ["token-token", "skipgram"])
def test_a_vocabulary_too_large_says_the_memory_it_would_need(tmp_path, name):
    words = [f"w{number}" for number in range(6000)]
    text = tmp_path / "large.txt"
    text.write_text("\n".join(" ".join(words[n : n + 20]) for n in range(0, 6000, 10)), encoding="utf-8")
    with pytest.raises(BudgetError, match=r"6,000 words.*GB"):
        mv.train(str(text), method=name, min_count=1, dim=50, memory=64 << 20)


@pytest.mark.parametrize("name", RUNS)
def test_texts_with_nothing_to_learn_are_refused(tmp_path, name):
    for lines in ("", "word\n", "one\ntwo\nthree\n"):
        path = tmp_path / "little.txt"
        path.write_text(lines, encoding="utf-8")
        with pytest.raises(InputError):
            mv.train(str(path), method=name, min_count=1)


@pytest.mark.parametrize("name", [name for name in METHODS if not METHODS[name].constrained])
def test_a_method_without_constraints_refuses_what_would_make_them(corpus, tmp_path, name):
    table = tmp_path / "table.tsv"
    table.write_text("cat\tdog\tN;PL\ncow\then\tN;PL\n", encoding="utf-8")
    with pytest.raises(OptionError, match="it carries no constraints"):
        mv.train(corpus, method=name, unimorph=str(table), **COMMON, **RUNS[name])
    with pytest.raises(OptionError, match="does not read it"):
        mv.train(corpus, method=name, constraint="offset", **COMMON, **RUNS[name])
