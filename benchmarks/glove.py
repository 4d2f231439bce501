"""GloVe beside the published C program on the same counts: cost after each iteration, seconds, and als against both.

    MORPHVEC_DATA=… python benchmarks/glove.py --glove BUILD_DIR [--epochs 25] [--corpus FILE] [--out out/glove]

BUILD_DIR holds ``shuffle`` and ``glove`` of github.com/stanfordnlp/GloVe. The corpus is E17 (``e17.py``) unless one is
given; it is counted once by the ``morphvec`` command (window 5, 1/distance), and the counts are written in the records
that the C tools read (int32 row and column from 1, float64 count), shuffled by ``shuffle``, and fitted by ``glove`` with
its defaults (x_max 100, exponent ¾, learning rate 0.05) at 100 dimensions. Ours read the same counts: ``adagrad`` is
method glove as it stands, ``als`` the same cost with a small ridge. The cost is Σ f(n)·½(w·c + b + c − ln n)² over the
number of cells, here always of one state of the parameters, from what each run left; beside it stands what the C program
prints, which is the cost of each cell as it is met, and ours of the same kind. Seconds of an iteration are wall clock
between two of the C program's lines, and of an epoch with the exact cost after it; the factor of als is the C program's
seconds for all its iterations over als's from laying out the cells to a cost no higher.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import e17
import machine

RUNS = ("c", "adagrad", "als")
DIM, THREADS = 100, 2


def prepare(task: dict[str, Any]) -> dict[str, Any]:
    """In a child process: the counts as records of the C tools, and a vocabulary of as many lines as words."""
    import numpy as np

    from morphvec.pipeline.nouns import load_counts

    counts, vocabulary, _ = load_counts(Path(task["counts"]))
    matrix = counts.matrix
    kind = np.dtype([("row", "<i4"), ("column", "<i4"), ("count", "<f8")])
    with Path(task["records"]).open("wb") as out:
        for row in range(0, matrix.shape[0], 4096):
            part = matrix[row : row + 4096]
            records = np.empty(part.nnz, kind)
            records["row"] = row + 1 + np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
            records["column"] = part.indices + 1
            records["count"] = part.data
            records.tofile(out)
    lines = (f"{word} {n}\n" for word, n in zip(vocabulary.words, vocabulary.counts, strict=True))
    Path(task["words"]).write_text("".join(lines), encoding="utf-8")
    return {"words": len(vocabulary), "cells": int(matrix.nnz), "mass": float(matrix.data.sum())}


def their_cost(task: dict[str, Any]) -> dict[str, Any]:
    """In a child process: the cost of the parameters that the C program left."""
    import numpy as np

    from morphvec.engine.local import local_engine
    from morphvec.methods.glove import published_cost
    from morphvec.pipeline.nouns import load_counts

    counts, vocabulary, _ = load_counts(Path(task["counts"]))
    found = np.fromfile(task["parameters"]).reshape(2, len(vocabulary), DIM + 1)
    (W, b), (C, c) = ((np.ascontiguousarray(side[:, :DIM]), side[:, DIM]) for side in found)
    return {"cost": published_cost(W, C, b, c, counts.matrix, engine=local_engine(task["threads"]))}


def ours(task: dict[str, Any]) -> dict[str, Any]:
    """In a child process: fit by one solver, after a small fit that loads the kernels."""
    import numpy as np
    from scipy.sparse import csr_array

    from morphvec.association import AssociationOptions, weigh
    from morphvec.engine.local import local_engine
    from morphvec.methods.glove import WEIGH, published_cost
    from morphvec.pipeline.nouns import load_counts
    from morphvec.solvers.batch_options import BatchOptions
    from morphvec.solvers.problem import Problem
    from morphvec.solvers.solve import solve

    engine = local_engine(task["threads"])
    cells = BatchOptions(updates="cell", schedule="constant")
    solver, ridge, epochs = task["solver"], task["ridge"], task["epochs"]

    def problem(matrix: Any, weights: Any) -> Problem:
        return Problem(matrix, weights, 0.0, None, (), ridge, ridge, ridge, biases=True)

    small = csr_array(np.eye(8, dtype=np.float32))
    solve(problem(small, small.copy()), 8, solver, 1, batch=cells if solver != "als" else BatchOptions())
    counts, _, _ = load_counts(Path(task["counts"]))
    association = weigh(counts, AssociationOptions(**WEIGH), engine=engine)
    start, processor = time.perf_counter(), time.process_time()
    made = problem(association.matrix, association.weights)
    batch = cells if solver != "als" else BatchOptions()
    factors = solve(made, DIM, solver, epochs, task["seed"], batch=batch, engine=engine)
    wall, processor = time.perf_counter() - start, time.process_time() - processor
    nnz = association.matrix.nnz
    assert factors.biases is not None
    return {
        "costs": [entry["fit"] / 2 / nnz for entry in factors.history],
        "met": [entry["met"] / 2 for entry in factors.history if "met" in entry],
        "seconds": [entry["seconds"] for entry in factors.history],
        "set_up": wall - sum(entry["seconds"] for entry in factors.history),
        "cpu_seconds": processor,
        "cost": published_cost(factors.U, factors.S, *factors.biases, counts.matrix, engine=engine),
    }


CHILDREN = {"prepare": prepare, "their_cost": their_cost, "ours": ours}


def child(name: str, **task: Any) -> dict[str, Any]:
    """One of ``CHILDREN`` in a process of its own."""
    return machine.timed([sys.executable, __file__, "--child", json.dumps({"do": name, **task})]).json


def theirs(build: Path, out: Path, epochs: int, threads: int, seed: int) -> dict[str, Any]:
    """One run of the C program: what it prints after each iteration, and when."""
    command = [build / "glove", "-input-file", out / "shuffled.bin", "-vocab-file", out / "words.txt"]
    command += ["-save-file", out / "c", "-binary", "1", "-vector-size", DIM, "-iter", epochs]
    command += ["-threads", threads, "-x-max", 100, "-verbose", "2", "-seed", seed + 1]
    process = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    costs, times, last = [], [], ""
    begun = time.perf_counter()
    for line in process.stderr:
        last = line
        found = re.search(r"iter: \d+, cost: (\S+)", line)
        if found:
            now = time.perf_counter()
            times.append(now - begun)
            costs.append(float(found[1]))
            begun = now
        elif not costs:
            begun = time.perf_counter()  # setting up is no part of its first iteration
    if process.wait() != 0 or len(costs) != epochs:
        raise SystemExit(f"glove ended with {process.returncode} after {len(costs)} iterations: {last}")
    return {"met": costs, "seconds": times}


def report(document: dict[str, Any]) -> str:
    """The table of a document's runs, and the factor of als."""
    runs, counted, corpus = document["runs"], document["counts"], document["corpus"]
    threads = document["threads"]
    rows = []
    for name, run in runs.items():
        label = {"c": "GloVe C", "adagrad": "adagrad by cells", "als": f"als, γ = {document['ridge']:g}"}[
            name
        ]
        met = f"{run['met'][-1]:.6f}" if run.get("met") else "–"
        rows.append(
            [label, str(len(run["seconds"])), f"{run['cost']:.6f}", met, f"{median(run['seconds']):.2f}", f"{sum(run['seconds']):.1f}"]
        )  # fmt: skip
    title = "E17" if corpus["is_e17"] else f"NOT E17: {corpus['file']}"
    lines = [
        f"{title}: {corpus['bytes']:,} bytes; {counted['words']:,} words, {counted['cells']:,} cells, {DIM} dimensions, "
        f"{threads} threads. {machine.conditions(document['machine'])}.",
        "",
        machine.table(
            ["", "iterations", "cost after them", "as each cell was met", "seconds an iteration", "seconds"],
            rows,
        ),
    ]
    if "c" in runs and "adagrad" in runs:
        one, other = runs["adagrad"], runs["c"]
        lines += [
            "",
            f"adagrad ÷ C: cost {one['cost'] / other['cost']:.4f}, seconds an iteration "
            f"{median(one['seconds']) / median(other['seconds']):.3f}.",
        ]
    if "c" in runs and "als" in runs:
        lines += ["", reached(runs["c"], runs["als"])]
    return "\n".join(lines)


