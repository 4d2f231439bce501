"""Rules learned from a table: which change of an ending (or beginning) undoes which bundle.

A row *walk, walked, V;PST* shows the change -ed → nothing under the name V;PST. Changes that enough pairs show become
affix rules, and so the knowledge of a table reaches words that it does not list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from morphvec.errors import OptionError
from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.tables import Table

MIN_STEM = 3  # characters of a word that a rule may lead to
PRECISION = 0.5  # the least share of right lemmas among the words of its own table that a change applies to

_Change = tuple[Literal["suffix", "prefix"], str, str]  # kind, affix of the form, affix of the lemma


def change_of(lemma: str, form: str) -> _Change | None:
    """What replaces what between a lemma and its form: the part that differs behind the longest common beginning.

    Where the two share a longer end than beginning it is a prefix that changes. A form that is its lemma cut short
    keeps its last common character in the affix (*habla*, *hablar*: -a → -ar), so that the affix of a form is never
    empty. None where nothing is shared, or nothing but that character, or the two are the same.
    """
    if lemma == form:
        return None
    shorter = min(len(lemma), len(form))
    begin = end = 0
    while begin < shorter and lemma[begin] == form[begin]:
        begin += 1
    while end < shorter and lemma[-1 - end] == form[-1 - end]:
        end += 1
    if end > begin:
        end -= end == len(form)
        return ("prefix", form[: len(form) - end], lemma[: len(lemma) - end]) if end else None
    begin -= begin == len(form)
    return ("suffix", form[begin:], lemma[begin:]) if begin > 0 else None


def induce_rules(table: Table, min_pairs: int = 5) -> tuple[AffixRule, ...]:
    """The affix rules that a table shows, sorted by kind, affixes and name; the name of a rule is its bundle.

    Kept is a (change, bundle) that at least ``min_pairs`` distinct (lemma, form) pairs show, if the change is right in
    at least half of the table's own forms that it applies to: those with its affix where it leads to another lemma of
    the table of at least three characters. Right means: to a lemma of that form. Words are taken as they stand, those
    with a space are left out. Raises OptionError for ``min_pairs`` below 1.
    """
    if min_pairs < 1:
        raise OptionError(f"min_pairs={min_pairs}", "a rule is shown by at least one pair", "give 1 or more")
    rows = dict.fromkeys(zip(table.lemmas, table.forms, table.features, strict=True))
    changes: dict[tuple[str, str], _Change | None] = {}
    shown: dict[tuple[_Change, str], int] = {}
    lemmas_of: dict[str, set[str]] = {}
    for lemma, form, bundle in rows:
        if " " in lemma or " " in form:
            continue
        lemmas_of.setdefault(form, set()).add(lemma)
        pair = (lemma, form)
        if pair not in changes:
            changes[pair] = change_of(lemma, form)
        change = changes[pair]
        if change is not None:
            shown[change, bundle] = shown.get((change, bundle), 0) + 1
    frequent = sorted(key for key, pairs in shown.items() if pairs >= min_pairs)
    good = _precise([change for change, _ in frequent], lemmas_of)
    return tuple(AffixRule(*change, bundle, table.language) for change, bundle in frequent if change in good)


def _precise(changes: Iterable[_Change], lemmas_of: dict[str, set[str]]) -> set[_Change]:
    """The changes that lead to a right lemma in at least ``PRECISION`` of the forms that they apply to."""
    book = RuleBook([AffixRule(*change, "") for change in dict.fromkeys(changes)])
    lemmas = {lemma for found in lemmas_of.values() for lemma in found}
    applies, right = [0] * len(book.rules), [0] * len(book.rules)
    for form, own in lemmas_of.items():
        for stem, places in book.undone(form):
            if stem in lemmas:
                applies[places[0]] += 1
                right[places[0]] += stem in own
    return {
        (rule.kind, rule.form, rule.lemma)
        for rule, a, r in zip(book.rules, applies, right, strict=True)
        if r >= PRECISION * a
    }


class RuleBook:
    """Affix rules laid out for look-up: one per length of an affix and word, however many rules there are."""

    def __init__(self, rules: Sequence[AffixRule]) -> None:
        self.rules = tuple(rules)
        self._ends = _by_length(self.rules, "suffix")
        self._begins = _by_length(self.rules, "prefix")

    def undone(self, word: str) -> Iterable[tuple[str, list[int]]]:
        """(stem, places of the rules that lead to it) of each change that fits the word; stems of ``MIN_STEM`` or
        more characters."""
        for length, table in self._ends:
            if length >= len(word):
                break
            for lemma, places in table.get(word[-length:], ()):
                if len(word) - length + len(lemma) >= MIN_STEM:
                    yield word[:-length] + lemma, places
        for length, table in self._begins:
            if length >= len(word):
                break
            for lemma, places in table.get(word[:length], ()):
                if len(word) - length + len(lemma) >= MIN_STEM:
                    yield lemma + word[length:], places

    def stems(self, word: str, row_of: Callable[[str], int | None]) -> list[tuple[int, int]]:
        """(row of the stem, place of the rule) for each name that applies to a word, by place.

        row_of: the row of a stem in a list that falls by frequency, or None. As in ``affixes.analyse``: where several
        rules of one name fit, the most frequent stem stays (the lowest row), then the earlier rule.
        """
        best: dict[str, tuple[int, int]] = {}
        for stem, places in self.undone(word):
            row = row_of(stem)
            if row is not None:
                for place in places:
                    name = self.rules[place].name
                    if name not in best or (row, place) < best[name]:
                        best[name] = (row, place)
        return sorted(best.values(), key=lambda found: found[1])


def _by_length(
    rules: Sequence[AffixRule], kind: str
) -> list[tuple[int, dict[str, list[tuple[str, list[int]]]]]]:
    """[(length of the form affix, {form affix: [(lemma affix, places in the list)]})], shortest first."""
    changes: dict[int, dict[str, dict[str, list[int]]]] = {}
    for place, rule in enumerate(rules):
        if rule.kind == kind and rule.form and rule.form != rule.lemma:
            of_form = changes.setdefault(len(rule.form), {}).setdefault(rule.form, {})
            of_form.setdefault(rule.lemma, []).append(place)
    return [
        (length, {form: list(found.items()) for form, found in table.items()})
        for length, table in sorted(changes.items())
    ]
