"""The figures of the pages that ``quality_pages.py`` writes: SVG, the same bytes for the same results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

import e17
import quality_english
import quality_pairs
import quality_small
from morphvec.view.style import MARKERS, PALETTE
from quality_runs import Results

OURS, PEERS = PALETTE[0], PALETTE[1]
SHORT = {
    "als": "words whole",
    "default": "the defaults",
    "table-held-out": "the defaults, table, held out",
    "sgns": "sgns",
    "svd": "svd",
    "glove-als": "glove, als",
    "gensim": "gensim SGNS",
    "cbow": "gensim CBOW",
    "fasttext": "fastText",
    "svds": "scipy svds",
    "glove-c": "GloVe in C",
    "own": "words whole",
    "table": "the defaults, table, held out",  # of small text; on E17 it was told every word, and is left out
}


def save(figure: Figure, file: Path) -> None:
    """No date, no random ids: an unchanged result leaves the file as it is."""
    with_salt = {"svg.hashsalt": file.name, "svg.fonttype": "path"}
    rcParams.update(with_salt)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})


def plain(axes: Sequence[object] | np.ndarray) -> None:
    """Without the frame's upper and right side."""
    for each in np.ravel(np.asarray(axes, dtype=object)):
        each.spines[["top", "right"]].set_visible(False)


def english(results: Results, file: Path) -> None:
    """Each score against the seconds from text to vectors."""
    figure = Figure(figsize=(10, 6.2), layout="constrained")
    panels = figure.subplots(2, 3)
    chosen = [
        name
        for name in SHORT
        if name in quality_english.METHODS and name != "table" and results.of("e17", name)
    ]
    handles = []
    for axes, column in zip(panels.ravel(), e17.COLUMNS, strict=True):
        handles = []
        for number, name in enumerate(chosen):
            runs = results.of("e17", name)
            peer = quality_english.METHODS[name][1] is None
            scores = [run["scores"][column]["score"] for run in runs]
            seconds = median(run["seconds"] for run in runs)
            (handle,) = axes.plot(
                [seconds],
                [100 * mean(scores)],
                MARKERS[number % len(MARKERS)],
                color=PEERS if peer else OURS,
                markerfacecolor="none" if number >= len(MARKERS) else None,
                markersize=8,
                label=SHORT[name] + (" (peer)" if peer else ""),
            )
            handles.append(handle)
        axes.set_xscale("log")
        axes.set_xticks((5, 10, 30, 100, 300), ("5", "10", "30", "100", "300"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_title(column, fontsize=10)
    for axes in panels[1]:
        axes.set_xlabel("seconds, text to vectors")
    for axes in panels[:, 0]:
        axes.set_ylabel("score ×100")
    plain(panels)
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    save(figure, file)


def small(results: Results, file: Path) -> None:
    """Paradigm completion against the size of the text, a panel for each language that has parts."""
    methods = ("own", "gensim", "fasttext", "default", "table")
    shown = {
        language: [
            share
            for share in sorted((*quality_small.SHARES[language], 100))
            if any(results.of(quality_small.corpus_name(language, share), method) for method in methods)
        ]
        for language in quality_small.SHARES
    }
    languages = [language for language, shares in shown.items() if shares]
    if not languages:
        return
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    panels = figure.subplots(1, len(languages), sharey=True, squeeze=False)[0]
    handles = []
    for axes, language in zip(panels, languages, strict=True):
        shares = shown[language]
        handles = []
        for number, method in enumerate(methods):
            heights, low, high = [], [], []
            for share in shares:
                runs = results.of(quality_small.corpus_name(language, share), method)
                found = [run["scores"]["paradigms"] for run in runs]
                scores = [100 * mean(one["values"]["mrr"]) for one in found if one and one["items"]] or [0.0]
                heights.append(mean(scores))
                low.append(mean(scores) - min(scores))
                high.append(max(scores) - mean(scores))
            places = np.arange(len(shares)) + (number - 2) * 0.16
            handles.append(
                axes.bar(
                    places,
                    heights,
                    0.15,
                    yerr=[low, high],
                    color=PALETTE[number],
                    hatch=("", "//", "..", "", "xx")[number],
                    edgecolor="white",
                    error_kw={"linewidth": 0.8},
                    label=SHORT[method],
                )
            )
        axes.set_xticks(range(len(shares)), [f"{share}%" for share in shares])
        axes.set_title(language, fontsize=10)
        axes.set_xlabel("share of the Bible")
    panels[0].set_ylabel("paradigm completion, mrr ×100")
    plain(panels)
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    save(figure, file)


def pairs(results: Results, file: Path) -> None:
    """P@1 from language (row) to language (column): one space of all, and spaces of two."""
    languages = quality_pairs.TOGETHER
    both = {"one space of eight languages": np.full((8, 8), np.nan), "spaces of two": np.full((8, 8), np.nan)}
    for pair in quality_pairs.PAIRS:
        if not set(pair) <= set(languages):
            continue
        for one, other in (pair, pair[::-1]):
            place = languages.index(one), languages.index(other)
            sources = (results.of("eight", "default"), results.of("-".join(pair), "default"))
            for grid, runs in zip(both.values(), sources, strict=True):
                if runs:
                    grid[place] = 100 * mean(run["scores"][f"{one}-{other}"]["csls"]["score"] for run in runs)
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    panels = figure.subplots(1, 2)
    image = None
    for axes, (title, grid) in zip(panels, both.items(), strict=True):
        image = axes.imshow(grid, cmap="cividis", vmin=0, vmax=100)
        for (row, column), value in np.ndenumerate(grid):
            if not np.isnan(value):
                ink = "black" if value > 55 else "white"
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=ink, fontsize=9)
        axes.set_xticks(range(len(languages)), languages)
        axes.set_yticks(range(len(languages)), languages)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("to")
    panels[0].set_ylabel("from")
    figure.colorbar(image, ax=panels, label="CSLS P@1 ×100 (blank: no dictionary)", shrink=0.8)
    save(figure, file)
