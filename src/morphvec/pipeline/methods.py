"""The methods by name: what each one makes of the options, which of them it reads, and how it is called.

A method may have defaults of its own for options of every stage (``with_defaults``): what its published form counts,
how it weighs, and what it serves. They are part of the record as if they had been given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.errors import BudgetError, OptionError
from morphvec.features.space import parse_ngrams
from morphvec.methods import glove, lsa, ppmi, sgns, skipgram, smf, svd, token_feature, token_token
from morphvec.methods.composing import PartSettings
from morphvec.methods.counterparts import share_of
from morphvec.methods.discovering import discover
from morphvec.morphology.constraints import Knowledge
from morphvec.morphology.discovery import Found
from morphvec.report import Reporter
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import Factors
from morphvec.solvers.sgns import NegativeSampling
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

if TYPE_CHECKING:
    from morphvec.pipeline.options import FitStage

Source = (
    Association | NDArray[np.int32]
)  # the stored cells, or the text as vocabulary rows (``text.encoded``)
Penalties = list[tuple[float, Penalty, str]]
Fit = Callable[["Given", Any, Penalties, LoopControl], tuple[Embeddings, Factors]]
_COUNTING = ("window", "window_weight")  # what a method that streams text reads of the counts' options
ALWAYS = (  # options that no method is alone with: what is known may serve columns too
    *("method", "seed", "ngrams", "ngram_min_types", "unimorph", "derivations", "conllu", "segments"),
    *("morfessor", "affixes", "hold_out"),
)
CONSTRAINTS = ("constraint", "graph", "normalise", "classes", "edges", "class_weights")


@dataclass(frozen=True, eq=False)
class Given:
    """What a method works on, beside its options and the penalties. memory: bytes that it may use. start: factors that
    looking for rules left behind, to begin with."""

    source: Source
    vocabulary: Vocabulary
    knowledge: Knowledge
    engine: Engine
    memory: int
    reporter: Reporter
    start: Factors | None = None


@dataclass(frozen=True)
class Method:
    """One way to make vectors.

    options: of (stage, what was counted: the options of that stage by name); raises OptionError. fit: of (given,
    options, penalties, loop). reads: the options of the fit stage that mean something to it, beside those of every method. defaults: of the options that
    were given; its own values for others. constrained: whether it takes penalties. streams: whether it reads the text
    rather than its counts. discover: of (given, options), for a method that looks for affix rules in the text;
    gives them and the factors that told them, where als may start there. unaligned: of the same, the share δ of a method
    that weighs cells by their counterparts after a first run; 1: it does not.
    """

    options: Callable[[FitStage, Mapping[str, Any]], Any]
    fit: Fit
    reads: frozenset[str]
    defaults: Callable[[Mapping[str, Any]], Mapping[str, Any]] = field(default=lambda given: {})
    constrained: bool = True
    streams: bool = False
    discover: Callable[[Given, Any], tuple[Found, Factors | None] | None] | None = None
    unaligned: Callable[[Given, Any], float] | None = None


def with_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with the defaults of their method where they say nothing. An unknown method is left to its stage."""
    method = METHODS.get(str(options.get("method") or "token-feature"))
    given = {name: value for name, value in options.items() if value is not None}
    return {**({} if method is None else method.defaults(given)), **given}


def check_read(options: Mapping[str, Any], method: str, *, text: bool = False) -> None:
    """Raise OptionError for an option that was given and that its method does not read.

    text: whether the options are those of the whole walk; a method that streams text reads few of the arrows between.
    """
    from morphvec.pipeline.options import CountStage, FitStage, WeighStage

    reads, passed = METHODS[method].reads, set(ALWAYS)
    stages: list[type[Any]] = [FitStage]
    if text and METHODS[method].streams:
        stages += [CountStage, WeighStage]
        passed |= set(_COUNTING)
    for item in (item for stage in stages for item in fields(stage)):
        name, value = item.name, options.get(item.name)
        if name in reads or name in passed or value is None or value in (item.default, (), []):
            continue
        readers = [other for other, entry in METHODS.items() if name in entry.reads]
        raise OptionError(
            f"{name}={value!r}",
            f"method {method} does not read it"
            + (f", {', '.join(readers)} {'does' if len(readers) == 1 else 'do'}" if readers else ""),
            f"leave --{name.replace('_', '-')} out, or choose another --method",
        )


