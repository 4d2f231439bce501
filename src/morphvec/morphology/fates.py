"""What becomes of the rows of a table or list: every row has one fate, and a report counts them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Bools1d, Ints1d
from morphvec.errors import OptionError
from morphvec.morphology.rows import MULTIWORD

# In the order in which they are looked for; the number of a fate is its place here.
FATES = ("used", "multiword", "unknown", "same", "held_out", "duplicate", "small", "outside")
USED, DUPLICATE, SMALL, OUTSIDE = 0, 5, 6, 7


@dataclass(frozen=True)
class TableReport:
    """What became of every row of the input: the fates from ``used`` to ``small``, and ``outside``, add up to ``rows``.

    unknown: a word that is not in the vocabulary. multiword: a word with a space. same: both words are one row.
    held_out: a word of the hold-out list (of rows whose words are known). duplicate: the same row again.
    small: in a class with fewer members than asked for. outside: an edge whose words share no class (graph
    ``explicit``). classes: how many classes remain (0 for edges).
    contradictory: no fate but a remark, how many rows of the table (of any fate) stand beside another row with the
    same lemma and bundle and another form (overabundance), or the same form and bundle and another lemma.
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
    outside: int = 0
    contradictory: int = 0

    def __post_init__(self) -> None:
        total = sum(getattr(self, fate) for fate in FATES)
        if total != self.rows:
            raise ValueError(f"{self.rows} rows, but the counts add up to {total}")

    def line(self) -> str:
        """The report as one line for people; reasons that apply to no row are left out."""
        reasons = (
            (self.unknown, "with unknown words"),
            (self.multiword, "with multi-word entries"),
            (self.same, "with twice the same word"),
            (self.held_out, "held out"),
            (self.duplicate, "repeated"),
            (self.small, "in classes too small"),
            (self.outside, "outside the classes"),
        )
        left = ", ".join(f"{count:,} {reason}" for count, reason in reasons if count)
        languages = f" ({', '.join(self.languages)})" if self.languages else ""
        classes = f" in {self.classes:,} class{'es' if self.classes != 1 else ''}" if self.classes else ""
        return (
            f"{self.source}{languages}: {self.used:,} of {self.rows:,} rows used{classes}"
            + (f"; left out: {left}" if left else "")
            + (
                f"; {self.contradictory:,} of the rows contradict each other (several forms of one lemma and bundle,"
                " or several lemmas of one form)"
                if self.contradictory
                else ""
            )
        )


def report(
    source: str,
    fate: NDArray[np.int64],
    languages: Sequence[str] = (),
    *,
    classes: int = 0,
    contradictory: int = 0,
) -> TableReport:
    """The report of rows whose fates are given as places in ``FATES``."""
    counts = np.bincount(fate, minlength=len(FATES)).tolist()
    return TableReport(
        source,
        len(fate),
        classes=classes,
        languages=tuple(language for language in languages if language),
        contradictory=contradictory,
        **dict(zip(FATES, counts, strict=True)),
    )


def fates(one: NDArray[np.int64], other: NDArray[np.int64], held: NDArray[np.int64]) -> NDArray[np.int64]:
    """The fate of each pair of rows by its words alone; ``USED`` where nothing speaks against it so far."""
    conditions: list[Bools1d] = [
        (one == MULTIWORD) | (other == MULTIWORD),
        (one < 0) | (other < 0),
        one == other,
        np.isin(one, held) | np.isin(other, held),
    ]
    return np.select(conditions, [1, 2, 3, 4], USED).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Grouped:
    """Members by class: ``members[m]`` (its columns) belongs to ``names[class_of[m]]``; sorted, distinct.

    fate int64[rows of the input]: USED, DUPLICATE or SMALL.
    """

    names: tuple[str, ...]
    class_of: Ints1d
    members: NDArray[np.int64]
    fate: NDArray[np.int64]


def group(
    names: Sequence[str], name_of: NDArray[np.int64], members: NDArray[np.int64], min_size: int
) -> Grouped:
    """Sort members (m, columns) by (class name, columns), drop repeated ones and classes below ``min_size``.

    Of a member that comes twice the first stays. Raises OptionError where ``min_size`` is below 1.
    """
    if min_size < 1:
        raise OptionError(f"min_size={min_size}", "a class has at least one member", "give 1 or more")
    by_name = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), np.int64)
    rank[by_name] = np.arange(len(names))
    table = np.column_stack((rank[name_of], members)).astype(np.int64)
    order = np.lexsort(table.T[::-1])
    table = table[order]
    fresh = np.ones(len(table), np.bool_)
    fresh[1:] = (table[1:] != table[:-1]).any(axis=1)
    large = np.bincount(table[fresh, 0], minlength=len(names)) >= min_size
    stays = fresh & large[table[:, 0]]
    fate = np.empty(len(table), np.int64)
    fate[order] = np.select([stays, fresh], [USED, SMALL], DUPLICATE)
    number = np.cumsum(large) - 1
    return Grouped(
        tuple(names[place] for place, kept in zip(by_name, large.tolist(), strict=True) if kept),
        number[table[stays, 0]].astype(np.int32),
        table[stays, 1:],
        fate,
    )


def numbered(names: Sequence[str], known: dict[str, int]) -> NDArray[np.int64]:
    """The number of each name, int64; a new name takes the next number."""
    return np.fromiter((known.setdefault(name, len(known)) for name in names), np.int64, len(names))


def contradictory(lemmas: Sequence[str], forms: Sequence[str], features: Sequence[str]) -> int:
    """How many rows share (lemma, bundle) with a row of another form, or (form, bundle) with a row of another lemma."""
    words: dict[str, int] = {}
    lemma, form, bundle = numbered(lemmas, words), numbered(forms, words), numbered(features, {})
    several = _several(lemma, bundle, form) | _several(form, bundle, lemma)
    return int(np.count_nonzero(several))


def _several(word: NDArray[np.int64], bundle: NDArray[np.int64], value: NDArray[np.int64]) -> Bools1d:
    """Whether the (word, bundle) of each row comes with more than one value."""
    _, cell = np.unique(bundle * (word.max(initial=0) + 1) + word, return_inverse=True)
    span = int(value.max(initial=0)) + 1
    distinct = np.unique(cell * span + value)
    flags: Bools1d = np.bincount(distinct // span)[cell] > 1 if len(cell) else np.zeros(0, np.bool_)
    return flags
