"""Word similarity: correlation of cosines with human scores, by ranks and as they are, with a stated rule for unknown
words.

The cosines are worked out in float64, one pair at a time, so that they do not depend on threads; pairs of equal
cosine (or of equal human score) share the mean of their ranks. A vector of zeros has cosine 0 with everything.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from morphvec.arrays import Bools1d, Floats1d, Floats2d, Ints1d, Ints2d
from morphvec.embeddings.query import as_rows
from morphvec.errors import OptionError, UnknownWordError
from morphvec.evaluate.base import Outcome, WordVectors, key_of, language_hint
from morphvec.evaluate.datasets import SimilaritySet

RULES = ("skip", "compose", "zero")
LEAST = 3  # pairs; below that a correlation says nothing


def score(model: WordVectors, dataset: SimilaritySet, rule: str = "skip", *, language: str = "") -> Outcome:
    """Cosines of the pairs of a similarity set, for Spearman's correlation with its scores.

    rule: what to do with a word outside the vocabulary: ``skip`` leaves its pairs out; ``compose`` asks the model
    for a vector from its parts and leaves the pair out where there is none; ``zero`` takes the zero vector.
    language: of words that do not carry theirs and whose set does not say it, in a model of several languages.
    Raises OptionError: an unknown rule, or ``compose`` for a model that does not compose.
    """
    check_rule(rule, composes=model.composes)
    slots: dict[str, int] = {}  # distinct keys, in order of appearance
    index = np.array(
        [
            [
                slots.setdefault(key_of(model, word, own or language), len(slots))
                for word, own in zip(pair, dataset.languages, strict=True)
            ]
            for pair in dataset.pairs
        ],
        dtype=np.int64,
    ).reshape(-1, 2)
    rows = np.array([model.key_to_index.get(key, -1) for key in slots], dtype=np.int64)
    composed: dict[int, Floats1d] = {}
    seen = rows >= 0
    usable = seen | (rule == "zero")
    if rule == "compose":
        for slot, key in enumerate(slots):
            if not seen[slot]:
                try:
                    composed[slot] = model.vector_for(key)
                    usable[slot] = True
                except UnknownWordError:
                    continue  # counted below as a word without a vector
    items = np.flatnonzero(usable[index].all(axis=1))
    values = as_rows(model.vectors).picked(rows, composed).cosines(index[items])
    gold = dataset.scores[items]
    detail: dict[str, Any] = {
        "unknown_words": int((~seen).sum()),
        "unknown_pairs": int((~seen[index].all(axis=1)).sum()),
    }
    if rule == "compose":
        detail["composed_words"] = int((usable & ~seen).sum())
        detail["uncomposed_words"] = int((~usable).sum())
    counts = None
    if model.counts is not None:
        of_word = np.where(seen, np.asarray(model.counts)[np.maximum(rows, 0)], 0)
        counts = of_word[index[items]].min(axis=1, initial=np.iinfo(np.int64).max)
    reason = ""
    if len(items) < LEAST:
        reason = (
            f"{len(items)} of {len(index)} pairs have vectors for both words; at least {LEAST} are needed"
        )
        reason += language_hint(model, language or dataset.languages[0])
    elif (values == values[0]).all() or (gold == gold[0]).all():
        reason = f"all {'cosines' if (values == values[0]).all() else 'human scores'} are equal"
    return Outcome(
        "similarity",
        dataset.name,
        "spearman",
        rule,
        len(index),
        items,
        values,
        gold,
        detail,
        reason,
        words=index[items],
        keys=tuple(slots),
        counts=counts,
    )


def as_pearson(outcome: Outcome) -> Outcome:
    """The same cosines, for Pearson's correlation: whether they grow with the human scores in a straight line."""
    return replace(outcome, metric="pearson")