_NESTED = {"batch": BatchOptions, "pieces": PartSettings, "sampling": NegativeSampling}


def _made(kind: type[Any], stage: FitStage, counted: Mapping[str, Any]) -> Any:
    """Options of a class from a stage's entries of the same names; None leaves the class's own default.

    counted: options of counting, where the stage has none of the name. Some entries are classes of options themselves.
    """
    values: dict[str, Any] = {}
    for item in fields(kind):
        name = item.name
        value = getattr(stage, name, None)
        if value is None:
            value = counted.get(name)
        if name in _NESTED and kind not in _NESTED.values():
            values[name] = _made(_NESTED[name], stage, counted)
        elif name == "ngrams":
            values[name] = parse_ngrams(str(value))
        elif name == "parts" and value is not None:
            values[name] = tuple(part.strip() for part in value.split(","))
        elif value is not None:
            values[name] = value
    return kind(**values)


def _options(kind: type[Any]) -> Callable[[FitStage, Mapping[str, Any]], Any]:
    return lambda stage, counted: _made(kind, stage, counted)


def _reads(*kinds: type[Any], constrained: bool = False) -> frozenset[str]:
    """The names of the options of these classes, and of constraints where there may be any."""
    return frozenset(item.name for kind in kinds for item in fields(kind)) | set(
        CONSTRAINTS if constrained else ()
    )


def _fit_token_feature(
    given: Given, options: token_feature.TokenFeatureOptions, penalties: Penalties, loop: LoopControl
) -> tuple[Embeddings, Factors]:
    association = cells_of(given)
    _check_memory(given, options, loop)
    return token_feature.fit(
        association,
        given.vocabulary,
        options,
        penalties,
        knowledge=given.knowledge,
        start=given.start,
        loop=loop,
        engine=given.engine,
        reporter=given.reporter,
    )


def _discover(
    given: Given, options: token_feature.TokenFeatureOptions
) -> tuple[Found, Factors | None] | None:
    _check_memory(given, options, LoopControl())  # before any work
    return discover(cells_of(given), given.vocabulary, options, given.engine, given.reporter)


def _unaligned(given: Given, options: token_feature.TokenFeatureOptions) -> float:
    return share_of(options.unaligned, cells_of(given), given.vocabulary)


def _check_memory(given: Given, options: Any, loop: LoopControl) -> None:
    """Raise BudgetError where a fit of stored cells would need more memory than there is: the cells and the factors
    with what a solver keeps beside them, about."""
    association = cells_of(given)
    rows, columns = association.matrix.shape
    batches = options.solver in MINIBATCH
    a_cell = 12 + 24  # the association, and the stored cells from both sides
    a_cell += 24 if batches else 0  # their order by tiles
    a_cell += 16 if options.validation else 0  # the slice, and how it is found
    both = (rows * (3 if options.pieces.composed else 1) + columns) * options.dim * 4  # P and S
    copies = (10 if batches else 6) + (2 if loop.keeper is not None else 0) + (1 if options.patience else 0)
    needed = association.matrix.nnz * a_cell + copies * both
    if needed > given.memory:
        raise _too_much(
            given, f"{association.matrix.nnz:,} cells and {rows:,} words at dim {options.dim}", needed
        )


def _too_much(given: Given, what: str, needed: int) -> BudgetError:
    return BudgetError(
        f"{what} need about {needed / 1e9:.1f} GB",
        f"--memory allows {given.memory / 1e9:.1f} GB",
        "raise --memory or --min-count, or lower --dim",
    )


def _fit_whole(page: ModuleType, *, constrained: bool = False) -> Fit:
    """The fit of a page that takes the association whole and minds its memory itself; with penalties where it takes
    them."""

    def fit(
        given: Given, options: Any, penalties: Penalties, loop: LoopControl
    ) -> tuple[Embeddings, Factors]:
        if hasattr(options, "memory"):
            options = replace(options, memory=given.memory)
        carried = (penalties,) if constrained else ()
        made: tuple[Embeddings, Factors] = page.fit(
            cells_of(given),
            given.vocabulary,
            options,
            *carried,
            loop=loop,
            engine=given.engine,
            reporter=given.reporter,
        )
        return made

    return fit


