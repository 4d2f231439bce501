"""``evaluate``: bands, words that the training was told of, several seeds, folders of relations."""

from __future__ import annotations

import json

import pytest
from cli_helpers import FAST, STEMS, table, write

from morphvec.artifact import sha256_file, verify
from morphvec.embeddings.embeddings import Embeddings
from morphvec.evaluate import evaluate, read_constrained

HELD = STEMS[5:]
FORMS = [f"{stem}{ending}" for stem in STEMS for ending in ("", "s", "ed", "ing")]


@pytest.fixture(scope="module")
def hold_out(tmp_path_factory):
    return write(tmp_path_factory.mktemp("held") / "held.txt", HELD)


@pytest.fixture(scope="module")
def told(tmp_path_factory, corpus, unimorph, hold_out):
    """Models trained with a table: bound by constraints, made of lemmas, both."""
    from morphvec.cli.main import execute

    folder = tmp_path_factory.mktemp("told")
    with_table = ["--unimorph", str(unimorph), "--hold-out", str(hold_out)]
    for name, options in {
        "bound": ["--parts", "own", "--constraint", "offset", "--constraint", "lemma"],
        "made": ["--parts", "own,lemma,affixes", "--constraint", "none"],
        "both": ["--constraint", "offset"],
        "loose": ["--parts", "own", "--constraint", "none"],
        "weak": ["--parts", "own", "--constraint", "offset:0", "--constraint", "lemma"],
    }.items():
        out = str(folder / name)
        assert execute(["train", str(corpus), "-o", out, *FAST, *with_table, *options, "--quiet"]) == 0
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    lines = [f"{stem}\t{stem}ed\t{n}" for n, stem in enumerate(STEMS)]
    lines += [f"thing{n}\tplace{n}\t{n % 5}" for n in range(8)]
    return write(tmp_path_factory.mktemp("pairs") / "pairs.tsv", lines)


def listed(folder):
    lines = (folder / "constrained.tsv").read_text(encoding="utf-8").splitlines()
    return {word: how.split(",") for word, _, how in (line.partition("\t") for line in lines)}


# --------------------------------------------------------------------------- the list of a model's folder


def test_the_folder_lists_what_the_table_touched(told):
    used = [form for form in FORMS if not form.startswith(tuple(HELD))]
    held_forms = [stem + ending for stem in HELD for ending in ("s", "ed", "ing")]
    for name, how in {"bound": ["offset", "lemma"], "made": ["parts"], "both": ["offset", "parts"]}.items():
        found = listed(told / name)
        assert set(found) == set(used), name
        assert all(kinds == how for kinds in found.values())
        assert not set(found) & {*HELD, *held_forms}
        words = Embeddings.load(told / name).words
        assert list(found) == [word for word in words if word in found]
        assert read_constrained(told / name) >= set(used)
    assert all(kinds == ["lemma"] for kinds in listed(told / "weak").values())  # λ = 0 touches nothing


def test_the_list_is_a_part_of_the_model(told, tmp_path):
    manifest = json.loads((told / "bound" / "manifest.json").read_text(encoding="utf-8"))
    part = manifest["parts"]["constrained.tsv"]
    assert part["sha256"] == sha256_file(told / "bound" / "constrained.tsv")
    assert verify(told / "bound", "model") == []
    names = {file.name for file in (told / "bound").iterdir()}
    assert set(manifest["parts"]) == names - {"manifest.json", "log.jsonl"}
    assert not (told / "loose" / "constrained.tsv").exists()


def test_constraints_that_touch_nothing_have_an_empty_list(cli, corpus, unimorph, pairs, tmp_path):
    out = tmp_path / "m"
    cli.done(
        *("train", corpus, "-o", out, *FAST, "--unimorph", unimorph, "--parts", "own"),
        *("--constraint", "offset:0"),
    )
    assert listed(out) == {}
    (row, _) = cli.json("evaluate", out, "--similarity", pairs, "--bootstrap", "0")["models"][0]["results"]
    split = row["detail"]["constrained"]
    assert (split["n"], split["without"]["n"], split["without"]["score"]) == (0, 16, row["score"])


