"""In which sense stochastic matrix factorization lies between SVD and SGNS: each model under the loss of each.

    MORPHVEC_DATA=… python benchmarks/between.py [--size 105] [--corpus FILE]

All models share text, vocabulary, windows (dynamic), k = 5, smoothing = noise power = ¾, no subsampling, dim 100, and
serve the symmetric form (power ½); what differs is the loss: svd fits shifted PPMI with every cell alike, unobserved
ones as 0; smf fits PMI − ln k of the observed cells; sgns draws its pairs from the text. Errors are those of u·s against PMI − ln k over a sample of the observed cells
(uniform, weighted by n, by n·m/(n + m)); the SGNS loss a pair is that of note 001, eq. 7, its expectation under the noise
estimated from drawn cells.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import e17
import machine
import methods

COMMON = "--window-weight dynamic --min-count 5 --window 5 --tokenizer whitespace --dim 100"
MODELS = {
    "svd of shifted PPMI": "--method svd --shift 5 --power 0.5",
    "smf, weights 1": "--method smf --shift 5 --weight constant --power 0.5",
    "smf, weights nm/(n+m)": "--method smf --shift 5 --power 0.5",
    "smf, weights n": "--method smf --shift 5 --weight count --power 0.5",
    "smf, logistic loss": "--method smf --shift 5 --loss logistic --power 0.5",
    "sgns": "--method sgns --sample 0 --power 0.5",
}
NEGATIVES, POWER = 5, 0.75
CELLS, DRAWS = 3_000_000, 3_000_000


def products(U: np.ndarray, S: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """u·s of some cells, float64."""
    out = np.empty(len(rows))
    for low in range(0, len(rows), 100_000):
        at = slice(low, low + 100_000)
        out[at] = np.einsum("ij,ij->i", U[rows[at]], S[columns[at]], dtype=np.float64)
    return out


def measure(model: Path, counts: Any) -> dict[str, float]:
    """The losses of a model on counts."""
    import morphvec as mv

    loaded = mv.load(model)
    assert loaded.words == counts.words
    U, S = np.asarray(loaded.vectors), np.asarray(loaded.contexts)
    matrix = counts.matrix
    rows_of = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    n_t = np.asarray(matrix.sum(axis=1)).ravel()
    noise = np.asarray(matrix.sum(axis=0)).ravel() ** POWER
    noise /= noise.sum()
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.choice(matrix.nnz, min(CELLS, matrix.nnz), replace=False))
    rows, columns, n = rows_of[chosen], matrix.indices[chosen], matrix.data[chosen]
    m = NEGATIVES * n_t[rows] * noise[columns]
    x, goal = products(U, S, rows, columns), np.log(n / m)
    error = (x - goal) ** 2
    bend = n * m / (n + m)
    total = n_t.sum()
    drawn = (rng.choice(len(n_t), DRAWS, p=n_t / total), rng.choice(len(noise), DRAWS, p=noise))
    y = products(U, S, *drawn)
    share = matrix.nnz / len(chosen)
    positive = share * float((n * np.logaddexp(0, -x)).sum()) / total
    return {
        "plain": float(np.sqrt(error.mean())),
        "count": float(np.sqrt((n * error).sum() / n.sum())),
        "curvature": float(np.sqrt((bend * error).sum() / bend.sum())),
        "sgns_loss": positive + NEGATIVES * float(np.logaddexp(0, y).mean()),
        "noise_mean": float(y.mean()),
        "correlation": float(np.corrcoef(x, goal)[0, 1]),
    }


def report(document: dict[str, Any]) -> str:
    """The table."""
    rows = []
    for run in document["runs"]:
        found = run["losses"]
        rows.append(
            [
                run["name"],
                *(f"{found[key]:.2f}" for key in ("plain", "curvature", "count")),
                f"{found['sgns_loss']:.3f}",
                f"{found['correlation']:.2f}",
                f"{found['noise_mean']:.2f}",
                *(machine.percent(run["scores"][column]["score"]) for column in e17.COLUMNS),
                f"{run['seconds']:.0f}",
            ]
        )
    header = ["", "RMSE", "RMSE, nm/(n+m)", "RMSE, n", "SGNS loss a pair, nats", "r", "mean u·s under noise"]
    return "\n".join(
        [
            f"{machine.conditions(document['machine'])}. {document['corpus']['tokens']:,} tokens, "
            f"{document['cells']:,} observed cells; one seed.",
            "",
            machine.table([*header, *e17.COLUMNS, "s"], rows),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=105, help="megabytes of text")
    parser.add_argument("--corpus", type=Path, help="a ready-made E17 file; default: made in OUT")
    parser.add_argument("--measure", nargs=2, metavar=("MODEL", "COUNTS"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("out/between"))
    options = parser.parse_args()
    if options.measure:  # in a process of its own: the parent stays small
        from morphvec.pipeline.nouns import load_counts

        counts, _, _ = load_counts(Path(options.measure[1]))
        print(json.dumps({"cells": int(counts.matrix.nnz), **measure(Path(options.measure[0]), counts)}))
        return
    data, out = machine.data_folder(), options.out
    out.mkdir(parents=True, exist_ok=True)
    corpus: Path = options.corpus or out / "e17.txt"
    if not corpus.exists():
        e17.make_corpus(data / e17.CORPUS, corpus)
    text = methods.cut(corpus, options.size, out)
    machine.morphvec(
        "vocab", text, "-o", out / "vocabulary", "--tokenizer", "whitespace", "--overwrite", "--quiet"
    )
    counting = ["--vocab", out / "vocabulary", "--window-weight", "dynamic", "--overwrite", "--quiet"]
    machine.morphvec("count", text, "-o", out / "counts", *counting)
    document: dict[str, Any] = {
        "machine": machine.facts(),
        "corpus": e17.measure_corpus(text),
        "cells": 0,
        "runs": [],
    }
    for name, chosen in MODELS.items():
        model = out / "model"
        given = [*COMMON.split(), *chosen.split(), "--overwrite", "--json", "--quiet"]
        run = machine.morphvec("train", text, "-o", model, *given)
        command = [sys.executable, __file__, "--measure", model, out / "counts"]
        losses = machine.timed(command).json
        document["cells"] = losses.pop("cells")
        document["runs"].append(
            {
                "name": name,
                "options": chosen,
                "seconds": run.seconds,
                "losses": losses,
                "scores": e17.score(model, data),
            }
        )
        print(f"{name}: {run.seconds:.0f} s", flush=True)
        machine.write(out, "between", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
