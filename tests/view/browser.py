"""A real Chromium on the page, and what tests do with it."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from morphvec.view.page import PageModel
from morphvec.view.serve import listen, make_server

ACCESSIBLE = (Path(__file__).parent / "accessible.js").read_text(encoding="utf-8")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE = 20


@contextmanager
def served(*models):
    """The address of a page of these models, answered by a thread."""
    pages = [PageModel(model, name) for model, name in zip(models, ("verbs", "bare"), strict=False)]
    listening = listen(0)
    server = make_server(pages, listening)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def open_browser(profile: Path):
    """Chromium, or a skip that says what is missing."""
    names = ("chromium", "chromium-browser", "google-chrome")
    binary = next((found for name in names if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip(f"no {'Chromium' if binary is None else 'chromedriver'} on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def pinch(browser, element, before, after, steps=4):
    """Two fingers on the middle of an element, ``before`` pixels apart, moved until they are ``after`` apart."""
    box = element.rect
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(kind, apart):
        fingers = [{"x": x + side * apart / 2, "y": y, "id": n} for n, side in enumerate((-1, 1))]
        told = {"type": kind, "touchPoints": fingers if kind != "touchEnd" else []}
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", told)

    touch("touchStart", before)
    for step in range(1, steps + 1):
        touch("touchMove", before + (after - before) * step / steps)
    touch("touchEnd", after)


class Page:
    """The page in the browser, in the words of the tests."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address

    def open(self, path="/", *, width=1280, height=900, dark=False):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        self.browser.get(self.address + path)
        return self

    def wait(self, condition, message=""):
        return WebDriverWait(self.browser, _PATIENCE, poll_frequency=0.03).until(
            lambda _: condition(), message
        )

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        """The one element shown of a kind, once it is there."""

        def shown():
            return next((element for element in self.all(selector) if element.is_displayed()), None)

        return self.wait(shown, selector)

    def texts(self, selector):
        """The texts of the elements of a kind, read in one go."""
        return self.run(
            "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).map(e => e.textContent)",
            selector,
        )

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def word(self, text):
        """Wait until the heading is this word and its neighbours are there."""
        self.wait(
            lambda: text in self.texts("h2.headword") and self.texts(".answers .word bdi"), f"word {text}"
        )

    def press(self, *keys):
        ActionChains(self.browser, duration=0).send_keys(*keys).perform()

    @property
    def focus(self):
        return self.browser.switch_to.active_element

    @property
    def query(self):
        return self.run("return location.search")

    def errors(self):
        """What the console has complained of since it was asked last."""
        return [
            entry["message"]
            for entry in self.browser.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
        ]

    def faults(self):
        return self.run(ACCESSIBLE)

    def settled(self):
        self.wait(lambda: not self.all("[aria-busy='true']"), "an answer")
        time.sleep(0.15)  # colours fade
        return self
