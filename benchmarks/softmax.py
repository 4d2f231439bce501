"""What the full softmax costs: seconds an epoch against the size of the vocabulary, beside negative sampling.

    MORPHVEC_DATA=… python benchmarks/softmax.py [--sizes 1000,2000,5000,10000,20000] [--bytes 20000000] [--out out/softmax]

The text: the first bytes of E17 (see e17.py), the same for all rows; each row is the T most frequent words of it, and a
whole ``morphvec train`` of ``skipgram`` and of ``sgns``, k = 100, flat windows of 5. Seconds of an epoch are those of
the fit's own log, the median of all but the first; skipgram's include a pass that measures the loss, sgns's do not
(its loss is that of the draws). ∝ is the slope over log T of the three largest sizes. "A pair at a time" is what the
textbook's stochastic gradient descent would do, six operations for each pair, context and dimension; skipgram gathers
the pairs of a word first, which makes it T·T·k instead of pairs·T·k, with the same gradient.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

import e17
import machine

SIZES = (1000, 2000, 5000, 10_000, 20_000)
BYTES, DIM, WINDOW = 20_000_000, 100, 5
EPOCHS = {"skipgram": 4, "sgns": 3}


def make_text(target: Path, size: int) -> None:
    """Write the first ``size`` bytes of the corpus, unless they are there."""
    if target.exists() and target.stat().st_size == size:
        return
    left = size
    with target.open("wb") as out:
        for line in e17.lines(machine.data_folder() / e17.CORPUS):
            out.write(line[:left])
            left -= len(line)
            if left <= 0:
                break


def train(text: Path, method: str, words: int, options: argparse.Namespace, model: Path) -> dict[str, Any]:
    """One ``morphvec train``: its epochs' seconds, its peak, and its last objective."""
    done = machine.morphvec(
        *("train", text, "-o", model, "--method", method, "--max-vocab", str(words), "--dim", str(DIM)),
        *("--window", str(WINDOW), "--window-weight", "flat", "--epochs", str(EPOCHS[method])),
        *("--tokenizer", "whitespace", "--min-count", "1", "--threads", str(options.threads)),
        *("--seed", str(options.seed), "--overwrite", "--json"),
    )
    records = [json.loads(line) for line in (model / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    epochs = [record for record in records if "epoch" in record]
    return {
        "method": method,
        "words": done.json["words"],
        "cells": done.json["cells"],
        "seconds": done.seconds,
        "epochs": [record["seconds"] for record in epochs],
        "epoch_seconds": median(record["seconds"] for record in epochs[1:]),
        "per_pair": epochs[-1].get("per_pair"),
        "pairs": epochs[-1]["fit"] / epochs[-1]["per_pair"] if epochs[-1].get("per_pair") else None,
        "peak_bytes": done.peak_bytes,
        "load": os.getloadavg()[0],
    }


def exponents(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Slopes of an epoch's seconds over log T, of the three largest sizes of each method."""
    made = {}
    for method in EPOCHS:
        mine = sorted((run for run in runs if run["method"] == method), key=lambda run: run["words"])[-3:]
        if len(mine) > 1:
            logs = [math.log(run["words"]) for run in mine]
            made[method] = linear_regression(logs, [math.log(run["epoch_seconds"]) for run in mine]).slope
    return made


def report(document: dict[str, Any]) -> str:
    """Markdown: a row for each size."""
    runs = {(run["words"], run["method"]): run for run in document["runs"]}
    rows = []
    for words in sorted({words for words, _ in runs}):
        full, drawn = runs[words, "skipgram"], runs[words, "sgns"]
        gathered = 6.0 * words * words * DIM
        rows.append(
            [
                f"{words:,}",
                f"{full['pairs'] / 1e6:.1f}",
                f"{full['epoch_seconds']:.2f}",
                f"{drawn['epoch_seconds']:.2f}",
                f"{full['epoch_seconds'] / drawn['epoch_seconds']:.2f}",
                f"{gathered:.1e}",
                f"{6.0 * full['pairs'] * words * DIM:.1e}",
                f"{full['peak_bytes'] / 1e6:,.0f}",
                f"{drawn['peak_bytes'] / 1e6:,.0f}",
                f"{max(full['load'], drawn['load']):.1f}",
            ]
        )
    header = ["T", "pairs, M", "skipgram, s an epoch", "sgns, s an epoch", "skipgram / sgns"]
    header += ["operations, pairs gathered", "a pair at a time", "skipgram peak MB", "sgns peak MB", "load"]
    law = "; ".join(f"{method} ∝ T^{slope:.2f}" for method, slope in document["exponents"].items())
    conditions = (
        f"{machine.conditions(document['machine'])}. {document['threads']} threads, k = {DIM}, seed {document['seed']}, "
        f"{document['bytes']:,} bytes of text; load: of the machine, mean of the last minute."
    )
    return "\n\n".join([conditions, machine.table(header, rows), f"Seconds of an epoch over T: {law}."])


def plot(runs: list[dict[str, Any]], folder: Path) -> bool:
    """``softmax.svg``: seconds of an epoch of both methods over T; False where matplotlib is missing."""
    try:
        import matplotlib
    except ModuleNotFoundError:
        return False
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "softmax"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.6), layout="constrained")
    for method, label in (("skipgram", "full softmax"), ("sgns", "negative sampling")):
        mine = sorted((run for run in runs if run["method"] == method), key=lambda run: run["words"])
        axes.loglog([run["words"] for run in mine], [run["epoch_seconds"] for run in mine], "o-", label=label)
    axes.set(xlabel="words T", ylabel="seconds of an epoch")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / "softmax.svg", metadata={"Date": None})
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="words")
    parser.add_argument("--bytes", type=int, default=BYTES, help="of text")
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/softmax"))
    options = parser.parse_args()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    text = out / "text.txt"
    make_text(text, options.bytes)
    document: dict[str, Any] = {
        "machine": machine.facts(),
        "threads": options.threads,
        "seed": options.seed,
        "bytes": options.bytes,
        "runs": [],
    }
    for method in EPOCHS:  # compiles, so that no figure has a part of it
        train(text, method, 100, options, out / "model")
    for words in map(int, options.sizes.split(",")):
        for method in EPOCHS:
            run = train(text, method, words, options, out / "model")
            print(json.dumps(run), file=sys.stderr)
            document["runs"].append(run)
    document["exponents"] = exponents(document["runs"])
    machine.write(out, "softmax", document, report(document))
    if not plot(document["runs"], out):
        print("no figure: matplotlib is not installed", file=sys.stderr)
    print(report(document))


if __name__ == "__main__":
    main()
