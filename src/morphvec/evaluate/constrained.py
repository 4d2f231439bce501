"""Which words a model was told of in training: the list ``constrained.tsv`` of its folder.

A line is ``word⇥how,how…``: the kinds of constraint that bind the word's row (``offset``, ``lemma``, ``class``), and
``parts`` where a row of a table or a segmentation says what it is made of. There is no list where nothing of the kind
was given. Words outside the vocabulary of which tables told stand in ``analyses.tsv`` and ``segments.tsv``.
"""

from __future__ import annotations

from pathlib import Path

from morphvec.artifact import load_lines, load_manifest
from morphvec.embeddings.parts_files import ANALYSES, SEGMENTS
from morphvec.embeddings.store import CONSTRAINED, NOUN
from morphvec.errors import ArtifactError


def read_constrained(folder: str | Path) -> frozenset[str] | None:
    """The keys of all words that the training of a model was told of; None where its folder has no list.

    Raises ArtifactError where the folder or the list is damaged.
    """
    folder = Path(folder)
    parts = load_manifest(folder, NOUN)["parts"]
    if CONSTRAINED not in parts:
        return None
    words = {line.rpartition("\t")[0] for line in load_lines(folder / CONSTRAINED)}
    for name in (ANALYSES, SEGMENTS):
        if name in parts:
            words.update(line.partition("\t")[0] for line in load_lines(folder / name))
    if "" in words:
        raise ArtifactError(
            f"{folder}: a list of constrained words with a line that has none",
            "a line begins with a word",
            "restore the folder, or train it anew",
        )
    return frozenset(words)


def untold(folder: str | Path) -> bool:
    """Whether a model was trained with constraints and does not list their words: by an older release, or written
    anew since."""
    manifest = load_manifest(Path(folder), NOUN)
    return bool(manifest.get("constraints")) and CONSTRAINED not in manifest["parts"]
