"""Skip-gram with negative sampling factorizes PMI − ln k: the proof as a program, with no chance in it.

    python examples/negative_sampling_is_pmi.py

The objective in expectation is a sum over the cells of the count matrix (note eqs. 4 to 8),

    L = Σ_wc [#(w,c) ln σ(x_wc) + m_wc ln σ(−x_wc)],     m_wc = k·#(w)·#(c)/|D|

and with enough dimensions every x_wc = w·c is free. So first each cell is climbed by itself, by Newton's method with
both derivatives from autodiff; then vectors of 1, 2, … dimensions are fitted by Adam along autodiff's gradient, to see
what "enough" means. Source: Levy & Goldberg 2014.
"""

# ruff: noqa: T201 (an example prints its figures)
from __future__ import annotations

from typing import Any

import numpy as np

import morphvec as mv
from morphvec.autodiff import grad, value_and_grad
from morphvec.autodiff import numpy as anp
from morphvec.lm.optimise import Optimiser, StepOptions
from morphvec.rng import stream
from morphvec.solvers.losses import pair_objective, pair_optimum

TEXT = (
    "the cat saw the dog",
    "the dog saw the cat and the cat ran",
    "a cat and a dog ran and saw the rain",
    "the rain ran and the dog ran",
)
WINDOW = 2
NEGATIVES = (1, 5, 15)
DIMS = (1, 2, 3, 5, 8)  # the last is as many as there are words
K = 5  # of the fits by dimension
ADDED = 0.1  # to every count: a pair that is never seen has no optimum, its x falls for ever


def counts() -> tuple[list[str], np.ndarray]:
    """Words, and #(w,c) + ADDED for every pair of them, float64 [T, T]."""
    lines = [line.split() for line in TEXT]
    words = sorted({word for line in lines for word in line})
    n = np.full((len(words), len(words)), ADDED)
    for line in lines:
        for word, context in mv.skipgram_pairs(line, WINDOW):
            n[words.index(word), words.index(context)] += 1
    return words, n


def climb(n: np.ndarray, k: float, steps: int = 12) -> tuple[np.ndarray, list[float]]:
    """The best x of each cell by Newton's method from x = 0, and how far each step was from PMI − ln k at most."""
    cells = n, n.sum(axis=1)[:, None], n.sum(axis=0), n.sum(), k

    def objective(x: Any) -> Any:
        return anp.sum(pair_objective(x, *cells))

    slope = grad(objective)
    bend = grad(
        lambda x: anp.sum(slope(x))
    )  # cells do not touch each other, so this is every cell's own ∂²L/∂x²
    x, gaps = np.zeros_like(n), []
    for _ in range(steps):
        gaps.append(float(np.abs(x - pair_optimum(*cells)).max()))
        x -= np.clip(slope(x) / bend(x), -1, 1)  # far out the parabola is flat: no step above 1
    return x, [*gaps, float(np.abs(x - pair_optimum(*cells)).max())]


def fit(n: np.ndarray, k: float, dim: int, steps: int = 1500) -> tuple[float, float]:
    """L of vectors of so many dimensions, and the largest gap between w·c and PMI − ln k."""
    cells = n, n.sum(axis=1)[:, None], n.sum(axis=0), n.sum(), k
    generator = stream(0, dim)
    W, C = (generator.normal(size=(len(n), dim)) for _ in range(2))
    options = StepOptions("adam", 0.1, "cosine")
    move = Optimiser({"W": W, "C": C}, options)
    loss = value_and_grad(lambda W, C: -anp.sum(pair_objective(W @ C.T, *cells)), (0, 1))
    value = 0.0
    for step in range(steps):
        value, (dW, dC) = loss(W, C)
        move.begin(options.rate(step, steps))
        move.move("W", dW)
        move.move("C", dC)
    return -float(value), float(np.abs(W @ C.T - pair_optimum(*cells)).max())


def main() -> dict[str, Any]:
    """Print both parts, and return their figures."""
    words, n = counts()
    pmi = np.log(n * n.sum() / np.outer(n.sum(axis=1), n.sum(axis=0)))
    paths: dict[int, list[float]] = {}
    print(f"{len(words)} words, {n.sum():.1f} pairs; each cell climbs its own objective, from x = 0")
    print(f"{'k':>4}{'ln k':>8}  largest |x − (PMI − ln k)| after each step of Newton's method")
    for k in NEGATIVES:
        x, paths[k] = climb(n, k)
        assert np.allclose(x, pmi - np.log(k), atol=1e-9)
        print(f"{k:4}{np.log(k):8.4f}  " + " ".join(f"{gap:.0e}" for gap in paths[k][1:]))
    cells = [("cat", "saw"), ("the", "dog"), ("and", "ran")]
    print("three cells: " + "PMI".rjust(23) + "".join(f"x at k = {k}".rjust(13) for k in NEGATIVES))
    for word, context in cells:
        place = words.index(word), words.index(context)
        found = [climb(n, k)[0][place] for k in NEGATIVES]
        print(f"  {word + ' · ' + context:22}{pmi[place]:12.4f}" + "".join(f"{x:13.4f}" for x in found))
    best = float(pair_objective(pmi - np.log(K), n, n.sum(axis=1)[:, None], n.sum(axis=0), n.sum(), K).sum())
    print(f"vectors of few dimensions, k = {K}: the best of all cells is L = {best:.4f}")
    fits: dict[int, tuple[float, float]] = {}
    for dim in DIMS:
        fits[dim] = fit(n, K, dim)
        short, gap = best - fits[dim][0], fits[dim][1]
        print(f"  dimensions: {dim}  {short:9.2e} nats short of it; w·c at most {gap:.2e} from PMI − ln k")
    assert fits[DIMS[-1]][1] < 0.05
    return {"words": words, "counts": n, "paths": paths, "best": best, "fits": fits}


if __name__ == "__main__":
    main()
