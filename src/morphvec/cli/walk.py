"""train, and the same walk one arrow at a time: vocab, count, weigh, fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from morphvec.cli import options as o
from morphvec.cli.config import Config
from morphvec.report import Reporter, emit, emit_json, peak_bytes

if TYPE_CHECKING:
    from morphvec.pipeline.train import Trained

_NOT_STAGES = (
    "corpus",
    "folder",
    "vocab",
    "output_folder",
    "overwrite",
    "quiet",
    "as_json",
    "align_ids",
    "config",
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("train", rich_help_panel="From text to vectors")(train)
    app.command("vocab", rich_help_panel="The walk, one arrow at a time")(vocab)
    app.command("count", rich_help_panel="The walk, one arrow at a time")(count)
    app.command("weigh", rich_help_panel="The walk, one arrow at a time")(weigh)
    app.command("fit", rich_help_panel="The walk, one arrow at a time")(fit)


def _chosen(values: Mapping[str, Any]) -> dict[str, Any]:
    """The stage options among a command's arguments, those not given left out."""
    chosen = o.given({name: value for name, value in values.items() if name not in _NOT_STAGES})
    if values.get("align_ids"):
        features = chosen.get("features", "window")
        kinds = [item.split(":")[0] for item in features.split(",")]
        chosen["features"] = features if "ids" in kinds else f"{features},ids"
        chosen["format"] = "tsv"
    if "memory" in chosen:
        from morphvec.pipeline.options import parse_memory

        chosen["memory"] = parse_memory(chosen["memory"])
    return chosen


def summary(trained: Trained, path: Path) -> dict[str, Any]:
    """The JSON document of ``train``."""
    manifest = trained.model.manifest
    return {
        "model": str(path),
        "method": manifest["method"],
        "words": manifest["words"],
        "tokens": manifest["tokens"],
        "cells": trained.cells,
        "seconds": dict(trained.seconds),
        "peak_bytes": peak_bytes(),
        "objective": manifest["objective"],
        "vectors_sha256": manifest["vectors_sha256"],
    }


