"""``morphvec align``: two folders in, one folder out, a report, refusals in one line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cli_helpers import files, write

from morphvec.cli import align
from morphvec.embeddings.embeddings import Embeddings
from morphvec.text.tokenize import Tokenizer

COUNT, DIM = 150, 10


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Two model folders and a dictionary: the same concepts, turned; the first 40 words are spelled alike."""
    folder, generator = tmp_path_factory.mktemp("sides"), np.random.default_rng(0)
    concepts = generator.standard_normal((COUNT, DIM))
    turn = np.linalg.qr(generator.standard_normal((DIM, DIM)))[0]
    words = [[f"name{i}" if i < 40 else f"{mark}{i}" for i in range(COUNT)] for mark in "st"]
    other = concepts @ turn + 0.05 * generator.standard_normal((COUNT, DIM))
    for name, keys, vectors in zip(("a", "b"), words, (concepts, other), strict=True):
        counts = np.arange(COUNT, 0, -1)
        Embeddings(keys, vectors, counts=counts, tokenizer=Tokenizer()).save(folder / name)
    write(folder / "d.tsv", ("\t".join(pair) for pair in zip(*words, strict=True)))
    return folder


@pytest.fixture
def command(sides):
    return ["align", sides / "a", sides / "b", "--languages", "spa", "por"]


def test_a_dictionary_makes_a_joint_model(cli, command, sides, tmp_path):
    out = tmp_path / "joint"
    made = cli.json(*command, "-o", out, "--dict", sides / "d.tsv", "--held-out", "0.2", "--quiet")
    assert (made["model"], made["words"], made["dim"]) == (str(out), 2 * COUNT, DIM)
    assert made["languages"] == ["spa", "por"]
    assert made["dictionary"] == {"name": "d.tsv", "pairs": COUNT, "known": COUNT, "used": 120}
    assert (made["pairs"], made["identical"], made["open_directions"]) == (120, None, 0)
    assert made["mean_cosine"]["before"] < 0.5
    assert made["mean_cosine"]["after"] > 0.98
    assert all(item["mutual"] == COUNT for item in made["refinements"])
    assert made["held_out"]["words"] == 30
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["vectors_sha256"] == made["vectors_sha256"]
    assert manifest["languages"] == ["spa", "por"]
    assert [item["name"] for item in manifest["inputs"]] == ["a/manifest.json", "b/manifest.json", "d.tsv"]
    assert cli.done("doctor", out)
    asked = ("evaluate", out, "--bli", "spa", "por", sides / "d.tsv", "--bootstrap", "0", "--quiet")
    rows = cli.json(*asked)["models"][0]["results"]
    assert {row["metric"]: row["score"] for row in rows}["csls p@1 not spelled alike"] == 1
    (query,) = cli.json("neighbors", out, "spa:s90", "--language", "por", "-n", "1")["queries"]
    assert query["neighbors"][0]["word"] == "por:t90"


def test_words_spelled_alike_do_and_the_report_is_readable(cli, command, tmp_path):
    code, out, err = cli(*command, "-o", tmp_path / "m", "--identical", "--refine", "2")
    assert code == 0, err
    assert "300 words of spa and por, dim 10" in out
    assert "40: 40 spelled alike" in out
    assert "mutual pairs 150, 150 (2 rounds)" in out
    assert "mutual pairs" in err  # the progress of the refinement


def test_of_many_rounds_the_report_tells_the_first_and_the_last():
    rounds = [{"mutual": count} for count in (1000, 1200, 1300, 1301, 1302, 1299)]
    means = {"before": 0.1, "mapped": 0.5, "after": 0.6}
    document = dict.fromkeys(("dictionary", "held_out")) | {
        "identical": 40,
        "pairs": 40,
        "open_directions": 0,
    }
    document |= {"model": "m", "words": 2, "dim": 3, "languages": ["a", "b"], "mean_cosine": means}
    told = align._said({**document, "refinements": rounds})
    assert "mutual pairs 1,000, 1,200, 1,300, …, 1,299 (6 rounds)" in told
    assert "mutual pairs 1,000, 1,200, 1,300, 1,301, 1,302 (5 rounds)" in align._said(
        {**document, "refinements": rounds[:5]}
    )


def test_the_report_gives_held_out_words_by_p_at_1(cli, command, sides, tmp_path):
    out = cli.done(*command, "-o", tmp_path / "m", "--dict", sides / "d.tsv", "--held-out", "0.2")
    assert "120: 120 of the 150 in d.tsv" in out
    told = [line.split("  ")[1] for line in out.partition("held out     30 words")[2].splitlines()[1:]]
    names = [f"{way} p@1{more}" for more in ("", " not spelled alike") for way in ("cosine", "csls")]
    assert told == names


def test_threads_change_no_byte(cli, command, tmp_path):
    for threads in ("1", "3"):
        cli.done(*command, "-o", tmp_path / threads, "--identical", "--threads", threads)
    assert files(tmp_path / "1") == files(tmp_path / "3")


def test_parts_are_left_out_and_that_is_said(cli, models, tmp_path):
    one, other = models
    languages = ("--languages", "a", "b")
    code, _, err = cli("align", one, other, "-o", tmp_path / "m", "--identical", *languages)
    assert code == 0
    assert "parts of unseen words are not carried" in err
    assert not Embeddings.load(tmp_path / "m").composes


def test_refusals(cli, command, sides, model, tmp_path):
    out = tmp_path / "m"
    assert cli.refused(*command, "-o", out)[0] == "no pairs of words"
    assert cli.refused(*command, "-o", out, "--identical", "--preprocess", "unit,square")[2]
    assert "dim 10 and dim 8" in cli.refused("align", sides / "a", model, "-o", out, "--identical")[0]
    assert "bare words" in cli.refused("align", sides / "a", sides / "b", "-o", out, "--identical")[0]
    assert (
        "spa on both" in cli.refused(*command[:3], "--languages", "spa", "spa", "-o", out, "--identical")[0]
    )
    assert "no such file" in cli.refused(*command, "-o", out, "--dict", tmp_path / "none.tsv")[1]
    assert cli.refused(*command, "-o", out, "--identical", "--threads", "0")[0] == "threads=0"
    assert not out.exists()
    cli.done(*command, "-o", out, "--identical")
    before = files(out)
    assert "--overwrite" in cli.refused(*command, "-o", out, "--identical")[2]
    assert files(out) == before
    cli.done(*command, "-o", out, "--identical", "--overwrite")
