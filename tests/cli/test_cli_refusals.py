"""What is refused: one line that names the value, the rule and the mend; exit code 2; nothing lost."""

from __future__ import annotations

import gzip
import json
import shutil

import pytest
from cli_helpers import FAST, STEMS, files, refusal, sentences, write

from morphvec.pipeline import FitStage, WeighStage

BAD_TEXT = {
    "one word": (b"word\n", "1 of 1 words"),
    "zeros": (bytes(range(256)) * 50, "line 1, byte 0: 0x00"),
    "an executable": (b"\x7fELF\x02\x01\x01" + bytes(100), "line 1, byte 7: 0x00"),
    "no UTF-8": (b"good line\nbad \xff here\n", "line 2, byte 14: 0xFF"),
    "a cut sequence": ("two\nœ".encode()[:-1], "line 2"),
    "a token of 1 MB": (b"one two " + b"x" * 1_000_001 + b" three\n", "line 1, byte 8"),
}


def left_alone(folder, before):
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize("kind", list(BAD_TEXT))
def test_text_that_cannot_be_used(cli, tmp_path, kind):
    data, named = BAD_TEXT[kind]
    (tmp_path / "bad.txt").write_bytes(data)
    value, _, _ = cli.refused("train", tmp_path / "bad.txt", "-o", tmp_path / "m", *FAST, "--quiet")
    assert named in value
    assert "bad.txt" in value or kind == "one word"
    left_alone(tmp_path, ["bad.txt"])


@pytest.mark.parametrize("data", [b"", b"\n \n\n", b".,;\n"])
def test_text_without_words(cli, tmp_path, data):
    (tmp_path / "bad.txt").write_bytes(data)
    code, out, err = cli("train", tmp_path / "bad.txt", "-o", tmp_path / "m", "--quiet")
    errors = [line for line in err.splitlines() if not line.startswith("morphvec: warning: ")]
    assert (code, out, len(errors)) == (2, "", 1)
    assert errors[0].startswith("morphvec: error: bad.txt: 0 tokens; ")
    left_alone(tmp_path, ["bad.txt"])


def test_a_corpus_that_is_not_there_or_cannot_be_unpacked(cli, corpus, tmp_path):
    (tmp_path / "torn.gz").write_bytes(gzip.compress(corpus.read_bytes())[:-20])
    (tmp_path / "other.xz").write_bytes(b"no xz at all")
    (tmp_path / "folder").mkdir()
    for text in ("nowhere", "torn.gz", "other.xz", "folder"):
        value, _, _ = cli.refused("train", tmp_path / text, "-o", tmp_path / "m", *FAST, "--quiet")
        assert text in value
    cli.refused("train", f"eng={corpus}", corpus, "-o", tmp_path / "m", *FAST, "--quiet")
    left_alone(tmp_path, ["folder", "other.xz", "torn.gz"])


def test_replacing_is_the_mend_for_text_that_is_not_utf8(cli, tmp_path):
    (tmp_path / "bad.txt").write_bytes("\n".join(sentences()).encode() + b"\nbad \xff here\n")
    cli.done("train", tmp_path / "bad.txt", "-o", tmp_path / "m", *FAST, "--errors", "replace")


TABLES = {
    "--unimorph": {
        "no row of ours": b"foo\tfoos\tN;PL\n",
        "one column": b"foo bar\n",
        "no UTF-8": b"walk\twalked\tV;PST\na\tb\xff\tc\n",
        "empty": b"",
        "binary": bytes(300),
    },
    "--affixes": {"no affix": b"foo bar\n", "empty": b"", "binary": bytes(300), "no UTF-8": b"-\xff\n"},
    "--classes": {
        "one column": b"foo\n",
        "empty": b"",
        "binary": bytes(300),
        "no word of ours": b"a\tfoo\na\tbar\n",
    },
    "--edges": {
        "one column": b"foo\n",
        "empty": b"",
        "a weight that is none": b"walk\ttalk\theavy\n",
        "a weight below 0": b"walk\ttalk\t-1\n",
        "no word of ours": b"foo\tbar\n",
    },
}


