"""The command line says the options that the stages have, and their defaults, neither more nor less."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re

import pytest
from typer.main import get_command

from morphvec.cli import main, options, walk
from morphvec.cli.main import app
from morphvec.pipeline import CountStage, FitStage, RunOptions, TextStage, WeighStage, all_options
from morphvec.pipeline.options import KNOWLEDGE, OF_FITTING

NOT_STAGES = {"corpus", "output_folder", "align_ids", "config", "overwrite", "quiet", "as_json"}

# Defaults that are said in words, each because it is worked out from other things.
WORDED = {
    "parts": "own,ngrams; lemma and affixes too where a table, a list or the text tells them",
    "epochs": "of als 8 sweeps (token-feature: after sweeps over the frequent words alone, 3 of them from ten million cells on; 3 where words have parts or constraints, after sweeps without them), 40 passes for mini-batches",
    "threads": "one per core",  # of the machine
    "memory": "half of the machine's",
    "max_vocab": "all",  # no bound
    "own_weight": "1, in much text more by count for words without a lemma where lemmas are known; 3 where the only "
    "columns are ids",  # by the features and the cells
    "unobserved": "0.2; 0.02 of ids",  # by the features
    "rules": "text; none where the only columns are ids",  # by the features
    "unaligned": "0.05 where line ids of several languages are the only columns; 1 elsewhere",  # by the features
    "ridge": "1; with parts 3 where the only columns are ids, else up to 20, less in much text",  # by the cells
    "ridge_own": "--ridge",  # another option
    "ridge_parts": "--ridge",
    "ridge_features": "--ridge",
    "own_weight_split": "--own-weight, or 1",
    "constraint": "offset for tables, class for lists",  # by what is given
    "batch": "about 1/32 of them",  # by the cells
    "learning_rate": "the solver's own",
    "clip": "no limit",
}
# Nothing is said where nothing is the default: no file is read, no hyphen joins; --weight-max is by the --weight.
UNSAID = {"join_hyphen", "weight_max", "resume", *KNOWLEDGE}


def helps(command):
    """Parameter → the help string of its option."""
    parameters = inspect.signature(command, eval_str=True).parameters
    return {name: item.annotation.__metadata__[0].help for name, item in parameters.items()}


def said(text):
    found = re.search(r"Default: (.+)\.$", text)
    return found and found[1]


def test_train_has_every_option_of_the_stages_and_no_other():
    assert set(helps(walk.train)) - NOT_STAGES == set(all_options())


@pytest.mark.parametrize(
    ("command", "stages"),
    [
        ("vocab", (TextStage,)),
        ("count", (CountStage, RunOptions)),
        ("weigh", (WeighStage, RunOptions)),
        ("fit", (FitStage, RunOptions)),
    ],
)
def test_a_step_of_the_walk_has_the_options_of_its_stage(command, stages):
    names = {item.name for stage in stages for item in dataclasses.fields(stage)}
    if command in ("count", "weigh"):
        names = (names - set(OF_FITTING)) | {"method"}  # whose defaults to use
    if command == "count":  # how the text is to be read is asked again, as it is read again
        names |= {"format", "errors"}
    assert set(helps(getattr(walk, command))) - NOT_STAGES - {"folder", "vocab"} == names


@pytest.mark.parametrize("name", sorted(all_options()))
def test_the_help_says_the_default(name):
    default, text = all_options()[name], said(helps(walk.train)[name])
    if name in WORDED:
        assert text == WORDED[name]
        assert default in (None, ())
    elif name in UNSAID:
        assert text is None
        assert default in (None, (), False)
    else:
        assert text is not None
        assert (text if isinstance(default, str) else ast.literal_eval(text)) == default


def test_no_parameter_of_train_has_a_default_of_its_own():
    for name, parameter in inspect.signature(walk.train).parameters.items():
        if name not in NOT_STAGES:
            assert parameter.default is None


def test_an_option_is_spelled_like_its_keyword():
    for name, parameter in inspect.signature(walk.train, eval_str=True).parameters.items():
        if name not in NOT_STAGES:
            option = parameter.annotation.__metadata__[0]
            flag = f"--{name.replace('_', '-')}"
            off = f"/--no-{name.replace('_', '-')}" if all_options()[name] is True else ""
            assert (option.default, *option.param_decls) == (flag + off,)
    assert options.given({"dim": None, "epochs": 2}) == {"epochs": 2}


def test_every_command_has_help_and_every_option_a_sentence(cli):
    for command in [item.name or item.callback.__name__ for item in app.registered_commands]:
        out = cli.done(command, "--help")
        assert f"morphvec {command}" in out
    for item in app.registered_commands:
        for name, text in helps(item.callback).items():
            assert text, (item.callback.__name__, name)
            assert text.endswith((".", "euclidean.")), text


def test_the_version_and_the_bare_command(cli):
    from morphvec import __version__

    assert cli.done("--version") == f"morphvec {__version__}\n"
    assert "train" in cli.done()
    assert cli.done("--help") == cli.done("-h") == cli.done()


def told(command):
    """What a command takes, and the commands of a group."""
    inside = {name: told(one) for name, one in getattr(command, "commands", {}).items()}
    return [(item.name, item.opts) for item in command.params], inside


def test_a_command_made_alone_is_what_it_is_among_all():
    every = get_command(app).commands
    assert {"train", "import", "map", "lm", "segment"} <= set(every)
    for name, command in every.items():
        alone = main._command(name).commands
        assert list(alone) == [name]
        assert told(alone[name]) == told(command)


@pytest.mark.parametrize("first", ["--help", "--version", "trian", ""])
def test_what_is_no_command_meets_all_of_them(first):
    assert set(main._command(first).commands) == set(get_command(app).commands)
