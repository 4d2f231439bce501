"""--config: a TOML file stands for flags, the flags go before it, and what it gets wrong is one line."""

from __future__ import annotations

import json

import pytest
from cli_helpers import FAST, files

SAME = """
min_count = 1
dim = 8
epochs = 2
ngrams = "2-4"
ngram-min-types = 2   # - and _ are the same
smoothing = 1         # a whole number where a number is wanted
"""
FLAGS = [*FAST, "--smoothing", "1"]


PAIRS = "walk\twalked\t9\nwalk\ttalks\t5\njump\tjumped\t8\nopen\tpulled\t1\n"


@pytest.fixture
def config(tmp_path):
    def write(text):
        file = tmp_path / "options.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def record(folder):
    return json.loads((folder / "manifest.json").read_bytes())


def test_a_file_gives_the_bytes_that_its_flags_give(cli, corpus, unimorph, config, tmp_path):
    table = ["--unimorph", unimorph, "--constraint", "offset:5", "--constraint", "lemma"]
    cli.done("train", corpus, "-o", tmp_path / "flags", *FLAGS, *table, "--quiet")
    text = f'{SAME}unimorph = "{unimorph}"\nconstraint = ["offset:5", "lemma"]\nquiet = true\n'
    out = cli.json("train", corpus, "-o", tmp_path / "file", "--config", config(text))
    assert files(tmp_path / "file") == files(tmp_path / "flags")  # the manifest and its config too
    assert out["words"] == 56


def test_a_flag_goes_before_the_file(cli, corpus, config, tmp_path):
    text = SAME + 'seed = 5\nconstraint = "none"\nalign_ids = false\nimportance = true\n'
    cli.done("train", corpus, "-o", tmp_path / "m", "--config", config(text), "--seed", "7", "--dim", "4")
    told = record(tmp_path / "m")["config"]
    assert (told["seed"], told["dim"], told["epochs"], told["constraint"]) == (7, 4, 2, ["none"])


def test_arguments_and_the_output_may_stand_in_the_file(cli, corpus, config, tmp_path):
    text = f'{SAME}corpus = "{corpus}"\noutput_folder = "{tmp_path / "m"}"\njson = true\n'
    assert json.loads(cli.done("train", "--config", config(text)))["words"] == 56
    assert record(tmp_path / "m")["dim"] == 8


def test_one_file_serves_the_four_arrows(cli, corpus, config, models, tmp_path):
    file = config(SAME)
    v, c, a, m = (tmp_path / name for name in "vcam")
    cli.done("vocab", corpus, "-o", v, "--config", file)
    cli.done("count", corpus, "--vocab", v, "-o", c, "--config", file)
    cli.done("weigh", c, "-o", a, "--config", file)
    cli.done("fit", a, "-o", m, "--config", file)
    cli.done("train", corpus, "-o", tmp_path / "t", "--config", file)
    assert files(m) == files(tmp_path / "t")
    assert record(m)["config"]["smoothing"] == 1


def test_lm_train_and_segment_train_take_files_of_their_own(cli, corpus, config, tmp_path):
    file = config('order = 2\nsmoothing = "add-k"\n')
    assert cli.json("lm", "train", corpus, "-o", tmp_path / "lm", "--config", file)["order"] == 2
    value, rule, _ = cli.refused("train", corpus, "-o", tmp_path / "m", "--config", file)
    assert value.startswith("order in ")
    assert rule == "morphvec train has no such option"
    value, rule, _ = cli.refused(
        "segment", "train", corpus, "-o", tmp_path / "s", "--config", config("dim = 3")
    )
    assert value.startswith("dim in ")


