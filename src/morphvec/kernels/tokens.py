"""Code points to token ids: word spans, an open-addressing table of word types, one id a token.

A type is an owner (the language's number) and a run of code points. ``letters`` holds the runs end to end,
``starts[i] : starts[i + 1]`` is type i. ``slots`` has a power-of-two size, 0 is free; a used slot holds the upper
half of the hash and the type's id + 1. ``state`` = [code points read, ids written, types, letters used, tokens].
A line end is written as -1. Nothing is allocated: a kernel that lacks room returns GROW with the state at the
token that did not fit, and goes on from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

DONE, GROW, TOO_LONG = 0, 1, 2
READ, WRITTEN, TYPES, USED, TOKENS = 0, 1, 2, 3, 4
UNKNOWN = -2
LINE_END = -1

CODE = np.uint32(0x1FFFFF)
WORD = np.uint32(1 << 21)
JOINER = np.uint32(1 << 22)
NEEDS_FOLD = np.uint32(1 << 23)

_LF = np.uint32(10)
_ZERO = np.uint32(0)
_NONE = np.uint64(0)
_ONE = np.uint64(1)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_SEED = np.uint64(0x243F6A8885A308D3)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_LONGEST = 999_999  # bytes of UTF-8


@njit(nogil=True, cache=True)
def needs_fold(codes: NDArray[np.uint32], table: NDArray[np.uint32]) -> bool:
    """Whether any code point must be folded in its context."""
    found = _ZERO
    for code in codes:
        found |= table[code]
    return bool((found & NEEDS_FOLD) != _ZERO)


@njit(nogil=True, cache=True)
def _begin(owner: int) -> Any:
    return (_SEED ^ np.uint64(owner)) * _FACTOR


@njit(nogil=True, cache=True)
def _finish(h: Any) -> Any:
    h = (h ^ (h >> _HALF)) * _MIX
    return h ^ (h >> _HALF)


@njit(nogil=True, cache=True)
def _utf8_bytes(word: NDArray[np.uint32], length: int) -> int:
    total = 0
    for i in range(length):
        code = word[i]
        total += 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
    return total


@njit(nogil=True, cache=True)
def _intern(
    word: NDArray[np.uint32],
    length: int,
    h: Any,
    owner: int,
    frozen: bool,
    slots: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    starts: NDArray[np.int64],
    owners: NDArray[np.int32],
    letters: NDArray[np.uint32],
    state: NDArray[np.int64],
) -> int:
    """The id of the word, a new one where needed; UNKNOWN where ``frozen``; -3 where there is no room."""
    mask = np.uint64(slots.size - 1)
    tag = h >> _HALF
    place = h & mask
    while True:
        slot = slots[place]
        if slot == _NONE:
            break
        if slot >> _HALF == tag:
            known = np.int64(slot & _LOW) - 1
            start = starts[known]
            if starts[known + 1] - start == length and owners[known] == owner:
                same = True
                for i in range(length):
                    if letters[start + i] != word[i]:
                        same = False
                        break
                if same:
                    return int(known)
        place = (place + _ONE) & mask
    if frozen:
        return UNKNOWN
    new = state[TYPES]
    used = state[USED]
    if 2 * (new + 1) > slots.size or new >= hashes.size or used + length > letters.size:
        return -3
    for i in range(length):
        letters[used + i] = word[i]
    slots[place] = (tag << _HALF) | np.uint64(new + 1)
    hashes[new] = h
    owners[new] = owner
    starts[new + 1] = used + length
    state[TYPES] = new + 1
    state[USED] = used + length
    return int(new)


@njit(nogil=True, cache=True)
def intern_words(
    codes: NDArray[np.uint32],
    table: NDArray[np.uint32],
    owner: int,
    frozen: bool,
    slots: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    starts: NDArray[np.int64],
    owners: NDArray[np.int32],
    letters: NDArray[np.uint32],
    counts: NDArray[np.int64],
    word: NDArray[np.uint32],
    out: NDArray[np.int32],
    state: NDArray[np.int64],
) -> int:
    """Find the words of ``codes`` by ``table``, count them, write their ids and line ends to ``out``.

    A word is a maximal run of WORD code points, with single JOINERs between two of them. A word that the end of
    ``codes`` may cut is left unread. ``word`` is scratch, one longer than the longest word. TOO_LONG: state[READ] is where it begins.
    """
    n = codes.size
    i = state[READ]
    written = state[WRITTEN]
    status = DONE
    while i < n:
        entry = table[codes[i]]
        if entry & WORD == _ZERO:
            if codes[i] == _LF:
                out[written] = LINE_END
                written += 1
            i += 1
            continue
        begin = i
        length = 0
        h = _begin(owner)
        closed = False
        while length < word.size:
            code = entry & CODE
            word[length] = code
            length += 1
            h = (h ^ np.uint64(code)) * _FACTOR
            i += 1
            if i == n:
                break
            entry = table[codes[i]]
            if entry & WORD != _ZERO:
                continue
            if entry & JOINER != _ZERO:
                if i + 1 == n:
                    break
                if table[codes[i + 1]] & WORD != _ZERO:
                    continue
            closed = True
            break
        if not closed:
            i = begin
            if length == word.size:
                status = TOO_LONG
            break
        if length > _LONGEST // 4 and _utf8_bytes(word, length) > _LONGEST:
            i = begin
            status = TOO_LONG
            break
        known = _intern(
            word, length, _finish(h), owner, frozen, slots, hashes, starts, owners, letters, state
        )
        if known == -3:
            i = begin
            status = GROW
            break
        if known >= 0:
            counts[known] += 1
            out[written] = known
            written += 1
        state[TOKENS] += 1
    state[READ] = i
    state[WRITTEN] = written
    return status


@njit(nogil=True, cache=True)
def intern_spans(
    codes: NDArray[np.uint32],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    span_owners: NDArray[np.int32],
    frozen: bool,
    slots: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    starts: NDArray[np.int64],
    owners: NDArray[np.int32],
    letters: NDArray[np.uint32],
    counts: NDArray[np.int64],
    out: NDArray[np.int32],
    state: NDArray[np.int64],
) -> int:
    """Count the given spans of ``codes``, write an id for each (UNKNOWN where ``frozen`` leaves it out).

    A span with begin < 0 is a line end. state[READ] counts spans; out[i] belongs to span i.
    """
    status = DONE
    s = state[READ]
    while s < begins.size:
        if begins[s] < 0:
            out[s] = LINE_END
            s += 1
            continue
        word = codes[begins[s] : ends[s]]
        if word.size > _LONGEST // 4 and _utf8_bytes(word, word.size) > _LONGEST:
            status = TOO_LONG
            break
        owner = span_owners[s]
        h = _begin(owner)
        for code in word:
            h = (h ^ np.uint64(code)) * _FACTOR
        known = _intern(
            word, word.size, _finish(h), owner, frozen, slots, hashes, starts, owners, letters, state
        )
        if known == -3:
            status = GROW
            break
        if known >= 0:
            counts[known] += 1
        out[s] = known
        state[TOKENS] += 1
        s += 1
    state[READ] = s
    return status


@njit(nogil=True, cache=True)
def rehash(hashes: NDArray[np.uint64], types: int, slots: NDArray[np.uint64]) -> None:
    """Enter the first ``types`` types into empty ``slots``."""
    mask = np.uint64(slots.size - 1)
    for i in range(types):
        h = hashes[i]
        place = h & mask
        while slots[place] != _NONE:
            place = (place + _ONE) & mask
        slots[place] = ((h >> _HALF) << _HALF) | np.uint64(i + 1)


@njit(nogil=True, cache=True)
def renumber(raw: NDArray[np.int32], rows: NDArray[np.int32], out: NDArray[np.int32]) -> int:
    """Write rows[id] for every raw id to ``out``, line ends kept, ids with row < 0 left out; returns how many."""
    written = 0
    for i in range(raw.size):
        known = raw[i]
        if known >= 0:
            known = rows[known]
            if known < 0:
                continue
        out[written] = known
        written += 1
    return written
