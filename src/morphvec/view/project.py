"""From vectors to the plane: nearest neighbours, t-SNE, PCA, and what of the neighbourhoods is left. Arrays only.

Everything runs on one thread, in one order: the same points and seed give the same bits on any machine of a kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from morphvec.arrays import Floats1d, Floats2d, Ints2d
from morphvec.engine.blas import one_blas_thread
from morphvec.errors import MissingExtraError, OptionError
from morphvec.rng import stream

_CELLS = 4_000_000  # scores held at a time: 32 MB
_EVERY = 50  # iterations of t-SNE between two words of progress
ITERATIONS = 750  # of t-SNE, its early exaggeration included
_START = 1e-4  # spread of the positions that t-SNE begins with
LEAST = {"tsne": 5, "pca": 3}  # points that a projection needs
_INTERPOLATE = 10_000  # points from which forces are interpolated on a grid instead of summed in a tree


@dataclass(frozen=True)
class Preservation:
    """How much of the neighbourhoods a map keeps.

    share: of the ``k`` nearest neighbours of a point in the vectors, those that are among its k nearest on the map, mean
    over the ``n`` points. chance: what points strewn at random would keep.
    """

    k: int
    share: float
    n: int
    chance: float


@dataclass(frozen=True, eq=False)
class Parallel:
    """How parallel the differences b − a of pairs are, as cosines in the space of the vectors.

    mean: to the mean difference. left_out: to the mean of the other pairs. shuffled: to the mean of the others where each
    a has the b of another pair, which is what the two kinds of words bring without the pairing. of_pair: float64 [pairs],
    what ``left_out`` is the mean of. The last three are None where there is one pair.
    """

    pairs: int
    mean: float
    left_out: float | None
    shuffled: float | None
    of_pair: Floats1d | None


def nearest(points: Floats2d, k: int) -> tuple[Ints2d, Floats2d]:
    """The k nearest other points of each of n unit rows [n, r] by cosine: int64 [n, k], float64 [n, k], the nearest first."""
    return _best(len(points), k, lambda block: points[block] @ points.T)


def nearest_flat(places: Floats2d, k: int) -> Ints2d:
    """The k nearest other places of each of n places [n, 2] by distance: int64 [n, k], the nearest first."""

    def scores(block: slice) -> Floats2d:
        away: Floats2d = places[block][:, None, :] - places[None, :, :]
        return np.asarray(-np.einsum("ijk,ijk->ij", away, away))

    return _best(len(places), k, scores)[0]


def _best(n: int, k: int, scores: Callable[[slice], Floats2d]) -> tuple[Ints2d, Floats2d]:
    """The k highest scores of each row but its own, ties to the lower column."""
    found, heights = np.empty((n, k), np.int64), np.empty((n, k))
    size = max(1, _CELLS // n)
    with one_blas_thread():
        for low in range(0, n, size):
            block = slice(low, min(low + size, n))
            part = np.array(scores(block), np.float64)
            rows = np.arange(len(part))
            part[rows, rows + low] = -np.inf
            found[block] = np.argsort(-part, axis=1, kind="stable")[:, :k]
            heights[block] = np.take_along_axis(part, found[block], axis=1)
    return found, heights


def preservation(near: Ints2d, places: Floats2d) -> tuple[Preservation, Floats1d]:
    """What a map keeps of neighbourhoods, and the share of each point, float64 [n].

    near: int64 [n, k], the nearest neighbours in the vectors. places: float64 [n, 2].
    """
    n, k = near.shape
    flat = nearest_flat(places, k)
    kept = np.array([len(np.intersect1d(a, b)) for a, b in zip(near, flat, strict=True)]) / k
    return Preservation(k, float(kept.mean()), n, k / (n - 1)), kept


def check_projection(projection: str, n: int) -> None:
    """Raise OptionError for an unknown projection, or for fewer points than it needs."""
    if projection not in LEAST:
        raise OptionError(f"projection={projection!r}", "it is tsne or pca", "give another --projection")
    if n < LEAST[projection]:
        raise OptionError(
            f"{n} words for {projection}", f"it takes at least {LEAST[projection]} words", "give more words"
        )


def pca(points: Floats2d) -> tuple[Floats2d, Floats1d]:
    """The first two principal axes of [n, r]: places float64 [n, 2], and their shares of the variance, float64 [2].

    Of the two directions of an axis, the one in which the point farthest out lies.
    """
    centred = np.asarray(points, np.float64) - points.mean(axis=0)
    total = float(np.einsum("ij,ij->", centred, centred))
    with one_blas_thread():
        left, values, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(points), 2))
    places[:, : len(values)] = (left * values)[:, :2]
    farthest = np.argmax(np.abs(places), axis=0)
    places *= np.where(places[farthest, [0, 1]] < 0, -1.0, 1.0)
    shares = np.zeros(2)
    shares[: len(values)] = values[:2] ** 2 / (total if total > 0 else 1.0)
    return places, shares


def tsne(
    points: Floats2d,
    *,
    perplexity: float = 30.0,
    seed: int = 0,
    advance: Callable[[float], None] | None = None,
) -> Floats2d:
    """t-SNE of unit rows [n, r] from their exact neighbours, beginning at their PCA: places float64 [n, 2].

    The seed moves the beginning by a hundredth of its spread. ``advance`` is told of iterations done, ITERATIONS in all.
    Raises MissingExtraError without openTSNE, OptionError for a perplexity that is not above 1.
    """
    if not perplexity > 1 or not np.isfinite(perplexity):
        raise OptionError(f"perplexity={perplexity}", "it is above 1", "give another --perplexity")
    library, affinity, neighbors = _open_tsne()
    n = len(points)
    perplexity = min(perplexity, (n - 1) / 3)
    near, cosines = nearest(points, min(n - 1, int(3 * perplexity)))
    distances = np.sqrt(np.maximum(2.0 - 2.0 * cosines, 0.0))
    start = pca(points)[0]
    start += start.std() / 100 * stream(seed).normal(size=start.shape)
    spread = start[:, 0].std()
    start *= _START / (spread if spread > 0 else 1.0)

    def told(iteration: int, _error: float, _places: Any) -> None:
        if advance is not None:
            advance(_EVERY)

    with one_blas_thread():
        weights = affinity.PerplexityBasedNN(
            knn_index=neighbors.PrecomputedNeighbors(near, distances), perplexity=perplexity, n_jobs=1
        )
        found = library.TSNE(
            n_jobs=1,
            random_state=seed % 2**32,
            negative_gradient_method="fft" if n >= _INTERPOLATE else "bh",
            callbacks=told,
            callbacks_every_iters=_EVERY,
        ).fit(affinities=weights, initialization=start)
    return np.array(found, np.float64)


def _open_tsne() -> tuple[Any, Any, Any]:
    try:
        import openTSNE
        from openTSNE import affinity, nearest_neighbors
    except ModuleNotFoundError:
        raise MissingExtraError(
            "openTSNE is not installed",
            "t-SNE maps are made with it, in the extra view",
            "run: pip install 'morphvec[view]', or choose --projection pca",
        ) from None
    return openTSNE, affinity, nearest_neighbors


def parallel(points: Floats2d, pairs: Ints2d, seed: int = 0) -> Parallel:
    """How parallel the differences of pairs int64 [pairs, 2] of rows of points [n, r] are."""
    first, second = points[pairs[:, 0]], points[pairs[:, 1]]
    differences = second - first
    mean = float(_cosines(differences, differences.mean(axis=0)).mean())
    if len(pairs) < 2:
        return Parallel(len(pairs), mean, None, None, None)
    turned = second[_derangement(len(pairs), seed)] - first
    of_pair = _to_others(differences)
    return Parallel(len(pairs), mean, float(of_pair.mean()), float(_to_others(turned).mean()), of_pair)


def _derangement(n: int, seed: int) -> Any:
    """A cyclic order of n places drawn at random: no place keeps its own."""
    order = stream(seed).permutation(n)
    found = np.empty(n, np.int64)
    found[order] = np.roll(order, 1)
    return found


def _to_others(differences: Floats2d) -> Floats1d:
    """The cosine of each row to the mean of all the others."""
    return _cosines(differences, differences.sum(axis=0) - differences)


def _cosines(rows: Floats2d, others: Floats1d | Floats2d) -> Floats1d:
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(others, axis=-1)
    dots = (rows * others).sum(axis=1)
    found: Floats1d = np.divide(dots, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    return found
