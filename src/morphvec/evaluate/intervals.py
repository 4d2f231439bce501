"""Bootstrap percentile intervals: how far a score might move with another draw of test items.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), §13.3. Items are drawn with replacement;
the interval holds the middle 95% of the scores of the draws. The same seed gives the same interval.

Items are taken as independent, except where clusters of them are drawn whole. Analogy questions of a section share
their pairs, so their interval speaks of other questions made of these pairs and is too narrow for other pairs; the
methods on pairs have no such flaw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from morphvec.arrays import Floats1d, Ints1d, Ints2d
from morphvec.evaluate.similarity import weighted_pearson, weighted_spearman
from morphvec.rng import stream

_BLOCK = 1_000_000  # cells of one block of draws: bounds the memory
_CORRELATIONS = {"spearman": weighted_spearman, "pearson": weighted_pearson}


@dataclass(frozen=True)
class Interval:
    """``low`` and ``high`` in the unit of the score; ``draws`` of them had a score at all."""

    low: float
    high: float
    draws: int


def mean_interval(
    values: Floats1d, *, clusters: Ints1d | None = None, resamples: int = 1000, seed: int = 0
) -> Interval | None:
    """The interval of the mean of float64[n] values; None without values or draws.

    clusters: int64[n], items of one number are drawn together (the cluster bootstrap): a draw takes as many clusters
    as there are, and its score is the mean over all their items. How often each distinct value (or each distinct
    sum and size of a cluster) is drawn is multinomial, which is the law of drawing one by one and takes a fraction
    of the time where the values are hits.
    """
    if not len(values) or not resamples:
        return None
    sums: Floats1d = np.asarray(values, dtype=np.float64)
    sizes: Floats1d = np.ones(len(values))
    if clusters is not None:
        _, cluster = np.unique(clusters, return_inverse=True)
        sums = np.asarray(np.bincount(cluster, weights=values), dtype=np.float64)
        sizes = np.bincount(cluster).astype(np.float64)
    distinct, counts = np.unique(np.stack([sums, sizes], axis=1), axis=0, return_counts=True)
    rng, n = stream(seed), len(sums)
    rows = max(1, _BLOCK // len(distinct))
    means = []
    for start in range(0, resamples, rows):
        drawn = rng.multinomial(n, counts / n, size=min(rows, resamples - start))
        means.append((drawn * distinct[:, 0]).sum(axis=1) / (drawn * distinct[:, 1]).sum(axis=1))
    return _percentiles(np.concatenate(means))


def spearman_interval(x: Floats1d, y: Floats1d, *, resamples: int = 1000, seed: int = 0) -> Interval | None:
    """The interval of Spearman's correlation of float64[n] pairs, ranks worked out anew in every draw.

    A draw in which a side is constant has no correlation and is left out (see ``Interval.draws``); None where no
    draw has one.
    """
    return correlation_interval("spearman", x, y, resamples=resamples, seed=seed)


def correlation_interval(
    metric: str, x: Floats1d, y: Floats1d, *, resamples: int = 1000, seed: int = 0
) -> Interval | None:
    """The same for either correlation, ``spearman`` or ``pearson``."""
    correlation = _CORRELATIONS[metric]
    scores = [correlation(x, y, weights) for weights in _draws(len(x), resamples, seed)]
    return _percentiles(np.concatenate(scores)) if scores else None


def mean_difference_interval(
    a: Floats1d, b: Floats1d, *, clusters: Ints1d | None = None, resamples: int = 1000, seed: int = 0
) -> Interval | None:
    """The interval of mean(a) − mean(b), for the values float64[n] of two models on the same n items."""
    return mean_interval(a - b, clusters=clusters, resamples=resamples, seed=seed)


def spearman_difference_interval(
    a: Floats1d, b: Floats1d, gold: Floats1d, *, resamples: int = 1000, seed: int = 0
) -> Interval | None:
    """The interval of spearman(a, gold) − spearman(b, gold): both models see the same draw of items."""
    return correlation_difference_interval("spearman", a, b, gold, resamples=resamples, seed=seed)


def correlation_difference_interval(
    metric: str, a: Floats1d, b: Floats1d, gold: Floats1d, *, resamples: int = 1000, seed: int = 0
) -> Interval | None:
    """The same for either correlation, ``spearman`` or ``pearson``."""
    correlation = _CORRELATIONS[metric]
    scores = [
        correlation(a, gold, weights) - correlation(b, gold, weights)
        for weights in _draws(len(gold), resamples, seed)
    ]
    return _percentiles(np.concatenate(scores)) if scores else None


def _draws(n: int, resamples: int, seed: int) -> Iterator[Ints2d]:
    """How often each item stands in each draw: int64[resamples, n], in blocks."""
    if not n:
        return
    rng = stream(seed)
    rows = max(1, _BLOCK // n)
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = rng.integers(n, size=(size, n)) + np.arange(size)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)


def _percentiles(scores: Floats1d) -> Interval | None:
    scores = scores[np.isfinite(scores)]
    if not len(scores):
        return None
    low, high = np.percentile(scores, [2.5, 97.5])
    return Interval(float(low), float(high), len(scores))
