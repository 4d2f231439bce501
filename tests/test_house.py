"""The house rules that neither ruff, mypy nor the import contracts can see, read off the source itself."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "morphvec"
MODULES = sorted(SOURCE.rglob("*.py"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

PRINTERS = {"print", "echo", "secho", "pprint"}
STREAMS = {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"}
UNSAFE_CALLS = {"eval", "exec"}
UNSAFE_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
KERNEL_IMPORTS = {"__future__", "math", "typing", "numpy", "numba"}


def name_of(module: Path) -> str:
    return module.relative_to(SOURCE).as_posix()


@functools.cache
def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"), filename=str(module))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that a module imports, ``from a import b`` as ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def writers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in PRINTERS:
            yield f"line {node.lineno}: {ast.unparse(node.func)}(...)"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in STREAMS:
            yield f"line {node.lineno}: {ast.unparse(node)}"
    yield from (f"line {line}: {name}" for line, name in imports(tree) if name in STREAMS)


def unsafe(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in UNSAFE_CALLS:
            yield f"line {node.lineno}: {node.func.id}(...)"
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            yield f"line {node.value.lineno}: allow_pickle"
    for line, name in imports(tree):
        if name.partition(".")[0] in UNSAFE_MODULES:
            yield f"line {line}: import {name}"


def test_there_is_source_to_look_at() -> None:
    assert SOURCE / "report.py" in MODULES
    assert len(LOCKS) >= 2


@pytest.mark.parametrize(
    ("finder", "text"),
    [
        (writers, "print('x')"),
        (writers, "import sys\nsys.stderr.write('x')"),
        (writers, "from sys import stdout"),
        (writers, "typer.echo('x')"),
        (unsafe, "import pickle"),
        (unsafe, "from pickle import loads"),
        (unsafe, "eval('1')"),
        (unsafe, "np.load(f, allow_pickle=True)"),
    ],
)
def test_the_finders_find(finder, text) -> None:
    assert list(finder(ast.parse(text)))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_only_report_prints(module: Path) -> None:
    if name_of(module) == "report.py":
        assert list(writers(tree_of(module)))
    else:
        assert not list(writers(tree_of(module)))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_no_pickle_and_no_eval(module: Path) -> None:
    assert not list(unsafe(tree_of(module)))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_public_modules_say_what_they_are(module: Path) -> None:
    private = module.stem.startswith("_") and module.stem not in {"__init__", "__main__"}
    assert private or ast.get_docstring(tree_of(module))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_public_names_have_a_docstring(module: Path) -> None:
    bare = [
        node.name
        for node in tree_of(module).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not bare


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_nobody_inside_imports_the_front_door(module: Path) -> None:
    """``import morphvec`` and ``from morphvec import train`` would reach up past every floor."""
    rooms = {path.stem for path in SOURCE.iterdir()}
    up = [
        f"line {line}: {name}"
        for line, name in imports(tree_of(module))
        if name == "morphvec" or (name.startswith("morphvec.") and name.split(".")[1] not in rooms)
    ]
    assert not up


@pytest.mark.parametrize(
    "module", [module for module in MODULES if name_of(module).startswith("kernels/")], ids=name_of
)
def test_kernels_know_arrays_only_and_start_no_threads(module: Path) -> None:
    tree = tree_of(module)
    strange = [
        name
        for _, name in imports(tree)
        if name.split(".")[0] not in KERNEL_IMPORTS
        and not name.startswith(("morphvec.arrays", "morphvec.kernels"))
    ]
    assert not strange
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {name.rpartition(".")[2] for _, name in imports(tree)}
    assert "prange" not in names
    assert "parallel" not in {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_files_pin_by_hash_and_name_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links", text)
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^#.*\n", "", text))
    assert len(entries) > 5
    unpinned = [entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]
    assert not unpinned
