"""Case and normal form, and the places where text may be cut without changing either.

Lower-casing looks past one character in one case (a capital sigma), composition (NFC) when marks follow.
"""

from __future__ import annotations

import functools
import unicodedata

LONGEST_RUN = 256  # marks in a row that are put in order together; ordering takes quadratic time
_REACH = 1 << 14  # characters searched for a place to cut
_LOOK_BACK = 32  # characters that a capital sigma may look past for a place to count as safe
_TURKIC = ("tur", "tr", "aze", "az", "azj", "azb")
_SIGMA = "Σ"


def is_turkic(language: str) -> bool:
    """Whether the language writes a dotless i, so that I and İ are capitals of different letters."""
    return language.lower() in _TURKIC


def fold(text: str, *, compose: bool, lower: bool, turkic: bool) -> str:
    """The text in the form in which words are compared.

    compose: to NFC, before and after lower-casing (İ̧ and H̱ leave NFC when their case changes).
    lower: Unicode lower case; ``turkic``: İ → i and I → ı first.
    """
    if compose:
        text = _compose(text)
    if lower:
        if turkic:
            text = text.replace("I\u0307", "i").replace("İ", "i").replace("I", "ı")
        text = text.lower()
        if compose:
            text = _compose(text)
    return text


def _compose(text: str) -> str:
    """NFC, with runs of more than LONGEST_RUN marks composed piece by piece."""
    if text.isascii() or not _has_long_run(text):
        return unicodedata.normalize("NFC", text)
    pieces, start, run = [], 0, 0
    for position, character in enumerate(text):
        run = run + 1 if attaches(character) else 0
        if run == LONGEST_RUN:
            pieces.append(unicodedata.normalize("NFC", text[start : position + 1]))
            start, run = position + 1, 0
    pieces.append(unicodedata.normalize("NFC", text[start:]))
    return "".join(pieces)


def _has_long_run(text: str) -> bool:
    # A run of LONGEST_RUN marks covers at least one of the positions LONGEST_RUN - 1, 2 LONGEST_RUN - 1, ...
    for middle in range(LONGEST_RUN - 1, len(text), LONGEST_RUN):
        if not attaches(text[middle]):
            continue
        low, high = middle, middle + 1
        while low > 0 and high - low < LONGEST_RUN and attaches(text[low - 1]):
            low -= 1
        while high < len(text) and high - low < LONGEST_RUN and attaches(text[high]):
            high += 1
        if high - low >= LONGEST_RUN:
            return True
    return False


def attaches(character: str) -> bool:
    """Whether the canonical decomposition of the character begins with a mark that is put in order (ccc > 0)."""
    return character > "\x7f" and unicodedata.combining(unicodedata.normalize("NFD", character)[0]) > 0


@functools.cache
def second_parts() -> frozenset[str]:
    """The characters that can melt into the one before them under NFC, Hangul vowels and finals included.

    Composites lie in planes 0 and 1 (a test checks all planes of the Unicode version at hand).
    """
    found = filter(None, map(unicodedata.decomposition, map(chr, range(0x20000))))
    pairs = [parts.split() for parts in found if not parts.startswith("<")]
    seconds = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2}
    return frozenset(
        seconds
        | {chr(code) for code in range(0x1161, 0x1176)}
        | {chr(code) for code in range(0x11A8, 0x11C3)}
    )


def stands_alone(character: str) -> bool:
    """Whether NFC leaves the character as it is, whatever stands before it."""
    return (
        not unicodedata.combining(character)
        and unicodedata.normalize("NFC", character) == character
        and character not in second_parts()
    )


@functools.lru_cache(maxsize=4096)
def _is_ignorable(character: str) -> bool:
    """Whether the final-sigma rule looks past the character (Unicode's Case_Ignorable, asked of str.lower)."""
    cased = ("1" + character + _SIGMA).lower().endswith("ς")
    barrier = ("Α" + character + _SIGMA).lower().endswith("σ")
    return not cased and not barrier


def is_boundary(text: str, position: int) -> bool:
    """Whether text cut before this position folds to the same as in one piece, whatever follows.

    Composition must not reach back over the cut, nor a capital sigma look over it, from either side.
    """
    after = text[position]
    if not stands_alone(after) or after == _SIGMA or _is_ignorable(after):
        return False
    for before in reversed(text[max(0, position - _LOOK_BACK) : position]):
        if not _is_ignorable(before):
            return before != _SIGMA
    return False


def last_boundary(text: str) -> int:
    """The last place (0 = none found) where the text may be cut: after LF or a space, else by ``is_boundary``.

    The slow search goes back by at most _REACH characters.
    """
    cut = max(text.rfind("\n"), text.rfind(" ")) + 1
    if cut:
        return cut
    for position in range(len(text) - 1, max(0, len(text) - _REACH), -1):
        if is_boundary(text, position):
            return position
    return 0
