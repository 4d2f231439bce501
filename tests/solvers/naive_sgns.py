"""Slow twins of skip-gram with negative sampling, written from the formulas, draw by draw."""

from __future__ import annotations

import numpy as np

MASK = (1 << 64) - 1


def mix(key, n):
    """The n-th number of the SplitMix64 stream ``key``, with Python's integers."""
    z = (int(key) + (int(n) + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def kept_lines(ids, keep, key):
    """The lines as lists of (position, word), without the tokens that subsampling drops."""
    lines, here = [], []
    for position, word in enumerate(ids):
        if word < 0:
            lines.append(here)
            here = []
        elif (mix(mix(key, 0), position) >> 32) < int(keep[word]):
            here.append((position, int(word)))
    return [*lines, here]


def radius(key, position, reach):
    """1 plus how many of the further distances the draw reaches."""
    x = mix(mix(key, 1), position) >> 32
    return 1 + sum(x < int(chance) for chance in reach[1:])


def draw(key, n, table):
    """A draw from an alias table."""
    x = mix(key, n)
    cell = ((x >> 32) * len(table)) >> 32
    entry = int(table[cell])
    return entry & 0xFFFFFFFF if (x & 0xFFFFFFFF) >= entry >> 32 else cell


def events(ids, begin, end, keep, number, reach, noise, negatives, key):
    """(number of the word, number of the context, 1 or 0) of the centres in [begin, end), in the order of the text."""
    found = []
    for line in kept_lines(ids, keep, key):
        for place, (position, word) in enumerate(line):
            if not begin <= position < end:
                continue
            size, n = radius(key, position, reach), 0
            draws = mix(mix(key, 2), position)
            left, right = line[max(0, place - size) : place][::-1], line[place + 1 : place + 1 + size]
            for _, context in left + right:
                found.append((int(number[word]), int(number[context]), 1))
                for _ in range(negatives):
                    found.append((int(number[word]), draw(draws, n, noise), 0))
                    n += 1
    return found


def descend(found, grid, rate, U, S):
    """Move U and S [numbers, k] by events, tile by tile along the diagonals; up to four at once that share a word."""
    total = 0.0
    for stratum in range(grid):
        for i in range(grid):
            j = (i + stratum) % grid
            here = [event for event in found if event[0] % grid == i and event[1] % grid == j]
            while here:
                four = len(here) >= 4 and len({event[0] for event in here[:4]}) == 1
                group, here = here[: 4 if four else 1], here[4 if four else 1 :]
                u = U[group[0][0]].copy()
                errors = [a - 1 / (1 + np.exp(-u @ S[context])) for _, context, a in group]
                total += sum(np.logaddexp(0, (1 - 2 * a) * (u @ S[context])) for _, context, a in group)
                U[group[0][0]] += rate * sum(e * S[c] for e, (_, c, _) in zip(errors, group, strict=True))
                for e, (_, context, _) in zip(errors, group, strict=True):
                    S[context] += rate * e * u
    return total


def window_counts(ids, size, window):
    """n_wc of flat windows, int [T, T]."""
    counts = np.zeros((size, size), np.int64)
    for line in kept_lines(ids, np.full(size, 1 << 32, np.uint64), 0):
        words = [word for _, word in line]
        for i, word in enumerate(words):
            for context in words[max(0, i - window) : i] + words[i + 1 : i + 1 + window]:
                counts[word, context] += 1
    return counts
