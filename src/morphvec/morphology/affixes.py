"""Affix lists: a few lines of knowledge about a language that has no table.

One rule a line: ``form-affix[TAB lemma-affix[TAB name]]``. A suffix is written ``-ing``, a prefix ``un-``. The
lemma's side may end in something too (``-ies TAB -y TAB PL``); absent or ``-`` means nothing. Lines that start
with ``#`` are comments.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from morphvec.arrays import Ints1d
from morphvec.errors import InputError
from morphvec.morphology.tables import read_lines

_WHAT = "an affix list"


@dataclass(frozen=True)
class AffixRule:
    """Replace the affix ``form`` of a word by ``lemma`` (both without hyphen) to undo what ``name`` did.

    language: whose words it is for; "" for those of every language.
    """

    kind: Literal["suffix", "prefix"]
    form: str
    lemma: str
    name: str
    language: str = ""

    def undo(self, word: str) -> str | None:
        """The word without this affix, or None where the affix is absent or is the whole word."""
        if self.kind == "suffix":
            kept = word.removesuffix(self.form)
            return kept + self.lemma if kept and kept != word else None
        kept = word.removeprefix(self.form)
        return self.lemma + kept if kept and kept != word else None


@dataclass(frozen=True, eq=False)
class Analyses:
    """Analysis a says that rule ``rules[a]`` undoes word ``words[a]`` to word ``stems[a]`` of the same list.

    stems, words int64[m] and rules int32[m] (places in the rule list), sorted by (word, rule).
    """

    stems: Ints1d
    words: Ints1d
    rules: Ints1d


def read_affixes(path: str | Path, language: str = "") -> tuple[AffixRule, ...]:
    """The rules of an affix list, in file order; affixes are brought to NFC, the name defaults to the form affix.

    language: whose words the rules are for, "" for those of every language.
    Raises InputError (file and line): unreadable, binary or not UTF-8, more than three columns, an affix without
    its hyphen or with two, a suffix beside a prefix, a rule that changes nothing or comes twice, no rule at all.
    """
    path = Path(path)
    seen: dict[AffixRule, int] = {}
    for number, line in enumerate(read_lines(path, _WHAT), 1):
        text = unicodedata.normalize("NFC", line.strip())
        if not text or text.startswith("#"):
            continue
        rule = _rule([cell.strip() for cell in text.split("\t")], f"{path}, line {number}", language)
        if rule in seen:
            raise InputError(
                f"{path}, line {number}: the rule of line {seen[rule]} again",
                "a rule stands once in the list",
                "delete one of the two lines",
            )
        seen[rule] = number
    if not seen:
        raise InputError(
            f"{path} has no rules", f"{_WHAT} has at least one", "write one affix a line, for example -ing"
        )
    return tuple(seen)


def _rule(cells: list[str], place: str, language: str) -> AffixRule:
    rule = "a rule is form-affix [TAB lemma-affix [TAB name]], a suffix written -ing, a prefix un-"
    mend = "correct the line; begin it with # to leave it out"
    if len(cells) > 3:
        raise InputError(f"{place}: {len(cells)} columns", rule, mend)
    written, other, name = [*cells, "", ""][:3]
    kind = _kind(written)
    if kind is None:
        raise InputError(f"{place}: {written!r}", rule, mend)
    if other not in ("", "-") and _kind(other) != kind:
        raise InputError(
            f"{place}: {other!r} beside the {kind} {written!r}", f"the lemma's side is a {kind} too", mend
        )
    form, lemma = written.strip("-"), other.strip("-")
    if form == lemma:
        raise InputError(f"{place}: {written!r} and {other!r}", "a rule changes the word", mend)
    return AffixRule(kind, form, lemma, name or written, language)


def _kind(written: str) -> Literal["suffix", "prefix"] | None:
    if len(written) < 2 or any(character.isspace() for character in written):
        return None
    if written.startswith("-") and not written.endswith("-"):
        return "suffix" if not written.startswith("--") else None
    if written.endswith("-") and not written.startswith("-"):
        return "prefix" if not written.endswith("--") else None
    return None


def analyse(
    words: Sequence[str], counts: Sequence[int] | Ints1d, rules: Sequence[AffixRule], min_stem: int = 3
) -> Analyses:
    """Every way in which a rule undoes a word of the list to another word of the list.

    words: distinct bare words of one language. counts: integer[len(words)], tokens of each word.
    min_stem: the fewest characters of a stem (the word that the rule leads to).
    Where several rules of one name fit a word (``-ed`` and ``-ed TAB -e`` on *baked*), the most frequent stem stays;
    ties go to the stem that is first by code point, then to the earlier rule.
    """
    if len(counts) != len(words):
        raise ValueError(f"{len(counts)} counts for {len(words)} words")
    index = {word: row for row, word in enumerate(words)}
    tokens = np.asarray(counts).tolist()
    # One look-up per affix length and word, instead of one test per rule and word.
    suffixes = _by_length(rules, "suffix")
    prefixes = _by_length(rules, "prefix")
    stems_out: list[int] = []
    words_out: list[int] = []
    rules_out: list[int] = []
    for row, word in enumerate(words):
        best: dict[str, tuple[int, str, int]] = {}
        for fitting, suffix in ((suffixes, True), (prefixes, False)):
            for length, table in fitting:
                if length >= len(word):
                    break
                for place in table.get(word[-length:] if suffix else word[:length], ()):
                    rule = rules[place]
                    stem = rule.undo(word)
                    if stem is None or len(stem) < min_stem or stem not in index:
                        continue
                    candidate = (-tokens[index[stem]], stem, place)
                    if rule.name not in best or candidate < best[rule.name]:
                        best[rule.name] = candidate
        for place, stem in sorted((place, stem) for _, stem, place in best.values()):
            stems_out.append(index[stem])
            words_out.append(row)
            rules_out.append(place)
    return Analyses(
        np.array(stems_out, np.int64), np.array(words_out, np.int64), np.array(rules_out, np.int32)
    )


def _by_length(rules: Sequence[AffixRule], kind: str) -> list[tuple[int, dict[str, list[int]]]]:
    """[(length of the form affix, {form affix: places in the list})], shortest first."""
    found: dict[int, dict[str, list[int]]] = {}
    for place, rule in enumerate(rules):
        if rule.kind == kind:
            found.setdefault(len(rule.form), {}).setdefault(rule.form, []).append(place)
    return sorted(found.items())
