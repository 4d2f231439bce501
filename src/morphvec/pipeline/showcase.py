"""What the demo shows: text that every Python carries, a small affix list, and what constraints do to offsets."""

from __future__ import annotations

import ast
import contextlib
import sys
import sysconfig
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import numpy as np

from morphvec.embeddings.embeddings import Embeddings
from morphvec.morphology.affixes import analyse, read_affixes
from morphvec.report import Reporter

_NOT_OURS = {"site-packages", "dist-packages", "__pycache__", "config", "test", "tests"}


def write_python_text(file: Path, reporter: Reporter) -> None:
    """Write Python's own documentation to ``file``, a paragraph a line: the language reference that help() prints,
    the docstrings of the standard library, and those of the built-in modules. Offline; fixed for one Python."""
    from pydoc_data.topics import topics

    texts = [topics[name] for name in sorted(topics)]
    library = Path(sysconfig.get_path("stdlib"))
    sources = [
        path for path in sorted(library.rglob("*.py")) if not _NOT_OURS & set(path.relative_to(library).parts)
    ]
    with reporter.stage("gather documentation", len(sources), "files") as progress:
        for path in sources:
            texts += _docstrings(path)
            progress.advance(1)
    for name in sorted(sys.builtin_module_names):
        module = import_module(name)
        for attribute in sorted(vars(module)):
            thing = getattr(module, attribute)
            members = (
                [getattr(thing, member, None) for member in sorted(vars(thing))]
                if isinstance(thing, type)
                else []
            )
            texts += [
                doc
                for item in (thing, *members)
                if callable(item) and isinstance(doc := getattr(item, "__doc__", None), str)
            ]
    seen = dict.fromkeys(" ".join(paragraph.split()) for text in texts for paragraph in text.split("\n\n"))
    file.write_text(
        "".join(f"{paragraph}\n" for paragraph in seen if paragraph), encoding="utf-8", errors="replace"
    )


def _docstrings(path: Path) -> list[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old escapes in other people's strings
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return []  # a template or a file for another Python: no documentation to be had
    kinds = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds))
    return [doc for doc in found if doc]


@contextlib.contextmanager
def affix_file() -> Iterator[Path]:
    """The English affix list that travels with the package, as a file."""
    with resources.as_file(resources.files("morphvec.data") / "english_affixes.tsv") as path:
        yield path


def offset_agreement(models: Sequence[Embeddings], affixes: Path, least: int = 8) -> list[dict[str, Any]]:
    """How alike the offsets (form − lemma) of each affix class are in each model.

    For each class with at least ``least`` pairs: its name, pairs, an example, and per model the mean cosine of an
    offset to the mean of the others in its class (1: one direction; 0: none in common). Models share one vocabulary.
    """
    rules = read_affixes(affixes)
    words, counts = models[0].words, models[0].counts
    found = analyse(words, [1] * len(words) if counts is None else counts, rules)
    classes: dict[str, list[tuple[int, int]]] = {}
    for stem, word, rule in zip(
        found.stems.tolist(), found.words.tolist(), found.rules.tolist(), strict=True
    ):
        classes.setdefault(rules[rule].name, []).append((stem, word))
    rows = []
    for name, pairs in classes.items():
        if len(pairs) >= least:
            stems, forms = np.array(pairs).T
            frequent = min(pairs, key=max)
            rows.append(
                {
                    "class": name,
                    "pairs": len(pairs),
                    "example": [words[frequent[0]], words[frequent[1]]],
                    "agreement": [
                        _agreement(model.vectors[forms] - model.vectors[stems]) for model in models
                    ],
                }
            )
    return rows


def _agreement(offsets: np.ndarray) -> float:
    others = offsets.sum(axis=0, keepdims=True) - offsets
    lengths = np.linalg.norm(offsets, axis=1) * np.linalg.norm(others, axis=1)
    products = np.einsum("ij,ij->i", offsets, others)
    return float(np.mean(np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)))
