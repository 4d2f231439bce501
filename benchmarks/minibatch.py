"""Mini-batches beside als: the objective over time, edges sampled or in full, and oversampling of a rare language.

    MORPHVEC_DATA=… python benchmarks/minibatch.py [--only solvers|edges|languages] [--corpus FILE]

solvers: E17, B = I; each solver's J beside that of als after 8 sweeps, at equal seconds and at its end. edges: offset
constraints of UniMorph eng by adam, the Laplacian in full and by sampled edges. languages: the English Bible with the
first tenth of the Hungarian one, in one space by verse ids; adam with few epochs, Hungarian cells drawn more often.
"""

from __future__ import annotations

import argparse
import gzip
import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import ablation
import e17
import machine

SOLVERS = [
    ("als", "--solver als --epochs 8"),
    ("adagrad", "--solver adagrad --epochs 12"),
    ("adagrad", "--solver adagrad --epochs 25"),
    ("adam", "--solver adam --epochs 12"),
    ("adam", "--solver adam --epochs 25"),
    ("sgd", "--solver sgd --epochs 60"),
]
SECONDS = (10, 20, 40, 80, 160)
EDGES = [
    ("als", "--solver als --epochs 8"),
    ("in full", "--solver adam --epochs 15"),
    ("1,000 edges a step", "--solver adam --epochs 15 --edge-samples 1000"),
    ("10,000 edges a step", "--solver adam --epochs 15 --edge-samples 10000"),
    (
        "1,000 edges a step, small classes as often as large ones",
        "--solver adam --epochs 15 --edge-samples 1000 --oversample-class 1",
    ),
]
LANGUAGES = [  # one run each: what a first run says of counterparts would make another problem of every row
    ("als", "--unaligned 1 --solver als --epochs 8"),
    *(
        (
            f"exponent {exponent:g}{'' if importance else ', without importance correction'}",
            f"--unaligned 1 --solver adam --epochs 6 --oversample-language {exponent:g}"
            + ("" if importance else " --no-importance"),
        )
        for exponent, importance in ((0, True), (0.5, True), (1, True), (0.5, False), (1, False))
    ),
]
RARE = 0.1  # of the Hungarian verses that are kept


