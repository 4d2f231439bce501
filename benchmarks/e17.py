"""E17: 105 MB of English Wikipedia, and the scores of a model on it; the other scripts import this one.

The corpus: every line of corpus/enwiki2015_first200.txt.xz in lower case, its runs of [^\\W_]+ joined by one space,
lines without a token left out, the first 105,000,000 bytes. Scores: Spearman on pairs in the vocabulary, 3CosAdd
among the 30,000 most frequent words.
"""

from __future__ import annotations

import gzip
import lzma
import re
from collections.abc import Iterator
from pathlib import Path
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


def score(model: Path, data: Path, *options: str) -> dict[str, dict[str, Any]]:
    """The scores of a model by column. options: more of ``morphvec evaluate``."""
    tests = [part for file in SIMILARITY.values() for part in ("--similarity", data / "similarity" / file)]
    tests += ["--analogy", data / "analogy" / ANALOGY]
    found = machine.results(
        machine.morphvec("evaluate", model, *tests, "--unknown", "skip", "--json", *options)
    )
    return {column: found[key] for column, key in COLUMNS.items()}
