"""Corpus → embeddings: the four arrows one after another, the same code that the single commands run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from morphvec.artifact import check_output, discard
from morphvec.association import Association, weigh
from morphvec.counts.count import count
from morphvec.counts.matrix import Counts
from morphvec.embeddings.embeddings import Embeddings
from morphvec.embeddings.store import versions
from morphvec.engine.base import Engine
from morphvec.errors import OptionError
from morphvec.methods.counterparts import check_alignable
from morphvec.morphology.classes import TableReport
from morphvec.morphology.constraints import Knowledge
from morphvec.morphology.pieces import find_pieces
from morphvec.pipeline.before import prepared
from morphvec.pipeline.checkpoint import FolderKeeper, check_place, place_beside, record_of
from morphvec.pipeline.knowledge import Known, input_records, read_knowledge
from morphvec.pipeline.methods import METHODS, Given, Method, Source, check_read, with_defaults
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
from morphvec.pipeline.touched import touched_words
from morphvec.report import SILENT, Reporter
from morphvec.text.corpus import Corpus, encode, scan
from morphvec.text.encoded import Encoded
from morphvec.text.readers import parse_sources
from morphvec.text.vocabulary import Vocabulary
from morphvec.training import LoopControl, kept


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


@dataclass(frozen=True, eq=False)
class Reading:
    """A text as rows of its vocabulary, in a folder that goes when the reading ends."""

    encoded: Encoded
    vocabulary: Vocabulary
    origin: Origin
    folder: Path


@contextmanager
def reading(
    corpus: Corpus,
    text: TextStage,
    *,
    units: bool = False,
    reporter: Reporter = SILENT,
    known: tuple[Vocabulary, Origin] | None = None,
    engine: Engine | None = None,
) -> Iterator[Reading]:
    """Read a corpus once: its vocabulary, unless one is known, and its stream of rows."""
    with tempfile.TemporaryDirectory(prefix="morphvec-") as name:
        folder = Path(name)
        scanned = scan(
            corpus,
            folder=folder,
            units=units,
            reporter=reporter,
            known=None if known is None else known[0],
            engine=engine,
        )
        vocabulary = (
            Vocabulary.from_scan(scanned, text.min_count, text.max_vocab) if known is None else known[0]
        )
        reporter.note(
            f"vocabulary: {len(vocabulary):,} words of {vocabulary.types:,}, {int(vocabulary.counts.sum()):,} of {vocabulary.tokens:,} tokens"
        )
        inputs = tuple(asdict(item) for item in scanned.inputs)
        origin = Origin(asdict(text), inputs) if known is None else known[1].then({}, inputs)
        yield Reading(encode(scanned, vocabulary, folder), vocabulary, origin, folder)


def make_counts(
    corpus: Corpus,
    text: TextStage,
    stage: CountStage,
    run: RunOptions,
    reporter: Reporter = SILENT,
    known: tuple[Vocabulary, Origin] | None = None,
    knowledge: Knowledge | None = None,
) -> tuple[Counts, Vocabulary, Origin]:
    """Corpus (and a vocabulary, where one is given) → counts. Text is read once.

    knowledge: what the stage's tables say, where they were read before; else they are read if a column needs them.
    """
    records = input_records(stage) if stage.pieces else ()
    if knowledge is None and stage.pieces:
        knowledge, _ = read_knowledge(stage)
    with reading(corpus, text, units=stage.units, reporter=reporter, known=known, engine=run.engine) as found:
        pieces = None
        if knowledge is not None and stage.pieces:
            pieces = find_pieces(knowledge, found.vocabulary, stage.pieces, stage.ngram_min_types)
            reporter.note(f"columns: {pieces.line()}")
        counts = count(
            found.encoded,
            found.vocabulary,
            stage.rule,
            engine=run.engine,
            folder=found.folder,
            memory=run.budget,
            reporter=reporter,
            pieces=pieces,
        )
        vocabulary, origin = found.vocabulary, found.origin
        del found  # its memory maps go before their folder
    return counts, vocabulary, origin.then(stage.config(), records)


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


def make_model(
    source: Source,
    vocabulary: Vocabulary,
    stage: FitStage,
    run: RunOptions,
    origin: Origin,
    reporter: Reporter = SILENT,
    known: Known | None = None,
    checkpoint: Path | None = None,
) -> Trained:
    """Association (or the text, for a method that streams it) and morphology → model.

    known: what ``read_knowledge`` gave, where it was read before. checkpoint: the folder of this run's checkpoints,
    where the run options ask for them; it stays until its maker removes it.
    """
    begin = time.perf_counter()
    method = METHODS[stage.method]
    if method.streams == isinstance(source, Association):
        raise _other_source(stage.method, method)
    options = stage.model(origin.config)
    knowledge, inputs = read_knowledge(stage) if known is None else known
    finished = origin.then(stage.config(origin.config), inputs)
    given = Given(source, vocabulary, knowledge, run.engine, run.budget, reporter)
    log: list[Mapping[str, Any]] = []
    ready = prepared(given, method, options, stage, log)
    given, penalties, reports = ready.given, ready.penalties, ready.reports
    keeper = None
    if checkpoint is not None and (run.checkpoint_every or run.resume):
        record = record_of(source, finished)
        keeper = FolderKeeper(checkpoint, record, resume=run.resume, reporter=reporter)
    try:
        model, factors = method.fit(given, options, penalties, LoopControl(run.checkpoint_every, keeper))
    except KeyboardInterrupt:
        if keeper is not None:
            keeper.interrupted()
        raise
    told = touched_words(given.knowledge, vocabulary, penalties, model)
    model.constrained = told if told or reports else None
    last = kept(factors.history)
    resolved = model.manifest.get("resolved")
    if resolved is not None and ready.unaligned < 1:
        resolved = {**resolved, "unaligned": ready.unaligned}
    really = last.get(
        "minimised", "J"
    )  # sampling may minimise something else than the objective that is reported
    if really != "J":
        reporter.warn(f"what was minimised is {really}")
    model.manifest = {
        "method": stage.method,
        "dim": model.vector_size,
        "words": len(model),
        "tokens": vocabulary.tokens,
        "types": vocabulary.types,
        "languages": list(model.languages),
        "config": dict(finished.config),
        **({} if resolved is None else {"resolved": dict(resolved)}),
        "versions": versions(),
        "inputs": list(finished.inputs),
        "objective": {name: last[name] for name in ("total", "fit", "unobserved", "classes", "ridge")},
        **({} if really == "J" else {"minimised": really}),
        "constraints": [_report(report) for report in reports],
    }
    seconds = time.perf_counter() - begin
    log += [{"stage": "fit", "threads": run.engine.threads, "seconds": seconds}, *factors.history]
    return Trained(model, tuple(log), {"fit": seconds}, _cells(source, last), tuple(reports))


def _other_source(name: str, method: Method) -> OptionError:
    if method.streams:
        return OptionError(
            f"method={name}",
            "it reads the text itself, and an association has only its counts",
            f"use morphvec train --method {name}",
        )
    return OptionError(f"method={name}", "it works on an association", "weigh the counts first")


def _cells(source: Source, last: Mapping[str, Any]) -> int:
    """Stored cells, or the pairs that a method met in its last epoch on the text."""
    return int(source.matrix.nnz if isinstance(source, Association) else last.get("pairs", 0))


def fit_to(
    path: Path,
    source: Source,
    vocabulary: Vocabulary,
    stage: FitStage,
    run: RunOptions,
    origin: Origin,
    reporter: Reporter = SILENT,
    *,
    overwrite: bool = False,
    known: Known | None = None,
    log: tuple[Mapping[str, Any], ...] = (),
) -> Trained:
    """``make_model``, and the model folder written to ``path``; checkpoints lie beside it until it is there.

    log: records that come before those of the fit.
    """
    beside = place_beside(path)
    trained = make_model(source, vocabulary, stage, run, origin, reporter, known, beside)
    trained.model.save(path, overwrite=overwrite, log=(*log, *trained.log))
    if run.checkpoint_every or run.resume:
        discard(beside)
    return trained


def check_places(
    path: Path, run: RunOptions, *, overwrite: bool, config: Mapping[str, Any] | None = None
) -> None:
    """Refuse, before any work, places for a model and its checkpoints that could not be written or gone on from.

    config: that of the whole run, where it is known before the work.
    """
    check_output(path, overwrite=overwrite)
    if run.checkpoint_every or run.resume:
        check_place(place_beside(path), resume=run.resume, config=config)


def _report(report: TableReport) -> dict[str, Any]:
    record = asdict(report)
    return {**record, "source": Path(str(record["source"])).name, "languages": list(report.languages)}


def train(corpus: Any, *, reporter: Reporter = SILENT, **options: Any) -> Trained:
    """Corpus → model, in memory. Options: those of ``all_options`` by name."""
    stages, run = _Stages.of(options), make_stage(RunOptions, options)
    if run.checkpoint_every or run.resume:
        raise OptionError(
            f"checkpoint_every={run.checkpoint_every}, resume={run.resume} without an output folder",
            "checkpoints lie beside the folder that a run writes",
            "use the command morphvec train, or leave both out",
        )
    return _train(None, corpus, stages, run, reporter)


def train_to(
    path: Path, corpus: Any, *, overwrite: bool = False, reporter: Reporter = SILENT, **options: Any
) -> Trained:
    """``train``, and the model folder written to ``path``; the place is checked before any work."""
    stages, run = _Stages.of(options), make_stage(RunOptions, options)
    check_places(path, run, overwrite=overwrite, config=stages.config())
    return _train(path, corpus, stages, run, reporter, overwrite=overwrite)


@dataclass(frozen=True)
class _Stages:
    text: TextStage
    count: CountStage
    weigh: WeighStage
    fit: FitStage

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> _Stages:
        check_names(options, list(all_options()))
        chosen = with_defaults(options)
        stages = cls(
            make_stage(TextStage, chosen),
            make_stage(CountStage, chosen),
            make_stage(WeighStage, chosen),
            make_stage(FitStage, chosen),
        )
        check_read(options, stages.fit.method, text=True)
        return stages

    @property
    def streams(self) -> bool:
        """Whether the method reads the text rather than its counts."""
        return METHODS[self.fit.method].streams

    def config(self) -> dict[str, Any]:
        """What the arrows will have put together in the end."""
        begun = {**asdict(self.text), **self.count.config()}
        if not self.streams:
            begun |= asdict(self.weigh)
        return {**begun, **self.fit.config(begun)}


def _train(
    path: Path | None,
    corpus: Any,
    stages: _Stages,
    run: RunOptions,
    reporter: Reporter,
    *,
    overwrite: bool = False,
) -> Trained:
    start = time.perf_counter()
    known = read_knowledge(stages.fit)  # a bad table is said before the long work
    text = open_corpus(corpus, stages.text)
    if not stages.streams:  # said before the work, as what is wrong with the options themselves
        check_alignable(stages.fit.unaligned, stages.count.rule.blocks, text.languages)

    def finish(source: Source, vocabulary: Vocabulary, origin: Origin) -> Trained:
        counted = time.perf_counter() - start
        log: tuple[Mapping[str, Any], ...] = ({"stage": "count", "seconds": counted},)
        work = (source, vocabulary, stages.fit, run, origin, reporter)
        if path is None:
            trained = make_model(*work, known)
            trained = replace(trained, log=(*log, *trained.log))
        else:
            trained = fit_to(path, *work, overwrite=overwrite, known=known, log=log)
        seconds = {
            "count": counted,
            "fit": trained.seconds["fit"],
            "total": time.perf_counter() - start,
        }
        return replace(trained, seconds=seconds)

    if stages.streams:
        with reading(text, stages.text, reporter=reporter, engine=run.engine) as found:
            trained = finish(found.encoded.ids, found.vocabulary, found.origin.then(stages.count.config()))
            del found  # its memory maps go before their folder
        return trained
    counts, vocabulary, origin = make_counts(
        text, stages.text, stages.count, run, reporter, knowledge=known[0]
    )
    association, origin = make_association(counts, stages.weigh, run, origin, reporter)
    del counts
    return finish(association, vocabulary, origin)
