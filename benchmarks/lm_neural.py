"""Language models on one text with one vocabulary: n-grams of every order and smoothing, ensembles, the neural model.

    MORPHVEC_DATA=… python benchmarks/lm_neural.py [--tokens 2000000] [--epochs 10] [--seed 0 --seed 1]
        [--only neural-init]

The text: the first lines of E17 (see e17.py) up to TOKENS tokens (0: all of it); of every 20 lines 18 are trained on, one
finds weights and stops training, one is scored. All models share the vocabulary, the 10,000 most frequent words of the
training lines, and score the same tokens, line ends and <unk> among them. Neural runs keep a checkpoint an epoch: after a
stop the same command goes on. What is finished in OUT is not done again.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import e17
import machine

PARTS = ("train", "validation", "test")
SMOOTHINGS = ("ml", "add-k", "interpolated", "absolute", "kneser-ney", "modified-kneser-ney")
ORDERS = (1, 2, 3, 4, 5)
NEURAL = [
    *("--order", "5", "--dim", "100", "--hidden", "100", "--dropout", "0.1", "--learning-rate", "0.002"),
    *("--batch", "512"),
]
SAMPLED = ["--sampled", "1000"]
INIT = ["--init", "{vectors}"]
# name → options; a table in the order of the runs.
RUNS: dict[str, list[str]] = {
    "neural": SAMPLED,
    "neural-init": [*SAMPLED, *INIT],
    "neural-init-frozen": [*SAMPLED, *INIT, "--freeze"],
    "neural-direct": [*SAMPLED, "--direct"],
    "neural-exact": [],
}
LABELS = {
    "neural": "neural, from scratch",
    "neural-init": "neural, from morphvec vectors",
    "neural-init-frozen": "neural, from morphvec vectors, frozen",
    "neural-direct": "neural, from scratch, direct connections",
    "neural-exact": "neural, from scratch, all words in every step",
}


# ------------------------------------------------------------------------------------------------- the parent


def make_text(source: Path, folder: Path, tokens: int) -> None:
    """Write train.txt, validation.txt and test.txt; tokens: 0 for all of E17."""
    if all((folder / f"{part}.txt").exists() for part in PARTS):
        return
    folder.mkdir(parents=True, exist_ok=True)
    files = {part: (folder / f"{part}.part").open("wb") for part in PARTS}
    met, left = 0, e17.BYTES
    for number, line in enumerate(e17.lines(source)):
        part = {18: "validation", 19: "test"}.get(number % 20, "train")
        files[part].write(line[:left])
        met, left = met + len(line.split()), left - len(line)
        if left <= 0 or met >= tokens > 0:
            break
    for part, file in files.items():
        file.close()
        (folder / f"{part}.part").rename(folder / f"{part}.txt")


def child(arguments: Sequence[str | Path]) -> dict[str, Any]:
    """This script in a process of its own, with its peak memory."""
    run = machine.timed([sys.executable, Path(__file__).resolve(), *arguments])
    return {**run.json, "peak_bytes": run.peak_bytes}


def train_neural(name: str, seed: int, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One ``lm train`` from where it stood, and its perplexities; seconds: of this call's part of it."""
    model = folder / f"{name}-{seed}"
    vectors = options.vectors or folder / f"vectors-{seed}"
    given = [word.format(vectors=vectors) for word in RUNS[name]]
    if given and "--init" in given and not vectors.exists():
        machine.morphvec(
            "train", folder / "train.txt", "-o", vectors, *e17.TRAIN, "--parts", "own", "--seed", str(seed)
        )
    record: dict[str, Any] = {"name": name, "seed": seed}
    if not (model / "manifest.json").exists():
        run = machine.morphvec(
            *("lm", "train", folder / "train.txt", "-o", model, "--kind", "neural", *NEURAL, *given),
            *("--held-out", folder / "validation.txt", "--vocab-size", str(options.vocab_size)),
            *("--tokenizer", "whitespace", "--epochs", str(options.epochs), "--seed", str(seed)),
            *("--json", "--quiet"),
            *("--threads", str(options.threads), "--checkpoint-every", "1", "--resume"),
        )
        record |= {"seconds": run.seconds, "cpu_seconds": run.cpu_seconds, "peak_bytes": run.peak_bytes}
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    record["curve"] = [math.exp(entry["validation"]) for entry in manifest["predictor"]["curve"]]
    for part in PARTS[1:]:
        answer = machine.morphvec("lm", "perplexity", model, folder / f"{part}.txt", "--json", "--quiet")
        record[part] = answer.json["perplexity"]
    record["numbers"] = child(["--count", model])["numbers"]
    record["mixture"] = child(["--mix", model, "--folder", folder])
    return record


