"""A traced computation as a picture: DOT text for Graphviz, or SVG as it stands.

    from morphvec.autodiff.picture import draw
    print(draw(lambda z: 1 / (1 + anp.exp(-z)), 1.5, names=("z",)).svg())

Variables stand in the top row, each operation one row below the lowest of what it is made from; an arrow past other
rows keeps a lane of its own in each of them. Constants are written into the operation that takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from morphvec.autodiff.backward import _ancestors
from morphvec.autodiff.tracer import Node, Value, plain, trace
from morphvec.errors import MorphvecError

_CHARACTER, _HEIGHT, _GAP, _DROP, _MARGIN = 7.2, 40, 24, 44, 12  # pixels of the SVG
_LANE, _HEADS = 10, 18  # width kept for an arrow beside the boxes of a row; pixels between two arrowheads
_LONGEST = 40  # characters of a line in a box


@dataclass(frozen=True)
class Box:
    """One node. label: the operation with its constants, or the variable's name. detail: its value, or its shape."""

    label: str
    detail: str
    variable: bool
    row: int


@dataclass(frozen=True)
class Picture:
    """Boxes in the order in which they were computed, and arrows (from, to) by their places in that order."""

    boxes: tuple[Box, ...]
    arrows: tuple[tuple[int, int], ...]

    def dot(self) -> str:
        """The graph in Graphviz's language."""
        lines = ["digraph trace {", '  node [shape=box, style="rounded", fontname="sans-serif"];']
        for place, box in enumerate(self.boxes):
            text = f"{box.label}\n{box.detail}".replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            lines.append(f'  n{place} [label="{text}"{", style=filled" if box.variable else ""}];')
        lines += [f"  n{start} -> n{end};" for start, end in self.arrows]
        return "\n".join([*lines, "}"]) + "\n"

    def svg(self) -> str:
        """The graph as one SVG element, laid out in rows; it loads nothing."""
        places, lanes, width, height = self._layout()
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="monospace" font-size="12" text-anchor="middle">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>',
        ]
        heads = self._heads(places, lanes)
        for (start, end), lane, head in zip(self.arrows, lanes, heads, strict=True):
            (x, y, _), (_, bottom, _) = places[start], places[end]
            stops = [*lane, (head, bottom)]
            path = [f"M{x:.1f} {y + _HEIGHT / 2:.1f}"]
            for to, below in stops:  # a bend between two rows, then straight down beside the boxes
                top = below - _HEIGHT / 2
                middle = top - _DROP / 2
                path.append(f"C{x:.1f} {middle:.1f} {to:.1f} {middle:.1f} {to:.1f} {top:.1f}")
                if (to, below) != stops[-1]:
                    path.append(f"V{below + _HEIGHT / 2:.1f}")
                x = to
            parts.append(f'<path d="{" ".join(path)}" fill="none" stroke="#555" marker-end="url(#tip)"/>')
        for box, (x, y, wide) in zip(self.boxes, places, strict=True):
            parts.append(
                f'<rect x="{x - wide / 2:.1f}" y="{y - _HEIGHT / 2:.1f}" width="{wide:.1f}" height="{_HEIGHT}" rx="6" '
                f'fill="{"#dbe9f6" if box.variable else "#fff"}" stroke="#333"/>'
                f'<text x="{x:.1f}" y="{y - 4:.1f}">{escape(box.label)}</text>'
                f'<text x="{x:.1f}" y="{y + 12:.1f}" fill="#555">{escape(box.detail)}</text>'
            )
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _heads(
        self, places: list[tuple[float, float, float]], lanes: list[list[tuple[float, float]]]
    ) -> list[float]:
        """Where each arrow meets its box: side by side, in the order in which they come."""
        into: dict[int, list[tuple[float, int]]] = {}
        for number, ((start, end), lane) in enumerate(zip(self.arrows, lanes, strict=True)):
            into.setdefault(end, []).append((lane[-1][0] if lane else places[start][0], number))
        heads = [0.0] * len(self.arrows)
        for end, found in into.items():
            x, _, wide = places[end]
            apart = min(_HEADS, wide / (len(found) + 1))
            for place, (_, number) in enumerate(sorted(found)):
                heads[number] = x + (place - (len(found) - 1) / 2) * apart
        return heads

    def _layout(
        self,
    ) -> tuple[list[tuple[float, float, float]], list[list[tuple[float, float]]], float, float]:
        """(centre x, centre y, width) of each box; of each arrow (x, y) in the rows that it passes; the size of the
        whole. A row is ordered by where what is above it stands, then spread out evenly."""
        widths = [_CHARACTER * max(len(box.label), len(box.detail)) + 16 for box in self.boxes]
        row_of = [box.row for box in self.boxes]
        above: list[list[int]] = [[] for _ in self.boxes]
        passed: list[list[int]] = []  # of each arrow: its lanes, numbered after the boxes
        for start, end in self.arrows:
            last, lanes = start, []
            for row in range(row_of[start] + 1, row_of[end]):
                lanes.append(len(widths))
                widths.append(_LANE)
                row_of.append(row)
                above.append([last])
                last = lanes[-1]
            above[end].append(last)
            passed.append(lanes)
        rows: dict[int, list[int]] = {}
        for place, row in enumerate(row_of):
            rows.setdefault(row, []).append(place)
        whole = max(sum(widths[p] for p in row) + _GAP * (len(row) - 1) for row in rows.values())
        centres = [0.0] * len(widths)
        for number in sorted(rows):
            wanted = {
                p: sum(centres[q] for q in above[p]) / len(above[p]) if above[p] else whole / 2
                for p in rows[number]
            }
            order = sorted(rows[number], key=lambda p: (wanted[p], p))
            free = (whole - sum(widths[p] for p in order)) / (len(order) + 1)
            x = 0.0
            for p in order:
                centres[p] = x + free + widths[p] / 2
                x += free + widths[p]
        at = [
            (_MARGIN + centre, _MARGIN + _HEIGHT / 2 + row * (_HEIGHT + _DROP))
            for centre, row in zip(centres, row_of, strict=True)
        ]
        boxes = [(*at[place], widths[place]) for place in range(len(self.boxes))]
        height = max(y for _, y in at) + _HEIGHT / 2 + _MARGIN
        return boxes, [[at[p] for p in lanes] for lanes in passed], whole + 2 * _MARGIN, height


