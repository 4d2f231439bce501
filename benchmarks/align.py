"""Mapping, the usual alternative to a joint space: one Bible a language, each alone, then turned into one space.

    MORPHVEC_DATA=… python benchmarks/align.py [--only spa-por] [--vectors fastText]

Each language's vectors are made from its own text (window contexts, min count 3, dim 100; verse ids unused), by
morphvec and, where they are installed, by fastText and gensim. ``morphvec align`` maps source to target from words
spelled alike, with five rounds of refinement. Beside it stand the joint spaces of ``bibles.py``, which read the verse ids
and need no map. The dictionary only scores. Queries, candidates and columns are those of ``bibles.py``.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import re
from pathlib import Path
from typing import Any

import machine
from bibles import COLUMNS, PAIRS, PARTS, TRAIN

EPOCHS, REFINE = 20, 5  # of the peers, on a text this small; of the map
SIZE = ["--min-count", "3", "--dim", "100"]
OURS = {
    "morphvec, whole words": ["--parts", "own"],
    "morphvec, n-grams": ["--parts", "own,ngrams"],
}
PEERS = {
    "fastText": ("fasttext", f"fastText, {EPOCHS} epochs"),
    "gensim": ("gensim", f"gensim SGNS, {EPOCHS} epochs"),
}
JOINT = "joint by verse ids, "


def plain_text(data: Path, language: str, out: Path) -> Path:
    """The verses of a Bible as lines of lower-case words with one space between: the words that ours are."""
    path = out / f"{language}.txt"
    with (
        gzip.open(data / "bible" / f"{language}.txt.gz", "rt", encoding="utf-8") as verses,
        path.open("w", encoding="utf-8", newline="\n") as text,
    ):
        for line in verses:
            text.write(" ".join(re.findall(r"[^\W\d_]+", line.partition("\t")[2].lower())) + "\n")
    return path


def train(name: str, language: str, data: Path, out: Path, seed: int) -> tuple[Path, float, dict[str, Any]]:
    """A model of one language: its folder, the seconds from text to vectors, and what the trainer reported."""
    common = [*SIZE, "--threads", str(machine.cores()), "--seed", str(seed)]
    if name in OURS:
        model = out / f"{language}-{list(OURS).index(name)}"
        text = f"{language}={data / 'bible' / language}.txt.gz"
        settings = ["--format", "tsv", "--features", "window", "--tokenizer", "letters", *OURS[name], *common]
        run = machine.morphvec("train", text, "-o", model, *settings, "--overwrite", "--json")
        return model, run.seconds, run.json
    peer = PEERS[name][0]
    vectors, model = out / f"{language}-{peer}.vec", out / f"{language}-{peer}"
    text = plain_text(data, language, out)
    run = machine.peer(peer, text, "-o", vectors, "--epochs", str(EPOCHS), *common)
    rule = ["--tokenizer", "letters", "--case", "lower"]
    machine.morphvec("import", vectors, "-o", model, *rule, "--overwrite", "--json")
    return model, run.seconds - run.json["seconds"]["write"], run.json


def scores(model: Path, source: str, target: str, dictionary: Path) -> dict[str, Any]:
    """The columns of ``bibles.py``."""
    found = machine.results(
        machine.morphvec("evaluate", model, "--bli", source, target, dictionary, "--json")
    )
    return {column: found[dictionary.name, metric] for column, metric in COLUMNS.items()}


def mapped(
    name: str, pair: str, data: Path, out: Path, seed: int, made: dict[tuple[str, str], Any]
) -> dict[str, Any]:
    """One row: two models (each trained once in a run) mapped from words spelled alike."""
    source, target, dictionary = PAIRS[pair]
    for language in (source, target):
        if (name, language) not in made:
            made[name, language] = train(name, language, data, out, seed)
    sides = [made[name, language] for language in (source, target)]
    joint = out / f"{pair}-{[*OURS, *PEERS].index(name)}"
    settings = [
        "--languages",
        source,
        target,
        "--identical",
        "--refine",
        str(REFINE),
        "--overwrite",
        "--json",
    ]
    run = machine.morphvec("align", sides[0][0], sides[1][0], "-o", joint, *settings)
    return {
        "pair": pair,
        "vectors": PEERS[name][1] if name in PEERS else name,
        "seconds": sum(side[1] for side in sides) + run.seconds,
        "align_seconds": run.seconds,
        "align": run.json,
        "reports": [side[2] for side in sides],
        "scores": scores(joint, source, target, data / "bli" / dictionary),
    }


def joint(pair: str, parts: str, data: Path, out: Path, seed: int) -> dict[str, Any]:
    """One row: the joint space of verse ids, as in ``bibles.py``."""
    source, target, dictionary = PAIRS[pair]
    texts = [f"{language}={data / 'bible' / language}.txt.gz" for language in (source, target)]
    model = out / f"{pair}-joint-{list(PARTS).index(parts)}"
    settings = [*TRAIN, *PARTS[parts], "--threads", str(machine.cores()), "--seed", str(seed)]
    run = machine.morphvec("train", *texts, "-o", model, *settings, "--overwrite", "--json")
    return {
        "pair": pair,
        "vectors": JOINT + parts,
        "seconds": run.seconds,
        "reports": [run.json],
        "scores": scores(model, source, target, data / "bli" / dictionary),
    }


def report(document: dict[str, Any]) -> str:
    """The markdown table of a document's runs, scores ×100; intervals by bootstrap over queries."""
    rows = []
    for run in document["runs"]:
        cells = []
        for score in run["scores"].values():
            if score["score"] is None:
                cells.append("–")
                continue
            within = f"{machine.percent(score['low'])} to {machine.percent(score['high'])}"
            cells.append(f"{machine.percent(score['score'])} ({within}; n = {score['n']})")
        told = run.get("align")
        mutual = "–"
        if told is not None:
            last = [str(item["mutual"]) for item in told["refinements"]][-1:]
            mutual = " → ".join([str(told["pairs"]), *last])
        rows.append([f"{run['pair']}, {run['vectors']}", *cells, mutual, f"{run['seconds']:.1f}"])
    header = ["pair, vectors", *COLUMNS, "pairs → mutual", "seconds"]
    note = (
        f"{machine.conditions(document['machine'])}. Whole processes, wall clock, both languages and the map; "
        f"seed {document['seed']}."
    )
    return f"{note}\n\n{machine.table(header, rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(PAIRS), help="only this pair (repeatable)")
    parser.add_argument(
        "--vectors", action="append", choices=[*OURS, *PEERS], help="only these vectors mapped (repeatable)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/align"))
    options = parser.parse_args()
    data = machine.data_folder()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    chosen = options.vectors or [
        name for name in (*OURS, *PEERS) if name in OURS or importlib.util.find_spec(PEERS[name][0])
    ]
    document: dict[str, Any] = {"machine": machine.facts(), "seed": options.seed, "runs": []}
    made: dict[tuple[str, str], Any] = {}
    for pair in options.only or PAIRS:
        for name in chosen:
            document["runs"].append(mapped(name, pair, data, out, options.seed, made))
            machine.write(out, "align", document, report(document))
        for parts in PARTS:
            document["runs"].append(joint(pair, parts, data, out, options.seed))
            machine.write(out, "align", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
