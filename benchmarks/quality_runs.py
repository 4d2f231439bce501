"""What the parts of ``quality.py`` share: a run, its file, and what trains a peer or a model of ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

import machine


@dataclass(frozen=True)
class Setting:
    """Where data and results are, and how much is asked for."""

    data: Path
    out: Path
    seeds: int
    repeat: int
    glove: Path | None
    corpus: Path | None


@dataclass(frozen=True)
class Run:
    """One (corpus, method, seed) and the work that makes its results."""

    corpus: str
    method: str
    seed: int
    work: Callable[[], dict[str, Any]]

    @property
    def name(self) -> str:
        """CORPUS/METHOD, what --only is matched with."""
        return f"{self.corpus}/{self.method}"


def run_file(setting: Setting, run: Run) -> Path:
    """Where the results of a run are."""
    return setting.out / "runs" / run.corpus / f"{run.method}-{run.seed}.json"


def took(run: machine.Finished) -> dict[str, Any]:
    """Seconds and peak memory of a whole process, and what it reported; without a peer's writing of text."""
    report = run.json
    written = report["seconds"].get("write", 0.0) if isinstance(report.get("seconds"), dict) else 0.0
    return {
        "seconds": run.seconds - written,
        "cpu_seconds": run.cpu_seconds,
        "peak_bytes": run.peak_bytes,
        "report": report,
    }


def together(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several processes as one: seconds summed, the largest peak."""
    return {
        "seconds": sum(part["seconds"] for part in parts),
        "cpu_seconds": sum(part["cpu_seconds"] for part in parts),
        "peak_bytes": max(part["peak_bytes"] for part in parts),
        "report": [part["report"] for part in parts],
    }


def train(
    texts: Sequence[str | Path], model: Path, options: Sequence[str | Path], seed: int
) -> dict[str, Any]:
    """A model of ours, as a user would train it."""
    settings = [*options, "--threads", str(machine.cores()), "--seed", str(seed), "--quiet"]
    return took(machine.morphvec("train", *texts, "-o", model, *settings, "--overwrite", "--json"))


def train_peer(
    peer: str, text: Path, model: Path, options: Sequence[str | Path], seed: int
) -> dict[str, Any]:
    """A peer's vectors, imported as a model folder; its text file is removed."""
    vectors = model.with_name(f"{model.name}.vec")
    settings = [*options, "--threads", str(machine.cores()), "--seed", str(seed)]
    run = took(machine.peer(peer, text, "-o", vectors, *settings))
    machine.morphvec("import", vectors, "-o", model, "--case", "lower", "--overwrite")
    vectors.unlink()
    return run


def remove(*folders: Path) -> None:
    """Model folders that are no longer needed."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


class Results:
    """The finished runs of a folder, by corpus and method, seeds in order."""

    def __init__(self, out: Path) -> None:
        self._found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for file in sorted((out / "runs").glob("*/*.json")):
            run = json.loads(file.read_text(encoding="utf-8"))
            self._found.setdefault((run["corpus"], run["method"]), []).append(run)
        for runs in self._found.values():
            runs.sort(key=lambda run: run["seed"])

    def of(self, corpus: str, method: str) -> list[dict[str, Any]]:
        """The runs of one method on one corpus; none where it has not run."""
        return self._found.get((corpus, method), [])

    def has(self, *corpora: str) -> bool:
        """Whether any run of these corpora has finished."""
        return any(corpus in corpora for corpus, _ in self._found)

    def conditions(self, *corpora: str) -> str:
        """Machines and versions of the runs, and how busy they were."""
        runs = [run for (corpus, _), some in self._found.items() if corpus in corpora for run in some]
        machines = dict.fromkeys(machine.conditions(run["machine"]) for run in runs)
        loads = sorted(run["load"] for run in runs)
        return (
            f"{'; or '.join(machines)}. Load average when a run began: median "
            f"{median(loads):.1f}, up to {loads[-1]:.1f}; where it is above 2, compare CPU seconds. "
            "A dash for seconds: the run waited for other work most of its time."
        )


def spread(scores: Sequence[float | None], sign: str = "") -> str:
    """The mean ×100 over seeds, and half the range where there are several; a dash where there is no score."""
    known = [score for score in scores if score is not None]
    if not known or len(known) < len(scores):
        return "–"
    told = f"{100 * mean(known):{sign}.1f}"
    return told if len(known) == 1 else f"{told} ±{50 * (max(known) - min(known)):.1f}"


def within(found: dict[str, Any], sign: str = "") -> str:
    """A score ×100 and its 95% interval."""
    if found["score"] is None:
        return "–"
    told = f"{100 * found['score']:{sign}.1f}"
    if found["low"] is None:
        return told
    return f"{told} ({100 * found['low']:{sign}.1f} to {100 * found['high']:{sign}.1f})"


def cost(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Cells for seconds, CPU seconds, peak GiB (medians) and the number of seeds."""
    if runs[0]["seconds"] is None:
        return ["", "", "", str(len(runs))]
    seconds = median(run["seconds"] for run in runs)
    processor = median(run["cpu_seconds"] for run in runs)
    return [
        f"{seconds:.1f}" if seconds < WAITED * processor else "–",
        f"{processor:.1f}",
        f"{median(run['peak_bytes'] for run in runs) / 2**30:.2f}",
        str(len(runs)),
    ]


WAITED = 2.5  # a wall time of so many times the CPU time tells of the machine's other work
COST = ("seconds", "CPU s", "peak GiB", "seeds")
