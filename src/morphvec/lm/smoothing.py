"""The smoothings of n-gram counts: each turns a trie of counts into tables in back-off form.

All but add-k are one recursion, down to 1 / V (V: words, <unk> and </s>):

    p(w|h) = l(h) (a(hw) - D(a)) / a(h) + γ(h) p(w|h'),   γ(h) = 1 - l(h) + l(h) Σ_w D(a(hw)) / a(h)

    ml                    a = counts, D = 0, l = 1; a history never met gives way to the next shorter one
    interpolated          a = counts, D = 0, l by order and size of the history, by EM on held-out text
                          (Jelinek & Mercer 1980)
    absolute              a = counts, one D (Ney, Essen & Kneser 1994, interpolated)
    kneser-ney            a = distinct left neighbours below the highest order, one D (Kneser & Ney 1995, interpolated)
    modified-kneser-ney   the same with D₁, D₂, D₃₊ (Chen & Goodman 1999, eq. 26)
    add-k                 (c(hw) + k) / (c(h) + kV), with the whole history always

NLTK's KneserNeyInterpolated is ``kneser-ney`` with a given discount and uniform=False (it leaves single words
undiscounted). It deviates for histories that begin with <s> and are shorter than the highest order's: there it has
continuation counts, which are 0 or, with more than one <s> a sentence, those of <s> itself, and no sum of 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from morphvec.arrays import Floats1d
from morphvec.engine.base import Engine, even_blocks
from morphvec.errors import OptionError
from morphvec.kernels.sequences import add_level, child_sums, follow_suffixes, interpolate_level, trace_stream
from morphvec.lm.backoff import NgramTables
from morphvec.lm.base import Stream
from morphvec.lm.counts import NgramCounts, check_order

SMOOTHINGS = ("ml", "add-k", "interpolated", "absolute", "kneser-ney", "modified-kneser-ney")
KNESER_NEY = ("kneser-ney", "modified-kneser-ney")
FALLBACK = (0.5, 1.0, 1.5)  # D₁, D₂, D₃₊ where the counts of counts give none
_CLASSES = 64  # bits of a count
_BLOCK = 1 << 17  # histories of a task
_ROUNDS, _SETTLED = 100, 1e-6  # of EM; the largest change of a weight


@dataclass(frozen=True)
class SmoothingOptions:
    """Which smoothing, and its numbers.

    smoothing: one of SMOOTHINGS. add_k: k > 0. discount: D of every order, one number in [0, 1] for absolute and
    kneser-ney; None: D = n₁ / (n₁ + 2 n₂) of each order, from the counts of counts. uniform: whether the words alone
    (order 1) are discounted in favour of 1 / V; without it a word that was never met is impossible.
    """

    smoothing: str = "modified-kneser-ney"
    add_k: float = 1.0
    discount: float | None = None
    uniform: bool = True

    def __post_init__(self) -> None:
        if self.smoothing not in SMOOTHINGS:
            raise OptionError(
                f"smoothing={self.smoothing}",
                "no such smoothing of n-gram models",
                f"choose one of {', '.join(SMOOTHINGS)}",
            )
        if not 0 < self.add_k < np.inf:
            raise OptionError(f"add_k={self.add_k}", "k is above 0", "choose another, or --smoothing ml")
        if self.discount is not None and not 0 <= self.discount <= 1:
            raise OptionError(f"discount={self.discount}", "a discount is from 0 to 1", "choose another")
        if self.discount is not None and self.smoothing not in ("absolute", "kneser-ney"):
            raise OptionError(
                f"discount={self.discount} with smoothing {self.smoothing}",
                "one discount belongs to absolute and kneser-ney",
                "leave it out, or choose one of the two",
            )


@dataclass(frozen=True, eq=False)
class Estimate:
    """The numbers of a smoothing, found from counts.

    discounts: float64[N, 4], D of the values 0, 1, 2 and 3 or more at each level. trust: float64[N, 64], l by the bits
    of the history's count. notes: what had to fall back.
    """

    discounts: NDArray[np.float64]
    trust: NDArray[np.float64]
    notes: tuple[str, ...] = ()

    def fields(self) -> dict[str, Any]:
        """For the manifest."""
        return {"discounts": self.discounts[:, 1:].tolist(), "trust": self.trust.tolist()}


def _values(counts: NgramCounts, options: SmoothingOptions, level: int, order: int) -> NDArray[np.int32]:
    if options.smoothing in KNESER_NEY:
        return counts.adjusted(level, order)
    return counts.counts[counts.levels[level - 1] : counts.levels[level]]


def counts_of_counts(values: NDArray[np.int32]) -> NDArray[np.int64]:
    """n₁ … n₄: how many n-grams have the value 1, 2, 3, 4."""
    return np.bincount(np.minimum(values, 5), minlength=6)[1:5].astype(np.int64)


def one_discount(n: NDArray[np.int64]) -> float | None:
    """D = n₁ / (n₁ + 2 n₂); None where n₁ or n₂ is 0. Source: Ney, Essen & Kneser 1994."""
    return float(n[0] / (n[0] + 2 * n[1])) if n[0] and n[1] else None


def three_discounts(n: NDArray[np.int64]) -> tuple[float, float, float] | None:
    """D₁, D₂, D₃₊ = j - (j + 1) Y n_{j+1} / n_j, Y = n₁ / (n₁ + 2 n₂); None where they are not in (0, j].

    Source: Chen & Goodman 1999, eq. 26. It divides by n₁ … n₃ alone: without an n-gram met four times D₃₊ is 3, as in
    KenLM's lmplz. A discount of 0, which lmplz lets pass, could leave a history nothing for the words never met.
    """
    if not n[:3].all():
        return None
    y = n[0] / (n[0] + 2 * n[1])
    found = [float(j - (j + 1) * y * n[j] / n[j - 1]) for j in (1, 2, 3)]
    if any(not 0 < d <= j for j, d in enumerate(found, 1)):
        return None
    return found[0], found[1], found[2]


def estimate(
    counts: NgramCounts, options: SmoothingOptions, order: int, held_out: Stream | None = None
) -> Estimate:
    """Discounts from the counts of counts of each level, or the weights of linear interpolation from held-out text.

    order: at most the order of the counts. Raises OptionError where interpolation has no held-out text.
    """
    check_order(order)
    discounts, trust = np.zeros((order, 4)), np.ones((order, _CLASSES))
    if options.smoothing == "interpolated":
        if held_out is None or not held_out.tokens:
            raise OptionError(
                "smoothing=interpolated without held-out text",
                "its weights are found on text that was not counted",
                "pass --held-out, or give more lines of text",
            )
        return Estimate(discounts, fit_trust(counts, order, held_out))
    notes: list[str] = []
    if options.smoothing not in ("absolute", *KNESER_NEY):
        return Estimate(discounts, trust)
    for level in range(1 if options.uniform else 2, order + 1):
        values = _values(counts, options, level, order)
        if level == 1:
            values = values[: counts.vocabulary.predicted]  # <s> is never predicted
        n = counts_of_counts(values)
        if options.smoothing == "modified-kneser-ney":
            chosen = three_discounts(n)
        else:
            single = one_discount(n) if options.discount is None else options.discount
            chosen = None if single is None else (single, single, single)
        if chosen is None:
            chosen = FALLBACK if options.smoothing == "modified-kneser-ney" else (FALLBACK[0],) * 3
            notes.append(
                f"order {level}: too little text for discounts (n1..n4 = {', '.join(map(str, n))}); "
                f"{', '.join(f'{d:g}' for d in chosen)} taken"
            )
        discounts[level - 1, 1:] = chosen
    return Estimate(discounts, trust, tuple(notes))


def build_tables(
    counts: NgramCounts, options: SmoothingOptions, numbers: Estimate, order: int, engine: Engine
) -> NgramTables:
    """The tables of the model of an order (at most that of the counts)."""
    levels = counts.levels[: order + 1]
    inner = int(levels[-2])
    words, begin = counts.words[: levels[-1]], counts.begin[: inner + 1]
    p, backoff = np.zeros(int(levels[-1])), np.ones(inner)
    chain = options.smoothing != "add-k"
    size = counts.vocabulary.predicted
    first = _values(counts, options, 1, order)[:size]
    p[:size] = _first_level(first, options, numbers)
    above = np.zeros(0, np.int32)

    def add(block: tuple[int, int]) -> None:
        add_level(*block, begin, counts.counts, options.add_k, size, p, backoff)

    for level in range(2, order + 1):
        low, high = int(levels[level - 2]), int(levels[level - 1])
        blocks = [(low + a, low + b) for a, b in even_blocks(high - low, _BLOCK)]
        values = _values(counts, options, level, order)
        if not chain:
            engine.map(add, blocks)
            continue
        suffixes = np.empty(len(values), np.int32)
        discount, trust = numbers.discounts[level - 1], numbers.trust[level - 1]

        def part(
            block: tuple[int, int],
            above: NDArray[np.int32] = above,
            first: tuple[int, int] = (low, high),
            values: NDArray[np.int32] = values,
            suffixes: NDArray[np.int32] = suffixes,
            numbers: tuple[Floats1d, Floats1d] = (discount, trust),
        ) -> None:
            follow_suffixes(*block, words, begin, above, first[0], suffixes, first[1])
            interpolate_level(*block, begin, values, first[1], *numbers, suffixes, p, p, backoff)

        engine.map(part, blocks)
        above = suffixes
    with np.errstate(divide="ignore"):  # log 0 = -inf is what an impossible word has
        return NgramTables(
            words, begin, np.log10(p, out=p), np.log10(backoff, out=backoff), levels.copy(), chain
        )


def _first_level(values: NDArray[np.int32], options: SmoothingOptions, numbers: Estimate) -> Floats1d:
    """float64[V]: the probabilities without a history."""
    total, size = float(values.sum(dtype=np.int64)), len(values)
    if options.smoothing == "add-k":
        return np.asarray((values + options.add_k) / (total + options.add_k * size))
    discount = numbers.discounts[0][np.minimum(values, 3)]
    trust = float(numbers.trust[0, int(total).bit_length()])
    weight = (1.0 - trust) + trust * float(discount.sum()) / total
    return np.asarray(trust * (values - discount) / total + weight / size)


# ---------------------------------------------------------------------------------- weights of interpolation


def fit_trust(counts: NgramCounts, order: int, held_out: Stream) -> NDArray[np.float64]:
    """float64[order, 64]: l of each order and each class of history counts (its number of bits), by EM.

    The words of the held-out text stop at one of the orders: at order n with l_n(h), given that no higher one took
    them and that h was met. Each class begins with one made-up word that stops and one that goes on, so that l stays
    inside (0, 1) and an empty class has ½.
    """
    sums = np.zeros(len(counts.begin) - 1, np.int64)
    child_sums(counts.begin, counts.counts, sums)
    vocabulary = held_out.vocabulary
    shares = np.zeros((held_out.tokens, order))
    classes = np.zeros((held_out.tokens, order), np.int8)
    trace_stream(
        held_out.ids,
        vocabulary.start,
        counts.words,
        counts.begin,
        counts.counts,
        sums,
        order,
        shares,
        classes,
    )
    ids = np.delete(held_out.ids, held_out.begins)
    first = counts.counts[: vocabulary.predicted]
    total = int(first.sum(dtype=np.int64))
    shares[:, 0] = first[ids] / total
    classes[:, 0] = total.bit_length()
    trust = np.full((order, _CLASSES), 0.5)
    for _ in range(_ROUNDS):
        before, trust = trust, _em_round(trust, shares, classes, 1.0 / vocabulary.predicted)
        if float(np.abs(trust - before).max()) < _SETTLED:
            break
    return trust


def _em_round(
    trust: NDArray[np.float64], shares: NDArray[np.float64], classes: NDArray[np.int8], uniform: float
) -> NDArray[np.float64]:
    """One round: the new weights. Class 0, a history never met, has none and stays at ½."""
    tokens, order = shares.shape
    stops = np.empty((order, tokens))
    passed = np.ones(tokens)
    for level in range(order - 1, -1, -1):
        here = np.where(classes[:, level] > 0, trust[level][classes[:, level]], 0.0)
        stops[level] = passed * here * shares[:, level]
        passed *= 1.0 - here
    p = passed * uniform + stops.sum(axis=0)
    reached = passed * uniform / p  # the share of each word that went on below this order
    new = np.empty_like(trust)
    for level in range(order):
        stopped = stops[level] / p
        reached += stopped
        took = np.bincount(classes[:, level], weights=stopped, minlength=_CLASSES)
        came = np.bincount(classes[:, level], weights=reached, minlength=_CLASSES)
        new[level] = (took + 1.0) / (came + 2.0)
    new[:, 0] = 0.5
    return new
