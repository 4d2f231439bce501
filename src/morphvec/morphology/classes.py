"""Which rows of the vocabulary belong together, according to tables, lists and affix rules.

A member of an offset class is a pair (lemma row, form row), a member of a word class is a row. Rows that cannot be
used are never dropped in silence: a TableReport counts every row of the input exactly once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Bools1d, Floats1d, Ints1d
from morphvec.errors import OptionError
from morphvec.morphology.affixes import AffixRule, analyse
from morphvec.morphology.rows import (
    MULTIWORD,
    WordFunction,
    check_known,
    held_rows,
    locate,
    locate_listed,
    rows_of,
)
from morphvec.morphology.tables import ClassList, EdgeList, Table

_FATES = ("used", "multiword", "unknown", "same", "held_out")  # of an input row; the earliest that applies


@dataclass(frozen=True, eq=False)
class PairClasses:
    """Offset classes: member m is the pair (``lemmas[m]``, ``forms[m]``) of class ``names[class_of[m]]``.

    names: sorted by code point. lemmas, forms int64[m]: vocabulary rows, never equal. class_of int32[m].
    Members are distinct and sorted by (class, lemma, form), so those of one class stand side by side.
    """

    names: tuple[str, ...]
    lemmas: Ints1d
    forms: Ints1d
    class_of: Ints1d

    @property
    def sizes(self) -> Ints1d:
        """Members per class, int64[len(names)]."""
        return np.bincount(self.class_of, minlength=len(self.names)).astype(np.int64)


@dataclass(frozen=True, eq=False)
class WordClasses:
    """Word classes: row ``members[m]`` belongs to class ``names[class_of[m]]``; a row may belong to several.

    names: sorted by code point. members int64[m], class_of int32[m]: distinct, sorted by (class, row).
    """

    names: tuple[str, ...]
    members: Ints1d
    class_of: Ints1d

    @property
    def sizes(self) -> Ints1d:
        """Members per class, int64[len(names)]."""
        return np.bincount(self.class_of, minlength=len(self.names)).astype(np.int64)


@dataclass(frozen=True, eq=False)
class LemmaFamilies:
    """A lemma with its distinct forms: edge e joins row ``lemmas[e]`` to row ``forms[e]`` in family ``family_of[e]``.

    lemmas, forms int64[e], sorted by (lemma, form), each edge once over all bundles; family_of int32[e].
    sizes int64[families]: words of a family, its lemma included, so a family has ``sizes - 1`` edges.
    """

    lemmas: Ints1d
    forms: Ints1d
    family_of: Ints1d
    sizes: Ints1d


@dataclass(frozen=True, eq=False)
class Edges:
    """Listed edges: rows ``i[e] < j[e]``, each unordered pair once, sorted by (i, j); ``weight`` float64[e] > 0."""

    i: Ints1d
    j: Ints1d
    weight: Floats1d


@dataclass(frozen=True)
class TableReport:
    """What became of every row of the input: the seven fates from ``used`` to ``small`` add up to ``rows``.

    unknown: a word that is not in the vocabulary. multiword: a word with a space. same: both words are one row.
    held_out: a word of the hold-out list (of rows whose words are known). duplicate: the same row again.
    small: in a class with fewer members than asked for. classes: how many classes remain (0 for edges).
    """

    source: str
    rows: int
    used: int
    unknown: int
    multiword: int
    same: int
    duplicate: int
    held_out: int
    small: int
    classes: int
    languages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        fates = (
            self.used,
            self.unknown,
            self.multiword,
            self.same,
            self.duplicate,
            self.held_out,
            self.small,
        )
        if sum(fates) != self.rows:
            raise ValueError(f"{self.rows} rows, but the counts add up to {sum(fates)}")

    def line(self) -> str:
        """The report as one line for people; reasons that apply to no row are left out."""
        reasons = (
            (self.unknown, "with unknown words"),
            (self.multiword, "with multi-word entries"),
            (self.same, "with twice the same word"),
            (self.held_out, "held out"),
            (self.duplicate, "repeated"),
            (self.small, "in classes too small"),
        )
        left = ", ".join(f"{count:,} {reason}" for count, reason in reasons if count)
        languages = f" ({', '.join(self.languages)})" if self.languages else ""
        classes = f" in {self.classes:,} class{'es' if self.classes != 1 else ''}" if self.classes else ""
        return f"{self.source}{languages}: {self.used:,} of {self.rows:,} rows used{classes}" + (
            f"; left out: {left}" if left else ""
        )


# ------------------------------------------------------------------------------------- fates, grouping


def _fates(one: NDArray[np.int64], other: NDArray[np.int64], held: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row its place in ``_FATES``."""
    conditions: list[Bools1d] = [
        (one == MULTIWORD) | (other == MULTIWORD),
        (one < 0) | (other < 0),
        one == other,
        np.isin(one, held) | np.isin(other, held),
    ]
    return np.select(conditions, [1, 2, 3, 4], 0).astype(np.int64)


