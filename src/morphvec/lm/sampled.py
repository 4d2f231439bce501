"""Words drawn for a training step, which stand for the whole vocabulary in the sum under the softmax.

Each word is drawn with a chance of its own and then counts 1/chance times (Horvitz & Thompson 1952), so the sum over the
drawn words is Σ e^y in the mean. The word to predict is never left to chance. Source: Bengio & Senécal, Adaptive
Importance Sampling to Accelerate Training of a Neural Probabilistic Language Model (2008); Jean, Cho, Memisevic & Bengio,
On Using Very Large Target Vocabulary (2015), with one sample for all predictions of a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d, Ints1d

POWER = 0.75  # of the counts: as often, but for rare words to be met too (Mikolov et al. 2013)


@dataclass(frozen=True, eq=False)
class Sample:
    """ids: int64, ascending: the drawn words and the targets of the step. log_weight: [len(ids)], −ln of a word's chance;
    −inf for a target that was not drawn, which is of use to its own rows alone."""

    ids: Ints1d
    log_weight: Floats1d


def chances(counts: NDArray[np.int64], size: int) -> Floats1d:
    """float64 [V] in (0, 1]: min(1, c·(count + 1)^¾), and c such that ``size`` words are drawn in the mean."""
    weight = (np.asarray(counts, np.float64) + 1) ** POWER
    if size >= len(weight):
        return np.ones(len(weight))
    falling = np.sort(weight)[::-1]
    rest = np.cumsum(falling[::-1])[::-1]  # of a word and all lighter ones
    factors = (size - np.arange(size)) / rest[:size]  # c, where so many words are certain
    certain = int(np.argmax(factors * falling[:size] < 1))  # true at size − 1 at the latest
    return np.asarray(np.minimum(1.0, factors[certain] * weight))


def draw(chance: Floats1d, targets: Ints1d, rng: np.random.Generator) -> Sample:
    """One step's words: each with its chance, independently, and the targets."""
    drawn = rng.random(len(chance)) < chance
    wanted = drawn.copy()
    wanted[targets] = True
    ids = np.flatnonzero(wanted)
    with np.errstate(divide="ignore"):
        log_weight = np.where(drawn[ids], -np.log(chance[ids]), -np.inf)
    return Sample(ids, log_weight)
