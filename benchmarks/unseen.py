"""Words that a model never saw: 500 inflected forms taken out of a Bible, then placed by their parts alone.

    MORPHVEC_DATA=… python benchmarks/unseen.py [--language fin]

A form is drawn (by the seed) from those that occur at least twice and have, by the UniMorph table, the lemma or
another form of the lemma in the vocabulary of what stays (three times would leave fewer than 500 in Finnish). Its tokens are removed from the text. morphvec (which gets the
table, with the drawn forms held out) and fastText train on what is left; both then give the ten nearest words of the
vocabulary. A hit: one of the ten is the lemma or another form of it. Spelling alone goes far here, so a baseline
without vectors stands beside them: the words that share the longest prefix, for their length.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import machine

DRAWN, SHOWN, NEAR, DRAWS = 500, 10, 10, 1000
OCCURS, MIN_COUNT, EPOCHS = 2, 3, 20  # of a drawn form; of a word of the vocabulary; of fastText
CONSTRAINTS = ["--constraint", "offset:1000", "--constraint", "lemma:1000"]  # λ chosen on deu, hun and spa
LANGUAGES = ("fin", "tur")


def lower(text: str, language: str) -> str:
    """NFC and lower case, with the dotless i of Turkish."""
    text = unicodedata.normalize("NFC", text)
    return (text.replace("I", "ı").replace("İ", "i") if language == "tur" else text).lower()


def sentences(path: Path, language: str) -> list[list[str]]:
    """The verses of a Bible as lists of lower-case words."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        verses = [lower(line.partition("\t")[2], language) for line in text]
    return [re.findall(r"[^\W\d_]+", verse) for verse in verses]


def relatives(path: Path, language: str, counts: Mapping[str, int]) -> dict[str, set[str]]:
    """Form that occurs → the words of the vocabulary that share a lemma with it, itself left out."""
    families: dict[str, set[str]] = defaultdict(set)  # lemma → the lemma and its forms, as far as they occur
    forms = set()
    with gzip.open(path, "rt", encoding="utf-8") as table:
        for line in table:
            lemma, form = lower(line, language).rstrip("\n").split("\t")[:2]
            families[lemma].update(word for word in (lemma, form) if counts.get(word, 0) >= OCCURS)
            if form != lemma:
                forms.add(form)
    found: dict[str, set[str]] = defaultdict(set)
    for family in families.values():
        for word in family & forms:
            found[word] |= {other for other in family if counts[other] >= MIN_COUNT} - {word}
    return {word: found[word] for word in sorted(found) if found[word]}


def draw(kin: Mapping[str, set[str]], count: int, seed: int) -> list[str]:
    """``count`` forms, in the order drawn, each of which keeps a relative that is not drawn itself."""
    order = sorted(kin)
    random.Random(seed).shuffle(order)
    drawn: dict[str, None] = {}
    for word in order:
        touched = [word, *(other for other in kin[word] if other in drawn)]
        if all(kin[one] - drawn.keys() - {word} for one in touched):
            drawn[word] = None
            if len(drawn) == count:
                return list(drawn)
    raise SystemExit(f"only {len(drawn)} of {count} forms can be withheld; ask for fewer with --count")


def composed_neighbours(model: Path, words: Sequence[str]) -> dict[str, list[str]]:
    """The nearest words that morphvec gives for words outside its vocabulary."""
    queries = machine.morphvec("neighbors", model, *words, "-n", str(NEAR), "--json").json["queries"]
    known = [query["word"] for query in queries if query["known"]]
    if known:
        raise SystemExit(f"withheld, yet in the vocabulary: {', '.join(known[:10])}")
    return {
        word: [near["word"] for near in query["neighbors"]]
        for word, query in zip(words, queries, strict=True)
    }


def subword_neighbours(vectors: Path, unseen: Path) -> dict[str, list[str]]:
    """The nearest words, by cosine, of the vectors that fastText makes for unseen words."""
    import numpy as np

    from peers import read_text

    words, table = read_text(vectors)
    queries, rows = read_text(unseen)
    table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    near = np.argsort(-(rows @ table.T), axis=1, kind="stable")[:, :NEAR]
    return {query: [words[i] for i in line] for query, line in zip(queries, near, strict=True)}


def prefix_neighbours(words: Sequence[str], vocabulary: Sequence[str]) -> dict[str, list[str]]:
    """The words with the longest common prefix relative to the longer word; ties to the more frequent word."""

    def likeness(one: str, other: str) -> float:
        prefix = os.path.commonprefix([one, other])  # noqa: RUF071 - words, not paths
        return len(prefix) / max(len(one), len(other))

    return {word: sorted(vocabulary, key=lambda other: -likeness(word, other))[:NEAR] for word in words}


def interval(values: Sequence[float], seed: int) -> list[float]:
    """The mean's bootstrap 95% interval."""
    dice = random.Random(seed)
    means = sorted(sum(dice.choices(values, k=len(values))) / len(values) for _ in range(DRAWS))
    return [means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS) - 1]]


