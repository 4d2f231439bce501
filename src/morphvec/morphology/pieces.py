"""What words are made of, as far as tables, affix lists, segmentations and morph models tell.

    kind       pieces of a word                                            named after
    lemma      its lemma by a table, its stem by an affix rule             the word itself
    affixes    the feature bundle of its row, the name of the rule         the bundle (V;PST), the rule (-ed)
    morphemes  the pieces of its segmentation                              the piece

A word may have several analyses: rows of tables, listed affix rules, rules induced from the tables. Each counts
the same, so *walked* (V;PST and V;PST;V.PTCP of *walk*) is all *walk* and half of either bundle. Listed rules apply to
every word; induced ones to words that no table lists as a form or a lemma. A word of which all of these say nothing
has the stem and affix that the text shows, if any (``morphology.discovery``); an unseen one those of the most reliable
rule found in the text. A rule leads to a word of the vocabulary, or
to a lemma outside it that tables give to at least two of its words; never to one of fewer than three characters. Chains
are not followed (*walkers* leads to *walker* only).

Hold-out: a row of a table or a segmentation in which a held-out word occurs does not enter, neither as an analysis
nor into the induction of rules. Rules themselves (affix lists, rules induced from the rows that stay, morph models)
are general knowledge and apply to every word, held out or not: that is how what a class has in common reaches words
that no row names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import chain
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from morphvec.errors import InputError, OptionError
from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.constraints import Knowledge
from morphvec.morphology.rows import held_out_words
from morphvec.morphology.rules import RuleBook, induce_rules
from morphvec.morphology.segmentation import MorphModel
from morphvec.morphology.tables import Table
from morphvec.text.vocabulary import Vocabulary

KINDS = ("morphemes", "lemma", "affixes")
MIN_LEMMA_WORDS = 2  # words of the vocabulary that a lemma outside it needs for a row of its own
MIN_PAIRS = 5  # that show a rule

Analysis = tuple[str, str]  # key of the lemma, name of the affix


@dataclass(frozen=True, eq=False)
class Analyser:
    """Everything that analyses a word, in the vocabulary or not.

    listed: key of a form → its analyses by the tables, sorted; () for a lemma that no rule may take apart.
    segmented: key of a word → its distinct segmentations, sorted. affixes: rules of lists, for every word of their
    language. induced: rules learned from tables, for words of their language that the tables do not list. morphs:
    models for words that no segmentation lists. found: rules that the text shows, the best first, for unseen words of
    which nothing else tells.
    """

    listed: Mapping[str, tuple[Analysis, ...]] = field(default_factory=dict)
    segmented: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    affixes: tuple[AffixRule, ...] = ()
    induced: tuple[AffixRule, ...] = ()
    morphs: tuple[MorphModel, ...] = ()
    found: tuple[AffixRule, ...] = ()

    @cached_property
    def _books(self) -> dict[tuple[str, str], RuleBook]:
        return {}

    def _book(self, source: Literal["affixes", "induced", "found"], language: str) -> RuleBook:
        """The rules of lists, those learned from tables, or those found in the text, for the words of a language."""
        if (source, language) not in self._books:
            rules: tuple[AffixRule, ...] = getattr(self, source)
            self._books[source, language] = RuleBook(
                [rule for rule in rules if rule.language in ("", language)]
            )
        return self._books[source, language]

    def analyses(
        self, word: str, language: str, words: Sequence[str], index: Mapping[str, int], *, unseen: bool = True
    ) -> list[Analysis]:
        """The distinct analyses of a bare, folded word. words, index: the keys that a rule may lead to (see
        ``stem_index``) and their places. unseen: whether rules found in the text may tell of it; the text has already
        said what there is to say of its own words."""
        row_of = _rows_of(language, index)
        rows = self.listed.get(_key(word, language))
        found = dict.fromkeys(rows or ())
        sources: tuple[Literal["affixes", "induced"], ...] = (
            ("affixes", "induced") if rows is None else ("affixes",)
        )
        for source in sources:
            book = self._book(source, language)
            for row, place in book.stems(word, row_of):
                found[words[row], book.rules[place].name] = None
        if not found and unseen:
            book = self._book("found", language)
            for row, place in book.stems(word, row_of)[:1]:
                found[words[row], book.rules[place].name] = None
        return list(found)

    def segments(self, word: str, language: str) -> tuple[tuple[str, ...], ...]:
        """The distinct segmentations of a bare, folded word: those listed, else those of the morph models."""
        listed = self.segmented.get(_key(word, language))
        if listed is not None:
            return listed
        models = [model for model in self.morphs if model.language == language]
        return tuple(sorted({tuple(model.segment(word)) for model in models} - {()}))

    def for_unseen(self, vocabulary: Vocabulary, known: Mapping[str, tuple[str, ...]]) -> Analyser:
        """What of this can say something of a word outside the vocabulary. known: kind → pieces with a row of their
        own, beside the words of the vocabulary."""
        index, lemmas = vocabulary.index, known.get("lemma", ())
        affixes, morphemes = frozenset(known.get("affixes", ())), frozenset(known.get("morphemes", ()))
        _, stems = stem_index(vocabulary.words, lemmas)
        listed: dict[str, tuple[Analysis, ...]] = {}
        for key in sorted(self.listed.keys() - index.keys()):
            told = tuple(a for a in self.listed[key] if a[0] in stems or a[1] in affixes)
            language, _, word = key.partition(":") if vocabulary.languages else ("", "", key)
            if told or self._book("induced", language).stems(word, _rows_of(language, stems)):
                listed[key] = told
        segmented = {
            key: self.segmented[key]
            for key in sorted(self.segmented.keys() - index.keys())
            if self.morphs or any(piece in morphemes for cut in self.segmented[key] for piece in cut)
        }
        return replace(self, listed=listed, segmented=segmented)


def stem_index(words: Sequence[str], lemmas: Sequence[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The keys that a rule may lead to, in the order in which they are preferred, and their places: the words of the
    vocabulary by falling count, then the lemmas outside it that have a row of their own."""
    stems = (*words, *lemmas)
    return stems, {key: place for place, key in enumerate(stems)}


