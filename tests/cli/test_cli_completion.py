"""What a shell gets when it asks for completions."""

from __future__ import annotations

import os
import subprocess
import sys
from inspect import signature

import pytest

from morphvec.association import KINDS, WEIGHTS
from morphvec.cli import walk
from morphvec.cli.completion import VALUES, completer
from morphvec.cli.main import execute
from morphvec.pipeline.methods import METHODS


def question(line, shell="bash"):
    """What a shell puts into the environment of the command to have the last word of a line completed."""
    words = str(len(line.split(" ")) - 1)
    ask = {"COMP_WORDS": line, "COMP_CWORD": words, "_TYPER_COMPLETE_ARGS": line}
    return {**ask, "_MORPHVEC_COMPLETE": f"complete_{shell}"}


@pytest.fixture
def asked(monkeypatch, capsys):
    """The answers to a line whose last word is to be completed."""

    def answer(line, shell="bash"):
        for name, value in question(line, shell).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            execute(["--help"])
        out, err = capsys.readouterr()
        assert (ended.value.code, err) == (0, "")
        return out

    return answer


def test_a_shell_is_answered_by_a_process():
    done = subprocess.run(
        [sys.executable, "-c", "from morphvec.cli.main import run; run([])"],
        env={**os.environ, **question("morphvec ne")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["neighbors"], "")


def test_commands_options_and_values_are_offered(asked):
    assert asked("morphvec ne").split() == ["neighbors"]
    assert asked("morphvec lm s").split() == ["score", "sample"]
    assert asked("morphvec train --checkp").split() == ["--checkpoint-every"]
    assert asked("morphvec train --method s").split() == ["svd", "smf", "sgns", "skipgram"]
    assert asked("morphvec train --parts own,le").split() == ["own,lemma"]
    assert asked("morphvec train corpus.t").split() == []  # files are the shell's own


def test_zsh_is_told_what_the_commands_are(asked):
    assert '"neighbors":"The nearest words' in asked("morphvec ne", "zsh")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_that_a_shell_loads(shell, monkeypatch, capsys):
    monkeypatch.setenv("_MORPHVEC_COMPLETE", f"source_{shell}")
    with pytest.raises(SystemExit) as ended:
        execute(["--help"])
    assert ended.value.code == 0
    assert "_MORPHVEC_COMPLETE" in capsys.readouterr().out


def test_the_values_are_those_of_the_rooms():
    assert VALUES["--method"] == tuple(METHODS)
    assert set(VALUES["--association"]) == set(KINDS)
    assert set(VALUES["--weight"]) == set(WEIGHTS)
    assert completer("--unimorph") is None


@pytest.mark.parametrize("flag", VALUES)
def test_the_help_names_every_value(flag):
    parameters = signature(walk.train, eval_str=True).parameters
    text = parameters[flag.removeprefix("--").replace("-", "_")].annotation.__metadata__[0].help
    assert all(value.rstrip(":") in text for value in VALUES[flag])