@pytest.mark.parametrize(("option", "kind"), [(option, kind) for option in TABLES for kind in TABLES[option]])
def test_tables_that_cannot_be_used(cli, corpus, tmp_path, option, kind):
    (tmp_path / "table").write_bytes(TABLES[option][kind])
    value, _, _ = cli.refused(
        "train", corpus, "-o", tmp_path / "m", *FAST, option, tmp_path / "table", "--quiet"
    )
    assert "table" in value
    left_alone(tmp_path, ["table"])


def test_a_table_whose_classes_are_too_small_constrains_nothing(cli, corpus, tmp_path):
    few = write(tmp_path / "few.tsv", ["walk\twalked\tV;PST", "talk\ttalks\tV;3"])
    train = ["train", corpus, "-o", tmp_path / "m", *FAST, "--rules", "none", "--unimorph", few]
    code, _, told = cli(*train)
    assert code == 0, told
    assert "0 of 2 rows used; left out: 2 in classes too small" in told
    assert "warning: no class has two members in this text: what is given constrains nothing" in told
    assert "nothing is left" in cli.refused(*train, "--overwrite", "--constraint", "offset", "--quiet")[0]


def test_a_hold_out_of_everything_and_tables_of_another_language(cli, corpus, unimorph, tmp_path):
    held = write(
        tmp_path / "held", [*STEMS, *(f"{stem}{ending}" for stem in STEMS for ending in ("s", "ed", "ing"))]
    )
    train = ["train", corpus, "-o", tmp_path / "m", *FAST, "--quiet"]
    assert "nothing is left" in cli.refused(*train, "--unimorph", unimorph, "--hold-out", held)[0]
    cli.refused(*train, "--unimorph", unimorph, "--hold-out", tmp_path / "nowhere")
    cli.refused(*train, "--unimorph", unimorph, "--hold-out", write(tmp_path / "nothing", []))
    cli.refused(*train, "--unimorph", f"eng={unimorph}")  # the corpus names no language
    for missing in (tmp_path / "nowhere", tmp_path, ""):
        cli.refused(*train, "--unimorph", missing)
    left_alone(tmp_path, ["held", "nothing"])


WRONG_OPTIONS = [
    *("--format pdf", "--tokenizer magic", "--tokenizer regex:(", "--case upper", "--errors ignore"),
    *("--min-count 0", "--min-count 100000", "--min-count x", "--min-count 1.5", "--max-vocab 1"),
    *("--features words", "--features window:x", "--features ids", "--align-ids"),
    *("--window 0", "--window -1", "--window 1e3", "--window 99999999999", "--window-weight heavy"),
    *("--ngrams 6-3", "--ngrams 0-2", "--ngrams x", "--ngram-min-types 0"),
    *(
        "--association tfidf",
        "--smoothing -1",
        "--smoothing nan",
        "--smoothing inf",
        "--shift 0",
        "--add-lambda -1",
    ),
    *("--unobserved -1", "--unobserved inf", "--weight heavy", "--weight-max 0"),
    *(
        "--method magic",
        "--dim 0",
        "--dim -1",
        "--dim many",
        "--dim 1000000000",
        "--parts magic",
        "--own-weight 0",
    ),
    *("--ridge -1", "--ridge nan", "--ridge-own -1", "--ridge-parts -1", "--ridge-features -1"),
    *("--power nan", "--output v", "--seed -1", "--seed x", "--solver magic", "--epochs 0", "--cg-steps 0"),
    *(
        "--cg-tol -1",
        "--constraint magic",
        "--constraint offset",
        "--constraint offset:x",
        "--constraint offset:-1",
    ),
    *("--graph magic", "--graph random:0", "--normalise magic", "--threads 0", "--threads -2", "--threads x"),
    *(
        "--memory lots",
        "--memory 1M",
        "--memory -4G",
        "--memory nan",
        "--magic 3",
        "--dimm 3",
        "--json=5",
        "-x",
    ),
    *("--batch -1", "--batch x", "--learning-rate 0", "--learning-rate nan", "--schedule magic"),
    *("--momentum 1", "--momentum -0.1", "--clip 0", "--updates eager", "--edge-samples -1"),
    *(
        "--unobserved-samples -1",
        "--oversample-language -1",
        "--oversample-class 1.1",
        "--oversample-rare -1",
    ),
    *("--validation 0.6", "--validation -1", "--validation nan", "--patience -1", "--patience 3"),
    *("--own-weight-split 0", "--target gram", "--method token-token --target magic"),
    *("--method token-token --smoothing 0.75", "--method token-token --solver adam", "--method no"),
    *(
        "--parts own,magic",
        "--parts own:2,own",
        "--parts ngrams:0",
        "--features morphemes",
        "--graph nearest:0",
    ),
]


