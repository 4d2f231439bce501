"""What the benchmark scripts share: machine facts, timed subprocesses, the morphvec command, files of figures.

Standard library only: a child's peak memory starts at its parent's on Linux, so the parent stays small.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PACKAGES = ("morphvec", "numpy", "scipy", "numba", "llvmlite", "gensim", "fasttext-wheel")


@dataclass(frozen=True)
class Finished:
    """One finished process: its standard output and what the operating system says that it took."""

    stdout: str
    seconds: float  # wall clock, start to exit
    cpu_seconds: float  # user + system, its children included
    peak_bytes: int  # largest resident set of it or of one of its children

    @property
    def json(self) -> dict[str, Any]:
        """The last line of the output as JSON (libraries may print above it)."""
        document: dict[str, Any] = json.loads(self.stdout.strip().splitlines()[-1])
        return document


def timed(command: Sequence[str | Path]) -> Finished:
    """Run a command to its end; stop the script with the command's last words if it fails."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            tail = err.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"{' '.join(words)[:300]}\nfailed with exit code {process.returncode}:\n{tail}")
        unit = 1 if sys.platform == "darwin" else 1024
        return Finished(out.read().decode(), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def piped(command: Sequence[object], source: Path, target: Path) -> float:
    """Seconds of a whole process that reads one file as its input and writes another as its output."""
    words = [str(word) for word in command]
    with source.open("rb") as given, target.open("wb") as made:
        start = time.perf_counter()
        subprocess.run(words, stdin=given, stdout=made, stderr=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start


def morphvec(*arguments: str | Path) -> Finished:
    """The installed ``morphvec`` command, as a user would call it."""
    beside = Path(sys.executable).with_name("morphvec")
    command = str(beside) if beside.exists() else shutil.which("morphvec")
    if command is None:
        raise SystemExit("no morphvec command beside this Python nor on the PATH; run: pip install morphvec")
    return timed([command, *arguments])


def peer(*arguments: str | Path) -> Finished:
    """``peers.py`` in a process of its own, in this environment."""
    return timed([sys.executable, HERE / "peers.py", *arguments])


def data_folder() -> Path:
    """The folder that MORPHVEC_DATA names."""
    folder = os.environ.get("MORPHVEC_DATA")
    if not folder or not Path(folder).is_dir():
        raise SystemExit("set MORPHVEC_DATA to the folder with the test data (corpus/, bible/, unimorph/, …)")
    return Path(folder)


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def facts() -> dict[str, Any]:
    """Processor, cores, memory, system and versions: what a figure must be quoted with."""
    model = platform.processor() or platform.machine()
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "processor": model,
        "cores": cores(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
    }


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []


def conditions(machine: dict[str, Any]) -> str:
    """The facts as one line of a report."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    count = machine["cores"]
    cores = "1 core" if count == 1 else f"{count} cores"
    return f"{machine['processor']}, {cores}, {machine['memory_gib']} GiB, {machine['system']}; {versions}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table: the first column to the left, the rest to the right."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def write(folder: Path, name: str, document: dict[str, Any], markdown: str) -> None:
    """``name.json`` and ``name.md`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(markdown + "\n", encoding="utf-8")


def percent(fraction: float) -> str:
    """A score ×100 with one decimal."""
    return f"{100 * fraction:.1f}"


def results(evaluation: Finished) -> dict[tuple[str, str], dict[str, Any]]:
    """The results of ``morphvec evaluate ONE_MODEL --unknown skip --json`` by (test file, metric)."""
    (model,) = evaluation.json["models"]
    return {(result["dataset"], result["metric"]): result for result in model["results"]}
