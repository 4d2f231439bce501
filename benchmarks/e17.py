"""E17: 105 MB of English Wikipedia, morphvec and its peers trained in turn, each a whole process, all scored alike.

    MORPHVEC_DATA=… python benchmarks/e17.py [--only als --only gensim] [--repeat 3]

The corpus: every line of corpus/enwiki2015_first200.txt.xz in lower case, its runs of [^\\W_]+ joined by one space,
lines without a token left out, the first 105,000,000 bytes. Scores: Spearman on pairs in the vocabulary, 3CosAdd
among the 30,000 most frequent words.
"""

from __future__ import annotations

import argparse
import gzip
import lzma
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median
from typing import Any

import machine

CORPUS = "corpus/enwiki2015_first200.txt.xz"
BYTES, TOKENS = 105_000_000, 17_653_288
SIMILARITY = {
    "WS353": "eng_ws353.tsv",
    "MEN": "eng_men3000.tsv",
    "SimLex": "eng_simlex999.tsv",
    "RW": "eng_rw.tsv",
}
ANALOGY = "eng_google.tsv.gz"
COLUMNS = {name: (file, "spearman") for name, file in SIMILARITY.items()} | {
    "sem": (ANALOGY, "semantic"),
    "syn": (ANALOGY, "syntactic"),
}
OFFSET = ["--unimorph", "{unimorph}"]
HELD_OUT = [*OFFSET, "--hold-out", "{held_out}"]

# In the order of a run: a peer stands between ours, so that a machine that slows down slows both.
RUNS: dict[str, list[str]] = {
    "als": ["--parts", "own"],
    "gensim": [],
    "offset": ["--parts", "own", *OFFSET],
    "offset-held-out": ["--parts", "own", *HELD_OUT],
    "ngrams": ["--parts", "own,ngrams"],
    "fasttext": [],
    "both": ["--parts", "own,ngrams", *OFFSET],
    "both-held-out": ["--parts", "own,ngrams", *HELD_OUT],
    "default": [],
    "table": OFFSET,
    "table-held-out": HELD_OUT,
}
PEERS = ("gensim", "fasttext")
LABELS = {
    "als": "als",
    "gensim": "gensim SGNS, {epochs} epochs",
    "offset": "+ offset constraints (UniMorph eng)",
    "offset-held-out": "+ offset constraints, all test words held out of them",
    "ngrams": "+ n-gram composition, no constraints",
    "fasttext": "fastText 3–6, {epochs} epochs",
    "both": "+ both",
    "both-held-out": "+ both, all test words held out of the constraints",
    "default": "the defaults without a table: rules found in the text",
    "table": "the defaults with a table",
    "table-held-out": "the same, all test words held out of the table",
}
RATIOS = (("gensim", "als"), ("fasttext", "both"), ("fasttext", "default"), ("fasttext", "table"))
TRAIN = [
    "--tokenizer",
    "whitespace",
    "--min-count",
    "5",
    "--window",
    "5",
    "--dim",
    "100",
    "--overwrite",
    "--json",
]


def lines(source: Path) -> Iterator[bytes]:
    """The lines of the corpus as bytes, before the cut."""
    token = re.compile(r"[^\W_]+")
    with lzma.open(source, "rt", encoding="utf-8", newline="\n") as text:
        for line in text:
            tokens = token.findall(line.lower())
            if tokens:
                yield " ".join(tokens).encode() + b"\n"


def make_corpus(source: Path, target: Path) -> None:
    """Write the first BYTES bytes of the corpus."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    left = BYTES
    with partial.open("wb") as out:
        for line in lines(source):
            out.write(line[:left])
            left -= len(line)
            if left <= 0:
                break
    partial.rename(target)


def measure_corpus(path: Path) -> dict[str, Any]:
    """Bytes and tokens of a corpus file, and whether they are E17's."""
    tokens = 0
    with path.open("rb") as text:
        for line in text:
            tokens += len(line.split())
    size = path.stat().st_size
    return {"file": path.name, "bytes": size, "tokens": tokens, "is_e17": (size, tokens) == (BYTES, TOKENS)}


def tested_words(data: Path) -> list[str]:
    """Every word of the test files, in lower case, for --hold-out."""
    words: set[str] = set()
    for file in SIMILARITY.values():
        for line in (data / "similarity" / file).read_text(encoding="utf-8").splitlines():
            words.update(line.lower().split("\t")[:2])
    with gzip.open(data / "analogy" / ANALOGY, "rt", encoding="utf-8") as text:
        for line in text:
            words.update(line.lower().rstrip("\n").split("\t")[1:])
    return sorted(words)


