"""Maps as plain data: which words, where they lie in the plane, what has which colour, what is near. No picture here.

    found = choose(model, words=1000)
    drawn = word_map(model, found, MapOptions(colour="class"))
    drawn.as_json()

Neighbours are exact, by cosine, among the words of the map.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from morphvec.arrays import Floats1d, Floats2d, Ints1d, Ints2d
from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import InputError, OptionError, UnknownWordError
from morphvec.view import groups as g
from morphvec.view.project import (
    Parallel,
    Preservation,
    check_projection,
    nearest,
    parallel,
    pca,
    preservation,
    tsne,
)

_LONGEST = 40  # characters of a label
_DIGITS = 4  # of places and cosines in JSON


@dataclass(frozen=True, eq=False)
class Chosen:
    """Words of a model with their vectors as points of one space.

    words: keys. rows: int64 [n], -1 for a word composed from its parts. points: float64 [n, r] of length 1 (or 0), with
    the cosines of the vectors. counts: int64 [n], -1 where unknown; None where the model has none. missing: words that
    were asked for and have no vector.
    """

    words: tuple[str, ...]
    rows: Ints1d
    points: Floats2d
    counts: Ints1d | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class MapOptions:
    """projection: tsne or pca. colour: class, language, cluster, frequency, or auto: what there is, in the order language
    (of several), class, cluster. clusters: how many. neighbours: k of the preservation and of the lists of neighbours.
    perplexity: of t-SNE.
    """

    projection: str = "tsne"
    colour: str = "auto"
    clusters: int = g.MOST
    neighbours: int = 10
    perplexity: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.colour not in ("auto", *g.COLOURS):
            raise OptionError(
                f"colour={self.colour!r}", f"it is auto, {', '.join(g.COLOURS)}", "give another --colour"
            )
        if self.neighbours < 1:
            raise OptionError(
                f"neighbours={self.neighbours}", "at least one is looked at", "give another --neighbours"
            )


@dataclass(frozen=True, eq=False)
class WordMap:
    """Words in the plane.

    labels: words as a picture can show them. places: float64 [n, 2] in [-1, 1], one scale for both axes. variance: what
    the two axes hold of it, None for t-SNE. near, cosines [n, k]: the nearest words of each word among these, the
    nearest first. kept: float64 [n], the share of them that lies near on the map. pairs: int64 [pairs, 2] of words to be joined.
    """

    words: tuple[str, ...]
    labels: tuple[str, ...]
    counts: Ints1d | None
    places: Floats2d
    projection: str
    variance: float | None
    grouping: g.Grouping
    near: Ints2d
    cosines: Floats2d
    kept: Floats1d
    preservation: Preservation
    pairs: Ints2d | None = None
    parallel: Parallel | None = None

    def as_json(self) -> dict[str, Any]:
        """Everything as columns of plain numbers and strings, finite."""
        of, values = self.grouping.of, self.grouping.values
        sizes = zip(self.grouping.names, self.grouping.sizes(), strict=True)
        counts = None if self.counts is None else self.counts.tolist()
        return {
            **self.summary(),
            "groups": [{"name": name, "words": words} for name, words in sizes],
            "points": {
                "word": list(self.words),
                "label": list(self.labels),
                "count": counts,
                "x": _rounded(self.places[:, 0]),
                "y": _rounded(self.places[:, 1]),
                "group": None if of is None else of.tolist(),
                "value": None if values is None else _rounded(values),
                "near": self.near.tolist(),
                "cosine": [_rounded(row) for row in self.cosines],
                "kept": _rounded(self.kept),
            },
            "pairs": None if self.pairs is None else self.pairs.tolist(),
        }

    def summary(self) -> dict[str, Any]:
        """What the map is and how far it can be trusted."""
        told: dict[str, Any] = {
            "projection": self.projection,
            "words": len(self.words),
            "colour": self.grouping.kind,
            "preservation": {
                "k": self.preservation.k,
                "share": self.preservation.share,
                "n": self.preservation.n,
                "chance": self.preservation.chance,
            },
            "variance": self.variance,
            "parallel": None,
        }
        if self.parallel is not None:
            told["parallel"] = {
                name: getattr(self.parallel, name) for name in ("pairs", "mean", "left_out", "shuffled")
            }
        return told


def _rounded(numbers: Floats1d) -> list[float]:
    return [round(float(number), _DIGITS) for number in numbers]


def shown(word: str) -> str:
    """A word as a picture can show it: no control characters, at most 40 characters."""
    clean = "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co") else c
        for c in word
    )
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 1] + "…"


# ---------------------------------------------------------------------------------------------- which words


def choose(
    model: Embeddings, words: int | Sequence[str] = 1000, *, language: str = "", skip: int = 0
) -> Chosen:
    """The most frequent words of a model (of one language), or the given ones, each once.

    A given word of a model of several languages is looked for in each of them, unless it or ``language`` says of which
    it is; one without a row is composed from its parts. skip: so many of the most frequent words are passed over.
    Raises OptionError for a number that chooses nothing, InputError where none of the given words has a vector.
    """
    if isinstance(words, int):
        rows = model.language_rows(language) if language else np.arange(len(model))
        if words < 1 or skip < 0 or skip >= len(rows):
            raise OptionError(
                f"{words} words after the first {skip}",
                f"at least one of {len(rows):,} is shown",
                "give another --words or --skip",
            )
        picked = rows[skip : skip + words].astype(np.int64)
        return _chosen(model, [model.words[row] for row in picked.tolist()], picked, {})
    keys: dict[str, int] = {}
    others: dict[str, Floats1d] = {}
    missing = []
    for word in words:
        found = _find(model, word, language)
        keys |= found
        if not found:
            key, vector = _compose(model, word, language)
            if vector is None:
                missing.append(word)
            else:
                keys[key], others[key] = -1, vector
    if not keys:
        raise InputError(
            f"{len(missing)} words, for example {missing[0]!r}" if missing else "a list without words",
            "at least one is a word of the model, or composed from its parts",
            "check the list, its language and the case of its words",
        )
    return _chosen(model, list(keys), np.array(list(keys.values()), np.int64), others, missing)


def _find(model: Embeddings, word: str, language: str) -> dict[str, int]:
    """Key → row of a word, in every language that it may be of."""
    languages: Sequence[str] = [language]
    if not language and model.languages and not model.split(word)[0]:
        languages = model.languages
    rows = [model.row(word, each) for each in languages]
    return {model.words[row]: row for row in rows if row is not None}


def _compose(model: Embeddings, word: str, language: str) -> tuple[str, Floats1d | None]:
    if not language and len(model.languages) == 1:
        language = model.languages[0]
    try:
        return model.key(word, language), model.vector_for(word, language)
    except UnknownWordError:
        return word, None


def _chosen(
    model: Embeddings,
    keys: Sequence[str],
    rows: Ints1d,
    others: Mapping[str, Floats1d],
    missing: Sequence[str] = (),
) -> Chosen:
    composed = {place: others[key] for place, key in enumerate(keys) if key in others}
    picked = model.rows.picked(rows, composed).unit()
    points = np.asarray(picked.span(np.arange(len(keys))).points, np.float64)
    counts = None
    if model.counts is not None:
        counts = np.where(rows < 0, -1, np.asarray(model.counts)[rows])
    return Chosen(tuple(keys), rows, points, counts, tuple(missing))


def choose_pairs(
    model: Embeddings, pairs: Sequence[tuple[str, str]], *, language: str = ""
) -> tuple[Chosen, Ints2d, int]:
    """The words of pairs, the pairs int64 [m, 2] as places among them, and how many pairs lack a vector.

    Pairs of equal words are lacking too. Raises InputError where none is left.
    """
    chosen = choose(model, list(dict.fromkeys(word for pair in pairs for word in pair)), language=language)
    missing = set(chosen.missing)
    place = {key: number for number, key in enumerate(chosen.words)}
    found: dict[tuple[int, int], None] = {}
    lost = 0
    for pair in pairs:
        ends = [] if missing.intersection(pair) else [_key_of(model, word, language, place) for word in pair]
        if len(ends) == 2 and ends[0] != ends[1]:
            found[ends[0], ends[1]] = None
        else:
            lost += 1
    if not found:
        raise InputError(
            f"{len(pairs)} pairs, for example {pairs[0][0]!r} and {pairs[0][1]!r}",
            "at least one pair has two words with vectors",
            "check the file, and its words' languages (LANG:word) and case",
        )
    numbers = np.array(list(found), np.int64)
    used = np.unique(numbers)
    moved = np.full(len(chosen.words), -1, np.int64)
    moved[used] = np.arange(len(used))
    kept = Chosen(
        tuple(chosen.words[number] for number in used.tolist()),
        chosen.rows[used],
        chosen.points[used],
        None if chosen.counts is None else chosen.counts[used],
        chosen.missing,
    )
    return kept, moved[numbers], lost


def _key_of(model: Embeddings, word: str, language: str, place: Mapping[str, int]) -> int:
    """The place of a word; of several languages the first of the model's that has it."""
    found = _find(model, word, language)
    key = next(iter(found)) if found else _compose(model, word, language)[0]
    return place[key]


