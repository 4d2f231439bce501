"""What each choice of the model brings: one row a choice, everything else as in the row it is compared with.

    MORPHVEC_DATA=… python benchmarks/ablation.py [--only TEXT] [--corpus FILE]

E17 (see e17.py). The text is counted once for each set of columns and weighed once for each association; a row is one
``morphvec fit`` on that, scored like the rows of e17.py. "held out" means that no row of a table, list or segmentation
with a word of any test file enters.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import e17
import machine

Row = tuple[str, str, str, str, str]  # group, label, options of count, of weigh, of fit
OWN = "--parts own"
TABLE = "--unimorph {unimorph}"
OUT = "--hold-out {held_out}"
LEMMA = "--parts own,lemma,affixes"
EVERY = "--parts own,ngrams,lemma,affixes"

ROWS: list[Row] = [
    (
        "α",
        "TF as written: positives only, glove weights",
        "",
        "--unobserved 0 --weight glove --weight-max 10",
        OWN,
    ),
    (
        "α",
        "TF as written, with plain classes",
        "",
        "--unobserved 0 --weight glove --weight-max 10",
        f"{OWN} {TABLE} --constraint class:1 --normalise none",
    ),
    ("α", "α = 0, the default's weights", "", "--unobserved 0", OWN),
    ("α", "α = 0.1", "", "--unobserved 0.1", OWN),
    ("α", "α = 0.2 (default)", "", "", OWN),
    ("α", "α = 0.3", "", "--unobserved 0.3", OWN),
    ("α", "α = 1", "", "--unobserved 1", OWN),
    ("weights", "constant", "", "--weight constant", OWN),
    ("weights", "glove, min(1, (n/100)^¾)", "", "--weight glove", OWN),
    ("weights", "min(√n, 10)", "", "--weight sqrt", OWN),
    ("weights", "α + min(√n, 10) (default)", "", "", OWN),
    ("columns and parts", "words whole", "", "", OWN),
    ("columns and parts", "n-grams as columns", "--features window,ngrams", "", OWN),
    ("columns and parts", "n-grams as parts", "", "", "--parts own,ngrams"),
    (
        "columns and parts",
        "morphemes as columns",
        "--features window,morphemes --segments {segments}",
        "",
        OWN,
    ),
    ("columns and parts", "morphemes as parts", "", "", "--parts own,morphemes --segments {segments}"),
    (
        "columns and parts",
        "n-grams and morphemes as parts",
        "",
        "",
        "--parts own,ngrams,morphemes --segments {segments}",
    ),
    ("columns and parts", "affixes as columns", "--features window,affixes {table}", "", OWN),
    (
        "columns and parts",
        "lemma and affixes as parts, held out",
        "",
        "",
        f"{LEMMA} {TABLE} --constraint none {OUT}",
    ),
    (
        "columns and parts",
        "n-grams, lemma and affixes as parts",
        "",
        "",
        f"{EVERY} {TABLE} --constraint none",
    ),
    (
        "columns and parts",
        "the same, held out",
        "",
        "",
        f"{EVERY} {TABLE} --constraint none {OUT}",
    ),
    ("rules of the text", "the defaults, no table", "", "", ""),
    ("rules of the text", "without rules", "", "", "--rules none"),
    ("kinds", "none", "", "", OWN),
    ("kinds", "class:30", "", "", f"{OWN} {TABLE} --constraint class:30"),
    ("kinds", "class:30, held out", "", "", f"{OWN} {TABLE} --constraint class:30 {OUT}"),
    ("kinds", "lemma:50", "", "", f"{OWN} {TABLE} --constraint lemma:50"),
    ("kinds", "lemma:50, held out", "", "", f"{OWN} {TABLE} --constraint lemma:50 {OUT}"),
    ("kinds", "offset:1000", "", "", f"{OWN} {TABLE} --constraint offset:1000"),
    ("kinds", "offset:1000, held out", "", "", f"{OWN} {TABLE} {OUT} --constraint offset:1000"),
    ("λ of offsets", "offset:100", "", "", f"{OWN} {TABLE} --constraint offset:100"),
    ("λ of offsets", "offset:1000", "", "", f"{OWN} {TABLE} --constraint offset:1000"),
    ("λ of offsets", "offset:10000", "", "", f"{OWN} {TABLE} --constraint offset:10000"),
    ("graphs and scale", "complete, scatter (default)", "", "", f"{OWN} {TABLE}"),
    ("graphs and scale", "ring", "", "", f"{OWN} {TABLE} --graph ring"),
    ("graphs and scale", "star", "", "", f"{OWN} {TABLE} --graph star"),
    ("graphs and scale", "random:3", "", "", f"{OWN} {TABLE} --graph random:3"),
    ("graphs and scale", "nearest:5", "", "", f"{OWN} {TABLE} --graph nearest:5"),
    (
        "graphs and scale",
        "random:3, λ = 100, --normalise none",
        "",
        "",
        f"{OWN} {TABLE} --graph random:3 --constraint offset:100 --normalise none",
    ),
    ("together", "n-grams + offsets", "", "", f"--parts own,ngrams {TABLE}"),
    ("together", "n-grams + offsets, held out", "", "", f"--parts own,ngrams {TABLE} {OUT}"),
    ("together", "n-grams, lemma, affixes + offsets (default with a table)", "", "", f"{EVERY} {TABLE}"),
    ("together", "n-grams, lemma, affixes + offsets, held out", "", "", f"{EVERY} {TABLE} {OUT}"),
]


class Walk:
    """Counts and associations of one corpus, each made once and kept in a folder."""

    def __init__(self, corpus: Path, out: Path, fields: dict[str, Path]) -> None:
        self._corpus, self._out, self._fields = corpus, out, fields
        self._made: dict[str, Path] = {}

    def words(self, options: str) -> list[str]:
        """Options as words of a command line."""
        fields = {**self._fields, "table": f"--unimorph {self._fields['unimorph']}"}
        return options.format(**fields).split()

    def association(self, counting: str, weighing: str) -> Path:
        """The folder of an association."""
        if "vocab" not in self._made:
            self._made["vocab"] = self._out / "vocab"
            options = ["--tokenizer", "whitespace", "--min-count", "5", "--overwrite"]
            machine.morphvec("vocab", self._corpus, "-o", self._made["vocab"], *options)
        if counting not in self._made:
            self._made[counting] = self._out / f"counts-{len(self._made)}"
            machine.morphvec(
                "count",
                self._corpus,
                "--vocab",
                self._made["vocab"],
                "-o",
                self._made[counting],
                "--overwrite",
                *self.words(counting),
            )
        both = f"{counting} | {weighing}"
        if both not in self._made:
            self._made[both] = self._out / f"association-{len(self._made)}"
            machine.morphvec(
                "weigh", self._made[counting], "-o", self._made[both], "--overwrite", *self.words(weighing)
            )
        return self._made[both]


def report(document: dict[str, Any]) -> str:
    """One table a group."""
    corpus = document["corpus"]
    title = "E17" if corpus["is_e17"] else f"NOT E17: {corpus['file']}"
    lines = [
        f"{title}: {corpus['bytes']:,} bytes, {corpus['tokens']:,} tokens. {machine.conditions(document['machine'])}.",
        f"Seed {document['seed']}; seconds of `morphvec fit`, wall clock. Scores ×100 as in results.md; n = "
        + (
            ", ".join(str(score["n"]) for score in document["rows"][0]["scores"].values())
            if document["rows"]
            else ""
        )
        + ".",
    ]
    for group in dict.fromkeys(row["group"] for row in document["rows"]):
        rows = []
        for row in document["rows"]:
            if row["group"] != group:
                continue
            cells = [
                "–" if score["score"] is None else machine.percent(score["score"])
                for score in row["scores"].values()
            ]
            rows.append([row["label"], f"`{row['options']}`", *cells, f"{row['seconds']:.0f}"])
        lines += ["", f"### {group}", "", machine.table(["row", "options", *e17.COLUMNS, "s"], rows)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", help="only groups whose name holds this text (repeatable)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corpus", type=Path, help="a ready-made corpus file; default: made in OUT")
    parser.add_argument("--out", type=Path, default=Path("out/ablation"))
    options = parser.parse_args()
    data = machine.data_folder()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    corpus: Path = options.corpus or out / "e17.txt"
    if not corpus.exists():
        e17.make_corpus(data / e17.CORPUS, corpus)
    held_out = out / "held-out.txt"
    held_out.write_text("\n".join(e17.tested_words(data)) + "\n", encoding="utf-8")
    walk = Walk(
        corpus,
        out,
        {
            "unimorph": data / "unimorph" / "eng.tsv.gz",
            "segments": data / "segmentation" / "eng.dev.tsv.gz",
            "held_out": held_out,
        },
    )
    document: dict[str, Any] = {
        "machine": machine.facts(),
        "corpus": e17.measure_corpus(corpus),
        "seed": options.seed,
        "rows": [],
    }
    done: dict[str, dict[str, Any]] = {}
    for group, label, counting, weighing, fitting in ROWS:
        if options.only and not any(text in group for text in options.only):
            continue
        key = f"{counting} | {weighing} | {fitting}"
        if key not in done:
            folder = walk.association(counting, weighing)
            model = out / "model"
            run = machine.morphvec(
                "fit",
                folder,
                "-o",
                model,
                "--overwrite",
                "--json",
                "--seed",
                str(options.seed),
                *walk.words(fitting),
            )
            done[key] = {
                "seconds": run.seconds,
                "peak_bytes": run.peak_bytes,
                "report": run.json,
                "scores": e17.score(model, data, "--bootstrap", "0"),
            }
        shown = " ".join(part for part in (counting, weighing, fitting) if part).replace("{table}", TABLE)
        shown = shown.format(unimorph="eng.tsv.gz", segments="eng.dev.tsv.gz", held_out="test-words.txt")
        document["rows"].append({"group": group, "label": label, "options": shown, **done[key]})
        print(f"{group}: {label}: {done[key]['seconds']:.0f} s", flush=True)
        machine.write(out, "ablation", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
