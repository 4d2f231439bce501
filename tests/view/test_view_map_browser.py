"""The map's page in a real browser: search, keys, narrow and dark, words as text."""

from __future__ import annotations

import pytest
from browser import open_browser, pinch
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from view_models import blobs, with_affixes

from morphvec.view.map_page import map_page
from morphvec.view.prepare import MapOptions, choose, word_map

EVIL = "<img src=x onerror=document.title='hurt'>"


@pytest.fixture(scope="module")
def chrome(tmp_path_factory):
    driver = open_browser(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def page(chrome, tmp_path):
    """Opens the page of a model; afterwards its console is empty of errors."""

    def shown(model):
        file = tmp_path / "map.html"
        file.write_text(
            map_page(word_map(model, choose(model), MapOptions("pca")), "Title"), encoding="utf-8"
        )
        chrome.get(file.as_uri())
        return chrome

    yield shown
    assert [one for one in chrome.get_log("browser") if one["level"] in ("SEVERE", "WARNING")] == []


def painted(chrome):
    """How many different colours the map has."""
    return chrome.execute_script(
        "const map = document.getElementById('map');"
        "const seen = new Set(), data = map.getContext('2d').getImageData(0, 0, map.width, map.height).data;"
        "for (let i = 0; i < data.length; i += 4) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);"
        "return seen.size"
    )


def wait(chrome, condition):
    WebDriverWait(chrome, 20).until(condition)


def test_the_map_is_drawn_and_searched_by_keys_alone(page):
    chrome = page(blobs())
    wait(chrome, lambda c: painted(c) > 20)
    chrome.find_element(By.TAG_NAME, "body").send_keys("/")
    chrome.switch_to.active_element.send_keys("w2x1")
    found = [item.text for item in chrome.find_elements(By.CSS_SELECTOR, "#found li")]
    assert found == ["w2x1", "w2x10", "w2x11"]
    chrome.switch_to.active_element.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    word = chrome.find_element(By.ID, "word")
    wait(chrome, lambda _: word.is_displayed())
    assert word.find_element(By.TAG_NAME, "h2").text == "w2x10"
    near = [item.text for item in word.find_elements(By.CSS_SELECTOR, "li span:first-child")]
    assert near == [name for name, _ in blobs().neighbors("w2x10", 10)]
    word.find_element(By.CSS_SELECTOR, "li button").send_keys(Keys.ENTER)
    assert word.find_element(By.TAG_NAME, "h2").text == near[0]
    chrome.find_element(By.ID, "map").send_keys(Keys.ESCAPE)
    assert not word.is_displayed()


def test_keys_move_and_zoom_and_bring_everything_back(page):
    chrome = page(blobs())
    picture = lambda: chrome.execute_script("return document.getElementById('map').toDataURL()")  # noqa: E731
    wait(chrome, lambda c: painted(c) > 20)
    first, canvas = picture(), chrome.find_element(By.ID, "map")
    for key in ("+", Keys.ARROW_LEFT, "-"):
        before = picture()
        canvas.send_keys(key)
        wait(chrome, lambda _, before=before: picture() != before)
    canvas.send_keys("0")
    wait(chrome, lambda _: picture() == first)


def test_two_fingers_zoom_and_choose_nothing(page):
    chrome = page(blobs())
    picture = lambda: chrome.execute_script("return document.getElementById('map').toDataURL()")  # noqa: E731
    wait(chrome, lambda c: painted(c) > 20)
    first, canvas = picture(), chrome.find_element(By.ID, "map")
    pinch(chrome, canvas, 60, 240)
    wait(chrome, lambda _: picture() != first)
    near = picture()
    pinch(chrome, canvas, 240, 120)
    wait(chrome, lambda _: picture() not in (first, near))
    assert not chrome.find_element(By.ID, "word").is_displayed()
    canvas.send_keys("0")
    wait(chrome, lambda _: picture() == first)


def test_groups_are_hidden_and_the_theme_turned(page):
    chrome = page(with_affixes())
    wait(chrome, lambda c: painted(c) > 20)
    button = chrome.find_element(By.CSS_SELECTOR, "#legend button")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    ground = lambda: chrome.execute_script("return getComputedStyle(document.body).backgroundColor")  # noqa: E731
    before = ground()
    chrome.find_element(By.ID, "theme").click()
    assert ground() != before


def test_at_360_pixels_nothing_sticks_out(page):
    chrome = page(with_affixes())
    chrome.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True},
    )
    try:
        wait(chrome, lambda c: painted(c) > 20)
        assert chrome.execute_script("return document.documentElement.scrollWidth") == 360
        assert chrome.execute_script("return document.getElementById('map').clientHeight") > 250
    finally:
        chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_words_stay_text(page):
    model = blobs()
    words = list(model.words)
    words[0] = EVIL
    chrome = page(type(model)(words, model.vectors, counts=model.counts))
    wait(chrome, lambda c: painted(c) > 20)
    field = chrome.find_element(By.ID, "query")
    field.send_keys("<img")
    field.send_keys(Keys.ENTER)
    assert chrome.find_element(By.CSS_SELECTOR, "#word h2").text == EVIL
    assert chrome.title == "Title"
    assert not chrome.find_elements(By.TAG_NAME, "img")