@pytest.mark.parametrize("wrong", WRONG_OPTIONS)
def test_options_that_are_refused(cli, corpus, tmp_path, wrong):
    cli.refused("train", corpus, "-o", tmp_path / "m", *FAST, "--quiet", *wrong.split(" "))
    left_alone(tmp_path, [])


def test_the_line_names_the_option(cli, corpus, tmp_path):
    train = ["train", corpus, "-o", tmp_path / "m", "--quiet"]
    for name in ("dim", "window", "epochs", "threads", "min-count"):
        value, _, _ = cli.refused(*train, f"--{name}", "0")
        assert value == f"{name.replace('-', '_')}=0"
    value, _, mend = cli.refused(*train, "--dimm", "3")
    assert "--dimm" in value
    assert "--dim" in value
    assert mend == "see morphvec train --help"


def test_commands_that_are_not_whole(cli, corpus, model):
    for wrong in (
        ["magic"],
        ["train"],
        ["train", corpus],
        ["count", corpus, "-o", "x"],
        ["neighbors"],
        ["neighbors", model],
        ["analogy", model, "a", "b"],
        ["vector", model, "walk", "talk"],
        ["--magic"],
    ):
        cli.refused(*wrong)


def test_queries_that_are_refused(cli, model):
    for wrong in (["-n", "0"], ["-n", "-1"], ["-n", "x"], ["--metric", "magic"], ["--language", "zzz"]):
        cli.refused("neighbors", model, "walk", *wrong)
    cli.refused("neighbors", model, "")


def test_work_that_does_not_fit_into_the_memory(cli, tmp_path):
    text = write(tmp_path / "text", [f"w{n} w{n * 7 % 1009} w{n * 31 % 1009}" for n in range(1009)])
    value, rule, mend = cli.refused(
        *(
            "train",
            text,
            "-o",
            tmp_path / "m",
            "--min-count",
            "1",
            "--dim",
            "4096",
            "--memory",
            "64M",
            "--quiet",
        )
    )
    assert "about" in value
    assert "--memory" in rule
    assert "--memory" in mend
    left_alone(tmp_path, ["text"])


# ------------------------------------------------------------------------------------------------ the output


