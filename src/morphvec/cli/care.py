"""Taking care: doctor, import, export, quantize."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Any

import typer

from morphvec.cli import options as o
from morphvec.cli.config import Config
from morphvec.report import Reporter, emit, emit_json

_PANEL = "Files and health"
_EXTRAS = {
    "view": ("openTSNE", "matplotlib"),
    "explore": ("starlette", "uvicorn"),
    "cluster": ("distributed",),
    "arrow": ("pyarrow",),
    "fast-io": ("zstandard", "isal"),
    "morfessor": ("morfessor",),
    "ann": ("usearch",),
    "tune": ("optuna",),
    "data": ("pooch",),
}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("doctor", rich_help_panel=_PANEL)(doctor)
    app.command("import", rich_help_panel=_PANEL)(import_)
    app.command("export", rich_help_panel=_PANEL)(export)
    app.command("quantize", rich_help_panel=_PANEL)(quantize)


def doctor(
    model: Annotated[
        str | None,
        typer.Argument(help="A model folder to check: every hash, every part.", show_default=False),
    ] = None,
    warm: Annotated[
        bool,
        typer.Option(
            "--warm", help="Compile the kernels now, so that the first run need not.", show_default=False
        ),
    ] = False,
    as_json: o.Json = False,
) -> None:
    """Versions, cores, extras; whether the kernels are compiled; whether a model folder is sound.

    Exit code 2 where the model has a problem.

    Example: morphvec doctor model

    Example: morphvec doctor --warm
    """
    from morphvec.embeddings.embeddings import Embeddings
    from morphvec.embeddings.store import NOUN, versions
    from morphvec.engine.local import cores
    from morphvec.pipeline.warm import kernels_kept, warm_kernels

    extras = {
        name: all(importlib.util.find_spec(module) is not None for module in modules)
        for name, modules in _EXTRAS.items()
    }
    document: dict[str, Any] = {
        "versions": versions(),
        "cores": cores(),
        "threads": cores(),
        "extras": extras,
    }
    if warm:
        warm_kernels(Reporter())
    document["kernels"] = kernels_kept()
    problems: list[str] = []
    if model is not None:
        from morphvec.artifact import verify
        from morphvec.errors import MorphvecError

        problems = verify(Path(model), NOUN)
        if not problems:
            try:
                opened = Embeddings.load(model)
                _ = opened.key_to_index, opened.counts  # a large vocabulary is parsed when it is asked for
            except MorphvecError as error:
                problems = [str(error)]
        document["model"] = {"ok": not problems, "problems": problems}
    if as_json:
        emit_json(document)
    else:
        emit("\n".join(f"{name:<10} {version}" for name, version in document["versions"].items()))
        emit(f"cores      {document['cores']}")
        emit(f"threads    {document['threads']}, where --threads says nothing else")
        kept = document["kernels"]
        emit(
            f"kernels    {kept['compiled']} compiled, kept in {kept['folder']}"
            if kept["compiled"]
            else "kernels    none compiled yet; morphvec doctor --warm does it, or the first run"
        )
        emit(
            "extras     " + ", ".join(f"{name} {'yes' if there else 'no'}" for name, there in extras.items())
        )
        if model is not None:
            emit(f"model      {'sound' if not problems else 'damaged'}")
            for problem in problems:
                emit(f"  {problem}")
    if problems:
        raise typer.Exit(2)


def import_(
    file: Annotated[
        str,
        typer.Argument(
            help="word2vec or GloVe text, word2vec binary, a fastText .bin (plain or under .gz), Parquet, or a folder of Model2Vec or the Embedding Projector.",
            show_default=False,
        ),
    ],
    output_folder: o.Out,
    from_: Annotated[
        str,
        typer.Option(
            "--from",
            help="auto (told by content), word2vec, word2vec-bin, glove, fasttext-vec, fasttext, parquet, model2vec, sentence-transformers or projector.",
        ),
    ] = "auto",
    tokenizer: o.ImportTokenizer = "whitespace",
    case: o.ImportCase = "keep",
    errors: Annotated[
        str, typer.Option("--errors", help="Words that are not UTF-8: strict or replace.")
    ] = "strict",
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
) -> None:
    """Vectors made elsewhere → a model folder. Say how their words were made, so that queries and tests are folded alike.

    A fastText .bin keeps its rule for unseen words. Pickles are never opened.

    Example: morphvec import vectors.txt -o model --case lower

    Example: morphvec import cc.fi.300.bin.gz -o model --from fasttext --case lower
    """
    from morphvec.artifact import check_output, sha256_file
    from morphvec.embeddings.formats.catalogue import read
    from morphvec.text.tokenize import Tokenizer

    rule = Tokenizer(tokenizer, case)
    check_output(Path(output_folder), overwrite=overwrite)
    path = Path(file)
    reporter = Reporter()
    size = path.stat().st_size if path.is_file() else None
    with reporter.stage(f"read {path.name}", size, "bytes") as progress:
        found = read(path, from_, errors=errors, tokenizer=rule, advance=progress.advance)
        progress.advance(0, found.format)
    found.model.manifest = {
        "method": "imported",
        "source": found.source,
        "inputs": [
            {"name": item.name, "bytes": item.stat().st_size, "sha256": sha256_file(item)}
            for item in (
                sorted(item for item in path.iterdir() if item.is_file()) if path.is_dir() else [path]
            )
        ],
    }
    found.model.save(output_folder, overwrite=overwrite)
    for note in found.notes:
        reporter.note(f"{path.name}: {note}")
    document = {"model": output_folder, "words": len(found.model), "dim": found.model.vector_size}
    if as_json:
        emit_json(document)
    else:
        emit(f"{output_folder}: {len(found.model):,} words, dim {found.model.vector_size}")


def export(
    model: o.Model,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="word2vec, word2vec-bin, glove, fasttext-vec, fasttext (.bin), model2vec, sentence-transformers, spacy, parquet or projector.",
            show_default=False,
        ),
    ],
    output_folder: Annotated[
        str, typer.Option("--output-folder", "-o", help="The file or folder to write.", show_default=False)
    ],
    as_json: o.Json = False,
) -> None:
    """A model → words and vectors in a format of other tools. What the format does not carry is said.

    Example: morphvec export model --to word2vec -o vectors.txt
    """
    from morphvec.cli.ask import open_model
    from morphvec.embeddings.formats.catalogue import lost, write

    opened, reporter = open_model(model), Reporter()
    with reporter.stage(f"write {Path(output_folder).name}", len(opened), "words") as progress:
        write(opened, Path(output_folder), to, progress.advance)
    left_out = lost(opened, to)
    if left_out:
        reporter.note(f"{to} does not carry: {', '.join(left_out)}")
    if as_json:
        emit_json({"file": output_folder, "format": to, "words": len(opened), "dim": opened.vector_size})
    else:
        emit(f"{output_folder}: {len(opened):,} words, dim {opened.vector_size}")


def quantize(
    model: o.Model,
    output_folder: o.Out,
    bits: Annotated[int, typer.Option("--bits", help="Bits of a number: 8, each row with its scale.")] = 8,
    pq: Annotated[
        int | None,
        typer.Option(
            "--pq",
            help="Bytes of a row instead (product quantization); divides the dimensions.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the centres of --pq.")] = 0,
    config: Config = None,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
) -> None:
    """A model → the same of a quarter of the size or less, for every command.

    Example: morphvec quantize model -o small

    Example: morphvec quantize model --pq 50 -o smaller
    """
    from morphvec.artifact import check_output
    from morphvec.cli.ask import open_model
    from morphvec.embeddings.quantize import agreement
    from morphvec.embeddings.quantize import quantize as run

    place = Path(output_folder)
    check_output(place, overwrite=overwrite)
    opened = open_model(model)
    with Reporter().stage("quantize"):
        made = run(opened, bits=bits, pq=pq, seed=seed)
    made.save(place, overwrite=overwrite)
    before, after = (sum(file.stat().st_size for file in Path(of).iterdir()) for of in (model, place))
    kept = agreement(opened, made)
    document = {"model": output_folder, "words": len(made), "dim": made.vector_size, "bytes": after}
    if as_json:
        emit_json({**document, "bytes_before": before, "cosine": kept})
    else:
        emit(
            f"{output_folder}: {after / 1e6:.1f} MB of {before / 1e6:.1f} MB; a word's cosine to itself is {kept:.4f} on average"
        )
