"""Pairs of Bibles for ``quality.py``: spaces of verse ids, of two languages and of eight, and separately trained spaces mapped.

Queries: source words of the vocabulary with a listed translation in it; candidates: all words of the target language.
A dictionary only scores; each is read in both directions.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import machine
import quality_small
from quality_runs import COST, Results, Run, Setting, cost, remove, spread, together, took, train, within

PAIRS: dict[tuple[str, str], tuple[str, ...]] = {
    ("spa", "por"): ("muse_es-pt.tsv.gz",),
    ("eng", "spa"): ("muse_en-es.tsv.gz",),
    ("eng", "hun"): ("muse_en-hu.tsv.gz",),
    ("eng", "por"): ("muse_en-pt.tsv.gz",),
    ("eng", "est"): ("muse_en-et.tsv.gz",),
    ("eng", "deu"): ("xling_en-de.train.tsv", "xling_en-de.test.tsv"),
    ("eng", "fin"): ("xling_en-fi.train.tsv", "xling_en-fi.test.tsv"),
    ("eng", "tur"): ("xling_en-tr.train.tsv", "xling_en-tr.test.tsv"),
    ("deu", "fin"): ("xling_de-fi.train.tsv", "xling_de-fi.test.tsv"),
    ("deu", "tur"): ("xling_de-tr.train.tsv", "xling_de-tr.test.tsv"),
    ("tur", "fin"): ("xling_tr-fi.train.tsv", "xling_tr-fi.test.tsv"),
}
TOGETHER = ("deu", "eng", "fin", "hun", "por", "spa", "swa", "tur")  # one space; swa has no dictionary here
THREE = ("eng", "por", "spa")
JOINT = {  # options of train, and whether each pair has it or only the first five
    "own": ("verse ids, words whole (`--parts own`)", "--parts own", False),
    "default": ("**verse ids, the defaults**", "", True),
    "alike": (
        "verse ids, the defaults, one run without counterparts (`--unaligned 1`)",
        "--unaligned 1",
        False,
    ),
    "table": ("verse ids, the defaults, UniMorph of both", "{tables}", False),
}
TRAIN = ["--format", "tsv", "--features", "ids", "--tokenizer", "letters", "--min-count", "3"]
MAPPED_PAIRS = (("spa", "por"), ("eng", "spa"), ("eng", "hun"))
METRICS = {
    "csls": "csls p@1",
    "cosine": "cosine p@1",
    "other spelling": "csls p@1 not spelled alike",
}


def runs(setting: Setting, seed: int) -> Iterator[Run]:
    """The runs of a seed."""
    if seed >= setting.seeds:
        return
    for number, pair in enumerate(PAIRS):
        corpus = "-".join(pair)
        for method, (_, _, everywhere) in JOINT.items():
            if everywhere or number < 5:
                yield Run(corpus, method, seed, functools.partial(joint, setting, pair, method, seed))
        if pair in MAPPED_PAIRS:
            for method in quality_small.MAPPED_METHODS:
                work = functools.partial(mapped, setting, pair, method, seed)
                yield Run(corpus, f"map-{method}", seed, work)
    for languages in (THREE, TOGETHER):
        yield Run(
            space_name(languages),
            "default",
            seed,
            functools.partial(joint, setting, languages, "default", seed),
        )


def space_name(languages: Sequence[str]) -> str:
    """``eng-por-spa``; ``eight`` for the largest."""
    return "eight" if languages == TOGETHER else "-".join(languages)


def dictionary(setting: Setting, source: str, target: str) -> Path:
    """One file of pairs, source⇥target."""
    names, swap = PAIRS.get((source, target)), False
    if names is None:
        names, swap = PAIRS[target, source], True
    file = setting.out / "dictionaries" / f"{source}-{target}.tsv"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        lines: dict[str, None] = {}
        for name in names:
            given = setting.data / "bli" / name
            opened = gzip.open if name.endswith(".gz") else open
            with opened(given, "rt", encoding="utf-8") as rows:
                for row in rows:
                    one, other = row.rstrip("\n").split("\t")[:2]
                    lines[f"{other}\t{one}" if swap else f"{one}\t{other}"] = None
        file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return file


def score(setting: Setting, model: Path, languages: Sequence[str]) -> dict[str, Any]:
    """Scores by direction, ``eng-spa`` and ``spa-eng``, of every pair among the languages that has a dictionary."""
    directions = [
        (one, other) for pair in PAIRS if set(pair) <= set(languages) for one, other in (pair, pair[::-1])
    ]
    asked: list[str | Path] = []
    for one, other in directions:
        asked += ["--bli", one, other, dictionary(setting, one, other)]
    found = machine.results(machine.morphvec("evaluate", model, *asked, "--json"))
    return {
        f"{one}-{other}": {name: found[f"{one}-{other}.tsv", metric] for name, metric in METRICS.items()}
        for one, other in directions
    }


def joint(setting: Setting, languages: Sequence[str], method: str, seed: int) -> dict[str, Any]:
    """One space of several languages, from the verse ids alone."""
    texts = [f"{language}={setting.data / 'bible' / language}.txt.gz" for language in languages]
    tables = [
        word
        for language in languages
        for word in ("--unimorph", f"{language}={setting.data / 'unimorph' / language}.tsv.gz")
    ]
    chosen = JOINT[method][1]
    options = tables if chosen == "{tables}" else chosen.split()
    model = setting.out / "models" / f"{space_name(languages)}-{method}-{seed}"
    model.parent.mkdir(parents=True, exist_ok=True)
    found = train(texts, model, [*TRAIN, *options], seed)
    scores = score(setting, model, languages)
    remove(model)
    return {**found, "scores": scores}


def mapped(setting: Setting, pair: tuple[str, str], method: str, seed: int) -> dict[str, Any]:
    """Two separately trained spaces, turned into one from words spelled alike; their training is part of the seconds."""
    sides, parts = [], []
    for language in pair:
        model = quality_small.model_folder(setting, language, method, seed)
        file = setting.out / "runs" / language / f"{method}-{seed}.json"
        if model.exists() and file.exists():
            parts.append(quality_small.read_took(file))
        else:
            parts.append(quality_small.fit(setting, language, 100, method, seed)[1])
        sides.append(model)
    out = setting.out / "models" / f"{'-'.join(pair)}-map-{method}-{seed}"
    settings = ["--languages", *pair, "--identical", "--overwrite", "--json"]
    parts.append(took(machine.morphvec("align", *sides, "-o", out, *settings)))
    scores = score(setting, out, pair)
    remove(out)
    return {**together(parts), "scores": scores}


CORPORA = (*("-".join(pair) for pair in PAIRS), space_name(THREE), space_name(TOGETHER))
BARS = {"spa-por": 89, "eng-spa": 60, "eng-hun": 38}
LABELS = {name: label for name, (label, _, _) in JOINT.items()} | {
    "map-own": "mapped: ours, words whole",
    "map-default": "mapped: ours, the defaults",
    "map-gensim": f"mapped: gensim SGNS, {quality_small.EPOCHS} epochs",
    "map-fasttext": f"mapped: fastText, {quality_small.EPOCHS} epochs",
}


def page(results: Results) -> list[str]:
    """The lines of docs/results/pairs.md."""
    names = ["-".join(pair) for pair in PAIRS]
    lines = [
        "# Pairs of Bibles: words and their translations",
        "",
        '    MORPHVEC_DATA=… make bench-quality ARGS="--part pairs --pages docs"',
        "",
        "Made by `benchmarks/quality.py`. Verse ids are the only columns (`--format tsv --features ids --tokenizer letters "
        "--min-count 3`); a word's translation is the nearest word of the other language. \"Mapped\": each language's vectors from "
        "its own text, window contexts, then `morphvec align --identical`; seconds are of both languages and the map. "
        "P@1 ×100, mean over seeds ± half their range, first seed's 95% interval over queries in brackets. Queries are the source words "
        "of the vocabulary with a listed translation in it (mapped rows fold words the same way); the dictionaries "
        "(MUSE where spa, por, hun or est is a side, xling train and test otherwise) only score. "
        '"Other spelling" leaves out the queries that are spelled like a target word.',
        "",
        results.conditions(*CORPORA),
        "",
    ]
    rows = []
    for name in names:
        for method, label in LABELS.items():
            runs = results.of(name, method)
            if runs:
                first = runs[0]["scores"][name]
                cells = [spread([run["scores"][name][metric]["score"] for run in runs]) for metric in METRICS]
                interval = within(first["csls"]).partition(" ")[2]
                rows.append(
                    [
                        f"{name}, {label}",
                        f"{cells[0]} {interval}",
                        *cells[1:],
                        str(first["csls"]["n"]),
                        *cost(runs),
                    ]
                )
        if name in BARS:
            rows.append([f"{name}, **to reach**", str(BARS[name]), *[""] * 7])
    header = ["pair, vectors", "CSLS P@1", "cosine P@1", "CSLS P@1, other spelling", "n", *COST]
    lines += [machine.table(header, rows), ""]
    return lines + _spaces(results)


def _spaces(results: Results) -> list[str]:
    """One space of several languages beside the spaces of two, by direction."""
    lines = []
    for languages in (THREE, TOGETHER):
        runs = results.of(space_name(languages), "default")
        if not runs:
            continue
        rows = []
        for pair in (pair for pair in PAIRS if set(pair) <= set(languages)):
            for one, other in (pair, pair[::-1]):
                way = f"{one}-{other}"
                two = results.of("-".join(pair), "default")
                together_, alone = (
                    [run["scores"][way]["csls"]["score"] for run in some] for some in (runs, two)
                )
                difference = [a - b for a, b in zip(together_, alone, strict=False)]
                n = str(runs[0]["scores"][way]["csls"]["n"])
                rows.append([way, spread(together_), spread(alone), spread(difference, "+"), n])
        seconds = ", ".join(f"{value} {name}" for name, value in zip(COST, cost(runs), strict=True))
        lines += [
            f"## {len(languages)} languages in one space",
            "",
            f"{', '.join(languages)}: one `train` on all of these Bibles ({seconds}), beside a space of the two alone; CSLS P@1.",
            "",
            machine.table(["from-to", "one space", "two languages", "difference", "n"], rows),
            "",
        ]
        if languages == TOGETHER:
            lines += ["![P@1 of language pairs](../figures/quality_pairs.svg)", ""]
    return lines
