"""``morphvec demo``: the main job on text that every Python carries."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from morphvec.cli import options as o
from morphvec.cli.walk import summary
from morphvec.report import Reporter, emit, emit_json

_FOLDER = "morphvec-demo"  # the demo's own, written anew each time
_KNOWN = ("exception", "string", "returned", "thread", "encoding", "iterator")
_UNSEEN = ("unparseable", "misconfigured", "reinitializing", "nonblockingly")


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(rich_help_panel="From text to vectors")(demo)


def demo(
    output_folder: Annotated[
        str, typer.Option("--output-folder", "-o", help="The model folder to write.")
    ] = _FOLDER,
    overwrite: o.Overwrite = False,
    threads: o.Threads = None,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
) -> None:
    """Python's own documentation → vectors → neighbours, unseen words, what the constraints did. Offline.

    Example: morphvec demo
    """
    from morphvec.pipeline.showcase import affix_file, offset_agreement, write_python_text
    from morphvec.pipeline.train import train, train_to

    reporter = Reporter(quiet=quiet)
    path = Path(output_folder)
    with tempfile.TemporaryDirectory(prefix="morphvec-demo-") as name, affix_file() as affixes:
        text = Path(name) / "python-documentation.txt"
        write_python_text(text, reporter)
        settings: dict[str, Any] = {"min_count": 3, "own_weight": 3.0, "threads": threads}
        trained = train_to(
            path,
            text,
            overwrite=overwrite or output_folder == _FOLDER,
            reporter=reporter,
            affixes=str(affixes),
            constraint="offset:300",
            **settings,
        )
        reporter.note("the same once more without constraints, to compare")
        free = train(text, reporter=reporter, **settings).model
        offsets = offset_agreement([free, trained.model], affixes)
    document, model = summary(trained, path), trained.model
    neighbors = {word: model.neighbors(word, 6) for word in _KNOWN if word in model}
    unseen = {
        word: model.neighbors(word, 6) for word in _UNSEEN if word not in model and model.known_parts(word)
    }
    if as_json:
        near = {
            word: [{"word": w, "score": s} for w, s in rows] for word, rows in {**neighbors, **unseen}.items()
        }
        emit_json({**document, "neighbors": near, "unseen": list(unseen), "offsets": offsets})
        return
    emit(
        f"\n{document['words']:,} words from {document['tokens']:,} tokens of Python's documentation → {path}"
    )
    emit(f"text to vectors in {document['seconds']['total']:.1f} s, {document['cells']:,} cells\n")
    emit("Nearest words")
    _say(neighbors)
    emit("\nWords that the text does not have, composed from lemma, affixes and n-grams")
    _say(unseen)
    emit("\nWhat the constraints did: how alike the offsets of a class are (mean cosine; 1 = one direction)")
    emit(f"  {'class':<24}{'pairs':>6}   without    with   example")
    for row in offsets:
        emit(
            f"  {row['class']:<24}{row['pairs']:>6}   {row['agreement'][0]:7.2f} {row['agreement'][1]:7.2f}   {' → '.join(row['example'])}"
        )
    emit(
        f"\nGo on with:  morphvec neighbors {path} generator      morphvec analogy {path} return returned raise"
    )


def _say(answers: dict[str, list[tuple[str, float]]]) -> None:
    for word, rows in answers.items():
        emit(f"  {word:<16}" + "  ".join(f"{near} {score:.2f}" for near, score in rows))