def number(value: float | None) -> str:
    """A perplexity; infinite ones are null in JSON."""
    return "∞" if value is None else f"{value:,.1f}"


def report(document: dict[str, Any]) -> str:
    """The markdown of a document."""
    text, grams = document["text"], document["ngrams"]
    title = (
        "The whole of E17" if not document["tokens"] else f"The first {document['tokens']:,} tokens of E17"
    )
    lines = [
        f"{title}: {text['train_tokens']:,} tokens and line ends to train on, {text['validation_tokens']:,} to stop and "
        f"weigh by, {text['test_tokens']:,} to score ({text['test_oov']:,} of them unknown, read as <unk>); "
        f"{text['words']:,} words. {machine.conditions(document['machine'])}.",
        "",
        "Test perplexity of n-grams:",
        "",
        machine.table(
            ["smoothing", *(f"n = {order}" for order in ORDERS), "ensemble of 1 … 5"],
            [
                [
                    name,
                    *(number(grams["test"][name][str(order)]) for order in ORDERS),
                    number(grams["test"][name].get("ensemble")),
                ]
                for name in SMOOTHINGS
            ],
        ),
        "",
        f"Counting to order {ORDERS[-1]}: {grams['count_seconds']:.1f} s; peak {grams['peak_bytes'] / 1e9:.2f} GB with "
        "all tables in turn.",
        "",
        machine.table(
            ["stored", *(f"n ≤ {order}" for order in ORDERS)],
            [["n-grams", *(f"{sum(grams['stored'][:order]):,}" for order in ORDERS)]],
        ),
    ]
    if document["runs"]:
        rows = []
        for run in document["runs"]:
            mixed = run["mixture"]
            rows.append(
                [
                    LABELS[run["name"]],
                    str(run["seed"]),
                    number(run["validation"]),
                    number(run["test"]),
                    str(len(run["curve"])),
                    f"{run['numbers']:,}",
                    f"{number(mixed['test'])} ({mixed['weight']:.2f})",
                ]
            )
        head = [
            "model",
            "seed",
            "validation",
            "test",
            "epochs",
            "parameters",
            "mixed with the trigram (weight)",
        ]
        lines += ["", f"Options of the network: {' '.join(NEURAL)}.", "", machine.table(head, rows)]
        lines += ["", "Validation perplexity by epoch:", ""]
        for run in document["runs"]:
            values = " ".join(f"{value:.1f}" for value in run["curve"])
            lines.append(f"- {LABELS[run['name']]}, seed {run['seed']}: {values}")
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------- the children


def train_ngrams(options: argparse.Namespace) -> dict[str, Any]:
    """Count once, smooth in every way and order, score. Leaves the trigram's log-probabilities for ``mix``, and what is
    done after each smoothing in ngrams.json, so that a stop costs no more than one."""
    import tempfile

    import numpy as np

    from morphvec.engine.local import local_engine
    from morphvec.lm.base import LanguageModel, Predictor
    from morphvec.lm.counts import count_ngrams
    from morphvec.lm.ensemble import Mixture, fit_weights
    from morphvec.lm.smoothing import SmoothingOptions, build_tables, estimate
    from morphvec.lm.text import choose_words, lay_out, read_stream, scan_text
    from morphvec.text.corpus import Corpus
    from morphvec.text.readers import parse_sources
    from morphvec.text.tokenize import Tokenizer

    texts = [
        Corpus(parse_sources([str(options.folder / f"{part}.txt")]), Tokenizer("whitespace", "lower"))
        for part in PARTS
    ]
    engine = local_engine(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / part for part in PARTS]
        for folder in folders:
            folder.mkdir()
        found = scan_text(texts[0], folders[0])
        vocabulary = choose_words(found, options.vocab_size)
        stream = lay_out(found, vocabulary, folders[0])[0]
        validation, test = (
            read_stream(text, vocabulary, folder) for text, folder in zip(texts[1:], folders[1:], strict=True)
        )
        begin = time.perf_counter()
        counts = count_ngrams(stream, ORDERS[-1], engine=engine, folder=folders[0], memory=8 << 30)
        seconds = time.perf_counter() - begin
        texts_scored = {"validation": validation, "test": test}
        file = options.folder / "ngrams.json"
        document: dict[str, Any] = {
            "text": {
                "train_tokens": stream.tokens,
                "validation_tokens": validation.tokens,
                "test_tokens": test.tokens,
                "test_oov": test.oov,
                "words": len(vocabulary.words),
            },
            "count_seconds": seconds,
            **{part: {} for part in texts_scored},
        }
        if file.exists():
            document = json.loads(file.read_text(encoding="utf-8"))

        def score(smoothing: str, column: str, predictor: Predictor) -> None:
            for part, text in texts_scored.items():
                value = LanguageModel(vocabulary, predictor).perplexity(text).perplexity
                found = document[part].setdefault(smoothing, {})
                found[column] = value if math.isfinite(value) else None

        for smoothing in reversed(SMOOTHINGS):
            if smoothing in document["test"]:
                continue
            rule = SmoothingOptions(smoothing)
            members = []
            for order in ORDERS:
                tables = build_tables(counts, rule, estimate(counts, rule, order, validation), order, engine)
                members.append(tables)
                score(smoothing, str(order), tables)
                if (smoothing, order) == ("modified-kneser-ney", 3):
                    found_by = {part: tables.token_logprobs(text) for part, text in texts_scored.items()}
                    np.savez(options.folder / "trigram.npz", **found_by)
            score(smoothing, "ensemble", Mixture(tuple(members), fit_weights(members, validation)))
            document["stored"] = np.diff(members[-1].levels).tolist()
            file.write_text(json.dumps(document), encoding="utf-8")
        return document


