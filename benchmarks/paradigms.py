"""Paradigm completion on single Bibles: do offsets help words that they do not constrain, and do classes collapse?

    MORPHVEC_DATA=… python benchmarks/paradigms.py [--language fin]

Every lemma with at least two known forms is held out once: the lemmas are dealt (by the seed) into five hands, and a
model trains on the table without the lemmas of a hand and their forms (--hold-out). It is then asked for the forms of
these lemmas, the others giving the mean offsets, and the answers of the five models are pooled. "seen" is a model that
trained on the whole table, asked the same questions in the same way: what it has over "held out" is not generalisation
but knowledge of the answers. Questions that the lemma itself answers are left out. Intervals and paired
differences draw lemmas. Then, on whole words (--parts own) and the whole table: what pulling forms together (class)
does to a bundle, and what making offsets equal does, at the same strengths.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import machine
import morphvec
from morphvec.evaluate import Outcome, collapse, inflection, intervals, paradigms
from morphvec.morphology.tables import Table, read_unimorph

LANGUAGES = ("deu", "fin", "hun", "spa", "swa", "tur")
HANDS, FORMS = 5, 2
SHARED = ["--format", "tsv", "--features", "window", "--tokenizer", "letters", "--min-count", "3"]
PARTS = {"whole words": "own", "n-grams": "own,ngrams", "n-grams, lemma, affixes": "own,ngrams,lemma,affixes"}
NEEDS_TABLE = "n-grams, lemma, affixes"  # for its parts, with or without a constraint
SHOWN = ("mrr", "p@10", "mean-offset mrr", "lemma mrr")
STRENGTHS = (30, 1000, 30000)


class Bench:
    """One language: its text, its table, the hands of lemmas, and the training of models on them."""

    def __init__(self, language: str, data: Path, out: Path, seed: int) -> None:
        self.language, self.out, self.seed = language, out, seed
        self.text = data / "bible" / f"{language}.txt.gz"
        self.table = data / "unimorph" / f"{language}.tsv.gz"
        self.free = self.train("free", ["--parts", "own"])
        whole = read_unimorph(self.table, language)
        differs = [
            row for row in range(len(whole)) if self._fold(whole.lemmas[row]) != self._fold(whole.forms[row])
        ]
        self.asked = Table(
            language,
            *([column[row] for row in differs] for column in (whole.lemmas, whole.forms, whole.features)),
            source=self.table.name,
        )
        known = inflection.locate(self.free, self.asked)
        kin: dict[str, dict[str, None]] = {}
        for row in np.flatnonzero((known.lemma >= 0) & (known.form >= 0)).tolist():
            forms = kin.setdefault(self._fold(self.asked.lemmas[row]), {})
            forms[self._fold(self.asked.forms[row])] = None
        order = sorted(lemma for lemma, forms in kin.items() if len(forms) >= FORMS)
        random.Random(seed).shuffle(order)
        self.hands = [order[hand::HANDS] for hand in range(HANDS)]
        self.lists = []
        for number, hand in enumerate(self.hands):
            words = dict.fromkeys(word for lemma in hand for word in (lemma, *kin[lemma]))
            self.lists.append(out / f"{language}-held-{number}.txt")
            self.lists[-1].write_text("".join(word + "\n" for word in words), encoding="utf-8")

    def _fold(self, word: str) -> str:
        return self.free.fold(word, self.language)

    def train(self, name: str, options: Sequence[str | Path]) -> morphvec.Embeddings:
        """A model by the command line, opened; its folder is used again for the next."""
        folder = self.out / f"{self.language}-{name}"
        settings = [*SHARED, "--threads", str(machine.cores()), "--seed", str(self.seed), "--quiet"]
        machine.morphvec(
            "train", f"{self.language}={self.text}", "-o", folder, *settings, *options, "--overwrite"
        )
        return morphvec.load(folder)

    def with_table(self, constraint: str, hold_out: Path | None = None) -> list[str | Path]:
        """The options of a model that knows the table, or what of it is not held out."""
        held: list[str | Path] = [] if hold_out is None else ["--hold-out", hold_out]
        return ["--unimorph", f"{self.language}={self.table}", "--constraint", constraint, *held]

    def answers(self, models: Sequence[morphvec.Embeddings]) -> dict[str, Outcome]:
        """The outcomes, by metric, of the hands' questions; one model for each hand."""
        pooled: dict[str, list[Outcome]] = {}
        for model, hand in zip(models, self.hands, strict=True):
            for outcome in paradigms.score(model, self.asked, lemmas=hand):
                pooled.setdefault(outcome.metric, []).append(outcome)
        return {metric: pool(parts) for metric, parts in pooled.items()}

    def completion(self, parts: str) -> dict[str, dict[str, Outcome]]:
        """Training → outcomes: without a constraint, with offsets that hold the lemmas out, and with all offsets."""
        chosen = ["--parts", PARTS[parts]]
        found = {}
        if parts == NEEDS_TABLE:
            options = [self.with_table("offset:0", held) for held in self.lists]
            found["no constraint"] = self.answers(
                [self.train(f"n{i}", [*chosen, *o]) for i, o in enumerate(options)]
            )
        else:
            found["no constraint"] = self.answers([self.train("n", chosen)] * HANDS)
        options = [self.with_table("offset", held) for held in self.lists]
        found["offset, held out"] = self.answers(
            [self.train(f"o{i}", [*chosen, *o]) for i, o in enumerate(options)]
        )
        found["offset, seen"] = self.answers([self.train("s", [*chosen, *self.with_table("offset")])] * HANDS)
        return found

    def classes(self) -> dict[str, dict[str, Any]]:
        """Constraint → what became of the bundles, on whole words."""
        found = {"none": self.free}
        for kind in ("class", "offset"):
            for strength in STRENGTHS:
                constraint = f"{kind}:{strength}"
                found[constraint] = self.train(
                    f"{kind}{strength}", ["--parts", "own", *self.with_table(constraint)]
                )
        return {name: summary(collapse.score(model, self.asked)) for name, model in found.items()}


