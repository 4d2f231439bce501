"""Constraints: which classes are used, in which graph, how strongly; and the penalties that come of it.

Classes of one name are one class over all languages: bundles of tables, rule names of affix lists. What a penalty
is, and why it is positive semi-definite, stands in ``morphology.penalties``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from morphvec.arrays import Floats2d
from morphvec.errors import InputError, OptionError
from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.classes import (
    PairClasses,
    WordClasses,
    affix_pairs,
    lemma_families,
    listed_classes,
    listed_edges,
    pair_classes,
    word_classes,
)
from morphvec.morphology.discovery import Found
from morphvec.morphology.fates import OUTSIDE, TableReport, report
from morphvec.morphology.graph import parse_graph
from morphvec.morphology.segmentation import MorphModel, Segmentation
from morphvec.morphology.tables import ClassList, EdgeList, Table, normalise_features
from morphvec.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from morphvec.morphology.penalties import PenaltyMaker
    from morphvec.solvers.penalties import Penalty

KINDS = ("offset", "lemma", "class")
FOUND = "found"  # the offsets of what the text itself shows
STRENGTH = {"offset": 300.0, "lemma": 50.0, "class": 30.0}  # λ in the scatter scale, where none is given
OF_IDS = 0.01  # of those λ where line ids are the only columns (docs/results.md)
NORMALISE = ("scatter", "none")
_OPTION = {
    "UniMorph": "--unimorph",
    "derivations": "--derivations",
    "treebank": "--conllu",
}  # by kind of table


@dataclass(frozen=True)
class ConstraintOptions:
    """constraints: (kind, λ) pairs, at most one of a kind (λ None: the default). graph: inside offset and class constraints (``explicit``:
    the listed edges, inside the classes of words). normalise: ``scatter`` multiplies each class's Laplacian by
    (n − 1)/(2|E|), so that one λ means one thing in every graph. min_size: members of a class, at least. off: no
    constraint at all; what is known may still say what words are made of."""

    constraints: tuple[tuple[str, float | None], ...] = ()
    graph: str = "complete"
    normalise: str = "scatter"
    min_size: int = 2
    off: bool = False

    def __post_init__(self) -> None:
        parse_graph(self.graph)
        if self.normalise not in NORMALISE:
            raise OptionError(
                f"normalise={self.normalise!r}",
                f"it is one of {', '.join(NORMALISE)}",
                "choose one of them for --normalise",
            )

    @property
    def needs_vectors(self) -> bool:
        """Whether the graph is found from vectors (``nearest:K``), those of a run without constraints."""
        return parse_graph(self.graph).kind == "nearest"


def parse_constraint(text: str) -> tuple[str, float | None]:
    """``offset:600`` → ("offset", 600.0); a kind alone → (kind, None), the default λ. Raises OptionError for anything else."""
    kind, colon, number = text.partition(":")
    if kind not in KINDS:
        raise OptionError(
            f"constraint={text!r}",
            f"a constraint is one of {', '.join(KINDS)}, with :λ if wanted, or none for none at all",
            "write e.g. --constraint offset:600",
        )
    if not colon:
        return kind, None
    try:
        strength = float(number)
    except ValueError:
        strength = -1.0
    if not 0 <= strength < float("inf"):
        raise OptionError(
            f"constraint={text!r}", "λ is a finite number, at least 0", "write e.g. --constraint offset:600"
        )
    return kind, strength


@dataclass(frozen=True)
class Knowledge:
    """Everything known about the morphology, as read.

    tables: UniMorph tables, derivations and treebanks. segmentations, morphs: what words are made of; they make no
    constraints. class_weights: name of a class → factor of its λ. hold_out: words that no constraint may touch.
    found: what the text itself shows, which is no knowledge of ours: hold-out does not concern it.
    """

    tables: tuple[Table, ...] = ()
    affixes: tuple[AffixRule, ...] = ()
    segmentations: tuple[Segmentation, ...] = ()
    morphs: tuple[MorphModel, ...] = ()
    classes: tuple[ClassList, ...] = ()
    edges: tuple[EdgeList, ...] = ()
    class_weights: Mapping[str, float] = field(default_factory=dict)
    hold_out: tuple[str, ...] = ()
    found: Found | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is known."""
        sources = (self.tables, self.affixes, self.segmentations, self.morphs, self.classes, self.edges)
        return not any(sources)


