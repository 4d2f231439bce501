"""What the options say of the morphology: every file that they name, read and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from morphvec.artifact import sha256_file
from morphvec.errors import InputError
from morphvec.morphology.affixes import read_affixes
from morphvec.morphology.constraints import Knowledge
from morphvec.morphology.derivations import read_derivations
from morphvec.morphology.segmentation import read_morphs, read_segmentation
from morphvec.morphology.tables import (
    parse_language_path,
    read_class_weights,
    read_classes,
    read_edges,
    read_unimorph,
    read_words,
)
from morphvec.morphology.treebank import read_treebank
from morphvec.pipeline.options import KNOWLEDGE, CountStage, FitStage

Known = tuple[Knowledge, tuple[Mapping[str, Any], ...]]


def input_records(stage: CountStage | FitStage) -> tuple[Mapping[str, Any], ...]:
    """Name, size and SHA-256 of every table and list that the options of a stage name.

    Raises InputError for a file that is missing.
    """
    records = []
    for _, text in (pair for pairs in _named(stage).values() for pair in pairs):
        path = Path(text)
        if not path.is_file():
            raise InputError(f"{path} is not a file", "tables and lists are files", "check the path")
        records.append({"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_file(path)})
    return tuple(records)


def read_knowledge(stage: CountStage | FitStage) -> Known:
    """What those files say, and their records. Raises InputError for a file that is missing or cannot be used."""
    records, named = input_records(stage), _named(stage)
    readers = (("unimorph", read_unimorph), ("derivations", read_derivations), ("conllu", read_treebank))
    weights: dict[str, float] = {}
    for _, path in named["class_weights"]:
        weights |= read_class_weights(path)
    return Knowledge(
        tables=tuple(read(path, language) for name, read in readers for language, path in named[name]),
        affixes=tuple(rule for language, path in named["affixes"] for rule in read_affixes(path, language)),
        segmentations=tuple(read_segmentation(path, language) for language, path in named["segments"]),
        morphs=tuple(read_morphs(path, language) for language, path in named["morfessor"]),
        classes=tuple(read_classes(path) for _, path in named["classes"]),
        edges=tuple(read_edges(path) for _, path in named["edges"]),
        class_weights=weights,
        hold_out=tuple(word for _, path in named["hold_out"] for word in read_words(path)),
    ), records


def _named(stage: CountStage | FitStage) -> dict[str, list[tuple[str, str]]]:
    """Option → (language, path) pairs, in the order in which they are read."""
    return {
        name: [parse_language_path(argument) for argument in getattr(stage, name, ())] for name in KNOWLEDGE
    }
