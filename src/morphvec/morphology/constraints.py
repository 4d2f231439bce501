"""Constraints: which classes are used, in which graph, how strongly; and the penalties that come of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from morphvec.errors import InputError, OptionError
from morphvec.morphology.affixes import AffixRule
from morphvec.morphology.classes import (
    Edges,
    LemmaFamilies,
    PairClasses,
    TableReport,
    WordClasses,
    affix_pairs,
    lemma_families,
    listed_classes,
    listed_edges,
    pair_classes,
    word_classes,
)
from morphvec.morphology.graph import Graph, complete_edge_count, graph_edges, parse_graph, scatter_scale
from morphvec.morphology.tables import ClassList, EdgeList, Table
from morphvec.solvers.penalties import CompletePenalty, Penalty, SparsePenalty, edge_penalty
from morphvec.text.vocabulary import Vocabulary

KINDS = ("offset", "lemma", "class")
STRENGTH = {"offset": 1000.0, "lemma": 50.0, "class": 30.0}  # λ in the scatter scale, where none is given
NORMALISE = ("scatter", "none")


@dataclass(frozen=True)
class ConstraintOptions:
    """constraints: (kind, λ) pairs, at most one of a kind. graph: inside offset and class constraints. normalise:
    ``scatter`` multiplies each class's Laplacian by (n − 1)/(2|E|), so that one λ means one thing in every graph."""

    constraints: tuple[tuple[str, float], ...] = ()
    graph: str = "complete"
    normalise: str = "scatter"
    min_size: int = 2

    def __post_init__(self) -> None:
        if parse_graph(self.graph).kind == "nearest":
            raise OptionError(
                f"graph={self.graph}",
                "nearest members need vectors, and none exist before training",
                "use complete, ring, star or random:R",
            )
        if self.normalise not in NORMALISE:
            raise OptionError(
                f"normalise={self.normalise!r}",
                f"it is one of {', '.join(NORMALISE)}",
                "choose one of them for --normalise",
            )


def parse_constraint(text: str) -> tuple[str, float]:
    """``offset:600`` → ("offset", 600.0); a kind alone takes its default λ. Raises OptionError for anything else."""
    kind, colon, number = text.partition(":")
    if kind not in KINDS:
        raise OptionError(
            f"constraint={text!r}",
            f"a constraint is one of {', '.join(KINDS)}, with :λ if wanted",
            "write e.g. --constraint offset:600",
        )
    try:
        strength = float(number) if colon else STRENGTH[kind]
    except ValueError:
        strength = -1.0
    if not 0 <= strength < float("inf"):
        raise OptionError(
            f"constraint={text!r}", "λ is a finite number, at least 0", "write e.g. --constraint offset:600"
        )
    return kind, strength


