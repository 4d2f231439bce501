"""Stands here so that every folder of tests can ``import naive``: pytest puts this folder on the path.

And so that what tests write goes to memory where there is enough, and what is imported is compiled once: the disk and
the compiler are not what is tested. A TMPDIR that is set is kept.

And so that the kernels of a fresh checkout, most of a minute of compiling, are not compiled by every worker at once: the
test that compiles them all comes first, then those that need few, which another worker takes meanwhile, long ones
before short ones, so that no worker ends long after the others (``make test`` keeps this order of files).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

FIRST = (
    "cli/test_cli_warm.py",
    "autodiff/",
    "docs/test_docs_cli.py",
    "test_house.py",
    "test_examples.py",
    "text/test_text_tokenize.py",
    "text/test_text_readers.py",
    "evaluate/test_evaluate_datasets.py",
    "evaluate/",
    "morphology/",
    "lm/test_lm_neural.py",
    "view/test_view_suggest.py",
    "embeddings/",
    "artifact/",
    "real/",
    "docs/",
    "view/",
    "laws/",
    "solvers/",
    "cli/",
)
MEMORY = Path("/dev/shm")

if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 << 30:
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # asked for anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # of the processes that tests start
sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files into the order of FIRST, as far as it names them."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix()
        return next((n for n, beginning in enumerate(FIRST) if name.startswith(beginning)), len(FIRST))

    items.sort(key=place)
