"""Taking care: doctor, import, export."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Any

import typer

from morphvec.cli import options as o
from morphvec.errors import OptionError
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
_FORMATS = ("word2vec", "glove")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("doctor", rich_help_panel=_PANEL)(doctor)
    app.command("import", rich_help_panel=_PANEL)(import_)
    app.command("export", rich_help_panel=_PANEL)(export)


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
    """
    from morphvec.embeddings.embeddings import Embeddings
    from morphvec.embeddings.store import NOUN, versions
    from morphvec.engine.local import cores

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
        _warm()
        document["warm"] = True
    problems: list[str] = []
    if model is not None:
        from morphvec.artifact import verify
        from morphvec.errors import MorphvecError

        problems = verify(Path(model), NOUN)
        if not problems:
            try:
                Embeddings.load(model)
            except MorphvecError as error:
                problems = [str(error)]
        document["model"] = {"ok": not problems, "problems": problems}
    if as_json:
        emit_json(document)
    else:
        emit("\n".join(f"{name:<10} {version}" for name, version in document["versions"].items()))
        emit(f"cores      {document['cores']}")
        emit(
            "extras     " + ", ".join(f"{name} {'yes' if there else 'no'}" for name, there in extras.items())
        )
        if model is not None:
            emit(f"model      {'sound' if not problems else 'damaged'}")
            for problem in problems:
                emit(f"  {problem}")
    if problems:
        raise typer.Exit(2)


def _warm() -> None:
    from morphvec.pipeline.train import train

    reporter = Reporter()
    with reporter.stage("compile kernels"):
        sentences = [["walk", "walked", "talk", "talked"], ["walked", "talk", "jump", "jumped"]] * 20
        train(sentences, tokenizer="whitespace", min_count=1, dim=4, ngram_min_types=1, epochs=1)
        train(sentences, tokenizer="whitespace", min_count=1, dim=4, parts="own", epochs=1)


def import_(
    file: Annotated[str, typer.Argument(help="Vectors as word2vec or GloVe text.", show_default=False)],
    output_folder: o.Out,
    tokenizer: o.ImportTokenizer = "whitespace",
    case: o.ImportCase = "keep",
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
) -> None:
    """Vectors made elsewhere → a model folder. Say how their words were made, so that queries and tests are folded alike.

    Example: morphvec import vectors.txt -o model --case lower
    """
    from morphvec.artifact import sha256_file
    from morphvec.embeddings.formats.word2vec import read_text
    from morphvec.text.tokenize import Tokenizer

    path = Path(file)
    rule = Tokenizer(tokenizer, case)
    model = read_text(path, rule)
    model.manifest = {
        "method": "imported",
        "inputs": [{"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_file(path)}],
    }
    model.save(output_folder, overwrite=overwrite)
    document = {"model": output_folder, "words": len(model), "dim": model.vector_size}
    if as_json:
        emit_json(document)
    else:
        emit(f"{output_folder}: {len(model):,} words, dim {model.vector_size}")


def export(
    model: o.Model,
    to: Annotated[str, typer.Option("--to", help="word2vec or glove (text).", show_default=False)],
    output_folder: Annotated[
        str, typer.Option("--output-folder", "-o", help="The file to write.", show_default=False)
    ],
    as_json: o.Json = False,
) -> None:
    """A model → vectors in a format of other tools. What unseen words are composed from is not carried."""
    from morphvec.cli.ask import open_model
    from morphvec.embeddings.formats.word2vec import write_text

    if to not in _FORMATS:
        raise OptionError(f"to={to!r}", f"it is one of {', '.join(_FORMATS)}", "choose one of them for --to")
    opened = open_model(model)
    write_text(opened, Path(output_folder), header=to == "word2vec")
    if as_json:
        emit_json({"file": output_folder, "format": to, "words": len(opened), "dim": opened.vector_size})
        return
    emit(
        f"{output_folder}: {len(opened):,} words, dim {opened.vector_size}"
        + ("; the parts of unseen words are not carried" if opened.composes else "")
    )