def draw(f: Callable[..., Value], *xs: Any, names: Sequence[str] = ()) -> Picture:
    """The picture of what f does to the variables ``xs``, by one traced run.

    names: of the variables. Raises MorphvecError for a variable that is not real floating point, or an f whose answer
    does not depend on them.
    """
    roots, end = trace(f, *xs)
    if type(end) is not Node or end.level != roots[0].level:
        raise MorphvecError(
            "a function whose value depends on none of its variables",
            "a picture shows how the value is made from them",
            "compute it with morphvec.autodiff.numpy from the arguments",
        )
    nodes = _ancestors(end)[::-1]  # parents before children
    place = {node.birth: number for number, node in enumerate(nodes)}
    called = {root.birth: name for root, name in zip(roots, names, strict=False)}
    called |= {root.birth: f"x{i}" for i, root in enumerate(roots) if root.birth not in called}
    rows: list[int] = []
    boxes = []
    for node in nodes:
        rows.append(max((rows[place[parent.birth]] + 1 for _, parent in node.parents), default=0))
        label = called[node.birth] if node.fun is None else _call(node)
        boxes.append(Box(_short(label), _short(_detail(node)), node.fun is None, rows[-1]))
    arrows = [(place[parent.birth], place[node.birth]) for node in nodes for _, parent in node.parents]
    return Picture(tuple(boxes), tuple(arrows))


def _call(node: Node) -> str:
    """The operation, with · for its traced arguments."""
    traced = {place for place, _ in node.parents}
    words = ["·" if place in traced else _constant(arg) for place, arg in enumerate(node.args)]
    words += [f"{name}={_constant(arg)}" for name, arg in node.kwargs.items()]
    name = "" if node.fun is None else node.fun.__name__.strip("_")
    return name if words == ["·"] else f"{name}({', '.join(words)})"


def _constant(arg: Any) -> str:
    value = plain(arg)
    if isinstance(value, np.ndarray) and value.ndim:
        return f"array [{_by(value.shape)}]"
    if isinstance(value, float | np.floating | np.ndarray):
        return f"{float(value):.4g}"
    return str(value)


def _detail(node: Node) -> str:
    return f"[{_by(node.shape)}]" if node.shape else f"{float(plain(node)):.6g}"


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
