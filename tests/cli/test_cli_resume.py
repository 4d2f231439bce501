"""Checkpoints from the command line: killed, interrupted, resumed, refused."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from cli_helpers import FAST, INTERRUPT, KILL, files, refusal, start, wait_for

from morphvec.solvers.als import AlternatingLeastSquares

LONG = [*FAST, "--epochs", "9", "--checkpoint-every", "2"]
KILLED = {  # five sweeps without parts come before epoch 1
    "in the middle of an epoch": (
        "from morphvec.solvers import als\n"
        "go_on = als.AlternatingLeastSquares._balance\n"
        "als.AlternatingLeastSquares._balance = lambda self: kill() if count(11) else go_on(self)\n",
        4,
    ),
    "while it writes a checkpoint": (
        "from morphvec.pipeline import checkpoint\n"
        "go_on = checkpoint.write_manifest\n"
        "checkpoint.write_manifest = lambda *given: kill() if count(3) else go_on(*given)\n",
        4,
    ),
    "while it writes the model": (
        "from morphvec.embeddings import store\nstore.write_manifest = lambda *_: kill()\n",
        8,
    ),
}
PREAMBLE = (
    "import itertools, os, sys\n"
    "calls = itertools.count(1)\n"
    "count = lambda number: next(calls) == number\n"
    "kill = lambda: os.kill(os.getpid(), 9)\n"
)


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory, corpus):
    """The model of a run that nothing stopped."""
    from morphvec.cli.main import execute

    folder = tmp_path_factory.mktemp("whole") / "m"
    assert execute(["train", str(corpus), "-o", str(folder), *LONG, "--quiet"]) == 0
    assert names(folder.parent) == ["m"]
    return folder


@pytest.mark.parametrize("place", KILLED)
def test_a_run_killed_anywhere_goes_on_to_the_same_bytes(cli, corpus, whole, tmp_path, place):
    patch, epochs = KILLED[place]
    code = f"{PREAMBLE}{patch}from morphvec.cli.main import execute; execute(sys.argv[1:])"
    arguments = ["train", str(corpus), "-o", str(tmp_path / "m"), *LONG, "--quiet"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, timeout=60)
    assert done.returncode == -KILL, done.stderr
    assert not (tmp_path / "m").exists()
    assert json.loads((tmp_path / "m.checkpoint" / "manifest.json").read_bytes())["epochs"] == epochs
    code, out, err = cli("train", corpus, "-o", tmp_path / "m", *LONG, "--resume", "--json", "--threads", "2")
    assert code == 0, err
    assert f"fit: goes on after epoch {epochs} of 9" in err
    wanted = json.loads((whole / "manifest.json").read_bytes())["vectors_sha256"]
    assert json.loads(out)["vectors_sha256"] == wanted
    assert files(tmp_path / "m") == files(whole)
    assert "m.checkpoint" not in names(tmp_path)


def test_ctrl_c_keeps_the_checkpoint_and_says_where(cli, corpus, tmp_path):
    arguments = [
        "train",
        corpus,
        "-o",
        tmp_path / "m",
        *FAST,
        "--epochs",
        "100000",
        "--checkpoint-every",
        "1",
    ]
    running = start(*arguments)
    seen = wait_for(running, "weigh:")
    while not (tmp_path / "m.checkpoint").exists() and running.poll() is None:
        time.sleep(0.01)
    running.send_signal(INTERRUPT)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    lines = [*seen, *err.splitlines()]
    assert "Traceback" not in err
    assert lines[-1].startswith("morphvec: error: interrupted; no output was written; ")
    told = [
        line
        for line in lines
        if line.endswith(f"is {tmp_path / 'm.checkpoint'}: --resume goes on from there")
    ]
    assert len(told) == 1
    assert names(tmp_path) == ["m.checkpoint"]
    epochs = json.loads((tmp_path / "m.checkpoint" / "manifest.json").read_bytes())["epochs"]
    assert told[0].startswith(f"the checkpoint of epoch {epochs} ")
    value, _, _ = cli.refused("train", corpus, "-o", tmp_path / "m", *LONG, "--resume", "--quiet")
    assert value.endswith("is of another run: epochs was 100000 and is 9")
    assert names(tmp_path) == ["m.checkpoint"]


def test_fit_keeps_checkpoints_too(cli, corpus, whole, tmp_path, monkeypatch):
    v, c, a, m = (tmp_path / name for name in "vcam")
    cli.done("vocab", corpus, "-o", v, "--min-count", "1")
    cli.done("count", corpus, "--vocab", v, "-o", c, "--ngrams", "2-4", "--ngram-min-types", "2")
    cli.done("weigh", c, "-o", a)
    fit = ["fit", a, "-o", m, "--dim", "8", "--epochs", "9", "--checkpoint-every", "4"]
    go_on = AlternatingLeastSquares.epoch

    def epoch(self, number):
        if number == 5:
            raise KeyboardInterrupt
        return go_on(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(AlternatingLeastSquares, "epoch", epoch)
        code, out, err = cli(*fit)
    assert (code, out) == (130, "")
    assert f"the checkpoint of epoch 4 is {m}.checkpoint: --resume goes on from there\n" in err
    assert names(tmp_path) == ["a", "c", "m.checkpoint", "v"]
    cli.done(*fit, "--resume")
    assert names(tmp_path) == ["a", "c", "m", "v"]
    assert files(m) == files(whole)


def test_resuming_without_a_checkpoint_starts_anew_and_says_so(cli, corpus, whole, tmp_path):
    code, _, err = cli("train", corpus, "-o", tmp_path / "m", *LONG, "--resume")
    assert code == 0
    assert f"no checkpoint in {tmp_path / 'm.checkpoint'}: training starts from the beginning" in err
    assert files(tmp_path / "m") == files(whole)


def test_a_damaged_checkpoint_is_one_line_that_names_the_mend(cli, corpus, tmp_path):
    from morphvec.pipeline.checkpoint import FolderKeeper

    FolderKeeper(tmp_path / "m.checkpoint", {"config": {}}).save(1, {}, [{"epoch": 1, "total": 1.0}])
    file = tmp_path / "m.checkpoint" / "history.jsonl"
    file.write_bytes(file.read_bytes().replace(b"1.0", b"2.0"))
    code, out, err = cli("train", corpus, "-o", tmp_path / "m", *LONG, "--resume")
    assert out == ""
    value, _, mend = refusal(code, err)
    assert "history.jsonl" in value
    assert "--resume" in mend
    assert names(tmp_path) == ["m.checkpoint"]


def test_a_learning_rate_that_is_too_high_is_one_line_that_names_it(cli, corpus, tmp_path):
    train = [
        "train",
        corpus,
        "-o",
        tmp_path / "m",
        *FAST,
        "--solver",
        "adagrad",
        "--learning-rate",
        "1e9",
        "--quiet",
    ]
    value, rule, mend = cli.refused(*train)
    assert value.startswith("epoch 1: ")
    assert "training stops" in rule
    assert mend == "change --learning-rate (no checkpoint was asked for, --checkpoint-every keeps one)"
    _, _, mend = cli.refused(*train, "--checkpoint-every", "1")
    assert mend == "change --learning-rate (no checkpoint had been written)"
    assert names(tmp_path) == []


@pytest.mark.parametrize("wrong", ["--checkpoint-every -1", "--checkpoint-every x", "--checkpoint-every 0.5"])
def test_a_number_of_epochs_that_is_none(cli, corpus, tmp_path, wrong):
    cli.refused("train", corpus, "-o", tmp_path / "m", *FAST, *wrong.split())
    assert names(tmp_path) == []
