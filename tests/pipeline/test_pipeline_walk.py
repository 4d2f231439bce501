"""The four arrows, each reading and writing a folder, end in the bytes of one call."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_corpora import STEMS, parallel, table_rows, verbs, write

from morphvec.artifact import LOG, open_arrays, save_arrays, verify
from morphvec.errors import ArtifactError, MorphvecError, OutputError
from morphvec.pipeline.nouns import (
    load_association,
    load_counts,
    load_vocabulary,
    save_association,
    save_counts,
    save_vocabulary,
)
from morphvec.pipeline.options import CountStage, FitStage, RunOptions, TextStage, WeighStage, make_stage
from morphvec.pipeline.train import (
    make_association,
    make_counts,
    make_model,
    make_vocabulary,
    open_corpus,
    train_to,
)


def plain(folder):
    corpus = [write(folder / "one.txt", verbs(300)), write(folder / "two.txt", verbs(200, seed=1))]
    table = write(folder / "table.tsv", table_rows())
    held = write(folder / "held.txt", STEMS[:2])
    return corpus, {
        "min_count": 2,
        "window": 3,
        "window_weight": "dynamic",
        "features": "window,ngrams:0.5",
        "ngrams": "2-4",
        "ngram_min_types": 2,
        "association": "pmi",
        "add_lambda": 0.01,
        "weight": "glove",
        "dim": 9,
        "epochs": 3,
        "power": 0.5,
        "unimorph": table,
        "hold_out": [held],
        "constraint": ["offset:20", "lemma:3"],
        "seed": 5,
    }


def bilingual(folder):
    tables = []
    for language, rows in (("eng", ["sun\tmoon\tX", "river\tsea\tX"]), ("por", ["sol\tlua\tX"])):
        tables.append(f"{language}={write(folder / f'{language}-table.tsv', rows)}")
    return parallel(folder), {
        "format": "tsv",
        "features": "ids,window:0.5:0.1",
        "tokenizer": "letters",
        "min_count": 3,
        "parts": "own",
        "dim": 6,
        "epochs": 2,
        "unimorph": tables,
        "graph": "ring",
    }


def bare(folder):
    return write(folder / "bare.txt", verbs(300)), {"parts": "own", "dim": 5, "epochs": 2, "shift": 0.9}


def analysed(folder):
    corpus, options = plain(folder)
    segments = write(folder / "segments.tsv", [f"{stem}ing\t{stem}|ing" for stem in STEMS])
    weights = write(folder / "weights.tsv", ["V;PST\t2"])
    return corpus, {
        **options,
        "features": "window,affixes:0.5,morphemes",
        "segments": segments,
        "class_weights": weights,
        "parts": "own,ngrams,lemma,affixes:2,morphemes",
        "solver": "adagrad",
        "batch": 100,
        "importance": False,
        "validation": 0.1,
        "patience": 1,
    }


NOUNS = {"V": "vocabulary", "C": "counts", "A": "association"}
CORPORA = {"plain": plain, "bilingual": bilingual, "bare": bare, "analysed": analysed}


def walk(corpus, options, folder, threads):
    """vocab, count, weigh, fit: nothing but folders between them."""
    text, run = make_stage(TextStage, options), RunOptions(threads)
    vocabulary, origin = make_vocabulary(open_corpus(corpus, text), text)
    save_vocabulary(folder / "V", vocabulary, origin, overwrite=False)
    known = load_vocabulary(folder / "V")
    counts, vocabulary, origin = make_counts(
        open_corpus(corpus, text), text, make_stage(CountStage, options), run, known=known
    )
    save_counts(folder / "C", counts, vocabulary, origin, overwrite=False)
    counts, vocabulary, origin = load_counts(folder / "C")
    association, origin = make_association(counts, make_stage(WeighStage, options), run, origin)
    save_association(folder / "A", association, vocabulary, origin, overwrite=False)
    association, vocabulary, origin = load_association(folder / "A")
    trained = make_model(association, vocabulary, make_stage(FitStage, options), run, origin)
    trained.model.save(folder / "M", log=trained.log)


def bytes_of(folder: Path):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != LOG}


@pytest.mark.parametrize("name", CORPORA)
def test_the_walk_writes_the_bytes_of_train(tmp_path, name):
    corpus, options = CORPORA[name](tmp_path)
    train_to(tmp_path / "one", corpus, threads=2, **options)
    walk(corpus, options, tmp_path, threads=1)
    one, arrows = bytes_of(tmp_path / "one"), bytes_of(tmp_path / "M")
    assert sorted(one) == sorted(arrows)
    for file, content in one.items():
        assert arrows[file] == content, file
    for folder, noun in (*NOUNS.items(), ("M", "model")):
        assert verify(tmp_path / folder, noun) == []
    assert {"composition.safetensors", "parts.tsv"} <= set(one) or options["parts"] == "own"


def test_what_changes_a_result_is_in_the_manifest_and_what_does_not_is_not(tmp_path):
    corpus, options = plain(tmp_path)
    train_to(tmp_path / "M", corpus, threads=2, memory=1 << 28, **options)
    manifest = json.loads((tmp_path / "M" / "manifest.json").read_text())
    config = manifest["config"]
    assert not {"threads", "memory"} & set(config)
    for name, value in options.items():
        if name not in ("unimorph", "hold_out", "constraint"):
            assert config[name] == value
    assert config["unimorph"] == ["table.tsv"]  # base names: a model says nothing of its maker's folders
    assert config["hold_out"] == ["held.txt"]
    assert str(tmp_path) not in (tmp_path / "M" / "manifest.json").read_text()
    assert [entry["name"] for entry in manifest["inputs"]] == ["one.txt", "two.txt", "table.tsv", "held.txt"]
    assert manifest["inputs"][0]["bytes"] == (tmp_path / "one.txt").stat().st_size


def test_a_folder_of_another_kind_is_refused(tmp_path):
    corpus, options = bare(tmp_path)
    walk(corpus, options, tmp_path, threads=1)
    for load, folders in (
        (load_vocabulary, "CAM"),
        (load_counts, "VAM"),
        (load_association, "VCM"),
    ):
        for folder in folders:
            with pytest.raises(ArtifactError, match="is needed here"):
                load(tmp_path / folder)
        with pytest.raises(ArtifactError, match=r"has no manifest\.json"):
            load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("folder", "load"), [("V", load_vocabulary), ("C", load_counts), ("A", load_association)]
)
def test_a_cut_or_altered_part_is_one_clear_error(tmp_path, folder, load):
    corpus, options = bare(tmp_path)
    walk(corpus, options, tmp_path, threads=1)
    noun = NOUNS[folder]
    for file in sorted((tmp_path / folder).iterdir()):
        whole = file.read_bytes()
        for damaged in (whole[: len(whole) // 2], whole[:-3], b"", bytes([whole[0] ^ 0x80]) + whole[1:]):
            file.write_bytes(damaged)
            assert verify(tmp_path / folder, noun)
            with contextlib.suppress(MorphvecError):
                load(tmp_path / folder)
                assert len(damaged) == len(whole)  # sizes are checked on loading, hashes by verify
        file.write_bytes(whole)
    assert verify(tmp_path / folder, noun) == []


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walked")
    corpus, options = bare(folder)
    walk(corpus, options, folder, threads=1)
    return {name: bytes_of(folder / name) for name in "VCA"}, folder


LOADERS = {"V": load_vocabulary, "C": load_counts, "A": load_association}


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_any_byte_changed_in_a_folder_is_found_or_refused(walked, data):
    contents, folder = walked
    noun = data.draw(st.sampled_from("VCA"))
    name = data.draw(st.sampled_from(sorted(contents[noun])))
    whole = contents[noun][name]
    # headers and first rows: where the structure is
    place = data.draw(st.integers(0, min(len(whole) - 1, 400)))
    altered = bytearray(whole)
    altered[place] ^= data.draw(st.integers(1, 255))
    file = folder / noun / name
    try:
        file.write_bytes(bytes(altered))
        assert name == "manifest.json" or verify(folder / noun, NOUNS[noun])
        with contextlib.suppress(MorphvecError):
            LOADERS[noun](folder / noun)
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize(("noun", "file"), [("C", "counts.safetensors"), ("A", "association.safetensors")])
def test_cells_of_another_type_or_shape_are_refused(walked, noun, file):
    """An array may have the right size and the wrong meaning."""
    contents, folder = walked
    path, manifest = folder / noun / file, folder / noun / "manifest.json"
    arrays = {name: np.array(array) for name, array in open_arrays(path).items()}
    values = "data" if noun == "C" else "values"
    wrong = {
        "indptr": [arrays["indptr"][:-1], arrays["indptr"].astype(np.int32), arrays["indptr"][::-1].copy()],
        "indices": [-arrays["indices"] - 1, arrays["indices"] + 10_000, arrays["indices"].view(np.float32)],
        values: [arrays[values] * np.nan, arrays[values][:-1], arrays[values].astype(np.int64)],
    }
    if noun == "A":
        wrong["alpha"] = [-arrays["alpha"] - 1, arrays["alpha"][:-1], arrays["alpha"] * np.nan]
    try:
        for name, replacements in wrong.items():
            for array in replacements:
                save_arrays(path, {**arrays, name: array})
                document = json.loads(contents[noun]["manifest.json"])
                document["parts"][file]["bytes"] = path.stat().st_size
                manifest.write_text(json.dumps(document))
                with pytest.raises(ArtifactError):
                    LOADERS[noun](folder / noun)
            save_arrays(path, {key: array for key, array in arrays.items() if key != name})
            document["parts"][file]["bytes"] = path.stat().st_size
            manifest.write_text(json.dumps(document))
            with pytest.raises(ArtifactError):
                LOADERS[noun](folder / noun)
    finally:
        path.write_bytes(contents[noun][file])
        manifest.write_bytes(contents[noun]["manifest.json"])


def test_the_place_is_checked_before_any_work(tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(OutputError):
            train_to(taken, tmp_path / "no such corpus", overwrite=overwrite)
    assert (taken / "thesis.txt").read_text() == "years of work"