def test_the_walk_writes_the_same_list(cli, told, corpus, unimorph, hold_out, tmp_path):
    vocabulary, counts, weighed, out = (tmp_path / name for name in "vcam")
    cli.done("vocab", corpus, "-o", vocabulary, "--min-count", "1")
    cli.done("count", corpus, "--vocab", vocabulary, "-o", counts, *FAST[6:])
    cli.done("weigh", counts, "-o", weighed)
    cli.done(
        *("fit", weighed, "-o", out, *FAST[:4], *FAST[6:], "--unimorph", unimorph, "--hold-out", hold_out),
        *("--parts", "own", "--constraint", "offset", "--constraint", "lemma"),
    )
    for name in ("constrained.tsv", "vectors.safetensors", "manifest.json"):
        assert (out / name).read_bytes() == (told / "bound" / name).read_bytes(), name


def test_words_of_classes_and_edges_are_listed(cli, corpus, tmp_path):
    classes = write(
        tmp_path / "classes.tsv", ["motion\twalk", "motion\tjump", "motion\tnowhere", "alone\tcall"]
    )
    edges = write(tmp_path / "edges.tsv", ["talk\tcall", "talk\tzebra"])
    for option, path, words in (
        ("--classes", classes, {"walk", "jump"}),
        ("--edges", edges, {"talk", "call"}),
    ):
        out = tmp_path / option.strip("-")
        cli.done("train", corpus, "-o", out, *FAST, "--parts", "own", option, path)
        assert listed(out) == {word: ["class"] for word in words}


def test_segmentations_are_listed_where_words_are_made_of_them(cli, corpus, tmp_path):
    cuts = write(tmp_path / "cuts.tsv", [f"{stem}ing\t{stem}|ing" for stem in STEMS])
    out = tmp_path / "m"
    cli.done("train", corpus, "-o", out, *FAST, "--parts", "own,morphemes", "--segments", cuts)
    assert listed(out) == {f"{stem}ing": ["parts"] for stem in STEMS}
    other = tmp_path / "other"
    cli.done("train", corpus, "-o", other, *FAST, "--parts", "own", "--segments", cuts)
    assert not (other / "constrained.tsv").exists()


def test_keys_have_their_language(cli, corpus, unimorph, tmp_path):
    out = tmp_path / "m"
    cli.done(
        *("train", f"eng={corpus}", f"aaa={corpus}", "-o", out, *FAST, "--parts", "own"),
        *("--unimorph", f"eng={unimorph}"),
    )
    assert set(listed(out)) == {f"eng:{form}" for form in FORMS}


def test_a_model_with_a_list_is_replaced_in_one_step(cli, corpus, unimorph, tmp_path):
    out = tmp_path / "m"
    asked = ["train", corpus, "-o", out, *FAST, "--unimorph", unimorph]
    cli.done(*asked)
    cli.refused(*asked)
    cli.done(*asked, "--overwrite", "--constraint", "none", "--parts", "own")
    assert not (out / "constrained.tsv").exists()
    cli.done(*asked, "--overwrite")
    assert (out / "constrained.tsv").exists()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["m"]


# --------------------------------------------------------------------------- what evaluate makes of it


