"""Affix rules found in a text itself: changes of an ending or a beginning that many pairs of words show, and whose words
keep to each other's company.

A change (-ing for nothing, un- for nothing, -ies for -y, a doubled letter before -ed) is a candidate where enough words
of the vocabulary lead by it to another word. Spelling alone also pairs *father* with *fath*; meaning tells. Each pair
of a change has the cosine of its two vectors, and the same words paired with each other's stems at random give the
cosines that nothing but the two lists explains. A pair counts where it is above 95% of those; a change is a rule where
30% of its pairs count (5% would by chance), 45% where an ending of the stem is replaced. So no list and no table is needed, and what is found holds for any language
that adds to the ends of its words. The idea that vectors tell morphological rules from accidents of spelling is that of
Soricut & Och 2015 (Unsupervised Morphology Induction Using Word Embeddings).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from morphvec.arrays import Floats1d, Floats2d, Ints1d
from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.changes import Changes, spelled_changes
from morphvec.morphology.classes import PairClasses
from morphvec.rng import stream

MIN_PAIRS = 15  # of words that show a change before it is looked at
MIN_GOOD = 8  # of them that mean something
MIN_SHARE = 0.3  # ... and their share of all
MIN_SHARE_REPLACED = (
    0.45  # ... where an ending of the stem is replaced, which spelling alone brings about more often
)
LEVEL = 0.95  # of the chance pairs that a pair must be above
ROUNDS = 3  # of chance pairs
LONGER = 2  # letters by which a name may be longer than the change: -d after e is -ed
ALIKE = 0.95  # share of a rule's words that must agree on such a letter
_ROWS = 1 << 15


@dataclass(frozen=True, eq=False)
class Found:
    """What a text shows of its morphology.

    pairs: (stem, word) pairs of vocabulary rows, each word at most once, in classes named after their affix. rules:
    for words outside the vocabulary, those that lead to bare stems and the most reliable first.
    """

    pairs: PairClasses
    rules: tuple[AffixRule, ...]

    def line(self, words: int) -> str:
        """What was found, as one line for people."""
        sizes = self.pairs.sizes
        most = np.argsort(-sizes, kind="stable")[:8]
        named = ", ".join(f"{self.pairs.names[place]} {sizes[place]:,}" for place in most)
        return f"rules found in the text: {len(self.pairs.forms):,} of {words:,} words have a stem" + (
            f" ({named}{', …' if len(sizes) > len(most) else ''})" if named else ""
        )


@dataclass(frozen=True)
class _Rule:
    """One change that proved itself. share: of its pairs that count; words, stems: rows of those that do; cosines."""

    kind: Literal["suffix", "prefix"]
    form: str
    lemma: str
    doubled: bool
    share: float
    words: Ints1d
    stems: Ints1d
    cosines: Floats1d

    def label(self, words: Sequence[str]) -> str:
        """How the affix is called: as it is written, with letters before it that its words share (-ed for -d)."""
        if self.kind == "prefix":
            return f"{self.form}-"
        longest = len(self.form) + (0 if self.doubled else LONGER)
        endings = [words[row][-longest:] for row in self.words.tolist()]
        length = len(self.form)
        while length < longest:
            ending, times = Counter(e[-length - 1 :] for e in endings).most_common(1)[0]
            if times < ALIKE * len(endings) or len(ending) <= length:
                break
            length += 1
        common: str = Counter(e[-length:] for e in endings).most_common(1)[0][0]
        return f"-{common}"


def spelled(words: Sequence[str], owners: Sequence[str]) -> dict[str, Changes]:
    """Language → the changes that at least ``MIN_PAIRS`` pairs of its words show; languages without any are left out.

    words: distinct bare words. owners: the language of each, "" where there are none.
    """
    found = {}
    for language in dict.fromkeys(owners):
        rows = np.array([row for row, owner in enumerate(owners) if owner == language], np.int64)
        changes = spelled_changes([words[row] for row in rows], MIN_PAIRS)
        if len(changes.names):
            found[language] = changes.at(rows)
    return found


def find_rules(words: Sequence[str], changes: dict[str, Changes], vectors: Floats2d, seed: int = 0) -> Found:
    """The rules among spelled changes, and the stem of each word that has one.

    words: bare, in row order. vectors: float[T, k] of the rows, from contexts alone; of any length. seed: of the chance
    pairs. Where several rules lead from a word to a stem, the pair of the largest cosine times the rule's share of
    good pairs stays; a rule that replaces an ending of the stem (-ing for -ed) gives way where a bare
    ending leads on from that stem (*walking* has the stem *walk*, not *walked*).
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    best: dict[int, tuple[float, int, str]] = {}
    rules: list[tuple[bool, float, AffixRule]] = []
    for number, (language, of_language) in enumerate(changes.items()):
        prefix = f"{language}:" if language else ""
        proved = _proved(of_language, unit, stream(seed, number))
        bare = [rule for rule in proved if rule.kind == "suffix" and not rule.lemma]
        led_on = {word for rule in bare for word in rule.words.tolist()}
        endings = {rule.form for rule in bare}
        for rule in proved:
            name = prefix + rule.label(words)
            rules += [
                (rule.lemma in endings, rule.share, one) for one in _spelled_out(rule, words, name, language)
            ]
            scores = (rule.cosines * rule.share).tolist()
            for score, word, stem in zip(scores, rule.words.tolist(), rule.stems.tolist(), strict=True):
                if rule.lemma and stem in led_on:
                    continue
                if word not in best or (-score, stem) < (-best[word][0], best[word][1]):
                    best[word] = (score, stem, name)
    members = sorted((name, stem, word) for word, (_, stem, name) in best.items())
    names = tuple(sorted({name for name, _, _ in members}))
    place = {name: number for number, name in enumerate(names)}
    pairs = PairClasses(
        names,
        np.array([stem for _, stem, _ in members], np.int64),
        np.array([word for _, _, word in members], np.int64),
        np.array([place[name] for name, _, _ in members], np.int32),
    )
    rules.sort(
        key=lambda rule: (rule[0], -rule[1], rule[2].kind, rule[2].form, rule[2].lemma, rule[2].language)
    )
    return Found(pairs, tuple(dict.fromkeys(rule for _, _, rule in rules)))