def test_a_folder_that_stands_there_is_left_alone(cli, corpus, model, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    cli.done("train", corpus, "-o", ours, *FAST)
    theirs.mkdir()
    write(theirs / "thesis.txt", ["years of work"])
    before = files(ours, log=True)
    for command in (
        ["train", corpus, "-o", ours, *FAST],
        ["vocab", corpus, "-o", ours],
        ["train", corpus, "-o", theirs, *FAST],
        ["train", corpus, "-o", theirs, *FAST, "--overwrite"],
        ["vocab", corpus, "-o", theirs, "--overwrite"],
        ["train", corpus, "-o", theirs / "thesis.txt", *FAST, "--overwrite"],
    ):
        cli.refused(*command)
    assert files(ours, log=True) == before
    assert files(theirs) == {"thesis.txt": b"years of work\n"}
    left_alone(tmp_path, ["ours", "theirs"])


def test_a_refused_input_leaves_the_model_that_was_to_be_replaced(cli, corpus, tmp_path):
    out = tmp_path / "m"
    cli.done("train", corpus, "-o", out, *FAST)
    before = files(out, log=True)
    cli.refused("train", tmp_path / "nowhere", "-o", out, "--overwrite", "--quiet")
    cli.refused("train", corpus, "-o", out, "--overwrite", "--min-count", "100000", "--quiet")
    cli.refused("train", corpus, "-o", out, "--overwrite", "--dim", "0", "--quiet")
    assert files(out, log=True) == before
    left_alone(tmp_path, ["m"])


def test_places_that_cannot_be_written(cli, corpus, tmp_path, monkeypatch):
    _, _, mend = cli.refused("train", corpus, "-o", tmp_path / "no" / "where", *FAST)
    assert mend == f"run: mkdir -p {tmp_path / 'no'}"
    from morphvec import artifact

    monkeypatch.setattr(artifact.os, "access", lambda *_: False)  # the super-user may write anywhere
    value, rule, _ = cli.refused("train", corpus, "-o", tmp_path / "m", *FAST)
    assert value == f"{tmp_path} cannot be written"
    assert "writable" in rule
    left_alone(tmp_path, [])


def test_the_place_is_checked_before_the_text_is_read(cli, tmp_path):
    value, _, _ = cli.refused("train", tmp_path / "nowhere.txt", "-o", tmp_path / "no" / "where")
    assert value.endswith("does not exist")
    assert "nowhere.txt" not in value


# ------------------------------------------------------------------------------------------------ manifests


@pytest.fixture(scope="module")
def walked(tmp_path_factory, corpus):
    """The folders of a whole walk, and the command that reads each; tests work on copies."""
    from morphvec.cli.main import execute

    folder = tmp_path_factory.mktemp("walk")
    v, c, a, m = (str(folder / name) for name in "vcam")
    for command in (
        ["vocab", str(corpus), "-o", v, "--min-count", "1"],
        ["count", str(corpus), "--vocab", v, "-o", c],
        ["weigh", c, "-o", a],
        ["fit", a, "-o", m, "--dim", "4", "--epochs", "1"],
    ):
        assert execute([*command, "--quiet"]) == 0
    return folder


READERS = {
    "v": ["count", "CORPUS", "--vocab", "FOLDER", "-o", "OUT"],
    "c": ["weigh", "FOLDER", "-o", "OUT"],
    "a": ["fit", "FOLDER", "-o", "OUT", "--dim", "4", "--epochs", "1"],
    "m": ["neighbors", "FOLDER", "walk", "walkeding"],
}
MISSING = object()
UNREAD = {"versions", *WeighStage.__dataclass_fields__, *FitStage.__dataclass_fields__} - {
    "ngrams",
    "ngram_min_types",
}


def _mutants(entry):
    """Every field of a manifest, and of what it holds, gone or of another kind."""
    for name, value in entry.items():
        if name in UNREAD:
            continue
        for other in (MISSING, -1e99 if isinstance(value, (int, float)) else {"x": []}):
            mutant = {key: one for key, one in entry.items() if key != name or other is not MISSING}
            yield mutant if other is MISSING else {**mutant, name: other}
        if name == "blocks":
            yield from ({**entry, name: [mutant]} for mutant in _mutants(value[0]))
        elif name in ("config", "tokenizer") and isinstance(value, dict):
            yield from ({**entry, name: mutant} for mutant in _mutants(value))


@pytest.mark.parametrize("noun", list(READERS))
def test_no_manifest_however_odd_is_a_bug_of_ours(cli, corpus, walked, tmp_path, noun):
    folder, out = tmp_path / noun, tmp_path / "out"
    shutil.copytree(walked / noun, folder)
    places = {"CORPUS": corpus, "FOLDER": folder, "OUT": out}
    command = [*(places.get(item, item) for item in READERS[noun])]
    if noun != "m":
        command.append("--quiet")
    whole = json.loads((folder / "manifest.json").read_bytes())
    refused = 0
    for mutant in _mutants(whole):
        (folder / "manifest.json").write_text(json.dumps(mutant), encoding="utf-8")
        code, stdout, err = cli(*command)
        if code:
            assert stdout == ""
            refusal(code, err)
            refused += 1
        shutil.rmtree(out, ignore_errors=True)
    assert refused > 10