def shares_of_analyses(
    kind: str, analyses: Sequence[Analysis], known: Callable[[str], bool]
) -> dict[str, float]:
    """Piece → its share of a word, for ``lemma`` or ``affixes``: even over the analyses whose piece is known; the
    shares of a word add up to 1."""
    place = 0 if kind == "lemma" else 1
    pieces = [analysis[place] for analysis in analyses if known(analysis[place])]
    return {piece: pieces.count(piece) / len(pieces) for piece in dict.fromkeys(pieces)}


def shares_of_segments(cuts: Sequence[Sequence[str]], known: Callable[[str], bool]) -> dict[str, float]:
    """Morpheme → its share of a word: 1 for each distinct known piece, divided evenly where there are several cuts."""
    shares: dict[str, float] = {}
    for cut in cuts:
        for piece in dict.fromkeys(cut):
            if known(piece):
                shares[piece] = shares.get(piece, 0.0) + 1.0 / len(cuts)
    return shares


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces of a vocabulary of T words.

    names: kind → its kept pieces in code point order (of ``lemma`` those that are no words of the vocabulary; they
    are keys). shares: kind → float64 CSR [T, pieces]: the share of each piece in each word. stems: float64 CSR [T, T]:
    the share of lemmas that are words. analyser: what it takes to tell the pieces of other words.
    """

    names: Mapping[str, tuple[str, ...]]
    shares: Mapping[str, csr_array]
    stems: csr_array
    analyser: Analyser

    def count(self, kind: str) -> int:
        """How many words have a piece of a kind."""
        found = np.diff(self.shares[kind].indptr) > 0
        return int(np.count_nonzero(found | (np.diff(self.stems.indptr) > 0) if kind == "lemma" else found))

    def line(self) -> str:
        """What was found, as one line for people."""
        of = self.stems.shape[0]
        return "; ".join(
            f"{kind}: {self.count(kind):,} of {of:,} words, {len(names):,} "
            + ("outside the vocabulary" if kind == "lemma" else "kinds")
            for kind, names in self.names.items()
        )


def find_pieces(
    knowledge: Knowledge, vocabulary: Vocabulary, kinds: Sequence[str] = KINDS, min_types: int = 5
) -> Pieces:
    """The pieces of every word of a vocabulary.

    kinds: some of ``KINDS``. min_types: words that an affix or a morpheme needs (a lemma outside the vocabulary needs
    two). Raises OptionError for an unknown kind; InputError for a source that names a language where the vocabulary
    has none, or the other way round, and for one without any word of the vocabulary.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise OptionError(f"kind {kind!r}", f"a piece is one of {', '.join(KINDS)}", "choose one of them")
    if min_types < 1:
        raise OptionError(f"min_types={min_types}", "a piece is in at least one word", "give 1 or more")
    inflected, cut = "lemma" in kinds or "affixes" in kinds, "morphemes" in kinds
    listed, induced = _tables(knowledge, vocabulary) if inflected else ({}, ())
    for language in dict.fromkeys(rule.language for rule in knowledge.affixes):
        vocabulary.key("", language)
    analyser = Analyser(
        listed,
        _segmentations(knowledge, vocabulary) if cut else {},
        knowledge.affixes if inflected else (),
        induced,
        _models(knowledge, vocabulary) if cut else (),
        knowledge.found.rules if inflected and knowledge.found is not None else (),
    )
    words, index = vocabulary.words, vocabulary.index
    owners = [vocabulary.language_of(row) for row in range(len(words))]
    tokens = list(zip(vocabulary.bare(), owners, strict=True))
    # Lemmas outside the vocabulary: those that tables give to enough of its words; then rules may lead to them too.
    given = ((lemma for lemma, _ in listed.get(word, ()) if lemma not in index) for word in words)
    lemmas = _frequent(given, MIN_LEMMA_WORDS) if "lemma" in kinds else ()
    stem_names, stem_places = stem_index(words, lemmas)
    told = [
        analyser.analyses(*token, stem_names, stem_places, unseen=False) if inflected else []
        for token in tokens
    ]
    if inflected and knowledge.found is not None:
        shown = knowledge.found.pairs
        for stem, row, place in zip(
            shown.lemmas.tolist(), shown.forms.tolist(), shown.class_of.tolist(), strict=True
        ):
            if not told[row]:
                told[row] = [(words[stem], shown.names[place])]
    cuts = [analyser.segments(*token) if cut else () for token in tokens]
    names: dict[str, tuple[str, ...]] = {}
    shares: dict[str, csr_array] = {}
    stems = csr_array((len(words), len(words)), dtype=np.float64)
    for kind in (kind for kind in KINDS if kind in kinds):
        if kind == "morphemes":
            names[kind] = _frequent((chain.from_iterable(found) for found in cuts), min_types)
            known = frozenset(names[kind])
            rows = [shares_of_segments(found, known.__contains__) for found in cuts]
        elif kind == "lemma":
            names[kind] = lemmas
            rows = [shares_of_analyses(kind, found, stem_places.__contains__) for found in told]
            stems = _matrix(rows, index)
        else:
            names[kind] = _frequent(((affix for _, affix in found) for found in told), min_types)
            known = frozenset(names[kind])
            rows = [shares_of_analyses(kind, found, known.__contains__) for found in told]
        shares[kind] = _matrix(rows, {name: column for column, name in enumerate(names[kind])})
    return Pieces(names, shares, stems, analyser.for_unseen(vocabulary, names))


