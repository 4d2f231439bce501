"""Language models on 2 M tokens of Wikipedia: the neural model from scratch and from vectors, n-grams, and PyTorch.

    MORPHVEC_DATA=… python benchmarks/lm_neural.py [--only ngram-3 --only neural] [--vectors MODEL] [--tokens 2000000]

The text: the first lines of E17 (see e17.py) up to TOKENS tokens; of every 20 lines 18 are trained on, one stops training
early and one is scored. All models share the vocabulary, the 10,000 most frequent words of the training lines, and score
the same tokens, line ends and <unk> among them. Each run is a process of its own. ``torch`` is the network of ``neural``
with the same first parameters, batches and schedule, and PyTorch's own Adam; it runs where torch can be imported.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import e17
import machine

PARTS = ("train", "validation", "test")
NEURAL = {"order": 5, "dim": 100, "hidden": 100, "dropout": 0.2, "learning_rate": 0.002, "batch": 256}
SCRATCH = {**NEURAL, "dropout": 0.0}
INIT = {**NEURAL, "init": "{vectors}"}
# name → (kind, options); a table in the order of the runs.
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "ngram-2": ("ngram", {"order": 2}),
    "ngram-3": ("ngram", {"order": 3}),
    "ngram-5": ("ngram", {"order": 5}),
    "neural": ("neural", NEURAL),
    "neural-init": ("neural", INIT),
    "neural-init-frozen": ("neural", {**INIT, "freeze": True}),
    "neural-direct": ("neural", {**NEURAL, "direct": True}),
    "neural-bare": ("neural", SCRATCH),
    "torch": ("torch", SCRATCH),
}
LABELS = {
    "ngram-2": "2-gram, modified Kneser–Ney",
    "ngram-3": "3-gram, modified Kneser–Ney",
    "ngram-5": "5-gram, modified Kneser–Ney",
    "neural": "neural, from scratch",
    "neural-init": "neural, from morphvec vectors",
    "neural-init-frozen": "neural, from morphvec vectors, frozen",
    "neural-direct": "neural, from scratch, direct connections",
    "neural-bare": "neural, from scratch, no dropout",
    "torch": "the same in PyTorch, no dropout",
}
MIXED = ("ngram-3", "neural-init")


# ------------------------------------------------------------------------------------------------- the parent


def make_text(source: Path, out: Path, tokens: int) -> None:
    """Write train.txt, validation.txt and test.txt."""
    files = {part: (out / f"{part}.txt").open("wb") for part in PARTS}
    met = 0
    for number, line in enumerate(e17.lines(source)):
        part = {18: "validation", 19: "test"}.get(number % 20, "train")
        files[part].write(line)
        met += len(line.split())
        if met >= tokens:
            break
    for file in files.values():
        file.close()


def child(arguments: Sequence[str | Path]) -> machine.Finished:
    """This script in a process of its own."""
    return machine.timed([sys.executable, Path(__file__).resolve(), *arguments])


def report(document: dict[str, Any]) -> str:
    """The markdown table of a document's runs, and the curves below it."""
    rows, curves = [], []
    for run in document["runs"]:
        found = run["report"]
        epochs = len(found.get("curve", []))
        rows.append(
            [
                LABELS[run["name"]],
                f"{found['validation']:.1f}",
                f"{found['test']:.1f}",
                str(epochs) if epochs else "–",
                f"{found['train_seconds']:.0f}",
                f"{found['tokens'] * max(1, epochs) / found['train_seconds']:,.0f}",
                f"{run['peak_bytes'] / 2**30:.1f}",
            ]
        )
        if epochs:
            values = " ".join(f"{entry['perplexity']:.1f}" for entry in found["curve"])
            curves.append(f"- {LABELS[run['name']]}: {values}")
    first = document["runs"][0]["report"]
    lines = [
        f"The first {document['tokens']:,} tokens of E17: {first['tokens']:,} tokens and line ends to train on, "
        f"{first['validation_tokens']:,} to stop by, {first['test_tokens']:,} to score ({first['test_oov']:,} of them "
        f"unknown, read as <unk>); {first['words']:,} words. {machine.conditions(document['machine'])}.",
        f"Options of the network: {json.dumps(NEURAL)}. Seconds are those of training alone. Seed {document['seed']}.",
        "",
        machine.table(
            ["model", "perplexity, validation", "test", "epochs", "seconds", "tokens/s", "peak GiB"], rows
        ),
        "",
        *(["Validation perplexity by epoch:", "", *curves] if curves else []),
    ]
    if document.get("mixture"):
        mixed = document["mixture"]
        lines += [
            "",
            f"{LABELS[MIXED[0]]} and {LABELS[MIXED[1]]} mixed, {1 - mixed['weight']:.2f} : {mixed['weight']:.2f} "
            f"(found on the validation lines): {mixed['test']:.1f}.",
        ]
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------- the child


