"""Which rows of the vocabulary belong together, according to tables, lists and affix rules.

A member of an offset class is a pair (lemma row, form row), a member of a word class is a row. Rows that cannot be
used are never dropped in silence: a TableReport counts every row of the input exactly once.

Classes of one name are one class, whatever the language of their members: a bundle that Spanish and Portuguese
share, the rule PL of an English and of a French affix list. Entries with a space name no single word and are left
out. A form under several bundles (syncretism: *walked*, past and participle) is a member of each, and several forms
of one lemma under one bundle (overabundance: *dreamed*, *dreamt*) are members side by side; nothing chooses.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Ints1d
from morphvec.errors import InputError
from morphvec.morphology.affixes import AffixRule, analyse
from morphvec.morphology.fates import (
    DUPLICATE,
    USED,
    TableReport,
    contradictory,
    fates,
    group,
    numbered,
    report,
)
from morphvec.morphology.rows import WordFunction, check_known, held_rows, locate, locate_listed, rows_of
from morphvec.morphology.tables import ClassList, EdgeList, Table

__all__ = [
    "Edges",
    "LemmaFamilies",
    "PairClasses",
    "TableReport",
    "WordClasses",
    "affix_pairs",
    "lemma_families",
    "listed_classes",
    "listed_edges",
    "pair_classes",
    "word_classes",
]


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
    """Listed edges: rows ``i[e] < j[e]``, each unordered pair once, sorted by (i, j); ``weight`` float64[e] > 0.

    row int64[e]: where in the list the edge stands.
    """

    i: Ints1d
    j: Ints1d
    weight: Floats1d
    row: Ints1d


# ------------------------------------------------------------------------------------- from files


def pair_classes(
    tables: Sequence[Table],
    key: WordFunction,
    index: Mapping[str, int],
    fold: WordFunction,
    *,
    hold_out: Collection[str] = (),
    min_size: int = 2,
) -> tuple[PairClasses, list[TableReport]]:
    """Offset classes of tables: a class is a feature bundle, shared by all tables and languages.

    key: (word, language) to the key of the vocabulary. index: key to row. fold: (text, language) to the spelling
    that the vocabulary's tokenizer would give it.
    A row enters when both words are known, are different rows, hold no space, and neither is in ``hold_out`` (words
    or keys, folded alike). A pair under two bundles (syncretism) is a member of both. Classes with fewer than
    ``min_size`` pairs are left out. One report for each kind of table, over all its languages; of a row that comes
    twice, the first counts as used.
    Raises InputError where no word of a table is in the vocabulary.
    """
    held = held_rows(hold_out, tuple(dict.fromkeys(table.language for table in tables)), key, index, fold)
    names: dict[str, int] = {}
    lemmas, forms, bundles = [], [], []
    for table in tables:
        lemma, form = rows_of((table.lemmas, table.forms), locate(table.language, key, index, fold))
        if len(table):
            example = " → ".join(
                key(fold(words[0], table.language), table.language) for words in (table.lemmas, table.forms)
            )
            what = "a UniMorph table" if table.kind == "UniMorph" else f"a table ({table.kind})"
            check_known((lemma, form), what, table.source, example)
        lemmas.append(lemma)
        forms.append(form)
        bundles.append(numbered(table.features, names))
    lemma, form, bundle = _joined(lemmas), _joined(forms), _joined(bundles)
    pairs, fate = _pairs(list(names), bundle, lemma, form, held, min_size)
    kinds = [table.kind for table in tables]
    kind_of = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    reports = []
    for kind in dict.fromkeys(kinds):
        own = [number for number, other in enumerate(kinds) if other == kind]
        rows = np.isin(kind_of, own)
        reports.append(
            report(
                kind,
                fate[rows],
                tuple(dict.fromkeys(tables[number].language for number in own)),
                classes=_distinct_count(bundle[rows & (fate == USED)]),
                contradictory=sum(
                    contradictory(tables[number].lemmas, tables[number].forms, tables[number].features)
                    for number in own
                ),
            )
        )
    return pairs, reports


def _pairs(
    names: Sequence[str],
    name_of: NDArray[np.int64],
    lemma: NDArray[np.int64],
    form: NDArray[np.int64],
    held: NDArray[np.int64],
    min_size: int,
) -> tuple[PairClasses, NDArray[np.int64]]:
    """The classes of pairs of rows, and the fate of every pair."""
    fate = fates(lemma, form, held)
    used = fate == USED
    grouped = group(names, name_of[used], np.column_stack((lemma[used], form[used])), min_size)
    fate[used] = grouped.fate
    return PairClasses(grouped.names, grouped.members[:, 0], grouped.members[:, 1], grouped.class_of), fate


def _distinct_count(numbers: NDArray[np.int64]) -> int:
    return len(np.unique(numbers))


def _joined(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


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
    fate = fates(row, np.full(len(row), np.iinfo(np.int64).max), held)  # a member has no second word
    names: dict[str, int] = {}
    name_of = numbered(listed.classes, names)
    used = fate == USED
    grouped = group(list(names), name_of[used], row[used, None], min_size)
    fate[used] = grouped.fate
    classes = WordClasses(grouped.names, grouped.members[:, 0], grouped.class_of)
    return classes, report(listed.source, fate, languages, classes=len(grouped.names))


def listed_edges(
    listed: EdgeList,
    key: WordFunction,
    index: Mapping[str, int],
    fold: WordFunction,
    *,
    languages: Sequence[str] = (),
    hold_out: Collection[str] = (),
) -> tuple[Edges, NDArray[np.int64]]:
    """Edges of a list, and the fate of each of its rows (``fates.report`` makes a report of them).

    Of an edge that comes twice, in any direction, the largest weight stays.
    Words, ``hold_out`` and InputError as in ``listed_classes``.
    """
    one, other = rows_of((listed.first, listed.second), locate_listed(languages, key, index, fold))
    if listed.first:
        check_known((one, other), "an edge list", listed.source, f"{listed.first[0]} – {listed.second[0]}")
    fate = fates(one, other, held_rows(hold_out, tuple(languages) or ("",), key, index, fold))
    row = np.flatnonzero(fate == USED)
    i, j = np.minimum(one, other)[row], np.maximum(one, other)[row]
    weight = np.asarray(listed.weights, np.float64)[row]
    order = np.argsort(-weight, kind="stable")
    code = i[order] * (int(j.max(initial=0)) + 1) + j[order]
    order = order[np.argsort(code, kind="stable")]  # by edge, the heaviest of equal ones first
    i, j, weight, row = i[order], j[order], weight[order], row[order]
    fresh = np.ones(len(i), np.bool_)
    fresh[1:] = (i[1:] != i[:-1]) | (j[1:] != j[:-1])
    fate[row[~fresh]] = DUPLICATE
    return Edges(i[fresh], j[fresh], weight[fresh], row[fresh]), fate


def affix_pairs(
    words: Sequence[str],
    counts: Sequence[int] | Ints1d,
    rules: Sequence[AffixRule],
    *,
    owners: Sequence[str] = (),
    fold: WordFunction | None = None,
    hold_out: Collection[str] = (),
    min_stem: int = 3,
    min_size: int = 2,
) -> tuple[PairClasses, list[TableReport]]:
    """Offset classes from affix lists: one class per rule name over all languages, members (stem row, word row).

    words, counts: the bare words of the vocabulary in row order and their tokens. owners: the language of each word;
    where left out, the words have none. A rule with a language is tried on the words of that language only, one
    without on those of every language; a stem and its word are always of one language. fold: applied to ``hold_out``
    (as it stands where None). One report per language; its rows are the analyses found by ``affixes.analyse``.
    Raises InputError for a rule of a language that no word has.
    """
    languages = tuple(sorted(dict.fromkeys(owners))) or ("",)
    place = {language: number for number, language in enumerate(languages)}
    for rule in rules:
        if rule.language and rule.language not in place:
            raise InputError(
                f"affixes of the language {rule.language!r}",
                f"the vocabulary has {'the languages ' + ', '.join(languages) if languages != ('',) else 'none'}",
                "write --affixes LANG=PATH with one of them, or PATH alone for all",
            )
    keep: WordFunction = fold if fold is not None else lambda word, _: word
    language_of = np.array([place[owner] for owner in owners] or [0] * len(words), np.int64)
    tokens = np.asarray(counts)
    names: dict[str, int] = {}
    name_of = numbered([rule.name for rule in rules], names)
    stems, forms, classes, held, lengths = [], [], [], [], []
    for number, language in enumerate(languages):
        rows = np.flatnonzero(language_of == number)
        own = [which for which, rule in enumerate(rules) if rule.language in ("", language)]
        bare = [words[row] for row in rows.tolist()]
        found = analyse(bare, tokens[rows], [rules[which] for which in own], min_stem)
        stems.append(rows[found.stems])
        forms.append(rows[found.words])
        classes.append(name_of[np.array(own, np.int64)[found.rules]])
        lengths.append(len(found.rules))
        place_of = dict(zip(bare, rows.tolist(), strict=True)) if hold_out else {}
        held.append(held_rows(hold_out, (language,), lambda word, _: word, place_of, keep))
    name, held_out = _joined(classes), _joined(held)
    pairs, fate = _pairs(list(names), name, _joined(stems), _joined(forms), held_out, min_size)
    reports = []
    for language, end, length in zip(languages, np.cumsum(lengths).tolist(), lengths, strict=True):
        part = slice(end - length, end)
        kept = _distinct_count(name[part][fate[part] == USED])
        reports.append(report("affix list", fate[part], (language,), classes=kept))
    return pairs, reports


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
