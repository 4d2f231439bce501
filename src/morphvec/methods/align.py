"""Two spaces made one: the vectors of one language brought into one space with those of another.

The usual alternative to a space that was joint from the start. From pairs of words, the rows of X and of Y, comes a map of
either side (``rotation.reweighted``): the source is turned to the target, and on both sides a direction counts by how well
the pairs agree on it (Artetxe et al. 2018). Vectors in singular value form need it: all their directions are equally long,
those that no other language shares too. With ``reweight`` 0 comes the orthogonal W with the least ‖XW − Y‖ alone: of the
singular value decomposition XᵀY = AΣCᵀ it is ACᵀ (Schönemann 1966, the orthogonal Procrustes problem). The source side
becomes XW, the target side stays, so that within each language all cosines are those of the vectors as they were prepared.

Refinement (Conneau et al. 2018, §2.2): with the map so far, the pairs of words that are each other's nearest by CSLS
among the most frequent words of both sides are the next dictionary; and so on, until no pair changes. CSLS is that of
``evaluate.lexicon``.

Parts of unseen words are not carried: a composed vector is linear in its parts, unit length and centring are not, and
an n-gram that both languages have would need two vectors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from morphvec.arrays import Floats2d, Ints1d, Ints2d
from morphvec.embeddings.dense_rows import DenseRows
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.engine.blas import one_blas_thread
from morphvec.engine.local import local_engine
from morphvec.errors import InputError, OptionError
from morphvec.evaluate.datasets import DictionarySet
from morphvec.evaluate.report import evaluate
from morphvec.methods.rotation import (
    STEPS,
    Spread,
    mutual_neighbours,
    prepared,
    procrustes,
    reweighted,
    turned,
)
from morphvec.report import SILENT, Reporter
from morphvec.rng import stream
from morphvec.text.tokenize import Tokenizer

_LANGUAGE = re.compile("[A-Za-z][A-Za-z0-9_-]*")
_SIDES = ("source", "target")
_MOST_REWEIGHT = 4.0
_SPREAD_ROWS = 10  # times dim: fewer say little of how far vectors reach


@dataclass(frozen=True)
class AlignOptions:
    """identical: words spelled alike are pairs too. preprocess: what is done to each side's vectors first, in this order:
    ``unit`` (length 1), ``centre`` (less the mean of all words). reweight: power of the correlation by which a direction
    counts; 0: the map is orthogonal. refine: rounds of refinement at most, among the ``restrict`` most frequent words of
    each side. held_out: share of the dictionary's source words (drawn by ``seed``) that give no
    pair and are scored instead.

    Raises OptionError for a value out of range.
    """

    identical: bool = False
    preprocess: tuple[str, ...] = ("unit", "centre", "unit")
    reweight: float = 0.5
    refine: int = 20
    restrict: int = 5_000
    held_out: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for step in self.preprocess:
            if step not in STEPS:
                raise OptionError(
                    f"preprocess={','.join(self.preprocess)}: {step!r}",
                    f"a step is one of {', '.join(STEPS)}",
                    "write e.g. --preprocess unit,centre,unit, or none",
                )
        for name, least in (("refine", 0), ("restrict", 1), ("seed", 0)):
            value = getattr(self, name)
            if value < least:
                raise OptionError(f"{name}={value}", f"it is at least {least}", f"give another --{name}")
        if not 0 <= self.reweight <= _MOST_REWEIGHT:
            raise OptionError(
                f"reweight={self.reweight:g}",
                f"it is a power from 0 to {_MOST_REWEIGHT:g}",
                "write e.g. --reweight 0.5, or 0 for an orthogonal map",
            )
        if not 0 <= self.held_out < 1:
            raise OptionError(
                f"held_out={self.held_out:g}",
                "it is a share, 0 or more and below 1",
                "write e.g. --held-out 0.2",
            )


@dataclass(frozen=True, eq=False)
class Aligned:
    """The joint model, its keys ``LANG:word``, and a report of how the map came to be (numbers, strings, lists)."""

    model: Embeddings
    report: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Side:
    """One language before the map: bare words in the order of their counts, and its vectors as prepared, float32 [T, k]."""

    model: Embeddings
    language: str
    words: tuple[str, ...]
    order: Ints1d
    vectors: Floats2d

    def fold(self, word: str) -> str:
        """A word of a dictionary as this side's text processing writes it; it may carry its language."""
        return self.model.tokenizer.fold(word.removeprefix(f"{self.language}:"), self.language)


