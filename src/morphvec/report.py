"""Events, progress and results: the only module that writes to stdout or stderr.

Results go to stdout, everything else to stderr. A terminal gets a live line with rate, time left and memory;
anything else gets plain lines, at most one every few seconds, so that a log file stays readable.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

_PLAIN_INTERVAL = 5.0  # seconds between two progress lines where stderr is no terminal
_LIVE_INTERVAL = 0.1


def _compact(number: float) -> str:
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= limit:
            scaled = number / (1e3 if suffix == "k" else limit)
            return f"{scaled:.1f}{suffix}"
    return f"{number:.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"


def _rate(rate: float, unit: str) -> str:
    """Units a second, or seconds a unit where one takes longer."""
    if 0 < rate < 0.1 and unit:
        return f"{_clock(1 / rate)} each"
    return f"{_compact(rate)}/s"


def memory_held() -> int:
    """Bytes of memory that this process holds now (of systems that do not say: the most that it ever held)."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return peak_bytes()
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_bytes() -> int:
    """The most memory that this program has held, in bytes.

    Linux counts in its ``ru_maxrss`` what a process held before it became this program: of a child, its parent's memory.
    """
    try:
        status = Path("/proc/self/status").read_bytes()
        return int(status.split(b"VmHWM:")[1].split(maxsplit=1)[0]) * 1024
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"


class Progress:
    """One running stage: ``advance`` it by amounts of its unit; rate and time left are worked out here."""

    def __init__(self, reporter: Reporter, name: str, total: float | None, unit: str) -> None:
        self._reporter, self._name, self._total, self._unit = reporter, name, total, unit
        self._done = 0.0
        self._detail = ""
        self._start = self._shown = time.monotonic()

    def advance(self, amount: float, detail: str = "") -> None:
        """Add ``amount`` units of work done; ``detail`` replaces the text at the end of the line."""
        self.reach(self._done + amount, detail)

    def reach(self, done: float, detail: str = "") -> None:
        """``done`` units of work are done in all."""
        self._done = done
        self._detail = detail or self._detail
        now = time.monotonic()
        if now - self._shown >= self._reporter.interval:
            self._shown = now
            self._reporter.line(self.text(now), live=True)

    def text(self, now: float) -> str:
        """The progress line: done / total, rate, time left, memory held."""
        spent = max(now - self._start, 1e-9)
        rate = self._done / spent
        pieces = [f"{self._name}:"]
        if self._total:
            pieces.append(f"{_compact(self._done)}/{_compact(self._total)} {self._unit}".rstrip())
        else:
            pieces.append(f"{_compact(self._done)} {self._unit}".rstrip())
        pieces.append(f"· {_rate(rate, self._unit)}")
        if self._total and 0 < self._done < self._total:
            pieces.append(f"· {_clock((self._total - self._done) / max(rate, 1e-9))} left")
        pieces.append(f"· {memory_held() / 1e9:.2f} GB")
        if self._detail:
            pieces.append(f"· {self._detail}")
        return " ".join(pieces)


class Reporter:
    """Says what is going on, on stderr. ``Reporter(quiet=True)`` says nothing but warnings."""

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._given = stream
        self._quiet = quiet
        self._live = bool(getattr(self._stream, "isatty", lambda: False)())
        self._open = False  # a live line without its line feed
        self.interval = _LIVE_INTERVAL if self._live else _PLAIN_INTERVAL

    @property
    def _stream(self) -> TextIO:
        return sys.stderr if self._given is None else self._given  # looked up anew: a caller may redirect it

    def line(self, text: str, *, live: bool = False) -> None:
        """Write one line; a live one replaces the live line before it on a terminal."""
        if self._quiet:
            return
        if self._live:
            self._stream.write("\r\x1b[2K" + text + ("" if live else "\n"))
            self._open = live
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def note(self, text: str) -> None:
        """A fact worth a line: what was read, skipped, chosen."""
        self.line(text)

    def insist(self, text: str) -> None:
        """A line that a quiet run says too: what a user who pressed Ctrl-C has to know."""
        if self._open:
            self._stream.write("\n")
            self._open = False
        self._stream.write(text + "\n")
        self._stream.flush()

    def warn(self, text: str) -> None:
        """Something the user should know even in a quiet run."""
        self.insist(f"morphvec: warning: {text}")

    @contextmanager
    def stage(self, name: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
        """A stage of work with progress; closes with one line that says what it took."""
        progress = Progress(self, name, total, unit)
        start = time.monotonic()
        try:
            yield progress
        except BaseException:
            if self._open:
                self.line(progress.text(time.monotonic()))
            raise
        done = f"{_compact(progress._done)} {unit}".rstrip() + ", " if progress._done else ""
        detail = f" · {progress._detail}" if progress._detail else ""
        self.line(f"{name}: {done}{time.monotonic() - start:.1f}s{detail}")


SILENT = Reporter(quiet=True)


def emit(text: str) -> None:
    """A result, to stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def emit_json(document: Any) -> None:
    """A result as one JSON document, to stdout: UTF-8, finite numbers only."""
    emit(json.dumps(document, ensure_ascii=False, allow_nan=False))


def emit_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A result as a table, to stdout; the last column holds numbers. Words are printed as they are."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE, pad_edge=False)
    for number, name in enumerate(columns):
        last = number == len(columns) - 1
        table.add_column(name, justify="right" if last else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(file=sys.stdout, highlight=False).print(table)


def emit_error(text: str) -> None:
    """The one line of an error, to stderr."""
    sys.stderr.write(f"morphvec: error: {text}\n")
    sys.stderr.flush()


def speak_utf8() -> None:
    """Write UTF-8 from now on, whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def hush() -> None:
    """Say no more on stdout: its reader has left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
