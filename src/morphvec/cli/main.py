"""The command ``morphvec``: commands put together, errors turned into one line and an exit code.

0 done · 2 bad input, bad option or refused · 130 Ctrl-C · 1 a bug of ours.
"""

from __future__ import annotations

import copy
import functools
import gc
import sys
from typing import Annotated, Any

import typer
from typer.main import get_command, get_command_name

from morphvec.cli import align, ask, care, demo, explore, lm, picture, score, segment, walk
from morphvec.errors import MorphvecError
from morphvec.report import emit, emit_error, hush, speak_utf8
from morphvec.version import __version__

_OBJECTS = 50_000  # made before Python looks for cycles: loading libraries makes hundreds of thousands and few cycles

app = typer.Typer(
    name="morphvec",
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Word vectors that know morphology, from your own text, reproducibly.",
    epilog="Start with: morphvec demo",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        emit(f"morphvec {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version.", show_default=False
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error.", show_default=False)
    ] = False,
) -> None:
    del version, debug


for _group in (demo, walk, ask, explore, score, picture, align, segment, lm, care):
    _group.register(app)


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    gc.set_threshold(_OBJECTS, 20, 20)
    speak_utf8()
    code = execute(arguments)
    gc.freeze()  # a process that ends need not look for cycles among all that the compiler loaded: half a second
    sys.exit(code)


@functools.cache
def _command(name: str) -> Any:
    """The command of that name as its parser sees it, or all commands where there is none: made once, not at every run in
    one process, and no other for the sake of one."""
    one = copy.copy(app)
    one.registered_commands = [
        info
        for info in app.registered_commands
        if info.callback is not None and name == (info.name or get_command_name(info.callback.__name__))
    ]
    one.registered_groups = [info for info in app.registered_groups if name == info.name]
    return get_command(one if one.registered_commands or one.registered_groups else app)


def execute(arguments: list[str]) -> int:
    """Run one command line; returns the exit code."""
    debug = "--debug" in arguments
    given = [item for item in arguments if item != "--debug"] or ["--help"]
    # A settings file may serve several commands, which then have to be known.
    configured = any(item.partition("=")[0] == "--config" for item in given)
    try:
        result = _command("" if configured else given[0])(
            args=score.join_bli(given),
            prog_name="morphvec",
            standalone_mode=False,
        )
    except MorphvecError as error:
        if debug:
            raise
        emit_error(str(error))
        return 2
    except typer.TyperException as error:  # what the parser of the command line refuses
        command = getattr(getattr(error, "ctx", None), "command_path", "morphvec")
        message = " ".join(error.format_message().split()).rstrip(".")
        emit_error(f"{message}; {command} cannot be run like this; see {command} --help")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        result = 130
    except (BrokenPipeError, SystemExit) as error:  # the parser turns the first into the second
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        hush()
        return 0
    except MemoryError:
        emit_error(
            "out of memory; the machine could not give what the work needs; lower --memory, --dim or --max-vocab"
        )
        return 2
    except Exception as error:  # the last door: whatever else comes here is a bug of ours
        if debug:
            raise
        emit_error(
            f"{type(error).__name__}: {' '.join(str(error).split())}; this is a bug in morphvec; run again with --debug and report it"
        )
        return 1
    if result == 130:
        emit_error(
            "interrupted; no output was written; run the command again, with --resume where it kept checkpoints"
        )
    return result if isinstance(result, int) else 0