@dataclass(frozen=True)
class Knowledge:
    """Everything known about the morphology, as read: UniMorph tables, affix rules, class and edge lists, and the
    words that no constraint may touch."""

    tables: tuple[Table, ...] = ()
    affixes: tuple[AffixRule, ...] = ()
    classes: tuple[ClassList, ...] = ()
    edges: tuple[EdgeList, ...] = ()
    hold_out: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is known."""
        return not (self.tables or self.affixes or self.classes or self.edges)


def build_penalties(
    knowledge: Knowledge, vocabulary: Vocabulary, options: ConstraintOptions, seed: int = 0
) -> tuple[list[tuple[float, Penalty, str]], list[TableReport]]:
    """(λ, penalty, name) for each constraint, and what became of every row of every source.

    Without constraints in the options, pairs get ``offset`` and lists get ``class``. Raises InputError where a
    constraint is asked for and nothing that it could use is known, or nothing is left of it.
    """
    pairs, reports = _pairs(knowledge, vocabulary, options.min_size)
    asked = options.constraints
    if not asked:
        asked = (
            *((("offset", STRENGTH["offset"]),) if pairs else ()),
            *((("class", STRENGTH["class"]),) if knowledge.classes or knowledge.edges else ()),
        )
    size = len(vocabulary.words)
    penalties: list[tuple[float, Penalty, str]] = []
    for kind, strength in asked:
        if kind != "class" and not pairs:
            raise InputError(
                f"constraint {kind} without a table",
                "it needs pairs of a lemma and a form",
                "pass --unimorph or --affixes",
            )
        made: list[Penalty] = []
        if kind == "offset":
            made = [penalty for part in pairs for penalty in _offset(part, size, options, seed)]
        elif kind == "lemma":
            kin, _ = _pairs(knowledge, vocabulary, 1)  # a family needs no second pair of its bundle
            made = [_lemma(lemma_families(part), size, options) for part in kin if len(part.lemmas)]
        else:
            lists, more = _listed(knowledge, vocabulary, options, seed)
            reports += more
            tables = [word_classes(part) for part in pairs] if not lists else []
            made = lists + [penalty for part in tables for penalty in _class(part, size, options, seed)]
            if not (lists or tables):
                raise InputError(
                    "constraint class without classes",
                    "it needs classes of words",
                    "pass --unimorph, --affixes, --classes or --edges",
                )
        penalties += [
            (strength, penalty, kind if len(made) == 1 else f"{kind}.{number}")
            for number, penalty in enumerate(made)
        ]
        if not made:
            raise InputError(
                f"constraint {kind}: nothing is left of the tables",
                "a class has at least two members in the vocabulary that are not held out",
                "give a larger table or more text, or shorten --hold-out",
            )
    return penalties, reports


def _pairs(
    knowledge: Knowledge, vocabulary: Vocabulary, min_size: int
) -> tuple[list[PairClasses], list[TableReport]]:
    """Pair classes of the tables (one set: languages share bundles) and of the affix rules (one set a language)."""
    fold, reports, found = vocabulary.tokenizer.fold, [], []
    if knowledge.tables:
        for table in knowledge.tables:
            if bool(table.language) != bool(vocabulary.languages):
                raise InputError(
                    f"the table {table.source} {'has the language ' + table.language if table.language else 'has no language'}",
                    "tables name languages exactly when the corpus does",
                    "write --unimorph LANG=PATH" if vocabulary.languages else "write --unimorph PATH",
                )
        pairs, report = pair_classes(
            knowledge.tables,
            vocabulary.key,
            vocabulary.index,
            fold,
            hold_out=knowledge.hold_out,
            min_size=min_size,
        )
        found.append(pairs)
        reports.append(report)
    if knowledge.affixes:
        bare = vocabulary.bare()
        owners = np.array([vocabulary.language_of(row) for row in range(len(bare))])
        for language in vocabulary.languages or ("",):
            rows = np.flatnonzero(owners == language)
            pairs, report = affix_pairs(
                [bare[row] for row in rows],
                vocabulary.counts[rows],
                knowledge.affixes,
                rows=rows,
                language=language,
                fold=fold,
                hold_out=knowledge.hold_out,
                min_size=min_size,
            )
            found.append(pairs)
            reports.append(report)
    return found, reports


def _rows(size: int, *signed: tuple[float, np.ndarray]) -> csr_array:
    """Members as rows over words: the sum of sign·word for each signed array of words."""
    count = len(signed[0][1])
    signs = np.concatenate([np.full(count, sign) for sign, _ in signed])
    columns = np.concatenate([words for _, words in signed])
    return csr_array((signs, (np.tile(np.arange(count), len(signed)), columns)), shape=(count, size))


def _offset(pairs: PairClasses, size: int, options: ConstraintOptions, seed: int) -> list[Penalty]:
    members = _rows(size, (1.0, pairs.forms), (-1.0, pairs.lemmas))
    return _graph(members, pairs.class_of, pairs.sizes, options, seed)


def _class(classes: WordClasses, size: int, options: ConstraintOptions, seed: int) -> list[Penalty]:
    return _graph(_rows(size, (1.0, classes.members)), classes.class_of, classes.sizes, options, seed)


def _graph(
    members: csr_array, class_of: np.ndarray, sizes: np.ndarray, options: ConstraintOptions, seed: int
) -> list[Penalty]:
    if not len(class_of):
        return []
    graph: Graph = parse_graph(options.graph)
    if graph.kind == "complete":
        edges_per_class = complete_edge_count(sizes)
        scales = (
            scatter_scale(sizes, edges_per_class) if options.normalise == "scatter" else np.ones(len(sizes))
        )
        return [CompletePenalty(members, class_of, scales)]
    edges, edges_per_class = graph_edges(sizes, options.graph, seed)
    scales = scatter_scale(sizes, edges_per_class) if options.normalise == "scatter" else np.ones(len(sizes))
    return [edge_penalty(members, edges, class_of[edges[:, 0]], scales)]


def _lemma(families: LemmaFamilies, size: int, options: ConstraintOptions) -> Penalty:
    members = _rows(size, (1.0, families.forms), (-1.0, families.lemmas))
    scales = (
        scatter_scale(families.sizes, families.sizes - 1)
        if options.normalise == "scatter"
        else np.ones(len(families.sizes))
    )
    weighted = csr_array(members.multiply(np.sqrt(scales[families.family_of])[:, None]))
    return SparsePenalty(csr_array(weighted.T @ weighted))


def _listed(
    knowledge: Knowledge, vocabulary: Vocabulary, options: ConstraintOptions, seed: int
) -> tuple[list[Penalty], list[TableReport]]:
    size, fold = len(vocabulary.words), vocabulary.tokenizer.fold
    made: list[Penalty] = []
    reports: list[TableReport] = []
    for listed in knowledge.classes:
        classes, report = listed_classes(
            listed,
            vocabulary.key,
            vocabulary.index,
            fold,
            languages=vocabulary.languages,
            hold_out=knowledge.hold_out,
            min_size=options.min_size,
        )
        reports.append(report)
        made += _class(classes, size, options, seed)
    for edge_list in knowledge.edges:
        edges, report = listed_edges(
            edge_list,
            vocabulary.key,
            vocabulary.index,
            fold,
            languages=vocabulary.languages,
            hold_out=knowledge.hold_out,
        )
        reports.append(report)
        if len(edges.i):
            made.append(_edges(edges, size, options))
    return made, reports


def _edges(edges: Edges, size: int, options: ConstraintOptions) -> Penalty:
    """Listed edges are one graph over the words they name: its class is those words."""
    named = len(np.unique(np.concatenate([edges.i, edges.j])))
    sizes, count = np.array([named]), np.array([len(edges.i)])
    scales = scatter_scale(sizes, count) if options.normalise == "scatter" else np.ones(1)
    words = _rows(size, (1.0, np.arange(size)))
    pairs = np.stack([edges.i, edges.j], axis=1)
    return edge_penalty(words, pairs, np.zeros(len(pairs), np.int64), scales, edges.weight)