def count_numbers(model: Path) -> dict[str, Any]:
    """How many parameters a neural model has."""
    from morphvec.lm.store import load

    return {"numbers": sum(array.size for array in load(model).predictor.parameters.values())}


def mix(model: Path, folder: Path) -> dict[str, Any]:
    """The trigram and a neural model: the second's weight by EM on the validation tokens, and the test perplexity."""
    import numpy as np

    from morphvec.lm.store import load
    from morphvec.lm.text import read_scored

    opened, trigram = load(model), np.load(folder / "trigram.npz")
    first = {part: np.exp(trigram[part]) for part in PARTS[1:]}
    second = {
        part: np.exp(
            opened.predictor.token_logprobs(
                read_scored(str(folder / f"{part}.txt"), opened.vocabulary).stream
            )
        )
        for part in PARTS[1:]
    }
    weight = 0.5
    for _ in range(100):
        b = weight * second["validation"]
        weight = float(np.mean(b / (b + (1 - weight) * first["validation"])))
    mixed = weight * second["test"] + (1 - weight) * first["test"]
    return {"weight": weight, "test": float(np.exp(-np.mean(np.log(mixed))))}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only", action="append", choices=list(RUNS), help="only this neural run (repeatable)"
    )
    parser.add_argument("--tokens", type=int, default=2_000_000)
    parser.add_argument("--vocab-size", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=10, help="of the network, at most")
    parser.add_argument("--vectors", type=Path, help="a model; default: trained on the training lines")
    parser.add_argument("--neural", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--seed", type=int, action="append", help="of the neural runs (repeatable); default 0"
    )
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--out", type=Path, default=Path("out/lm_neural"))
    for name in ("folder", "mix", "count"):
        parser.add_argument(f"--{name}", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ngrams", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ngrams or options.mix or options.count:
        if options.count:
            print(json.dumps(count_numbers(options.count)))
        elif options.mix:
            print(json.dumps(mix(options.mix, options.folder)))
        else:
            print(json.dumps(train_ngrams(options)))
        return
    folder = options.out / (f"{options.tokens}" if options.tokens else "e17")
    make_text(machine.data_folder() / e17.CORPUS, folder, options.tokens)
    file = folder / "lm_neural.json"
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if not document:
        shared = [
            "--folder",
            folder,
            "--threads",
            str(options.threads),
            "--vocab-size",
            str(options.vocab_size),
        ]
        grams = child(["--ngrams", *shared])
        document = {"tokens": options.tokens, "text": grams.pop("text"), "ngrams": grams, "runs": []}
        document["machine"] = machine.facts()
        machine.write(folder, "lm_neural", document, report(document))
    wanted = [(name, seed) for seed in options.seed or [0] for name in options.only or RUNS]
    for name, seed in wanted if options.neural else ():
        if any((run["name"], run["seed"]) == (name, seed) for run in document["runs"]):
            continue
        document["runs"].append(train_neural(name, seed, folder, options))
        print(f"{name}, seed {seed}: test perplexity {document['runs'][-1]['test']:.2f}", flush=True)
        machine.write(folder, "lm_neural", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
