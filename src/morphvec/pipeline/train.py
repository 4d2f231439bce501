"""Corpus → embeddings: the four arrows one after another, the same code that the single commands run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from morphvec.artifact import check_output, sha256_file
from morphvec.association import Association, weigh
from morphvec.counts.count import count
from morphvec.counts.matrix import Counts
from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.store import versions
from morphvec.errors import BudgetError, InputError
from morphvec.methods import token_feature
from morphvec.morphology.affixes import read_affixes
from morphvec.morphology.classes import TableReport
from morphvec.morphology.constraints import Knowledge, build_penalties
from morphvec.morphology.tables import (
    parse_language_path,
    read_classes,
    read_edges,
    read_unimorph,
    read_words,
)
from morphvec.pipeline.nouns import Origin
from morphvec.pipeline.options import (
    CountStage,
    FitStage,
    RunOptions,
    TextStage,
    WeighStage,
    all_options,
    check_names,
    make_stage,
)
from morphvec.report import SILENT, Reporter
from morphvec.solvers.penalties import Penalty
from morphvec.text.corpus import Corpus, encode, scan
from morphvec.text.readers import parse_sources
from morphvec.text.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Trained:
    """A model and the story of its making: log records, seconds per stage, table reports."""

    model: Embeddings
    log: tuple[Mapping[str, Any], ...]
    seconds: Mapping[str, float]
    cells: int
    reports: tuple[TableReport, ...]


def open_corpus(corpus: Any, text: TextStage) -> Corpus:
    """A corpus from paths (``PATH`` or ``LANG=PATH``, one or many), a {language: path} mapping, or tokenised sentences."""
    if isinstance(corpus, (str, Path)):
        corpus = [corpus]
    elif isinstance(corpus, Mapping):
        corpus = [f"{language}={path}" for language, path in corpus.items()]
    items: Sequence[Any] = corpus if isinstance(corpus, Sequence) else list(corpus)
    if items and not isinstance(items[0], (str, Path)):
        return Corpus((), text.rule, text.format, text.errors, items)
    return Corpus(parse_sources([str(item) for item in items]), text.rule, text.format, text.errors)


def make_vocabulary(
    corpus: Corpus, text: TextStage, reporter: Reporter = SILENT
) -> tuple[Vocabulary, Origin]:
    """Corpus → vocabulary."""
    with tempfile.TemporaryDirectory(prefix="morphvec-") as folder:
        scanned = scan(corpus, folder=Path(folder), units=False, reporter=reporter)
        vocabulary = Vocabulary.from_scan(scanned, text.min_count, text.max_vocab)
        return vocabulary, Origin(asdict(text), tuple(asdict(item) for item in scanned.inputs))


def make_counts(
    corpus: Corpus,
    text: TextStage,
    stage: CountStage,
    run: RunOptions,
    reporter: Reporter = SILENT,
    known: tuple[Vocabulary, Origin] | None = None,
) -> tuple[Counts, Vocabulary, Origin]:
    """Corpus (and a vocabulary, where one is given) → counts. Text is read once."""
    with tempfile.TemporaryDirectory(prefix="morphvec-") as name:
        folder = Path(name)
        scanned = scan(
            corpus,
            folder=folder,
            units=stage.units,
            reporter=reporter,
            known=None if known is None else known[0],
        )
        vocabulary = (
            Vocabulary.from_scan(scanned, text.min_count, text.max_vocab) if known is None else known[0]
        )
        reporter.note(
            f"vocabulary: {len(vocabulary):,} words of {vocabulary.types:,}, {int(vocabulary.counts.sum()):,} of {vocabulary.tokens:,} tokens"
        )
        encoded = encode(scanned, vocabulary, folder)
        counts = count(
            encoded,
            vocabulary,
            stage.rule,
            engine=run.engine,
            folder=folder,
            memory=run.budget,
            reporter=reporter,
        )
        inputs = tuple(asdict(item) for item in scanned.inputs)
        del encoded  # its memory maps go before their folder
    origin = known[1] if known is not None else Origin(asdict(text), inputs)
    return counts, vocabulary, origin.then(asdict(stage), inputs)


def make_association(
    counts: Counts, stage: WeighStage, run: RunOptions, origin: Origin, reporter: Reporter = SILENT
) -> tuple[Association, Origin]:
    """Counts → association."""
    with reporter.stage("weigh") as progress:
        association = weigh(counts, stage.rule, engine=run.engine)
        progress.advance(
            association.matrix.nnz, f"{association.matrix.nnz:,} of {counts.matrix.nnz:,} cells stored"
        )
    return association, origin.then(asdict(stage))


def read_knowledge(stage: FitStage) -> tuple[Knowledge, tuple[Mapping[str, Any], ...]]:
    """Every table and list that the options name, and an input record of each."""
    inputs = []
    for argument in (*stage.unimorph, *stage.affixes, *stage.classes, *stage.edges, *stage.hold_out):
        path = Path(parse_language_path(argument)[1])
        if not path.is_file():
            raise InputError(f"{path} is not a file", "tables and lists are files", "check the path")
        inputs.append({"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_file(path)})
    tables = []
    for argument in stage.unimorph:
        language, path_text = parse_language_path(argument)
        tables.append(read_unimorph(path_text, language))
    return Knowledge(
        tuple(tables),
        tuple(rule for path in stage.affixes for rule in read_affixes(path)),
        tuple(read_classes(path) for path in stage.classes),
        tuple(read_edges(path) for path in stage.edges),
        tuple(word for path in stage.hold_out for word in read_words(path)),
    ), tuple(inputs)


def make_model(
    association: Association,
    vocabulary: Vocabulary,
    stage: FitStage,
    run: RunOptions,
    origin: Origin,
    reporter: Reporter = SILENT,
    known: tuple[Knowledge, tuple[Mapping[str, Any], ...]] | None = None,
) -> Trained:
    """Association and morphology → model. known: what ``read_knowledge`` gave, where it was read before."""
    start = time.perf_counter()
    options = stage.model(str(origin.config["ngrams"]), int(origin.config["ngram_min_types"]))
    _check_budget(association, options, run)
    knowledge, inputs = read_knowledge(stage) if known is None else known
    penalties: list[tuple[float, Penalty, str]] = []
    reports: list[TableReport] = []
    if not knowledge.empty or stage.constraints.constraints:
        penalties, reports = build_penalties(knowledge, vocabulary, stage.constraints, stage.seed)
        for report in reports:
            reporter.note(report.line())
    model, factors = token_feature.fit(
        association, vocabulary, options, penalties, engine=run.engine, reporter=reporter
    )
    last = factors.history[-1]
    finished = origin.then(stage.config(), inputs)
    model.manifest = {
        "method": stage.method,
        "dim": model.vector_size,
        "words": len(model),
        "tokens": vocabulary.tokens,
        "types": vocabulary.types,
        "languages": list(model.languages),
        "config": dict(finished.config),
        "versions": versions(),
        "inputs": list(finished.inputs),
        "objective": {name: last[name] for name in ("total", "fit", "unobserved", "classes", "ridge")},
        "constraints": [_report(report) for report in reports],
    }
    seconds = time.perf_counter() - start
    log = ({"stage": "fit", "threads": run.engine.threads, "seconds": seconds}, *factors.history)
    return Trained(model, log, {"fit": seconds}, association.matrix.nnz, tuple(reports))


def _report(report: TableReport) -> dict[str, Any]:
    record = asdict(report)
    return {**record, "source": Path(str(record["source"])).name, "languages": list(report.languages)}


def _check_budget(
    association: Association, options: token_feature.TokenFeatureOptions, run: RunOptions
) -> None:
    rows, columns = association.matrix.shape
    cells = association.matrix.nnz * (12 + 24)  # the association, and the stored cells from both sides
    factors = (6 * (rows * (3 if options.composed else 1)) + 4 * columns) * options.dim * 4
    if cells + factors > run.budget:
        raise BudgetError(
            f"{association.matrix.nnz:,} cells and {rows:,} words at dim {options.dim} need about {(cells + factors) / 1e9:.1f} GB",
            f"--memory allows {run.budget / 1e9:.1f} GB",
            "raise --memory or --min-count, or lower --dim",
        )


def train(corpus: Any, *, reporter: Reporter = SILENT, **options: Any) -> Trained:
    """Corpus → model, in memory. Options: those of ``all_options`` by name."""
    check_names(options, list(all_options()))
    text, counting = make_stage(TextStage, options), make_stage(CountStage, options)
    weighing = make_stage(WeighStage, options)
    fitting, run = make_stage(FitStage, options), make_stage(RunOptions, options)
    start = time.perf_counter()
    known = read_knowledge(fitting)  # a bad table is said before the long work
    counts, vocabulary, origin = make_counts(open_corpus(corpus, text), text, counting, run, reporter)
    association, origin = make_association(counts, weighing, run, origin, reporter)
    del counts
    counted = time.perf_counter() - start
    trained = make_model(association, vocabulary, fitting, run, origin, reporter, known)
    seconds = {"count": counted, "fit": trained.seconds["fit"], "total": time.perf_counter() - start}
    return Trained(
        trained.model,
        ({"stage": "count", "seconds": counted}, *trained.log),
        seconds,
        trained.cells,
        trained.reports,
    )


def train_to(
    path: Path, corpus: Any, *, overwrite: bool = False, reporter: Reporter = SILENT, **options: Any
) -> Trained:
    """``train``, and the model folder written to ``path``; the place is checked before any work."""
    check_output(path, overwrite=overwrite)
    trained = train(corpus, reporter=reporter, **options)
    trained.model.save(path, overwrite=overwrite, log=trained.log)
    return trained
