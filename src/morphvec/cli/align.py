"""Two models of one language each, mapped into one space."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from morphvec.cli import options as o
from morphvec.report import Reporter, emit, emit_json

_PANEL = "From text to vectors"
_TOLD = 5  # numbers of rounds that the report has room for


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(rich_help_panel=_PANEL)(align)


def align(
    source: Annotated[
        str, typer.Argument(help="The model whose vectors are turned, of one language.", show_default=False)
    ],
    target: Annotated[
        str,
        typer.Argument(
            help="The model whose space they come into, of another; its directions are weighed too, but with --reweight 0.",
            show_default=False,
        ),
    ],
    output_folder: o.Out,
    dictionary: Annotated[
        str | None,
        typer.Option(
            "--dict",
            help="Pairs of words, source⇥target, to fit the map to.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    identical: Annotated[
        bool,
        typer.Option("--identical", help="Words spelled alike on both sides are pairs.", show_default=False),
    ] = False,
    languages: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--languages",
            help="Languages of the two models. Default: the models' own.",
            metavar="SRC TGT",
            show_default=False,
        ),
    ] = None,
    preprocess: Annotated[
        str,
        typer.Option(
            "--preprocess", help="What is done to the vectors first, in this order: unit, centre; or none."
        ),
    ] = "unit,centre,unit",
    reweight: Annotated[
        float,
        typer.Option(
            "--reweight",
            help="Directions count by how well the pairs agree on them, to this power; 0: the map is orthogonal, and "
            "within each language all cosines stay.",
        ),
    ] = 0.5,
    refine: Annotated[
        int,
        typer.Option("--refine", help="Rounds of refinement by mutual nearest neighbours (CSLS), at most."),
    ] = 20,
    restrict: Annotated[
        int, typer.Option("--restrict", help="Refine among so many of the most frequent words of each side.")
    ] = 5_000,
    held_out: Annotated[
        float,
        typer.Option(
            "--held-out", help="Share of the dictionary's source words to score instead of fitting to them."
        ),
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the held-out share.")] = 0,
    threads: o.Threads = None,
    overwrite: o.Overwrite = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Two models → one space, by a map from pairs of words (Procrustes, re-weighted), refined by CSLS.

    Example: morphvec align spa-model por-model -o joint --languages spa por --identical

    Example: morphvec align spa-model por-model -o joint --dict dictionary.tsv --held-out 0.2
    """
    from morphvec.artifact import check_output
    from morphvec.cli.ask import open_model
    from morphvec.engine.local import local_engine
    from morphvec.evaluate.datasets import read_dictionary
    from morphvec.methods.align import AlignOptions
    from morphvec.methods.align import align as run

    steps = () if preprocess.strip() == "none" else tuple(step.strip() for step in preprocess.split(","))
    options = AlignOptions(identical, steps, reweight, refine, restrict, held_out, seed)
    path, reporter, start = Path(output_folder), Reporter(quiet=quiet), time.monotonic()
    engine = local_engine(threads)
    check_output(path, overwrite=overwrite)
    models = open_model(source), open_model(target)
    pairs = None if dictionary is None else read_dictionary(dictionary)
    made = run(*models, options, dictionary=pairs, languages=languages, engine=engine, reporter=reporter)
    if any(model.composes for model in models):
        reporter.note("parts of unseen words are not carried into the joint model")
    # A manifest holds the hashes of all other files of its model.
    read = [Path(place).resolve() / "manifest.json" for place in (source, target)]
    read += [] if dictionary is None else [Path(dictionary)]
    made.model.manifest["inputs"] = [_record(file) for file in read if file.is_file()]
    made.model.save(path, overwrite=overwrite)
    document: dict[str, Any] = {
        "model": output_folder,
        "words": len(made.model),
        "dim": made.model.vector_size,
        "languages": list(made.model.languages),
        **made.report,
        "seconds": time.monotonic() - start,
        "vectors_sha256": made.model.manifest["vectors_sha256"],
    }
    if as_json:
        emit_json(document)
    else:
        emit(_said(document))


def _record(file: Path) -> dict[str, Any]:
    from morphvec.artifact import sha256_file

    name = f"{file.parent.name}/{file.name}" if file.name == "manifest.json" else file.name
    return {"name": name, "bytes": file.stat().st_size, "sha256": sha256_file(file)}


def _said(document: dict[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"{document['model']}: {document['words']:,} words of {' and '.join(document['languages'])}, dim {document['dim']}"
    ]
    told, means = document["dictionary"], document["mean_cosine"]
    origins = []
    if told is not None:
        origins.append(f"{told['used']:,} of the {told['pairs']:,} in {told['name']}")
    if document["identical"] is not None:
        origins.append(f"{document['identical']:,} spelled alike")
    lines.append(f"pairs        {document['pairs']:,}: {', '.join(origins)}")
    lines.append(
        f"mean cosine  of these pairs: {means['before']:.3f} before, {means['mapped']:.3f} by the map of these pairs"
        + (f", {means['after']:.3f} refined" if document["refinements"] else "")
    )
    if document["refinements"]:
        numbers = [f"{item['mutual']:,}" for item in document["refinements"]]
        if len(numbers) > _TOLD:
            numbers[_TOLD - 2 : -1] = ["…"]
        lines.append(f"mutual pairs {', '.join(numbers)} ({len(document['refinements'])} rounds)")
    if document["open_directions"]:
        lines.append(f"the pairs leave {document['open_directions']} of the directions open")
    if document["held_out"] is not None:
        lines.append(f"held out     {document['held_out']['words']:,} words of the dictionary")
        for row in document["held_out"]["results"]:
            if row["detail"]["measure"] == "p@1" and row["score"] is not None:
                lines.append(
                    f"  {row['metric']:<31} {row['score']:.4f} [{row['low']:.4f}, {row['high']:.4f}]  n {row['n']}"
                )
    return "\n".join(lines)
