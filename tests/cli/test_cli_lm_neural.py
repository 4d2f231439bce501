"""Neural models from the command line: training, checkpoints, their vectors, and which options belong to which kind."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import json
import re

import numpy as np
import pytest
from cli_helpers import files, sentences, write

from morphvec.artifact import open_arrays
from morphvec.cli import lm as commands
from morphvec.lm.feedforward import NetworkTrainer
from morphvec.lm.neural_options import NeuralOptions
from morphvec.lm.ngram import NgramOptions

SMALL = ["--kind", "neural", "--order", "3", "--dim", "6", "--hidden", "7", "--batch", "64", "--quiet"]
OF_NEURAL = {
    "--dim": ["8"],
    "--hidden": ["8"],
    "--direct": [],
    "--init": ["vectors"],
    "--freeze": [],
    "--dropout": ["0.1"],
    "--epochs": ["2"],
    "--patience": ["1"],
    "--batch": ["32"],
    "--sampled": ["5"],
    "--optimiser": ["sgd"],
    "--learning-rate": ["0.1"],
    "--schedule": ["constant"],
    "--momentum": ["0.5"],
}
OF_NGRAMS = {
    "--smoothing": ["add-k"],
    "--add-k": ["0.5"],
    "--discount": ["0.5"],
    "--no-uniform": [],
    "--ensemble": [],
}


def manifest(folder):
    return json.loads((folder / "manifest.json").read_bytes())


def curve(folder):
    return manifest(folder)["predictor"]["curve"]


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return write(tmp_path_factory.mktemp("text") / "other.txt", sentences(20, seed=3))


@pytest.fixture(scope="module")
def lm(tmp_path_factory, corpus):
    """A small neural model; tests only read it."""
    from morphvec.cli.main import execute

    folder = tmp_path_factory.mktemp("lm") / "lm"
    options = [*SMALL, "--epochs", "6", "--learning-rate", "0.02"]
    assert execute(["lm", "train", str(corpus), "-o", str(folder), *options]) == 0
    return folder


def test_a_neural_model_answers_like_any_other(cli, lm, corpus, other, tmp_path) -> None:
    told = manifest(lm)
    assert (told["kind"], told["order"], told["sentences"], told["held_out_sentences"]) == (
        "neural",
        3,
        190,
        10,
    )
    assert (told["config"]["hidden"], told["config"]["patience"]) == (7, 2)
    assert set(told["parts"]) == {"words.txt", "network.safetensors"}
    whole = cli.json("lm", "next", lm, "walked", "-n", 1000)["next"]
    assert len(whole) == told["words"] + 2
    assert sum(one["p"] for one in whole) == pytest.approx(1)
    found = cli.json("lm", "perplexity", lm, other, "--quiet")
    scores = cli.json("lm", "score", lm, other)["sentences"]
    assert found["nats_per_token"] == pytest.approx(-sum(one["logprob"] for one in scores) / found["tokens"])
    assert 1 < found["perplexity"] < 0.8 * (told["words"] + 2)  # it has learned something
    sample = cli.json("lm", "sample", lm, "-n", 2, "--seed", 4)
    assert cli.json("lm", "sample", lm, "-n", 2, "--seed", 4) == sample
    lists = write(tmp_path / "lists.tsv", ["a\t-3\twalked walked", "a\t-1\tthing0 place0"])
    ranked = cli.json("lm", "rescore", lm, lists)["lists"][0]["candidates"]
    assert [one["score"] for one in ranked] == sorted((one["score"] for one in ranked), reverse=True)
    made = cli.json("lm", "train", corpus, "-o", tmp_path / "lm", *SMALL, "--epochs", 1)
    assert made == {"model": str(tmp_path / "lm"), "order": 3, "words": told["words"], "tokens": 950}


def test_held_out_text_is_followed_where_nothing_stops_by_it(cli, corpus, other, tmp_path) -> None:
    options = ["--patience", 0, "--epochs", 3, "--held-out", other]
    assert cli.json("lm", "train", corpus, "-o", tmp_path / "lm", *SMALL, *options)["tokens"] == 1000
    found = curve(tmp_path / "lm")
    assert len(found) == 3
    assert not any("kept" in entry for entry in found)
    asked = cli.json("lm", "perplexity", tmp_path / "lm", other, "--quiet")
    assert asked["nats_per_token"] == pytest.approx(found[-1]["validation"], rel=1e-12)
    told = manifest(tmp_path / "lm")
    assert (told["sentences"], told["held_out_sentences"]) == (200, 20)
    assert told["config"]["held_out"] == ["other.txt"]
    assert [entry["name"] for entry in told["inputs"]] == ["corpus.txt", "other.txt"]


def test_without_patience_and_held_out_text_every_line_is_trained_on(cli, corpus, tmp_path) -> None:
    options = ["--patience", 0, "--epochs", 1]
    assert cli.json("lm", "train", corpus, "-o", tmp_path / "lm", *SMALL, *options)["tokens"] == 1000
    assert "validation" not in curve(tmp_path / "lm")[0]
    assert manifest(tmp_path / "lm")["held_out_sentences"] == 0


def test_held_out_text_is_read_in_the_language_of_the_corpus(cli, tmp_path) -> None:
    text = write(tmp_path / "a.txt", ["ILIK IRMAK", "ILIK", "iyi"])
    train = ["lm", "train", f"tur={text}", *SMALL, "--epochs", "1", "--patience", "0"]
    cli.done(*train, "-o", tmp_path / "lm", "--held-out", text)
    asked = cli.json("lm", "perplexity", tmp_path / "lm", text, "--quiet")
    assert asked["oov"] == 0
    expected = pytest.approx(asked["nats_per_token"], rel=1e-12)
    assert curve(tmp_path / "lm")[0]["validation"] == expected
    value, _, _ = cli.refused(*train, "-o", tmp_path / "two", "--held-out", f"aze={text}")
    assert value == "held-out text of the language aze and a corpus of tur"


# ------------------------------------------------------------------------------------------------- vectors


def test_the_table_is_a_model_of_vectors(cli, lm, tmp_path) -> None:
    made = cli.json("lm", "vectors", lm, "-o", tmp_path / "m")
    assert made == {"model": str(tmp_path / "m"), "words": manifest(lm)["words"], "dim": 6}
    (query,) = cli.json("neighbors", tmp_path / "m", "walked", "-n", 3)["queries"]
    assert (query["known"], len(query["neighbors"])) == (True, 3)
    rows = [line.split("\t") for line in (tmp_path / "m" / "vocab.tsv").read_text().splitlines()]
    assert rows == sorted(rows, key=lambda row: (-int(row[1]), row[0]))
    table = open_arrays(lm / "network.safetensors")["table"]
    place = (lm / "words.txt").read_text().splitlines().index("walked")
    np.testing.assert_array_equal(
        cli.json("vector", tmp_path / "m", "walked")["vector"], np.asarray(table[place], np.float64)
    )
    pairs = write(tmp_path / "pairs.tsv", ["walk\twalked\t9", "talk\tpush\t2", "thing1\tplace1\t5"])
    (result,) = cli.json("evaluate", tmp_path / "m", "--similarity", pairs, "--unknown", "skip")["models"]
    assert result["results"][0]["n"] == 3
    assert cli.json("doctor", tmp_path / "m")["model"] == {"ok": True, "problems": []}
    assert manifest(tmp_path / "m")["inputs"] == manifest(lm)["inputs"]


def test_vectors_are_written_like_any_other_output(cli, lm, corpus, tmp_path) -> None:
    assert cli.done("lm", "vectors", lm, "-o", tmp_path / "m").startswith(f"{tmp_path / 'm'}: ")
    before = files(tmp_path / "m")
    cli.refused("lm", "vectors", lm, "-o", tmp_path / "m")
    cli.done("lm", "vectors", lm, "-o", tmp_path / "m", "--overwrite")
    assert files(tmp_path / "m") == before
    cli.refused("lm", "vectors", lm, "-o", tmp_path / "no" / "m")
    cli.refused("lm", "vectors", tmp_path / "m", "-o", tmp_path / "n")  # no language model
    cli.done("lm", "train", corpus, "-o", tmp_path / "counts", "--order", 2, "--quiet")
    value, rule, _ = cli.refused("lm", "vectors", tmp_path / "counts", "-o", tmp_path / "n")
    assert value == "a model of kind ngram"
    assert "vectors" in rule
    assert not (tmp_path / "n").exists()


@pytest.mark.parametrize("freeze", ["--freeze", "--no-freeze"])
def test_vectors_start_another_model(cli, lm, corpus, tmp_path, freeze) -> None:
    cli.done("lm", "vectors", lm, "-o", tmp_path / "m")
    options = ["--kind", "neural", "--init", tmp_path / "m", freeze, "--epochs", 1, "--batch", 64, "--quiet"]
    cli.done("lm", "train", corpus, "-o", tmp_path / "lm", *options)
    told = manifest(tmp_path / "lm")
    assert (told["predictor"]["dim"], told["predictor"]["init_words"]) == (6, told["words"])
    assert [entry["name"] for entry in told["inputs"]] == ["corpus.txt", "m/manifest.json"]
    size = told["words"]
    old, new = (
        open_arrays(folder / "network.safetensors")["table"][:size] for folder in (lm, tmp_path / "lm")
    )
    factor = np.sqrt(1 / (6 * np.mean(old.astype(np.float64) ** 2)))  # to the mean square of a drawn table
    assert np.allclose(new, old * factor, rtol=1e-6) == (freeze == "--freeze")
    for wrong, part in (
        ([tmp_path / "absent"], "absent"),
        ([lm], "model"),
        ([tmp_path / "m", "--dim", 5], "dim=5"),
    ):
        line = "; ".join(
            cli.refused(
                *(
                    "lm",
                    "train",
                    corpus,
                    "-o",
                    tmp_path / "two",
                    "--kind",
                    "neural",
                    "--quiet",
                    "--init",
                    *wrong,
                )
            )
        )
        assert part in line
    assert not (tmp_path / "two").exists()


# ------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize("option", [*OF_NEURAL, *OF_NGRAMS])
def test_an_option_of_the_other_kind_is_refused_by_name(cli, corpus, tmp_path, option) -> None:
    kind = "ngram" if option in OF_NEURAL else "neural"
    given = [option, *{**OF_NEURAL, **OF_NGRAMS}[option]]
    value, _, mend = cli.refused("lm", "train", corpus, "-o", tmp_path / "lm", "--kind", kind, *given)
    assert value.startswith(f"{option.removeprefix('--').removeprefix('no-').replace('-', '_')}=")
    assert kind in value
    assert mend.startswith("leave ")
    assert not (tmp_path / "lm").exists()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--order", "1"], "order=1"),
        (["--dim", "0"], "dim=0"),
        (["--hidden", "0"], "hidden=0"),
        (["--epochs", "0"], "epochs=0"),
        (["--patience", "-1"], "patience=-1"),
        (["--batch", "0"], "batch=0"),
        (["--dropout", "1"], "dropout=1"),
        (["--learning-rate", "0"], "learning_rate=0"),
        (["--optimiser", "magic"], "optimiser='magic'"),
        (["--schedule", "magic"], "schedule='magic'"),
        (["--momentum", "1"], "momentum=1"),
        (["--freeze"], "freeze=True"),
        (["--checkpoint-every", "-1"], "checkpoint_every=-1"),
        (["--hidden", "8000", "--memory", "64M"], "--memory"),
        (["--optimiser", "sgd", "--learning-rate", "1e30", "--epochs", "3"], "--learning-rate"),
    ],
)
def test_bad_options_of_a_neural_model_are_one_line(cli, corpus, tmp_path, options, part) -> None:
    line = "; ".join(
        cli.refused("lm", "train", corpus, "-o", tmp_path / "lm", "--kind", "neural", "--quiet", *options)
    )
    assert part in line
    assert list(tmp_path.iterdir()) == []


def test_a_neural_model_is_no_arpa_file(cli, lm, tmp_path) -> None:
    _, rule, mend = cli.refused("lm", "export", lm, "-o", tmp_path / "lm.arpa")
    assert "neural models have none" in rule
    assert "--kind ngram" in mend


def test_the_help_says_the_kinds_and_the_defaults(cli) -> None:
    parameters = inspect.signature(commands.train, eval_str=True).parameters
    helps = {name: item.annotation.__metadata__[0].help for name, item in parameters.items()}
    assert "ngram or neural" in helps["kind"]
    worded = {
        "dim": "100, or those of --init",
        "init": "random vectors",
        "discount": "from the counts of counts",
        "order": f"{NgramOptions.order}; {NeuralOptions.order} for neural models",
    }
    for item in itertools.chain(dataclasses.fields(NeuralOptions), dataclasses.fields(NgramOptions)):
        said = re.search(r"Default: (.+)\.$", helps[item.name])
        assert said, item.name
        assert said[1] == worded.get(item.name, str(item.default))
    shown = cli.done("lm", "train", "--help")
    for flag in (*OF_NEURAL, *OF_NGRAMS, "--checkpoint-every", "--resume"):
        assert flag in shown


# ------------------------------------------------------------------------------------------------- checkpoints

LONG = [*SMALL, "--epochs", "6", "--patience", "4", "--dropout", "0.1", "--checkpoint-every", "2"]


@pytest.fixture
def interrupted(cli, corpus, tmp_path, monkeypatch):
    """What Ctrl-C in the fourth epoch leaves: a checkpoint of the second."""
    go_on = NetworkTrainer.epoch

    def epoch(self, number):
        if number == 3:
            raise KeyboardInterrupt
        return go_on(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(NetworkTrainer, "epoch", epoch)
        code, out, err = cli(
            "lm", "train", corpus, "-o", tmp_path / "lm", *[o for o in LONG if o != "--quiet"]
        )
    assert (code, out) == (130, "")
    assert f"the checkpoint of epoch 2 is {tmp_path / 'lm.checkpoint'}: --resume goes on from there" in err
    assert [entry.name for entry in tmp_path.iterdir()] == ["lm.checkpoint"]
    return tmp_path / "lm"


def test_an_interrupted_run_goes_on_to_the_same_bytes(cli, interrupted, corpus, tmp_path_factory) -> None:
    whole = tmp_path_factory.mktemp("whole") / "lm"
    cli.done("lm", "train", corpus, "-o", whole, *LONG)
    assert [entry.name for entry in whole.parent.iterdir()] == ["lm"]
    loud = [option for option in LONG if option != "--quiet"]
    code, _, err = cli("lm", "train", corpus, "-o", interrupted, *loud, "--resume", "--threads", 3)
    assert code == 0
    assert "lm: goes on after epoch 2 of 6" in err
    assert files(interrupted) == files(whole)
    assert not interrupted.with_name("lm.checkpoint").exists()


def test_only_the_same_run_goes_on(cli, interrupted, corpus, other, tmp_path) -> None:
    for changed, told in (
        (["--epochs", 7], "epochs was 6 and is 7"),
        (["--hidden", 8], "hidden was 7 and is 8"),
        (["--seed", 1], "seed was 0 and is 1"),
        (["--held-out", other], 'held_out was [] and is ["other.txt"]'),
        (["--case", "keep"], 'case was "lower" and is "keep"'),
    ):
        value, _, _ = cli.refused(
            "lm", "train", corpus, "-o", interrupted, *LONG, *map(str, changed), "--resume"
        )
        assert value.endswith(f"is of another run: {told}")
    text = write(tmp_path / corpus.name, sentences(200, seed=1))
    value, _, _ = cli.refused("lm", "train", text, "-o", interrupted, *LONG, "--resume")
    assert value.endswith("the input corpus.txt has changed")
    value, _, _ = cli.refused("lm", "train", f"eng={corpus}", "-o", interrupted, *LONG, "--resume")
    assert value.endswith('language was "" and is "eng"')


def test_resume_without_a_checkpoint_starts_from_the_beginning(cli, corpus, tmp_path) -> None:
    options = [option for option in SMALL if option != "--quiet"]
    code, _, err = cli("lm", "train", corpus, "-o", tmp_path / "lm", *options, "--epochs", 1, "--resume")
    assert code == 0
    assert "no checkpoint in" in err
    cli.done("lm", "train", corpus, "-o", tmp_path / "two", *options, "--epochs", 1)
    assert files(tmp_path / "lm") == files(tmp_path / "two")


@pytest.mark.parametrize("given", [["--resume"], ["--checkpoint-every", "1"]])
def test_n_grams_have_no_checkpoints(cli, corpus, tmp_path, given) -> None:
    value, _, mend = cli.refused("lm", "train", corpus, "-o", tmp_path / "lm", *given)
    assert value == "checkpoints with kind=ngram"
    assert "--checkpoint-every" in mend
    assert "--resume" in mend
    assert list(tmp_path.iterdir()) == []
