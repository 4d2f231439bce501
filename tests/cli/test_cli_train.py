"""train and the walk: what is printed, what is written, and that the same text gives the same bytes."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import json
import lzma
import sys
from types import SimpleNamespace

import pytest
from cli_helpers import FAST, STEMS, files, sentences, write

from morphvec import load
from morphvec.artifact import sha256_array
from morphvec.embeddings import store


def test_json_of_train_has_the_fields_of_the_contract(cli, corpus, unimorph, tmp_path):
    out = tmp_path / "m"
    document = cli.json("train", corpus, "-o", out, *FAST, "--unimorph", unimorph)
    assert list(document) == [
        "model",
        "method",
        "words",
        "tokens",
        "cells",
        "seconds",
        "peak_bytes",
        "objective",
        "vectors_sha256",
    ]
    assert document["model"] == str(out)
    assert document["method"] == "token-feature"
    assert (document["words"], document["tokens"]) == (len(load(out)), 1000)
    assert list(document["seconds"]) == ["count", "fit", "total"]
    assert document["seconds"]["total"] >= document["seconds"]["fit"] > 0
    objective = document["objective"]
    assert list(objective) == ["total", "fit", "unobserved", "classes", "ridge"]
    assert list(objective["classes"]) == ["offset"]
    terms = objective["fit"] + objective["unobserved"] + objective["classes"]["offset"] + objective["ridge"]
    assert objective["total"] == pytest.approx(terms, rel=1e-6)
    assert document["vectors_sha256"] == sha256_array(load(out).vectors)
    assert 10e6 < document["peak_bytes"] < 4e9


def test_the_model_folder_is_that_of_the_contract(cli, corpus, unimorph, tmp_path):
    out = tmp_path / "m"
    printed = cli.json("train", corpus, "-o", out, *FAST, "--unimorph", unimorph)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["format"], manifest["format_version"]) == ("morphvec", 1)
    for name in ("method", "words", "objective", "vectors_sha256"):
        assert manifest[name] == printed[name]
    assert manifest["dim"] == 8
    assert manifest["languages"] == []
    assert manifest["config"]["min_count"] == 1
    assert manifest["config"]["unimorph"] == ["eng.tsv"]
    assert [entry["name"] for entry in manifest["inputs"]] == ["corpus.txt", "eng.tsv"]
    assert set(manifest["parts"]) == set(files(out)) - {"manifest.json"}
    assert "log.jsonl" in files(out, log=True)
    rows = [line.split("\t") for line in (out / "vocab.tsv").read_text(encoding="utf-8").splitlines()]
    assert rows == sorted(rows, key=lambda row: (-int(row[1]), row[0]))
    assert sum(int(count) for _, count in rows) == 1000


def test_without_json_a_person_reads_one_line_and_the_progress_is_on_stderr(cli, corpus, tmp_path):
    code, out, err = cli("train", corpus, "-o", tmp_path / "m", *FAST)
    assert code == 0
    assert out.count("\n") == 1
    assert "1,000 tokens" in out
    assert "read:" in err
    assert "fit:" in err
    assert cli("train", corpus, "-o", tmp_path / "q", *FAST, "--quiet")[2] == ""


# ------------------------------------------------------------------------------------------------ the walk

WALKS = {
    "text": [],
    "unimorph and n-grams": [
        "--unimorph",
        "TABLE",
        "--constraint",
        "offset:50",
        "--features",
        "window,ngrams",
    ],
    "columns of affixes": ["--unimorph", "TABLE", "--features", "window,affixes", "--constraint", "offset:0"],
    "languages": ["LANGUAGES"],
    "ids": ["--align-ids"],
    "everything else": [
        *("--tokenizer", "letters", "--case", "keep", "--window", "2", "--window-weight", "dynamic"),
        *("--association", "pmi", "--smoothing", "1", "--add-lambda", "0.1", "--weight", "glove"),
        *("--parts", "own", "--output", "w+c", "--power", "0.5", "--ridge", "2", "--seed", "9"),
    ],
}
OF_VOCAB = {"--tokenizer", "--case", "--min-count", "--max-vocab", "--join-hyphen", "--format", "--errors"}
OF_COUNT = {"--features", "--window", "--window-weight", "--ngrams", "--ngram-min-types"}
OF_WEIGH = {"--association", "--smoothing", "--add-lambda", "--weight", "--unobserved", "--shift"}


@pytest.mark.parametrize("kind", list(WALKS))
def test_the_four_arrows_give_the_bytes_of_train(cli, corpus, unimorph, tmp_path, kind):
    asked = [unimorph if item == "TABLE" else item for item in WALKS[kind]]
    texts, flags = [corpus], []
    if kind == "languages":
        other = write(tmp_path / "other.txt", sentences(100, seed=3))
        texts, asked = [f"eng={corpus}", f"xyz={other}"], ["--unimorph", f"eng={unimorph}"]
    if kind == "ids":
        numbered = [f"v{number % 50}\t{line}" for number, line in enumerate(sentences())]
        texts, asked, flags = [write(tmp_path / "numbered.tsv", numbered)], [], ["--align-ids"]
    pairs = [*zip(FAST[::2], FAST[1::2], strict=True), *zip(asked[::2], asked[1::2], strict=True)]

    def only(names):
        return [item for pair in pairs if pair[0] in names for item in pair]

    of_count = OF_COUNT | ({"--unimorph"} if kind == "columns of affixes" else set())
    of_fit = {name for name, _ in pairs} - OF_VOCAB - OF_COUNT - OF_WEIGH
    v, c, a, m = (tmp_path / name for name in "vcam")
    walk = [
        cli.json("vocab", *texts, "-o", v, *only(OF_VOCAB), *flags),
        cli.json("count", *texts, "--vocab", v, "-o", c, *only(of_count), *flags, "--threads", "2"),
        cli.json("weigh", c, "-o", a, *only(OF_WEIGH)),
        cli.json("fit", a, "-o", m, *only(of_fit), "--threads", "2"),
    ]
    whole = tmp_path / "whole"
    trained = cli.json("train", *texts, "-o", whole, *[item for pair in pairs for item in pair], *flags)
    assert files(m) == files(whole)
    last = walk[-1]
    assert list(last) == list(trained)
    for name in ("words", "tokens", "cells", "objective", "vectors_sha256"):
        assert last[name] == trained[name]
    assert walk[0]["words"] == walk[1]["words"] == walk[2]["words"] == trained["words"]
    assert walk[2]["cells"] == trained["cells"]


def test_the_steps_of_the_walk_say_one_line_to_a_person(cli, corpus, tmp_path):
    v, c, a, m = (tmp_path / name for name in "vcam")
    said = [
        cli.done("vocab", corpus, "-o", v, "--min-count", "1"),
        cli.done("count", corpus, "--vocab", v, "-o", c),
        cli.done("weigh", c, "-o", a),
        cli.done("fit", a, "-o", m, "--dim", "4", "--epochs", "1"),
    ]
    assert [text.count("\n") for text in said] == [1, 1, 1, 1]
    assert [text.split(":")[0] for text in said] == [str(v), str(c), str(a), str(m)]


def test_a_step_that_gets_the_folder_of_another_step_says_so(cli, corpus, model, tmp_path):
    cli.done("vocab", corpus, "-o", tmp_path / "v", "--min-count", "1")
    assert "vocabulary" in cli.refused("weigh", tmp_path / "v", "-o", tmp_path / "x")[0]
    assert "model" in cli.refused("fit", model, "-o", tmp_path / "x")[0]
    cli.refused("count", corpus, "--vocab", tmp_path / "nowhere", "-o", tmp_path / "x")
    cli.refused("neighbors", tmp_path / "v", "walk")
    assert not (tmp_path / "x").exists()


# ------------------------------------------------------------------------------------------------ sameness


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(cli, corpus, models, tmp_path):
    cli.done("train", corpus, "-o", tmp_path / "again", *FAST)
    assert files(tmp_path / "again") == files(models[0])
    hashes = [
        cli.json("train", corpus, "-o", tmp_path / f"s{seed}", *FAST, "--seed", seed)["vectors_sha256"]
        for seed in (0, 1, 2)
    ]
    assert len(set(hashes)) == 3


def test_threads_change_no_bit(cli, tmp_path, unimorph):
    text = write(tmp_path / "text", sentences(1500))
    hashes, folders = [], []
    for threads in (1, 2, 4):
        out = tmp_path / f"t{threads}"
        told = cli.json("train", text, "-o", out, *FAST, "--unimorph", unimorph, "--threads", threads)
        hashes.append(told["vectors_sha256"])
        folders.append(files(out))
    assert len(set(hashes)) == 1
    assert folders[0] == folders[1] == folders[2]


def test_the_memory_budget_changes_no_bit(cli, corpus, models, tmp_path):
    cli.done("train", corpus, "-o", tmp_path / "small", *FAST, "--memory", "64M")
    assert files(tmp_path / "small") == files(models[0])


# ------------------------------------------------------------------------------------------------ readers


def _zstandard(data):
    return pytest.importorskip("zstandard", reason="zstandard is not installed").compress(data)


@pytest.mark.parametrize(
    ("ending", "pack"),
    [("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress), ("zst", _zstandard)],
)
def test_packed_text_gives_the_vectors_of_plain_text(cli, corpus, models, tmp_path, ending, pack):
    packed = tmp_path / f"corpus.txt.{ending}"
    packed.write_bytes(pack(corpus.read_bytes()))
    cli.done("train", packed, "-o", tmp_path / "m", *FAST)
    same, plain = files(tmp_path / "m"), files(models[0])
    assert {name for name in plain if plain[name] != same[name]} == {"manifest.json"}  # it names the input


def test_stdin_a_folder_and_several_files_give_the_vectors_of_plain_text(
    cli, corpus, models, tmp_path, monkeypatch
):
    data = corpus.read_bytes()
    lines = data.splitlines(keepends=True)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"".join(lines[:50]))
    (folder / "b.txt.gz").write_bytes(gzip.compress(b"".join(lines[50:])))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    wanted = load(models[0]).manifest["vectors_sha256"]
    for name, text in (
        ("stdin", ["-"]),
        ("from_folder", [folder]),
        ("several", [folder / "a.txt", folder / "b.txt.gz"]),
    ):
        assert cli.json("train", *text, "-o", tmp_path / name, *FAST)["vectors_sha256"] == wanted
    crlf = tmp_path / "crlf.txt"
    crlf.write_bytes(data.replace(b"\n", b"\r\n"))
    assert cli.json("train", crlf, "-o", tmp_path / "crlf", *FAST)["vectors_sha256"] == wanted


def test_tsv_without_ids_drops_the_id(cli, corpus, models, tmp_path):
    text = write(tmp_path / "n.tsv", [f"v{n}\t{line}" for n, line in enumerate(sentences())])
    wanted = load(models[0]).manifest["vectors_sha256"]
    assert cli.json("train", text, "-o", tmp_path / "m", *FAST)["vectors_sha256"] == wanted


def test_ids_alone_join_two_languages(cli, tmp_path):
    lines = sentences()
    one = write(tmp_path / "one.tsv", [f"v{n}\t{line}" for n, line in enumerate(lines)])
    two = write(
        tmp_path / "two.tsv",
        [f"v{n}\t{' '.join(word[::-1] for word in line.split())}" for n, line in enumerate(lines)],
    )
    cli.done(
        *("train", f"aaa={one}", f"bbb={two}", "-o", tmp_path / "m", "--features", "ids", "--format", "tsv"),
        *("--parts", "own", "--dim", "8", "--min-count", "1", "--quiet"),
    )
    assert list(load(tmp_path / "m").languages) == ["aaa", "bbb"]
    told = cli.json("neighbors", tmp_path / "m", "aaa:talked", "walked", "--language", "bbb", "-n", "1")
    assert [query["neighbors"][0]["word"] for query in told["queries"]] == ["bbb:deklat", "bbb:deklaw"]
    # a bare word is taken where one language alone has it, and the answer keeps what was asked
    assert [query["word"] for query in told["queries"]] == ["aaa:talked", "walked"]


def test_turkish_has_a_dotless_i_and_queries_follow(cli, tmp_path):
    text = write(tmp_path / "t.txt", ["IŞIK İYİ GÜN", "ışık iyi gece", "gün ışık gece"] * 5)
    cli.done("train", f"tur={text}", "-o", tmp_path / "tur", *FAST, "--quiet")
    assert sorted(load(tmp_path / "tur").words) == ["tur:gece", "tur:gün", "tur:iyi", "tur:ışık"]
    told = cli.json("neighbors", tmp_path / "tur", "tur:IŞIK", "IŞIK", "İYİ")
    assert [query["known"] for query in told["queries"]] == [True, True, True]
    cli.done("train", text, "-o", tmp_path / "bare", *FAST, "--quiet")
    assert "ışık" in load(tmp_path / "bare").words
    assert "işik" in load(tmp_path / "bare").words


# ------------------------------------------------------------------------------------------------ the output


def test_overwrite_replaces_a_model_and_leaves_nothing_beside_it(cli, corpus, tmp_path, models):
    out = tmp_path / "m"
    cli.done("train", corpus, "-o", out, *FAST, "--seed", "7")
    cli.done("train", corpus, "-o", out, *FAST, "--overwrite")
    assert files(out) == files(models[0])
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"]


def test_an_empty_folder_gives_way(cli, corpus, tmp_path):
    (tmp_path / "m").mkdir()
    cli.done("train", corpus, "-o", tmp_path / "m", *FAST)
    assert load(tmp_path / "m").words


@pytest.mark.parametrize("writer", ["save_lines", "save_arrays", "write_manifest"])
def test_a_full_disk_is_one_line_and_the_earlier_model_stays(cli, corpus, tmp_path, monkeypatch, writer):
    out = tmp_path / "m"
    cli.done("train", corpus, "-o", out, *FAST)
    before = files(out, log=True)

    def full(file, *rest, **more):
        raise OSError(errno.ENOSPC, "No space left on device", str(file))

    monkeypatch.setattr(store, writer, full)
    value, rule, mend = cli.refused(
        "train", corpus, "-o", out, *FAST, "--seed", "4", "--overwrite", "--quiet"
    )
    assert "No space left" in value
    assert "unchanged" in rule
    assert "space" in mend
    assert files(out, log=True) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"]


def test_hold_out_keeps_words_out_of_the_constraints(cli, corpus, unimorph, tmp_path):
    held = write(tmp_path / "held", STEMS[:6])
    cli.done("train", corpus, "-o", tmp_path / "all", *FAST, "--unimorph", unimorph)
    cli.done("train", corpus, "-o", tmp_path / "m", *FAST, "--unimorph", unimorph, "--hold-out", held)

    def used(name):
        return json.loads((tmp_path / name / "manifest.json").read_bytes())["constraints"][0]["used"]

    assert (used("all"), used("m")) == (24, 6)
