"""The examples with ``>>>``, in docstrings and on the pages, are run and print what they say."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

import morphvec

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
MODULES = [path for path in sorted(SOURCE.rglob("*.py")) if "    >>> " in path.read_text(encoding="utf-8")]
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
    if ">>> " in path.read_text(encoding="utf-8")
]
_BLOCK = re.compile(r"^```(?:python|pycon)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def complaints(*examples: doctest.DocTest) -> tuple[int, str]:
    """How many examples ran, and what is said of those that print something else."""
    runner, said = doctest.DocTestRunner(), []
    for one in examples:
        runner.run(one, out=said.append)
    return runner.summarize(verbose=False).attempted, "".join(said)


def of_page(text: str, name: str) -> doctest.DocTest:
    blocks = "\n".join(found[1] for found in _BLOCK.finditer(text) if ">>> " in found[1])
    return doctest.DocTestParser().get_doctest(blocks, {"mv": morphvec}, name, name, 0)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_the_examples_of_docstrings(path):
    module = import_module(".".join(path.relative_to(SOURCE).with_suffix("").parts))
    ran, said = complaints(*doctest.DocTestFinder().find(module))
    assert said == ""
    assert ran == len(re.findall(r"^ +>>> ", path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_examples_of_pages(path):
    text = path.read_text(encoding="utf-8")
    ran, said = complaints(of_page(text, path.name))
    assert said == ""
    assert ran == len(re.findall(r"^>>> ", text, re.MULTILINE)) > 0


def test_there_are_examples_and_a_wrong_one_is_found():
    assert len(MODULES) >= 5
    assert "api.md" in [path.name for path in PAGES]
    ran, said = complaints(of_page("```pycon\n>>> 1 + 1\n3\n\n```\n", "page"))
    assert ran == 1
    assert "Expected:\n    3\nGot:\n    2\n" in said
