"""Token-token beside token-feature on the same real counts: seconds and peak memory as the vocabulary grows.

    MORPHVEC_DATA=… python benchmarks/token_token.py [--sizes 1000,2000,4000,8000,16000] [--out out/token_token]

The text: the first 20 MB of corpus/enwiki2015_first200.txt.xz, made as in ``e17.py``. For each size T the T most
frequent words are counted and weighed by the ``morphvec`` command, window 5, 1/distance, PPMI without smoothing, so
that the matrix is symmetric and both methods read the same file; then each method fits it at k = 100 in a process of
its own. token-token: M laid out densely in float64, its top 100 eigenpairs (no penalty), by LAPACK up to 2,048 words
and by Lanczos beyond. token-feature: B = I, eight sweeps of als in float32. A pass is one evaluation of the whole
gradient, the median of three. Peaks are of whole processes, the interpreter and the libraries included; the part of the
fit is what the peak gained after the association was loaded. matplotlib draws the figure where it is installed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import sys
import time
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

import e17
import machine

SIZES = (1000, 2000, 4000, 8000, 16000)
BYTES, DIM = 20_000_000, 100
METHODS = ("token-feature", "token-token")


def make_text(target: Path) -> None:
    """Write the first BYTES bytes of the corpus, unless they are there."""
    if target.exists() and target.stat().st_size == BYTES:
        return
    left = BYTES
    with target.open("wb") as out:
        for line in e17.lines(machine.data_folder() / e17.CORPUS):
            out.write(line[:left])
            left -= len(line)
            if left <= 0:
                break


def make_association(text: Path, words: int, folder: Path) -> Path:
    """Vocabulary, counts and association of the ``words`` most frequent words, as folders."""
    V, C, A = (folder / f"{name}-{words}" for name in ("vocabulary", "counts", "association"))
    cut = ["--tokenizer", "whitespace", "--min-count", "1", "--max-vocab", str(words)]
    machine.morphvec("vocab", text, "-o", V, *cut, "--overwrite")
    machine.morphvec("count", text, "--vocab", V, "-o", C, "--overwrite")
    machine.morphvec("weigh", C, "--smoothing", "1", "-o", A, "--overwrite")
    return A


def peak() -> int:
    """The most memory that this process has had so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """In a child process: fit one method, then time passes over the same problem."""
    import numpy as np

    from morphvec.engine.local import local_engine
    from morphvec.methods import token_feature, token_token
    from morphvec.pipeline.nouns import load_association
    from morphvec.solvers.problem import Problem
    from morphvec.solvers.symmetric import SymmetricProblem

    engine = local_engine(task["threads"])
    association, vocabulary, _ = load_association(Path(task["association"]))
    words, before = len(vocabulary), peak()
    start, processor = time.perf_counter(), time.process_time()
    if task["method"] == "token-token":
        chosen = token_token.TokenTokenOptions(task["dim"], seed=task["seed"], memory=1 << 40)
        model, factors = token_token.fit(association, vocabulary, chosen, [], engine=engine)
    else:
        free = token_feature.TokenFeatureOptions(task["dim"], ("own",), seed=task["seed"])
        model, factors = token_feature.fit(association, vocabulary, free, [], engine=engine)
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    after = peak()
    passes = []
    if task["method"] == "token-token":
        whole = SymmetricProblem(token_token.dense_ppmi(association))
        for _ in range(3):
            start = time.perf_counter()
            whole.gradient(factors.U, engine)
            passes.append(time.perf_counter() - start)
    else:
        sparse = Problem(association.matrix, association.weights, association.alpha)
        sparse.gradient(factors.P, factors.S, engine=engine)  # lays out the cells
        for _ in range(3):
            start = time.perf_counter()
            sparse.gradient(factors.P, factors.S, engine=engine)
            passes.append(time.perf_counter() - start)
    return {
        **task,
        "words": words,
        "cells": int(association.matrix.nnz),
        "fit_seconds": seconds,
        "fit_cpu_seconds": processor,
        "pass_seconds": median(passes),
        "objective": factors.history[-1]["total"],
        "finite": bool(np.isfinite(model.vectors).all()),
        "loaded_bytes": before,
        "peak_bytes": after,
    }


