"""Character n-grams of a word list, as hashes of code points."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(nogil=True, cache=True)
def count_grams(offsets: NDArray[np.int64], shortest: int, longest: int) -> int:
    """How many n-grams ``hash_grams`` would write, the whole bracketed word left out."""
    total = 0
    for w in range(len(offsets) - 1):
        length = offsets[w + 1] - offsets[w]
        for n in range(shortest, min(longest, length - 1) + 1):
            total += length - n + 1
    return total


@nb.njit(nogil=True, cache=True)
def hash_grams(
    codes: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    shortest: int,
    longest: int,
    hashes: NDArray[np.uint64],
    word: NDArray[np.int32],
    start: NDArray[np.int64],
    length: NDArray[np.int8],
) -> None:
    """Write every n-gram of every word: a 64-bit hash, the word's row, its place in ``codes``, its length.

    codes: uint32, the bracketed words' code points one after another; offsets: int64[words + 1]. An n-gram that is
    the whole bracketed word is left out: the word has a row of its own.
    """
    at = 0
    for w in range(len(offsets) - 1):
        low, high = offsets[w], offsets[w + 1]
        for begin in range(low, high):
            value = np.uint64(0xCBF29CE484222325)
            for n in range(1, min(longest, high - begin) + 1):
                value ^= np.uint64(codes[begin + n - 1])
                value *= np.uint64(0x9E3779B97F4A7C15)
                value ^= value >> np.uint64(29)
                if n >= shortest and n < high - low:
                    mixed = (value ^ np.uint64(n)) * np.uint64(0xBF58476D1CE4E5B9)
                    hashes[at] = mixed ^ (mixed >> np.uint64(32))
                    word[at] = w
                    start[at] = begin
                    length[at] = n
                    at += 1