def test_scores_are_given_without_constrained_words(cli, told, model, pairs):
    rows = cli.json("evaluate", told / "bound", "--similarity", pairs, "--bootstrap", "20")
    for row in rows["models"][0]["results"]:
        split = row["detail"]["constrained"]
        assert (row["n"], split["n"], split["without"]["n"]) == (16, 5, 11)
        assert split["words_total"] == 10
        assert set(split["words"]) == {stem + ending for stem in STEMS[:5] for ending in ("", "ed")}
        assert split["low"] <= split["score"] <= split["high"]
    kept = [line for line in pairs.read_text().splitlines() if not line.startswith(tuple(STEMS[:5]))]
    fewer = write(pairs.parent / "fewer.tsv", kept)
    alone = cli.json("evaluate", told / "bound", "--similarity", fewer, "--bootstrap", "20")
    for row, other in zip(rows["models"][0]["results"], alone["models"][0]["results"], strict=True):
        split = row["detail"]["constrained"]["without"]
        assert [split[name] for name in ("score", "low", "high")] == [
            other[name] for name in ("score", "low", "high")
        ]
    plain = cli.json("evaluate", model, "--similarity", pairs, "--bootstrap", "0")
    assert not any("constrained" in row["detail"] for row in plain["models"][0]["results"])


def test_an_unseen_word_that_a_table_told_of_is_constrained(cli, corpus, tmp_path):
    rows = [*table(), "walk\twalkest\tV;PRS;2;SG", "talk\ttalkest\tV;PRS;2;SG", "thing1\tthingses\tN;PL"]
    unimorph, out = write(tmp_path / "t.tsv", rows), tmp_path / "m"
    cli.done("train", corpus, "-o", out, *FAST, "--unimorph", unimorph, "--constraint", "none")
    assert "thing1" not in listed(out)  # its form is not in the text: nothing in training came of that row
    pairs = write(
        tmp_path / "p.tsv", ["walkest\tthing1\t1", "thing2\ttime1\t2", "thing3\ttime2\t4", "time3\twho1\t3"]
    )
    results = cli.json("evaluate", out, "--similarity", pairs, "--unknown", "compose", "--bootstrap", "0")
    (row, _) = results["models"][0]["results"]
    assert (row["n"], row["detail"]["constrained"]["words"]) == (4, ["walkest"])


def test_the_table_tells_of_constrained_items(cli, told, pairs):
    asked = ["evaluate", told / "bound", "--similarity", pairs, "--bootstrap", "0"]
    lines = cli.done(*asked).splitlines()
    note = f"{told / 'bound'}, similarity pairs.tsv (skip): 5 of 16 items touch constrained words"
    assert note in lines
    assert not any("without constrained" in line for line in lines)
    split = cli.done(*asked, "--apart").splitlines()
    assert [line.split("  ")[2] for line in split[1:4]] == [
        "spearman",
        "spearman, constrained",
        "spearman, without constrained",
    ]
    assert " 11/16" in split[3]
    assert f"- {note}" in cli.done(*asked, "--markdown").splitlines()


def test_the_python_door_takes_the_folder_or_the_words(told, pairs):
    model = Embeddings.load(told / "bound")
    by_folder = evaluate(model, similarity=[pairs], constrained=told / "bound", bootstrap=0)
    by_words = evaluate(model, similarity=[pairs], constrained=list(listed(told / "bound")), bootstrap=0)
    assert by_folder == by_words
    assert by_folder[0].detail["constrained"]["n"] == 5


