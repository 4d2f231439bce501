"""The kind ``ngram``: a text's n-grams counted, smoothed and put into tables; one model or an ensemble over n."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from morphvec.errors import ArtifactError, MorphvecError, OptionError
from morphvec.lm.backoff import KIND, NgramTables, load_tables
from morphvec.lm.base import Kind, LmVocabulary, Predictor, Training
from morphvec.lm.counts import NgramCounts, check_order, count_ngrams
from morphvec.lm.ensemble import Mixture, fit_weights
from morphvec.lm.smoothing import SmoothingOptions, build_tables, estimate


@dataclass(frozen=True)
class NgramOptions:
    """The options of an n-gram model. order: N ≥ 1. ensemble: mix the models of orders 1 … N, each smoothed so, with
    weights by EM on held-out text. The others: see SmoothingOptions. Raises OptionError for numbers out of range."""

    order: int = 3
    smoothing: str = "modified-kneser-ney"
    add_k: float = 1.0
    discount: float | None = None
    uniform: bool = True
    ensemble: bool = False

    def __post_init__(self) -> None:
        check_order(self.order)
        _ = self.rule

    @cached_property
    def rule(self) -> SmoothingOptions:
        """The options of the smoothing."""
        return SmoothingOptions(self.smoothing, self.add_k, self.discount, self.uniform)

    @property
    def needs_held_out(self) -> bool:
        """Whether sentences are kept out of the counts."""
        return self.ensemble or self.smoothing == "interpolated"

    @property
    def uses_held_out(self) -> bool:
        """Whether held-out text is of use."""
        return self.needs_held_out

    def inputs(self) -> tuple[dict[str, Any], ...]:
        """No file but the text."""
        return ()

    def config(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def options(given: Mapping[str, Any]) -> NgramOptions:
    """The options by name. Raises OptionError for one that n-gram models do not have."""
    known = {item.name for item in fields(NgramOptions)}
    for name, value in given.items():
        if name not in known:
            raise OptionError(
                f"{name}={value} with kind {KIND}",
                f"models of this kind have the options {', '.join(sorted(known))}",
                "leave it out, or choose another --kind",
            )
    return NgramOptions(**given)


def train(chosen: NgramOptions, training: Training) -> Predictor:
    """Count and smooth; notes say where discounts fell back."""
    counts = count_ngrams(
        training.stream,
        chosen.order,
        engine=training.engine,
        folder=training.folder,
        memory=training.memory,
        reporter=training.reporter,
    )
    return smooth(counts, chosen, training)


def smooth(counts: NgramCounts, chosen: NgramOptions, training: Training) -> Predictor:
    """Tables of counts that are there."""
    orders = range(1, counts.order + 1) if chosen.ensemble else (counts.order,)
    members: list[NgramTables] = []
    with training.reporter.stage("smooth") as progress:
        for order in orders:
            numbers = estimate(counts, chosen.rule, order, training.held_out)
            members.append(build_tables(counts, chosen.rule, numbers, order, training.engine))
            progress.advance(len(members[-1].words), f"order {order}")
            if order == counts.order:
                for note in numbers.notes:
                    training.reporter.note(note)
    if not chosen.ensemble:
        return members[0]
    assert training.held_out is not None
    weights = fit_weights(members, training.held_out)
    training.reporter.note(
        f"ensemble: {', '.join(f'order {n} {w:.3f}' for n, w in zip(orders, weights, strict=True))}"
    )
    return Mixture(tuple(members), weights)


def load(folder: Path, stated: Mapping[str, Any], vocabulary: LmVocabulary) -> Predictor:
    """The predictor of an artifact folder; arrays are memory maps. Raises ArtifactError where it is damaged."""
    if "members" not in stated:
        return load_tables(folder, stated, vocabulary)
    try:
        members = tuple(
            load_tables(folder, dict(member), vocabulary, f"ngrams-{number}.safetensors")
            for number, member in enumerate(stated["members"], 1)
        )
        return Mixture(members, np.array(stated["weights"], np.float64))
    except ArtifactError:
        raise
    except (KeyError, TypeError, ValueError, MorphvecError) as error:
        raise ArtifactError(
            f"the ensemble in {folder} ({error!r})",
            "its manifest states a weight for each member",
            "restore the folder, or train it anew",
        ) from error


NGRAM = Kind(options, train, load)