def _fit_stored(page: ModuleType) -> Fit:
    """The fit of a page on the stored cells alone."""

    def fit(
        given: Given, options: Any, penalties: Penalties, loop: LoopControl
    ) -> tuple[Embeddings, Factors]:
        _check_memory(given, options, loop)
        made: tuple[Embeddings, Factors] = page.fit(
            cells_of(given),
            given.vocabulary,
            options,
            penalties,
            knowledge=given.knowledge,
            loop=loop,
            engine=given.engine,
            reporter=given.reporter,
        )
        return made

    return fit


def _fit_sgns(
    given: Given, options: sgns.SgnsOptions, penalties: Penalties, loop: LoopControl
) -> tuple[Embeddings, Factors]:
    assert isinstance(given.source, np.ndarray)
    words = len(given.vocabulary)
    rows = words * ((5 if options.pieces.composed else 2) + (6 if penalties else 0)) + words
    needed = 4 * options.dim * rows * (2 if loop.keeper is not None else 1)
    if needed > given.memory:
        raise _too_much(given, f"{words:,} words at dim {options.dim}", needed)
    return sgns.fit(
        given.source,
        given.vocabulary,
        options,
        penalties,
        knowledge=given.knowledge,
        loop=loop,
        engine=given.engine,
        reporter=given.reporter,
    )


def cells_of(given: Given) -> Association:
    """The association that a method which does not stream works on."""
    assert isinstance(given.source, Association)
    return given.source


METHODS: Mapping[str, Method] = {
    "token-feature": Method(
        _options(token_feature.TokenFeatureOptions),
        _fit_token_feature,
        _reads(token_feature.TokenFeatureOptions, BatchOptions, constrained=True),
        discover=_discover,
        unaligned=_unaligned,
    ),
    "token-token": Method(
        _options(token_token.TokenTokenOptions),
        _fit_whole(token_token, constrained=True),
        _reads(token_token.TokenTokenOptions, constrained=True),
        lambda given: {"smoothing": 1.0},
    ),
    "ppmi": Method(_options(ppmi.PpmiOptions), _fit_whole(ppmi), _reads(ppmi.PpmiOptions), constrained=False),
    "svd": Method(
        _options(svd.SvdOptions),
        _fit_whole(svd),
        _reads(svd.SvdOptions),
        lambda given: {"solver": "fast"},
        constrained=False,
    ),
    "lsa": Method(
        _options(lsa.LsaOptions),
        _fit_whole(lsa),
        _reads(lsa.LsaOptions),
        lambda given: {"association": "log1p", "solver": "fast"},
        constrained=False,
    ),
    "smf": Method(
        _options(smf.SmfOptions),
        _fit_stored(smf),
        _reads(smf.SmfOptions, BatchOptions, PartSettings, constrained=True),
        lambda given: {**smf.WEIGH, **smf.SmfOptions.defaults(given)},
    ),
    "glove": Method(
        _options(glove.GloveOptions),
        _fit_stored(glove),
        _reads(glove.GloveOptions, BatchOptions, PartSettings, constrained=True),
        lambda given: {**glove.WEIGH, **glove.GloveOptions.defaults(given)},
    ),
    "sgns": Method(
        _options(sgns.SgnsOptions),
        _fit_sgns,
        _reads(sgns.SgnsOptions, NegativeSampling, PartSettings, constrained=True),
        lambda given: (
            {"window_weight": "dynamic", "solver": "sgd", "schedule": "linear", "power": None}
            | {"parts": given.get("parts") or "own"}
        ),
        streams=True,
    ),
    "skipgram": Method(
        _options(skipgram.SkipgramOptions),
        _fit_whole(skipgram),
        _reads(skipgram.SkipgramOptions, BatchOptions),
        lambda given: {
            "window_weight": "flat",
            "association": "count",
            "weight": "constant",
            "unobserved": 0.0,
            "solver": "adam",
        },
        constrained=False,
    ),
}
