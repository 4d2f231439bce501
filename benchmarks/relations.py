"""docs/relations.md: the lecture's table of ten relations (relations.tsv) from our own vectors, hits and misses marked.

    MORPHVEC_DATA=… python benchmarks/relations.py [--out out/relations] [--model NAME=FOLDER …] [--write docs/relations.md]

Models are trained on E17 (see e17.py) where they are not given.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import e17
import machine
from morphvec.embeddings.embeddings import Embeddings
from morphvec.evaluate.relations import answer, markdown, read_examples, summary

TABLE = Path(__file__).with_name("relations.tsv")
RUNS: dict[str, tuple[str, list[str]]] = {
    "default": ("The defaults", []),
    "als": ("Free vectors (`--parts own`): no n-grams", ["--parts", "own"]),
}


def page(models: dict[str, Path], restrict: int) -> str:
    """The whole page."""
    examples = read_examples(TABLE)
    lines = [
        "# Ten relations",
        "",
        "The table of Mikolov et al. (2013) that lectures like to show, from our own vectors: E17 (105 MB of English "
        "Wikipedia, see [results](results.md)), 100 dimensions, seed 0, no table of morphology. *a* is to *b* as *c* is to what? "
        f"3CosAdd among the {restrict:,} most frequent words, *a*, *b* and *c* left out; one answer, no choosing. "
        "✓: right, by `benchmarks/relations.tsv`, written before the answers were seen; ✗: wrong, with the rank of a right answer; "
        "–: a word that the text has fewer than five times. Made by `python benchmarks/relations.py`.",
        "",
        "The published table was picked to show what such vectors can do, and marks no misses; it has some "
        "(small – larger, uranium – plutonium, Google – Yahoo). Ten pairs are an illustration, not a measurement: "
        "[results](results.md) has 11,455 questions.",
    ]
    for name, folder in models.items():
        answers = answer(Embeddings.load(folder), examples, restrict)
        found = summary(answers)
        lines += [
            "",
            f"## {RUNS[name][0] if name in RUNS else name}",
            "",
            f"{found['hits']} of {found['answered']} right, {found['total'] - found['answered']} of {found['total']} not asked.",
            "",
            markdown(answers),
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/relations"))
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--restrict", type=int, default=30_000)
    parser.add_argument("--write", type=Path, help="the page to write; printed where left out")
    options = parser.parse_args()
    models = {name: Path(folder) for name, _, folder in (text.partition("=") for text in options.model)}
    if not models:
        corpus = options.out / "e17.txt"
        if not corpus.exists():
            e17.make_corpus(machine.data_folder() / e17.CORPUS, corpus)
        for name, (_, chosen) in RUNS.items():
            models[name] = options.out / f"{name}-0"
            if not models[name].exists():
                machine.morphvec("train", corpus, "-o", models[name], *e17.TRAIN, *chosen, "--seed", "0")
    text = page(models, options.restrict)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
