"""Tables, lists and models of the morphology on their way into columns, parts and constraints."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from pipeline_corpora import ENDINGS, STEMS, table_rows, verbs, write

import morphvec as mv
from morphvec.artifact import LOG, sha256_file
from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import BudgetError, InputError, OptionError
from morphvec.methods import token_feature
from morphvec.pipeline import before
from morphvec.pipeline.knowledge import input_records, read_knowledge
from morphvec.pipeline.options import CountStage, FitStage, RunOptions, make_stage
from morphvec.pipeline.train import train, train_to
from morphvec.report import Reporter

SMALL = {"min_count": 2, "dim": 6, "epochs": 3, "ngram_min_types": 2, "ngrams": "2-4", "threads": 1}
CONLLU = "1\ttalos\ttalo\tNOUN\t_\tCase=Ine\t0\troot\t_\t_"
FILES = {
    "unimorph": table_rows(),
    "derivations": ["walk\twalker\tV\tN\ter\tsuffix"],
    "conllu": [CONLLU],
    "segments": [f"{stem}ing\t{stem}|ing" for stem in STEMS],
    "morfessor": ["2 walk + ed", "1 talk"],
    "affixes": ["-ed", "-ing"],
    "classes": ["motion\twalk", "motion\tjump"],
    "edges": ["walk\ttalk"],
    "class_weights": ["V;PST\t2", "motion\t0.5"],
    "hold_out": ["pull"],
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    return {name: write(folder / f"{name}.tsv", lines) for name, lines in FILES.items()}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write(tmp_path_factory.mktemp("text") / "c.txt", verbs(300))


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


# ---------------------------------------------------------------------------------------------- reading


def test_every_kind_of_file_is_read_and_recorded(sources):
    knowledge, inputs = read_knowledge(make_stage(FitStage, sources))
    assert [(table.kind, len(table)) for table in knowledge.tables] == [
        ("UniMorph", 24),
        ("derivations", 1),
        ("treebank", 1),
    ]
    assert [rule.name for rule in knowledge.affixes] == ["-ed", "-ing"]
    assert knowledge.segmentations[0].morphemes[0] == ("walk", "ing")
    assert knowledge.morphs[0].morphs == {"walk": 2, "ed": 2, "talk": 1}
    assert knowledge.classes[0].words == ["walk", "jump"]
    assert knowledge.edges[0].first == ["walk"]
    assert dict(knowledge.class_weights) == {"V;PST": 2.0, "motion": 0.5}
    assert knowledge.hold_out == ("pull",)
    assert [entry["name"] for entry in inputs] == [f"{name}.tsv" for name in FILES]
    assert [entry["sha256"] for entry in inputs] == [sha256_file(Path(path)) for path in sources.values()]
    assert read_knowledge(FitStage())[0].empty


def test_a_language_stands_before_the_path_of_what_has_one(sources):
    named = {
        name: f"eng={sources[name]}"
        for name in ("unimorph", "derivations", "conllu", "segments", "morfessor", "affixes")
    }
    for stage in (make_stage(FitStage, named), make_stage(CountStage, named)):
        knowledge, inputs = read_knowledge(stage)
        found = (*knowledge.tables, *knowledge.affixes, *knowledge.segmentations, *knowledge.morphs)
        assert len(found) == 7
        assert {item.language for item in found} == {"eng"}
        assert len(inputs) == 6
        assert stage.config()["morfessor"] == ["eng=morfessor.tsv"]


def test_later_weights_of_a_class_go_before_earlier_ones(sources, tmp_path):
    more = write(tmp_path / "more.tsv", ["motion\t3"])
    stage = make_stage(FitStage, {"class_weights": [sources["class_weights"], more]})
    assert dict(read_knowledge(stage)[0].class_weights) == {"V;PST": 2.0, "motion": 3.0}


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_of_any_kind_is_one_clear_error(name):
    stage = make_stage(FitStage, {name: "/no/such/file.tsv"})
    for read in (read_knowledge, input_records):
        with pytest.raises(InputError, match=r"/no/such/file\.tsv is not a file"):
            read(stage)


# ---------------------------------------------------------------------------------------------- the manifest


def test_files_of_the_counts_stay_in_the_config_where_the_fit_names_none():
    earlier = CountStage(unimorph=("/x/a.tsv",), hold_out=("h",)).config()
    assert earlier["unimorph"] == ["a.tsv"]
    assert earlier["segments"] == []
    later = FitStage(hold_out=("other",)).config(earlier)
    assert "unimorph" not in later
    assert later["hold_out"] == ["other"]
    assert later["segments"] == later["edges"] == []
    assert FitStage().config()["unimorph"] == []


def test_tables_are_inputs_of_the_step_that_reads_them(corpus, sources, tmp_path):
    given = {**SMALL, "parts": "own"}
    plain = train_to(tmp_path / "plain", corpus, unimorph=sources["unimorph"], constraint="offset:0", **given)
    columns = train_to(
        tmp_path / "columns", corpus, unimorph=sources["unimorph"], constraint="offset:0",
        features="window,affixes", **given,
    )  # fmt: skip
    for folder in ("plain", "columns"):
        manifest = manifest_of(tmp_path / folder)
        assert [entry["name"] for entry in manifest["inputs"]] == ["c.txt", "unimorph.tsv"]
        assert manifest["config"]["unimorph"] == ["unimorph.tsv"]
    assert not any(block == "affixes" for block, _ in plain.model.features)
    found = [name for block, name in columns.model.features if block == "affixes"]
    assert found == ["V;3;PRS;SG", "V;PRS;V.PTCP", "V;PST"]


# ---------------------------------------------------------------------------------------------- columns and parts


def test_columns_of_morphemes_hold_each_type_once(corpus, sources):
    counts = mv.count(
        corpus, min_count=2, features="window,morphemes", segments=sources["segments"], ngram_min_types=1
    )
    block = counts.blocks[1]
    assert block.kind == "morphemes"
    names = counts.features[block.begin : block.end]
    assert names == tuple(sorted([*STEMS, "ing"]))
    matrix = counts.matrix[:, block.begin : block.end].toarray()
    for row, word in enumerate(counts.words):
        stem = word.removesuffix("ing")
        wanted = {stem, "ing"} if word.endswith("ing") and stem in STEMS else set()
        assert {name for name, value in zip(names, matrix[row], strict=True) if value} == wanted
    assert set(np.unique(matrix)) == {0.0, 1.0}


def test_columns_without_a_source_are_refused(corpus):
    for kind in ("morphemes", "affixes"):
        with pytest.raises(InputError, match=f"features name {kind}, but no {kind} are known"):
            mv.count(corpus, min_count=2, features=f"window,{kind}")


def test_held_out_words_are_in_no_column(corpus, sources, tmp_path):
    held = write(tmp_path / "held", [stem + ending for stem in STEMS[:5] for ending in ENDINGS])
    given = {"min_count": 2, "features": "affixes", "ngram_min_types": 1, "unimorph": sources["unimorph"]}
    all_, some = mv.count(corpus, **given), mv.count(corpus, hold_out=held, **given)
    assert (all_.matrix.nnz, some.matrix.nnz) == (24, 9)


def test_parts_reach_the_model(corpus, sources):
    found = mv.train(corpus, unimorph=sources["unimorph"], parts="own,ngrams,affixes:2", **SMALL)
    assert "affix:V;PST" in found.known_parts("walked")


# ---------------------------------------------------------------------------------------------- constraints


def test_class_weights_alone_name_no_class(corpus, sources):
    with pytest.raises(InputError):
        mv.train(corpus, class_weights=sources["class_weights"], **SMALL)


def test_class_weights_change_the_penalty_of_their_class(corpus, sources, tmp_path):
    given = {"unimorph": sources["unimorph"], "constraint": "offset:500", **SMALL, "epochs": 40}
    spread = []
    for factor in (0, 1, 100):
        weights = write(tmp_path / "w.tsv", [f"V;PST\t{factor}"])
        vectors = mv.train(corpus, class_weights=weights, **given)
        d = np.stack([vectors[stem + "ed"] - vectors[stem] for stem in STEMS])
        spread.append(np.linalg.norm(d - d.mean(axis=0)) / np.linalg.norm(d.mean(axis=0)))
    assert spread[0] > spread[1] > spread[2]


def test_nearest_members_are_those_of_a_run_without_constraints(corpus, sources, monkeypatch):
    given = {"unimorph": sources["unimorph"], "constraint": "offset:20", **SMALL}
    seen, build = [], before.build_penalties

    def watched(knowledge, vocabulary, options, seed=0, vectors=None, **more):
        seen.append((options.graph, vectors))
        return build(knowledge, vocabulary, options, seed, vectors, **more)

    factors, fit = [], token_feature.fit

    def remembered(*work, **more):
        made = fit(*work, **more)
        factors.append(made[1])
        return made

    monkeypatch.setattr(before, "build_penalties", watched)
    monkeypatch.setattr(token_feature, "fit", remembered)
    log = io.StringIO()
    found = train(corpus, graph="nearest:2", reporter=Reporter(stream=log), **given)
    assert [graph for graph, _ in seen] == ["complete", "nearest:2"]  # a bad table is refused before the work
    assert seen[1][1] is factors[0].U
    free = train(corpus, **{**SMALL, "unimorph": sources["unimorph"], "constraint": "offset:0"})
    assert np.array_equal(factors[2].U, factors[0].U)  # λ = 0 is no constraint
    assert found.log[1]["stage"] == "fit without constraints"
    assert "graph nearest:2: first a run without constraints" in log.getvalue()
    assert not np.array_equal(found.model.vectors, free.model.vectors)
    factors.clear()
    with pytest.raises(InputError):
        train(corpus, graph="nearest:2", constraint="offset", **SMALL)
    assert factors == []


# ---------------------------------------------------------------------------------------------- what is reported


def test_the_log_has_every_term_of_every_epoch(corpus, tmp_path):
    train_to(tmp_path / "m", corpus, solver="adam", validation=0.2, **SMALL)
    lines = [json.loads(line) for line in (tmp_path / "m" / LOG).read_text().splitlines()]
    epochs = [line for line in lines if "epoch" in line]
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    for line in epochs:
        assert {"total", "fit", "unobserved", "classes", "ridge", "validation", "learning_rate"} < set(line)
    assert epochs[0]["learning_rate"] > epochs[-1]["learning_rate"]


def test_the_objective_of_the_manifest_is_that_of_the_epoch_that_was_kept(corpus):
    given = {**SMALL, "parts": "own", "ridge": 0.01, "epochs": 40}
    found = train(corpus, validation=0.2, patience=2, **given)
    epochs = [entry for entry in found.log if "epoch" in entry]
    best = [entry for entry in epochs if entry.get("kept")]
    assert len(best) == 1
    assert best[0] is not epochs[-1]
    assert found.model.manifest["objective"]["total"] == best[0]["total"]


def test_what_a_method_resolved_and_what_was_really_minimised_stand_in_the_manifest(corpus, monkeypatch):
    fit = token_feature.fit

    def telling(*work, **more):
        model, factors = fit(*work, **more)
        model.manifest = {"resolved": {"ridge": 2.5}}
        last = {**factors.history[-1], "minimised": "J, but not quite"}
        return model, type(factors)(factors.P, factors.S, factors.U, (*factors.history[:-1], last))

    plain = mv.train(corpus, **SMALL).manifest
    assert "minimised" not in plain
    monkeypatch.setattr(token_feature, "fit", telling)
    log = io.StringIO()
    told = mv.train(corpus, reporter=Reporter(quiet=True, stream=log), **SMALL).manifest
    assert told["resolved"] == {"ridge": 2.5}
    assert told["minimised"] == "J, but not quite"
    assert log.getvalue() == "morphvec: warning: what was minimised is J, but not quite\n"


def test_settings_reach_the_solver(corpus):
    """Each changes the outcome; where als does not read it, that is said and changes nothing."""
    given = {**SMALL, "parts": "own", "solver": "adam", "unimorph": None}
    base = mv.train(corpus, **given).vectors
    for name, value in (
        ("batch", 50), ("learning_rate", 0.5), ("schedule", "linear"), ("clip", 0.1), ("updates", "lazy"),
        ("unobserved_samples", 30), ("oversample_rare", 0.5),
    ):  # fmt: skip
        assert not np.array_equal(mv.train(corpus, **{**given, name: value}).vectors, base), name
    als, log = {**SMALL, "parts": "own"}, io.StringIO()
    one = mv.train(corpus, **als)
    two = mv.train(corpus, batch=50, importance=False, reporter=Reporter(quiet=True, stream=log), **als)
    assert np.array_equal(one.vectors, two.vectors)
    assert "als does not use --batch, --importance" in log.getvalue()


# ---------------------------------------------------------------------------------------------- the other method


def test_token_token_is_a_method_like_the_first(corpus, sources, tmp_path):
    given = {**SMALL, "method": "token-token", "smoothing": 1.0}
    made = train_to(tmp_path / "m", corpus, unimorph=sources["unimorph"], constraint="offset:5", **given)
    manifest = manifest_of(tmp_path / "m")
    assert (manifest["method"], manifest["config"]["target"]) == ("token-token", "ppmi")
    assert set(manifest["objective"]["classes"]) == {"offset"}
    loaded = Embeddings.load(tmp_path / "m")
    assert loaded.vectors.shape == (len(made.model), 6)
    gram = train(corpus, **{**given, "target": "gram", "smoothing": 0.75})
    assert gram.model.manifest["config"]["target"] == "gram"
    with pytest.raises(OptionError, match="smoothing 1"):
        train(corpus, **{**given, "smoothing": 0.75})


def test_token_token_keeps_to_the_memory_that_it_is_given(tmp_path):
    words = write(tmp_path / "c.txt", [f"w{n} w{n * 7 % 2003} w{n * 31 % 2003}" for n in range(2003)])
    with pytest.raises(BudgetError, match="token-feature"):
        train(words, method="token-token", smoothing=1.0, min_count=1, dim=4, memory=64 << 20)


def test_run_options_of_resuming_are_in_no_config(corpus, tmp_path):
    train_to(tmp_path / "m", corpus, checkpoint_every=1, resume=True, **SMALL)
    assert not {"checkpoint_every", "resume", "threads"} & set(manifest_of(tmp_path / "m")["config"])
    with pytest.raises(OptionError, match="checkpoint_every=-1"):
        RunOptions(checkpoint_every=-1)