def test_a_folder_of_an_older_release_still_loads(cli, told, pairs, tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    for file in (told / "bound").iterdir():
        if file.name not in ("manifest.json", "constrained.tsv"):
            (old / file.name).write_bytes(file.read_bytes())
    manifest = json.loads((told / "bound" / "manifest.json").read_text(encoding="utf-8"))
    del manifest["parts"]["constrained.tsv"]
    (old / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    code, out, err = cli("evaluate", old, "--similarity", pairs, "--bootstrap", "0", "--quiet")
    assert code == 0
    assert "touch constrained words" not in out
    assert "does not list the words of its constraints" in err
    code, _, err = cli("evaluate", told / "bound", "--similarity", pairs, "--bootstrap", "0", "--quiet")
    assert (code, err) == (0, "")


def test_a_damaged_list_is_refused(cli, told, pairs, tmp_path):
    bad = tmp_path / "bad"
    bad.mkdir()
    for file in (told / "bound").iterdir():
        (bad / file.name).write_bytes(file.read_bytes())
    size = (bad / "constrained.tsv").stat().st_size
    for text in (b"\xff" * size, b"\n" * size, b"walk\n"):
        (bad / "constrained.tsv").write_bytes(text)
        value, _, _ = cli.refused("evaluate", bad, "--similarity", pairs)
        assert str(bad) in value


# --------------------------------------------------------------------------- bands, seeds, folders


def test_bands_are_rows_where_asked_for(cli, models, pairs):
    rows = cli.json("evaluate", models[0], "--similarity", pairs, "--bootstrap", "10")["models"][0]["results"]
    words = Embeddings.load(models[0])
    counts = [
        min(words.count(word) for word in line.split("\t")[:2]) for line in pairs.read_text().splitlines()
    ]
    few, many = sum(count < 10 for count in counts), sum(10 <= count < 100 for count in counts)
    expected = {name: n for name, n in (("<10", few), ("10-99", many)) if n}
    assert {name: band["n"] for name, band in rows[0]["detail"]["bands"].items()} == expected
    asked = ["evaluate", *models, "--similarity", pairs, "--bootstrap", "0"]
    assert "count" not in cli.done(*asked)
    for more in ([], ["--markdown"]):
        out = cli.done(*asked, "--bands", *more)
        assert out.count("spearman, count 10-99") == out.count("pearson, count 10-99") == 2


def test_several_seeds_are_summarised(cli, models, pairs):
    asked = ["evaluate", *models, "--similarity", pairs, "--bootstrap", "0"]
    told = cli.json(*asked, "--summarise")
    assert list(told) == ["models", "summary"]
    assert cli.json(*asked) == {"models": told["models"]}
    assert [(row["metric"], row["unknown"]) for row in told["summary"]] == [
        ("spearman", "skip"),
        ("pearson", "skip"),
        ("spearman", "compose"),
        ("pearson", "compose"),
    ]
    for number, row in enumerate(told["summary"]):
        one, two = (entry["results"][number]["score"] for entry in told["models"])
        assert list(row) == [
            *("task", "dataset", "metric", "unknown", "mean", "sd", "low", "high", "models", "n")
        ]
        assert row["mean"] == pytest.approx((one + two) / 2)
        assert row["sd"] == pytest.approx(abs(one - two) / 2**0.5)
        assert (row["models"], row["n"]) == (2, 16)
    lines = cli.done(*asked, "--summarise").splitlines()
    assert lines[0].split()[-4:] == ["mean", "sd", "models", "n"]
    first = told["summary"][0]
    assert lines[1].split()[-4:] == [f"{first['mean']:.3f}", f"{first['sd']:.3f}", "2", "16"]
    value, rule, _ = cli.refused("evaluate", models[0], "--similarity", pairs, "--summarise")
    assert (value, rule) == ("--summarise with 1 model", "a spread needs at least two")


def test_a_folder_of_relations(cli, model, tmp_path):
    folder = tmp_path / "BATS"
    (folder / "1_inflection").mkdir(parents=True)
    (folder / "2_other").mkdir()
    write(folder / "1_inflection" / "I01 [past].txt", [f"{stem}\t{stem}ed/{stem}t" for stem in STEMS])
    write(folder / "2_other" / "D01 [time].txt", [f"time{n} who{n}" for n in range(4)])
    rows = cli.json("evaluate", model, "--pairs", folder, "--bootstrap", "0")["models"][0]["results"]
    assert [(row["dataset"], row["metric"], row["total"]) for row in rows] == [
        ("BATS", "I01 [past]", 56),
        ("BATS", "D01 [time]", 12),
        ("BATS", "all", 68),
    ]
    write(folder / "2_other" / "D02.txt", ["a\tb", "one two three"])
    value, _, _ = cli.refused("evaluate", model, "--pairs", folder)
    assert value.startswith(f"{folder / '2_other' / 'D02.txt'}, line 2: ")
    (tmp_path / "empty").mkdir()
    value, _, _ = cli.refused("evaluate", model, "--pairs", tmp_path / "empty")
    assert "no .txt files" in value