def check_rule(rule: str, *, composes: bool = True) -> None:
    """Raise OptionError for an unknown rule, or for ``compose`` where the model does not compose."""
    if rule not in RULES:
        raise OptionError(f"unknown={rule!r}", f"one of {', '.join(RULES)}", "choose one of these")
    if rule == "compose" and not composes:
        raise OptionError(
            "unknown='compose'", "the model must be made of parts (n-grams, morphemes)", "use skip or zero"
        )


def spearman(x: Floats1d, y: Floats1d) -> float:
    """Spearman's rank correlation, equal values sharing the mean of their ranks; NaN where a side is constant."""
    return float(weighted_spearman(x, y, np.ones((1, len(x)), dtype=np.int64))[0])


def weighted_spearman(x: Floats1d, y: Floats1d, weights: Ints2d) -> Floats1d:
    """float64[r]: Spearman's correlation of ``x``, ``y`` float[n], item i standing weights[s, i] times in sample s.

    A group of equal values that holds c items with m items below it has the rank m + (c + 1)/2. Ranks are halves
    and their sums stay below 2^53, so every sum is exact and its order does not matter. NaN where a side of the
    sample is constant.
    """
    total = weights.sum(axis=1, keepdims=True)
    middle = (total + 1) / 2
    left, right = _ranks(x, weights) - middle, _ranks(y, weights) - middle
    both = np.einsum("sn,sn,sn->s", weights, left, right)
    square = np.einsum("sn,sn,sn->s", weights, left, left) * np.einsum("sn,sn,sn->s", weights, right, right)
    return _quotient(both, square, square > 0)


def pearson(x: Floats1d, y: Floats1d) -> float:
    """Pearson's correlation of two float64[n]; NaN below two items or where a side is constant."""
    if len(x) < 2:
        return math.nan
    left, right = x - x.mean(), y - y.mean()
    square = float((left * left).sum() * (right * right).sum())
    return max(-1.0, min(1.0, float((left * right).sum()) / math.sqrt(square))) if square > 0 else math.nan


def weighted_pearson(x: Floats1d, y: Floats1d, weights: Ints2d) -> Floats1d:
    """float64[r]: Pearson's correlation of ``x``, ``y`` float[n], item i standing weights[s, i] times in sample s.

    NaN where a side of the sample is constant.
    """
    total = weights.sum(axis=1)
    left, right = (_centred(side, weights, total) for side in (x, y))
    both = np.einsum("sn,sn,sn->s", weights, left, right)
    square = np.einsum("sn,sn,sn->s", weights, left, left) * np.einsum("sn,sn,sn->s", weights, right, right)
    varied = (square > 0) & _varied(x, weights) & _varied(y, weights)
    return _quotient(both, square, varied)


def _quotient(both: Floats1d, square: Floats1d, where: Bools1d) -> Floats1d:
    """both/√square where there is one, otherwise NaN; rounding carries no correlation out of [−1, 1]."""
    scores: Floats1d = np.divide(both, np.sqrt(square), out=np.full(len(both), np.nan), where=where)
    return np.clip(scores, -1.0, 1.0)


def _centred(x: Floats1d, weights: Ints2d, total: Ints1d) -> Floats2d:
    means = np.einsum("sn,n->s", weights, x) / np.maximum(total, 1)
    centred: Floats2d = x - means[:, None]
    return centred


def _varied(x: Floats1d, weights: Ints2d) -> Bools1d:
    """Whether a sample holds two different values: rounding could give equal ones a spread."""
    least, most = np.where(weights, x, np.inf).min(axis=1), np.where(weights, x, -np.inf).max(axis=1)
    varied: Bools1d = least < most
    return varied


def _ranks(x: Floats1d, weights: Ints2d) -> Floats1d:
    """float64[r, n]: the rank of every item in every sample."""
    values, group = np.unique(x, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(values)))
    size = np.add.reduceat(weights[:, order], starts, axis=1)
    ranks: Floats1d = (np.cumsum(size, axis=1) - size + (size + 1) / 2)[:, group]
    return ranks
