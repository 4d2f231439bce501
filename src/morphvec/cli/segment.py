"""segment: learn how the words of a corpus fall into morphs, and cut words with what was learned."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from morphvec.cli import options as o
from morphvec.cli.config import Config
from morphvec.errors import InputError
from morphvec.report import Reporter, emit, emit_json


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Cut words into morphs (Morfessor).")
    group.command("train")(train)
    group.command("apply")(apply)
    app.add_typer(group, name="segment", rich_help_panel="Morphology")


def train(
    corpus: o.Text,
    output_file: Annotated[
        str, typer.Option("--output-file", "-o", help="The file to write.", show_default=False)
    ],
    tokenizer: o.TokenizerName = None,
    case: o.Case = None,
    join_hyphen: o.JoinHyphen = None,
    format: o.Format = None,  # noqa: A002
    errors: o.Errors = None,
    min_count: o.MinCount = None,
    max_vocab: o.MaxVocab = None,
    seed: o.Seed = None,
    dampening: Annotated[
        str,
        typer.Option(
            "--dampening",
            help="What a word met n times counts: ones, log or none (n times).",
            rich_help_panel=o.MODEL,
        ),
    ] = "ones",
    config: Config = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the file.", rich_help_panel=o.RUN, show_default=False),
    ] = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Learn morphs from the words of one language. The file is text that Morfessor reads too.

    Example: morphvec segment train corpus.txt -o morphs.txt

    Example: morphvec segment train fin=corpus.txt -o morphs.txt --min-count 2 --dampening log
    """
    chosen = o.given(
        {
            "tokenizer": tokenizer,
            "case": case,
            "join_hyphen": join_hyphen,
            "format": format,
            "errors": errors,
            "min_count": min_count,
            "max_vocab": max_vocab,
        }
    )
    from morphvec.morphology.segmentation import check_free, check_library, train_morphs, write_morphs
    from morphvec.pipeline.options import TextStage, make_stage
    from morphvec.pipeline.train import make_vocabulary, open_corpus

    path, reporter = Path(output_file), Reporter(quiet=quiet)
    check_free(path, overwrite=overwrite)
    check_library()
    text = make_stage(TextStage, chosen)
    vocabulary, _ = make_vocabulary(open_corpus(corpus, text), text, reporter)
    if len(vocabulary.languages) > 1:
        raise InputError(
            f"a corpus of the languages {', '.join(vocabulary.languages)}",
            "morphs are learned from the words of one language",
            "run the command once for each language",
        )
    with reporter.stage("morphs") as progress:
        model = train_morphs(
            vocabulary.bare(),
            vocabulary.counts,
            vocabulary.languages[0] if vocabulary.languages else "",
            0 if seed is None else seed,
            dampening=dampening,
        )
        progress.advance(len(model.lines), f"{len(model.morphs):,} morphs")
    write_morphs(path, model, overwrite=overwrite)
    document = {"model": output_file, "words": len(model.lines), "morphs": len(model.morphs)}
    if as_json:
        emit_json(document)
    else:
        emit(f"{output_file}: {len(model.morphs):,} morphs of {len(model.lines):,} words")


def apply(
    model: Annotated[
        str,
        typer.Argument(
            help="A morph model in text, FILE or LANG=FILE (the language decides about dotless i).",
            show_default=False,
        ),
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(help="Words; read from stdin, parted by spaces, where none or - is given."),
    ] = None,
    case: Annotated[
        str, typer.Option("--case", help="lower: cut the lower-cased word; keep: as it stands.")
    ] = "lower",
    as_json: o.Json = False,
) -> None:
    """Cut words into morphs: word⇥morph|morph, which --segments reads.

    Example: morphvec segment apply morphs.txt unhappiness
    """
    from morphvec.morphology.segmentation import read_morphs
    from morphvec.morphology.tables import parse_language_path
    from morphvec.text.tokenize import Tokenizer

    language, path = parse_language_path(model)
    rule = Tokenizer(case=case)
    opened = read_morphs(path, language)
    asked = [word for item in words or ["-"] for word in (_from_stdin() if item == "-" else [item])]
    found = [(word, opened.segment(rule.fold(word, language))) for word in asked]
    if as_json:
        emit_json({"words": [{"word": word, "morphemes": list(morphs)} for word, morphs in found]})
        return
    for word, morphs in found:
        emit(f"{word}\t{'|'.join(morphs)}")


def _from_stdin() -> list[str]:
    try:
        return sys.stdin.buffer.read().decode("utf-8").split()
    except UnicodeDecodeError as error:
        raise InputError(
            f"stdin, byte {error.start + 1}: 0x{error.object[error.start]:02X}",
            "text is UTF-8",
            "convert it to UTF-8",
        ) from error
