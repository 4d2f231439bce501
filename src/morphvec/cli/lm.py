"""lm: language models from text, and to and from ARPA files; the questions to them are in ``lm_ask``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from morphvec.cli import lm_ask
from morphvec.cli import options as o
from morphvec.cli.lm_ask import Lm, open_lm
from morphvec.report import Reporter, emit, emit_json

_WORDS, _NGRAMS = "Vocabulary", "n-gram models"
_OF_TEXT = ("tokenizer", "case", "join_hyphen", "format", "errors")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Language models: train, score, sample.")
    group.command("train")(train)
    lm_ask.register(group)
    group.command("export")(export_arpa)
    group.command("import")(import_arpa)
    app.add_typer(group, name="lm", rich_help_panel="Language models")


def _option(flag: str, text: str, panel: str, metavar: str | None = None) -> Any:
    return typer.Option(flag, help=text, rich_help_panel=panel, metavar=metavar, show_default=False)


def train(
    corpus: o.Text,
    output_folder: o.Out,
    kind: Annotated[str, _option("--kind", "What kind of model: ngram. Default: ngram.", o.MODEL)] = "ngram",
    order: Annotated[
        int | None,
        _option("--order", "A word depends on the ORDER - 1 words before it. Default: 3.", o.MODEL),
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
    held_out: Annotated[
        list[str] | None,
        _option(
            "--held-out",
            "Text that weights are found on (interpolated, ensemble). Default: every 20th line.",
            _NGRAMS,
            "PATH",
        ),
    ] = None,
    tokenizer: o.TokenizerName = None,
    case: o.Case = None,
    join_hyphen: o.JoinHyphen = None,
    format: o.Format = None,  # noqa: A002
    errors: o.Errors = None,
    seed: o.Seed = None,
    threads: o.Threads = None,
    memory: o.Memory = None,
    overwrite: o.Overwrite = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Train a language model from text; each line with words is a sentence.

    Example: morphvec lm train corpus.txt -o lm --order 5
    """
    values = dict(locals())
    of_kind = ("order", "smoothing", "add_k", "discount", "uniform", "ensemble")
    from morphvec.artifact import check_output
    from morphvec.lm.store import save
    from morphvec.lm.train import VocabularyOptions, train_model
    from morphvec.pipeline.options import RunOptions, TextStage, make_stage, parse_memory
    from morphvec.pipeline.train import open_corpus

    path = Path(output_folder)
    check_output(path, overwrite=overwrite)
    text = make_stage(TextStage, o.given({name: values[name] for name in _OF_TEXT}))
    run = RunOptions(threads, None if memory is None else parse_memory(memory))
    model = train_model(
        open_corpus(corpus, text),
        kind=kind,
        options=o.given({name: values[name] for name in of_kind}),
        words=VocabularyOptions(vocab_size, 1 if min_count is None else min_count),
        engine=run.engine,
        memory=run.budget,
        held_out=open_corpus(held_out, text) if held_out else None,
        seed=0 if seed is None else seed,
        reporter=Reporter(quiet=quiet),
    )
    save(model, path, overwrite=overwrite)
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
    """Write an n-gram model as an ARPA file, which other tools read."""
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
    """An ARPA file → a language model's folder."""
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
