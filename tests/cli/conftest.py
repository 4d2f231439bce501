"""What the tests of the command line share."""

from __future__ import annotations

import pytest
from cli_helpers import FAST, CommandLine, sentences, table, write


@pytest.fixture
def cli(capsys):
    return CommandLine(capsys)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    return write(tmp_path_factory.mktemp("text") / "corpus.txt", sentences())


@pytest.fixture(scope="session")
def unimorph(tmp_path_factory):
    return write(tmp_path_factory.mktemp("tables") / "eng.tsv", table())


@pytest.fixture(scope="session")
def models(tmp_path_factory, corpus):
    """Two models of the corpus with different seeds; tests only read them."""
    from morphvec.cli.main import execute

    folder = tmp_path_factory.mktemp("models")
    for seed in ("0", "1"):
        assert (
            execute(["train", str(corpus), "-o", str(folder / f"m{seed}"), *FAST, "--seed", seed, "--quiet"])
            == 0
        )
    return folder / "m0", folder / "m1"


@pytest.fixture
def model(models):
    return models[0]
