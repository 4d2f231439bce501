"""The pages of docs/cli/, from the live tree of commands: ``python docs/tools/cli_reference.py`` (``make reference``).

A page for each command and group, and an index. A test regenerates them and compares.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import typer

from morphvec.cli.main import app

PLACE = Path(__file__).resolve().parents[1] / "cli"
_NOTICE = "<!-- Made from the commands themselves by docs/tools/cli_reference.py; `make reference` writes it anew. -->\n"
_KINDS = {int: "N", float: "X", str: "TEXT", bool: ""}  # what a value looks like where no metavar says it
_EXAMPLE = "Example: "


def pages() -> dict[str, str]:
    """File name → text of every page of docs/cli/."""
    root = _root()
    made = {"index.md": _index(root)}
    for name, command in _commands(root):
        made[f"{name}.md"] = _page(f"morphvec {name}", command)
    return made


@functools.cache
def _root() -> Any:
    """The commands as the parser sees them."""
    return typer.main.get_command(app)


def tree() -> dict[str, Any]:
    """Command path → command, of all commands that do something: ``train``, ``lm train`` …"""
    found: dict[str, Any] = {}

    def enter(path: str, command: Any) -> None:
        inner = _commands(command)
        for name, child in inner:
            enter(f"{path} {name}".strip(), child)
        if not inner:
            found[path] = command

    enter("", _root())
    return found


def examples(command: Any) -> list[str]:
    """The command lines of the paragraphs "Example: …" of a command's help."""
    return [part.removeprefix(_EXAMPLE) for part in _paragraphs(command) if part.startswith(_EXAMPLE)]


def _commands(command: Any) -> list[tuple[str, Any]]:
    return [(name, child) for name, child in getattr(command, "commands", {}).items() if not child.hidden]


def _paragraphs(command: Any) -> list[str]:
    return [" ".join(part.split()) for part in (command.help or "").split("\n\n") if part.strip()]


def _said(command: Any) -> list[str]:
    return [part for part in _paragraphs(command) if not part.startswith(_EXAMPLE)]


def _panel(thing: Any, otherwise: str) -> str:
    panel = getattr(thing, "rich_help_panel", None)
    return panel if isinstance(panel, str) else otherwise


def _grouped(things: list[Any], otherwise: str) -> dict[str, list[Any]]:
    panels: dict[str, list[Any]] = {}
    for thing in things:
        panels.setdefault(_panel(thing[1] if isinstance(thing, tuple) else thing, otherwise), []).append(
            thing
        )
    return panels


def _plain(text: str) -> str:
    """Text as Markdown that shows every character of it."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", " ".join(text.split()))


def _index(root: Any) -> str:
    lines = [_NOTICE, "# Commands\n"]
    lines += [
        "Results go to stdout, progress and errors to stderr; with `--json` a result is one JSON document. "
        "Bad input is one line, `morphvec: error: VALUE; RULE; MEND`. Exit codes: 0 done, 2 bad input, a bad option "
        "or refused, 130 Ctrl-C, 1 a bug of ours.\n"
    ]
    for panel, entries in _grouped(_commands(root), "Commands").items():
        lines += [f"## {panel}\n", "| command | |", "| --- | --- |"]
        lines += [f"| [`{name}`]({name}.md) | {_plain(_said(command)[0])} |" for name, command in entries]
        lines += [""]
    lines += ["## Options of morphvec itself\n", *_table(_options(root))]
    lines += ["```{toctree}", ":hidden:", "", *sorted(name for name, _ in _commands(root)), "```\n"]
    return "\n".join(lines)


def _page(title: str, command: Any) -> str:
    return "\n".join([_NOTICE, *_section(title, command, 1)])


def _section(title: str, command: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} {title}\n"
    for paragraph in _said(command):
        yield _plain(paragraph) + "\n"
    inner = _commands(command)
    if inner:
        for name, child in inner:
            yield from _section(f"{title} {name}", child, level + 1)
        return
    yield "```sh"
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    yield " ".join([title, "[OPTIONS]", *(_argument(item) for item in arguments)])
    yield "```\n"
    told = examples(command)
    if told:
        yield "Example:\n" if len(told) == 1 else "Examples:\n"
        yield "```sh"
        yield from told
        yield "```\n"
    if arguments:
        yield "| argument | |"
        yield "| --- | --- |"
        for item in arguments:
            yield f"| `{_argument(item)}` | {_plain(item.help or '')} |"
        yield ""
    for panel, options in _grouped(_options(command), "Options").items():
        yield f"**{panel}**\n"
        yield from _table(options)


def _argument(item: Any) -> str:
    name = (item.metavar or item.name).upper() + ("..." if item.nargs == -1 else "")
    return name if item.required else f"[{name}]"


def _options(command: Any) -> list[Any]:
    return [item for item in command.params if item.param_type_name == "option" and not item.hidden]


def _table(options: list[Any]) -> list[str]:
    rows = []
    for item in options:
        flags = ", ".join(f"`{flag}`" for flag in (*item.opts, *item.secondary_opts))
        value = "" if item.is_flag else f" `{item.metavar or _kind(item)}`"
        rows.append(f"| {flags}{value} | {_plain(item.help or '')}{_notes(item)} |")
    return ["| option | |", "| --- | --- |", *rows, ""]


def _kind(item: Any) -> str:
    inner = item.type_descriptor.annotation
    names = [_KINDS.get(kind, "TEXT") for kind in (get_args(inner) or (inner,))]
    return names[0] if item.multiple else " ".join(names)


def _notes(item: Any) -> str:
    notes = "" if not item.required else " Required."
    shown = item.default is not None and item.show_default and not item.is_flag
    return notes + (f" Default: {_plain(str(item.default))}." if shown else "")


def write() -> None:
    """Write every page whose text has changed, and remove pages of commands that are no more."""
    made = pages()
    PLACE.mkdir(exist_ok=True)
    for old in PLACE.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        file = PLACE / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