def fit(association: Path, model: Path, options: list[str]) -> dict[str, Any]:
    """One ``morphvec fit``: what it took, and its epochs with the seconds since its start."""
    run = machine.morphvec("fit", association, "-o", model, "--overwrite", "--json", *options)
    records = [json.loads(line) for line in (model / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    epochs = [record for record in records if "epoch" in record]
    ends = accumulate(record["seconds"] for record in epochs)
    curve = [(seconds, record["total"]) for seconds, record in zip(ends, epochs, strict=True)]
    return {"seconds": run.seconds, "peak_bytes": run.peak_bytes, "last": epochs[-1], "curve": curve}


def gap(value: float, best: float) -> str:
    return f"{100 * (value / best - 1):+.2f}%"


def solvers(document: dict[str, Any], walk: ablation.Walk, out: Path, data: Path) -> str:
    association = walk.association("", "")
    runs = [
        {
            "solver": name,
            "options": text,
            **fit(association, out / "model", ["--parts", "own", *text.split()]),
        }
        | {"scores": {k: v["score"] for k, v in e17.score(out / "model", data).items()}}
        for name, text in SOLVERS
    ]
    document["solvers"] = runs
    best = runs[0]["last"]["total"]
    rows = []
    for run in runs:
        near = next((seconds for seconds, value in run["curve"] if value <= 1.01 * best), None)
        at = [
            next((gap(J, best) for seconds, J in reversed(run["curve"]) if seconds <= limit), "–")
            if run["curve"][-1][0] >= limit
            else "ended"
            for limit in SECONDS
        ]
        rows.append(
            [
                f"`{run['options']}`",
                *at,
                gap(run["last"]["total"], best),
                f"{run['curve'][-1][0]:.0f}",
                "never" if near is None else f"{near:.0f}",
                f"{run['peak_bytes'] / 2**30:.1f}",
                machine.percent(run["scores"]["MEN"]),
                machine.percent(run["scores"]["syn"]),
            ]
        )
    header = [
        "solver",
        *(f"J at {limit} s" for limit in SECONDS),
        "J at the end",
        "s",
        "s to 1%",
        "peak GiB",
        "MEN",
        "syn",
    ]
    return (
        "### Solvers\n\nJ relative to als after 8 sweeps; seconds of the epochs alone.\n\n"
        + machine.table(header, rows)
    )


def edges(document: dict[str, Any], walk: ablation.Walk, out: Path, data: Path) -> str:
    association = walk.association("", "")
    table = ["--parts", "own", "--unimorph", str(data / "unimorph" / "eng.tsv.gz")]
    runs = [
        {"label": name, "options": text, **fit(association, out / "model", [*table, *text.split()])}
        for name, text in EDGES
    ]
    document["edges"] = runs
    best = runs[0]["last"]["total"]
    rows = [
        [
            run["label"],
            gap(run["last"]["total"], best),
            f"{sum(run['last']['classes'].values()):,.0f}",
            f"{run['curve'][-1][0] / len(run['curve']):.1f}",
        ]
        for run in runs
    ]
    header = ["offset constraints", "J beside als", "their share of J", "s an epoch"]
    return "### Edges\n\n" + machine.table(header, rows)


def languages(document: dict[str, Any], walk: ablation.Walk, out: Path, data: Path) -> str:
    del walk
    rare = out / "hun-tenth.tsv"
    with gzip.open(data / "bible" / "hun.txt.gz", "rt", encoding="utf-8") as text:
        lines = text.read().splitlines()
    rare.write_text("\n".join(lines[: int(RARE * len(lines))]) + "\n", encoding="utf-8")
    texts = [f"eng={data / 'bible' / 'eng.txt.gz'}", f"hun={rare}"]
    shared = "--format tsv --features ids --tokenizer letters --min-count 3 --parts own --overwrite --json"
    words = data / "bli" / "muse_en-hu.tsv.gz"
    runs = []
    for label, text in LANGUAGES:
        run = machine.morphvec("train", *texts, "-o", out / "bible", *shared.split(), *text.split())
        found = machine.results(
            machine.morphvec(
                "evaluate", out / "bible", "--bli", "hun", "eng", words_back(words, out), "--json"
            )
        )
        scores = {metric: found["hun-eng.tsv", metric] for metric in ("csls p@1", "csls mrr")}
        runs.append({"label": label, "options": text, "report": run.json, "scores": scores})
    document["languages"] = runs
    best = runs[0]["report"]["objective"]["total"]
    rows = [
        [
            run["label"],
            gap(run["report"]["objective"]["total"], best),
            *(
                f"{machine.percent(score['score'])} ({machine.percent(score['low'])} to {machine.percent(score['high'])})"
                for score in run["scores"].values()
            ),
            str(run["scores"]["csls p@1"]["n"]),
        ]
        for run in runs
    ]
    header = ["Hungarian drawn more often", "J beside als", "hun–eng CSLS P@1", "CSLS MRR", "n"]
    return "### Languages\n\n" + machine.table(header, rows)


def words_back(dictionary: Path, out: Path) -> Path:
    """The dictionary turned round: the rare language asks."""
    turned = out / "hun-eng.tsv"
    with gzip.open(dictionary, "rt", encoding="utf-8") as text:
        pairs = [line.rstrip("\n").split("\t")[:2] for line in text]
    turned.write_text("".join(f"{b}\t{a}\n" for a, b in pairs), encoding="utf-8")
    return turned


def main() -> None:
    parts = {"solvers": solvers, "edges": edges, "languages": languages}
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(parts), help="only this part (repeatable)")
    parser.add_argument("--corpus", type=Path, help="a ready-made corpus file; default: made in OUT")
    parser.add_argument("--out", type=Path, default=Path("out/minibatch"))
    options = parser.parse_args()
    data = machine.data_folder()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    chosen = options.only or list(parts)
    corpus: Path = options.corpus or out / "e17.txt"
    if set(chosen) != {"languages"} and not corpus.exists():
        e17.make_corpus(data / e17.CORPUS, corpus)
    document: dict[str, Any] = {"machine": machine.facts()}
    walk = ablation.Walk(corpus, out, {"unimorph": data / "unimorph" / "eng.tsv.gz"})
    texts = [machine.conditions(document["machine"]) + "."]
    for name in chosen:
        texts.append(parts[name](document, walk, out, data))
        machine.write(out, "minibatch", document, "\n\n".join(texts))
    print("\n\n".join(texts))


if __name__ == "__main__":
    main()