def align(
    source: Embeddings,
    target: Embeddings,
    options: AlignOptions | None = None,
    *,
    dictionary: DictionarySet | None = None,
    languages: tuple[str, str] | None = None,
    engine: Engine | None = None,
    reporter: Reporter = SILENT,
) -> Aligned:
    """Bring the vectors of ``source`` into one space with those of ``target``.

    Both are models of one language, with bare words or ``LANG:word``. languages: of source and target; those of the
    models where left out. The pairs are those of the dictionary, of words spelled alike, or both. Rows stand by count;
    where a side has no counts, the n-th words of both sides stand side by side. The same input gives the same bits for
    any number of threads.

    Raises OptionError and InputError by name for models that cannot be put together (sparse, several languages, one
    language twice, other dimensions, words folded by other rules) and for pairs that are too few to fix a map.
    """
    options = options or AlignOptions()
    engine = engine or local_engine()
    rule = check_models(source, target)
    _check_pairs_asked(options, dictionary)
    names = _languages(source, target, languages)
    sides = [_side(*pair, options.preprocess) for pair in zip((source, target), names, strict=True)]
    rows = [{word: row for row, word in enumerate(side.words)} for side in sides]
    held = _held_out(dictionary, sides, rows, options)
    pairs, found = _pairs(dictionary, sides, rows, held, options)
    _check_enough(pairs, source.vector_size, held)
    made, steps = _fit(sides, pairs, options, engine, reporter)
    model = _joined(sides, made.vectors(sides), rule)
    report = {**found, **steps, "held_out": None}
    if held and dictionary is not None:
        report["held_out"] = _score(model, dictionary, sides[0], held, names, options)
    model.manifest = {
        "method": "align",
        "config": {**asdict(options), "preprocess": ",".join(options.preprocess) or "none"},
        "alignment": report,
    }
    return Aligned(model, report)


def check_models(source: Embeddings, target: Embeddings) -> Tokenizer:
    """The rule by which words of both are folded. Raises OptionError for models that cannot share a space."""
    for name, model in zip(_SIDES, (source, target), strict=True):
        if model.sparse:
            raise OptionError(
                f"the {name} model is sparse",
                "a map turns dense vectors",
                "train it with --method svd, or another that has --dim",
            )
        if len(model.languages) > 1:
            raise OptionError(
                f"the {name} model has {', '.join(model.languages)}",
                "each side is a model of one language",
                "train one model for each language",
            )
    if source.vector_size != target.vector_size:
        raise OptionError(
            f"dim {source.vector_size} and dim {target.vector_size}",
            "an orthogonal map keeps the dimensions",
            "train both models with one --dim",
        )
    one, other = source.tokenizer, target.tokenizer
    if (one.composes, one.case) != (other.composes, other.case):
        raise OptionError(
            f"words made by {one.name}, {one.case} and by {other.name}, {other.case}",
            "one model folds its queries by one rule",
            "train or import both with the same --tokenizer and --case",
        )
    return other


def _languages(source: Embeddings, target: Embeddings, given: tuple[str, str] | None) -> tuple[str, str]:
    names = []
    for place, (name, model) in enumerate(zip(_SIDES, (source, target), strict=True)):
        own = model.languages[0] if model.languages else ""
        wanted = own if given is None else given[place]
        if not wanted:
            raise OptionError(
                f"the {name} model has bare words",
                "keys of the joint model are LANG:word",
                "pass --languages SRC TGT",
            )
        if own and wanted != own:
            raise OptionError(
                f"{wanted!r} for the {name} model",
                f"its words are of {own}",
                f"pass {own!r} in --languages, or leave it out",
            )
        if not _LANGUAGE.fullmatch(wanted):
            raise OptionError(
                f"language {wanted!r}",
                "it is a letter followed by letters, digits, - or _",
                "write e.g. --languages spa por",
            )
        names.append(wanted)
    if names[0] == names[1]:
        raise OptionError(
            f"{names[0]} on both sides", "two languages are aligned", "name them with --languages SRC TGT"
        )
    return names[0], names[1]


def _side(model: Embeddings, language: str, steps: Sequence[str]) -> Side:
    order = (
        np.arange(len(model))
        if model.counts is None
        else np.argsort(-np.asarray(model.counts), kind="stable")
    )
    prefix = f"{language}:"
    keys = [model.words[row] for row in order.tolist()]
    marked = bool(model.languages) or all(key.startswith(prefix) for key in keys)
    words = tuple(key.removeprefix(prefix) for key in keys) if marked else tuple(keys)
    return Side(model, language, words, order, prepared(np.asarray(model.vectors)[order], steps))


