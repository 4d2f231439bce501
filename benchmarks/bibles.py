"""Word translation from parallel Bibles: verse ids are the only features, so both languages share one space.

    MORPHVEC_DATA=… python benchmarks/bibles.py [--only spa-por]

Scores: P@1 by CSLS and by cosine on the MUSE dictionary of the pair; a query is a source word of the vocabulary with
a listed target in it, the candidates are all target words. "other spelling" leaves out queries whose own spelling is
a target word; "identical" is what answering with the same spelling would score.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import machine

PAIRS = {
    "spa-por": ("spa", "por", "muse_es-pt.tsv.gz"),
    "eng-spa": ("eng", "spa", "muse_en-es.tsv.gz"),
    "eng-hun": ("eng", "hun", "muse_en-hu.tsv.gz"),
}
PARTS = {
    "own": ["--parts", "own"],
    "own ×3, n-grams": ["--parts", "own,ngrams", "--own-weight", "3"],
}
TRAIN = ["--format", "tsv", "--features", "ids", "--tokenizer", "letters", "--min-count", "3"]
COLUMNS = {
    "CSLS P@1": "csls p@1",
    "cosine P@1": "cosine p@1",
    "CSLS P@1, other spelling": "csls p@1 not spelled alike",
}


def report(document: dict[str, Any]) -> str:
    """The markdown table of a document's runs, scores ×100."""
    rows = []
    for run in document["runs"]:
        first = run["scores"]["CSLS P@1"]
        identical = first["detail"].get("identical")
        rows.append(
            [
                f"{run['pair']}, {run['parts']}",
                *(
                    "–" if score["score"] is None else f"{machine.percent(score['score'])} (n = {score['n']})"
                    for score in run["scores"].values()
                ),
                "–" if identical is None else machine.percent(identical),
                f"{run['seconds']:.1f}",
                f"{run['fit_seconds']:.1f}",
            ]
        )
    header = ["pair, parts of a word", *COLUMNS, "identical", "seconds", "of them fit"]
    note = f"{machine.conditions(document['machine'])}. Whole processes, wall clock; seed {document['seed']}."
    return f"{note}\n\n{machine.table(header, rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(PAIRS), help="only this pair (repeatable)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/bibles"))
    options = parser.parse_args()
    data = machine.data_folder()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {"machine": machine.facts(), "seed": options.seed, "runs": []}
    for pair in options.only or PAIRS:
        source, target, dictionary = PAIRS[pair]
        texts = [f"{language}={data / 'bible' / language}.txt.gz" for language in (source, target)]
        for number, (parts, choice) in enumerate(PARTS.items()):
            model = out / f"{pair}-{number}"
            settings = [*TRAIN, *choice, "--threads", str(machine.cores()), "--seed", str(options.seed)]
            run = machine.morphvec("train", *texts, "-o", model, *settings, "--overwrite", "--json")
            words = data / "bli" / dictionary
            found = machine.results(
                machine.morphvec("evaluate", model, "--bli", source, target, words, "--json")
            )
            document["runs"].append(
                {
                    "pair": pair,
                    "parts": parts,
                    "seconds": run.seconds,
                    "fit_seconds": run.json["seconds"]["fit"],
                    "peak_bytes": run.peak_bytes,
                    "report": run.json,
                    "scores": {column: found[dictionary, metric] for column, metric in COLUMNS.items()},
                }
            )
            machine.write(out, "bibles", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
