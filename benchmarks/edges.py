"""Listed edges at scale: seconds and peak memory from the file to the penalty, and of one product with it.

    python benchmarks/edges.py [--edges 10000000] [--words 200000] [--dim 100]

The edges are drawn at random among made-up words, every fourth with a weight of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import machine


def make(path: Path, edges: int, words: int) -> None:
    """Write an edge list."""
    from morphvec.rng import stream

    generator = stream(0)
    with path.open("w", encoding="utf-8") as file:
        for begin in range(0, edges, 100_000):
            number = min(100_000, edges - begin)
            pairs = generator.integers(0, words, (number, 2)).tolist()
            file.writelines(
                f"word{i}\tword{j}\t{1 + i % 7 / 4}\n" if (i + j) % 4 == 0 else f"word{i}\tword{j}\n"
                for i, j in pairs
            )


def work(path: Path, words: int, dim: int) -> dict[str, Any]:
    """Read, report, build, multiply: seconds of each."""
    import numpy as np

    from morphvec.engine.local import LocalEngine
    from morphvec.morphology import read_edges
    from morphvec.morphology.constraints import ConstraintOptions, Knowledge, build_penalties
    from morphvec.rng import stream
    from morphvec.text.tokenize import Tokenizer
    from morphvec.text.vocabulary import Vocabulary

    names = tuple(f"word{number}" for number in range(words))
    vocabulary = Vocabulary(names, np.arange(words, 0, -1), words * words, words, Tokenizer())
    clock = [time.perf_counter()]
    listed = read_edges(path)
    clock.append(time.perf_counter())
    ((_, penalty, _),), (report,) = build_penalties(
        Knowledge(edges=(listed,)), vocabulary, ConstraintOptions((("class", 1.0),))
    )
    clock.append(time.perf_counter())
    U = stream(1).standard_normal((words, dim), np.float32)
    engine, out = LocalEngine(machine.cores()), np.zeros_like(U)
    penalty.add_product(U, 1.0, out, engine)  # puts the matrix together and compiles, the first time
    clock.append(time.perf_counter())
    penalty.add_product(U, 1.0, out, engine)
    clock.append(time.perf_counter())
    steps = ("read", "classes", "first product", "next product")
    seconds = {step: late - early for step, (early, late) in zip(steps, pairwise(clock), strict=True)}
    return {"seconds": seconds, "report": report.line()}


def report_of(document: dict[str, Any]) -> str:
    """The figures as a table."""
    rows = [(step, f"{seconds:.1f} s") for step, seconds in document["seconds"].items()]
    rows += [
        ("whole process", f"{document['whole']:.1f} s"),
        ("of it processor time", f"{document['processor']:.1f} s"),
        ("peak memory", f"{document['peak'] / 2**30:.2f} GiB"),
    ]
    note = f"{machine.conditions(document['machine'])}\n\n{document['report']}"
    return f"{note}\n\n{machine.table(('step', 'figure'), rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--words", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("out/edges"))
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)  # set for the process that is measured
    options = parser.parse_args()
    if options.file is not None:
        print(json.dumps(work(options.file, options.words, options.dim)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "edges.tsv"
        make(path, options.edges, options.words)
        run = machine.timed(
            [
                sys.executable,
                __file__,
                "--file",
                path,
                "--words",
                str(options.words),
                "--dim",
                str(options.dim),
            ]
        )
    document = {
        "machine": machine.facts(),
        **run.json,
        "whole": run.seconds,
        "processor": run.cpu_seconds,
        "peak": run.peak_bytes,
    }
    machine.write(options.out, "edges", document, report_of(document))
    print(report_of(document))


if __name__ == "__main__":
    main()
