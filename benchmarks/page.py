"""docs/explore.md: how long the page takes to show a word, and to offer words while one types.

    python benchmarks/page.py [--words 100000] [--repeat 7] [--out out/page]

Two models of so many made-up words, 100 dimensions: random vectors without parts, and one trained for an epoch whose words
are made of n-grams. Each is served by `morphvec explore` in a process of its own and opened in a headless Chromium with an
empty cache. Needs the extras `dev` and `explore`, Chromium and chromedriver. Times are those of the page's own clock:
from the beginning of the navigation to the neighbours in the document, from a key to the list of words.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from selenium import webdriver

import machine
from morphvec import Embeddings, train
from morphvec.rng import stream

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
ENDINGS = ("", "s", "ed", "ing", "er", "ers", "ly", "ness")
SYLLABLES = [c + v for c in "bcdfghklmnprstvz" for v in "aeiou"]
# Resolves with the page's clock once the neighbours stand there.
SHOWN = """
const done = arguments[arguments.length - 1];
const there = () => document.querySelector(".answers .word bdi");
if (there()) done(performance.now());
else new MutationObserver((_, seen) => { if (there()) { seen.disconnect(); done(performance.now()); } })
  .observe(document, { childList: true, subtree: true });
"""
# Types a beginning and resolves with the milliseconds until the list of words is another one.
TYPED = """
const [beginning, done] = [arguments[0], arguments[arguments.length - 1]];
const field = document.querySelector("[role=combobox]"), list = document.getElementById(field.getAttribute("aria-controls"));
field.focus();
field.value = beginning;
const start = performance.now();
new MutationObserver((_, seen) => { seen.disconnect(); done(performance.now() - start); }).observe(list, { childList: true });
field.dispatchEvent(new Event("input", { bubbles: true }));
"""


def words(number: int) -> list[str]:
    """So many different words, stems with endings; the first are the frequent ones."""
    generator = stream(0)
    found: dict[str, None] = {}
    while len(found) < number:
        stem = "".join(SYLLABLES[n] for n in generator.integers(0, len(SYLLABLES), generator.integers(2, 5)))
        found.update(dict.fromkeys(stem + ending for ending in ENDINGS))
    return list(found)[:number]


def models(number: int, folder: Path) -> dict[str, Path]:
    """The two models: name → folder."""
    known, generator = words(number), stream(1)
    counts = np.sort((2e6 / np.arange(1, number + 1)).astype(np.int64) + 5)[::-1]
    vectors = generator.standard_normal((number, 100), np.float32)
    Embeddings(known, vectors, counts=counts).save(folder / "plain")
    share = 1 / np.arange(1, number + 1)
    picks = generator.choice(number, (60_000, 12), p=share / share.sum())
    picks[:, 0] = np.arange(60_000) % number
    picks[: number - 60_000, 1] = np.arange(60_000, number)  # every word occurs
    sentences = [[known[n] for n in row] for row in picks.tolist()]
    options: dict[str, Any] = {"tokenizer": "whitespace", "min_count": 1, "epochs": 1, "rules": "none"}
    train(sentences, **options).save(folder / "parts")
    return {"random vectors, no parts": folder / "plain", "trained, words of n-grams": folder / "parts"}


@contextmanager
def explored(model: Path) -> Iterator[tuple[str, float]]:
    """The address of the page of a model, and the seconds until it was printed."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "morphvec", "explore", str(model), "--port", "0", "--no-browser"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert running.stdout is not None
    try:
        yield running.stdout.readline().strip(), time.perf_counter() - start
    finally:
        running.terminate()
        running.wait()


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium with a profile of its own, which has seen nothing."""
    options = webdriver.ChromeOptions()
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        raise SystemExit("the page is measured in Chromium; install chromium and chromedriver")
    options.binary_location = binary
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        made = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            made.get("about:blank")
            yield made
        finally:
            made.quit()


def measure(name: str, model: Path, number: int, repeat: int) -> dict[str, Any]:
    """First views (server and browser both new each time), later views, and typing, in milliseconds."""
    known = words(number)
    first, later, typed, started = [], [], [], []
    for turn in range(repeat):
        with explored(model) as (address, seconds), browser() as chrome:
            started.append(1000 * seconds)
            chrome.get(f"{address}?w={known[10 * turn + 5]}")
            first.append(chrome.execute_async_script(SHOWN))
            chrome.get(f"{address}?w={known[10 * turn + 8]}")
            later.append(chrome.execute_async_script(SHOWN))
            for word in known[100 * turn + 7 : 100 * turn + 7 + 60 : 6]:
                for length in range(1, 5):
                    typed.append(chrome.execute_async_script(TYPED, word[:length]))
    return {"model": name, "started": started, "first": first, "later": later, "typed": typed}


def line(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.0f} ({min(values):.0f}–{max(values):.0f})"


def main() -> None:
    """Measure and print; files with ``--out``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        made = models(asked.words, Path(scratch))
        measured = [measure(name, model, asked.words, asked.repeat) for name, model in made.items()]
    rows = [
        [
            one["model"],
            line(one["first"]),
            line(one["later"]),
            line(one["typed"]),
            f"{np.percentile(one['typed'], 99):.0f}",
            line(one["started"]),
        ]
        for one in measured
    ]
    header = [
        "model",
        "first view, ms",
        "later view, ms",
        "typing, ms",
        "typing, 99%",
        "start of the command, ms",
    ]
    text = machine.table(header, rows)
    facts = machine.facts()
    print(f"{asked.words:,} words, n = {asked.repeat}; {machine.conditions(facts)}\n\n{text}")
    if asked.out:
        machine.write(asked.out, "page", {"machine": facts, "measured": measured}, text)


if __name__ == "__main__":
    main()