def run_child(options: argparse.Namespace) -> dict[str, Any]:
    """Train one model and score it. Prints nothing; leaves the log-probabilities of every token in SAVE."""
    import tempfile

    import numpy as np

    from morphvec.engine.local import local_engine
    from morphvec.lm.base import LanguageModel, Training
    from morphvec.lm.neural import NEURAL as NEURAL_KIND
    from morphvec.lm.neural import NeuralOptions
    from morphvec.lm.ngram import NGRAM
    from morphvec.lm.text import choose_words, lay_out, read_stream, scan_text
    from morphvec.text.corpus import Corpus
    from morphvec.text.readers import parse_sources
    from morphvec.text.tokenize import Tokenizer

    kind, given = options.kind, json.loads(options.options)
    texts = [
        Corpus(parse_sources([str(options.folder / f"{part}.txt")]), Tokenizer("whitespace", "keep"))
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
        training = Training(stream, validation, engine, folders[0], 8 << 30, options.seed)
        versions = {}
        if kind == "torch":
            import torch  # its loading is no part of training

            versions = {"torch": torch.__version__}
        start = time.perf_counter()
        if kind == "torch":
            predictor, curve = train_torch(NeuralOptions(**given), training)
        else:
            chosen = {"ngram": NGRAM, "neural": NEURAL_KIND}[kind]
            predictor = chosen.train(chosen.options(given), training)
            curve = [entry["validation"] for entry in getattr(predictor, "record", {}).get("curve", [])]
        seconds = time.perf_counter() - start
        scored = {
            part: predictor.token_logprobs(text)
            for part, text in (("validation", validation), ("test", test))
        }
        np.savez(options.save, **scored)
        return {
            "tokens": stream.tokens,
            "validation_tokens": validation.tokens,
            "test_tokens": test.tokens,
            "test_oov": test.oov,
            "words": len(vocabulary.words),
            "train_seconds": seconds,
            "versions": versions,
            "validation": LanguageModel(vocabulary, predictor).perplexity(validation).perplexity,
            "test": LanguageModel(vocabulary, predictor).perplexity(test).perplexity,
            "curve": [{"epoch": n, "perplexity": float(np.exp(loss))} for n, loss in enumerate(curve, 1)],
        }


def train_torch(options: Any, training: Any) -> tuple[Any, list[float]]:
    """The network of ``feedforward`` in PyTorch: the same start, batches, schedule and early stopping."""
    import numpy as np
    import torch

    from morphvec.lm import neural
    from morphvec.lm.feedforward import losses, start
    from morphvec.rng import stream

    torch.set_num_threads(training.engine.threads)
    text, seed = neural.windows(training.stream, options.order), training.seed
    held_out = neural.windows(training.held_out, options.order)
    counts = np.bincount(training.stream.ids[text.at], minlength=training.stream.vocabulary.predicted)
    dim, words = options.dim, len(counts)
    table = (np.sqrt(3 / dim) * stream(seed, 0, 0).uniform(-1, 1, (words, dim))).astype(np.float32)
    bias = np.log((counts + 1) / (counts.sum() + words))
    first = start(table, options.hidden, options.order, bias, direct=False, seed=seed)
    weights = {name: torch.nn.Parameter(torch.from_numpy(array.copy())) for name, array in first.items()}
    adam = torch.optim.Adam(weights.values(), lr=options.learning_rate)

    def logits(contexts: Any) -> Any:
        x = torch.nn.functional.embedding(contexts, weights["table"]).reshape(len(contexts), -1)
        hidden, output = weights["hidden"], weights["output"]
        a = torch.tanh(torch.nn.functional.linear(x, hidden[:, :-1], hidden[:, -1]))
        return torch.nn.functional.linear(a, output[:, :-1], output[:, -1])

    def plain() -> dict[str, Any]:
        return {name: weight.detach().numpy().copy() for name, weight in weights.items()}

    curve: list[float] = []
    best, waited = plain(), 0
    for epoch in range(options.epochs):
        order = stream(seed, epoch + 1, 0).permutation(text.at)
        steps = -(-len(order) // options.batch)
        for step in range(steps):
            rate = options.steps.rate(epoch + step / steps, options.epochs)
            for group in adam.param_groups:
                group["lr"] = rate
            contexts, targets = text.take(order[step * options.batch : (step + 1) * options.batch])
            loss = torch.nn.functional.cross_entropy(
                logits(torch.from_numpy(contexts)), torch.from_numpy(targets.astype(np.int64))
            )
            adam.zero_grad()
            loss.backward()
            adam.step()
        curve.append(float(losses(plain(), held_out, training.engine).mean()))
        if curve[-1] == min(curve):
            best, waited = plain(), 0
        else:
            waited += 1
        if options.patience and waited >= options.patience:
            break
    return neural.NeuralPredictor(best, counts.astype(np.int64), options.order, {}), curve


def mix(first: Path, second: Path) -> dict[str, float]:
    """The weight of the second model by EM on the validation tokens, and the perplexity on the test tokens."""
    import numpy as np

    one, two = np.load(first), np.load(second)
    a, b = np.exp(one["validation"]), np.exp(two["validation"])
    weight = 0.5
    for _ in range(100):
        weight = float(np.mean(weight * b / (weight * b + (1 - weight) * a)))
    a, b = np.exp(one["test"]), np.exp(two["test"])
    return {"weight": weight, "test": float(np.exp(-np.mean(np.log(weight * b + (1 - weight) * a))))}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(RUNS), help="only this run (repeatable)")
    parser.add_argument("--tokens", type=int, default=2_000_000)
    parser.add_argument("--vocab-size", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=10, help="of the network, at most")
    parser.add_argument("--vectors", type=Path, help="a model; default: trained on the training lines")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--out", type=Path, default=Path("out/lm_neural"))
    for name in ("kind", "options"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    for name in ("folder", "save"):
        parser.add_argument(f"--{name}", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--mix", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.mix or options.kind:
        print(json.dumps(mix(*options.mix) if options.mix else run_child(options)))
        return
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    make_text(machine.data_folder() / e17.CORPUS, out, options.tokens)
    chosen = [name for name in options.only or RUNS if name != "torch" or importlib.util.find_spec("torch")]
    vectors = options.vectors or out / "vectors"
    if options.vectors is None and any("init" in RUNS[name][1] for name in chosen):
        machine.morphvec(
            "train",
            out / "train.txt",
            "-o",
            vectors,
            *e17.TRAIN,
            "--parts",
            "own",
            "--seed",
            str(options.seed),
        )
    shared = ["--folder", out, "--threads", str(options.threads), "--seed", str(options.seed)]
    shared += ["--vocab-size", str(options.vocab_size)]
    document: dict[str, Any] = {
        "machine": machine.facts(),
        "tokens": options.tokens,
        "seed": options.seed,
        "runs": [],
    }
    for name in chosen:
        kind, settings = RUNS[name]
        settings = {key: str(vectors) if key == "init" else value for key, value in settings.items()}
        settings |= {"epochs": options.epochs} if kind != "ngram" else {}
        run = child(
            ["--kind", kind, "--options", json.dumps(settings), "--save", out / f"{name}.npz", *shared]
        )
        document["runs"].append(
            {"name": name, "report": run.json, "seconds": run.seconds, "peak_bytes": run.peak_bytes}
        )
        print(f"{name}: test perplexity {run.json['test']:.2f}", flush=True)
        machine.write(out, "lm_neural", document, report(document))
    if set(MIXED) <= set(chosen):
        document["mixture"] = child(["--mix", *(out / f"{name}.npz" for name in MIXED)]).json
    machine.write(out, "lm_neural", document, report(document))
    print(report(document))


if __name__ == "__main__":
    main()
