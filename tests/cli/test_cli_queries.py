"""Questions to a model, its scores, its health, and vectors in and out: what is printed, for programs and people."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import FAST, STEMS, files, write

from morphvec import load


def test_neighbors_known_and_unseen(cli, model):
    told = cli.json("neighbors", model, "walked", "walkeding", "-n", "4")
    assert list(told) == ["queries"]
    known, unseen = told["queries"]
    for query in (known, unseen):
        assert list(query) == ["word", "known", "count", "parts", "neighbors"]
        assert len(query["neighbors"]) == 4
        scores = [near["score"] for near in query["neighbors"]]
        assert scores == sorted(scores, reverse=True)
        assert all(list(near) == ["word", "score", "count"] for near in query["neighbors"])
    opened = load(model)
    assert (known["word"], known["known"], known["parts"]) == ("walked", True, [])
    assert known["count"] == opened.count("walked")
    assert "walked" not in [near["word"] for near in known["neighbors"]]
    assert (unseen["word"], unseen["known"], unseen["count"]) == ("walkeding", False, None)
    assert {"walk", "<wa", "ing>"} <= set(unseen["parts"])
    # the scores are cosines of the vectors as served
    unit = opened.vectors / np.linalg.norm(opened.vectors, axis=1, keepdims=True)
    row = opened.key_to_index["walked"]
    for near in known["neighbors"]:
        assert near["score"] == pytest.approx(
            float(unit[row] @ unit[opened.key_to_index[near["word"]]]), abs=1e-5
        )


def test_neighbors_by_other_measures(cli, model):
    opened = load(model)
    own = opened.vectors[opened.key_to_index["walked"]]
    (far,) = cli.json("neighbors", model, "walked", "--metric", "euclidean")["queries"]
    assert len(far["neighbors"]) == 10
    distances = [near["score"] for near in far["neighbors"]]
    assert distances == sorted(distances)  # nearest first
    nearest = opened.vectors[opened.key_to_index[far["neighbors"][0]["word"]]]
    assert distances[0] == pytest.approx(float(np.linalg.norm(own - nearest)), abs=1e-5)
    (dots,) = cli.json("neighbors", model, "walked", "--metric", "dot", "-n", "1000")["queries"]
    assert len(dots["neighbors"]) == len(opened) - 1


def test_queries_are_read_as_the_text_was(cli, model):
    lower, upper = cli.json("neighbors", model, "walked", "WALKED")["queries"]
    assert upper["known"]
    assert upper["neighbors"] == lower["neighbors"]


def test_neighbors_for_people(cli, model):
    out = cli.done("neighbors", model, "walked", "walkeding", "-n", "3")
    lines = out.splitlines()
    assert lines[0].startswith("walked  (count ")
    assert lines[4].startswith("walkeding  (unseen; composed from ")
    assert len(lines) == 8


def test_a_word_that_cannot_be_composed_is_one_line(cli, model):
    for command in (
        ["neighbors", model, "ωωω"],
        ["neighbors", model, "walked", "ωωω", "--json"],
        ["vector", model, "ωωω"],
        ["similarity", model, "walk", "ωωω"],
        ["analogy", model, "walk", "walked", "ωωω"],
    ):
        value, rule, _ = cli.refused(*command)
        assert value == "'ωωω'"
        assert "no part" in rule


def test_analogy_leaves_out_its_three_words(cli, model):
    told = cli.json("analogy", model, "walk", "walked", "talk", "-n", "1000")
    assert list(told) == ["a", "b", "c", "method", "answers"]
    assert (told["a"], told["b"], told["c"], told["method"]) == ("walk", "walked", "talk", "3cosadd")
    words = [answer["word"] for answer in told["answers"]]
    assert len(words) == len(load(model)) - 3
    assert not {"walk", "walked", "talk"} & set(words)
    assert all(list(answer) == ["word", "score"] for answer in told["answers"])
    # 3CosAdd is the mean direction b − a + c of unit vectors
    opened = load(model)
    unit = opened.vectors / np.linalg.norm(opened.vectors, axis=1, keepdims=True)
    a, b, c = (unit[opened.key_to_index[word]] for word in ("walk", "walked", "talk"))
    scores = {word: float(unit[row] @ (b - a + c)) for word, row in opened.key_to_index.items()}
    best = max((word for word in scores if word not in ("walk", "walked", "talk")), key=scores.__getitem__)
    assert words[0] == best
    out = cli.done("analogy", model, "walk", "walked", "talk", "-n", "2")
    assert out.splitlines()[0] == "walk : walked = talk : ?"
    assert len(out.splitlines()) == 3


def test_similarity_and_vector(cli, model):
    told = cli.json("similarity", model, "walk", "walked")
    assert list(told) == ["a", "b", "cosine", "dot", "euclidean"]
    one, two = (np.array(cli.json("vector", model, word)["vector"]) for word in ("walk", "walked"))
    assert told["dot"] == pytest.approx(one @ two, rel=1e-5)
    assert told["cosine"] == pytest.approx(one @ two / np.linalg.norm(one) / np.linalg.norm(two), rel=1e-5)
    assert told["euclidean"] == pytest.approx(np.linalg.norm(one - two), rel=1e-5)
    assert [line.split()[0] for line in cli.done("similarity", model, "walk", "walked").splitlines()] == [
        "cosine",
        "dot",
        "euclidean",
    ]
    known, unseen = cli.json("vector", model, "walk"), cli.json("vector", model, "walkings")
    assert list(known) == list(unseen) == ["word", "known", "vector"]
    assert (known["known"], unseen["known"]) == (True, False)
    assert known["vector"] == load(model).vectors[load(model).key_to_index["walk"]].tolist()
    assert len(unseen["vector"]) == 8
    assert len(cli.done("vector", model, "walk").split()) == 8


# ------------------------------------------------------------------------------------------------ scores


@pytest.fixture(scope="module")
def tests(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tests")
    words = [("walk", "walked"), ("talk", "push"), ("jump", "jumps"), ("jumpses", "calls"), ("ωω", "call")]
    return {
        "similarity": write(folder / "s.tsv", [f"{a}\t{b}\t{n}" for n, (a, b) in enumerate(words)]),
        "analogy": write(
            folder / "a.tsv",
            [
                "gram1\twalk\twalked\ttalk\ttalked",
                "gram1\twalk\twalked\tωω\ttalked",
                "meaning\twalk\twalks\tjump\tjumps",
            ],
        ),
        "pairs": write(folder / "p.tsv", [f"past\t{stem}\t{stem}ed/{stem}s" for stem in STEMS]),
    }


def _asked(tests):
    return [item for name, path in tests.items() for item in (f"--{name}", path)]


def test_evaluate_prints_the_rows_of_the_contract(cli, models, tests):
    told = cli.json("evaluate", *models, *_asked(tests), "--bootstrap", "20")
    assert list(told) == ["models"]
    assert [entry["model"] for entry in told["models"]] == [str(path) for path in models]
    for entry in told["models"]:
        assert list(entry) == ["model", "results"]
        for row in entry["results"]:
            assert set(row) == {
                *("task", "dataset", "metric", "score", "low", "high", "n", "total", "coverage", "unknown"),
                "detail",
            }
            assert row["coverage"] == pytest.approx(row["n"] / row["total"])
            if row["score"] is not None:
                assert -1 <= row["low"] <= row["score"] <= row["high"] <= 1
    rows = told["models"][0]["results"]
    similar = [row for row in rows if row["task"] == "similarity"]
    assert [(row["metric"], row["unknown"], row["n"], row["total"]) for row in similar] == [
        ("spearman", "skip", 3, 5),
        ("pearson", "skip", 3, 5),
        ("spearman", "compose", 4, 5),
        ("pearson", "compose", 4, 5),
    ]
    analogies = {row["metric"]: (row["n"], row["total"]) for row in rows if row["task"] == "analogy"}
    assert analogies == {
        "gram1": (1, 2),
        "meaning": (1, 1),
        "semantic": (1, 1),
        "syntactic": (1, 2),
        "all": (2, 3),
    }


def test_evaluate_for_people_and_as_markdown(cli, models, tests):
    out = cli.done("evaluate", models[0], *_asked(tests), "--bootstrap", "0")
    assert "spearman" in out
    assert "{" not in out
    table = cli.done("evaluate", *models, "--similarity", tests["similarity"], "--markdown", "--quiet")
    assert table.splitlines()[1].startswith("| --- |")


def test_evaluate_of_a_dictionary(cli, tmp_path):
    lines = [f"thing{n % 9} place{n % 9} time{n % 4}" for n in range(200)]
    one = write(tmp_path / "1.tsv", [f"{n}\t{line}" for n, line in enumerate(lines)])
    two = write(
        tmp_path / "2.tsv",
        [f"{n}\t{' '.join(w[::-1] for w in line.split())}" for n, line in enumerate(lines)],
    )
    out = tmp_path / "m"
    cli.done(
        *("train", f"aaa={one}", f"bbb={two}", "-o", out, "--features", "ids", "--parts", "own"),
        *("--min-count", "1", "--dim", "8", "--quiet"),
    )
    pairs = write(tmp_path / "d.tsv", [f"time{n}\t{f'time{n}'[::-1]}" for n in range(4)] + ["none\tenon"])
    asked = ["--bli", "aaa", "bbb", pairs]
    rows = cli.json("evaluate", out, *asked, *asked, "--bootstrap", "0")["models"][0]["results"]
    found = {(row["metric"], row["detail"].get("retrieval")): row for row in rows}
    assert {row["task"] for row in rows} == {"bli"}
    assert any(row["score"] == 1.0 and row["n"] == 4 for row in rows), found
    joined = cli.json("evaluate", out, "--bli=aaa", "bbb", pairs, "--bootstrap", "0")
    assert joined["models"][0]["results"] == rows[: len(rows) // 2]
    for few in (
        ["--bli"],
        ["--bli", "aaa"],
        ["--bli", "aaa", "bbb"],
        ["--bli", "aaa", "bbb", "--json"],
        ["--bli=aaa"],
    ):
        value, rule, _ = cli.refused("evaluate", out, *few)
        assert "SRC TGT FILE" in rule
        assert value.startswith("--bli")
    cli.refused("evaluate", out, "--bli", "aaa", "zzz", pairs)


def test_compare_two_models(cli, models, tests):
    told = cli.json("compare", *models, *_asked(tests), "--bootstrap", "50")
    assert list(told) == ["a", "b", "results"]
    assert (told["a"], told["b"]) == tuple(str(path) for path in models)
    for row in told["results"]:
        assert {"task", "dataset", "metric", "a", "b", "difference", "low", "high", "n", "real"} <= set(row)
        if row["difference"] is not None:
            assert row["difference"] == pytest.approx(row["a"] - row["b"])
            assert row["real"] == (row["low"] > 0 or row["high"] < 0)
    same = cli.json("compare", models[0], models[0], "--similarity", tests["similarity"])["results"]
    assert all(row["difference"] == 0 and not row["real"] for row in same)
    said = cli.done("compare", *models, "--similarity", tests["similarity"], "--quiet")
    assert len(said.splitlines()) == 4  # two correlations, skip and compose


def test_what_evaluate_refuses(cli, models, tests, tmp_path):
    model, similarity = models[0], tests["similarity"]
    empty, odd = write(tmp_path / "empty", []), write(tmp_path / "odd", ["one two three four five six"])
    for wrong in (
        [model],
        [tmp_path / "nowhere", "--similarity", similarity],
        [model, "--similarity", tmp_path / "nowhere"],
        [model, "--similarity", tmp_path],
        [model, "--similarity", empty],
        [model, "--similarity", odd],
        [model, "--analogy", odd],
        [model, "--pairs", odd],
        [model, "--similarity", similarity, "--unknown", "guess"],
        [model, "--similarity", similarity, "--bootstrap", "-1"],
        [model, "--analogy", tests["analogy"], "--analogy-method", "magic"],
        [model, "--analogy", tests["analogy"], "--restrict", "0"],
        [model, model, "--similarity", similarity],
    ):
        cli.refused("evaluate", *wrong)
    cli.refused("compare", model, tmp_path / "nowhere", "--similarity", similarity)
    cli.refused("compare", *models)


# ------------------------------------------------------------------------------------------------ doctor


def test_doctor_tells_the_machine_and_the_model(cli, model):
    told = cli.json("doctor")
    assert {"versions", "cores", "threads", "extras"} <= set(told)
    assert {"morphvec", "python", "numpy", "scipy", "numba"} <= set(told["versions"])
    assert told["cores"] >= 1
    assert all(isinstance(there, bool) for there in told["extras"].values())
    assert cli.json("doctor", model)["model"] == {"ok": True, "problems": []}
    assert "sound" in cli.done("doctor", model)
    assert told["kernels"]["compiled"] > 0  # the model above was made with some
    assert Path(told["kernels"]["folder"]).is_dir()


def _missing_vectors(folder):
    (folder / "vectors.safetensors").unlink()


def _torn(folder):
    file = folder / "vectors.safetensors"
    file.write_bytes(file.read_bytes()[:-40])


def _huge_header(folder):
    file = folder / "vectors.safetensors"
    data = bytearray(file.read_bytes())
    data[:8] = (2**62).to_bytes(8, "little")
    file.write_bytes(data)


def _manifest_torn(folder):
    file = folder / "manifest.json"
    file.write_bytes(file.read_bytes()[:100])


def _another_version(folder):
    file = folder / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), "format_version": 99}), encoding="utf-8")


def _vocabulary_short(folder):
    file = folder / "vocab.tsv"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))


def _gone(folder):
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "harm",
    [_missing_vectors, _torn, _huge_header, _manifest_torn, _another_version, _vocabulary_short, _gone],
)
def test_a_damaged_model_is_named_by_doctor_and_refused_by_the_rest(cli, model, tmp_path, harm):
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    harm(broken)
    code, out, err = cli("doctor", broken, "--json")
    assert (code, err) == (2, "")
    health = json.loads(out)["model"]
    assert health["ok"] is False
    assert health["problems"]
    code, out, _ = cli("doctor", broken)
    assert code == 2
    assert "damaged" in out
    value, _, _ = cli.refused("neighbors", broken, "walk")
    assert str(broken) in value
    cli.refused("export", broken, "--to", "glove", "-o", tmp_path / "out.txt")
    assert not (tmp_path / "out.txt").exists()


def test_one_flipped_bit_anywhere_is_found_by_doctor(cli, model, tmp_path):
    for name in files(model):
        if name == "manifest.json":
            continue
        broken = tmp_path / name
        shutil.copytree(model, broken)
        data = bytearray((broken / name).read_bytes())
        data[len(data) * 3 // 4] ^= 4
        (broken / name).write_bytes(data)
        code, out, _ = cli("doctor", broken, "--json")
        assert code == 2
        problems = json.loads(out)["model"]["problems"]
        assert any(name in problem for problem in problems)


# ------------------------------------------------------------------------------------------------ import, export


@pytest.mark.parametrize("kind", ["word2vec", "glove"])
def test_out_and_in_again_keeps_every_bit(cli, model, tmp_path, kind):
    text = tmp_path / "vectors.txt"
    told = cli.json("export", model, "--to", kind, "-o", text)
    assert told == {"file": str(text), "format": kind, "words": len(load(model)), "dim": 8}
    assert (text.read_text(encoding="utf-8").splitlines()[0] == f"{len(load(model))} 8") == (
        kind == "word2vec"
    )
    told = cli.json("import", text, "-o", tmp_path / "back")
    assert told == {"model": str(tmp_path / "back"), "words": len(load(model)), "dim": 8}
    one, two = load(model), load(tmp_path / "back")
    assert list(one.words) == list(two.words)
    assert np.array_equal(one.vectors, two.vectors)
    (query,) = cli.json("neighbors", tmp_path / "back", "walk", "-n", "2")["queries"]
    assert query["count"] is None
    cli.refused("neighbors", tmp_path / "back", "walkeding")  # no parts came along
    assert cli.json("doctor", tmp_path / "back")["model"]["ok"]
    assert cli.done("import", text, "-o", tmp_path / "back", "--overwrite").count("\n") == 1
    assert cli.done("export", model, "--to", kind, "-o", text).count("\n") == 1


def test_what_import_and_export_refuse(cli, model, corpus, tmp_path):
    short, bad = write(tmp_path / "short", ["a 1 2", "b 1"]), write(tmp_path / "bad", ["a 1 nan", "b 1 2"])
    twice, few = write(tmp_path / "twice", ["a 1 2", "a 1 2"]), write(tmp_path / "few", ["3 2", "a 1 2"])
    for file in (short, bad, twice, few, corpus, tmp_path / "nowhere", tmp_path, write(tmp_path / "e", [])):
        cli.refused("import", file, "-o", tmp_path / "x")
        assert not (tmp_path / "x").exists()
    cli.refused("export", model, "--to", "zip", "-o", tmp_path / "x")
    for place in (tmp_path, ".", "/", tmp_path / "no" / "where"):
        cli.refused("export", model, "--to", "glove", "-o", place)
    assert not (tmp_path / "x").exists()


def test_a_full_disk_leaves_the_earlier_export(cli, model, tmp_path, monkeypatch):
    text = write(tmp_path / "v.txt", ["precious"])
    from pathlib import Path

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert "No space left" in cli.refused("export", model, "--to", "glove", "-o", text)[0]
    assert text.read_text(encoding="utf-8") == "precious\n"
    assert [file.name for file in tmp_path.iterdir()] == ["v.txt"]


def test_a_model_without_parts_has_no_unseen_words(cli, corpus, tmp_path):
    cli.done("train", corpus, "-o", tmp_path / "m", *FAST, "--parts", "own")
    value, _, _ = cli.refused("vector", tmp_path / "m", "walkeding")
    assert value == "'walkeding'"


def test_imported_vectors_are_asked_as_their_words_were_made(cli, tmp_path):
    file = tmp_path / "v.txt"
    file.write_text("2 2\nparis 1 0\nfrance 0.6 0.8\n", encoding="utf-8")
    cli.done("import", file, "-o", tmp_path / "kept")
    cli.refused("similarity", tmp_path / "kept", "Paris", "France")
    cli.done("import", file, "-o", tmp_path / "lower", "--case", "lower")
    document = cli.json("similarity", tmp_path / "lower", "Paris", "FRANCE")
    assert document["cosine"] == pytest.approx(0.6)
    cli.refused("import", file, "-o", tmp_path / "m", "--case", "upper")
