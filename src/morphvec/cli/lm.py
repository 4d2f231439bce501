"""lm: language models from text, to and from ARPA files, to vectors; the questions to them are in ``lm_ask``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from morphvec.cli import lm_ask
from morphvec.cli import options as o
from morphvec.cli.config import Config
from morphvec.cli.lm_ask import Lm, open_lm
from morphvec.report import Reporter, emit, emit_json

if TYPE_CHECKING:
    from morphvec.pipeline.checkpoint import FolderKeeper
    from morphvec.training import LoopControl

_WORDS, _NGRAMS, _NEURAL = "Vocabulary", "n-gram models", "Neural models"
_OF_TEXT = ("tokenizer", "case", "join_hyphen", "format", "errors")
_OF_NGRAMS = ("smoothing", "add_k", "discount", "uniform", "ensemble")
_OF_NEURAL = (
    *("dim", "hidden", "direct", "init", "freeze", "dropout"),
    *("epochs", "patience", "batch", "sampled", "optimiser", "learning_rate", "schedule", "momentum"),
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Language models: train, score, sample.")
    group.command("train")(train)
    lm_ask.register(group)
    group.command("export")(export_arpa)
    group.command("import")(import_arpa)
    group.command("vectors")(vectors)
    app.add_typer(group, name="lm", rich_help_panel="Language models")


class _Beside:
    """The checkpoints of a run, in a folder beside the one that it writes: what ``lm.train.Checkpoints`` asks for."""

    def __init__(self, output: Path, every: int, resume: bool, reporter: Reporter) -> None:
        from morphvec.pipeline.checkpoint import place_beside

        self._path = place_beside(output)
        self._every, self._resume, self._reporter = every, resume, reporter
        self._keeper: FolderKeeper | None = None

    def check(self, config: Mapping[str, Any]) -> None:
        """Refuse a place for checkpoints that cannot be written or gone on from."""
        from morphvec.pipeline.checkpoint import check_place

        check_place(self._path, resume=self._resume, config=config)

    def control(self, record: Mapping[str, Any]) -> LoopControl:
        """How the loop keeps the run of this record."""
        from morphvec.pipeline.checkpoint import FolderKeeper
        from morphvec.training import LoopControl

        self._keeper = FolderKeeper(self._path, record, resume=self._resume, reporter=self._reporter)
        return LoopControl(self._every, self._keeper)

    def interrupted(self) -> None:
        """Say where to go on from, if anywhere."""
        if self._keeper is not None:
            self._keeper.interrupted()

    def over(self) -> None:
        """The model stands: its checkpoint goes."""
        if self._keeper is not None:
            self._keeper.remove()


def _option(flag: str, text: str, panel: str, metavar: str | None = None) -> Any:
    return typer.Option(flag, help=text, rich_help_panel=panel, metavar=metavar, show_default=False)


def train(
    corpus: o.Text,
    output_folder: o.Out,
    kind: Annotated[
        str, _option("--kind", "What kind of model: ngram or neural. Default: ngram.", o.MODEL)
    ] = "ngram",
    order: Annotated[
        int | None,
        _option(
            "--order",
            "A word depends on the ORDER - 1 words before it. Default: 3; 5 for neural models.",
            o.MODEL,
        ),
    ] = None,
    held_out: Annotated[
        list[str] | None,
        _option(
            "--held-out",
            "Text that is not trained on: weights are found on it (interpolated, ensemble), neural models stop by it. "
            "Default: every 20th line, where it is needed.",
            o.MODEL,
            "PATH",
        ),
    ] = None,
    vocab_size: Annotated[
        int | None,
        _option("--vocab-size", "Keep so many words, the rest is <unk>. Default: all.", _WORDS),
    ] = None,
    min_count: Annotated[
        int | None, _option("--min-count", "Words met less often are <unk>. Default: 1.", _WORDS)
    ] = None,
    smoothing: Annotated[
        str | None,
        _option(
            "--smoothing",
            "ml, add-k, interpolated, absolute, kneser-ney or modified-kneser-ney. Default: modified-kneser-ney.",
            _NGRAMS,
        ),
    ] = None,
    add_k: Annotated[
        float | None, _option("--add-k", "What add-k adds to every count. Default: 1.0.", _NGRAMS)
    ] = None,
    discount: Annotated[
        float | None,
        _option(
            "--discount",
            "The discount of absolute and kneser-ney at every order. Default: from the counts of counts.",
            _NGRAMS,
        ),
    ] = None,
    uniform: Annotated[
        bool | None,
        _option(
            "--uniform/--no-uniform",
            "Discount single words too, in favour of words never met. Default: True.",
            _NGRAMS,
        ),
    ] = None,
    ensemble: Annotated[
        bool | None,
        _option("--ensemble/--no-ensemble", "Mix the models of orders 1 to ORDER. Default: False.", _NGRAMS),
    ] = None,
    dim: Annotated[
        int | None,
        _option("--dim", "Numbers in a word's vector. Default: 100, or those of --init.", _NEURAL),
    ] = None,
    hidden: Annotated[
        int | None, _option("--hidden", "Units of the tanh layer. Default: 100.", _NEURAL)
    ] = None,
    direct: Annotated[
        bool | None,
        _option(
            "--direct/--no-direct", "Connect vectors straight to the softmax too. Default: False.", _NEURAL
        ),
    ] = None,
    init: Annotated[
        str | None,
        _option(
            "--init",
            "A folder of vectors: words that it has start with theirs. Default: random vectors.",
            _NEURAL,
            "MODEL",
        ),
    ] = None,
    freeze: Annotated[
        bool | None,
        _option("--freeze/--no-freeze", "The vectors of --init stay as they are. Default: False.", _NEURAL),
    ] = None,
    dropout: Annotated[
        float | None,
        _option("--dropout", "Share of inputs and hidden units silenced in a step. Default: 0.2.", _NEURAL),
    ] = None,
    epochs: Annotated[
        int | None, _option("--epochs", "Passes over the text, at most. Default: 10.", _NEURAL)
    ] = None,
    patience: Annotated[
        int | None,
        _option(
            "--patience",
            "Stop after so many epochs without a lower loss on held-out text; 0: never. Default: 2.",
            _NEURAL,
        ),
    ] = None,
    batch: Annotated[int | None, _option("--batch", "Predictions in a step. Default: 256.", _NEURAL)] = None,
    sampled: Annotated[
        int | None,
        _option(
            "--sampled",
            "Train on so many words a step, drawn anew, in place of the whole softmax; 0: all. Default: 0.",
            _NEURAL,
        ),
    ] = None,
    optimiser: Annotated[str | None, _option("--optimiser", "adam or sgd. Default: adam.", _NEURAL)] = None,
    learning_rate: Annotated[
        float | None, _option("--learning-rate", "Of the first step. Default: 0.002.", _NEURAL)
    ] = None,
    schedule: Annotated[
        str | None,
        _option("--schedule", "The rate over the epochs: constant or cosine. Default: cosine.", _NEURAL),
    ] = None,
    momentum: Annotated[float | None, _option("--momentum", "Of sgd. Default: 0.9.", _NEURAL)] = None,
    tokenizer: o.TokenizerName = None,
    case: o.Case = None,
    join_hyphen: o.JoinHyphen = None,
    format: o.Format = None,  # noqa: A002
    errors: o.Errors = None,
    seed: o.Seed = None,
    threads: o.Threads = None,
    memory: o.Memory = None,
    checkpoint_every: o.CheckpointEvery = None,
    resume: o.Resume = None,
    config: Config = None,
    overwrite: o.Overwrite = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Train a language model from text; each line with words is a sentence.

    Example: morphvec lm train corpus.txt -o lm --order 5

    Example: morphvec lm train corpus.txt -o lm --kind neural --init model --freeze
    """
    values = dict(locals())
    from morphvec.artifact import check_output
    from morphvec.lm.store import save
    from morphvec.lm.train import VocabularyOptions, train_model
    from morphvec.pipeline.options import RunOptions, TextStage, make_stage, parse_memory
    from morphvec.pipeline.train import open_corpus

    path, reporter = Path(output_folder), Reporter(quiet=quiet)
    check_output(path, overwrite=overwrite)
    text = make_stage(TextStage, o.given({name: values[name] for name in _OF_TEXT}))
    run = RunOptions(
        threads, None if memory is None else parse_memory(memory), checkpoint_every or 0, bool(resume)
    )
    beside = None
    if run.checkpoint_every or run.resume:
        beside = _Beside(path, run.checkpoint_every, run.resume, reporter)
    try:
        model = train_model(
            open_corpus(corpus, text),
            kind=kind,
            options=o.given({name: values[name] for name in ("order", *_OF_NGRAMS, *_OF_NEURAL)}),
            words=VocabularyOptions(vocab_size, 1 if min_count is None else min_count),
            engine=run.engine,
            memory=run.budget,
            held_out=open_corpus(held_out, text) if held_out else None,
            seed=0 if seed is None else seed,
            reporter=reporter,
            checkpoints=beside,
        )
    except KeyboardInterrupt:
        if beside is not None:
            beside.interrupted()
        raise
    save(model, path, overwrite=overwrite)
    if beside is not None:
        beside.over()
    document = {
        "model": output_folder,
        "order": model.order,
        "words": len(model.vocabulary.words),
        "tokens": model.manifest["tokens"],
    }
    if as_json:
        emit_json(document)
    else:
        emit(
            f"{output_folder}: order {model.order}, {document['words']:,} words from {document['tokens']:,} tokens"
        )


