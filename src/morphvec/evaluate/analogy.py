"""Analogies: a is to b as c is to which word?

Candidates are the most frequent rows of the vocabulary. Rows are length-normalised in float32; a, b and c (for the
methods on pairs: the word itself) are left out of the answers; of candidates with equal scores the lower row
wins, which is the more frequent word and then the lower code point. A question with a word outside the
candidates is not asked, but counted in ``total``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, hstack

from morphvec.arrays import Floats1d, Floats2d, Ints1d, Ints2d
from morphvec.embeddings.rows import Mix, Rows, csr_of, one_by_one
from morphvec.errors import OptionError
from morphvec.evaluate.base import Outcome, WordVectors, key_of, language_hint, rarest, unit_rows
from morphvec.evaluate.datasets import AnalogySet, RelationSet
from morphvec.rng import stream

_CELLS = 16_000_000  # scores held at a time: 64 MB
_NOTHING = -2  # no candidate is left; no list of right answers holds it
_EPSILON = 1e-3  # Levy and Goldberg's, against division by zero


@dataclass(frozen=True)
class Method:
    """``answer(rows, given, rng)`` → the row answered to each question; ``by_pair``: given is (word, answer)."""

    answer: Callable[[Rows, Ints2d, np.random.Generator], Ints1d]
    by_pair: bool


@dataclass(frozen=True)
class _Section:
    """The questions of one section that can be asked.

    given: int64[n, 3] candidates a, b, c, or int64[n, 2] word and answer for the methods on pairs.
    right: int64[n, m] candidates that are right, filled up with -1.
    """

    name: str
    total: int
    items: Ints1d
    given: Ints2d
    right: Ints2d


def score(
    model: WordVectors,
    dataset: AnalogySet | RelationSet,
    *,
    method: str = "3cosadd",
    restrict: int = 30000,
    language: str = "",
    seed: int = 0,
) -> list[Outcome]:
    """Hits of one model on a file of questions or of relations: one outcome for each section, then totals.

    Totals of questions are ``semantic`` (sections whose name does not start with ``gram``), ``syntactic`` and
    ``all``; of relations ``all``. The questions of a relation are its ordered pairs of rows: the first listed
    answer of one row that is a candidate stands for b, any listed answer of the other row is right. ``pair-average``
    and ``lrcos`` ask for the distinct pairs of a section, one left out at a time.
    restrict: how many of the most frequent rows (of ``language``, where it is given) are candidates.
    Raises OptionError: an unknown method, or ``restrict`` below 1.
    """
    check(method, restrict)
    chosen = METHODS[method]
    candidates = _candidates(model, restrict, language)
    place = {model.words[row]: slot for slot, row in enumerate(candidates)}
    folded: dict[str, int] = {}

    def slot_of(word: str) -> int:
        if word not in folded:
            folded[word] = place.get(key_of(model, word, language), -1)
        return folded[word]

    if isinstance(dataset, RelationSet):
        sections = list(_from_relations(dataset, slot_of, by_pair=chosen.by_pair))
    else:
        sections = list(_from_questions(dataset, slot_of, by_pair=chosen.by_pair))
    rows = unit_rows(model.vectors, candidates)
    task = "pairs" if isinstance(dataset, RelationSet) else "analogy"
    shared = {"method": method, "restrict": restrict, "candidates": len(candidates)}
    outcomes = []
    for number, section in enumerate(sections):
        answered = section.items  # none, where nothing can be asked
        if len(section.items):
            answered = chosen.answer(rows, section.given, stream(seed, block=number))
        hits = (answered[:, None] == section.right).any(axis=1).astype(np.float64)
        asked = section.given[:, :1] if chosen.by_pair else section.given
        barred = ((section.right[:, :, None] == asked[:, None, :]).any(axis=2) | (section.right < 0)).all(
            axis=1
        )
        detail = {"section": section.name, **shared, "answer_left_out": int(barred.sum())}
        given, right = candidates[asked], np.where(section.right < 0, -1, candidates[section.right])
        outcomes.append(
            Outcome(
                task,
                dataset.name,
                section.name,
                "skip",
                section.total,
                section.items,
                hits,
                None,
                detail,
                words=np.concatenate([given, right], axis=1),
                keys=model.words,
                counts=rarest(model.counts, given, right),
            )
        )
    totals: dict[str, list[Outcome]] = {"all": outcomes}
    if task == "analogy":
        grammar = [outcome.metric.startswith("gram") for outcome in outcomes]
        totals = {
            "semantic": [part for part, is_grammar in zip(outcomes, grammar, strict=True) if not is_grammar],
            "syntactic": [part for part, is_grammar in zip(outcomes, grammar, strict=True) if is_grammar],
            **totals,
        }
    sums = [_total(task, dataset.name, name, parts, shared) for name, parts in totals.items()]
    hint = language_hint(model, language)
    alone = [replace(outcome, counts=None) for outcome in outcomes]  # bands of a section would be small
    return [_explained(outcome, chosen.by_pair, hint) for outcome in [*alone, *sums]]


def check(method: str, restrict: int) -> None:
    """Raise OptionError for an unknown method or for ``restrict`` below 1."""
    if method not in METHODS:
        raise OptionError(f"analogy_method={method!r}", f"one of {', '.join(METHODS)}", "choose one of these")
    if restrict < 1:
        raise OptionError(f"restrict={restrict}", "at least one candidate is needed", "give 1 or more")


def _candidates(model: WordVectors, restrict: int, language: str) -> Ints1d:
    if language and len(model.languages) > 1:
        prefix = f"{language}:"
        rows = [row for row, word in enumerate(model.words) if word.startswith(prefix)]
        return np.array(rows[:restrict], dtype=np.int64)
    return np.arange(min(restrict, len(model.words)), dtype=np.int64)


def _total(task: str, dataset: str, name: str, parts: list[Outcome], shared: dict[str, Any]) -> Outcome:
    left_out = sum(part.detail["answer_left_out"] for part in parts)
    words = [part.words for part in parts if part.words is not None]
    counts = [part.counts for part in parts if part.counts is not None]
    width = max((each.shape[1] for each in words), default=0)
    filled = [np.pad(each, ((0, 0), (0, width - each.shape[1])), constant_values=-1) for each in words]
    return Outcome(
        task,
        dataset,
        name,
        "skip",
        sum(part.total for part in parts),
        np.concatenate([np.zeros(0, np.int64), *(part.items for part in parts)]),
        np.concatenate([np.zeros(0), *(part.values for part in parts)]),
        None,
        {"section": name, "sections": len(parts), **shared, "answer_left_out": left_out},
        words=np.concatenate([np.zeros((0, width), np.int64), *filled]),
        keys=parts[0].keys if parts else (),
        counts=np.concatenate(counts) if counts else None,
    )


def _explained(outcome: Outcome, by_pair: bool, hint: str) -> Outcome:
    if len(outcome.items):
        return outcome
    if not outcome.total:
        reason = "the file has no section of this kind"
    else:
        thing = "two pairs have" if by_pair else "question has"
        reason = f"no {thing} all words among the {outcome.detail['candidates']} candidates{hint}"
    return replace(outcome, reason=reason)


# --------------------------------------------------------------------------------------------- questions


def _from_questions(data: AnalogySet, slot_of: Callable[[str], int], *, by_pair: bool) -> Iterator[_Section]:
    groups: dict[str, list[tuple[int, tuple[str, str, str, str]]]] = {}
    for item, q in enumerate(data.questions):
        groups.setdefault(q.section, []).append((item, (q.a, q.b, q.c, q.d)))
    for name, questions in groups.items():
        if by_pair:
            # Two spellings of one pair that fold to the same rows are one pair: it must not teach its own answer.
            pairs: dict[tuple[str, str], int] = {}
            for item, (a, b, c, d) in questions:
                pairs.setdefault((a, b), 2 * item)
                pairs.setdefault((c, d), 2 * item + 1)
            rows: dict[tuple[int, int], int] = {}
            twins = 0
            for (word, answer), item in pairs.items():
                key = (slot_of(word), slot_of(answer))
                twins += key in rows
                if min(key) >= 0:
                    rows.setdefault(key, item)
            known = [(item, key, (key[1],)) for key, item in rows.items()]
            yield _pair_section(name, len(pairs) - twins, known)
        else:
            asked = [(item, [slot_of(word) for word in words]) for item, words in questions]
            usable = [(item, slots[:3], slots[3:]) for item, slots in asked if min(slots) >= 0]
            yield _section(name, len(asked), usable, 3)


def _from_relations(data: RelationSet, slot_of: Callable[[str], int], *, by_pair: bool) -> Iterator[_Section]:
    groups: dict[str, list[tuple[int, int, list[int]]]] = {}
    for item, row in enumerate(data.rows):
        answers = [slot for slot in map(slot_of, row.answers) if slot >= 0]
        groups.setdefault(row.relation, []).append((item, slot_of(row.word), answers))
    for name, members in groups.items():
        known = [(item, word, answers) for item, word, answers in members if word >= 0 and answers]
        if by_pair:
            yield _pair_section(name, len(members), [(i, (w, found[0]), found) for i, w, found in known])
        else:
            usable = [
                (first * len(data.rows) + second, [a, example[0], c], right)
                for first, a, example in known
                for second, c, right in known
                if first != second
            ]
            yield _section(name, len(members) * (len(members) - 1), usable, 3)


def _pair_section(name: str, total: int, known: list[Any]) -> _Section:
    return _section(name, total, known if len(known) > 1 else [], 2)  # one pair has none to learn from


def _section(name: str, total: int, usable: list[Any], width: int) -> _Section:
    right = np.full((len(usable), max((len(found) for _, _, found in usable), default=1)), -1, dtype=np.int64)
    for row, (_, _, found) in enumerate(usable):
        right[row, : len(found)] = found
    items = np.array([item for item, _, _ in usable], dtype=np.int64)
    given = np.array([slots for _, slots, _ in usable], dtype=np.int64).reshape(-1, width)
    return _Section(name, total, items, given, right)


# ----------------------------------------------------------------------------------------------- methods


def _blocks(rows: Rows, given: Ints2d, cells: int = _CELLS) -> Iterator[tuple[slice, Floats2d]]:
    """Pieces of the questions with an array float32[block, candidates] for their scores, used again and again."""
    size = min(len(given), max(1, cells // len(rows)))
    scores = np.empty((size, len(rows)), dtype=np.float32)
    for start in range(0, len(given), size):
        stop = min(start + size, len(given))
        yield slice(start, stop), scores[: stop - start]


def _best(scores: Floats2d, left_out: Ints2d) -> Ints1d:
    """The best column of each row, the lowest of equals; the columns ``left_out`` int64[n, m] cannot win."""
    each = np.arange(len(scores))
    scores[each[:, None], left_out] = -np.inf
    best = scores.argmax(axis=1)
    return np.where(scores[each, best] == -np.inf, _NOTHING, best)


def cosadd(rows: Rows, given: Ints2d, rng: np.random.Generator) -> Ints1d:
    """3CosAdd: argmax cos(d, b − a + c). Source: Mikolov, Yih and Zweig (2013), §4."""
    answers = np.empty(len(given), dtype=np.int64)
    for block, scores in _blocks(rows, given):
        n = len(scores)
        signs = np.tile(np.array([1, -1, 1], np.float32), n)
        weights = csr_of(
            np.arange(0, 3 * n + 1, 3), given[block][:, [1, 0, 2]].ravel(), signs, (n, len(rows))
        )
        rows.scores(Mix(weights, rows), scores)
        answers[block] = _best(scores, given[block])
    return answers


def cosmul(rows: Rows, given: Ints2d, rng: np.random.Generator) -> Ints1d:
    """3CosMul: argmax s(d, b)·s(d, c) / (s(d, a) + 0.001), s = (cos + 1)/2.

    Source: Levy and Goldberg, Linguistic Regularities in Sparse and Explicit Word Representations (2014), eq. (4).
    """
    answers = np.empty(len(given), dtype=np.int64)
    for block, scores in _blocks(rows, given, _CELLS // 4):  # a block may name 3 words a question
        words, slot = np.unique(given[block], return_inverse=True)
        slot = slot.reshape(-1, 3)
        near = np.empty((len(words), len(rows)), dtype=np.float32)
        rows.scores(one_by_one(rows, words), near)
        near += 1
        near /= 2
        np.take(near, slot[:, 1], axis=0, out=scores, mode="clip")
        np.multiply(scores, near[slot[:, 2]], out=scores)
        near += np.float32(_EPSILON)
        np.divide(scores, near[slot[:, 0]], out=scores)
        answers[block] = _best(scores, given[block])
    return answers


def pair_average(rows: Rows, given: Ints2d, rng: np.random.Generator) -> Ints1d:
    """3CosAvg: argmax cos(d, c + mean offset of the other pairs). Source: Drozd, Gladkova and Matsuoka (2016).

    given: at least two pairs.
    """
    answers = np.empty(len(given), dtype=np.int64)
    words, slot = np.unique(given, return_inverse=True)
    slot = slot.reshape(-1, 2)
    n, each = len(given), np.arange(len(given))
    signs = np.repeat([1.0, -1.0], n)
    offsets = csr_array((signs, (np.tile(each, 2), slot[:, ::-1].T.ravel())), shape=(n, len(words)))
    own = csr_array((np.ones(n), (each, slot[:, 0])), shape=offsets.shape)
    sources = rows.take(words).with_sums(csr_array(offsets.sum(axis=0)[None]))
    weights = csr_array(hstack([own - offsets / (n - 1), np.full((n, 1), 1 / (n - 1))]))
    for block, scores in _blocks(rows, given):
        rows.scores(Mix(weights[block], sources), scores)
        answers[block] = _best(scores, given[block, :1])
    return answers


def lrcos(rows: Rows, given: Ints2d, rng: np.random.Generator) -> Ints1d:
    """LRCos: argmax P(d is an answer)·cos(d, word). Source: Drozd, Gladkova and Matsuoka (2016).

    P is a logistic regression (C = 1, both classes of equal weight in all) of the answers of the other pairs
    against their words and as many other candidates, drawn by ``rng``, none of them a word of the section.
    """
    inside = np.unique(given)
    free = np.setdiff1d(np.arange(len(rows)), inside)
    noise = rng.choice(free, size=min(len(given) - 1, len(free)), replace=False)
    span = rows.span(np.concatenate([given[:, 1], given[:, 0], noise]))
    points = np.concatenate([span.points, np.ones((len(span.points), 1))], axis=1)
    labels = np.concatenate([np.ones(len(given)), np.zeros(len(given) + len(noise))])
    start = fit_logistic(points, labels, np.zeros(points.shape[1]))
    planes = np.empty((len(given), points.shape[1]))
    for pair in range(len(given)):
        kept = np.ones(len(points), dtype=bool)
        kept[[pair, len(given) + pair]] = False
        planes[pair] = fit_logistic(points[kept], labels[kept], start)
    answers = np.empty(len(given), dtype=np.int64)
    for block, scores in _blocks(rows, given):
        span.scores(planes[block, :-1], scores)
        chance = _sigmoid(scores + planes[block, -1:].astype(np.float32))
        rows.scores(one_by_one(rows, given[block, 0]), scores)
        np.multiply(scores, chance, out=scores)
        answers[block] = _best(scores, given[block, :1])
    return answers


def fit_logistic(points: Floats2d, labels: Floats1d, start: Floats1d) -> Floats1d:
    """The minimum of ½‖w‖² + Σ_i c_i ln(1 + exp(−y_i (w·x_i + b))), by Newton's method with halved steps.

    points: float64[n, k+1], the last column 1 (its weight b has no penalty); labels: float64[n], 1 or 0, both
    present (y is 2·label − 1); c_i = n / (2·size of the class of i). ``start`` and the answer: float64[k+1].
    """
    weight = np.where(labels == 1, len(labels) / (2 * labels.sum()), len(labels) / (2 * (1 - labels).sum()))
    ridge = np.ones(points.shape[1])
    ridge[-1] = 0.0

    def loss(w: Floats1d) -> float:
        margins = (2 * labels - 1) * (points @ w)
        return float(0.5 * (ridge * w * w).sum() + (weight * np.logaddexp(0, -margins)).sum())

    w, here = start, loss(start)
    for _ in range(50):
        p = _sigmoid(points @ w)
        gradient = ridge * w + points.T @ (weight * (p - labels))
        if np.abs(gradient).max() < 1e-9 * len(labels):
            break
        hessian = (points * (weight * p * (1 - p))[:, None]).T @ points + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        for halvings in range(30):
            there = w - step / 2**halvings
            value = loss(there)
            if value <= here:
                break
        else:
            break  # no step lowers the loss: this is the minimum as far as float64 can tell
        w, here = there, value
    return w


def _sigmoid(x: Floats1d) -> Floats1d:
    half: Floats1d = np.tanh(0.5 * x)
    return 0.5 * half + 0.5  # does not overflow, as 1 / (1 + exp(-x)) may


METHODS = {
    "3cosadd": Method(cosadd, by_pair=False),
    "3cosmul": Method(cosmul, by_pair=False),
    "pair-average": Method(pair_average, by_pair=True),
    "lrcos": Method(lrcos, by_pair=True),
}
