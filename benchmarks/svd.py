"""Truncated SVD of the E17 PPMI matrix: morphvec's ``fast`` and ``exact`` beside scipy's ARPACK, in turn in one run.

    MORPHVEC_DATA=… python benchmarks/svd.py [--corpus FILE] [--dim 100] [--rounds 3] [--out out/svd]

The corpus (--corpus, or that of ``e17.py``) is counted and weighed by the ``morphvec`` command with its defaults for
--method svd. Each round runs every solver once, each in a process of its own that loads the same association:
svds of float32 and float64 cells (its own start from the round's seed, tolerance 0, every core for its BLAS), and ours on
--threads threads. Seconds are of the decomposition alone, from cells in memory to sorted values and both sides; the
median of the rounds is reported. Energy: Σσ² over that of float64 ARPACK in the same round. Peaks are what the process gained
beyond the loaded cells. Kernels are compiled before the first round.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import e17
import machine

SOLVERS = {  # a peer before each of ours, so that a machine that slows down slows both
    "arpack-float32": "scipy svds, float32",
    "fast": "morphvec fast",
    "arpack-float64": "scipy svds, float64",
    "exact": "morphvec exact",
}
PEER = {"fast": "arpack-float32", "exact": "arpack-float64"}
REFERENCE = "arpack-float64"


def make_association(corpus: Path, folder: Path) -> Path:
    """Vocabulary, counts and association of the corpus, as folders; what is there is kept."""
    V, C, A = (folder / name for name in ("vocabulary", "counts", "association"))
    if not A.exists():
        machine.morphvec(
            "vocab", corpus, "-o", V, "--tokenizer", "whitespace", "--min-count", "5", "--overwrite"
        )
        machine.morphvec("count", corpus, "--vocab", V, "-o", C, "--overwrite")
        machine.morphvec("weigh", C, "-o", A, "--overwrite")
    return A


def peak() -> int:
    """The most memory that this process has had so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """In a child process: one decomposition; values, orthogonality and residuals of what it found."""
    import numpy as np
    from scipy.sparse import csr_array

    from morphvec.pipeline.nouns import load_association

    association, _, _ = load_association(Path(task["association"]))
    kind = np.float64 if task["solver"] == "arpack-float64" else np.float32
    given = association.matrix
    matrix = csr_array(
        (np.array(given.data, kind), np.array(given.indices), np.array(given.indptr)), shape=given.shape
    )
    before = peak()
    start, processor = time.perf_counter(), time.process_time()
    if task["solver"].startswith("arpack"):
        from scipy.sparse.linalg import svds

        first = np.random.default_rng(task["seed"]).standard_normal(min(matrix.shape)).astype(kind)
        u, values, vt = svds(matrix, task["dim"], v0=first)
        order = np.argsort(-values, kind="stable")
        left, singular, right = u[:, order], values[order], vt[order].T
        cycles, columns = None, None
    else:
        from morphvec.engine.local import local_engine
        from morphvec.solvers.svd import truncated_svd

        found = truncated_svd(
            matrix, task["dim"], task["solver"], task["seed"], engine=local_engine(task["threads"])
        )
        left, singular, right = found.left, found.singular, found.right
        cycles, columns = len(found.history), sum(entry["columns"] for entry in found.history)
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    after = peak()
    singular = singular.astype(np.float64)
    residual = np.linalg.norm(matrix.T @ left - right * singular.astype(right.dtype), axis=0) / singular
    return {
        **task,
        "rows": matrix.shape[0],
        "columns": matrix.shape[1],
        "cells": int(matrix.nnz),
        "seconds": seconds,
        "cpu_seconds": processor,
        "peak_bytes": after - before,
        "energy": float(np.sum(singular**2)),
        "singular": singular.tolist(),
        "residual": float(residual.max()),
        "orthogonality": float(np.abs(left.T @ left - np.eye(task["dim"])).max()),
        "cycles": cycles,
        "basis_columns": columns,
    }


