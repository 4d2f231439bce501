"""Folded UTF-8 to token ids: words found by a table over code points, an open-addressing table of word types.

A type is an owner (the language's number) and the bytes of a word. ``letters`` holds the bytes end to end,
``starts[i] : starts[i + 1]`` is type i. ``keys`` has a row a type: the first 16 bytes of its word as two numbers, and
its owner and length as one, so that a word of up to 16 bytes is told without a look at its letters. ``slots`` has a
power-of-two size, 0 is free; a used slot holds the upper half of the hash and the type's id + 1.

Reading has two steps. ``find_words`` looks words up and changes nothing that another thread reads, so that blocks
are read side by side; what it does not know it writes down. ``enter_words`` then takes the blocks in their order:
ids are by first meeting, whatever the blocks and threads. A line end is -1. Nothing is allocated: a kernel that lacks
something returns what, with the state at the word that it was at, and goes on from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

DONE, GROW, TOO_LONG, FOLD, FILL = 0, 1, 2, 3, 4
READ, WRITTEN, MISSED, USED, MET, CODE_POINT = 0, 1, 2, 3, 4, 5  # state of find_words
TYPES, LETTERS = 0, 1  # state of the types
UNKNOWN = -2
LINE_END = -1

CODE = np.uint32(0x1FFFFF)
WORD = np.uint32(1 << 21)
JOINER = np.uint32(1 << 22)
NEEDS_FOLD = np.uint32(1 << 23)
UNFILLED = np.uint32(1 << 24)

SPECIAL, SEPARATOR, LINE_FEED = 0, 1, 2  # of a byte in ``quick``; any other is a letter's folded byte

_NONE = np.uint64(0)
_ONE = np.uint64(1)
_EIGHT = np.uint64(8)
_WHOLE = np.uint64(64)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_LONGEST = 999_999  # bytes


@njit(nogil=True, cache=True)
def _hash(first: Any, second: Any, label: Any, tail: Any) -> Any:
    """Of the first 16 bytes, of owner and length, and of what ``_mixed`` made of the bytes after them."""
    h = (first ^ label) * _FACTOR
    h = (h ^ (h >> _HALF) ^ second) * _OTHER
    h = (h ^ (h >> _HALF) ^ tail) * _MIX
    return h ^ (h >> _HALF)


@njit(nogil=True, cache=True)
def _mixed(tail: Any, chunk: Any) -> Any:
    h = (tail ^ chunk) * _FACTOR
    return h ^ (h >> _HALF)


@njit(nogil=True, cache=True)
def _digest(word: NDArray[np.uint8], begin: int, length: int, owner: int) -> Any:
    """(first 8 bytes, second 8 bytes, owner and length, hash) of word[begin : begin + length]."""
    first = second = tail = _NONE
    for chunk_at in range(0, length, 8):
        chunk, shift = _NONE, _NONE
        for i in range(begin + chunk_at, begin + min(chunk_at + 8, length)):
            chunk |= np.uint64(word[i]) << shift
            shift += _EIGHT
        if chunk_at == 0:
            first = chunk
        elif chunk_at == 8:
            second = chunk
        else:
            tail = _mixed(tail, chunk)
    label = (np.uint64(owner) << _HALF) | np.uint64(length)
    return first, second, label, _hash(first, second, label, tail)


@njit(nogil=True, cache=True)
def _look_up(
    word: NDArray[np.uint8],
    begin: int,
    length: int,
    first: Any,
    second: Any,
    label: Any,
    h: Any,
    slots: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    starts: NDArray[np.int64],
    letters: NDArray[np.uint8],
) -> Any:
    """(id of the word or UNKNOWN, the slot where it stands or would stand)."""
    mask = np.uint64(slots.size - 1)
    tag = h >> _HALF
    place = h & mask
    while True:
        slot = slots[place]
        if slot == _NONE:
            return UNKNOWN, place
        if slot >> _HALF == tag:
            known = np.int64(slot & _LOW) - 1
            if keys[known, 0] == first and keys[known, 1] == second and keys[known, 2] == label:
                same = True
                start = starts[known]
                for i in range(16, length):
                    if letters[start + i] != word[begin + i]:
                        same = False
                        break
                if same:
                    return known, place
        place = (place + _ONE) & mask


@njit(nogil=True, cache=True)
def _decode(data: NDArray[np.uint8], i: int) -> Any:
    """(code point at byte i of valid UTF-8, its bytes)."""
    lead = np.uint32(data[i])
    if lead < 0x80:
        return lead, 1
    if lead < 0xE0:
        return ((lead & np.uint32(0x1F)) << np.uint32(6)) | np.uint32(data[i + 1] & 0x3F), 2
    middle = np.uint32(data[i + 1] & 0x3F)
    if lead < 0xF0:
        code = ((lead & np.uint32(0xF)) << np.uint32(12)) | (middle << np.uint32(6))
        return code | np.uint32(data[i + 2] & 0x3F), 3
    code = ((lead & np.uint32(0x7)) << np.uint32(18)) | (middle << np.uint32(12))
    return code | (np.uint32(data[i + 2] & 0x3F) << np.uint32(6)) | np.uint32(data[i + 3] & 0x3F), 4


@njit(nogil=True, cache=True)
def _encode(code: Any, out: NDArray[np.uint8], at: int) -> int:
    """Write a code point to out[at:]; returns its bytes."""
    if code < 0x80:
        out[at] = code
        return 1
    if code < 0x800:
        out[at] = 0xC0 | (code >> np.uint32(6))
        out[at + 1] = 0x80 | (code & np.uint32(0x3F))
        return 2
    if code < 0x10000:
        out[at] = 0xE0 | (code >> np.uint32(12))
        out[at + 1] = 0x80 | ((code >> np.uint32(6)) & np.uint32(0x3F))
        out[at + 2] = 0x80 | (code & np.uint32(0x3F))
        return 3
    out[at] = 0xF0 | (code >> np.uint32(18))
    out[at + 1] = 0x80 | ((code >> np.uint32(12)) & np.uint32(0x3F))
    out[at + 2] = 0x80 | ((code >> np.uint32(6)) & np.uint32(0x3F))
    out[at + 3] = 0x80 | (code & np.uint32(0x3F))
    return 4


@njit(nogil=True, cache=True)
def find_words(
    data: NDArray[np.uint8],
    quick: NDArray[np.uint8],
    table: NDArray[np.uint32],
    owner: int,
    frozen: bool,
    folded: bool,
    slots: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    starts: NDArray[np.int64],
    letters: NDArray[np.uint8],
    out: NDArray[np.int32],
    missed: NDArray[np.uint8],
    ends: NDArray[np.int64],
    state: NDArray[np.int64],
) -> int:
    """Find the words of ``data`` by ``table``; write their ids and line ends to ``out``.

    A word is a maximal run of WORD code points, with single JOINERs between two of them. A word that the end of
    ``data`` may cut is left unread. data: valid UTF-8. quick: what ``table`` says of each byte, SPECIAL where the
    table must be asked. An unknown word is UNKNOWN in ``out``, its bytes lie in ``missed`` up to its place in ``ends``;
    where ``frozen`` it is left out. folded: NEEDS_FOLD says nothing more. state: READ (byte), WRITTEN, MISSED (words),
    USED (bytes of ``missed``), MET (words), CODE_POINT. FOLD: the data must be folded first. FILL: the table lacks
    CODE_POINT. TOO_LONG: state[READ] is where the word begins. out: as long as the data; missed: twice.
    """
    n = data.size
    i = state[READ]
    written, misses, used, met = state[WRITTEN], state[MISSED], state[USED], state[MET]
    status = DONE
    above = np.uint64(owner) << _HALF
    while i < n:
        letter = quick[data[i]]
        if letter == SEPARATOR:
            i += 1
            continue
        if letter == LINE_FEED:
            out[written] = LINE_END
            written += 1
            i += 1
            continue
        begin = i
        length = 0
        chunk = first = second = tail = _NONE
        shift = _NONE
        closed = False
        while i < n:
            if letter > LINE_FEED:
                chunk |= np.uint64(letter) << shift
                missed[used + length] = letter
                length += 1
                shift += _EIGHT
                i += 1
                if shift == _WHOLE:
                    if length == 8:
                        first = chunk
                    elif length == 16:
                        second = chunk
                    else:
                        tail = _mixed(tail, chunk)
                    chunk = shift = _NONE
                if i < n:
                    letter = quick[data[i]]
                continue
            if letter != SPECIAL:
                closed = True
                break
            code, width = _decode(data, i)
            entry = table[code]
            if entry & JOINER != 0 and length > 0:
                if i + width == n:
                    break
                after, _ = _decode(data, i + width)
                ahead = table[after]
                if ahead & UNFILLED != 0:
                    code, entry = after, ahead
                else:
                    entry |= ahead & WORD
            if entry & UNFILLED != 0:
                state[CODE_POINT] = code
                status = FILL
                break
            if entry & NEEDS_FOLD != 0 and not folded:
                status = FOLD
                break
            if entry & WORD == 0:
                closed = True
                break
            size = _encode(entry & CODE, missed, used + length)
            for at in range(used + length, used + length + size):
                chunk |= np.uint64(missed[at]) << shift
                length += 1
                shift += _EIGHT
                if shift == _WHOLE:
                    if length == 8:
                        first = chunk
                    elif length == 16:
                        second = chunk
                    else:
                        tail = _mixed(tail, chunk)
                    chunk = shift = _NONE
            i += width
            if i < n:
                letter = quick[data[i]]
        if status != DONE:
            i = begin
            break
        if length > _LONGEST:
            i = begin
            status = TOO_LONG
            break
        if not closed:
            i = begin
            break
        if length == 0:
            i += _decode(data, i)[1]  # what no word begins with
            continue
        if shift != _NONE:
            if length < 8:
                first = chunk
            elif length < 16:
                second = chunk
            else:
                tail = _mixed(tail, chunk)
        label = above | np.uint64(length)
        h = _hash(first, second, label, tail)
        known, _ = _look_up(missed, used, length, first, second, label, h, slots, keys, starts, letters)
        met += 1
        if known >= 0:
            out[written] = known
            written += 1
        elif not frozen:
            out[written] = UNKNOWN
            written += 1
            used += length
            ends[misses] = used
            misses += 1
    state[READ] = i
    state[WRITTEN], state[MISSED], state[USED], state[MET] = written, misses, used, met
    return status


@njit(nogil=True, cache=True)
def enter_words(
    out: NDArray[np.int32],
    missed: NDArray[np.uint8],
    ends: NDArray[np.int64],
    owners: NDArray[np.int32],
    frozen: bool,
    slots: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    starts: NDArray[np.int64],
    letters: NDArray[np.uint8],
    counts: NDArray[np.int64],
    at: NDArray[np.int64],
    types: NDArray[np.int64],
) -> int:
    """Count the known ids of ``out``; give every UNKNOWN one the id of its word, a new one where needed.

    The words are missed[ends[n - 1] : ends[n]], in order, with one owner each or one for all. Where ``frozen`` nothing
    is new, and what is unknown stays so. at: int64[2], the place in ``out`` and the word. types: TYPES, LETTERS in use.
    """
    place, n = at[0], at[1]
    status = DONE
    while place < out.size:
        known = out[place]
        if known == UNKNOWN:
            begin = 0 if n == 0 else ends[n - 1]
            length = ends[n] - begin
            owner = owners[n if owners.size > 1 else 0]
            first, second, label, h = _digest(missed, begin, length, owner)
            found, slot = _look_up(
                missed, begin, length, first, second, label, h, slots, keys, starts, letters
            )
            if found == UNKNOWN and not frozen:
                new, used = types[TYPES], types[LETTERS]
                if 2 * (new + 1) > slots.size or new >= hashes.size or used + length > letters.size:
                    status = GROW
                    break
                for i in range(length):
                    letters[used + i] = missed[begin + i]
                slots[slot] = ((h >> _HALF) << _HALF) | np.uint64(new + 1)
                hashes[new] = h
                keys[new, 0], keys[new, 1], keys[new, 2] = first, second, label
                starts[new + 1] = used + length
                types[TYPES] = new + 1
                types[LETTERS] = used + length
                found = new
            known = found
            out[place] = known
            n += 1
        if known >= 0:
            counts[known] += 1
        place += 1
    at[0], at[1] = place, n
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