WRONG = [
    ("min_cuont = 3", "min_cuont in ", "did you mean min_count?"),
    ("config = 'x'", "config in ", "see morphvec train --help"),
    ("[train]\ndim = 3", "[train] in ", "take its header away"),
    ("dim = '8'", "dim = '8' in ", "write e.g. dim = 100"),
    ("dim = 8.5", "dim = 8.5 in ", "write e.g. dim = 100"),
    ("dim = true", "dim = True in ", "write e.g. dim = 100"),
    ("dim = [8]", "dim = [8] in ", "write e.g. dim = 100"),
    ("smoothing = '1'", "smoothing = '1' in ", "write e.g. smoothing = 0.75"),
    ("racing = 1", "racing = 1 in ", "write e.g. racing = true"),
    ("case = 3", "case = 3 in ", 'write e.g. case = "..."'),
    ("unimorph = [3]", "unimorph = [3] in ", 'write e.g. unimorph = "..."'),
    ("unimorph = []", "unimorph = [] in ", 'write e.g. unimorph = "..."'),
    ("min_count = 3\nmin-count = 3", "min-count twice in ", "keep one of them"),
    ("dim = ", "", "write keys as min_count = 5 and text in quotes"),
    ("dim = 3\ndim = 4", "", "write keys as min_count = 5 and text in quotes"),
    ("a = " + "[" * 5000, "", "write keys as min_count = 5 and text in quotes"),
]


@pytest.mark.parametrize(("text", "value", "mend"), WRONG, ids=[item[0][:20] for item in WRONG])
def test_what_a_file_gets_wrong_is_one_line(cli, corpus, config, tmp_path, text, value, mend):
    told = cli.refused("train", corpus, "-o", tmp_path / "m", "--config", config(text))
    assert told[0].startswith(value)
    assert "options.toml" in told[0]
    assert told[2] == mend
    assert not (tmp_path / "m").exists()


def test_a_file_that_cannot_be_read(cli, corpus, tmp_path):
    train = ["train", corpus, "-o", tmp_path / "m", "--config"]
    assert "No such file" in cli.refused(*train, tmp_path / "none.toml")[0]
    assert cli.refused(*train, tmp_path)[0].startswith(str(tmp_path))
    (tmp_path / "latin.toml").write_bytes(b"case = '\xe9'")
    value, rule, _ = cli.refused(*train, tmp_path / "latin.toml")
    assert value.endswith("byte 9: 0xE9")
    assert rule == "TOML is UTF-8"


def test_values_are_checked_as_flags_are(cli, corpus, config, tmp_path):
    train = ["train", corpus, "-o", tmp_path / "m"]
    assert cli.refused(*train, "--config", config("dim = 0")) == cli.refused(*train, "--dim", "0")
    assert cli.refused(*train, "--config", config("memory = '4X'")) == cli.refused(*train, "--memory", "4X")


def test_scoring_takes_its_files_from_a_file(cli, models, config, tmp_path):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(PAIRS, encoding="utf-8")
    by_flags = ["--similarity", pairs, "--bootstrap", "50", "--unknown", "skip"]
    file = config(f'similarity = "{pairs}"\nbootstrap = 50\nunknown = "skip"\n')
    assert cli.json("evaluate", models[0], "--config", file) == cli.json("evaluate", models[0], *by_flags)
    assert cli.json("compare", *models, "--config", file) == cli.json("compare", *models, *by_flags)
    told = cli.json("evaluate", models[0], "--config", file, "--bootstrap", "0")
    assert all(row["low"] is None for row in told["models"][0]["results"])  # the flag goes before the file


def test_a_dictionary_in_a_file_is_three_words(cli, model, config):
    value, rule, mend = cli.refused("evaluate", model, "--config", config('bli = ["spa por"]'))
    assert (value, rule) == ("bli = 'spa por'", "it is SRC TGT FILE")
    assert "dictionary.tsv" in mend
    flags = cli.refused("evaluate", model, "--bli", "spa", "por", "no file.tsv")
    assert cli.refused("evaluate", model, "--config", config('bli = "spa por no file.tsv"')) == flags


def test_quantize_by_products_from_a_file(cli, model, config, tmp_path):
    flags = cli.json("quantize", model, "-o", tmp_path / "q", "--pq", "4", "--seed", "3")
    told = cli.json("quantize", model, "-o", tmp_path / "f", "--config", config("pq = 4\nseed = 3"))
    assert told == {**flags, "model": str(tmp_path / "f")}
    assert 0.5 < told["cosine"] <= 1
    assert files(tmp_path / "f") == files(tmp_path / "q")
    near = cli.json("neighbors", tmp_path / "f", "walk", "-n", "3")["queries"][0]["neighbors"]
    assert len(near) == 3
    value, _, _ = cli.refused("quantize", model, "-o", tmp_path / "g", "--pq", "3")
    assert "3" in value