# ----------------------------------------------------------------------------------------------------- pairs


def _check_pairs_asked(options: AlignOptions, dictionary: DictionarySet | None) -> None:
    if dictionary is None and not options.identical:
        raise OptionError(
            "no pairs of words", "a map is fitted to pairs", "pass --dict FILE, --identical, or both"
        )
    if dictionary is None and options.held_out:
        raise OptionError(
            f"held_out={options.held_out:g} and no dictionary",
            "what is held out is a part of the dictionary",
            "pass --dict FILE too, or leave --held-out out",
        )


def _listed(dictionary: DictionarySet, sides: Sequence[Side]) -> list[tuple[str, str]]:
    """The distinct pairs, folded, in file order."""
    one, other = sides
    return list(dict.fromkeys((one.fold(a), other.fold(b)) for a, b in dictionary.pairs))


def _held_out(
    dictionary: DictionarySet | None,
    sides: Sequence[Side],
    rows: Sequence[Mapping[str, int]],
    options: AlignOptions,
) -> frozenset[str]:
    """The source words that give no pair: a share of those that have a known one."""
    if dictionary is None or not options.held_out:
        return frozenset()
    known = [a for a, b in _listed(dictionary, sides) if a in rows[0] and b in rows[1]]
    words = list(dict.fromkeys(known))
    count = max(1, round(options.held_out * len(words))) if words else 0
    drawn = stream(options.seed).permutation(len(words))[:count]
    return frozenset(words[place] for place in drawn.tolist())


def _pairs(
    dictionary: DictionarySet | None,
    sides: Sequence[Side],
    rows: Sequence[Mapping[str, int]],
    held: frozenset[str],
    options: AlignOptions,
) -> tuple[Ints2d, dict[str, Any]]:
    """Distinct pairs of rows int64 [n, 2], and where they come from."""
    found: dict[tuple[int, int], None] = {}
    report: dict[str, Any] = {"dictionary": None, "identical": None}
    if dictionary is not None:
        listed = _listed(dictionary, sides)
        known = [(a, b) for a, b in listed if a in rows[0] and b in rows[1]]
        if not known:
            raise InputError(
                f"{dictionary.name}: none of its {len(listed):,} pairs",
                f"the map needs pairs of a {sides[0].language} and a {sides[1].language} word of the vocabularies",
                "check the order of the two languages, and --case",
            )
        used = [(rows[0][a], rows[1][b]) for a, b in known if a not in held]
        found.update(dict.fromkeys(used))
        report["dictionary"] = {
            "name": dictionary.name,
            "pairs": len(listed),
            "known": len(known),
            "used": len(used),
        }
    if options.identical:
        alike = [word for word in sides[0].words if word in rows[1] and word not in held]
        if not alike and dictionary is None:
            raise InputError(
                "no word is spelled alike on both sides",
                "--identical takes such words as pairs",
                "pass --dict FILE",
            )
        found.update(dict.fromkeys((rows[0][word], rows[1][word]) for word in alike))
        report["identical"] = len(alike)
    return np.array(list(found), np.int64).reshape(-1, 2), {**report, "pairs": len(found)}


def _check_enough(pairs: Ints2d, dim: int, held: frozenset[str]) -> None:
    different = _different(pairs)
    if different < dim:
        raise InputError(
            f"{len(pairs):,} pairs, {different:,} different words on a side"
            + (f", {len(held):,} held out" if held else ""),
            f"a map of dim {dim} is fixed by at least as many",
            "give a larger dictionary, add --identical, or train with a lower --dim",
        )


def _different(pairs: Ints2d) -> int:
    """How many different words the side with fewer of them has."""
    return min(len(np.unique(pairs[:, side])) for side in (0, 1))


# ------------------------------------------------------------------------------------------------- the map


@dataclass(frozen=True, eq=False)
class _Maps:
    """The maps of both sides, float64 [k, k]; None where a side stays as it is. open_directions: those that pairs left open."""

    source: Floats2d
    target: Floats2d | None
    open_directions: int

    def vectors(
        self, sides: Sequence[Side], rows: Sequence[Any] = (slice(None), slice(None))
    ) -> list[Floats2d]:
        """Rows of either side, mapped."""
        one, other = (side.vectors[chosen] for side, chosen in zip(sides, rows, strict=True))
        return [turned(one, self.source), other if self.target is None else turned(other, self.target)]


