"""Questions to 400,000 vectors of 300 numbers on disk: morphvec beside gensim's memory-mapped KeyedVectors.

    python benchmarks/queries.py [--words 400000] [--dim 300] [--rounds 5] [--out out/queries]

The vectors are drawn (normal, seed 0) and saved once by either side from the same numbers. Each round is a process a
side, in turn; files are in the page cache. Timed inside the process after its imports: open and one ``similarity``; the
first exact top 10 (which finds the norms), the median of 20 more; and, ours alone, 64 words at once. The answers of both
sides must be the same words.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import machine

QUERIES, BATCH, TOP = 20, 64, 10
LABELS = {
    "open": "open and answer `similarity`, ms",
    "first": "first exact top 10, ms",
    "more": "another exact top 10, ms",
    "batch": "64 words at once, ms a word",
}


def word_of(row: int) -> str:
    """A word for a row."""
    return f"word{row:06d}"


def prepare(task: dict[str, Any]) -> dict[str, Any]:
    """Save the same vectors for both sides; what is there is kept."""
    import numpy as np

    ours, theirs = Path(task["ours"]), Path(task["theirs"])
    if ours.exists() and theirs.exists():
        return {}
    from gensim.models import KeyedVectors

    from morphvec import Embeddings

    words = [word_of(row) for row in range(task["words"])]
    vectors = np.random.default_rng(0).standard_normal((task["words"], task["dim"]), np.float32)
    Embeddings(words, vectors).save(ours, overwrite=True)
    peer = KeyedVectors(task["dim"])
    peer.add_vectors(words, vectors)
    peer.save(str(theirs))
    return {}


def ask(task: dict[str, Any]) -> dict[str, Any]:
    """One side, in this process."""
    import numpy as np

    asked = [
        word_of(row) for row in np.random.default_rng(1).integers(0, task["words"], QUERIES + BATCH).tolist()
    ]
    seconds: dict[str, Any] = {}
    if task["side"] == "morphvec":
        from morphvec import Embeddings

        start = time.perf_counter()
        model: Any = Embeddings.load(task["ours"])
        model.similarity(asked[0], asked[1])
        seconds["open"] = time.perf_counter() - start
    else:
        from gensim.models import KeyedVectors

        start = time.perf_counter()
        model = KeyedVectors.load(task["theirs"], mmap="r")
        model.similarity(asked[0], asked[1])
        seconds["open"] = time.perf_counter() - start
    times, answers = [], []
    for word in asked[: QUERIES + 1]:
        start = time.perf_counter()
        answers.append([found for found, _ in model.most_similar(word, topn=TOP)])
        times.append(time.perf_counter() - start)
    seconds |= {"first": times[0], "more": median(times[1:])}
    if task["side"] == "morphvec":
        start = time.perf_counter()
        model.neighbors_of(asked[-BATCH:], TOP)
        seconds["batch"] = (time.perf_counter() - start) / BATCH
    return {"seconds": seconds, "answers": answers}


def report(document: dict[str, Any]) -> str:
    """Markdown: medians over the rounds, and ratios within a round."""
    rows = []
    for name, label in LABELS.items():
        mine, peer = (
            [1e3 * run["seconds"][name] for run in document["runs"][side] if name in run["seconds"]]
            for side in ("morphvec", "gensim")
        )
        row = [label, f"{median(mine):.1f} ({min(mine):.1f}–{max(mine):.1f})", "", ""]
        if peer:
            ratios = [b / a for a, b in zip(mine, peer, strict=True)]
            row[2] = f"{median(peer):.1f} ({min(peer):.1f}–{max(peer):.1f})"
            row[3] = f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        rows.append(row)
    return "\n".join(
        [
            f"{document['words']:,} × {document['dim']} float32, memory-mapped; {document['rounds']} rounds. "
            f"{machine.conditions(document['machine'])}.",
            "",
            machine.table(["", "morphvec", "gensim mmap", "× faster"], rows),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--words", type=int, default=400_000)
    parser.add_argument("--dim", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("out/queries"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        task = json.loads(options.child)
        print(json.dumps((ask if "side" in task else prepare)(task)))
        return
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    task = {
        "words": options.words,
        "dim": options.dim,
        "ours": str(out / "model"),
        "theirs": str(out / "gensim.kv"),
    }

    def child(**more: str) -> dict[str, Any]:
        return machine.timed([sys.executable, __file__, "--child", json.dumps({**task, **more})]).json

    child()
    runs: dict[str, list[dict[str, Any]]] = {"morphvec": [], "gensim": []}
    for number in range(options.rounds + 1):
        for side, found in runs.items():
            run = child(side=side)
            if number:  # the first brings the files into the page cache
                found.append(run)
    different = sum(
        one != other
        for mine, peer in zip(runs["morphvec"], runs["gensim"], strict=True)
        for one, other in zip(mine.pop("answers"), peer.pop("answers"), strict=True)
    )
    if different:
        raise SystemExit(f"{different} answers differ")
    document = {
        "machine": machine.facts(),
        **{name: getattr(options, name) for name in ("words", "dim", "rounds")},
        "runs": runs,
    }
    machine.write(out, "queries", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