def _say(document: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json(document)
        return
    seconds = document["seconds"]
    emit(
        f"{document['model']}: {document['words']:,} words from {document['tokens']:,} tokens in {seconds['total']:.1f} s "
        f"(peak {document['peak_bytes'] / 1e9:.2f} GB, J = {document['objective']['total']:.6g})"
    )


def train(
    corpus: o.Text,
    output_folder: o.Out,
    tokenizer: o.TokenizerName = None,
    case: o.Case = None,
    join_hyphen: o.JoinHyphen = None,
    format: o.Format = None,  # noqa: A002
    align_ids: o.AlignIds = False,
    errors: o.Errors = None,
    min_count: o.MinCount = None,
    max_vocab: o.MaxVocab = None,
    features: o.Features = None,
    window: o.Window = None,
    window_weight: o.WindowWeight = None,
    ngrams: o.Ngrams = None,
    ngram_min_types: o.NgramMinTypes = None,
    association: o.AssociationKind = None,
    smoothing: o.Smoothing = None,
    shift: o.Shift = None,
    add_lambda: o.AddLambda = None,
    unobserved: o.Unobserved = None,
    weight: o.Weight = None,
    weight_max: o.WeightMax = None,
    method: o.Method = None,
    target: o.Target = None,
    loss: o.Loss = None,
    centre: o.Centre = None,
    negatives: o.Negatives = None,
    sample: o.Sample = None,
    noise_power: o.NoisePower = None,
    racing: o.Racing = None,
    dim: o.Dim = None,
    parts: o.PartNames = None,
    own_weight: o.OwnWeight = None,
    own_weight_split: o.OwnWeightSplit = None,
    rules: o.Rules = None,
    unaligned: o.Unaligned = None,
    ridge: o.Ridge = None,
    ridge_own: o.RidgeOwn = None,
    ridge_parts: o.RidgeParts = None,
    ridge_features: o.RidgeFeatures = None,
    power: o.Power = None,
    output: o.Output = None,
    seed: o.Seed = None,
    constraint: o.Constraint = None,
    graph: o.GraphName = None,
    normalise: o.Normalise = None,
    unimorph: o.Unimorph = None,
    derivations: o.Derivations = None,
    conllu: o.Conllu = None,
    segments: o.Segments = None,
    morfessor: o.Morfessor = None,
    affixes: o.Affixes = None,
    classes: o.Classes = None,
    edges: o.Edges = None,
    class_weights: o.ClassWeights = None,
    hold_out: o.HoldOut = None,
    solver: o.Solver = None,
    epochs: o.Epochs = None,
    cg_steps: o.CgSteps = None,
    cg_tol: o.CgTol = None,
    validation: o.Validation = None,
    patience: o.Patience = None,
    batch: o.Batch = None,
    learning_rate: o.LearningRate = None,
    schedule: o.Schedule = None,
    momentum: o.Momentum = None,
    clip: o.Clip = None,
    updates: o.Updates = None,
    edge_samples: o.EdgeSamples = None,
    unobserved_samples: o.UnobservedSamples = None,
    oversample_language: o.OversampleLanguage = None,
    oversample_class: o.OversampleClass = None,
    oversample_rare: o.OversampleRare = None,
    importance: o.Importance = None,
    threads: o.Threads = None,
    memory: o.Memory = None,
    checkpoint_every: o.CheckpointEvery = None,
    resume: o.Resume = None,
    config: Config = None,
    overwrite: o.Overwrite = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Train word vectors from text: the whole walk in one call.

    Example: morphvec train corpus.txt -o model --unimorph eng.tsv.gz

    Example: morphvec train spa=es.tsv por=pt.tsv --align-ids --features ids -o joint

    Example: morphvec train corpus.txt -o model --config train.toml --seed 1
    """
    chosen = _chosen(dict(locals()))
    from morphvec.pipeline.train import train_to

    path = Path(output_folder)
    trained = train_to(path, corpus, overwrite=overwrite, reporter=Reporter(quiet=quiet), **chosen)
    _say(summary(trained, path), as_json)


def vocab(
    corpus: o.Text,
    output_folder: o.Out,
    tokenizer: o.TokenizerName = None,
    case: o.Case = None,
    join_hyphen: o.JoinHyphen = None,
    format: o.Format = None,  # noqa: A002
    align_ids: o.AlignIds = False,
    errors: o.Errors = None,
    min_count: o.MinCount = None,
    max_vocab: o.MaxVocab = None,
    config: Config = None,
    overwrite: o.Overwrite = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Text → vocabulary: which words there are, and how often.

    Example: morphvec vocab corpus.txt -o vocabulary --min-count 3
    """
    chosen = _chosen(dict(locals()))
    chosen.pop("features", None)  # --align-ids concerns the format alone here
    from morphvec.artifact import check_output
    from morphvec.pipeline.nouns import save_vocabulary
    from morphvec.pipeline.options import TextStage, make_stage
    from morphvec.pipeline.train import make_vocabulary, open_corpus

    path = Path(output_folder)
    check_output(path, overwrite=overwrite)
    text = make_stage(TextStage, chosen)
    vocabulary, origin = make_vocabulary(open_corpus(corpus, text), text, Reporter(quiet=quiet))
    save_vocabulary(path, vocabulary, origin, overwrite=overwrite)
    document = {
        "vocabulary": str(path),
        "words": len(vocabulary),
        "types": vocabulary.types,
        "tokens": vocabulary.tokens,
    }
    if as_json:
        emit_json(document)
    else:
        emit(f"{path}: {len(vocabulary):,} of {vocabulary.types:,} words, {vocabulary.tokens:,} tokens")


def count(
    corpus: o.Text,
    output_folder: o.Out,
    vocab: Annotated[str, typer.Option("--vocab", help="The vocabulary folder.", show_default=False)],
    format: o.Format = None,  # noqa: A002
    align_ids: o.AlignIds = False,
    errors: o.Errors = None,
    method: o.MethodDefaults = None,
    features: o.Features = None,
    window: o.Window = None,
    window_weight: o.WindowWeight = None,
    ngrams: o.Ngrams = None,
    ngram_min_types: o.NgramMinTypes = None,
    unimorph: o.Unimorph = None,
    derivations: o.Derivations = None,
    conllu: o.Conllu = None,
    segments: o.Segments = None,
    morfessor: o.Morfessor = None,
    affixes: o.Affixes = None,
    hold_out: o.HoldOut = None,
    threads: o.Threads = None,
    memory: o.Memory = None,
    config: Config = None,
    overwrite: o.Overwrite = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Text and vocabulary → counts. Words are told apart as the vocabulary was; --format and --errors are its own
    where they are not given.

    Example: morphvec count corpus.txt --vocab vocabulary -o counts --window 2
    """
    chosen = _chosen(dict(locals()))
    from morphvec.artifact import check_output
    from morphvec.pipeline.methods import with_defaults
    from morphvec.pipeline.nouns import load_vocabulary, save_counts
    from morphvec.pipeline.options import CountStage, RunOptions, TextStage, make_stage
    from morphvec.pipeline.train import make_counts, open_corpus

    path = Path(output_folder)
    check_output(path, overwrite=overwrite)
    stage, run = make_stage(CountStage, with_defaults(chosen)), make_stage(RunOptions, chosen)
    vocabulary, origin = load_vocabulary(Path(vocab))
    text = make_stage(
        TextStage,
        {**origin.config, **{name: chosen[name] for name in ("format", "errors") if name in chosen}},
    )
    counts, vocabulary, origin = make_counts(
        open_corpus(corpus, text), text, stage, run, Reporter(quiet=quiet), (vocabulary, origin)
    )
    save_counts(path, counts, vocabulary, origin, overwrite=overwrite)
    document = {
        "counts": str(path),
        "words": len(vocabulary),
        "features": len(counts.features),
        "cells": counts.matrix.nnz,
    }
    if as_json:
        emit_json(document)
    else:
        emit(
            f"{path}: {counts.matrix.nnz:,} cells of {len(vocabulary):,} words and {len(counts.features):,} features"
        )


def weigh(
    folder: o.Folder,
    output_folder: o.Out,
    method: o.MethodDefaults = None,
    association: o.AssociationKind = None,
    smoothing: o.Smoothing = None,
    shift: o.Shift = None,
    add_lambda: o.AddLambda = None,
    unobserved: o.Unobserved = None,
    weight: o.Weight = None,
    weight_max: o.WeightMax = None,
    threads: o.Threads = None,
    memory: o.Memory = None,
    config: Config = None,
    overwrite: o.Overwrite = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Counts → association: PMI, PPMI, shifted, with the weight of each cell.

    Example: morphvec weigh counts -o association --smoothing 1
    """
    chosen = _chosen(dict(locals()))
    from morphvec.artifact import check_output
    from morphvec.pipeline.methods import with_defaults
    from morphvec.pipeline.nouns import load_counts, save_association
    from morphvec.pipeline.options import RunOptions, WeighStage, make_stage
    from morphvec.pipeline.train import make_association

    path = Path(output_folder)
    check_output(path, overwrite=overwrite)
    stage, run = make_stage(WeighStage, with_defaults(chosen)), make_stage(RunOptions, chosen)
    counts, vocabulary, origin = load_counts(Path(folder))
    made, origin = make_association(counts, stage, run, origin, Reporter(quiet=quiet))
    save_association(path, made, vocabulary, origin, overwrite=overwrite)
    document = {
        "association": str(path),
        "words": len(vocabulary),
        "features": len(made.features),
        "cells": made.matrix.nnz,
    }
    if as_json:
        emit_json(document)
    else:
        emit(
            f"{path}: {made.matrix.nnz:,} stored cells of {len(vocabulary):,} words and {len(made.features):,} features"
        )


def fit(
    folder: o.Folder,
    output_folder: o.Out,
    method: o.Method = None,
    target: o.Target = None,
    loss: o.Loss = None,
    centre: o.Centre = None,
    negatives: o.Negatives = None,
    sample: o.Sample = None,
    noise_power: o.NoisePower = None,
    racing: o.Racing = None,
    dim: o.Dim = None,
    parts: o.PartNames = None,
    ngrams: o.Ngrams = None,
    ngram_min_types: o.NgramMinTypes = None,
    own_weight: o.OwnWeight = None,
    own_weight_split: o.OwnWeightSplit = None,
    rules: o.Rules = None,
    unaligned: o.Unaligned = None,
    ridge: o.Ridge = None,
    ridge_own: o.RidgeOwn = None,
    ridge_parts: o.RidgeParts = None,
    ridge_features: o.RidgeFeatures = None,
    power: o.Power = None,
    output: o.Output = None,
    seed: o.Seed = None,
    constraint: o.Constraint = None,
    graph: o.GraphName = None,
    normalise: o.Normalise = None,
    unimorph: o.Unimorph = None,
    derivations: o.Derivations = None,
    conllu: o.Conllu = None,
    segments: o.Segments = None,
    morfessor: o.Morfessor = None,
    affixes: o.Affixes = None,
    classes: o.Classes = None,
    edges: o.Edges = None,
    class_weights: o.ClassWeights = None,
    hold_out: o.HoldOut = None,
    solver: o.Solver = None,
    epochs: o.Epochs = None,
    cg_steps: o.CgSteps = None,
    cg_tol: o.CgTol = None,
    validation: o.Validation = None,
    patience: o.Patience = None,
    batch: o.Batch = None,
    learning_rate: o.LearningRate = None,
    schedule: o.Schedule = None,
    momentum: o.Momentum = None,
    clip: o.Clip = None,
    updates: o.Updates = None,
    edge_samples: o.EdgeSamples = None,
    unobserved_samples: o.UnobservedSamples = None,
    oversample_language: o.OversampleLanguage = None,
    oversample_class: o.OversampleClass = None,
    oversample_rare: o.OversampleRare = None,
    importance: o.Importance = None,
    threads: o.Threads = None,
    memory: o.Memory = None,
    checkpoint_every: o.CheckpointEvery = None,
    resume: o.Resume = None,
    config: Config = None,
    overwrite: o.Overwrite = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Association and morphology → a model folder.

    Example: morphvec fit association -o model --dim 200 --unimorph eng.tsv.gz
    """
    chosen = _chosen(dict(locals()))
    from morphvec.pipeline.methods import check_read, with_defaults
    from morphvec.pipeline.nouns import load_association
    from morphvec.pipeline.options import FitStage, RunOptions, make_stage
    from morphvec.pipeline.train import check_places, fit_to

    path = Path(output_folder)
    asked, chosen = chosen, with_defaults(chosen)
    stage, run = make_stage(FitStage, chosen), make_stage(RunOptions, chosen)
    check_read(asked, stage.method)
    check_places(path, run, overwrite=overwrite)
    made, vocabulary, origin = load_association(Path(folder))
    reporter = Reporter(quiet=quiet)
    trained = fit_to(path, made, vocabulary, stage, run, origin, reporter, overwrite=overwrite)
    seconds = {"count": 0.0, "fit": trained.seconds["fit"], "total": trained.seconds["fit"]}
    _say(summary(replace(trained, seconds=seconds), path), as_json)
