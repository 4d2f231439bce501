"""``morphvec doctor --warm``. A file of its own, which comes first: see tests/conftest.py."""

from __future__ import annotations


def test_warming_compiles_the_kernels_of_every_kind_of_run(cli):
    told = cli.json("doctor", "--warm")["kernels"]
    assert told["compiled"] >= 60
