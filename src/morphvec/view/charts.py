"""The plots: each draws what ``measures`` worked out on a figure; ``style.render`` runs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from morphvec.view import style
from morphvec.view.captions import percent
from morphvec.view.labels import place_labels
from morphvec.view.measures import Angles, Between, Curves, Spectrum
from morphvec.view.prepare import shown

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

from morphvec.arrays import Floats1d


def _plain(axis: Axis, *, minor: bool = False) -> None:
    """Numbers of a logarithmic axis written out: powers of ten need a formula, and words with $ forbid formulas."""
    from matplotlib.ticker import NullFormatter

    axis.set_major_formatter("{x:,.12g}")
    axis.set_minor_formatter("{x:,.12g}" if minor else NullFormatter())


_DASHES = ("-", "--", ":", "-.")


def draw_training(figure: Figure, curves: Mapping[str, Curves]) -> None:
    """One panel for each term: its share of the first total, after each epoch, a line for each model."""
    names = list(dict.fromkeys(name for one in curves.values() for name in one.terms))
    figure.set_layout_engine("constrained")
    columns = min(3, len(names))
    places = figure.subplots(-(-len(names) // columns), columns, squeeze=False)
    for number, axes in enumerate(places.flat):
        if number >= len(names):
            axes.set_axis_off()
            continue
        for which, (model, one) in enumerate(curves.items()):
            if names[number] in one.terms:
                axes.plot(
                    one.epochs,
                    one.terms[names[number]],
                    _DASHES[which % 4],
                    color=style.colour(which),
                    marker=style.marker(which),
                    markersize=3.5,
                    linewidth=1.2,
                    label=model,
                )
        axes.set_title(names[number])
        axes.set_xlabel("epoch")
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4))
        axes.xaxis.get_major_locator().set_params(integer=True)
    if len(curves) > 1:
        places.flat[0].legend(fontsize=8)


def draw_norms(figure: Figure, counts: Floats1d, norms: Floats1d) -> None:
    """Length of the vectors against the count of the words, as hexagons, with the median of each half of a decade."""
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    used = counts > 0
    x, y = counts[used], norms[used]
    hexagons = axes.hexbin(
        x, y, xscale="log", gridsize=50, bins="log", cmap="Blues", mincnt=1, linewidths=0.1
    )
    bar = figure.colorbar(hexagons, ax=axes, shrink=0.6)
    bar.set_label("words")
    band = np.floor(2 * np.log10(x))
    middles = [
        (10 ** ((number + 0.5) / 2), float(np.median(y[band == number]))) for number in np.unique(band)
    ]
    axes.plot(*np.array(middles).T, color=style.PALETTE[1], marker="o", markersize=4, label="median")
    axes.set(xlabel="count", ylabel="norm of the vector", xscale="log")
    _plain(axes.xaxis)
    _plain(bar.ax.yaxis)
    axes.set_ylim(bottom=0)
    axes.set_title(f"{len(x):,} words; rank correlation of count and norm {_spearman(x, y):+.2f}")
    axes.legend()


def _spearman(x: Floats1d, y: Floats1d) -> float:
    from scipy.stats import rankdata

    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def draw_compactness(figure: Figure, spreads: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """Each class as a point: how close its forms lie, and how often a lemma still finds its own form."""
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    axes.axvspan(0.95, 1.02, ymax=0.5, color="#f3d9d2", linewidth=0)
    axes.text(0.945, 0.02, "collapsed", ha="right", fontsize=8, color=style.PALE)
    for number, (model, classes) in enumerate(spreads.items()):
        close = np.array([one["compactness"] for one in classes.values()])
        own = np.array([one["identity"] for one in classes.values()])
        pairs = np.array([one["pairs"] for one in classes.values()])
        axes.scatter(
            close,
            own,
            s=10 + 15 * np.log10(pairs),
            c=style.colour(number),
            marker=style.marker(number),
            alpha=0.75,
            linewidths=0,
            label=f"{model}: {len(classes)} classes, mean compactness {close.mean():.2f}, identity {own.mean():.2f}",
        )
    axes.set(
        xlabel="compactness: mean cosine of two forms of a class",
        ylabel="identity: a lemma's nearest form of the class is its own",
        xlim=(min(0.0, axes.get_xlim()[0]), 1.02),
        ylim=(-0.02, 1.05),
    )
    axes.legend(loc="upper right", bbox_to_anchor=(1, 1.13), fontsize=8, borderaxespad=0)
    if len(spreads) == 1:
        classes = next(iter(spreads.values()))
        names = sorted(classes, key=lambda name: (-classes[name]["pairs"], name))[:40]
        figure.draw_without_rendering()
        box, scale = axes.get_window_extent(), 72 / figure.dpi
        spots = np.array([(classes[name]["compactness"], classes[name]["identity"]) for name in names])
        points = (axes.transData.transform(spots) - [box.x0, box.y0]) * scale
        sizes = np.array([(4.2 * len(shown(name)), 8.5) for name in names])
        area = (box.width * scale, box.height * scale)
        for label in place_labels(points, sizes, range(len(names)), area, gap=5, dots=2, keep_dots=True):
            axes.text(
                label.x / area[0],
                label.y / area[1],
                shown(names[label.number]),
                transform=axes.transAxes,
                fontsize=6.5,
                va="bottom",
            )


def draw_angles(figure: Figure, found: Angles, words: int) -> None:
    """Cosines and distances of random pairs beside those of nearest neighbours, and what random directions would give."""
    figure.set_layout_engine("constrained")
    left, right = figure.subplots(1, 2)
    low = min(-0.5, float(found.cosines.min()))
    bins = np.linspace(low, 1, 121)
    left.hist(
        found.cosines, bins, density=True, color=style.PALETTE[0], alpha=0.75, label="two words at random"
    )
    left.hist(
        found.nearest_cosines,
        bins,
        density=True,
        color=style.PALETTE[1],
        alpha=0.65,
        label="a word and its nearest",
    )
    t = np.linspace(low, 1, 500)[1:-1]
    left.plot(
        t,
        _sphere(t, found.dim),
        "--",
        color=style.INK,
        linewidth=1,
        label=f"random directions in {found.dim} dimensions",
    )
    within = float(np.mean(np.abs(found.cosines) < 0.2))
    left.set(xlabel="cosine", yticks=[])
    left.set_title(
        f"mean {found.cosines.mean():+.3f}, sd {found.cosines.std():.3f}; {percent(within)} within ±0.2"
    )
    left.legend(fontsize=7.5, loc="upper right")
    high = float(np.quantile(np.concatenate([found.distances, found.nearest_distances]), 0.999))
    bins = np.linspace(0, high, 121)
    right.hist(found.distances, bins, density=True, color=style.PALETTE[0], alpha=0.75)
    right.hist(found.nearest_distances, bins, density=True, color=style.PALETTE[1], alpha=0.65)
    right.set(xlabel="Euclidean distance, in mean lengths of a vector", yticks=[])
    right.set_title(
        f"mean {found.distances.mean():.2f}; to the nearest {found.nearest_distances.mean():.2f} (√2 = orthogonal)"
    )
    for axes in (left, right):
        axes.spines["left"].set_visible(False)
    figure.suptitle(f"{words:,} words, {len(found.cosines):,} random pairs", x=0.01, ha="left", fontsize=10)


def _sphere(t: Floats1d, dim: int) -> Floats1d:
    """The density of the cosine of two random directions: ∝ (1 − t²)^((dim − 3)/2)."""
    from scipy.special import gammaln

    scale = gammaln(dim / 2) - gammaln((dim - 1) / 2) - np.log(np.pi) / 2
    return np.asarray(np.exp(scale + (dim - 3) / 2 * np.log1p(-t * t)))


def draw_spectrum(figure: Figure, spectra: Mapping[str, Spectrum]) -> None:
    """Singular values by rank, and the share of the energy that the first ones hold."""
    figure.set_layout_engine("constrained")
    left, right = figure.subplots(1, 2)
    for number, (model, one) in enumerate(spectra.items()):
        ranks = np.arange(1, len(one.values) + 1)
        energy = np.cumsum(one.values**2) / max(float(np.sum(one.values**2)), 1e-300)
        half = int(np.searchsorted(energy, 0.5)) + 1
        look = {"color": style.colour(number), "linestyle": _DASHES[number % 4], "linewidth": 1.4}
        left.plot(ranks, one.values, **look, label=f"{model}: {one.of}")
        right.plot(ranks, energy, **look, label=f"half of it in the first {half}")
    left.set(xlabel="rank", ylabel="singular value", yscale="log")
    low, high = left.get_ylim()
    _plain(left.yaxis, minor=high / low < 30)
    right.set(xlabel="rank", ylabel="share of the energy Σσ²", ylim=(0, 1.02))
    left.legend(fontsize=8)
    right.legend(fontsize=8, loc="lower right")


def draw_between(figure: Figure, found: Between, source: str, target: str) -> None:
    """Cosines of words of two languages; a frame marks the nearest word of each row."""
    from matplotlib.patches import Rectangle

    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    image = axes.imshow(found.cosines, cmap="viridis", vmin=min(0.0, float(found.cosines.min())), vmax=1)
    for row, column in enumerate(found.best.tolist()):
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="white", linewidth=1))
    axes.set_xticks(
        range(len(found.columns)), [shown(word) for word in found.columns], rotation=90, fontsize=7.5
    )
    axes.set_yticks(range(len(found.rows)), [shown(word) for word in found.rows], fontsize=7.5)
    axes.set(xlabel=target, ylabel=source)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.6)
    bar.set_label("cosine")
    axes.set_title(f"words of {source} and their nearest in {target} (framed)")
