"""Which changes of an ending or a beginning the spelling of a vocabulary shows, and between which words.

Pairs are found by hashes of the words' beginnings and ends, sorted and looked up: linear in the vocabulary but for the
words that share a beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Ints1d

MIN_STEM = 3  # characters that a word and its stem share
MAX_AFFIX = 6  # characters of an affix
MAX_REPLACED = 3  # characters of the stem that an ending stands in the place of

Name = tuple[
    Literal["suffix", "prefix"], str, str, bool
]  # kind, affix, what it replaces, a letter is doubled before it
_Hashes = NDArray[np.uint64]
_DOUBLES, _BEGINS = -1, -2  # in the place of the number of replaced characters
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd: it has an inverse mod 2⁶⁴
_SUFFIX, _DOUBLED, _PREFIX = (
    np.uint64(word) for word in (0xD6E8FEB86659FD93, 0xA5A3564E27F8862B, 0xC2B2AE3D27D4EB4F)
)


@dataclass(frozen=True, eq=False)
class Changes:
    """Pairs by change: those of change c are (``words[p]``, ``stems[p]``), p from ``starts[c]`` to ``starts[c+1]``.

    names: (kind, affix, what it replaces, whether a letter is doubled before it), sorted. words, stems int64[pairs],
    by word within a change; starts int64[changes + 1].
    """

    names: tuple[Name, ...]
    words: Ints1d
    stems: Ints1d
    starts: Ints1d

    def at(self, rows: Ints1d) -> Changes:
        """The same with word i called ``rows[i]``."""
        return replace(self, words=rows[self.words], stems=rows[self.stems])


def spelled_changes(words: Sequence[str], min_pairs: int) -> Changes:
    """The changes that at least ``min_pairs`` pairs of distinct words show.

    An ending of up to ``MAX_AFFIX`` characters stands for a shorter one of up to ``MAX_REPLACED``, or for none, behind
    the longest common beginning of at least ``MIN_STEM`` characters; or behind a doubled letter (*stopped*, *stop*); a
    beginning stands for nothing.
    """
    text = _Text(words)
    i, j, key, form, lemma = (np.concatenate(parts) for parts in zip(*text.pairs(), strict=True))
    order = np.lexsort((i, key))
    i, j, key, form, lemma = i[order], j[order], key[order], form[order], lemma[order]
    edges = np.flatnonzero(np.r_[True, key[1:] != key[:-1], True]) if len(key) else np.zeros(0, np.int64)
    found: list[tuple[Name, Ints1d, Ints1d]] = []
    for start, end in pairwise(edges.tolist()):
        if end - start < min_pairs:
            continue
        name = text.name(i[start], j[start], form[start], lemma[start])
        pairs = range(start, end)  # two changes of one hash: the first stays
        same = [p for p in pairs if text.name(i[p], j[p], form[p], lemma[p]) == name]
        if len(same) >= min_pairs:
            found.append((name, i[same], j[same]))
    found.sort(key=lambda one: one[0])
    none = np.zeros(0, np.int64)
    return Changes(
        tuple(name for name, _, _ in found),
        np.concatenate([none, *(rows for _, rows, _ in found)]),
        np.concatenate([none, *(stems for _, _, stems in found)]),
        np.cumsum([0, *(len(rows) for _, rows, _ in found)]),
    )


_Pairs = tuple[Ints1d, Ints1d, _Hashes, Ints1d, Ints1d]


class _Text:
    """The words as code points, with hashes of any piece of them: Σ code·Bᵖ over its places p, times B⁻ˢᵗᵃʳᵗ."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self.codes = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32).astype(np.uint64)
        self.length = np.array([len(word) for word in words], np.int64)
        self.start = np.r_[0, np.cumsum(self.length)][:-1].astype(np.int64)
        inverse = np.uint64(pow(int(_BASE), -1, 1 << 64))
        steps = np.full(len(self.codes) + 1, _BASE, np.uint64)
        steps[0] = 1
        power = np.multiply.accumulate(steps)
        steps[1:] = inverse
        self._back = np.multiply.accumulate(steps)
        self._sums = np.r_[np.uint64(0), np.cumsum((self.codes + np.uint64(1)) * power[:-1], dtype=np.uint64)]

    def _hash(self, begin: Ints1d, end: Ints1d) -> _Hashes:
        return np.asarray((self._sums[end] - self._sums[begin]) * self._back[begin])

    def pairs(self) -> list[_Pairs]:
        """(word, stem, key of the change, characters of the affix, of what it replaces or ``_DOUBLES`` or ``_BEGINS``)."""
        rows = np.arange(len(self.words), dtype=np.int64)
        fit = [rows[self.length - b >= MIN_STEM] for b in range(MAX_REPLACED + 1)]
        stems = np.concatenate(fit)
        less = np.repeat(np.arange(MAX_REPLACED + 1, dtype=np.int64), [len(part) for part in fit])
        end = self.start[stems] + self.length[stems] - less
        cut_stems = _Cut(_Lookup(self._hash(self.start[stems], end)), stems, less)
        whole = _Lookup(self._hash(self.start, self.start + self.length))
        found: list[_Pairs] = []
        for a in range(1, MAX_AFFIX + 1):
            words = rows[self.length - a >= MIN_STEM]
            found += [self._endings(a, words, cut_stems), self._doubled(a, words, whole)]
            found.append(self._beginnings(a, words, whole))
        return found

    def _endings(self, a: int, words: Ints1d, stems: _Cut) -> _Pairs:
        cut = self.start[words] + self.length[words] - a
        at, hit = stems.lookup.find(self._hash(self.start[words], cut))
        word, stem, less = words[at], stems.rows[hit], stems.less[hit]
        place = self.start[stem] + self.length[stem] - less
        other = self.codes[np.minimum(place, len(self.codes) - 1)] != self.codes[cut[at]]
        keep = (less < a) & (word != stem) & ((less == 0) | other)
        word, stem, less, place, cut = word[keep], stem[keep], less[keep], place[keep], cut[at][keep]
        key = _mix(self._hash(cut, cut + a), self._hash(place, place + less), _SUFFIX)
        return word, stem, key, np.full(len(word), a), less

    def _doubled(self, a: int, words: Ints1d, whole: _Lookup) -> _Pairs:
        cut = self.start[words] + self.length[words] - a
        doubled = self.length[words] - a > MIN_STEM
        doubled &= self.codes[cut - 1] == self.codes[np.maximum(cut - 2, 0)]
        words, cut = words[doubled], cut[doubled]
        at, stem = whole.find(self._hash(self.start[words], cut - 1))
        ending = self._hash(cut[at], cut[at] + a)
        key = _mix(ending, np.zeros_like(ending), _DOUBLED)
        return words[at], stem, key, np.full(len(at), a), np.full(len(at), _DOUBLES)

    def _beginnings(self, a: int, words: Ints1d, whole: _Lookup) -> _Pairs:
        begin = self.start[words] + a
        at, stem = whole.find(self._hash(begin, self.start[words] + self.length[words]))
        beginning = self._hash(self.start[words[at]], begin[at])
        key = _mix(beginning, np.zeros_like(beginning), _PREFIX)
        return words[at], stem, key, np.full(len(at), a), np.full(len(at), _BEGINS)

    def name(self, word: int, stem: int, form: int, lemma: int) -> Name:
        """The change of a pair as it is spelled."""
        text, other = self.words[word], self.words[stem]
        if lemma == _BEGINS:
            return ("prefix", text[:form], "", False)
        if lemma == _DOUBLES:
            return ("suffix", text[len(text) - form :], "", True)
        return ("suffix", text[len(text) - form :], other[len(other) - lemma :], False)


@dataclass(frozen=True, eq=False)
class _Cut:
    """Stems without their last characters: word ``rows[p]`` without ``less[p]`` of them stands at place p."""

    lookup: _Lookup
    rows: Ints1d
    less: Ints1d


class _Lookup:
    """Places of equal hashes."""

    def __init__(self, keys: _Hashes) -> None:
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def find(self, asked: _Hashes) -> tuple[Ints1d, Ints1d]:
        """(place in ``asked``, place in the keys) of every match."""
        low, high = (np.searchsorted(self._keys, asked, side) for side in ("left", "right"))
        times = high - low
        at = np.repeat(np.arange(len(asked)), times)
        offset = np.arange(len(at)) - np.repeat(np.cumsum(times) - times, times)
        return at, self._order[low[at] + offset]


def _mix(left: _Hashes, right: _Hashes, kind: np.uint64) -> _Hashes:
    mixed = (left ^ (left >> np.uint64(29))) * kind + right * _BASE
    return np.asarray(mixed ^ (mixed >> np.uint64(32)))
