"""The reference of the commands is what the commands say, and every command shows how it is called."""

from __future__ import annotations

import shlex

import cli_reference
import pytest

from morphvec.cli.score import join_bli


def test_the_pages_are_what_the_commands_say():
    found = {file.name: file.read_text(encoding="utf-8") for file in cli_reference.PLACE.glob("*.md")}
    made = cli_reference.pages()
    assert sorted(found) == sorted(made), "run make reference"
    for name, text in made.items():
        assert found[name] == text, f"docs/cli/{name} is of other commands: run make reference"


@pytest.mark.parametrize("path", cli_reference.tree())
def test_every_command_has_an_example_that_its_parser_takes(path, tmp_path, monkeypatch):
    (tmp_path / "train.toml").write_text("dim = 50\n", encoding="utf-8")  # which an example names
    monkeypatch.chdir(tmp_path)
    command = cli_reference.tree()[path]
    told = cli_reference.examples(command)
    assert told, f"morphvec {path}: its docstring has no paragraph 'Example: morphvec {path} ...'"
    for line in told:
        words = shlex.split(line, comments=True)
        begin = ["morphvec", *path.split()]
        assert words[: len(begin)] == begin
        command.make_context(path, join_bli(words[len(begin) :]))


def test_an_example_with_an_unknown_option_is_found():
    command = cli_reference.tree()["train"]
    with pytest.raises(Exception, match="No such option"):
        command.make_context("train", ["corpus.txt", "-o", "model", "--no-such-option"])


@pytest.mark.parametrize("path", cli_reference.tree())
def test_every_command_can_answer_in_json(path):
    serving = {"explore"}  # runs until it is stopped: it has no answer
    options = [flag for item in cli_reference.tree()[path].params for flag in item.opts]
    assert "--json" in options or path in serving
