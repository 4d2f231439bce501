"""Looking for affix rules in the text, for a method whose words may be made of lemma and affixes.

The vectors that tell rules from accidents of spelling come of a few sweeps without parts or constraints: what words
look like by their contexts alone.
"""

from __future__ import annotations

from typing import Protocol

from morphvec.association import Association
from morphvec.engine.base import Engine
from morphvec.methods.composing import PartSettings
from morphvec.methods.starting import SWEEPS_FREE, free_factors, serves_as_start
from morphvec.morphology.discovery import Found, find_rules, spelled
from morphvec.report import SILENT, Reporter
from morphvec.solvers.output import output_map
from morphvec.solvers.problem import Factors
from morphvec.text.vocabulary import Vocabulary

DIM = 100  # at most where the vectors serve nothing else: enough to tell what goes together


class Asked(Protocol):
    """What is read of a method's options."""

    @property
    def parts(self) -> tuple[str, ...] | None: ...
    @property
    def rules(self) -> str | None: ...
    @property
    def pieces(self) -> PartSettings: ...
    @property
    def dim(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def solver(self) -> str: ...
    @property
    def cg_steps(self) -> int: ...
    @property
    def validation(self) -> float: ...


def tells_by_contexts(association: Association) -> bool:
    """Whether words are told by the company that they keep, and not by the lines alone that they stand in."""
    return any(block.kind == "window" for block in association.blocks)


def discover(
    association: Association,
    vocabulary: Vocabulary,
    options: Asked,
    engine: Engine,
    reporter: Reporter = SILENT,
) -> tuple[Found, Factors | None] | None:
    """The rules that the text shows and the factors that told them, for als to start from; None where they are not asked
    for or its spelling shows no change."""
    kinds = options.pieces.kinds
    if options.rules == "none" or (options.rules is None and not tells_by_contexts(association)):
        return None
    if not (options.parts is None or kinds.weight("lemma") or kinds.weight("affixes")):
        return None
    words = vocabulary.bare()
    changes = spelled(words, [vocabulary.language_of(row) for row in range(len(words))])
    if not changes:
        return None
    reporter.note("looking for affix rules in the text: first a few sweeps without parts")
    serves = serves_as_start(options)
    factors = free_factors(
        association,
        options.dim if serves else min(options.dim, DIM),
        options.seed,
        sweeps=SWEEPS_FREE,
        cg_steps=options.cg_steps,
        engine=engine,
        reporter=reporter,
    )
    vectors = output_map(factors.U, factors.S, 0.0, engine).apply(factors.U, engine)
    found = find_rules(words, changes, vectors, options.seed)
    reporter.note(found.line(len(words)))
    return found, factors if serves else None
