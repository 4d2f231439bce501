"""Counting n-grams of orders 1 … N: level by level, each level sorted runs that spill, then a trie of flat arrays.

An n-gram is (the number of its first n - 1 words, its last word): 64 bits whatever n is. All sums are integers, so
buffers, spills and threads change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from morphvec.counts.spill import Run, RunStore
from morphvec.engine.base import Engine, even_blocks
from morphvec.errors import BudgetError, OptionError
from morphvec.kernels.runs import combine_events, radix_sort, row_lengths
from morphvec.kernels.sequences import count_left_words, emit_grams, locate_grams
from morphvec.lm.base import LmVocabulary, Stream
from morphvec.report import SILENT, Reporter

MOST_ORDER = 16
_EVENT_BYTES = 32
_MOST_EVENTS = 1 << 22  # in a buffer; two sorted buffers of this size cost little to merge
_LEAST_EVENTS = 1 << 12
_MOST_NODES = 2**31 - 1
_NODE_BYTES = 40  # an n-gram from its runs to its tables, at most


@dataclass(frozen=True, eq=False)
class NgramCounts:
    """The n-grams of a text with their counts, as a trie (see ``kernels.sequences``).

    words: int32[M], the last id of every n-gram. begin: int64[C + 1], the children of the n-grams of all levels but the
    last. counts: int32[M]. left: int32[C], how many distinct words stand before an n-gram; 0 where it begins with <s>.
    levels: int64[N + 1]: the (n + 1)-grams are levels[n] : levels[n + 1].
    """

    vocabulary: LmVocabulary
    words: NDArray[np.int32]
    begin: NDArray[np.int64]
    counts: NDArray[np.int32]
    left: NDArray[np.int32]
    levels: NDArray[np.int64]

    @property
    def order(self) -> int:
        """N: at most what was asked for, and no longer than the longest sentence with its marks."""
        return len(self.levels) - 1

    def adjusted(self, level: int, order: int) -> NDArray[np.int32]:
        """int32: the counts that Kneser–Ney smoothing of this order uses at a level (from 1).

        Raw counts at the level ``order``; below it the number of distinct words before the n-gram, and raw counts
        for n-grams that begin with <s>, before which nothing can stand.
        """
        low, high = self.levels[level - 1], self.levels[level]
        if level == order:
            return self.counts[low:high]
        left = self.left[low:high]
        return np.where(left > 0, left, self.counts[low:high])


def check_order(order: int) -> None:
    """Raise OptionError for an order that no model has."""
    if not 1 <= order <= MOST_ORDER:
        raise OptionError(
            f"order={order}", f"an n-gram model has an order from 1 to {MOST_ORDER}", "choose another --order"
        )


def count_ngrams(
    stream: Stream,
    order: int,
    *,
    engine: Engine,
    folder: Path,
    memory: int,
    reporter: Reporter = SILENT,
) -> NgramCounts:
    """Count the n-grams of a stream; orders that no sentence reaches are left out.

    folder: scratch space for spilled runs. memory: bytes for buffers, runs and the trie. Raises OptionError for an
    order out of range, BudgetError where the trie does not fit.
    """
    check_order(order)
    ids = stream.ids
    if len(ids) > _MOST_NODES:
        raise _too_large(f"{len(ids):,} ids")
    size = stream.vocabulary.predicted + 1
    counter = _Counter(stream, size, engine, folder, memory)
    words = [np.arange(size, dtype=np.int32)]
    counts = [_of_words(ids, size)]
    begins: list[NDArray[np.int64]] = []
    left: list[NDArray[np.int32]] = []
    at = np.array(ids, np.int32)
    found = np.empty_like(at)
    nodes = size
    for length in range(2, order + 1):
        with reporter.stage(f"{length}-grams", len(ids), "tokens") as progress:
            level_words, level_counts, begin = counter.level(at, length, len(words[-1]), nodes)
            progress.advance(len(ids), f"{len(level_words):,} different")
            if not len(level_words):
                break
            counter.locate(at, length, level_words, begin, found)
        before = np.zeros(len(words[-1]), np.int32)
        count_left_words(at, found, np.zeros(len(level_words), np.bool_), before)
        left.append(before)
        begins.append(begin[:-1] + nodes)
        nodes += len(level_words)
        words.append(level_words)
        counts.append(level_counts)
        at, found = found, at
    if len(words) < order:
        reporter.warn(
            f"order {order}: no sentence has {len(words) + 1} tokens, </s> and <s> included; the order is {len(words)}"
        )
    return NgramCounts(
        vocabulary=stream.vocabulary,
        words=_joined(words),
        begin=np.concatenate([*begins, np.array([nodes], np.int64)]),
        counts=_joined(counts),
        left=np.concatenate([*left, np.zeros(0, np.int32)]),
        levels=np.cumsum([0, *(len(part) for part in begins), nodes - sum(map(len, begins))]).astype(
            np.int64
        ),
    )


def _of_words(ids: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    total = np.zeros(size, np.int64)
    for low, high in even_blocks(len(ids), _MOST_EVENTS):
        total += np.bincount(ids[low:high], minlength=size)
    return total.astype(np.int32)


def _joined(parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    """One array; each part is let go as soon as it is copied."""
    whole = np.empty(sum(map(len, parts)), np.int32)
    head = len(whole)
    while parts:
        part = parts.pop()
        head -= len(part)
        whole[head : head + len(part)] = part
    return whole


def _too_large(value: str) -> BudgetError:
    return BudgetError(
        value, f"at most {_MOST_NODES:,} fit", "give less text, a lower --order or a smaller --vocab-size"
    )


@dataclass(frozen=True, eq=False)
class _Counter:
    """One level at a time; sizes of buffers follow from the memory alone."""

    stream: Stream
    size: int
    engine: Engine
    folder: Path
    memory: int

    def level(
        self, at: NDArray[np.int32], length: int, parents: int, nodes: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
        """The words, counts and (parents + 1) beginnings of the n-grams of a length."""
        runs = self._runs(at, length, parents)
        made = sum(len(keys) for keys, _ in runs)
        total = nodes + made
        if total > _MOST_NODES:
            raise _too_large(f"{total:,} n-grams")
        needed = (
            total * 16 + made * 16 + 8 * len(self.stream.ids)
        )  # the trie, the runs, two places a position
        if needed > self.memory:
            raise BudgetError(
                f"{total:,} n-grams of up to {length} words need {needed / 1e9:.2f} GB",
                f"--memory allows {self.memory / 1e9:.2f} GB",
                "raise --memory, or lower --order or --vocab-size",
            )
        word_bits = self._word_bits
        words, counts = np.empty(made, np.int32), np.empty(made, np.int32)
        lengths = np.zeros(parents, np.int64)
        head = 0
        for place, (keys, sums) in enumerate(runs):
            row_lengths(keys, word_bits, False, lengths)
            words[head : head + len(keys)] = keys & np.uint64((1 << word_bits) - 1)
            counts[head : head + len(keys)] = sums
            head += len(keys)
            runs[place] = (keys[:0], sums[:0])
        return words, counts, np.concatenate([[0], np.cumsum(lengths)])

    @property
    def _word_bits(self) -> int:
        return max(1, (self.size - 1).bit_length())

    def _runs(self, at: NDArray[np.int32], length: int, parents: int) -> list[Run]:
        """Emit, sort and sum every shard of positions; the merged runs in key order."""
        ids, end, word_bits = self.stream.ids, self.stream.vocabulary.end, self._word_bits
        key_bits = word_bits + max(1, (parents - 1).bit_length())
        step = max(_LEAST_EVENTS, min(_MOST_EVENTS, self.memory // 4 // self.engine.threads // _EVENT_BYTES))
        store = RunStore(self.folder, self.memory // 4)
        one = np.ones(1, np.int64)

        def shard(block: tuple[int, int]) -> None:
            events = np.empty(block[1] - block[0], np.uint64)
            size = emit_grams(ids, at, *block, length, end, word_bits, events)
            spare = np.empty(size, np.uint64)
            if radix_sort(events, spare, size, 0, key_bits):
                events, spare = spare, events
            sums = np.empty(size, np.int64)
            kept = combine_events(events, size, 0, one, spare[:size], sums)
            store.add(spare[:kept], sums[:kept])

        self.engine.map(shard, even_blocks(len(ids), step))
        return store.merge_all(self.engine)

    def locate(
        self,
        at: NDArray[np.int32],
        length: int,
        words: NDArray[np.int32],
        begin: NDArray[np.int64],
        found: NDArray[np.int32],
    ) -> None:
        """found = the place in its level of the n-gram at every position."""
        ids, end = self.stream.ids, self.stream.vocabulary.end

        def part(block: tuple[int, int]) -> None:
            locate_grams(ids, at, *block, length, end, words, begin, found)

        self.engine.map(part, even_blocks(len(ids), _MOST_EVENTS))
