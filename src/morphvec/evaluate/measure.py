"""From what a model did on a test to numbers: a score with its interval, for all items or for some of them.

Bands. An item belongs to the band of its rarest word, by the count of the training text: of the two words of a pair,
of the four of an analogy question, of a query and its translation, of a lemma and its form. Where several answers
are right, the most frequent of them stands for all. A word outside the vocabulary counts 0 and is ``unseen``.

Constrained items. An item is touched where one of its words, any right answer included, is a word that the training
was told of: its row is bound by a constraint, or a table says what it is made of (``constrained``). What was told is
not learned, so the score is also given without these items. The task ``classes`` measures the constraints themselves
and is not split.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from morphvec.arrays import Bools1d, Floats1d
from morphvec.evaluate import intervals
from morphvec.evaluate.base import Outcome
from morphvec.evaluate.similarity import LEAST, pearson, spearman

BANDS = (
    ("unseen", 0, 0),
    ("<10", 1, 9),
    ("10-99", 10, 99),
    ("100-999", 100, 999),
    ("1000-9999", 1000, 9999),
    (">=10000", 10000, None),
)
LISTED = 20  # of the constrained words of a test, as examples


@dataclass(frozen=True)
class Measured:
    """The score of n items and its 95% interval; None where there is none. draws: those that had a score."""

    n: int
    score: float | None
    low: float | None
    high: float | None
    draws: int | None = None

    def as_json(self) -> dict[str, Any]:
        """n, score, low and high by name."""
        return {"n": self.n, "score": self.score, "low": self.low, "high": self.high}


def measure(outcome: Outcome, chosen: Bools1d | None = None, *, bootstrap: int, seed: int) -> Measured:
    """The score of the chosen items bool[n] of an outcome (all where left out) with its bootstrap interval."""
    some: Bools1d | slice = slice(None) if chosen is None else chosen
    values = outcome.values[some]
    gold = None if outcome.gold is None else outcome.gold[some]
    score = score_of(outcome.metric, values, gold)
    if score is None:
        return Measured(len(values), None, None, None)
    if gold is None:
        clusters = None if outcome.clusters is None else outcome.clusters[some]
        interval = intervals.mean_interval(values, clusters=clusters, resamples=bootstrap, seed=seed)
    else:
        interval = intervals.correlation_interval(
            outcome.metric, values, gold, resamples=bootstrap, seed=seed
        )
    if interval is None:
        return Measured(len(values), score, None, None)
    return Measured(len(values), score, interval.low, interval.high, interval.draws)


def score_of(metric: str, values: Floats1d, gold: Floats1d | None) -> float | None:
    """The mean of the values, or their correlation with ``gold`` (``pearson``, or else by ranks); None where it is
    not defined, or below 3 pairs."""
    if gold is None:
        return float(values.mean()) if len(values) else None
    if len(values) < LEAST:
        return None
    value = pearson(values, gold) if metric == "pearson" else spearman(values, gold)
    return value if math.isfinite(value) else None


def bands(outcome: Outcome, *, bootstrap: int, seed: int) -> dict[str, dict[str, Any]] | None:
    """Name → n, score, low, high of each band that has an item; None where counts are not known."""
    if outcome.counts is None:
        return None
    found = {}
    for name, low, high in BANDS:
        inside = (outcome.counts >= low) & (outcome.counts <= (np.inf if high is None else high))
        if inside.any():
            found[name] = measure(outcome, inside, bootstrap=bootstrap, seed=seed).as_json()
    return found


def apart(
    outcome: Outcome, constrained: Collection[str], *, bootstrap: int, seed: int
) -> dict[str, Any] | None:
    """n, score, low and high of the items with a constrained word, the same ``without`` them, how many such words the
    items have (``words_total``) and the first 20 of them; None for an outcome that does not tell its words."""
    if outcome.words is None:
        return None
    places, slot = np.unique(outcome.words, return_inverse=True)
    listed = np.array([place >= 0 and outcome.keys[place] in constrained for place in places], np.bool_)
    touched = np.asarray(listed[slot].reshape(outcome.words.shape).any(axis=1), np.bool_)
    words = [outcome.keys[place] for place in places[listed].tolist()]
    return {
        **measure(outcome, touched, bootstrap=bootstrap, seed=seed).as_json(),
        "without": measure(outcome, ~touched, bootstrap=bootstrap, seed=seed).as_json(),
        "words_total": len(words),
        "words": words[:LISTED],
    }
