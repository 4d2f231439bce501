"""The house rules that neither ruff, mypy nor the import contracts can see, read off the source itself."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterable, Iterator
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
KERNEL_IMPORTS = {"__future__", "math", "typing", "numpy", "numba", "llvmlite"}


def name_of(module: Path) -> str:
    return module.relative_to(SOURCE).as_posix()


@functools.cache
def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"), filename=str(module))


@functools.cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Every node of a tree: each rule looks at all of them."""
    return tuple(ast.walk(tree))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that a module imports, ``from a import b`` as ``a.b``."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def last_name(node: ast.expr) -> str:
    """``echo`` of ``typer.echo``; empty where there is no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def writers(tree: ast.AST) -> Iterator[str]:
    """Calls that print, and every mention of a standard stream."""
    for node in nodes(tree):
        if isinstance(node, ast.Call) and last_name(node.func) in PRINTERS:
            yield f"line {node.lineno}: {ast.unparse(node.func)}(...)"
        elif isinstance(node, ast.Attribute) and f"{last_name(node.value)}.{node.attr}" in STREAMS:
            yield f"line {node.lineno}: {ast.unparse(node)}"
    yield from (f"line {line}: {name}" for line, name in imports(tree) if name in STREAMS)


def unsafe(tree: ast.AST) -> Iterator[str]:
    for node in nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in UNSAFE_CALLS:
            yield f"line {node.lineno}: {node.func.id}(...)"
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            yield f"line {node.value.lineno}: allow_pickle"
    for line, name in imports(tree):
        if name.partition(".")[0] in UNSAFE_MODULES:
            yield f"line {line}: import {name}"


def bare(tree: ast.Module) -> Iterator[str]:
    """Public names of a module that have no docstring."""
    for node in tree.body:
        public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if public and not ast.get_docstring(node):
            yield node.name


def beyond_arrays(tree: ast.Module) -> Iterator[str]:
    """What a kernel may not do: import more than arrays, start threads."""
    for line, name in imports(tree):
        inside = name.startswith(("morphvec.arrays", "morphvec.kernels"))
        if name.split(".")[0] not in KERNEL_IMPORTS and not inside:
            yield f"line {line}: {name}"
        if name.rpartition(".")[2] == "prange":
            yield f"line {line}: prange"
    for node in nodes(tree):
        if isinstance(node, ast.Attribute) and node.attr == "prange":
            yield f"line {node.lineno}: prange"
        elif isinstance(node, ast.keyword) and node.arg == "parallel":
            yield f"line {node.value.lineno}: parallel"


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
        (bare, "def public(): ..."),
        (beyond_arrays, "import scipy"),
        (beyond_arrays, "from numba import prange"),
        (beyond_arrays, "@nb.njit(parallel=True)\ndef f(): ..."),
    ],
)
def test_the_finders_find(finder, text) -> None:
    assert list(finder(ast.parse(text)))


def offences(finder: Callable[[ast.Module], Iterable[str]], *allowed: str) -> dict[str, list[str]]:
    """Module → what the finder finds in it, where it finds something."""
    found = {name_of(module): list(finder(tree_of(module))) for module in MODULES}
    return {name: lines for name, lines in found.items() if lines and name not in allowed}


def test_only_report_prints() -> None:
    assert list(writers(tree_of(SOURCE / "report.py")))
    assert offences(writers, "report.py") == {}


def test_no_pickle_and_no_eval() -> None:
    assert offences(unsafe) == {}


def test_public_modules_say_what_they_are() -> None:
    private = [
        name_of(path) for path in MODULES if path.stem.startswith("_") and not path.stem.endswith("__")
    ]
    assert offences(lambda tree: [] if ast.get_docstring(tree) else ["no docstring"], *private) == {}


def test_public_names_have_a_docstring() -> None:
    assert offences(bare) == {}


def test_nobody_inside_imports_the_front_door() -> None:
    """``import morphvec`` and ``from morphvec import train`` would reach up past every floor."""
    rooms = {path.stem for path in SOURCE.iterdir()}

    def up(tree: ast.Module) -> Iterator[str]:
        for line, name in imports(tree):
            if name == "morphvec" or (name.startswith("morphvec.") and name.split(".")[1] not in rooms):
                yield f"line {line}: {name}"

    assert list(up(ast.parse("from morphvec import train")))
    assert offences(up) == {}


def test_kernels_know_arrays_only_and_start_no_threads() -> None:
    others = [name for module in MODULES if not (name := name_of(module)).startswith("kernels/")]
    assert len(others) < len(MODULES) - 5
    assert offences(beyond_arrays, *others) == {}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_files_pin_by_hash_and_name_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links", text)
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^#.*\n", "", text))
    assert len(entries) > 5
    unpinned = [entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]
    assert not unpinned
