"""A sweep of als beside a plain kernel of the same arithmetic, beside sgemm and triad, with one thread and with all.

    MORPHVEC_DATA=… python benchmarks/row_kernel.py [--association A] [--corpus FILE] [--dim 128] [--rounds 3]

The PPMI association of E17 (see svd.py), B = I, conjugate gradients with 3 steps a row. The plain kernel is the textbook
one: rows in parallel, one pass over a row's cells for the residual and one for each step, no preconditioner, no blocking;
it is written here from its description, as what an hour with Numba gives. A pass counts 4·k flops a cell, a half-sweep
(steps + 1) passes. Ours is timed by its own log: the mean of two sweeps after the first, both halves, with whatever
number of steps its settings ask for; where that is not said, "flops" counts those of the plain kernel, so that the ratio
is that of seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import e17
import machine
import svd

STEPS, SWEEPS = 3, 3


def plain(task: dict[str, Any]) -> dict[str, Any]:
    """In a child process: seconds of both half-sweeps of the textbook kernel."""
    import numba as nb
    import numpy as np

    from morphvec.pipeline.nouns import load_association

    nb.set_num_threads(task["threads"])

    @nb.njit(parallel=True, fastmath=True)
    def half(indptr, indices, weights, values, X, Y, ridge, steps):  # type: ignore[no-untyped-def]
        rows, k = X.shape
        for row in nb.prange(rows):
            x = X[row]
            residual, product = -ridge * x, np.empty(k, np.float32)
            for cell in range(indptr[row], indptr[row + 1]):
                y = Y[indices[cell]]
                dot = np.float32(0)
                for j in range(k):
                    dot += y[j] * x[j]
                error = weights[cell] * (values[cell] - dot)
                for j in range(k):
                    residual[j] += error * y[j]
            direction = residual.copy()
            square = np.float32(0)
            for j in range(k):
                square += residual[j] * residual[j]
            for _ in range(steps):
                if square < np.float32(1e-20):
                    break
                for j in range(k):
                    product[j] = ridge * direction[j]
                for cell in range(indptr[row], indptr[row + 1]):
                    y = Y[indices[cell]]
                    dot = np.float32(0)
                    for j in range(k):
                        dot += y[j] * direction[j]
                    dot *= weights[cell]
                    for j in range(k):
                        product[j] += dot * y[j]
                bend = np.float32(0)
                for j in range(k):
                    bend += direction[j] * product[j]
                length, before, square = square / bend, square, np.float32(0)
                for j in range(k):
                    x[j] += length * direction[j]
                    residual[j] -= length * product[j]
                    square += residual[j] * residual[j]
                for j in range(k):
                    direction[j] = residual[j] + square / before * direction[j]

    association, _, _ = load_association(Path(task["association"]))
    values = association.matrix.astype(np.float32)
    weights = association.weights.astype(np.float32)
    sides = [(values, weights), (values.T.tocsr(), weights.T.tocsr())]
    generator = np.random.default_rng(0)
    U, S = (generator.normal(0, 0.1, (size, task["dim"])).astype(np.float32) for size in values.shape)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        for (cells, bends), X, Y in zip(sides, (U, S), (S, U), strict=True):
            half(cells.indptr, cells.indices, bends.data, cells.data, X, Y, np.float32(1.0), STEPS)
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds[-1], "cells": int(values.nnz), "shape": list(values.shape)}


def ours(task: dict[str, Any]) -> dict[str, Any]:
    """In a child process: mean seconds of a sweep of als after the first."""
    import morphvec as mv
    from morphvec.engine.local import local_engine
    from morphvec.pipeline.nouns import load_association
    from morphvec.solvers.problem import Problem
    from morphvec.solvers.solve import solve

    association, _, _ = load_association(Path(task["association"]))
    problem = Problem(association.matrix, association.weights, association.alpha, None, (), 1.0, 1.0, 1.0)
    factors = solve(
        problem, task["dim"], "als", SWEEPS, 0, cg_steps=STEPS, engine=local_engine(task["threads"])
    )
    seconds = [entry["seconds"] for entry in factors.history][1:]
    return {"seconds": sum(seconds) / len(seconds), "version": mv.__version__}


def report(document: dict[str, Any]) -> str:
    """Markdown: seconds a sweep and GFLOP/s by threads, and what the machine can do."""
    runs, limits, cores = document["runs"], document["limits"], document["cores"]
    cells = runs["plain"][0]["cells"]
    work = 2 * (STEPS + 1) * 4 * document["dim"] * cells / 1e9
    rows = []
    for name, found in runs.items():
        seconds = [run["seconds"] for run in found]
        middle = median(seconds)
        rows.append([name, f"{middle:.2f} ({min(seconds):.2f}–{max(seconds):.2f})", f"{work / middle:.1f}"])
    pairs = [a["seconds"] / b["seconds"] for a, b in zip(runs["plain"], runs["als"], strict=True)]
    alone = [a["seconds"] / b["seconds"] for a, b in zip(runs["als, one thread"], runs["als"], strict=True)]
    return "\n".join(
        [
            f"E17: {cells:,} cells, k = {document['dim']}, {STEPS} steps, {cores} threads; sgemm "
            f"{limits[f'sgemm_gflops_{cores}']} GFLOP/s, triad {limits[f'triad_gb_s_{cores}']} GB/s. "
            f"{machine.conditions(document['machine'])}.",
            "",
            machine.table(["", "s a sweep", "GFLOP/s"], rows),
            "",
            f"Plain kernel ÷ als: {median(pairs):.2f} ({min(pairs):.2f}–{max(pairs):.2f}); one thread ÷ {cores}: "
            f"{median(alone):.2f} ({min(alone):.2f}–{max(alone):.2f}).",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, help="a ready-made corpus file; default: made in OUT")
    parser.add_argument("--association", type=Path, help="a ready-made association folder")
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out/row_kernel"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        task = json.loads(options.child)
        print(json.dumps((plain if task["side"] == "plain" else ours)(task)))
        return
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    association = options.association
    if association is None:
        corpus = options.corpus or out / "e17.txt"
        if not corpus.exists():
            e17.make_corpus(machine.data_folder() / e17.CORPUS, corpus)
        association = svd.make_association(corpus, out)
    cores = machine.cores()
    sides = {"plain": ("plain", cores), "als": ("als", cores), "als, one thread": ("als", 1)}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    limits = machine.timed([sys.executable, machine.HERE / "machine_speed.py"]).json
    for number in range(options.rounds + 1):
        for name, (side, threads) in sides.items():
            task = {"association": str(association), "dim": options.dim, "side": side, "threads": threads}
            run = machine.timed([sys.executable, __file__, "--child", json.dumps(task)]).json
            if number:  # the first compiles
                runs[name].append(run)
    document = {
        "machine": machine.facts(),
        "limits": limits,
        "cores": cores,
        "dim": options.dim,
        "runs": runs,
    }
    machine.write(out, "row_kernel", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
