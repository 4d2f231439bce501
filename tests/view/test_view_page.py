"""What the page asks of a model: known answers."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from page_models import ENDINGS, STEMS, UNSEEN, bare, verbs
from view_models import two_languages

from morphvec.errors import OptionError
from morphvec.view import atlas, prepare
from morphvec.view.page import NotFound, NothingToTell, PageModel


@pytest.fixture(scope="module")
def page():
    return PageModel(verbs(), "verbs")


def words(rows):
    return [row["word"] for row in rows]


def test_a_known_word(page):
    answer = page.neighbors("WALK", 3)
    assert (answer["word"], answer["known"], answer["rank"]) == ("walk", True, 1)
    assert answer["count"] == page.model.counts[0]
    assert [(row["word"], row["score"]) for row in answer["neighbors"]] == page.model.neighbors("walk", 3)


def test_an_unseen_word_says_its_parts(page):
    answer = page.neighbors(UNSEEN, 2)
    assert (answer["known"], answer["count"], answer["rank"]) == (False, None, None)
    assert {"lemma:pull", "affix:V;V.PTCP;PRS", "ull"} <= set(answer["parts"])
    assert "pull" in words(answer["neighbors"])


def test_filters_choose_and_nothing_more(page):
    past = page.neighbors("walk", 50, affix="V;PST")["neighbors"]
    assert set(words(past)) == {f"{stem}ed" for stem in STEMS}
    everything = page.neighbors("walk", 200)["neighbors"]
    frequent = page.neighbors("walk", 200, least=100)["neighbors"]
    assert frequent == [row for row in everything if row["count"] >= 100]
    both = PageModel(two_languages(), "two")
    assert all(
        word.startswith("por:") for word in words(both.neighbors("spa:p3", 50, language="por")["neighbors"])
    )


def test_analogies_are_those_of_the_model(page):
    answer = page.analogy("walk", "walked", "talk", 5)
    assert words(answer["answers"])[0] == "talked"
    expected = page.model.analogy("walk", "walked", "talk", 5)
    assert words(answer["answers"]) == [word for word, _ in expected]
    assert np.allclose(
        [row["score"] for row in answer["answers"]], [score for _, score in expected], atol=1e-6
    )


def test_two_words(page):
    answer = page.similarity("walk", UNSEEN)
    assert answer["cosine"] == page.model.measures("walk", UNSEEN)["cosine"]
    assert (answer["a"]["known"], answer["b"]["known"]) == (True, False)


def test_a_model_without_parts_has_nothing_to_explain():
    with pytest.raises(NothingToTell):
        PageModel(bare(), "bare").explain("walk", "talk")


def test_an_unknown_word_comes_with_what_was_meant():
    with pytest.raises(NotFound) as caught:
        PageModel(bare(), "bare").neighbors("walkng")
    assert caught.value.instead[:2] == ["walk", "walks"]


def test_a_word_of_several_languages_has_to_be_chosen():
    with pytest.raises(NotFound) as caught:
        PageModel(two_languages(), "two").neighbors("p3")
    assert sorted(caught.value.instead) == ["por:p3", "spa:p3"]


@pytest.mark.parametrize("filters", [{"language": "xx"}, {"affix": "V;NONE"}])
def test_filters_that_the_model_has_not(page, filters):
    with pytest.raises(OptionError):
        page.neighbors("walk", 3, **filters)


def test_beginnings_are_words_and_questions_of_the_model(page):
    begin = page.beginnings(seed=4)
    assert begin == page.beginnings(seed=4)
    assert begin["words"]
    assert all(word in page.model for word in begin["words"])
    assert begin["analogies"]
    for a, b, c in begin["analogies"]:
        ending = b.removeprefix(a)
        assert page.analogy(a, b, c, 1)["answers"][0]["word"] == c + ending


def test_described(page):
    told = page.describe()
    assert {one["name"]: one["words"] for one in told["classes"]} == {
        tag: len(STEMS) - (ending == "ing") for ending, tag in ENDINGS.items() if tag
    }
    assert (told["counted"], told["composes"], told["languages"]) == (True, True, [])
    other = PageModel(bare(), "bare").describe()
    assert (other["counted"], other["composes"], other["classes"]) == (False, False, [])


def test_maps_are_ready_or_on_their_way(page):
    answer = page.map("pca", 20, "", "frequency")
    while answer["state"] == "working":
        assert 0 <= answer["share"] < 1
        answer = page.map("pca", 20, "", "frequency")
    assert answer["points"]["word"] == list(page.model.words[:20])
    assert answer["colour"] == "frequency"
    assert page.map("pca", 20, "", "class")["points"]["x"] == answer["points"]["x"]
    with pytest.raises(OptionError):
        page.map("pca", 2, "", "auto")
    with pytest.raises(OptionError):
        page.map("pca", 20, "", "mood")


def test_pca_does_not_wait_for_t_sne(page, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(prepare, "tsne", lambda points, **_: gate.wait() and points[:, :2])
    assert page.map("tsne", 12, "", "auto") == {"state": "working", "share": 0.0}
    while page.map("pca", 12, "", "auto")["state"] == "working":
        pass
    assert page.map("tsne", 12, "", "auto")["state"] == "working"
    gate.set()
    while page.map("tsne", 12, "", "auto")["state"] == "working":
        pass


def test_a_map_that_nobody_asks_for_is_given_up_and_can_be_asked_for_again(page, monkeypatch):
    monkeypatch.setattr(atlas, "_ABANDONED", -1.0)
    assert page.map("pca", 15, "", "auto") == {"state": "working", "share": 0.0}
    monkeypatch.setattr(atlas, "_ABANDONED", 60.0)
    while page.map("pca", 15, "", "auto")["state"] == "working":
        pass
