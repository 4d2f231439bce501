"""Pages whose console blocks are run: ``python docs/tools/consoles.py docs/first-ten-minutes.md …`` (``make transcripts``).

A block ```` ```console ```` holds commands, ``$ command`` (``> `` goes on with it), each followed by what it printed.
All commands of a page run in one folder, with the morphvec of this Python; what they print takes the place of what
stood there. Lines of progress that a terminal would have wiped out are left out. A page that names MORPHVEC_DATA in a
command quotes data that is not part of the project: it is run where that is set.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
DATA = "MORPHVEC_DATA"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PASSING = re.compile(r" · \d+\.\d\d GB( · |$)")  # a progress line: it says the memory held
_ANSWER = re.compile(r"^ +-?\d+\.\d+  \S+")  # a word with its score
_COUNTED = re.compile(r"^\S+\t\d+$")  # a word with its count
_QUOTED = re.compile(r"'[^']*'")
_FOR_THE_SHELL = re.compile(r"[|&;<>$*?~`\"\\\n]")
_NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?(e[-+]\d+)?[kMG]?")
_OF_THE_TEXT = (  # what may differ with the text, and its stand-in
    (re.compile(r"composed from .*\)"), "composed from PARTS)"),
    (re.compile(r"; left out: .*"), ""),
    (re.compile(r"have a stem \(.*\)"), "have a stem (RULES)"),
    (re.compile(r"'[^']*'"), "'WORD'"),
)


@dataclass(frozen=True)
class Ran:
    """A command, its exit code, and the lines that it printed."""

    command: str
    code: int
    lines: tuple[str, ...]


def pages() -> list[Path]:
    """Every page with console blocks."""
    return [page for page in sorted(DOCS.glob("*.md")) if _BLOCK.search(page.read_text(encoding="utf-8"))]


def needs_data(page: Path) -> bool:
    """Whether the commands of a page read data that is not part of the project."""
    return any(DATA in ran.command for ran in told(page))


def told(page: Path) -> list[Ran]:
    """What a page says its commands printed; they ended well."""
    return [ran for block in _BLOCK.finditer(page.read_text(encoding="utf-8")) for ran in _parsed(block[1])]


def run(page: Path, *, inside: bool = False) -> list[Ran]:
    """What the commands of a page print now.

    ``inside``: a plain ``morphvec ...`` is run in this process, which starts once for all of them.
    """
    with tempfile.TemporaryDirectory(prefix="morphvec-page-") as folder:
        return [
            _run_inside(ran.command, Path(folder))
            if inside and is_plain(ran.command)
            else _run(ran.command, Path(folder))
            for ran in told(page)
        ]


def is_plain(command: str) -> bool:
    """Whether a command is morphvec with its arguments and nothing that a shell would have to do."""
    return command.startswith("morphvec ") and not _FOR_THE_SHELL.search(_QUOTED.sub("", command))


def rewrite(page: Path) -> None:
    """Put what the commands print now in the place of what a page says. Raises SystemExit where one fails."""
    made: Iterator[Ran] = iter(run(page))

    def block(found: re.Match[str]) -> str:
        lines: list[str] = []
        for old in _parsed(found[1]):
            ran = next(made)
            if ran.code:
                raise SystemExit(f"{page}: exit code {ran.code}: {ran.command}\n" + "\n".join(ran.lines))
            first, *more = old.command.split("\n")
            lines += [f"$ {first}", *(f"> {line}".rstrip() for line in more), *ran.lines]
        return "```console\n" + "".join(f"{line}\n" for line in lines) + "```"

    text = page.read_text(encoding="utf-8")
    page.write_text(_BLOCK.sub(block, text), encoding="utf-8")


def shape(lines: tuple[str, ...]) -> list[str]:
    """Lines without what differs between machines and versions of Python: numbers, and the words of answers."""
    return [" ".join(_masked(line).split()) for line in lines]


def _masked(line: str) -> str:
    for pattern in (_ANSWER, _COUNTED):
        line = pattern.sub("ANSWER", line)
    for pattern, stand_in in _OF_THE_TEXT:
        line = pattern.sub(stand_in, line)
    return _NUMBER.sub("0", line)


def _parsed(block: str) -> Iterator[Ran]:
    command, lines = "", []
    for line in block.splitlines():
        if line.startswith("$ "):
            if command:
                yield Ran(command, 0, tuple(lines))
            command, lines = line[2:], []
        elif (line == ">" or line.startswith("> ")) and not lines:
            command += "\n" + line[2:]
        else:
            lines.append(line)
    if command:
        yield Ran(command, 0, tuple(lines))


def _run(command: str, folder: Path) -> Ran:
    place = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": place, "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return Ran(command, done.returncode, _lines(done.stdout))


def _run_inside(command: str, folder: Path) -> Ran:
    from morphvec.cli.main import execute

    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = execute(shlex.split(command)[1:])
    return Ran(command, code, _lines(printed.getvalue()))


def _lines(printed: str) -> tuple[str, ...]:
    lines = [line.rstrip() for line in printed.splitlines()]
    return tuple(line for line in lines if not _PASSING.search(line))


if __name__ == "__main__":
    for name in sys.argv[1:] or [str(page) for page in pages()]:
        if needs_data(Path(name)) and DATA not in os.environ:
            continue
        rewrite(Path(name))