def summary(runs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Medians of each solver over the rounds; energies and values against float64 ARPACK of the same round."""
    by_round = {(run["seed"], run["solver"]): run for run in runs}
    made: dict[str, dict[str, Any]] = {}
    for solver in SOLVERS:
        mine = [run for run in runs if run["solver"] == solver]
        best = [by_round[run["seed"], REFERENCE] for run in mine]
        errors = [
            max(abs(a / b - 1) for a, b in zip(run["singular"], other["singular"], strict=True))
            for run, other in zip(mine, best, strict=True)
        ]
        made[solver] = {
            **{key: median(run[key] for run in mine) for key in ("seconds", "cpu_seconds", "peak_bytes")},
            "energy": min(run["energy"] / other["energy"] for run, other in zip(mine, best, strict=True)),
            "largest_error": max(errors),
            "residual": max(run["residual"] for run in mine),
        }
    for solver, peer in PEER.items():
        ratios = [
            by_round[run["seed"], peer]["seconds"] / run["seconds"] for run in runs if run["solver"] == solver
        ]
        made[solver]["times_faster"] = {"median": median(ratios), "least": min(ratios), "most": max(ratios)}
    return made


def report(document: dict[str, Any]) -> str:
    """Markdown: a row for each solver."""
    rows = []
    for solver, found in document["summary"].items():
        ratio = found.get("times_faster")
        rows.append(
            [
                SOLVERS[solver],
                f"{found['seconds']:.1f}",
                f"{found['cpu_seconds']:.1f}",
                f"{found['peak_bytes'] / 1e6:,.0f}",
                f"{100 * found['energy']:.3f}",
                f"{found['largest_error']:.1e}",
                f"{found['residual']:.1e}",
                "" if ratio is None else f"{ratio['median']:.1f} ({ratio['least']:.1f}–{ratio['most']:.1f})",
            ]
        )
    header = [
        "",
        "s",
        "CPU s",
        "memory MB",
        "energy %",
        "error of σ, most",
        "residual/σ, most",
        "× faster than svds",
    ]
    run = document["runs"][0]
    conditions = (
        f"{machine.conditions(document['machine'])}. {run['rows']:,} × {run['columns']:,}, {run['cells']:,} cells, "
        f"k = {document['dim']}; {document['threads']} threads; medians over {document['rounds']} rounds, ratios within a round "
        f"against svds of the same precision; load of the machine {document['load'][0]:.1f} at the start, "
        f"{document['load_end'][0]:.1f} at the end."
    )
    return f"{conditions}\n\n{machine.table(header, rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, help="text, one line each, tokens between spaces")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--out", type=Path, default=Path("out/svd"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(json.loads(options.child))))
        return
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    corpus = options.corpus
    if corpus is None:
        corpus = out / "corpus.txt"
        if not corpus.exists():
            e17.make_corpus(machine.data_folder() / e17.CORPUS, corpus)
    association = make_association(corpus, out)
    task = {"association": str(association), "dim": options.dim, "threads": options.threads}
    load = os.getloadavg()
    for solver in PEER:  # compiles
        machine.timed(
            [sys.executable, __file__, "--child", json.dumps({**task, "dim": 5, "seed": 0, "solver": solver})]
        )
    runs = []
    for seed in range(options.rounds):
        for solver in SOLVERS:
            chosen = json.dumps({**task, "seed": seed, "solver": solver})
            run = machine.timed([sys.executable, __file__, "--child", chosen]).json
            print(json.dumps({**run, "singular": len(run["singular"])}), file=sys.stderr)
            runs.append({**run, "association": association.name})
    document = {
        "machine": machine.facts(),
        "load": load,
        "load_end": os.getloadavg(),
        **{name: getattr(options, name) for name in ("dim", "rounds", "threads")},
        "summary": summary(runs),
        "runs": runs,
    }
    machine.write(out, "svd", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
