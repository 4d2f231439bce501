"""The methods by name: what each one makes of the options, which of them it reads, and how it is called.

A method may have defaults of its own for options of every stage (``with_defaults``): what its published form counts,
how it weighs, and what it serves. They are part of the record as if they had been given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.errors import BudgetError, OptionError
from morphvec.features.space import parse_ngrams
from morphvec.methods import token_feature, token_token
from morphvec.morphology.constraints import Knowledge
from morphvec.report import Reporter
from morphvec.solvers.batch_options import MINIBATCH, BatchOptions
from morphvec.solvers.penalties import Penalty
from morphvec.solvers.problem import Factors
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl

if TYPE_CHECKING:
    from morphvec.pipeline.options import FitStage

Source = (
    Association | NDArray[np.int32]
)  # the stored cells, or the text as vocabulary rows (``text.encoded``)
Penalties = list[tuple[float, Penalty, str]]
_COUNTING = ("window", "window_weight")  # what a method that streams text reads of the counts' options
ALWAYS = (  # options that no method is alone with: what is known may serve columns too
    *("method", "seed", "ngrams", "ngram_min_types", "unimorph", "derivations", "conllu", "segments"),
    *("morfessor", "affixes", "hold_out"),
)
CONSTRAINTS = ("constraint", "graph", "normalise", "classes", "edges", "class_weights")


@dataclass(frozen=True, eq=False)
class Given:
    """What a method works on, beside its options and the penalties. memory: bytes that it may use."""

    source: Source
    vocabulary: Vocabulary
    knowledge: Knowledge
    engine: Engine
    memory: int
    reporter: Reporter


@dataclass(frozen=True)
class Method:
    """One way to make vectors.

    options: of (stage, ngrams, ngram_min_types); raises OptionError. fit: of (given, options, penalties, loop). reads:
    the options of the fit stage that mean something to it, beside those of every method. defaults: of the options that
    were given; its own values for others. constrained: whether it takes penalties. streams: whether it reads the text
    rather than its counts.
    """

    options: Callable[[FitStage, str, int], Any]
    fit: Callable[[Given, Any, Penalties, LoopControl], tuple[Embeddings, Factors]]
    reads: frozenset[str]
    defaults: Callable[[Mapping[str, Any]], Mapping[str, Any]] = field(default=lambda given: {})
    constrained: bool = True
    streams: bool = False


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
        if name in reads or name in passed or value is None or value == item.default or not value:
            continue
        readers = [other for other, entry in METHODS.items() if name in entry.reads]
        raise OptionError(
            f"{name}={value!r}",
            f"method {method} does not read it"
            + (f", {', '.join(readers)} {'does' if len(readers) == 1 else 'do'}" if readers else ""),
            f"leave --{name.replace('_', '-')} out, or choose another --method",
        )


def _token_feature_options(
    stage: FitStage, ngrams: str, ngram_min_types: int
) -> token_feature.TokenFeatureOptions:
    return token_feature.TokenFeatureOptions(
        dim=stage.dim,
        parts=None if stage.parts is None else tuple(part.strip() for part in stage.parts.split(",")),
        ngrams=parse_ngrams(ngrams),
        ngram_min_types=ngram_min_types,
        own_weight=stage.own_weight,
        own_weight_split=stage.own_weight_split,
        ridge=stage.ridge,
        ridge_own=stage.ridge_own,
        ridge_parts=stage.ridge_parts,
        ridge_features=stage.ridge_features,
        solver=stage.solver,
        epochs=stage.epochs,
        cg_steps=stage.cg_steps,
        cg_tol=stage.cg_tol,
        batch=BatchOptions(
            batch=stage.batch,
            learning_rate=stage.learning_rate,
            schedule=stage.schedule,
            momentum=stage.momentum,
            clip=stage.clip,
            updates=stage.updates,
            edge_samples=stage.edge_samples,
            unobserved_samples=stage.unobserved_samples,
            oversample_class=stage.oversample_class,
            oversample_rare=stage.oversample_rare,
            importance=stage.importance,
        ),
        oversample_language=stage.oversample_language,
        validation=stage.validation,
        patience=stage.patience,
        power=stage.power,
        output=stage.output,
        seed=stage.seed,
    )


def _fit_token_feature(
    given: Given, options: token_feature.TokenFeatureOptions, penalties: Penalties, loop: LoopControl
) -> tuple[Embeddings, Factors]:
    association = cells_of(given)
    needed = _bytes_needed(association, options, loop)
    if needed > given.memory:
        raise BudgetError(
            f"{association.matrix.nnz:,} cells and {len(given.vocabulary):,} words at dim {options.dim} need about {needed / 1e9:.1f} GB",
            f"--memory allows {given.memory / 1e9:.1f} GB",
            "raise --memory or --min-count, or lower --dim",
        )
    return token_feature.fit(
        association,
        given.vocabulary,
        options,
        penalties,
        knowledge=given.knowledge,
        loop=loop,
        engine=given.engine,
        reporter=given.reporter,
    )


def _bytes_needed(
    association: Association, options: token_feature.TokenFeatureOptions, loop: LoopControl
) -> int:
    """Memory of a fit, about: the cells and the factors with what a solver keeps beside them."""
    rows, columns = association.matrix.shape
    batches = options.solver in MINIBATCH
    a_cell = 12 + 24  # the association, and the stored cells from both sides
    a_cell += 24 if batches else 0  # their order by tiles
    a_cell += 16 if options.validation else 0  # the slice, and how it is found
    both = (rows * (3 if options.pieces.composed else 1) + columns) * options.dim * 4  # P and S
    copies = (10 if batches else 6) + (2 if loop.keeper is not None else 0) + (1 if options.patience else 0)
    needed: int = association.matrix.nnz * a_cell + copies * both
    return needed


def _token_token_options(stage: FitStage, ngrams: str, ngram_min_types: int) -> token_token.TokenTokenOptions:
    del ngrams, ngram_min_types  # a word is a row of its own here
    ridge = 0.0 if stage.ridge is None else stage.ridge
    return token_token.TokenTokenOptions(stage.dim, stage.target, stage.epochs, stage.seed, ridge)


def _fit_token_token(
    given: Given, options: token_token.TokenTokenOptions, penalties: Penalties, loop: LoopControl
) -> tuple[Embeddings, Factors]:
    return token_token.fit(
        cells_of(given),
        given.vocabulary,
        replace(options, memory=given.memory),
        penalties,
        loop=loop,
        engine=given.engine,
        reporter=given.reporter,
    )


def cells_of(given: Given) -> Association:
    """The association that a method which does not stream works on."""
    assert isinstance(given.source, Association)
    return given.source


def _names(*classes: type[Any], also: tuple[str, ...] = ()) -> frozenset[str]:
    return frozenset(item.name for kind in classes for item in fields(kind)) | set(also)


METHODS: Mapping[str, Method] = {
    "token-feature": Method(
        _token_feature_options,
        _fit_token_feature,
        _names(token_feature.TokenFeatureOptions, BatchOptions, also=CONSTRAINTS),
    ),
    "token-token": Method(
        _token_token_options,
        _fit_token_token,
        _names(token_token.TokenTokenOptions, also=CONSTRAINTS),
        lambda given: {"smoothing": 1.0},
    ),
}