# ---------------------------------------------------------------------------------------------- the map


def word_map(
    model: Embeddings,
    chosen: Chosen,
    options: MapOptions,
    *,
    pairs: Ints2d | None = None,
    classes: Mapping[str, Ints1d] | None = None,
    advance: Callable[[float], None] | None = None,
) -> WordMap:
    """Words laid out in the plane and put into groups.

    pairs: places of words to be joined. classes: of rows, in place of those that the model knows. advance: is told of
    iterations of t-SNE. Raises OptionError for too few words, or a colour that the model cannot give; MissingExtraError for t-SNE
    without its library.
    """
    check_projection(options.projection, len(chosen.words))
    grouping, labels = _coloured(model, chosen, options, classes, pairs)
    near, cosines = nearest(chosen.points, min(options.neighbours, len(chosen.words) - 1))
    variance = None
    if options.projection == "pca":
        places, shares = pca(chosen.points)
        variance = float(shares.sum())
    else:
        places = tsne(chosen.points, perplexity=options.perplexity, seed=options.seed, advance=advance)
    if pairs is not None:
        places = _turned(places, pairs)
    found, kept = preservation(near, places)
    return WordMap(
        chosen.words,
        labels,
        chosen.counts,
        _scaled(places),
        options.projection,
        variance,
        grouping,
        near,
        cosines,
        kept,
        found,
        pairs,
        None if pairs is None else parallel(chosen.points, pairs, options.seed),
    )


