"""``morphvec explore``: one or two models on a page of this machine."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from morphvec.cli import options as o
from morphvec.cli.ask import open_model
from morphvec.report import Reporter, emit

_PANEL = "Asking a model"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(rich_help_panel=_PANEL)(explore)


def explore(
    model: o.Model,
    model2: Annotated[
        str | None, typer.Argument(help="Another model, to stand beside it.", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            help="The port; 0 for any that is free. Default: the first free one from 8421.",
            show_default=False,
        ),
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address and open nothing.", show_default=False)
    ] = False,
) -> None:
    """A page to look around in: search, neighbours, analogies, why two words are near, the map; two models side by side.

    Served to this machine alone, with nothing from elsewhere. Ctrl-C ends it.

    Example: morphvec explore model

    Example: morphvec explore model other --port 8080 --no-browser
    """
    from morphvec.view.page import PageModel
    from morphvec.view.serve import HOST, listen, serve

    paths = [path for path in (model, model2) if path is not None]
    pages = [PageModel(open_model(path), name) for path, name in zip(paths, _names(paths), strict=True)]
    reporter = Reporter()
    listening = listen(port)
    address = f"http://{HOST}:{listening.getsockname()[1]}/"
    emit(address)
    reporter.note("Ctrl-C ends it")
    if not no_browser and _has_screen():
        webbrowser.open(address)
    serve(pages, listening, reporter)
    reporter.note("ended")
    sys.exit(130)  # left by Ctrl-C, as meant: nothing was interrupted that would need a word


def _names(paths: list[str]) -> list[str]:
    """What the page calls the models: the last names of their folders, the whole paths where those agree."""
    names = [Path(path).resolve().name for path in paths]
    return names if len(set(names)) == len(names) else paths


def _has_screen() -> bool:
    """Whether a browser would open in a window, not over the terminal."""
    return (
        os.name == "nt"
        or sys.platform == "darwin"
        or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
    )
