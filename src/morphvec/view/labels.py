"""Labels that do not lie on each other: greedy, the most important first. Geometry only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from morphvec.arrays import Floats2d

# Where a label may stand about its point, as parts of its width and height, and of the gap: right, left, above, below, corners.
_PLACES = (
    (0.0, -0.5, 1, 0),
    (-1.0, -0.5, -1, 0),
    (-0.5, 0.0, 0, 1),
    (-0.5, -1.0, 0, -1),
    (0.0, 0.0, 0.7, 0.7),
    (-1.0, 0.0, -0.7, 0.7),
    (0.0, -1.0, 0.7, -0.7),
    (-1.0, -1.0, -0.7, -0.7),
)


@dataclass(frozen=True)
class Placed:
    """Label ``number`` with its lower left corner at (x, y)."""

    number: int
    x: float
    y: float


def place_labels(
    points: Floats2d,
    sizes: Floats2d,
    order: Iterable[int],
    area: tuple[float, float],
    *,
    gap: float,
    dots: float = 0.0,
    keep_dots: bool = False,
) -> list[Placed]:
    """The labels that find room, in the order given.

    points, sizes: [n, 2], in one unit. area: width and height from (0, 0) that no label leaves. gap: from a point to its
    label. dots: half the side of a square about each point that already has a label, which no later label covers.
    keep_dots: no label covers any point, and every point may have one.
    """
    cell = max(float(sizes[:, 1].max(initial=0.0)), 2 * dots, 1e-9) * 2
    taken: dict[tuple[int, int], list[tuple[float, float, float, float]]] = {}

    def cells(box: tuple[float, float, float, float]) -> Iterator[tuple[int, int]]:
        for column in range(int(box[0] // cell), int(box[2] // cell) + 1):
            for row in range(int(box[1] // cell), int(box[3] // cell) + 1):
                yield column, row

    def free(box: tuple[float, float, float, float]) -> bool:
        if box[0] < 0 or box[1] < 0 or box[2] > area[0] or box[3] > area[1]:
            return False
        return not any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
            for place in cells(box)
            for other in taken.get(place, ())
        )

    def take(box: tuple[float, float, float, float]) -> None:
        for place in cells(box):
            taken.setdefault(place, []).append(box)

    def dot_of(number: int) -> tuple[float, float, float, float]:
        x, y = (float(value) for value in points[number])
        return x - dots, y - dots, x + dots, y + dots

    if keep_dots:
        for number in range(len(points)):
            take(dot_of(number))
    found = []
    for number in order:
        x, y = (float(value) for value in points[number])
        width, height = (float(value) for value in sizes[number])
        if dots and not keep_dots and not free(dot_of(number)):
            continue  # it lies under a label
        for across, up, right, above in _PLACES:
            left, low = x + across * width + right * gap, y + up * height + above * gap
            box = (left, low, left + width, low + height)
            if free(box):
                take(box)
                if dots and not keep_dots:
                    take(dot_of(number))
                found.append(Placed(number, left, low))
                break
    return found
