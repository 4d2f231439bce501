"""The same vectors scored by morphvec and by gensim: the same numbers wherever the rules are the same.

    MORPHVEC_DATA=… python benchmarks/gensim_agreement.py MODEL [--restrict 30000] [--out out/gensim]

gensim gets the rows of an English model as they are, once in float64 (then only the rules can make a difference) and once
in float32, as its users have them. Similarity: skip beside ``evaluate_word_pairs``, zero beside its
``dummy4unknown=True``. Analogies: 3CosAdd beside ``evaluate_word_analogies``, section by section; its
``dummy4unknown=True`` beside score × coverage. The script fails where float64 differs by more than the last digits.

Where a file has a pair in both orders, its two cosines are equal in morphvec and may differ in the last digit in gensim:
one rank for both, or two. Such a file is also scored with each pair once.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gensim.models import KeyedVectors

import machine
import morphvec as mv
from morphvec.evaluate import AnalogySet, SimilaritySet, evaluate, read_analogies, read_similarity

LAST_DIGITS = 1e-12
DIFFERENCES = (
    "gensim compares words in capitals, so that straße and strasse (ß → SS) are one word and the more frequent row "
    "stands for both; morphvec folds a test word by the model's own rule, and they stay two",
    "gensim knows pairs among the 300,000 most frequent words, by default; morphvec among all",
    "gensim passes over a line that it cannot read, and tells its log; morphvec refuses the file and names the line",
    "gensim wants three columns parted by tabs; morphvec also reads the files of SimLex-999 and WordSim-353 as they are",
    "an analogy with an unknown word can be counted as wrong in gensim; morphvec gives n and coverage instead: the "
    "product of score and coverage is that number",
    "gensim works out a cosine in float32, morphvec in float64: nearly equal cosines may change places",
    "the cosine of two words does not depend on their order in morphvec; in gensim it may, in the last digit, so that "
    "a pair that a file has in both orders shares one rank in morphvec and may have two in gensim",
)


def keyed(model: mv.Embeddings, dtype: str) -> KeyedVectors:
    """The rows of a model in gensim."""
    found = KeyedVectors(model.vector_size, dtype=np.dtype(dtype).type)
    found.add_vectors(list(model.words), np.asarray(model.vectors, dtype))
    assert found.vectors.dtype == np.dtype(dtype)
    return found


def similarities(
    model: mv.Embeddings, peers: dict[str, KeyedVectors], files: list[Path], folder: Path
) -> Iterator[dict[str, Any]]:
    """One row for each file, rule and correlation: both numbers, and how many pairs."""
    for file in files:
        data, once = read_similarity(file), each_pair_once(file, folder)
        yield from similarity(model, peers, file, repeated=len(once.pairs) < len(data.pairs))
        if len(once.pairs) < len(data.pairs):
            yield from similarity(model, peers, folder / once.name)


def similarity(
    model: mv.Embeddings, peers: dict[str, KeyedVectors], file: Path, *, repeated: bool = False
) -> Iterator[dict[str, Any]]:
    """The rows of one file; ``repeated``: whether ties may be parted."""
    for rule in ("skip", "zero"):
        ours = {r.metric: r for r in evaluate(model, similarity=[file], unknown=rule, bootstrap=0)}
        if any(result.score is None for result in ours.values()):
            continue
        for precision, peer in peers.items():
            pearson, spearman, unknown = peer.evaluate_word_pairs(
                str(file), restrict_vocab=len(model), dummy4unknown=rule == "zero"
            )
            told = ours["spearman"].detail["unknown_pairs"] / ours["spearman"].total
            for metric, theirs in (("spearman", spearman), ("pearson", pearson)):
                yield {
                    "test": f"{file.stem} {metric}, {rule}",
                    "precision": precision,
                    "n": ours[metric].n,
                    "ours": ours[metric].score,
                    "gensim": float(theirs[0]),
                    "unknown_agrees": abs(told - unknown / 100) < LAST_DIGITS,
                    "may_differ": repeated and metric == "spearman",
                }


def each_pair_once(file: Path, folder: Path) -> SimilaritySet:
    """A similarity file without the pairs that stood in it before, in either order; written to ``folder``."""
    found: dict[tuple[str, ...], str] = {}
    data = read_similarity(file)
    for (a, b), score in zip(data.pairs, data.scores.tolist(), strict=True):
        found.setdefault(tuple(sorted((a.lower(), b.lower()))), f"{a}\t{b}\t{score!r}\n")
    target = folder / f"{file.stem} each pair once.tsv"
    target.write_text("".join(found.values()), encoding="utf-8")
    return read_similarity(target)


def google(data: AnalogySet, folder: Path) -> Path:
    """The questions in the form that gensim reads."""
    file = folder / "questions-words.txt"
    with file.open("w", encoding="utf-8") as out:
        section = None
        for q in data.questions:
            if q.section != section:
                section = q.section
                out.write(f": {section}\n")
            out.write(f"{q.a} {q.b} {q.c} {q.d}\n")
    return file


def analogies(
    model: mv.Embeddings, peers: dict[str, KeyedVectors], data: AnalogySet, restrict: int
) -> Iterator[dict[str, Any]]:
    """One row for each section and for all of them."""
    ours = {r.metric: r for r in evaluate(model, analogy=[data], restrict=restrict, bootstrap=0)}
    with tempfile.TemporaryDirectory() as folder:
        file = google(data, Path(folder))
        for precision, peer in peers.items():
            _, sections = peer.evaluate_word_analogies(str(file), restrict_vocab=restrict)
            found = {
                s["section"]: (len(s["correct"]), len(s["correct"]) + len(s["incorrect"])) for s in sections
            }
            found["all"] = found.pop("Total accuracy")
            for section, (right, asked) in found.items():
                if asked:
                    yield {
                        "test": section,
                        "precision": precision,
                        "n": ours[section].n,
                        "ours": ours[section].score,
                        "gensim": right / asked,
                        "unknown_agrees": asked == ours[section].n,
                        "may_differ": False,
                    }
            dummy, _ = peer.evaluate_word_analogies(str(file), restrict_vocab=restrict, dummy4unknown=True)
            yield {
                "test": "all × coverage",
                "precision": precision,
                "n": ours["all"].total,
                "ours": (ours["all"].score or 0.0) * ours["all"].coverage,
                "gensim": float(dummy),
                "unknown_agrees": True,
                "may_differ": False,
            }


def main() -> None:
    """Score, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--restrict", type=int, default=30_000, help="candidates of an analogy")
    parser.add_argument("--out", type=Path, default=Path("out/gensim"))
    options = parser.parse_args()
    data = machine.data_folder()
    model = mv.load(options.model)
    peers = {dtype: keyed(model, dtype) for dtype in ("float64", "float32")}
    with tempfile.TemporaryDirectory() as folder:
        files = sorted((data / "similarity").glob("eng_*.tsv"))
        rows = list(similarities(model, peers, files, Path(folder)))
    questions = read_analogies(data / "analogy" / "eng_google.tsv.gz")
    rows += analogies(model, peers, questions, options.restrict)
    for row in rows:
        row["difference"] = abs(row["ours"] - row["gensim"])
    facts = machine.facts()
    cells = [
        [
            row["test"],
            row["precision"],
            str(row["n"]),
            repr(row["ours"]),
            repr(row["gensim"]),
            f"{row['difference']:.1e}",
        ]
        for row in rows
    ]
    largest = {
        precision: max(
            row["difference"] for row in rows if row["precision"] == precision and not row["may_differ"]
        )
        for precision in peers
    }
    lines = [
        machine.table(("test", "gensim in", "n", "morphvec", "gensim", "difference"), cells),
        "",
        f"Largest difference, files with a pair in both orders left out: "
        f"{', '.join(f'{value:.1e} in {precision}' for precision, value in largest.items())}.",
        "Where the rules differ:",
        *(f"- {text}" for text in DIFFERENCES),
        "",
        machine.conditions(facts),
    ]
    report = "\n".join(lines)
    print(report)
    document = {"machine": facts, "rows": rows, "largest": largest, "differences": list(DIFFERENCES)}
    machine.write(options.out, "gensim_agreement", document, report)
    wrong = [row["test"] for row in rows if not row["unknown_agrees"]]
    wrong += [
        row["test"]
        for row in rows
        if row["precision"] == "float64" and row["difference"] > LAST_DIGITS and not row["may_differ"]
    ]
    if wrong:
        raise SystemExit(f"not the same: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
