"""``--config FILE``: a TOML file that stands for flags of the command line, which go before it.

Keys are the names of the flags (and of the arguments). What a file says arrives in the command as if the flags had
been given, so that the record of a run is the same either way.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from morphvec.errors import InputError, OptionError

WALK = ("train", "vocab", "count", "weigh", "fit")  # one file serves all of them
_NEVER = {"config", "help"}
_WANTED = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
_FOR_EXAMPLE = {int: "100", float: "0.75", bool: "true", str: '"..."'}


def _load(ctx: typer.Context, file: str | None) -> str | None:
    if file is None or ctx.resilient_parsing:  # the second: a shell asks for completions
        return file
    own, others = _parameters(ctx.command), set()
    siblings = getattr(ctx.parent.command, "commands", {}) if ctx.parent is not None else {}
    if ctx.command is siblings.get(ctx.command.name) and ctx.command.name in WALK:
        others = {key for name in WALK if name in siblings for key in _parameters(siblings[name])} - set(own)
    found: dict[str, Any] = {}
    for written, value in _read(file).items():
        key = written.replace("-", "_")
        if key in others:
            continue  # a setting of another arrow of the walk
        if key not in own:
            raise _unknown(file, written, value, ctx.command_path, own)
        if own[key].name in found:
            raise OptionError(
                f"{written} twice in {file}", "- and _ are the same in a key", "keep one of them"
            )
        found[own[key].name] = _checked(file, written, value, own[key])
    ctx.default_map = {**(ctx.default_map or {}), **found}
    return file


Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        help="A TOML file of options by their names (min_count = 5); flags go before it.",
        metavar="FILE",
        show_default=False,
        rich_help_panel="Running",
        is_eager=True,  # the other parameters are looked up in what it says
        callback=_load,
    ),
]


def _parameters(command: Any) -> dict[str, Any]:
    """Key → parameter: the long flag without its dashes, or the name of the argument."""
    keys = {}
    for item in command.params:
        name = max(item.opts, key=len).lstrip("-") if item.param_type_name == "option" else item.name
        keys[name.replace("-", "_")] = item
    return {key: item for key, item in keys.items() if key not in _NEVER}


def _read(file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(file).read_bytes().decode("utf-8"))
    except OSError as error:
        raise InputError(
            f"{file}: {error.strerror or error}",
            "--config names a TOML file that can be read",
            "check the path",
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file}, byte {error.start + 1}: 0x{error.object[error.start]:02X}",
            "TOML is UTF-8",
            "convert the file to UTF-8",
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(
            f"{file}: {error}", "--config names a TOML file", "write keys as min_count = 5 and text in quotes"
        ) from error


def _unknown(file: str, key: str, value: Any, command: str, own: dict[str, Any]) -> OptionError:
    if isinstance(value, dict):
        return OptionError(
            f"[{key}] in {file}", "keys stand at the top of the file, not in tables", "take its header away"
        )
    near = difflib.get_close_matches(key.replace("-", "_"), own, 1)
    mend = f"did you mean {near[0]}?" if near else f"see {command} --help"
    return OptionError(f"{key} in {file}", f"{command} has no such option", mend)


def _checked(file: str, key: str, value: Any, item: Any) -> Any:
    """The value in the form in which the parser would have had it. Raises OptionError for another type."""
    stated = item.type_descriptor.annotation
    kinds = get_args(stated) or (stated,)
    several = (item.param_type_name == "option" and item.multiple) or item.nargs == -1
    if several and isinstance(value, list) and value and all(_is(one, kinds[0]) for one in value):
        return value
    if several and _is(value, kinds[0]):
        return [value]
    if not several and len(kinds) == 1 and _is(value, kinds[0]):
        return float(value) if kinds[0] is float else value
    wanted, example = _WANTED[kinds[0]], _FOR_EXAMPLE[kinds[0]]
    raise OptionError(
        f"{key} = {_short(value)} in {file}",
        f"{key} is {wanted}" + (" or a list of them" if several else ""),
        f"write e.g. {key} = {example}",
    )


def _is(value: Any, kind: Any) -> bool:
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    return isinstance(value, (int, float) if kind is float else kind)


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
