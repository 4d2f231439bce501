"""The folder of a language model: manifest, words.txt, and the files of its kind. Never pickle."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from morphvec.artifact import load_lines, load_manifest, save_lines, write_manifest, writing
from morphvec.errors import ArtifactError, MorphvecError
from morphvec.lm.base import LanguageModel, LmVocabulary
from morphvec.lm.kinds import KINDS, find_kind
from morphvec.text.tokenize import Tokenizer

NOUN = "language model"
WORDS = "words.txt"


def save(model: LanguageModel, path: Path, *, overwrite: bool = False) -> None:
    """Write the folder in one step; the manifest's own fields are kept, those of the vocabulary and predictor set.

    Raises OutputError for a place that cannot or must not be written.
    """
    vocabulary = model.vocabulary
    with writing(path, overwrite=overwrite) as folder:
        save_lines(folder / WORDS, vocabulary.words)
        fields = {
            "kind": model.predictor.kind,
            "order": model.order,
            "words": len(vocabulary.words),
            "language": vocabulary.language,
            "tokenizer": asdict(vocabulary.tokenizer),
            **{name: value for name, value in model.manifest.items() if name not in _OWN},
            "predictor": model.predictor.save(folder),
        }
        write_manifest(folder, NOUN, fields)


_OWN = (
    "format",
    "format_version",
    "noun",
    "kind",
    "order",
    "words",
    "language",
    "tokenizer",
    "predictor",
    "parts",
)


def load(path: Path) -> LanguageModel:
    """Read a folder; arrays stay memory maps. Raises ArtifactError where it is damaged or holds something else."""
    manifest = load_manifest(path, NOUN)
    vocabulary = _vocabulary(path, manifest)
    name, stated = manifest.get("kind"), manifest.get("predictor")
    if name not in KINDS or not isinstance(stated, dict):
        raise _damaged(f"the manifest of {path} (kind {name!r})")
    predictor = find_kind(name).load(path, stated, vocabulary)
    if predictor.order != manifest.get("order"):
        raise _damaged(f"the manifest of {path} (order {manifest.get('order')!r})")
    return LanguageModel(vocabulary, predictor, manifest)


def _vocabulary(path: Path, manifest: dict[str, Any]) -> LmVocabulary:
    words = tuple(load_lines(path / WORDS))
    try:
        vocabulary = LmVocabulary(words, Tokenizer(**manifest["tokenizer"]), str(manifest["language"]))
        stated = manifest["words"]
    except (KeyError, TypeError, MorphvecError) as error:
        raise _damaged(f"the vocabulary's fields in {path} ({error!r})") from error
    if stated != len(words) or len(vocabulary.index) != len(words) + 3 or not all(words):
        raise _damaged(f"{path / WORDS} has {len(words)} words")
    return vocabulary


def _damaged(value: str) -> ArtifactError:
    return ArtifactError(
        value, "the parts of a folder agree with its manifest", "restore the folder, or train it anew"
    )