def _proved(changes: Changes, unit: Floats2d, rng: np.random.Generator) -> list[_Rule]:
    """The changes whose pairs are nearer to each other than chance pairs."""
    cosines = _cosines(unit, changes.words, changes.stems)
    chance = np.stack([_cosines(unit, changes.words, stems) for stems in _shuffled(changes, rng)], axis=1)
    found = []
    for number, name in enumerate(changes.names):
        if not _only_letters(name[1] + name[2]):
            continue
        members = slice(int(changes.starts[number]), int(changes.starts[number + 1]))
        good = cosines[members] > np.quantile(chance[members], LEVEL)
        share = float(good.mean())
        if share >= (MIN_SHARE_REPLACED if name[2] else MIN_SHARE) and int(good.sum()) >= MIN_GOOD:
            of_rule = (changes.words[members][good], changes.stems[members][good], cosines[members][good])
            found.append(_Rule(*name, share, *of_rule))
    return found


def _shuffled(changes: Changes, rng: np.random.Generator) -> Iterator[Ints1d]:
    """The stems of each change in another order, ``ROUNDS`` times."""
    change = np.repeat(np.arange(len(changes.names)), np.diff(changes.starts))
    for _ in range(ROUNDS):
        yield changes.stems[np.lexsort((rng.random(len(change)), change))]


def _cosines(unit: Floats2d, left: Ints1d, right: Ints1d) -> Floats1d:
    out = np.empty(len(left))
    for start in range(0, len(left), _ROWS):
        rows = slice(start, start + _ROWS)
        out[rows] = np.einsum("ij,ij->i", unit[left[rows]], unit[right[rows]])
    return out


def _spelled_out(rule: _Rule, words: Sequence[str], name: str, language: str) -> list[AffixRule]:
    """A rule as it is written; one for each letter that its words double."""
    if not rule.doubled:
        return [AffixRule(rule.kind, rule.form, rule.lemma, name, language)]
    letters = sorted({words[row][-1] for row in rule.stems.tolist()})
    return [AffixRule("suffix", letter + rule.form, "", name, language) for letter in letters]


def _only_letters(text: str) -> bool:
    return all(unicodedata.category(character)[0] in "LM" or character in "'’-" for character in text)