def _fit(
    sides: Sequence[Side], pairs: Ints2d, options: AlignOptions, engine: Engine, reporter: Reporter
) -> tuple[_Maps, dict[str, Any]]:
    """The maps and how they came to be: the mean cosine of the given pairs before, with their own map, and at the end."""
    map_of = _mapper(sides, options)
    made = map_of(pairs)
    dim = sides[0].vectors.shape[1]
    mutual: list[Ints2d] = []
    means = [_mean_cosine(sides, pairs, None), _mean_cosine(sides, pairs, made)]
    if options.refine:
        with reporter.stage("refine", total=options.refine, unit="rounds") as progress:
            for number in range(1, options.refine + 1):
                one, other = made.vectors(sides, 2 * [slice(options.restrict)])
                found = mutual_neighbours(DenseRows(one).unit(), DenseRows(other).unit(), engine)
                if _different(found) < dim:
                    reporter.warn(
                        f"round {number} of refinement found {len(found):,} mutual pairs, dim is {dim}: the map before it is kept"
                    )
                    break
                made = map_of(found)
                mutual.append(found)
                means.append(_mean_cosine(sides, pairs, made))
                progress.advance(1, f"{len(found):,} mutual pairs")
                if len(mutual) > 1 and np.array_equal(found, mutual[-2]):  # as will be all after it
                    break
    return made, {
        "mean_cosine": {"before": means[0], "mapped": means[1], "after": means[-1]},
        "refinements": [
            {"mutual": len(found), "mean_cosine": mean} for found, mean in zip(mutual, means[2:], strict=True)
        ],
        "open_directions": made.open_directions,
    }


def _mapper(sides: Sequence[Side], options: AlignOptions) -> Callable[[Ints2d], _Maps]:
    """What makes maps of pairs."""
    frequent = max(options.restrict, _SPREAD_ROWS * sides[0].vectors.shape[1])
    spreads = [Spread.of(side.vectors[:frequent]) for side in sides] if options.reweight else []

    def made(pairs: Ints2d) -> _Maps:
        X, Y = (side.vectors[pairs[:, place]] for place, side in enumerate(sides))
        if not spreads:
            W, open_directions = procrustes(X, Y)
            return _Maps(W, None, open_directions)
        return _Maps(*reweighted(X, Y, (spreads[0], spreads[1]), options.reweight))

    return made


def _mean_cosine(sides: Sequence[Side], pairs: Ints2d, made: _Maps | None) -> float:
    """Of the pairs, as they are or mapped."""
    rows = (pairs[:, 0], pairs[:, 1])
    if made is None:
        both = [side.vectors[chosen] for side, chosen in zip(sides, rows, strict=True)]
    else:
        both = made.vectors(sides, rows)
    places = np.arange(len(pairs))
    together = DenseRows(np.concatenate(both))
    return float(together.cosines(np.stack([places, places + len(pairs)], axis=1)).mean())


def _joined(sides: Sequence[Side], parts: Sequence[Floats2d], rule: Tokenizer) -> Embeddings:
    words = [f"{side.language}:{word}" for side in sides for word in side.words]
    vectors = np.concatenate(parts)
    known = [side.model.counts for side in sides]
    counts = [np.asarray(own)[side.order] for own, side in zip(known, sides, strict=True) if own is not None]
    keys: list[Any] = [(row, side) for side in (0, 1) for row in range(len(sides[side].words))]
    found: Ints1d | None = None
    if len(counts) == len(sides):
        found = np.concatenate(counts).astype(np.int64)
        keys = [(-count, word) for count, word in zip(found.tolist(), words, strict=True)]
    order = sorted(range(len(words)), key=keys.__getitem__)
    return Embeddings(
        [words[row] for row in order],
        vectors[order],
        counts=None if found is None else found[order],
        tokenizer=rule,
        languages=[side.language for side in sides],
    )


def _score(
    model: Embeddings,
    dictionary: DictionarySet,
    source: Side,
    held: frozenset[str],
    languages: tuple[str, str],
    options: AlignOptions,
) -> dict[str, Any]:
    """The held-out part of the dictionary as ``evaluate --bli`` scores it."""
    kept = tuple(pair for pair in dictionary.pairs if source.fold(pair[0]) in held)
    part = replace(dictionary, pairs=kept)
    with one_blas_thread():
        results = evaluate(model, bli=[(*languages, part)], seed=options.seed)
    return {"words": len(held), "pairs": len(kept), "results": [result.as_json() for result in results]}