def _counts(fate: NDArray[np.int64]) -> dict[str, int]:
    numbers = np.bincount(fate, minlength=len(_FATES)).tolist()
    return dict(zip(_FATES[1:], numbers[1:], strict=True))


@dataclass(frozen=True, eq=False)
class _Grouped:
    names: tuple[str, ...]
    class_of: Ints1d
    members: NDArray[np.int64]  # (m, columns)
    duplicate: int
    small: int


def _group(
    names: Sequence[str], name_of: NDArray[np.int64], members: NDArray[np.int64], min_size: int
) -> _Grouped:
    """Sort members (m, columns) by (class name, columns), drop repeated ones and classes below ``min_size``."""
    if min_size < 1:
        raise OptionError(f"min_size={min_size}", "a class has at least one member", "give 1 or more")
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    table = np.column_stack((rank[name_of], members)).astype(np.int64)
    table = table[np.lexsort(table.T[::-1])]
    fresh = np.ones(len(table), np.bool_)
    fresh[1:] = (table[1:] != table[:-1]).any(axis=1)
    duplicate = int(len(table) - np.count_nonzero(fresh))
    table = table[fresh]
    large = np.bincount(table[:, 0], minlength=len(names)) >= min_size
    stays = large[table[:, 0]]
    number = np.cumsum(large) - 1
    return _Grouped(
        tuple(names[place] for place, kept in zip(order, large.tolist(), strict=True) if kept),
        number[table[stays, 0]].astype(np.int32),
        table[stays, 1:],
        duplicate,
        int(len(table) - np.count_nonzero(stays)),
    )


def _numbered(names: Sequence[str], known: dict[str, int]) -> NDArray[np.int64]:
    return np.fromiter((known.setdefault(name, len(known)) for name in names), np.int64, len(names))