def exponents(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Slopes over log T of each method: seconds, seconds a pass, and memory beyond what was loaded."""
    values = {
        "fit": lambda run: run["fit_seconds"],
        "cpu": lambda run: run["fit_cpu_seconds"],
        "pass": lambda run: run["pass_seconds"],
        "memory": lambda run: run["peak_bytes"] - run["loaded_bytes"],
    }
    made: dict[str, Any] = {}
    for method in METHODS:
        mine = [run for run in runs if run["method"] == method]
        if len(mine) > 1:
            logs = [math.log(run["words"]) for run in mine]
            made[method] = {
                name: linear_regression(logs, [math.log(max(value(run), 1e-9)) for run in mine]).slope
                for name, value in values.items()
            }
    return made


def report(document: dict[str, Any]) -> str:
    """Markdown: both methods side by side, a row for each size."""
    runs = {(run["words"], run["method"]): run for run in document["runs"]}
    sizes = sorted({words for words, _ in runs})
    rows = []
    for words in sizes:
        sparse, dense = (runs[words, method] for method in METHODS)
        cells = [f"{words:,}", f"{sparse['cells'] / 1e6:.2f} ({100 * sparse['cells'] / words**2:.1f}%)"]
        for key, unit, form in (
            ("fit_seconds", 1, ".1f"),
            ("fit_cpu_seconds", 1, ".1f"),
            ("pass_seconds", 1e-3, ".0f"),
            ("peak_bytes", 1e6, ",.0f"),
        ):
            cells += [format(run[key] / unit, form) for run in (sparse, dense)]
        beside = [run["peak_bytes"] - run["loaded_bytes"] for run in (sparse, dense)]
        cells += [f"{size / 1e6:,.0f}" for size in beside]
        cells.append(f"{max(sparse['load'], dense['load']):.1f}")
        rows.append(cells)
    header = ["T", "cells, M (of T²)"]
    header += [
        f"{name}, {form}"
        for name in ("fit s", "CPU s", "pass ms", "peak MB", "of it fit MB")
        for form in ("TF", "TT")
    ]
    header.append("load")
    laws = [
        f"{method}: over T, seconds of a fit ∝ T^{e['fit']:.2f}, CPU seconds ∝ T^{e['cpu']:.2f}, of a pass ∝ T^{e['pass']:.2f}, memory of the fit "
        f"∝ T^{e['memory']:.2f}."
        for method, e in document["exponents"].items()
    ]
    conditions = (
        f"{machine.conditions(document['machine'])}. {document['threads']} threads, k = {DIM}, seed {document['seed']}, "
        f"{BYTES:,} bytes of text; load: of the machine, mean of the last minute; {document['load'][0]:.1f} at the "
        f"start. TF token-feature, TT token-token."
    )
    return "\n\n".join([conditions, machine.table(header, rows), *laws])


def plot(runs: list[dict[str, Any]], folder: Path) -> bool:
    """``token_token.svg``: seconds and memory of both methods over T; False where matplotlib is missing."""
    try:
        import matplotlib
    except ModuleNotFoundError:
        return False
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "token_token"
    from matplotlib import pyplot

    panels = {
        "seconds of a fit": lambda run: run["fit_seconds"],
        "seconds of a pass": lambda run: run["pass_seconds"],
        "memory of the fit, MB": lambda run: (run["peak_bytes"] - run["loaded_bytes"]) / 1e6,
    }
    figure, places = pyplot.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
    for axes, (label, value) in zip(places, panels.items(), strict=True):
        for method in METHODS:
            mine = [run for run in runs if run["method"] == method]
            axes.loglog([run["words"] for run in mine], [value(run) for run in mine], "o-", label=method)
        axes.set(xlabel="words T", ylabel=label)
        axes.spines[["top", "right"]].set_visible(False)
    places[0].legend(frameon=False)
    figure.savefig(folder / "token_token.svg", metadata={"Date": None})
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="words")
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/token_token"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(json.loads(options.child))))
        return
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    text = out / "text.txt"
    make_text(text)
    common = {"dim": DIM, "threads": options.threads, "seed": options.seed}
    document: dict[str, Any] = {"machine": machine.facts(), "load": os.getloadavg(), **common, "runs": []}
    for method in METHODS:  # compiles, so that no figure has a part of it
        task = {**common, "dim": 5, "method": method, "association": str(make_association(text, 100, out))}
        machine.timed([sys.executable, __file__, "--child", json.dumps(task)])
    for words in map(int, options.sizes.split(",")):
        association = make_association(text, words, out)
        for method in METHODS:
            task = {**common, "method": method, "association": str(association)}
            run = machine.timed([sys.executable, __file__, "--child", json.dumps(task)]).json
            print(json.dumps(run), file=sys.stderr)
            document["runs"].append({**run, "association": association.name, "load": os.getloadavg()[0]})
    document["exponents"] = exponents(document["runs"])
    machine.write(out, "token_token", document, report(document))
    if not plot(document["runs"], out):
        print("no figure: matplotlib is not installed", file=sys.stderr)
    print(report(document))


if __name__ == "__main__":
    main()