def measure(language: str, data: Path, out: Path, count: int, seed: int) -> dict[str, Any]:
    """Draw, withhold, train both, and count hits."""
    table = data / "unimorph" / f"{language}.tsv.gz"
    verses = sentences(data / "bible" / f"{language}.txt.gz", language)
    counts = Counter(word for verse in verses for word in verse)
    kin = relatives(table, language, counts)
    drawn = draw(kin, count, seed)
    withheld = set(drawn)
    kept = [" ".join(word for word in verse if word not in withheld) for verse in verses]
    text, words = out / f"{language}.txt", out / f"{language}-withheld.txt"
    text.write_text("".join(line + "\n" for line in kept if line), encoding="utf-8")
    words.write_text("".join(word + "\n" for word in drawn), encoding="utf-8")

    model, vectors, unseen = out / language, out / f"{language}.vec", out / f"{language}-unseen.vec"
    both = [
        "--min-count",
        str(MIN_COUNT),
        "--dim",
        "100",
        "--threads",
        str(machine.cores()),
        "--seed",
        str(seed),
    ]
    table_options: list[str | Path] = ["--unimorph", table, "--hold-out", words, *CONSTRAINTS]
    ours = machine.morphvec(
        "train",
        text,
        "-o",
        model,
        "--tokenizer",
        "whitespace",
        *table_options,
        *both,
        "--overwrite",
        "--json",
    )
    theirs = machine.peer(
        "fasttext",
        text,
        "-o",
        vectors,
        "--unseen",
        words,
        "--unseen-out",
        unseen,
        "--epochs",
        str(EPOCHS),
        *both,
    )
    vocabulary = sorted((-n, word) for word, n in counts.items() if n >= MIN_COUNT and word not in withheld)
    answers = {
        "morphvec": composed_neighbours(model, drawn),
        f"fastText, {EPOCHS} epochs": subword_neighbours(vectors, unseen),
        "longest prefix, no vectors": prefix_neighbours(drawn, [word for _, word in vocabulary]),
    }
    seconds = (ours.seconds, theirs.seconds - theirs.json["seconds"]["write"], None)
    hits = {name: [float(bool(kin[w] & set(near[w]))) for w in drawn] for name, near in answers.items()}
    first, second, _ = hits.values()
    difference = [a - b for a, b in zip(first, second, strict=True)]
    return {
        "language": language,
        "candidates": len(kin),
        "drawn": len(drawn),
        "tokens_withheld": sum(counts[word] for word in drawn),
        "seconds": dict(zip(answers, seconds, strict=True)),
        "reports": [ours.json, theirs.json],
        "share": {name: sum(values) / len(values) for name, values in hits.items()},
        "interval": {name: interval(values, seed) for name, values in hits.items()},
        "difference": {"mean": sum(difference) / len(difference), "interval": interval(difference, seed)},
        "shown": [
            {
                "word": word,
                "relatives": sorted(kin[word] - withheld),
                "near": {n: a[word] for n, a in answers.items()},
            }
            for word in drawn[:SHOWN]
        ],
    }


def report(document: dict[str, Any]) -> str:
    """Shares with intervals, then the words shown; a hit stands in bold."""
    lines = [
        f"{machine.conditions(document['machine'])}. Seed {document['seed']}; whole processes, wall clock."
    ]
    rows = []
    for run in document["runs"]:
        for name, share in run["share"].items():
            low, high = run["interval"][name]
            within = f"{machine.percent(share)} ({machine.percent(low)} to {machine.percent(high)})"
            seconds = run["seconds"][name]
            time = "" if seconds is None else f"{seconds:.1f}"
            rows.append([run["language"], name, within, str(run["drawn"]), time])
        low, high = run["difference"]["interval"]
        within = f"{100 * run['difference']['mean']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
        rows.append([run["language"], "morphvec − fastText, paired", within, str(run["drawn"]), ""])
    lines += [
        "",
        machine.table(["language", "vectors", f"same lemma in the top {NEAR}, %", "n", "seconds"], rows),
    ]
    for run in document["runs"]:
        shown = []
        for item in run["shown"]:
            kin = set(item["relatives"])
            cells = [" ".join(f"**{w}**" if w in kin else w for w in near) for near in item["near"].values()]
            shown.append([item["word"], *cells])
        lines += ["", machine.table([f"{run['language']}, never seen", *run["share"]], shown)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--language", action="append", choices=LANGUAGES, help="only this one (repeatable)")
    parser.add_argument("--count", type=int, default=DRAWN)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/unseen"))
    options = parser.parse_args()
    data = machine.data_folder()
    options.out.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {"machine": machine.facts(), "seed": options.seed, "runs": []}
    for language in options.language or LANGUAGES:
        document["runs"].append(measure(language, data, options.out, options.count, options.seed))
        machine.write(options.out, "unseen", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