def _coloured(
    model: Embeddings,
    chosen: Chosen,
    options: MapOptions,
    classes: Mapping[str, Ints1d] | None,
    pairs: Ints2d | None,
) -> tuple[g.Grouping, tuple[str, ...]]:
    """The groups of the words, and their labels: bare where the colour says the language."""
    labels = tuple(shown(word) for word in chosen.words)
    colour = options.colour
    if pairs is not None and colour == "auto":  # the two sides of the pairs
        second = np.isin(np.arange(len(chosen.words)), pairs[:, 1])
        return g.Grouping("side", ("first of a pair", "second of a pair"), second.astype(np.int64)), labels
    if classes is None and colour in ("auto", "class"):
        classes = g.affix_classes(model)
    if colour == "auto":
        known = any(np.isin(chosen.rows, members).any() for members in (classes or {}).values())
        colour = "language" if len(model.languages) > 1 else "class" if known else "cluster"
    if colour == "class":
        if not classes:
            raise OptionError(
                "--colour class",
                "the model has no affixes among its parts",
                "give --unimorph or --classes, or choose cluster",
            )
        return g.by_class(classes, chosen.rows), labels
    if colour == "language":
        bare = tuple(shown(model.split(word)[1]) for word in chosen.words)
        return g.by_language(model, chosen.words), bare
    if colour == "frequency":
        return g.by_frequency(chosen.counts), labels
    clusters = min(options.clusters, len(labels)) if options.colour == "auto" else options.clusters
    return g.by_cluster(chosen.points, labels, clusters, options.seed), labels


def _turned(places: Floats2d, pairs: Ints2d) -> Floats2d:
    """Mirrored so that the mean difference of the pairs points to the right and up."""
    mean = (places[pairs[:, 1]] - places[pairs[:, 0]]).mean(axis=0)
    return np.asarray(places * np.where(mean < 0, -1.0, 1.0))


def _scaled(places: Floats2d) -> Floats2d:
    """Moved and scaled into [-1, 1], the longer side filling it."""
    low, high = places.min(axis=0), places.max(axis=0)
    size = float((high - low).max()) / 2
    return np.asarray((places - (low + high) / 2) / (size if size > 0 else 1.0))
