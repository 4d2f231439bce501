"""What words on a picture have in common: class, language, cluster or frequency, as a colour can show it."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.unseen import AFFIX, Parts
from morphvec.engine.blas import one_blas_thread
from morphvec.errors import OptionError
from morphvec.morphology.classes import listed_classes, pair_classes, word_classes
from morphvec.morphology.tables import ClassList, Table
from morphvec.rng import stream

COLOURS = ("class", "language", "cluster", "frequency")
MOST = 7  # groups that colours can tell apart, beside the rest
REST = "other classes"
_CENTRAL = 3  # words that name a cluster


@dataclass(frozen=True, eq=False)
class Grouping:
    """Words in groups, or each with a value.

    kind: class, language, cluster or frequency. names: of the groups, the largest first. of: int64 [n], the group of each
    word, -1 for none. values: float64 [n], log10 of the count, in place of groups for frequency.
    """

    kind: str
    names: tuple[str, ...] = ()
    of: Ints1d | None = None
    values: Floats1d | None = None

    def sizes(self) -> list[int]:
        """Words in each group."""
        of = np.zeros(0, np.int64) if self.of is None else self.of
        return [int(np.count_nonzero(of == number)) for number in range(len(self.names))]


def affix_classes(model: Embeddings) -> dict[str, Ints1d]:
    """Affix or bundle → the rows, ascending, of the words that have it among their parts; the one of most words first."""
    parts = model.parts
    if not isinstance(parts, Parts):
        return {}
    own = len(parts.words)
    columns = [own + place for place, (kind, _) in enumerate(parts.names) if kind == AFFIX]
    if not columns:
        return {}
    members = parts.composition[:, columns].tocsc()
    bounds = zip(columns, members.indptr[:-1].tolist(), members.indptr[1:].tolist(), strict=True)
    found = {
        parts.names[column - own][1]: np.sort(members.indices[low:high]).astype(np.int64)
        for column, low, high in bounds
    }
    return _largest_first(found)


def told_classes(
    model: Embeddings, tables: Sequence[Table] = (), listed: Sequence[ClassList] = ()
) -> dict[str, Ints1d]:
    """The same from tables (forms by bundle) and lists. Raises InputError where none of their words is in the model."""

    def key(word: str, language: str) -> str:
        return f"{language}:{word}" if language else word

    found: dict[str, list[Ints1d]] = {}
    index = model.key_to_index
    if tables:
        pairs, _ = pair_classes(tables, key, index, model.fold, min_size=1)
        classes = [word_classes(pairs)]
    else:
        classes = []
    classes += [
        listed_classes(one, key, index, model.fold, languages=model.languages, min_size=1)[0]
        for one in listed
    ]
    for one in classes:
        for number, name in enumerate(one.names):
            found.setdefault(name, []).append(one.members[one.class_of == number])
    return _largest_first({name: np.unique(np.concatenate(rows)) for name, rows in found.items()})


def _largest_first(classes: Mapping[str, Ints1d]) -> dict[str, Ints1d]:
    return dict(sorted(classes.items(), key=lambda item: (-len(item[1]), item[0])))


def by_class(classes: Mapping[str, Collection[int]], rows: Ints1d, most: int = MOST) -> Grouping:
    """Words by class: rows int64 [n] of the model, -1 for a word outside it.

    A word of several classes stands in the one with most of these words. Classes beyond the ``most`` largest are one group.
    """
    place = {row: number for number, row in enumerate(rows.tolist()) if row >= 0}
    shown = {name: [place[row] for row in members if row in place] for name, members in classes.items()}
    ordered = sorted((name for name in shown if shown[name]), key=lambda name: (-len(shown[name]), name))
    of = np.full(len(rows), -1, np.int64)
    for number in range(len(ordered) - 1, -1, -1):
        of[shown[ordered[number]]] = number
    return _named("class", ordered, of, most)


def by_language(model: Embeddings, words: Sequence[str], most: int = MOST) -> Grouping:
    """Keys by their language. Raises OptionError for a model without languages."""
    if not model.languages:
        raise OptionError(
            "--colour language", "the model has no languages", "choose class, cluster or frequency"
        )
    owners = [model.split(word)[0] for word in words]
    number = {language: place for place, language in enumerate(model.languages)}
    of = np.array([number.get(owner, -1) for owner in owners], np.int64)
    return _named("language", model.languages, of, most)


def _named(kind: str, names: Sequence[str], of: Ints1d, most: int) -> Grouping:
    """Groups in the order of their size, the smallest as one where there are too many."""
    sizes = np.bincount(of[of >= 0], minlength=len(names))
    order = sorted(range(len(names)), key=lambda number: (-sizes[number], names[number]))
    order = [number for number in order if sizes[number]]
    moved = np.full(len(names) + 1, -1, np.int64)  # the last stands for "none", which is -1
    for place, number in enumerate(order):
        moved[number] = min(place, most)
    kept = [names[number] for number in order[:most]]
    return Grouping(kind, (*kept, REST) if len(order) > most else tuple(kept), moved[of])


def by_cluster(points: Floats2d, labels: Sequence[str], clusters: int, seed: int = 0) -> Grouping:
    """k-means of unit rows [n, r]; a cluster is named after the three words nearest to its centre.

    Raises OptionError for less than two clusters, or more than points.
    """
    from scipy.cluster.vq import kmeans2

    if not 2 <= clusters <= len(points):
        raise OptionError(
            f"clusters={clusters}",
            f"there are at least 2, and at most one for each of the {len(points)} words",
            "give another --clusters",
        )
    clusters = min(clusters, len(np.unique(points, axis=0)))
    with one_blas_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a cluster that ran empty is left out below
        centres, of = kmeans2(points, clusters, iter=50, minit="++", seed=stream(seed))
    names, numbers = [], np.asarray(of, np.int64)
    for number in range(clusters):
        members = np.flatnonzero(numbers == number)
        near = members[np.argsort(-(points[members] @ centres[number]), kind="stable")[:_CENTRAL]]
        names.append(", ".join(labels[place] for place in near.tolist()))
    return _named("cluster", names, numbers, clusters)


def by_frequency(counts: Ints1d | None) -> Grouping:
    """Counts int64 [n] as log10. Raises OptionError where the model has none."""
    if counts is None:
        raise OptionError(
            "--colour frequency", "the model has no counts", "choose class, language or cluster"
        )
    return Grouping("frequency", values=np.log10(np.maximum(np.asarray(counts, np.float64), 1.0)))
