"""Bilingual lexicon induction: is the translation of a word among its neighbours in the other language?

Both languages live in one space under keys ``LANG:word``. Queries are the distinct source words that are in the
vocabulary with at least one listed target; candidates are all words of the target language; the rank of a
query is that of its best listed target. Of equal scores the lower row wins. Rows are length-normalised in float32
and compared in blocks, so that no source × target matrix is ever held.

``csls`` is Conneau et al. (2018), §2.3: CSLS(x, y) = 2 cos(x, y) − r_T(x) − r_S(y), where r_S(y) is the mean cosine
of y to its 10 nearest words of the whole source vocabulary, and r_T(x) that of x to its 10 nearest targets. r_T(x) is
the same for all candidates of a query and cannot change their order, so it is not worked out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from morphvec.arrays import Floats1d, Floats2d, Ints1d, Ints2d
from morphvec.embeddings.rows import Rows, one_by_one
from morphvec.evaluate.base import Outcome, WordVectors, check_language, key_of, rarest, unit_rows
from morphvec.evaluate.datasets import DictionarySet

NEIGHBOURS = 10
_CELLS = 8_000_000  # scores held at a time: 32 MB


@dataclass(frozen=True)
class _Queries:
    """total, items int64[n]: as in Outcome; source int64[n]; targets int64[n, m] ascending, filled up with the last.

    novel bool[n]: the query is spelled like no target word; novel_total: such words among all in the dictionary.
    same int64[n]: the target of the same spelling, or -1.
    """

    total: int
    novel_total: int
    items: Ints1d
    source: Ints1d
    targets: Ints2d
    same: Ints1d


def score(model: WordVectors, dataset: DictionarySet, source: str, target: str) -> list[Outcome]:
    """p@1, p@5, p@10 and mrr by cosine and by CSLS: on all queries, then on those not spelled like a target word.

    ``detail["identical"]`` is the p@1 of answering with the target word of the same spelling.
    Raises OptionError where the model does not have both languages.
    """
    for language in (source, target):
        check_language(model, language)
    words_of = {language: _words(model, language) for language in (source, target)}
    queries = _queries(model, dataset, source, target, words_of[source], words_of[target])
    source_rows, target_rows = _rows(model, source), _rows(model, target)
    sources, targets = unit_rows(model.vectors, source_rows), unit_rows(model.vectors, target_rows)
    asked, right = source_rows[queries.source][:, None], target_rows[queries.targets]
    counts = rarest(model.counts, asked, right)
    ranks = _ranks(sources, targets, queries)
    identical = (
        float((queries.targets == queries.same[:, None]).any(axis=1).mean()) if len(queries.items) else None
    )
    outcomes = []
    for suffix, kept, total in (
        ("", np.ones(len(queries.items), dtype=bool), queries.total),
        (" not spelled alike", queries.same < 0, queries.novel_total),
    ):
        reason = (
            "" if kept.any() else "no query: source word and a listed target must both be in the vocabulary"
        )
        for retrieval, found in ranks.items():
            values = {f"p@{k}": (found[kept] <= k).astype(np.float64) for k in (1, 5, 10)}
            values["mrr"] = 1.0 / found[kept]
            for metric, each in values.items():
                detail: dict[str, Any] = {
                    "source": source,
                    "target": target,
                    "retrieval": retrieval,
                    "measure": metric,
                    "queries": suffix.strip() or "all",
                    "candidates": len(targets),
                }
                if retrieval == "csls":
                    detail["neighbours"] = min(NEIGHBOURS, len(sources))
                if not suffix:
                    detail["identical"] = identical
                name = f"{retrieval} {metric}{suffix}"
                outcomes.append(
                    Outcome(
                        "bli",
                        dataset.name,
                        name,
                        "skip",
                        total,
                        queries.items[kept],
                        each,
                        None,
                        detail,
                        reason,
                        words=np.concatenate([asked, right], axis=1)[kept],
                        keys=model.words,
                        counts=None if counts is None else counts[kept],
                    )
                )
    return outcomes


def _rows(model: WordVectors, language: str) -> Ints1d:
    prefix = f"{language}:"
    return np.array([row for row, key in enumerate(model.words) if key.startswith(prefix)], dtype=np.int64)


def _words(model: WordVectors, language: str) -> dict[str, int]:
    """Key → place among the rows of its language."""
    prefix = f"{language}:"
    keys = (key for key in model.words if key.startswith(prefix))
    return {key: place for place, key in enumerate(keys)}


def _queries(
    model: WordVectors,
    dataset: DictionarySet,
    source: str,
    target: str,
    source_words: dict[str, int],
    target_words: dict[str, int],
) -> _Queries:
    listed: dict[str, list[int]] = {}
    first: dict[str, int] = {}
    for item, (word, translation) in enumerate(dataset.pairs):
        key = key_of(model, word, source)
        first.setdefault(key, item)
        found = listed.setdefault(key, [])
        place = target_words.get(key_of(model, translation, target), -1)
        if place >= 0:
            found.append(place)
    same = {key: target_words.get(f"{target}:{key.removeprefix(source + ':')}", -1) for key in listed}
    asked = [key for key, found in listed.items() if found and key in source_words]
    places = [sorted(set(listed[key])) for key in asked]
    targets = np.zeros((len(asked), max(map(len, places), default=1)), dtype=np.int64)
    for row, found in enumerate(places):
        targets[row] = [*found, *[found[-1]] * (targets.shape[1] - len(found))]
    return _Queries(
        total=len(listed),
        novel_total=sum(place < 0 for place in same.values()),
        items=np.array([first[key] for key in asked], dtype=np.int64),
        source=np.array([source_words[key] for key in asked], dtype=np.int64),
        targets=targets,
        same=np.array([same[key] for key in asked], dtype=np.int64),
    )


def _ranks(sources: Rows, targets: Rows, queries: _Queries) -> dict[str, Ints1d]:
    """int64[n] for each retrieval: 1 for a query whose best listed target comes first."""
    ranks: dict[str, Ints1d] = {
        name: np.empty(len(queries.items), dtype=np.int64) for name in ("cosine", "csls")
    }
    if not len(queries.items):
        return ranks
    hubness = neighbourhood(targets, sources, NEIGHBOURS)
    size = max(1, _CELLS // len(targets))
    scores = np.empty((min(size, len(queries.items)), len(targets)), dtype=np.float32)
    for start in range(0, len(queries.items), size):
        block = slice(start, min(start + size, len(queries.items)))
        part = scores[: block.stop - start]
        targets.scores(one_by_one(sources, queries.source[block]), part)
        ranks["cosine"][block] = best_rank(part, queries.targets[block])
        to_csls(part, hubness)
        ranks["csls"][block] = best_rank(part, queries.targets[block])
    return ranks


def to_csls(cosines: Floats2d, hubness: Floats1d) -> None:
    """Turn cosines float32 [n, T] of n queries with all candidates into 2 cos(x, y) − r(y), in place.

    hubness: float32 [T], the ``neighbourhood`` of the candidates among the words of the queries' side. CSLS less what
    is the same for all candidates of a query, so that it orders them as CSLS does.
    """
    cosines *= 2
    cosines -= hubness


def neighbourhood(rows: Rows, others: Rows, k: int) -> Floats1d:
    """float32[n]: the mean cosine of each unit row to its ``k`` nearest among the unit rows ``others`` (or to all)."""
    k = min(k, len(others))
    means = np.empty(len(rows), dtype=np.float32)
    size = max(1, _CELLS // len(others))
    scores = np.empty((min(size, len(rows)), len(others)), dtype=np.float32)
    for start in range(0, len(rows), size):
        part = scores[: min(size, len(rows) - start)]
        others.scores(one_by_one(rows, np.arange(start, start + len(part))), part)
        part.partition(len(others) - k, axis=1)
        nearest = np.sort(
            part[:, len(others) - k :], axis=1
        )  # one order of summation, whatever partition left
        means[start : start + size] = nearest.mean(axis=1, dtype=np.float64)
    return means


def best_rank(scores: Floats2d, targets: Ints2d) -> Ints1d:
    """int64[n]: the rank in each row of ``scores`` of the best of its columns ``targets`` (ascending in each row).

    1 + the number of columns that score higher or that score the same and stand before it.
    """
    listed = np.take_along_axis(scores, targets, axis=1)
    best = listed.argmax(axis=1)  # the first of equals, hence the lowest column
    height = np.take_along_axis(listed, best[:, None], axis=1)
    column = np.take_along_axis(targets, best[:, None], axis=1)
    above = np.count_nonzero(scores > height, axis=1)
    level = scores == height
    level &= np.arange(scores.shape[1]) < column
    ranks: Ints1d = 1 + above + np.count_nonzero(level, axis=1)
    return ranks
