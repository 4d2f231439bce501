"""The runs that come before a fit: what the text itself shows, graphs of what is near, words that are counterparts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from morphvec.association import Association
from morphvec.errors import OptionError
from morphvec.methods.counterparts import align
from morphvec.methods.discovering import tells_by_contexts
from morphvec.morphology.classes import TableReport
from morphvec.morphology.constraints import FOUND, build_penalties
from morphvec.pipeline.methods import Given, Method, Penalties, cells_of
from morphvec.pipeline.options import KNOWLEDGE, FitStage
from morphvec.training import LoopControl


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a fit works on after the runs before it. reports: of the tables behind the penalties. unaligned: the share of
    its weight that a cell without a counterpart keeps; 1: all cells are alike."""

    given: Given
    penalties: Penalties
    reports: list[TableReport]
    unaligned: float


def prepared(
    given: Given, method: Method, options: Any, stage: FitStage, log: list[Mapping[str, Any]]
) -> Prepared:
    """Rules of the text, then the constraints, then counterparts, each by a run of its own where the method and its options
    ask for it. log: takes what each run took. Raises OptionError for constraints on a method that carries none."""
    given = _with_rules(given, method, options, log)
    penalties, reports = _penalties(given, method, options, stage, log)
    given, more, share = _aligned(given, method, options, penalties, log)
    return Prepared(given, [*penalties, *more], reports, share)


def _with_rules(given: Given, method: Method, options: Any, log: list[Mapping[str, Any]]) -> Given:
    """What is given, with the rules of the text where the method looks for them, and factors to begin with."""
    if method.discover is None:
        return given
    start = time.perf_counter()
    discovered = method.discover(given, options)
    if discovered is None:
        return given
    found, factors = discovered
    log.append({"stage": "rules of the text", "seconds": time.perf_counter() - start})
    return replace(given, knowledge=replace(given.knowledge, found=found), start=factors)


def _penalties(
    given: Given, method: Method, options: Any, stage: FitStage, log: list[Mapping[str, Any]]
) -> tuple[Penalties, list[TableReport]]:
    """The constraints; a run without any comes first where their graph is found from its vectors."""
    known, asked, reporter = given.knowledge, stage.constraints, given.reporter
    sources = (known.tables, known.affixes, known.classes, known.edges, known.class_weights, known.found)
    if asked.off or (not any(sources) and not asked.constraints):
        return [], []
    if not method.constrained:
        raise OptionError(
            f"method={stage.method} with {_told(stage)}",
            "it carries no constraints, and what is known serves its columns alone",
            "leave it out, or choose token-feature, glove, smf or sgns",
        )
    vectors = None
    if asked.needs_vectors:
        build_penalties(known, given.vocabulary, replace(asked, graph="complete"))  # refuses before the work
        reporter.note(f"graph {asked.graph}: first a run without constraints, whose vectors say what is near")
        start = time.perf_counter()
        vectors = method.fit(given, options, [], LoopControl())[1].U
        log.append({"stage": "fit without constraints", "seconds": time.perf_counter() - start})
    by_contexts = not isinstance(given.source, Association) or tells_by_contexts(given.source)
    penalties, reports = build_penalties(
        known, given.vocabulary, asked, stage.seed, vectors, by_contexts=by_contexts
    )
    for report in reports:
        reporter.note(report.line())
    if reports and not any(name != FOUND for _, _, name in penalties):
        reporter.warn("no class has two members in this text: what is given constrains nothing")
    return penalties, reports


def _aligned(
    given: Given, method: Method, options: Any, penalties: Penalties, log: list[Mapping[str, Any]]
) -> tuple[Given, Penalties, float]:
    """What is given, with what a first run says of counterparts where the method has it so (``counterparts.align``): its
    cells, its penalties, and the share that is left to cells without one."""
    share = 1.0 if method.unaligned is None else method.unaligned(given, options)
    if share == 1:
        return given, [], share
    given.reporter.note("first a run whose vectors say which words of a line are each other's counterparts")
    start = time.perf_counter()
    factors = method.fit(given, options, penalties, LoopControl())[1]
    aligned = align(cells_of(given), given.vocabulary, factors, share, given.engine)
    words = len(given.vocabulary)
    given.reporter.note(f"counterparts: {aligned.linked:,} of {words:,} words have one in a line of theirs")
    log.append({"stage": "fit before aligning", "seconds": time.perf_counter() - start})
    return replace(given, source=aligned.association, start=None), aligned.penalties, share


def _told(stage: FitStage) -> str:
    names = [name for name in ("constraint", *KNOWLEDGE) if getattr(stage, name)]
    return " and ".join(f"--{name.replace('_', '-')}" for name in names)
