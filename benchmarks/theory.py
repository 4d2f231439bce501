"""The picture of docs/theory.md: scores that skip-gram with negative sampling learns, against PMI − ln k.

    MORPHVEC_DATA=… python benchmarks/theory.py [--words 100] [--bytes 1000000] [--epochs 100] [--out out/theory]

The most frequent words of the first bytes of E17 (see e17.py), as many dimensions as words, noise ∝ n, nothing
subsampled, flat windows: the setting in which note eq. 10 says what every score u·s of an observed pair becomes. For
k = 1, 5, 15 one ``mv.train(method="sgns")`` and one panel. Pairs that were never observed have no optimum (their score
falls for ever) and are left out. #(c) and |D| are in tokens here, which is what negatives are drawn by; the note's, in
pairs, differ by what the ends of lines take away. The figures weigh a pair by n·m/(n + m), the curvature of its objective at the optimum:
a pair seen once hardly holds its place against the noise of the draws.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

import machine
import morphvec as mv
import softmax
from morphvec.solvers.losses import expected_negatives, pair_curvature, pair_optimum

NEGATIVES = (1, 5, 15)
WORDS, BYTES, EPOCHS, WINDOW = 100, 1_000_000, 100, 5


def measure(text: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """For each k the optimum, the learned score and the weight of every observed pair, and how they agree."""
    cut = {"tokenizer": "whitespace", "min_count": 1, "max_vocab": options.words, "window": WINDOW}
    counts = mv.count(text, window_weight="flat", **cut)
    n = counts.matrix.toarray()
    words, seen = n.sum(axis=1)[:, None], n > 0
    panels = []
    for k in NEGATIVES:
        model = mv.train(
            text,
            method="sgns",
            negatives=k,
            noise_power=1,
            sample=0,
            window_weight="flat",
            dim=options.words,
            epochs=options.epochs,
            seed=options.seed,
            threads=options.threads,
            **cut,
        )
        assert list(model.words) == list(counts.words)
        contexts, total = np.asarray(model.counts, float), float(np.sum(model.counts))
        x = (np.asarray(model.vectors, float) @ np.asarray(model.contexts, float).T)[seen]
        best = pair_optimum(n, words, contexts, total, k)[seen]
        weight = pair_curvature(n, expected_negatives(words, contexts, total, k))[seen]
        gap = np.abs(x - best)
        slope, height = np.polyfit(best, x, 1, w=np.sqrt(weight))
        centre = [np.average(value, weights=weight) for value in (x, best)]
        spread = [
            np.average((value - c) ** 2, weights=weight) for value, c in zip((x, best), centre, strict=True)
        ]
        joint = np.average((x - centre[0]) * (best - centre[1]), weights=weight)
        panels.append(
            {
                "k": k,
                "pairs": int(seen.sum()),
                "unobserved": int((~seen).sum()),
                "slope": float(slope),
                "height": float(height),
                "correlation": float(joint / np.sqrt(spread[0] * spread[1])),
                "gap": float(np.average(gap, weights=weight)),
                "median_gap": float(np.median(gap)),
                "points": (best, x, weight),
            }
        )
    return panels


def report(document: dict[str, Any]) -> str:
    """Markdown: a row for each k."""
    rows = [
        [
            str(panel["k"]),
            f"{panel['pairs']:,}",
            f"{panel['correlation']:.4f}",
            f"{panel['slope']:.3f}",
            f"{panel['height']:+.3f}",
            f"{panel['gap']:.3f}",
            f"{panel['median_gap']:.3f}",
        ]
        for panel in document["panels"]
    ]
    header = [
        "k",
        "observed pairs",
        "correlation",
        "slope",
        "height",
        "mean gap, weighed",
        "median gap, not weighed",
    ]
    conditions = (
        f"{machine.conditions(document['machine'])}. {document['words']} words and dimensions, {document['epochs']} "
        f"epochs, {document['bytes']:,} bytes of text, seed {document['seed']}; gaps in nats."
    )
    return "\n\n".join([conditions, machine.table(header, rows)])


def plot(panels: list[dict[str, Any]], target: Path) -> bool:
    """The three panels as hexagons, darker where pairs weigh more; False where matplotlib is missing."""
    try:
        import matplotlib
    except ModuleNotFoundError:
        return False
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "theory"
    from matplotlib import pyplot
    from matplotlib.colors import LogNorm

    figure, places = pyplot.subplots(1, 3, figsize=(10, 3.6), layout="constrained", sharex=True, sharey=True)
    low, high = (float(end(end(panel["points"][0]) for panel in panels)) for end in (min, max))
    for axes, panel in zip(places, panels, strict=True):
        best, x, weight = panel["points"]
        axes.hexbin(
            best,
            np.clip(x, low, high),
            C=weight,
            reduce_C_function=np.sum,
            gridsize=40,
            extent=(low, high, low, high),
            norm=LogNorm(),
            cmap="Greys",
        )
        axes.plot([low, high], [low, high], "-", color="tab:red", linewidth=0.8)
        axes.set(title=f"k = {panel['k']}, r = {panel['correlation']:.3f}", xlabel="PMI − ln k, nats")
        axes.spines[["top", "right"]].set_visible(False)
    places[0].set(ylabel="learned u·s")
    figure.savefig(target, metadata={"Date": None})
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--words", type=int, default=WORDS)
    parser.add_argument("--bytes", type=int, default=BYTES, help="of text")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/theory"))
    options = parser.parse_args()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    text = out / "text.txt"
    softmax.make_text(text, options.bytes)
    panels = measure(text, options)
    document: dict[str, Any] = {
        "machine": machine.facts(),
        **{name: getattr(options, name) for name in ("words", "bytes", "epochs", "threads", "seed")},
        "panels": [{name: value for name, value in panel.items() if name != "points"} for panel in panels],
    }
    machine.write(out, "theory", document, report(document))
    if not plot(panels, out / "theory.svg"):
        print("no figure: matplotlib is not installed", file=sys.stderr)
    print(report(document))


if __name__ == "__main__":
    main()
