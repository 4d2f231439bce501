"""n-gram language models on E17: seconds and memory from text to a model folder, perplexity by smoothing, scoring speed.

    MORPHVEC_DATA=… python benchmarks/lm_ngram.py [--order 5] [--corpus FILE]

Time and memory: whole processes, the whole corpus, every word in the vocabulary. Perplexity: trained on the first 95% of
its lines with a vocabulary of --vocab-size words, on the last 5%, unknown words read as <unk>; </s> is a token.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import e17
import machine

SMOOTHINGS = ("add-k", "interpolated", "absolute", "kneser-ney", "modified-kneser-ney")
BAR_SECONDS, BAR_BYTES = 300, 3_000_000_000  # order 5 on E17, 2 cores


def split(corpus: Path, out: Path) -> tuple[Path, Path]:
    """The first 95% of a corpus's bytes, to the end of the line, and the rest."""
    train, test = out / "train.txt", out / "test.txt"
    left = corpus.stat().st_size * 95 // 100
    with corpus.open("rb") as text, train.open("wb") as one, test.open("wb") as two:
        for line in text:
            (one if left > 0 else two).write(line)
            left -= len(line)
    return train, test


def train(corpus: Path, model: Path, order: int, *options: str) -> dict[str, Any]:
    """One ``lm train``; what it took and what it made."""
    run = machine.morphvec(
        *("lm", "train", corpus, "-o", model, "--order", str(order), "--tokenizer", "whitespace"),
        *("--threads", str(machine.cores()), "--memory", "3G", "--overwrite", "--json", "--quiet", *options),
    )
    size = sum(file.stat().st_size for file in model.iterdir())
    return {
        "order": order,
        "seconds": run.seconds,
        "cpu_seconds": run.cpu_seconds,
        "peak_bytes": run.peak_bytes,
        "model_bytes": size,
        **run.json,
    }


def report(document: dict[str, Any]) -> str:
    """The markdown of a document."""
    corpus = document["corpus"]
    title = "E17" if corpus["is_e17"] else f"NOT E17: {corpus['file']}"
    lines = [
        f"{title}: {corpus['bytes']:,} bytes, {corpus['tokens']:,} tokens. {machine.conditions(document['machine'])}.",
        "",
        machine.table(
            ["text → model, modified-kneser-ney", "seconds", "CPU seconds", "peak GB", "model GB"],
            [
                [
                    f"order {run['order']}",
                    f"{run['seconds']:.1f}",
                    f"{run['cpu_seconds']:.1f}",
                    f"{run['peak_bytes'] / 1e9:.2f}",
                    f"{run['model_bytes'] / 1e9:.2f}",
                ]
                for run in document["runs"]
            ],
        ),
    ]
    for run in document["runs"]:
        if corpus["is_e17"] and run["order"] == 5:
            met = run["seconds"] <= BAR_SECONDS and run["peak_bytes"] <= BAR_BYTES
            lines += ["", f"Bar (order 5 within 5 minutes and 3 GB): {'met' if met else 'missed'}."]
    if document["perplexities"]:
        first = document["perplexities"][0]
        lines += [
            "",
            f"Perplexity of the last 5%: {first['tokens']:,} tokens, {first['oov']:,} unknown; "
            f"vocabulary {document['vocab_size']:,} words.",
            "",
            machine.table(
                ["smoothing", "order", "perplexity", "train seconds", "train peak GB", "perplexity seconds"],
                [
                    [
                        run["name"],
                        str(run["order"]),
                        f"{run['perplexity']:.1f}",
                        f"{run['train_seconds']:.1f}",
                        f"{run['train_peak_bytes'] / 1e9:.2f}",
                        f"{run['seconds']:.1f}",
                    ]
                    for run in document["perplexities"]
                ],
            ),
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--vocab-size", type=int, default=50_000)
    parser.add_argument("--corpus", type=Path, help="a ready-made corpus file; default: E17, made in OUT")
    parser.add_argument("--smoothings", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--out", type=Path, default=Path("out/lm_ngram"))
    options = parser.parse_args()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    corpus: Path = options.corpus or out / "e17.txt"
    if options.corpus is None and not corpus.exists():
        print(f"making {corpus}", flush=True)
        e17.make_corpus(machine.data_folder() / e17.CORPUS, corpus)
    document: dict[str, Any] = {
        "machine": machine.facts(),
        "corpus": e17.measure_corpus(corpus),
        "vocab_size": options.vocab_size,
        "runs": [],
        "perplexities": [],
    }
    for order in sorted({3, options.order}):
        document["runs"].append(train(corpus, out / "model", order))
        print(f"order {order}: {document['runs'][-1]['seconds']:.1f} s", flush=True)
        machine.write(out, "lm_ngram", document, report(document))
    if options.smoothings:
        first, last = split(corpus, out)
        asked = [(name, order, []) for order in sorted({3, options.order}) for name in SMOOTHINGS]
        asked.append(("modified-kneser-ney, ensemble", options.order, ["--ensemble"]))
        for name, order, more in asked:
            made = train(
                first,
                out / "model",
                order,
                *("--smoothing", name.split(",")[0], "--vocab-size", str(options.vocab_size), *more),
            )
            run = machine.morphvec("lm", "perplexity", out / "model", last, "--json", "--quiet")
            document["perplexities"].append(
                {
                    "name": name,
                    "order": order,
                    "train_seconds": made["seconds"],
                    "train_peak_bytes": made["peak_bytes"],
                    "seconds": run.seconds,
                    **run.json,
                }
            )
            print(f"{name}, order {order}: {run.json['perplexity']:.1f}", flush=True)
            machine.write(out, "lm_ngram", document, report(document))
        first.unlink()
        last.unlink()
    print(report(document))


if __name__ == "__main__":
    main()
