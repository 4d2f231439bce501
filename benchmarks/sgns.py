"""Skip-gram with negative sampling beside gensim's: words a second and scores, at equal settings.

    MORPHVEC_DATA=… python benchmarks/sgns.py [--corpus FILE] [--epochs 5] [--repeat 3] [--only deterministic]

E17 (see e17.py); dimension 100, window 5, 5 negatives, sample 1e-4, learning rate 0.05, words met 5 times. gensim reads
the file itself (corpus_file) with as many workers as we have threads. Ours and the peer's runs alternate. "words/s" is
words of raw text times epochs over the seconds of training alone; "whole" counts the process from start to exit, the
peer's without the writing of its text file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import e17
import machine

SETTINGS = "--method sgns --window-weight dynamic --negatives 5 --sample 1e-4 --noise-power 0.75 --learning-rate 0.05"
RUNS: dict[str, str] = {"deterministic": "", "gensim": "", "racing": "--racing", "one thread": "--threads 1"}
LABELS = {
    "deterministic": "sgns, the same bits for any number of threads",
    "racing": "sgns --racing, negatives shared by a window",
    "one thread": "sgns, one thread",
    "gensim": "gensim, corpus_file",
}


def gensim(text: Path, out: Path, epochs: int, threads: int, seed: int) -> None:
    """The peer in a process of its own: word2vec text out, the seconds of each step as one line of JSON."""
    from gensim.models import Word2Vec

    import peers

    model = Word2Vec(
        vector_size=100,
        sg=1,
        hs=0,
        negative=5,
        window=5,
        min_count=5,
        sample=1e-4,
        alpha=0.05,
        workers=threads,
        seed=seed,
    )
    start = time.perf_counter()
    model.build_vocab(corpus_file=str(text))
    built = time.perf_counter()
    model.train(
        corpus_file=str(text),
        epochs=epochs,
        total_words=model.corpus_total_words,
        total_examples=model.corpus_count,
    )
    trained = time.perf_counter()
    counts = {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key}
    words = sorted(counts, key=lambda word: (-counts[word], word))
    peers.write_text(out, words, model.wv.vectors[[model.wv.key_to_index[word] for word in words]])
    seconds = {"vocab": built - start, "train": trained - built, "write": time.perf_counter() - trained}
    print(json.dumps({"seconds": seconds}))


def train(name: str, corpus: Path, model: Path, seed: int, epochs: int) -> dict[str, Any]:
    """One run: seconds of training, of the whole process, of the processor, and peak memory."""
    threads = machine.cores()
    if name == "gensim":
        vectors = model.with_suffix(".vec")
        run = machine.timed(
            [
                sys.executable,
                __file__,
                "--peer",
                vectors,
                "--corpus",
                corpus,
                "--epochs",
                str(epochs),
                "--seed",
                str(seed),
            ]
        )
        machine.morphvec("import", vectors, "-o", model, "--case", "lower", "--overwrite")
        vectors.unlink()
        training, whole = run.json["seconds"]["train"], run.seconds - run.json["seconds"]["write"]
    else:
        more = RUNS[name].split()
        if "--threads" not in more:
            more += ["--threads", str(threads)]
        run = machine.morphvec(
            "train",
            corpus,
            "-o",
            model,
            *e17.TRAIN,
            *SETTINGS.split(),
            "--epochs",
            str(epochs),
            "--seed",
            str(seed),
            *more,
        )
        training, whole = sum(entry["seconds"] for entry in epochs_of(model)), run.seconds
    return {
        "training": training,
        "seconds": whole,
        "cpu_seconds": run.cpu_seconds,
        "peak_bytes": run.peak_bytes,
    }


def epochs_of(model: Path) -> list[dict[str, Any]]:
    """The epochs of a model's log."""
    records = [json.loads(line) for line in (model / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [record for record in records if "epoch" in record]


def spread(values: list[float]) -> str:
    """Mean ×100, ± the standard deviation over seeds."""
    return machine.percent(mean(values)) + (f" ±{machine.percent(stdev(values))}" if len(values) > 1 else "")


def report(document: dict[str, Any]) -> str:
    """The markdown table of a document's runs: scores ×100 as means over seeds, times and memory as medians."""
    corpus, runs, epochs = document["corpus"], document["runs"], document["epochs"]
    names = [name for name in RUNS if any(run["name"] == name for run in runs)]
    words = corpus["tokens"] * epochs
    speed = {name: words / median(run["training"] for run in runs if run["name"] == name) for name in names}
    rows = []
    for name in names:
        mine = [run for run in runs if run["name"] == name]
        ratio = f"{speed[name] / speed['gensim']:.2f}" if "gensim" in speed else "–"
        rows.append(
            [
                LABELS[name],
                *(spread([run["scores"][column]["score"] for run in mine]) for column in e17.COLUMNS),
                f"{speed[name]:,.0f}",
                ratio,
                f"{median(run['training'] for run in mine):.1f}",
                f"{median(run['seconds'] for run in mine):.1f}",
                f"{median(run['cpu_seconds'] for run in mine):.1f}",
                f"{median(run['peak_bytes'] for run in mine) / 2**30:.1f}",
                str(len(mine)),
            ]
        )
    if runs:
        counts = (str(runs[0]["scores"][column]["n"]) for column in e17.COLUMNS)
        rows.append(["n", *counts, *[""] * 7])
    title = "E17" if corpus["is_e17"] else f"NOT E17: {corpus['file']}"
    lines = [
        f"{title}: {corpus['bytes']:,} bytes, {corpus['tokens']:,} tokens, {epochs} epochs. "
        f"{machine.conditions(document['machine'])}.",
        f"Seeds from {document['seed']}. Spearman ×100, pairs with an unknown word skipped; 3CosAdd ×100.",
        "",
        machine.table(
            ["", *e17.COLUMNS, "words/s", "× gensim", "training s", "whole s", "CPU s", "GiB", "runs"], rows
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=RUNS, help="may be repeated")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, with seeds SEED, SEED+1, …")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--corpus", type=Path, help="a ready-made corpus file; default: made in OUT")
    parser.add_argument("--out", type=Path, default=Path("out/sgns"))
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer is not None:
        gensim(options.corpus, options.peer, options.epochs, machine.cores(), options.seed)
        return
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    data = machine.data_folder()
    corpus: Path = options.corpus or out / "e17.txt"
    if options.corpus is None and not corpus.exists():
        print(f"making {corpus}", flush=True)
        e17.make_corpus(data / e17.CORPUS, corpus)
    document: dict[str, Any] = {
        "machine": machine.facts(),
        "corpus": e17.measure_corpus(corpus),
        "seed": options.seed,
        "epochs": options.epochs,
        "settings": SETTINGS,
        "runs": [],
    }
    for repeat in range(options.repeat):
        for name in options.only or RUNS:
            seed = options.seed + repeat
            model = out / f"{name.replace(' ', '-')}-{seed}"
            took = train(name, corpus, model, seed, options.epochs)
            document["runs"].append({"name": name, "seed": seed, **took, "scores": e17.score(model, data)})
            print(f"{name}, seed {seed}: {took['training']:.1f} s of {took['seconds']:.1f} s", flush=True)
            machine.write(out, "sgns", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
