"""The methods by name: what each one makes of the options of the fit stage, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from morphvec.association import Association
from morphvec.embeddings.embeddings import Embeddings
from morphvec.engine.base import Engine
from morphvec.errors import BudgetError
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


@dataclass(frozen=True, eq=False)
class Given:
    """What a method works on, beside its options and the penalties. memory: bytes that it may use."""

    association: Association
    vocabulary: Vocabulary
    knowledge: Knowledge
    engine: Engine
    memory: int
    reporter: Reporter


Penalties = list[tuple[float, Penalty, str]]
Fit = Callable[[Given, Any, Penalties, LoopControl], tuple[Embeddings, Factors]]


@dataclass(frozen=True)
class Method:
    """options: of (stage, ngrams, ngram_min_types); raises OptionError. fit: of (given, options, penalties, loop)."""

    options: Callable[[FitStage, str, int], Any]
    fit: Fit


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
    association = given.association
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
    both = (rows * (3 if options.composed else 1) + columns) * options.dim * 4  # P and S
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
        given.association,
        given.vocabulary,
        replace(options, memory=given.memory),
        penalties,
        loop=loop,
        engine=given.engine,
        reporter=given.reporter,
    )


METHODS: Mapping[str, Method] = {
    "token-feature": Method(_token_feature_options, _fit_token_feature),
    "token-token": Method(_token_token_options, _fit_token_token),
}
