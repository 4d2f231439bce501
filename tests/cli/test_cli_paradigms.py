"""``evaluate --paradigms`` and ``compare --paradigms``: what is printed, and what is refused."""

from __future__ import annotations

import pytest
from cli_helpers import FAST, STEMS, table, write

METRICS = [
    *(
        f"{answer}{measure}"
        for answer in ("", "lemma ", "mean-offset ")
        for measure in ("mrr", "p@1", "p@10")
    ),
    "compactness",
    "identity p@1",
    "chance",
]


@pytest.fixture
def lemmas(tmp_path):
    return write(tmp_path / "lemmas.txt", STEMS[:3])


def test_paradigms_as_json(cli, models, unimorph, lemmas):
    told = cli.json("evaluate", *models, "--paradigms", unimorph, "--bootstrap", "20")
    for model in told["models"]:
        assert [row["metric"] for row in model["results"]] == METRICS
        assert [row["task"] for row in model["results"]] == ["paradigms"] * 9 + ["classes"] * 3
        for row in model["results"]:
            assert row["dataset"] == "eng.tsv"
            assert row["low"] <= row["score"] <= row["high"]
        first = model["results"][0]
        assert (first["n"], first["total"], first["detail"]["lemmas"]) == (24, 24, 8)
        assert list(model["results"][9]["detail"]["classes"]) == ["V;3;PRS;SG", "V;PST", "V;PRS;V.PTCP"]
    few = cli.json(
        "evaluate", models[0], "--paradigms", unimorph, "--paradigm-lemmas", lemmas, "--bootstrap", "0"
    )
    rows = few["models"][0]["results"]
    assert [(row["n"], row["total"]) for row in rows[:9]] == [(9, 9)] * 9
    assert rows[9]["n"] == 3  # classes are those of the whole table


def test_paradigms_for_people(cli, models, unimorph):
    out = cli.done("evaluate", models[0], "--paradigms", unimorph, "--bootstrap", "20")
    lines = out.splitlines()
    assert [line.split("skip")[0].split(maxsplit=2)[2].strip() for line in lines[1:13]] == METRICS
    assert any(line.startswith(f"{models[0]}, classes eng.tsv: ") for line in lines)
    markdown = cli.done("evaluate", *models, "--paradigms", unimorph, "--markdown", "--bootstrap", "0")
    assert markdown.count("| paradigms | eng.tsv |") == 9
    assert markdown.count("| classes | eng.tsv |") == 3


def test_two_models_on_the_same_questions(cli, models, unimorph, lemmas):
    told = cli.json(
        "compare", *models, "--paradigms", unimorph, "--paradigm-lemmas", lemmas, "--bootstrap", "20"
    )
    assert [row["metric"] for row in told["results"]] == METRICS
    assert [row["n"] for row in told["results"]] == [9] * 9 + [3] * 3
    for row in told["results"]:
        assert row["difference"] == row["a"] - row["b"]
        assert row["low"] <= row["difference"] <= row["high"]
    lines = cli.done("compare", *models, "--paradigms", unimorph, "--bootstrap", "20").splitlines()
    assert lines[0].startswith("paradigms eng.tsv mrr (skip): ")


def test_a_table_of_one_language_of_several(cli, corpus, unimorph, tmp_path):
    out = tmp_path / "model"
    cli.done("train", f"eng={corpus}", f"aaa={corpus}", "-o", out, *FAST)
    asked = ["--paradigms", f"eng={unimorph}", "--paradigms", f"aaa={unimorph}", "--bootstrap", "0"]
    rows = cli.json("evaluate", out, *asked)["models"][0]["results"]
    assert [row["detail"]["language"] for row in rows] == ["eng"] * 12 + ["aaa"] * 12
    assert rows[0]["detail"]["candidates"] == rows[12]["detail"]["candidates"]
    value, _, mend = cli.refused("evaluate", out, "--paradigms", unimorph)
    assert value.startswith("paradigms ")
    assert "LANG=PATH" in mend
    said = cli.json("evaluate", out, "--paradigms", unimorph, "--language", "eng", "--bootstrap", "0")
    assert said["models"][0]["results"][0]["score"] == rows[0]["score"]
    value, rule, _ = cli.refused("evaluate", out, "--paradigms", f"fin={unimorph}")
    assert value == "language 'fin'"
    assert rule == "the model has aaa, eng"


def test_what_is_refused(cli, model, unimorph, lemmas, tmp_path):
    empty = write(tmp_path / "empty.tsv", [])
    strange = write(tmp_path / "strange.tsv", ["omena\tomenat\tN;PL"])
    torn = write(tmp_path / "torn.tsv", [*table(), "walk\twalked"])
    none = write(tmp_path / "none.txt", ["omena"])
    for wrong, said in (
        (["--paradigms", empty], "has no rows"),
        (["--paradigms", strange], "none of its words"),
        (["--paradigms", torn], "line 25"),
        (["--paradigms", tmp_path / "nowhere.tsv"], "nowhere.tsv"),
        (["--paradigms", f"eng={unimorph}"], "language 'eng'"),
        (["--paradigms", unimorph, "--paradigm-lemmas", none], "a list of lemmas (1)"),
        (["--paradigms", unimorph, "--paradigm-lemmas", empty], "has no rows"),
        (["--paradigm-lemmas", lemmas], "lemmas (3) and no table"),
    ):
        value, _, _ = cli.refused("evaluate", model, *wrong)
        assert said in value
        value, _, _ = cli.refused("compare", model, model, *wrong)
        assert said in value
