"""Labels, the bytes of pictures, the page of a map, and what the plots are made of."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.integrate import quad
from view_models import blobs, cities, two_languages, with_affixes

from morphvec.embeddings.embeddings import Embeddings
from morphvec.errors import InputError, MissingExtraError, OptionError, OutputError
from morphvec.rng import stream
from morphvec.view import charts, measures, plots, style
from morphvec.view.captions import caption, parallel_line
from morphvec.view.labels import place_labels
from morphvec.view.map_page import map_page
from morphvec.view.prepare import MapOptions, choose, choose_pairs, word_map

PCA = MapOptions(projection="pca")
EVIL = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a&b",
    '"q"',
    "$x^2$",
    "{{DATA}}",
    "日本",
]


def evil():
    vectors = stream(9).normal(size=(len(EVIL), 5)).astype(np.float32)
    return Embeddings(EVIL, vectors, counts=np.arange(len(EVIL), 0, -1))


def picture_of(model, kind="svg", words=40):
    drawn = word_map(model, choose(model, words), PCA)
    return style.render(lambda figure: plots.draw_map(figure, drawn, "A title"), kind, (6, 5), drawn.labels)


# ---------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize("keep_dots", [False, True])
def test_labels_do_not_lie_on_each_other(keep_dots):
    generator = stream(0)
    points = generator.uniform(0, 200, size=(150, 2))
    sizes = np.stack([generator.uniform(5, 40, size=150), np.full(150, 8.0)], axis=1)
    placed = place_labels(points, sizes, range(150), (200, 200), gap=3, dots=2, keep_dots=keep_dots)
    boxes = [(one.x, one.y, one.x + sizes[one.number, 0], one.y + sizes[one.number, 1]) for one in placed]
    assert 20 < len(placed) < 150
    for a, one in enumerate(boxes):
        assert min(one) >= 0
        assert max(one) <= 200
        for other in boxes[:a]:
            assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
    if keep_dots:
        covered = [box for box in boxes for x, y in points if box[0] < x < box[2] and box[1] < y < box[3]]
        assert covered == []


def test_the_first_in_the_order_gets_its_label():
    points, sizes = np.full((5, 2), 50.0), np.full((5, 2), 60.0)
    assert [one.number for one in place_labels(points, sizes, [3, 1, 0, 2, 4], (120, 120), gap=1)] == [3]


# ---------------------------------------------------------------------------------------------- bytes


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_picture_has_the_same_bytes_again(kind):
    first, lacking = picture_of(blobs(), kind)
    assert lacking == ""
    assert first == picture_of(blobs(), kind)[0]
    assert first.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    assert b"matplotlib" not in first.lower().replace(b"matplotlib-axes", b"")[:300]


def test_an_svg_holds_the_words_and_what_the_map_keeps_as_text():
    model = blobs()
    text = "".join(ElementTree.fromstring(picture_of(model)[0]).itertext())
    assert "A title" in text
    assert re.search(r"neighbour preservation: \d+% of the 10 nearest kept \(n = 40, chance 26%\)", text)
    assert sum(word in text for word in model.words) > 15


def test_words_of_any_kind_are_drawn_as_they_are():
    data, lacking = picture_of(evil())
    text = "".join(ElementTree.fromstring(data).itertext())
    assert "$x^2$" in text
    assert "<img src=x onerror=alert(1)>" in text
    assert set(lacking) <= set("日本")


def test_all_words_of_pairs_are_shown_and_joined():
    model = cities()
    chosen, pairs, _ = choose_pairs(model, [(f"country{n}", f"capital{n}") for n in range(6)])
    drawn = word_map(model, chosen, PCA, pairs=pairs)
    data, _ = style.render(
        lambda figure: plots.draw_map(figure, drawn, "Cities"), "svg", (8, 6), drawn.labels
    )
    text = "".join(ElementTree.fromstring(data).itertext())
    assert all(word in text for word in model.words)
    assert "6 pairs: mean cosine to the mean offset" in text
    assert data.count(b"LineCollection") == 1


def test_frequency_has_a_scale():
    model = blobs()
    drawn = word_map(model, choose(model), MapOptions(projection="pca", colour="frequency"))
    data, _ = style.render(lambda figure: plots.draw_map(figure, drawn, "t"), "svg", (6, 5), drawn.labels)
    assert {"10", "100"} <= set(ElementTree.fromstring(data).itertext())


def test_the_place_of_a_picture_is_looked_at_first(tmp_path):
    assert style.check_picture(tmp_path / "A.PNG") == "png"
    with pytest.raises(OptionError, match=r"\.png, \.svg"):
        style.check_picture(tmp_path / "a.gif")
    with pytest.raises(OutputError, match="mkdir"):
        style.check_picture(tmp_path / "no" / "a.png")
    (tmp_path / "b.svg").mkdir()
    with pytest.raises(OutputError, match="folder"):
        style.check_picture(tmp_path / "b.svg")


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'morphvec\[view\]'"):
        style.render(lambda figure: None, "svg", (3, 3))


def test_shapes_tell_groups_apart_where_colours_come_again():
    looks = {(style.colour(number), style.marker(number)) for number in range(28)}
    assert len(looks) == 28


# ---------------------------------------------------------------------------------------------- the page


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.inside, self.text, self.policy = [], "", {}, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        self.inside = attrs.get("id", "") or tag
        if attrs.get("http-equiv") == "Content-Security-Policy":
            self.policy = attrs["content"]

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        self.text[self.inside] = self.text.get(self.inside, "") + data


def test_the_page_loads_nothing_and_allows_only_its_own_script_and_style():
    model = with_affixes()
    page = Page(map_page(word_map(model, choose(model), PCA), "A title"))
    assert not [tag for tag, attrs in page.tags if tag == "link" or "src" in attrs or "href" in attrs]
    assert "default-src 'none'" in page.policy
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.text[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in page.policy
    assert "innerHTML" not in page.text["script"]
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page.text["script"] + page.text["style"])


def test_words_on_the_page_are_data_and_come_back_as_they_are():
    model = evil()
    written = map_page(word_map(model, choose(model), PCA), EVIL[0])
    page = Page(written)
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert "img" not in [tag for tag, _ in page.tags]
    data = json.loads(page.text["data"])
    assert data["points"]["word"] == EVIL
    assert page.text["title"] == EVIL[0]


def test_the_page_says_what_the_picture_says():
    model = cities()
    chosen, pairs, _ = choose_pairs(model, [(f"country{n}", f"capital{n}") for n in range(6)])
    drawn = word_map(model, chosen, PCA, pairs=pairs)
    written = map_page(drawn, "t")
    assert caption(drawn) in written
    assert parallel_line(drawn) in written
    assert written == map_page(drawn, "t")


# ---------------------------------------------------------------------------------------------- measures


def test_cosines_and_distances_are_those_of_the_vectors():
    model = blobs(dim=6)
    found = measures.angles(model, choose(model), pairs=4000, seed=1)
    every = np.array([[model.measures(a, b)["cosine"] for b in model.words] for a in model.words])
    off = every[~np.eye(len(every), dtype=bool)]
    assert found.cosines.mean() == pytest.approx(off.mean(), abs=0.03)
    assert found.nearest_cosines == pytest.approx(
        np.where(np.eye(len(every)) > 0, -2, every).max(axis=1), abs=1e-6
    )
    best = np.where(np.eye(len(every)) > 0, -2, every).argmax(axis=1)
    lengths = [model.measures(a, model.words[b])["euclidean"] for a, b in zip(model.words, best, strict=True)]
    assert found.nearest_distances == pytest.approx(np.array(lengths) / model.norms.mean(), abs=1e-5)


def test_random_vectors_have_the_cosines_of_random_directions():
    model = Embeddings([f"w{n}" for n in range(500)], stream(0).normal(size=(500, 40)).astype(np.float32))
    found = measures.angles(model, choose(model), pairs=50_000)
    assert found.effective == pytest.approx(40, rel=0.05)
    assert quad(lambda t: charts._sphere(np.array([t]), 40)[0], -1, 1)[0] == pytest.approx(1)
    assert quad(lambda t: t * t * charts._sphere(np.array([t]), 40)[0], -1, 1)[0] == pytest.approx(1 / 40)


def test_the_spectrum_is_that_of_the_product():
    generator = stream(5)
    vectors, contexts = (generator.normal(size=(rows, 4)).astype(np.float32) for rows in (20, 15))
    words = [f"w{n}" for n in range(20)]
    with_contexts = measures.spectrum(Embeddings(words, vectors, contexts=contexts))
    assert with_contexts.values == pytest.approx(np.linalg.svd(vectors @ contexts.T)[1][:4], rel=1e-5)
    alone = measures.spectrum(Embeddings(words, vectors))
    assert alone.values == pytest.approx(np.linalg.svd(vectors)[1], rel=1e-5)


def test_words_of_one_language_against_their_nearest_of_the_other():
    found = measures.between(two_languages(), "spa", "por", 6)
    assert found.rows == found.columns == tuple(f"p{n}" for n in range(6))
    assert found.best.tolist() == list(range(6))
    model = two_languages()
    assert found.cosines[0, 1] == pytest.approx(model.similarity("spa:p0", "por:p1"), abs=1e-6)
    with pytest.raises(OptionError, match="fin"):
        measures.between(model, "spa", "fin")


def test_curves_are_the_log(tmp_path):
    records = [
        {"stage": "fit", "seconds": 1.0},
        {"epoch": 1, "total": 9.0, "fit": 7.0, "classes": {"offset": 0.5}, "ridge": 1.0, "seconds": 0.1},
        {"epoch": 2, "total": 8.0, "fit": 6.0, "classes": {"offset": 0.25}, "ridge": 1.5, "seconds": 0.1},
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    found = measures.training_curves(tmp_path)
    assert found.epochs.tolist() == [1, 2]
    assert {name: values.tolist() for name, values in found.terms.items()} == {
        "total": [9.0, 8.0],
        "fit": [7.0, 6.0],
        "ridge": [1.0, 1.5],
        "offset": [0.5, 0.25],
    }


@pytest.mark.parametrize("text", ["", '{"stage": "fit"}\n', "not json\n", "[1]\n"])
def test_a_log_without_epochs_is_refused(tmp_path, text):
    (tmp_path / "log.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"log\.jsonl"):
        measures.training_curves(tmp_path)


def test_a_model_without_counts_has_no_frequencies():
    with pytest.raises(OptionError, match="counts"):
        measures.frequency_and_norm(cities())
