"""The files of a model folder that say what words are made of.

    parts.tsv                kind⇥name of every row of P, own rows first
    composition.safetensors  B as CSR
    analyses.tsv             word⇥lemma⇥affix of words outside the vocabulary; a word alone is a lemma that no rule undoes
    segments.tsv             word⇥morpheme⇥morpheme…, a line per segmentation
    rules.tsv                listed|induced⇥language⇥suffix|prefix⇥form⇥lemma⇥name, in the order of their use
    morphs.tsv               language⇥morph⇥count; the empty morph counts word boundaries and begins a model

    buckets.safetensors      ``buckets`` float32 [buckets, k], the rows of hashed n-grams, instead of all the others

Analyses, segments, rules and morphs exist where words have a lemma, affixes or morphemes among their parts. They are read when a model is
opened, so that it is of one piece whatever happens to its folder, and taken apart when the first unseen word is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from scipy.sparse import csr_array

from morphvec.artifact import load_lines, open_arrays, save_arrays, save_lines
from morphvec.embeddings.buckets import LONGEST_GRAM, Buckets, Composer
from morphvec.embeddings.coded import opened, stored
from morphvec.embeddings.unseen import Parts
from morphvec.errors import ArtifactError, MorphvecError, OutputError
from morphvec.features.composition import MAX_WEIGHT, OWN, ROW_KINDS
from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.pieces import KINDS, Analyser
from morphvec.morphology.segmentation import MorphModel

BUCKETS = "buckets.safetensors"
ANALYSES, SEGMENTS, RULES, MORPHS = "analyses.tsv", "segments.tsv", "rules.tsv", "morphs.tsv"
_BROKEN = re.compile("[\n\ud800-\udfff]")  # in the last cell of a line
_UNFIT = re.compile("[\t\n\ud800-\udfff]")
_LISTED, _INDUCED, _FOUND = "listed", "induced", "found"


def part_fields(parts: Composer | None) -> dict[str, Any]:
    """What the manifest says of the parts."""
    if isinstance(parts, Buckets):
        lengths = {"shortest": parts.shortest, "longest": parts.longest}
        return {"ngrams": None, "part_weights": None, "buckets": lengths}
    if parts is None:
        return {"ngrams": None, "part_weights": None}
    ngrams = None if parts.ngrams is None else list(parts.ngrams)
    return {"ngrams": ngrams, "part_weights": dict(parts.weights), "part_rarity": parts.rarity}


def save_parts(folder: Path, parts: Parts) -> None:
    """Write the files into an open artifact folder. Raises OutputError for a name that a line of text cannot hold."""
    own = (f"{OWN}\t{word}" for word in parts.words)
    others = ("\t".join(part) for part in _fit(parts.names, _BROKEN))
    save_lines(folder / "parts.tsv", (*own, *others))
    B = parts.composition
    save_arrays(
        folder / "composition.safetensors",
        {
            "indptr": B.indptr.astype(np.int64),
            "indices": B.indices.astype(np.int32),
            "data": B.data.astype(np.float32),
            "shape": np.array(B.shape, np.int64),
        },
    )
    if _analysed(parts.weights):
        analyser = parts.analyser
        save_lines(folder / ANALYSES, _lines(_analysis_rows(analyser)))
        save_lines(
            folder / SEGMENTS, _lines((key, *cut) for key, cuts in analyser.segmented.items() for cut in cuts)
        )
        save_lines(folder / RULES, _lines(_rule_rows(analyser)))
        save_lines(folder / MORPHS, _lines(_morph_rows(analyser)))


def save_buckets(folder: Path, parts: Buckets) -> None:
    """Write the rows of hashed n-grams into an open artifact folder."""
    save_arrays(folder / BUCKETS, stored("buckets", parts.vectors))


def load_buckets(path: Path, words: tuple[str, ...], dim: int, told: Mapping[str, Any]) -> Buckets:
    """Open the rows of hashed n-grams, a memory map. told: as the manifest has it. Raises ValueError, TypeError, KeyError
    or ArtifactError where they are damaged or at odds."""
    vectors = opened("buckets", open_arrays(path / BUCKETS))
    if vectors is None:
        raise KeyError("buckets")
    if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != dim or not len(vectors):
        raise ValueError(f"buckets of shape {vectors.shape} beside vectors of {dim} numbers")
    shortest, longest = int(told["shortest"]), int(told["longest"])
    if not 1 <= shortest <= longest <= LONGEST_GRAM:
        raise ValueError("the buckets' n-grams are not a pair of lengths")
    return Buckets(words, vectors, shortest, longest)


def load_parts(
    path: Path, vectors: Any, words: tuple[str, ...], ngrams: Any, weights: Mapping[str, Any], rarity: Any
) -> Parts:
    """Read the files. ngrams, weights, rarity: as the manifest has them. Raises ValueError, TypeError or ArtifactError
    where they are damaged or at odds; a line of the last four that makes no sense is an ArtifactError of the first
    unseen word."""
    lines = [line.partition("\t") for line in load_lines(path / "parts.tsv")]
    names = tuple((kind, name) for kind, _, name in lines[len(words) :])
    if (
        len(lines) != len(vectors)
        or any(kind != OWN for kind, _, _ in lines[: len(words)])
        or any(kind not in ROW_KINDS.values() for kind, _ in names)
        or len(set(names)) != len(names)
    ):
        raise ValueError("parts.tsv and the part vectors disagree")
    lengths = None if ngrams is None else tuple(int(length) for length in ngrams)
    if lengths is not None and (len(lengths) != 2 or not 1 <= lengths[0] <= lengths[1] <= 20):
        raise ValueError("ngrams is not a pair of lengths")
    numbers = {str(kind): float(weight) for kind, weight in weights.items()}
    if any(kind not in ROW_KINDS or not 0 < weight <= MAX_WEIGHT for kind, weight in numbers.items()):
        raise ValueError("part_weights are not numbers above 0 of kinds of parts")
    if not 0 <= float(rarity) <= 1:
        raise ValueError("part_rarity is not a number from 0 to 1")
    told: Analyser | Callable[[], Analyser] = Analyser()
    if _analysed(numbers):
        told = partial(
            _make_analyser,
            path,
            {name: load_lines(path / name) for name in (ANALYSES, SEGMENTS, RULES, MORPHS)},
        )
    composition = _load_composition(path, vectors, len(words))
    return Parts(
        words,
        names,
        vectors,
        composition,
        None if lengths is None else (lengths[0], lengths[1]),
        numbers,
        told,
        float(rarity),
    )


def _analysed(weights: Mapping[str, float]) -> bool:
    return any(kind in weights for kind in KINDS)


def _load_composition(path: Path, vectors: Any, words: int) -> csr_array:
    csr = open_arrays(path / "composition.safetensors")
    shape = (int(csr["shape"][0]), int(csr["shape"][1]))
    indptr, indices, data = csr["indptr"], csr["indices"], csr["data"]
    if [array.dtype.str for array in (indptr, indices, data, vectors)] != ["<i8", "<i4", "<f4", "<f4"] or (
        indptr.ndim,
        indices.ndim,
        data.ndim,
        vectors.ndim,
    ) != (1, 1, 1, 2):
        raise ValueError("the composition or the parts have another type")
    if (
        shape != (words, len(vectors))
        or len(indptr) != words + 1
        or int(indptr[-1]) != len(indices)
        or len(data) != len(indices)
    ):
        raise ValueError("the composition and the parts disagree")
    if len(indices) and (
        int(indices.min()) < 0
        or int(indices.max()) >= shape[1]
        or bool(np.any(np.diff(indptr) < 0))
        or int(indptr[0]) != 0
    ):
        raise ValueError("the composition points outside the parts")
    matrix = csr_array(shape, dtype=np.float32)
    matrix.indptr, matrix.indices, matrix.data = np.asarray(indptr), np.asarray(indices), np.asarray(data)
    return matrix


# ---------------------------------------------------------------------------------------------- analysers as text


def _lines(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    return ("\t".join(row) for row in _fit(rows, _UNFIT))


def _fit(rows: Iterable[tuple[str, ...]], unfit: re.Pattern[str]) -> Iterator[tuple[str, ...]]:
    """The rows, or OutputError where a cell holds what a line of text cannot."""
    for row in rows:
        bad = next((cell for cell in row if unfit.search(cell)), None)
        if bad is not None:
            raise OutputError(
                f"the part {bad!r}",
                "a part's name has no tab, no line feed and is Unicode text",
                "mend the table or list that it comes from",
            )
        yield row


def _analysis_rows(analyser: Analyser) -> Iterator[tuple[str, ...]]:
    for key, analyses in analyser.listed.items():
        if not analyses:
            yield (key,)
        for lemma, affix in analyses:
            yield key, lemma, affix


def _rule_rows(analyser: Analyser) -> Iterator[tuple[str, ...]]:
    for source, rules in (
        (_LISTED, analyser.affixes),
        (_INDUCED, analyser.induced),
        (_FOUND, analyser.found),
    ):
        for rule in rules:
            yield source, rule.language, rule.kind, rule.form, rule.lemma, rule.name


def _morph_rows(analyser: Analyser) -> Iterator[tuple[str, ...]]:
    for model in analyser.morphs:
        boundaries = model.total - sum(model.morphs.values())
        yield model.language, "", str(boundaries)
        for morph, count in model.morphs.items():
            yield model.language, morph, str(count)


def _make_analyser(path: Path, lines: Mapping[str, list[str]]) -> Analyser:
    """What the lines of the four files say. Raises ArtifactError where one of them makes no sense."""
    rows = {name: [line.split("\t") for line in of_file] for name, of_file in lines.items()}
    try:
        listed: dict[str, tuple[tuple[str, str], ...]] = {}
        for cells in rows[ANALYSES]:
            if len(cells) not in (1, 3):
                raise ValueError(f"{ANALYSES} has a row that is not word, lemma, affix")
            more = () if len(cells) == 1 else ((cells[1], cells[2]),)
            listed[cells[0]] = listed.get(cells[0], ()) + more
        segmented: dict[str, tuple[tuple[str, ...], ...]] = {}
        for cells in rows[SEGMENTS]:
            if len(cells) < 2:
                raise ValueError(f"{SEGMENTS} has a row without a morpheme")
            segmented[cells[0]] = (*segmented.get(cells[0], ()), tuple(cells[1:]))
        affixes, induced, found = _read_rules(rows[RULES])
        return Analyser(listed, segmented, affixes, induced, _read_morphs(rows[MORPHS]), found)
    except (ValueError, OverflowError, MorphvecError) as error:
        raise ArtifactError(
            f"{path}: {error}",
            "its text parts are rows of tabs as they were written",
            "restore the folder, or train it anew",
        ) from error


def _read_rules(rows: list[list[str]]) -> tuple[tuple[AffixRule, ...], ...]:
    """Those of lists, those learned from tables, those found in the text."""
    found: dict[str, list[AffixRule]] = {_LISTED: [], _INDUCED: [], _FOUND: []}
    for cells in rows:
        if len(cells) != 6 or cells[0] not in found or cells[2] not in ("suffix", "prefix"):
            raise ValueError(f"{RULES} has a row that is not a rule")
        source, language, kind, form, lemma, name = cells
        found[source].append(AffixRule(cast(Literal["suffix", "prefix"], kind), form, lemma, name, language))
    return tuple(tuple(rules) for rules in found.values())


def _read_morphs(rows: list[list[str]]) -> tuple[MorphModel, ...]:
    found: list[tuple[str, int, dict[str, int]]] = []
    for language, morph, count in rows:
        if not morph:
            found.append((language, int(count), {}))
        elif not found or found[-1][0] != language or morph in found[-1][2]:
            raise ValueError(f"{MORPHS} has a morph before its model, or twice")
        else:
            found[-1][2][morph] = int(count)
    # Words without morphs: all that a model needs of the words that its counts were taken from is their number.
    return tuple(
        MorphModel(language, morphs, MORPHS, ((boundaries, ()),)) for language, boundaries, morphs in found
    )