def train(
    name: str, corpus: Path, model: Path, seed: int, fields: dict[str, Path], epochs: int
) -> dict[str, Any]:
    """One training run, text to a model folder; what it took."""
    threads = str(machine.cores())
    if name in PEERS:
        vectors = model.with_suffix(".vec")
        run = machine.peer(
            name, corpus, "-o", vectors, "--epochs", str(epochs), "--threads", threads, "--seed", str(seed)
        )
        machine.morphvec("import", vectors, "-o", model, "--case", "lower", "--overwrite")
        vectors.unlink()
        seconds = run.seconds - run.json["seconds"]["write"]  # text files are no part of training
    else:
        options = [option.format(**fields) for option in RUNS[name]]
        run = machine.morphvec(
            "train", corpus, "-o", model, *TRAIN, *options, "--threads", threads, "--seed", str(seed)
        )
        seconds = run.seconds
    return {
        "seconds": seconds,
        "cpu_seconds": run.cpu_seconds,
        "peak_bytes": run.peak_bytes,
        "report": run.json,
    }


def score(model: Path, data: Path, *options: str) -> dict[str, dict[str, Any]]:
    """The scores of a model by column. options: more of ``morphvec evaluate``."""
    tests = [part for file in SIMILARITY.values() for part in ("--similarity", data / "similarity" / file)]
    tests += ["--analogy", data / "analogy" / ANALOGY]
    found = machine.results(
        machine.morphvec("evaluate", model, *tests, "--unknown", "skip", "--json", *options)
    )
    return {column: found[key] for column, key in COLUMNS.items()}


def report(document: dict[str, Any]) -> str:
    """The markdown table of a document's runs: scores ×100 as means over seeds, times and memory as medians."""
    runs = document["runs"]
    times = {name: median(run["seconds"] for run in runs if run["name"] == name) for name in names(runs)}
    rows = []
    for name in names(runs):
        mine = [run for run in runs if run["name"] == name]
        scores = [[run["scores"][column]["score"] for run in mine] for column in COLUMNS]
        cells = ["–" if None in column else machine.percent(mean(column)) for column in scores]
        peak = f"{median(run['peak_bytes'] for run in mine) / 2**30:.1f}"
        label = LABELS[name].format(epochs=document["epochs"])
        rows.append([label, *cells, f"{times[name]:.1f}", peak, str(len(mine))])
    if runs:
        rows.append(["n", *(str(runs[0]["scores"][column]["n"]) for column in COLUMNS), "", "", ""])
    ratios = [
        f"{peer} ÷ {ours}: {times[peer] / times[ours]:.1f}"
        for peer, ours in RATIOS
        if peer in times and ours in times
    ]
    corpus = document["corpus"]
    title = "E17" if corpus["is_e17"] else f"NOT E17: {corpus['file']}"
    facts = machine.conditions(document["machine"])
    lines = [
        f"{title}: {corpus['bytes']:,} bytes, {corpus['tokens']:,} tokens. {facts}.",
        "Whole processes, wall clock; the peers' seconds are without the writing of their text file. "
        f"Seeds from {document['seed']}. Spearman ×100, pairs with an unknown word skipped; 3CosAdd ×100.",
        "",
        machine.table(["text → vectors", *COLUMNS, "seconds", "peak GiB", "seeds"], rows),
    ]
    if ratios:
        lines += ["", f"Seconds, {'; '.join(ratios)}."]
    return "\n".join(lines)


def names(runs: list[dict[str, Any]]) -> list[str]:
    """The names of runs, in the order of their first."""
    return list(dict.fromkeys(run["name"] for run in runs))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(RUNS), help="only this run (repeatable)")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, with seeds SEED, SEED+1, …")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=5, help="of the peers")
    parser.add_argument("--corpus", type=Path, help="a ready-made corpus file; default: made in OUT")
    parser.add_argument("--out", type=Path, default=Path("out/e17"))
    options = parser.parse_args()
    data = machine.data_folder()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    corpus: Path = options.corpus or out / "e17.txt"
    if options.corpus is None and not corpus.exists():
        print(f"making {corpus}", flush=True)
        make_corpus(data / CORPUS, corpus)
    measured = measure_corpus(corpus)
    if options.corpus is None and not measured["is_e17"]:
        raise SystemExit(
            f"{corpus} is not E17 ({measured}); expected {BYTES:,} bytes, {TOKENS:,} tokens; remove it"
        )
    held_out = out / "held-out.txt"
    held_out.write_text("\n".join(tested_words(data)) + "\n", encoding="utf-8")
    fields = {"unimorph": data / "unimorph" / "eng.tsv.gz", "held_out": held_out}

    chosen = [name for name in options.only or RUNS if options.peers or name not in PEERS]
    document: dict[str, Any] = {
        "machine": machine.facts(),
        "corpus": measured,
        "seed": options.seed,
        "epochs": options.epochs,
        "runs": [],
    }
    for repeat in range(options.repeat):
        for name in chosen:
            seed = options.seed + repeat
            model = out / f"{name}-{seed}"
            took = train(name, corpus, model, seed, fields, options.epochs)
            scores = score(model, data)
            document["runs"].append({"name": name, "seed": seed, **took, "scores": scores})
            print(f"{name}, seed {seed}: {took['seconds']:.1f} s", flush=True)
            machine.write(out, "e17", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
