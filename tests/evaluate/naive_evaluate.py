"""Slow twins of the scores, written from their formulas in plain loops."""

from __future__ import annotations

import math
from itertools import pairwise


def cosine(u, v):
    dot = sum(float(a) * float(b) for a, b in zip(u, v, strict=True))
    lengths = math.sqrt(sum(float(a) ** 2 for a in u)) * math.sqrt(sum(float(b) ** 2 for b in v))
    return dot / lengths if lengths else 0.0


def ranks(values):
    """1 for the smallest; equal values share the mean of the places that they take."""
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2
        for value in values
    ]


def pearson(x, y):
    mx, my = sum(x) / len(x), sum(y) / len(y)
    cov = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    vx, vy = sum((a - mx) ** 2 for a in x), sum((b - my) ** 2 for b in y)
    return cov / math.sqrt(vx * vy) if vx and vy else math.nan


def spearman(x, y):
    return pearson(ranks(x), ranks(y))


def unit(u):
    length = math.sqrt(sum(float(a) ** 2 for a in u))
    return [float(a) / length if length else 0.0 for a in u]


def _first_best(scores):
    """The key of the highest score, the lowest of equals."""
    return min(scores, key=lambda key: (-scores[key], key))


def cosadd(vectors, a, b, c):
    """argmax over d of cos(d, b) − cos(d, a) + cos(d, c), the three given words left out."""
    return _first_best(
        {
            d: cosine(vectors[d], vectors[b])
            - cosine(vectors[d], vectors[a])
            + cosine(vectors[d], vectors[c])
            for d in range(len(vectors))
            if d not in (a, b, c)
        }
    )


def cosmul(vectors, a, b, c):
    def shifted(i, j):
        return (cosine(vectors[i], vectors[j]) + 1) / 2

    return _first_best(
        {
            d: shifted(d, b) * shifted(d, c) / (shifted(d, a) + 0.001)
            for d in range(len(vectors))
            if d not in (a, b, c)
        }
    )


def pair_average(vectors, pairs, asked):
    """argmax over d of cos(d, word + mean offset of the other pairs)."""
    rows = [unit(v) for v in vectors]
    others = [pair for place, pair in enumerate(pairs) if place != asked]
    dims = range(len(rows[0]))
    offset = [sum(rows[y][i] - rows[x][i] for x, y in others) / len(others) for i in dims]
    word = pairs[asked][0]
    aim = [rows[word][i] + offset[i] for i in dims]
    return _first_best({d: cosine(rows[d], aim) for d in range(len(rows)) if d != word})


def csls_ranks(sources, targets, queries, gold, k):
    """The rank of the best gold target of each query by 2 cos(x, y) − r_T(x) − r_S(y)."""

    def nearest(u, others):
        best = sorted((cosine(u, other) for other in others), reverse=True)[:k]
        return sum(best) / len(best)

    hub = [nearest(y, sources) for y in targets]
    found = []
    for query, right in zip(queries, gold, strict=True):
        own = nearest(sources[query], targets)
        scores = [2 * cosine(sources[query], y) - own - hub[j] for j, y in enumerate(targets)]
        found.append(_best_place(scores, right))
    return found


def cosine_ranks(sources, targets, queries, gold):
    return [
        _best_place([cosine(sources[query], y) for y in targets], right)
        for query, right in zip(queries, gold, strict=True)
    ]


def _best_place(scores, right):
    order = sorted(range(len(scores)), key=lambda j: (-scores[j], j))
    assert all(scores[i] >= scores[j] for i, j in pairwise(order))
    return 1 + min(order.index(j) for j in right)