def build_penalties(
    knowledge: Knowledge,
    vocabulary: Vocabulary,
    options: ConstraintOptions,
    seed: int = 0,
    vectors: Floats2d | None = None,
    *,
    by_contexts: bool = True,
) -> tuple[list[tuple[float, Penalty, str]], list[TableReport]]:
    """(λ, penalty, name) for each constraint, and what became of every row of every source.

    Without constraints in the options, pairs get ``offset`` and lists get ``class``. Pairs found in the text have the
    offset constraint ``found`` wherever offsets are asked for, or nothing is, with the λ of the offsets. seed: of random
    graphs. vectors: float[T, k], the words' vectors of a run without constraints, for the graph ``nearest:K`` alone (an
    offset is then the difference of two). A class weight multiplies the scale of its class in ``offset`` and ``class``
    constraints; the families of ``lemma`` and the edges of a list without classes have no name and keep theirs.
    by_contexts: whether words are told by their contexts; where they are told by line ids alone, which know nothing of
    inflection, the default λs are ``OF_IDS`` of what they are otherwise.
    Raises InputError where a constraint is asked for and nothing that it could use is known, or nothing is left of it
    (where none is asked for, only if no pair or member is left, not where all their classes are too small), or a class
    weight names no class; OptionError for a graph that what is given does not allow.
    """
    if options.off:
        return [], []
    if options.needs_vectors and (vectors is None or len(vectors) != len(vocabulary)):
        raise OptionError(
            f"graph={options.graph} with {'no vectors' if vectors is None else f'{len(vectors)} vectors'}",
            f"nearest members need the vectors of all {len(vocabulary)} words",
            "give those of a run without constraints, or choose another graph",
        )
    _check_languages(knowledge.tables, vocabulary)
    weights = _named_weights(knowledge)
    scatter = options.normalise == "scatter"
    from morphvec.morphology.penalties import PenaltyMaker  # compiled kernels: not needed to read a model

    maker = PenaltyMaker(len(vocabulary), options.graph, scatter, weights, seed, vectors)
    pairs, of_pairs = _pairs(knowledge, vocabulary, options.min_size)
    reports = list(of_pairs)
    scale = 1.0 if by_contexts else OF_IDS
    usual = {kind: scale * strength for kind, strength in STRENGTH.items()}
    given = {kind: usual[kind] if strength is None else strength for kind, strength in options.constraints}
    asked = tuple(given.items())
    chosen = not asked  # by what is known, not by who asks: a text too small for it is no mistake
    found = knowledge.found
    if found is not None and len(found.pairs.forms) and (not asked or "offset" in given):
        strength = given.get("offset", usual["offset"])
        of_text = PenaltyMaker(len(vocabulary), "complete", scatter, {}, seed, None).offset(found.pairs)
    else:
        strength, of_text = 0.0, []
    if asked and of_text and not pairs:
        asked = tuple(pair for pair in asked if pair[0] != "offset")
    elif chosen:
        asked = (
            *((("offset", usual["offset"]),) if pairs else ()),
            *((("class", usual["class"]),) if knowledge.classes or knowledge.edges else ()),
        )
    if parse_graph(options.graph).kind == "explicit":
        _check_explicit(knowledge, [kind for kind, _ in asked])
    penalties: list[tuple[float, Penalty, str]] = []
    for kind, strength in asked:
        if kind != "class" and not pairs:
            raise InputError(
                f"constraint {kind} without a table",
                "it needs pairs of a lemma and a form",
                "pass --unimorph, --derivations, --conllu or --affixes",
            )
        made: list[Penalty] = []
        told = of_pairs
        if kind == "offset":
            made = [penalty for part in pairs for penalty in maker.offset(part)]
        elif kind == "lemma":
            kin, _ = _pairs(knowledge, vocabulary, 1)  # a family needs no second pair of its bundle
            made = [maker.lemma(lemma_families(part)) for part in kin if len(part.lemmas)]
        else:
            if not (pairs or knowledge.classes or knowledge.edges):
                raise InputError(
                    "constraint class without classes",
                    "it needs classes of words",
                    "pass --unimorph, --derivations, --conllu, --affixes, --classes or --edges",
                )
            made, told = _words(knowledge, vocabulary, pairs, options, maker)
            reports += told
        penalties += [
            (strength, penalty, kind if len(made) == 1 else f"{kind}.{number}")
            for number, penalty in enumerate(made)
        ]
        if not made and not (chosen and _too_small(told)):
            raise InputError(
                f"constraint {kind}: nothing is left of the tables",
                "a class has at least two members in the vocabulary that are not held out",
                "give a larger table or more text, or shorten --hold-out",
            )
    penalties += [(strength, penalty, FOUND) for penalty in of_text]
    return penalties, reports


# ------------------------------------------------------------------------------------- checks


def _too_small(reports: Sequence[TableReport]) -> bool:
    """Whether pairs or members are left, and every class that they are in is too small."""
    return any(report.small for report in reports) and not any(report.used for report in reports)