def pool(parts: Sequence[Outcome]) -> Outcome:
    """The outcomes of different lemmas as one."""
    first = parts[0]
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("items", "values", "clusters")
    }
    total = sum(part.total for part in parts)
    return Outcome(first.task, first.dataset, first.metric, first.unknown, total, **joined)


def mean(outcome: Outcome, seed: int) -> dict[str, Any]:
    """The score with its interval over lemmas."""
    found = intervals.mean_interval(outcome.values, clusters=outcome.clusters, seed=seed)
    if found is None:
        raise SystemExit(f"{outcome.dataset}: no question can be asked")
    return {"score": float(outcome.values.mean()), "low": found.low, "high": found.high}


def difference(one: Outcome, other: Outcome, seed: int) -> dict[str, Any]:
    """one − other on the same questions, with its paired interval over lemmas."""
    if not np.array_equal(one.items, other.items):
        raise SystemExit(f"{one.dataset}: the models were not asked the same questions")
    values = one.values - other.values
    found = intervals.mean_interval(values, clusters=one.clusters, seed=seed)
    assert found is not None
    return {"score": float(values.mean()), "low": found.low, "high": found.high}


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The means over classes, and how many have collapsed."""
    means = {outcome.metric: float(outcome.values.mean()) for outcome in outcomes}
    return {**means, "classes": len(outcomes[0].values), "collapsed": outcomes[0].detail["collapsed"]}


def measure(bench: Bench, parts: Sequence[str]) -> dict[str, Any]:
    """Scores and differences of one language."""
    runs, differences = [], []
    for name in parts:
        found = bench.completion(name)
        for training, outcomes in found.items():
            first = outcomes["mrr"]
            runs.append(
                {
                    "parts": name,
                    "training": training,
                    "n": len(first.values),
                    "total": first.total,
                    "lemmas": len(np.unique(first.clusters)),
                    "scores": {metric: mean(outcomes[metric], bench.seed) for metric in outcomes},
                }
            )
        for training in ("offset, held out", "offset, seen"):
            differences.append(
                {
                    "parts": name,
                    "training": f"{training} − no constraint",
                    "scores": {
                        metric: difference(
                            found[training][metric], found["no constraint"][metric], bench.seed
                        )
                        for metric in SHOWN
                    },
                }
            )
    return {
        "language": bench.language,
        "held_lemmas": sum(map(len, bench.hands)),
        "runs": runs,
        "differences": differences,
        "classes": bench.classes(),
    }


def within(score: dict[str, Any], sign: str = "") -> str:
    """A score ×100 and its interval."""
    return f"{100 * score['score']:{sign}.1f} ({100 * score['low']:{sign}.1f} to {100 * score['high']:{sign}.1f})"


def report(document: dict[str, Any]) -> str:
    """The tables of a document, scores ×100."""
    first, second, third = [], [], []
    for language in document["languages"]:
        code = language["language"]
        for run in language["runs"]:
            scores = [within(run["scores"][metric]) for metric in SHOWN]
            first.append(
                [code, run["parts"], run["training"], *scores, f"{run['n']} of {run['lemmas']} lemmas"]
            )
        for row in language["differences"]:
            scores = [within(row["scores"][metric], "+") for metric in SHOWN]
            second.append([code, row["parts"], row["training"], *scores])
        for constraint, found in language["classes"].items():
            means = [machine.percent(found[metric]) for metric in ("compactness", "identity p@1", "chance")]
            third.append([code, constraint, *means, f"{found['collapsed']} of {found['classes']}"])
    return "\n\n".join(
        [
            f"{machine.conditions(document['machine'])}. Seed {document['seed']}.",
            machine.table(["language", "words are made of", "trained with", *SHOWN, "n"], first),
            machine.table(["language", "words are made of", "difference", *SHOWN], second),
            machine.table(
                ["language", "constraint, λ", "compactness", "identity P@1", "chance", "collapsed"], third
            ),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--language", action="append", choices=LANGUAGES, help="only this one (repeatable)")
    parser.add_argument("--parts", action="append", choices=list(PARTS), help="only these (repeatable)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/paradigms"))
    options = parser.parse_args()
    data = machine.data_folder()
    options.out.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {"machine": machine.facts(), "seed": options.seed, "languages": []}
    for language in options.language or LANGUAGES:
        bench = Bench(language, data, options.out, options.seed)
        document["languages"].append(measure(bench, options.parts or list(PARTS)))
        machine.write(options.out, "paradigms", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
