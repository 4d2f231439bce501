"""Text → counts beside the published GloVe tools: the same pairs, the same memory limit, whole processes, in turn.

    MORPHVEC_DATA=… python benchmarks/cooccur.py --glove BUILD [--corpus FILE] [--rounds 3]

E17 (see e17.py), words met 5 times, window 5, 1/distance, symmetric. ``vocab_count`` and ``cooccur -memory 4`` read the
text from stdin; ``morphvec vocab`` and ``count --memory 4G`` write their folders, hashes and flushes to the disk
included. The same with the default tokenizer stands beside them. The counts are compared cell by cell: ours are exact, theirs are sums in float64.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import e17
import machine

MIN_COUNT, WINDOW, MEMORY = 5, 5, 4
DEFAULT = ", default tokenizer"


def theirs(build: Path, corpus: Path, out: Path) -> dict[str, float]:
    """Seconds of the C programs, each a whole process."""
    words, records = out / "words.txt", out / "records.bin"
    for file in (words, records):  # neither side pays for the removal of a file of the round before
        file.unlink(missing_ok=True)
    counted = [build / "vocab_count", "-min-count", MIN_COUNT, "-verbose", 0]
    paired = [
        build / "cooccur",
        "-memory",
        MEMORY,
        "-vocab-file",
        words,
        "-verbose",
        0,
        "-window-size",
        WINDOW,
    ]
    paired += ["-symmetric", 1, "-distance-weighting", 1, "-overflow-file", out / "overflow"]
    vocab, count = machine.piped(counted, corpus, words), machine.piped(paired, corpus, records)
    return {"vocab": vocab, "count": count, "both": vocab + count}


def ours(corpus: Path, out: Path) -> dict[str, float]:
    """Seconds of the morphvec command, each a whole process."""
    seconds = {}
    window = ("--window", str(WINDOW), "--memory", f"{MEMORY}G")
    for name, rule in (("", ("--tokenizer", "whitespace")), (DEFAULT, ())):
        V, C = out / f"vocabulary{name}", out / f"counts{name}"
        for folder in (V, C):
            shutil.rmtree(folder, ignore_errors=True)
        vocab = machine.morphvec("vocab", corpus, "-o", V, *rule, "--min-count", str(MIN_COUNT))
        count = machine.morphvec("count", corpus, "--vocab", V, "-o", C, *window)
        seconds |= {f"vocab{name}": vocab.seconds, f"count{name}": count.seconds}
        seconds[f"both{name}"] = vocab.seconds + count.seconds
    return seconds


def compare(task: dict[str, str]) -> dict[str, Any]:
    """In a child process: whether both have the same cells, and by how much their values differ."""
    import numpy as np
    from scipy.sparse import csr_array

    from morphvec.pipeline.nouns import load_counts

    counts, _, _ = load_counts(Path(task["counts"]))
    index = {word: row for row, word in enumerate(counts.words)}
    listed = Path(task["words"]).read_text(encoding="utf-8").splitlines()
    rows = np.array([index[line.split(" ")[0]] for line in listed])
    found = np.fromfile(task["records"], np.dtype([("row", "<i4"), ("column", "<i4"), ("value", "<f8")]))
    places = rows[found["row"] - 1], rows[found["column"] - 1]
    theirs = csr_array((found["value"], places), shape=counts.matrix.shape)
    theirs.sort_indices()
    same = np.array_equal(theirs.indptr, counts.matrix.indptr) and np.array_equal(
        theirs.indices, counts.matrix.indices
    )
    apart = float(np.abs(theirs.data / counts.matrix.data - 1).max()) if same else None
    return {"cells": int(counts.matrix.nnz), "same_cells": bool(same), "largest_relative_difference": apart}


def report(document: dict[str, Any]) -> str:
    """Markdown: medians, and ratios within a round."""
    runs, rows = document["runs"], []
    for name in runs["morphvec"][0]:
        mine = [run[name] for run in runs["morphvec"]]
        row = [name, f"{median(mine):.2f} ({min(mine):.2f}–{max(mine):.2f})", "", ""]
        if runs["glove"]:
            peer = [run[name.removesuffix(DEFAULT)] for run in runs["glove"]]
            ratios = [b / a for a, b in zip(mine, peer, strict=True)]
            row[2] = f"{median(peer):.2f} ({min(peer):.2f}–{max(peer):.2f})"
            row[3] = f"{median(ratios):.1f} ({min(ratios):.1f}–{max(ratios):.1f})"
        rows.append(row)
    corpus = document["corpus"]
    lines = [
        f"{'E17' if corpus['is_e17'] else 'NOT E17'}: {corpus['bytes']:,} bytes, {corpus['tokens']:,} tokens; window "
        f"{WINDOW}, min count {MIN_COUNT}, {MEMORY} GB. {machine.conditions(document['machine'])}.",
        "",
        machine.table(["seconds", "morphvec", "GloVe C", "× faster"], rows),
    ]
    if document.get("compared"):
        lines += ["", f"Compared: {json.dumps(document['compared'])}."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--glove", type=Path, help="folder with the C programs")
    parser.add_argument("--corpus", type=Path, help="a ready-made corpus file; default: made in OUT")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out/cooccur"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(compare(json.loads(options.child))))
        return
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    corpus: Path = options.corpus or out / "e17.txt"
    if options.corpus is None and not corpus.exists():
        e17.make_corpus(machine.data_folder() / e17.CORPUS, corpus)
    runs: dict[str, list[dict[str, float]]] = {"morphvec": [], "glove": []}
    for number in range(options.rounds + 1):
        made = ours(corpus, out)
        if number == 0:
            continue  # it compiles, and brings the text into the cache
        if options.glove:
            runs["glove"].append(theirs(options.glove, corpus, out))
        runs["morphvec"].append(made)
        print(json.dumps({name: found[-1] for name, found in runs.items() if found}), file=sys.stderr)
    document: dict[str, Any] = {
        "machine": machine.facts(),
        "corpus": e17.measure_corpus(corpus),
        "runs": runs,
    }
    if options.glove:
        task = {
            "counts": str(out / "counts"),
            "records": str(out / "records.bin"),
            "words": str(out / "words.txt"),
        }
        child = machine.timed([sys.executable, __file__, "--child", json.dumps(task)])
        document["compared"] = child.json
        subprocess.run(["rm", "-f", out / "records.bin"], check=True)
    machine.write(out, "cooccur", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
