"""Pictures of traces: the boxes and arrows of small functions by hand, and SVG that a reader of XML can check."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest

from morphvec.autodiff import grad
from morphvec.autodiff import numpy as anp
from morphvec.autodiff.picture import Picture, draw
from morphvec.errors import MorphvecError

SVG = "{http://www.w3.org/2000/svg}"


def logistic(z: Any) -> Any:
    return 1.0 / (1.0 + anp.exp(-z))


def network(w: Any, b: Any, table: Any) -> Any:
    hidden = anp.tanh(table[np.array([0, 1])] @ w + b)
    return anp.sum(hidden**2) + anp.sum(table**2)


WHOLE = draw(network, np.ones((2, 3)), np.ones(3), np.ones((4, 2)), names=("W", "b", 'the "<table>" & more'))


def test_the_lecture_s_logistic_function() -> None:
    """z = 1.5: negative, exp, one more, one over it; the lecture's graph of reciprocal(add(1, exp(negative(z))))."""
    picture = draw(logistic, 1.5, names=("z",))
    assert [box.label for box in picture.boxes] == ["z", "negative", "exp", "add(1, ·)", "divide(1, ·)"]
    assert [box.detail for box in picture.boxes] == ["1.5", "-1.5", "0.22313", "1.22313", "0.817574"]
    assert picture.arrows == ((0, 1), (1, 2), (2, 3), (3, 4))
    assert [box.variable for box in picture.boxes] == [True] + [False] * 4
    assert [box.row for box in picture.boxes] == [0, 1, 2, 3, 4]


def test_shared_values_have_several_arrows_and_shapes() -> None:
    boxes = {box.label: (place, box) for place, box in enumerate(WHOLE.boxes)}
    assert boxes["W"][1].detail == "[2×3]"
    assert boxes["pick(·, array [2])"][1].detail == "[2×2]"
    table = boxes['the "<table>" & more'][0]
    assert sum(start == table for start, _ in WHOLE.arrows) == 2
    assert all(WHOLE.boxes[start].row < WHOLE.boxes[end].row for start, end in WHOLE.arrows)
    assert WHOLE.boxes[-1].detail == f"{float(network(np.ones((2, 3)), np.ones(3), np.ones((4, 2)))):.6g}"


def test_a_value_used_twice_has_two_arrows() -> None:
    assert draw(lambda x: x * x, 2.0).arrows == ((0, 1), (0, 1))
    assert draw(lambda x: x * x, 2.0).boxes[0].label == "x0"


def test_the_variable_itself_is_a_picture() -> None:
    picture = draw(lambda x: x, np.ones(3))
    assert (len(picture.boxes), picture.arrows) == (1, ())
    assert ET.fromstring(picture.svg()).tag == SVG + "svg"


def test_a_gradient_can_be_drawn() -> None:
    """The sweep is traced too: cos appears in the picture of the derivative of sin."""
    labels = [box.label for box in draw(grad(anp.sin), 0.5).boxes]
    assert "cos" in labels


def test_dot_names_every_box_and_arrow() -> None:
    text = WHOLE.dot()
    assert text.startswith("digraph trace {")
    assert text.rstrip().endswith("}")
    assert text.count("[label=") == len(WHOLE.boxes)
    assert text.count(" -> ") == len(WHOLE.arrows)
    assert r"the \"<table>\" & more" in text
    assert text.count("style=filled") == 3


def rectangles(picture: Picture) -> list[tuple[float, float, float, float]]:
    root = ET.fromstring(picture.svg())
    boxes = root.findall(SVG + "rect")
    return [tuple(float(box.get(name, "nan")) for name in ("x", "y", "width", "height")) for box in boxes]  # type: ignore[misc]


def arrows(picture: Picture) -> list[list[tuple[float, float]]]:
    """The points of each path: where it starts, the end of each bend, the end of each straight piece."""
    found = []
    for path in ET.fromstring(picture.svg()).findall(SVG + "path"):
        points: list[tuple[float, float]] = []
        for word in re.findall("[MCV][^MCV]*", path.get("d", "")):
            numbers = [float(number) for number in word[1:].split()]
            points.append((points[-1][0], numbers[0]) if word[0] == "V" else (numbers[-2], numbers[-1]))
        found.append(points)
    return found


PICTURES = [WHOLE, draw(logistic, 1.5), draw(grad(lambda x: anp.sum(logistic(x) ** 2)), np.ones(4))]


@pytest.mark.parametrize("picture", PICTURES)
def test_arrows_join_their_boxes_and_pass_the_others_by(picture: Picture) -> None:
    boxes = rectangles(picture)
    heads = set()
    for (start, end), points in zip(picture.arrows, arrows(picture), strict=True):
        for place, point, edge in ((start, points[0], "bottom"), (end, points[-1], "top")):
            x, y, w, h = boxes[place]
            assert x <= point[0] <= x + w
            assert point[1] == pytest.approx(y + h if edge == "bottom" else y, abs=0.2)
        heads.add(points[-1])
        for (x1, top), (x2, bottom) in pairwise(points[1:-1]):
            if x1 == x2:  # straight down, beside the boxes of a row
                assert not any(x <= x1 <= x + w and y < bottom and top < y + h for x, y, w, h in boxes)
    assert len(heads) == len(picture.arrows)  # none hides another
    spans = [picture.boxes[end].row - picture.boxes[start].row for start, end in picture.arrows]
    assert [len(points) for points in arrows(picture)] == [2 * span for span in spans]


@pytest.mark.parametrize("picture", PICTURES)
def test_svg_boxes_lie_inside_and_apart(picture: Picture) -> None:
    root = ET.fromstring(picture.svg())
    width, height = float(root.get("width", "nan")), float(root.get("height", "nan"))
    found = rectangles(picture)
    assert len(found) == len(picture.boxes)
    assert len(arrows(picture)) == len(picture.arrows)
    for x, y, w, h in found:
        assert x >= 0
        assert y >= 0
        assert x + w <= width + 0.1
        assert y + h <= height + 0.1
    for (x, y, w, h), (x2, y2, w2, h2) in combinations(found, 2):
        assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    texts = [text.text for text in root.findall(SVG + "text")]
    assert texts[0::2] == [box.label for box in picture.boxes]
    assert "http" not in picture.svg().replace("http://www.w3.org/2000/svg", "")


def test_long_constants_are_cut() -> None:
    picture = draw(lambda x: x.reshape((1,) * 30), np.ones(()))
    assert max(len(box.label) for box in picture.boxes) <= 40
    assert picture.boxes[-1].label.endswith("…")


@pytest.mark.parametrize("f", [lambda x: 1.0, lambda x: np.ones(3)])
def test_what_does_not_depend_on_its_variables_is_refused(f: Any) -> None:
    with pytest.raises(MorphvecError, match="depends on none"):
        draw(f, 2.0)
    with pytest.raises(MorphvecError, match="floating-point"):
        draw(lambda x: x, 2)
