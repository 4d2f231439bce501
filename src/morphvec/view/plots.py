"""The map of words as a picture: ``style.render`` runs what stands here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from morphvec.arrays import Floats2d
from morphvec.view import style
from morphvec.view.captions import caption, parallel_line
from morphvec.view.groups import REST
from morphvec.view.labels import place_labels
from morphvec.view.prepare import WordMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_EDGE = 0.3  # inches
_HEAD = 0.62
_LEGEND_ROW = 0.2
_LABEL = 7.5  # points
_GAP, _DOT = 3.5, 2.0
_FEW = 200  # words, of which no label covers another's point


def draw_map(figure: Figure, drawn: WordMap, title: str) -> None:
    """Points, the labels that find room, lines between pairs, the legend, and what the map keeps."""
    width, height = (float(value) for value in figure.get_size_inches())
    entries = _legend_entries(drawn)
    columns = max(1, min(4, int((width - 2 * _EDGE) / 2.3)))
    foot = _EDGE + _LEGEND_ROW * -(-len(entries) // columns) if entries else _EDGE
    head = _HEAD + (0.2 if drawn.parallel is not None else 0)
    axes = figure.add_axes((_EDGE / width, foot / height, 1 - 2 * _EDGE / width, 1 - (foot + head) / height))
    axes.set_axis_off()
    _limit(axes, drawn.places, width - 2 * _EDGE, height - foot - head)
    if drawn.pairs is not None:
        from matplotlib.collections import LineCollection

        lines = LineCollection(list(drawn.places[drawn.pairs]), colors=style.PALE, linewidths=0.8, zorder=1)
        axes.add_collection(lines, autolim=False)
    _points(figure, axes, drawn)
    _write_labels(figure, axes, drawn)
    if entries:
        figure.legend(
            handles=entries,
            loc="lower left",
            bbox_to_anchor=(_EDGE / width, 0.1 / height),
            ncols=columns,
            fontsize=8,
            borderaxespad=0,
            handletextpad=0.3,
            columnspacing=1.2,
        )
    for line, (text, size, colour) in enumerate(
        ((title, 12, style.INK), (caption(drawn), 8.5, "#555555"), (parallel_line(drawn), 8.5, "#555555"))
    ):
        figure.text(
            _EDGE / width, 1 - (0.3 + 0.21 * line) / height, text, fontsize=size, color=colour, va="center"
        )


def _limit(axes: Axes, places: Floats2d, width: float, height: float) -> None:
    """Limits with one scale for both axes, so that distances are what they look; all places and some room within."""
    low, high = places.min(axis=0), places.max(axis=0)
    span = np.maximum(high - low, 1e-6) * 1.08
    scale = float(max(span[0] / width, span[1] / height))
    (x, y), (right, up) = (low + high) / 2, (scale * width / 2, scale * height / 2)
    axes.set_xlim(x - right, x + right)
    axes.set_ylim(y - up, y + up)


def _points(figure: Figure, axes: Axes, drawn: WordMap) -> None:
    grouping = drawn.grouping
    size = float(np.clip(9000 / len(drawn.words), 5, 22))
    if grouping.values is not None:
        order = np.argsort(grouping.values, kind="stable")
        x, y = drawn.places[order].T
        dots = axes.scatter(x, y, s=size, c=grouping.values[order], cmap=style.MAP_COLOURS, linewidths=0)
        bar = figure.colorbar(dots, cax=axes.inset_axes((0.86, 0.0, 0.13, 0.012)), orientation="horizontal")
        low, high = float(grouping.values.min()), float(grouping.values.max())
        ticks: list[float] = [*range(int(np.ceil(low)), int(high) + 1)] or [round(high, 1)]
        bar.set_ticks(ticks, labels=[f"{10**power:,.0f}" for power in ticks], fontsize=7)
        bar.ax.set_title("count", fontsize=7)
        bar.outline.set_visible(False)
        return
    assert grouping.of is not None
    alone = grouping.of < 0
    x, y = drawn.places.T
    axes.scatter(x[alone], y[alone], s=size * 0.7, c=style.NONE, linewidths=0, zorder=2)
    for number in reversed(range(len(grouping.names))):
        here = grouping.of == number
        shape, colour = _look(grouping.names[number], number)
        axes.scatter(x[here], y[here], s=size, c=colour, marker=shape, linewidths=0, zorder=3)


def _look(name: str, number: int) -> tuple[str, str]:
    return (".", style.OTHERS) if name == REST else (style.marker(number), style.colour(number))


def _legend_entries(drawn: WordMap) -> list[Any]:
    from matplotlib.lines import Line2D

    grouping = drawn.grouping
    if grouping.of is None:
        return []
    entries = []
    for number, (name, words) in enumerate(zip(grouping.names, grouping.sizes(), strict=True)):
        shape, colour = _look(name, number)
        short = name if len(name) <= 34 else name[:33] + "…"
        entries.append(Line2D([], [], ls="", marker=shape, color=colour, label=f"{short} ({words:,})"))
    alone = int(np.count_nonzero(grouping.of < 0))
    if alone:
        entries.append(
            Line2D([], [], ls="", marker="o", ms=4, color=style.NONE, label=f"no class ({alone:,})")
        )
    return entries


def _write_labels(figure: Figure, axes: Axes, drawn: WordMap) -> None:
    """The labels that find room: those of pairs first come first, of others the most frequent."""
    order = np.arange(len(drawn.words)) if drawn.counts is None else np.argsort(-drawn.counts, kind="stable")
    sizes = _sizes(figure, drawn.labels)
    box = axes.get_window_extent()
    scale = 72 / figure.dpi  # pixels to points
    points = (axes.transData.transform(drawn.places) - [box.x0, box.y0]) * scale
    placed = place_labels(
        points,
        sizes,
        order.tolist(),
        (box.width * scale, box.height * scale),
        gap=_GAP,
        dots=_DOT,
        keep_dots=len(drawn.words) <= _FEW,
    )
    for label in placed:
        axes.text(
            label.x / (box.width * scale),
            label.y / (box.height * scale),
            drawn.labels[label.number],
            transform=axes.transAxes,
            fontsize=_LABEL,
            va="bottom",
            bbox={"facecolor": "white", "alpha": 0.65, "linewidth": 0, "pad": 0.2},
            zorder=5,
        )


def _sizes(figure: Figure, labels: tuple[str, ...]) -> Floats2d:
    """Width and height of each label in points; all have the height of a line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    text = figure.text(0, 0, "", fontsize=_LABEL)
    sizes = np.empty((len(labels), 2))
    for number, label in enumerate(labels):
        text.set_text(label)
        sizes[number, 0] = text.get_window_extent(renderer).width * 72 / figure.dpi + 1
    text.remove()
    sizes[:, 1] = _LABEL * 1.25
    return sizes
