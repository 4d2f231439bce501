"""import and export of other tools' files: what is said, what is refused, and what the model can do afterwards."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from cli_helpers import write

from morphvec import load
from naive_formats import WORDS, word2vec_binary
from naive_formats import fasttext as made

VECTORS = np.array([[1, 0], [0.6, 0.8], [-1, 0.5]], np.float32)


@pytest.fixture
def trained(tmp_path):
    """A fastText model and its file."""
    naive = made()
    (tmp_path / "ft.bin").write_bytes(naive.to_bytes())
    return naive, tmp_path / "ft.bin"


@pytest.mark.parametrize("to", ["word2vec", "word2vec-bin", "glove", "fasttext-vec"])
@pytest.mark.parametrize("named", [True, False])
def test_out_and_in_again_keeps_every_bit(cli, model, tmp_path, to, named):
    opened = load(model)
    file, back = tmp_path / "vectors", tmp_path / "back"
    code, out, err = cli("export", model, "--to", to, "-o", file)
    assert (code, out) == (0, f"{file}: {len(opened)} words, dim 8\n")
    assert err.startswith(f"write vectors: {len(opened)} words, ")
    assert (
        err.partition("\n")[2]
        == f"{to} does not carry: what unseen words are composed from (ngrams), counts, feature vectors, "
        "how queries are folded\n"
    )
    for place in (file, write_packed(tmp_path / "vectors.gz", file.read_bytes())):
        code, out, err = cli("import", place, "-o", back, *(["--from", to] if named else []), "--overwrite")
        assert (code, out) == (0, f"{back}: {len(opened)} words, dim 8\n")
        assert err.startswith(f"read {place.name}: ")
        assert err.endswith(f" · {to.replace('fasttext-vec', 'word2vec')}\n")
        found = load(back)
        assert found.words == opened.words
        assert found.vectors.tobytes() == opened.vectors.tobytes()
        assert not found.composes
    assert cli("export", back, "--to", to, "-o", tmp_path / "twice")[2].count("\n") == 1  # nothing to lose
    assert (tmp_path / "twice").read_bytes() == file.read_bytes()


def write_packed(path, data):
    path.write_bytes(gzip.compress(data))
    return path


def test_a_fasttext_model_is_asked_about_unseen_words(cli, trained, tmp_path):
    naive, file = trained
    code, out, err = cli("import", file, "-o", tmp_path / "m", "--json")
    assert (code, out) == (0, f'{{"model": "{tmp_path / "m"}", "words": {len(WORDS)}, "dim": 5}}\n')
    size = f"{trained[1].stat().st_size:.0f} bytes"
    assert err.splitlines()[0].startswith(f"read ft.bin: {size}, ")
    assert err.splitlines()[0].endswith("s · fasttext")
    known, unseen = (cli.json("vector", tmp_path / "m", word) for word in ("walked", "walkings"))
    assert (known["known"], unseen["known"]) == (True, False)
    assert known["vector"] == naive.vector(b"walked").tolist()
    assert unseen["vector"] == naive.vector(b"walkings").tolist()
    (query,) = cli.json("neighbors", tmp_path / "m", "walkings", "-n", "2")["queries"]
    assert query["parts"][:3] == ["<wa", "<wal", "<walk"]
    assert len(query["neighbors"]) == 2
    (query,) = cli.json("neighbors", tmp_path / "m", "walk")["queries"]
    assert query["count"] == naive.counts[WORDS.index(b"walk")]
    assert cli.json("doctor", tmp_path / "m")["model"]["ok"]


def test_a_fasttext_model_is_scored_with_composed_words(cli, trained, tmp_path):
    cli.done("import", trained[1], "-o", tmp_path / "m")
    pairs = write(tmp_path / "s.tsv", ["the\twalk\t1", "walk\twalked\t9", "the\ta\t3", "walks\twalking\t8"])
    asked = ("evaluate", tmp_path / "m", "--similarity", pairs, "--bootstrap", "0")
    rows = cli.json(*asked, "--unknown", "compose")["models"][0]["results"]
    assert {(row["unknown"], row["n"], row["total"]) for row in rows} == {("compose", 4, 4)}
    by_rule = {row["unknown"]: row["n"] for row in cli.json(*asked)["models"][0]["results"]}
    assert by_rule == {"skip": 3, "compose": 4}


def test_the_manifest_says_where_vectors_come_from(cli, trained, tmp_path):
    cli.done("import", trained[1], "-o", tmp_path / "m")
    manifest = load(tmp_path / "m").manifest
    assert (manifest["method"], manifest["source"]["format"]) == ("imported", "fasttext")
    assert manifest["source"]["arguments"]["maxn"] == 6
    assert [entry["name"] for entry in manifest["inputs"]] == ["ft.bin"]
    assert manifest["buckets"] == {"shortest": 3, "longest": 6}


def test_one_line_of_refusal_and_nothing_left(cli, trained, tmp_path):
    binary = word2vec_binary([b"a", b"b", b"a\xff"], VECTORS)
    files = {
        "cut.bin": trained[1].read_bytes()[:-3],
        "cut.w2v": binary[:-3],
        "more.w2v": binary + b"x y z",
        "latin.w2v": binary,
        "q.ftz": made(quantized=True).to_bytes(),
        "sup.bin": made(model=3).to_bytes(),
        "huge.bin": b"99999999999 300\na \0\1\2\3",
        "nan.bin": word2vec_binary([b"a"], [[np.nan]]),
        "v.kv": b"\x80\x04\x95\x10\x00\x00\x00gensim.models",
        "v.npy": b"\x93NUMPY\x01\x00",
        "garbage": bytes(range(256)),
        "cut.gz": gzip.compress(binary)[:-9],
        "empty": b"",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    for name in files:
        value, _, mend = cli.refused("import", tmp_path / name, "-o", tmp_path / "m")
        assert name in value
        assert mend
    cli.refused("import", tmp_path / "latin.w2v", "-o", tmp_path / "m", "--from", "fasttext")
    cli.refused("import", tmp_path / "latin.w2v", "-o", tmp_path / "m", "--from", "zip")
    cli.refused("import", tmp_path / "latin.w2v", "-o", tmp_path / "m", "--errors", "ignore")
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([*files, "ft.bin"])
    _, _, err = cli("import", tmp_path / "latin.w2v", "-o", tmp_path / "m", "--errors", "replace")
    assert err.splitlines()[1] == "latin.w2v: 1 words are not UTF-8 and hold U+FFFD now"
    assert load(tmp_path / "m").words == ("a", "b", "a\ufffd")


def test_the_place_is_checked_before_the_file_is_read(cli, tmp_path):
    value, _, _ = cli.refused("import", tmp_path / "nowhere.bin", "-o", tmp_path / "no" / "where")
    assert value.endswith("does not exist")
    assert "nowhere.bin" not in value


def test_a_refused_file_leaves_the_model_that_was_to_be_replaced(cli, trained, tmp_path):
    cli.done("import", trained[1], "-o", tmp_path / "m")
    (tmp_path / "bad").write_bytes(trained[1].read_bytes()[:-1])
    cli.refused("import", tmp_path / "bad", "-o", tmp_path / "m", "--overwrite")
    assert load(tmp_path / "m").vector_for("walkings").tolist() == trained[0].vector(b"walkings").tolist()


def test_what_a_format_cannot_carry_is_refused(cli, tmp_path):
    (tmp_path / "v").write_bytes(b"the 1 2\n. . . 3 4\n")
    cli.done("import", tmp_path / "v", "-o", tmp_path / "m")
    for to in ("word2vec", "word2vec-bin", "glove", "fasttext-vec"):
        value, _, _ = cli.refused("export", tmp_path / "m", "--to", to, "-o", tmp_path / "out")
        assert value == "the word '. . .'"
    cli.refused("export", tmp_path / "m", "--to", "zip", "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_export_says_how_far_it_is(cli, model, tmp_path, monkeypatch):
    monkeypatch.setattr("morphvec.report._PLAIN_INTERVAL", 0.0)
    monkeypatch.setattr("morphvec.embeddings.formats.writing._TOLD", 10)
    for format_ in ("word2vec", "word2vec-bin", "glove", "projector", "parquet"):
        code, _, err = cli("export", model, "--to", format_, "-o", tmp_path / format_)
        assert code == 0
        told = [line for line in err.splitlines() if line.startswith(f"write {format_}: ")]
        assert f"write {format_}: 56 words, " in told[-1], told
        assert (len(told) > 4) == (format_ != "parquet")
