"""CSLS over whole matrices, written from Conneau et al. (2018), §2.3, in float64."""

from __future__ import annotations

import numpy as np


def csls(sources, targets, k=10):
    """[S, T]: 2 cos(x, y) − r_T(x) − r_S(y), r the mean cosine of the k nearest on the other side."""
    unit = [
        np.array([row / (np.linalg.norm(row) or 1.0) for row in rows.astype(float)])
        for rows in (sources, targets)
    ]
    cosines = unit[0] @ unit[1].T
    r_target = np.array([np.mean(sorted(row)[-k:]) for row in cosines])
    r_source = np.array([np.mean(sorted(column)[-k:]) for column in cosines.T])
    return 2 * cosines - r_target[:, None] - r_source[None, :]


def mutual(sources, targets, k=10):
    """Pairs (i, j) that are each other's best."""
    scores = csls(sources, targets, k)
    return [(i, int(row.argmax())) for i, row in enumerate(scores) if scores[:, row.argmax()].argmax() == i]


def precision(sources, targets, gold, k=10):
    """The share of queries (row → right rows) whose best target is right."""
    scores = csls(sources, targets, k)
    return float(np.mean([scores[query].argmax() in right for query, right in gold.items()]))
