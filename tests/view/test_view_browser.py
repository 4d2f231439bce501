"""The page as people meet it, in a real Chromium: mouse, keyboard, small screens, dark rooms, nasty words."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from browser import Page, open_browser, pinch, served
from page_models import IMAGE, LONG, SCRIPT, UNSEEN, bare, verbs
from selenium.webdriver.common.keys import Keys


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = open_browser(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address():
    with served(verbs()) as found:
        yield found


@pytest.fixture
def page(browser, address):
    """The page of one model; after each test the console has to be clean."""
    found = Page(browser, address)
    found.errors()
    yield found
    assert found.errors() == []


def test_typing_offers_words_and_enter_shows_neighbours(page):
    page.open()
    assert "words" in page.one("h2.headword ~ .meta").text
    page.one("#search-word").send_keys("WALKE")
    page.wait(lambda: page.texts("[role=option] .word") == ["walked"], "suggestions")
    page.press(Keys.ARROW_DOWN, Keys.ENTER)
    page.word("walked")
    assert page.query == "?w=walked"
    assert page.run("return document.title") == "walked · Neighbours · morphvec"
    assert len(page.texts(".answers li")) == 20
    assert page.texts(".chip.affix") == ["affix V;PST"]


def test_a_neighbour_leads_on_and_back_leads_back(page):
    page.open("/?w=walk&n=10")
    page.word("walk")
    near = page.texts(".answers .word bdi")[0]
    page.one(".answers .word").click()
    page.word(near)
    assert page.run("return document.activeElement.className") == "headword"
    page.browser.back()
    page.word("walk")
    page.one(".answers .why").click()
    page.wait(lambda: page.texts(".measures dt") == ["cosine", "dot product", "distance"], "measures")


def test_filters_stand_in_the_address(page):
    page.open("/?w=walk")
    page.word("walk")
    page.run(
        "const s = [...document.querySelectorAll('.filter')].find(f => f.textContent.startsWith('Class')).querySelector('select');"
        "s.value = 'V;PST'; s.dispatchEvent(new Event('change'))"
    )
    page.wait(lambda: len(page.texts(".answers li")) == 8, "the class")
    assert all(word.endswith("ed") for word in page.texts(".answers .word bdi"))
    assert "class=V%3BPST" in page.query
    page.open("/?w=walk&least=1000000")
    assert "No word passes" in page.one(".note").text


def test_analogy(page):
    page.open("/?view=analogy")
    for place, word in enumerate(("walk", "walked", "talk")):
        page.wait(lambda: len(page.all(".sentence input")) == 3, "fields")
        field = page.all(".sentence input")[place]
        field.send_keys(word)
        field.send_keys(Keys.ENTER)
    page.wait(lambda: page.texts(".question strong") == ["talked"], "the answer")
    assert page.texts(".answers .word bdi")[0] == "talked"
    assert page.query == "?view=analogy&a=walk&b=walked&c=talk"


def test_an_unseen_word_shows_its_parts(page):
    page.open(f"/?w={UNSEEN}")
    page.word(UNSEEN)
    assert page.texts(".badge") == ["unseen"]
    assert page.texts(".chip.lemma") == ["lemma pull"]
    assert "pull" in page.texts(".answers .word bdi")


@pytest.mark.parametrize("word", [IMAGE, SCRIPT, LONG])
def test_nasty_words_are_text(page, word):
    page.open(f"/?w={quote(word)}", width=360, height=740)
    page.word(word)
    assert not page.all("main img, main script")
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    page.open(f"/?view=analogy&a={quote(word)}&b=walk&c=walked")
    page.wait(lambda: any(word in text for text in page.texts(".question")), "the question")
    page.open(f"/?view=pair&a={quote(word)}&b=walk")
    page.wait(lambda: any(word in text for text in page.texts(".question")), "the two words")


def test_what_is_not_there_says_so(page):
    page.open("/nowhere")
    assert page.texts("h1") == ["Nothing at this address"]
    (complaint,) = page.errors()  # of the browser itself
    assert "404" in complaint
    page.one("main a").click()
    page.one("#search-word")


def test_a_narrow_window_scrolls_one_way_only(page):
    for path in (
        "/",
        "/?w=walk",
        "/?view=analogy&a=walk&b=walked&c=talk",
        "/?view=pair&a=walk&b=talk",
        "/?view=map&projection=pca&words=300&w=walk",
    ):
        page.open(path, width=360, height=740).settled()
        assert page.run("return [document.documentElement.scrollWidth, innerWidth]") == [360, 360], path
    page.open("/?w=walk", width=360, height=740)
    toggle = page.one(".toggle")
    assert not [one for one in page.all(".filter select") if one.is_displayed()]
    toggle.click()
    assert [one for one in page.all(".filter select") if one.is_displayed()]


def test_by_keyboard_alone(page):
    page.open("/?w=talk")
    page.word("talk")
    page.press(Keys.TAB)
    assert page.focus.get_attribute("class") == "skip"
    page.press("/")
    assert page.focus.get_attribute("id") == "search-word"
    page.press("jum")
    page.wait(lambda: page.texts("[role=option] .word")[:1] == ["jump"], "suggestions")
    assert page.focus.get_attribute("aria-expanded") == "true"
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    active = page.focus.get_attribute("aria-activedescendant")
    assert page.one(f"#{active}").get_attribute("aria-selected") == "true"
    page.press(Keys.ESCAPE)
    assert page.focus.get_attribute("aria-expanded") == "false"
    page.press(Keys.ESCAPE, "open", Keys.ENTER)  # the second one clears the field
    page.word("open")
    for _ in range(40):
        page.press(Keys.TAB)
        if page.focus.get_attribute("class") == "word":
            break
    chosen = page.run("return document.activeElement.querySelector('bdi').textContent")
    page.press(Keys.ENTER)
    page.word(chosen)
    page.open("/?view=map&projection=pca&words=300")
    page.wait(lambda: page.texts(".legend li"), "the map")
    page.run("document.querySelector('canvas').focus()")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_UP, "+", Keys.ENTER)
    page.wait(lambda: "w=" in page.query, "a word of the map")


def test_the_map_and_the_search_know_each_other(page):
    page.open("/?view=map&projection=pca&words=300&w=walk")
    page.wait(lambda: page.texts(".legend li") and page.texts(".answers .word bdi"), "the map")
    assert "nearest neighbours" in page.one(".drawn .aside").text
    painted = "const c = document.querySelector('canvas'); return new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    assert page.run(painted) > 20
    near = page.texts(".answers .word bdi")[0]
    page.one(".answers .word").click()
    page.wait(lambda: page.texts(".side .question") == [near], "the next word")
    assert "view=map" in page.query


def test_two_fingers_zoom_the_map(page):
    page.open("/?view=map&projection=pca&words=300", width=400, height=800)
    picture = "return document.querySelector('canvas').toDataURL()"
    page.wait(lambda: page.texts(".legend li"), "the map")
    first, canvas = page.run(picture), page.one("canvas")
    pinch(page.browser, canvas, 60, 200)
    page.wait(lambda: page.run(picture) != first, "nearer")
    near = page.run(picture)
    pinch(page.browser, canvas, 200, 100)
    page.wait(lambda: page.run(picture) not in (first, near), "farther")
    assert "&w=" not in page.query  # no word was chosen
    page.one("button[aria-label='Show all']").click()
    page.wait(lambda: page.run(picture) == first, "all of it")


def test_dark_by_the_system_and_by_choice(page):
    ground = "return getComputedStyle(document.body).backgroundColor"
    page.open("/?w=walk", dark=True)
    page.word("walk")
    dark = page.run(ground)
    page.open("/?w=walk")
    page.word("walk")
    light = page.run(ground)
    assert light != dark
    page.one("#theme").click()
    page.one("#theme").click()
    assert page.one("#theme").text == "Theme: dark"
    assert page.run(ground) == dark
    page.open("/?w=walk")
    assert page.run(ground) == dark
    page.one("#theme").click()
    assert page.run(ground) == light


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?w=walked",
        f"/?w={UNSEEN}",
        "/?view=analogy",
        "/?view=analogy&a=walk&b=walked&c=talk",
        "/?view=pair&a=walk&b=talks",
        "/?view=map&projection=pca&words=300&w=walk",
    ],
)
def test_everybody_can_use_it(page, path, dark):
    page.open(path, dark=dark).settled()
    assert page.faults() == []


def test_two_models_side_by_side(browser):
    with served(verbs(), bare()) as address:
        page = Page(browser, address).open("/?w=walk")
        page.wait(lambda: len(page.texts(".answers")) == 2, "both")
        assert page.texts(".model") == ["verbs", "bare"]
        assert len(page.texts(".answers li")) == 40
        shared = set(page.texts(".first .answers .word bdi")) & set(page.texts(".second .answers .word bdi"))
        assert page.texts(".near .aside") == [f"{len(shared)} of 20 in both models"] * 2
        assert len(page.texts(".shared")) == 2 * len(shared)
        assert page.settled().faults() == []
        page.open("/?w=walkng")
        page.wait(lambda: page.texts(".second .note .chip"), "what was meant")
        page.open("/?w=walk&class=V;PST")
        page.wait(lambda: "no class V;PST" in "".join(page.texts(".second .aside")), "the other model")
        page.open("/?view=pair&a=walk&b=talk")
        page.wait(lambda: "No explanation" in "".join(page.texts(".second .note")), "the other model")
        page.open("/?view=map&projection=pca&words=300&w=walk").settled()
        assert len(page.all("canvas")) == 2
        assert page.faults() == []
        assert page.errors() == []


def test_a_server_that_has_left_is_said(browser):
    with served(verbs()) as address:
        page = Page(browser, address).open("/?w=walk")
        page.word("walk")
    page.run("document.querySelector('.answers .word').click()")
    page.wait(lambda: "does not answer" in "".join(page.texts(".note")), "the silence")
    assert page.one(".note button").text == "Try again"
    page.errors()
