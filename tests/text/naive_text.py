"""Slow twins: a corpus read line by line in plain Python, words by marking every character."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

TURKIC = ("tur", "tr", "aze", "az", "azj", "azb")
JOINERS = "\u0027\u2019\u02bc\u02bb\u00b7"


def fold(text: str, name: str, case: str, language: str) -> str:
    if name == "unicode":
        text = unicodedata.normalize("NFC", text)
    if case == "lower":
        if language in TURKIC:
            text = text.replace("I\u0307", "i").replace("\u0130", "i").replace("I", "\u0131")
        text = text.lower()
    return unicodedata.normalize("NFC", text) if name == "unicode" else text


def tokens(
    line: str, name: str, case: str = "lower", join_hyphen: bool = False, language: str = ""
) -> list[str]:
    text = fold(line, name, case, language)
    if name.startswith("regex:"):
        return [match[0] for match in re.finditer(name[len("regex:") :], text) if match[0]]
    if name == "whitespace":
        return text.split()
    if name == "letters":
        return re.findall(r"[^\W\d_]+", text)
    joiners = JOINERS + ("-\u2010\u2011" if join_hyphen else "")
    kinds = "".join(
        "j" if character in joiners else "w" if unicodedata.category(character)[0] in "LMN" else "."
        for character in text
    )
    return [text[found.start() : found.end()] for found in re.finditer("w+(?:jw+)*", kinds)]


def lines(data: bytes) -> list[str]:
    text = data.decode("utf-8").removeprefix("\ufeff")
    rows = text.split("\n")
    if rows[-1] == "":
        rows.pop()
    return [row.removesuffix("\r") for row in rows]


def read(data: bytes, name: str, **options) -> tuple[list[list[str]], Counter[str]]:
    """The words of every line, and how often each occurs."""
    rows = [tokens(line, name, **options) for line in lines(data)]
    return rows, Counter(word for row in rows for word in row)


def vocabulary(counts: Counter[str], min_count: int, max_vocab: int | None) -> list[tuple[str, int]]:
    kept = [(word, count) for word, count in counts.items() if count >= min_count]
    return sorted(kept, key=lambda pair: (-pair[1], pair[0]))[:max_vocab]
