"""Real text and real tables, end to end. Needs the folder that MORPHVEC_DATA names."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from morphvec.cli.main import execute

DATA = os.environ.get("MORPHVEC_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="MORPHVEC_DATA is not set: the real texts are not here")


@pytest.fixture
def data():
    return Path(str(DATA))


@pytest.fixture
def told(capsys):
    def run(*arguments):
        capsys.readouterr()
        assert execute([*map(str, arguments), "--quiet", "--json"]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return run


def test_verse_ids_align_spanish_and_portuguese(told, data, tmp_path):
    texts = [f"{language}={data}/bible/{language}.txt.gz" for language in ("spa", "por")]
    out = tmp_path / "m"
    told(
        *("train", *texts, "-o", out, "--format", "tsv", "--features", "ids", "--tokenizer", "letters"),
        *("--min-count", "8", "--parts", "own", "--dim", "50"),
    )
    asked = ["--bli", "spa", "por", data / "bli" / "muse_es-pt.tsv.gz", "--bootstrap", "0"]
    rows = told("evaluate", out, *asked)["models"][0]["results"]
    (best,) = [row["score"] for row in rows if row["metric"] == "csls p@1"]
    assert best >= 0.86  # a floor under what is measured, so that a loss is seen


def test_finnish_with_its_table_gives_unseen_forms_a_vector(told, data, tmp_path, capsys):
    text = tmp_path / "fin.txt"
    with gzip.open(data / "bible" / "fin.txt.gz", "rt", encoding="utf-8") as verses:
        text.write_text("".join(line.partition("\t")[2] for line in verses), encoding="utf-8")
    table = tmp_path / "fin.tsv"
    with gzip.open(data / "unimorph" / "fin.tsv.gz", "rt", encoding="utf-8") as rows:
        table.write_text("".join(row for row in rows if row.startswith("k")), encoding="utf-8")  # a fifth
    out = tmp_path / "m"
    small = ["--dim", "32", "--epochs", "3"]
    made = told("train", text, "-o", out, "--unimorph", table, *small)
    assert made["objective"]["classes"]["offset"] > 0
    assert made["words"] > 10_000
    known = {line.split("\t")[0] for line in (out / "vocab.tsv").read_text(encoding="utf-8").splitlines()}
    unseen = "kuninkaallensa"  # "to his king"
    assert unseen not in known
    assert execute(["doctor", str(out)]) == 0
    capsys.readouterr()
    assert execute(["neighbors", str(out), unseen, "--json", "-n", "10"]) == 0
    (query,) = json.loads(capsys.readouterr().out)["queries"]
    assert not query["known"]
    assert query["parts"]
    assert any(near["word"].startswith("kuninka") for near in query["neighbors"])
