"""The figures of docs/language-models.md from what ``lm_neural.py`` found; needs matplotlib, the words scikit-learn too.

    python benchmarks/lm_figures.py out/lm_neural/2000000 [out/lm_neural/e17] [--words out/lm_neural/2000000/neural-0]

lm_sizes.svg: entries of a conditional table, stored n-grams and parameters of the neural model against the context length.
lm_learning.svg: perplexity of the validation lines by epoch. lm_words.svg: the table of a neural model in two dimensions.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.figure import Figure

import lm_neural
import machine

DIM = HIDDEN = 100  # as lm_neural.NEURAL has them
SKIPPED, SHOWN = 150, 300  # most frequent words of a picture: few of the first have a meaning of their own


def parameters(words: int, context: int) -> int:
    """Numbers of the neural model with a context of so many words, marks included in ``words``."""
    return words * DIM + HIDDEN * (context * DIM + 1) + words * (HIDDEN + 1)


def draw_sizes(documents: list[dict[str, Any]], file: Path) -> None:
    """Sizes over the context length: all of them on a logarithmic axis, what is stored on a plain one."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    words = documents[0]["text"]["words"] + 2
    lengths = range(len(lm_neural.ORDERS))
    for run in documents[0]["runs"]:
        if run["name"] == "neural" and run["numbers"] != parameters(words, lengths[-1]):
            raise SystemExit(
                f"a model of {run['numbers']:,} parameters; expected {parameters(words, lengths[-1]):,}"
            )
    left.semilogy(lengths, [float(words) ** (n + 1) for n in lengths], "k:", label="table of every history")
    for document in documents:
        stored = document["ngrams"]["stored"]
        sums = [sum(stored[: n + 1]) for n in lengths]
        label = f"stored n-grams, {document['text']['train_tokens'] / 1e6:.1f} M tokens"
        for axes in (left, right):
            axes.plot(lengths, sums, "o-", label=label)
    for axes in (left, right):
        axes.plot(lengths[1:], [parameters(words, n) for n in lengths[1:]], "s-", label="parameters, neural")
        axes.set(xlabel="context length n − 1", xticks=list(lengths))
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylabel("numbers")
    right.set_ylim(bottom=0)
    left.legend(frameon=False, fontsize=8)
    figure.savefig(file, metadata={"Date": None})


def draw_learning(document: dict[str, Any], file: Path) -> None:
    """Validation perplexity over the epochs, with the trigram's and the 5-gram's test perplexity as lines."""
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    colours: dict[str, str] = {}
    for run in document["runs"]:
        name = run["name"]
        first = name not in colours
        colours.setdefault(name, f"C{len(colours)}")
        epochs = range(1, len(run["curve"]) + 1)
        axes.plot(
            epochs, run["curve"], "o-", color=colours[name], label=lm_neural.LABELS[name] if first else None
        )
    for order, style in (("3", "--"), ("5", ":")):
        value = document["ngrams"]["validation"]["modified-kneser-ney"][order]
        axes.axhline(
            value, color="black", linestyle=style, linewidth=0.8, label=f"{order}-gram, modified Kneser–Ney"
        )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="epoch", ylabel="perplexity of the validation lines")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, metadata={"Date": None})


def draw_words(model: Path, file: Path, seed: int) -> None:
    """t-SNE of the words' vectors by cosine."""
    from sklearn.manifold import TSNE

    from morphvec import load

    with tempfile.TemporaryDirectory() as name:
        machine.morphvec("lm", "vectors", model, "-o", Path(name) / "table")
        table = load(Path(name) / "table")
        words = table.words[SKIPPED : SKIPPED + SHOWN]
        vectors = table.vectors[SKIPPED : SKIPPED + SHOWN]
        places = TSNE(metric="cosine", init="random", perplexity=12, random_state=seed).fit_transform(vectors)
    figure = Figure(figsize=(10, 8))
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.96))
    axes.scatter(*places.T, s=1, color="white")
    for word, place in zip(words, places, strict=True):
        axes.text(*place, word, fontsize=7, ha="center", va="center")
    axes.set_axis_off()
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "results", type=Path, nargs="+", help="folders of lm_neural.py; the first has the neural runs"
    )
    parser.add_argument("--words", type=Path, help="a neural model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("docs/figures"))
    options = parser.parse_args()
    rcParams["svg.hashsalt"] = "lm"  # the same figures give the same bytes
    documents = [
        json.loads((folder / "lm_neural.json").read_text(encoding="utf-8")) for folder in options.results
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    draw_sizes(documents, options.out / "lm_sizes.svg")
    if documents[0]["runs"]:
        draw_learning(documents[0], options.out / "lm_learning.svg")
    if options.words:
        draw_words(options.words, options.out / "lm_words.svg", options.seed)


if __name__ == "__main__":
    main()