def export_arpa(
    model: Lm,
    output_file: Annotated[
        str, typer.Option("--output-file", "-o", help="The ARPA file to write.", show_default=False)
    ],
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the file.", rich_help_panel=o.RUN, show_default=False),
    ] = False,
    as_json: o.Json = False,
) -> None:
    """Write an n-gram model as an ARPA file, which other tools read.

    Example: morphvec lm export lm -o lm.arpa
    """
    from morphvec.lm.arpa import write_arpa

    opened = open_lm(model)
    write_arpa(opened, Path(output_file), overwrite=overwrite)
    document = {"file": output_file, "order": opened.order, "words": len(opened.vocabulary.words)}
    if as_json:
        emit_json(document)
    else:
        emit(f"{output_file}: order {opened.order}, {document['words']:,} words")


def import_arpa(
    file: Annotated[str, typer.Argument(help="An ARPA file.", show_default=False)],
    output_folder: o.Out,
    tokenizer: Annotated[
        str,
        _option(
            "--tokenizer",
            "How texts for it become words; the file does not say. Default: whitespace.",
            o.READ,
        ),
    ] = "whitespace",
    case: Annotated[str, _option("--case", "lower or keep. Default: keep.", o.READ)] = "keep",
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
) -> None:
    """An ARPA file → a language model's folder.

    Example: morphvec lm import lm.arpa -o lm --case lower
    """
    from morphvec.artifact import check_output
    from morphvec.lm.arpa import read_arpa
    from morphvec.lm.store import save
    from morphvec.text.tokenize import Tokenizer

    path = Path(output_folder)
    check_output(path, overwrite=overwrite)
    model = read_arpa(file, Tokenizer(tokenizer, case))
    save(model, path, overwrite=overwrite)
    document = {"model": output_folder, "order": model.order, "words": len(model.vocabulary.words)}
    if as_json:
        emit_json(document)
    else:
        emit(f"{output_folder}: order {model.order}, {document['words']:,} words")


def vectors(model: Lm, output_folder: o.Out, overwrite: o.Overwrite = False, as_json: o.Json = False) -> None:
    """The table of a neural model → a folder of vectors, for neighbors, evaluate, or --init of another model.

    Example: morphvec lm vectors lm -o model
    """
    from morphvec.artifact import check_output
    from morphvec.lm.neural import embeddings

    path = Path(output_folder)
    check_output(path, overwrite=overwrite)
    table = embeddings(open_lm(model))
    table.save(path, overwrite=overwrite)
    document = {"model": output_folder, "words": len(table), "dim": table.vector_size}
    if as_json:
        emit_json(document)
    else:
        emit(f"{output_folder}: {len(table):,} words, dim {table.vector_size}")