def _joined(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


# ------------------------------------------------------------------------------------- from files


def pair_classes(
    tables: Sequence[Table],
    key: WordFunction,
    index: Mapping[str, int],
    fold: WordFunction,
    *,
    hold_out: Collection[str] = (),
    min_size: int = 2,
) -> tuple[PairClasses, TableReport]:
    """Offset classes of inflection tables: a class is a feature bundle, shared by all languages.

    key: (word, language) to the key of the vocabulary. index: key to row. fold: (text, language) to the spelling
    that the vocabulary's tokenizer would give it.
    A row enters when both words are known, are different rows, hold no space, and neither is in ``hold_out`` (words
    or keys, folded alike). A pair under two bundles (syncretism) is a member of both. Classes with fewer than
    ``min_size`` pairs are left out.
    Raises InputError where no word of a table is in the vocabulary.
    """
    languages = tuple(dict.fromkeys(table.language for table in tables))
    held = held_rows(hold_out, languages, key, index, fold)
    names: dict[str, int] = {}
    lemmas, forms, bundles = [], [], []
    for table in tables:
        lemma, form = rows_of((table.lemmas, table.forms), locate(table.language, key, index, fold))
        if len(table):
            example = " → ".join(
                key(fold(words[0], table.language), table.language) for words in (table.lemmas, table.forms)
            )
            check_known((lemma, form), "a UniMorph table", table.source, example)
        lemmas.append(lemma)
        forms.append(form)
        bundles.append(_numbered(table.features, names))
    lemma, form, bundle = _joined(lemmas), _joined(forms), _joined(bundles)
    fate = _fates(lemma, form, held)
    used = fate == 0
    grouped = _group(list(names), bundle[used], np.column_stack((lemma[used], form[used])), min_size)
    pairs = PairClasses(grouped.names, grouped.members[:, 0], grouped.members[:, 1], grouped.class_of)
    return pairs, _report("UniMorph", fate, grouped, languages)


def listed_classes(
    listed: ClassList,
    key: WordFunction,
    index: Mapping[str, int],
    fold: WordFunction,
    *,
    languages: Sequence[str] = (),
    hold_out: Collection[str] = (),
    min_size: int = 2,
) -> tuple[WordClasses, TableReport]:
    """Word classes of a list; its words are keys (``LANG:word``) where the vocabulary has ``languages``.

    Raises InputError where no word is in the vocabulary. Otherwise as ``pair_classes``.
    """
    (row,) = rows_of((listed.words,), locate_listed(languages, key, index, fold))
    if listed.words:
        check_known((row,), "a class list", listed.source, listed.words[0])
    held = held_rows(hold_out, tuple(languages) or ("",), key, index, fold)
    fate = _fates(row, np.full(len(row), np.iinfo(np.int64).max), held)  # a member has no second word
    names: dict[str, int] = {}
    name_of = _numbered(listed.classes, names)
    used = fate == 0
    grouped = _group(list(names), name_of[used], row[used, None], min_size)
    classes = WordClasses(grouped.names, grouped.members[:, 0], grouped.class_of)
    return classes, _report(listed.source, fate, grouped, tuple(languages))


def listed_edges(
    listed: EdgeList,
    key: WordFunction,
    index: Mapping[str, int],
    fold: WordFunction,
    *,
    languages: Sequence[str] = (),
    hold_out: Collection[str] = (),
) -> tuple[Edges, TableReport]:
    """Edges of a list; of an edge that comes twice, in any direction, the largest weight stays.

    Words, ``hold_out`` and InputError as in ``listed_classes``.
    """
    one, other = rows_of((listed.first, listed.second), locate_listed(languages, key, index, fold))
    if listed.first:
        check_known((one, other), "an edge list", listed.source, f"{listed.first[0]} – {listed.second[0]}")
    fate = _fates(one, other, held_rows(hold_out, tuple(languages) or ("",), key, index, fold))
    used = fate == 0
    i, j = np.minimum(one, other)[used], np.maximum(one, other)[used]
    weight = np.array(listed.weights, np.float64)[used]
    order = np.lexsort((-weight, j, i))  # the heaviest of equal edges first
    i, j, weight = i[order], j[order], weight[order]
    fresh = np.ones(len(i), np.bool_)
    fresh[1:] = (i[1:] != i[:-1]) | (j[1:] != j[:-1])
    kept = int(np.count_nonzero(fresh))
    report = TableReport(
        listed.source,
        len(fate),
        kept,
        duplicate=len(i) - kept,
        small=0,
        classes=0,
        languages=tuple(languages),
        **_counts(fate),
    )
    return Edges(i[fresh], j[fresh], weight[fresh]), report


def affix_pairs(
    words: Sequence[str],
    counts: Sequence[int] | Ints1d,
    rules: Sequence[AffixRule],
    *,
    rows: Ints1d | None = None,
    language: str = "",
    fold: WordFunction | None = None,
    hold_out: Collection[str] = (),
    min_stem: int = 3,
    min_size: int = 2,
) -> tuple[PairClasses, TableReport]:
    """Offset classes from an affix list: one class per rule name, members (stem row, word row).

    words, counts: the bare words of one language and their tokens. rows: int64[len(words)], their vocabulary rows
    where these are not 0, 1, 2 …. fold: applied to ``hold_out`` (as it stands where None). The rows of the report
    are the analyses found by ``affixes.analyse``.
    """
    found = analyse(words, counts, rules, min_stem)
    keep: WordFunction = fold if fold is not None else lambda word, _: word
    place = {word: number for number, word in enumerate(words)} if hold_out else {}
    held = held_rows(hold_out, (language,), lambda word, _: word, place, keep)
    fate = _fates(found.stems.astype(np.int64), found.words.astype(np.int64), held)
    names: dict[str, int] = {}
    name_of = _numbered([rules[rule].name for rule in found.rules.tolist()], names)
    used = fate == 0
    row = np.arange(len(words)) if rows is None else np.asarray(rows, np.int64)
    members = np.column_stack((row[found.stems[used]], row[found.words[used]]))
    grouped = _group(list(names), name_of[used], members, min_size)
    pairs = PairClasses(grouped.names, grouped.members[:, 0], grouped.members[:, 1], grouped.class_of)
    return pairs, _report("affix list", fate, grouped, (language,))


def _report(source: str, fate: NDArray[np.int64], grouped: _Grouped, languages: Sequence[str]) -> TableReport:
    return TableReport(
        source,
        len(fate),
        len(grouped.class_of),
        duplicate=grouped.duplicate,
        small=grouped.small,
        classes=len(grouped.names),
        languages=tuple(language for language in languages if language),
        **_counts(fate),
    )


# ------------------------------------------------------------------------------------- from pairs


def word_classes(pairs: PairClasses) -> WordClasses:
    """For ``class`` constraints: the distinct forms of each class, under the same names."""
    table = _distinct(pairs.class_of, pairs.forms)
    return WordClasses(pairs.names, table[:, 1], table[:, 0].astype(np.int32))


def lemma_families(pairs: PairClasses) -> LemmaFamilies:
    """For ``lemma`` constraints: each lemma with its distinct forms over all bundles."""
    table = _distinct(pairs.lemmas, pairs.forms)
    _, family_of, edges = np.unique(table[:, 0], return_inverse=True, return_counts=True)
    return LemmaFamilies(table[:, 0], table[:, 1], family_of.astype(np.int32), edges.astype(np.int64) + 1)


def _distinct(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.int64]:
    table = np.column_stack((one.astype(np.int64), other.astype(np.int64)))
    return np.unique(table, axis=0)
