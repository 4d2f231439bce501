"""The figures of docs/language-models.md from what ``lm_neural.py`` found; needs matplotlib, the words scikit-learn too.

    python benchmarks/lm_figures.py out/lm_neural/2000000 [out/lm_neural/e17] [--words out/lm_neural/2000000/neural-0]

lm_sizes.svg: entries of a conditional table, stored n-grams and parameters of the neural model against the context length.
lm_learning.svg: perplexity of the validation lines by epoch. lm_words.svg: the table of a neural model in two dimensions.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.figure import Figure

import lm_neural
import machine

DIM = HIDDEN = 100  # as lm_neural.NEURAL has them
SKIPPED, SHOWN = 150, 250  # most frequent words of a picture: few of the first have a meaning of their own
GROUPS = 10  # of words by their vectors, one colour each
SIZE, LETTER, LINE = (
    (720.0, 560.0),
    5.2,
    11.0,
)  # of the picture of words, in points: all of it, a letter, a line
COLOURS = (
    *("#1b6ca8", "#b5421f", "#2e7d32", "#7b3fa0", "#8a6d00", "#c2185b", "#00796b", "#5d4037"),
    *("#455a64", "#d84315"),
)


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
    million = 1e6
    left.semilogy(lengths, [float(words) ** (n + 1) for n in lengths], "k:", label="table of every history")
    for document in documents:
        stored = document["ngrams"]["stored"]
        sums = [sum(stored[: n + 1]) for n in lengths]
        label = f"stored n-grams, {document['text']['train_tokens'] / 1e6:.1f} M tokens"
        left.plot(lengths, sums, "o-", label=label)
        right.plot(lengths, [size / million for size in sums], "o-")
    sizes = [parameters(words, n) for n in lengths[1:]]
    left.plot(lengths[1:], sizes, "s-", label="parameters of the neural model")
    right.plot(lengths[1:], [size / million for size in sizes], "s-")
    for axes in (left, right):
        axes.set(xlabel="context length n − 1", xticks=list(lengths))
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylabel("numbers to keep")
    right.set_ylabel("the same, in millions")
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


def apart(places: Any, words: Sequence[str]) -> Any:
    """Places [n, 2] in points, moved until no two words cover each other, each step along the shorter way out."""
    import numpy as np

    low, high = places.min(axis=0), places.max(axis=0)
    at = (places - low) / (high - low) * (np.array(SIZE) - [80, 30]) + [40, 15]
    half = np.array([[LETTER * len(word) + 4, LINE] for word in words]) / 2
    need = half[:, None] + half[None]
    for _ in range(500):
        between = at[:, None] - at[None]
        over = need - np.abs(between)
        meet = (over > 0).all(axis=2)
        np.fill_diagonal(meet, False)
        if not meet.any():
            break
        axis = np.argmin(over, axis=2)
        push = np.where(meet[..., None] & (axis[..., None] == np.arange(2)), over, 0.0) / 2
        at += 0.5 * (np.where(between >= 0, 1, -1) * push).sum(axis=1)
        at = np.clip(at, half, np.array(SIZE) - half)
    return at


def draw_words(model: Path, file: Path, seed: int) -> None:
    """t-SNE of the words' vectors by cosine, coloured by k-means of the vectors themselves."""
    from sklearn.cluster import KMeans
    from sklearn.manifold import TSNE

    from morphvec import load

    with tempfile.TemporaryDirectory() as name:
        machine.morphvec("lm", "vectors", model, "-o", Path(name) / "table")
        table = load(Path(name) / "table")
        words = table.words[SKIPPED : SKIPPED + SHOWN]
        vectors = table.vectors[SKIPPED : SKIPPED + SHOWN]
        places = TSNE(metric="cosine", init="random", perplexity=12, random_state=seed).fit_transform(vectors)
        units = vectors / (vectors**2).sum(axis=1, keepdims=True) ** 0.5
        groups = KMeans(GROUPS, n_init=4, random_state=seed).fit_predict(units)
    figure = Figure(figsize=(SIZE[0] / 72, SIZE[1] / 72))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, SIZE[0]), ylim=(0, SIZE[1]))
    for word, place, group in zip(words, apart(places, words), groups, strict=True):
        axes.text(*place, word, fontsize=9, ha="center", va="center", color=COLOURS[group])
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