def _key(word: str, language: str) -> str:
    return f"{language}:{word}" if language else word


def _rows_of(language: str, index: Mapping[str, int]) -> Callable[[str], int | None]:
    return (lambda word: index.get(f"{language}:{word}")) if language else index.get


def _frequent(of_words: Iterable[Iterable[str]], least: int) -> tuple[str, ...]:
    """The pieces that at least ``least`` words have, in code point order."""
    counts = Counter(chain.from_iterable(map(dict.fromkeys, of_words)))
    return tuple(sorted(piece for piece, count in counts.items() if count >= least))


def _matrix(rows: Sequence[Mapping[str, float]], columns: Mapping[str, int]) -> csr_array:
    """Shares as float64 CSR [rows, columns]; pieces without a column are left out."""
    cells = [
        (row, columns[piece], share)
        for row, shares in enumerate(rows)
        for piece, share in shares.items()
        if piece in columns
    ]
    i, j, data = zip(*cells, strict=True) if cells else ((), (), ())
    matrix = csr_array(
        (np.array(data, np.float64), (np.array(i, np.int64), np.array(j, np.int64))),
        shape=(len(rows), len(columns)),
    )
    matrix.sort_indices()
    return matrix


def _reader(
    source: str, language: str, vocabulary: Vocabulary, hold_out: Sequence[str]
) -> tuple[Callable[[str], str], frozenset[str]]:
    """The fold of a source's words, each string folded once, and its held-out words."""
    if bool(language) != bool(vocabulary.languages):
        raise InputError(
            f"{source} {'has the language ' + language if language else 'has no language'}",
            "sources name languages exactly when the corpus does",
            "write LANG=PATH" if vocabulary.languages else "write PATH without a language",
        )
    vocabulary.key("", language)  # a language of the vocabulary
    fold = cache(lambda word: vocabulary.tokenizer.fold(word, language))
    return fold, frozenset(held_out_words(hold_out, language, vocabulary.tokenizer.fold))