def reached(c: dict[str, Any], als: dict[str, Any]) -> str:
    """When als came to the C program's last cost, in words."""
    sweeps = next((n + 1 for n, cost in enumerate(als["costs"]) if cost <= c["cost"]), None)
    if sweeps is None:
        return f"als did not come to {c['cost']:.6f} in {len(als['costs'])} sweeps."
    seconds = als["set_up"] + sum(als["seconds"][:sweeps])
    return (
        f"als comes to the C program's {c['cost']:.6f} after {sweeps} of its sweeps, {seconds:.2f} s with its set-up: "
        f"{sum(c['seconds']) / seconds:.1f} times faster than its {sum(c['seconds']):.1f} s."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--glove", type=Path, help="folder with the C programs; needed for run c")
    parser.add_argument("--only", action="append", choices=RUNS, help="only this run (repeatable)")
    parser.add_argument("--epochs", type=int, default=25, help="iterations of C and epochs of adagrad")
    parser.add_argument("--sweeps", type=int, default=8, help="of als")
    parser.add_argument("--ridge", type=float, default=0.1, help="γ of als; the cost is without it")
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corpus", type=Path, help="a ready-made corpus file; default: made in OUT")
    parser.add_argument("--out", type=Path, default=Path("out/glove"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        task = json.loads(options.child)
        print(json.dumps(CHILDREN[task["do"]](task)))
        return
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    corpus: Path = options.corpus or out / "e17.txt"
    if options.corpus is None and not corpus.exists():
        e17.make_corpus(machine.data_folder() / e17.CORPUS, corpus)
    chosen = [name for name in options.only or RUNS if name != "c" or options.glove]
    words, counts, records = out / "vocabulary", out / "counts", out / "records.bin"
    machine.morphvec(
        "vocab", corpus, "-o", words, "--tokenizer", "whitespace", "--min-count", "5", "--overwrite"
    )
    machine.morphvec("count", corpus, "--vocab", words, "-o", counts, "--window", "5", "--overwrite")
    document: dict[str, Any] = {
        "machine": machine.facts(),
        "corpus": e17.measure_corpus(corpus),
        "counts": child("prepare", counts=str(counts), records=str(records), words=str(out / "words.txt")),
        "seed": options.seed,
        "threads": options.threads,
        "ridge": options.ridge,
        "runs": {},
    }
    runs = document["runs"]
    if "c" in chosen:
        with records.open("rb") as given, (out / "shuffled.bin").open("wb") as made:
            subprocess.run(
                [options.glove / "shuffle", "-verbose", "0", "-seed", "1", "-temp-file", out / "shuffling"],
                stdin=given, stdout=made, stderr=subprocess.DEVNULL, check=True,
            )  # fmt: skip
    records.unlink()
    common = {"counts": str(counts), "threads": options.threads}
    for name in chosen:
        if name == "c":
            runs[name] = theirs(options.glove, out, options.epochs, options.threads, options.seed)
            runs[name] |= child("their_cost", **common, parameters=str(out / "c.bin"))
        else:
            epochs, ridge = (options.sweeps, options.ridge) if name == "als" else (options.epochs, 0.0)
            runs[name] = child("ours", **common, solver=name, epochs=epochs, ridge=ridge, seed=options.seed)
        print(f"{name}: cost {runs[name]['cost']:.6f}, {sum(runs[name]['seconds']):.1f} s", flush=True)
        machine.write(out, "glove", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
