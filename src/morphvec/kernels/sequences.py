"""n-grams of id sequences: counted level by level into a trie of sorted arrays, and looked up in it.

Nodes of the trie are n-grams, numbered level by level, inside a level in lexicographic order of their ids. Node g is
the word ``words[g]`` after its parent; the children of g are begin[g] : begin[g + 1]. The first level is dense: node
w is the word w. A stream is sentences end to end, each from its start mark to its end mark.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

OPEN, NUMBER, MAIN, ASIDE = 0, 1, 2, 3  # of the state of ``lay_sentences``


@nb.njit(nogil=True, cache=True)
def lay_sentences(
    raw: NDArray[np.int32],
    rows: NDArray[np.int32],
    end: int,
    start: int,
    every: int,
    main: NDArray[np.int32],
    aside: NDArray[np.int32],
    state: NDArray[np.int64],
) -> None:
    """Write rows[id] of a raw stream (-1 ends a line) with ``start`` and ``end`` around each line that has words.

    With every > 0 each every-th such line goes to ``aside``. main, aside: room for 2 ids a raw id. state: int64[4],
    carried over chunks: inside a line, sentences done, ids written to main and to aside (set to 0 by the caller).
    """
    for i in range(raw.size):
        out, head = main, MAIN
        if every > 0 and state[NUMBER] % every == every - 1:
            out, head = aside, ASIDE
        if raw[i] == -1:
            if state[OPEN] == 1:
                out[state[head]] = end
                state[head] += 1
                state[OPEN] = 0
                state[NUMBER] += 1
            continue
        if state[OPEN] == 0:
            out[state[head]] = start
            state[head] += 1
            state[OPEN] = 1
        out[state[head]] = rows[raw[i]]
        state[head] += 1


@nb.njit(nogil=True, cache=True)
def emit_grams(
    ids: NDArray[np.int32],
    at: NDArray[np.int32],
    low: int,
    high: int,
    length: int,
    end: int,
    word_bits: int,
    events: NDArray[np.uint64],
) -> int:
    """Write (node of the first length - 1 ids, last id) of every n-gram that begins at low ≤ i < high.

    at: int32, the place within its level of the (length - 1)-gram at each position, -1 where there is none. Returns
    the number of events.
    """
    size = 0
    for i in range(low, high):
        if at[i] >= 0 and ids[i + length - 2] != end:
            events[size] = (np.uint64(at[i]) << np.uint64(word_bits)) | np.uint64(ids[i + length - 1])
            size += 1
    return size


@nb.njit(nogil=True, cache=True)
def find_child(words: NDArray[np.int32], low: int, high: int, word: int) -> int:
    """The place of ``word`` in the sorted words[low:high], or -1."""
    last = high
    while low < high:
        middle = (low + high) >> 1
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    if low < last and words[low] == word:
        return low
    return -1


@nb.njit(nogil=True, cache=True)
def locate_grams(
    ids: NDArray[np.int32],
    at: NDArray[np.int32],
    low: int,
    high: int,
    length: int,
    end: int,
    words: NDArray[np.int32],
    begin: NDArray[np.int64],
    found: NDArray[np.int32],
) -> None:
    """found[i] = the place of the n-gram at i within its level (-1: none), for low ≤ i < high.

    words, begin: the level's own words, and where in them the children of each node of the level before begin.
    """
    for i in range(low, high):
        node = at[i]
        found[i] = -1
        if node >= 0 and ids[i + length - 2] != end:
            found[i] = find_child(words, begin[node], begin[node + 1], ids[i + length - 1])


@nb.njit(nogil=True, cache=True)
def count_left_words(
    at: NDArray[np.int32], found: NDArray[np.int32], seen: NDArray[np.bool_], left: NDArray[np.int32]
) -> None:
    """Add to left[g] the number of distinct words that stand before the n-gram g.

    found: the (n + 1)-grams by position, at: the n-grams; the n-gram that ends an (n + 1)-gram begins one later.
    seen: all False, one for each (n + 1)-gram.
    """
    for i in range(found.size - 1):
        longer = found[i]
        if longer >= 0 and not seen[longer]:
            seen[longer] = True
            left[at[i + 1]] += 1


@nb.njit(nogil=True, cache=True)
def follow_suffixes(
    low: int,
    high: int,
    words: NDArray[np.int32],
    begin: NDArray[np.int64],
    above: NDArray[np.int32],
    above_first: int,
    here: NDArray[np.int32],
    here_first: int,
) -> None:
    """here[child - here_first] = the node of the child's n-gram without its first word, for the children of low : high.

    above[node - above_first]: the same for the nodes of the level before; empty where that level is the first.
    """
    for node in range(low, high):
        if above.size == 0:
            for child in range(begin[node], begin[node + 1]):
                here[child - here_first] = words[child]
            continue
        suffix = above[node - above_first]
        place, stop = begin[suffix], begin[suffix + 1]
        for child in range(begin[node], begin[node + 1]):
            place = find_child(words, place, stop, words[child])
            here[child - here_first] = place


@nb.njit(nogil=True, cache=True)
def interpolate_level(
    low: int,
    high: int,
    begin: NDArray[np.int64],
    values: NDArray[np.int32],
    values_first: int,
    discounts: NDArray[np.float64],
    trust: NDArray[np.float64],
    suffixes: NDArray[np.int32],
    shorter: NDArray[np.float64],
    p: NDArray[np.float64],
    backoff: NDArray[np.float64],
) -> None:
    """Probabilities of the children of the contexts low : high, and the back-off weights of these.

    p(w|h) = l (v - D_v) / Σv + γ p(w|h'),  γ(h) = (1 - l) + l ΣD_v / Σv.
    values: of the level's n-grams, their first at values_first. discounts: D of v = 0, 1, 2 and 3 or more. trust: l by
    the bits of Σv. suffixes: node of h'w. shorter: p of the shorter n-grams by node. A childless h backs off whole: 1.
    """
    for node in range(low, high):
        total = np.int64(0)
        cut = 0.0
        for child in range(begin[node], begin[node + 1]):
            value = values[child - values_first]
            total += value
            cut += discounts[min(value, 3)]
        if total == 0:
            backoff[node] = 1.0
            continue
        sure = trust[bits_of(total)]
        weight = (1.0 - sure) + sure * cut / total
        backoff[node] = weight
        for child in range(begin[node], begin[node + 1]):
            value = values[child - values_first]
            here = sure * (value - discounts[min(value, 3)]) / total
            p[child] = here + weight * shorter[suffixes[child - values_first]]


@nb.njit(nogil=True, cache=True)
def bits_of(total: int) -> int:
    """The number of bits of a positive integer: the power-of-two class of a count."""
    bits = 0
    while total > 0:
        total >>= 1
        bits += 1
    return bits


@nb.njit(nogil=True, cache=True)
def add_level(
    low: int,
    high: int,
    begin: NDArray[np.int64],
    counts: NDArray[np.int32],
    added: float,
    size: int,
    p: NDArray[np.float64],
    backoff: NDArray[np.float64],
) -> None:
    """p(w|h) = (c + k) / (c(h) + kV) of seen words; backoff(h) = kV / (c(h) + kV), the share of 1 / V of any other."""
    for node in range(low, high):
        total = 0.0
        for child in range(begin[node], begin[node + 1]):
            total += counts[child]
        backoff[node] = added * size / (total + added * size)
        for child in range(begin[node], begin[node + 1]):
            p[child] = (counts[child] + added) / (total + added * size)


@nb.njit(nogil=True, cache=True)
def child_sums(begin: NDArray[np.int64], values: NDArray[np.int32], sums: NDArray[np.int64]) -> None:
    """sums[g] = the sum of the values of the children of g."""
    for node in range(sums.size):
        total = np.int64(0)
        for child in range(begin[node], begin[node + 1]):
            total += values[child]
        sums[node] = total


@nb.njit(nogil=True, cache=True)
def score_stream(
    ids: NDArray[np.int32],
    start: int,
    words: NDArray[np.int32],
    begin: NDArray[np.int64],
    logprob: NDArray[np.float64],
    backoff: NDArray[np.float64],
    order: int,
    chain: bool,
    uniform: float,
    out: NDArray[np.float64],
) -> None:
    """out = the logarithm (base as the tables') of the probability of every id of a stream but ``start``, in order.

    chain: a word unseen after its history is looked up after the next shorter one, times the back-off weight; else it
    has ``uniform`` times the weight of its longest history, and ``uniform`` after one that was never met.
    """
    nodes = np.full(max(order, 1), -1, np.int64)  # nodes[k]: the n-gram of the last k + 1 words
    known = 0  # words of history in this sentence, at most order - 1
    size = 0
    for i in range(ids.size):
        word = ids[i]
        if word == start:
            nodes[:] = -1
            nodes[0] = word
            known = min(1, order - 1)
            continue
        value = 0.0
        open_ = True
        for k in range(known, 0, -1):
            context = nodes[k - 1]
            child = -1
            if context >= 0:
                child = find_child(words, begin[context], begin[context + 1], word)
            if open_:
                if child >= 0:
                    value += logprob[child]
                    open_ = False
                elif not chain:
                    value = uniform + (backoff[context] if context >= 0 else 0.0)
                    open_ = False
                elif context >= 0:
                    value += backoff[context]
            nodes[k] = child
        if open_:
            value += logprob[word]
        nodes[0] = word
        known = min(known + 1, order - 1)
        out[size] = value
        size += 1


@nb.njit(nogil=True, cache=True)
def trace_stream(
    ids: NDArray[np.int32],
    start: int,
    words: NDArray[np.int32],
    begin: NDArray[np.int64],
    counts: NDArray[np.int32],
    sums: NDArray[np.int64],
    order: int,
    shares: NDArray[np.float64],
    classes: NDArray[np.int8],
) -> None:
    """The maximum-likelihood share of every predicted id after its histories of 1 … order - 1 words.

    shares[t, k] = c(hw) / c(h) for the k last words h, k ≥ 1; classes[t, k] = bits of c(h), 0 where h was never met
    with a word after it. Column 0 is left alone.
    """
    nodes = np.full(max(order, 1), -1, np.int64)
    known = 0
    size = 0
    for i in range(ids.size):
        word = ids[i]
        if word == start:
            nodes[:] = -1
            nodes[0] = word
            known = min(1, order - 1)
            continue
        for k in range(known, 0, -1):
            context = nodes[k - 1]
            child = -1
            if context >= 0:
                child = find_child(words, begin[context], begin[context + 1], word)
                classes[size, k] = bits_of(sums[context])
                if child >= 0:
                    shares[size, k] = counts[child] / sums[context]
            nodes[k] = child
        nodes[0] = word
        known = min(known + 1, order - 1)
        size += 1


@nb.njit(nogil=True, cache=True)
def descend(
    grams: NDArray[np.int32],
    length: int,
    words: NDArray[np.int32],
    begin: NDArray[np.int64],
    nodes: NDArray[np.int64],
) -> None:
    """nodes[i] = the node of the first ``length`` ids of row i of int32[m, n], -1 where the trie lacks it."""
    for i in range(grams.shape[0]):
        node = np.int64(grams[i, 0])
        for j in range(1, length):
            if node >= 0:
                node = find_child(words, begin[node], begin[node + 1], grams[i, j])
        nodes[i] = node
