"""All tests on one model, as results with n, coverage and interval; comparison of two models.

Nothing is printed here: results are values, and ``tables`` makes strings of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from morphvec.errors import OptionError
from morphvec.evaluate import analogy as analogies
from morphvec.evaluate import collapse, datasets, inflection, intervals, lexicon, measure, paradigms
from morphvec.evaluate import similarity as similarities
from morphvec.evaluate.base import Outcome, WordVectors, check_language
from morphvec.evaluate.constrained import read_constrained
from morphvec.evaluate.datasets import AnalogySet, DictionarySet, RelationSet, SimilaritySet
from morphvec.morphology.tables import (
    Table,
    parse_language_path,
    parse_pair_path,
    read_unimorph,
    read_words,
)
from morphvec.report import SILENT, Reporter

File: TypeAlias = str | Path


@dataclass(frozen=True)
class Result:
    """One score of one model. ``score``, ``low`` and ``high`` are fractions, or None with ``detail["reason"]``.

    n of total items could be answered; coverage = n / total; ``unknown`` is the rule for words without a row.
    ``detail["bands"]``: scores by how often the training text has the rarest word of an item, where that is known;
    ``detail["constrained"]``: the items with words that the training was told of, and the score without them
    (``measure`` has both rules).
    """

    task: str
    dataset: str
    metric: str
    score: float | None
    low: float | None
    high: float | None
    n: int
    total: int
    coverage: float
    unknown: str
    detail: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The fields by name: finite numbers, strings, None, lists and dicts only."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """Two models on the n items that both can answer: ``difference`` = a − b with its paired interval.

    ``real``: the interval does not hold 0. Scores are None (and ``real`` False) where nothing can be said.
    """

    task: str
    dataset: str
    metric: str
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    n: int
    real: bool
    unknown: str

    def as_json(self) -> dict[str, Any]:
        """The fields by name: finite numbers, strings, booleans and None only."""
        return asdict(self)


@dataclass(frozen=True)
class _Plan:
    """What to test on: files that were read, and settings that were checked."""

    similarity: tuple[SimilaritySet, ...]
    analogy: tuple[AnalogySet, ...]
    pairs: tuple[RelationSet, ...]
    bli: tuple[tuple[str, str, DictionarySet], ...]
    tables: tuple[Table, ...]
    lemmas: tuple[str, ...] | None
    unknown: str | None
    restrict: int
    analogy_method: str
    language: str
    bootstrap: int
    seed: int

    def __post_init__(self) -> None:
        if self.lemmas is not None and not self.tables:
            raise OptionError(
                f"a list of lemmas ({len(self.lemmas):,}) and no table",
                "--paradigm-lemmas says which rows of --paradigms are asked about",
                "pass --paradigms too",
            )
        if not (self.similarity or self.analogy or self.pairs or self.bli or self.tables):
            raise OptionError(
                "no test set",
                "a test needs a file",
                "pass --similarity, --analogy, --pairs, --bli or --paradigms",
            )
        if self.unknown is not None:
            similarities.check_rule(self.unknown)
        analogies.check(self.analogy_method, self.restrict)
        for name, value in (("bootstrap", self.bootstrap), ("seed", self.seed)):
            if value < 0:
                raise OptionError(
                    f"{name}={value}", f"{name} is 0 or more", "give a number that is not negative"
                )


def evaluate(
    model: WordVectors,
    *,
    similarity: Sequence[File | SimilaritySet] = (),
    analogy: Sequence[File | AnalogySet] = (),
    pairs: Sequence[File | RelationSet] = (),
    bli: Sequence[tuple[str, str, File | DictionarySet]] = (),
    paradigms: Sequence[File | Table] = (),
    paradigm_lemmas: File | Sequence[str] | None = None,
    unknown: str | None = None,
    restrict: int = 30000,
    analogy_method: str = "3cosadd",
    language: str = "",
    bootstrap: int = 1000,
    seed: int = 0,
    constrained: File | Collection[str] | None = None,
    reporter: Reporter = SILENT,
) -> list[Result]:
    """Score a model on test files (or on sets already read), in the order of the arguments.

    similarity: in a model of several languages ``LANG=path``, or ``LANG:LANG=path`` for pairs of two languages.
    paradigms: inflection tables, ``LANG=path`` in a model of several languages; each gives the tasks ``paradigms`` and
    ``classes``. paradigm_lemmas: a file or a list of lemmas; only their rows are then asked about (see ``paradigms``).
    unknown: one rule for unknown words of similarity sets (``skip``, ``compose``, ``zero``); None gives a result for
    skip and, where the model composes, one for compose. restrict: candidates of an analogy. language: of words that
    do not carry theirs, in a model of several languages. bootstrap: draws for the 95% intervals; 0 for none.
    constrained: the keys of the words that the training was told of, or the model's folder, which lists them; every
    result then says how many of its items have such words, and what the score is without these.
    Raises InputError with the line of a bad file, OptionError for a bad setting; both before any work.
    """
    plan = _Plan(
        *_read(similarity, analogy, pairs, bli, paradigms, paradigm_lemmas),
        unknown,
        restrict,
        analogy_method,
        language,
        bootstrap,
        seed,
    )
    _check(model, plan)
    told = read_constrained(constrained) if isinstance(constrained, File) else constrained
    if told is not None:
        told = frozenset(told)
    tests = list(_tests(plan, compose=model.composes))
    results: list[Result] = []
    with reporter.stage("evaluate", total=len(tests), unit="tests") as progress:
        for test in tests:
            results += [_result(outcome, told, bootstrap, seed) for outcome in _run(model, plan, test)]
            progress.advance(1, test.name)
    return results


def compare(
    a: WordVectors,
    b: WordVectors,
    *,
    similarity: Sequence[File | SimilaritySet] = (),
    analogy: Sequence[File | AnalogySet] = (),
    pairs: Sequence[File | RelationSet] = (),
    bli: Sequence[tuple[str, str, File | DictionarySet]] = (),
    paradigms: Sequence[File | Table] = (),
    paradigm_lemmas: File | Sequence[str] | None = None,
    unknown: str | None = None,
    restrict: int = 30000,
    analogy_method: str = "3cosadd",
    language: str = "",
    bootstrap: int = 1000,
    seed: int = 0,
    reporter: Reporter = SILENT,
) -> list[Comparison]:
    """Two models on the items that both can answer, with intervals of the paired difference a − b.

    Arguments and errors as in ``evaluate``; similarity with unknown words composed only where both models compose.
    """
    plan = _Plan(
        *_read(similarity, analogy, pairs, bli, paradigms, paradigm_lemmas),
        unknown,
        restrict,
        analogy_method,
        language,
        bootstrap,
        seed,
    )
    for model in (a, b):
        _check(model, plan)
    tests = list(_tests(plan, compose=a.composes and b.composes))
    rows: list[Comparison] = []
    with reporter.stage("compare", total=len(tests), unit="tests") as progress:
        for test in tests:
            both = zip(_run(a, plan, test), _run(b, plan, test), strict=True)
            rows += [_comparison(left, right, bootstrap, seed) for left, right in both]
            progress.advance(1, test.name)
    return rows


# ------------------------------------------------------------------------------------------------- tests


@dataclass(frozen=True)
class _Test:
    """One dataset with what its task needs beside it: the rule of unknown words, or the two languages."""

    dataset: SimilaritySet | AnalogySet | RelationSet | DictionarySet | Table
    rule: str = "skip"
    languages: tuple[str, str] = ("", "")

    @property
    def name(self) -> str:
        """What the test is called in a line of progress."""
        return self.dataset.source if isinstance(self.dataset, Table) else self.dataset.name


def _read(
    similarity: Sequence[File | SimilaritySet],
    analogy: Sequence[File | AnalogySet],
    pairs: Sequence[File | RelationSet],
    bli: Sequence[tuple[str, str, File | DictionarySet]],
    tables: Sequence[File | Table],
    lemmas: File | Sequence[str] | None,
) -> tuple[
    tuple[SimilaritySet, ...],
    tuple[AnalogySet, ...],
    tuple[RelationSet, ...],
    tuple[tuple[str, str, DictionarySet], ...],
    tuple[Table, ...],
    tuple[str, ...] | None,
]:
    return (
        tuple(f if isinstance(f, SimilaritySet) else _read_similarity(f) for f in similarity),
        tuple(f if isinstance(f, AnalogySet) else datasets.read_analogies(f) for f in analogy),
        tuple(f if isinstance(f, RelationSet) else datasets.read_relations(f) for f in pairs),
        tuple(
            (source, target, f if isinstance(f, DictionarySet) else datasets.read_dictionary(f))
            for source, target, f in bli
        ),
        tuple(f if isinstance(f, Table) else _read_table(f) for f in tables),
        None if lemmas is None else tuple(read_words(lemmas) if isinstance(lemmas, File) else lemmas),
    )


def _read_similarity(file: File) -> SimilaritySet:
    languages, path = parse_pair_path(file) if isinstance(file, str) else (("", ""), file)
    return replace(datasets.read_similarity(path), languages=languages)


def _read_table(file: File) -> Table:
    language, path = parse_language_path(file) if isinstance(file, str) else ("", file)
    return read_unimorph(path, language)


def _check(model: WordVectors, plan: _Plan) -> None:
    """Refuse before any work what the model cannot do."""
    of_dictionaries = (name for source, target, _ in plan.bli for name in (source, target))
    of_pairs = (name for dataset in plan.similarity for name in dataset.languages)
    for language in (plan.language, *of_dictionaries, *of_pairs):
        if language:
            check_language(model, language)
    if plan.unknown is not None and plan.similarity:
        similarities.check_rule(plan.unknown, composes=model.composes)
    for table in plan.tables:
        inflection.check(model, table, plan.lemmas, plan.language)


def _tests(plan: _Plan, *, compose: bool) -> Iterator[_Test]:
    rules = [plan.unknown] if plan.unknown else ["skip", "compose"] if compose else ["skip"]
    yield from (_Test(dataset, rule) for dataset in plan.similarity for rule in rules)
    yield from (_Test(dataset) for dataset in plan.analogy)
    yield from (_Test(dataset) for dataset in plan.pairs)
    yield from (_Test(dataset, languages=(source, target)) for source, target, dataset in plan.bli)
    yield from (_Test(table) for table in plan.tables)


def _run(model: WordVectors, plan: _Plan, test: _Test) -> list[Outcome]:
    if isinstance(test.dataset, SimilaritySet):
        outcome = similarities.score(model, test.dataset, test.rule, language=plan.language)
        return [outcome, similarities.as_pearson(outcome)]
    if isinstance(test.dataset, DictionarySet):
        return lexicon.score(model, test.dataset, *test.languages)
    if isinstance(test.dataset, Table):
        asked = paradigms.score(model, test.dataset, lemmas=plan.lemmas, language=plan.language)
        return asked + collapse.score(model, test.dataset, language=plan.language)
    return analogies.score(
        model,
        test.dataset,
        method=plan.analogy_method,
        restrict=plan.restrict,
        language=plan.language,
        seed=plan.seed,
    )


def _result(outcome: Outcome, constrained: Collection[str] | None, bootstrap: int, seed: int) -> Result:
    found, detail = measure.measure(outcome, bootstrap=bootstrap, seed=seed), dict(outcome.detail)
    if found.score is None:
        detail["reason"] = outcome.reason
    if found.draws is not None and found.draws < bootstrap:
        detail["draws"] = found.draws
    bands = measure.bands(outcome, bootstrap=bootstrap, seed=seed)
    if bands is not None:
        detail["bands"] = bands
    apart = None
    if constrained is not None:
        apart = measure.apart(outcome, constrained, bootstrap=bootstrap, seed=seed)
    if apart is not None:
        detail["constrained"] = apart
    return Result(
        outcome.task,
        outcome.dataset,
        outcome.metric,
        found.score,
        found.low,
        found.high,
        found.n,
        outcome.total,
        found.n / outcome.total if outcome.total else 0.0,
        outcome.unknown,
        detail,
    )


def _comparison(left: Outcome, right: Outcome, bootstrap: int, seed: int) -> Comparison:
    shared, i, j = np.intersect1d(left.items, right.items, assume_unique=True, return_indices=True)
    a, b = left.values[i], right.values[j]
    gold = None if left.gold is None else left.gold[i]
    scores = measure.score_of(left.metric, a, gold), measure.score_of(left.metric, b, gold)
    difference = None if scores[0] is None or scores[1] is None else scores[0] - scores[1]
    interval = None
    if difference is not None and gold is None:
        clusters = None if left.clusters is None else left.clusters[i]
        interval = intervals.mean_difference_interval(a, b, clusters=clusters, resamples=bootstrap, seed=seed)
    elif difference is not None and gold is not None:
        interval = intervals.correlation_difference_interval(
            left.metric, a, b, gold, resamples=bootstrap, seed=seed
        )
    return Comparison(
        left.task,
        left.dataset,
        left.metric,
        *scores,
        difference,
        None if interval is None else interval.low,
        None if interval is None else interval.high,
        len(shared),
        interval is not None and (interval.low > 0 or interval.high < 0),
        left.unknown,
    )
