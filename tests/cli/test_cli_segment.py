"""segment train and segment apply: files, JSON, stdin, refusals."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest
from cli_helpers import process, write

MODEL = ["# by hand", "9 walk + ed", "9 talk + s", "3 un + kind"]


@pytest.fixture
def morphs(tmp_path):
    return write(tmp_path / "morphs.txt", MODEL)


def pipe(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


def test_apply_prints_what_segments_reads(cli, morphs, tmp_path):
    from morphvec.morphology import read_segmentation

    out = cli.done("segment", "apply", morphs, "Walked", "unwalks", "xyz")
    assert out == "Walked\twalk|ed\nunwalks\tun|walk|s\nxyz\txyz\n"
    (tmp_path / "cut.tsv").write_text(out)
    assert read_segmentation(tmp_path / "cut.tsv").morphemes[1] == ("un", "walk", "s")


def test_apply_as_json(cli, morphs):
    assert cli.json("segment", "apply", morphs, "walks", "Walks", "walks") == {
        "words": [
            {"word": "walks", "morphemes": ["walk", "s"]},
            {"word": "Walks", "morphemes": ["walk", "s"]},
            {"word": "walks", "morphemes": ["walk", "s"]},
        ]
    }


def test_case_is_kept_on_request_and_folded_by_language(cli, tmp_path):
    model = write(tmp_path / "m.txt", ["5 ırmak + lar", "2 I"])
    assert cli.done("segment", "apply", f"tur={model}", "IRMAKLAR") == "IRMAKLAR\tırmak|lar\n"
    assert cli.done("segment", "apply", model, "I", "--case", "keep") == "I\tI\n"
    assert cli.done("segment", "apply", model, "I") == "I\ti\n"


@pytest.mark.parametrize("words", [(), ("-",)])
def test_words_come_from_stdin(cli, morphs, monkeypatch, words):
    pipe(monkeypatch, b"walked talks\n\n kind\n")
    assert cli.done("segment", "apply", morphs, *words) == "walked\twalk|ed\ntalks\ttalk|s\nkind\tkind\n"


def test_words_stand_before_and_behind_those_of_stdin(cli, morphs, monkeypatch):
    pipe(monkeypatch, b"walked")
    out = cli.json("segment", "apply", morphs, "kind", "-", "talk")
    assert [item["word"] for item in out["words"]] == ["kind", "walked", "talk"]


def test_no_words_at_all_is_no_error(cli, morphs, monkeypatch):
    pipe(monkeypatch, b"\n")
    assert cli.json("segment", "apply", morphs) == {"words": []}


def test_a_process_of_its_own(morphs):
    done = process("segment", "apply", morphs, input="walked\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "walked\twalk|ed\n", "")


def test_refusals_of_apply(cli, tmp_path, morphs, monkeypatch):
    value, _, _ = cli.refused("segment", "apply", tmp_path / "none.txt", "a")
    assert "none.txt cannot be read" in value
    value, rule, _ = cli.refused("segment", "apply", write(tmp_path / "bad.txt", ["walk"]), "a")
    assert value.endswith("bad.txt, line 1: 'walk'")
    assert "count morph + morph" in rule
    (tmp_path / "model.bin").write_bytes(b"\x80\x04\x95")
    value, rule, _ = cli.refused("segment", "apply", tmp_path / "model.bin", "a")
    assert value.endswith("is a pickled model")
    cli.refused("segment", "apply", morphs, "a", "--case", "upper")
    pipe(monkeypatch, b"walked\xff")
    assert cli.refused("segment", "apply", morphs)[0] == "stdin, byte 7: 0xFF"


def test_train_without_the_library_names_the_extra(cli, corpus, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "morfessor", None)
    value, _, mend = cli.refused("segment", "train", corpus, "-o", tmp_path / "m.txt", "--quiet")
    assert value == "the package morfessor is not installed"
    assert mend == "run: pip install 'morphvec[morfessor]'"
    assert not (tmp_path / "m.txt").exists()


def test_train_refuses_a_place_before_it_works(cli, corpus, tmp_path, morphs):
    assert "exists" in cli.refused("segment", "train", corpus, "-o", morphs)[0]
    assert "is a folder" in cli.refused("segment", "train", corpus, "-o", tmp_path, "--overwrite")[0]
    assert "does not exist" in cli.refused("segment", "train", corpus, "-o", tmp_path / "no" / "m.txt")[0]
    assert morphs.read_text().splitlines() == MODEL


def test_train_learns_the_endings_of_a_corpus(cli, corpus, tmp_path):
    pytest.importorskip("morfessor")
    model = tmp_path / "m.txt"
    document = cli.json("segment", "train", corpus, "-o", model, "--min-count", 1, "--quiet")
    assert document["model"] == str(model)
    assert document["words"] == len(model.read_text().splitlines()) > 30
    out = cli.json("segment", "apply", model, "walking", "pushing")
    assert [item["morphemes"] for item in out["words"]] == [["walk", "ing"], ["push", "ing"]]
    before = model.read_bytes()
    cli.done("segment", "train", corpus, "-o", model, "--min-count", 1, "--overwrite", "--quiet")
    assert model.read_bytes() == before


def test_train_wants_one_language(cli, corpus, tmp_path):
    pytest.importorskip("morfessor")
    languages = [f"eng={corpus}", f"deu={corpus}"]
    value, _, _ = cli.refused(
        "segment", "train", *languages, "-o", tmp_path / "m.txt", "--min-count", 1, "--quiet"
    )
    assert value == "a corpus of the languages deu, eng"
    out = cli.json("segment", "train", languages[0], "-o", tmp_path / "m.txt", "--min-count", 1, "--quiet")
    assert out["words"] > 30


def test_every_option_has_a_sentence(cli):
    for command in ("train", "apply"):
        assert f"morphvec segment {command}" in cli.done("segment", command, "--help")
    assert "train" in cli.done("segment", "--help")
