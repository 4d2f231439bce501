"""Every method and every peer, trained and scored by the same code: English Wikipedia, single Bibles, pairs of Bibles.

    MORPHVEC_DATA=… python benchmarks/quality.py [--part english] [--only 'fin*/default'] [--seeds 3] [--glove BUILD]

A run is one (corpus, method, seed). Each that has finished is a file OUT/runs/CORPUS/METHOD-SEED.json, and a second start
goes on with those that are missing; remove a file to run it again. ``--list`` prints what would run. When all have
finished, or with ``--pages`` at once, the tables and figures of what there is are written: PAGES/results/*.md and
PAGES/figures/*.svg.

Whole processes, one after another, ours and the peers in turn; each run notes the machine and how busy it was. The parts:
``quality_english``, ``quality_small``, ``quality_pairs``; ``quality_items`` asks the small ones; ``quality_pages`` and
``quality_figures`` write.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import machine
import quality_english
import quality_pairs
import quality_small
from quality_runs import Run, Setting, run_file

PARTS = {"small": quality_small, "pairs": quality_pairs, "english": quality_english}


def planned(setting: Setting, parts: list[str] | None) -> Iterator[Run]:
    """Every run: first seeds first, so that a stop leaves whole tables of few seeds."""
    for seed in range(max(setting.seeds, setting.repeat)):
        for name, part in PARTS.items():
            if not parts or name in parts:
                yield from part.runs(setting, seed)


def chosen(name: str, patterns: list[str] | None) -> bool:
    """Whether CORPUS/METHOD is asked for."""
    return not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def perform(run: Run, setting: Setting) -> None:
    """One run to its file."""
    busy = os.getloadavg()[0]
    start = time.perf_counter()
    found: dict[str, Any] = run.work()
    document = {
        "corpus": run.corpus,
        "method": run.method,
        "seed": run.seed,
        "machine": machine.facts(),
        "load": round(busy, 2),
        **found,
    }
    file = run_file(setting, run)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".part")
    partial.write_text(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(file)
    took = found.get("seconds")
    trained = "" if took is None else f"{took:.1f} s from text to vectors, "
    print(f"{run.name}, seed {run.seed}: {trained}{time.perf_counter() - start:.1f} s in all", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", action="append", choices=list(PARTS), help="only this part (repeatable)")
    parser.add_argument(
        "--only", action="append", help="CORPUS/METHOD, with * and ? (repeatable), as in 'fin/*'"
    )
    parser.add_argument("--seeds", type=int, default=3, help="of everything small")
    parser.add_argument("--repeat", type=int, default=1, help="seeds of E17")
    parser.add_argument("--glove", type=Path, help="folder with the published C programs of GloVe")
    parser.add_argument("--corpus", type=Path, help="a ready-made E17 file; default: made in OUT")
    parser.add_argument("--list", action="store_true", help="print the runs that are missing, and stop")
    parser.add_argument("--pages", type=Path, help="the folder of the documentation, to be written to")
    parser.add_argument("--pages-only", action="store_true", help="run nothing; write what there is")
    parser.add_argument("--out", type=Path, default=Path("out/quality"))
    options = parser.parse_args()
    setting = Setting(
        data=machine.data_folder(),
        out=options.out.resolve(),
        seeds=options.seeds,
        repeat=options.repeat,
        glove=options.glove and options.glove.resolve(),
        corpus=options.corpus and options.corpus.resolve(),
    )
    missing = [
        run
        for run in planned(setting, options.part)
        if chosen(run.name, options.only) and not run_file(setting, run).exists()
    ]
    if options.list:
        print("\n".join(f"{run.name}, seed {run.seed}" for run in missing))
        return
    if not options.pages_only:
        for number, run in enumerate(missing):
            print(f"{number + 1}/{len(missing)} ", end="", flush=True)
            perform(run, setting)
    # a process of its own, since the memory of this one would count for the runs of a next call
    writer = [sys.executable, machine.HERE / "quality_pages.py", setting.out]
    print(machine.timed([*writer, *([options.pages] if options.pages else [])]).stdout, end="")


if __name__ == "__main__":
    main()