def _check_languages(tables: Sequence[Table], vocabulary: Vocabulary) -> None:
    for table in tables:
        if bool(table.language) != bool(vocabulary.languages):
            option = _OPTION.get(table.kind, "--unimorph")
            raise InputError(
                f"the table {table.source} {'has the language ' + table.language if table.language else 'has no language'}",
                "tables name languages exactly when the corpus does",
                f"write {option} LANG=PATH" if vocabulary.languages else f"write {option} PATH",
            )


def _check_explicit(knowledge: Knowledge, kinds: Sequence[str]) -> None:
    if not knowledge.edges:
        raise OptionError(
            "graph=explicit without edges",
            "its edges come from a list",
            "pass --edges, or choose another graph",
        )
    if "offset" in kinds:
        raise OptionError(
            "graph=explicit with the constraint offset",
            "listed edges join words, and the members of offset classes are pairs",
            "pass --constraint class, or choose another graph",
        )


def _named_weights(knowledge: Knowledge) -> dict[str, float]:
    """The class weights under the names that classes have; a bundle may be written in any order of its tags."""
    if not knowledge.class_weights:
        return {}
    known: dict[str, None] = {}
    for table in knowledge.tables:
        known |= dict.fromkeys(table.features)
    known |= dict.fromkeys(rule.name for rule in knowledge.affixes)
    for listed in knowledge.classes:
        known |= dict.fromkeys(listed.classes)
    weights = {}
    for name, weight in knowledge.class_weights.items():
        found = name if name in known else normalise_features(name)
        if found not in known:
            near = difflib.get_close_matches(name, list(known), 3) or sorted(known)[:3]
            raise InputError(
                f"a weight for the class {name!r}",
                f"it names one of the {len(known):,} known classes{', for example ' + ', '.join(near) if near else ''}",
                "correct the name, or leave the line out",
            )
        weights[found] = weight
    return weights


# ------------------------------------------------------------------------------------- classes of pairs, of words


def _pairs(
    knowledge: Knowledge, vocabulary: Vocabulary, min_size: int
) -> tuple[list[PairClasses], list[TableReport]]:
    """Pair classes of the tables and of the affix rules, each one set over all languages."""
    fold, reports, found = vocabulary.tokenizer.fold, [], []
    if knowledge.tables:
        pairs, made = pair_classes(
            knowledge.tables,
            vocabulary.key,
            vocabulary.index,
            fold,
            hold_out=knowledge.hold_out,
            min_size=min_size,
        )
        found.append(pairs)
        reports += made
    if knowledge.affixes:
        pairs, made = affix_pairs(
            vocabulary.bare(),
            vocabulary.counts,
            knowledge.affixes,
            owners=[vocabulary.language_of(row) for row in range(len(vocabulary))]
            if vocabulary.languages
            else (),
            fold=fold,
            hold_out=knowledge.hold_out,
            min_size=min_size,
        )
        found.append(pairs)
        reports += made
    return found, reports


def _words(
    knowledge: Knowledge,
    vocabulary: Vocabulary,
    pairs: Sequence[PairClasses],
    options: ConstraintOptions,
    maker: PenaltyMaker,
) -> tuple[list[Penalty], list[TableReport]]:
    """Listed classes, else the forms of the pairs' classes where nothing is listed; and listed edges, of their own or
    (graph ``explicit``) inside the classes."""
    explicit = parse_graph(options.graph).kind == "explicit"
    classes: list[WordClasses] = []
    reports: list[TableReport] = []
    for listed in knowledge.classes:
        found, made = listed_classes(
            listed,
            vocabulary.key,
            vocabulary.index,
            vocabulary.tokenizer.fold,
            languages=vocabulary.languages,
            hold_out=knowledge.hold_out,
            min_size=options.min_size,
        )
        classes.append(found)
        reports.append(made)
    if not knowledge.classes and (explicit or not knowledge.edges):
        classes = [word_classes(part) for part in pairs]
    penalties = [] if explicit else [penalty for found in classes for penalty in maker.among(found)]
    for edge_list in knowledge.edges:
        edges, fate = listed_edges(
            edge_list,
            vocabulary.key,
            vocabulary.index,
            vocabulary.tokenizer.fold,
            languages=vocabulary.languages,
            hold_out=knowledge.hold_out,
        )
        if explicit and classes:
            inside = np.zeros(len(edges.i), np.bool_)
            for found in classes:
                penalties += maker.explicit(found, edges, inside)
            fate[edges.row[~inside]] = OUTSIDE
        elif len(edges.i):
            penalties.append(maker.edges(edges))
        reports.append(report(edge_list.source, fate, vocabulary.languages))
    return penalties, reports