def _check_met(source: str, met: bool) -> None:
    if not met:
        raise InputError(
            f"{source} has none of the words",
            "at least one of its words is in the vocabulary",
            "check the language, its LANG= prefix, and the case of the words",
        )


def _tables(
    knowledge: Knowledge, vocabulary: Vocabulary
) -> tuple[dict[str, tuple[Analysis, ...]], tuple[AffixRule, ...]]:
    """(key of a word → its analyses, () for a lemma only; induced rules) of the rows that are not held out."""
    index = vocabulary.index
    listed: dict[str, set[Analysis]] = {}
    induced: dict[AffixRule, None] = {}
    for table in knowledge.tables:
        fold, held = _reader(table.source, table.language, vocabulary, knowledge.hold_out)
        lemmas: list[str] = []
        forms: list[str] = []
        bundles: list[str] = []
        met = False
        for raw_lemma, raw_form, bundle in zip(table.lemmas, table.forms, table.features, strict=True):
            if " " in raw_lemma or " " in raw_form:
                continue
            lemma, form = fold(raw_lemma), fold(raw_form)
            lemma_key, form_key = _key(lemma, table.language), _key(form, table.language)
            met = met or lemma_key in index or form_key in index
            if lemma in held or form in held:
                continue
            lemmas.append(lemma)
            forms.append(form)
            bundles.append(bundle)
            listed.setdefault(lemma_key, set())
            if lemma != form:
                listed.setdefault(form_key, set()).add((lemma_key, bundle))
        _check_met(table.source, met)
        kept = Table(table.language, lemmas, forms, bundles, table.source)
        induced.update(dict.fromkeys(induce_rules(kept, MIN_PAIRS)))
    return {key: tuple(sorted(found)) for key, found in listed.items()}, tuple(induced)


def _segmentations(knowledge: Knowledge, vocabulary: Vocabulary) -> dict[str, tuple[tuple[str, ...], ...]]:
    found: dict[str, set[tuple[str, ...]]] = {}
    for given in knowledge.segmentations:
        fold, held = _reader(given.source, given.language, vocabulary, knowledge.hold_out)
        met = False
        for raw, pieces in zip(given.words, given.morphemes, strict=True):
            word = fold(raw)
            key = _key(word, given.language)
            met = met or key in vocabulary.index
            if word not in held:
                found.setdefault(key, set()).add(tuple(fold(piece) for piece in pieces))
        _check_met(given.source, met)
    return {key: tuple(sorted(cuts)) for key, cuts in found.items()}


def _models(knowledge: Knowledge, vocabulary: Vocabulary) -> tuple[MorphModel, ...]:
    for model in knowledge.morphs:
        _reader(model.source, model.language, vocabulary, ())
    return knowledge.morphs
